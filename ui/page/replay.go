package page

import (
	"context"
	"strconv"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// Replay plays a recorded run through the screen of a run. It holds a record and a Player; nothing can be decided, and its
// first line says on every frame that this is the past.
type Replay struct {
	frame
	ctx    context.Context
	cancel context.CancelFunc
	from   Opener
	run    runbook.RunID
	speed  float64
	step   string // to begin at; "": the beginning
	keep   *sessionKeep
	failed *Trouble
	events []runbook.Event // the whole record
	view   *runView        // nil until the record is there
	player *Player
	began  time.Duration // from the first event to where the run's clock begins
	place  Place
	seen   time.Time // when the place was looked at
	focus  string    // the step that the operator has moved to; "": the current one
	cursor int       // the line, when the run is over
	played int       // how many events the view has taken
	text   *replayText
}

// What comes back from commands.
type (
	replayOpened struct {
		to    *Replay
		view  *runView
		began time.Duration
		err   error
	}
	replayRead struct {
		to *Replay
		logRead
	}
)

// NewReplay makes a page that plays a recorded run, so many times as fast as it was; 0 is 1.
func NewReplay(ctx context.Context, env *Env, o Opener, run runbook.RunID, speed float64) Page {
	return NewReplayFrom(ctx, env, o, run, speed, "")
}

// NewReplayFrom is NewReplay that begins where a step began.
func NewReplayFrom(ctx context.Context, env *Env, o Opener, run runbook.RunID, speed float64, step string) Page {
	ctx, cancel := context.WithCancel(ctx)
	return &Replay{
		frame: frame{env: env}, ctx: ctx, cancel: cancel, from: o, run: run, speed: speed, step: step, keep: &sessionKeep{},
	}
}

// Init opens the record.
func (p *Replay) Init() tea.Cmd {
	ctx, from, run, keep, env := p.ctx, p.from, p.run, p.keep, p.env
	return func() tea.Msg {
		o, kept, err := keep.open(ctx, from, run)
		switch {
		case err != nil:
			return replayOpened{to: p, err: err}
		case !kept:
			return nil
		}
		return replayOpened{to: p, began: clockBegins(o.Events), view: &runView{env: env, opened: o, never: neverNeeded(o.Plan), way: wayOf(o.Plan), replayed: true, driven: true}}
	}
}

// clockBegins is how long after the first event the run's clock begins; 0 when it never did.
func clockBegins(events []runbook.Event) time.Duration {
	var s runbook.State
	for _, e := range events {
		if s.Apply(e); !s.ClockFrom.IsZero() {
			return max(0, s.ClockFrom.Sub(events[0].Time))
		}
	}
	return 0
}

// Close lets go of the record.
func (p *Replay) Close() {
	p.cancel()
	p.keep.close()
}

// Title names the run.
func (p *Replay) Title() string { return "replay of " + string(p.run) }

// Moving is how often the replay looks at the clock: not at all while it stands still.
func (p *Replay) Moving() time.Duration {
	if p.player == nil {
		return 0
	}
	return p.player.Every(p.seen) // not of now: what has happened since is not on the screen yet
}

// Update takes the record, the time, and the operator's keys.
func (p *Replay) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case replayOpened:
		if msg.to == p {
			return p.opened(msg)
		}
	case replayRead:
		if msg.to == p {
			return p.read(msg.logRead)
		}
	case Tick:
		if p.player != nil {
			p.look(msg.At)
		}
	case tea.KeyPressMsg:
		return p.pressed(msg)
	}
	return nil
}

func (p *Replay) opened(m replayOpened) tea.Cmd {
	if m.err != nil {
		p.failed = troubleOf(m.err)
		return nil
	}
	now := p.env.Now()
	p.view, p.events, p.began = m.view, m.view.opened.Events, m.began
	p.player = NewPlayer(p.events, p.speed, now)
	if p.step != "" {
		p.player.GoTo(now, func(e runbook.Event) bool { return showStep(e.Fact) == p.step })
	}
	p.look(now)
	return nil
}

// look brings the screen to the player's place. What lies behind the place was not seen yet: going back folds anew.
func (p *Replay) look(now time.Time) {
	p.place, p.seen = p.player.At(now), now
	v := p.view
	if p.place.Events < p.played {
		v.state, v.seen, p.played = runbook.State{}, nil, 0
	}
	v.take(p.events[p.played:p.place.Events])
	p.played = p.place.Events
	v.look(p.place.Time)
}

