package page

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// tail is the end of the log of the step in focus.
type tail struct {
	step  string
	lines []string
	gone  int       // how many lines have been dropped before the first of lines
	to    int64     // how far the log was read
	at    time.Time // when it was read, on the wall clock
	asked uint64    // counts; what comes back with another number is late
	busy  bool
}

const (
	tailBytes = 8 << 10
	tailLines = 200
	tailEvery = time.Second
	tailFar   = 8 // lines that are shown over a network: what goes up with them is one burst on the line
)

// take adds what has come since.
func (t *tail) take(text Text) {
	switch {
	case t.to == 0:
		t.lines, t.gone = nil, 0
	case text.From != t.to: // the log was cut off: from its end again
		t.to = 0
		return
	}
	t.lines = append(t.lines, text.Lines...)
	if n := len(t.lines) - tailLines; n > 0 {
		t.lines, t.gone = append([]string(nil), t.lines[n:]...), t.gone+n
	}
	t.to = text.To
	if text.Size-text.To > tailBytes { // too far behind: from its end again
		t.to = 0
	}
}

// last are the newest lines for a pane of h. They stand still until the pane is full, and then go up by half of it: a line a
// second that moved all others would cost a slow terminal ten times as much.
func (t *tail) last(h int) []string {
	n := t.gone + len(t.lines)
	half := max(1, h/2)
	first := 0
	if n > h {
		first = (n - h + half - 1) / half * half
	}
	return t.lines[min(len(t.lines), max(0, first-t.gone)):]
}

// restFor is how long the focus must stay before the details follow it over a network: they are most of a frame, and who goes
// down a list does not read them.
const restFor = 500 * time.Millisecond

// runRest says that the focus has not moved since the n-th move.
type runRest struct {
	page *Run
	n    uint64
}

// moved is called before the focus moves.
func (p *Run) moved() tea.Cmd {
	if !p.env.SSH {
		return nil
	}
	if p.behind == "" {
		p.behind = p.focused()
	}
	p.moves++
	n := p.moves
	return tea.Tick(restFor, func(time.Time) tea.Msg { return runRest{p, n} })
}

func (p *Run) rested(m runRest) tea.Cmd {
	if m.page != p || m.n != p.moves {
		return nil
	}
	p.behind = ""
	return p.refresh()
}

// detailed is the step that the details are about.
func (p *Run) detailed() string {
	if p.behind != "" {
		return p.behind
	}
	return p.focused()
}

// runText is a part of a log that has come.
type runText struct {
	page *Run
	n    uint64
	sub  *pager // for whom it was asked; nil: for the tail
	way  direction
	text Text
	err  error
}

// refresh reads the end of the focused step's log anew: at once when the focus has moved, else at most once a second.
func (p *Run) refresh() tea.Cmd {
	if p.view == nil || p.session == nil {
		return nil
	}
	var cmds []tea.Cmd
	if p.sub != nil {
		cmds = append(cmds, p.freshen())
	}
	id, now := p.detailed(), p.env.Now()
	moved := id != p.tail.step
	if id == "" || !moved && (p.tail.busy || now.Sub(p.tail.at) < tailEvery) {
		return tea.Batch(cmds...)
	}
	if moved {
		p.tail = tail{asked: p.tail.asked}
	}
	p.tail.step, p.tail.at, p.tail.busy = id, now, true
	p.tail.asked++
	n, session, ctx := p.tail.asked, p.session, p.ctx
	q := TextQuery{Step: id, From: p.tail.to, Max: tailBytes}
	if q.From == 0 {
		q.From = -1
	}
	return tea.Batch(append(cmds, func() tea.Msg {
		t, err := session.Text(ctx, q)
		return runText{page: p, n: n, text: t, err: err}
	})...)
}

// read takes a part of a log. What is late is dropped; what could not be read leaves what was there.
func (p *Run) read(m runText) {
	switch {
	case m.page != p:
	case m.sub != nil:
		m.sub.take(m)
	case m.n == p.tail.asked:
		p.tail.busy = false
		if m.err == nil {
			p.tail.take(m.text)
		}
	}
}
