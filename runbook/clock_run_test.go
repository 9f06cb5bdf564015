package runbook

import (
	"testing"
	"time"
)

// TestRunClock: what happens before the start is approved takes nothing from the target.
func TestRunClock(t *testing.T) {
	began := time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)
	fold := func(facts ...Fact) State {
		var s State
		for i, f := range facts {
			s.Apply(Event{Seq: uint64(i + 1), Time: began.Add(time.Duration(i) * time.Minute), Run: "r1", Fact: f})
		}
		return s
	}
	asked := &ApprovalAsked{Step: StartStep, Confirm: ConfirmKey}
	for _, c := range []struct {
		name  string
		facts []Fact
		from  time.Duration // of the clock after the run's start; -1: it does not run
	}{
		{"nothing yet", []Fact{&RunStarted{}}, -1},
		{"asked", []Fact{&RunStarted{}, &GuardPassed{Guard: "g"}, asked}, -1},
		{"approved", []Fact{&RunStarted{}, asked, &ApprovalGiven{Step: StartStep, Answers: 2}, &StepStarted{Step: "a"}}, 2 * time.Minute},
		{"approved to another question", []Fact{&RunStarted{}, asked, &ApprovalGiven{Step: StartStep, Answers: 1}}, -1},
		{"refused", []Fact{&RunStarted{}, asked, &ApprovalRefused{Step: StartStep, Answers: 2}}, -1},
		{"nobody is asked", []Fact{&RunStarted{}, &GuardPassed{Guard: "g"}, &StepStarted{Step: "a"}, &StepStarted{Step: "b"}}, 2 * time.Minute},
		{"a person's step", []Fact{&RunStarted{}, &ApprovalAsked{Step: "a", Manual: true}}, time.Minute},
		{"a step that asks first", []Fact{&RunStarted{}, &ApprovalAsked{Step: "a"}}, -1},
		{"a step that cannot be", []Fact{&RunStarted{}, &StepFailed{Step: "a", Attempt: 1}}, time.Minute},
	} {
		s := fold(c.facts...)
		now := began.Add(time.Hour)
		want := time.Duration(0)
		if c.from >= 0 {
			want = time.Hour - c.from
		}
		if got := s.Elapsed(now); got != want || s.ClockFrom.IsZero() != (c.from < 0) {
			t.Errorf("%s: elapsed %s, want %s (the clock runs from %s)", c.name, got, want, s.ClockFrom)
		}
	}
}
