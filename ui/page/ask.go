package page

import (
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
)

// The messages with which the question sheet speaks to its page, which carries them to the session.
type (
	// Answer decides the question.
	Answer struct {
		Run      runbook.RunID
		Question runbook.Question
		Reply    runbook.Reply
	}
	// Fact is to be told to the run: a note, a request to stop or to undo. Then, when it is not nil, is to be told after it: an
	// undo of a run that is not over follows a stop.
	Fact struct {
		Run  runbook.RunID
		Fact runbook.Fact
		Then runbook.Fact
	}
	// Drive takes the run up, or over.
	Drive struct {
		Run  runbook.RunID
		Word string
	}
	// Hide puts the sheet away; the question stays open.
	Hide struct{}
	// ShowCalls asks the page for the exact commands of every step, as `c` does: while a word is typed, c is a letter.
	ShowCalls struct{}
	// NotTaken is for the sheet: what it sent did not get through, so it may be sent again. What was typed is still there.
	NotTaken struct{ Why string }
)

// quiet is how long the keyboard must have been still before a sheet that opened by itself takes a key.
const quiet = 500 * time.Millisecond

// sheet is what stands in the lower part of a run's screen and takes the keys: a question, or something the operator has
// begun to write. Lines draws exactly h lines of at most w cells.
type sheet interface {
	Update(msg tea.Msg) tea.Cmd
	Lines(w, h int) []string
	Height(w int) int                       // how many lines it would like
	Cursor(w, h int) (x, y int, shown bool) // within its lines
	Typing() bool
	ShortHelp() []key.Binding
	// Wants reports whether the sheet has a use for the key. The page may take the others for itself; a sheet that waits for
	// a quiet keyboard wants them all.
	Wants(msg tea.KeyPressMsg) bool
	// Wake is to be run when the sheet has been put up: it redraws the screen when keys are taken.
	Wake() tea.Cmd
}
