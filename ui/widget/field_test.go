package widget_test

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lifeboat/ui/widget"
)

func press(f *widget.Field, keys ...tea.KeyPressMsg) {
	for _, k := range keys {
		f.Key(k)
	}
}

var (
	left = tea.KeyPressMsg{Code: tea.KeyLeft}
	back = tea.KeyPressMsg{Code: tea.KeyBackspace}
)

func TestFieldEditsByCharacter(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		keys             []tea.KeyPressMsg
	}{
		{"wide", "ab漢字", "ab字", []tea.KeyPressMsg{left, back}},
		{"marks", "cafe\u0301s", "cafs", []tea.KeyPressMsg{left, back}},
		{"between", "ac", "abc", []tea.KeyPressMsg{left, {Code: 'b', Text: "b"}}},
		{"word", "one two  ", "one ", []tea.KeyPressMsg{{Code: 'w', Mod: tea.ModCtrl}}},
		{"all before", "one two", "o", []tea.KeyPressMsg{left, {Code: 'u', Mod: tea.ModCtrl}}},
		{"all after", "one two", "one tw", []tea.KeyPressMsg{left, {Code: 'k', Mod: tea.ModCtrl}}},
		{"at the start", "one", "one", []tea.KeyPressMsg{{Code: tea.KeyHome}, back, left}},
		{"a mark joins what stands before it", "e", "e\u0301", []tea.KeyPressMsg{{Code: '\u0301', Text: "\u0301"}}},
	} {
		var f widget.Field
		f.Set(c.text)
		press(&f, c.keys...)
		if f.Text() != c.want {
			t.Errorf("%s: %q became %q, not %q", c.name, c.text, f.Text(), c.want)
		}
	}
}

func TestFieldHoldsNoMoreThanItShows(t *testing.T) {
	var f widget.Field
	if cut := f.Insert("a\x1b[2Jb\nc\u202e" + strings.Repeat("e\u0301\u0302\u0303\u0304\u0305\u0306", 3)); cut || strings.ContainsAny(f.Text(), "\x1b\n\u202e\u0305") {
		t.Errorf("the field holds %q", f.Text())
	}
	for range 50 { // one mark at a time must not pile up either
		press(&f, tea.KeyPressMsg{Code: '\u0307', Text: "\u0307"})
	}
	if n := strings.Count(f.Text(), "\u0307"); n > 4 {
		t.Errorf("%d marks stand on one character", n)
	}
	f.Set("")
	if !f.Insert(strings.Repeat("x", 501)) || len(f.Text()) != 500 {
		t.Errorf("%d characters were kept", len(f.Text()))
	}
	if !f.Insert(strings.Repeat("漢", 1<<20)) || len(f.Text()) != 500 {
		t.Errorf("%d characters were kept", len(f.Text()))
	}
}

func TestFieldShowsTheCursor(t *testing.T) {
	for _, text := range []string{"", "a", "漢字漢字漢字漢字", "one two three four five", "e\u0301e\u0301e\u0301e\u0301"} {
		for width := 1; width < 30; width++ {
			var f widget.Field
			f.Set(text)
			for range 30 {
				got, at := f.View(width)
				if ansi.StringWidth(got) > width || at < 0 || at >= width {
					t.Fatalf("%q at a width of %d shows %q with the cursor at %d", text, width, got, at)
				}
				press(&f, left)
			}
			if got, at := f.View(width); at != 0 || !strings.HasPrefix(text, got) {
				t.Fatalf("%q at a width of %d begins with %q, the cursor at %d", text, width, got, at)
			}
		}
	}
}
