package actions

import (
	"context"
	"fmt"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// partData tells, as tagPart, the volume that a launch made for the data from the machine's own root volume: both bear its
// key.
const partData = "data"

// fillRate is how fast the blocks of a fallback's volume arrive, in MiB/s, the most that EC2 gives. Without a rate they come
// when they are read, and nobody can say when it is done.
const fillRate = 300

func (a *launch) volumeTags(call runbook.Call) map[string]string {
	tags := a.tags(call)
	tags[tagPart] = partData
	return tags
}

// makeVolume makes the data volume anew from the snapshot, in the machine's zone. The same key gives the same volume.
func (a *launch) makeVolume(ctx context.Context, call runbook.Call, way launchBefore) (providers.Volume, error) {
	v, err := a.w.Disks.CreateVolume(ctx, a.Region, providers.NewVolume{
		Token: string(call.Key) + "-data", Zone: way.Zone, Snapshot: way.Snapshot, Rate: fillRate, Tags: a.volumeTags(call),
	})
	if err == nil {
		logf(call.Log, "EC2 accepted %s in %s from %s", v.ID, way.Zone, way.Snapshot)
	}
	return v, err
}

// made is the data volume that this attempt has made, in whichever zone; nil when there is none.
func (a *launch) made(ctx context.Context, call runbook.Call) (*providers.Volume, error) {
	found, err := a.w.Volumes.FindVolumes(ctx, a.Region, map[string]string{tagKey: string(call.Key), tagPart: partData})
	if err != nil {
		return nil, err
	}
	for _, v := range found {
		if v.State != "deleting" && v.State != "deleted" && v.State != "error" {
			return &v, nil
		}
	}
	return nil, nil
}

// givenUp terminates the machine of an attempt whose volume was refused for good: the next attempt has another key, and
// would launch another one beside it. An answer that was lost changes nothing: looking finds the machine by its key.
func (a *launch) givenUp(ctx context.Context, i providers.Instance, err error) error {
	f := runbook.AsFailure(err)
	f.Made = []runbook.Target{machineTarget(a.Region, i.ID)}
	if f.Verdict != runbook.Definitive {
		f.Verdict = runbook.InDoubt // the machine was launched
		return &f
	}
	if left := a.w.Instances.Terminate(ctx, a.Region, i.ID); left != nil {
		f.What += fmt.Sprintf("; %s was launched and could not be terminated: %s", i.ID, reason(left))
		f.Means = fmt.Sprintf("%s runs without its data; a retry goes on with it", i.ID)
		f.Do = fmt.Sprintf("terminate it: aws ec2 terminate-instances --region %s --instance-ids %s", a.Region, i.ID)
		return &f
	}
	f.Made = nil
	f.Means = fmt.Sprintf("%s was launched, and is being terminated since it would stand there without its data", i.ID)
	return &f
}

// Undo terminates only what bears the tag and the key of this step, and then deletes the volume that it made.
func (a *launch) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	o, err := a.undoMachine(ctx, call)
	if err != nil || o.State != runbook.Holds || !a.way(call).moved() {
		return o, err
	}
	v, err := a.made(ctx, call)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case v == nil:
		o.Evidence += "; no volume bears its key any more"
		return o, nil
	case stays(call, v.ID):
		return left(o.Evidence+"; ", a.Region, v.ID), nil
	case v.State != "available":
		return seen(runbook.Pending, "%s; %s is %s still", o.Evidence, v.ID, v.State), nil
	}
	if err := a.w.Disks.DeleteVolume(ctx, a.Region, v.ID); err != nil {
		return runbook.Observation{}, err
	}
	o.Evidence += fmt.Sprintf("; %s is being deleted", v.ID)
	return o, nil
}

func (a *launch) undoMachine(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	id, _ := call.Did["instance"].(string)
	if id == "" { // its answer was lost: the key tells what became of it
		found, err := a.w.Instances.FindInstances(ctx, a.Region, map[string]string{tagKey: string(call.Key)})
		switch {
		case err != nil:
			return runbook.Observation{}, err
		case len(found) > 0:
			id = found[0].ID
		case a.w.clock.Now().Sub(call.Since) < launchSettle:
			return seen(runbook.Pending, "no machine in %s bears the key %s, which may still change", a.Region, call.Key), nil
		default:
			return seen(runbook.Holds, "nothing to put back: no machine in %s bears the key %s", a.Region, call.Key), nil
		}
	}
	i, err := a.w.Instances.Instance(ctx, a.Region, id)
	switch {
	case providers.Is(err, providers.NotFound) && a.w.clock.Now().Sub(call.Since) < launchSettle:
		// It was made a moment ago: reads lag, and an orphan costs money.
		return seen(runbook.Pending, "EC2 does not show %s yet", id), nil
	case providers.Is(err, providers.NotFound):
		return seen(runbook.Holds, "%s is gone", id), nil
	case err != nil:
		return runbook.Observation{}, err
	case over(i):
		return seen(runbook.Holds, "%s is %s", id, i.State), nil
	case i.Tags[tagRun] != string(call.Run) || i.Tags[tagStep] != call.Step || i.Tags[tagKey] != string(call.Key):
		return runbook.Observation{}, runbook.Fail(
			fmt.Sprintf("%s does not bear the tags and the key of run %s, step %s", id, call.Run, call.Step),
			"it may not be the machine that this run made; it was left alone",
			"look at it, and terminate it by hand if it is")
	}
	if err := a.w.Instances.Terminate(ctx, a.Region, id); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Holds, "%s is being terminated", id), nil
}

// stays says that a volume is not to be deleted by an undo: a step after the one that made it has attached or mounted it, so
// that it may hold the only copy of what was written since. What a drill wrote is nobody's.
func stays(call runbook.Call, id string) bool {
	return call.MayTouch == nil && call.Used != nil && call.Used(id)
}

// left is the undo that leaves a volume, which stays in the ledger.
func left(before, region, id string) runbook.Observation {
	o := seen(runbook.Holds, "%s%s stays: it may hold what was written since; delete it by hand: aws ec2 delete-volume --region %s --volume-id %s", before, id, region, id)
	o.Made = []runbook.Target{{Kind: "volume", ID: id, Region: region}}
	return o
}
