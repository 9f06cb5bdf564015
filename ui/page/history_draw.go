package page

import (
	"fmt"
	"strconv"
	"strings"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// historyLayout is where things stand on the history's screen.
type historyLayout struct {
	head, field, names, about bool // title and rule, the filter, names of columns with footer, the line about the run in focus
	trouble                   int  // lines for troubles
	rows                      int
	top                       int // the line of the first row
}

// layout gives the rows what they need first: a small screen shows nothing else.
func (p *historyPage) layout() historyLayout {
	var l historyLayout
	rest := p.h
	take := func(n, atLeast int) bool {
		if rest-n < atLeast {
			return false
		}
		rest -= n
		return true
	}
	l.field = (p.typing || p.find != "") && take(1, 1)
	l.head = take(2, 6)
	l.names = take(2, 4)
	if n := min(4, len(p.troubles())); n > 0 && take(n, 2) {
		l.trouble = n
	}
	l.about = p.h >= 16 && take(2, 6)
	l.rows = max(0, rest)
	l.top = l.trouble
	if l.head {
		l.top += 2
	}
	if l.field {
		l.top++
	}
	if l.names {
		l.top++
	}
	return l
}

// historyColumns are the widths of the columns; 0: it has none.
type historyColumns struct{ when, mode, name, outcome, took, target, who int }

// columns drops from the right what does not fit.
func (p *historyPage) columns() historyColumns {
	c := historyColumns{when: 12, name: 8}
	rest := p.w - 3 - c.when - 1 - c.name
	add := func(into *int, n int) {
		if rest >= n+1 {
			*into, rest = n, rest-n-1
		}
	}
	switch {
	case p.w < 28: // a name alone says more than a time
		return historyColumns{name: max(0, p.w-3)}
	case p.w < 70:
		add(&c.outcome, min(20, rest-1))
		add(&c.took, 7)
	default:
		add(&c.mode, 8)
		add(&c.outcome, 21)
		add(&c.took, 7)
		add(&c.target, 12)
		add(&c.who, 16)
	}
	grow := min(rest, 16)
	if p.w < 70 {
		grow = max(0, rest)
	}
	c.name += max(0, grow)
	c.who += max(0, min(rest-grow, 16*min(1, c.who)))
	return c
}

func (p *historyPage) View() string {
	th, l := p.env.Theme, p.layout()
	var lines []string
	if l.head {
		lines = append(lines, widget.Ends(th, " "+th.Strong.Render("lifeboat")+th.Dim.Render(" "+th.Sign.Dot+" history"), p.count()+" ", p.w),
			th.Line.Render(th.Rule("", p.w)))
	}
	lines = append(lines, p.troubles()[:l.trouble]...)
	if l.field {
		lines = append(lines, p.fieldLine())
	}
	c := p.columns()
	if l.names {
		lines = append(lines, th.Dim.Render(p.names(c)))
	}
	if len(p.runs) == 0 && l.rows > 0 {
		lines = append(lines, "   "+th.Text.Render(p.empty()))
	}
	for i := p.first; i < min(len(p.runs), p.first+l.rows); i++ {
		lines = append(lines, p.row(i, c))
	}
	if l.about {
		lines = p.fill(lines, p.h-3)
		lines = append(lines, th.Line.Render(th.Rule("", p.w)), p.about())
	}
	if l.names {
		lines = p.fill(lines, p.h-1)
		right := ""
		if !p.typing {
			right = p.footRight(false)
		}
		lines = append(lines, widget.Footer(th, p.ShortHelp(), right, p.w))
	}
	return widget.Screen(th, lines, p.w, p.h)
}

func (p *historyPage) fill(lines []string, to int) []string {
	for len(lines) < to {
		lines = append(lines, "")
	}
	return lines
}

// count says how much there is, as far as it is known.
func (p *historyPage) count() string {
	th := p.env.Theme
	switch {
	case !p.loaded || p.loading && len(p.runs) == 0:
		return th.Dim.Render("looking" + th.Sign.Ellipsis)
	case p.more != "":
		return th.Dim.Render(strconv.Itoa(len(p.runs)) + "+ runs")
	case len(p.runs) == 1:
		return th.Dim.Render("1 run")
	}
	return th.Dim.Render(strconv.Itoa(len(p.runs)) + " runs")
}

func (p *historyPage) empty() string {
	switch {
	case !p.loaded:
		return "looking for runs" + p.env.Theme.Sign.Ellipsis
	case p.find != "":
		return "no run has all of: " + p.find
	case len(p.trouble) > 0:
		return "no run can be shown"
	}
	return "no runs yet: start one from home"
}

// troubles are what keeps the list from being whole, one a line.
func (p *historyPage) troubles() []string {
	th := p.env.Theme
	var out []string
	for _, t := range p.trouble {
		text := strings.Join(showParts(t.What, t.Means), ": ")
		if t.Do != "" {
			text += " " + th.Sign.Arrow + " " + t.Do
		}
		for i, l := range widget.Wrap(text, p.w-4) {
			sign := " "
			if i == 0 {
				sign = th.Sign.Warn
			}
			out = append(out, " "+th.Warn.Render(sign+" "+l))
		}
	}
	return out
}

const historyPrompt = " find: "

func (p *historyPage) fieldLine() string {
	th := p.env.Theme
	text, _ := p.field.View(p.w - len(historyPrompt) - 1)
	if !p.typing {
		return th.Dim.Render(historyPrompt) + th.Strong.Render(p.find)
	}
	return th.Key.Render(historyPrompt) + text
}

func (p *historyPage) names(c historyColumns) string {
	var b strings.Builder
	b.WriteString("   ")
	cell := func(w int, name string, right bool) {
		if w == 0 {
			return
		}
		name = widget.Cut(p.env.Theme, name, w)
		if right {
			b.WriteString(widget.Right(name, w) + " ")
		} else {
			b.WriteString(name + widget.Gap(w+1-widget.Width(name)))
		}
	}
	zone, _ := p.env.Now().Zone()
	cell(c.when, "WHEN "+zone, false)
	cell(c.mode, "MODE", false)
	cell(c.name, "RUNBOOK", false)
	cell(c.outcome, "OUTCOME", false)
	cell(c.took, "TIME", true)
	cell(c.target, " TARGET", false)
	cell(c.who, "WHO", false)
	return strings.TrimRight(b.String(), " ")
}

func (p *historyPage) row(i int, c historyColumns) string {
	th, r := p.env.Theme, p.runs[i]
	var b strings.Builder
	text, mark := th.Text, "   "
	if i == p.focus {
		text, mark = th.Focus, " "+th.Focus.Render(th.Sign.Focus)+" "
	}
	b.WriteString(mark)
	cell := func(w int, s theme.Style, value string) {
		if w > 0 {
			value = widget.Cut(th, value, w)
			b.WriteString(s.Render(value) + widget.Gap(w+1-widget.Width(value)))
		}
	}
	cell(c.when, th.Dim, historyWhen(r.Started, p.env.Now()))
	cell(c.mode, th.Badge(r.Mode), strings.ToUpper(string(r.Mode)))
	cell(c.name, text, r.Name)
	style, outcome := historyOutcome(th, r)
	cell(c.outcome, style, outcome)
	took := ""
	if r.Elapsed > 0 {
		took = runbook.ClockText(r.Elapsed)
	}
	cell(c.took, th.Text, widget.Right(took, c.took))
	style, target := historyTarget(th, r)
	cell(c.target, style, " "+target)
	cell(c.who, th.Dim, r.By.String())
	return strings.TrimRight(b.String(), " ") // the last gap is not to be cut off with an ellipsis
}

// historyOutcome is how a run ended, or where it stands, with its sign.
func historyOutcome(th *theme.Theme, r RunLine) (theme.Style, string) {
	switch {
	case r.Damaged && r.Outcome == "":
		return th.Bad, th.Sign.Failed + " record damaged"
	case r.Outcome == "" && r.Asks != "":
		return th.Asking, th.Sign.Holding + " waits: " + r.Asks
	case r.Outcome == "" && !r.Driven:
		return th.Warn, th.Sign.Warn + " nobody drives it"
	case r.Outcome == "":
		return th.Active, th.Sign.Running + " goes on"
	case r.Refused:
		return th.Bad, th.Sign.Failed + " refused"
	}
	style, sign := showOutcome(th, r.Outcome)
	if r.Damaged {
		return th.Warn, th.Sign.Warn + " " + runbook.OutcomeText(r.Outcome, r.Skipped) + ", damaged"
	}
	return style, sign + " " + runbook.OutcomeText(r.Outcome, r.Skipped)
}

// showOutcome is the look of an outcome.
func showOutcome(th *theme.Theme, o runbook.Outcome) (theme.Style, string) {
	switch o {
	case runbook.Done:
		return th.Good, th.Sign.Done
	case runbook.DoneWithSkips, runbook.Stopped:
		return th.Warn, th.Sign.Warn
	}
	return th.Bad, th.Sign.Failed
}

// historyTarget holds the time against the target; what did not arrive was not in time.
func historyTarget(th *theme.Theme, r RunLine) (theme.Style, string) {
	if r.Target == 0 || r.Outcome != runbook.Done && r.Outcome != runbook.DoneWithSkips {
		return th.Dim, ""
	}
	if over := r.Elapsed - r.Target; over > 0 {
		return th.Warn, runbook.ClockText(over) + " over"
	}
	return th.Good, runbook.ClockText(r.Target-r.Elapsed) + " inside"
}

// about is one line more about the run in focus: what the columns had no room for.
func (p *historyPage) about() string {
	th, r := p.env.Theme, p.focused()
	if r.Run == "" {
		return ""
	}
	parts := []string{th.Text.Render(r.Title), string(r.Run)}
	if p.columns().mode == 0 { // it has no column: it is not to be guessed
		parts = append([]string{th.Badge(r.Mode).Render(strings.ToUpper(string(r.Mode)))}, parts[1:]...)
	}
	if r.Asks != "" {
		parts[0] = th.Asking.Render(th.Sign.Holding + " waits for a person: " + r.Asks)
	}
	if r.Damaged {
		parts = append([]string{th.Bad.Render(th.Sign.Failed + " its record is damaged")}, parts...)
	}
	if r.Outcome == "" && r.Driver != "" {
		parts = append(parts, "driven by "+r.Driver)
	}
	parts = append(parts, fmt.Sprintf("by %s", r.By))
	return " " + strings.Join(parts, th.Dim.Render(" "+th.Sign.Dot+" "))
}

// Cursor is in the filter while it is typed, else at the focus.
func (p *historyPage) Cursor() (x, y int, shown bool) {
	l := p.layout()
	if p.typing && l.field {
		_, x = p.field.View(p.w - len(historyPrompt) - 1)
		y = l.top - 1
		if l.names {
			y--
		}
		return min(len(historyPrompt)+x, p.w-1), y, true
	}
	if l.rows == 0 || p.focus >= len(p.runs) {
		return 0, 0, false
	}
	return 1, l.top + p.focus - p.first, true
}

// showParts leaves out what is empty.
func showParts(parts ...string) []string {
	var out []string
	for _, s := range parts {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}
