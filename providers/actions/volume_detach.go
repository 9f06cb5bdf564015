package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func volumeDetach(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "volume.detach",
		Summary: "take a volume from a machine",
		New:     func() runbook.Probe { return &detach{w: w} },
		Outputs: []runbook.Output{
			{Name: "volume", Doc: "id of the volume", Type: "string"},
			{Name: "instance", Doc: "the machine that it hung on; empty when it was free", Type: "string"},
			{Name: "device", Doc: "device name that it had there; empty when it was free", Type: "string"},
		},
		Settle:  10 * time.Second,
		Budget:  10 * time.Second,
		Timeout: 5 * time.Minute,
	}
}

// detach never forces: what a machine still writes would be lost. A volume whose file system is mounted stays where it is
// until it is unmounted.
type detach struct {
	Volume   string `with:"volume,required" doc:"id of the volume"`
	Instance string `with:"instance" doc:"id of the machine; left out, whichever it hangs on"`
	Region   string `with:"region" default:"region_of(with.volume)" doc:"region of the volume"`

	w world
}

// from is the machine that shall lose the volume: the one that is named, or the one that held it.
func (a *detach) from(before attachBefore) string {
	if a.Instance != "" {
		return a.Instance
	}
	return before.Instance
}

func (a *detach) before(call runbook.Call) (attachBefore, error) {
	var before attachBefore
	err := runbook.Recall(call.Before, &before)
	return before, err
}

func (a *detach) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	if err != nil {
		return nil, advise(err, providers.NotFound, "check the volume's id and region: %s in %s", a.Volume, a.Region)
	}
	if v.Attachment == "attaching" {
		return nil, providers.Errorf(providers.NotReady, "detach "+a.Volume, a.Region, "it is being attached to %s", v.Instance)
	}
	if v.Instance != "" && a.Instance == "" && call.MayTouch != nil {
		if err := call.MayTouch(runbook.Target{Kind: "instance", ID: v.Instance, Region: a.Region}); err != nil {
			return nil, err
		}
	}
	return runbook.Keep(attachBefore{Instance: v.Instance, Device: v.Device, Attachment: v.Attachment, Zone: v.Zone})
}

func (a *detach) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	before, err := a.before(call)
	if err != nil {
		return runbook.Observation{}, err
	}
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	if err != nil {
		return runbook.Observation{}, err
	}
	return a.judge(v, before), nil
}

func (a *detach) judge(v providers.Volume, before attachBefore) runbook.Observation {
	from := a.from(before)
	var o runbook.Observation
	switch {
	case v.Instance == "":
		o = seen(runbook.Holds, "%s is free (%s)", v.ID, v.State)
	case from != "" && v.Instance != from:
		o = seen(runbook.Holds, "%s is %s to %s, not to %s", v.ID, v.Attachment, v.Instance, from)
	case v.Attachment == "detaching" || v.Attachment == "busy":
		return seen(runbook.Pending, "%s is %s from %s; it stays so while a file system on it is mounted there", v.ID, v.Attachment, v.Instance)
	default:
		return seen(runbook.Absent, "%s is %s to %s as %s", v.ID, v.Attachment, v.Instance, v.Device)
	}
	o.Outputs = map[string]any{"volume": v.ID, "instance": "", "device": ""}
	if from != "" && before.Instance == from {
		o.Outputs["instance"], o.Outputs["device"] = before.Instance, before.Device
		o.Changed = []runbook.Target{a.target()}
	}
	return o
}

func (a *detach) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	// DetachVolume has no token: look first, and act only when it is needed.
	before, err := a.before(call)
	if err != nil {
		return runbook.Observation{}, err
	}
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	if err != nil {
		return runbook.Observation{}, err
	}
	if o := a.judge(v, before); o.State != runbook.Absent {
		return o, nil
	}
	if a.Instance == "" && v.Instance != before.Instance {
		return runbook.Observation{}, runbook.Fail(fmt.Sprintf("%s hangs on %s, and hung on nobody when the step looked", a.Volume, v.Instance),
			"somebody has attached it meanwhile; nothing was changed", "look who, then retry")
	}
	if err := a.w.Volumes.Detach(ctx, a.Region, a.Volume, v.Instance); err != nil {
		return runbook.Observation{}, err
	}
	logf(call.Log, "EC2 accepted that %s leaves %s", a.Volume, v.Instance)
	return seen(runbook.Pending, "EC2 has accepted that %s leaves %s", a.Volume, v.Instance), nil
}

