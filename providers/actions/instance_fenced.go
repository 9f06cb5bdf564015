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
		Summary:       "prove that a machine is stopped, isolated or without its address, and cannot write",
		New:           func() runbook.Probe { return &fenced{w: w} },
		Budget:        5 * time.Second,
		Timeout:       20 * time.Second,
		Interruptible: true,
	}
}

// fenced holds only when EC2 itself says that the machine is down, or that nothing reaches it, in one of the three ways of
// instance.fence. A region that does not answer proves nothing: its machines may be running, and writing, behind the
// silence.
type fenced struct {
	Instance string `with:"instance,required" doc:"id of the machine that must not come back"`
	Region   string `with:"region" default:"region_of(with.instance)" doc:"region of the machine"`
	Address  string `with:"address" doc:"the only address at which clients find it: without it, and without any other, it counts as fenced"`

	w world
}

func (a *fenced) Observe(ctx context.Context, _ runbook.Call) (runbook.Observation, error) {
	short, cancel := a.w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	i, err := a.w.Instances.Instance(short, a.Region, a.Instance)
	switch {
	case err == nil:
		return a.judge(short, i)
	case providers.Is(err, providers.NotFound):
		return seen(runbook.Unsure, "%s does not know %s: terminated more than an hour ago, or the id is wrong", a.Region, a.Instance), nil
	case ctx.Err() == nil && (short.Err() != nil || isAny(err, providers.Unreachable, providers.Lost, providers.Server)):
		return seen(runbook.Unsure, "%s does not answer (%s): %s may be running and may come back to write", a.Region, reason(err), a.Instance), nil
	}
	return runbook.Observation{}, err
}

func (a *fenced) judge(ctx context.Context, i providers.Instance) (runbook.Observation, error) {
	if i.State == providers.InstanceShuttingDown {
		return seen(runbook.Pending, "%s is %s in %s", i.ID, i.State, a.Region), nil
	}
	how, says, err := a.w.held(ctx, a.Region, i)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case how != "":
		return seen(runbook.Holds, "%s", says), nil
	case i.State == providers.InstanceStopping:
		return seen(runbook.Pending, "%s is %s in %s", i.ID, i.State, a.Region), nil
	case a.Address != "" && i.PublicAddress == "":
		held, err := a.w.Addresses.Address(ctx, a.Region, a.Address)
		if err != nil {
			return runbook.Observation{}, err
		}
		if held.Instance == i.ID {
			break
		}
		return seen(runbook.Holds, "%s is with %s, and %s has no other address: clients do not find it; it is %s still", a.Address, somebody(held.Instance), i.ID, i.State), nil
	}
	at := ""
	if i.PublicAddress != "" {
		at = " at " + i.PublicAddress
	}
	return seen(runbook.Absent, "%s is %s in %s%s and can write", i.ID, i.State, a.Region, at), nil
}

// Permissions name what proves each of the three ways.
func (a *fenced) Permissions() []string {
	p := append(readInstance(), "ec2:DescribeSecurityGroups")
	if a.Address != "" {
		p = append(p, "ec2:DescribeAddresses")
	}
	return p
}

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
