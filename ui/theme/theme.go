// Package theme says how things look: the styles by their meaning, and the signs and lines that a terminal can draw.
//
// Nothing here knows a page. A page asks for what a thing means (Good, Asking, Dim) and never for a colour, and it never
// says something by colour alone: a sign and a word stand beside it. Colours are taken from the terminal's own palette, so
// that they fit what the user chose, take few bytes over a slow line, and degrade to 16 colours by themselves.
//
//	th := theme.New(theme.Dark, false)
//	line := th.Good.Render(th.Sign.Done + " dns")
package theme

import (
	"image/color"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"lifeboat/runbook"
)

// Name is a theme that can be chosen.
type Name string

// The themes. Night is red on black, for eyes that are used to the dark; Mono uses no colour at all.
const (
	Dark  Name = "dark"
	Light Name = "light"
	Night Name = "night"
	Mono  Name = "mono"
)

// Names lists the themes in the order in which they are offered.
func Names() []Name { return []Name{Dark, Light, Night, Mono} }

// Theme is a set of styles by meaning. It is immutable and safe for concurrent use.
type Theme struct {
	Name  Name
	ASCII bool // the terminal draws nothing beyond ASCII

	Text   Style // what is read
	Dim    Style // what can wait
	Strong Style // the current thing
	Head   Style // names of sections
	Key    Style // a key that can be pressed
	Focus  Style // the line that the keys act on
	Line   Style // rules and boxes

	Good   Style
	Warn   Style
	Bad    Style
	Active Style // under way
	Asking Style // waits for a person, or is not known

	BarDone Style // the part of a bar that is behind us
	BarRest Style

	Live, Drill, Rehearse Style // the mode's badge

	Sign Signs
	Box  Box
}

// Signs are single cells (Focus and Arrow too). Each has a word beside it wherever it stands.
type Signs struct {
	Done, Running, Holding, Unknown, Failed, Waiting, Warn, Skipped, Undone, NotNeeded string
	Focus, Arrow, Dot, Full, Rest, Ellipsis, Times, About                              string
}

// Box is what lines are drawn with.
type Box struct {
	H, V, TopLeft, TopRight, BottomLeft, BottomRight, Down, Up, Left, Right, Cross string
	Heavy                                                                          string // a rule that says LIVE
	Dashed                                                                         string // a rule that says DRILL
}

// New makes a theme. An unknown name is Dark.
func New(name Name, ascii bool) *Theme {
	p := palettes[Dark]
	if found, ok := palettes[name]; ok {
		p = found
	} else {
		name = Dark
	}
	t := &Theme{Name: name, ASCII: ascii, Sign: signs, Box: lines}
	if ascii {
		t.Sign, t.Box = asciiSigns, asciiLines
	}
	p.paint(t)
	return t
}

// Ground gives a whole screen the theme's own colour wherever nothing else was asked for: what a page leaves as it is would be
// white in the night.
func (t *Theme) Ground(screen string) string {
	on := t.Text.on
	if on == "" {
		return screen
	}
	return on + strings.ReplaceAll(screen, reset, reset+on) + reset
}

// Behind is the colour that the terminal's ground takes; nil leaves it as it is. Red on black needs the black.
func (t *Theme) Behind() color.Color {
	if t.Name == Night {
		return ansi.Black
	}
	return nil
}

// Badge is the style of a mode.
func (t *Theme) Badge(m runbook.Mode) Style {
	switch m {
	case runbook.Live:
		return t.Live
	case runbook.Drill:
		return t.Drill
	}
	return t.Rehearse
}

// Rule is a line of the mode: heavy for LIVE, dashed for DRILL, light for a rehearsal.
func (t *Theme) Rule(m runbook.Mode, width int) string {
	piece := t.Box.H
	switch m {
	case runbook.Live:
		piece = t.Box.Heavy
	case runbook.Drill:
		piece = t.Box.Dashed
	}
	if width < 1 {
		return ""
	}
	return strings.Repeat(piece, width)
}

var signs = Signs{
	Done: "✓", Running: "▶", Holding: "‖", Unknown: "?", Failed: "✗", Waiting: "·", Warn: "!", Skipped: "!", Undone: "↶",
	NotNeeded: "·", Focus: "▸", Arrow: "→", Dot: "·", Full: "█", Rest: "░", Ellipsis: "…", Times: "×", About: "≈",
}

var asciiSigns = Signs{
	Done: "+", Running: ">", Holding: "=", Unknown: "?", Failed: "x", Waiting: ".", Warn: "!", Skipped: "!", Undone: "<",
	NotNeeded: ".", Focus: ">", Arrow: ">", Dot: "-", Full: "#", Rest: ".", Ellipsis: "~", Times: "x", About: "~",
}

var lines = Box{
	H: "─", V: "│", TopLeft: "┌", TopRight: "┐", BottomLeft: "└", BottomRight: "┘", Down: "┬", Up: "┴", Left: "├", Right: "┤",
	Cross: "┼", Heavy: "━", Dashed: "╌",
}

var asciiLines = Box{
	H: "-", V: "|", TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+", Down: "+", Up: "+", Left: "+", Right: "+",
	Cross: "+", Heavy: "=", Dashed: "~",
}
