package page

import (
	"context"
	"errors"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// showTab is one of the views of a run.
type showTab int

const (
	showTimes showTab = iota
	showLog
	showFiles
	showCalls
	showTabs // how many there are
)

func (t showTab) String() string { return [...]string{"timeline", "log", "files", "calls"}[t] }

// Show is one run as its record tells it. It decides nothing; a run that goes on is followed until it ends.
type Show struct {
	frame
	ctx    context.Context
	cancel context.CancelFunc
	from   Opener
	run    runbook.RunID
	keep   *sessionKeep
	failed *Trouble // the run could not be opened
	broken *Trouble // what happens next cannot be read
	view   *runView // nil until it is open
	events []showEvent
	times  showTimeline
	files  []fileLine
	next   bool // a Next is under way
	tab    showTab
	focus  int // the line of the timeline
	first  int
	panes  [showTabs]textPane
	calls  *textLog
	detail *stepDetail // nil: none
}

// stepDetail is a step with its log.
type stepDetail struct {
	step string
	pane textPane
	log  *textLog
}

// What comes back from commands.
type (
	showOpened struct {
		to     *Show
		view   *runView
		events []showEvent
		times  showTimeline
		files  []fileLine
		err    error
	}
	showNews struct {
		to   *Show
		news News
		err  error
	}
	showText struct {
		to *Show
		logRead
	}
)

// NewShow makes the page of one run as its record tells it.
func NewShow(ctx context.Context, env *Env, o Opener, run runbook.RunID) Page {
	ctx, cancel := context.WithCancel(ctx)
	return &Show{frame: frame{env: env}, ctx: ctx, cancel: cancel, from: o, run: run, keep: &sessionKeep{}, calls: &textLog{}}
}

// Init opens the run. Its whole record is folded there, off the screen's own thread.
func (p *Show) Init() tea.Cmd {
	ctx, from, run, keep, env := p.ctx, p.from, p.run, p.keep, p.env
	return func() tea.Msg {
		o, kept, err := keep.open(ctx, from, run)
		switch {
		case err != nil:
			return showOpened{to: p, err: err}
		case !kept:
			return nil
		}
		v := &runView{env: env, opened: o, never: neverNeeded(o.Plan), way: wayOf(o.Plan), driven: true}
		v.take(o.Events)
		v.look(showNow(v))
		events := describeEvents(v, 0, nil)
		return showOpened{to: p, view: v, events: events, times: newTimeline(v, events), files: fileLines(v)}
	}
}

// showNow is the run's clock, or the time of its last event when it is over.
func showNow(v *runView) time.Time {
	if v.opened.Clock == nil || v.state.Finished != nil {
		return v.state.Now
	}
	return v.opened.Clock.Now()
}

// Close lets go of the record.
func (p *Show) Close() {
	p.cancel()
	p.keep.close()
}

// Title names the run.
func (p *Show) Title() string {
	if p.view == nil || p.view.state.Start.Name == "" {
		return "run " + string(p.run)
	}
	return "run of " + p.view.state.Start.Name
}

// Update takes what was read, and the operator's keys.
func (p *Show) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case showOpened:
		if msg.to == p {
			return p.opened(msg)
		}
	case showNews:
		if msg.to == p {
			return p.heard(msg)
		}
	case showText:
		if msg.to == p {
			p.readIn(msg.logRead)
			return p.more()
		}
	case Shown:
		return p.follow(true)
	case tea.KeyPressMsg:
		return p.pressed(msg)
	}
	return nil
}

func (p *Show) opened(m showOpened) tea.Cmd {
	if m.err != nil {
		p.failed = troubleOf(m.err)
		return nil
	}
	p.view, p.events, p.times, p.files = m.view, m.events, m.times, m.files
	p.focus = p.begin()
	p.scroll()
	return tea.Batch(p.follow(false), p.more())
}

// begin is where the focus is first: at the first step that did not just go well, else at what runs, else at the first one.
func (p *Show) begin() int {
	for _, signs := range []string{"✗?‖!", "▶", "✓·↶"} {
		for i, l := range p.times.lines {
			if l.bar && strings.Contains(signs, p.times.spans[l.span].Sign) {
				return i
			}
		}
	}
	return p.nearest(0, 1)
}

// follow waits for what happens next, as long as something can. Once asks even when the run is over: it may be undone.
func (p *Show) follow(once bool) tea.Cmd {
	if p.view == nil || p.next || p.view.opened.Damage != nil || !once && !p.open() && !p.view.undoing() {
		return nil
	}
	p.next = true
	ctx, after, keep := p.ctx, p.view.state.Seq, p.keep
	return func() tea.Msg {
		s := keep.session()
		if s == nil {
			return nil
		}
		n, err := s.Next(ctx, after)
		return showNews{to: p, news: n, err: err}
	}
}

