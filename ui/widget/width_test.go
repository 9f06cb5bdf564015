package widget

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// The quick count must say what the one that knows clusters says, whatever stands beside what.
func TestWidthIsThatOfTheTerminal(t *testing.T) {
	var pieces []string
	for r := rune(0); r < 0x3000; r++ {
		if utf8.ValidRune(r) && r >= ' ' && (r < 0x7f || r > 0x9f) {
			pieces = append(pieces, string(r))
		}
	}
	for _, p := range pieces {
		if got, want := Width(p), ansi.StringWidth(p); got != want {
			t.Errorf("%q is %d cells wide, not %d", p, got, want)
		}
	}
	pieces = append(pieces, "\x1b[1;31m", "\x1b[m", "\x1b[38:5:1m", "\x1b[2K", "\x1b]0;title\x07", "\x1b[", "\ufe0f", "\u200d", "日", "👩", "\xff", "\t")
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		var b strings.Builder
		for range 1 + rnd.IntN(8) {
			if rnd.IntN(2) == 0 {
				b.WriteString([]string{"a", " ", "✓", "▶", "─", "é", "\x1b[1m", "\ufe0f", "\u0301"}[rnd.IntN(9)])
				continue
			}
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		if got, want := Width(b.String()), ansi.StringWidth(b.String()); got != want {
			t.Fatalf("%q is %d cells wide, not %d", b.String(), got, want)
		}
	}
}

func BenchmarkWidth(b *testing.B) {
	for name, s := range map[string]string{
		"signs": "\x1b[92m✓ attach\x1b[m    vol-0de1 on i-0f3a  \x1b[90m─────────────────────────\x1b[m  0:04",
		"wide":  "\x1b[92m✓ attach\x1b[m    日本 vol-0de1 on i-0f3a  \x1b[90m─────────────────────────\x1b[m  0:04",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Width(s)
			}
		})
	}
}
