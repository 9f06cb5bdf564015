package main

import (
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"lifeboat/ui"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
	"lifeboat/ui/uitest/ptytest"
)

// BenchmarkScreenMessage takes the time of Update and View together, for keys and ticks in turn, at 120x40. Target: 1 ms.
// The time of an operation is that of one message; ms-p99 tells about the slow ones.
func BenchmarkScreenMessage(b *testing.B) {
	run := func(scene string, where page.Where) func(b *testing.B) {
		return func(b *testing.B) {
			s := uitest.Scene(scene)
			messages(b, uitest.NewConsole(uitest.OpenRun, s), s.Now, page.Route{Where: where, Run: s.Opened.Run})
		}
	}
	for _, scene := range []string{"running", "long", "wide", "failed", "done"} {
		b.Run("run-"+scene, run(scene, page.AtRun))
	}
	b.Run("show", run("done-with-skips", page.AtShow))
	home := func(mood uitest.Mood, where page.Where, runs int) func(b *testing.B) {
		return func(b *testing.B) {
			c := uitest.NewConsole(mood)
			c.History = runs
			messages(b, c, c.Now, page.Route{Where: where, Choice: page.Choice{Runbook: "failover"}})
		}
	}
	b.Run("home", home(uitest.Quiet, page.AtHome, 12))
	b.Run("home-down", home(uitest.Down, page.AtHome, 12))
	b.Run("runbook", home(uitest.Quiet, page.AtRunbook, 12))
	b.Run("history", home(uitest.Quiet, page.AtHistory, 10_000))
}

func messages(b *testing.B, c *uitest.Console, now time.Time, to page.Route) {
	clock := now
	app := ui.New(b.Context(), c, ui.Options{Start: to, Theme: theme.Dark, Now: func() time.Time { return clock }})
	defer app.Close()
	pump(app, app.Init())
	pump(app, send(app, tea.WindowSizeMsg{Width: 120, Height: 40}))
	var took []time.Duration
	var seen int
	for i := 0; b.Loop(); i++ {
		var msg tea.Msg
		switch i % 4 {
		case 0:
			msg = tea.KeyPressMsg{Code: 'j', Text: "j"}
		case 2:
			msg = tea.KeyPressMsg{Code: 'k', Text: "k"}
		default:
			clock = clock.Add(time.Second)
			msg = page.Tick{At: clock}
		}
		began := time.Now()
		send(app, msg)
		seen += len(app.View().Content)
		if len(took) < 100_000 {
			took = append(took, time.Since(began))
		}
	}
	if seen == 0 {
		b.Error("nothing was drawn")
	}
	b.ReportMetric(ms(ptytest.Percentile(took, 0.99)), "ms-p99")
}

func send(app *ui.App, msg tea.Msg) tea.Cmd {
	_, cmd := app.Update(msg)
	return cmd
}

// pump runs commands until none is left that answers at once.
func pump(app *ui.App, cmd tea.Cmd) {
	todo := []tea.Cmd{cmd}
	for n := 0; len(todo) > 0 && n < 1000; n++ {
		next := todo[0]
		todo = todo[1:]
		if next == nil {
			continue
		}
		msg, ended := uitest.Await(next)
		if !ended || msg == nil {
			continue
		}
		if batch, is := msg.(tea.BatchMsg); is {
			todo = append(todo, batch...)
			continue
		}
		todo = append(todo, send(app, msg))
	}
}
