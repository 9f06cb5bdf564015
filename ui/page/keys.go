package page

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

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

// scrolled is the first line of a text after a key that scrolls, of which at most the line end can be first; page is how far a
// page goes. Used is false for every other key.
func scrolled(k tea.KeyPressMsg, first, page, end int) (to int, used bool) {
	switch {
	case key.Matches(k, KeyUp):
		first--
	case key.Matches(k, KeyDown):
		first++
	case key.Matches(k, KeyPgUp):
		first -= max(1, page)
	case key.Matches(k, KeyPgDown):
		first += max(1, page)
	case key.Matches(k, KeyTop):
		first = 0
	case key.Matches(k, KeyBottom):
		first = end
	default:
		return first, false
	}
	return max(0, min(first, end)), true
}

// Named is a binding with other words in the footer: the same key does another thing on another page.
func Named(b key.Binding, what string) key.Binding {
	b.SetHelp(b.Help().Key, what)
	return b
}

// Press is a binding of one key.
func Press(k, what string) key.Binding { return key.NewBinding(key.WithKeys(k), key.WithHelp(k, what)) }
