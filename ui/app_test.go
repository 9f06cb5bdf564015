package ui_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
)

// routes are all pages, about the run.
func routes(run runbook.RunID) []page.Route {
	return []page.Route{
		{Where: page.AtHome},
		{Where: page.AtRunbook, Choice: page.Choice{Runbook: "failover", Mode: runbook.Rehearse}},
		{Where: page.AtRun, Run: run},
		{Where: page.AtReplay, Run: run},
		{Where: page.AtShow, Run: run},
		{Where: page.AtHistory},
	}
}

func running() (func() *uitest.Console, runbook.RunID) {
	return with(uitest.Quiet, "running"), uitest.Scene("running").Opened.Run
}

// with makes consoles with one run.
func with(mood uitest.Mood, scene string) func() *uitest.Console {
	return func() *uitest.Console { return uitest.NewConsole(mood, uitest.Scene(scene)) }
}

// facts are what was decided and told about the run.
func (d *deck) facts(run runbook.RunID) []runbook.Fact { return d.c.Journal(run).Facts }

func TestPagesStackAndComeBack(t *testing.T) {
	c, id := running()
	onDeck(t, c, page.Route{}, func(d *deck) {
		home := d.title()
		seen := map[string]bool{home: true}
		for _, r := range routes(id)[1:] {
			d.send(page.Open{To: r})
			d.settle()
			d.fits()
			if seen[d.title()] {
				d.t.Errorf("%s has the title %q of another page", r.Where, d.title())
			}
			seen[d.title()] = true
		}
		for range routes(id)[1:] {
			d.send(page.Back{})
			d.settle()
			d.fits()
		}
		if d.title() != home {
			d.t.Errorf("the way back ends at %q, not at %q", d.title(), home)
		}
		d.send(page.Back{})
		d.settle()
		if !d.left {
			d.t.Error("back from home does not leave")
		}
	})
}

// From a run that the program was started with, esc leads home, not out.
func TestHomeLiesBelowTheFirstPage(t *testing.T) {
	c, id := running()
	onDeck(t, c, page.Route{Where: page.AtRun, Run: id}, func(d *deck) {
		run := d.title()
		d.send(page.Back{})
		d.settle()
		if d.left || d.title() == run {
			d.t.Errorf("after going back: left %v, at %q", d.left, d.title())
		}
	})
}

// From a run that is over b leads home, wherever it was opened from.
func TestHomeFromAnywhere(t *testing.T) {
	id := uitest.Scene("done").Opened.Run
	onDeck(t, with(uitest.Quiet, "done"), page.Route{Where: page.AtHome}, func(d *deck) {
		home := d.title()
		for _, to := range []page.Route{{Where: page.AtHistory}, {Where: page.AtRun, Run: id}} {
			d.send(page.Open{To: to})
			d.settle()
		}
		d.press("b")
		d.settle()
		if d.left || d.title() != home {
			d.t.Errorf("b leads to %q, left %v", d.title(), d.left)
		}
	})
}

func TestHelpLiesOverThePage(t *testing.T) {
	c, id := running()
	for _, r := range routes(id) {
		onDeck(t, c, r, func(d *deck) {
			before := d.view()
			d.press("?")
			d.fits()
			if d.view() == before {
				d.t.Fatalf("? shows no help at %s", r.Where)
			}
			d.press("esc")
			if d.title() == "" || d.left {
				d.t.Fatalf("esc in the help leaves %s", r.Where)
			}
			if d.screen() == "" || strings.Contains(d.view(), "panic") {
				d.t.Fatalf("%s is not there after the help", r.Where)
			}
		})
	}
}

func TestColonGoesAnywhere(t *testing.T) {
	c, id := running()
	onDeck(t, c, page.Route{}, func(d *deck) {
		home := d.title()
		d.press(":", "'history", "enter")
		if d.title() == home {
			d.t.Fatalf(":history stays at %q:\n%s", d.title(), d.screen())
		}
		d.press(":", "'show "+string(id), "enter")
		if d.title() == home || d.title() == "history" {
			d.t.Fatalf(":show stays at %q:\n%s", d.title(), d.screen())
		}
		d.press(":", "'home", "enter")
		if d.title() != home {
			d.t.Fatalf(":home leads to %q", d.title())
		}
		d.press(":", "'nowhere", "enter")
		d.fits()
		d.press("esc", ":", "'quit", "enter")
		if !d.left {
			d.t.Fatalf(":quit does not leave:\n%s", d.screen())
		}
	})
}

