package page

import (
	"fmt"
	"testing"
)

// A log of a thousand parts is read to its end and back again; each step finds the same line where take says that it is.
func TestLogWindow(t *testing.T) {
	const parts, bytes, lines = 1000, 100, 10
	part := func(i int) Text {
		p := Text{From: int64(i * bytes), To: int64((i + 1) * bytes), Size: parts * bytes}
		for k := range lines {
			p.Lines = append(p.Lines, fmt.Sprint(i*lines+k))
		}
		return p
	}
	var w logWindow
	w.take(wayTop, part(0))
	at, line := 3, w.lines[3]
	step := func(way direction, next Text) {
		t.Helper()
		moved := w.take(way, next)
		if at+moved >= 0 && at+moved < len(w.lines) && w.lines[at+moved] != line {
			t.Fatalf("line %s is %s now", line, w.lines[at+moved])
		}
		if n := len(w.chunks); n > mostParts || len(w.lines) != n*lines {
			t.Fatalf("%d parts, %d lines", n, len(w.lines))
		}
		at = len(w.lines) / 2
		line = w.lines[at]
	}
	for {
		from, more := w.below()
		if !more {
			break
		}
		step(wayOn, part(int(from)/bytes))
	}
	if last := w.lines[len(w.lines)-1]; last != fmt.Sprint(parts*lines-1) {
		t.Errorf("the end is %s", last)
	}
	for {
		until, more := w.above()
		if !more {
			break
		}
		step(wayBack, part(int(until)/bytes-1))
	}
	if w.lines[0] != "0" {
		t.Errorf("the beginning is %s", w.lines[0])
	}
}

// Where nothing comes, nothing is asked for again.
func TestLogWindowEndsWhereNothingComes(t *testing.T) {
	var w logWindow
	w.take(wayEnd, Text{Lines: []string{"a"}, From: 50, To: 60, Size: 90})
	w.take(wayOn, Text{From: 60, To: 60, Size: 90})
	if _, more := w.below(); more {
		t.Error("it goes on below")
	}
	w.take(wayBack, Text{From: 50, To: 50, Size: 90})
	if _, more := w.above(); more {
		t.Error("it goes on above")
	}
}
