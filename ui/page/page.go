package page

import (
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
)

// Page is one screen. The app owns the terminal: it hands keys to the page on top and everything else to all of them, and
// puts View on the screen as it is.
type Page interface {
	// Update takes a message. It does no I/O and takes no longer than a millisecond: what may block goes into the command.
	Update(msg tea.Msg) tea.Cmd
	// View is the whole screen: as many lines as SetSize said, none wider. It changes nothing.
	View() string
	// SetSize is called before the first View and whenever the terminal or the theme has changed. Any size from 1x1 up is possible.
	SetSize(width, height int)
	// Cursor is where the focus is, in cells from the top left; shown is false where there is none.
	Cursor() (x, y int, shown bool)
	// Typing reports whether letters go into a field: then ? : q and the like are text.
	Typing() bool
	// Moving is how often the page wants a Tick: 0 when nothing on it moves.
	Moving() time.Duration
	// ShortHelp are the keys that work now, the most useful first; the footer shows as many as there is room for.
	ShortHelp() []key.Binding
	// FullHelp are all keys of the page, in columns.
	FullHelp() [][]key.Binding
	// Title is a few words for the help and the terminal's title bar.
	Title() string
}

// Env is what every page is made with. There is one, shared by pointer; only the app changes it, in its Update.
type Env struct {
	Theme  *theme.Theme
	Now    func() time.Time // the wall clock; a run has its own
	Actor  runbook.Actor
	Motion bool // false: nothing turns or slides
	SSH    bool // over a network: the clipboard is the far terminal's
	Names  Names
}

// Names are what home saw last, for the line of `:`.
type Names struct {
	Books map[string]string // Choice.Runbook by the runbook's name
	Runs  []runbook.RunID   // newest first
}

// The messages by which pages and app speak. What comes back from a command carries the page's own types.
type (
	// Tick comes while the top page is Moving. At is the wall clock.
	Tick struct{ At time.Time }
	// Open asks the app to put a page on top.
	Open struct{ To Route }
	// Replace asks the app to put a page in the place of From, wherever that lies by now; nil is the one on top.
	Replace struct {
		To   Route
		From Page
	}
	// Back asks the app to take the top page off; the last one quits.
	Back struct{}
	// Leave asks the app to quit. Runs go on.
	Leave struct{}
	// Say shows one line at the bottom for some seconds: what was just done, or why not.
	Say struct {
		Text string
		Bad  bool
	}
	// Covered tells a page that another one lies on top of it: it need not ask the world for what nobody sees.
	Covered struct{}
	// Shown tells a page that it is on top again.
	Shown struct{}
	// Known tells the app what there is to be named.
	Known struct{ Names Names }
	// SetTheme asks the app for other colours.
	SetTheme struct{ Name theme.Name }
	// Copy puts text on the operator's clipboard (OSC 52) and says so.
	Copy struct{ Text, What string }
)

// Where names a page.
type Where string

// The pages.
const (
	AtHome    Where = "home"
	AtRunbook Where = "runbook"
	AtRun     Where = "run" // live, at whatever stage the run is: before the start, under way, over
	AtReplay  Where = "replay"
	AtShow    Where = "show"
	AtHistory Where = "history"
	AtHelp    Where = "help"
	AtGo      Where = "go" // the line behind `:`
)

// Route is a page and what it is about.
type Route struct {
	Where  Where
	Choice Choice        // AtRunbook
	Run    runbook.RunID // AtRun, AtReplay, AtShow
	Speed  float64       // AtReplay; 0: 1
	Step   string        // AtReplay: begin where this step began; "": at the beginning
	Find   string        // AtHistory: the filter to begin with
	Filter bool          // AtHistory: begin in the field of the filter
}

// To makes a command that opens a page.
func To(r Route) tea.Cmd { return func() tea.Msg { return Open{r} } }

// Then makes a command of a message.
func Then(msg tea.Msg) tea.Cmd { return func() tea.Msg { return msg } }
