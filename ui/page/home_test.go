package page_test

import (
	"context"
	"math/rand/v2"
	"slices"
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

func newHome(c *uitest.Console, w, h int) page.Page {
	p := page.NewHome(context.Background(), uitest.Env(c.Now, theme.Dark), c, c)
	uitest.Load(p, w, h)
	return p
}

// opened presses keys and returns the route that the last one asks for.
func opened(t *testing.T, p page.Page, keys ...string) (r page.Route) {
	t.Helper()
	uitest.Press(p, keys[:len(keys)-1]...)
	for _, k := range uitest.Keys(keys[len(keys)-1]) {
		msg, _ := uitest.Await(p.Update(k))
		if m, is := msg.(page.Open); is {
			return m.To
		}
	}
	return r
}

func screen(p page.Page) string { return ansi.Strip(p.View()) }

func TestHomeFits(t *testing.T) {
	for _, mood := range uitest.Moods() {
		p := newHome(uitest.NewConsole(mood, uitest.Scene("failed")), 80, 24)
		uitest.Fits(t, p)
		uitest.Press(p, "e")
		uitest.Fits(t, p)
	}
	uitest.Fits(t, page.NewHome(context.Background(), uitest.Env(uitest.Start, theme.Mono), nil, nil)) // before any answer
}

func TestHomeGolden(t *testing.T) {
	for _, mood := range []uitest.Mood{uitest.Quiet, uitest.Down, uitest.Sick, uitest.Torn, uitest.OpenRun, uitest.Broken, uitest.Damaged, uitest.Empty, uitest.Demo} {
		c := uitest.NewConsole(mood, uitest.Scene("failed"))
		homeGolden(t, "home-"+string(mood), c)
	}
	homeGolden(t, "home-evidence", uitest.NewConsole(uitest.Down), "e")
}

func homeGolden(t *testing.T, name string, c *uitest.Console, keys ...string) {
	t.Helper()
	uitest.Still(t, func(ctx context.Context, t *testing.T) {
		uitest.Golden(t, name, uitest.Picture(c.Now, func(env *page.Env) page.Page { return page.NewHome(ctx, env, c, c) }, keys...))
	})
}

func TestHomeAnswersTheThreeQuestions(t *testing.T) {
	for _, size := range []uitest.Size{{W: 80, H: 24}, {W: 120, H: 40}, {W: 60, H: 20}, {W: 40, H: 12}} {
		view := screen(newHome(uitest.NewConsole(uitest.Down), size.W, size.H))
		for _, want := range []string{"DOWN", "www.example.com", "Fail over to us-east-1", "enter"} {
			if !strings.Contains(view, want) {
				t.Errorf("%dx%d: no %q in\n%s", size.W, size.H, want, view)
			}
		}
	}
	view := screen(newHome(uitest.NewConsole(uitest.OpenRun, uitest.Scene("failed")), 80, 24))
	for _, want := range []string{"OPEN RUNS", "‖ asks:", "Answer the run failover"} {
		if !strings.Contains(view, want) {
			t.Errorf("no %q in\n%s", want, view)
		}
	}
}

func TestHomeIsWholeBeforeTheFirstReading(t *testing.T) {
	uitest.Still(t, func(ctx context.Context, t *testing.T) {
		c := uitest.NewConsole(uitest.Quiet)
		p := page.NewHome(ctx, uitest.Env(c.Now, theme.Dark), c, silent{})
		uitest.Load(p, 80, 24)
		view := screen(p)
		for _, want := range []string{"UNKNOWN", "asking…", "failover", "RECENT RUNS"} {
			if !strings.Contains(view, want) {
				t.Errorf("no %q in\n%s", want, view)
			}
		}
	})
}

// silent never answers.
type silent struct{}

func (silent) Readings(ctx context.Context) []page.Reading {
	<-ctx.Done()
	return nil
}

func TestHomeOpens(t *testing.T) {
	run := uitest.Scene("failed")
	quiet := uitest.NewConsole(uitest.Quiet)
	tests := []struct {
		name string
		mood uitest.Mood
		keys []string
		want page.Route
	}{
		{"the advice of a bad night", uitest.Down, []string{"enter"}, page.Route{Where: page.AtRunbook, Choice: page.Choice{Runbook: "failover", Mode: runbook.Live}}},
		{"the run that asks", uitest.OpenRun, []string{"enter"}, page.Route{Where: page.AtRun, Run: run.Opened.Run}},
		{"the same run in the list", uitest.OpenRun, []string{"up", "enter"}, page.Route{Where: page.AtRun, Run: run.Opened.Run}},
		{"the runbook below", uitest.Quiet, []string{"down", "enter"}, page.Route{Where: page.AtRunbook, Choice: page.Choice{Runbook: "failover", Mode: runbook.Live}}},
		{"a run of the past", uitest.Quiet, []string{"j", "j", "enter"}, page.Route{Where: page.AtShow, Run: quiet.Overview(context.Background()).Recent[0].Run}},
		{"f", uitest.Quiet, []string{"f"}, page.Route{Where: page.AtRunbook, Choice: page.Choice{Runbook: "failover", Mode: runbook.Live}}},
		{"f, simulated", uitest.Demo, []string{"f"}, page.Route{Where: page.AtRunbook, Choice: page.Choice{Runbook: "failover", Mode: runbook.Rehearse}}},
		{"d", uitest.Quiet, []string{"d"}, page.Route{Where: page.AtRunbook, Choice: page.Choice{Runbook: "failover", Mode: runbook.Drill}}},
		{"d on another runbook", uitest.Broken, []string{"down", "down", "d"}, page.Route{Where: page.AtRunbook, Choice: page.Choice{Runbook: "relaunch", Mode: runbook.Drill}}},
		{"h", uitest.Quiet, []string{"h"}, page.Route{Where: page.AtHistory}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newHome(uitest.NewConsole(test.mood, run), 80, 24)
			got := opened(t, p, test.keys...)
			if got.Where != test.want.Where || got.Run != test.want.Run || got.Choice.Runbook != test.want.Choice.Runbook || got.Choice.Mode != test.want.Choice.Mode {
				t.Errorf("got %+v, want %+v\n%s", got, test.want, screen(p))
			}
		})
	}
}