// open reports whether the run has not ended.
func (p *Show) open() bool { return p.view != nil && p.view.state.Finished == nil }

func (p *Show) heard(m showNews) tea.Cmd {
	p.next = false
	if m.err != nil {
		if !errors.Is(m.err, context.Canceled) {
			p.broken = troubleOf(m.err)
		}
		return nil
	}
	p.broken = nil
	from := len(p.view.seen)
	if m.news.Anew {
		from, p.events = 0, nil
	}
	p.view.hear(m.news)
	p.view.look(showNow(p.view))
	p.events = describeEvents(p.view, from, p.events)
	p.times = newTimeline(p.view, p.events)
	p.focus = p.nearest(min(p.focus, len(p.times.lines)-1), 1)
	p.scroll()
	cmds := []tea.Cmd{p.follow(false)}
	if p.tab == showCalls && p.panes[showCalls].tail && len(m.news.Events) > 0 {
		cmds = append(cmds, p.read(p.calls, TextQuery{From: -1, Max: partBytes}, wayEnd))
	}
	return tea.Batch(cmds...)
}

// read asks for a part of a log.
func (p *Show) read(l *textLog, q TextQuery, where direction) tea.Cmd {
	l.asked = true
	ctx, keep := p.ctx, p.keep
	return func() tea.Msg {
		m, ok := keep.read(ctx, l, q, where)
		if !ok {
			return nil
		}
		return showText{p, m}
	}
}

func (p *Show) readIn(m logRead) {
	switch {
	case m.log == p.calls:
		p.panes[showCalls].first = max(0, p.panes[showCalls].first+p.calls.take(m))
	case p.detail != nil && m.log == p.detail.log:
		moved := p.detail.log.take(m)
		if p.detail.pane.first > 0 {
			p.detail.pane.first = max(0, p.detail.pane.first+moved)
		}
	}
}

// log is the one on the screen; nil when there is none.
func (p *Show) log() *textLog {
	switch {
	case p.detail != nil:
		return p.detail.log
	case p.tab == showCalls && p.view != nil:
		return p.calls
	}
	return nil
}

// more reads what comes near: the next part of the log on the screen.
func (p *Show) more() tea.Cmd {
	l, pane, head := p.log(), p.panes[showCalls], 0
	if l == nil {
		return nil
	}
	if d := p.detail; d != nil {
		pane, head = d.pane, len(p.facts(d.step))
	}
	if len(l.chunks) == 0 {
		if l.asked || l.trouble != "" {
			return nil
		}
		if p.detail != nil {
			return p.read(l, TextQuery{Step: l.step, Max: partBytes}, wayEnd)
		}
		p.panes[showCalls].tail = true
		return p.read(l, TextQuery{From: -1, Max: partBytes}, wayEnd)
	}
	first := pane.first - head
	if pane.tail {
		first = len(l.lines)
	}
	if q, where, ok := l.next(first, p.layout().body); ok {
		return p.read(l, q, where)
	}
	return nil
}

// nearest is the line at i, or the next one in that direction that takes the focus, or the last one before.
func (p *Show) nearest(i, by int) int {
	lines := p.times.lines
	for k := i; k >= 0 && k < len(lines); k += by {
		if !lines[k].fixed() {
			return k
		}
	}
	for k := min(i, len(lines)-1); k >= 0 && k < len(lines); k -= by {
		if !lines[k].fixed() {
			return k
		}
	}
	return 0
}

// focused is the step that the keys act on; "" when the focus is on none.
func (p *Show) focused() string {
	if p.detail != nil {
		return p.detail.step
	}
	if p.tab == showTimes && p.focus < len(p.times.lines) {
		return p.times.lines[p.focus].step
	}
	return ""
}

// scroll keeps the focus on the screen, with the heading above it when it is the first of its part.
func (p *Show) scroll() {
	h := p.layout().body
	p.first = widget.Scroll(p.first, p.focus, len(p.times.lines), h)
	if top := p.focus; top > 0 && h > 3 {
		for top > 0 && p.times.lines[top-1].fixed() {
			top--
		}
		p.first = min(p.first, top)
	}
}

// SetSize keeps the focus on the screen.
func (p *Show) SetSize(w, h int) {
	p.frame.SetSize(w, h)
	p.scroll()
}

