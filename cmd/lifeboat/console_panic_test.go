package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"lifeboat/runbook"
	"lifeboat/ui"
	"lifeboat/ui/page"
)

// breaking is a console that is broken in one place.
type breaking struct {
	ui.Console
	in    string
	shown <-chan struct{} // it breaks when there is something on the screen
}

func (b breaking) here(where string) {
	if b.in == where {
		<-b.shown
		panic(where + " broke")
	}
}

func (b breaking) Overview(ctx context.Context) page.Overview {
	b.here("overview")
	return b.Console.Overview(ctx)
}

func (b breaking) OpenRun(ctx context.Context, id runbook.RunID) (page.Session, error) {
	b.here("open")
	s, err := b.Console.OpenRun(ctx, id)
	return breakingSession{s, b}, err
}

type breakingSession struct {
	page.Session
	b breaking
}

func (b breakingSession) Next(ctx context.Context, after uint64) (page.News, error) {
	b.b.here("next")
	return b.Session.Next(ctx, after)
}

// An error in the program ends the screen alone: the terminal is as it was, the words say that runs go on, and so does the exit
// code.
func TestPanicEndsTheScreenAlone(t *testing.T) {
	c := testConsole(t)
	t.Setenv("TERM", "xterm-256color")
	record(t, c.testStore(t), "goes-on", recordedStart(t, runbook.Rehearse))
	for where, to := range map[string]page.Route{
		"overview": {Where: page.AtHome}, "open": atRun("goes-on"), "next": atRun("goes-on"),
	} {
		t.Run(where, func(t *testing.T) {
			tty := newTTY(t)
			before, err := term.GetState(int(tty.near.Fd()))
			if err != nil {
				t.Fatal(err)
			}
			a := &app{global: c.flags, in: tty.near, out: cleanSink{w: tty.near}, errs: cleanSink{w: tty.near}}
			code := a.exit(a.show(breaking{c, where, tty.shown}, to))
			after, err := term.GetState(int(tty.near.Fd()))
			if err != nil || !reflect.DeepEqual(before, after) {
				t.Errorf("the terminal is not as it was: %+v, %+v, %v", before, after, err)
			}
			said := tty.read(t)
			for _, mode := range []string{"?1049", "?2004", "?1004"} {
				if on, off := strings.LastIndex(said, "\x1b["+mode+"h"), strings.LastIndex(said, "\x1b["+mode+"l"); off < on {
					t.Errorf("mode %s is left on", mode)
				}
			}
			if !strings.Contains(said, "\x1b[?1049h") || strings.LastIndex(said, "\x1b[?25h") < strings.LastIndex(said, "\x1b[?25l") {
				t.Error("it was no screen, or the cursor is left hidden")
			}
			if !strings.Contains(said, "\x1b[?1049l") {
				t.Fatal("the alternate screen is left on")
			}
			_, last, _ := strings.Cut(said[strings.LastIndex(said, "\x1b[?1049l"):], "lifeboat: ")
			words := strings.Join(strings.Fields(last), " ")
			want := goesOn
			if where == "overview" {
				want = "runs go on without this terminal; come back with: lifeboat"
			}
			if code != exitGoesOn || !strings.HasPrefix(words, "the screen ended before its time: ") || !strings.Contains(words, want) {
				t.Errorf("exit code %d, %q", code, words)
			}
		})
	}
}

// tty is a terminal of 80x24 whose bytes are kept.
type tty struct {
	near  *os.File
	far   *os.File
	shown chan struct{} // closed when a screen is on it
	kept  chan string
}

func newTTY(t *testing.T) *tty {
	t.Helper()
	far, near, err := pty.Open()
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	if err := pty.Setsize(near, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	out := &tty{near: near, far: far, shown: make(chan struct{}), kept: make(chan string, 1)}
	stderr := os.Stderr // where the trace of the error goes
	os.Stderr = near
	t.Cleanup(func() { os.Stderr = stderr })
	go func() {
		var b strings.Builder
		shown := false
		for p := make([]byte, 4096); !strings.Contains(b.String(), endOfTTY); {
			n, err := far.Read(p)
			if err != nil {
				break
			}
			b.Write(p[:n])
			if !shown && strings.Contains(b.String(), "\x1b[?1049h") {
				shown = true
				close(out.shown)
			}
		}
		out.kept <- b.String()
	}()
	return out
}

const endOfTTY = "(end of what was said)"

// read is all that was sent to the terminal.
func (t *tty) read(tt *testing.T) string {
	tt.Helper()
	_, _ = io.WriteString(t.near, endOfTTY)
	select {
	case text := <-t.kept:
		return text
	case <-time.After(20 * time.Second):
		tt.Fatal(fmt.Errorf("the terminal gives nothing back"))
		return ""
	}
}
