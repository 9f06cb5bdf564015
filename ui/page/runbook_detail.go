package page

import (
	"fmt"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// asideLines are the details of what has the focus, for beside or below the rows.
func (p *runbookPage) asideLines(w int) []string {
	if p.hasDetails() {
		return p.rowLines(w)
	}
	return p.planLines(w)
}

// hasDetails reports whether what has the focus is a step, or those that are not needed.
func (p *runbookPage) hasDetails() bool { return p.step() != nil || p.row().kind == rbFolded }

func (p *runbookPage) rowLines(w int) []string {
	if s := p.step(); s != nil {
		return p.stepLines(s, w)
	}
	return p.foldedLines(w)
}

// foldedLines tell of each step that is not needed what it is for, and which condition leaves it out.
func (p *runbookPage) foldedLines(w int) []string {
	th := p.env.Theme
	out := []string{th.Head.Render("NOT NEEDED WITH WHAT IS CHOSEN")}
	for _, id := range p.outline.folded {
		s, _ := p.preview.Plan.Step(id)
		out = append(out, "", th.Strong.Render(id))
		for _, text := range []string{s.Title, s.Kind.Name + ", if " + s.If} {
			for _, l := range widget.Wrap(text, max(1, w)) {
				out = append(out, th.Dim.Render(l))
			}
		}
	}
	return out
}

// stepLines tell all about a step.
func (p *runbookPage) stepLines(s *runbook.PlannedStep, w int) []string {
	th := p.env.Theme
	var out []string
	say := func(style func(string) string, words string) {
		for _, l := range widget.Wrap(words, max(1, w)) {
			out = append(out, style(l))
		}
	}
	fact := func(name, words string) {
		if words == "" {
			return
		}
		for i, l := range widget.Wrap(words, max(1, w-9)) {
			if i > 0 {
				name = ""
			}
			out = append(out, th.Dim.Render(widget.Fit(th, name, 8))+" "+l)
		}
	}
	say(th.Head.Render, s.ID)
	say(th.Text.Render, s.Title)
	if s.Why != "" {
		say(th.Dim.Render, s.Why)
	}
	out = append(out, "")
	fact("kind", s.Kind.Name)
	after := "at once"
	if len(s.Needs) > 0 {
		after = strings.Join(s.Needs, ", ")
	}
	fact("after", after)
	fact("before", strings.Join(p.waiting(s.ID), ", "))
	fact("if", s.If)
	fact("takes", p.takesWords(s.ID))
	fact("timeout", fmt.Sprintf("%s an attempt, %s", runbook.ClockText(s.Timeout), attempts(s.Retry.Attempts)))
	fact("asks", stepAsks(s))
	fact("undo", p.outline.undo[s.ID].String())
	out = append(out, "", th.Dim.Render("the same by hand, y copies:"))
	calls := p.preview.Calls[s.ID]
	if len(calls) == 0 {
		out = append(out, th.Dim.Render("  no command does this"))
	}
	for _, c := range calls {
		style, sign := th.Text, "$ "
		if strings.HasPrefix(c, "#") {
			style, sign = th.Dim, "  "
		}
		for i, l := range widget.Wrap(c, max(1, w-2)) {
			if i > 0 {
				sign = "  "
			}
			out = append(out, th.Dim.Render(sign)+style.Render(l))
		}
	}
	return out
}

func (p *runbookPage) takesWords(id string) string {
	e := p.preview.Estimates[id]
	out := runbook.ClockText(e.P50)
	if e.P90 > e.P50 {
		out += ", nine of ten " + runbook.ClockText(e.P90)
	}
	return out + " (" + orElse(e.Source, "not known") + ")"
}

func attempts(n int) string {
	if n == 1 {
		return "one attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}

func stepAsks(s *runbook.PlannedStep) string {
	switch s.Confirm {
	case runbook.ConfirmType:
		return "before it starts: the word " + s.Word + " is typed"
	case runbook.ConfirmKey:
		return "before it starts: a key"
	}
	return ""
}

// waiting are the steps that need this one.
func (p *runbookPage) waiting(id string) []string {
	var out []string
	for i := range p.preview.Plan.Steps {
		for _, n := range p.preview.Plan.Steps[i].Needs {
			if n == id {
				out = append(out, p.preview.Plan.Steps[i].ID)
			}
		}
	}
	return out
}

// planLines tell what the runbook as a whole does, when no step has the focus.
func (p *runbookPage) planLines(w int) []string {
	th, plan := p.env.Theme, p.preview.Plan
	if plan == nil {
		return nil
	}
	var out []string
	say := func(words string) { out = append(out, widget.Wrap(words, max(1, w))...) }
	out = append(out, th.Head.Render("WHAT DECIDES THE TIME"))
	say(strings.Join(p.outline.critical, " "+th.Sign.Arrow+" "))
	out = append(out, "", th.Head.Render("THE CHART"))
	out = append(out, th.Active.Render(strings.Repeat(th.Sign.Full, 4))+" "+th.Active.Render(th.Sign.Arrow)+" on that path")
	out = append(out, strings.Repeat(th.Box.Heavy, 4)+"   beside it")
	out = append(out, "", th.Head.Render("WHEN IT STARTS"))
	say(p.promise())
	out = append(out, "", th.Head.Render("CANNOT BE UNDONE BY A KEY"))
	var none []string
	for i := range plan.Steps {
		if id := plan.Steps[i].ID; p.outline.undo[id] == undoNone && !p.preview.Never[id] {
			none = append(none, id)
		}
	}
	say(orElse(strings.Join(none, ", "), "nothing"))
	out = append(out, "", th.Dim.Render(p.preview.Path))
	for i := range out {
		out[i] = widget.Cut(th, out[i], w)
	}
	return out
}

func (p *runbookPage) detailBody() []string {
	th := p.env.Theme
	lines := p.rowLines(max(1, p.w-3))
	n := p.body() + p.pane()
	first := max(0, min(p.down, len(lines)-n))
	var out []string
	for _, l := range lines[first:min(len(lines), first+n)] {
		out = append(out, " "+l)
	}
	if more := len(lines) - first - n; more > 0 && n > 1 {
		out[n-1] = th.Dim.Render(" " + th.Sign.Ellipsis + " more below")
	}
	return out
}

// detailEnd is how far down the details can be scrolled.
func (p *runbookPage) detailEnd() int {
	if !p.detail || !p.hasDetails() {
		return 0
	}
	return max(0, len(p.rowLines(max(1, p.w-3)))-p.body()-p.pane())
}

// detailKey scrolls; used is false for keys that mean the same as without the details.
func (p *runbookPage) detailKey(msg tea.KeyPressMsg) (used bool) {
	switch {
	case !p.hasDetails():
		p.detail = false
		return false
	case key.Matches(msg, KeyBack, KeyEnter, KeyQuit):
		p.detail = false
	case msg.String() == "y":
		return false
	default:
		p.down, _ = scrolled(msg, p.down, p.body()+p.pane()-1, p.detailEnd())
	}
	return true
}

// wordLines ask for a word.
func (p *runbookPage) wordLines() []string {
	th := p.env.Theme
	out := p.wrapped(th.Asking.Render(th.Sign.Holding)+" ", p.need.What)
	out = append(out, "")
	label := "type " + p.need.Word + " "
	text, _ := p.field.View(max(1, p.w-widget.Width(label)-5))
	out = append(out, "   "+th.Strong.Render(label)+th.Focus.Underline().Render(text+" "))
	if p.needBad != "" {
		out = append(out, "   "+th.Warn.Render(th.Sign.Warn+" the word is "+p.need.Word+", not "+p.needBad+": nothing was done"))
	}
	out = append(out, "")
	out = append(out, p.wrapped("  ", p.need.Do)...)
	if n := p.body() + p.pane(); len(out) > n { // the field matters most
		out = out[max(0, min(len(out)-n, 2)):]
	}
	return out
}

func (p *runbookPage) wordCursor() (int, int, bool) {
	lines := p.wordLines()
	label := "type " + p.need.Word + " "
	_, at := p.field.View(max(1, p.w-widget.Width(label)-5))
	for y, l := range lines {
		if strings.Contains(l, label) {
			x := 3 + widget.Width(label) + at
			return x, p.above() + y, x < p.w && p.above()+y < p.h-p.below()
		}
	}
	return 0, 0, false
}
