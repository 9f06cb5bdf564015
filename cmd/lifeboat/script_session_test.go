package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptLB is `lb CODE ARGS...`.
func scriptLB(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: lb CODE ARGS...")
	}
	err := ts.Exec("timeout", append([]string{"-k", "5", strconv.Itoa(int(scriptPatience.Seconds())), "lifeboat"}, args[1:]...)...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if !slices.Contains(strings.Split(args[0], "|"), strconv.Itoa(code)) {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
	for _, stream := range []string{"stdout", "stderr"} {
		if err := harmless([]byte(ts.ReadFile(stream))); err != nil {
			ts.Fatalf("%s: %v", stream, err)
		}
	}
}

// session is a lifeboat with a person in front of it.
type session struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	mu     sync.Mutex
	both   bytes.Buffer // both streams as they come
	seen   int          // how much of it was expected already
	out    bytes.Buffer
	errs   bytes.Buffer
	exited chan struct{}
}

type sessions struct{ open map[string]*session }

func (s *sessions) killAll() {
	for _, one := range s.open {
		_ = one.cmd.Process.Kill()
		<-one.exited
	}
}

// side writes to one stream's buffer and to the common one.
type side struct {
	s   *session
	own *bytes.Buffer
}

func (w side) Write(p []byte) (int, error) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.s.both.Write(p)
	return w.own.Write(p)
}

func find(ts *testscript.TestScript, name string) *session {
	s := ts.Value("sessions").(*sessions).open[name]
	if s == nil {
		ts.Fatalf("nothing was started as %s", name)
	}
	return s
}

// scriptStart is `start NAME ARGS...`.
func scriptStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME ARGS...")
	}
	ts.Check(ts.Exec("env", "-0"))
	env := strings.Split(strings.TrimRight(ts.ReadFile("stdout"), "\x00"), "\x00")
	s := &session{cmd: exec.Command(ts.Value("program").(string), args[1:]...), exited: make(chan struct{})}
	s.cmd.Env, s.cmd.Dir = env, ts.MkAbs(".")
	s.cmd.Stdout, s.cmd.Stderr = side{s, &s.out}, side{s, &s.errs}
	var err error
	s.in, err = s.cmd.StdinPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	ts.Value("sessions").(*sessions).open[args[0]] = s
	go func() {
		_ = s.cmd.Wait() // its code is read where its end is awaited
		close(s.exited)
	}()
}

// scriptExpect is `expect NAME REGEXP`.
func scriptExpect(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: expect NAME REGEXP")
	}
	s, want := find(ts, args[0]), regexp.MustCompile("(?m)"+args[1])
	for deadline := time.Now().Add(scriptPatience); ; time.Sleep(20 * time.Millisecond) {
		over := time.Now().After(deadline)
		select {
		case <-s.exited:
			over = true
		default:
		}
		s.mu.Lock()
		text := s.both.String()
		if m := want.FindStringIndex(text[s.seen:]); m != nil {
			s.seen += m[1]
			s.mu.Unlock()
			return
		}
		seen := s.seen
		s.mu.Unlock()
		if over {
			ts.Fatalf("%s never wrote %q; before:\n%s\nafter that:\n%s", args[0], args[1], text[:seen], text[seen:])
		}
	}
}

// scriptSend is `send NAME WORDS...`.
func scriptSend(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: send NAME WORDS...")
	}
	_, err := io.WriteString(find(ts, args[0]).in, strings.Join(args[1:], " ")+"\n")
	ts.Check(err)
}

// scriptCloseIn is `closein NAME`.
func scriptCloseIn(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(find(ts, args[0]).in.Close())
}

// scriptSignal is `signal NAME INT`.
func scriptSignal(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]os.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}
	ts.Check(find(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

// scriptEnded is `ended NAME CODE`.
func scriptEnded(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ended NAME CODE")
	}
	s := find(ts, args[0])
	select {
	case <-s.exited:
	case <-time.After(scriptPatience):
		s.mu.Lock()
		defer s.mu.Unlock()
		ts.Fatalf("%s does not end; it wrote:\n%s", args[0], s.both.String())
	}
	ts.Logf("[%s wrote]\n%s", args[0], s.both.String())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".out"), s.out.Bytes(), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".err"), s.errs.Bytes(), 0o600))
	if err := harmless(s.both.Bytes()); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	if code := strconv.Itoa(s.cmd.ProcessState.ExitCode()); code != args[1] {
		ts.Fatalf("%s ended with %s, want %s", args[0], code, args[1])
	}
}