func TestHomeFocusStaysWithItsLine(t *testing.T) {
	c := uitest.NewConsole(uitest.Quiet)
	p := newHome(c, 80, 24)
	uitest.Press(p, "down", "down", "down")
	want := c.Overview(context.Background()).Recent[1].Run
	c.Add(uitest.Scene("failed"))
	c.Mood = uitest.OpenRun // a run has begun elsewhere: lines come in above
	settle(p, page.Shown{})
	if got := opened(t, p, "enter"); got.Run != want {
		t.Errorf("the focus went to %+v\n%s", got, screen(p))
	}
}

// settle gives a page a message, and the answers to what it then asks.
func settle(p page.Page, msg tea.Msg) {
	queue := []tea.Cmd{p.Update(msg)}
	for len(queue) > 0 {
		msg, ended := uitest.Await(queue[0])
		queue = queue[1:]
		if cmds, is := msg.(tea.BatchMsg); is {
			queue = append(queue, cmds...)
		} else if ended && msg != nil {
			queue = append(queue, p.Update(msg))
		}
	}
}

// turns answers one overview after the other.
type turns struct{ n int }

func (o *turns) Overview(context.Context) page.Overview {
	o.n++
	return page.Overview{Estate: []string{"first", "second"}[o.n-1]}
}

func TestHomeDropsLateAnswers(t *testing.T) {
	p := page.NewHome(context.Background(), uitest.Env(uitest.Start, theme.Dark), &turns{}, silent{})
	p.SetSize(80, 24)
	old := p.(interface{ Init() tea.Cmd }).Init()().(tea.BatchMsg)[0]
	late := old()
	fresh := p.Update(page.Shown{})() // the readings are still being asked for: this is the overview alone
	p.Update(fresh)
	p.Update(late)
	if view := screen(p); !strings.Contains(view, "second") || strings.Contains(view, "first") {
		t.Errorf("the older answer won:\n%s", view)
	}
}

