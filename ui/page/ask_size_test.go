package page_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lifeboat/ui/page"
	"lifeboat/ui/uitest"
)

// fits fails unless there are exactly h lines, none wider than w, and the cursor is among them.
func (a *posed) fits(name string, w, h int) {
	a.t.Helper()
	lines := a.Lines(w, h)
	if len(lines) != h {
		a.t.Fatalf("%s at %dx%d has %d lines", name, w, h, len(lines))
	}
	for _, l := range lines {
		if n := ansi.StringWidth(l); n > w || strings.ContainsAny(l, "\n\r\t") {
			a.t.Fatalf("%s at %dx%d has a line of %d cells: %q", name, w, h, n, l)
		}
	}
	if x, y, shown := a.Cursor(w, h); shown && (x < 0 || y < 0 || x >= w || y >= h) {
		a.t.Fatalf("%s at %dx%d has its cursor at %d,%d", name, w, h, x, y)
	}
}

func sheetWidths() []int {
	return []int{1, 2, 3, 8, 23, 24, 40, 49, 50, 60, 63, 64, 80, 120, 200}
}
func sheetHeights() []int { return []int{1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 24, 60} }

func TestEverySheetFitsEverySize(t *testing.T) {
	all := allSheets(t)
	for _, name := range sheetNames(all) {
		for _, w := range sheetWidths() {
			for _, h := range sheetHeights() {
				all[name].fits(name, w, h)
			}
			if n := all[name].Height(w); n < 2 {
				t.Errorf("%s at a width of %d wants %d lines", name, w, n)
			}
		}
	}
}

func TestFocusIsSeenAtEverySize(t *testing.T) {
	all := allSheets(t)
	for _, name := range sheetNames(all) {
		for range 5 {
			for _, w := range []int{1, 5, 13, 40, 64, 80, 200} {
				for _, h := range []int{1, 2, 4, 8, 12, 24} {
					x, y, shown := all[name].Cursor(w, h)
					if line := ansi.Strip(all[name].Lines(w, h)[y]); shown && w >= 5 && !strings.Contains(line, "▸") {
						t.Fatalf("%s at %dx%d: the cursor at %d,%d is not on the focus: %q\n%s", name, w, h, x, y, line, all[name].text(w, h))
					}
				}
			}
			all[name].press("down")
		}
	}
}

func TestResizeWhileTypingLosesNothing(t *testing.T) {
	a := posedOf(t, "failed")
	a.press("down", "down", "enter")
	const reason = "die Platte ist voll 磁盘已满 and ssh is slow"
	for i, r := range []rune(reason) {
		a.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
		for _, w := range sheetWidths() {
			a.fits("skip", w, 1+i%24)
		}
	}
	a.press("end", "enter")
	if r := a.reply(a.press("enter")); r.Reason != reason {
		t.Errorf("the reason is %q", r.Reason)
	}
}

func TestRandomKeysNeverPanic(t *testing.T) {
	keys := []string{
		"enter", "enter", "esc", "up", "down", "left", "right", "tab", "shift+tab", "home", "end", "pgup", "pgdown", "space", "backspace",
		"delete", "ctrl+w", "ctrl+u", "ctrl+k", "ctrl+a", "ctrl+left", "ctrl+right", "j", "k", "g", "G", "y", "'live", "'é漢", "'\u0301", "?", ":",
	}
	all := allSheets(t)
	for i, name := range sheetNames(all) {
		a, rnd := all[name], rand.New(rand.NewPCG(1, uint64(i)))
		for n := range 10_000 {
			for _, msg := range uitest.Keys(keys[rnd.IntN(len(keys))]) {
				a.Update(msg)
			}
			switch {
			case n%397 == 0:
				a.Update(tea.PasteMsg{Content: strings.Repeat("\x1b[31m漢字 e\u0301\n", rnd.IntN(80))})
			case n%131 == 0:
				a.Update(page.NotTaken{Why: "no room"})
			case n%211 == 0:
				a.Update(&page.NeedWord{Word: "takeover", What: "held"})
			}
			if n%100 == 0 {
				a.fits(name, 1+rnd.IntN(200), 1+rnd.IntN(60))
			}
		}
	}
}

func BenchmarkSheet(b *testing.B) {
	a := posedOf(&testing.T{}, "failed")
	key := uitest.Keys("down")[0]
	for b.Loop() {
		a.Update(key)
		a.Height(120)
		a.Lines(120, 24)
		a.Cursor(120, 24)
	}
}
