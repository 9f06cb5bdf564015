package page

import (
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
)

// keyHelp are the keys of a run's page.
type keyHelp struct {
	up, down, pgUp, pgDown, top, bottom             key.Binding
	details, decide, log, feed, calls, note, stop   key.Binding
	undo, drive, leave, back, follow, replay, copy  key.Binding
	home, commands, end, find, again, lineCopy, out key.Binding
}

func newKeyHelp() keyHelp {
	return keyHelp{
		up: KeyUp, down: KeyDown, pgUp: KeyPgUp, pgDown: KeyPgDown, top: KeyTop, bottom: KeyBottom,
		details: Named(KeyEnter, "details"), decide: Named(KeyEnter, "decide"), log: Press("l", "log"), feed: Press("L", "run's log"),
		calls: Press("c", "calls"), commands: Press("c", "exact commands"), note: Press("n", "note"), stop: Press("s", "stop…"),
		undo: Press("u", "undo…"), drive: Press("R", "take it up"), leave: Named(KeyQuit, "leave (run goes on)"), back: Named(KeyBack, "home"),
		follow: Press("f", "follow"), replay: Press("p", "replay"), copy: Press("y", "copy run id"), home: Press("b", "home"),
		end: Named(KeyBottom, "follow the end"), find: KeyFind, again: Press("n", "next"), lineCopy: Press("y", "copy line"), out: Named(KeyBack, "back"),
	}
}

// subOnTop: a log lies over all else. A question that comes while one is read is put over it; what the operator opens from a
// question lies over that.
func (p *Run) subOnTop() bool { return p.sub != nil && (p.up == nil || p.sub.peek) }

func (p *Run) key(msg tea.KeyPressMsg) tea.Cmd {
	switch {
	case p.view == nil:
		if key.Matches(msg, KeyBack, KeyQuit) {
			return Then(Back{})
		}
		return nil
	case p.subOnTop():
		return p.subKey(msg)
	case p.sending != 0: // nothing is decided twice
		return nil
	case p.up != nil:
		if p.up.Typing() || p.up.Wants(msg) || !p.beside(msg) {
			return p.up.Update(msg)
		}
	}
	if cmd, moved := p.move(msg); moved {
		return cmd
	}
	return p.act(msg)
}

// beside are the keys that do their work while a sheet stands: they show something, or leave.
func (p *Run) beside(msg tea.KeyPressMsg) bool {
	return key.Matches(msg, p.keys.log, p.keys.feed, p.keys.calls, p.keys.leave)
}

// move moves the focus, or the lines of a run that is over.
func (p *Run) move(msg tea.KeyPressMsg) (cmd tea.Cmd, moved bool) {
	by := 0
	switch {
	case key.Matches(msg, p.keys.up):
		by = -1
	case key.Matches(msg, p.keys.down):
		by = 1
	case key.Matches(msg, p.keys.pgUp):
		by = -10
	case key.Matches(msg, p.keys.pgDown):
		by = 10
	case key.Matches(msg, p.keys.top):
		by = -1 << 20
	case key.Matches(msg, p.keys.bottom):
		by = 1 << 20
	case key.Matches(msg, p.keys.follow):
		p.focus = ""
		return p.refresh(), true
	default:
		return nil, false
	}
	if p.view.stage() == stageOver {
		p.cursor = max(0, min(p.cursor+by, p.view.overLength(p.w, p.h)-1))
		return p.refresh(), true
	}
	steps := p.view.steps()
	if len(steps) == 0 || p.view.stage() == stageBefore {
		return nil, true
	}
	at := max(0, min(slices.Index(steps, p.focused())+by, len(steps)-1))
	rest := p.moved()
	p.focus = steps[at]
	return tea.Batch(rest, p.refresh()), true
}

// focused is the step that details are about.
func (p *Run) focused() string {
	if p.view.stage() == stageOver {
		return p.view.overStep(p.w, p.cursor)
	}
	if p.focus != "" {
		return p.focus
	}
	if p.asks != 0 {
		if q, open := p.view.state.Open(p.asks); open && q.Kind != runbook.AskWaive && q.Kind != runbook.AskStart {
			return q.Step
		}
	}
	return p.view.current()
}

