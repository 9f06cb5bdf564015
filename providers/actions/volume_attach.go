package actions

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func volumeAttach(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "volume.attach",
		Summary: "attach a volume to a machine",
		New:     func() runbook.Probe { return &attach{w: w} },
		Outputs: []runbook.Output{
			{Name: "volume", Doc: "id of the volume", Type: "string"},
			{Name: "device", Doc: "device name that EC2 gave it", Type: "string"},
		},
		Settle:  10 * time.Second,
		Budget:  10 * time.Second,
		Timeout: 2 * time.Minute,
	}
}

// attach never takes a volume from another machine: two machines that write to one file system destroy it.
type attach struct {
	Volume   string `with:"volume,required" doc:"id of the volume"`
	Instance string `with:"instance,required" doc:"id of the machine"`
	Device   string `with:"device" default:"'/dev/sdf'" doc:"device name asked for; on NVMe machines the kernel chooses another"`
	Region   string `with:"region" default:"region_of(with.volume)" doc:"region of the volume"`

	w world
}

// attachBefore is who held the volume.
type attachBefore struct {
	Instance   string `json:"instance,omitempty"`
	Device     string `json:"device,omitempty"`
	Attachment string `json:"attachment,omitempty"`
	Zone       string `json:"zone"`
}

func (a *attach) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	if err != nil {
		return nil, advise(err, providers.NotFound, "check the volume's id and region: %s in %s", a.Volume, a.Region)
	}
	if err := a.elsewhere(v); err != nil {
		return nil, err
	}
	i, err := a.w.Instances.Instance(ctx, a.Region, a.Instance)
	// A machine that was just made may not be readable yet: EC2 checks the zone again.
	if err == nil && i.Zone != "" && v.Zone != "" && i.Zone != v.Zone {
		return nil, a.otherZone(v.Zone, i.Zone)
	}
	return runbook.Keep(attachBefore{Instance: v.Instance, Device: v.Device, Attachment: v.Attachment, Zone: v.Zone})
}

func (a *attach) otherZone(volume, instance string) error {
	return &runbook.Failure{
		What:    fmt.Sprintf("%s is in %s and %s in %s", a.Volume, volume, a.Instance, instance),
		Means:   "a volume can be attached in its own zone only; nothing was changed",
		Do:      fmt.Sprintf("launch the machine in %s (the volume chooses the zone), or make a volume in %s from the newest snapshot", volume, instance),
		Verdict: runbook.Definitive,
	}
}

func (a *attach) elsewhere(v providers.Volume) error {
	if v.Attachment == "detaching" {
		return providers.Errorf(providers.NotReady, "attach "+a.Volume, a.Region, "it is being detached from %s", v.Instance)
	}
	if v.Instance == "" || v.Instance == a.Instance {
		return nil
	}
	e := providers.Errorf(providers.Conflict, "attach "+a.Volume, a.Region, "it is %s to %s as %s", v.Attachment, v.Instance, v.Device)
	e.Do = fmt.Sprintf("make sure that nothing on %s uses it, then: aws ec2 detach-volume --region %s --volume-id %s --instance-id %s", v.Instance, a.Region, a.Volume, v.Instance)
	return e
}

func (a *attach) Observe(ctx context.Context, _ runbook.Call) (runbook.Observation, error) {
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	if err != nil {
		return runbook.Observation{}, err
	}
	return a.judge(v), nil
}

func (a *attach) judge(v providers.Volume) runbook.Observation {
	switch {
	case v.Instance == "":
		return seen(runbook.Absent, "%s is free (%s)", v.ID, v.State)
	case v.Instance != a.Instance:
		return seen(runbook.Absent, "%s is %s to %s as %s", v.ID, v.Attachment, v.Instance, v.Device)
	case v.Attachment == "attached":
		o := seen(runbook.Holds, "%s on %s as %s", v.ID, v.Instance, v.Device)
		o.Outputs = map[string]any{"volume": v.ID, "device": v.Device}
		o.Changed = []runbook.Target{a.target()}
		return o
	case v.Attachment == "detaching" || v.Attachment == "detached":
		return seen(runbook.Absent, "%s is %s from %s", v.ID, v.Attachment, v.Instance)
	case v.Attachment == "busy":
		return seen(runbook.Broken, "%s is busy on %s: a detach hangs while the device is in use; unmount it there", v.ID, v.Instance)
	default:
		return seen(runbook.Pending, "%s is %s to %s", v.ID, v.Attachment, v.Instance)
	}
}

