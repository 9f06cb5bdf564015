package page

import (
	"strconv"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// drawn is a sheet as lines, and where the focus is in them.
type drawn struct {
	lines []string
	x, y  int
}

func (d *dialog) Lines(w, h int) []string { return d.draw(w, h).lines }

func (d *dialog) Cursor(w, h int) (x, y int, shown bool) {
	if w < 1 || h < 1 {
		return 0, 0, false
	}
	p := d.draw(w, h)
	return min(p.x, w-1), min(p.y, h-1), true
}

// boxFrom is the width from which a sheet stands in a box; narrower, the two columns are worth more than the line.
const boxFrom = 64

func (d *dialog) Height(w int) int {
	if w >= boxFrom {
		return d.content(w-4, 1<<20).height() + 2
	}
	return d.content(w-2*margin(w), 1<<20).height() + 1
}

func margin(w int) int {
	if w < 24 {
		return 0
	}
	return 1
}

// draw lays the sheet out: in a box where all of it has room, else below a line with its title, else the focus alone.
func (d *dialog) draw(w, h int) drawn {
	if w < 1 || h < 1 {
		return drawn{lines: make([]string, max(0, h))}
	}
	th := d.v.env.Theme
	if d.inBox(w, h) {
		return d.boxed(th, d.content(w-4, h-2), w, h)
	}
	head := 0
	if h > 1 {
		head = 1
	}
	m := margin(w)
	p := d.content(w-2*m, h-head).drawn(h - head)
	lines := make([]string, 0, h)
	if head == 1 {
		lines = append(lines, d.titleLine(th, w))
	}
	for _, l := range p.lines {
		lines = append(lines, widget.Cut(th, widget.Gap(m)+l, w))
	}
	return drawn{lines: lines[:h], x: p.x + m, y: p.y + head}
}

func (d *dialog) inBox(w, h int) bool {
	return w >= boxFrom && d.content(w-4, 1<<20).height()+2 <= h
}

// lastFirst is the line of the text at the top when its end is in sight.
func (d *dialog) lastFirst() int {
	f := d.top()
	if f.body == nil || d.w < 1 || d.h < 2 || d.inBox(d.w, d.h) {
		return 0
	}
	w := d.w - 2*margin(d.w)
	return max(0, len(f.body(max(1, w)))-len(d.content(w, d.h-1).body))
}

func (d *dialog) boxed(th *theme.Theme, c content, w, h int) drawn {
	p := c.drawn(h - 2)
	edge := th.Line.Render(th.Box.V)
	lines := []string{d.titleIn(th, th.Line.Render(th.Box.TopLeft+th.Box.H)+" ", th.Line.Render(th.Box.H+th.Box.TopRight), w)}
	for i := range h - 2 {
		lines = append(lines, edge+" "+widget.Fit(th, p.lines[i], w-4)+" "+edge)
	}
	lines = append(lines, th.Line.Render(th.Box.BottomLeft+strings.Repeat(th.Box.H, w-2)+th.Box.BottomRight))
	return drawn{lines: lines, x: p.x + 2, y: p.y + 1}
}

func (d *dialog) titleLine(th *theme.Theme, w int) string {
	return d.titleIn(th, th.Line.Render(th.Box.H+th.Box.H)+" ", "", w)
}

// titleIn is the title in a rule: what the sheet is about at the left, how many questions there are at the right.
func (d *dialog) titleIn(th *theme.Theme, left, right string, w int) string {
	f := d.top()
	corner := ""
	if d.corner != nil {
		corner = d.corner()
	}
	if corner != "" {
		corner = " " + corner + " "
	}
	room := w - widget.Width(left) - widget.Width(right) - widget.Width(corner) - 2
	if room < 8 {
		return widget.Fit(th, f.style().Render(f.sign+" "+f.title), w)
	}
	title := f.style().Render(widget.Cut(th, f.sign+" "+f.title, room))
	rest := w - widget.Width(left) - widget.Width(title) - 1 - widget.Width(corner) - widget.Width(right)
	return left + title + " " + th.Line.Render(strings.Repeat(th.Box.H, max(0, rest))) + th.Dim.Render(corner) + right
}

// content is what stands inside a sheet, in the order in which it stands there.
type content struct {
	body  []string
	blank bool
	note  []string
	rows  []string
	foot  []string
	x, y  int // of the focus, within rows
}

func (c content) height() int {
	n := len(c.body) + len(c.note) + len(c.rows) + len(c.foot)
	if c.blank {
		n++
	}
	return n
}

// drawn puts the lines together; what the height has too much stands above the last one.
func (c content) drawn(h int) drawn {
	lines := append([]string{}, c.body...)
	if c.blank {
		lines = append(lines, "")
	}
	lines = append(lines, c.note...)
	y := len(lines) + c.y
	lines = append(lines, c.rows...)
	for len(lines)+len(c.foot) < h {
		lines = append(lines, "")
	}
	return drawn{lines: append(lines, c.foot...), x: c.x, y: y}
}

// content takes away what matters least until the rest has room: space, the ends of long lines, all but two lines of the
// text, the clock, the rows that are far from the focus, the text, the remark.
func (d *dialog) content(w, h int) content {
	th, f := d.v.env.Theme, d.top()
	w = max(1, w)
	var c content
	if f.body != nil {
		c.body = f.body(w)
	}
	c.blank = len(c.body) > 0
	if f.said != "" {
		for _, l := range widget.Wrap(th.Sign.Warn+" "+f.said, w) {
			c.note = append(c.note, th.Warn.Render(l))
		}
	}
	c.foot = []string{d.foot(th, w)}
	for _, wraps := range []wrapping{wrapAll, wrapFocus, wrapNone} {
		c.rows, c.x, c.y = f.drawRows(th, w, wraps)
		if c.blank = len(c.body) > 0; c.height() > h {
			c.blank = false
		}
		if c.height() <= h {
			break
		}
	}
	if c.height() > h && !d.waiting() {
		c.foot = nil // the head of the screen has the clock as well
	}
	c.shrinkBody(th, f.first, h, 2)
	if c.height() > h {
		n := max(1, h-len(c.foot)-len(c.note)-min(1, len(c.body)))
		if n < len(c.rows) {
			first := widget.Scroll(0, c.y, len(c.rows), n)
			c.rows, c.y = c.rows[first:min(len(c.rows), first+n)], c.y-first
		}
	}
	c.shrinkBody(th, f.first, h, 0)
	if c.height() > h {
		c.note = c.note[:max(0, min(len(c.note), h-len(c.rows)))]
	}
	if c.height() > h {
		c.foot = nil
	}
	return c
}

// shrinkBody shows a window of the text, with a word that there is more.
func (c *content) shrinkBody(th *theme.Theme, first, h, least int) {
	over := c.height() - h
	if over <= 0 && first == 0 || len(c.body) == 0 {
		return
	}
	n := max(min(least, len(c.body)), len(c.body)-max(0, over))
	if n >= len(c.body) {
		return
	}
	first = max(0, min(first, len(c.body)-n))
	below := len(c.body) - first - n
	c.body = append([]string{}, c.body[first:first+n]...)
	if below > 0 && n > 1 {
		c.body[n-1] = th.Dim.Render(th.Sign.Ellipsis + " " + plural(below+1, "line") + " more: pgdn")
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// wrapping says which rows may take several lines.
type wrapping int

const (
	wrapAll wrapping = iota
	wrapFocus
	wrapNone
)

// drawRows draws the rows, and says where the cursor is.
func (f *form) drawRows(th *theme.Theme, w int, wraps wrapping) (lines []string, x, y int) {
	names := 0
	for _, r := range f.rows {
		names = max(names, widget.Width(r.name))
	}
	lead := 2
	if f.mark != nil {
		lead = 4
	}
	names = min(names, max(4, w/2-lead))
	for i, r := range f.rows {
		here := i == f.focus
		sign, name := "  ", th.Text
		if here {
			sign, name = th.Focus.Render(th.Sign.Focus)+" ", th.Focus
			y = len(lines)
		}
		if f.mark != nil {
			sign += f.mark(i) + " "
		}
		head := sign + name.Render(widget.Fit(th, r.name, names)) + "  "
		room := w - lead - names - 2
		if r.field != nil {
			text, at := r.draw(th, room)
			if here {
				x = lead + names + 2 + at
			}
			lines = append(lines, head+text)
			continue
		}
		lines = append(lines, r.drawWords(th, head, w, lead+names+2, here, wraps == wrapAll || wraps == wrapFocus && here)...)
	}
	return lines, max(0, min(x, w-1)), y
}

// drawWords puts what follows from a choice behind its name. On a narrow sheet only the focus has its words, below it.
func (r row) drawWords(th *theme.Theme, head string, w, col int, here, wrapped bool) []string {
	style, room := th.Dim, w-col
	if here {
		style = th.Text
	}
	narrow := w < narrowFrom
	if narrow {
		if !here || r.words == "" {
			return []string{head}
		}
		col, room = 4, w-4
	}
	words := []string{widget.Cut(th, r.words, room)}
	if wrapped && room > 8 {
		words = widget.Wrap(r.words, room)
	}
	var out []string
	if narrow {
		out = append(out, head)
	}
	for i, l := range words {
		if i > 0 || narrow {
			head = widget.Gap(col)
		}
		out = append(out, head+style.Render(l))
	}
	return out
}

// narrowFrom is the width below which headings and words do not stand side by side.
const narrowFrom = 50

const (
	fieldRoom  = 28 // the line that shows where text goes
	fieldShort = 14 // with words behind it
)

// draw is a field: what was typed on a line, and while nothing was, what is to be typed.
func (r row) draw(th *theme.Theme, room int) (text string, at int) {
	if room < 1 {
		return "", 0
	}
	value, at := r.field.View(room)
	used := widget.Width(value)
	if used == 0 && r.words != "" && room > fieldShort+8 {
		return th.Line.Render(strings.Repeat("_", fieldShort)) + "  " + th.Dim.Render(widget.Cut(th, r.words, room-fieldShort-2)), 0
	}
	return th.Strong.Render(value) + th.Line.Render(strings.Repeat("_", max(0, min(room, fieldRoom)-used))), at
}

// foot says why nothing happens yet, and how much time is left.
func (d *dialog) foot(th *theme.Theme, w int) string {
	hint, right := "", clockLeft(d.v)
	if d.waiting() {
		hint = "keys are taken when the keyboard has been still"
	}
	if hint != "" && widget.Width(hint)+widget.Width(right)+2 > w {
		right = ""
	}
	return widget.Ends(th, th.Dim.Render(hint), th.Dim.Render(right), w)
}

// clockLeft is the run's clock in words. It goes on while a person thinks, and says so.
func clockLeft(v *runView) string {
	target := v.target()
	switch {
	case v.state.Finished != nil:
		return ""
	case v.state.ClockFrom.IsZero() && v.state.Approval.Question != 0 && v.state.Approval.Asked.Confirm == runbook.ConfirmType:
		return "the clock starts when the word is right"
	case v.state.ClockFrom.IsZero():
		return "the clock does not run yet"
	}
	took := v.elapsed().Truncate(time.Second) // as the large clock has it: two of them a second apart help nobody
	left := target - took
	switch {
	case target == 0:
		return runbook.ClockText(took) + " since the start · clock goes on"
	case left < 0:
		return runbook.ClockText(-left) + " over " + runbook.ClockText(target) + " · clock goes on"
	}
	return runbook.ClockText(left) + " left of " + runbook.ClockText(target) + " · clock goes on"
}

// para is a heading and a text that hangs beside it, or below it where there is little room.
func para(th *theme.Theme, head, text string, w int) []string {
	return paraIn(th, th.Text, head, text, w)
}

func paraIn(th *theme.Theme, style theme.Style, head, text string, w int) []string {
	const col = 15
	if text == "" {
		return nil
	}
	var out []string
	if w < narrowFrom {
		for i, l := range wrapWhole(head+": "+text, w) {
			if rest, ok := strings.CutPrefix(l, head+":"); ok && i == 0 {
				out = append(out, th.Dim.Render(head+":")+style.Render(rest))
				continue
			}
			out = append(out, style.Render(l))
		}
		return out
	}
	for i, l := range wrapWhole(text, w-col) {
		h := ""
		if i == 0 {
			h = head
		}
		out = append(out, th.Dim.Render(widget.Fit(th, h, col))+style.Render(l))
	}
	return out
}

// whole is text that no line is broken in.
func whole(s string) string { return strings.ReplaceAll(s, " ", together) }

func wrapWhole(text string, w int) []string {
	lines := widget.Wrap(text, w)
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], together, " ")
	}
	return lines
}

// textLines wraps text without a heading.
func textLines(style theme.Style, text string, w int) []string {
	var out []string
	for _, l := range widget.Wrap(text, w) {
		out = append(out, style.Render(l))
	}
	return out
}
