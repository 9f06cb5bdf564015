package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"lifeboat/runbook"
)

// span is a step on the run's clock, planned against actual.
type span struct {
	Step    string           `json:"step"`
	Status  string           `json:"status"`
	Started *runbook.Seconds `json:"started,omitempty"` // on the run's clock
	Took    *runbook.Seconds `json:"took,omitempty"`    // until now, while it goes on
	Budget  runbook.Seconds  `json:"budget,omitempty"`
}

// timeline is a run as a document: what was planned and what it became.
type timeline struct {
	Run     runbook.RunID   `json:"run"`
	Elapsed runbook.Seconds `json:"elapsed"`
	Target  runbook.Seconds `json:"target,omitempty"`
	Steps   []span          `json:"steps"`
}

// newTimeline puts the steps in the order in which they began; those that did not come last. Plan may be nil.
func newTimeline(s *runbook.State, plan *runbook.Plan, now time.Time) timeline {
	out := timeline{Run: s.Run, Elapsed: runbook.Seconds(s.Elapsed(now)), Target: runbook.Seconds(s.Start.Target), Steps: []span{}}
	ids := sortedKeys(s.Steps)
	budget := map[string]time.Duration{}
	if plan != nil {
		ids = nil
		for i := range plan.Steps {
			ids = append(ids, plan.Steps[i].ID)
			budget[plan.Steps[i].ID] = plan.Steps[i].Budget
		}
	}
	for _, id := range ids {
		st := s.Step(id)
		line := span{Step: id, Status: string(st.Status), Budget: runbook.Seconds(budget[id])}
		if st.Undo == runbook.UndoDone {
			line.Status = "undone"
		}
		if !st.First.IsZero() {
			end := st.Ended
			if end.Before(st.First) {
				end = now
			}
			started, took := runbook.Seconds(st.First.Sub(s.ClockFrom)), runbook.Seconds(max(0, end.Sub(st.First)))
			line.Started, line.Took = &started, &took
		}
		out.Steps = append(out.Steps, line)
	}
	slices.SortStableFunc(out.Steps, func(a, b span) int {
		switch {
		case a.Started == nil || b.Started == nil:
			return cmp.Compare(btoi(a.Started == nil), btoi(b.Started == nil))
		default:
			return cmp.Compare(*a.Started, *b.Started)
		}
	})
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// The bars' characters: what it took inside its budget, what was left of that, and what went over it.
const (
	barTook = "#"
	barLeft = "."
	barOver = "!"
)

// timelineWidth is how wide a timeline is when the terminal is no narrower, barsLeast the least width of its bars.
const (
	timelineWidth = 80
	barsLeast     = 10
)

// printTimeline draws the steps as bars under one clock.
func (a *app) printTimeline(t timeline) { a.printChart(newChart(t, a.columns()), t) }

func (a *app) printChart(c chart, t timeline) {
	fmt.Fprintf(a.out, "%s 0:00%*s\n", c.head("STEP", "BEGAN", "TOOK", "BUDGET"), max(1, c.room-4), runbook.ClockText(c.whole))
	for _, s := range t.Steps {
		if s.Started == nil {
			fmt.Fprintln(a.out, c.head(s.Step, "", "", clockOrNot(s.Budget)), s.Status)
			continue
		}
		began, took, budget := time.Duration(*s.Started), time.Duration(*s.Took), time.Duration(s.Budget)
		line := c.head(s.Step, runbook.ClockText(began), runbook.ClockText(took), clockOrNot(s.Budget)) + " " +
			bar(c.at(began), c.at(began+took), c.planned(began, budget), budget > 0 && took > budget) + statusBeside(s)
		fmt.Fprintln(a.out, line)
	}
	if t.Target > 0 {
		fmt.Fprintf(a.out, "%s %s|\n", c.head("target", "", runbook.ClockText(time.Duration(t.Elapsed)), clockOrNot(t.Target)),
			strings.Repeat("-", max(0, c.at(time.Duration(t.Target))-1)))
	}
	fmt.Fprintf(a.out, "\n%s took  %s left of its budget  %s over its budget\n", barTook, barLeft, barOver)
}

// statusBeside stands behind a bar that says too little by itself.
func statusBeside(s span) string {
	if s.Started == nil || s.Status == string(runbook.StatusDone) {
		return ""
	}
	return " " + s.Status
}

// chart is the measure of a timeline: how wide the names and the bars are, and how long the clock.
type chart struct {
	names, room int
	whole       time.Duration
}

func newChart(t timeline, columns int) chart {
	c := chart{names: len("target"), whole: max(time.Duration(t.Elapsed), time.Duration(t.Target))}
	beside := 0
	for _, s := range t.Steps {
		c.names = max(c.names, len(s.Step))
		beside = max(beside, len(statusBeside(s)))
		if s.Started != nil {
			c.whole = max(c.whole, time.Duration(*s.Started)+time.Duration(max(*s.Took, s.Budget)))
		}
	}
	width := timelineWidth
	if columns > 0 {
		width = min(width, columns)
	}
	c.room = max(barsLeast, width-beside-len(c.head("", "", "", ""))-1)
	return c
}

// head is what stands before the bars.
func (c chart) head(step, began, took, budget string) string {
	return fmt.Sprintf("%-*s %7s %7s %7s", c.names, step, began, took, budget)
}

// at is the column of a moment.
func (c chart) at(d time.Duration) int {
	if c.whole <= 0 {
		return 0
	}
	return min(c.room, max(0, int(math.Round(float64(d)*float64(c.room)/float64(c.whole)))))
}

// planned is where a step should have ended; 0 when nobody said.
func (c chart) planned(began, budget time.Duration) int {
	if budget <= 0 {
		return 0
	}
	return c.at(began + budget)
}

// bar goes from a column to another; planned is where it should have ended, 0 if nobody said. Something that began is at least
// one column wide, and so is what went over its budget.
func bar(from, to, planned int, over bool) string {
	to = max(to, from+1)
	switch {
	case over:
		planned = min(planned, to-1)
	case planned == 0:
		planned = to
	default:
		planned = max(planned, to)
	}
	return strings.Repeat(" ", from) + strings.Repeat(barTook, max(0, min(to, planned)-from)) +
		strings.Repeat(barLeft, max(0, planned-to)) + strings.Repeat(barOver, max(0, to-planned))
}

func clockOrNot(d runbook.Seconds) string {
	if d <= 0 {
		return ""
	}
	return runbook.ClockText(time.Duration(d))
}
