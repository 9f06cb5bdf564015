package page

import (
	"errors"
	"maps"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

func (p *runbookPage) key(msg tea.KeyPressMsg) tea.Cmd {
	switch {
	case p.starting: // what is pressed now was meant for something else
		if key.Matches(msg, KeyBack) {
			return Then(Back{})
		}
		return nil
	case p.need != nil:
		return p.wordKey(msg)
	case p.editing != "":
		return p.editKey(msg)
	case p.detail && p.detailKey(msg):
		return nil
	}
	switch {
	case key.Matches(msg, KeyUp):
		p.move(-1)
	case key.Matches(msg, KeyDown):
		p.move(1)
	case key.Matches(msg, KeyPgUp):
		p.moveBy(-max(1, p.body()-2))
	case key.Matches(msg, KeyPgDown):
		p.moveBy(max(1, p.body()-2))
	case msg.String() == "home":
		p.moveBy(-len(p.rows))
	case key.Matches(msg, KeyBottom):
		p.moveBy(len(p.rows))
	case key.Matches(msg, KeyLeft):
		return p.turn(-1)
	case key.Matches(msg, KeyRight):
		return p.turn(1)
	case key.Matches(msg, KeyEnter):
		return p.enter()
	case key.Matches(msg, KeyBack):
		return Then(Back{})
	case key.Matches(msg, KeyQuit):
		return Then(Leave{})
	default:
		return p.letter(msg.String())
	}
	return nil
}

func (p *runbookPage) letter(k string) tea.Cmd {
	switch k {
	case "tab":
		return p.turnMode(1)
	case "shift+tab":
		return p.turnMode(-1)
	case "g":
		return p.goOn(runbook.Live)
	case "d":
		return p.goOn(runbook.Drill)
	case "r":
		if p.preview.Plan == nil {
			return p.ask(true)
		}
		return p.goOn(runbook.Rehearse)
	case "R":
		p.changed = ""
		return p.ask(true)
	case "y":
		return p.copy()
	}
	return nil
}

func (p *runbookPage) move(by int) {
	for i := p.at() + by; i >= 0 && i < len(p.rows); i += by {
		if p.rows[i].key != "" {
			p.focus, p.down = p.rows[i].key, 0
			return
		}
	}
}

func (p *runbookPage) moveBy(n int) {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	for range n {
		p.move(step)
	}
}

// turn changes what the row in focus chooses.
func (p *runbookPage) turn(by int) tea.Cmd {
	switch r := p.row(); r.kind {
	case rbMode, rbStart:
		return p.turnMode(by)
	case rbField:
		f := p.fields()[r.i]
		n := len(f.options)
		if n == 0 {
			return nil
		}
		at := 0
		for i, o := range f.options {
			if o.Name == f.value {
				at = i
			}
		}
		next := f.options[((at+by)%n+n)%n].Name
		return p.choose(func(c *Choice) { f.set(c, next) })
	}
	return nil
}

// turnMode goes to the next mode that is possible.
func (p *runbookPage) turnMode(by int) tea.Cmd {
	if p.preview.Plan == nil {
		return nil
	}
	all := rbModes()
	at := 0
	for i, m := range all {
		if m == p.choice.Mode {
			at = i
		}
	}
	for range len(all) - 1 {
		at = ((at+by)%len(all) + len(all)) % len(all)
		if p.why(all[at]) == "" {
			return p.choose(func(c *Choice) { c.Mode = all[at] })
		}
	}
	return nil
}

// goOn goes to a mode first, and starts it when it is on the screen already: nobody starts what they have not seen.
func (p *runbookPage) goOn(m runbook.Mode) tea.Cmd {
	switch {
	case p.preview.Plan == nil:
		return nil
	case p.why(m) != "":
		return Then(Say{Text: strings.ToUpper(string(m)) + " is not possible: " + p.why(m), Bad: true})
	case p.choice.Mode != m:
		p.focus = rbFocusStart
		return p.choose(func(c *Choice) { c.Mode = m })
	}
	p.focus = rbFocusStart
	return p.start()
}

func (p *runbookPage) enter() tea.Cmd {
	switch r := p.row(); r.kind {
	case rbStart:
		return p.start()
	case rbMode:
		return p.turnMode(1)
	case rbField:
		f := p.fields()[r.i]
		if len(f.options) > 0 {
			return p.turn(1)
		}
		p.editing = f.key
		p.field = widget.Field{}
		p.field.Set(f.value)
	case rbStep, rbFolded:
		p.detail, p.down = true, 0
	case rbPast:
		return To(Route{Where: AtShow, Run: p.preview.Past[r.i].Run})
	}
	return nil
}

// copy puts the calls of the step in focus on the clipboard.
func (p *runbookPage) copy() tea.Cmd {
	s := p.step()
	if s == nil {
		return nil
	}
	calls := p.preview.Calls[s.ID]
	if len(calls) == 0 {
		return Then(Say{Text: s.ID + " has no commands to copy", Bad: true})
	}
	return Then(Copy{Text: strings.Join(calls, "\n") + "\n", What: "the commands of " + s.ID})
}

// step is the one in focus; nil when something else is.
func (p *runbookPage) step() *runbook.PlannedStep {
	if r := p.row(); r.kind == rbStep && p.preview.Plan != nil {
		return &p.preview.Plan.Steps[p.outline.steps[r.i]]
	}
	return nil
}

func (p *runbookPage) editKey(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc":
		p.editing = ""
	case "enter":
		key, value := p.editing, strings.TrimSpace(runbook.Clean(p.field.Text()))
		p.editing = ""
		for _, f := range p.fields() {
			if f.key == key && f.value != value {
				return p.choose(func(c *Choice) { f.set(c, value) })
			}
		}
	default:
		p.field.Key(msg)
	}
	return nil
}

