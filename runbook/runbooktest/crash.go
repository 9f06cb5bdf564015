package runbooktest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/runbook/engine"
)

// Lab is one run on one world, both of which outlive their drivers.
type Lab struct {
	Run     runbook.RunID
	Plan    *runbook.Plan
	Journal engine.Journal
	Clock   runbook.Clock
	Start   *runbook.RunStarted
	// Check looks at the world when the run is over.
	Check func(t *testing.T, s runbook.State)
	// Decide answers a question that holds the run; nil answers none.
	Decide func(q runbook.Question) runbook.Reply
	// Secrets are what steps are given when they act; nil is none.
	Secrets runbook.Secrets
}

// Side is before or after an append.
type Side bool

// The sides of a boundary.
const (
	Before Side = false
	After  Side = true
)

// errDied ends a driver.
var errDied = errors.New("the driver died here")

// mortal is the journal as one driver sees it: at its n-th append that driver dies, and from then on nothing it does has
// any effect on the record.
type mortal struct {
	engine.Journal
	at   int
	side Side
	kill context.CancelCauseFunc

	mu      sync.Mutex
	appends int
	dead    bool
}

func (m *mortal) Append(ctx context.Context, after, epoch uint64, facts ...runbook.Fact) ([]runbook.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return nil, errDied
	}
	m.appends++
	if m.appends == m.at && m.side == Before {
		return nil, m.die()
	}
	events, err := m.Journal.Append(ctx, after, epoch, facts...)
	if m.appends == m.at && m.side == After {
		return nil, m.die()
	}
	return events, err
}

func (m *mortal) die() error {
	m.dead = true
	m.kill(errDied)
	return errDied
}

// Life drives the lab's run with one driver until the run is over or holds with nobody to decide, or until the driver dies:
// at its at-th append (0: never), or when die has passed (0: never). It returns the state as the journal has it and how
// many appends were made.
func (l *Lab) Life(t testing.TB, epoch uint64, at int, side Side, die time.Duration) (runbook.State, int) {
	t.Helper()
	ctx, kill := context.WithCancelCause(t.Context())
	defer kill(nil)
	m := &mortal{Journal: l.Journal, at: at, side: side, kill: kill}
	cfg := engine.Config{
		Plan: l.Plan, Run: l.Run, Journal: m, Clock: l.Clock,
		Driver: runbook.Driver{Epoch: epoch, Host: "console.example.com", PID: int(epoch), Began: fmt.Sprint(epoch)},
	}
	cfg.Start, cfg.Secrets = l.Start, l.Secrets
	if die > 0 {
		stop := time.AfterFunc(die, func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			_ = m.die()
		})
		defer stop.Stop()
	}
	over := make(chan struct{})
	go l.answer(ctx, over)
	_, err := engine.New(cfg).Drive(ctx)
	kill(nil)
	<-over
	if err != nil && !errors.Is(err, errDied) && !errors.Is(err, context.Canceled) {
		t.Fatalf("driver %d: %v", epoch, err)
	}
	events, err := l.Journal.Events(t.Context(), 1)
	if err != nil {
		t.Fatalf("read the journal: %v", err)
	}
	CheckEvents(t, events)
	return runbook.Fold(events), m.appends
}

// thinking is how long the operator takes to answer: an odd figure, so that no answer races with what happens at the same
// moment.
const thinking = 1037*time.Millisecond + 13*time.Microsecond

// answer is the operator: it answers what is asked.
func (l *Lab) answer(ctx context.Context, over chan<- struct{}) {
	defer close(over)
	var seen uint64
	for l.Decide != nil {
		if runbook.Sleep(ctx, l.Clock, thinking) != nil {
			return
		}
		events, err := l.Journal.Events(ctx, 1)
		if err != nil {
			return
		}
		s := runbook.Fold(events)
		for _, q := range s.Questions() {
			fact, err := l.decide(&s, q)
			if err != nil {
				continue // nobody decides this one
			}
			if retry, ok := fact.(*runbook.StepRetried); ok {
				s.Retry(retry)
			}
			if _, err := l.Journal.Append(ctx, s.Seq, 0, fact); err == nil {
				break // the next question is read anew
			}
		}
		seen = s.Seq
		if l.Journal.Wait(ctx, seen) != nil {
			return
		}
	}
}

// decide asks for a reply until one is an answer: what is mistyped is typed again.
func (l *Lab) decide(s *runbook.State, q runbook.Question) (fact runbook.Fact, err error) {
	for range 3 {
		r := l.Decide(q)
		if whole, incomplete := runbook.Complete(l.Plan, s, q, r); incomplete == nil { // an operator may also leave out what is needed
			r = whole
		}
		if fact, err = q.Answer(r); err == nil {
			return fact, nil
		}
	}
	return nil, err
}

// CheckEvents fails the test when events are not a possible record: gaps, an attempt without an intent, two results of one
// attempt, or a key that rises without a reason.
func CheckEvents(t testing.TB, events []runbook.Event) {
	t.Helper()
	intents := map[string]*runbook.StepStarted{}
	ended := map[string]int{}
	for i, e := range events {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d has number %d", i+1, e.Seq)
		}
		switch f := e.Fact.(type) {
		case *runbook.StepStarted:
			if last := intents[f.Step]; last != nil && f.Attempt <= last.Attempt {
				t.Errorf("event %d: step %s starts attempt %d after attempt %d", e.Seq, f.Step, f.Attempt, last.Attempt)
			}
			intents[f.Step] = f
		case *runbook.StepSucceeded:
			if intents[f.Step] == nil {
				t.Errorf("event %d: step %s succeeded without an intent", e.Seq, f.Step)
			}
			if ended[f.Step]++; ended[f.Step] > 1 {
				t.Errorf("event %d: step %s succeeded twice", e.Seq, f.Step)
			}
		}
	}
}

// CrashEverywhere runs a fresh lab once to count its boundaries, and then once for each of them with a driver that dies
// there and another that takes the run up again. Every run must end, and pass its lab's Check.
func CrashEverywhere(t *testing.T, bubble func(t *testing.T, f func(t *testing.T)), fresh func(t *testing.T) Lab) {
	t.Helper()
	appends := 0
	bubble(t, func(t *testing.T) {
		lab := fresh(t)
		var s runbook.State
		if s, appends = lab.Life(t, 1, 0, Before, 0); s.Finished == nil {
			t.Fatal("the run without a crash does not end")
		}
		lab.Check(t, s)
	})
	for at := 1; at <= appends; at++ {
		for _, side := range []Side{Before, After} {
			t.Run(fmt.Sprintf("append %d %s", at, map[Side]string{Before: "before", After: "after"}[side]), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					lab := fresh(t)
					lab.Life(t, 1, at, side, 0)
					s, _ := lab.Life(t, 2, 0, Before, 0)
					if s.Finished == nil {
						t.Fatalf("the second driver does not end the run")
					}
					lab.Check(t, s)
				})
			})
		}
	}
}
