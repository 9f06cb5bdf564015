package page

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

func sortedIDs[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// acts reports whether a step's kind changes something by itself.
func acts(step *runbook.PlannedStep) bool {
	if step.Kind.New == nil || step.Kind.Person {
		return false
	}
	_, is := step.Kind.New().(runbook.Action)
	return is
}

// change is a step that changes something, and how early it can.
type change struct {
	wave int // from 1, counted over waves that change something
	step *runbook.PlannedStep
}

// changes are the steps that change something, those of a person among them, and the ids of those that only look.
func (v *runView) changes() (out []change, looks []string) {
	p := v.opened.Plan
	if p == nil {
		return nil, nil
	}
	wave := 0
	for _, ids := range runbook.Waves(p) {
		fresh := true
		for _, id := range ids {
			step, _ := p.Step(id)
			switch {
			case v.never[id]:
			case acts(step) || step.Kind.Person:
				if fresh {
					wave, fresh = wave+1, false
				}
				out = append(out, change{wave, step})
			default:
				looks = append(looks, id)
			}
		}
	}
	return out, looks
}

// changeLines are what the run changes: a line a step, then titles in a row, then names, then how many.
func (v *runView) changeLines(w int) [][]string {
	th := v.env.Theme
	all, looks := v.changes()
	if len(all) == 0 {
		return [][]string{{section(th, "CHANGES", "nothing: every step only looks", w)}}
	}
	names := 0
	for _, c := range all {
		names = max(names, widget.Width(c.step.ID))
	}
	names = min(names, 16, max(1, w/3))
	list := []string{section(th, "CHANGES", th.Dim.Render("same number: side by side"), w)}
	var titles, ids []string
	last := 0
	for _, c := range all {
		number := "  "
		if c.wave != last {
			number, last = fmt.Sprintf("%2d", c.wave), c.wave
		}
		title := c.step.Title
		if c.step.Kind.Person {
			title += " (by a person)"
		}
		right := ""
		if e, known := v.opened.Estimates[c.step.ID]; known && w >= 60 {
			right = runbook.ClockText(e.P50) + " "
		}
		left := "  " + th.Dim.Render(number) + " " + th.Strong.Render(widget.Fit(th, c.step.ID, names)) + "  " + title
		list = append(list, widget.Ends(th, left, th.Dim.Render(right), w))
		titles = append(titles, strconv.Itoa(c.wave)+together+title)
		if n := strconv.Itoa(c.wave) + together; len(ids) > 0 && strings.HasPrefix(ids[len(ids)-1], n) {
			ids[len(ids)-1] += " + " + c.step.ID
		} else {
			ids = append(ids, n+c.step.ID)
		}
	}
	if len(looks) > 0 {
		list = append(list, section(th, "THEN LOOKS AT", strings.Join(looks, ", "), w))
	}
	sep := " " + th.Sign.Dot + " "
	return [][]string{
		list, v.flow("CHANGES", strings.Join(titles, sep), w), v.flow("CHANGES", strings.Join(ids, sep), w),
		{section(th, "CHANGES", plural(len(all), "step"), w)},
	}
}

// together is a space at which no line is broken. It is never drawn.
const together = "\u00a0"

// flow is a heading and a text that hangs beside it.
func (v *runView) flow(head, text string, w int) []string {
	indent := len(head) + 3
	if w < indent+24 {
		indent = 3
	}
	lines := widget.Wrap(text, max(1, w-indent))
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], together, " ")
	}
	var out []string
	if indent == 3 {
		out = append(out, " "+v.env.Theme.Head.Render(head))
	}
	for i, l := range lines {
		if i == 0 && indent > 3 {
			out = append(out, " "+v.env.Theme.Head.Render(head)+"  "+l)
			continue
		}
		out = append(out, widget.Gap(indent)+l)
	}
	return out
}

// dnsKind is the kind of step after which caches all over the world hold an old answer.
const dnsKind = "dns.record"

// needlessPart are the steps that nothing will happen to: the first to give way where there is too little room.
func (v *runView) needlessPart(w int) part {
	ids := v.folded()
	if len(ids) == 0 {
		return part{}
	}
	return onePart(1, []string{section(v.env.Theme, "NOT NEEDED HERE", v.env.Theme.Dim.Render(strings.Join(ids, ", ")), w)})
}

// foreverLines are what no key puts back.
func (v *runView) foreverLines(w int) [][]string {
	th, p := v.env.Theme, v.opened.Plan
	if p == nil {
		return nil
	}
	const head = "CANNOT BE UNDONE BY A KEY"
	var long, names []string
	all, _ := v.changes()
	for _, c := range all {
		switch {
		case c.step.Kind.Name == dnsKind:
			text := "caches may hold an answer for up to " + runbook.ClockText(v.ttl()) + " after each change"
			long = append(long, c.step.ID+": "+text)
			names = append(names, "DNS caches, up to "+runbook.ClockText(v.ttl())+" after each change")
		case c.step.Kind.Person:
			long, names = append(long, c.step.ID+": "+c.step.Title+" (by a person)"), append(names, c.step.ID)
		case !runbook.HasUndo(c.step):
			long, names = append(long, c.step.ID+": "+c.step.Title), append(names, c.step.ID)
		}
	}
	if len(names) == 0 {
		return [][]string{{" " + th.Good.Render(th.Sign.Done+" every change can be undone")}}
	}
	list := []string{" " + th.Head.Render(head)}
	for _, l := range long {
		list = append(list, "   "+th.Warn.Render(th.Sign.Warn)+" "+l)
	}
	return [][]string{list, v.flow(head, strings.Join(names, " "+th.Sign.Dot+" "), w)}
}

func (v *runView) ttl() time.Duration {
	if e := v.opened.Plan.Estate; e != nil && e.Service.TTL > 0 {
		return time.Duration(e.Service.TTL)
	}
	return runbook.DefaultTTL
}

// beforeCalls are the exact commands of every step that may run, as far as they are known before the start.
func beforeCalls(v *runView, w int) []string {
	p := v.opened.Plan
	if p == nil {
		return nil
	}
	th := v.env.Theme
	var out []string
	for i := range p.Steps {
		step := &p.Steps[i]
		if v.never[step.ID] {
			continue
		}
		out = append(out, " "+th.Strong.Render(step.ID)+"  "+step.Title)
		for _, l := range commandLines(th, v.opened.Calls[step.ID], max(1, w-3)) {
			out = append(out, "   "+l)
		}
	}
	if ids := v.folded(); len(ids) > 0 {
		out = append(out, " "+th.Dim.Render(foldedText(ids)))
	}
	for i, l := range out {
		out[i] = widget.Cut(th, l, max(0, w))
	}
	return out
}
