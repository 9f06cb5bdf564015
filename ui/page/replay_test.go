package page_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
)

// replayed is a scene that is played, with a wall clock that the test moves.
func replayed(t testing.TB, scene string, speed float64, step string) (p page.Page, tick func(time.Duration)) {
	t.Helper()
	run := uitest.Scene(scene)
	now := wall
	env := uitest.Env(now, theme.Dark)
	env.Now = func() time.Time { return now }
	p = page.NewReplayFrom(context.Background(), env, uitest.NewConsole(uitest.Quiet, run), run.Opened.Run, speed, step)
	t.Cleanup(func() { uitest.Close(p) })
	uitest.Load(p, 80, 24)
	return p, func(d time.Duration) {
		now = now.Add(d)
		p.Update(page.Tick{At: now})
	}
}

func TestReplaySaysThatItIsThePast(t *testing.T) {
	p, tick := replayed(t, "done@drill", 10, "")
	for _, size := range []uitest.Size{{W: 120, H: 40}, {W: 80, H: 24}, {W: 60, H: 20}, {W: 40, H: 12}} {
		p.SetSize(size.W, size.H)
		for _, want := range []string{"REPLAY 10×", "2 Jan "} {
			if !strings.Contains(shownText(p), want) {
				t.Errorf("%v: %q is missing:\n%s", size, want, shownText(p))
			}
		}
	}
	p.SetSize(80, 24)
	if !strings.Contains(shownText(p), "· drill") || !strings.Contains(shownText(p), " DRILL ") {
		t.Errorf("no mode:\n%s", shownText(p))
	}
	tick(time.Hour)
	if !strings.Contains(shownText(p), "REPLAY at its end") || p.Moving() != 0 {
		t.Errorf("it is not over:\n%s", shownText(p))
	}
}

func TestReplayPlaysAtItsSpeed(t *testing.T) {
	p, tick := replayed(t, "done", 10, "")
	if p.Moving() == 0 {
		t.Fatal("nothing moves")
	}
	tick(6 * time.Second)
	if !strings.Contains(shownText(p), "0:42 of 3:01") {
		t.Errorf("not a minute of the run:\n%s", shownText(p))
	}
	uitest.Press(p, "space")
	tick(time.Minute)
	if !strings.Contains(shownText(p), "0:42 of 3:01") || !strings.Contains(shownText(p), "REPLAY paused") || p.Moving() != 0 {
		t.Errorf("it does not stand still:\n%s", shownText(p))
	}
	uitest.Press(p, "+", "space")
	if !strings.Contains(shownText(p), "REPLAY 20×") {
		t.Errorf("not faster:\n%s", shownText(p))
	}
	uitest.Press(p, "[", "[")
	if !strings.Contains(shownText(p), "0:22 of 3:01") {
		t.Errorf("not back:\n%s", shownText(p))
	}
}

// What is drawn after going back and forth is what is drawn after going there at once.
func TestReplayGoesBackWithoutATrace(t *testing.T) {
	there, _ := replayed(t, "done-with-skips", 1, "")
	wander, _ := replayed(t, "done-with-skips", 1, "")
	uitest.Press(there, "space")
	uitest.Press(wander, "space")
	for range 12 {
		uitest.Press(there, "right")
	}
	uitest.Press(wander, "G", "g")
	for range 20 {
		uitest.Press(wander, "right")
	}
	for range 8 {
		uitest.Press(wander, "left")
	}
	if a, b := there.View(), wander.View(); a != b {
		t.Errorf("two screens of one moment:\n%s\n%s", shownText(there), shownText(wander))
	}
}

func TestReplayShowsHowAQuestionWasDecided(t *testing.T) {
	p, _ := replayed(t, "done-with-skips", 1, "")
	uitest.Press(p, "space")
	found := false
	for range 200 {
		if s := oneLine(p); strings.Contains(s, "asked at") && strings.Contains(s, "skipped by second@desk") {
			found = true
			for _, b := range p.ShortHelp() {
				if d := b.Help().Desc; strings.Contains(d, "decide") || strings.Contains(d, "stop") {
					t.Errorf("the past can be decided: %s", d)
				}
			}
			break
		}
		uitest.Press(p, "right")
	}
	if !found {
		t.Errorf("no question was shown with its answer:\n%s", shownText(p))
	}
}

func TestReplayBeginsAtAStep(t *testing.T) {
	p, _ := replayed(t, "done", 1, "sync")
	if !strings.Contains(oneLine(p), "0:52 of 3:01") || strings.Contains(shownText(p), "event 1 of") {
		t.Errorf("not at the step:\n%s", shownText(p))
	}
}

