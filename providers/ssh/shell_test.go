package ssh_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/providertest/labhost"
	"lifeboat/providers/ssh"
	"lifeboat/runbook"
)

// lab is one sshd and what is needed to reach it.
type lab struct {
	*labhost.SSHD
	identity, public string
	dir              string
}

func newLab(t *testing.T) *lab {
	t.Helper()
	private, public := labhost.Keypair(t, t.TempDir())
	return &lab{SSHD: labhost.StartSSHD(t, labhost.Options{AuthorizedKey: public}), identity: private, public: public, dir: t.TempDir()}
}

func (l *lab) estate() runbook.SSH {
	return runbook.SSH{User: l.User, Port: l.Port, Identity: l.identity, Config: "none", HostKeys: map[string][]string{"127.0.0.1": {l.HostKey}}}
}

func (l *lab) shell(t *testing.T, change ...func(*ssh.Options)) *ssh.Shell {
	t.Helper()
	o := ssh.Options{Estate: l.estate(), Dir: l.dir}
	for _, f := range change {
		f(&o)
	}
	s := ssh.New(o)
	t.Cleanup(func() { s.Close() })
	return s
}

var here = providers.Host{Address: "127.0.0.1"}

func run(t *testing.T, s *ssh.Shell, argv ...string) providers.Result {
	t.Helper()
	res, err := s.Run(t.Context(), here, providers.Command{Argv: argv})
	if err != nil {
		t.Fatalf("run %q: %v", argv, err)
	}
	return res
}

func kind(t *testing.T, err error, want providers.ErrorKind) *providers.Error {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of kind %q", err, want)
	}
	if e.Kind != want {
		t.Fatalf("got kind %q (%v), want %q", e.Kind, e, want)
	}
	return e
}

func TestStatus(t *testing.T) {
	l := newLab(t)
	s := l.shell(t)
	for _, want := range []int{0, 1, 30, 255} {
		if res := run(t, s, "sh", "-c", fmt.Sprintf("echo out; echo err >&2; exit %d", want)); res.Status != want || res.Stdout != "out\n" || res.Stderr != "err\n" {
			t.Errorf("got %+v, want status %d", res, want)
		}
	}
	if res := run(t, s, "sh", "-c", "kill -9 $$"); res.Status != 128+9 {
		t.Errorf("killed by a signal: got %+v", res)
	}
	if res := run(t, s, "no-such-program"); res.Status != 127 || !strings.Contains(res.Stderr, "no-such-program") {
		t.Errorf("no such program: got %+v", res)
	}
	// A program is a program: names of builtins find no builtin.
	if res := run(t, s, "exit", "3"); res.Status != 127 {
		t.Errorf("exit: got %+v", res)
	}
}

// TestConcurrent: commands that start side by side share a connection or do without, and do not mix.
func TestConcurrent(t *testing.T) {
	l := newLab(t)
	s := l.shell(t)
	var wait sync.WaitGroup
	for i := range 12 {
		wait.Go(func() {
			res, err := s.Run(t.Context(), here, providers.Command{Argv: []string{"sh", "-c", fmt.Sprintf("cat; exit %d", i)}, Stdin: fmt.Sprint(i)})
			if err != nil || res.Status != i || res.Stdout != fmt.Sprint(i) {
				t.Errorf("%d: %+v, %v", i, res, err)
			}
		})
	}
	wait.Wait()
}

func TestStdinAndEnv(t *testing.T) {
	l := newLab(t)
	s := l.shell(t)
	env := map[string]string{"PLAIN": "x", "LINES": "a\nb\n\n", "QUOTES": `'"$(id)` + "`id`\\", "BYTES": "\x01\x81\x88\xff\x7f", "EMPTY": ""}
	stdin := strings.Repeat("input 'line'\n\x00\xff", 20000)
	res, err := s.Run(t.Context(), here, providers.Command{
		Argv:  []string{"sh", "-c", `printf '%s|' "$PLAIN" "$LINES" "$QUOTES" "$BYTES" "${EMPTY-unset}" | od -An -v -tx1 | tr -d ' \n'; echo; cat | sha256sum; sleep 0`},
		Stdin: stdin, Env: env,
	})
	if err != nil || res.Status != 0 {
		t.Fatal(res, err)
	}
	want := fmt.Sprintf("%x", env["PLAIN"]+"|"+env["LINES"]+"|"+env["QUOTES"]+"|"+env["BYTES"]+"||")
	got, sum, _ := strings.Cut(res.Stdout, "\n")
	if got != want {
		t.Errorf("environment\n got %s\nwant %s", got, want)
	}
	if want := fmt.Sprintf("%x", sha(stdin)); !strings.HasPrefix(sum, want) {
		t.Errorf("input: got %s, want %s", sum, want)
	}
}

