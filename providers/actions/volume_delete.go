package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func volumeDelete(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "volume.delete",
		Summary: "delete a volume that a run of this estate has made",
		New:     func() runbook.Probe { return &erase{w: w} },
		Outputs: []runbook.Output{{Name: "volume", Doc: "id of the volume", Type: "string"}},
		Settle:  10 * time.Second,
		Budget:  10 * time.Second,
		Timeout: 2 * time.Minute,
	}
}

// erase has no undo: what was on the volume is gone. So it deletes only what a run of its estate made and nobody uses, unless
// the step says otherwise in words.
type erase struct {
	Volume  string `with:"volume,required" doc:"id of the volume"`
	Region  string `with:"region" default:"region_of(with.volume)" doc:"region of the volume"`
	Estate  string `with:"estate" default:"estate.name" doc:"name of the estate whose runs made it"`
	Foreign bool   `with:"foreign" doc:"also when no run of this estate made it; give the step confirm: type then"`

	w world
}

// eraseBefore is what will be gone.
type eraseBefore struct {
	State    string `json:"state"`
	SizeGiB  int    `json:"size_gib,omitempty"`
	Run      string `json:"run,omitempty"`
	Snapshot string `json:"snapshot,omitempty"`
}

func (a *erase) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	switch {
	case providers.Is(err, providers.NotFound):
		return runbook.Keep(eraseBefore{State: "gone"})
	case err != nil:
		return nil, err
	}
	if err := a.may(v); err != nil {
		return nil, err
	}
	return runbook.Keep(eraseBefore{State: v.State, SizeGiB: v.SizeGiB, Run: v.Tags[tagRun], Snapshot: v.Snapshot})
}

// may refuses what is in use, and what no run has made.
func (a *erase) may(v providers.Volume) error {
	switch {
	case v.Instance != "":
		return runbook.Fail(fmt.Sprintf("%s is %s to %s as %s", v.ID, v.Attachment, v.Instance, v.Device), "a volume in use is not deleted; nothing was changed", "unmount and detach it first")
	case !ofEstate(v.Tags, a.Estate) && !a.Foreign:
		return runbook.Fail(stranger(v.ID, v.Tags, a.Estate),
			"what was on it could not be brought back; nothing was changed",
			"if it is to go all the same, write `foreign: true` and `confirm: type` in the step, or delete it by hand")
	}
	return nil
}

func (a *erase) Observe(ctx context.Context, _ runbook.Call) (runbook.Observation, error) {
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	switch {
	case providers.Is(err, providers.NotFound):
		return a.done("%s is not known in %s: it is gone, or never was there", a.Volume, a.Region), nil
	case err != nil:
		return runbook.Observation{}, err
	case v.State == "deleted":
		return a.done("%s is deleted", a.Volume), nil
	case v.State == "deleting":
		return seen(runbook.Pending, "%s is being deleted", a.Volume), nil
	}
	return seen(runbook.Absent, "%s is %s", a.Volume, v.State), nil
}

func (a *erase) done(format string, args ...any) runbook.Observation {
	o := seen(runbook.Holds, format, args...)
	o.Outputs = map[string]any{"volume": a.Volume}
	o.Changed = a.Targets(runbook.Call{})
	return o
}

func (a *erase) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	switch {
	case providers.Is(err, providers.NotFound):
		return a.Observe(ctx, call)
	case err != nil:
		return runbook.Observation{}, err
	}
	if err := a.may(v); err != nil {
		return runbook.Observation{}, err
	}
	if err := a.w.Disks.DeleteVolume(ctx, a.Region, a.Volume); err != nil {
		return runbook.Observation{}, advise(err, providers.Conflict, "unmount and detach it first")
	}
	return seen(runbook.Pending, "EC2 has accepted that %s is deleted", a.Volume), nil
}

func (a *erase) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{{Kind: "volume", ID: a.Volume, Region: a.Region}}
}

// Check asks who uses the volume and who made it.
func (a *erase) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := fmt.Sprintf("%s in %s may be deleted", a.Volume, a.Region)
	if c, open := notYet(what, a.Volume, a.Region); open {
		return []runbook.Check{c}
	}
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	if err != nil {
		return []runbook.Check{lookFailed(what, advise(err, providers.NotFound, "check the volume's id and region: %s in %s", a.Volume, a.Region))}
	}
	if err := a.may(v); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell(what, "ec2:DescribeVolumes", f.Do, "%s", f.What)}
	}
	by := "made by run " + v.Tags[tagRun]
	if v.Tags[tagRun] == "" {
		by = "made by no run; the step says that it may go"
	}
	return []runbook.Check{well(what, "ec2:DescribeVolumes", "%s, %d GiB, %s", v.State, v.SizeGiB, by)}
}

// Depends is the region of the volume.
func (a *erase) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "the volume cannot be deleted, and costs money"}}
}

func (a *erase) Permissions() []string { return []string{"ec2:DeleteVolume", "ec2:DescribeVolumes"} }

func (a *erase) ByHand(runbook.Call) []string {
	return []string{line(words("aws", "ec2", "delete-volume", "--region", orQuestion(a.Region), "--volume-id", orQuestion(a.Volume)))}
}
