package engine

import (
	"time"

	"lifeboat/runbook"
)

// moments are times of the run as this process's clock has them. Events bear the wall's time, and the wall's clock jumps,
// while a clock within one process only goes on: deadlines count from here. Of what happened before this process, or in
// another one, the event is all there is; it is never taken to lie in the future.
type moments struct {
	from  time.Time            // the start of the run's own clock
	first map[string]time.Time // intents of steps: the first
	since map[string]time.Time // and the last
	due   map[string]time.Time // of the next attempt
	clock runbook.Clock
}

func newMoments(clock runbook.Clock) moments {
	return moments{
		clock: clock, first: map[string]time.Time{}, since: map[string]time.Time{}, due: map[string]time.Time{},
	}
}

// take notes when an event happened, after the state took it. mine says that this process has just appended it.
func (m *moments) take(ev runbook.Event, s *runbook.State, mine bool) {
	at := m.clock.Now()
	if !mine && ev.Time.Before(at) {
		at = ev.Time
	}
	if m.from.IsZero() && !s.ClockFrom.IsZero() {
		m.from = at
	}
	switch f := ev.Fact.(type) {
	case *runbook.StepStarted:
		m.since[f.Step] = at
		if _, again := m.first[f.Step]; !again {
			m.first[f.Step] = at
		}
	case *runbook.StepRetried:
		m.due[f.Step] = at.Add(time.Duration(f.After))
	}
}

// elapsed is how long the run's own clock has run.
func (m *moments) elapsed() time.Duration {
	if m.from.IsZero() {
		return 0
	}
	return m.clock.Now().Sub(m.from)
}

// step is the state of a step with the times of this process.
func (e *Engine) step(id string) runbook.StepState {
	st := e.state.Step(id)
	if at, ok := e.moments.first[id]; ok {
		st.First = at
	}
	if at, ok := e.moments.since[id]; ok {
		st.Since = at
	}
	if at, ok := e.moments.due[id]; ok {
		st.NotBefore = at
	}
	return st
}
