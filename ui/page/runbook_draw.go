package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

func (p *runbookPage) wide() bool { return p.w >= wideFrom }

// left is the width of the rows; beside them are the details.
func (p *runbookPage) left() int {
	if p.wide() {
		return p.w * 3 / 5
	}
	return p.w
}

func (p *runbookPage) above() int {
	switch {
	case p.h < 5:
		return 0
	case p.h < 14:
		return 1
	}
	return 2
}

// below is the footer, its rule, and a line about what has the focus.
func (p *runbookPage) below() int {
	switch {
	case p.h < 5:
		return 0
	case p.h < 14:
		return 1
	case p.wide() || p.pane() > 0:
		return 2
	}
	return 3
}

// pane is the height of the details below the rows, on a screen that is tall but not wide.
func (p *runbookPage) pane() int {
	if !p.wide() && p.h >= 36 {
		return p.h / 3
	}
	return 0
}

func (p *runbookPage) body() int { return max(0, p.h-p.above()-p.below()-p.pane()) }

// View draws the page.
func (p *runbookPage) View() string {
	th := p.env.Theme
	lines := make([]string, 0, p.h)
	if p.above() > 0 {
		lines = append(lines, p.header())
	}
	if p.above() > 1 {
		lines = append(lines, th.Line.Render(th.Rule(p.choice.Mode, p.w)))
	}
	switch {
	case p.need != nil:
		lines = append(lines, p.wordLines()...)
	case p.detail && p.hasDetails():
		lines = append(lines, p.detailBody()...)
	default:
		lines = append(lines, p.bodyLines()...)
	}
	for len(lines) < p.h-p.below() {
		lines = append(lines, "")
	}
	lines = lines[:max(0, p.h-p.below())]
	if p.below() > 2 {
		lines = append(lines, widget.Cut(th, " "+th.Dim.Render(p.aboutFocus()), p.w))
	}
	if p.below() > 1 {
		lines = append(lines, ruleMore(th, th.Rule(p.choice.Mode, p.w), p.hidden(), p.w))
	}
	if p.below() > 0 {
		lines = append(lines, widget.Footer(th, p.ShortHelp(), p.footEnd(), p.w))
	}
	return widget.Screen(th, lines, p.w, p.h)
}

// hidden is how many rows lie below what is seen.
func (p *runbookPage) hidden() int {
	if p.need != nil || p.detail {
		return 0
	}
	return max(0, len(p.rows)-p.first-p.body())
}

// header says in words on what a start would act.
func (p *runbookPage) header() string {
	th := p.env.Theme
	left := " "
	if p.choice.Mode != "" {
		left += th.Badge(p.choice.Mode).Render(" "+strings.ToUpper(string(p.choice.Mode))+" ") + " "
	}
	left += th.Strong.Render(p.name())
	if plan := p.preview.Plan; plan != nil && plan.Estate != nil {
		e := plan.Estate
		account := orElse(e.Account, "no account named")
		if p.w >= 90 {
			account = "account " + account + " " + e.Name
		}
		left += th.Dim.Render(" "+th.Sign.Dot+" ") + p.outline.way.words(th, e) +
			th.Dim.Render(" "+th.Sign.Dot+" ") + account
	}
	return widget.Ends(th, left, th.Dim.Render(p.env.Actor.String()+" "), p.w)
}

func (p *runbookPage) bodyLines() []string {
	th, n := p.env.Theme, p.body()
	at, first := p.at(), max(0, min(p.first, len(p.rows)-n))
	chart := widget.NewChart(p.outline.spans, p.outline.p50, p.target(), max(0, p.left()-4))
	lines := make([]string, 0, n)
	for i := first; i < min(len(p.rows), first+n); i++ {
		lines = append(lines, widget.Cut(th, p.draw(p.rows[i], i == at, chart), p.left()))
	}
	if p.wide() {
		return p.beside(lines, p.fold(p.asideLines(p.w-p.left()-3), n), n)
	}
	if pane := p.pane(); pane > 0 {
		for len(lines) < n {
			lines = append(lines, "")
		}
		aside := p.fold(p.asideLines(p.w-2), pane-1)
		lines = append(lines, th.Line.Render(strings.Repeat(th.Box.H, p.w)))
		for _, l := range aside {
			lines = append(lines, " "+l)
		}
	}
	return lines
}

