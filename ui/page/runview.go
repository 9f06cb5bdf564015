package page

import (
	"maps"
	"slices"
	"strings"
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
	way      way // the regions that it is about
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

// hear takes what has happened since. Events that take back what was seen before begin a new fold.
func (v *runView) hear(n News) {
	if n.Anew {
		v.state, v.seen = runbook.State{}, nil
	}
	v.take(n.Events)
	v.progress, v.record = n.Progress, n.Record
	v.driven, v.driver, v.since = n.Driven, n.Driver, n.Since
}

// look is called after every change of state or clock, so that View has nothing to work out.
func (v *runView) look(now time.Time) {
	v.now = now
	if v.opened.Plan != nil {
		v.forecast = runbook.Foresee(v.opened.Plan, &v.state, now, v.expected(), v.never)
	}
}

// expected are the estimates, corrected by what a step under way says about itself.
func (v *runView) expected() map[string]runbook.Estimate {
	out := v.opened.Estimates
	for id, p := range v.progress {
		st := v.state.Step(id)
		if p.Left <= 0 || st.Status != runbook.StatusRunning {
			continue
		}
		if len(out) == len(v.opened.Estimates) {
			out = maps.Clone(out)
		}
		e := out[id]
		e.P50 = v.now.Sub(st.Since) + time.Duration(p.Left)
		e.P90 = max(e.P90, e.P50)
		if out == nil {
			out = map[string]runbook.Estimate{}
		}
		out[id] = e
	}
	return out
}

// neverNeeded are the steps whose condition is false whatever happens.
func neverNeeded(p *runbook.Plan) map[string]bool {
	out := map[string]bool{}
	if p == nil {
		return out
	}
	for i := range p.Steps {
		if needed, err := p.Needed(p.Steps[i].ID, &runbook.State{}); err == nil && !needed {
			out[p.Steps[i].ID] = true
		}
	}
	return out
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

// steps are the ids in the order in which they are shown: the plan's, or where there is none, that of their first event.
func (v *runView) steps() []string {
	if p := v.opened.Plan; p != nil {
		out := make([]string, len(p.Steps))
		for i := range p.Steps {
			out[i] = p.Steps[i].ID
		}
		return out
	}
	out := slices.Collect(maps.Keys(v.state.Steps))
	slices.SortFunc(out, func(a, b string) int {
		if c := v.state.Steps[a].First.Compare(v.state.Steps[b].First); c != 0 {
			return c
		}
		if a < b {
			return -1
		}
		return 1
	})
	return out
}

// shown are the steps that have a line of their own: all but those that are known never to be needed.
func (v *runView) shown() []string {
	return slices.DeleteFunc(v.steps(), func(id string) bool { return v.never[id] })
}

// folded are the steps that share one line, for nothing will happen to them. One whose condition turns out false while the
// run goes on is none of them: it stays where it was seen.
func (v *runView) folded() []string {
	return slices.DeleteFunc(v.steps(), func(id string) bool { return !v.never[id] })
}

// foldedText is what their line says.
func foldedText(ids []string) string {
	return plural(len(ids), "step") + " not needed here: " + strings.Join(ids, ", ")
}

// planned is a step of the plan; an empty one where it is not known.
func (v *runView) planned(id string) runbook.PlannedStep {
	if p := v.opened.Plan; p != nil {
		if s, ok := p.Step(id); ok {
			return *s
		}
	}
	return runbook.PlannedStep{ID: id, Title: id}
}

// current is the step that the run stands at: what is under way and decides the end, else what is under way, else what waits
// for a person, else what comes next.
func (v *runView) current() string {
	for _, id := range v.forecast.Path {
		if st := v.state.Step(id); st.Acting() {
			return id
		}
	}
	steps := v.shown()
	for _, at := range []func(runbook.StepState) bool{
		func(s runbook.StepState) bool { return s.Undo == runbook.UndoRunning },
		func(s runbook.StepState) bool { return s.Acting() },
		func(s runbook.StepState) bool { return s.Question != 0 || s.Approval.Question != 0 },
		func(s runbook.StepState) bool { return !s.Settled() },
	} {
		for _, id := range steps {
			if at(v.state.Step(id)) {
				return id
			}
		}
	}
	if len(steps) == 0 {
		return ""
	}
	return steps[len(steps)-1]
}

// undoing reports whether an undo is under way or to come.
func (v *runView) undoing() bool {
	if v.opened.Plan == nil || len(v.state.UndoQueue) == 0 {
		return false
	}
	return len(runbook.Outstanding(v.opened.Plan, v.state)) > 0 || v.state.Finished != nil && len(runbook.Decide(v.opened.Plan, v.state)) > 0
}

// question is what waits for a person, the oldest first. What was answered on the command line is not asked: the driver is
// about to give the answer.
func (v *runView) question() (runbook.Question, bool) {
	for _, q := range v.state.Questions() {
		if !v.driven || !runbook.AnsweredAhead(v.opened.Plan, &v.state, q) {
			return q, true
		}
	}
	return runbook.Question{}, false
}
