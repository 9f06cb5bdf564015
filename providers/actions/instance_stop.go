package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func instanceStop(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "instance.stop",
		Summary: "stop a machine and wait until it is down",
		New:     func() runbook.Probe { return &powerOff{w: w} },
		Outputs: []runbook.Output{{Name: "instance", Doc: "id of the machine", Type: "string"}},
		Settle:  10 * time.Second,
		Budget:  time.Minute,
		Timeout: 10 * time.Minute,
	}
}

// powerOff asks nicely unless it is told to force: a machine that is forced has no time to write its caches to its disks.
type powerOff struct {
	Instance string `with:"instance,required" doc:"id of the machine"`
	Region   string `with:"region" default:"region_of(with.instance)" doc:"region of the machine"`
	Force    bool   `with:"force" doc:"do not wait for the machine to agree; what it had not written to its disks yet is lost"`

	w world
}

// stateBefore is how the machine stood.
type stateBefore struct {
	State providers.InstanceState `json:"state"`
}

// since is how long it took from the intent to this state, or that it was so before.
func (w world) since(call runbook.Call, state providers.InstanceState) string {
	var before stateBefore
	if runbook.Recall(call.Before, &before) == nil && before.State == state {
		return ", as before"
	}
	return w.took(call)
}

// stopsSlowly is how long a machine that stops well takes at most.
const stopsSlowly = 90 * time.Second

// readMachine is the machine as it stands, with what to do when there is none.
func (w world) readMachine(ctx context.Context, region, id string) (providers.Instance, error) {
	i, err := w.Instances.Instance(ctx, region, id)
	return i, advise(err, providers.NotFound, "check the machine's id and region: %s in %s; one that was terminated more than an hour ago is not known any more", id, region)
}

// overdone refuses what cannot be done to a machine that is gone.
func overdone(i providers.Instance, verb string) error {
	if !over(i) {
		return nil
	}
	return runbook.Fail(fmt.Sprintf("%s is %s%s", i.ID, i.State, because(i)), "a machine that is gone cannot be "+verb, "name another machine")
}

func over(i providers.Instance) bool {
	return i.State == providers.InstanceTerminated || i.State == providers.InstanceShuttingDown
}

func machineTarget(region, id string) runbook.Target {
	return runbook.Target{Kind: "instance", ID: id, Region: region}
}

func (a *powerOff) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	if err == nil {
		err = overdone(i, "stopped")
	}
	if err != nil {
		return nil, err
	}
	return runbook.Keep(stateBefore{State: i.State})
}

func (a *powerOff) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	if err != nil {
		return runbook.Observation{}, err
	}
	return a.judge(call, i), nil
}

func (a *powerOff) judge(call runbook.Call, i providers.Instance) runbook.Observation {
	switch {
	case over(i):
		return seen(runbook.Broken, "%s is %s%s: it is down for good, and cannot be started again", i.ID, i.State, because(i))
	case i.State == providers.InstanceStopped:
		o := seen(runbook.Holds, "%s is stopped%s", i.ID, a.w.since(call, providers.InstanceStopped))
		o.Outputs = map[string]any{"instance": i.ID}
		o.Changed = []runbook.Target{machineTarget(a.Region, i.ID)}
		return o
	case i.State == providers.InstanceStopping:
		return seen(runbook.Pending, "%s is stopping%s%s", i.ID, a.w.took(call), a.w.hangs(call, a.Region, i.ID))
	}
	return seen(runbook.Absent, "%s is %s", i.ID, i.State)
}

// hangs says what can be done about a machine that takes too long to stop.
func (w world) hangs(call runbook.Call, region, id string) string {
	if call.Since.IsZero() || w.clock.Now().Sub(call.Since) < stopsSlowly {
		return ""
	}
	return fmt.Sprintf("; it hangs: aws ec2 stop-instances --force --region %s --instance-ids %s", region, id)
}

// Apply looks first: StopInstances has no token. Of what is stopping already only a force asks again.
func (a *powerOff) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	if err != nil {
		return runbook.Observation{}, err
	}
	o := a.judge(call, i)
	if o.State == runbook.Holds || o.State == runbook.Broken || o.State == runbook.Pending && !a.Force {
		return o, nil
	}
	if err := a.w.Power.Stop(ctx, a.Region, a.Instance, a.Force); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Pending, "EC2 has accepted to stop %s", i.ID), nil
}

// Undo starts what this step stopped.
func (a *powerOff) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before stateBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if before.State != providers.InstanceRunning && before.State != providers.InstancePending {
		return seen(runbook.Holds, "%s was %s before this step", a.Instance, orQuestion(string(before.State))), nil
	}
	return a.w.startAgain(ctx, a.Region, a.Instance)
}

// startAgain starts a machine that was stopped by a step, and waits until it runs.
func (w world) startAgain(ctx context.Context, region, id string) (runbook.Observation, error) {
	i, err := w.readMachine(ctx, region, id)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case over(i):
		return seen(runbook.Holds, "%s is %s: there is nothing to start", id, i.State), nil
	case i.State == providers.InstanceRunning:
		return seen(runbook.Holds, "%s runs", id), nil
	case i.State == providers.InstanceStopped:
		if err := w.Power.Start(ctx, region, id); err != nil {
			return runbook.Observation{}, advise(err, providers.NoCapacity, "a stopped machine holds no place: undo again later, or start its image elsewhere")
		}
		return seen(runbook.Pending, "EC2 has accepted to start %s", id), nil
	}
	return seen(runbook.Pending, "%s is %s", id, i.State), nil
}

func (a *powerOff) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{machineTarget(a.Region, a.Instance)}
}

// Check asks for the machine.
func (a *powerOff) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	return []runbook.Check{a.w.checkMachine(ctx, a.Region, a.Instance)}
}

// checkMachine asks whether the machine is there to be worked on.
func (w world) checkMachine(ctx context.Context, region, id string) runbook.Check {
	what := fmt.Sprintf("%s is there in %s", orQuestion(id), orQuestion(region))
	if c, open := notYet(what, id, region); open {
		return c
	}
	i, err := w.readMachine(ctx, region, id)
	switch {
	case err != nil:
		return lookFailed(what, err)
	case over(i):
		return notWell(what, "ec2:DescribeInstances", "name another machine", "%s%s", i.State, because(i))
	}
	return well(what, "ec2:DescribeInstances", "%s%s", i.State, because(i))
}

// Depends is the region of the machine.
func (a *powerOff) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "the machine cannot be stopped, and goes on as it is"}}
}

func (a *powerOff) Permissions() []string {
	return append(readInstance(), "ec2:StopInstances", "ec2:StartInstances")
}

func (a *powerOff) ByHand(runbook.Call) []string {
	return stopByHand(a.Region, a.Instance, a.Force)
}

func stopByHand(region, id string, force bool) []string {
	region, id = orQuestion(region), orQuestion(id)
	how := words("aws", "ec2", "stop-instances")
	if force {
		how = append(how, "--force")
	}
	return []string{
		line(how, words("--region", region, "--instance-ids", id)),
		line(words("aws", "ec2", "wait", "instance-stopped", "--region", region, "--instance-ids", id)),
	}
}