// act does what a key stands for, as far as it works now.
func (p *Run) act(msg tea.KeyPressMsg) tea.Cmd {
	can := p.can()
	over := p.view.stage() == stageOver
	switch {
	case key.Matches(msg, p.keys.details):
		if q, open := p.view.question(); open && p.up == nil {
			return p.ask(q, timeZero)
		}
		return p.showDetails()
	case key.Matches(msg, p.keys.log):
		return p.showLog()
	case key.Matches(msg, p.keys.feed):
		return p.showFeed()
	case key.Matches(msg, p.keys.calls):
		return p.showCalls()
	case key.Matches(msg, p.keys.note) && can.note:
		return p.put(newNote(p.view), 0)
	case key.Matches(msg, p.keys.stop) && can.stop:
		return p.put(newStop(p.view), 0)
	case key.Matches(msg, p.keys.undo) && can.undo:
		return p.put(newUndo(p.view), 0)
	case key.Matches(msg, p.keys.drive) && can.drive:
		cmd := p.put(newDrive(p.view), 0)
		p.drives = true
		return cmd
	case key.Matches(msg, p.keys.leave):
		return Then(Leave{})
	case key.Matches(msg, p.keys.back), over && key.Matches(msg, p.keys.home):
		return Then(Back{})
	case over && key.Matches(msg, p.keys.replay):
		return To(Route{Where: AtReplay, Run: p.id})
	case over && key.Matches(msg, p.keys.copy):
		return Then(Copy{Text: string(p.id), What: "the run's id"})
	}
	return nil
}

// abilities are what an operator can do to the run now.
type abilities struct{ note, stop, undo, drive bool }

func (p *Run) can() abilities {
	v := p.view
	open := v.state.Finished == nil
	return abilities{
		note: open, stop: open && v.state.Stop == nil, undo: v.undoable(),
		drive: !v.driven && (open || v.undoing()),
	}
}

// undoable reports whether there is something to put back.
func (v *runView) undoable() bool {
	if v.opened.Plan == nil || v.replayed {
		return false
	}
	for i := range v.opened.Plan.Steps {
		st := v.state.Step(v.opened.Plan.Steps[i].ID)
		if st.Undo != runbook.UndoDone && st.Undo != runbook.UndoRunning && runbook.Undoable(&v.opened.Plan.Steps[i], st) {
			return true
		}
	}
	return false
}

// ShortHelp are the keys that work now.
func (p *Run) ShortHelp() []key.Binding {
	switch {
	case p.view == nil:
		return []key.Binding{p.keys.out}
	case p.subOnTop():
		return p.sub.help(p.keys)
	case p.up != nil:
		return p.up.ShortHelp()
	}
	k, can := p.keys, p.can()
	var out []key.Binding
	add := func(works bool, bs ...key.Binding) {
		if works {
			out = append(out, bs...)
		}
	}
	_, asked := p.view.question()
	switch p.view.stage() {
	case stageOver:
		add(can.drive, k.drive)
		add(true, k.details)
		add(can.undo, k.undo)
		add(true, k.replay, k.log, k.feed, k.calls, k.home, k.copy)
	case stageBefore:
		add(can.drive, k.drive)
		add(asked, k.decide)
		add(true, k.commands, k.feed)
		add(can.stop, k.stop)
		add(true, k.leave, k.note)
	default:
		add(can.drive, k.drive)
		add(asked, k.decide)
		add(!asked, k.details)
		add(true, k.log, k.calls)
		add(can.note, k.note)
		add(can.stop, k.stop)
		add(p.focus != "", k.follow)
		add(true, k.leave)
		add(can.undo, k.undo)
	}
	return out
}

// FullHelp are all keys of the page.
func (p *Run) FullHelp() [][]key.Binding {
	k := p.keys
	return [][]key.Binding{
		{k.up, k.down, k.pgUp, k.pgDown, k.top, k.bottom, k.follow},
		{k.details, k.log, k.feed, k.calls, k.find},
		{k.note, k.stop, k.undo, k.drive},
		{k.replay, k.copy, k.leave, k.back, KeyHelp},
	}
}
