package page

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
)

// What commands of the run's page come back with. Each carries its page: a message of another one is none of ours.
type (
	runOpened struct {
		page    *Run
		session Session
		opened  Opened
		never   map[string]bool
		way     way
		err     error
	}
	runNews struct {
		page *Run
		news News
		err  error
	}
	runSent struct {
		page *Run
		n    uint64
		what tea.Msg // Answer, Fact or Drive
		err  error
	}
	runRetry struct{ page *Run }
)

// open opens the session in a command.
func (p *Run) open() tea.Cmd {
	return func() tea.Msg {
		s, err := p.opener.OpenRun(p.ctx, p.id)
		if err != nil {
			return runOpened{page: p, err: err}
		}
		if p.ctx.Err() != nil { // the page is gone already: nobody else would close it
			s.Close()
			return runOpened{page: p, err: p.ctx.Err()}
		}
		o := s.Opened()
		return runOpened{page: p, session: s, opened: o, never: neverNeeded(o.Plan), way: wayOf(o.Plan)}
	}
}

func (p *Run) opened(m runOpened) tea.Cmd {
	switch {
	case m.page != p:
		return nil
	case p.ctx.Err() != nil:
		if m.session != nil {
			m.session.Close()
		}
		return nil
	case m.err != nil:
		p.failed = troubleOf(m.err)
		return nil
	}
	p.session, p.failed = m.session, nil
	p.view = &runView{env: p.env, opened: m.opened, never: m.never, way: m.way, driven: true}
	p.view.take(m.opened.Events)
	p.look()
	return tea.Batch(p.next(), p.refresh())
}

// next waits for what happens next. One at a time: each answer asks for the next.
func (p *Run) next() tea.Cmd {
	after, session := p.view.state.Seq, p.session
	return func() tea.Msg {
		n, err := session.Next(p.ctx, after)
		return runNews{page: p, news: n, err: err}
	}
}

// again is how long to wait when the record could not be read.
const again = 2 * time.Second

func (p *Run) news(m runNews) tea.Cmd {
	switch {
	case m.page != p, p.ctx.Err() != nil, errors.Is(m.err, context.Canceled):
		return nil
	case m.err != nil:
		p.failed, p.broken = troubleOf(m.err), true
		return tea.Tick(again, func(time.Time) tea.Msg { return runRetry{p} })
	}
	p.failed, p.broken = nil, false
	if m.news.Anew {
		p.sheets = sheets{sent: p.sent}
	}
	over := p.view.stage() == stageOver
	p.view.hear(m.news)
	p.look()
	if !over && p.view.stage() == stageOver {
		p.focus, p.cursor = "", 0
	}
	return tea.Batch(p.pose(), p.next(), p.refresh())
}

func (p *Run) retry() tea.Cmd {
	if p.view == nil || !p.broken {
		return nil
	}
	p.broken = false
	return p.next()
}

// troubleOf is an error as a person needs it.
func troubleOf(err error) *Trouble {
	var t *Trouble
	if errors.As(err, &t) {
		return t
	}
	return &Trouble{What: runbook.Clean(err.Error())}
}

// send carries what a sheet has said to the session. The state is copied: the fold goes on meanwhile.
func (p *Run) send(what tea.Msg) tea.Cmd {
	p.sent++
	p.sending = p.sent
	n, session, ctx := p.sent, p.session, p.ctx
	state := p.view.state.Clone()
	return func() tea.Msg {
		var err error
		switch m := what.(type) {
		case Answer:
			err = session.Answer(ctx, &state, m.Question, m.Reply)
		case Fact:
			if err = session.Tell(ctx, m.Fact); err == nil && m.Then != nil {
				err = session.Tell(ctx, m.Then)
			}
		case Drive:
			err = session.Drive(ctx, m.Word)
		}
		return runSent{page: p, n: n, what: what, err: err}
	}
}

// delivered is the end of a send. What did not get through stays on the screen with what was typed.
func (p *Run) delivered(m runSent) tea.Cmd {
	if m.page != p || m.n != p.sending {
		return nil
	}
	p.sending = 0
	var decided *Decided
	var word *NeedWord
	switch {
	case m.err == nil:
		return p.taken(m.what)
	case errors.As(m.err, &decided):
		return p.gone(p.asks, decided.Error())
	case errors.As(m.err, &word):
		cmd := p.toUp(word)
		if !p.drives { // only the sheet that takes a run over knows what to do with a word
			cmd = tea.Batch(cmd, Then(Say{Text: word.What, Bad: true}))
		}
		return cmd
	}
	t := troubleOf(m.err)
	text := t.What
	if t.Do != "" {
		text += ": " + t.Do
	}
	return tea.Batch(p.toUp(NotTaken{Why: text}), Then(Say{Text: text, Bad: true}))
}

// taken: it is on record. A question's sheet goes at once; the event follows within a moment.
func (p *Run) taken(what tea.Msg) tea.Cmd {
	said := ""
	switch m := what.(type) {
	case Answer:
		p.mine = m.Question.Seq
		p.hidden = m.Question.Seq
	case Drive:
		said = "the run is driven from here"
	case Fact:
		switch m.Fact.(type) {
		case *runbook.NoteAdded:
			said = "noted"
		case *runbook.StopRequested:
			said = "asked to stop: nothing new starts"
		case *runbook.UndoRequested:
			said = "asked to undo"
		}
	}
	p.up, p.asks, p.drives = nil, 0, false
	if said == "" {
		return p.pose()
	}
	return tea.Batch(p.pose(), Then(Say{Text: said}))
}