func (p *Replay) pressed(k tea.KeyPressMsg) tea.Cmd {
	switch {
	case p.text != nil:
		return p.textKey(k)
	case key.Matches(k, KeyBack):
		return Then(Back{})
	case key.Matches(k, KeyQuit):
		return Then(Leave{})
	case p.view == nil:
		if k.String() == "r" && p.failed != nil {
			p.failed = nil
			return p.Init()
		}
		return nil
	}
	if p.play(k.String()) {
		p.look(p.env.Now())
		return nil
	}
	switch k.String() {
	case "up", "k":
		p.move(-1)
	case "down", "j":
		p.move(1)
	case "f":
		p.focus, p.cursor = "", 0
	case "l", "enter":
		if id := p.focused(); id != "" {
			return p.open("the log of "+id, id, false)
		}
	case "c":
		return p.open("the calls of this run", "", true)
	case "L":
		return p.openFeed()
	case "s":
		return Then(Replace{To: Route{Where: AtShow, Run: p.run}, From: p})
	}
	return nil
}

// play does what a key of the player stands for and reports whether it was one.
func (p *Replay) play(k string) bool {
	now := p.env.Now()
	switch k {
	case "space":
		p.player.Pause(now)
	case "+", "=":
		p.player.Faster(now)
	case "-", "_":
		p.player.Slower(now)
	case ">", ".":
		p.player.Next(now)
	case "right":
		p.player.Next(now)
		p.player.Stop(now)
	case "left", "<", ",":
		p.player.Prev(now)
	case "]":
		p.player.Seek(10*time.Second, now)
	case "[":
		p.player.Seek(-10*time.Second, now)
	case "g", "home":
		p.player.Start(now)
	case "G", "end":
		p.player.End(now)
	default:
		return false
	}
	return true
}

func (p *Replay) move(by int) {
	if p.view.stage() == stageOver {
		p.cursor = max(0, min(p.cursor+by, p.view.overLength(p.w, p.body())-1))
		return
	}
	steps := p.view.shown()
	if len(steps) == 0 {
		return
	}
	at := 0
	for i, id := range steps {
		if id == p.focused() {
			at = i
		}
	}
	p.focus = steps[max(0, min(at+by, len(steps)-1))]
}

func (p *Replay) focused() string {
	switch {
	case p.view.stage() == stageOver:
		return p.view.overStep(p.w, p.cursor)
	case p.focus != "":
		return p.focus
	}
	return p.view.current()
}

// speedText is a speed as it is written: 10x, 2.5x.
func (p *Replay) speedText() string {
	return strconv.FormatFloat(p.player.Speed(), 'g', 3, 64) + p.env.Theme.Sign.Times
}

// body is how many lines the screen of the run has.
func (p *Replay) body() int { return p.h - len(p.heads()) }

// heads are the lines above the run's own screen.
func (p *Replay) heads() []string {
	th, s := p.env.Theme, &p.view.state
	word := "REPLAY " + p.speedText()
	switch {
	case p.place.Over:
		word = "REPLAY at its end"
	case p.player.Paused():
		word = "REPLAY paused"
	}
	dot := " " + th.Sign.Dot + " "
	form := "2 Jan 2006 15:04 MST"
	if p.w < 70 {
		form = "2 Jan 15:04"
	}
	of := "of " + s.StartedAt.In(p.env.Now().Location()).Format(form)
	left := " " + th.Asking.Reverse().Render(" "+word+" ") + th.Dim.Render(" "+of+dot) + th.Text.Render(string(s.Start.Mode))
	right := th.Dim.Render("event " + strconv.Itoa(p.place.Events) + " of " + strconv.Itoa(len(p.events)) + " ")
	at := p.clock()
	switch {
	case p.h < 3:
		return nil
	case p.w < 60 || p.h < 16:
		if widget.Width(left)+widget.Width(at)+2 > p.w {
			at = ""
		}
		return []string{widget.Ends(th, left, strings.TrimLeft(at+" ", " "), p.w)}
	}
	share := 1.0
	if n := p.player.Length(); n > 0 {
		share = float64(p.place.Offset) / float64(n)
	}
	bar := p.w - widget.Width(at) - 4
	lines := []string{
		widget.Ends(th, left, right, p.w),
		" " + widget.Bar(th, share, bar) + "  " + th.Text.Render(at),
	}
	if d := p.decided(); d != "" {
		lines = append(lines, " "+d)
	}
	return lines
}

// clock is the place on the run's own clock, which is the one of its screen: it begins with the start's approval.
func (p *Replay) clock() string {
	began, whole := p.began, p.player.Length()-p.began
	if p.place.Offset < began {
		return "before the start, " + runbook.ClockText(whole) + " to come"
	}
	return runbook.ClockText(p.place.Offset-began) + " of " + runbook.ClockText(whole)
}

