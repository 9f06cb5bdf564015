package page

import (
	"time"

	"lifeboat/runbook"
)

// runView is all that the screens of a run draw from, whether it is followed or replayed: one fold of its events, one clock.
type runView struct {
	env      *Env
	opened   Opened
	state    runbook.State
	seen     []runbook.Event // the events behind state, for the log of the run
	now      time.Time       // on the run's clock
	progress map[string]runbook.Progress
	record   string // why the record cannot be written
	driven   bool
	driver   runbook.Driver
	since    time.Time
	forecast runbook.Forecast
	never    map[string]bool
	replayed bool // nothing can be decided
}

// take adds events in order; those that were seen before change nothing.
func (v *runView) take(events []runbook.Event) {
	for _, e := range events {
		if e.Seq > v.state.Seq {
			v.state.Apply(e)
			v.seen = append(v.seen, e)
		}
	}
}

// look is called after every change of state or clock, so that View has nothing to work out.
func (v *runView) look(now time.Time) {
	v.now = now
	if v.opened.Plan != nil {
		v.forecast = runbook.Foresee(v.opened.Plan, &v.state, now, v.opened.Estimates, v.never)
	}
}

// stage is how far a run has come, which decides what its screen shows.
type stage int

const (
	stageBefore stage = iota // guards and the start's approval: nothing has acted
	stageWork
	stageOver
)

func (v *runView) stage() stage {
	switch {
	case v.state.Finished != nil:
		return stageOver
	case v.state.ClockFrom.IsZero():
		return stageBefore
	default:
		return stageWork
	}
}
