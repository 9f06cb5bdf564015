package page_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
)

// follow is a run's page with its commands running beside it, as in the program: what waits for news goes on waiting.
type follow struct {
	t       *testing.T
	page    page.Page
	journal *uitest.Journal
	msgs    chan tea.Msg
	asked   []tea.Msg // what the page asked of the app
}

// followed runs a test in a bubble, with a page that follows the scene.
func followed(t *testing.T, scene string, w, h int, test func(f *follow)) {
	t.Helper()
	uitest.Still(t, func(ctx context.Context, t *testing.T) {
		run := uitest.Scene(scene)
		console := uitest.NewConsole(uitest.Down, run)
		env := uitest.Env(run.Now, theme.Dark)
		env.Now = time.Now
		f := &follow{t: t, journal: console.Journal(run.Opened.Run), msgs: newMessages()}
		f.page = page.NewRun(ctx, env, console, run.Opened.Run)
		f.page.SetSize(w, h)
		f.open()
		test(f)
		uitest.Close(f.page)
	})
}

func newMessages() chan tea.Msg { return make(chan tea.Msg, 100) }

func (f *follow) open() {
	f.do(f.page.(interface{ Init() tea.Cmd }).Init())
	f.settle()
}

func (f *follow) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, c := range msg {
				f.do(c)
			}
		default:
			f.msgs <- msg
		}
	}()
}

// settle carries messages until nothing is left but what waits.
func (f *follow) settle() {
	for {
		synctest.Wait()
		select {
		case msg := <-f.msgs:
			switch msg.(type) {
			case page.Say, page.Open, page.Back, page.Leave, page.Copy, page.Replace:
				f.asked = append(f.asked, msg)
			}
			f.do(f.page.Update(msg))
		default:
			return
		}
	}
}

// press presses keys on a keyboard that has been quiet.
func (f *follow) press(keys ...string) {
	time.Sleep(time.Second)
	f.settle()
	for _, k := range keys {
		for _, msg := range uitest.Keys(k) {
			f.do(f.page.Update(msg))
			f.settle()
		}
	}
}

func (f *follow) append(facts ...runbook.Fact) {
	f.journal.Append(facts...)
	f.settle()
}

func (f *follow) text() string { return ansi.Strip(f.page.View()) }

func (f *follow) shows(words ...string) {
	f.t.Helper()
	view := f.text()
	for _, w := range words {
		if !strings.Contains(view, w) {
			f.t.Fatalf("%q is not on the screen:\n%s", w, view)
		}
	}
}

func (f *follow) lacks(words ...string) {
	f.t.Helper()
	view := f.text()
	for _, w := range words {
		if strings.Contains(view, w) {
			f.t.Fatalf("%q is on the screen:\n%s", w, view)
		}
	}
}

func (f *follow) said() string {
	var out []string
	for _, m := range f.asked {
		if s, is := m.(page.Say); is {
			out = append(out, s.Text)
		}
	}
	return strings.Join(out, "\n")
}

var second = runbook.Actor{UID: 1002, Name: "second", Host: "desk"}

func retried(s runbook.State, step string, by runbook.Actor) runbook.Fact {
	return s.Retry(&runbook.StepRetried{Step: step, Answers: s.Step(step).Question, By: &by})
}

func TestRunFitsEverySize(t *testing.T) {
	for _, scene := range uitest.Scenes() {
		uitest.Still(t, func(ctx context.Context, t *testing.T) {
			run := uitest.Scene(scene)
			p := page.NewRun(ctx, uitest.Env(run.Now, theme.Dark), uitest.NewConsole(uitest.Down, run), run.Opened.Run)
			uitest.Load(p, 80, 24)
			uitest.Fits(t, p)
			for _, keys := range []string{"esc", "enter", "esc", "l", "esc", "L", "esc", "c", "/", "esc", "esc", "n", "esc", "s", "esc", "u", "esc", "R"} {
				uitest.Press(p, keys)
				uitest.Fits(t, p)
			}
			uitest.Close(p)
		})
	}
}

func TestQuestionComesByItselfAndIsAnswered(t *testing.T) {
	followed(t, "failed", 80, 24, func(f *follow) {
		f.shows("services FAILED", "retry")
		if f.page.(interface{ Asks() string }).Asks() == "" {
			t.Error("the terminal is not told that the program waits")
		}
		f.press("enter") // the first answer is to try again
		facts := f.journal.Facts
		if len(facts) != 1 || facts[0].Type() != "step.retried" {
			t.Fatalf("answered with %v\n%s", facts, f.text())
		}
		f.lacks("services FAILED")
		if f.said() != "" {
			t.Errorf("said %q of what was decided here", f.said())
		}
	})
}

