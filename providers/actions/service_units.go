package actions

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// units are services of one host, kept by systemd or by commands of their own.
type units struct {
	Host     providers.Host `with:"host,required" doc:"the host"`
	Services []string       `with:"services,required" doc:"services in the order in which they start; they stop in the reverse one"`
	Start    []string       `with:"start" doc:"command that starts one service, instead of systemd; {service} in it is its name: [/etc/init.d/{service}, start]"`
	Stop     []string       `with:"stop" doc:"command that stops one service, likewise"`
	Status   []string       `with:"status" doc:"command that ends with status 0 while one service runs, likewise"`
	Sudo     bool           `with:"sudo" default:"estate.ssh.user != '' && estate.ssh.user != 'root'" doc:"become root with sudo; when left out, if the ssh user is not root"`

	w world
}

func (a *units) on(call runbook.Call) remote {
	return remote{w: a.w, host: a.Host, sudo: a.Sudo, log: call.Log}
}

// systemd says whether systemd keeps the services.
func (a *units) systemd() bool { return len(a.Start)+len(a.Stop)+len(a.Status) == 0 }

func (a *units) valid(verb string) error {
	switch {
	case len(a.Services) == 0:
		return runbook.Fail("no services are named", "there is nothing to "+verb, "name them in the step's `services`")
	case slices.Contains(a.Services, ""):
		return runbook.Fail("a service has no name", "", "correct the step's `services`")
	case a.systemd():
		return nil
	case len(a.Status) == 0:
		return runbook.Fail("there is no `status` command", "without it nobody can tell what runs", "write the command that ends with status 0 while a service runs")
	case verb == "start" && len(a.Start) == 0, verb == "stop" && len(a.Stop) == 0:
		return runbook.Fail("there is no `"+verb+"` command", "the services are kept by commands of their own, and this one is not known", "write it beside `status`")
	}
	return nil
}

// argv is the command that does one thing to one service.
func (a *units) argv(verb, service string) []string {
	own := map[string][]string{"start": a.Start, "stop": a.Stop, "status": a.Status}[verb]
	if a.systemd() {
		return []string{"systemctl", verb, "--", service}
	}
	out := make([]string, len(own))
	for i, w := range own {
		out[i] = strings.ReplaceAll(w, "{service}", service)
	}
	return out
}

// states says of each service what systemd calls it: active, activating, deactivating, inactive, failed.
func (a *units) states(ctx context.Context, call runbook.Call) (map[string]string, error) {
	if !a.systemd() {
		return a.ownStates(ctx, call)
	}
	// One line each, in order. The status speaks for one of them only and is not used.
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

func (a *units) ownStates(ctx context.Context, call runbook.Call) (map[string]string, error) {
	if len(a.Status) == 0 {
		return nil, a.valid("look at")
	}
	states := map[string]string{}
	for _, s := range a.Services {
		argv := a.on(call).asRoot(a.argv("status", s))
		res, err := a.on(call).look(ctx, argv...)
		switch {
		case err != nil:
			return nil, err
		case res.Status == 126 || res.Status == 127 || res.Status > 128: // a shell's words for: not this, not here, killed
			return nil, a.on(call).ended(argv, res)
		case res.Status == 0:
			states[s] = "active"
		default:
			states[s] = "inactive"
		}
	}
	return states, nil
}

func (a *units) say(states map[string]string) string {
	var parts []string
	for _, s := range a.Services {
		parts = append(parts, s+" "+states[s])
	}
	return strings.Join(parts, ", ")
}

// are lists the services in a state.
func (a *units) are(states map[string]string, state string) []string {
	var out []string
	for _, s := range a.Services {
		if states[s] == state {
			out = append(out, s)
		}
	}
	return out
}

// turn starts or stops one service.
func (a *units) turn(ctx context.Context, call runbook.Call, verb, service, means string) error {
	if err := a.valid(verb); err != nil {
		return err
	}
	res, err := a.on(call).change(ctx, a.argv(verb, service)...)
	if err == nil && res.Status != 0 {
		err = a.failed(ctx, call, service, "did not "+verb, orStatus(res), means)
	}
	return err
}

func orStatus(res providers.Result) string {
	if said := lastLines(res.Stderr, 2); said != "" {
		return said
	}
	return fmt.Sprintf("status %d", res.Status)
}

// failed says why, in the service's own words.
func (a *units) failed(ctx context.Context, call runbook.Call, service, how, said, means string) error {
	what := fmt.Sprintf("%s %s on %s: %s", service, how, a.Host, said)
	if !a.systemd() {
		return runbook.Fail(what, means, "look: "+a.on(call).byHand(a.argv("status", service)...))
	}
	if res, err := a.on(call).look(ctx, a.on(call).asRoot([]string{"journalctl", "-u", service, "-n", "5", "--no-pager"})...); err == nil && res.Status == 0 {
		if tail := lastLines(res.Stdout, 5); tail != "" {
			what += " | " + tail
		}
	}
	return runbook.Fail(what, means, "look: "+a.on(call).byHand("systemctl", "status", "--no-pager", service))
}

// unknown names the first service that systemd does not know: of such a one it says inactive, as of one that is stopped.
func (a *units) unknown(ctx context.Context, call runbook.Call) (string, error) {
	if !a.systemd() {
		return "", nil
	}
	argv := append([]string{"systemctl", "show", "--property=LoadState", "--value", "--"}, a.Services...)
	res, err := a.on(call).look(ctx, argv...)
	if err == nil {
		err = a.on(call).ended(argv, res)
	}
	if err != nil {
		return "", err
	}
	loaded := strings.Fields(res.Stdout)
	for i, s := range a.Services {
		if i >= len(loaded) || loaded[i] != "loaded" {
			return s, nil
		}
	}
	return "", nil
}

func (a *units) check(ctx context.Context, call runbook.Call, verb, can string) []runbook.Check {
	what := "services " + strings.Join(a.Services, ", ") + " " + can
	if len(a.Services) == 0 {
		return []runbook.Check{notWell("there are services to "+verb, "", "name them in the step's `services`", "none is named")}
	}
	if err := a.valid(verb); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell(what, "", f.Do, "%s", f.What)}
	}
	if c, open := notYet(what, append([]string{a.Host.Address}, a.Services...)...); open {
		return []runbook.Check{c}
	}
	unknown, err := a.unknown(ctx, call)
	var states map[string]string
	if err == nil {
		states, err = a.states(ctx, call)
	}
	source := "systemctl"
	if !a.systemd() {
		source = "`" + line(a.Status) + "`"
	}
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, err)}
	case unknown != "":
		return []runbook.Check{notWell(what, source, "install it on "+a.Host.String()+", or correct the list", "systemd does not know %s", unknown)}
	}
	return []runbook.Check{well(what, source, "%s knows them: %s", a.Host, a.say(states))}
}

func (a *units) byHand(call runbook.Call, verb string, services []string) []string {
	var lines []string
	for _, s := range services {
		argv := a.argv(verb, s)
		if a.systemd() {
			argv = []string{"systemctl", verb, s}
		}
		lines = append(lines, a.on(call).byHand(argv...))
	}
	return append(lines, a.looks(call)...)
}

// looks are the commands that say how it stands.
func (a *units) looks(call runbook.Call) []string {
	if a.systemd() {
		return []string{remote{w: a.w, host: a.Host}.byHand(append([]string{"systemctl", "is-active"}, a.Services...)...)}
	}
	var lines []string
	for _, s := range a.Services {
		lines = append(lines, a.on(call).byHand(a.argv("status", s)...))
	}
	return lines
}
