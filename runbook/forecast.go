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

// Foresee forecasts a run from what has happened and what its steps take. A step that is late is expected to end now; one
// that waits for a person too, for nobody knows how long that takes. Never names steps whose condition is known to be false.
func Foresee(p *Plan, s *State, now time.Time, estimates map[string]Estimate, never map[string]bool) Forecast {
	if s.Finished != nil {
		took := time.Duration(s.Finished.Elapsed)
		return Forecast{P50: took, P90: took}
	}
	from := s.ClockFrom
	if from.IsZero() {
		from = now
	}
	half, path := s.endBy(p, now, never, func(id string) time.Duration { return estimates[id].P50 })
	most, _ := s.endBy(p, now, never, func(id string) time.Duration { return estimates[id].P90 })
	return Forecast{P50: max(0, half.Sub(from)), P90: max(0, most.Sub(from)), Path: path}
}

// endBy is when the last step will have ended, and the chain of unfinished steps that leads there.
func (s *State) endBy(p *Plan, now time.Time, never map[string]bool, takes func(string) time.Duration) (time.Time, []string) {
	ends := make(map[string]time.Time, len(p.Steps))
	last := make(map[string]string, len(p.Steps))
	open := make(map[string]bool, len(p.Steps))
	end, at := now, ""
	for i := range p.Steps {
		step := &p.Steps[i]
		st := s.Step(step.ID)
		begin := now
		for _, n := range step.Needs {
			if open[n] && (last[step.ID] == "" || ends[n].After(ends[last[step.ID]])) {
				last[step.ID] = n
				begin = ends[n]
			}
		}
		switch {
		case st.Settled() || never[step.ID]:
			ends[step.ID] = begin
			continue
		case !st.First.IsZero():
			begin = st.First
			last[step.ID] = ""
		}
		open[step.ID] = true
		ends[step.ID] = begin.Add(max(0, takes(step.ID)))
		if ends[step.ID].Before(now) {
			ends[step.ID] = now
		}
		if at == "" || ends[step.ID].After(end) {
			end, at = ends[step.ID], step.ID
		}
	}
	var path []string
	for id := at; id != ""; id = last[id] {
		path = append(path, id)
	}
	slices.Reverse(path)
	return end, path
}
