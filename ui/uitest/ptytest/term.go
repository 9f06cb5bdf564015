// Package ptytest runs a program on a pseudo terminal and measures what it does there: how many bytes it sends, how long
// a key takes until its effect is painted, when a frame is complete, what the process uses. Between the program and the
// one who types may lie a slow line (Link).
//
// It is for benchmarks and tests only; the program never links it. It judges nothing: what is too slow, the reader of the
// figures decides.
//
//	t := ptytest.Start(b, ptytest.Options{Link: ptytest.Link{Rate: 2400, Delay: 100 * time.Millisecond}}, "bin/lifeboat", "demo")
//	t.Await(10*time.Second, func(s *ptytest.Screen) bool { return s.Has("enter") })
//	took := t.Key("j", time.Second)
package ptytest

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// Options are how a program is started.
type Options struct {
	Cols, Rows int      // 0: 120x40
	Env        []string // beside the environment of the test, without what describes its terminal
	Dir        string
	Mute       bool // the terminal answers no query
	Link       Link
}

// Term is a program on its terminal. Its methods may be called from one goroutine.
type Term struct {
	tb       testing.TB
	cmd      *exec.Cmd
	master   *os.File
	up, down *pipe
	mute     bool
	began    time.Time
	ended    chan struct{} // the program has ended and all it sent was read

	mu     sync.Mutex
	screen *Screen
	bytes  int64
	first  time.Time // when the first byte since the mark came; zero: none did
	last   time.Time
	rest   [2]int // where the cursor stood when a frame was last whole
	tape   []byte // while it is not nil, what was sent
	wait   func(*Screen) bool
	met    chan time.Time
}

// Start starts the program; it ends with the test at the latest.
func Start(tb testing.TB, o Options, argv ...string) *Term {
	tb.Helper()
	if o.Cols == 0 {
		o.Cols, o.Rows = 120, 40
	}
	t := &Term{
		tb: tb, mute: o.Mute, screen: NewScreen(o.Cols, o.Rows), ended: make(chan struct{}), met: make(chan time.Time, 1),
		cmd: exec.Command(argv[0], argv[1:]...),
	}
	t.cmd.Dir = o.Dir
	t.cmd.Env = append(environ(), o.Env...)
	t.down = newPipe(o.Link, t.arrive)
	t.up = newPipe(o.Link, func(p []byte) {
		_, _ = t.master.Write(p) // a program that has ended takes no more keys
	})
	t.began = time.Now()
	master, err := pty.StartWithSize(t.cmd, &pty.Winsize{Cols: uint16(o.Cols), Rows: uint16(o.Rows)})
	if err != nil {
		t.down.close()
		t.up.close()
		tb.Skipf("SKIPPED: no pseudo terminal for %q: %v", argv[0], err)
	}
	t.master = master
	go t.read()
	tb.Cleanup(t.Close)
	return t
}

// environ is our environment without what tells about our own terminal, and with what tells about this one.
func environ() []string {
	drop := []string{
		"TERM", "COLORTERM", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "TMUX", "STY", "WT_SESSION", "SSH_TTY", "SSH_CONNECTION",
		"SSH_CLIENT", "COLUMNS", "LINES", "LANG", "LC_ALL", "LC_CTYPE", "COLORFGBG",
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(drop, name) || strings.HasPrefix(name, "TERM_")
	})
	return append(env, "TERM=xterm-256color", "LANG=C.UTF-8")
}

// read takes what the program sends, as fast as it sends it, and puts it on the line.
func (t *Term) read() {
	defer close(t.ended)
	buf := make([]byte, 64<<10)
	for {
		n, err := t.master.Read(buf)
		if n > 0 {
			t.down.send(buf[:n])
		}
		if err != nil {
			return // EIO: the program has closed its side
		}
	}
}

// arrive is called with what has come over the line.
func (t *Term) arrive(p []byte) {
	now := time.Now()
	t.mu.Lock()
	t.bytes += int64(len(p))
	t.last = now
	if t.first.IsZero() {
		t.first = now
	}
	if t.tape != nil {
		t.tape = append(t.tape, p...)
	}
	_, _ = t.screen.Write(p)
	replies := t.screen.Replies()
	if t.screen.Whole() {
		t.rest = [2]int{t.screen.x, t.screen.y}
	}
	if t.wait != nil && t.wait(t.screen) {
		t.wait = nil
		t.met <- now
	}
	t.mu.Unlock()
	if len(replies) > 0 && !t.mute {
		t.up.send(replies)
	}
}

