package actions

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func instanceReady(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "instance.ready",
		Summary: "wait until a machine runs and answers ssh",
		New:     func() runbook.Probe { return &ready{w: w} },
		Outputs: []runbook.Output{
			{Name: "host", Doc: "the machine as a host, for the kinds that take one", Type: "host"},
			{Name: "address", Doc: "its public address", Type: "string"},
		},
		Budget:        45 * time.Second,
		Timeout:       5 * time.Minute,
		Interruptible: true,
	}
}

// ready asks EC2 for the state and the present address, and then the machine itself: "running" says only that its power
// is on. The host key is pinned by the machine's id, because addresses move.
type ready struct {
	Instance string `with:"instance,required" doc:"id of the machine"`
	Region   string `with:"region" default:"region_of(with.instance)" doc:"region of the machine"`
	SSH      bool   `with:"ssh" default:"true" doc:"whether it must answer ssh; without, running is enough"`
	Address  string `with:"address" doc:"ask here instead of at its present public address"`
	User     string `with:"user" doc:"ssh user; estate.ssh.user when left out"`

	w world
}

// answerWithin bounds one question to a host, so that a machine that swallows packets is asked again soon.
const answerWithin = 10 * time.Second

func (a *ready) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	i, err := a.w.Instances.Instance(ctx, a.Region, a.Instance)
	if providers.Is(err, providers.NotFound) {
		return seen(runbook.Absent, "EC2 does not know %s in %s yet", a.Instance, a.Region), nil
	}
	if err != nil {
		return runbook.Observation{}, err
	}
	switch i.State {
	case providers.InstanceRunning:
	case providers.InstanceTerminated, providers.InstanceShuttingDown:
		return seen(runbook.Broken, "%s is %s%s: it will not come up", i.ID, i.State, because(i)), nil
	case providers.InstanceStopped, providers.InstanceStopping:
		return seen(runbook.Absent, "%s is %s%s; start it: aws ec2 start-instances --region %s --instance-ids %s", i.ID, i.State, because(i), a.Region, i.ID), nil
	default:
		return seen(runbook.Pending, "%s is %s", i.ID, i.State), nil
	}
	host := a.host(i)
	if host.Address == "" {
		return seen(runbook.Pending, "%s runs and has no address yet", i.ID), nil
	}
	if !a.SSH {
		return a.up(call, host, "runs at "+host.Address), nil
	}
	return a.ask(ctx, call, host)
}

func (a *ready) host(i providers.Instance) providers.Host {
	address := cmp.Or(a.Address, i.PublicAddress, i.PrivateAddress)
	return providers.Host{Address: address, ID: i.ID, Region: a.Region, User: a.User}
}

func (a *ready) ask(ctx context.Context, call runbook.Call, host providers.Host) (runbook.Observation, error) {
	ctx, cancel := a.w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	r, err := a.w.Shell.Run(ctx, host, providers.Command{Argv: []string{"true"}, ReadOnly: true, Hang: answerWithin, Log: call.Log})
	switch {
	case providers.Is(err, providers.Missing):
		return runbook.Observation{}, err
	case err != nil:
		// A machine that boots refuses connections, then has no keys on its console, then has no user yet: every one of
		// these is "not yet", and nothing was run on it. The last reason stays on the screen.
		return seen(runbook.Pending, "%s runs at %s, ssh does not answer yet: %s", host.ID, host.Address, reason(err)), nil
	case r.Status != 0:
		return seen(runbook.Pending, "%s runs at %s, `true` ended with status %d: %s", host.ID, host.Address, r.Status, lastLines(r.Stderr, 1)), nil
	}
	return a.up(call, host, "answers ssh at "+host.Address), nil
}

func (a *ready) up(call runbook.Call, host providers.Host, how string) runbook.Observation {
	o := seen(runbook.Holds, "%s %s%s", host.ID, how, a.w.took(call))
	o.Outputs = map[string]any{"host": host.Value(), "address": host.Address}
	return o
}

func (a *ready) Permissions() []string {
	if !a.SSH {
		return readInstance()
	}
	return append(readInstance(), "ec2:GetConsoleOutput")
}

// Check asks for a machine that is there already; one that a step makes cannot be asked.
func (a *ready) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := "the machine comes up"
	if a.SSH {
		what += " and answers ssh"
	}
	if c, open := notYet(what, a.Instance, a.Region, a.Address); open {
		return []runbook.Check{c}
	}
	i, err := a.w.Instances.Instance(ctx, a.Region, a.Instance)
	what = fmt.Sprintf("%s is there in %s", a.Instance, a.Region)
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, err)}
	case i.State == providers.InstanceTerminated || i.State == providers.InstanceShuttingDown:
		return []runbook.Check{notWell(what, "ec2:DescribeInstances", "name another machine", "%s%s", i.State, because(i))}
	}
	return []runbook.Check{well(what, "ec2:DescribeInstances", "%s%s", i.State, because(i))}
}

// Depends is the region of the machine, and the machine.
func (a *ready) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "whether the machine runs cannot be seen"}}
}

func (a *ready) ByHand(runbook.Call) []string {
	lines := []string{line(words("aws", "ec2", "wait", "instance-running", "--region", orQuestion(a.Region), "--instance-ids", orQuestion(a.Instance)))}
	if !a.SSH {
		return lines
	}
	if a.Address != "" {
		return append(lines, remote{w: a.w, host: providers.Host{Address: a.Address, ID: orQuestion(a.Instance), User: a.User}}.byHand("true"))
	}
	address := fmt.Sprintf(`"$(aws ec2 describe-instances --region %s --instance-ids %s --query 'Reservations[0].Instances[0].PublicIpAddress' --output text)"`, quote(orQuestion(a.Region)), quote(orQuestion(a.Instance)))
	ssh := line(words("ssh", "-o", "HostKeyAlias="+orQuestion(a.Instance)), flag("-l", a.User))
	return append(lines, ssh+" "+address+" true")
}
