package actions

import (
	"context"
	"slices"
	"strings"
	"time"

	"lifeboat/runbook"
)

func serviceStart(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "service.start",
		Summary: "start services on a host, in order",
		New:     func() runbook.Probe { return &start{w: w} },
		Settle:  2 * time.Second,
		Budget:  10 * time.Second,
		Timeout: 3 * time.Minute,
	}
}

// start looks before and after. A service that fails brings the last lines of its journal along.
type start units

// startBefore lists what ran already; undo leaves it running.
type startBefore struct {
	Active []string `json:"active,omitempty"`
}

func (a *start) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	u := (*units)(a)
	if err := u.valid("start"); err != nil {
		return nil, err
	}
	states, err := u.states(ctx, call)
	if err != nil {
		return nil, err
	}
	return runbook.Keep(startBefore{Active: u.are(states, "active")})
}

func (a *start) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	states, err := (*units)(a).states(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	return a.judge(states), nil
}

func (a *start) judge(states map[string]string) runbook.Observation {
	o := seen(runbook.Holds, "%s on %s", (*units)(a).say(states), a.Host)
	for _, s := range a.Services {
		switch states[s] {
		case "active":
		case "activating", "reloading":
			if o.State == runbook.Holds {
				o.State = runbook.Pending
			}
		default:
			o.State = runbook.Absent
		}
	}
	if o.State == runbook.Holds {
		o.Changed = []runbook.Target{a.Host.Target()}
	}
	return o
}

func (a *start) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	u := (*units)(a)
	for i, s := range a.Services {
		call.Progress(runbook.Progress{Text: "starting " + s, Done: float64(i), Total: float64(len(a.Services)), Unit: "services"})
		if err := u.turn(ctx, call, "start", s, "the services after it in the list were not started"); err != nil {
			return runbook.Observation{}, err
		}
	}
	states, err := u.states(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	for _, s := range a.Services {
		if states[s] == "failed" || states[s] == "inactive" {
			return runbook.Observation{}, u.failed(ctx, call, s, "did not start", "it started and is "+states[s], "")
		}
	}
	return a.judge(states), nil
}

// Undo stops what did not run before, last first.
func (a *start) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before startBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	states, err := (*units)(a).states(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	var stopped []string
	for _, s := range slices.Backward(a.Services) {
		if slices.Contains(before.Active, s) || states[s] == "inactive" {
			continue
		}
		if err := (*units)(a).turn(ctx, call, "stop", s, ""); err != nil {
			return runbook.Observation{}, err
		}
		stopped = append(stopped, s)
	}
	if len(stopped) == 0 {
		return seen(runbook.Holds, "nothing that this step started runs"), nil
	}
	return seen(runbook.Holds, "stopped %s", strings.Join(stopped, ", ")), nil
}

func (a *start) Targets(runbook.Call) []runbook.Target { return []runbook.Target{a.Host.Target()} }

func (a *start) Permissions() []string { return nil }

// Check asks the host, where there is one already, whether it knows the services.
func (a *start) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	return (*units)(a).check(ctx, call, "start", "can be started")
}

// Depends is the host.
func (a *start) Depends() []runbook.Dependency { return onHost(a.Host) }

func (a *start) ByHand(call runbook.Call) []string {
	return (*units)(a).byHand(call, "start", a.Services)
}
