package page

import (
	"fmt"
	"strings"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// leastDetail is how many lines the details below the steps want: a rule, a title and two lines.
const leastDetail = 4

// beside reports whether details stand beside the steps.
func (p place) beside() bool { return p.size == sizeWide && p.bodyH >= 12 }

// stepsHeight gives the body's lines to the steps and, where the steps leave room, to the details below them.
func (v *runView) stepsHeight(p place, o runScreen) (steps, detail int) {
	n := len(v.shown()) + min(1, len(v.folded()))
	if p.beside() {
		return p.bodyH - 1, 0
	}
	steps = min(n, p.bodyH)
	if o.sheet == nil && p.bodyH >= 2*leastDetail {
		steps = min(n, p.bodyH-leastDetail)
		detail = p.bodyH - steps
	}
	return steps, detail
}

// workLines are the steps with the details of the one in focus: below them, or beside them where there is room.
func (v *runView) workLines(w int, p place, o runScreen) []string {
	th := v.env.Theme
	rows, detail := v.stepsHeight(p, o)
	if p.beside() {
		return v.besideLines(w, p.bodyH, o)
	}
	out := pad(v.stepsLines(w, rows, o), rows)
	if detail < 2 {
		return out
	}
	out = append(out, " "+th.Line.Render(th.Rule(v.state.Start.Mode, w-2)))
	for _, l := range v.details(v.detailStep(o), w-4, detail-1, o.log) {
		out = append(out, "  "+l)
	}
	return out
}

// besideLines puts steps at the left and details at the right.
func (v *runView) besideLines(w, h int, o runScreen) []string {
	th := v.env.Theme
	left := min(w*5/8, 110) // so that what a copy has left is not cut off
	right := w - left - 4
	steps := v.stepsLines(left, h-1, o)
	if room := h - 1 - len(steps) - 2; room >= 3 { // what happened last, below
		steps = append(steps, "", " "+th.Head.Render("lately"))
		for _, e := range v.seen[max(0, len(v.seen)-room):] {
			steps = append(steps, th.Dim.Render(widget.Cut(th, v.feedLine(e), left)))
		}
	}
	steps = pad(steps, h-1)
	details := pad(v.details(v.detailStep(o), right, h-1, o.log), h-1)
	out := make([]string, 0, h)
	bar := th.Line.Render(th.Box.V)
	for i := range steps {
		out = append(out, widget.Fit(th, steps[i], left)+" "+bar+" "+details[i])
	}
	return append(out, " "+th.Line.Render(th.Rule(v.state.Start.Mode, w-2)))
}

// detailStep is the step whose details are shown.
func (v *runView) detailStep(o runScreen) string {
	if o.detail != "" {
		return o.detail
	}
	rows := v.rows(o, 1<<20)
	if len(rows.rows) == 0 {
		return ""
	}
	return rows.rows[rows.focus].step
}

// phoneLines: the focused step large, the others as far as there is room.
func (v *runView) phoneLines(w, h int, o runScreen) []string {
	if h < 4 { // a sheet has the rest
		return v.stepsLines(w, h, o)
	}
	th := v.env.Theme
	o.detail = "" // the large step is the one in focus
	id := v.detailStep(o)
	out := []string{" " + th.Line.Render(th.Rule(v.state.Start.Mode, w-2))}
	if id != "" {
		out = append(out, v.largeLines(id, w, h-1)...)
	}
	out = append(out, v.restLines(id, w)...)
	if room := h - len(out); room >= 3 && len(o.log.lines) > 0 {
		out = append(out, " "+th.Line.Render(th.Rule(v.state.Start.Mode, w-2)))
		for _, l := range o.log.last(room - 1) {
			out = append(out, th.Dim.Render(widget.Cut(th, " "+l, w)))
		}
	}
	return out
}

// largeLines is one step with its words wrapped below it.
func (v *runView) largeLines(id string, w, h int) []string {
	th := v.env.Theme
	l := v.describe(id)
	out := []string{widget.Ends(th, " "+l.style.Render(l.sign)+" "+th.Strong.Render(id), th.Strong.Render(l.when+" "), w)}
	words := l.words
	if l.warn != "" {
		words = l.warn + " " + th.Sign.Dot + " " + words
	}
	for i, line := range widget.Wrap(words, w-4) {
		if i == 3 || i >= h-3 {
			break
		}
		style := th.Text
		if l.warn != "" && i == 0 {
			style = th.Warn
		}
		out = append(out, "   "+style.Render(line))
	}
	return out
}

// restLines are the other steps in a few words: how many are done, what else runs, what is to come.
func (v *runView) restLines(but string, w int) []string {
	th := v.env.Theme
	done := 0
	var busy, open []string
	for _, id := range v.shown() {
		st := v.state.Step(id)
		switch {
		case id == but:
		case st.Settled():
			done++
		case st.Acting(), st.Question != 0, st.Approval.Question != 0:
			busy = append(busy, id)
		default:
			open = append(open, id)
		}
	}
	var out []string
	for _, id := range busy {
		l := v.describe(id)
		out = append(out, widget.Cut(th, " "+l.style.Render(l.sign)+" "+th.Text.Render(id)+" "+th.Dim.Render(joinWords(l.warn, l.words)), w))
	}
	var parts []string
	if done > 0 {
		parts = append(parts, fmt.Sprintf("%s %d done", th.Sign.Done, done))
	}
	if len(open) > 0 {
		parts = append(parts, fmt.Sprintf("%s %d to go: %s", th.Sign.Waiting, len(open), strings.Join(open, ", ")))
	}
	if n := len(v.folded()); n > 0 {
		parts = append(parts, fmt.Sprintf("%s %d not needed", th.Sign.NotNeeded, n))
	}
	indent := " "
	for _, line := range widget.Wrap(strings.Join(parts, "  "), max(1, w-4)) {
		out = append(out, indent+th.Dim.Render(line))
		indent = "   "
	}
	return out
}

// listLines is the plainest screen: the current step, what else runs, what is left.
func (v *runView) listLines(w, h int, o runScreen) []string {
	o.detail = ""
	id := v.detailStep(o)
	if id == "" {
		return nil
	}
	th := v.env.Theme
	l := v.describe(id)
	out := []string{" " + l.style.Render(l.sign) + " " + th.Strong.Render(id) + " " + th.Strong.Render(l.when)}
	for _, line := range widget.Wrap(joinWords(l.warn, l.words), max(1, w-3)) {
		if len(out) < 4 {
			out = append(out, "   "+line)
		}
	}
	if d := v.dns(); d != nil && h > 4 {
		out = append(out, " "+th.Head.Render("DNS")+" "+d.short(v, w-6))
	}
	return append(out, v.restLines(id, w)...)
}

// feedLine puts an event of the run's log into words, with its time on the clock of the screen's head.
func (v *runView) feedLine(e runbook.Event) string {
	sign, subject, words := runbook.Describe(e, &v.state, v.opened.Plan)
	return fmt.Sprintf("%7s %s %-10s %s", onClock(&v.state, e.Time), v.ownSign(sign), subject, words)
}

// ownSign is the theme's sign for one of runbook.Describe: it knows no terminal.
func (v *runView) ownSign(sign string) string {
	if !v.env.Theme.ASCII {
		return sign
	}
	s := v.env.Theme.Sign
	switch sign {
	case "✓":
		return s.Done
	case "▶":
		return s.Running
	case "‖":
		return s.Holding
	case "✗":
		return s.Failed
	case "·":
		return s.Waiting
	case "↶":
		return s.Undone
	}
	return sign
}
