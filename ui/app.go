package ui

import (
	"context"
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// Options are how the console starts.
type Options struct {
	Start  page.Route
	Theme  theme.Name // "": chosen from the terminal's background
	ASCII  bool
	Motion bool
	SSH    bool
	Actor  runbook.Actor
	Now    func() time.Time
}

// App is the only tea.Model: a stack of pages, and what all of them share.
type App struct {
	ctx     context.Context
	console Console
	env     *page.Env
	auto    bool // the theme follows the terminal
	stack   []page.Page
	width   int
	height  int
	said    page.Say
	sayings int // counts what was said: a later remark has its own time
	ticking bool
	overlay page.Page // help, or the line of `:`; nil: none
	reports bool      // the terminal wants to know what the program waits for
	left    bool
	pace    *pacer            // nil: the library's
	plain   *strings.Replacer // of signs; nil: the terminal draws them
}

// silence ends the n-th remark.
type silence struct{ n int }

// New makes the console's model. The context ends every command that is under way.
func New(ctx context.Context, console Console, o Options) *App {
	name := o.Theme
	if name == "" {
		name = theme.Dark
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &App{
		ctx: ctx, console: console, auto: o.Theme == "",
		env: &page.Env{Theme: theme.New(name, o.ASCII), Now: o.Now, Actor: o.Actor, Motion: o.Motion, SSH: o.SSH},
	}
	if o.ASCII {
		a.plain = strings.NewReplacer(theme.ASCIIPairs()...)
	}
	a.stack = a.first(o.Start)
	return a
}

// first is the stack for the page to begin with: home lies below it, so that esc leads there.
func (a *App) first(r page.Route) []page.Page {
	home := a.make(page.Route{Where: page.AtHome})
	if r.Where == page.AtHome || r.Where == "" {
		return []page.Page{home}
	}
	home.Update(page.Covered{})
	return []page.Page{home, a.make(r)}
}

func (a *App) top() page.Page { return a.stack[len(a.stack)-1] }

// initer is a page that has something to do when it is put on the screen.
type initer interface{ Init() tea.Cmd }

// closer is a page that holds something that must be let go.
type closer interface{ Close() }

func start(p page.Page) tea.Cmd {
	if p, ok := p.(initer); ok {
		return p.Init()
	}
	return nil
}

// Init starts every page of the first stack.
func (a *App) Init() tea.Cmd {
	var cmds []tea.Cmd
	for _, p := range a.stack {
		cmds = append(cmds, start(p))
	}
	if a.auto {
		cmds = append(cmds, tea.RequestBackgroundColor)
	}
	return tea.Batch(append(cmds, tea.RequestProgramStatusSupport, a.tick())...)
}

// Update routes: keys to the page on top, requests of pages to the app, everything else to all pages.
func (a *App) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	a.pace.stir()
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		a.resize(msg.Width, msg.Height)
	case tea.BackgroundColorMsg:
		if a.auto && !msg.IsDark() {
			a.paint(theme.Light)
		}
	case tea.ProgramStatusSupportMsg:
		a.reports = true
	case tea.KeyPressMsg:
		a.said = page.Say{} // who presses keys wants to see which ones there are
		cmd = a.key(msg)
	case silence:
		if msg.n == a.sayings {
			a.said = page.Say{}
		}
	case tea.PasteMsg:
		cmd = a.focus().Update(msg)
	case page.Tick:
		a.ticking = false
		cmd = a.broadcast(msg)
	default:
		if own, is := a.request(msg); is {
			cmd = own
		} else {
			cmd = a.broadcast(msg)
		}
	}
	if a.left {
		return a, tea.Quit
	}
	return a, tea.Batch(cmd, a.tick())
}

func (a *App) focus() page.Page {
	if a.overlay != nil {
		return a.overlay
	}
	return a.top()
}

func (a *App) broadcast(msg tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for _, p := range a.stack {
		cmds = append(cmds, p.Update(msg))
	}
	if a.overlay != nil {
		cmds = append(cmds, a.overlay.Update(msg))
	}
	return tea.Batch(cmds...)
}

func (a *App) resize(w, h int) {
	a.width, a.height = w, h
	for _, p := range a.stack {
		p.SetSize(w, h)
	}
	if a.overlay != nil {
		a.overlay.SetSize(w, h)
	}
}

// paint changes the colours. Pages that keep lines as they were drawn draw them anew when they are given their size.
func (a *App) paint(name theme.Name) {
	a.env.Theme = theme.New(name, a.env.Theme.ASCII)
	if a.width > 0 {
		a.resize(a.width, a.height)
	}
}

// key handles what means the same on every page; the rest is the page's. While letters go into a field, only ctrl+c is ours.
func (a *App) key(msg tea.KeyPressMsg) tea.Cmd {
	if msg.String() == "ctrl+c" {
		a.left = true
		return nil
	}
	if msg.String() == "alt+esc" { // two of them, so fast that they came as one
		msg = tea.KeyPressMsg{Code: tea.KeyEscape}
	}
	p := a.focus()
	if p.Typing() || a.overlay != nil {
		return p.Update(msg)
	}
	switch {
	case key.Matches(msg, page.KeyHelp):
		return a.open(page.Route{Where: page.AtHelp})
	case key.Matches(msg, page.KeyGo):
		return a.open(page.Route{Where: page.AtGo})
	}
	return p.Update(msg)
}

