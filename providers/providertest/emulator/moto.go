package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// ErrNoMoto says that moto_server is not on the PATH. Tests skip by its words, or fail where CI is set.
var ErrNoMoto = errors.New("moto_server is not on the PATH (pip install 'moto[server]==5.2.1')")

// moto is a child process that is ended by its process, never by its name.
type moto struct {
	url    string
	client *http.Client
	tail   *tail
	quit   chan struct{}
	ended  chan error
}

// motoUp is how long moto may take to answer.
const motoUp = 30 * time.Second

func startMoto(ctx context.Context) (*moto, error) {
	path, err := exec.LookPath("moto_server")
	if err != nil {
		return nil, ErrNoMoto
	}
	var last error
	for range 3 { // between finding a free port and taking it another process may take it
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		m := &moto{
			url: "http://127.0.0.1:" + port, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}},
			tail: &tail{}, quit: make(chan struct{}), ended: make(chan error, 1),
		}
		if last = m.run(ctx, path, port); last == nil {
			return m, nil
		}
	}
	return nil, last
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

func (m *moto) run(ctx context.Context, path, port string) error {
	started := make(chan error, 1)
	go m.live(path, port, started)
	if err := <-started; err != nil {
		return fmt.Errorf("start moto_server: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, motoUp)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url+"/moto-api/data.json", nil)
		if err != nil {
			return err
		}
		if resp, err := m.client.Do(req); err == nil {
			return resp.Body.Close()
		}
		select {
		case <-ctx.Done():
			m.close()
			return fmt.Errorf("moto_server does not answer: %w\n%s", ctx.Err(), m.tail)
		case err := <-m.ended:
			return fmt.Errorf("moto_server ended: %w\n%s", err, m.tail)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// live owns the child from start to end. It stays on one thread, because on Linux the child is told to end when the
// thread that started it ends: so a test that panics leaves nothing behind.
func (m *moto) live(path, port string, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command(path, "-H", "127.0.0.1", "-p", port)
	cmd.Env = append(os.Environ(), "MOTO_ENABLE_AMI_VALIDATION=1", "MOTO_ENABLE_KEYPAIR_VALIDATION=1", "MOTO_EC2_LOAD_DEFAULT_AMIS=false")
	cmd.Stdout, cmd.Stderr = m.tail, m.tail
	cmd.SysProcAttr = childAttr()
	err := cmd.Start()
	started <- err
	if err != nil {
		return
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		m.ended <- fmt.Errorf("by itself: %w", errors.Join(err, errors.New("it should have gone on")))
	case <-m.quit:
		err := cmd.Process.Kill()
		<-done
		m.ended <- err
	}
}

func (m *moto) close() {
	close(m.quit)
	<-m.ended
	m.client.CloseIdleConnections()
}

// query sends one call of the query protocol, as a client of the region would.
func (m *moto) query(service, region string, form url.Values) (int, []byte, error) {
	return m.send(http.MethodPost, "/", service, region, "application/x-www-form-urlencoded; charset=utf-8", []byte(form.Encode()))
}

func (m *moto) send(method, path, service, region, kind string, body []byte) (int, []byte, error) {
	req, err := http.NewRequest(method, m.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=EMULATOR/20200101/"+region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := m.client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask moto: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // the answer is read: nothing of it can be lost
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

// tail keeps the end of what moto prints, for the error when it fails.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailSize = 4096

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if over := len(t.b) - tailSize; over > 0 {
		t.b = t.b[over:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.b))
}
