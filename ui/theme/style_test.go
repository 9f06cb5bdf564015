package theme

import "testing"

func TestStylesAreOneCode(t *testing.T) {
	dark := New(Dark, false)
	for what, c := range map[string]struct{ got, want string }{
		"plain":            {dark.Text.Render("a"), "a"},
		"colour":           {dark.Good.Render("a"), "\x1b[92ma\x1b[m"},
		"weight on colour": {dark.Good.Bold().Render("a"), "\x1b[1;92ma\x1b[m"},
		"weight on none":   {dark.Text.Bold().Render("a"), "\x1b[1ma\x1b[m"},
		"nothing":          {dark.Good.Bold().Render(""), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", what, c.got, c.want)
		}
	}
}

func TestTheNightLeavesNothingWhite(t *testing.T) {
	night := New(Night, false)
	plain, dim := "a", night.Dim.Render("b")
	if got, want := night.Ground(plain+dim+plain), "\x1b[31ma"+dim+"\x1b[31ma\x1b[m"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if dark := New(Dark, false); dark.Ground(plain) != plain || dark.Behind() != nil || night.Behind() == nil {
		t.Error("only the night has a ground of its own")
	}
}