// Type sends keys as bytes.
func (t *Term) Type(keys string) { t.up.send([]byte(keys)) }

// Resize changes the terminal's size.
func (t *Term) Resize(cols, rows int) {
	t.mu.Lock()
	t.screen.Resize(cols, rows)
	t.mu.Unlock()
	if err := pty.Setsize(t.master, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		t.tb.Error(err)
	}
}

// Look calls fn with the screen as it is.
func (t *Term) Look(fn func(*Screen)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fn(t.screen)
}

// Text is the text on the screen.
func (t *Term) Text() (text string) {
	t.Look(func(s *Screen) { text = s.Text() })
	return text
}

// Bytes is how much has arrived so far.
func (t *Term) Bytes() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bytes
}

// Tape begins to keep what arrives, for a look at where bytes go; it returns what was kept before.
func (t *Term) Tape() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.tape
	t.tape = make([]byte, 0, 4096)
	return out
}

// expect sets what is waited for, and forgets when the first byte came. It reports when that is so already.
func (t *Term) expect(what func(*Screen) bool) (already bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.met: // of an earlier wait that came too late
	default:
	}
	t.first, t.wait = time.Time{}, nil
	if what(t.screen) {
		return true
	}
	t.wait = what
	return false
}

// until waits for what was expected. When it does not come in time, or the program ends, ok is false.
func (t *Term) until(limit time.Duration) (at time.Time, ok bool) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case at = <-t.met:
		return at, true
	case <-timer.C:
	case <-t.ended:
		select {
		case at = <-t.met:
			return at, true
		case <-timer.C:
		}
	}
	t.mu.Lock()
	t.wait = nil
	t.mu.Unlock()
	return time.Time{}, false
}

// Try waits until the screen is as asked for, and returns the time since the start; false when it does not get so in time.
func (t *Term) Try(limit time.Duration, what func(*Screen) bool) (time.Duration, bool) {
	if t.expect(what) {
		return time.Since(t.began), true
	}
	at, ok := t.until(limit)
	return at.Sub(t.began), ok
}

// Await is Try, and the test fails with the screen when it does not get so.
func (t *Term) Await(limit time.Duration, what func(*Screen) bool) time.Duration {
	t.tb.Helper()
	took, ok := t.Try(limit, what)
	if !ok {
		t.tb.Fatalf("not within %s; the screen:\n%s", limit, t.Text())
	}
	return took
}

// Shows waits for a text on a screen that is not half drawn.
func (t *Term) Shows(text string, limit time.Duration) time.Duration {
	t.tb.Helper()
	took, ok := t.Try(limit, func(s *Screen) bool { return s.Whole() && s.Has(text) })
	if !ok {
		t.tb.Fatalf("no %q within %s; the screen:\n%s", text, limit, t.Text())
	}
	return took
}

// Quiet waits until nothing has arrived for so long, at most until the limit.
func (t *Term) Quiet(gap, limit time.Duration) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		t.mu.Lock()
		last := t.last
		t.mu.Unlock()
		if rest := gap - time.Since(last); rest > 0 {
			time.Sleep(rest)
			continue
		}
		return true
	}
	return false
}

// PID is the program's process.
func (t *Term) PID() int { return t.cmd.Process.Pid }

// Wait waits for the program's end.
func (t *Term) Wait(limit time.Duration) error {
	select {
	case <-t.ended:
	case <-time.After(limit):
		return errors.New("it has not ended")
	}
	return t.cmd.Wait()
}

// Close ends the program as a lost terminal would, and for good if it does not listen.
func (t *Term) Close() {
	_ = t.cmd.Process.Signal(syscall.SIGHUP)
	select {
	case <-t.ended:
	case <-time.After(2 * time.Second):
		_ = t.cmd.Process.Kill()
	}
	_ = t.master.Close()
	<-t.ended
	_ = t.cmd.Wait()
	t.down.close()
	t.up.close()
}
