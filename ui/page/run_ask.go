package page

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
)

// pose puts the oldest open question on the screen by itself, and takes away one that was decided. While the operator writes
// something, a question waits.
func (p *Run) pose() tea.Cmd {
	q, open := p.view.question()
	var cmds []tea.Cmd
	if p.settledDrive() {
		p.up, p.drives = nil, false
		cmds = append(cmds, Then(Say{Text: "the run is driven again, or over: nothing is left to take up"}))
	}
	if p.up != nil && p.asks != 0 {
		if _, still := p.view.state.Open(p.asks); still {
			return nil
		}
		cmds = append(cmds, p.gone(p.asks, p.whoDecided(p.asks)))
	}
	if p.up == nil && open && q.Seq != p.hidden {
		cmds = append(cmds, p.ask(q, p.env.Now()))
	}
	return tea.Batch(cmds...)
}

// settledDrive reports that the sheet up asks whether to take up a run that somebody else has taken up meanwhile, or that is over.
func (p *Run) settledDrive() bool {
	return p.drives && p.up != nil && p.sending == 0 && (p.view.driven || p.view.state.Finished != nil && !p.view.undoing())
}

// ask puts a question's sheet up. Posed is when it opened by itself; zero when the operator asked for it.
func (p *Run) ask(q runbook.Question, posed time.Time) tea.Cmd {
	p.hidden = 0
	return p.put(newAsk(p.view, q, posed), q.Seq)
}

func (p *Run) put(s sheet, asks uint64) tea.Cmd {
	p.up, p.asks, p.drives = s, asks, false
	return s.Wake()
}

// gone takes a question's sheet away, and says why when it was not decided here.
func (p *Run) gone(seq uint64, why string) tea.Cmd {
	if p.asks == seq {
		p.up, p.asks = nil, 0
		p.sending = 0
		p.hidden = seq
	}
	if why == "" || seq == p.mine {
		return nil
	}
	return Then(Say{Text: why})
}

func (p *Run) whoDecided(seq uint64) string {
	if d, ok := p.view.state.Decided[seq]; ok {
		return (&Decided{By: d.By, At: d.At}).Error()
	}
	if s := p.view.state.Stop; s != nil {
		return "the question is closed: " + s.By.String() + " stopped the run"
	}
	return "the question is closed"
}

// fromSheet does what a sheet asks for. A message about another run is not ours.
func (p *Run) fromSheet(msg tea.Msg) tea.Cmd {
	if p.view == nil || p.up == nil {
		return nil
	}
	var run runbook.RunID
	switch m := msg.(type) {
	case Hide:
		return p.hide()
	case ShowCalls:
		return p.showCalls()
	case Answer:
		run = m.Run
	case Fact:
		run = m.Run
	case Drive:
		run = m.Run
	}
	if run != p.id || p.sending != 0 {
		return nil
	}
	return p.send(msg)
}

// hide puts the sheet away. A question that waited behind what the operator wrote comes now.
func (p *Run) hide() tea.Cmd {
	asked := p.asks
	p.up, p.asks, p.drives = nil, 0, false
	if asked != 0 {
		p.hidden = asked
		return nil
	}
	return p.pose()
}

// toSheet passes on what is not the page's. While something is on its way, the sheet stands still.
func (p *Run) toSheet(msg tea.Msg) tea.Cmd {
	if p.sending != 0 {
		return nil
	}
	return p.toUp(msg)
}

func (p *Run) toUp(msg tea.Msg) tea.Cmd {
	if p.up == nil {
		return nil
	}
	if s, is := p.up.(interface{ fit(w, h int) }); is {
		s.fit(p.w, p.view.layout(p.w, p.h, runScreen{sheet: p.up}).sheetH)
	}
	return p.up.Update(msg)
}

func (p *Run) paste(msg tea.PasteMsg) tea.Cmd {
	if p.view != nil && p.subOnTop() {
		if !p.sub.finding {
			return nil
		}
		p.sub.field.Insert(msg.Content)
		return nil
	}
	return p.toSheet(msg)
}
