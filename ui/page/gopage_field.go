package page

import (
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// fieldLimit is the longest text a one-line field takes: more than any id, name or list of words.
const fieldLimit = 200

// lineField is a text field of one line. It draws itself, because the cursor of package textinput counts letters where a
// terminal counts cells.
type lineField struct{ input textinput.Model }

func newLineField(value string) lineField {
	in := textinput.New()
	in.Prompt, in.CharLimit = "", fieldLimit
	in.SetVirtualCursor(false)
	in.KeyMap.Paste.SetEnabled(false) // it would ask this machine's clipboard; the terminal pastes
	in.SetValue(runbook.Clean(value))
	in.Focus()
	return lineField{input: in}
}

func (f *lineField) value() string { return f.input.Value() }

func (f *lineField) set(value string) {
	f.input.SetValue(runbook.Clean(value))
	f.input.CursorEnd()
}

// update takes a key or a paste and reports whether the text is another one now.
func (f *lineField) update(msg tea.Msg) (changed bool) {
	before := f.input.Value()
	switch msg := msg.(type) {
	case tea.PasteMsg:
		f.input, _ = f.input.Update(tea.PasteMsg{Content: runbook.Clean(msg.Content)})
	case tea.KeyPressMsg:
		f.input, _ = f.input.Update(msg)
	}
	if v := f.input.Value(); runbook.Clean(v) != v {
		at := f.input.Position()
		f.input.SetValue(runbook.Clean(v))
		f.input.SetCursor(at)
	}
	return f.input.Value() != before
}

// view is the part of the text around the cursor that fits into width cells, and the cursor's place in it.
func (f *lineField) view(width int) (text string, x int) {
	if width < 1 {
		return "", 0
	}
	v := f.input.Value()
	runes := []rune(v)
	x = widget.Width(string(runes[:min(len(runes), f.input.Position())]))
	if over := x - (width - 1); over > 0 {
		v = ansi.TruncateLeft(v, over, "")
		x -= over
	}
	return ansi.Truncate(v, width, ""), x
}