func TestReplayReadsLogs(t *testing.T) {
	p, _ := replayed(t, "done", 1, "launch")
	uitest.Press(p, "l")
	if !strings.Contains(shownText(p), "the log of launch") || !strings.Contains(shownText(p), "as the runbook says") || p.Moving() != 0 {
		t.Errorf("no log, or it goes on behind it:\n%s", shownText(p))
	}
	uitest.Press(p, "esc", "c")
	if !strings.Contains(shownText(p), "apply instance.launch") {
		t.Errorf("no calls:\n%s", shownText(p))
	}
	if uitest.Press(p, "esc"); !strings.Contains(shownText(p), "REPLAY paused") {
		t.Error("not back at the replay")
	}
}

func TestReplayOfWhatCannotBePlayed(t *testing.T) {
	p := page.NewReplay(t.Context(), uitest.Env(uitest.Start, theme.Dark), uitest.NewConsole(uitest.Quiet), "nothing", 1)
	uitest.Load(p, 80, 24)
	if !strings.Contains(shownText(p), `✗ there is no run "nothing"`) {
		t.Error(shownText(p))
	}
	uitest.Fits(t, p)
	run := uitest.Scene("done")
	run.Opened.Events = nil
	p = page.NewReplay(t.Context(), uitest.Env(uitest.Start, theme.Dark), longOpener{longSession{uitest.Session(run), "", new(int)}}, "x", 1)
	uitest.Load(p, 80, 24)
	if !strings.Contains(shownText(p), "nothing is on record") {
		t.Error(shownText(p))
	}
	mashKeys(t, p, 500)
	for _, scene := range []string{"damaged", "no-plan"} {
		p, tick := replayed(t, scene, 60, "")
		tick(time.Hour)
		if !strings.Contains(shownText(p), "REPLAY at its end") {
			t.Errorf("%s:\n%s", scene, shownText(p))
		}
	}
}

func TestReplayFitsEverySize(t *testing.T) {
	for _, scene := range uitest.Scenes() {
		p, tick := replayed(t, scene, 30, "")
		uitest.Fits(t, p)
		for range 3 {
			p.SetSize(80, 24)
			tick(3 * time.Second)
			uitest.Fits(t, p)
		}
		p.SetSize(80, 24)
		uitest.Press(p, "l")
		uitest.Fits(t, p)
	}
}

func TestReplayUnderRandomKeys(t *testing.T) {
	for _, scene := range []string{"wide", "undone"} {
		p, _ := replayed(t, scene, 60, "")
		mashKeys(t, p, 5_000)
	}
}

// A replay tells the run nothing: its keys append no fact.
func TestReplayTellsNothing(t *testing.T) {
	run := uitest.Scene("failed")
	console := uitest.NewConsole(uitest.Quiet, run)
	p := page.NewReplay(t.Context(), uitest.Env(run.Now, theme.Dark), console, run.Opened.Run, 60)
	uitest.Load(p, 80, 24)
	before := console.Journal(run.Opened.Run).State().Seq
	mashKeys(t, p, 2_000)
	uitest.Close(p)
	if j := console.Journal(run.Opened.Run); j.State().Seq != before || len(j.Facts) > 0 || len(j.Driven) > 0 {
		t.Errorf("told: %v %v", j.Facts, j.Driven)
	}
}

func BenchmarkReplayView(b *testing.B) {
	p, tick := replayed(b, "done-with-skips", 1, "sync")
	p.SetSize(120, 40)
	for b.Loop() {
		tick(time.Millisecond)
		_ = p.View()
	}
}

func BenchmarkReplayBack(b *testing.B) {
	p, _ := replayed(b, "done-with-skips", 1, "")
	p.SetSize(120, 40)
	uitest.Press(p, "G")
	for b.Loop() {
		p.Update(keyOf("left"))
		p.Update(keyOf("right"))
		_ = p.View()
	}
}

// The end comes between a look at the clock and the question how often to look: the screen has not seen it yet.
func TestReplayLooksUntilItHasShownTheEnd(t *testing.T) {
	run := uitest.Scene("done")
	now := wall
	env := uitest.Env(now, theme.Dark)
	env.Now = func() time.Time { return now }
	p := page.NewReplay(context.Background(), env, uitest.NewConsole(uitest.Quiet, run), run.Opened.Run, 60)
	t.Cleanup(func() { uitest.Close(p) })
	uitest.Load(p, 80, 24)
	now = now.Add(time.Hour)
	p.Update(page.Tick{At: wall.Add(time.Second)})
	if p.Moving() == 0 {
		t.Fatal("it stands still before its end was shown")
	}
	p.Update(page.Tick{At: now})
	if p.Moving() != 0 || !strings.Contains(shownText(p), "DONE") {
		t.Fatalf("moving %s after the end:\n%s", p.Moving(), shownText(p))
	}
}
