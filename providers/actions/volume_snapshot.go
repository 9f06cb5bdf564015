package actions

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func volumeSnapshot(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "volume.snapshot",
		Summary: "make a snapshot of a volume",
		New:     func() runbook.Probe { return &snap{w: w} },
		Outputs: snapshotOutputs,
		Settle:  snapshotSettle,
		Budget:  5 * time.Minute,
		Timeout: 12 * time.Hour,
	}
}

var snapshotOutputs = []runbook.Output{
	{Name: "snapshot", Doc: "id of the snapshot", Type: "string"},
	{Name: "region", Doc: "region where it is", Type: "string"},
	{Name: "size", Doc: "size of a volume made from it, in GiB", Type: "number"},
}

// snap is done when the snapshot is completed. What it holds is what the volume held when EC2 accepted it, so that writes
// may go on at once; a file system that is mounted is then as after a power cut.
type snap struct {
	Volume      string `with:"volume,required" doc:"id of the volume"`
	Region      string `with:"region" default:"region_of(with.volume)" doc:"region of the volume"`
	Name        string `with:"name" doc:"the snapshot's Name tag"`
	Description string `with:"description" doc:"what the snapshot says of itself"`
	Estate      string `with:"estate" default:"estate.name" doc:"name of the estate, for the tag by which its runs know their own"`

	w world
}

// snapBefore is the volume as it was.
type snapBefore struct {
	State   string `json:"state"`
	SizeGiB int    `json:"size_gib"`
}

func (a *snap) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	if err != nil {
		return nil, advise(err, providers.NotFound, "check the volume's id and region: %s in %s", a.Volume, a.Region)
	}
	switch v.State {
	case "available", "in-use":
		return runbook.Keep(snapBefore{State: v.State, SizeGiB: v.SizeGiB})
	case "creating":
		return nil, providers.Errorf(providers.NotReady, "snapshot "+a.Volume, a.Region, "it is still being made")
	}
	return nil, runbook.Fail(fmt.Sprintf("%s is %s", a.Volume, v.State), "no snapshot of it can be made; nothing was changed", "look at the volume")
}

func (a *snap) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	// CreateSnapshot has no token: the tag is how the step finds its own again.
	found, err := a.w.Snapshots.FindSnapshots(ctx, a.Region, "", map[string]string{tagKey: string(call.Key)})
	if err != nil {
		return runbook.Observation{}, err
	}
	if len(found) == 0 {
		return seen(runbook.Absent, "no snapshot in %s bears the key %s", a.Region, call.Key), nil
	}
	o := a.judge(call, found[0])
	if len(found) > 1 {
		o.Evidence += fmt.Sprintf("; %d snapshots bear its key: delete all but this one", len(found))
	}
	return o, nil
}

func (a *snap) judge(call runbook.Call, s providers.Snapshot) runbook.Observation {
	o := a.w.snapshotSeen(call, s, "of "+a.Volume)
	o.Made = []runbook.Target{{Kind: "snapshot", ID: s.ID, Region: a.Region}}
	return o
}

func (a *snap) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if o, err := a.Observe(ctx, call); err != nil || o.State != runbook.Absent {
		return o, err
	}
	tags := labels(call, a.Name, a.Estate)
	tags[tagVolume] = a.Volume
	s, err := a.w.Snapshots.CreateSnapshot(ctx, a.Region, a.Volume, a.describe(call), tags)
	if err != nil {
		return runbook.Observation{}, advise(err, providers.NotFound, "check the volume's id and region: %s in %s", a.Volume, a.Region)
	}
	logf(call.Log, "EC2 accepted %s of %s", s.ID, a.Volume)
	return a.judge(call, s), nil
}

func (a *snap) describe(call runbook.Call) string {
	return cmp.Or(a.Description, fmt.Sprintf("%s, by lifeboat run %s", a.Volume, call.Run))
}

// Undo deletes the snapshot.
func (a *snap) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	return a.w.dropSnapshot(ctx, call, a.Region)
}

// Targets is nothing: a snapshot changes nothing of its volume, and belongs to the run that made it.
func (a *snap) Targets(runbook.Call) []runbook.Target { return []runbook.Target{} }

// Check asks for the volume.
func (a *snap) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := fmt.Sprintf("a snapshot of %s in %s can be made", a.Volume, a.Region)
	if c, open := notYet(what, a.Volume, a.Region); open {
		return []runbook.Check{c}
	}
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, advise(err, providers.NotFound, "check the volume's id and region: %s in %s", a.Volume, a.Region))}
	case v.State != "available" && v.State != "in-use":
		return []runbook.Check{notWell(what, "ec2:DescribeVolumes", "look at the volume", "it is %s", v.State)}
	}
	return []runbook.Check{well(what, "ec2:DescribeVolumes", "%s, %d GiB, in %s", v.State, v.SizeGiB, v.Zone)}
}

// Depends is the region of the volume.
func (a *snap) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "no snapshot of the volume can be made"}}
}

// Permissions name ec2:CreateTags because tags go with the snapshot.
func (a *snap) Permissions() []string {
	return []string{"ec2:CreateSnapshot", "ec2:CreateTags", "ec2:DeleteSnapshot", "ec2:DescribeSnapshots", "ec2:DescribeVolumes"}
}

func (a *snap) ByHand(call runbook.Call) []string {
	tags := labels(call, a.Name, a.Estate)
	tags[tagVolume] = orQuestion(a.Volume)
	region := orQuestion(a.Region)
	return []string{
		line(words("aws", "ec2", "create-snapshot", "--region", region, "--volume-id", orQuestion(a.Volume), "--description", a.describe(call)),
			words("--tag-specifications", tagWords("snapshot", tags))),
		line(words("aws", "ec2", "wait", "snapshot-completed", "--region", region, "--filters", "Name=tag:"+tagKey+",Values="+orQuestion(string(call.Key)))),
	}
}
