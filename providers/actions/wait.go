package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/runbook"
)

func wait(w world) runbook.Kind {
	return runbook.Kind{
		Name:          "wait",
		Summary:       "let time pass",
		New:           func() runbook.Probe { return &pass{w: w} },
		Budget:        time.Minute,
		Timeout:       24 * time.Hour,
		Interruptible: true,
	}
}

// pass counts from the intent, on the run's clock: a crash in the middle does not start the wait again.
type pass struct {
	For runbook.Duration `with:"for,required" doc:"how long, such as 30s or 5m"`

	w world
}

func (a *pass) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	all := time.Duration(a.For)
	if call.Since.IsZero() {
		return seen(runbook.Pending, "%s from now", all), nil
	}
	left := all - a.w.clock.Now().Sub(call.Since)
	if left > 0 && left <= time.Second {
		// Near the end, wait here: the next question may come a second too late.
		if err := runbook.Sleep(ctx, a.w.clock, left); err != nil {
			return runbook.Observation{}, err
		}
		left = 0
	}
	if left <= 0 {
		return seen(runbook.Holds, "%s have passed", all), nil
	}
	if call.Progress != nil {
		call.Progress(runbook.Progress{Text: fmt.Sprintf("%s left", left.Round(time.Second)), Done: (all - left).Seconds(), Total: all.Seconds(), Unit: "s", Left: runbook.Seconds(left)})
	}
	return seen(runbook.Pending, "%s of %s", (all - left).Round(time.Second), all), nil
}

func (a *pass) Permissions() []string { return nil }

func (a *pass) ByHand(runbook.Call) []string {
	return []string{fmt.Sprintf("sleep %d", int(time.Duration(a.For).Seconds()))}
}
