package page_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
)

// shown is a scene on the page that shows it.
func shown(t testing.TB, scene string, w, h int) (page.Page, uitest.Run) {
	t.Helper()
	run := uitest.Scene(scene)
	p := page.NewShow(context.Background(), uitest.Env(run.Now, theme.Dark), uitest.NewConsole(uitest.Quiet, run), run.Opened.Run)
	t.Cleanup(func() { uitest.Close(p) })
	uitest.Load(p, w, h)
	return p, run
}

// oneLine is what is on the screen, without breaks.
func oneLine(p page.Page) string { return strings.Join(strings.Fields(shownText(p)), " ") }

func TestShowTellsHowTheRunWent(t *testing.T) {
	for scene, want := range map[string][]string{
		"done":            {"✓ done in", "inside 5:00", "by operator@console", "BEFORE THE START", "guards held", "STEPS"},
		"done-with-skips": {"! done with", "skipped by", "skipped"},
		"failed-end":      {"✗ failed"},
		"refused":         {"✗ refused: nothing was done"},
		"stopped":         {"! stopped"},
		"over-target":     {"over 5:00"},
		"running":         {"▶ goes on", "goes on"},
		"failed":          {"‖ waits for a person", "✗"},
		"damaged":         {"the record ends at event"},
		"no-plan":         {"shown without its plan"},
		"undone":          {"undo done"},
	} {
		p, _ := shown(t, scene, 120, 60)
		for _, w := range want {
			if !strings.Contains(oneLine(p), w) {
				t.Errorf("%s: %q is missing:\n%s", scene, w, shownText(p))
			}
		}
	}
}

func TestShowMarksHoldsAndDecisions(t *testing.T) {
	p, _ := shown(t, "done-with-skips", 120, 40)
	uitest.Press(p, "G")
	for _, want := range []string{"HOLDS, DECISIONS, NOTES", "STANDS AS THE RUN LEFT IT", "made instance"} {
		if !strings.Contains(oneLine(p), want) {
			t.Errorf("%q is missing:\n%s", want, shownText(p))
		}
	}
}

func TestShowTurnsItsPages(t *testing.T) {
	p, _ := shown(t, "done", 100, 30)
	for k, want := range map[string]string{"2": "guard holds", "3": "RUNBOOK", "4": "apply instance.launch", "1": "STEPS", "l": "LIVE", "c": "key "} {
		uitest.Press(p, k)
		uitest.Press(p, "g")
		if !strings.Contains(shownText(p), want) {
			t.Errorf("%s: %q is missing:\n%s", k, want, shownText(p))
		}
	}
	uitest.Press(p, "1", "tab", "tab", "tab", "tab")
	if !strings.Contains(shownText(p), "STEPS") {
		t.Error("tab does not come round")
	}
	uitest.Press(p, "3", "G")
	if !strings.Contains(shownText(p), "drill.example.com") {
		t.Errorf("the estate is not below the runbook:\n%s", shownText(p))
	}
}

func TestShowOpensAStepWithItsLog(t *testing.T) {
	p, run := shown(t, "done", 80, 24)
	focusOn(t, p, "dns")
	uitest.Press(p, "enter")
	if !strings.Contains(shownText(p), "status") || !strings.Contains(shownText(p), "done") {
		t.Fatalf("no details:\n%s", shownText(p))
	}
	uitest.Press(p, "G")
	if !strings.Contains(shownText(p), "as the runbook says") {
		t.Errorf("no log:\n%s", shownText(p))
	}
	got := routeOf(t, p.Update(keyOf("p")))
	if got.Where != page.AtReplay || got.Run != run.Opened.Run || got.Step != "dns" {
		t.Errorf("p opens %+v", got)
	}
	uitest.Press(p, "esc")
	if !strings.Contains(shownText(p), "STEPS") {
		t.Errorf("esc does not lead back to the timeline:\n%s", shownText(p))
	}
}

// focusOn moves the focus to the bar of a step.
func focusOn(t *testing.T, p page.Page, step string) {
	t.Helper()
	uitest.Press(p, "g")
	for range 60 {
		_, y, _ := p.Cursor()
		if f := strings.Fields(strings.Split(shownText(p), "\n")[y]); len(f) > 2 && f[2] == step {
			return
		}
		uitest.Press(p, "down")
	}
	t.Fatalf("no bar of %s:\n%s", step, shownText(p))
}

