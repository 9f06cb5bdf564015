package ui_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
)

// still is a page in a state: what makes it, and the keys that lead to the state.
type still struct {
	name string
	now  time.Time
	make func(ctx context.Context, env *page.Env) page.Page
	keys []string
}

// stills are all pages in all states.
func stills() []still {
	var out []still
	for _, scene := range uitest.Scenes() {
		out = append(out, ofRun(scene)...)
	}
	for _, scene := range []string{"start@drill", "start@rehearse", "running@drill", "running@rehearse"} {
		out = append(out, ofRun(scene)[0])
	}
	for _, mood := range uitest.Moods() {
		out = append(out, ofMood(mood)...)
	}
	return append(out, overlays()...)
}

func ofRun(scene string) []still {
	run := uitest.Scene(scene)
	id := run.Opened.Run
	opener := func() page.Opener { return uitest.NewConsole(uitest.Quiet, uitest.Scene(scene)) }
	out := []still{{name: "run/" + scene, now: run.Now, make: func(ctx context.Context, env *page.Env) page.Page {
		return page.NewRun(ctx, env, opener(), id)
	}}}
	switch scene {
	case "done", "done-with-skips", "failed-end", "refused", "undone", "no-plan", "damaged", "wide":
		out = append(out, still{name: "show/" + scene, now: run.Now, make: func(ctx context.Context, env *page.Env) page.Page {
			return page.NewShow(ctx, env, opener(), id)
		}}, still{name: "replay/" + scene, now: run.Now, make: func(ctx context.Context, env *page.Env) page.Page {
			return page.NewReplay(ctx, env, opener(), id, 0)
		}, keys: []string{"space", ">", ">", ">", ">", ">", ">", ">", ">", ">"}})
	}
	for _, k := range pressed()[scene] {
		with := out[0]
		with.name, with.keys = "run/"+scene+"+"+k[0], k[1:]
		out = append(out, with)
	}
	return out
}

// pressed are states of a run's page that keys lead to, by scene: a name, then the keys.
func pressed() map[string][][]string {
	return map[string][][]string{
		"start":        {{"commands", "down", "enter"}, {"wrong-word", "'us-west-1", "enter"}, {"refuse", "down", "down", "enter"}},
		"guard-failed": {{"waive", "down", "enter"}},
		"approval":     {{"refuse", "down", "enter"}},
		"running":      {{"log", "l"}, {"log-found", "l", "g", "/", "'1000012", "enter"}, {"feed", "L"}, {"calls", "c"}, {"note", "n", "'the pager rang twice"}, {"stop", "s"}, {"undo", "u"}, {"details", "enter"}, {"earlier-step", "up", "up", "up"}},
		"failed":       {{"by-hand", "down", "enter"}, {"skip", "down", "down", "enter"}, {"skip-no-reason", "down", "down", "enter", "down", "enter"}, {"undo", "down", "down", "down", "enter"}, {"hidden", "esc"}},
		"unknown":      {{"by-hand", "down", "enter"}},
		"no-driver":    {{"drive", "R"}},
		"done":         {{"undo", "u"}, {"log", "L"}},
	}
}

