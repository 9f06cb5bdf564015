package engine_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/runbook"
	"lifeboat/runbook/engine"
	"lifeboat/store"
)

// When the wall's clock jumps, what was written before lies in the future, or far back. No timeout, back-off or settle time
// is off for that.
func TestClockJumps(t *testing.T) {
	for _, body := range []string{
		"steps:\n  - {id: a, uses: do, with: {apply: throttle throttle ok}}\n",
		"steps:\n  - {id: a, uses: see, with: {sees: wait}, timeout: 20s, budget: 10s}\n",
		"steps:\n  - {id: a, uses: do, with: {apply: timeout ok}}\n",
		"steps:\n  - {id: a, uses: do, with: {apply: never}, timeout: 20s}\n",
		"steps:\n  - {id: a, uses: do, with: {apply: accept, takes: 3s}}\n",
	} {
		var still string
		for _, jump := range []time.Duration{0, time.Hour, -time.Hour, 7 * time.Second, -7 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				got := jumped(t, "confirm: none\n"+body, jump)
				if jump == 0 {
					still = got
				}
				if got != still {
					t.Errorf("%safter a jump of %s:\n%s--- without one:\n%s", body, -jump, got, still)
				}
			})
		}
	}
}

// jumped is what happens, and when, with a journal that was stamped by a clock that has jumped since.
func jumped(t *testing.T, body string, jump time.Duration) string {
	clock := runbook.WallClock{}
	began := clock.Now()
	journal := store.NewMemory("r1", func() time.Time { return clock.Now().Add(jump) })
	st := newStage(clock)
	cfg := engine.Config{
		Plan: plan(t, st, runbook.Rehearse, body), Run: "r1", Journal: journal, Clock: clock, Driver: runbook.Driver{Epoch: 1},
		Start: &runbook.RunStarted{Mode: runbook.Rehearse, Driver: runbook.Driver{Epoch: 1}},
	}
	over, end := context.WithCancel(t.Context())
	defer end()
	go func() { // what would never end is stopped
		if runbook.Sleep(over, clock, 30*time.Minute) != nil {
			return
		}
		events, err := journal.Events(t.Context(), 1)
		if err == nil {
			_, _ = journal.Append(t.Context(), uint64(len(events)), 0, &runbook.StopRequested{}) // it may be over
		}
	}()
	s, err := engine.New(cfg).Drive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	events, err := journal.Events(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		text += fmt.Sprintf("%8.2f %s\n", e.Time.Add(-jump).Sub(began).Seconds(), e.Fact.Type())
	}
	return text + fmt.Sprintf("%s in %.2f\n", s.Finished.Outcome, time.Duration(s.Finished.Elapsed).Seconds())
}
