package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"lifeboat/runbook"
	"lifeboat/store/logbook"
)

// replayPlain prints a run once more, an event a line, speed times faster than it was. Ctrl-C ends it.
func (a *app) replayPlain(id runbook.RunID, speed float64) error {
	dir, err := a.readStore()
	if err != nil {
		return err
	}
	events, readErr := logbook.Read(dir.Run(id).Logbook())
	var plan *runbook.Plan
	if t, err := a.target(string(id)); err == nil {
		plan = t.plan
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p := a.printer(plan)
	var state runbook.State
	var last time.Time
	clock := runbook.WallClock{}
	began, played := clock.Now(), time.Duration(0)
	for _, e := range events {
		if gap := e.Time.Sub(last); !last.IsZero() && gap > 0 { // a wall's clock may have jumped back
			played += gap
		}
		last = e.Time
		// Counted from the beginning, so that the time that printing takes does not add up.
		if wait := time.Duration(float64(played)/speed) - clock.Now().Sub(began); wait > 0 {
			if runbook.Sleep(ctx, clock, wait) != nil {
				return nil
			}
		}
		state.Apply(e)
		p.event(e, &state)
	}
	if readErr != nil {
		return readErr
	}
	if state.Finished == nil && ctx.Err() == nil {
		p.say("%s", fmt.Sprintf("the run goes on from here; follow it with: lifeboat attach %s", id))
	}
	return nil
}
