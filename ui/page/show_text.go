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

// logNear is how many lines from the edge of what is held the next part is read.
const logNear = 60

// textLog is a log that is read as it is scrolled through.
type textLog struct {
	logWindow
	step    string
	asked   bool
	trouble string
}

// logRead is a part that was read.
type logRead struct {
	log   *textLog
	where direction
	text  Text
	err   error
}

// take adds a part and returns by how many lines everything has moved down.
func (l *textLog) take(m logRead) (moved int) {
	l.asked, l.trouble = false, ""
	if m.err != nil {
		l.trouble = logTrouble(m.err)
		return 0
	}
	return l.logWindow.take(m.where, m.text)
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
func (l *textLog) next(first, height int) (q TextQuery, where direction, ok bool) {
	if l.asked || l.trouble != "" {
		return q, 0, false
	}
	if until, more := l.above(); more && first < logNear {
		return TextQuery{Step: l.step, From: -1, Until: until, Max: partBytes}, wayBack, true
	}
	if from, more := l.below(); more && first+height > len(l.lines)-logNear {
		return TextQuery{Step: l.step, From: from, Max: partBytes}, wayOn, true
	}
	return q, 0, false
}

// jump is what must be read to be at the end, or the beginning, of a log of which only a part is held.
func (l *textLog) jump(k tea.KeyPressMsg) (q TextQuery, ok bool) {
	if l.asked {
		return q, false
	}
	if _, more := l.below(); more && key.Matches(k, KeyBottom) {
		return TextQuery{Step: l.step, From: -1, Max: partBytes}, true
	}
	if _, more := l.above(); more && key.Matches(k, KeyTop) {
		return TextQuery{Step: l.step, Max: partBytes}, true
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
