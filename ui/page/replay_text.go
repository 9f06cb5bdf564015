package page

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/ui/widget"
)

// replayText is a text over the screen: the log of a step or the calls.
type replayText struct {
	title string
	pane  textPane
	log   *textLog    // nil: feed
	feed  []showEvent // the run's own log
}

// open puts a text over the screen; the replay stands still behind it.
func (p *Replay) open(title, step string, tail bool) tea.Cmd {
	p.player.Stop(p.env.Now())
	p.look(p.env.Now())
	p.text = &replayText{title: title, log: &textLog{step: step}}
	q := TextQuery{Step: step, Max: partBytes}
	if tail {
		q.From, p.text.pane.tail = -1, true
	}
	return p.ask(p.text.log, q, wayEnd)
}

// openFeed puts all events so far over the screen, the newest at the bottom.
func (p *Replay) openFeed() tea.Cmd {
	p.player.Stop(p.env.Now())
	p.look(p.env.Now())
	p.text = &replayText{title: "the log of this run, up to here", feed: describeEvents(p.view, 0, nil)}
	p.text.pane.tail = true
	return nil
}

func (p *Replay) ask(l *textLog, q TextQuery, where direction) tea.Cmd {
	l.asked = true
	ctx, keep := p.ctx, p.keep
	return func() tea.Msg {
		m, ok := keep.read(ctx, l, q, where)
		if !ok {
			return nil
		}
		return replayRead{p, m}
	}
}

func (p *Replay) read(m logRead) tea.Cmd {
	if p.text != nil && p.text.log != nil && m.log == p.text.log {
		p.text.pane.first = max(0, p.text.pane.first+p.text.log.take(m))
		return p.more()
	}
	return nil
}

// more reads the part of a log that comes near.
func (p *Replay) more() tea.Cmd {
	t := p.text
	first := t.pane.first
	if t.pane.tail {
		first = len(t.log.lines)
	}
	if q, where, ok := t.log.next(first, p.h); ok {
		return p.ask(t.log, q, where)
	}
	return nil
}

func (p *Replay) textKey(k tea.KeyPressMsg) tea.Cmd {
	if key.Matches(k, KeyBack, KeyQuit, KeyEnter) {
		p.text = nil
		return nil
	}
	p.text.pane.key(k, p.paragraphs(), p.w, max(0, p.h-3))
	if p.text.log == nil {
		return nil
	}
	if q, jump := p.text.log.jump(k); jump {
		return p.ask(p.text.log, q, wayEnd)
	}
	return p.more()
}

func (p *Replay) paragraphs() paragraphs {
	th, l := p.env.Theme, p.text.log
	if feed := p.text.feed; l == nil {
		return paragraphs{len(feed), func(i, w int) []string { return eventLines(th, &feed[i], w) }}
	}
	if n := len(l.lines); n > 0 {
		return paragraphs{n, func(i, w int) []string { return logLines(th, l.lines[i], w) }}
	}
	return oneParagraph(th, logEmpty(l, "nothing was written"))
}

func (p *Replay) textLines() []string {
	th := p.env.Theme
	if p.h < 6 {
		return p.text.pane.lines(p.paragraphs(), p.w, p.h)
	}
	lines := []string{p.heads()[0], " " + th.Head.Render(p.text.title)}
	lines = append(lines, p.text.pane.lines(p.paragraphs(), p.w, p.h-3)...)
	return append(pad(lines, p.h-1), widget.Footer(th, p.ShortHelp(), p.footRight(true), p.w))
}
