package ui_test

import (
	"context"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lifeboat/ui"
	"lifeboat/ui/page"
	"lifeboat/ui/uitest"
)

// Evidence, titles and the names of keys have signs as well: none of them reaches a terminal that draws ASCII alone.
func TestASCIIScreensAreASCII(t *testing.T) {
	for _, scene := range []string{"running", "failed", "unknown", "start", "done", "undone", "manual"} {
		uitest.Still(t, func(ctx context.Context, t *testing.T) {
			run := uitest.Scene(scene)
			c := uitest.NewConsole(uitest.Down, run)
			d := &deck{t: t, c: c, inbox: make(chan tea.Msg, 1000)}
			d.app = ui.New(ctx, c, ui.Options{
				Start: page.Route{Where: page.AtRun, Run: run.Opened.Run}, ASCII: true, Actor: uitest.Operator, Now: time.Now,
			})
			defer d.app.Close()
			d.run(d.app.Init())
			for _, w := range []int{120, 80, 60} {
				d.resize(w, 24)
				d.settle()
				for _, r := range ansi.Strip(d.app.View().Content) {
					if r > '~' {
						t.Fatalf("%s at %d: %q is on the screen:\n%s", scene, w, r, d.app.View().Content)
					}
				}
			}
		})
	}
}