func TestQuestionTakesNoKeyWhileOneTypes(t *testing.T) {
	followed(t, "failed", 80, 24, func(f *follow) {
		for _, msg := range uitest.Keys("enter") {
			f.do(f.page.Update(msg))
		}
		f.settle()
		if len(f.journal.Facts) != 0 {
			t.Errorf("a key that was meant for something else answered: %v", f.journal.Facts)
		}
	})
}

func TestQuestionIsPutAwayAndComesBack(t *testing.T) {
	followed(t, "failed", 80, 24, func(f *follow) {
		f.press("esc")
		f.lacks("services FAILED")
		f.shows("at services since", "enter to decide")
		f.append(&runbook.NoteAdded{Text: "looking", By: second}) // news do not bring it back
		f.lacks("services FAILED")
		f.press("L") // what lies over the run leads back to it, too
		f.shows("enter to decide")
		f.press("enter")
		f.shows("services FAILED", "retry")
	})
}

func TestQuestionDecidedElsewhere(t *testing.T) {
	followed(t, "failed", 80, 24, func(f *follow) {
		f.append(retried(f.journal.State(), "services", second))
		f.lacks("services FAILED")
		if !strings.Contains(f.said(), "decided by second@desk at ") {
			t.Errorf("said %q", f.said())
		}
	})
}

func TestQuestionWaitsForANote(t *testing.T) {
	followed(t, "running", 80, 24, func(f *follow) {
		f.press("n", "'the disk")
		s := f.journal.State()
		f.append(&runbook.StepFailed{Step: "sync", Attempt: s.Step("sync").Attempt, Error: *runbook.Fail("the disk is full", "", "")})
		f.shows("the disk")
		f.lacks("sync FAILED")
		if !f.page.Typing() {
			t.Error("the note is no longer written")
		}
		f.press("' is full", "enter")
		if n := f.journal.State().Notes; len(n) == 0 || n[len(n)-1].Text != "the disk is full" {
			t.Fatalf("noted %v\n%s", n, f.text())
		}
		f.shows("sync FAILED")
	})
}

func TestStopNeedsMoreThanAKey(t *testing.T) {
	followed(t, "running", 80, 24, func(f *follow) {
		f.press("s")
		if len(f.journal.Facts) != 0 {
			t.Fatalf("one letter did %v", f.journal.Facts)
		}
		f.press("esc")
		if len(f.journal.Facts) != 0 || f.page.Typing() {
			t.Fatalf("%v\n%s", f.journal.Facts, f.text())
		}
	})
}

func TestNobodyDrives(t *testing.T) {
	followed(t, "no-driver", 80, 24, func(f *follow) {
		f.shows("nobody drives this run", "R take it up", "not known: it was under way")
		f.press("R")
		f.press("enter")
		if len(f.journal.Driven) == 0 {
			t.Fatalf("nothing was asked\n%s", f.text())
		}
		f.lacks("nobody drives this run")
	})
}

func TestLeavingDoesNotStop(t *testing.T) {
	followed(t, "running", 80, 24, func(f *follow) {
		f.press("q")
		if !slices.ContainsFunc(f.asked, func(m tea.Msg) bool { _, is := m.(page.Leave); return is }) || len(f.journal.Facts) != 0 {
			t.Errorf("asked %v, told %v", f.asked, f.journal.Facts)
		}
		if f.page.(interface{ Following() runbook.RunID }).Following() == "" {
			t.Error("the way back cannot be said")
		}
	})
}

func TestFocusMovesAndFollowsAgain(t *testing.T) {
	followed(t, "running", 80, 24, func(f *follow) {
		f.shows("▸ ▶ sync")
		f.press("k", "k")
		f.shows("▸ ✓ mount", "mount  Mount the backup volume")
		f.press("f")
		f.shows("▸ ▶ sync")
		if x, y, shown := f.page.Cursor(); !shown || x != 0 || !strings.Contains(strings.Split(f.text(), "\n")[y], "sync") {
			t.Errorf("the cursor is at %d, %d\n%s", x, y, f.text())
		}
	})
}

func TestLettersAreTextWhereThereIsAField(t *testing.T) {
	followed(t, "failed", 80, 24, func(f *follow) {
		f.press("down", "enter")
		f.shows("services by hand", "▸ copy")
		if !f.page.Typing() {
			t.Error("? and : would be keys")
		}
		f.press("l", "d", "c", "q", "j")
		f.shows("services by hand", "▸ copy", "no letter was taken: tab goes to the field")
		if len(f.asked) > 0 || len(f.journal.Facts) > 0 {
			t.Errorf("letters did %v %v", f.asked, f.journal.Facts)
		}
		f.press("y")
		if len(f.asked) != 1 {
			t.Errorf("y asked for %v", f.asked)
		}
		f.press("tab", "'quick")
		f.shows("note  quick")
	})
}