// decided says how the question of the moment was answered.
func (p *Replay) decided() string {
	th := p.env.Theme
	q, open := p.view.question()
	if !open {
		return ""
	}
	ask := th.Asking.Render(th.Sign.Holding + " asked at " + q.Step)
	for _, e := range p.events[p.place.Events:] {
		seq, sign := answeredBy(e.Fact)
		if seq != q.Seq {
			if _, stop := e.Fact.(*runbook.StopRequested); !stop {
				continue
			}
			sign = "!"
		}
		_, _, words := eventWords(e, p.view)
		after := max(0, e.Time.Sub(p.place.Time))
		return ask + th.Dim.Render(" "+th.Sign.Arrow+" ") + showMark(th, sign) + " " + words + th.Dim.Render(" "+runbook.ClockText(after)+" later")
	}
	return ask + th.Dim.Render(": nobody answered")
}

// answeredBy is the question that a fact decides, 0 when it decides none.
func answeredBy(f runbook.Fact) (seq uint64, sign string) {
	switch f := f.(type) {
	case *runbook.ApprovalGiven:
		return f.Answers, "✓"
	case *runbook.ApprovalRefused:
		return f.Answers, "✗"
	case *runbook.GuardWaived:
		return f.Answers, "!"
	case *runbook.LookRequested:
		return f.Answers, "▶"
	case *runbook.StepSkipped:
		return f.Answers, "!"
	case *runbook.StepByHand:
		return f.Answers, "✓"
	case *runbook.StepRetried:
		return f.Answers, "▶"
	}
	return 0, ""
}

// screen is what is shown beside the run.
func (p *Replay) screen() runScreen {
	return runScreen{focus: p.focus, cursor: p.cursor, keys: p.ShortHelp(), right: p.footRight(false)}
}

// View is the run's screen below the line that says it is the past.
func (p *Replay) View() string {
	th := p.env.Theme
	switch {
	case p.view == nil:
		return widget.Screen(th, p.notYet(), p.w, p.h)
	case p.text != nil:
		return widget.Screen(th, p.textLines(), p.w, p.h)
	case len(p.events) == 0:
		return widget.Screen(th, []string{" " + th.Text.Render("nothing is on record that could be played"), " " + th.Dim.Render("esc back")}, p.w, p.h)
	}
	heads := p.heads()
	return widget.Screen(th, append(heads, p.view.screen(p.w, p.h-len(heads), p.screen())...), p.w, p.h)
}

func (p *Replay) notYet() []string {
	th := p.env.Theme
	if p.failed == nil {
		return []string{" " + th.Dim.Render("reading the record of "+string(p.run)+th.Sign.Ellipsis)}
	}
	lines := []string{" " + th.Bad.Render(th.Sign.Failed+" "+p.failed.What), ""}
	for _, l := range widget.Wrap(strings.Join(showParts(p.failed.Means, p.failed.Do), "; "), max(1, p.w-4)) {
		lines = append(lines, "   "+l)
	}
	return append(lines, "", " "+th.Dim.Render("r try again "+th.Sign.Dot+" esc back"))
}

// Cursor is where the run's screen has it.
func (p *Replay) Cursor() (x, y int, shown bool) {
	if p.view == nil || p.text != nil || len(p.events) == 0 {
		return 0, 0, false
	}
	n := len(p.heads())
	x, y, shown = p.view.cursor(p.w, p.h-n, p.screen())
	return x, y + n, shown && y >= 0
}

// ShortHelp are the keys that work now.
func (p *Replay) ShortHelp() []key.Binding {
	switch {
	case p.text != nil:
		return []key.Binding{Named(KeyBack, "to the replay"), KeyDown, KeyUp, KeyBottom}
	case p.view == nil:
		return []key.Binding{KeyBack}
	}
	if p.place.Over {
		return []key.Binding{
			Press("space", "again"), Press("left", "an event back"), KeyBack, Press("s", "show"), Press("l", "log"), Press("L", "run's log"),
			Press("c", "calls"),
		}
	}
	play := "pause"
	if p.player.Paused() {
		play = "go on"
	}
	return []key.Binding{
		Press("space", play), Press("+", "faster"), Press("-", "slower"), Press(">", "next event"), KeyBack, Press("left", "an event back"),
		Press("l", "log"), Press("L", "run's log"),
	}
}

// FullHelp are all keys.
func (p *Replay) FullHelp() [][]key.Binding {
	return [][]key.Binding{
		{
			Press("space", "pause, go on; at the end: again"), Press("+", "faster: 1 2 5 10 20 30 60 times"), Press("-", "slower"),
			Press(">", "to the next event, and play on"), Press("right", "to the next event, and stand still"),
			Press("left", "one event back"), Press("]", "10 s forth"), Press("[", "10 s back"), Press("g", "to the start"), Press("G", "to the end"),
		},
		{
			Press("up", "the step above"), Press("down", "the step below"), Press("f", "the current step again"),
			Press("l", "the log of the step"), Press("L", "the run's log: every event so far"), Press("c", "the calls"), Press("s", "show the run"), KeyQuit,
		},
	}
}
