package page

import (
	"fmt"
	"slices"
	"testing"
)

// logOf is a log of n lines of ten bytes.
func logOf(from, n int) (lines []string) {
	for i := from; i < n; i++ {
		lines = append(lines, fmt.Sprintf("line %04d", i))
	}
	return lines
}

// The pane shows the newest line always, never more than it can, and moves what it shows only every half pane.
func TestTailStandsStill(t *testing.T) {
	const h = 8
	tl := tail{}
	var before string
	jumps := 0
	for n := 1; n <= 300; n++ {
		tl.take(Text{Lines: logOf(n-1, n), From: int64(n-1) * 10, To: int64(n) * 10, Size: int64(n) * 10})
		got := tl.last(h)
		if len(got) > h || n >= h && len(got) <= h/2 || got[len(got)-1] != fmt.Sprintf("line %04d", n-1) {
			t.Fatalf("after %d lines the pane shows %q", n, got)
		}
		if before != "" && got[0] != before {
			jumps++
		}
		before = got[0]
	}
	if want := (300 - h + h/2 - 1) / (h / 2); jumps != want {
		t.Errorf("300 lines have moved the others %d times, not %d", jumps, want)
	}
	if len(tl.lines) > tailLines {
		t.Errorf("%d lines are kept", len(tl.lines))
	}
}

func TestTailOfALogThatIsCutOffOrFast(t *testing.T) {
	tl := tail{}
	tl.take(Text{Lines: logOf(0, 5), To: 50, Size: 50})
	tl.take(Text{From: 20, To: 20, Size: 20})
	if tl.to != 0 {
		t.Error("a log that was cut off is not read anew")
	}
	tl.take(Text{Lines: logOf(0, 2), To: 20, Size: 20})
	if got := tl.last(8); !slices.Equal(got, logOf(0, 2)) {
		t.Errorf("after it was cut off: %q", got)
	}
	tl.take(Text{Lines: logOf(2, 3), From: 20, To: 30, Size: 30 + tailBytes + 1})
	if tl.to != 0 {
		t.Error("a log that runs away is not read from its end")
	}
}
