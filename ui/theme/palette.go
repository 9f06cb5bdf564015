package theme

import (
	"image/color"

	"charm.land/lipgloss/v2"
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
		dim: lipgloss.ANSIColor(8), line: lipgloss.ANSIColor(8), strong: lipgloss.ANSIColor(15), good: lipgloss.ANSIColor(10),
		warn: lipgloss.ANSIColor(11), bad: lipgloss.ANSIColor(9), active: lipgloss.ANSIColor(14), asking: lipgloss.ANSIColor(13),
		live: lipgloss.ANSIColor(9), drill: lipgloss.ANSIColor(14), rehearse: lipgloss.ANSIColor(12),
	},
	Light: {
		dim: lipgloss.ANSIColor(241), line: lipgloss.ANSIColor(249), strong: lipgloss.ANSIColor(0), good: lipgloss.ANSIColor(28),
		warn: lipgloss.ANSIColor(130), bad: lipgloss.ANSIColor(160), active: lipgloss.ANSIColor(25), asking: lipgloss.ANSIColor(90),
		live: lipgloss.ANSIColor(160), drill: lipgloss.ANSIColor(25), rehearse: lipgloss.ANSIColor(61),
	},
	Night: {
		text: lipgloss.ANSIColor(1), dim: lipgloss.ANSIColor(88), line: lipgloss.ANSIColor(52), strong: lipgloss.ANSIColor(9),
		good: lipgloss.ANSIColor(1), warn: lipgloss.ANSIColor(9), bad: lipgloss.ANSIColor(9), active: lipgloss.ANSIColor(9),
		asking: lipgloss.ANSIColor(9), live: lipgloss.ANSIColor(9), drill: lipgloss.ANSIColor(1), rehearse: lipgloss.ANSIColor(1),
	},
	Mono: {mono: true},
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
