package page

import (
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// keyHelp are the keys of a run's page.
type keyHelp struct {
	up, down, pgUp, pgDown, top, bottom             key.Binding
	details, decide, log, feed, calls, note, stop   key.Binding
	inside, leaveLong                               key.Binding
	undo, drive, leave, back, follow, replay, copy  key.Binding
	home, commands, end, find, again, lineCopy, out key.Binding
}

func newKeyHelp() keyHelp {
	return keyHelp{
		up: KeyUp, down: KeyDown, pgUp: KeyPgUp, pgDown: KeyPgDown, top: KeyTop, bottom: KeyBottom,
		details: Named(KeyEnter, "details"), inside: Press("d", "details"), decide: Named(KeyEnter, "decide"), log: Press("l", "log"), feed: Press("L", "run's log"),
		calls: Press("c", "calls"), commands: Press("c", "exact commands"), note: Press("n", "note"), stop: Press("s", "stop…"),
		undo: Press("u", "undo…"), drive: Press("R", "take it up"), leave: Named(KeyQuit, "leave"), leaveLong: Named(KeyQuit, "leave (run goes on)"), back: KeyBack,
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
			return p.toUp(msg)
		}
	}
	if cmd, moved := p.move(msg); moved {
		return cmd
	}
	return p.act(msg)
}

// beside are the keys that do their work while a sheet stands: they show something, or leave.
func (p *Run) beside(msg tea.KeyPressMsg) bool {
	return key.Matches(msg, p.keys.log, p.keys.feed, p.keys.calls, p.keys.inside, p.keys.leave)
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
	steps := p.view.shown()
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
	case key.Matches(msg, p.keys.inside) && p.view.stage() != stageBefore:
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
	case key.Matches(msg, p.keys.back):
		return Then(Back{})
	case over && key.Matches(msg, p.keys.home): // from wherever it was opened
		return To(Route{Where: AtHome})
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

// undoable reports whether there is something to put back. A call that the far side refused with a code of its own changed
// nothing.
func (v *runView) undoable() bool {
	if v.opened.Plan == nil || v.replayed {
		return false
	}
	for i := range v.opened.Plan.Steps {
		step := &v.opened.Plan.Steps[i]
		st := v.state.Step(step.ID)
		f := st.Failure
		refused := st.Status == runbook.StatusFailed && f != nil && f.Verdict == runbook.Definitive && f.Code != ""
		if !refused && st.Undo != runbook.UndoDone && st.Undo != runbook.UndoRunning && runbook.Undoable(step, st) {
			return true
		}
	}
	return false
}

// ShortHelp are the keys that work now, as many as the footer has room for.
func (p *Run) ShortHelp() []key.Binding {
	switch {
	case p.view == nil:
		return []key.Binding{p.keys.out}
	case p.subOnTop():
		return p.sub.help(p.keys)
	}
	f := footKeys{width: p.w - 1}
	if right := p.footRight(); right != "" {
		f.width -= len(right) + 2
	}
	k, can := p.keys, p.can()
	if p.up != nil {
		p.sheetKeys(&f)
		return f.fit(k.leave, k.leaveLong)
	}
	_, asked := p.view.question()
	switch p.view.stage() {
	case stageOver:
		f.add(can.drive, 0, k.drive)
		f.add(true, 0, k.details)
		f.add(can.undo, 3, k.undo)
		f.add(true, 4, k.replay)
		f.add(true, 5, k.log)
		f.add(true, 7, k.feed)
		f.add(true, 6, k.calls)
		f.add(true, 8, k.copy)
		f.add(true, 1, k.back)
		f.add(true, 9, k.home)
		f.add(true, 2, Named(KeyQuit, "quit"))
	case stageBefore:
		f.add(can.drive, 0, k.drive)
		f.add(asked, 0, k.decide)
		f.add(true, 2, k.commands)
		f.add(true, 5, k.feed)
		f.add(true, 4, k.note)
		f.add(can.stop, 3, k.stop)
		f.add(true, 1, k.leave)
	default:
		f.add(can.drive, 0, k.drive)
		f.add(asked, 0, k.decide)
		f.add(asked, 3, k.inside)
		f.add(!asked, 0, k.details)
		f.add(p.focus != "", 4, k.follow)
		f.add(true, 2, k.log)
		f.add(true, 6, k.calls)
		f.add(can.note, 7, k.note)
		f.add(can.undo, 8, k.undo)
		f.add(can.stop, 5, k.stop)
		f.add(true, 1, k.leave)
	}
	return f.fit(k.leave, k.leaveLong)
}

// sheetKeys are those of the sheet, and what the page does beside it.
func (p *Run) sheetKeys(f *footKeys) {
	own := p.up.ShortHelp()
	for _, b := range own {
		rank := 0
		switch b.Help().Key {
		case "j/k", "tab": // arrows do it, as everywhere
			rank = 9
		case "y":
			rank = 3
		}
		f.add(true, rank, b)
	}
	if p.up.Typing() || len(own) == 0 {
		return
	}
	k, before := p.keys, p.view.stage() == stageBefore
	f.add(!before, 3, k.inside)
	f.add(!before, 2, k.log)
	f.add(before, 2, k.commands)
	f.add(!before, 4, k.calls)
	f.add(true, 1, k.leave)
}

// footRight is what stands at the end of the footer.
func (p *Run) footRight() string {
	if p.up == nil || !p.Typing() && len(p.up.ShortHelp()) > 0 {
		return "? help"
	}
	return ""
}

// footKeys are the keys of a footer in the order in which they stand. Where there is too little room, those of the highest
// rank go first: the way out stays on the smallest screen.
type footKeys struct {
	width int
	keys  []key.Binding
	ranks []int
}

func (f *footKeys) add(works bool, rank int, b key.Binding) {
	if works {
		f.keys, f.ranks = append(f.keys, b), append(f.ranks, rank)
	}
}

func (f *footKeys) used() int {
	n := 0
	for _, b := range f.keys {
		n += widget.Width(b.Help().Key) + 1 + widget.Width(b.Help().Desc) + 3
	}
	return n - 3
}

// fit takes away what has no room. Where all have room, short may say more.
func (f *footKeys) fit(short, long key.Binding) []key.Binding {
	for f.used() > f.width && len(f.keys) > 1 {
		last := 0
		for i, r := range f.ranks {
			if r >= f.ranks[last] {
				last = i
			}
		}
		f.keys, f.ranks = slices.Delete(f.keys, last, last+1), slices.Delete(f.ranks, last, last+1)
	}
	more := widget.Width(long.Help().Desc) - widget.Width(short.Help().Desc)
	for i, b := range f.keys {
		if b.Help() == short.Help() && f.used()+more <= f.width {
			f.keys[i] = long
		}
	}
	return f.keys
}

// FullHelp are all keys of the page.
func (p *Run) FullHelp() [][]key.Binding {
	k := p.keys
	if p.view != nil && p.subOnTop() { // what lies over the run has keys of its own
		return [][]key.Binding{p.sub.help(k)}
	}
	return [][]key.Binding{
		{k.up, k.down, k.pgUp, k.pgDown, k.top, k.bottom, k.follow},
		{k.details, k.inside, k.log, k.feed, k.calls, k.find},
		{k.note, k.stop, k.undo, k.drive},
		{k.replay, k.copy, k.leave, k.back, k.home, KeyHelp},
	}
}
