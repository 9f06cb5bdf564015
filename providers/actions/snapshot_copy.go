package actions

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func snapshotCopy(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "snapshot.copy",
		Summary: "copy a snapshot to another region",
		New:     func() runbook.Probe { return &carry{w: w} },
		Outputs: snapshotOutputs,
		Settle:  snapshotSettle,
		Budget:  10 * time.Minute,
		Timeout: 48 * time.Hour,
	}
}

// carry makes no second copy of what is there already: a copy bears its source as a tag. Tags are not copied by EC2, so
// the source's are written on the copy.
type carry struct {
	Snapshot    string `with:"snapshot,required" doc:"id of the snapshot"`
	From        string `with:"from" default:"estate.production.region" doc:"region where it is"`
	Region      string `with:"region" default:"estate.standby.region" doc:"region to copy it to"`
	KMSKey      string `with:"kms_key" default:"estate.standby.kms_key" doc:"key of the target region that encrypts the copy; left out, an encrypted one gets the region's own"`
	Name        string `with:"name" doc:"the copy's Name tag; the source's when left out"`
	Description string `with:"description" doc:"what the copy says of itself"`
	Estate      string `with:"estate" default:"estate.name" doc:"name of the estate, for the tag by which its runs know their own"`

	w world
}

// carryBefore is the copy that was there already, and what the source says of itself.
type carryBefore struct {
	There  string            `json:"there,omitempty"`
	Volume string            `json:"volume,omitempty"`
	Taken  time.Time         `json:"taken,omitzero"`
	Tags   map[string]string `json:"tags,omitempty"`
}

func (a *carry) source() string { return a.From + "/" + a.Snapshot }

// copies finds the copy of the source that counts: this step's own, then one that is complete, then one under way. One of
// another run that broke does not count.
func (a *carry) copies(ctx context.Context, call runbook.Call) (providers.Snapshot, bool, error) {
	found, err := a.w.Snapshots.FindSnapshots(ctx, a.Region, "", map[string]string{tagSource: a.source()})
	var best providers.Snapshot
	rank := 0
	for _, s := range found {
		r := map[string]int{"completed": 2, "pending": 1}[s.State]
		if call.Key != "" && s.Tags[tagKey] == string(call.Key) {
			r = 3
		}
		if r > rank {
			best, rank = s, r
		}
	}
	return best, rank > 0, err
}

func (a *carry) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	if a.From == a.Region {
		return nil, runbook.Fail(fmt.Sprintf("the snapshot %s is to be copied from %s to %s", a.Snapshot, a.From, a.Region), "that is the same region; nothing was changed", "name the other region")
	}
	if err := foreignKey(a.KMSKey, a.Region); err != nil {
		return nil, err
	}
	there, is, err := a.copies(ctx, call)
	switch {
	case err != nil:
		return nil, err
	case is && !bears(there.Tags, call):
		return runbook.Keep(carryBefore{There: there.ID})
	}
	s, err := a.w.Snapshots.Snapshot(ctx, a.From, a.Snapshot)
	if err != nil {
		return nil, advise(err, providers.NotFound, "check the snapshot's id and region: %s in %s", a.Snapshot, a.From)
	}
	switch s.State {
	case "completed":
	case "pending":
		return nil, providers.Errorf(providers.NotReady, "copy "+a.Snapshot, a.From, "it is still pending, %.0f %%", s.Progress*100)
	default:
		return nil, runbook.Fail(fmt.Sprintf("%s is broken: its state is %s", a.Snapshot, s.State), "it cannot be copied; nothing was changed", "make a new snapshot of "+sourceVolume(s))
	}
	tags := maps.Clone(s.Tags)
	maps.DeleteFunc(tags, func(k, _ string) bool { return strings.HasPrefix(k, "aws:") || strings.HasPrefix(k, "lifeboat:") })
	return runbook.Keep(carryBefore{Volume: sourceVolume(s), Taken: taken(s).UTC().Truncate(time.Second), Tags: tags})
}

func (a *carry) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	s, is, err := a.copies(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	if !is {
		return seen(runbook.Absent, "no copy of %s in %s", a.source(), a.Region), nil
	}
	return a.judge(call, s), nil
}

func (a *carry) judge(call runbook.Call, s providers.Snapshot) runbook.Observation {
	what := "in " + a.Region + ", copied from " + a.source()
	if !bears(s.Tags, call) {
		what += " by another run"
	}
	o := a.w.snapshotSeen(call, s, what)
	if bears(s.Tags, call) {
		o.Made = []runbook.Target{{Kind: "snapshot", ID: s.ID, Region: a.Region}}
	}
	return o
}

