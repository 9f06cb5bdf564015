package actions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func instanceTerminate(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "instance.terminate",
		Summary: "terminate a machine that a run of this estate has made",
		New:     func() runbook.Probe { return &terminate{w: w} },
		Outputs: []runbook.Output{{Name: "instance", Doc: "id of the machine", Type: "string"}},
		Settle:  10 * time.Second,
		Budget:  time.Minute,
		Timeout: 10 * time.Minute,
	}
}

// terminate has no undo, so it touches only what bears the tags of a run of its estate: what people made, people terminate.
type terminate struct {
	Instance string `with:"instance,required" doc:"id of the machine"`
	Region   string `with:"region" default:"region_of(with.instance)" doc:"region of the machine"`
	Estate   string `with:"estate" default:"estate.name" doc:"name of the estate whose runs made it"`

	w world
}

func (a *terminate) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	if err == nil {
		err = a.refuse(i)
	}
	if err != nil {
		return nil, err
	}
	return runbook.Keep(stateBefore{State: i.State})
}

func (a *terminate) refuse(i providers.Instance) error {
	if ofEstate(i.Tags, a.Estate) || over(i) {
		return nil
	}
	return runbook.Fail(stranger(named(i), i.Tags, a.Estate), "it may be somebody's server; it was left alone",
		fmt.Sprintf("look at it, and terminate it by hand if it is to go: aws ec2 terminate-instances --region %s --instance-ids %s", a.Region, i.ID))
}

// named is a machine by its id and what people call it.
func named(i providers.Instance) string {
	if name := i.Tags["Name"]; name != "" {
		return fmt.Sprintf("%s (%s)", i.ID, name)
	}
	return i.ID
}

func (a *terminate) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	i, err := a.w.Instances.Instance(ctx, a.Region, a.Instance)
	switch {
	case providers.Is(err, providers.NotFound) && len(call.Before) > 0:
		return a.done("EC2 does not know %s any more", a.Instance), nil // it was there when Prepare looked
	case providers.Is(err, providers.NotFound):
		return seen(runbook.Unsure, "%s does not know %s: terminated more than an hour ago, or the id is wrong", a.Region, a.Instance), nil
	case err != nil:
		return runbook.Observation{}, err
	}
	return a.judge(call, i), nil
}

func (a *terminate) judge(call runbook.Call, i providers.Instance) runbook.Observation {
	switch i.State {
	case providers.InstanceTerminated:
		return a.done("%s is terminated%s", named(i), a.w.took(call))
	case providers.InstanceShuttingDown:
		return seen(runbook.Pending, "%s is shutting down%s", named(i), a.w.took(call))
	}
	return seen(runbook.Absent, "%s is %s", named(i), i.State)
}

func (a *terminate) done(format string, args ...any) runbook.Observation {
	o := seen(runbook.Holds, format, args...)
	o.Outputs = map[string]any{"instance": a.Instance}
	o.Changed = []runbook.Target{machineTarget(a.Region, a.Instance)}
	return o
}

// Apply looks once more: what it is about to end may have been given to somebody since.
func (a *terminate) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	if err != nil {
		return runbook.Observation{}, err
	}
	if o := a.judge(call, i); o.State != runbook.Absent {
		return o, nil
	}
	if err := a.refuse(i); err != nil {
		return runbook.Observation{}, err
	}
	if err := a.w.Instances.Terminate(ctx, a.Region, a.Instance); err != nil {
		return runbook.Observation{}, a.shielded(err)
	}
	return seen(runbook.Pending, "EC2 has accepted to terminate %s", named(i)), nil
}

// shielded says how a protection is lifted, by the whole command.
func (a *terminate) shielded(err error) error {
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != providers.Conflict {
		return err
	}
	out := *e
	out.Do = fmt.Sprintf("somebody has protected it. Find out why; to lift it: aws ec2 modify-instance-attribute --no-disable-api-termination --region %s --instance-id %s; then retry", a.Region, a.Instance)
	return &out
}

func (a *terminate) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{machineTarget(a.Region, a.Instance)}
}

// Check asks whether a run of the estate has made the machine. A protection is not among what EC2 tells with a machine.
func (a *terminate) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := fmt.Sprintf("%s was made by a run of this estate", orQuestion(a.Instance))
	if c, open := notYet(what, a.Instance, a.Region); open {
		return []runbook.Check{c}
	}
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	if err != nil {
		return []runbook.Check{lookFailed(what, err)}
	}
	if err := a.refuse(i); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell(what, "ec2:DescribeInstances", f.Do, "%s", f.What)}
	}
	return []runbook.Check{well(what, "ec2:DescribeInstances", "%s, by run %s", i.State, orQuestion(i.Tags[tagRun]))}
}

// Depends is the region of the machine.
func (a *terminate) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "the machine goes on, and is paid for"}}
}

func (a *terminate) Permissions() []string { return append(readInstance(), "ec2:TerminateInstances") }

func (a *terminate) ByHand(runbook.Call) []string {
	region, id := orQuestion(a.Region), orQuestion(a.Instance)
	return []string{
		line(words("aws", "ec2", "terminate-instances", "--region", region, "--instance-ids", id)),
		line(words("aws", "ec2", "wait", "instance-terminated", "--region", region, "--instance-ids", id)),
	}
}
