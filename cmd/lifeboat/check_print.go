package main

import (
	"fmt"
	"slices"
	"strings"

	"lifeboat/runbook"
)

// sign of a line: well, not well, unsure (which is not well), or only said.
func (c checked) sign() string {
	switch {
	case c.OK && (c.Guard || c.Grade == runbook.CannotCheck):
		return "·"
	case c.OK:
		return "✓"
	case c.Grade == runbook.CannotCheck:
		return "?"
	}
	return "✗"
}

// printReadiness shows every check with its grade, what the steps lean on, and what follows from it all.
func (a *app) printReadiness(r *readiness) {
	width, told, say := 0, map[string]bool{}, a.saying()
	for _, c := range r.Checks {
		width = max(width, len([]rune(c.Step)))
	}
	fmt.Fprintf(a.out, "\n%s · could it succeed now?\n", strings.ToUpper(string(r.Mode)))
	alike := r.alike()
	for i, c := range r.Checks {
		more := len(alike[i])
		if alike[i] != nil && alike[i][0] != i { // said of another copy of the step
			continue
		}
		source := ""
		if c.Source != "" && !strings.HasPrefix(c.Seen, c.Source) {
			source = " (" + c.Source + ")"
		}
		grade := ""
		if !strings.HasPrefix(c.Seen, string(c.Grade)) { // "cannot be checked before launch has run" says it already
			grade = " · " + string(c.Grade)
		}
		if more > 1 {
			grade += fmt.Sprintf(" · likewise %d more of %s", more-1, r.groups[c.Step])
		}
		say(width+6, "  %s %-*s  %s: %s%s%s", c.sign(), width, c.Step, c.What, c.Seen, source, grade)
		if c.Do != "" && !told[c.Do] { // what to do about missing credentials is said once
			told[c.Do] = true
			say(width+10, "    %-*s  do: %s", width, "", c.Do)
		}
	}
	a.printReliances(r.Depends, r.groups)
	a.printVerdict(r)
}

// alike finds the lines that say nothing but that it cannot be known, and say it of many copies of one step: by the number of
// each such line the numbers of them all.
func (r *readiness) alike() map[int][]int {
	lines := map[string][]int{}
	for i, c := range r.Checks {
		group := r.groups[c.Step]
		if group == "" || !c.OK || c.Grade != runbook.CannotCheck {
			continue
		}
		entry := strings.TrimPrefix(c.Step, group) // with its dash
		key := group + "\n" + strings.ReplaceAll(c.What+"\n"+c.Seen, entry, "-*")
		lines[key] = append(lines[key], i)
	}
	out := map[int][]int{}
	for _, same := range lines {
		for _, i := range same {
			if len(same) >= manyCopies {
				out[i] = same
			}
		}
	}
	return out
}

// together names steps, and of many copies of one step only that.
func together(steps []string, groups map[string]string) string {
	count := map[string]int{}
	for _, s := range steps {
		count[groups[s]]++
	}
	var out []string
	for _, s := range steps {
		words, g := s, groups[s]
		if g != "" && count[g] >= manyCopies {
			words = fmt.Sprintf("%s (%d of them)", g, count[g])
		}
		if !slices.Contains(out, words) {
			out = append(out, words)
		}
	}
	return strings.Join(out, ", ")
}

// saying prints lines that are broken between two words where a terminal is narrower.
func (a *app) saying() func(indent int, format string, args ...any) {
	columns := a.columns()
	return func(indent int, format string, args ...any) {
		for _, l := range broken(fmt.Sprintf(format, args...), columns, indent) {
			fmt.Fprintln(a.out, l)
		}
	}
}

// printReliances groups the steps by what they lean on, in the order in which it is first needed.
func (a *app) printReliances(all []runbook.Reliance, groups map[string]string) {
	say := a.saying()
	if len(all) > 0 {
		fmt.Fprintln(a.out, "\nwhat it leans on")
	}
	var places []string
	steps := map[string][]string{} // by place and by what is missing without it
	for _, r := range all {
		if !slices.Contains(places, r.On) {
			places = append(places, r.On)
		}
		steps[r.On+r.Without] = append(steps[r.On+r.Without], r.Step)
	}
	for _, place := range places {
		fmt.Fprintf(a.out, "  %s\n", place)
		for _, r := range all {
			key := r.On + r.Without
			if r.On == place && steps[key] != nil {
				say(8, "      %s: without it %s", together(steps[key], groups), r.Without)
				delete(steps, key)
			}
		}
	}
	for _, r := range all {
		if r.Warning != "" {
			say(4, "  ! %s", r.Warning)
			say(8, "    do: %s", r.Do)
		}
	}
}

func (a *app) printVerdict(r *readiness) {
	live, bad, open := 0, 0, 0
	var who []string // so that it is at hand when the lines above have scrolled away
	for _, c := range r.Checks {
		switch {
		case !c.OK:
			bad++
			if !slices.Contains(who, c.Step) {
				who = append(who, c.Step)
			}
		case c.Grade == runbook.CannotCheck:
			open++
		default:
			live++
		}
	}
	if r.Ready {
		fmt.Fprintf(a.out, "\n✓ READY      %d checked, %d cannot be checked before the run\n", live, open)
		return
	}
	fmt.Fprintf(a.out, "\n✗ NOT READY  %d not well (%s), %d well, %d cannot be checked before the run\n", bad, strings.Join(who, ", "), live, open)
}
