package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"lifeboat/providers/providertest/lab"
	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
)

// following is a command of the program that still runs.
type following struct {
	cmd       *exec.Cmd
	out, errs bytes.Buffer
	ended     chan struct{}
}

// start starts the program, in a session of its own as behind a terminal.
func (s *stage) start(args ...string) *following {
	s.t.Helper()
	f := &following{cmd: s.command(s.t.Context(), args...), ended: make(chan struct{})}
	f.cmd.Stdout, f.cmd.Stderr = &f.out, &f.errs
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := f.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = f.cmd.Wait() // its exit code is asked for
		close(f.ended)
	}()
	s.t.Cleanup(func() {
		_ = f.cmd.Process.Kill()
		<-f.ended
	})
	return f
}

// end waits for it.
func (f *following) end(t testing.TB) said {
	t.Helper()
	select {
	case <-f.ended:
	case <-time.After(labPatience):
		t.Fatal("the follower does not end")
	}
	return said{code: f.cmd.ProcessState.ExitCode(), out: f.out.String(), errs: f.errs.String()}
}

// until waits for a state of the newest run.
func (s *stage) until(what string, is func(*runbook.State) bool) {
	s.t.Helper()
	for deadline := time.Now().Add(labPatience); ; <-time.After(20 * time.Millisecond) {
		if ids := s.runs(); len(ids) > 0 {
			if events, err := logbook.Read(store.Dir(s.Store).Run(ids[len(ids)-1]).Logbook()); err == nil {
				if state := runbook.Fold(events); is(&state) {
					return
				}
			}
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("not %s after %s\n%s", what, labPatience, s.logs())
		}
	}
}

// slow leaves time to do something while the machine comes up.
func slow() lab.Delays {
	d := lab.Quick
	d.Pending = 4 * time.Second
	return d
}

func launched(s *runbook.State) bool { st := s.Step("launch"); return st.Status == runbook.StatusDone }

// TestLabTwoDrivers: the second is told who drives, and gets the run only by the typed word.
func TestLabTwoDrivers(t *testing.T) {
	t.Parallel()
	s := open(t, "", lab.Options{Delays: slow()})
	first := s.start(s.failover("--plain")...)
	s.until("launched", launched)
	driver, _, held, err := logbook.Holder(store.Dir(s.Store).Run(s.run()).Lock())
	if err != nil || !held {
		t.Fatalf("nobody holds the run: %v", err)
	}
	second := s.lifeboat("resume", "--plain")
	s.want(exitHeld, second)
	for _, word := range []string{fmt.Sprint(driver.PID), driver.Host, driver.By.Name, "since"} {
		if !strings.Contains(second.errs, word) {
			t.Errorf("the refusal does not name %q: %s", word, second.errs)
		}
	}
	untyped := s.lifeboat("resume", "--take-over", "--plain")
	s.want(exitUsage, untyped)
	if !strings.Contains(untyped.errs, "--confirm takeover=TAKEOVER") {
		t.Errorf("the refusal does not say what to type: %s", untyped.errs)
	}
	over := s.lifeboat("resume", "--take-over", "--confirm", "takeover=TAKEOVER", "--plain")
	s.want(exitDone, over)
	s.want(exitDone, first.end(t)) // it follows the run, whoever drives it
	s.failedOver()
	s.recorded(s.run(), runbook.Done)
	if alive, err := logbook.ProcessAlive(driver); err != nil || alive {
		t.Errorf("the first driver is alive: %v, %v", alive, err)
	}
}

// TestLabLostTerminal: the run goes on to its end without the terminal that started it.
func TestLabLostTerminal(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGKILL, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := open(t, "", lab.Options{Delays: slow()})
			f := s.start(s.failover("--plain")...)
			s.until("launched", launched)
			if err := syscall.Kill(-f.cmd.Process.Pid, signal); err != nil { // the whole session, as a terminal does
				t.Fatal(err)
			}
			left := f.end(t)
			if signal == syscall.SIGINT && (left.code != exitGoesOn || !strings.Contains(left.last(1), "lifeboat attach")) {
				t.Errorf("it left without saying how to come back: %s", left)
			}
			again := s.lifeboat("attach", "--plain")
			s.want(exitDone, again)
			s.failedOver()
			s.recorded(s.run(), runbook.Done)
			state := runbook.Fold(s.events(s.run()))
			if state.Epoch != 1 {
				t.Errorf("%d drivers were needed, want 1", state.Epoch)
			}
		})
	}
}
