package page

import "charm.land/bubbles/v2/key"

// The keys that mean the same everywhere. No function keys, no Alt, and no single letter destroys anything.
var (
	KeyUp     = key.NewBinding(key.WithKeys("up", "k"), key.WithHelp("k", "up"))
	KeyDown   = key.NewBinding(key.WithKeys("down", "j"), key.WithHelp("j", "down"))
	KeyLeft   = key.NewBinding(key.WithKeys("left", "h"), key.WithHelp("h", "left"))
	KeyRight  = key.NewBinding(key.WithKeys("right", "l"), key.WithHelp("l", "right"))
	KeyPgUp   = key.NewBinding(key.WithKeys("pgup", "ctrl+b"), key.WithHelp("pgup", "page up"))
	KeyPgDown = key.NewBinding(key.WithKeys("pgdown", "ctrl+f", "space"), key.WithHelp("pgdn", "page down"))
	KeyTop    = key.NewBinding(key.WithKeys("home", "g"), key.WithHelp("g", "top"))
	KeyBottom = key.NewBinding(key.WithKeys("end", "G"), key.WithHelp("G", "bottom"))
	KeyEnter  = key.NewBinding(key.WithKeys("enter"), key.WithHelp("enter", "open"))
	KeyBack   = key.NewBinding(key.WithKeys("esc"), key.WithHelp("esc", "back"))
	KeyQuit   = key.NewBinding(key.WithKeys("q"), key.WithHelp("q", "quit"))
	KeyHelp   = key.NewBinding(key.WithKeys("?"), key.WithHelp("?", "help"))
	KeyFind   = key.NewBinding(key.WithKeys("/"), key.WithHelp("/", "find"))
	KeyGo     = key.NewBinding(key.WithKeys(":"), key.WithHelp(":", "go to"))
)

// Named is a binding with other words in the footer: the same key does another thing on another page.
func Named(b key.Binding, what string) key.Binding {
	b.SetHelp(b.Help().Key, what)
	return b
}

// Press is a binding of one key.
func Press(k, what string) key.Binding { return key.NewBinding(key.WithKeys(k), key.WithHelp(k, what)) }