func (a *carry) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	// CopySnapshot has no token: look first.
	if o, err := a.Observe(ctx, call); err != nil || o.State != runbook.Absent {
		return o, err
	}
	tags, err := a.tags(call)
	if err != nil {
		return runbook.Observation{}, err
	}
	s, err := a.w.Snapshots.CopySnapshot(ctx, a.Region, providers.SnapshotCopy{
		FromRegion: a.From, Snapshot: a.Snapshot, KMSKey: a.KMSKey, Description: a.describe(), Tags: tags,
	})
	if err != nil {
		return runbook.Observation{}, advise(err, providers.NotFound, "check the snapshot's id and region: %s in %s", a.Snapshot, a.From)
	}
	s.Tags = tags
	logf(call.Log, "EC2 accepted %s, a copy of %s", s.ID, a.source())
	return a.judge(call, s), nil
}

// tags are the source's own and, over them, the step's.
func (a *carry) tags(call runbook.Call) (map[string]string, error) {
	var before carryBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return nil, err
	}
	tags := labels(call, a.Name, a.Estate)
	if a.Name == "" && before.Tags["Name"] != "" {
		tags["Name"] = before.Tags["Name"]
	}
	tags[tagSource] = a.source()
	if before.Volume != "" {
		tags[tagVolume], tags[tagTaken] = before.Volume, before.Taken.Format(time.RFC3339)
	}
	out := maps.Clone(before.Tags)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, tags)
	return out, nil
}

func (a *carry) describe() string {
	if a.Description != "" {
		return a.Description
	}
	return "copy of " + a.source()
}

// Undo deletes the copy that this step made, and none that was there.
func (a *carry) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before carryBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if before.There != "" {
		return seen(runbook.Holds, "%s was there before this step", before.There), nil
	}
	return a.w.dropSnapshot(ctx, call, a.Region)
}

// Targets is nothing: a copy changes nothing of its source, and belongs to the run that made it.
func (a *carry) Targets(runbook.Call) []runbook.Target { return []runbook.Target{} }

// Check asks for the copy, and where there is none, for the source and the key.
func (a *carry) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	const source = "ec2:DescribeSnapshots"
	what := fmt.Sprintf("%s can be copied from %s to %s", a.Snapshot, a.From, a.Region)
	if c, open := notYet(what, a.Snapshot, a.From, a.Region); open {
		return []runbook.Check{c}
	}
	if err := foreignKey(a.KMSKey, a.Region); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell(what, "", f.Do, "%s", f.What)}
	}
	there, is, err := a.copies(ctx, call)
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, err)}
	case is:
		return []runbook.Check{well(what, source, "%s is there already, %s", there.ID, there.State)}
	}
	s, err := a.w.Snapshots.Snapshot(ctx, a.From, a.Snapshot)
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, advise(err, providers.NotFound, "check the snapshot's id and region: %s in %s", a.Snapshot, a.From))}
	case s.State == "error":
		return []runbook.Check{notWell(what, source, "make a new snapshot of "+sourceVolume(s), "it is broken: its state is error")}
	}
	list := []runbook.Check{well(what, source, "%s, %d GiB, as of %s ago", s.State, s.SizeGiB, age(a.w.clock.Now().Sub(taken(s))))}
	if s.Encrypted || a.KMSKey != "" {
		key := a.KMSKey
		if key == "" {
			key = "the region's own key"
		}
		list = append(list, unknowable(fmt.Sprintf("%s and the source's key may be used", key), "EC2 tries keys while it copies; only a completed copy proves it"))
	}
	return list
}

// Depends is both regions.
func (a *carry) Depends() []runbook.Dependency {
	return []runbook.Dependency{
		{Region: a.From, Without: "there is nothing to copy from"}, {Region: a.Region, Without: "there is nowhere to copy to"},
	}
}

// Permissions name ec2:CreateTags because tags go with the copy.
func (a *carry) Permissions() []string {
	return append([]string{"ec2:CopySnapshot", "ec2:CreateTags", "ec2:DeleteSnapshot", "ec2:DescribeSnapshots"}, keyPermissions(a.KMSKey)...)
}

func (a *carry) ByHand(call runbook.Call) []string {
	region := orQuestion(a.Region)
	tags, err := a.tags(call)
	if err != nil {
		tags = labels(call, a.Name, a.Estate)
	}
	key := flag("--kms-key-id", a.KMSKey)
	if key != nil {
		key = append(key, "--encrypted")
	}
	return []string{
		line(words("aws", "ec2", "copy-snapshot", "--region", region, "--source-region", orQuestion(a.From), "--source-snapshot-id", orQuestion(a.Snapshot),
			"--description", a.describe()), key, words("--tag-specifications", tagWords("snapshot", tags))),
		line(words("aws", "ec2", "wait", "snapshot-completed", "--region", region, "--filters", "Name=tag:"+tagSource+",Values="+a.source())),
	}
}
