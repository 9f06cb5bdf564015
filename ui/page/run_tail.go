package page

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// tail is the end of the log of the step in focus.
type tail struct {
	step  string
	lines []string
	at    time.Time // when it was read, on the wall clock
	asked uint64    // counts; what comes back with another number is late
	busy  bool
}

const (
	tailBytes = 8 << 10
	tailEvery = time.Second
)

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
	id, now := p.focused(), p.env.Now()
	moved := id != p.tail.step
	if id == "" || !moved && (p.tail.busy || now.Sub(p.tail.at) < tailEvery) {
		return tea.Batch(cmds...)
	}
	if moved {
		p.tail.lines = nil
	}
	p.tail.step, p.tail.at, p.tail.busy = id, now, true
	p.tail.asked++
	n, session, ctx := p.tail.asked, p.session, p.ctx
	return tea.Batch(append(cmds, func() tea.Msg {
		t, err := session.Text(ctx, TextQuery{Step: id, From: -1, Max: tailBytes})
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
			p.tail.lines = m.text.Lines
		}
	}
}
