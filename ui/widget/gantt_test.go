package widget_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

func spans() []widget.Span {
	s := time.Second
	return []widget.Span{
		{Name: "launch", Start: 0, End: 3 * s, Strong: true, Note: "0:03"},
		{Name: "dns", Start: 3 * s, End: 5 * s, Note: "0:02"},
		{Name: "running", Start: 3 * s, End: 18 * s, Strong: true, Note: "0:15"},
		{Name: "sync", Start: 18 * s, End: 108 * s, Did: true, From: 20 * s, To: 130 * s, Strong: true, Note: "0:20 late"},
		{Name: "跳过的步骤很长很长很长很长", Dim: true, Note: "not needed"},
	}
}

func TestGanttShowsWhatRunsSideBySide(t *testing.T) {
	th := theme.New(theme.Mono, true)
	lines := widget.Gantt(th, spans()[:3], 18*time.Second, 20*time.Second, 60)
	for i := range lines {
		lines[i] = strings.TrimRight(ansi.Strip(lines[i]), " ")
	}
	got := strings.Join(lines, "\n")
	want := strings.TrimLeft(`
        0:00                               target 0:20|
launch  #######                                       | 0:03
dns            =====                                  | 0:02
running        ###################################    | 0:15`, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestGanttPlannedAgainstActual(t *testing.T) {
	th := theme.New(theme.Mono, true)
	lines := widget.Gantt(th, spans()[3:4], 130*time.Second, 0, 40)
	row := ansi.Strip(lines[1])
	if !strings.Contains(row, ".###") {
		t.Errorf("what was planned before the step really started is not seen: %q", row)
	}
	if strings.Contains(row, "|") {
		t.Errorf("a mark without a target: %q", row)
	}
}

func TestGanttFitsAnyWidth(t *testing.T) {
	for _, name := range theme.Names() {
		th := theme.New(name, name == theme.Mono)
		for width := range 130 {
			lines := widget.Gantt(th, spans(), time.Minute, 5*time.Minute, width)
			if len(lines) != len(spans())+1 {
				t.Fatalf("%d lines", len(lines))
			}
			for _, l := range lines {
				if widget.Width(l) > width {
					t.Fatalf("width %d: %d cells: %q", width, widget.Width(l), l)
				}
			}
		}
	}
}

func TestGanttWithoutTimes(t *testing.T) {
	th := theme.New(theme.Dark, false)
	for i, l := range widget.Gantt(th, []widget.Span{{Name: "a"}, {Name: "b", Did: true}}, 0, 0, 80) {
		if widget.Width(l) > 80 {
			t.Error(fmt.Sprint("line ", i), l)
		}
	}
}