// Undo attaches the volume again where it was, if it is free and was there.
func (a *detach) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	before, err := a.before(call)
	if err != nil {
		return runbook.Observation{}, err
	}
	from := a.from(before)
	if from == "" || before.Instance != from {
		return seen(runbook.Holds, "%s did not hang on %s before this step", a.Volume, orQuestion(from)), nil
	}
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case v.Attachment == "detaching" || v.Instance == from && v.Attachment != "attached":
		return seen(runbook.Pending, "%s is %s, %s", a.Volume, v.Attachment, v.Instance), nil
	case v.Instance == from:
		return seen(runbook.Holds, "%s is attached to %s as %s", a.Volume, from, v.Device), nil
	case v.Instance != "":
		return seen(runbook.Holds, "%s is %s to %s, not as this step left it; it was left alone", a.Volume, v.Attachment, v.Instance), nil
	}
	if err := a.w.Volumes.Attach(ctx, a.Region, a.Volume, from, before.Device); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Pending, "EC2 has accepted %s on %s as %s again", a.Volume, from, before.Device), nil
}

func (a *detach) target() runbook.Target {
	return runbook.Target{Kind: "volume", ID: a.Volume, Region: a.Region}
}

func (a *detach) Targets(call runbook.Call) []runbook.Target {
	list := []runbook.Target{a.target()}
	if before, err := a.before(call); err == nil && a.from(before) != "" {
		list = append(list, runbook.Target{Kind: "instance", ID: a.from(before), Region: a.Region})
	}
	return list
}

// Settles that the volume hangs there.
func (a *detach) Settles(about any) bool {
	h, ok := about.(hangs)
	return ok && h.Volume == a.Volume && h.Region == a.Region && (a.Instance == "" || a.Instance == h.Instance)
}

// Check asks where the volume hangs.
func (a *detach) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := fmt.Sprintf("%s in %s can be detached", a.Volume, a.Region)
	if c, open := notYet(what, a.Volume, a.Region, a.Instance); open {
		return []runbook.Check{c}
	}
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, err)}
	case v.Instance == "":
		return []runbook.Check{well(what, "ec2:DescribeVolumes", "it is free already (%s)", v.State)}
	case a.Instance != "" && v.Instance != a.Instance:
		return []runbook.Check{notWell(what, "ec2:DescribeVolumes", "correct instance, or leave it out", "it is %s to %s, not to %s", v.Attachment, v.Instance, a.Instance)}
	}
	return []runbook.Check{
		well(what, "ec2:DescribeVolumes", "%s to %s as %s", v.Attachment, v.Instance, v.Device),
		unknowable("nothing on "+v.Instance+" has it mounted", "EC2 does not know; a detach waits until it is unmounted"),
	}
}

// Depends is the region of the volume.
func (a *detach) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "the volume cannot be detached"}}
}

func (a *detach) Permissions() []string {
	return []string{"ec2:AttachVolume", "ec2:DescribeVolumes", "ec2:DetachVolume"}
}

func (a *detach) ByHand(call runbook.Call) []string {
	before, err := a.before(call)
	if err != nil {
		before = attachBefore{}
	}
	region, volume := orQuestion(a.Region), orQuestion(a.Volume)
	return []string{
		line(words("aws", "ec2", "detach-volume", "--region", region, "--volume-id", volume), flag("--instance-id", a.from(before))),
		line(words("aws", "ec2", "wait", "volume-available", "--region", region, "--volume-ids", volume)),
	}
}