// Whatever is on the screen, and whether letters go into a field or not.
func TestCtrlCAlwaysLeaves(t *testing.T) {
	c, id := running()
	for _, r := range routes(id) {
		for _, first := range [][]string{nil, {"?"}, {":"}, {":", "'the"}, {"/"}, {"/", "'x"}, {"n"}, {"s"}, {"u"}, {"enter"}} {
			onDeck(t, c, r, func(d *deck) {
				d.press(first...)
				if d.left {
					d.t.Fatalf("%q leaves %s", first, r.Where)
				}
				d.press("ctrl+c")
				if !d.left {
					d.t.Errorf("ctrl+c does not leave %s after %q", r.Where, first)
				}
			})
		}
	}
}

// colours is SGR that chooses one: 30 to 37, 38;..., 40 to 48, 90 to 107.
var colours = regexp.MustCompile(`\x1b\[([0-9;:]*[;])?([34][0-8]|9[0-7]|10[0-7])[;:m]`)

func TestThemeChangesWhileARunIsOnTheScreen(t *testing.T) {
	c, id := running()
	for _, r := range routes(id) {
		onDeck(t, c, r, func(d *deck) {
			dark := d.view()
			for _, name := range []theme.Name{theme.Light, theme.Night, theme.Mono} {
				d.send(page.SetTheme{Name: name})
				d.settle()
				d.fits()
				if d.view() == dark {
					d.t.Errorf("%s looks the same in %s", r.Where, name)
				}
			}
			if colour := colours.FindString(d.view()); colour != "" {
				d.t.Errorf("%s has the colour %q without colours", r.Where, colour)
			}
			d.send(page.SetTheme{Name: theme.Dark})
			d.settle()
			if d.view() != dark {
				d.t.Errorf("%s is not as it was after the themes", r.Where)
			}
		})
	}
}

func TestResizeStorm(t *testing.T) {
	c, id := running()
	for _, r := range routes(id) {
		onDeck(t, c, r, func(d *deck) {
			rnd := rand.New(rand.NewPCG(1, 2))
			for range 1000 {
				d.resize(1+rnd.IntN(200), 1+rnd.IntN(60))
				d.fits()
			}
			d.resize(80, 24)
			d.settle()
			d.fits()
		})
	}
}

const garbage = "\x1b[2J\x1b]0;owned\x07\x1b[31mred\x1b[m\r\nUNFENCED\nus-east-1\n\x00\x07\u202egnp.exe\u200b 世界 e\u0301\u0301 \xff\xfe"

// A paste is text for a field or nothing; what a terminal would obey goes nowhere.
func TestPasteOfGarbage(t *testing.T) {
	for _, scene := range []string{"running", "start", "guard-failed", "failed", "approval-type", "manual"} {
		run := uitest.Scene(scene)
		for _, r := range routes(run.Opened.Run) {
			onDeck(t, with(uitest.Quiet, scene), r, func(d *deck) {
				for _, first := range [][]string{nil, {":"}, {"/"}, {"enter"}, {"n"}, {"?"}} {
					d.pass(time.Second)
					d.press(first...)
					d.send(tea.PasteMsg{Content: garbage + strings.Repeat("long ", 5000)})
					d.settle()
					d.fits()
					d.press("esc")
				}
				if f := d.facts(run.Opened.Run); len(f) > 0 {
					d.t.Errorf("%s: a paste decided %s", scene, f[0].Type())
				}
			})
		}
	}
}

