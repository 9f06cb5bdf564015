package runbook

import (
	"slices"
	"time"
)

// Forecast is how a run is expected to go on. Durations count on the run's clock from State.ClockFrom (from now, while the
// clock does not run yet).
type Forecast struct {
	P50, P90 time.Duration // when the run will be over: half of the runs earlier, and (if every step is as slow) nine of ten
	Path     []string      // the unfinished steps that decide it, the next one first
}

// Foresee forecasts a run from what has happened and what its steps take. A step that is late is expected to end now. One
// that waits for a person is expected to go on now, for nobody knows how long that takes. After a stop only what is under
// way counts. Never names steps whose condition is known to be false; a step without an estimate has its budget.
func Foresee(p *Plan, s *State, now time.Time, estimates map[string]Estimate, never map[string]bool) Forecast {
	from := s.ClockFrom
	if from.IsZero() {
		from = now
	}
	if s.Finished != nil {
		took := max(0, s.FinishedAt.Sub(from))
		return Forecast{P50: took, P90: took}
	}
	estimate := func(step *PlannedStep) Estimate {
		if e, ok := estimates[step.ID]; ok {
			return e
		}
		return BudgetEstimate(step)
	}
	half, path := s.endBy(p, now, never, func(step *PlannedStep) time.Duration { return estimate(step).P50 })
	most, _ := s.endBy(p, now, never, func(step *PlannedStep) time.Duration { return estimate(step).P90 })
	return Forecast{P50: max(0, half.Sub(from)), P90: max(0, most.Sub(from), half.Sub(from)), Path: path}
}

// reach is when something will have ended, and which unfinished step ends then; "" when nothing is waited for.
type reach struct {
	at time.Time
	by string
}

// endBy is when the last step will have ended, and the chain of unfinished steps that leads there.
func (s *State) endBy(p *Plan, now time.Time, never map[string]bool, takes func(*PlannedStep) time.Duration) (time.Time, []string) {
	ends := make(map[string]reach, len(p.Steps))
	last := make(map[string]string, len(p.Steps)) // the step that ends latest before it
	end := reach{at: now}
	var l lanes
	for i := range p.Steps { // topological order: what is needed has its end already
		step := &p.Steps[i]
		st := s.Step(step.ID)
		ready := reach{at: now}
		for _, n := range step.Needs {
			if e := ends[n]; e.by != "" && (ready.by == "" || e.at.After(ready.at)) {
				ready = e
			}
		}
		switch {
		case st.Settled():
			continue
		case never[step.ID]: // it is passed as soon as what it needs is there
			ends[step.ID] = ready
			continue
		case s.Stop != nil && !st.Acting():
			continue
		}
		begin := ready.at
		if at, begun := st.begun(now); begun {
			begin = at
		} else {
			if by := l.wait(step); by != "" && ends[by].at.After(begin) {
				begin, ready.by = ends[by].at, by
			}
			last[step.ID] = ready.by
		}
		e := reach{at: latest(now, begin.Add(max(0, takes(step)))), by: step.ID}
		ends[step.ID] = e
		l.take(step, func(id string) time.Duration { return ends[id].at.Sub(now) })
		if end.by == "" || !e.at.Before(end.at) {
			end = e
		}
	}
	var path []string
	for id := end.by; id != ""; id = last[id] {
		path = append(path, id)
	}
	slices.Reverse(path)
	return end.at, path
}

// begun is from when on the step takes what a step takes: an attempt anew takes as long as the first one. What has failed
// and waits for a person, or for its turn, begins now at the earliest.
func (s *StepState) begun(now time.Time) (at time.Time, begun bool) {
	switch {
	case s.Status == StatusRetrying:
		return latest(now, s.NotBefore), true
	case s.Status == StatusFailed:
		return now, true
	case s.Since.IsZero():
		return time.Time{}, false
	}
	return s.Since, true
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