func TestHomeAsksAgainWhenDue(t *testing.T) {
	c := uitest.NewConsole(uitest.Quiet)
	now := c.Now
	env := uitest.Env(now, theme.Dark)
	env.Now = func() time.Time { return now }
	p := page.NewHome(context.Background(), env, c, c)
	uitest.Load(p, 80, 24)
	now = now.Add(4 * time.Second)
	if cmd := p.Update(page.Tick{At: now}); cmd != nil {
		t.Error("it asked after 4 s")
	}
	now = now.Add(2 * time.Second)
	cmd := p.Update(page.Tick{At: now})
	if cmd == nil {
		t.Fatal("it did not ask after 6 s")
	}
	if p.Update(page.Tick{At: now.Add(time.Minute)}) != nil {
		t.Error("it asked while it was asking")
	}
	p.Update(page.Covered{})
	now = now.Add(time.Minute)
	if p.Update(page.Tick{At: now}) != nil {
		t.Error("it asked below another page")
	}
	if p.Update(page.Shown{}) == nil {
		t.Error("it did not ask when it was shown again")
	}
	if !strings.Contains(screen(p), "UNKNOWN") {
		t.Errorf("readings of more than a minute ago still say something:\n%s", screen(p))
	}
}

func TestHomeQuietIsQuiet(t *testing.T) {
	c := uitest.NewConsole(uitest.Quiet)
	now := c.Now
	env := uitest.Env(now, theme.Dark)
	env.Now = func() time.Time { return now }
	p := page.NewHome(context.Background(), env, c, c)
	uitest.Load(p, 80, 24)
	if p.Moving() != time.Second {
		t.Errorf("a young age moves every %s", p.Moving())
	}
	now = now.Add(12 * time.Second)
	before := strings.Split(p.View(), "\n")
	if p.Moving() != 5*time.Second {
		t.Errorf("an old age moves every %s", p.Moving())
	}
	now = now.Add(2 * time.Second)
	if after := strings.Split(p.View(), "\n"); !slices.Equal(before, after) {
		t.Error("the screen moves without need")
	}
}

func TestHomeFindOpensTheFilter(t *testing.T) {
	got := opened(t, newHome(uitest.NewConsole(uitest.Quiet), 80, 24), "/")
	if got.Where != page.AtHistory || !got.Filter {
		t.Errorf("/ leads to %+v", got)
	}
	if got = opened(t, newHome(uitest.NewConsole(uitest.Quiet), 80, 24), "h"); got.Filter {
		t.Error("h begins in the filter's field, too")
	}
}

func TestHomeTitlesOfAnyKind(t *testing.T) {
	c := wild{uitest.NewConsole(uitest.OpenRun, uitest.Scene("wide"))}
	p := page.NewHome(context.Background(), uitest.Env(c.Now, theme.Dark), c, c)
	uitest.Load(p, 80, 24)
	uitest.Fits(t, p)
}

// wild gives everything a name that is hard to draw.
type wild struct{ *uitest.Console }

func (w wild) Overview(ctx context.Context) page.Overview {
	o := w.Console.Overview(ctx)
	hard := strings.Repeat("故障转移é̂👩‍🚒", 20)
	o.Estate, o.Service, o.To = hard, hard, hard
	for i := range o.Runbooks {
		o.Runbooks[i].Name = hard
	}
	for i := range o.Recent {
		o.Recent[i].Name = hard
	}
	for i := range 200 {
		o.Troubles = append(o.Troubles, page.Trouble{What: hard + "\n" + hard, Means: hard, Do: string(rune('a' + i%26))})
	}
	return o
}

func TestHomeSurvivesKeys(t *testing.T) {
	keys := []string{"up", "down", "enter", "esc", "e", "f", "d", "h", "/", "r", "g", "G", "pgup", "pgdown", "space", "k", "j", "x", "left", "tab", "ctrl+b"}
	p := newHome(uitest.NewConsole(uitest.OpenRun, uitest.Scene("failed")), 80, 24)
	rnd := rand.New(rand.NewPCG(1, 2))
	sizes := uitest.AnySize()
	for n := range 10_000 {
		p.Update(uitest.Keys(keys[rnd.IntN(len(keys))])[0])
		if n%50 == 0 {
			s := sizes[rnd.IntN(len(sizes))]
			p.SetSize(s.W, s.H)
			if why := uitest.Misfit(p.View(), s); why != "" {
				t.Fatal(why)
			}
		}
	}
}

func BenchmarkHomeView(b *testing.B) {
	p := newHome(uitest.NewConsole(uitest.Down), 120, 40)
	for b.Loop() {
		p.View()
	}
}

func BenchmarkHomeUpdate(b *testing.B) {
	p := newHome(uitest.NewConsole(uitest.Down), 120, 40)
	for b.Loop() {
		p.Update(uitest.Keys("down")[0])
		p.Update(uitest.Keys("up")[0])
	}
}