// anyKey draws keys as somebody would hit them: mostly what means something somewhere.
func anyKey(rnd *rand.Rand) tea.KeyPressMsg {
	keys := []string{
		"enter", "enter", "esc", "tab", "shift+tab", "up", "down", "left", "right", "home", "end", "pgup", "pgdown", "space", "backspace",
		"delete", "ctrl+a", "ctrl+e", "ctrl+k", "ctrl+u", "ctrl+w", "ctrl+l", "ctrl+z", "ctrl+d", "?", ":", "/", "j", "k", "h", "l", "g", "G", "q",
	}
	switch n := rnd.IntN(10); {
	case n < 5:
		return uitest.Keys(keys[rnd.IntN(len(keys))])[0]
	case n < 9:
		return uitest.Keys(string(rune(' ' + rnd.IntN(95))))[0]
	default:
		return uitest.Keys("'" + []string{"é", "世", "🛟", "ß", "\u0301"}[rnd.IntN(5)])[0]
	}
}

// TestAnyKeys hits keys at random: nothing panics, every screen fits, and nothing that wants a typed word happens.
func TestAnyKeys(t *testing.T) {
	for i, scene := range []string{"start", "guard-failed", "running", "failed", "unknown", "held", "manual", "approval-type", "done", "wide"} {
		t.Run(scene, func(t *testing.T) {
			run := uitest.Scene(scene)
			onDeck(t, with(uitest.OpenRun, scene), page.Route{Where: page.AtRun, Run: run.Opened.Run}, func(d *deck) {
				rnd := rand.New(rand.NewPCG(7, uint64(i)))
				for n := range 1000 {
					d.hit(rnd, n, run.Opened.Run)
				}
				for _, f := range d.facts(run.Opened.Run) {
					nothingUnwanted(d.t, run, f)
				}
			})
		})
	}
}

// hit presses one key, now and then with a pause or a new size, and begins anew when it has left.
func (d *deck) hit(rnd *rand.Rand, n int, run runbook.RunID) {
	defer func() {
		if r := recover(); r != nil {
			d.t.Errorf("key %d at %s", n, d.title())
			panic(r)
		}
	}()
	d.send(anyKey(rnd))
	switch rnd.IntN(20) {
	case 0:
		d.resize(1+rnd.IntN(140), 1+rnd.IntN(45))
	case 1:
		d.pass(time.Second)
	case 2:
		d.send(page.Open{To: routes(run)[rnd.IntN(6)]})
	}
	d.settle()
	d.fits()
}

func nothingUnwanted(t *testing.T, run uitest.Run, f runbook.Fact) {
	t.Helper()
	switch f := f.(type) {
	case *runbook.ApprovalGiven:
		s := run.State()
		for _, q := range s.Questions() {
			if q.Seq == f.Answers && q.Confirm == runbook.ConfirmType {
				t.Errorf("%s was approved without its word", f.Step)
			}
		}
	case *runbook.GuardWaived:
		t.Errorf("guard %s was waived without its word", f.Guard)
	case *runbook.StepSkipped:
		if strings.TrimSpace(f.Reason) == "" {
			t.Errorf("%s was skipped without a reason", f.Step)
		}
	}
}

// What is typed before a question is seen decides nothing: enter, held down, while the question opens.
func TestKeysUnderwayDoNotDecide(t *testing.T) {
	run := uitest.Scene("running")
	onDeck(t, with(uitest.Quiet, "running"), page.Route{Where: page.AtRun, Run: run.Opened.Run}, func(d *deck) {
		j := d.c.Journal(run.Opened.Run)
		d.pass(2 * time.Second)
		d.press("esc") // whatever is open; a run is left by it only when nothing is
		d.send(page.Open{To: page.Route{Where: page.AtRun, Run: run.Opened.Run}})
		d.pass(2 * time.Second)
		for range 5 {
			d.press("down", "l")
			d.pass(100 * time.Millisecond)
		}
		j.Append(&runbook.StepFailed{Step: "sync", Attempt: 1, Error: *runbook.Fail("rsync: exit 23", "", "")})
		for range 20 {
			d.settle()
			d.press("enter")
			d.pass(100 * time.Millisecond)
		}
		if len(j.Facts) > 0 {
			d.t.Errorf("a key that was on its way decided: %s", j.Facts[0].Type())
		}
	})
}
