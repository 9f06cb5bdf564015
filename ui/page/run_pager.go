package page

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/ui/widget"
)

// pager is a log, or details, over the whole screen.
type pager struct {
	title string
	still func(w int) []string // what the page has already; nil: a log that is read in parts
	step  string               // of the log; "": the calls
	logWindow
	cursor  int
	first   int
	owed    int // lines still to go, when the part before has come
	shift   int // cells that the lines are moved to the left
	follow  bool
	busy    bool
	peek    bool // opened from a question, which waits below
	broken  bool // lines are broken to the width: one of them is nothing to copy
	finding bool
	field   widget.Field
	word    string
	remark  string
}

// shiftBy is how many cells a line moves to the side at once.
const shiftBy = 16

// part asks for a part of the log. One at a time.
func (p *Run) part(s *pager, way direction) tea.Cmd {
	if s.still != nil || s.busy {
		return nil
	}
	q := TextQuery{Step: s.step, Max: partBytes}
	switch {
	case way == wayEnd, len(s.chunks) == 0 && way == wayOn:
		way, q.From = wayEnd, -1
	case way == wayOn:
		q.From = s.chunks[len(s.chunks)-1].to
	case way == wayBack:
		if q.Until = s.chunks[0].from; q.Until == 0 {
			return nil
		}
		q.From = -1
	}
	s.busy = true
	session, ctx := p.session, p.ctx
	return func() tea.Msg {
		t, err := session.Text(ctx, q)
		return runText{page: p, sub: s, way: way, text: t, err: err}
	}
}

// take puts a part where it belongs; the cursor stays at its line.
func (s *pager) take(m runText) {
	s.busy = false
	if m.err != nil {
		if s.remark = "the log cannot be read: " + troubleOf(m.err).What; errors.Is(m.err, errNotFound) {
			s.remark = errNotFound.What
		}
		return
	}
	s.remark = ""
	if moved := s.logWindow.take(m.way, m.text); m.way == wayOn || m.way == wayBack {
		s.cursor, s.first = max(0, s.cursor+moved), max(0, s.first+moved)
	} else {
		s.cursor, s.first = 0, 0
	}
	if m.way == wayFind {
		s.cursor = max(0, indexWord(s.lines, s.word, 0))
	}
	s.cursor += s.owed
	s.owed = 0
	if s.follow {
		s.cursor = len(s.lines) - 1
	}
	s.cursor = max(0, min(s.cursor, len(s.lines)-1))
}

// freshen reads on at the end, where the log is followed.
func (p *Run) freshen() tea.Cmd {
	if !p.sub.follow {
		return nil
	}
	if p.sub.still != nil {
		p.sub.cursor = max(0, len(p.sub.content(p.w))-1)
		p.settle()
	}
	return p.part(p.sub, wayOn)
}

// refill reads the part before, when the operator waits for it.
func (p *Run) refill() tea.Cmd {
	if s := p.sub; s != nil && s.owed < 0 {
		return p.part(s, wayBack)
	}
	return nil
}

// content is what there is to show at a width.
func (s *pager) content(w int) []string {
	if s.still != nil {
		return s.still(max(1, w-2))
	}
	return s.lines
}

// subKey is a key while a log lies over the screen.
func (p *Run) subKey(msg tea.KeyPressMsg) tea.Cmd {
	s := p.sub
	if s.finding {
		return p.findKey(msg)
	}
	s.remark = ""
	page := max(1, p.h-5)
	switch {
	case key.Matches(msg, p.keys.out, KeyQuit):
		p.sub = nil
		return p.refresh()
	case key.Matches(msg, KeyEnter): // what waits for a decision says so on every page of the run
		return p.decideFromSub()
	case key.Matches(msg, KeyUp):
		return p.turn(-1)
	case key.Matches(msg, KeyDown):
		return p.turn(1)
	case key.Matches(msg, KeyPgUp):
		return p.turn(-page)
	case key.Matches(msg, KeyPgDown):
		return p.turn(page)
	case key.Matches(msg, KeyTop):
		s.follow, s.cursor, s.first = false, 0, 0
		if s.still == nil && len(s.chunks) > 0 && s.chunks[0].from > 0 {
			return p.part(s, wayTop)
		}
	case key.Matches(msg, KeyBottom):
		s.follow = true
		s.cursor = max(0, len(s.content(p.w))-1)
		if s.still == nil && (len(s.chunks) == 0 || s.chunks[len(s.chunks)-1].to < s.size) {
			return p.part(s, wayEnd)
		}
	case msg.String() == "left":
		s.shift = max(0, s.shift-shiftBy)
	case msg.String() == "right":
		s.shift += shiftBy
	case key.Matches(msg, p.keys.find):
		s.finding = true
		s.field = widget.Field{}
	case key.Matches(msg, p.keys.again) && s.word != "":
		return p.search()
	case key.Matches(msg, p.keys.lineCopy) && !s.broken:
		if lines := s.content(p.w); s.cursor < len(lines) {
			return Then(Copy{Text: plain(lines[s.cursor]), What: "the line"})
		}
	}
	p.settle()
	return nil
}