func ofMood(mood uitest.Mood) []still {
	c := func() *uitest.Console {
		if mood == uitest.OpenRun {
			return uitest.NewConsole(mood, uitest.Scene("failed"))
		}
		return uitest.NewConsole(mood)
	}
	now := c().Now
	if mood == uitest.AskStart || mood == uitest.NoStart {
		return []still{{name: fmt.Sprintf("runbook/%s", mood), now: now, make: func(ctx context.Context, env *page.Env) page.Page {
			c := c()
			return page.NewRunbook(ctx, env, c, c, page.Choice{Runbook: "failover", Mode: runbook.Live})
		}, keys: []string{"enter", "enter"}}}
	}
	out := []still{{name: fmt.Sprintf("home/%s", mood), now: now, make: func(ctx context.Context, env *page.Env) page.Page {
		c := c()
		return page.NewHome(ctx, env, c, c)
	}}}
	if mood == uitest.Quiet || mood == uitest.Empty || mood == uitest.Damaged || mood == uitest.OpenRun {
		out = append(out, still{name: fmt.Sprintf("history/%s", mood), now: now, make: func(ctx context.Context, env *page.Env) page.Page {
			return page.NewHistory(ctx, env, c(), "")
		}})
	}
	modes := map[uitest.Mood][]runbook.Mode{
		uitest.Quiet: {runbook.Live, runbook.Drill, runbook.Rehearse}, uitest.Demo: {runbook.Live, runbook.Rehearse}, uitest.Broken: {runbook.Live},
	}
	for _, mode := range modes[mood] {
		out = append(out, still{name: fmt.Sprintf("runbook/%s-%s", mood, mode), now: now, make: func(ctx context.Context, env *page.Env) page.Page {
			c := c()
			return page.NewRunbook(ctx, env, c, c, page.Choice{Runbook: "failover", Mode: mode})
		}})
	}
	return out
}

func overlays() []still {
	help := func(ctx context.Context, env *page.Env) page.Page {
		c := uitest.NewConsole(uitest.Quiet)
		return page.NewHelp(env, page.NewHome(ctx, env, c, c))
	}
	overRun := func(ctx context.Context, env *page.Env) page.Page {
		run := uitest.Scene("running")
		p := page.NewRun(ctx, env, uitest.NewConsole(uitest.Quiet, run), run.Opened.Run)
		uitest.Load(p, 80, 24)
		return page.NewHelp(env, p)
	}
	others := func(ctx context.Context, env *page.Env) page.Page {
		run := uitest.Scene("start")
		run.Opened.Others = []page.RunLine{
			{
				Run: "20260102-030105-failover-1", Name: "failover", Mode: runbook.Live, Started: run.Now.Add(-3 * time.Minute), By: uitest.Second,
				Driven: true, Driver: "second@desk, pid 812, since 03:01:05",
			},
			{Run: "20260102-020105-drill-1", Name: "failover", Mode: runbook.Drill, Started: run.Now.Add(-time.Hour), By: uitest.Operator},
		}
		return page.NewRun(ctx, env, uitest.NewConsole(uitest.Quiet, run), run.Opened.Run)
	}
	goTo := func(_ context.Context, env *page.Env) page.Page { return page.NewGo(env) }
	return []still{
		{name: "run/start+others", now: uitest.Scene("start").Now, make: others},
		{name: "help/home", now: uitest.Start, make: help},
		{name: "help/run", now: uitest.Start, make: overRun},
		{name: "go/empty", now: uitest.Start, make: goTo},
		{name: "go/typed", now: uitest.Start, make: goTo, keys: []string{"'theme n"}},
		{name: "go/wrong", now: uitest.Start, make: goTo, keys: []string{"'nowhere", "enter"}},
	}
}

// TestGolden compares every page in every state with the picture that somebody has looked at.
func TestGolden(t *testing.T) {
	for _, s := range stills() {
		t.Run(s.name, func(t *testing.T) {
			uitest.Still(t, func(ctx context.Context, t *testing.T) {
				picture := uitest.Picture(s.now, func(env *page.Env) page.Page { return s.make(ctx, env) }, s.keys...)
				uitest.Golden(t, s.name, picture)
			})
		})
	}
}

// TestEverythingFits draws every page in every state at sizes from 1x1 to 500x200.
func TestEverythingFits(t *testing.T) {
	for _, s := range stills() {
		t.Run(s.name, func(t *testing.T) {
			uitest.Still(t, func(ctx context.Context, t *testing.T) {
				env := uitest.Env(s.now, theme.Dark)
				p := s.make(ctx, env)
				uitest.Pose(env, p, 80, 24, s.keys...)
				uitest.Fits(t, p)
				uitest.Close(p)
			})
		})
	}
}
