package page_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
)

func newRunbook(c interface {
	page.Previewer
	page.Starter
}, mode runbook.Mode, w, h int,
) page.Page {
	p := page.NewRunbook(context.Background(), uitest.Env(uitest.Start, theme.Dark), c, c, page.Choice{Runbook: "failover", Mode: mode})
	uitest.Load(p, w, h)
	return p
}

// askedOf presses keys and returns what the app is asked with after the last one.
func askedOf(p page.Page, keys ...string) tea.Msg {
	uitest.Press(p, keys[:len(keys)-1]...)
	cmd := p.Update(uitest.Keys(keys[len(keys)-1])[0])
	for range 3 {
		msg, ended := uitest.Await(cmd)
		if !ended || msg == nil {
			return nil
		}
		switch msg.(type) {
		case page.Open, page.Replace, page.Back, page.Say, page.Copy:
			return msg
		}
		cmd = p.Update(msg)
	}
	return nil
}

func wantOn(t *testing.T, p page.Page, words ...string) {
	t.Helper()
	view := screen(p)
	for _, w := range words {
		if !strings.Contains(view, w) {
			t.Errorf("no %q in\n%s", w, view)
		}
	}
}

func TestRunbookFits(t *testing.T) {
	for _, mood := range uitest.Moods() {
		for _, keys := range [][]string{nil, {"enter"}, {"down", "down", "down", "enter"}, {"up", "enter", "'x"}} {
			p := newRunbook(uitest.NewConsole(mood), runbook.Live, 80, 24)
			uitest.Press(p, keys...)
			uitest.Fits(t, p)
		}
	}
	c := uitest.NewConsole(uitest.Quiet)
	uitest.Fits(t, page.NewRunbook(context.Background(), uitest.Env(c.Now, theme.Mono), c, c, page.Choice{Runbook: "failover"})) // no answer yet
}

func TestRunbookGolden(t *testing.T) {
	tests := []struct {
		name string
		mood uitest.Mood
		mode runbook.Mode
		keys []string
	}{
		{"live", uitest.Quiet, runbook.Live, nil},
		{"drill", uitest.Quiet, runbook.Drill, nil},
		{"rehearse", uitest.Demo, runbook.Rehearse, nil},
		{"nightly", uitest.Quiet, runbook.Live, []string{"up", "up", "right"}},
		{"step", uitest.Quiet, runbook.Live, []string{"down", "down"}},
		{"details", uitest.Quiet, runbook.Live, []string{"down", "down", "enter"}},
		{"broken", uitest.Broken, runbook.Live, nil},
		{"word", uitest.AskStart, runbook.Live, []string{"enter", "'SECOMD", "enter"}},
		{"refused", uitest.NoStart, runbook.Live, []string{"enter"}},
	}
	for _, test := range tests {
		c := uitest.NewConsole(test.mood)
		uitest.Still(t, func(ctx context.Context, t *testing.T) {
			uitest.Golden(t, "runbook-"+test.name, uitest.Picture(c.Now, func(env *page.Env) page.Page {
				return page.NewRunbook(ctx, env, c, c, page.Choice{Runbook: "failover", Mode: test.mode})
			}, test.keys...))
		})
	}
}

func TestRunbookStarts(t *testing.T) {
	for mode, key := range map[runbook.Mode]string{runbook.Live: "g", runbook.Drill: "d", runbook.Rehearse: "r"} {
		c := uitest.NewConsole(uitest.Quiet)
		p := newRunbook(c, mode, 80, 24)
		msg, is := askedOf(p, key).(page.Replace)
		if !is || msg.To.Where != page.AtRun || msg.To.Run == "" {
			t.Errorf("%s: %+v", mode, msg)
		}
		if len(c.Started) != 1 || c.Started[0].Mode != mode || c.Started[0].Runbook != "failover" {
			t.Errorf("%s: started %+v", mode, c.Started)
		}
	}
}