// turn moves the cursor, and reads the part that it runs into.
func (p *Run) turn(by int) tea.Cmd {
	s := p.sub
	n := len(s.content(p.w))
	want := s.cursor + by
	s.follow = by > 0 && want >= n-1 && (s.still != nil || len(s.chunks) > 0 && s.chunks[len(s.chunks)-1].to >= s.size)
	s.cursor = max(0, min(want, n-1))
	defer p.settle()
	switch {
	case s.still != nil || len(s.chunks) == 0:
		return nil
	case want < 0 && s.chunks[0].from > 0:
		s.owed = want
		return p.part(s, wayBack)
	case want >= n && s.chunks[len(s.chunks)-1].to < s.size:
		return p.part(s, wayOn)
	}
	return nil
}

// settle keeps the cursor in sight with as little movement as possible.
func (p *Run) settle() {
	if p.sub == nil || p.view == nil {
		return
	}
	_, room := p.view.pagerPlace(p.w, p.h, p.screen())
	p.sub.first = widget.Scroll(p.sub.first, p.sub.cursor, len(p.sub.content(p.w)), room)
}

// help are the keys of the footer.
func (s *pager) help(k keyHelp) []key.Binding {
	if s.finding {
		return []key.Binding{Named(KeyEnter, "find"), Named(KeyBack, "no")}
	}
	out := []key.Binding{k.out, k.pgDown, k.top}
	switch {
	case s.follow:
		out[1] = k.pgUp
	case s.still != nil:
		out = append(out, k.bottom)
	default:
		out = append(out, k.end)
	}
	out = append(out, k.find)
	if s.word != "" {
		out = append(out, k.again)
	}
	if s.broken {
		return out
	}
	return append(out, k.lineCopy)
}

// pagerPlace is where the text of a pager begins and how many lines it has.
func (v *runView) pagerPlace(w, h int, o runScreen) (top, height int) {
	top = 2 + len(v.notices(w, o))
	if h < 6 {
		return 0, h
	}
	return top, max(0, h-top-1)
}

// pagerLines draws the pager under the head of the run and its notices.
func (v *runView) pagerLines(s *pager, w, h int, o runScreen) []string {
	if w < 1 || h < 1 {
		return nil
	}
	th := v.env.Theme
	top, room := v.pagerPlace(w, h, o)
	lines := s.content(w)
	out := make([]string, 0, h)
	if top > 0 {
		out = append(out, v.head(w, sizeOf(w, h)))
		out = append(out, v.notices(w, o)...)
		out = append(out, widget.Ends(th, " "+th.Head.Render(s.title), th.Dim.Render(s.position(th.Sign.Dot)+" "), w))
	}
	first := widget.Scroll(s.first, s.cursor, len(lines), room)
	for i := first; i < len(lines) && i < first+room; i++ {
		text := lines[i]
		if s.shift > 0 {
			text = cutLeft(text, s.shift)
		}
		mark := " "
		if i == s.cursor {
			mark = th.Focus.Render(th.Sign.Focus)
		}
		if s.word != "" && i == s.cursor {
			text = th.Strong.Render(text)
		}
		out = append(out, mark+" "+text)
	}
	if len(lines) == 0 && room > 0 {
		text := "nothing is written here yet"
		if s.busy {
			text = "reading" + th.Sign.Ellipsis
		}
		out = append(out, "  "+th.Dim.Render(text))
	}
	out = pad(out, h)
	if top > 0 {
		out[h-1] = v.pagerFoot(s, w, o)
	}
	for i := range out {
		out[i] = widget.Cut(th, out[i], w)
	}
	return out
}

func (v *runView) pagerFoot(s *pager, w int, o runScreen) string {
	th := v.env.Theme
	if s.finding {
		text, _ := s.field.View(max(1, w-4))
		return " " + th.Key.Render("/") + " " + text
	}
	return widget.Footer(th, o.keys, s.remark, w)
}

// position says where in the whole the cursor is.
func (s *pager) position(dot string) string {
	switch {
	case s.follow:
		return "follows the end"
	case s.still != nil || len(s.chunks) == 0 || s.size == 0:
		return ""
	}
	c := s.chunks
	from, to := c[0].from, c[len(c)-1].to
	at := from + (to-from)*int64(s.cursor)/int64(max(1, len(s.lines)))
	return fmt.Sprintf("%d %% of %s", at*100/s.size, sizeText(s.size))
}

func sizeText(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1e6:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// pagerCursor is where the real cursor sits.
func (v *runView) pagerCursor(s *pager, w, h int, o runScreen) (x, y int, shown bool) {
	if s.finding {
		_, at := s.field.View(max(1, w-4))
		return min(3+at, w-1), h - 1, true
	}
	top, room := v.pagerPlace(w, h, o)
	first := widget.Scroll(s.first, s.cursor, len(s.content(w)), room)
	return 0, top + s.cursor - first, room > 0
}

func indexWord(lines []string, word string, from int) int {
	word = strings.ToLower(word)
	for i := max(0, from); i < len(lines); i++ {
		if strings.Contains(strings.ToLower(plain(lines[i])), word) {
			return i
		}
	}
	return -1
}

// decideFromSub leads from a page over the run to the question that is open; nothing when none is.
func (p *Run) decideFromSub() tea.Cmd {
	q, open := p.view.question()
	if !open {
		return nil
	}
	p.sub = nil
	if p.up != nil { // it lies below
		return p.refresh()
	}
	return tea.Batch(p.refresh(), p.ask(q, time.Time{}))
}
