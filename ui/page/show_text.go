package page

import (
	"errors"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// textPane scrolls through paragraphs of which only those on the screen are ever wrapped, so their number does not matter.
// Its steps are paragraphs, for those keep their place when the width changes.
type textPane struct {
	first int  // the paragraph at the top
	tail  bool // it stays at the end while more comes
}

// paragraphs is what a pane shows: how many, and the lines of each.
type paragraphs struct {
	n  int
	at func(i, width int) []string
}

// last is the paragraph at the top when the end is at the bottom.
func (t paragraphs) last(w, h int) int {
	i := t.n
	for i > 0 && h > 0 {
		h -= len(t.at(i-1, w))
		if h < 0 {
			break
		}
		i--
	}
	return min(i, max(0, t.n-1))
}

// lines are those on the screen, at most h.
func (p textPane) lines(t paragraphs, w, h int) []string {
	var out []string
	if w < 1 || h < 1 {
		return nil
	}
	for i := p.top(t, w, h); i < t.n && len(out) < h; i++ {
		out = append(out, t.at(i, w)...)
	}
	return out[:min(len(out), h)]
}

func (p textPane) top(t paragraphs, w, h int) int {
	last := t.last(w, h)
	if p.tail {
		return last
	}
	return max(0, min(p.first, last))
}

// key moves the pane and reports whether the key was one that moves.
func (p *textPane) key(k tea.KeyPressMsg, t paragraphs, w, h int) bool {
	p.first = p.top(t, w, h)
	switch {
	case key.Matches(k, KeyUp):
		p.first--
	case key.Matches(k, KeyDown):
		p.first++
	case key.Matches(k, KeyPgUp):
		p.first -= max(1, h-2)
	case key.Matches(k, KeyPgDown):
		p.first += max(1, h-2)
	case key.Matches(k, KeyTop):
		p.first = 0
	case key.Matches(k, KeyBottom):
		p.first = t.n
	default:
		return false
	}
	p.tail = false
	last := t.last(w, h)
	p.tail = p.first >= last && key.Matches(k, KeyBottom, KeyDown, KeyPgDown)
	p.first = max(0, min(p.first, last))
	return true
}

const (
	logPart  = 64 << 10 // bytes read at once
	logParts = 6        // parts held: a log may be larger than memory
	logNear  = 60       // lines from the edge at which the next part is read
)

// textLog is the part of a log around what is on the screen.
type textLog struct {
	step    string
	parts   []Text
	asked   bool
	trouble string
}

// Where a part goes.
const (
	logBefore = -1
	logAnew   = 0
	logAfter  = 1
)

// logRead is a part that was read.
type logRead struct {
	log   *textLog
	where int
	text  Text
	err   error
}

func (l *textLog) count() int {
	n := 0
	for i := range l.parts {
		n += len(l.parts[i].Lines)
	}
	return n
}

func (l *textLog) line(i int) string {
	for k := range l.parts {
		if i < len(l.parts[k].Lines) {
			return l.parts[k].Lines[i]
		}
		i -= len(l.parts[k].Lines)
	}
	return ""
}

// take adds a part and returns by how many lines everything has moved down.
func (l *textLog) take(m logRead) (moved int) {
	l.asked = false
	l.trouble = ""
	if m.err != nil {
		l.trouble = logTrouble(m.err)
		return 0
	}
	switch m.where {
	case logAnew:
		l.parts = []Text{m.text}
	case logBefore:
		l.parts = append([]Text{m.text}, l.parts...)
		if len(m.text.Lines) == 0 { // a line longer than a part: there is no going on before it
			l.parts[0].From = 0
		}
		moved = len(m.text.Lines)
		if len(l.parts) > logParts {
			l.parts = l.parts[:logParts]
		}
	case logAfter:
		l.parts = append(l.parts, m.text)
		if len(l.parts) > logParts {
			moved = -len(l.parts[0].Lines)
			l.parts = append([]Text(nil), l.parts[1:]...)
		}
	}
	return moved
}

func logTrouble(err error) string {
	var t *Trouble
	if errors.As(err, &t) {
		return strings.Join(showParts(t.What, t.Means, t.Do), "; ")
	}
	return "the log cannot be read: " + err.Error()
}

// next is what should be read when line first of count lines is at the top and height are on the screen; ok is false when
// nothing is missing.
func (l *textLog) next(first, height int) (q TextQuery, where int, ok bool) {
	if l.asked || len(l.parts) == 0 || l.trouble != "" {
		return q, 0, false
	}
	head, end := l.parts[0], l.parts[len(l.parts)-1]
	switch {
	case first < logNear && head.From > 0:
		return TextQuery{Step: l.step, From: -1, Until: head.From, Max: logPart}, logBefore, true
	case first+height > l.count()-logNear && end.To < end.Size && end.To > end.From:
		return TextQuery{Step: l.step, From: end.To, Max: logPart}, logAfter, true
	}
	return q, 0, false
}

// jump is what must be read to be at the end, or the beginning, of a log of which only a part is held.
func (l *textLog) jump(k tea.KeyPressMsg) (q TextQuery, ok bool) {
	if len(l.parts) == 0 || l.asked {
		return q, false
	}
	head, end := l.parts[0], l.parts[len(l.parts)-1]
	switch {
	case key.Matches(k, KeyBottom) && end.To < end.Size:
		return TextQuery{Step: l.step, From: -1, Max: logPart}, true
	case key.Matches(k, KeyTop) && head.From > 0:
		return TextQuery{Step: l.step, Max: logPart}, true
	}
	return q, false
}

// showMark is a sign of runbook.Describe in the theme's own drawing and colour.
func showMark(th *theme.Theme, sign string) string {
	switch sign {
	case "✓":
		return th.Good.Render(th.Sign.Done)
	case "▶":
		return th.Active.Render(th.Sign.Running)
	case "‖":
		return th.Asking.Render(th.Sign.Holding)
	case "?":
		return th.Asking.Render(th.Sign.Unknown)
	case "✗":
		return th.Bad.Render(th.Sign.Failed)
	case "!":
		return th.Warn.Render(th.Sign.Warn)
	case "↶":
		return th.Dim.Render(th.Sign.Undone)
	case "·":
		return th.Dim.Render(th.Sign.Waiting)
	}
	return th.Text.Render(sign)
}

// hang wraps text so that the lines after the first stand under it; first is what stands before it, of indent cells.
func hang(th *theme.Theme, first, text string, indent, width int) []string {
	if width-indent < 12 { // no room for columns
		return []string{widget.Cut(th, first+text, width)}
	}
	lines := widget.Wrap(text, width-indent)
	for i, l := range lines {
		if i == 0 {
			lines[i] = first + l
		} else {
			lines[i] = widget.Gap(indent) + l
		}
	}
	return lines
}
