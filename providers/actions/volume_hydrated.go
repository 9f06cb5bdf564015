package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func volumeHydrated(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "volume.hydrated",
		Summary: "wait until all of a volume has arrived from its snapshot",
		New:     func() runbook.Probe { return &hydrated{w: w} },
		Budget:  10 * time.Minute,
		Timeout: 24 * time.Hour,
	}
}

// hydrated tells attached from fast. A service may start before: what it reads for the first time is slow until then.
type hydrated struct {
	Volume string `with:"volume,required" doc:"id of the volume"`
	Region string `with:"region" default:"region_of(with.volume)" doc:"region of the volume"`

	w world
}

// hydrationLate is how old EC2's word about a volume's filling may be.
const hydrationLate = 5 * time.Minute

func (a *hydrated) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	h, err := a.w.Disks.Hydration(ctx, a.Region, a.Volume)
	switch {
	case err != nil:
		return runbook.Observation{}, advise(err, providers.NotFound, "check the volume's id and region: %s in %s", a.Volume, a.Region)
	case h.Complete:
		return seen(runbook.Holds, "all of %s has arrived", a.Volume), nil
	case h.Known:
		left := ""
		if h.Left > 0 {
			left = fmt.Sprintf(", %s left", h.Left.Round(time.Second))
		}
		if call.Progress != nil {
			call.Progress(runbook.Progress{Text: a.Volume + " is being filled", Done: h.Done * 100, Total: 100, Unit: "%", Left: runbook.Seconds(h.Left)})
		}
		return seen(runbook.Pending, "%.0f %% of %s has arrived%s", h.Done*100, a.Volume, left), nil
	}
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	if err != nil {
		return runbook.Observation{}, err
	}
	if old := a.w.clock.Now().Sub(v.Created); old < hydrationLate {
		return seen(runbook.Pending, "EC2 does not tell yet how much of %s has arrived; it may be %s late, and %s is %s old", a.Volume, age(hydrationLate), a.Volume, age(old)), nil
	}
	// To wait longer is of no use: what nobody reads is never fetched, and nobody tells.
	return seen(runbook.Broken, "EC2 does not tell how much of %s has arrived: no rate was asked for when it was made. Read all of it once to be sure, or go on knowing that it may be slow", a.Volume), nil
}

// Check asks what EC2 tells now.
func (a *hydrated) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("EC2 tells how much of %s has arrived", a.Volume)
	if c, open := notYet(what, a.Volume, a.Region); open {
		return []runbook.Check{c}
	}
	call.Progress = nil
	o, err := a.Observe(ctx, call)
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, err)}
	case o.State == runbook.Broken:
		return []runbook.Check{notWell(what, "ec2:DescribeVolumeStatus", "make the volume with a rate", "%s", o.Evidence)}
	}
	return []runbook.Check{well(what, "ec2:DescribeVolumeStatus", "%s", o.Evidence)}
}

// Depends is the region of the volume.
func (a *hydrated) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "nobody tells how much of the volume has arrived"}}
}

func (a *hydrated) Permissions() []string {
	return []string{"ec2:DescribeVolumeStatus", "ec2:DescribeVolumes"}
}

func (a *hydrated) ByHand(runbook.Call) []string {
	return []string{line(words("aws", "ec2", "describe-volume-status", "--region", orQuestion(a.Region), "--volume-ids", orQuestion(a.Volume),
		"--query", "VolumeStatuses[].InitializationStatusDetails"))}
}