func TestRunbookShowsAModeBeforeItStartsIt(t *testing.T) {
	c := uitest.NewConsole(uitest.Quiet)
	p := newRunbook(c, runbook.Rehearse, 80, 24)
	uitest.Press(p, "g")
	if len(c.Started) != 0 {
		t.Fatal("one letter on a rehearsal's page went live")
	}
	wantOn(t, p, "go live…", "nothing happens before you have typed the word")
	uitest.Press(p, "g")
	if len(c.Started) != 1 || c.Started[0].Mode != runbook.Live {
		t.Errorf("started %+v", c.Started)
	}
}

func TestRunbookImpossibleModes(t *testing.T) {
	c := uitest.NewConsole(uitest.Demo)
	p := newRunbook(c, runbook.Rehearse, 80, 24)
	wantOn(t, p, "LIVE and DRILL: the shipped estate is an example")
	for _, k := range []string{"g", "d", "tab", "left"} {
		uitest.Press(p, k)
	}
	wantOn(t, p, "START  rehearse")
	live := newRunbook(c, runbook.Live, 80, 24)
	if say, is := askedOf(live, "enter").(page.Say); !is || !say.Bad || len(c.Started) != 0 {
		t.Errorf("%+v, started %+v", say, c.Started)
	}
}

func TestRunbookInputs(t *testing.T) {
	c := uitest.NewConsole(uitest.Quiet)
	p := newRunbook(c, runbook.Live, 80, 24)
	uitest.Press(p, "up", "up", "right") // the copy of the data
	wantOn(t, p, "nightly", "not needed")
	uitest.Press(p, "down", "enter", "'CHG-7", "enter")
	wantOn(t, p, "CHG-7")
	uitest.Press(p, "down", "enter")
	if len(c.Started) != 1 || c.Started[0].Inputs["data"] != "nightly" || c.Started[0].Reference != "CHG-7" {
		t.Errorf("started %+v", c.Started)
	}
}

func TestRunbookTellsWhatIsNotNeeded(t *testing.T) {
	c := uitest.NewConsole(uitest.Quiet)
	p := newRunbook(c, runbook.Live, 80, 24)
	uitest.Press(p, "up", "up", "right") // last night's copy
	for range 20 {
		if strings.Contains(ansi.Strip(p.View()), "▸ · 7 steps not needed here: quiesce, sync, fresh") {
			break
		}
		uitest.Press(p, "down")
	}
	wantOn(t, p, "▸ · 7 steps not needed here: quiesce, sync, fresh", "enter details")
	uitest.Press(p, "enter")
	wantOn(t, p, "Bring the volume up to date", `rsync, if inputs.data == "replica"`)
	uitest.Press(p, "esc")
	wantOn(t, p, "START")
}

func TestRunbookRehearsalChoices(t *testing.T) {
	c := uitest.NewConsole(uitest.Quiet)
	p := newRunbook(c, runbook.Rehearse, 80, 24)
	uitest.Press(p, "up", "right", "up", "right", "up", "right", "r")
	if len(c.Started) != 1 {
		t.Fatal("it did not start")
	}
	if got := c.Started[0]; got.Speed != 2 || got.Scene != "serving" || got.Night != "no-capacity" {
		t.Errorf("started %+v", got)
	}
}

func TestRunbookNeedsAWord(t *testing.T) {
	c := uitest.NewConsole(uitest.AskStart)
	p := newRunbook(c, runbook.Live, 80, 24)
	uitest.Press(p, "enter")
	wantOn(t, p, "a live failover ended 41 min ago", "type SECOND")
	if !p.Typing() {
		t.Fatal("letters do not go into the field")
	}
	uitest.Press(p, "'second", "enter")
	wantOn(t, p, "the word is SECOND, not second: nothing was done")
	if len(c.Started) != 0 {
		t.Fatal("a word that is almost right has started it")
	}
	uitest.Press(p, "esc")
	wantOn(t, p, "START  go live…")
	uitest.Press(p, "enter", "'SECON")
	p.Update(tea.PasteMsg{Content: "D"})
	msg, is := askedOf(p, "enter").(page.Replace)
	if !is || msg.To.Where != page.AtRun || len(c.Started) != 1 || c.Started[0].Words["open"] != "SECOND" {
		t.Errorf("%+v, started %+v", msg, c.Started)
	}
}

