package actions

import (
	"context"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func instanceStart(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "instance.start",
		Summary: "start a machine that is stopped",
		New:     func() runbook.Probe { return &powerOn{w: w} },
		Outputs: []runbook.Output{
			{Name: "instance", Doc: "id of the machine", Type: "string"},
			{Name: "zone", Doc: "availability zone where it runs", Type: "string"},
			{Name: "region", Doc: "region where it runs", Type: "string"},
			{Name: "address", Doc: "its public address, when it has one; without an elastic address it is another one than before", Type: "string"},
		},
		Settle:  10 * time.Second,
		Budget:  20 * time.Second,
		Timeout: 5 * time.Minute,
	}
}

// powerOn is done when the machine runs. That it has booted is the question of instance.ready.
type powerOn struct {
	Instance string `with:"instance,required" doc:"id of the machine"`
	Region   string `with:"region" default:"region_of(with.instance)" doc:"region of the machine"`

	w world
}

func (a *powerOn) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	if err == nil {
		err = overdone(i, "started")
	}
	if err != nil {
		return nil, err
	}
	return runbook.Keep(stateBefore{State: i.State})
}

func (a *powerOn) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	if err != nil {
		return runbook.Observation{}, err
	}
	return a.judge(call, i), nil
}

func (a *powerOn) judge(call runbook.Call, i providers.Instance) runbook.Observation {
	switch i.State {
	case providers.InstanceRunning:
		o := seen(runbook.Holds, "%s runs in %s%s", i.ID, i.Zone, a.w.since(call, providers.InstanceRunning))
		o.Outputs = map[string]any{"instance": i.ID, "zone": i.Zone, "region": a.Region, "address": i.PublicAddress}
		o.Changed = []runbook.Target{machineTarget(a.Region, i.ID)}
		return o
	case providers.InstancePending:
		return seen(runbook.Pending, "%s is pending%s", i.ID, a.w.took(call))
	case providers.InstanceTerminated, providers.InstanceShuttingDown:
		return seen(runbook.Broken, "%s is %s%s: it will not come up", i.ID, i.State, because(i))
	}
	return seen(runbook.Absent, "%s is %s%s", i.ID, i.State, because(i))
}

// Apply looks first: StartInstances has no token.
func (a *powerOn) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	if err != nil {
		return runbook.Observation{}, err
	}
	if o := a.judge(call, i); o.State != runbook.Absent {
		return o, nil
	}
	if err := a.w.Power.Start(ctx, a.Region, a.Instance); err != nil {
		return runbook.Observation{}, advise(err, providers.NoCapacity, "a stopped machine holds no place. Retry in a moment; or give it another type (aws ec2 modify-instance-attribute --region %s --instance-id %s --instance-type TYPE) and retry; or launch its image in another zone", a.Region, a.Instance)
	}
	return seen(runbook.Pending, "EC2 has accepted to start %s", i.ID), nil
}

// Undo stops what this step started, and does not force it.
func (a *powerOn) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before stateBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if before.State != providers.InstanceStopped && before.State != providers.InstanceStopping {
		return seen(runbook.Holds, "%s was %s before this step", a.Instance, orQuestion(string(before.State))), nil
	}
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case over(i) || i.State == providers.InstanceStopped:
		return seen(runbook.Holds, "%s is %s", i.ID, i.State), nil
	case i.State != providers.InstanceRunning:
		return seen(runbook.Pending, "%s is %s", i.ID, i.State), nil
	}
	if err := a.w.Power.Stop(ctx, a.Region, a.Instance, false); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Pending, "EC2 has accepted to stop %s", i.ID), nil
}

func (a *powerOn) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{machineTarget(a.Region, a.Instance)}
}

// Check asks for the machine. Whether there is a place for it, only an accepted start proves.
func (a *powerOn) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	return []runbook.Check{
		a.w.checkMachine(ctx, a.Region, a.Instance),
		unknowable("there is a place for "+orQuestion(a.Instance), "a stopped machine holds none; only an accepted start proves it"),
	}
}

// Depends is the region of the machine.
func (a *powerOn) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "the machine cannot be started"}}
}

func (a *powerOn) Permissions() []string {
	return append(readInstance(), "ec2:StartInstances", "ec2:StopInstances")
}

func (a *powerOn) ByHand(runbook.Call) []string {
	region, id := orQuestion(a.Region), orQuestion(a.Instance)
	return []string{
		line(words("aws", "ec2", "start-instances", "--region", region, "--instance-ids", id)),
		line(words("aws", "ec2", "wait", "instance-running", "--region", region, "--instance-ids", id)),
	}
}
