package main

import (
	"slices"
	"testing"
)

// TestBroken: no word is cut, nothing is lost, and a line is too wide only where one word is.
func TestBroken(t *testing.T) {
	for _, c := range []struct {
		name, text string
		width      int
		want       []string
	}{
		{"fits", "  0:00 ✓ dns        A = 198.51.100.7", 40, []string{"  0:00 ✓ dns        A = 198.51.100.7"}},
		{"no terminal", "  0:00 ✓ dns        one two three four five", 0, []string{"  0:00 ✓ dns        one two three four five"}},
		{"between words", "  0:00 ✓ dns        one two three four five", 40, []string{"  0:00 ✓ dns        one two three four", "                    five"}},
		{"just at the edge", "  0:00 ✓ dns        one two three fourx five", 40, []string{"  0:00 ✓ dns        one two three fourx", "                    five"}},
		{"a long word", "  0:00 ✓ dns        abcdefghijklmnopqrstuvwxyz one", 40, []string{"  0:00 ✓ dns        abcdefghijklmnopqrstuvwxyz", "                    one"}},
		{
			"thrice", "  0:00 ✓ dns        aaaaaaaaaa bbbbbbbbbb cccccccccc", 40,
			[]string{"  0:00 ✓ dns        aaaaaaaaaa", "                    bbbbbbbbbb", "                    cccccccccc"},
		},
		{"too narrow", "  0:00 ✓ dns        one two three four five", 30, []string{"  0:00 ✓ dns        one two three four five"}},
	} {
		if got := broken(c.text, c.width, wordColumn); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
