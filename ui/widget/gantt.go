package widget

import (
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
)

// Span is one line of a chart over time: what was planned, what really happened, or both. Times count from the chart's
// left edge.
type Span struct {
	Name       string
	Start, End time.Duration // as planned; both zero: nothing was
	Did        bool          // From and To are what really happened
	From, To   time.Duration
	Sign       string // one cell before the name; "" is none
	Strong     bool   // on the critical path: a full bar; others get a thin one
	Focus      bool   // the keys act on it
	Dim        bool   // it does not count: a step that is not needed
	Note       string // at the right: how long, or by how much it was late
}

// Gantt draws spans, one a line, below a line with the time axis: bars that overlap run side by side. Total is the time at
// the right edge, target gets a mark when it is not zero. It returns len(rows)+1 lines of at most width cells.
//
//	lines := widget.Gantt(th, rows, 4*time.Minute, 5*time.Minute, 76)
func Gantt(th *theme.Theme, rows []Span, total, target time.Duration, width int) []string {
	c := NewChart(rows, total, target, width)
	out := make([]string, 0, len(rows)+1)
	out = append(out, c.Axis(th))
	for _, r := range rows {
		out = append(out, c.Row(th, r))
	}
	return out
}

// Chart is the layout of a Gantt: for pages that show a part of many rows, and want the columns to stay where they are.
type Chart struct {
	Width              int
	sign, name, bar    int // cells; bar 0: there is no room for one
	note               int
	total, target, end time.Duration
}

// The least that makes sense: a bar of fewer cells says nothing, a longer name leaves no room for bars.
const (
	leastBar = 12
	mostName = 24
)

// NewChart measures rows. What is planned or done beyond total widens the axis.
func NewChart(rows []Span, total, target time.Duration, width int) Chart {
	c := Chart{Width: max(0, width), total: total, target: target, end: max(total, target)}
	for _, r := range rows {
		c.end = max(c.end, r.End, r.To)
		c.name = max(c.name, min(mostName, Width(r.Name)))
		c.note = max(c.note, Width(r.Note))
		if r.Sign != "" {
			c.sign = 2
		}
	}
	c.name = min(c.name, max(6, width/3))
	c.note = min(c.note, max(0, width/3))
	c.bar = width - c.sign - c.name - 1
	if c.note > 0 {
		c.bar -= c.note + 1
	}
	if c.bar < leastBar || c.end <= 0 {
		c.bar = 0
	}
	return c
}

// cell is the column of a time, from 0 to bar.
func (c Chart) cell(at time.Duration) int {
	if c.end <= 0 {
		return 0
	}
	return max(0, min(c.bar, int(float64(at)/float64(c.end)*float64(c.bar)+0.5)))
}

// Axis is the line above the bars: where it begins, the target, where it ends.
func (c Chart) Axis(th *theme.Theme) string {
	if c.bar == 0 {
		return ""
	}
	line := []rune(Gap(c.bar))
	put := func(at int, text string) bool {
		r := []rune(text)
		at = max(0, min(at, c.bar-len(r)))
		for i := max(0, at-1); i < min(len(line), at+len(r)+1); i++ {
			if line[i] != ' ' {
				return false
			}
		}
		copy(line[at:], r)
		return true
	}
	put(0, "0:00")
	if c.target > 0 {
		text := "target " + runbook.ClockText(c.target)
		put(c.cell(c.target)-len(text), text+th.Box.V)
	}
	if c.total > 0 && c.total != c.target {
		text := runbook.ClockText(c.total)
		put(c.cell(c.total)-len(text), text)
	}
	return Cut(th, Gap(c.sign+c.name+1)+th.Dim.Render(strings.TrimRight(string(line), " ")), c.Width)
}

// Row is one line of the chart.
func (c Chart) Row(th *theme.Theme, r Span) string {
	style := th.Text
	switch {
	case r.Focus:
		style = th.Focus
	case r.Dim:
		style = th.Dim
	case r.Strong:
		style = th.Strong
	}
	var b strings.Builder
	if c.sign > 0 {
		b.WriteString(Fit(th, r.Sign, c.sign))
	}
	if c.bar == 0 { // a list: the note is worth more than a bar of three cells
		rest := c.Width - c.sign
		return Cut(th, b.String()+Ends(th, style.Render(r.Name), th.Dim.Render(r.Note), rest), c.Width)
	}
	b.WriteString(style.Render(Fit(th, r.Name, c.name)) + " " + c.line(th, r))
	if c.note > 0 {
		note := th.Dim
		if r.Strong && !r.Dim {
			note = th.Text
		}
		b.WriteString(" " + note.Render(Right(Cut(th, r.Note, c.note), c.note)))
	}
	return Cut(th, b.String(), c.Width)
}

// line draws the bars of a row, run by run of equal cells: a plan is light beside what really happened, and what came after
// the planned end warns.
func (c Chart) line(th *theme.Theme, r Span) string {
	const (
		empty = iota
		mark
		planned
		did
		late
	)
	cells := make([]byte, c.bar)
	if at := c.cell(c.target); c.target > 0 && at > 0 {
		cells[at-1] = mark
	}
	fill := func(from, to time.Duration, with byte) {
		a, z := c.cell(from), c.cell(to)
		if z <= a { // the shortest still shows
			a = min(a, c.bar-1)
			z = a + 1
		}
		for i := a; i < z; i++ {
			cells[i] = with
		}
	}
	hasPlan := r.End > 0 || r.Start > 0
	if hasPlan {
		fill(r.Start, r.End, planned)
	}
	if r.Did {
		fill(r.From, r.To, did)
		if hasPlan && r.To > r.End && c.cell(r.To) > c.cell(max(r.From, r.End)) {
			fill(max(r.From, r.End), r.To, late)
		}
	}
	bar, ink := th.Box.Heavy, th.Text
	if r.Strong {
		bar, ink = th.Sign.Full, th.Active
	}
	plan, planInk := bar, ink
	if r.Did {
		plan, planInk = th.Sign.Rest, th.BarRest
	}
	if r.Dim {
		plan, planInk = th.Sign.Rest, th.Dim
	}
	var b strings.Builder
	for i := 0; i < len(cells); {
		n := i
		for n < len(cells) && cells[n] == cells[i] {
			n++
		}
		switch cells[i] {
		case mark:
			b.WriteString(th.Line.Render(th.Box.V))
		case planned:
			b.WriteString(planInk.Render(strings.Repeat(plan, n-i)))
		case did:
			b.WriteString(ink.Render(strings.Repeat(bar, n-i)))
		case late:
			b.WriteString(th.Warn.Render(strings.Repeat(bar, n-i)))
		default:
			b.WriteString(Gap(n - i))
		}
		i = n
	}
	return b.String()
}