// fold shortens lines to n, and says so.
func (p *runbookPage) fold(lines []string, n int) []string {
	if len(lines) <= n || n < 1 {
		return lines
	}
	th := p.env.Theme
	return append(slices.Clone(lines[:n-1]), th.Dim.Render(th.Sign.Ellipsis+" enter shows all"))
}

func (p *runbookPage) beside(left, right []string, n int) []string {
	th := p.env.Theme
	bar := th.Line.Render(" " + th.Box.V + " ")
	out := make([]string, n)
	for i := range out {
		l, r := "", ""
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		out[i] = widget.Fit(th, l, p.left()) + bar + r
	}
	return out
}

func (p *runbookPage) target() time.Duration {
	if p.preview.Plan == nil {
		return 0
	}
	return p.preview.Plan.Target
}

func (p *runbookPage) draw(r rbRow, focused bool, chart widget.Chart) string {
	th := p.env.Theme
	mark := "   "
	if focused {
		mark = " " + th.Focus.Render(th.Sign.Focus) + " "
	}
	switch r.kind {
	case rbMode:
		return mark + p.modeLine(focused)
	case rbField:
		return mark + p.fieldLine(p.fields()[r.i], focused)
	case rbStart:
		return mark + p.startLine(focused)
	case rbForecast:
		return "   " + p.forecastLine()
	case rbAxis:
		return "   " + chart.Axis(th)
	case rbStep:
		s := p.outline.spans[r.i]
		s.Focus = focused
		return mark + chart.Row(th, s)
	case rbFolded:
		return mark + th.Dim.Render(th.Sign.NotNeeded+" "+foldedText(p.outline.folded))
	case rbGuard:
		return mark + p.guardLine(&p.preview.Plan.Guards[r.i])
	case rbPast:
		return mark + p.pastLine(&p.preview.Past[r.i], focused)
	}
	return r.text
}

func (p *runbookPage) modeLine(focused bool) string {
	th := p.env.Theme
	out := p.label("mode", focused)
	for _, m := range rbModes() {
		word := " " + strings.ToUpper(string(m)) + " "
		switch {
		case m == p.choice.Mode:
			out += th.Badge(m).Reverse().Render(word) + " "
		case p.why(m) != "":
			out += th.Dim.Strikethrough().Render(strings.TrimSpace(word)) + "  "
		default:
			out += word + " "
		}
	}
	return out
}

func (p *runbookPage) label(name string, focused bool) string {
	th := p.env.Theme
	style := th.Dim
	if focused {
		style = th.Focus
	}
	width := 10
	if p.w < 50 {
		width = 7
	}
	return style.Render(widget.Fit(th, name, width-1)) + " "
}

func (p *runbookPage) fieldLine(f rbChoice, focused bool) string {
	th := p.env.Theme
	out := p.label(f.name, focused)
	if p.editing == f.key {
		text, _ := p.field.View(max(1, p.left()-widget.Width(out)-4))
		return out + th.Focus.Underline().Render(text+" ")
	}
	words := f.title
	for _, o := range f.options {
		if o.Name == f.value {
			words = o.Title
		}
	}
	value := orElse(f.value, "none")
	if len(f.options) > 0 && focused {
		value = "< " + value + " >"
	}
	return out + th.Strong.Render(value) + "  " + th.Dim.Render(words)
}