func TestSecretsAreOnNoCommandLine(t *testing.T) {
	l := newLab(t)
	s := l.shell(t)
	const secret = "canary-4f1d0c9e"
	looked := filepath.Join(t.TempDir(), "looked")
	lines := ""
	res, err := s.Run(t.Context(), here, providers.Command{
		Argv: []string{"sh", "-c", `test -n "$SECRET" && echo up; while [ ! -e "$1" ]; do sleep 0.02; done`, "sh", looked}, Env: map[string]string{"SECRET": secret}, Stdin: secret,
		Line: func(_, line string) {
			if line != "up" {
				return
			}
			var all bytes.Buffer
			files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, f := range files {
				b, _ := os.ReadFile(f)
				all.Write(b)
			}
			lines = all.String()
			_ = os.WriteFile(looked, nil, 0o600)
		},
	})
	if err != nil || res.Status != 0 {
		t.Fatal(res, err)
	}
	if !strings.Contains(lines, "lifeboat_n") {
		t.Error("the remote program is not among the command lines: the test looks in the wrong place")
	}
	if strings.Contains(lines, secret) {
		t.Error("the secret is on a command line")
	}
}

func TestOutput(t *testing.T) {
	l := newLab(t)
	s := l.shell(t)
	var got []string
	var log bytes.Buffer
	res, err := s.Run(t.Context(), here, providers.Command{
		Argv: []string{"printf", `\r  1%%\r 50%%\r100%%\n\r\nFAILED\rOK    \n\033]0;title\007\033[31mred\033[0m\n\302\233H\342\200\256x\nno end`},
		Line: func(stream, line string) { got = append(got, stream+":"+line) }, Log: &log,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"  1%", " 50%", "100%", "", "FAILED", "OK    ", "red", "x", "no end"}
	if g, w := strings.Join(got, "|"), "stdout:"+strings.Join(want, "|stdout:"); strings.ReplaceAll(g, "Hx", "x") != w {
		t.Errorf("got  %q\nwant %q", g, w)
	}
	if want := strings.ReplaceAll(strings.Join(got, "\n"), "stdout:", "") + "\n"; log.String() != want {
		t.Errorf("log: %q", log.String())
	}
	for _, sink := range []string{res.Stdout, log.String(), strings.Join(got, "\n")} {
		for _, r := range sink {
			if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == 0x202e {
				t.Errorf("%q holds %q", sink, r)
			}
		}
	}
}

func TestBigOutput(t *testing.T) {
	l := newLab(t)
	s := l.shell(t)
	lines, last := 0, ""
	res, err := s.Run(t.Context(), here, providers.Command{
		Argv: []string{"sh", "-c", "seq 1 300000; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end"},
		Line: func(_, line string) { lines++; last = line },
	})
	if err != nil || res.Status != 0 {
		t.Fatal(res.Status, err)
	}
	if want := 300000 + (3000000+16383)/16384 + 1; lines != want || last != "end" {
		t.Errorf("got %d lines, the last %q; want %d", lines, last, want)
	}
	if len(res.Stdout) != 64<<10 || !strings.HasSuffix(res.Stdout, "x\nend\n") {
		t.Errorf("kept %d bytes, which end %q", len(res.Stdout), res.Stdout[len(res.Stdout)-20:])
	}
}

// TestDaemon: what a command leaves behind does not keep us, whatever it holds open.
func TestDaemon(t *testing.T) {
	l := newLab(t)
	s := l.shell(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	res, err := s.Run(ctx, here, providers.Command{Argv: []string{"sh", "-c", "sleep 60 & echo started $!"}})
	if err != nil || !strings.HasPrefix(res.Stdout, "started ") {
		t.Fatal(res, err)
	}
}

func TestHang(t *testing.T) {
	l := newLab(t)
	s := l.shell(t)
	res, err := s.Run(t.Context(), here, providers.Command{Argv: []string{"sh", "-c", "echo one; sleep 60"}, Hang: 400 * time.Millisecond})
	if e := kind(t, err, providers.Lost); !strings.Contains(e.Detail, "silent for 400ms") || res.Stdout != "one\n" {
		t.Errorf("got %+v, %v", res, err)
	}
	// Words keep it alive.
	res, err = s.Run(t.Context(), here, providers.Command{Argv: []string{"sh", "-c", "for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done"}, Hang: time.Second})
	if err != nil || res.Status != 0 {
		t.Errorf("got %+v, %v", res, err)
	}
}

func TestCancel(t *testing.T) {
	l := newLab(t)
	s := l.shell(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Run(ctx, here, providers.Command{Argv: []string{"sh", "-c", "echo up; sleep 60"}, Line: func(string, string) { cancel() }})
	kind(t, err, providers.Lost)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the cause is not kept: %v", err)
	}
	_, err = s.Run(ctx, here, providers.Command{Argv: []string{"true"}})
	kind(t, err, providers.Unreachable)
}

// address is a public address that leads to the lab's sshd.
func (l *lab) address(t *testing.T, ip string) (*labhost.Addresses, providers.Host) {
	t.Helper()
	a := labhost.NewAddresses(t, l.Port)
	if err := a.Point(ip, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	return a, providers.Host{Address: ip, ID: "i-0aaa"}
}

func pinned(id string, keys ...string) func(*ssh.Options) {
	return func(o *ssh.Options) { o.Estate.HostKeys = map[string][]string{id: keys} }
}

func TestConnectionLost(t *testing.T) {
	l := newLab(t)
	a, host := l.address(t, "127.0.71.1")
	s := l.shell(t, pinned(host.ID, l.HostKey))
	for range 2 { // the first makes the shared connection, the second must not be stopped by its remains
		res, err := s.Run(t.Context(), host, providers.Command{Argv: []string{"sh", "-c", "echo up; sleep 60"}, Line: func(string, string) { a.Cut(host.Address) }})
		kind(t, err, providers.Lost)
		if res.Stdout != "up\n" {
			t.Errorf("what was said before is gone: %+v", res)
		}
	}
	if res, err := s.Run(t.Context(), host, providers.Command{Argv: []string{"echo", "again"}}); err != nil || res.Stdout != "again\n" {
		t.Errorf("after the loss: %+v, %v", res, err)
	}
	_, err := s.Run(t.Context(), host, providers.Command{Argv: []string{"sh", "-c", "echo up; sleep 60"}, Line: func(string, string) { l.CutConnections() }})
	kind(t, err, providers.Lost)
}

// TestSharedConnectionIsDead: an address that swallows everything while a connection is shared costs seconds, not the
// command.
func TestSharedConnectionIsDead(t *testing.T) {
	l := newLab(t)
	a, host := l.address(t, "127.0.71.2")
	s := l.shell(t, pinned(host.ID, l.HostKey))
	if _, err := s.Run(t.Context(), host, providers.Command{Argv: []string{"true"}}); err != nil {
		t.Fatal(err)
	}
	a.Freeze(host.Address)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := s.Run(ctx, host, providers.Command{Argv: []string{"true"}})
	kind(t, err, providers.Unreachable) // the script was never sent
	done := make(chan error, 1)
	go func() {
		_, err := s.Run(t.Context(), host, providers.Command{Argv: []string{"true"}})
		done <- err
	}()
	if err := a.Point(host.Address, "127.0.0.1"); err != nil { // thaws new connections only
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("after the address moved: %v", err)
	}
}

func TestNotReached(t *testing.T) {
	l := newLab(t)
	s := l.shell(t, func(o *ssh.Options) {
		o.Estate.HostKeys = map[string][]string{"127.0.71.3": {l.HostKey}, "no-such-host.invalid": {l.HostKey}, "127.0.71.4": {l.HostKey}}
	})
	for _, address := range []string{"127.0.71.3", "no-such-host.invalid"} {
		_, err := s.Run(t.Context(), providers.Host{Address: address}, providers.Command{Argv: []string{"true"}})
		if e := kind(t, err, providers.Unreachable); e.Verdict() != runbook.Transient || e.Detail == "" {
			t.Errorf("%s: %v", address, e)
		}
	}
	// Somebody who takes the connection and hangs up.
	hangUp, err := net.Listen("tcp", fmt.Sprintf("127.0.71.4:%d", l.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer hangUp.Close()
	go func() {
		for c, err := hangUp.Accept(); err == nil; c, err = hangUp.Accept() {
			c.Close()
		}
	}()
	_, err = s.Run(t.Context(), providers.Host{Address: "127.0.71.4"}, providers.Command{Argv: []string{"true"}})
	kind(t, err, providers.Unreachable)
}

func TestDenied(t *testing.T) {
	l := newLab(t)
	other, _ := labhost.Keypair(t, t.TempDir())
	s := l.shell(t, func(o *ssh.Options) { o.Estate.Identity = other })
	_, err := s.Run(t.Context(), here, providers.Command{Argv: []string{"true"}})
	kind(t, err, providers.Denied)

	private, public := labhost.Keypair(t, t.TempDir())
	closed := labhost.StartSSHD(t, labhost.Options{AuthorizedKey: public, Config: []string{"ForceCommand echo This account is not available.; exit 1"}})
	s = l.shell(t, func(o *ssh.Options) {
		o.Estate.Identity, o.Estate.Port, o.Estate.HostKeys = private, closed.Port, map[string][]string{"127.0.0.1": {closed.HostKey}}
	})
	_, err = s.Run(t.Context(), here, providers.Command{Argv: []string{"true"}})
	if e := kind(t, err, providers.Denied); !strings.Contains(e.Detail, "not available") {
		t.Errorf("got %v", e)
	}
}

// TestNoise: what a login shell says on its own is not the command's.
func TestNoise(t *testing.T) {
	l := newLab(t)
	private, public := labhost.Keypair(t, t.TempDir())
	noisy := labhost.StartSSHD(t, labhost.Options{AuthorizedKey: public, Config: []string{"ForceCommand echo welcome; echo careful >&2; eval \"$SSH_ORIGINAL_COMMAND\""}})
	s := l.shell(t, func(o *ssh.Options) {
		o.Estate.Identity, o.Estate.Port, o.Estate.HostKeys = private, noisy.Port, map[string][]string{"127.0.0.1": {noisy.HostKey}}
	})
	if res := run(t, s, "sh", "-c", "echo out; echo err >&2"); res.Stdout != "out\n" || res.Stderr != "err\n" {
		t.Errorf("got %+v", res)
	}
}

func TestBadInput(t *testing.T) {
	s := ssh.New(ssh.Options{Dir: t.TempDir()})
	ok := []string{"true"}
	for name, c := range map[string]struct {
		host providers.Host
		cmd  providers.Command
	}{
		"no program":       {here, providers.Command{}},
		"empty program":    {here, providers.Command{Argv: []string{"", "x"}}},
		"dash":             {here, providers.Command{Argv: []string{"-c", "x"}}},
		"NUL":              {here, providers.Command{Argv: []string{"echo", "a\x00b"}}},
		"NUL in a value":   {here, providers.Command{Argv: ok, Env: map[string]string{"A": "\x00"}}},
		"name of variable": {here, providers.Command{Argv: ok, Env: map[string]string{"A B": "x"}}},
		"option as host":   {providers.Host{Address: "-oProxyCommand=id"}, providers.Command{Argv: ok}},
		"space in host":    {providers.Host{Address: "a b"}, providers.Command{Argv: ok}},
		"user":             {providers.Host{Address: "a", User: "-l"}, providers.Command{Argv: ok}},
		"id":               {providers.Host{Address: "a", ID: "i*"}, providers.Command{Argv: ok}},
		"port":             {providers.Host{Address: "a", Port: 70000}, providers.Command{Argv: ok}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Run(t.Context(), c.host, c.cmd)
			kind(t, err, providers.Invalid)
		})
	}
}

func TestNoSSH(t *testing.T) {
	s := ssh.New(ssh.Options{Dir: t.TempDir(), Path: filepath.Join(t.TempDir(), "ssh")})
	_, err := s.Run(t.Context(), here, providers.Command{Argv: []string{"true"}})
	if e := kind(t, err, providers.Missing); e.Do == "" {
		t.Error("it does not say what to do")
	}
}

// This machine is reached without ssh, and its commands travel as those of others do.
func TestThisMachine(t *testing.T) {
	s := ssh.New(ssh.Options{Path: "/no/such/ssh", Estate: runbook.SSH{User: "nobody", Port: 1}})
	t.Cleanup(func() { s.Close() })
	var lines []string
	res, err := s.Run(t.Context(), providers.Console(), providers.Command{
		Argv: []string{"sh", "-c", `cat; printf '%s\n' "$WORD" "$1"; exit 7`, "sh", "it's $HOME"}, Stdin: "in\n", Env: map[string]string{"WORD": "a b"},
		Line: func(_, l string) { lines = append(lines, l) },
	})
	if err != nil || res.Status != 7 || res.Stdout != "in\na b\nit's $HOME\n" || len(lines) != 3 {
		t.Errorf("%+v, %v, lines %q", res, err, lines)
	}
	if res, err = s.Run(t.Context(), providers.Console(), providers.Command{Argv: []string{"no-such-program"}}); err != nil || res.Status != 127 {
		t.Errorf("a program that is not there: %+v, %v", res, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = s.Run(ctx, providers.Console(), providers.Command{
		Argv: []string{"sh", "-c", "echo begun; sleep 60"}, Line: func(string, string) { cancel() },
	})
	if !providers.Is(err, providers.Lost) {
		t.Errorf("a command that was stopped: %v", err)
	}
}
