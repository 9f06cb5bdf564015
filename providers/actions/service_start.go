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

// start asks systemd, before and after. A service that fails brings the last lines of its journal along.
type start struct {
	Host     providers.Host `with:"host,required" doc:"the host"`
	Services []string       `with:"services,required" doc:"units in the order in which they start"`
	Sudo     bool           `with:"sudo" default:"estate.ssh.user != '' && estate.ssh.user != 'root'" doc:"become root with sudo; when left out, if the ssh user is not root"`

	w world
}

// startBefore lists what ran already; undo leaves it running.
type startBefore struct {
	Active []string `json:"active,omitempty"`
}

func (a *start) on(call runbook.Call) remote {
	return remote{w: a.w, host: a.Host, sudo: a.Sudo, log: call.Log}
}

// states asks for all units at once: one line each, in order. The status speaks for one of them only and is not used.
func (a *start) states(ctx context.Context, call runbook.Call) (map[string]string, error) {
	argv := append([]string{"systemctl", "is-active", "--"}, a.Services...)
	res, err := a.on(call).look(ctx, argv...)
	if err != nil {
		return nil, err
	}
	lines := strings.Fields(res.Stdout)
	if len(lines) != len(a.Services) {
		if err := a.on(call).ended(argv, res); err != nil {
			return nil, err
		}
		return nil, runbook.Fail(fmt.Sprintf("%s on %s answered %q", line(argv), a.Host, res.Stdout), "it is not one line for each service", "")
	}
	states := map[string]string{}
	for i, s := range a.Services {
		states[s] = lines[i]
	}
	return states, nil
}

func (a *start) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	if len(a.Services) == 0 {
		return nil, runbook.Fail("no services are named", "there is nothing to start", "name them in the step's `services`")
	}
	states, err := a.states(ctx, call)
	if err != nil {
		return nil, err
	}
	var before startBefore
	for _, s := range a.Services {
		if states[s] == "active" {
			before.Active = append(before.Active, s)
		}
	}
	return runbook.Keep(before)
}

func (a *start) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	states, err := a.states(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	return a.judge(states), nil
}

func (a *start) judge(states map[string]string) runbook.Observation {
	o := seen(runbook.Holds, "%s on %s", a.say(states), a.Host)
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

func (a *start) say(states map[string]string) string {
	var parts []string
	for _, s := range a.Services {
		parts = append(parts, s+" "+states[s])
	}
	return strings.Join(parts, ", ")
}

func (a *start) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	for i, s := range a.Services {
		call.Progress(runbook.Progress{Text: "starting " + s, Done: float64(i), Total: float64(len(a.Services)), Unit: "services"})
		res, err := a.on(call).change(ctx, "systemctl", "start", "--", s)
		if err != nil {
			return runbook.Observation{}, err
		}
		if res.Status != 0 {
			return runbook.Observation{}, a.failed(ctx, call, s, lastLines(res.Stderr, 2))
		}
	}
	states, err := a.states(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	for _, s := range a.Services {
		if states[s] == "failed" || states[s] == "inactive" {
			return runbook.Observation{}, a.failed(ctx, call, s, "it started and is "+states[s])
		}
	}
	return a.judge(states), nil
}

// failed says why, in the service's own words.
func (a *start) failed(ctx context.Context, call runbook.Call, service, said string) error {
	what := fmt.Sprintf("%s did not start on %s: %s", service, a.Host, said)
	if res, err := a.on(call).look(ctx, a.on(call).asRoot([]string{"journalctl", "-u", service, "-n", "5", "--no-pager"})...); err == nil && res.Status == 0 {
		if tail := lastLines(res.Stdout, 5); tail != "" {
			what += " | " + tail
		}
	}
	return runbook.Fail(what, "the services after it in the list were not started", "look: "+a.on(call).byHand("systemctl", "status", "--no-pager", service))
}

// Undo stops what did not run before, last first.
func (a *start) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before startBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	states, err := a.states(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	var stopped []string
	for _, s := range slices.Backward(a.Services) {
		if slices.Contains(before.Active, s) || states[s] == "inactive" {
			continue
		}
		if _, err := a.on(call).must(ctx, "systemctl", "stop", "--", s); err != nil {
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

// Check asks the host, where there is one already, whether systemd knows the services.
func (a *start) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := "services " + strings.Join(a.Services, ", ") + " can be started"
	if len(a.Services) == 0 {
		return []runbook.Check{notWell("there are services to start", "", "name them in the step's `services`", "none is named")}
	}
	if c, open := notYet(what, append([]string{a.Host.Address}, a.Services...)...); open {
		return []runbook.Check{c}
	}
	argv := append([]string{"systemctl", "show", "--property=LoadState", "--value", "--"}, a.Services...)
	res, err := a.on(call).look(ctx, argv...)
	if err == nil {
		err = a.on(call).ended(argv, res)
	}
	if err != nil {
		return []runbook.Check{lookFailed(what, err)}
	}
	loaded := strings.Fields(res.Stdout)
	for i, s := range a.Services {
		if i >= len(loaded) || loaded[i] != "loaded" {
			return []runbook.Check{notWell(what, "systemctl", "install it on "+a.Host.String()+", or correct the list", "systemd does not know %s", s)}
		}
	}
	return []runbook.Check{well(what, "systemctl", "%s knows them", a.Host)}
}

// Depends is the host.
func (a *start) Depends() []runbook.Dependency { return onHost(a.Host) }

func (a *start) ByHand(call runbook.Call) []string {
	var lines []string
	for _, s := range a.Services {
		lines = append(lines, a.on(call).byHand("systemctl", "start", s))
	}
	return append(lines, remote{w: a.w, host: a.Host}.byHand(append([]string{"systemctl", "is-active"}, a.Services...)...))
}
