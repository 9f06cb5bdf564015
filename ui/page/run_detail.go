package page

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// details are a step's details in h lines of w cells: what it is for, what went wrong, what it left, the end of its log. The
// log gets what the rest leaves, and two lines at least.
func (v *runView) details(id string, w, h int, log tail) []string {
	if id == "" || h < 1 || w < 4 {
		return nil
	}
	th := v.env.Theme
	step, st := v.planned(id), v.state.Step(id)
	out := []string{th.Strong.Render(id) + "  " + th.Text.Render(widget.Cut(th, step.Title, w-widget.Width(id)-2))}
	if st.Status == runbook.StatusDone && !st.Ended.IsZero() { // how old its evidence is
		out[0] = widget.Ends(th, out[0], th.Dim.Render(" seen "+ageText(v, st.Ended)), w)
	}
	put := func(style theme.Style, lines []string, most int) {
		for i, l := range lines {
			if i < most && len(out) < h {
				out = append(out, style.Render(l))
			}
		}
	}
	few := 2
	if h > 12 {
		few = 6
	}
	if l := v.describe(id); l.warn != "" || !l.plain {
		if f := st.Failure; f != nil && st.Status == runbook.StatusFailed {
			put(th.Bad, widget.Wrap(f.What, w), few)
			put(th.Text, widget.Wrap(joinWords(f.Means, f.Do), w), few)
		} else if h > 12 || widget.Width(l.words)+widget.Width(l.warn) > w-30 {
			style, words := l.style, joinWords(l.warn, l.words)
			if l.warn != "" && st.Undo == runbook.UndoNone {
				style = th.Warn
			}
			if l.plain { // the title says it already
				words = l.warn
			}
			put(style, widget.Wrap(words, w), few)
		}
	}
	if h > 12 {
		put(th.Dim, v.factLines(id, w), 8)
	}
	if step.Why != "" && (h >= 4 || len(log.lines) == 0) {
		put(th.Dim, widget.Wrap(step.Why, w), max(0, min(few, h-len(out)-2)))
	}
	if h > 12 && len(log.lines) > 0 {
		out = append(out, "", th.Head.Render("log"))
	}
	room := h - len(out)
	if v.env.SSH {
		room = min(room, tailFar)
	}
	for _, l := range log.last(room) {
		out = append(out, th.Dim.Render(widget.Cut(th, l, w)))
	}
	return out
}

// factLines are kind, needs, attempts and outputs, as a table of words.
func (v *runView) factLines(id string, w int) []string {
	step, st := v.planned(id), v.state.Step(id)
	th := v.env.Theme
	var out []string
	row := func(name, text string) {
		if text != "" {
			out = append(out, widget.Cut(th, fmt.Sprintf("%-9s %s", name, text), w))
		}
	}
	row("kind", v.kind(id))
	if len(step.Needs) > 0 {
		row("needs", strings.Join(step.Needs, ", "))
	}
	if st.Attempt > 1 {
		row("attempts", fmt.Sprint(st.Attempt))
	}
	if e, ok := v.opened.Estimates[id]; ok {
		text := runbook.ClockText(e.P50)
		if e.P90 != e.P50 {
			text += " (p90 " + runbook.ClockText(e.P90) + ")"
		}
		row("expected", text+", "+sourceText(e.Source))
	}
	for _, name := range slices.Sorted(maps.Keys(st.Outputs)) {
		if text := valueText(st.Outputs[name]); text != "" {
			row("left", name+" "+text)
		}
	}
	return out
}

func sourceText(s string) string {
	if s == "budget" {
		return "its budget"
	}
	return s
}

// valueText is an output as a person reads it.
func valueText(x any) string {
	switch x := x.(type) {
	case nil:
		return ""
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(x)) {
			if t := valueText(x[k]); t != "" {
				parts = append(parts, k+"="+t)
			}
		}
		return strings.Join(parts, " ")
	case []any:
		var parts []string
		for _, e := range x {
			parts = append(parts, valueText(e))
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(x)
}

// allDetails are everything known of a step, for a screen of its own. The log has its own.
func (v *runView) allDetails(id string, w int) []string {
	th := v.env.Theme
	step, st := v.planned(id), v.state.Step(id)
	var out []string
	para := func(style theme.Style, text string) {
		if text == "" {
			return
		}
		for _, l := range widget.Wrap(text, max(1, w)) {
			out = append(out, style.Render(l))
		}
	}
	head := func(text string) { out = append(out, "", th.Head.Render(text)) }
	l := v.describe(id)
	out = append(out, l.style.Render(l.sign)+" "+th.Strong.Render(id)+"  "+step.Title)
	para(l.style, joinWords(l.warn, l.words))
	if f := st.Failure; f != nil {
		out = append(out, paraIn(th, th.Text, "What it means", f.Means, w)...)
		out = append(out, paraIn(th, th.Text, "What to do", f.Do, w)...)
	}
	out = append(out, paraIn(th, th.Text, "Why", step.Why, w)...)
	if step.If != "" {
		para(th.Dim, "only if "+step.If)
	}
	head("facts")
	out = append(out, v.factLines(id, w)...)
	if v.opened.ByHand != nil {
		if lines := v.opened.ByHand(&v.state, id); len(lines) > 0 {
			head("by hand (y copies a line)")
			out = append(out, lines...)
		}
	}
	head("what happened")
	for _, e := range v.seen {
		if _, subject, _ := runbook.Describe(e, &v.state, v.opened.Plan); subject == id {
			out = append(out, v.feedLine(e))
		}
	}
	return out
}
