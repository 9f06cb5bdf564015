package page_test

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
)

func pauseOf(a *posed, w, h int) string { return ansi.Strip(strings.Join(a.Before(w, h), "\n")) }

func TestPauseSaysWhatIsAtStake(t *testing.T) {
	for mode, words := range map[string][]string{
		"live":     {"━━━", "LIVE  changes production", "account 123456789012"},
		"drill":    {"╌╌╌", "DRILL  changes only what the drill names"},
		"rehearse": {"───", "REHEARSE  simulated, nothing real is touched"},
	} {
		a := askViewOf(t, "start@"+mode)
		got := pauseOf(a, 120, 34)
		words = append(words, "us-west-1 → us-east-1", "GUARDS", "CHANGES", "1 launch    Launch the copied image", "quiesce", "THEN LOOKS AT  running",
			"CANNOT BE UNDONE BY A KEY", "dns: caches may hold an answer for up to 5:00", "! sync", "forecast 3:", "target 5:00", "data = replica", "operator@console")
		for _, want := range words {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the pause does not say %q:\n%s", mode, want, got)
			}
		}
		if strings.Contains(got, "! launch") {
			t.Errorf("%s: the launch can be undone:\n%s", mode, got)
		}
	}
}

func TestPauseShowsEveryGuardWithItsAge(t *testing.T) {
	for scene, words := range map[string][]string{
		"guards":       {"▶ Production does not answer", "checking…", "✓ The old server", "holds: i-0a1b"},
		"guard-failed": {"✗ The old server", "does not hold: i-0a1b", "10 s ago"},
		"guard-unsure": {"? The old server", "could not be checked: ec2:"},
		"guards@drill": {"· Production does not answer", "not asked in this mode"},
	} {
		got := pauseOf(askViewOf(t, scene), 120, 40)
		for _, want := range words {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the pause does not say %q:\n%s", scene, want, got)
			}
		}
	}
	a := askViewOf(t, "guard-failed")
	g := a.State().Guards["fenced"]
	g.Status, g.Question, g.By = runbook.StatusWaived, 0, &uitest.Second
	if got := pauseOf(a, 80, 40); !strings.Contains(got, "! The old server") || !strings.Contains(got, "waived by second@desk") {
		t.Errorf("who waived is not said:\n%s", got)
	}
}

// Who else is at work is told, a live run before all that can be read up later.
func TestPauseNamesOtherOpenRuns(t *testing.T) {
	other := page.RunLine{Name: "failover", Mode: runbook.Live, By: uitest.Second, Driven: true, Driver: "second@desk, pid 812, since 03:01:05"}
	paused := func(h int, others ...page.RunLine) string {
		run := uitest.Scene("start")
		for i := range others {
			others[i].Started = run.Now.Add(-3 * time.Minute)
		}
		run.Opened.Others = others
		env := uitest.Env(run.Now, theme.Mono)
		return ansi.Strip(strings.Join(page.NewAskView(env, run.Opened, run.News, run.Now).Before(80, h), "\n"))
	}
	if got := paused(40); !strings.Contains(got, "ALSO OPEN  no other run") {
		t.Errorf("that there is none is not said:\n%s", got)
	}
	for h, words := range map[int][]string{
		40: {"ALSO OPEN  ‖ LIVE failover, started 3 min ago by second@desk", "pid 812"}, 5: {"ALSO OPEN  ‖ LIVE failover by second@desk"},
	} {
		got := paused(h, other)
		for _, want := range words {
			if !strings.Contains(got, want) {
				t.Errorf("%d lines do not say %q:\n%s", h, want, got)
			}
		}
	}
	other.Mode, other.Driven = runbook.Rehearse, false
	if got := paused(40, other); !strings.Contains(got, "‖ REHEARSE failover") || !strings.Contains(got, "second@desk, nobody") {
		t.Errorf("the rehearsal is not told:\n%s", got)
	}
	if got := paused(6, other); strings.Contains(got, "REHEARSE") {
		t.Errorf("a rehearsal took the room:\n%s", got)
	}
}

// What is at stake stays longest: the mode, what does not hold, what cannot be undone.
func TestLittleRoomCutsTheLeast(t *testing.T) {
	a := askViewOf(t, "guard-failed")
	for h, words := range map[int][]string{
		1: {"LIVE  changes production"}, 2: {"LIVE", "✗ fenced"}, 4: {"LIVE", "✗ fenced", "CANNOT BE UNDONE"}, 9: {"LIVE", "✓ down", "✗ fenced", "2 dns + quiesce", "CANNOT"},
	} {
		got := pauseOf(a, 80, h)
		for _, want := range words {
			if !strings.Contains(got, want) {
				t.Errorf("%d lines do not say %q:\n%s", h, want, got)
			}
		}
	}
}

func TestPauseFitsEverySize(t *testing.T) {
	for _, scene := range []string{"guards", "guard-failed", "start", "start@drill", "start@rehearse", "wide", "no-plan", "nightly", "long"} {
		a := askViewOf(t, scene)
		for _, w := range sheetWidths() {
			for _, h := range sheetHeights() {
				lines := a.Before(w, h)
				if len(lines) > h {
					t.Fatalf("%s at %dx%d has %d lines", scene, w, h, len(lines))
				}
				noWider(t, lines, w)
			}
			noWider(t, a.BeforeCalls(w), w)
		}
	}
}

func noWider(t *testing.T, lines []string, w int) {
	t.Helper()
	for _, l := range lines {
		if ansi.StringWidth(l) > w || strings.ContainsAny(l, "\n\u00a0") {
			t.Fatalf("at a width of %d: %q", w, l)
		}
	}
}

func TestExactCallsOfEveryStep(t *testing.T) {
	got := ansi.Strip(strings.Join(askViewOf(t, "start").BeforeCalls(100), "\n"))
	for _, want := range []string{"launch  Launch the copied image", "$ aws ec2 run-instances", "$ aws route53", "serving"} {
		if !strings.Contains(got, want) {
			t.Errorf("the calls do not say %q:\n%s", want, got)
		}
	}
}

func BenchmarkPause(b *testing.B) {
	a := askViewOf(&testing.T{}, "start")
	for b.Loop() {
		a.Before(120, 30)
	}
}
