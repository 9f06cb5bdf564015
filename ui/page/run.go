package page

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
)

// Run is the page of a run that is followed: before the start, under way, over. It holds a session and nothing of the engine.
type Run struct {
	frame
	ctx     context.Context
	cancel  context.CancelFunc
	opener  Opener
	id      runbook.RunID
	session Session
	view    *runView
	failed  *Trouble // the run could not be opened, or its record not be read further
	broken  bool     // Next has failed: it is asked again
	focus   string   // the step that the operator has moved to; "": the current one
	behind  string   // the step that the details still show while the focus moves; "": that in focus
	moves   uint64   // of the focus
	cursor  int      // the line, when the run is over
	sheets
	tail tail
	sub  *pager // a full screen over the run's; nil: none
	keys keyHelp
}

// sheets is what stands in the lower part of the screen.
type sheets struct {
	up      sheet
	asks    uint64 // the question of up; 0: the operator has opened it
	drives  bool   // up takes the run up
	hidden  uint64 // the question that was put away
	sending uint64 // what is on its way to the record; 0: nothing
	sent    uint64 // counts
	mine    uint64 // the question that was answered here
}

// NewRun makes the page of a run. Its session is opened when it is put on the screen.
func NewRun(ctx context.Context, env *Env, o Opener, run runbook.RunID) Page {
	ctx, cancel := context.WithCancel(ctx)
	return &Run{frame: frame{env: env}, ctx: ctx, cancel: cancel, opener: o, id: run, keys: newKeyHelp()}
}

// Init opens the session.
func (p *Run) Init() tea.Cmd { return p.open() }

// Close ends what is under way and lets go of the session.
func (p *Run) Close() {
	p.cancel()
	if p.session != nil {
		p.session.Close()
	}
}

// Update takes what has happened, and the operator's keys.
func (p *Run) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case runOpened:
		return p.opened(msg)
	case runNews:
		return p.news(msg)
	case runSent:
		return p.delivered(msg)
	case runText:
		p.read(msg)
		return p.refill()
	case runRest:
		return p.rested(msg)
	case runRetry:
		if msg.page == p {
			return p.retry()
		}
	case Tick:
		p.look()
		return p.toSheet(msg)
	case Answer, Fact, Drive, Hide, ShowCalls:
		return p.fromSheet(msg)
	case tea.KeyPressMsg:
		return p.key(msg)
	case tea.PasteMsg:
		return p.paste(msg)
	default:
		return p.toSheet(msg)
	}
	return nil
}

// look brings what is drawn up to the run's clock.
func (p *Run) look() {
	if p.view != nil {
		p.view.look(p.view.opened.Clock.Now())
	}
}

// Title is what the terminal's title bar says.
func (p *Run) Title() string {
	if p.view == nil || p.view.state.Start.Name == "" {
		return "run " + string(p.id)
	}
	return string(p.view.state.Start.Mode) + " " + p.view.state.Start.Name
}

// Following is the run while it is not over.
func (p *Run) Following() runbook.RunID {
	if p.view != nil && p.view.stage() == stageOver && !p.view.undoing() {
		return ""
	}
	return p.id
}

// Asks is what waits for a person; "" when nothing does.
func (p *Run) Asks() string {
	if p.view == nil {
		return ""
	}
	q, open := p.view.question()
	switch {
	case !open:
		return ""
	case q.Text == "":
		return q.Step
	}
	return q.Text
}

// Typing reports whether letters go into a field.
func (p *Run) Typing() bool {
	switch {
	case p.view == nil:
	case p.subOnTop():
		return p.sub.finding
	case p.up != nil:
		return p.up.Typing()
	}
	return false
}

// fastTick is how often a fast clock is drawn anew.
const fastTick = 250 * time.Millisecond

// Moving is how often the clocks move: not at all when the run is over and nothing is being put back.
func (p *Run) Moving() time.Duration {
	switch {
	case p.view == nil, p.view.stage() == stageOver && !p.view.undoing():
		return 0
	case p.view.opened.Speed > 2:
		return fastTick
	}
	return time.Second
}

// screen is what is shown beside the run itself.
func (p *Run) screen() runScreen {
	o := runScreen{focus: p.focus, detail: p.behind, cursor: p.cursor, sheet: p.up, keys: p.ShortHelp(), inert: p.sending != 0}
	o.right = p.footRight()
	if o.focus == "" && p.asks != 0 {
		o.focus = p.focused()
	}
	if p.failed != nil {
		o.unread = p.failed.What
	}
	if q, open := p.view.question(); open && p.up == nil && q.Seq != p.mine {
		o.hold = q
	}
	if p.tail.step == p.detailed() {
		o.log = p.tail
	}
	return o
}

// View is the screen of the run, or the log that lies over it. A question takes its place in both.
func (p *Run) View() string {
	switch {
	case p.view == nil:
		return p.viewOpening()
	case p.subOnTop():
		return joinLines(p.view.pagerLines(p.sub, p.w, p.h, p.screen()))
	}
	return joinLines(p.view.screen(p.w, p.h, p.screen()))
}

// Cursor is on the focused step, or where the sheet wants it.
func (p *Run) Cursor() (x, y int, shown bool) {
	switch {
	case p.view == nil:
		return 0, 0, false
	case p.subOnTop():
		return p.view.pagerCursor(p.sub, p.w, p.h, p.screen())
	}
	return p.view.cursor(p.w, p.h, p.screen())
}