func (p *runbookPage) startLine(focused bool) string {
	th := p.env.Theme
	if p.starting {
		return th.Active.Render(th.Sign.Running+" starting"+th.Sign.Ellipsis) + th.Dim.Render("  esc leaves this page; a run that has begun goes on")
	}
	if why := p.canStart(); why != "" {
		return th.Dim.Render("START  " + why)
	}
	style := th.Strong
	if focused {
		style = th.Focus
	}
	return style.Render("START  "+startWords(p.choice.Mode)) + "  " + th.Dim.Render(p.promise())
}

func startWords(m runbook.Mode) string {
	switch m {
	case runbook.Live:
		return "go live…"
	case runbook.Drill:
		return "drill…"
	}
	return "rehearse"
}

// promise says what happens when it starts, and what does not.
func (p *runbookPage) promise() string {
	if p.choice.Mode == runbook.Rehearse {
		return "in a simulated cloud: nothing real is touched"
	}
	switch plan := p.preview.Plan; plan.Confirm {
	case runbook.ConfirmType:
		return "nothing happens before you have typed the word"
	case runbook.ConfirmKey:
		return "nothing happens before you have said yes"
	}
	if p.choice.Mode == runbook.Live {
		return "this runbook asks nothing; its name is to be typed here"
	}
	return "it begins as soon as the guards hold"
}

func (p *runbookPage) forecastLine() string {
	th, o, target := p.env.Theme, &p.outline, p.target()
	words := "forecast " + runbook.ClockText(o.p50)
	if o.p90 > o.p50 {
		words += " (p90 " + runbook.ClockText(o.p90) + ")"
	}
	style, note := th.Good, ""
	switch {
	case target <= 0:
		style, note = th.Dim, "no target"
	case o.p50 > target:
		style, note = th.Bad, th.Sign.Failed+" "+runbook.ClockText(o.p50-target)+" over the target"
	case o.p90 > target:
		style, note = th.Warn, th.Sign.Warn+" "+runbook.ClockText(target-o.p50)+" to spare, one in ten is late"
	default:
		note = th.Sign.Done + " " + runbook.ClockText(target-o.p50) + " to spare"
	}
	out := ""
	if target > 0 && p.left() >= 56 {
		out = widget.Bar(th, float64(o.p50)/float64(target), 12) + " "
	}
	out += th.Strong.Render(words)
	if target > 0 {
		out += " of " + runbook.ClockText(target)
	}
	out += "  " + style.Render(note)
	if o.source != "" {
		out += th.Dim.Render("  " + o.source)
	}
	return out
}

func (p *runbookPage) guardLine(g *runbook.PlannedGuard) string {
	th := p.env.Theme
	id := widget.Fit(th, g.ID, min(16, max(6, p.left()/5)))
	if !g.Applicable {
		return th.Dim.Render(id + " " + th.Sign.NotNeeded + " not in this mode: " + g.Title)
	}
	return id + " " + g.Title + th.Dim.Render("  "+waiveWords(g))
}

func waiveWords(g *runbook.PlannedGuard) string {
	switch g.Waive {
	case runbook.ConfirmType:
		return "can be waived by typing " + g.Word
	case runbook.ConfirmKey:
		return "can be waived with a key"
	}
	return "cannot be waived"
}

func (p *runbookPage) pastLine(r *RunLine, focused bool) string {
	th := p.env.Theme
	when := r.Finished.In(p.env.Now().Location()).Format("_2 Jan 2006 15:04")
	if p.w < 60 {
		when = r.Finished.In(p.env.Now().Location()).Format("_2 Jan 06")
	}
	if focused {
		when = th.Focus.Render(when)
	}
	style, sign, words := outcomeLook(th, r)
	out := when + "  " + modeWord(th, r.Mode) + "  " + style(sign+" "+words)
	if r.Outcome == runbook.Done || r.Outcome == runbook.DoneWithSkips {
		out += "  " + runbook.ClockText(r.Elapsed) + th.Dim.Render(against(r.Elapsed, r.Target))
	}
	return out
}

