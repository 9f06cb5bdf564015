package labhost

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Options say what an sshd is like.
type Options struct {
	// Dir holds its key and its configuration; a temporary folder when empty.
	Dir string
	// Listen are addresses of the loopback; 127.0.0.1 when empty. They share one port, a free one when Port is 0.
	Listen []string
	Port   int
	// HostKey is the path of a private host key; made in Dir when empty and not there yet.
	HostKey string
	// AuthorizedKey is the public key that may log in as the user who runs the test.
	AuthorizedKey string
	// Bin comes first in the PATH of commands.
	Bin string
	// Env is the environment of commands, on top of a HOME in Dir and a plain PATH.
	Env map[string]string
	// Config are lines of sshd_config that win over the lab's own.
	Config []string
}

// SSHD is a real sshd with one host key. It ends with the test.
type SSHD struct {
	Listen  []string
	Port    int
	HostKey string // "TYPE BASE64"
	KeyFile string // the private host key, for another machine that is to be the same
	User    string // who may log in
	Home    string // HOME of commands

	t      testing.TB
	path   string
	config string
	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
}

// StartSSHD starts an sshd and returns when it answers.
func StartSSHD(t testing.TB, o Options) *SSHD {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if len(o.Listen) == 0 {
		o.Listen = []string{"127.0.0.1"}
	}
	for _, address := range o.Listen {
		if err := onLoopback(address); err != nil {
			t.Fatal(err)
		}
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := &SSHD{t: t, Listen: o.Listen, path: Need(t, "sshd"), User: me.Username, Home: filepath.Join(o.Dir, "home")}
	s.keys(o)
	if os.Geteuid() == 0 {
		// The sshd of root separates privileges in an empty folder of this name.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(s.Stop)
	for try := range 5 {
		s.Port = o.Port
		if s.Port == 0 {
			s.Port = FreePort(t, o.Listen...)
		}
		s.configure(o)
		if err = s.Start(); err == nil {
			return s
		}
		if o.Port != 0 {
			break
		}
		t.Logf("sshd, try %d: %v", try+1, err)
	}
	t.Fatalf("sshd does not start: %v", err)
	return nil
}

func (s *SSHD) keys(o Options) {
	s.t.Helper()
	s.KeyFile = o.HostKey
	if s.KeyFile == "" {
		s.KeyFile = filepath.Join(o.Dir, "host_key")
	}
	if _, err := os.Stat(s.KeyFile); err != nil {
		s.HostKey = makeKey(s.t, s.KeyFile)
	} else {
		s.HostKey = readPublic(s.t, s.KeyFile+".pub")
	}
	if err := os.MkdirAll(s.Home, 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// configure writes sshd_config. Of every word the first value wins.
func (s *SSHD) configure(o Options) {
	s.t.Helper()
	dir := filepath.Dir(s.Home)
	authorized := filepath.Join(dir, "authorized_keys")
	env := map[string]string{hostEnv: s.Home, "HOME": s.Home, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	maps.Copy(env, o.Env)
	if o.Bin != "" {
		env["PATH"] = o.Bin + ":" + env["PATH"]
	}
	var set []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		set = append(set, strconv.Quote(name+"="+env[name]))
	}
	lines := slices.Clone(o.Config)
	for _, address := range o.Listen {
		lines = append(lines, "ListenAddress "+net.JoinHostPort(address, strconv.Itoa(s.Port)))
	}
	lines = append(lines, "HostKey "+s.KeyFile, "AuthorizedKeysFile "+authorized, "SetEnv "+strings.Join(set, " "),
		"PidFile none", "StrictModes no", "UsePAM no", "UseDNS no", "PermitRootLogin prohibit-password", "PasswordAuthentication no",
		"KbdInteractiveAuthentication no", "PrintMotd no", "PrintLastLog no", "MaxStartups 200", "MaxSessions 100", "LogLevel VERBOSE")
	if exec.Command(s.path, "-t", "-o", "PerSourcePenalties=no", "-h", s.KeyFile, "-f", os.DevNull).Run() == nil {
		lines = append(lines, "PerSourcePenalties no") // newer versions turn away whoever fails often, as tests do
	}
	s.config = filepath.Join(dir, "sshd_config")
	for path, text := range map[string]string{s.config: strings.Join(lines, "\n") + "\n", authorized: o.AuthorizedKey + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Start starts the sshd again after Stop, at the same port and with the same key.
func (s *SSHD) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	cmd := exec.Command(s.path, "-D", "-e", "-f", s.config)
	// A file and no pipe: what an sshd leaves behind may hold it for as long as it likes.
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	s.cmd, s.exited = cmd, exited
	for _, address := range s.Listen {
		if err := answers(net.JoinHostPort(address, strconv.Itoa(s.Port)), exited); err != nil {
			end(cmd, exited)
			s.cmd = nil
			return fmt.Errorf("%w: %s", err, s.Log())
		}
	}
	return nil
}

// answers waits until something at the address introduces itself as ssh.
func answers(address string, exited <-chan struct{}) error {
	var err error
	for range 500 {
		select {
		case <-exited:
			return fmt.Errorf("it has ended")
		default:
		}
		var c net.Conn
		if c, err = net.DialTimeout("tcp", address, time.Second); err == nil {
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			line, e := bufio.NewReader(c).ReadString('\n')
			c.Close()
			if e == nil && strings.HasPrefix(line, "SSH-2.0-") {
				return nil
			}
			err = fmt.Errorf("it said %q: %v", line, e)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// Stop ends the sshd and, as a power cut would, every connection and command of it.
func (s *SSHD) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	end(s.cmd, s.exited)
	s.cmd = nil
	killAll(marked(hostEnv + "=" + s.Home))
}

// CutConnections ends every connection and command, and lets the sshd listen on.
func (s *SSHD) CutConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		killAll(descendants(s.cmd.Process.Pid))
	}
}

// Log is what the sshd said.
func (s *SSHD) Log() string {
	b, _ := os.ReadFile(s.logFile())
	return string(b)
}

func (s *SSHD) logFile() string { return filepath.Join(filepath.Dir(s.Home), "sshd.log") }

func end(cmd *exec.Cmd, exited <-chan struct{}) {
	pid := cmd.Process.Pid
	// Stopped first, it starts nothing while its children are counted.
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	children := descendants(pid)
	_ = cmd.Process.Kill()
	killAll(children)
	<-exited
}

func killAll(pids []int) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// hostEnv marks every command of an sshd, and what it leaves behind, in its environment.
const hostEnv = "LIFEBOAT_LAB_HOST"

// marked finds the processes that bear the mark: what outlived its connection.
func marked(mark string) []int {
	var out []int
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil || !slices.Contains(strings.Split(string(b), "\x00"), mark) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			out = append(out, pid)
		}
	}
	return out
}

// descendants reads the children of a process, and theirs, from /proc.
func descendants(pid int) []int {
	parents := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		b, err := os.ReadFile(stat)
		if err != nil {
			continue
		}
		// The name in the second field may hold anything; the fields after its last parenthesis do not.
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if err != nil || len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(string(fields[1])); err == nil {
			parents[parent] = append(parents[parent], child)
		}
	}
	var out []int
	for queue := []int{pid}; len(queue) > 0; queue = queue[1:] {
		out = append(out, parents[queue[0]]...)
		queue = append(queue, parents[queue[0]]...)
	}
	return out
}