func TestRunbookThatDoesNotStart(t *testing.T) {
	p := newRunbook(uitest.NewConsole(uitest.NoStart), runbook.Live, 80, 24)
	uitest.Press(p, "enter")
	wantOn(t, p, "did not start: the record cannot be written", "no run was started", "make room", "launch", "START")
}

func TestRunbookKeysWhileStarting(t *testing.T) {
	c := slow{uitest.NewConsole(uitest.Quiet)}
	p := newRunbook(c, runbook.Live, 80, 24)
	if p.Update(uitest.Keys("enter")[0]) == nil {
		t.Fatal("enter does nothing")
	}
	wantOn(t, p, "starting…")
	for _, k := range []string{"enter", "g", "tab", "down", "y"} {
		if p.Update(uitest.Keys(k)[0]) != nil {
			t.Errorf("%s does something", k)
		}
	}
	if _, is := askedOf(p, "esc").(page.Back); !is {
		t.Error("esc does not lead away")
	}
}

type slow struct{ *uitest.Console }

func (slow) Start(ctx context.Context, _ page.Choice) (runbook.RunID, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

// editing answers with what a test changes between two looks at the files.
type editing struct {
	*uitest.Console
	change func(p *page.Preview)
}

func (e *editing) Preview(ctx context.Context, c page.Choice) page.Preview {
	p := e.Console.Preview(ctx, c)
	if p.Plan != nil {
		plan := *p.Plan
		p.Plan = &plan
	}
	if e.change != nil {
		e.change(&p)
	}
	return p
}

func TestRunbookThatChangesWhileShown(t *testing.T) {
	now := uitest.Start
	env := uitest.Env(now, theme.Dark)
	env.Now = func() time.Time { return now }
	c := &editing{Console: uitest.NewConsole(uitest.Quiet)}
	p := page.NewRunbook(context.Background(), env, c, c, page.Choice{Runbook: "failover"})
	uitest.Load(p, 80, 24)
	later := func() {
		now = now.Add(6 * time.Second)
		settle(p, page.Tick{At: now})
	}
	later()
	if strings.Contains(screen(p), "changed") {
		t.Error("nothing has changed, and it says so")
	}
	c.change = func(p *page.Preview) { p.Plan.RunbookSource.Digest = "sha256:other" }
	later()
	wantOn(t, p, "the runbook has changed while it was shown")
	c.change = func(p *page.Preview) { p.Plan.EstateSource.Digest = "sha256:other" }
	uitest.Press(p, "R")
	c.change = func(p *page.Preview) {
		p.Plan, p.Trouble = nil, &page.Trouble{What: "failover.yaml:3:1: no such word\n  3 | stpes:\n    | ^^^^^", Means: "it cannot be read", Do: `write "steps"`}
	}
	later()
	wantOn(t, p, "are wrong now", "  3 | stpes:", "    | ^^^^^", "it cannot be read", `write "steps"`)
	if _, is := askedOf(p, "enter").(page.Replace); is || len(c.Started) > 0 {
		t.Error("a broken runbook was started")
	}
	c.change = func(p *page.Preview) { p.Plan = nil }
	uitest.Press(p, "r")
	wantOn(t, p, "could not be read")
	c.change = nil
	settle(p, page.Shown{})
	wantOn(t, p, "the files are good again", "launch")
}

func TestRunbookThatAsksNothing(t *testing.T) {
	c := &editing{Console: uitest.NewConsole(uitest.Quiet), change: func(p *page.Preview) { p.Plan.Confirm = runbook.ConfirmNone }}
	p := newRunbook(c, runbook.Live, 80, 24)
	uitest.Press(p, "enter")
	if len(c.Started) != 0 {
		t.Fatal("it went live at one key")
	}
	wantOn(t, p, "type failover")
	uitest.Press(p, "'failover", "enter")
	if len(c.Started) != 1 {
		t.Error("the word did not start it")
	}
}

func TestRunbookDropsLateAnswers(t *testing.T) {
	c := uitest.NewConsole(uitest.Quiet)
	p := page.NewRunbook(context.Background(), uitest.Env(c.Now, theme.Dark), c, c, page.Choice{Runbook: "failover", Mode: runbook.Rehearse})
	p.SetSize(80, 24)
	first := p.(interface{ Init() tea.Cmd }).Init()
	p.Update(first())
	drill := p.Update(uitest.Keys("d")[0])
	live := p.Update(uitest.Keys("g")[0])
	if drill == nil || live == nil {
		t.Fatal("a mode is not asked for")
	}
	p.Update(live())
	p.Update(drill())
	wantOn(t, p, "LIVE", "START  go live…")
	if _, is := askedOf(p, "enter").(page.Replace); !is || c.Started[0].Mode != runbook.Live {
		t.Errorf("started %+v", c.Started)
	}
}

func TestRunbookDoesNotStartWhatIsNotShown(t *testing.T) {
	c := uitest.NewConsole(uitest.Quiet)
	p := newRunbook(c, runbook.Rehearse, 80, 24)
	p.Update(uitest.Keys("g")[0]) // the answer has not come yet
	uitest.Press(p, "enter")
	if len(c.Started) != 0 {
		t.Errorf("started %+v", c.Started)
	}
	wantOn(t, p, "reading the runbook…")
}

func TestRunbookCopiesCalls(t *testing.T) {
	p := newRunbook(uitest.NewConsole(uitest.Quiet), runbook.Live, 80, 24)
	copied, is := askedOf(p, "down", "y").(page.Copy)
	if !is || !strings.HasPrefix(copied.Text, "aws ec2 run-instances") || !strings.Contains(copied.What, "launch") {
		t.Errorf("%+v", copied)
	}
}

func TestRunbookWideWords(t *testing.T) {
	hard := strings.Repeat("故障转移é̂👩‍🚒", 30)
	c := &editing{Console: uitest.NewConsole(uitest.Quiet), change: func(p *page.Preview) {
		p.Plan.Title, p.Plan.Summary, p.WhyNoDrill, p.Notes = hard, hard, hard, []string{hard}
		for i := range p.Inputs {
			p.Inputs[i].Title, p.Inputs[i].Value = hard, hard
		}
		for i := range p.Plan.Guards {
			p.Plan.Guards[i].Title = hard
		}
		for k := range p.Calls {
			p.Calls[k] = []string{hard, hard}
		}
	}}
	p := newRunbook(c, runbook.Live, 80, 24)
	uitest.Fits(t, p)
	uitest.Press(p, "down", "enter")
	uitest.Fits(t, p)
}

func TestRunbookSurvivesKeys(t *testing.T) {
	keys := []string{
		"up", "down", "left", "right", "enter", "esc", "tab", "g", "d", "r", "R", "y", "pgup", "pgdown", "home", "G", "x", "space", "backspace", "q", "?",
	}
	p := newRunbook(uitest.NewConsole(uitest.AskStart), runbook.Live, 80, 24)
	rnd := rand.New(rand.NewPCG(3, 4))
	sizes := uitest.AnySize()
	for n := range 10_000 {
		cmd := p.Update(uitest.Keys(keys[rnd.IntN(len(keys))])[0])
		if cmd != nil && rnd.IntN(2) == 0 { // the other half never answers
			if msg, ended := uitest.Await(cmd); ended && msg != nil {
				p.Update(msg)
			}
		}
		if n%50 == 0 {
			s := sizes[rnd.IntN(len(sizes))]
			p.SetSize(s.W, s.H)
			if why := uitest.Misfit(p.View(), s); why != "" {
				t.Fatal(why)
			}
		}
	}
}

func BenchmarkRunbookView(b *testing.B) {
	p := newRunbook(uitest.NewConsole(uitest.Quiet), runbook.Live, 120, 40)
	uitest.Press(p, "down")
	for b.Loop() {
		p.View()
	}
}

func BenchmarkRunbookUpdate(b *testing.B) {
	p := newRunbook(uitest.NewConsole(uitest.Quiet), runbook.Live, 120, 40)
	for b.Loop() {
		p.Update(uitest.Keys("down")[0])
		p.Update(uitest.Keys("up")[0])
	}
}