func TestHomeFromARunThatIsOver(t *testing.T) {
	followed(t, "done", 80, 24, func(f *follow) {
		f.press("b")
		if m, is := f.asked[len(f.asked)-1].(page.Open); !is || m.To.Where != page.AtHome {
			t.Errorf("b asked for %v", f.asked)
		}
	})
}

func TestDetailsSayHowOldTheEvidenceIs(t *testing.T) {
	followed(t, "running", 80, 24, func(f *follow) {
		f.lacks("seen ")
		f.press("k", "k")
		f.shows("Mount the backup volume", " seen 25 s ago")
	})
}

func TestClocksOfARun(t *testing.T) {
	followed(t, "running", 80, 24, func(f *follow) {
		f.shows("3:41 left of 5:00", "forecast 3:06", "DNS www.example.com", "about 12 % moved", "3/4 name servers have it", "TTL 300")
	})
	followed(t, "over-target", 80, 24, func(f *follow) { f.shows("0:31 over 5:00", "over its budget", "4:40 of 1:30") })
	followed(t, "no-plan", 80, 24, func(f *follow) { f.shows("no forecast without the plan") })
}

func TestEndOfARun(t *testing.T) {
	followed(t, "done-with-skips", 120, 40, func(f *follow) {
		f.shows("DONE WITH 1 SKIPPED in 3:49, 1:11 inside the target of 5:00", "services was skipped by second@desk", "STANDS AS THE RUN LEFT IT")
		if f.page.Moving() != 0 {
			t.Error("it is over, and something moves")
		}
		if f.page.(interface{ Following() runbook.RunID }).Following() != "" {
			t.Error("it is over, and the way back is said")
		}
		f.press("p")
		want := page.Route{Where: page.AtReplay, Run: f.journal.State().Run}
		if m, is := f.asked[len(f.asked)-1].(page.Open); !is || m.To.Where != want.Where || m.To.Run != want.Run {
			t.Errorf("p asked for %v", f.asked)
		}
	})
}

func TestARunThatIsNotThere(t *testing.T) {
	uitest.Still(t, func(ctx context.Context, t *testing.T) {
		run := uitest.Scene("running")
		p := page.NewRun(ctx, uitest.Env(run.Now, theme.Dark), uitest.NewConsole(uitest.Down), "no-such-run")
		uitest.Load(p, 80, 24)
		if view := ansi.Strip(p.View()); !strings.Contains(view, "✗") || !strings.Contains(view, "esc back") {
			t.Errorf("shown:\n%s", view)
		}
		uitest.Fits(t, p)
		uitest.Close(p)
	})
}

func BenchmarkRunPage(b *testing.B) {
	run := uitest.Scene("running")
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	p := page.NewRun(ctx, uitest.Env(run.Now, theme.Dark), uitest.NewConsole(uitest.Down, run), run.Opened.Run)
	uitest.Load(p, 120, 40)
	b.Run("tick", func(b *testing.B) {
		for b.Loop() {
			p.Update(page.Tick{At: run.Now})
			p.View()
			p.Cursor()
		}
	})
	b.Run("key", func(b *testing.B) {
		keys := uitest.Keys("k")
		for b.Loop() {
			p.Update(keys[0])
			p.View()
			p.Cursor()
		}
	})
}

// What is known never to be needed shares one line, and the keys pass over it. A step whose condition turns out false while
// the run goes on is none of them.
func TestWhatIsNotNeededSharesALine(t *testing.T) {
	const line = "7 steps not needed here: quiesce, sync, fresh"
	followed(t, "nightly", 80, 24, func(f *follow) {
		f.shows(line)
		f.lacks(`inputs.data == "replica"`)
		for range 20 { // to the last step, and over all of them
			f.press("down")
			f.lacks("▸ · 7 steps")
		}
		f.shows("▸ · serving")
	})
	p, _ := shown(t, "nightly", 80, 30)
	if text := oneLine(p); !strings.Contains(text, line) {
		t.Errorf("the record's timeline has no line of what was not needed:\n%s", text)
	}
	again, tick := replayed(t, "nightly", 60, "services")
	tick(time.Second)
	if text := oneLine(again); !strings.Contains(text, line) {
		t.Errorf("the replay has no line of what was not needed:\n%s", text)
	}
	followed(t, "running", 80, 24, func(f *follow) { f.shows("6 steps not needed here: proved, fresh") })
}