// aboutFocus is one line about what has the focus.
func (p *runbookPage) aboutFocus() string {
	switch r := p.row(); r.kind {
	case rbStep:
		s := p.step()
		out := s.Title
		if len(s.Needs) > 0 {
			out += " " + p.env.Theme.Sign.Dot + " after " + strings.Join(s.Needs, ", ")
		}
		return out
	case rbField:
		return p.fields()[r.i].title
	case rbFolded:
		return "with what is chosen above, nothing will happen to them"
	case rbGuard:
		g := &p.preview.Plan.Guards[r.i]
		return fmt.Sprintf("%s (%s), %s", g.Title, g.Kind.Name, waiveWords(g))
	}
	if len(p.outline.critical) == 0 {
		return p.preview.Path
	}
	return "what decides the time: " + strings.Join(p.outline.critical, " "+p.env.Theme.Sign.Arrow+" ")
}

// Cursor is at the focus, or in the field.
func (p *runbookPage) Cursor() (int, int, bool) {
	if p.need != nil {
		return p.wordCursor()
	}
	if p.detail {
		return 0, 0, false
	}
	x, y := 1, p.above()+p.at()-p.first
	if r := p.row(); p.editing != "" && r.kind == rbField {
		n := 3 + widget.Width(p.label("", false))
		_, at := p.field.View(max(1, p.left()-n-1))
		x = n + at
	}
	return x, y, y >= p.above() && y < p.above()+p.body() && x < p.w
}

// ShortHelp lists the keys that work now.
func (p *runbookPage) ShortHelp() []key.Binding {
	switch {
	case p.starting:
		return []key.Binding{Press("esc", "leave")}
	case p.need != nil:
		return []key.Binding{Press("enter", "when the word is right"), Press("esc", "back: nothing starts")}
	case p.editing != "":
		return []key.Binding{Press("enter", "take it"), Press("esc", "leave it as it was")}
	case p.detail:
		return []key.Binding{Press("esc", "back"), Press("j k", "scroll"), Press("y", "copy the commands")}
	case p.preview.Plan == nil && p.row().kind == rbPast:
		return []key.Binding{Press("r", "read again"), Press("enter", "open the run"), Press("esc", "back")}
	case p.preview.Plan == nil:
		return []key.Binding{Press("r", "read again"), Press("esc", "back")}
	}
	out := []key.Binding{}
	switch r := p.row(); r.kind {
	case rbStart:
		if p.canStart() == "" {
			out = append(out, Press("enter", startWords(p.choice.Mode)))
		}
	case rbStep:
		out = append(out, Press("enter", "details"), Press("y", "copy the commands"))
	case rbFolded:
		out = append(out, Press("enter", "details"))
	case rbField:
		out = append(out, Press("enter", "change"))
	case rbPast:
		out = append(out, Press("enter", "open"))
	}
	for _, m := range []struct{ k, mode, what string }{{"r", "rehearse", "rehearse"}, {"d", "drill", "drill…"}, {"g", "live", "go live…"}} {
		if mode := runbook.Mode(m.mode); p.why(mode) == "" && (mode != p.choice.Mode || p.row().kind != rbStart) {
			out = append(out, Press(m.k, m.what))
		}
	}
	return append(out, KeyBack, Press("tab", "mode"), Press("R", "read again"))
}

func (p *runbookPage) footEnd() string {
	if p.Typing() || p.starting {
		return ""
	}
	return p.footRight(p.detail)
}

// FullHelp lists all keys of the page.
func (p *runbookPage) FullHelp() [][]key.Binding {
	return [][]key.Binding{
		{KeyUp, KeyDown, KeyPgUp, KeyPgDown, KeyBottom, Press("← →", "change the choice in focus"), Press("tab", "the next mode")},
		{
			Press("enter", "start, change, or open"), Press("r", "rehearse"), Press("d", "drill"), Press("g", "go live: you are asked once more"),
			Press("y", "copy the step's commands"), Press("R", "read the files again"), KeyBack, KeyQuit,
		},
	}
}