func (a *attach) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	// AttachVolume has no token: look first, and act only when it is needed.
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	if err != nil {
		return runbook.Observation{}, err
	}
	if err := a.elsewhere(v); err != nil {
		return runbook.Observation{}, err
	}
	if o := a.judge(v); o.State == runbook.Holds || o.State == runbook.Pending {
		return o, nil
	}
	if err := a.w.Volumes.Attach(ctx, a.Region, a.Volume, a.Instance, a.Device); err != nil {
		if providers.Is(err, providers.Mismatch) {
			err = advise(err, providers.Mismatch, "launch the machine in %s: the volume chooses the zone", v.Zone)
		}
		return runbook.Observation{}, advise(err, providers.Conflict, "see who holds it: aws ec2 describe-volumes --region %s --volume-ids %s", a.Region, a.Volume)
	}
	logf(call.Log, "EC2 accepted %s on %s as %s", a.Volume, a.Instance, a.Device)
	return seen(runbook.Pending, "EC2 has accepted %s on %s as %s", a.Volume, a.Instance, a.Device), nil
}

// Undo detaches only what this step attached. It does not force: a volume in use stays.
func (a *attach) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before attachBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if before.Instance == a.Instance && before.Attachment != "detaching" {
		return seen(runbook.Holds, "%s hung on %s before this step", a.Volume, a.Instance), nil
	}
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case v.Instance == "":
		return seen(runbook.Holds, "%s is free", a.Volume), nil
	case v.Instance != a.Instance:
		return seen(runbook.Holds, "%s is %s to %s, not as this step left it; it was left alone", a.Volume, v.Attachment, v.Instance), nil
	}
	if v.Attachment != "detaching" {
		if err := a.w.Volumes.Detach(ctx, a.Region, a.Volume, a.Instance); err != nil {
			return runbook.Observation{}, err
		}
		if v, err = a.w.Volumes.Volume(ctx, a.Region, a.Volume); err != nil {
			return runbook.Observation{}, err
		}
	}
	if v.Instance == a.Instance && v.Attachment != "detached" {
		return seen(runbook.Pending, "%s is %s from %s", a.Volume, v.Attachment, a.Instance), nil
	}
	return seen(runbook.Holds, "%s is detached from %s", a.Volume, a.Instance), nil
}

func (a *attach) target() runbook.Target {
	return runbook.Target{Kind: "volume", ID: a.Volume, Region: a.Region}
}

func (a *attach) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{a.target(), {Kind: "instance", ID: a.Instance, Region: a.Region}}
}

// Check asks whether the volume is free, and where the machine is known, whether it is in the volume's zone.
func (a *attach) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := fmt.Sprintf("volume %s in %s is free", a.Volume, a.Region)
	if c, open := notYet(what, a.Volume, a.Region); open {
		return []runbook.Check{c}
	}
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	if err != nil {
		return []runbook.Check{lookFailed(what, err)}
	}
	c := a.free(what, v)
	if _, open := runbook.NotKnown(a.Instance); open || !c.OK || a.Instance == "" {
		return []runbook.Check{c}
	}
	i, err := a.w.Instances.Instance(ctx, a.Region, a.Instance)
	switch {
	case err != nil:
		return []runbook.Check{c, lookFailed(fmt.Sprintf("%s is in the zone of %s", a.Instance, a.Volume), err)}
	case i.Zone != v.Zone:
		f := runbook.AsFailure(a.otherZone(v.Zone, i.Zone))
		return []runbook.Check{notWell(what, "ec2:DescribeInstances", f.Do, "%s", f.What)}
	}
	return []runbook.Check{c}
}

// hangs is a finding: the volume is attached to that machine.
type hangs struct{ Volume, Region, Instance string }

// free judges a volume as it was read.
func (a *attach) free(what string, v providers.Volume) runbook.Check {
	const source = "ec2:DescribeVolumes"
	if o := a.judge(v); o.State == runbook.Holds && a.Instance != "" {
		return well(what, source, "%s", o.Evidence)
	}
	switch {
	case v.Instance != "":
		do := "free it: a run takes a volume from no other machine"
		if err := a.elsewhere(v); err != nil {
			do = cmp.Or(runbook.AsFailure(err).Do, do)
		}
		c := notWell(what, source, do, "%s to %s", cmp.Or(v.Attachment, v.State), v.Instance)
		c.About = hangs{Volume: a.Volume, Region: a.Region, Instance: v.Instance}
		return c
	case v.State != "available":
		return notWell(what, source, "see what is the matter with the volume", "%s, in %s", v.State, v.Zone)
	}
	return well(what, source, "free, in %s", v.Zone)
}

// Depends is the region of the volume.
func (a *attach) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "the volume cannot be attached"}}
}

func (a *attach) Permissions() []string {
	return append(readInstance(), "ec2:DescribeVolumes", "ec2:AttachVolume", "ec2:DetachVolume")
}

func (a *attach) ByHand(runbook.Call) []string {
	region, volume := orQuestion(a.Region), orQuestion(a.Volume)
	return []string{
		line(words("aws", "ec2", "attach-volume", "--region", region, "--volume-id", volume, "--instance-id", orQuestion(a.Instance), "--device", a.Device)),
		line(words("aws", "ec2", "wait", "volume-in-use", "--region", region, "--volume-ids", volume)),
	}
}
