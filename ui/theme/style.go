package theme

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Style is how one line of text is drawn. lipgloss works out the codes once; a page has some hundred pieces of text a frame, and
// each takes no more than putting them around it.
type Style struct{ on, off string }

// style takes the codes from what lipgloss makes of a letter.
func style(s lipgloss.Style) Style {
	on, off, _ := strings.Cut(s.Render("x"), "x")
	return Style{on, off}
}

// reset ends a style.
const reset = "\x1b[m"

// Render puts the style on a piece of one line.
func (s Style) Render(text string) string {
	if text == "" || s.on == "" {
		return text
	}
	return s.on + text + s.off
}

// Bold is the style with more weight.
func (s Style) Bold() Style { return s.with(lipgloss.NewStyle().Bold(true)) }

// Reverse is the style with text and ground exchanged.
func (s Style) Reverse() Style { return s.with(lipgloss.NewStyle().Reverse(true)) }

// Underline is the style with a line below the text.
func (s Style) Underline() Style { return s.with(lipgloss.NewStyle().Underline(true)) }

// Strikethrough is the style with a line through the text.
func (s Style) Strikethrough() Style { return s.with(lipgloss.NewStyle().Strikethrough(true)) }

func (s Style) with(more lipgloss.Style) Style {
	m := style(more)
	if s.on == "" || m.on == "" {
		return Style{on: s.on + m.on, off: m.off}
	}
	return Style{on: strings.TrimSuffix(m.on, "m") + ";" + strings.TrimPrefix(s.on, "\x1b["), off: m.off}
}
