package page

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// lay puts a log over the screen. From a question it is a look aside: the question waits below, with what was typed.
func (p *Run) lay(s *pager) tea.Cmd {
	s.peek = p.up != nil
	p.sub = s
	p.settle()
	if s.still != nil {
		if s.follow {
			s.cursor = max(0, len(s.content(p.w))-1)
			p.settle()
		}
		return nil
	}
	return p.part(s, wayEnd)
}

func (p *Run) showDetails() tea.Cmd {
	v, id := p.view, p.focused()
	if id == "" {
		return nil
	}
	return p.lay(&pager{title: "step " + id, still: func(w int) []string { return v.allDetails(id, w) }})
}

func (p *Run) showLog() tea.Cmd {
	id := p.focused()
	if id == "" {
		return nil
	}
	return p.lay(&pager{title: "log of " + id, step: id, follow: true})
}

// showFeed is the run's own log: every event in words.
func (p *Run) showFeed() tea.Cmd {
	v := p.view
	return p.lay(&pager{title: "log of the run", follow: true, still: func(int) []string {
		out := make([]string, len(v.seen))
		for i, e := range v.seen {
			out[i] = v.feedLine(e)
		}
		return out
	}})
}

// showCalls is every call that was made; before the run has begun, every call that it would make.
func (p *Run) showCalls() tea.Cmd {
	v := p.view
	if v.stage() != stageBefore {
		return p.lay(&pager{title: "calls made, secrets left out", follow: true})
	}
	return p.lay(&pager{title: "the exact commands, in order", broken: true, still: func(w int) []string { return beforeCalls(v, w) }})
}

// findKey edits the word that is looked for.
func (p *Run) findKey(msg tea.KeyPressMsg) tea.Cmd {
	s := p.sub
	switch {
	case key.Matches(msg, KeyBack):
		s.finding = false
	case key.Matches(msg, KeyEnter):
		s.finding = false
		if s.word = strings.TrimSpace(s.field.Text()); s.word != "" {
			return p.search()
		}
	default:
		s.field.Key(msg)
	}
	return nil
}

// search goes to the next line with the word: in what is held first, then on in the log, part by part.
func (p *Run) search() tea.Cmd {
	s := p.sub
	s.follow = false
	if i := indexWord(s.content(p.w), s.word, s.cursor+1); i >= 0 {
		s.cursor = i
		p.settle()
		return nil
	}
	if s.still != nil || s.busy || len(s.chunks) == 0 || s.chunks[len(s.chunks)-1].to >= s.size {
		s.remark = "not found below"
		return nil
	}
	s.busy, s.remark = true, "looking"+p.env.Theme.Sign.Ellipsis
	from, word, session, ctx := s.chunks[len(s.chunks)-1].to, s.word, p.session, p.ctx
	return func() tea.Msg {
		for {
			t, err := session.Text(ctx, TextQuery{Step: s.step, From: from, Max: partBytes})
			if err == nil && (len(t.Lines) == 0 || t.To <= from) {
				return runText{page: p, sub: s, way: wayFind, err: errNotFound}
			}
			if err != nil || indexWord(t.Lines, word, 0) >= 0 {
				return runText{page: p, sub: s, way: wayFind, text: t, err: err}
			}
			from = t.To
		}
	}
}

// errNotFound ends a search that came to the end of the log.
var errNotFound = &Trouble{What: "not found below"}

// plain is text without its styles.
func plain(s string) string { return ansi.Strip(s) }

// cutLeft drops so many cells at the left.
func cutLeft(s string, n int) string { return ansi.TruncateLeft(s, n, "") }
