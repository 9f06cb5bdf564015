package actions

import (
	"context"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func instanceFenced(w world) runbook.Kind {
	return runbook.Kind{
		Name:          "instance.fenced",
		Summary:       "prove that a machine is stopped and cannot write",
		New:           func() runbook.Probe { return &fenced{w: w} },
		Budget:        5 * time.Second,
		Timeout:       20 * time.Second,
		Interruptible: true,
	}
}

// fenced holds only when EC2 itself says that the machine is down. A region that does not answer proves nothing: its
// machines may be running, and writing, behind the silence.
type fenced struct {
	Instance string `with:"instance,required" doc:"id of the machine that must not come back"`
	Region   string `with:"region" default:"region_of(with.instance)" doc:"region of the machine"`

	w world
}

func (a *fenced) Observe(ctx context.Context, _ runbook.Call) (runbook.Observation, error) {
	short, cancel := a.w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	i, err := a.w.Instances.Instance(short, a.Region, a.Instance)
	switch {
	case err == nil:
		return a.judge(i), nil
	case providers.Is(err, providers.NotFound):
		return seen(runbook.Unsure, "%s does not know %s: terminated more than an hour ago, or the id is wrong", a.Region, a.Instance), nil
	case ctx.Err() == nil && (short.Err() != nil || isAny(err, providers.Unreachable, providers.Lost, providers.Server)):
		return seen(runbook.Unsure, "%s does not answer (%s): %s may be running and may come back to write", a.Region, reason(err), a.Instance), nil
	}
	return runbook.Observation{}, err
}

func (a *fenced) judge(i providers.Instance) runbook.Observation {
	switch i.State {
	case providers.InstanceStopped, providers.InstanceTerminated:
		return seen(runbook.Holds, "%s is %s in %s", i.ID, i.State, a.Region)
	case providers.InstanceStopping, providers.InstanceShuttingDown:
		return seen(runbook.Pending, "%s is %s in %s", i.ID, i.State, a.Region)
	}
	return seen(runbook.Absent, "%s is %s in %s and can write", i.ID, i.State, a.Region)
}

func (a *fenced) Permissions() []string { return readInstance() }

// Depends is the region of the machine that must stay down: the one that fails.
func (a *fenced) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "that the machine is down cannot be proved"}}
}

func (a *fenced) ByHand(runbook.Call) []string {
	region, instance := orQuestion(a.Region), orQuestion(a.Instance)
	return []string{
		line(words("aws", "ec2", "stop-instances", "--force", "--region", region, "--instance-ids", instance)),
		line(words("aws", "ec2", "wait", "instance-stopped", "--region", region, "--instance-ids", instance)),
	}
}
