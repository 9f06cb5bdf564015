package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// showWide is where a step's details stand beside the timeline.
const showWide = 110

// showLayout is where things stand.
type showLayout struct {
	head        int // lines above the body
	body, width int // of the timeline or the text
	beside      int // cells for details beside the timeline; 0: none
	foot        bool
}

func (p *Show) layout() showLayout {
	l := showLayout{width: p.w, foot: p.h >= 8}
	switch {
	case p.h >= 12:
		l.head = 4
	case p.h >= 5:
		l.head = 1
	}
	if p.h >= 8 && p.warning() != "" {
		l.head++
	}
	l.body = p.h - l.head
	if l.foot {
		l.body--
	}
	if l.foot && l.head >= 4 {
		l.body-- // a rule above the keys
	}
	l.body = max(0, l.body)
	if p.w >= showWide && p.tab == showTimes && p.detail == nil && l.head >= 4 {
		l.beside = p.w * 2 / 5
		l.width = p.w - l.beside - 3
	}
	return l
}

// View draws the run.
func (p *Show) View() string {
	th := p.env.Theme
	if p.view == nil {
		return widget.Screen(th, p.notYet(), p.w, p.h)
	}
	l := p.layout()
	lines := p.head(l)
	body := p.body(l)
	for len(body) < l.body {
		body = append(body, "")
	}
	lines = append(lines, body[:l.body]...)
	if l.foot && l.head >= 4 {
		lines = append(lines, th.Line.Render(th.Rule("", p.w)))
	}
	if l.foot {
		lines = append(lines, widget.Footer(th, p.ShortHelp(), p.footRight(p.detail != nil), p.w))
	}
	return widget.Screen(th, lines, p.w, p.h)
}

// notYet is the page before the record is there, or when there is none.
func (p *Show) notYet() []string {
	th := p.env.Theme
	if p.failed == nil {
		return []string{" " + th.Dim.Render("reading the record of "+string(p.run)+th.Sign.Ellipsis)}
	}
	lines := []string{" " + th.Strong.Render("run "+string(p.run)), ""}
	for i, s := range showParts(p.failed.What, p.failed.Means, p.failed.Do) {
		first, style := "   ", th.Text
		if i == 0 {
			first, style = " "+th.Bad.Render(th.Sign.Failed)+" ", th.Bad
		}
		for k, s := range widget.Wrap(s, p.w-4) {
			if k > 0 {
				first = "   "
			}
			lines = append(lines, first+style.Render(s))
		}
	}
	for p.h >= 8 && len(lines) < p.h-1 {
		lines = append(lines, "")
	}
	if p.h >= 8 {
		lines = append(lines[:p.h-1], widget.Footer(th, p.ShortHelp(), p.footRight(false), p.w))
	}
	return lines
}

// head says which run this is, how it ended, and which view this is.
func (p *Show) head(l showLayout) []string {
	if l.head == 0 {
		return nil
	}
	th, s := p.env.Theme, &p.view.state
	left := " " + modeBadge(th, s.Start.Mode) + " " + th.Strong.Render(s.Start.Name)
	if l.head < 4 {
		return append([]string{left + "  " + p.outcome()}, p.warningLine(p.h >= 8)...)
	}
	title := th.Dim.Render(" "+th.Sign.Dot+" ") + th.Text.Render(s.Start.Title)
	if s.Start.Title != "" && s.Start.Title != s.Start.Name && widget.Width(left)+widget.Width(title)+len(p.run)+2 <= p.w {
		left += title // half a title says less than none
	}
	lines := []string{
		widget.Ends(th, left, th.Dim.Render(string(p.run))+" ", p.w),
		th.Line.Render(th.Rule(s.Start.Mode, p.w)),
		p.summary(),
		p.tabs(),
	}
	return append(lines, p.warningLine(true)...)
}

func (p *Show) warningLine(room bool) []string {
	if w := p.warning(); w != "" && room {
		return []string{" " + p.env.Theme.Warn.Render(p.env.Theme.Sign.Warn+" "+w)}
	}
	return nil
}

