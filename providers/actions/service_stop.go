package actions

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func serviceStop(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "service.stop",
		Summary: "stop services on a host, the last of the list first",
		New:     func() runbook.Probe { return &stop{w: w} },
		Settle:  2 * time.Second,
		Budget:  15 * time.Second,
		Timeout: 5 * time.Minute,
	}
}

// stop takes the list as service.start does, and goes through it backwards.
type stop units

func (a *stop) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	u := (*units)(a)
	if err := u.valid("stop"); err != nil {
		return nil, err
	}
	unknown, err := u.unknown(ctx, call)
	if err != nil {
		return nil, err
	}
	if unknown != "" {
		return nil, runbook.Fail(fmt.Sprintf("systemd on %s does not know %s", a.Host, unknown), "something else may run under another name; nothing was stopped", "correct the step's `services`")
	}
	states, err := u.states(ctx, call)
	if err != nil {
		return nil, err
	}
	return runbook.Keep(startBefore{Active: u.are(states, "active")})
}

func (a *stop) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	states, err := (*units)(a).states(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	return a.judge(states), nil
}

// judge takes a service that has failed for one that does not run.
func (a *stop) judge(states map[string]string) runbook.Observation {
	o := seen(runbook.Holds, "%s on %s", (*units)(a).say(states), a.Host)
	for _, s := range a.Services {
		switch states[s] {
		case "inactive", "failed":
		case "deactivating":
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

func (a *stop) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	u := (*units)(a)
	for i, s := range slices.Backward(a.Services) {
		call.Progress(runbook.Progress{Text: "stopping " + s, Done: float64(len(a.Services) - 1 - i), Total: float64(len(a.Services)), Unit: "services"})
		if err := u.turn(ctx, call, "stop", s, "it and the services before it in the list may still run"); err != nil {
			return runbook.Observation{}, err
		}
	}
	states, err := u.states(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	if up := u.are(states, "active"); len(up) > 0 {
		return runbook.Observation{}, u.failed(ctx, call, up[0], "runs again", "it was stopped and is active",
			"something starts it: another unit, a socket, a timer")
	}
	return a.judge(states), nil
}

// Undo starts again what ran before, in the order of the list.
func (a *stop) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before startBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	u := (*units)(a)
	states, err := u.states(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	var started []string
	for _, s := range a.Services {
		if !slices.Contains(before.Active, s) || states[s] == "active" {
			continue
		}
		if err := u.turn(ctx, call, "start", s, "the services after it in the list were not started"); err != nil {
			return runbook.Observation{}, err
		}
		started = append(started, s)
	}
	if len(started) == 0 {
		return seen(runbook.Holds, "what ran before this step runs"), nil
	}
	return seen(runbook.Holds, "started %s", strings.Join(started, ", ")), nil
}

func (a *stop) Targets(runbook.Call) []runbook.Target { return []runbook.Target{a.Host.Target()} }

func (a *stop) Permissions() []string { return nil }

// Check asks the host, where there is one already, whether it knows the services.
func (a *stop) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	return (*units)(a).check(ctx, call, "stop", "can be stopped")
}

// Depends is the host.
func (a *stop) Depends() []runbook.Dependency { return onHost(a.Host) }

func (a *stop) ByHand(call runbook.Call) []string {
	last := slices.Clone(a.Services)
	slices.Reverse(last)
	return (*units)(a).byHand(call, "stop", last)
}

func serviceStatus(w world) runbook.Kind {
	return runbook.Kind{
		Name:          "service.status",
		Summary:       "wait until services run, or do not",
		New:           func() runbook.Probe { return &status{w: w} },
		Budget:        5 * time.Second,
		Timeout:       3 * time.Minute,
		Interruptible: true,
	}
}

// status only looks.
type status struct {
	Host     providers.Host `with:"host,required" doc:"the host"`
	Services []string       `with:"services,required" doc:"services"`
	State    string         `with:"state" default:"'active'" doc:"active or inactive; a service that has failed is neither"`
	Status   []string       `with:"status" doc:"command that ends with status 0 while one service runs, instead of systemd; {service} in it is its name"`
	Sudo     bool           `with:"sudo" default:"estate.ssh.user != '' && estate.ssh.user != 'root'" doc:"become root with sudo for that command; when left out, if the ssh user is not root"`

	w world
}

func (a *status) units() *units {
	return &units{Host: a.Host, Services: a.Services, Status: a.Status, Sudo: a.Sudo, w: a.w}
}

func (a *status) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	u := a.units()
	if err := u.valid("look at"); err != nil {
		return runbook.Observation{}, err
	}
	if a.State != "active" && a.State != "inactive" {
		return runbook.Observation{}, runbook.Fail(fmt.Sprintf("state %q is neither active nor inactive", a.State), "", "write one of them")
	}
	states, err := u.states(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	o := seen(runbook.Holds, "%s on %s", u.say(states), a.Host)
	if len(u.are(states, a.State)) < len(a.Services) {
		o.State = runbook.Absent
		return o, nil
	}
	if a.State == "inactive" {
		unknown, err := u.unknown(ctx, call)
		if err != nil {
			return runbook.Observation{}, err
		}
		if unknown != "" {
			return seen(runbook.Unsure, "systemd on %s does not know %s: that it does not run proves nothing", a.Host, unknown), nil
		}
	}
	return o, nil
}

func (a *status) Permissions() []string { return nil }

// Depends is the host.
func (a *status) Depends() []runbook.Dependency { return onHost(a.Host) }

func (a *status) ByHand(call runbook.Call) []string { return a.units().looks(call) }
