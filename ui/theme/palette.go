package theme

import (
	"image/color"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// palette holds colours by meaning; a nil one is the terminal's own.
type palette struct {
	text, dim, strong, line, good, warn, bad, active, asking color.Color
	live, drill, rehearse                                    color.Color
	mono                                                     bool // by weight and reversal alone
}

// The first sixteen colours are the user's own. The light theme reaches into the 256: the palette's yellow and cyan cannot be
// read on white, and these become the nearest of sixteen by themselves. xterm's numbers.
var palettes = map[Name]palette{
	Dark: {
		dim: xterm(8), line: xterm(8), strong: xterm(15), good: xterm(10),
		warn: xterm(11), bad: xterm(9), active: xterm(14), asking: xterm(13),
		live: xterm(9), drill: xterm(14), rehearse: xterm(12),
	},
	Light: {
		dim: xterm(241), line: xterm(249), strong: xterm(0), good: xterm(28),
		warn: xterm(130), bad: xterm(160), active: xterm(25), asking: xterm(90),
		live: xterm(160), drill: xterm(25), rehearse: xterm(61),
	},
	Night: {
		text: xterm(1), dim: xterm(88), line: xterm(52), strong: xterm(9),
		good: xterm(1), warn: xterm(9), bad: xterm(9), active: xterm(9),
		asking: xterm(9), live: xterm(9), drill: xterm(1), rehearse: xterm(1),
	},
	Mono: {mono: true},
}

// xterm is the colour of that number. The first sixteen go as the short codes that every terminal knows (90 and not 38;5;8):
// over a slow line the codes are a good part of a frame.
func xterm(n uint8) color.Color {
	if n < 16 {
		return ansi.BasicColor(n)
	}
	return ansi.IndexedColor(n)
}

func (p palette) paint(t *Theme) {
	ink := func(c color.Color) lipgloss.Style {
		s := lipgloss.NewStyle()
		if c != nil {
			s = s.Foreground(c)
		}
		return s
	}
	dim, line, focus, warn, active := ink(p.dim), ink(p.line), ink(p.strong).Bold(true), ink(p.warn), ink(p.active)
	if p.mono {
		dim, line, focus = dim.Faint(true), line.Faint(true), focus.Reverse(true)
		warn, active = warn.Bold(true), active.Bold(true)
	}
	t.Text, t.Dim, t.Line = style(ink(p.text)), style(dim), style(line)
	t.Strong, t.Head, t.Key = style(ink(p.strong).Bold(true)), style(ink(p.text).Bold(true)), style(ink(p.strong).Bold(true))
	t.Good, t.Active, t.Warn = style(ink(p.good)), style(active), style(warn)
	t.Bad, t.Asking = style(ink(p.bad).Bold(true)), style(ink(p.asking).Bold(true))
	t.Focus = style(focus)
	t.BarDone, t.BarRest = style(ink(p.active)), style(ink(p.line))
	t.Live, t.Drill = style(ink(p.live).Bold(true).Reverse(true)), style(ink(p.drill).Bold(true).Reverse(true))
	t.Rehearse = style(ink(p.rehearse).Bold(true))
}
