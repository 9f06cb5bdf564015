package page

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
)

// Sheet is a sheet, for tests outside the package.
type Sheet interface {
	Update(msg tea.Msg) tea.Cmd
	Lines(w, h int) []string
	Height(w int) int
	Cursor(w, h int) (x, y int, shown bool)
	Typing() bool
	Wants(msg tea.KeyPressMsg) bool
	Wake() tea.Cmd
}

// AskView is a run's view, for tests outside the package.
type AskView struct{ v *runView }

// NewAskView makes a view of a run at a moment.
func NewAskView(env *Env, o Opened, n News, now time.Time) AskView {
	v := &runView{env: env, opened: o, never: neverNeeded(o.Plan), driven: n.Driven, driver: n.Driver, since: n.Since, progress: n.Progress}
	v.take(o.Events)
	v.look(now)
	return AskView{v}
}

func (a AskView) Questions() []runbook.Question { return a.v.state.Questions() }
func (a AskView) State() *runbook.State         { return &a.v.state }
func (a AskView) Ask(q runbook.Question, posed time.Time) Sheet {
	return newAsk(a.v, q, posed)
}
func (a AskView) Replay()                    { a.v.replayed = true }
func (a AskView) Note() Sheet                { return newNote(a.v) }
func (a AskView) Stop() Sheet                { return newStop(a.v) }
func (a AskView) Undo() Sheet                { return newUndo(a.v) }
func (a AskView) Drive() Sheet               { return newDrive(a.v) }
func (a AskView) Before(w, h int) []string   { return beforeLines(a.v, w, h) }
func (a AskView) BeforeCalls(w int) []string { return beforeCalls(a.v, w) }
