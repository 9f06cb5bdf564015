// Package widget draws the small things that pages are made of: fitted text, ages, bars, rules, headers, footers.
//
// A widget is a function from values to text. It keeps no state, knows no run and no page, and never makes a line wider
// than it was told: every width is in cells, and text that does not fit ends in an ellipsis, so that a cut is seen.
//
//	row := widget.Fit(th, evidence, 40) + " " + widget.Right(widget.Age(30*time.Second), 6)
package widget

import (
	"fmt"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	"github.com/charmbracelet/x/ansi"

	"lifeboat/ui/theme"
)

// Cut shortens text to at most width cells; what was cut off shows as an ellipsis.
func Cut(th *theme.Theme, s string, width int) string {
	if width <= 0 {
		return ""
	}
	if Width(s) <= width {
		return s
	}
	return ansi.Truncate(s, width, th.Sign.Ellipsis)
}

// Fit is Cut, filled up with spaces to exactly width cells.
func Fit(th *theme.Theme, s string, width int) string {
	s = Cut(th, s, width)
	return s + Gap(width-Width(s))
}

// Right puts plain text at the right of width cells.
func Right(s string, width int) string { return Gap(width-Width(s)) + s }

// Gap is that many spaces; none for a negative number.
func Gap(n int) string {
	if n <= 0 {
		return ""
	}
	return strings.Repeat(" ", n)
}

// Wrap breaks text between words into lines of at most width cells; a longer word is broken. A hyphen is part of its word:
// ids and options of commands stay in one piece.
func Wrap(s string, width int) []string {
	if width < 1 {
		return nil
	}
	s = strings.ReplaceAll(s, "-", stiff)
	return strings.Split(strings.ReplaceAll(ansi.Wrap(s, width, ""), stiff, "-"), "\n")
}

// stiff stands for a hyphen while lines are broken. It is for private use, so no text has it that was made to be read.
const stiff = "\ue0f0"

// Ends puts one text at the left and one at the right of a line of width cells. The right one stays whole as long as there
// is room for it.
func Ends(th *theme.Theme, left, right string, width int) string {
	r := Cut(th, right, width)
	rest := width - Width(r)
	if rest == width || rest <= 1 { // nothing at the right, though it may be a style around nothing
		return Fit(th, left, width)
	}
	return Fit(th, Cut(th, left, rest-1), rest) + r
}

// Screen makes exactly height lines of exactly width cells out of lines: what is missing is empty, what is too much is
// not shown.
func Screen(th *theme.Theme, lines []string, width, height int) string {
	out := make([]string, max(0, height))
	for i := range out {
		if i < len(lines) {
			out[i] = Cut(th, lines[i], width)
		}
	}
	return strings.Join(out, "\n")
}

// Age is how long ago something was, coarse enough not to change every second once it is old: "3 s", "5 min", "2 h 04 min",
// "3 days". A time to come is "now".
func Age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < 10*time.Second:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds())/5*5)
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	case d < 48*time.Hour:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	}
}

// Bar is a bar of width cells of which share (0 to 1) is full.
func Bar(th *theme.Theme, share float64, width int) string {
	if width < 1 {
		return ""
	}
	full := min(width, max(0, int(share*float64(width)+0.5)))
	return th.BarDone.Render(strings.Repeat(th.Sign.Full, full)) + th.BarRest.Render(strings.Repeat(th.Sign.Rest, width-full))
}

// Footer is the line of keys: as many as there is room for, in order, and right at its end.
func Footer(th *theme.Theme, keys []key.Binding, right string, width int) string {
	rest := width - 1
	if right != "" {
		rest -= Width(right) + 2
	}
	var parts []string
	used := 0
	for _, k := range keys {
		if !k.Enabled() || k.Help().Key == "" {
			continue
		}
		n := Width(k.Help().Key) + 1 + Width(k.Help().Desc)
		if len(parts) > 0 {
			n += 3
		}
		if used+n > rest {
			break
		}
		used += n
		parts = append(parts, th.Key.Render(k.Help().Key)+" "+th.Dim.Render(k.Help().Desc))
	}
	left := " " + strings.Join(parts, th.Line.Render(" "+th.Sign.Dot+" "))
	return Ends(th, left, th.Dim.Render(right), width)
}

// Scroll returns the first of n rows to show in height lines so that the row focus is among them, moving as little as
// possible from first.
func Scroll(first, focus, n, height int) int {
	if height < 1 {
		return 0
	}
	if focus < first {
		first = focus
	}
	if focus >= first+height {
		first = focus - height + 1
	}
	return max(0, min(first, n-height))
}

// LastLine puts a remark in the place of a screen's last line; "" leaves the screen as it is.
func LastLine(th *theme.Theme, screen, text string, bad bool, width, height int) string {
	if text == "" || height < 1 {
		return screen
	}
	style, sign := th.Good, th.Sign.Done
	if bad {
		style, sign = th.Warn, th.Sign.Warn
	}
	lines := strings.Split(screen, "\n")
	for len(lines) < height {
		lines = append(lines, "")
	}
	lines[height-1] = Cut(th, " "+style.Render(sign+" "+text), width)
	return strings.Join(lines[:height], "\n")
}