func (p *Show) pressed(k tea.KeyPressMsg) tea.Cmd {
	switch {
	case p.detail != nil && key.Matches(k, KeyBack, KeyQuit):
		p.detail = nil
		return nil
	case key.Matches(k, KeyQuit):
		return Then(Leave{})
	case key.Matches(k, KeyBack):
		return Then(Back{})
	case p.view == nil:
		if k.String() == "r" && p.failed != nil {
			p.failed = nil
			return p.Init()
		}
		return nil
	}
	if p.moves(k) {
		if l := p.log(); l != nil {
			if q, jump := l.jump(k); jump {
				return p.read(l, q, wayEnd)
			}
		}
		return p.more()
	}
	return p.act(k)
}

// moves moves the focus or the text and reports whether the key was one that does.
func (p *Show) moves(k tea.KeyPressMsg) bool {
	l := p.layout()
	switch {
	case p.detail != nil:
		return p.detail.pane.key(k, p.detailText(), l.width, l.body)
	case p.tab != showTimes:
		return p.panes[p.tab].key(k, p.text(), l.width, l.body)
	}
	var to int
	by := 1
	switch {
	case key.Matches(k, KeyUp):
		to, by = p.focus-1, -1
	case key.Matches(k, KeyDown):
		to = p.focus + 1
	case key.Matches(k, KeyPgUp):
		to, by = p.focus-max(1, l.body-2), -1
	case key.Matches(k, KeyPgDown):
		to = p.focus + max(1, l.body-2)
	case key.Matches(k, KeyTop):
		to = 0
	case key.Matches(k, KeyBottom):
		to, by = len(p.times.lines)-1, -1
	default:
		return false
	}
	p.focus = p.nearest(max(0, min(to, len(p.times.lines)-1)), by)
	p.scroll()
	return true
}

func (p *Show) act(k tea.KeyPressMsg) tea.Cmd {
	switch s := k.String(); s {
	case "tab", "right":
		return p.to((p.tab + 1) % showTabs)
	case "shift+tab", "left":
		return p.to((p.tab + showTabs - 1) % showTabs)
	case "1", "2", "3", "4":
		return p.to(showTab(s[0] - '1'))
	case "l":
		return p.to(showLog)
	case "c":
		return p.to(showCalls)
	case "f":
		if p.open() {
			return To(Route{Where: AtRun, Run: p.run})
		}
	case "p":
		return To(Route{Where: AtReplay, Run: p.run, Step: p.focused()})
	case "y":
		return Then(Copy{Text: string(p.run), What: "the id " + string(p.run)})
	case "r":
		p.broken = nil
		return p.follow(true)
	case "enter":
		return p.enter()
	}
	return nil
}

func (p *Show) enter() tea.Cmd {
	switch step := p.focused(); {
	case p.detail != nil:
		return nil
	case step != "":
		p.detail = &stepDetail{step: step, log: &textLog{step: step}}
		return p.more()
	case p.open():
		return To(Route{Where: AtRun, Run: p.run})
	}
	return nil
}

func (p *Show) to(t showTab) tea.Cmd {
	p.tab, p.detail = t, nil
	return p.more()
}

// ShortHelp are the keys that work now.
func (p *Show) ShortHelp() []key.Binding {
	var keys []key.Binding
	switch {
	case p.view == nil && p.failed != nil:
		return []key.Binding{Press("r", "try again"), KeyBack}
	case p.view == nil:
		return []key.Binding{KeyBack}
	case p.detail != nil:
		return []key.Binding{Named(KeyBack, "to the run"), Press("p", "replay from here"), KeyDown, Named(KeyBottom, "end of the log")}
	case p.focused() != "":
		keys = append(keys, Named(KeyEnter, "the step"))
	case p.open():
		keys = append(keys, Named(KeyEnter, "follow"))
	}
	if p.open() && p.focused() != "" {
		keys = append(keys, Press("f", "follow"))
	}
	next := (p.tab + 1) % showTabs
	keys = append(keys, Press("p", "replay"), Press("tab", next.String()), KeyBack)
	if p.tab != showCalls && next != showCalls {
		keys = append(keys, Press("c", "calls"))
	}
	return append(keys, Press("y", "copy id"))
}

// FullHelp are all keys.
func (p *Show) FullHelp() [][]key.Binding {
	return [][]key.Binding{
		{
			Named(KeyEnter, "the step: what it did, and its log"), Press("p", "replay from the step in focus"),
			Press("f", "follow a run that goes on"), Press("y", "copy the run's id"),
		},
		{
			Press("tab", "the next view"), Press("1", "timeline: planned against actual"), Press("2", "log: every event"),
			Press("3", "files as they were"), Press("4", "calls made"),
		},
		{KeyUp, KeyDown, KeyPgUp, KeyPgDown, KeyTop, KeyBottom, Press("r", "read again"), KeyQuit},
	}
}
