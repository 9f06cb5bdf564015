package runbook

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Estimate is how long a step is expected to take: half of the runs were faster than P50, nine of ten faster than P90.
type Estimate struct {
	P50, P90 time.Duration
	Runs     int    // how many runs it was measured on; 0: it is the budget
	Source   string // "history of 4 runs" or "budget"
}

// BudgetEstimate is the estimate of a step that has no history.
func BudgetEstimate(s *PlannedStep) Estimate {
	return Estimate{P50: s.Budget, P90: s.Budget, Source: "budget"}
}

// HistoryEstimate is the estimate from how long the step took in earlier runs; the budget when there is none.
func HistoryEstimate(s *PlannedStep, took []time.Duration) Estimate {
	if len(took) == 0 {
		return BudgetEstimate(s)
	}
	sorted := slices.Clone(took)
	slices.Sort(sorted)
	noun := "runs"
	if len(took) == 1 {
		noun = "run"
	}
	return Estimate{
		P50: quantile(sorted, 50), P90: quantile(sorted, 90), Runs: len(took),
		Source: fmt.Sprintf("history of %d %s", len(took), noun),
	}
}

// quantile is the nearest rank.
func quantile(sorted []time.Duration, percent int) time.Duration {
	return sorted[max(0, (len(sorted)*percent+99)/100-1)]
}

// Waves groups the steps by how early they can start: a wave's steps need only steps of waves before it.
func Waves(p *Plan) [][]string {
	var out [][]string
	wave := make(map[string]int, len(p.Steps))
	for i := range p.Steps { // topological order: what is needed has its wave already
		s := &p.Steps[i]
		w := 0
		for _, n := range s.Needs {
			w = max(w, wave[n]+1)
		}
		wave[s.ID] = w
		for len(out) <= w {
			out = append(out, nil)
		}
		out[w] = append(out[w], s.ID)
	}
	return out
}

// CriticalPath is the chain of steps that takes longest, from the first to the last, and how long it takes. Nothing
// else decides when the run is done.
func CriticalPath(p *Plan, estimate func(step string) time.Duration) (path []string, total time.Duration) {
	done := make(map[string]time.Duration, len(p.Steps))
	last := make(map[string]string, len(p.Steps)) // the need that was done last
	end := ""
	var l lanes
	for i := range p.Steps {
		s := &p.Steps[i]
		var from time.Duration
		for _, n := range s.Needs {
			if done[n] > from || last[s.ID] == "" {
				from, last[s.ID] = max(from, done[n]), n
			}
		}
		if by := l.wait(s); by != "" && done[by] > from {
			from, last[s.ID] = done[by], by
		}
		done[s.ID] = from + max(0, estimate(s.ID))
		l.take(s, func(id string) time.Duration { return done[id] })
		if end == "" || done[s.ID] > done[end] {
			end = s.ID
		}
	}
	for id := end; id != ""; id = last[id] {
		path = append(path, id)
	}
	slices.Reverse(path)
	return path, done[end]
}

// Ancestors lists every step that comes before, transitively, in the plan's order.
func Ancestors(p *Plan, step string) []string { return follow(p, step, true) }

// Descendants lists every step that waits for it, transitively, in the plan's order.
func Descendants(p *Plan, step string) []string { return follow(p, step, false) }

func follow(p *Plan, step string, up bool) []string {
	in := map[string]bool{step: true}
	var out []string
	visit := func(s *PlannedStep) {
		if up && in[s.ID] {
			for _, n := range s.Needs {
				in[n] = true
			}
		}
		if !up && slices.ContainsFunc(s.Needs, func(n string) bool { return in[n] }) {
			in[s.ID] = true
		}
	}
	if up {
		for i := range slices.Backward(p.Steps) {
			visit(&p.Steps[i])
		}
	} else {
		for i := range p.Steps {
			visit(&p.Steps[i])
		}
	}
	for i := range p.Steps {
		if id := p.Steps[i].ID; id != step && in[id] {
			out = append(out, id)
		}
	}
	return out
}

// lanes are the places of the groups that at_once limits: by group, the steps that hold them, the one that ends first in
// front.
type lanes map[string][]string

// wait names the step that a step of a full group waits for; "" when there is a place.
func (l lanes) wait(s *PlannedStep) string {
	if s.AtOnce == 0 || len(l[s.Group]) < s.AtOnce {
		return ""
	}
	return l[s.Group][0]
}

// take gives the step a place, in a full group that of the one that ends first.
func (l *lanes) take(s *PlannedStep, end func(id string) time.Duration) {
	if s.AtOnce == 0 {
		return
	}
	if *l == nil {
		*l = lanes{}
	}
	held := (*l)[s.Group]
	if len(held) >= s.AtOnce {
		held = held[1:]
	}
	held = append(slices.Clone(held), s.ID)
	slices.SortStableFunc(held, func(a, b string) int { return cmp.Compare(end(a), end(b)) })
	(*l)[s.Group] = held
}
