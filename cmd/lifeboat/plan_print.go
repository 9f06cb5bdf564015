package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/runbook"
)

// manyCopies is from how many copies of one step on only one of them is shown, unless all are asked for.
const manyCopies = 4

func (a *app) printPlan(d planned, all bool) {
	say := a.saying()
	say(2, "%s · %s · %s", strings.ToUpper(string(d.Mode)), d.Title, d.Digest)
	for _, k := range sortedKeys(d.Inputs) {
		fmt.Fprintf(a.out, "  input %s = %s\n", k, d.Inputs[k])
	}
	line := "forecast " + runbook.ClockText(time.Duration(d.Forecast))
	if d.Target > 0 {
		line += " of " + runbook.ClockText(time.Duration(d.Target))
	}
	say(2, "%s · critical path: %s", line, strings.Join(d.Critical, " → "))
	switch d.Start.Confirm {
	case runbook.ConfirmType:
		fmt.Fprintf(a.out, "starts when %s is typed\n", d.Start.Word)
	case runbook.ConfirmKey:
		fmt.Fprintln(a.out, "starts when an operator says yes")
	}
	a.printPlannedGuards(d.Guards)
	for i := range d.Waves {
		fmt.Fprintf(a.out, "\nwave %d\n", i+1)
		for _, like := range d.wave(i, all) {
			a.printPlannedStep(like[0])
			a.printAlike(like)
		}
	}
	for _, n := range d.Notes {
		fmt.Fprintln(a.out)
		say(2, "note: %s", n)
	}
}

// wave is a wave's steps, each with those that are told together with it: the other copies of the same step, when they are
// many and the same is to be said of them. The one that is shown is on the critical path where one is.
func (d planned) wave(n int, all bool) [][]plannedStep {
	var out [][]plannedStep
	at := map[string]int{}
	for _, id := range d.Waves[n] {
		i := slices.IndexFunc(d.Steps, func(s plannedStep) bool { return s.ID == id })
		s := d.Steps[i]
		key := fmt.Sprintf("%s %v %s %s", s.Group, s.Needed, s.Asks.Confirm, s.If)
		if where, known := at[key]; known && s.Group != "" && !all {
			out[where] = append(out[where], s)
			continue
		}
		at[key] = len(out)
		out = append(out, []plannedStep{s})
	}
	var told [][]plannedStep
	for _, like := range out {
		if len(like) < manyCopies {
			for _, s := range like {
				told = append(told, []plannedStep{s})
			}
			continue
		}
		if i := slices.IndexFunc(like, func(s plannedStep) bool { return s.Critical }); i > 0 {
			shown := like[i]
			like = slices.Insert(slices.Delete(like, i, i+1), 0, shown)
		}
		told = append(told, like)
	}
	return told
}

// printAlike names the copies that were not shown.
func (a *app) printAlike(like []plannedStep) {
	if len(like) < 2 {
		return
	}
	first, ids, longest := like[0], []string{}, like[0].Estimate
	for _, s := range like[1:] {
		ids = append(ids, s.ID)
		longest = max(longest, s.Estimate)
	}
	words := "likewise " + strings.Join(ids, ", ")
	if longest > first.Estimate {
		words += " · up to " + runbook.ClockText(time.Duration(longest))
	}
	if first.Needed && first.AtOnce > 0 {
		words += fmt.Sprintf(" · %d at once", first.AtOnce)
	}
	a.saying()(planIndent, "%*s%s (all in full: --all)", planIndent, "", words)
}

func (a *app) printPlannedGuards(guards []plannedGuard) {
	if len(guards) > 0 {
		fmt.Fprintln(a.out, "\nguards, before the first step")
	}
	for _, g := range guards {
		extra := " (cannot be waived)"
		switch {
		case !g.Applicable:
			extra = " (not asked in this mode)"
		case g.Confirm == runbook.ConfirmType:
			extra = " (can be waived by typing " + g.Word + ")"
		case g.Confirm == runbook.ConfirmKey:
			extra = " (can be waived)"
		}
		fmt.Fprintf(a.out, "  %-10s %s%s\n", g.ID, g.Title, extra)
	}
}

// planIndent is where the lines about a step begin.
const planIndent = 13

func (a *app) printPlannedStep(s plannedStep) {
	say := a.saying()
	mark := "·"
	if s.Critical {
		mark = "▸"
	}
	after := "at once"
	if len(s.Needs) > 0 {
		after = "after " + strings.Join(s.Needs, ", ")
	}
	say(planIndent, "%s %-10s %s (%s)", mark, s.ID, s.Title, s.Kind)
	undo := "no undo"
	if s.Undo {
		undo = "can be undone"
	}
	about := func(format string, args ...any) {
		say(planIndent, "%*s%s", planIndent, "", fmt.Sprintf(format, args...))
	}
	if !s.Needed {
		about("not needed: %s is false", s.If)
		return
	}
	about("%s · %s (%s), at most %s · %s", after, runbook.ClockText(time.Duration(s.Estimate)), s.Source,
		runbook.ClockText(time.Duration(s.Timeout)), undo)
	switch s.Asks.Confirm {
	case runbook.ConfirmType:
		about("waits until %s is typed", s.Asks.Word)
	case runbook.ConfirmKey:
		about("waits until an operator says yes")
	}
	for _, c := range s.Calls {
		if strings.HasPrefix(c, "#") {
			about("%s", c)
			continue
		}
		fmt.Fprintf(a.out, "%*s$ %s\n", planIndent, "", c) // in one piece: it is there to be copied
	}
}
