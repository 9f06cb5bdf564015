package actions

import (
	"context"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func instanceReboot(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "instance.reboot",
		Summary: "reboot a machine and prove that it has booted anew",
		New:     func() runbook.Probe { return &reboot{w: w} },
		Outputs: []runbook.Output{
			{Name: "host", Doc: "the machine as a host, for the kinds that take one", Type: "host"},
			{Name: "address", Doc: "its public address", Type: "string"},
		},
		Settle:  rebootSettle,
		Budget:  time.Minute,
		Timeout: 10 * time.Minute,
	}
}

// rebootSettle is how long EC2 lets a machine go down by itself before it resets it, and some for the boot.
const rebootSettle = 5 * time.Minute

// reboot is proved by the machine itself: EC2 has no state for a reboot, the machine is running all the time. The kernel
// makes a new boot id at each boot; where none could be read before, an uptime that is younger than the request proves as
// much. Without ssh nothing proves it: then the step ends with EC2's word that it was accepted, and after a crash only a
// person can say.
type reboot struct {
	Instance string `with:"instance,required" doc:"id of the machine"`
	Region   string `with:"region" default:"region_of(with.instance)" doc:"region of the machine"`
	SSH      bool   `with:"ssh" default:"true" doc:"prove the boot over ssh; without, that EC2 accepted it is enough"`
	Address  string `with:"address" doc:"ask here instead of at its present public address"`
	User     string `with:"user" doc:"ssh user; estate.ssh.user when left out"`

	w world
}

// rebootBefore is the boot that is to end; Why says why it could not be read.
type rebootBefore struct {
	Boot string `json:"boot,omitempty"`
	Why  string `json:"why,omitempty"`
}

func (a *reboot) ready() *ready {
	return &ready{Instance: a.Instance, Region: a.Region, SSH: a.SSH, Address: a.Address, User: a.User, w: a.w}
}

// Prepare does not mind a machine that answers nobody: that is what reboots are for.
func (a *reboot) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	switch {
	case err != nil:
		return nil, err
	case i.State != providers.InstanceRunning:
		return nil, runbook.Fail(i.ID+" is "+string(i.State)+because(i), "only a machine that runs can be rebooted; nothing was done", "start it instead, with instance.start")
	case !a.SSH:
		return runbook.Keep(rebootBefore{Why: "not asked"})
	}
	b, err := a.boot(ctx, call, i)
	if providers.Is(err, providers.Missing) {
		return nil, err
	}
	if err != nil {
		return runbook.Keep(rebootBefore{Why: reason(err)})
	}
	return runbook.Keep(rebootBefore{Boot: b.id})
}

// boot is what the kernel says of itself.
type boot struct {
	id string
	up time.Duration
}

func (a *reboot) boot(ctx context.Context, call runbook.Call, i providers.Instance) (boot, error) {
	ctx, cancel := a.w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	host := a.ready().host(i)
	if host.Address == "" {
		return boot{}, providers.Errorf(providers.Unreachable, "ssh", i.ID, "it has no address")
	}
	r, err := a.w.Shell.Run(ctx, host, providers.Command{
		Argv: []string{"cat", "/proc/sys/kernel/random/boot_id", "/proc/uptime"}, ReadOnly: true, Hang: answerWithin, Log: call.Log,
	})
	if err != nil {
		return boot{}, err
	}
	f := strings.Fields(r.Stdout)
	if r.Status != 0 || len(f) < 2 {
		return boot{}, providers.Errorf(providers.Invalid, "ssh", host.Address, "it does not tell its boot id: %s", lastLines(r.Stderr, 1))
	}
	s, err := strconv.ParseFloat(f[1], 64)
	if err != nil {
		return boot{}, providers.Errorf(providers.Invalid, "ssh", host.Address, "%q is no uptime", f[1])
	}
	return boot{id: f[0], up: time.Duration(s * float64(time.Second))}, nil
}

func (a *reboot) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case over(i):
		return seen(runbook.Broken, "%s is %s%s: it will not come up", i.ID, i.State, because(i)), nil
	case i.State != providers.InstanceRunning:
		return seen(runbook.Absent, "%s is %s%s", i.ID, i.State, because(i)), nil
	case !a.SSH:
		return seen(runbook.Unsure, "a reboot leaves no trace in EC2: %s is running all the time, its checks are %q; look when it booted (uptime -s)", i.ID, i.Checks), nil
	}
	b, err := a.boot(ctx, call, i)
	if providers.Is(err, providers.Missing) {
		return runbook.Observation{}, err
	}
	if err != nil {
		return seen(runbook.Pending, "%s runs, ssh does not answer: %s", i.ID, reason(err)), nil
	}
	return a.judge(call, i, b)
}

func (a *reboot) judge(call runbook.Call, i providers.Instance, b boot) (runbook.Observation, error) {
	var before rebootBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	up := b.up.Round(time.Second)
	switch asked := a.w.clock.Now().Sub(call.Since); {
	case call.Since.IsZero():
		return seen(runbook.Absent, "%s is up for %s", i.ID, up), nil
	case before.Boot != "" && before.Boot != b.id:
		return a.done(i, "%s has booted: boot id %.8s is now %.8s, up %s%s", i.ID, before.Boot, b.id, up, a.w.took(call)), nil
	case before.Boot == "" && b.up < asked:
		return a.done(i, "%s has booted: up %s, and the reboot was asked %s ago", i.ID, up, asked.Round(time.Second)), nil
	}
	return seen(runbook.Absent, "%s is up for %s, on the boot %.8s as before", i.ID, up, b.id), nil
}

func (a *reboot) done(i providers.Instance, format string, args ...any) runbook.Observation {
	o := seen(runbook.Holds, format, args...)
	host := a.ready().host(i)
	o.Outputs = map[string]any{"host": host.Value(), "address": host.Address}
	o.Changed = []runbook.Target{machineTarget(a.Region, i.ID)}
	return o
}

func (a *reboot) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	if err != nil {
		return runbook.Observation{}, err
	}
	if err := a.w.Power.Reboot(ctx, a.Region, a.Instance); err != nil {
		return runbook.Observation{}, advise(err, providers.Conflict, "start it instead, with instance.start")
	}
	if !a.SSH {
		return a.done(i, "EC2 has accepted to reboot %s; that it has booted is not proved (ssh: false)", i.ID), nil
	}
	return seen(runbook.Pending, "EC2 has accepted to reboot %s", i.ID), nil
}

func (a *reboot) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{machineTarget(a.Region, a.Instance)}
}

// Check asks for the machine.
func (a *reboot) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	return []runbook.Check{a.w.checkMachine(ctx, a.Region, a.Instance)}
}

// Depends is the region of the machine.
func (a *reboot) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "the machine cannot be rebooted"}}
}

func (a *reboot) Permissions() []string {
	p := append(readInstance(), "ec2:RebootInstances")
	if a.SSH {
		p = append(p, "ec2:GetConsoleOutput")
	}
	return p
}

func (a *reboot) ByHand(runbook.Call) []string {
	lines := []string{line(words("aws", "ec2", "reboot-instances", "--region", orQuestion(a.Region), "--instance-ids", orQuestion(a.Instance)))}
	if !a.SSH {
		return lines
	}
	host := providers.Host{Address: orQuestion(a.Address), ID: orQuestion(a.Instance), User: a.User}
	return append(lines, remote{w: a.w, host: host}.byHand("uptime", "-s"))
}