// canStart says why a start is not possible now; "" when it is.
func (p *runbookPage) canStart() string {
	switch {
	case !p.known || p.loud:
		return "reading the runbook" + p.env.Theme.Sign.Ellipsis
	case p.preview.Plan == nil:
		return "the files are wrong"
	case p.preview.Plan.Mode != p.choice.Mode:
		return "reading the runbook" + p.env.Theme.Sign.Ellipsis
	}
	return p.why(p.choice.Mode)
}

// start hands the run over. A live run whose runbook asks nothing before it acts is asked for here: some key must stand
// between a sleepy hand and production.
func (p *runbookPage) start() tea.Cmd {
	if why := p.canStart(); why != "" {
		return Then(Say{Text: why, Bad: true})
	}
	plan := p.preview.Plan
	if p.choice.Mode == runbook.Live && plan.Confirm == runbook.ConfirmNone {
		p.ownWord(plan)
		return nil
	}
	return p.run()
}

func (p *runbookPage) ownWord(plan *runbook.Plan) {
	p.needWord(&NeedWord{
		Word: plan.Name, What: "this runbook asks nothing before it acts on production",
		Do: "starts it at once",
	})
}

func (p *runbookPage) needWord(n *NeedWord) {
	p.need, p.needBad, p.field = n, "", widget.Field{}
}

func (p *runbookPage) run() tea.Cmd {
	p.attempts++
	p.starting, p.trouble = true, nil
	n, c := p.attempts, p.choice
	c.Words = maps.Clone(p.words)
	return func() tea.Msg {
		run, err := p.starter.Start(p.ctx, c)
		return rbStarted{p, n, run, err}
	}
}

// started is called with what became of a start.
func (p *runbookPage) started(run runbook.RunID, err error) tea.Cmd {
	p.starting = false
	var need *NeedWord
	var trouble *Trouble
	switch {
	case err == nil:
		return Then(Replace{To: Route{Where: AtRun, Run: run}, From: p})
	case errors.As(err, &need):
		p.needWord(need)
	case errors.As(err, &trouble):
		p.trouble, p.words = trouble, maps.Clone(p.choice.Words)
	default:
		p.trouble = &Trouble{What: runbook.Clean(err.Error()), Means: "no run was started"}
	}
	return nil
}

// wordKey types the word. It must be the very same: what is almost right was not meant.
func (p *runbookPage) wordKey(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc":
		p.need = nil
	case "enter":
		typed := p.field.Text()
		if typed != p.need.Word {
			p.needBad = typed
			return nil
		}
		n := p.need
		p.need = nil
		if n.Name != "" {
			words := maps.Clone(p.words)
			if words == nil {
				words = map[string]string{}
			}
			words[n.Name] = typed
			p.words = words
		}
		return p.run()
	default:
		p.needBad = ""
		p.field.Key(msg)
	}
	return nil
}
