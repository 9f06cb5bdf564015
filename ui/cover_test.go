package ui_test

import (
	"context"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
)

// slow is a console that counts how often the estate is probed, and whose starts last as long as the test wants.
type slow struct {
	*uitest.Console
	probes int
	begun  chan runbook.RunID
}

func (c *slow) Readings(ctx context.Context) []page.Reading {
	c.probes++
	return c.Console.Readings(ctx)
}

func (c *slow) Start(ctx context.Context, _ page.Choice) (runbook.RunID, error) {
	select {
	case id := <-c.begun:
		return id, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// onSlow is onDeck with a slow console.
func onSlow(t *testing.T, start page.Route, test func(d *deck, c *slow)) {
	t.Helper()
	uitest.Still(t, func(ctx context.Context, t *testing.T) {
		c, began := &slow{Console: uitest.NewConsole(uitest.Quiet, uitest.Scene("running")), begun: make(chan runbook.RunID, 1)}, time.Now()
		d := &deck{t: t, inbox: make(chan tea.Msg, 1000)}
		d.app = ui.New(ctx, c, ui.Options{
			Start: start, Theme: theme.Dark, Actor: uitest.Operator, Now: func() time.Time { return c.Now.Add(time.Since(began)) },
		})
		d.run(d.app.Init())
		d.resize(80, 24)
		d.settle()
		defer d.app.Close()
		test(d, c)
	})
}

func TestHomeProbesOnlyWhatIsSeen(t *testing.T) {
	onSlow(t, page.Route{}, func(d *deck, c *slow) {
		if c.probes != 1 {
			d.t.Fatalf("%d probes at the start", c.probes)
		}
		d.press(":", "'history", "enter")
		d.pass(time.Minute)
		if c.probes != 1 {
			d.t.Errorf("%d probes below the history", c.probes)
		}
		d.press(":", "'home", "enter")
		if c.probes != 2 {
			d.t.Errorf("%d probes after going home", c.probes)
		}
		d.pass(time.Minute)
		if c.probes < 5 {
			d.t.Errorf("%d probes after a minute at home", c.probes)
		}
	})
	onSlow(t, page.Route{Where: page.AtHistory}, func(d *deck, c *slow) {
		if d.pass(time.Minute); c.probes != 0 {
			d.t.Errorf("%d probes before home was ever seen", c.probes)
		}
		if d.press("esc"); c.probes != 1 {
			d.t.Errorf("%d probes when home is seen", c.probes)
		}
	})
}

// A run that begins while the operator reads something else is put below that, where the runbook was.
func TestARunTakesThePlaceOfItsRunbook(t *testing.T) {
	book := page.Route{Where: page.AtRunbook, Choice: page.Choice{Runbook: "failover", Mode: runbook.Rehearse}}
	run := uitest.Scene("running").Opened.Run
	onSlow(t, book, func(d *deck, c *slow) {
		d.press("r")
		if !strings.Contains(d.screen(), "starting") {
			d.t.Fatalf("it does not start:\n%s", d.screen())
		}
		d.press(":", "'history", "enter")
		c.begun <- run
		d.settle()
		if d.title() != "history" || !strings.Contains(d.screen(), "the run has begun") {
			d.t.Errorf("at %q:\n%s", d.title(), d.screen())
		}
		if d.press("esc"); !strings.Contains(d.title(), "failover") || strings.Contains(d.title(), "runbook") {
			d.t.Errorf("esc leads to %q", d.title())
		}
	})
	onSlow(t, book, func(d *deck, c *slow) {
		d.press("r", ":", "'hist")
		c.begun <- run
		d.settle()
		if !strings.Contains(d.screen(), ":hist") {
			d.t.Errorf("what was being typed is gone:\n%s", d.screen())
		}
		if d.press("esc"); strings.Contains(d.title(), "runbook") {
			d.t.Errorf("below the line is %q", d.title())
		}
	})
}

// A remark lies over the keys: it goes after a while, or with the next key.
func TestARemarkMakesRoomForTheKeys(t *testing.T) {
	c, id := running()
	onDeck(t, c, page.Route{Where: page.AtShow, Run: id}, func(d *deck) {
		for _, then := range []func(){func() { d.press("j") }, func() { d.pass(6 * time.Second) }} {
			if d.press("y"); !strings.Contains(d.screen(), "copied") || strings.Contains(d.screen(), "q quit") {
				d.t.Fatalf("no remark:\n%s", d.screen())
			}
			if then(); strings.Contains(d.screen(), "copied") || !strings.Contains(d.screen(), "q quit") {
				d.t.Errorf("the remark stays:\n%s", d.screen())
			}
		}
	})
}

// q leaves from every page, and closes what lies over one.
func TestQLeaves(t *testing.T) {
	lies := map[page.Where][]string{
		page.AtHome: {"e"}, page.AtRun: {"l", "L"}, page.AtReplay: {"l", "L", "c"}, page.AtShow: {"enter"},
	}
	c, id := running()
	for _, r := range routes(id) {
		onDeck(t, c, r, func(d *deck) {
			if d.press("q"); !d.left {
				d.t.Errorf("q does not leave %s", r.Where)
			}
		})
		for _, over := range append(lies[r.Where], "?") {
			onDeck(t, c, r, func(d *deck) {
				before := d.view()
				d.press(over)
				covered := d.view()
				if covered == before {
					d.t.Fatalf("%q puts nothing over %s", over, r.Where)
				}
				if d.press("q"); d.left || d.view() == covered {
					d.t.Errorf("q does not close what %q has put over %s", over, r.Where)
				}
			})
		}
	}
}

func TestSlashAtHomeFilters(t *testing.T) {
	c, _ := running()
	onDeck(t, c, page.Route{}, func(d *deck) {
		d.press("/", "'zzz")
		if d.title() != "history" || !strings.Contains(d.screen(), "no run has all of: zzz") {
			d.t.Errorf("at %q:\n%s", d.title(), d.screen())
		}
	})
}

func TestColonKnowsNames(t *testing.T) {
	c, _ := running()
	onDeck(t, c, page.Route{Where: page.AtHistory}, func(d *deck) { // home was never seen
		d.press(":", "'run fai", "tab")
		if !strings.Contains(d.screen(), ":run failover") {
			d.t.Fatalf("not completed:\n%s", d.screen())
		}
		d.press("enter")
		if d.title() != "runbook failover" {
			d.t.Errorf("it leads to %q", d.title())
		}
		d.press(":", "'show 2", "tab")
		if line := d.screen(); !strings.Contains(line, ":show 20") {
			d.t.Errorf("no run is known:\n%s", line)
		}
	})
}