// warning is what keeps the record from being whole.
func (p *Show) warning() string {
	if p.view == nil {
		return ""
	}
	o := &p.view.opened
	switch {
	case o.Damage != nil:
		return strings.Join(showParts(fmt.Sprintf("the record ends at event %d: %s", p.view.state.Seq, o.Damage.What), o.Damage.Do), "; ")
	case p.broken != nil:
		return "what happens next cannot be read: " + p.broken.What + "; r tries again"
	case o.PlanWhy != nil:
		return "shown without its plan: " + o.PlanWhy.What
	}
	return ""
}

// outcome is how the run ended, or that it has not.
func (p *Show) outcome() string {
	th, s := p.env.Theme, &p.view.state
	f := s.Finished
	switch {
	case f == nil && p.view.opened.Damage != nil:
		return th.Bad.Render(th.Sign.Failed + " record damaged")
	case f == nil && len(s.Questions()) > 0:
		return th.Asking.Render(th.Sign.Holding + " waits for a person")
	case f == nil:
		took := s.Elapsed(p.view.now)
		out := th.Active.Render(th.Sign.Running+" goes on") + " " + runbook.ClockText(took)
		if target := time.Duration(s.Start.Target); target > 0 && took > target {
			out += th.Warn.Render(", "+runbook.ClockText(took-target)+" over") + " " + runbook.ClockText(target)
		}
		return out
	case f.Refused:
		return th.Bad.Render(th.Sign.Failed + " refused: nothing was done")
	}
	style, sign := showOutcome(th, f.Outcome)
	took := time.Duration(f.Elapsed)
	out := style.Render(sign+" "+runbook.FinishedText(f)) + " in " + runbook.ClockText(took)
	if target := time.Duration(s.Start.Target); target > 0 && (f.Outcome == runbook.Done || f.Outcome == runbook.DoneWithSkips) {
		if took <= target {
			return out + th.Good.Render(", "+runbook.ClockText(target-took)+" inside") + " " + runbook.ClockText(target)
		}
		return out + th.Warn.Render(", "+runbook.ClockText(took-target)+" over") + " " + runbook.ClockText(target)
	}
	return out
}

// summary is outcome, when, who and what for: each part whole, or not at all.
func (p *Show) summary() string {
	th, s := p.env.Theme, &p.view.state
	out := " " + p.outcome()
	dot := th.Dim.Render(" " + th.Sign.Dot + " ")
	began := s.StartedAt.In(p.env.Now().Location())
	when := began.Format("Mon 2 Jan 2006 15:04 MST")
	if p.w < 80 {
		when = began.Format("2 Jan 2006 15:04")
	}
	parts := []string{when, "by " + s.Start.By.String()}
	if s.Start.Reference != "" {
		parts = append(parts, "for "+s.Start.Reference)
	}
	for _, part := range parts {
		if widget.Width(out)+3+widget.Width(part) <= p.w {
			out += dot + th.Text.Render(part)
		}
	}
	return out
}

func (p *Show) tabs() string {
	th := p.env.Theme
	var parts []string
	for t := range showTabs {
		n, name := strconv.Itoa(int(t)+1), t.String()
		if t == p.tab {
			parts = append(parts, th.Key.Render(n)+" "+th.Focus.Underline().Render(name))
		} else {
			parts = append(parts, th.Dim.Render(n+" "+name))
		}
	}
	return " " + strings.Join(parts, "   ")
}

// body is the view that was chosen.
func (p *Show) body(l showLayout) []string {
	switch {
	case p.detail != nil:
		return p.detail.pane.lines(p.detailText(), l.width, l.body)
	case p.tab != showTimes:
		return p.panes[p.tab].lines(p.text(), l.width, l.body)
	}
	left := p.timeline(l)
	if l.beside == 0 {
		return left
	}
	th := p.env.Theme
	var right []string
	if step := p.focused(); step != "" {
		for _, f := range p.facts(step) {
			right = append(right, f.lines(th, l.beside)...)
		}
	}
	out := make([]string, l.body)
	for i := range out {
		a, b := "", ""
		if i < len(left) {
			a = left[i]
		}
		if i < len(right) {
			b = right[i]
		}
		out[i] = widget.Fit(th, a, l.width) + " " + th.Line.Render(th.Box.V) + " " + b
	}
	return out
}

