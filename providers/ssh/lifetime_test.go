package ssh_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/providertest/labhost"
	"lifeboat/providers/ssh"
	"lifeboat/runbook"
)

func (l *lab) logins() int { return strings.Count(l.Log(), "Accepted publickey") }

// eventually waits for what other processes do in their own time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("it never came true: %s", what)
}

// TestOneLogin: commands share a connection, another identity of the machine does not get it.
func TestOneLogin(t *testing.T) {
	l := newLab(t)
	s := l.shell(t, func(o *ssh.Options) {
		o.Estate.HostKeys = map[string][]string{"127.0.0.1": {l.HostKey}, "i-0aaa": {l.HostKey}}
	})
	for range 4 {
		run(t, s, "true")
	}
	if n := l.logins(); n != 1 {
		t.Errorf("%d logins for four commands", n)
	}
	if _, err := s.Run(t.Context(), providers.Host{Address: "127.0.0.1", ID: "i-0aaa"}, providers.Command{Argv: []string{"true"}}); err != nil {
		t.Fatal(err)
	}
	if n := l.logins(); n != 2 {
		t.Errorf("%d logins, want one more for the machine with a name", n)
	}
	// Another process of the run finds the connection.
	again := l.shell(t)
	run(t, again, "true")
	if n := l.logins(); n != 2 {
		t.Errorf("%d logins after another shell in the same folder", n)
	}
}

// TestMasterKilled: a socket that nobody listens on is in nobody's way.
func TestMasterKilled(t *testing.T) {
	l := newLab(t)
	s := l.shell(t)
	run(t, s, "true")
	sockets, _ := filepath.Glob(filepath.Join(l.dir, "ssh", "c-*"))
	if len(sockets) != 1 {
		t.Fatalf("sockets: %q", sockets)
	}
	out, err := exec.Command(labhost.Need(t, "ssh"), "-F", "none", "-O", "check", "-S", sockets[0], "x").CombinedOutput()
	m := regexp.MustCompile(`pid=(\d+)`).FindSubmatch(out)
	if err != nil || m == nil {
		t.Fatalf("%v: %s", err, out)
	}
	pid, _ := strconv.Atoi(string(m[1]))
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the master is dead", func() bool {
		c, err := net.Dial("unix", sockets[0])
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	run(t, s, "true")
	run(t, s, "true")
	if n := l.logins(); n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
	s.Close()
	if left, _ := filepath.Glob(filepath.Join(l.dir, "ssh", "c-*")); len(left) != 0 {
		t.Errorf("left after Close: %q", left)
	}
	_, err = s.Run(t.Context(), here, providers.Command{Argv: []string{"true"}})
	kind(t, err, providers.Invalid)
}

// TestNeverReady: somebody who takes the connection and says nothing costs a deadline, and nothing has run.
func TestNeverReady(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	labhost.Need(t, "ssh")
	_, public := labhost.Keypair(t, t.TempDir())
	s := ssh.New(ssh.Options{
		Dir: t.TempDir(), Clock: runbook.ClockSpec{Wall: time.Now(), World: time.Now(), Speed: 100}.Clock(),
		Estate: runbook.SSH{Config: "none", Port: silent.Addr().(*net.TCPAddr).Port, HostKeys: map[string][]string{"127.0.0.1": {public}}},
	})
	defer s.Close()
	_, err = s.Run(t.Context(), here, providers.Command{Argv: []string{"true"}})
	if e := kind(t, err, providers.Unreachable); !strings.Contains(e.Detail, "not ready in time") {
		t.Errorf("got %v", e)
	}
}

// TestNothingIsLeft: however a command ends, no goroutine, no child and no open pipe stays.
func TestNothingIsLeft(t *testing.T) {
	l := newLab(t)
	s := l.shell(t)
	run(t, s, "true")
	files := func() int { n, _ := filepath.Glob("/proc/self/fd/*"); return len(n) }
	goroutines, open := runtime.NumGoroutine(), files()
	for i := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		for _, cmd := range []providers.Command{
			{Argv: []string{"sh", "-c", "sleep 30 & echo x"}},
			{Argv: []string{"sh", "-c", "echo x; sleep 30"}, Hang: 50 * time.Millisecond},
			{Argv: []string{"true"}, Stdin: strings.Repeat("unread", 100000)},
			{Argv: []string{"sh", "-c", fmt.Sprintf("echo %d; yes", i)}, Line: func(string, string) { cancel() }},
		} {
			_, _ = s.Run(ctx, here, cmd)
		}
		cancel()
	}
	eventually(t, "the goroutines of before", func() bool { return runtime.NumGoroutine() <= goroutines })
	eventually(t, "the open files of before", func() bool { return files() <= open })
	var ws syscall.WaitStatus
	if pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil); pid > 0 {
		t.Errorf("process %d was not waited for: %v", pid, err)
	}
}
