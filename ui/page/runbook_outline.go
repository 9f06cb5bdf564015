package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// outline is what a preview says about time, worked out once an answer: which step when, and what decides the end.
type outline struct {
	steps    []int         // indices into the plan's steps, in the order in which they begin, but for those not needed
	spans    []widget.Span // beside steps
	critical []string
	p50, p90 time.Duration
	source   string // of the estimates, as far as they agree
	undo     map[string]undoKind
	folded   []string // the steps that are not needed
	way      way
}

func outlineOf(th *theme.Theme, p *Preview) outline {
	var o outline
	if p.Plan == nil {
		return o
	}
	o.way = wayOf(p.Plan)
	half := func(id string) time.Duration { return p.takes(id).P50 }
	begin, end := schedule(p.Plan, half)
	_, o.p90 = runbook.CriticalPath(p.Plan, func(id string) time.Duration { return p.takes(id).P90 })
	o.critical, o.p50 = runbook.CriticalPath(p.Plan, half)
	o.critical = slices.DeleteFunc(slices.Clone(o.critical), func(id string) bool { return p.Never[id] })
	o.source = sourceOf(p)
	o.undo = make(map[string]undoKind, len(p.Plan.Steps))
	decides := make(map[string]bool, len(o.critical))
	for _, id := range o.critical {
		decides[id] = true
	}
	for i := range p.Plan.Steps {
		s := &p.Plan.Steps[i]
		o.undo[s.ID] = undoOf(s)
		if p.Never[s.ID] {
			o.folded = append(o.folded, s.ID)
			continue
		}
		o.steps = append(o.steps, i)
	}
	slices.SortStableFunc(o.steps, func(a, b int) int {
		return int(begin[p.Plan.Steps[a].ID] - begin[p.Plan.Steps[b].ID])
	})
	for _, i := range o.steps {
		s := &p.Plan.Steps[i]
		o.spans = append(o.spans, span(th, p, s, begin[s.ID], end[s.ID], decides[s.ID]))
	}
	return o
}

// undoKind says what can be put back.
type undoKind int

const (
	undoNothing undoKind = iota // it only looks: there is nothing to put back
	undoCan
	undoNone
)

func undoOf(s *runbook.PlannedStep) undoKind {
	if s.Kind.New == nil {
		return undoNone
	}
	probe := s.Kind.New()
	if _, can := probe.(runbook.Undoer); can {
		return undoCan
	}
	if _, acts := probe.(runbook.Action); acts {
		return undoNone
	}
	return undoNothing
}

func (u undoKind) String() string {
	switch u {
	case undoCan:
		return "possible, on request"
	case undoNone:
		return "none: what it did stays"
	}
	return "nothing to put back: it only looks"
}

// takes is how long a step is expected to take; nothing for one that is not needed.
func (p *Preview) takes(id string) runbook.Estimate {
	if p.Never[id] {
		return runbook.Estimate{}
	}
	return p.Estimates[id]
}

func span(th *theme.Theme, p *Preview, s *runbook.PlannedStep, begin, end time.Duration, decides bool) widget.Span {
	row := widget.Span{Name: s.ID, Start: begin, End: end, Sign: " "}
	e := p.Estimates[s.ID]
	row.Note = runbook.ClockText(e.P50) + " " + fmt.Sprintf("%-7s", shortSource(e.Source))
	if decides {
		row.Strong, row.Sign = true, th.Active.Render(th.Sign.Arrow)
	}
	if asks(s) {
		row.Note = th.Sign.Holding + " asks  " + row.Note
	}
	return row
}

// asks reports whether the step waits for a person before it starts.
func asks(s *runbook.PlannedStep) bool {
	return s.Confirm == runbook.ConfirmKey || s.Confirm == runbook.ConfirmType
}

// shortSource is where an estimate comes from, for a narrow column: "history of 4 runs" is "4 runs".
func shortSource(s string) string { return strings.TrimPrefix(s, "history of ") }

// sourceOf names the source of all estimates, or says that there are several.
func sourceOf(p *Preview) string {
	source := ""
	for i := range p.Plan.Steps {
		id := p.Plan.Steps[i].ID
		switch s := p.Estimates[id].Source; {
		case p.Never[id] || s == "" || s == source:
		case source == "":
			source = s
		default:
			return "history and budget"
		}
	}
	return source
}

// schedule is when each step begins and ends, when every one starts as soon as it can.
func schedule(p *runbook.Plan, takes func(string) time.Duration) (begin, end map[string]time.Duration) {
	begin, end = make(map[string]time.Duration, len(p.Steps)), make(map[string]time.Duration, len(p.Steps))
	for i := range p.Steps {
		s := &p.Steps[i]
		for _, n := range s.Needs {
			begin[s.ID] = max(begin[s.ID], end[n])
		}
		end[s.ID] = begin[s.ID] + max(0, takes(s.ID))
	}
	return begin, end
}