// timeline draws the lines on the screen.
func (p *Show) timeline(l showLayout) []string {
	th := p.env.Theme
	if len(p.times.lines) == 0 {
		return []string{"", "   " + th.Dim.Render("nothing has happened yet")}
	}
	chart := widget.NewChart(p.times.spans, p.times.total, p.times.target, max(1, l.width-4))
	var out []string
	for i := p.first; i < min(len(p.times.lines), p.first+l.body); i++ {
		line := p.times.lines[i]
		mark := "   "
		if i == p.focus {
			mark = " " + th.Focus.Render(th.Sign.Focus) + " "
		}
		switch {
		case line.head != "":
			out = append(out, " "+th.Head.Render(line.head))
		case line.axis:
			out = append(out, "   "+chart.Axis(th))
		case line.bar:
			sp := p.times.spans[line.span]
			sp.Sign = showMark(th, sp.Sign)
			out = append(out, mark+chart.Row(th, sp))
		case line.text == "":
			out = append(out, "")
		default:
			out = append(out, mark+p.showText(line, i == p.focus))
		}
	}
	return out
}

func (p *Show) showText(l showLine, focused bool) string {
	th := p.env.Theme
	style := th.Text
	if focused {
		style = th.Focus
	}
	at := ""
	if l.at != "" {
		at = th.Dim.Render(widget.Right(l.at, 7)) + " "
	}
	if l.sub {
		at = "  "
	}
	return at + showMark(th, l.sign) + " " + style.Render(l.text)
}

// text is what the other views scroll through.
func (p *Show) text() paragraphs {
	th := p.env.Theme
	switch p.tab {
	case showLog:
		return paragraphs{len(p.events), func(i, w int) []string { return eventLines(th, &p.events[i], w) }}
	case showFiles:
		return paragraphs{len(p.files), func(i, w int) []string { return p.files[i].lines(th, w) }}
	}
	if n := len(p.calls.lines); n > 0 {
		return paragraphs{n, func(i, w int) []string { return logLines(th, p.calls.lines[i], w) }}
	}
	return oneParagraph(th, logEmpty(p.calls, "no calls were recorded"))
}

func logEmpty(l *textLog, none string) string {
	switch {
	case l.trouble != "":
		return l.trouble
	case len(l.chunks) == 0:
		return "reading…"
	}
	return none
}

func oneParagraph(th *theme.Theme, text string) paragraphs {
	return paragraphs{1, func(_, w int) []string { return hang(th, "   ", th.Dim.Render(text), 3, w) }}
}

func eventLines(th *theme.Theme, e *showEvent, w int) []string {
	if w < 40 {
		return hang(th, " "+showMark(th, e.sign)+" ", e.subject+" "+e.words, 3, w)
	}
	first := widget.Right(e.at, 7) + " "
	indent := 10 + 14
	return hang(th, th.Dim.Render(first)+showMark(th, e.sign)+" "+th.Text.Render(widget.Fit(th, e.subject, 13))+" ", e.words, indent, w)
}

func logLines(th *theme.Theme, text string, w int) []string {
	return hang(th, "   ", th.Text.Render(text), 3, w)
}

// Cursor is at the focus, or at the top of a text.
func (p *Show) Cursor() (x, y int, shown bool) {
	l := p.layout()
	if p.view == nil || l.body == 0 {
		return 0, 0, false
	}
	if p.detail != nil || p.tab != showTimes {
		return 0, l.head, true
	}
	if p.focus < p.first || p.focus >= p.first+l.body {
		return 0, 0, false
	}
	return 1, l.head + p.focus - p.first, true
}
