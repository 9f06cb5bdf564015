package main

import (
	"strings"
	"testing"
	"time"

	"lifeboat/runbook"
)

// TestTimeline: bars stand under their time, never wider than the terminal, and what is late says so however little it is late.
func TestTimeline(t *testing.T) {
	at := func(d time.Duration) *runbook.Seconds { s := runbook.Seconds(d); return &s }
	run := timeline{
		Run: "r1", Elapsed: runbook.Seconds(100 * time.Second), Target: runbook.Seconds(2 * time.Minute),
		Steps: []span{
			{Step: "a", Status: "done", Started: at(0), Took: at(30 * time.Second), Budget: runbook.Seconds(60 * time.Second)},
			{Step: "b", Status: "done", Started: at(60 * time.Second), Took: at(31 * time.Second), Budget: runbook.Seconds(30 * time.Second)},
			{Step: "c", Status: "failed", Started: at(100 * time.Second), Took: at(0)},
			{Step: "d", Status: "waiting", Budget: runbook.Seconds(5 * time.Second)},
		},
	}
	c := newChart(run, 0)
	want := map[string]string{
		"a": bar(c.at(0), c.at(30*time.Second), c.at(60*time.Second), false),
		"b": bar(c.at(60*time.Second), c.at(91*time.Second), c.at(90*time.Second), true),
	}
	if got := want["a"]; strings.Count(got, barTook)-strings.Count(got, barLeft) > 1 || strings.Contains(got, barOver) {
		t.Errorf("half of its budget: %q", got)
	}
	if got := want["b"]; strings.Count(got, barOver) != 1 || !strings.HasSuffix(got, barTook+barOver) {
		t.Errorf("a second late: %q", got)
	}
	for _, width := range []int{0, 80, 60} {
		var b strings.Builder
		a := &app{out: &b}
		a.printChart(newChart(run, width), run)
		for line := range strings.Lines(b.String()) {
			if n := len(strings.TrimRight(line, "\n")); n > max(60, min(80, width+80*btoi(width == 0))) {
				t.Errorf("width %d: a line of %d: %s", width, n, line)
			}
		}
		for _, words := range []string{"failed\n", "waiting\n", "target"} {
			if !strings.Contains(b.String(), words) {
				t.Errorf("width %d: no %q in\n%s", width, words, b.String())
			}
		}
	}
	if c := newChart(timeline{}, 80); c.at(time.Hour) != 0 {
		t.Error("a run without time has columns")
	}
}

// TestTable: what matters less is left out until it fits; what matters stays, whatever the width.
func TestTable(t *testing.T) {
	tab := table{heads: []string{"RUN", "MODE", "BY"}, rows: [][]string{{"0123456789", "LIVE", "operator"}}, drop: []int{2, 1}}
	for width, want := range map[int]string{
		0:  "RUN         MODE  BY\n0123456789  LIVE  operator\n",
		26: "RUN         MODE  BY\n0123456789  LIVE  operator\n",
		25: "RUN         MODE\n0123456789  LIVE\n",
		15: "RUN\n0123456789\n",
		5:  "RUN\n0123456789\n",
	} {
		var b strings.Builder
		tab.print(&b, width)
		if b.String() != want {
			t.Errorf("width %d:\n%swant\n%s", width, b.String(), want)
		}
	}
}