// longSession has a log of many lines for every step.
type longSession struct {
	page.Session
	log   string
	reads *int
}

func (s longSession) Text(_ context.Context, q page.TextQuery) (page.Text, error) {
	*s.reads++
	return uitest.ReadLog(s.log, q), nil
}

type longOpener struct{ longSession }

func (o longOpener) OpenRun(context.Context, runbook.RunID) (page.Session, error) {
	return o.longSession, nil
}

func TestShowScrollsThroughALongLog(t *testing.T) {
	var log strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&log, "srv/data/%06d.dat\n", i)
	}
	reads := 0
	run := uitest.Scene("done")
	p := page.NewShow(t.Context(), uitest.Env(run.Now, theme.Dark), longOpener{longSession{uitest.Session(run), log.String(), &reads}}, "")
	defer uitest.Close(p)
	uitest.Load(p, 100, 30)
	focusOn(t, p, "sync")
	uitest.Press(p, "enter")
	for i := range 2000 {
		if strings.Contains(shownText(p), "019999.dat") {
			break
		}
		before := shownText(p)
		if uitest.Press(p, "pgdown"); shownText(p) == before {
			t.Fatalf("page %d goes nowhere:\n%s", i, before)
		}
	}
	for i := 19_999; i > 15_000; i-- { // every line comes by on the way back
		if !strings.Contains(shownText(p), fmt.Sprintf("%06d.dat", i)) {
			t.Fatalf("line %d was left out:\n%s", i, shownText(p))
		}
		if i%10 == 0 {
			uitest.Press(p, "up", "up", "up", "up", "up", "up", "up", "up", "up", "up")
		}
	}
	if reads > 20 {
		t.Errorf("%d reads", reads)
	}
	uitest.Press(p, "g")
	if !strings.Contains(shownText(p), "status") {
		t.Errorf("g is not the beginning:\n%s", shownText(p))
	}
	uitest.Press(p, "G")
	if !strings.Contains(shownText(p), "019999.dat") {
		t.Errorf("G is not the end:\n%s", shownText(p))
	}
}

func TestShowFollowsWhatGoesOn(t *testing.T) {
	run := uitest.Scene("running")
	console := uitest.NewConsole(uitest.Quiet, run)
	p := page.NewShow(t.Context(), uitest.Env(run.Now, theme.Dark), console, run.Opened.Run)
	defer uitest.Close(p)
	uitest.Load(p, 100, 30)
	console.Journal(run.Opened.Run).Append(&runbook.NoteAdded{Text: "ana is on the phone", By: uitest.Second})
	uitest.Press(p, "r", "2", "G")
	for range 20 {
		if strings.Contains(shownText(p), "on the phone") {
			break
		}
		uitest.Press(p, "r")
	}
	if got := routeOf(t, p.Update(keyOf("f"))); got.Where != page.AtRun {
		t.Errorf("f opens %+v", got)
	}
}

func TestShowOfNoRun(t *testing.T) {
	p := page.NewShow(t.Context(), uitest.Env(uitest.Start, theme.Dark), uitest.NewConsole(uitest.Quiet), "nothing")
	uitest.Load(p, 80, 24)
	if !strings.Contains(shownText(p), `✗ there is no run "nothing"`) || !strings.Contains(shownText(p), "lifeboat history lists them") {
		t.Error(shownText(p))
	}
	uitest.Fits(t, p)
	mashKeys(t, p, 200)
}

func TestShowFitsEverySize(t *testing.T) {
	for _, scene := range uitest.Scenes() {
		p, _ := shown(t, scene, 80, 24)
		for _, keys := range [][]string{nil, {"G"}, {"2"}, {"3"}, {"4"}, {"1", "down", "enter"}} {
			uitest.Press(p, keys...)
			uitest.Fits(t, p)
		}
	}
}

func TestShowUnderRandomKeys(t *testing.T) {
	for _, scene := range []string{"wide", "damaged", "running"} {
		p, _ := shown(t, scene, 80, 24)
		mashKeys(t, p, 4_000)
	}
}

func BenchmarkShowView(b *testing.B) {
	p, _ := shown(b, "done-with-skips", 120, 40)
	for b.Loop() {
		p.Update(keyOf("down"))
		_ = p.View()
	}
}
