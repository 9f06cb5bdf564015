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
	t.Text, t.Dim, t.Line = ink(p.text), ink(p.dim), ink(p.line)
	t.Strong, t.Head, t.Key = ink(p.strong).Bold(true), ink(p.text).Bold(true), ink(p.strong).Bold(true)
	t.Good, t.Active = ink(p.good), ink(p.active)
	t.Warn, t.Bad, t.Asking = ink(p.warn), ink(p.bad).Bold(true), ink(p.asking).Bold(true)
	t.Focus = ink(p.strong).Bold(true)
	t.BarDone, t.BarRest = ink(p.active), ink(p.line)
	t.Live = ink(p.live).Bold(true).Reverse(true)
	t.Drill, t.Rehearse = ink(p.drill).Bold(true).Reverse(true), ink(p.rehearse).Bold(true)
	if p.mono {
		t.Dim = t.Dim.Faint(true)
		t.Line = t.Line.Faint(true)
		t.Focus = t.Focus.Reverse(true)
		t.Warn = t.Warn.Bold(true)
		t.Active = t.Active.Bold(true)
	}
}