// request does what a page has asked for.
func (a *App) request(msg tea.Msg) (cmd tea.Cmd, is bool) {
	switch msg := msg.(type) {
	case page.Open:
		return a.open(msg.To), true
	case page.Replace:
		return a.replace(msg), true
	case page.Back:
		return a.back(), true
	case page.Leave:
		a.left = true
		return nil, true
	case page.Say:
		return a.say(msg), true
	case page.Copy:
		return tea.Batch(tea.SetClipboard(msg.Text), a.say(page.Say{Text: "copied " + msg.What})), true
	case page.Known:
		a.env.Names = msg.Names
		return nil, true
	case page.SetTheme:
		a.auto = false
		a.paint(msg.Name)
		return nil, true
	}
	return nil, false
}

func (a *App) open(r page.Route) tea.Cmd {
	p := a.make(r)
	p.SetSize(a.width, a.height)
	switch r.Where {
	case page.AtHelp, page.AtGo:
		a.overlay = p
	case page.AtHome: // home is always the lowest
		a.overlay = nil
		if len(a.stack) == 1 {
			return nil
		}
		for len(a.stack) > 1 {
			a.drop()
		}
		return a.top().Update(page.Shown{})
	default:
		a.overlay = nil
		below := a.top().Update(page.Covered{})
		a.stack = append(a.stack, p)
		return tea.Batch(below, start(p))
	}
	return start(p)
}

// replace puts a page where another one lies. When something has been opened over that one meanwhile, it stays on top: nobody is
// torn away from what they read. A page that is gone is not replaced: who left it did not want to come back.
func (a *App) replace(r page.Replace) tea.Cmd {
	at := len(a.stack) - 1
	if r.From != nil {
		at = slices.Index(a.stack, r.From)
	}
	if at < 0 {
		return nil
	}
	p, old := a.make(r.To), a.stack[at]
	p.SetSize(a.width, a.height)
	if at == 0 { // home stays
		a.stack = append(a.stack, p)
		return tea.Batch(old.Update(page.Covered{}), start(p))
	}
	if c, ok := old.(closer); ok {
		c.Close()
	}
	a.stack[at] = p
	if at < len(a.stack)-1 {
		p.Update(page.Covered{})
		if r.To.Where == page.AtRun {
			return tea.Batch(start(p), a.say(page.Say{Text: "the run has begun: esc leads back to it"}))
		}
	}
	return start(p)
}

func (a *App) drop() {
	if p, ok := a.top().(closer); ok {
		p.Close()
	}
	if len(a.stack) > 1 {
		a.stack = a.stack[:len(a.stack)-1]
	}
}

// back takes off what is on top. From the lowest page it leaves.
func (a *App) back() tea.Cmd {
	switch {
	case a.overlay != nil:
		a.overlay = nil
	case len(a.stack) == 1:
		a.left = true
	default:
		a.drop()
		return a.top().Update(page.Shown{})
	}
	return nil
}

// Close lets go of what the pages hold.
func (a *App) Close() {
	for len(a.stack) > 1 {
		a.drop()
	}
	a.drop()
}

// Run is the run that the operator was looking at when the console ended; "" when it was none.
func (a *App) Run() runbook.RunID {
	for i := len(a.stack) - 1; i >= 0; i-- {
		if p, ok := a.stack[i].(interface{ Following() runbook.RunID }); ok && p.Following() != "" {
			return p.Following()
		}
	}
	return ""
}

// sayFor is how long a line at the bottom stays when no key is pressed.
const sayFor = 5 * time.Second

// say puts a remark over the footer, for a while.
func (a *App) say(s page.Say) tea.Cmd {
	a.sayings++
	a.said = s
	n := a.sayings
	return tea.Tick(sayFor, func(time.Time) tea.Msg { return silence{n} })
}

// tick keeps one timer going while something moves.
func (a *App) tick() tea.Cmd {
	every := a.focus().Moving()
	if a.ticking || every == 0 {
		return nil
	}
	a.ticking = true
	return tea.Tick(every, func(at time.Time) tea.Msg { return page.Tick{At: at} })
}

// View is the page on top, with what was just said in its last line.
func (a *App) View() tea.View {
	p := a.focus()
	if a.width == 0 || a.height == 0 {
		return tea.View{AltScreen: true}
	}
	th := a.env.Theme
	v := tea.NewView(a.signs(th.Ground(widget.LastLine(th, p.View(), a.said.Text, a.said.Bad, a.width, a.height))))
	v.AltScreen, v.BackgroundColor = true, th.Behind()
	v.WindowTitle = "lifeboat " + a.top().Title()
	if x, y, shown := p.Cursor(); shown && x >= 0 && y >= 0 && x < a.width && y < a.height {
		v.Cursor = tea.NewCursor(x, y)
		v.Cursor.Blink = false
	}
	v.ProgramStatus = a.status()
	return v
}

// signs puts what an ASCII terminal can draw in the place of the signs that stand in words: evidence, titles and names of keys
// have them too. All are one cell wide.
func (a *App) signs(screen string) string {
	if a.plain == nil {
		return screen
	}
	return a.plain.Replace(screen)
}

// status tells the terminal, where it listens, that the program waits for a person.
func (a *App) status() *tea.ProgramStatus {
	if !a.reports {
		return nil
	}
	if p, ok := a.top().(interface{ Asks() string }); ok && p.Asks() != "" {
		return &tea.ProgramStatus{State: tea.ProgramStateBlocked, Kind: tea.ProgramStatusKindQuestion}
	}
	return nil
}
