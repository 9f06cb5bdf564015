package actions

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func volumeCreate(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "volume.create",
		Summary: "make a volume, from a snapshot or empty",
		New:     func() runbook.Probe { return &create{w: w} },
		Outputs: []runbook.Output{
			{Name: "volume", Doc: "id of the volume", Type: "string"},
			{Name: "zone", Doc: "availability zone where it is", Type: "string"},
			{Name: "region", Doc: "region where it is", Type: "string"},
			{Name: "snapshot", Doc: "the snapshot that it was made from; empty when from none", Type: "string"},
			{Name: "size", Doc: "its size in GiB", Type: "number"},
		},
		Settle:  15 * time.Second,
		Budget:  10 * time.Second,
		Timeout: 10 * time.Minute,
	}
}

// create is done when the volume is available. That is not the same as fast: what was made from a snapshot is filled
// meanwhile, or when it is read; the evidence says how far.
type create struct {
	Snapshot   string `with:"snapshot" doc:"id of the snapshot to make it from"`
	Newest     Newest `with:"newest" doc:"instead: the newest completed snapshot of a volume, as volume, tags, or both"`
	Zone       string `with:"zone" default:"estate.standby.zone" doc:"availability zone; a volume can be attached in its own zone only"`
	Type       string `with:"type" default:"'gp3'" doc:"type of the volume"`
	SizeGiB    int    `with:"size" doc:"size in GiB; the snapshot's when left out"`
	IOPS       int    `with:"iops" doc:"operations a second; the type's own when left out"`
	Throughput int    `with:"throughput" doc:"MiB a second; the type's own when left out"`
	Rate       int    `with:"rate" doc:"rate at which the snapshot's blocks arrive, 100 to 300 MiB a second, which costs extra; left out, they arrive when they are read, slowly"`
	KMSKey     string `with:"kms_key" doc:"key that encrypts it; the snapshot's own when left out"`
	Region     string `with:"region" default:"region_of(with.zone)" doc:"region; the zone's when left out"`
	Name       string `with:"name" doc:"the volume's Name tag"`
	Estate     string `with:"estate" default:"estate.name" doc:"name of the estate, for the tag by which its runs know their own"`

	w world
}

// newVolumeBefore is the snapshot that was chosen.
type newVolumeBefore struct {
	Snapshot string    `json:"snapshot,omitempty"`
	Taken    time.Time `json:"taken,omitzero"`
	Passed   string    `json:"passed,omitempty"` // newer ones that are not completed
}

func (a *create) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	if err := a.words(); err != nil {
		return nil, err
	}
	if a.Snapshot == "" && a.Newest.empty() {
		return runbook.Keep(newVolumeBefore{})
	}
	before, s, err := a.choose(ctx)
	switch {
	case err != nil:
		return nil, err
	case s.State == "pending":
		return nil, providers.Errorf(providers.NotReady, "make a volume from "+s.ID, a.Region, "the snapshot is still pending, %.0f %%", s.Progress*100)
	case s.State != "completed":
		return nil, runbook.Fail(fmt.Sprintf("%s is broken: its state is %s", s.ID, s.State), "no volume can be made from it; nothing was made", "choose an older snapshot")
	case a.SizeGiB != 0 && a.SizeGiB < s.SizeGiB:
		return nil, runbook.Fail(fmt.Sprintf("%s is of %d GiB, and the volume is to have %d", s.ID, s.SizeGiB, a.SizeGiB), "a volume cannot be smaller than its snapshot; nothing was made", "leave size out")
	}
	return runbook.Keep(before)
}

// words holds the parameters against each other.
func (a *create) words() error {
	nothing := "nothing was made"
	switch {
	case a.Zone == "":
		return runbook.Fail("no zone is named", nothing, "write standby.zone in the estate, or zone in the step")
	case a.Region != "" && !strings.HasPrefix(a.Zone, a.Region):
		return runbook.Fail(fmt.Sprintf("the zone %s is not in %s", a.Zone, a.Region), nothing, "correct zone or region")
	case a.Snapshot != "" && !a.Newest.empty():
		return runbook.Fail("both a snapshot and a way to choose the newest are given", nothing, "leave one of them out")
	case a.Snapshot == "" && a.Newest.empty() && a.SizeGiB == 0:
		return runbook.Fail("neither a snapshot nor a size is given", nothing, "write snapshot, newest, or the size of an empty volume")
	case a.Rate != 0 && (a.Rate < 100 || a.Rate > 300):
		return runbook.Fail(fmt.Sprintf("the rate is %d MiB/s", a.Rate), "EC2 offers 100 to 300; "+nothing, "correct rate, or leave it out")
	case a.Rate != 0 && a.Snapshot == "" && a.Newest.empty():
		return runbook.Fail("a rate is given, and no snapshot to be filled from", nothing, "leave rate out")
	}
	return foreignKey(a.KMSKey, a.Region)
}

// choose reads the snapshot.
func (a *create) choose(ctx context.Context) (newVolumeBefore, providers.Snapshot, error) {
	var s providers.Snapshot
	var passed string
	var err error
	if a.Snapshot != "" {
		s, err = a.w.Snapshots.Snapshot(ctx, a.Region, a.Snapshot)
		err = advise(err, providers.NotFound, "check the snapshot's id; it must be in %s, or be copied there with snapshot.copy", a.Region)
	} else {
		s, passed, err = a.Newest.find(ctx, a.w, a.Region)
	}
	return newVolumeBefore{Snapshot: s.ID, Taken: taken(s), Passed: passed}, s, err
}

func (a *create) before(call runbook.Call) newVolumeBefore {
	before := newVolumeBefore{Snapshot: a.Snapshot}
	if err := runbook.Recall(call.Before, &before); err != nil {
		return newVolumeBefore{Snapshot: a.Snapshot}
	}
	return before
}

func (a *create) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	found, err := a.w.Volumes.FindVolumes(ctx, a.Region, map[string]string{tagKey: string(call.Key)})
	if err != nil {
		return runbook.Observation{}, err
	}
	if len(found) == 0 {
		return seen(runbook.Absent, "no volume in %s bears the key %s", a.Region, call.Key), nil
	}
	o := a.judge(ctx, call, found[0])
	if len(found) > 1 {
		o.Evidence += fmt.Sprintf("; %d volumes bear its key: delete all but this one", len(found))
	}
	return o, nil
}

func (a *create) judge(ctx context.Context, call runbook.Call, v providers.Volume) runbook.Observation {
	made := []runbook.Target{{Kind: "volume", ID: v.ID, Region: a.Region}}
	switch v.State {
	case "creating":
		o := seen(runbook.Pending, "%s is being made in %s", v.ID, v.Zone)
		o.Made = made
		return o
	case "deleting", "deleted":
		o := seen(runbook.Absent, "%s was made and is %s", v.ID, v.State)
		o.KeySpent = true
		return o
	case "available", "in-use":
	default:
		o := seen(runbook.Broken, "%s is broken, its state is %s: when it is encrypted, its key is disabled, gone, or not allowed to these credentials; look at the key, delete %s, and retry", v.ID, v.State, v.ID)
		o.KeySpent, o.Made = true, made
		return o
	}
	before := a.before(call)
	o := seen(runbook.Holds, "%s is %s in %s, %d GiB %s", v.ID, v.State, v.Zone, v.SizeGiB, v.Type)
	if v.Snapshot != "" {
		o.Evidence += ", from " + v.Snapshot
		if !before.Taken.IsZero() {
			o.Evidence += " as of " + age(a.w.clock.Now().Sub(before.Taken)) + " ago"
		}
		o.Evidence += a.filled(ctx, v.ID)
	}
	if before.Passed != "" {
		o.Evidence += "; newer, but not completed: " + before.Passed
	}
	// EC2 names the snapshot of a volume for as long as it is there: "" is an empty volume.
	o.Outputs = map[string]any{"volume": v.ID, "zone": v.Zone, "region": cmp.Or(v.Region, a.Region), "snapshot": v.Snapshot, "size": v.SizeGiB}
	o.Made = made
	return o
}

// filled says how fast the volume is by now. It is evidence: that nobody could be asked does not make the volume less there.
func (a *create) filled(ctx context.Context, id string) string {
	h, err := a.w.Disks.Hydration(ctx, a.Region, id)
	switch {
	case err != nil:
		return "; how much of it has arrived is not known: " + reason(err)
	case !h.Known && a.Rate == 0:
		return "; not filled: what has not been read yet is slow to read, and no rate was asked for"
	case !h.Known:
		return fmt.Sprintf("; being filled at %d MiB/s, EC2 does not tell yet how far", a.Rate)
	case h.Complete:
		return "; all of it has arrived"
	}
	return fmt.Sprintf("; %.0f %% of it has arrived, %s left: until then the rest is slow to read", h.Done*100, h.Left.Round(time.Second))
}

func (a *create) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	v, err := a.w.Disks.CreateVolume(ctx, a.Region, providers.NewVolume{
		Token: string(call.Key), Zone: a.Zone, Snapshot: a.before(call).Snapshot, SizeGiB: a.SizeGiB, Type: a.Type, IOPS: a.IOPS,
		Throughput: a.Throughput, Rate: a.Rate, KMSKey: a.KMSKey, Tags: labels(call, a.Name, a.Estate),
	})
	if err != nil {
		err = advise(err, providers.NoCapacity, "make it in another zone, and launch the machine there: the volume chooses the zone")
		err = advise(err, providers.Quota, "ask for a higher quota in %s, or delete volumes that are not needed", a.Region)
		return runbook.Observation{}, advise(err, providers.NotFound, "check zone and snapshot: %s and %s must be in %s", a.Zone, orQuestion(a.before(call).Snapshot), a.Region)
	}
	logf(call.Log, "EC2 accepted %s in %s", v.ID, a.Zone)
	return a.judge(ctx, call, v), nil
}

// Undo deletes only what bears the tags and the key of this step, and not while a machine uses it.
func (a *create) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	id, _ := call.Did["volume"].(string)
	early := a.w.clock.Now().Sub(call.Since) < 15*time.Second
	if id == "" { // its answer was lost: the key tells what became of it
		found, err := a.w.Volumes.FindVolumes(ctx, a.Region, map[string]string{tagKey: string(call.Key)})
		switch {
		case err != nil:
			return runbook.Observation{}, err
		case len(found) == 0 && early:
			return seen(runbook.Pending, "no volume in %s bears the key %s, which may still change", a.Region, call.Key), nil
		case len(found) == 0:
			return seen(runbook.Holds, "nothing to put back: no volume in %s bears the key %s", a.Region, call.Key), nil
		}
		id = found[0].ID
	}
	v, err := a.w.Volumes.Volume(ctx, a.Region, id)
	switch {
	case providers.Is(err, providers.NotFound) && early && len(call.Did) > 0:
		return seen(runbook.Pending, "EC2 does not show %s yet", id), nil
	case providers.Is(err, providers.NotFound):
		return seen(runbook.Holds, "%s is gone", id), nil
	case err != nil:
		return runbook.Observation{}, err
	case v.State == "deleting" || v.State == "deleted":
		return seen(runbook.Holds, "%s is %s", id, v.State), nil
	case !bears(v.Tags, call):
		return runbook.Observation{}, notOurs(id, call)
	case stays(call, id):
		return left("", a.Region, id), nil
	case v.State == "creating":
		return seen(runbook.Pending, "%s is still being made", id), nil
	}
	return a.w.dropVolume(ctx, a.Region, v)
}

// dropVolume deletes a volume that nobody uses.
func (w world) dropVolume(ctx context.Context, region string, v providers.Volume) (runbook.Observation, error) {
	if v.Instance != "" {
		f := runbook.Fail(fmt.Sprintf("%s is %s to %s as %s", v.ID, cmp.Or(v.Attachment, v.State), v.Instance, v.Device),
			"a volume in use is not deleted; nothing was changed", "unmount and detach it first")
		return runbook.Observation{}, f
	}
	if err := w.Disks.DeleteVolume(ctx, region, v.ID); err != nil {
		return runbook.Observation{}, advise(err, providers.Conflict, "unmount and detach it first")
	}
	return seen(runbook.Holds, "%s is deleted", v.ID), nil
}

// Targets is nothing: what is made belongs to the run.
func (a *create) Targets(runbook.Call) []runbook.Target { return []runbook.Target{} }

// Check chooses the snapshot as the step would.
func (a *create) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := fmt.Sprintf("a volume can be made in %s", orQuestion(a.Zone))
	if c, open := notYet(what, a.Zone, a.Region, a.Snapshot, a.Newest.Volume, a.KMSKey); open {
		return []runbook.Check{c}
	}
	if err := a.words(); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell(what, "", f.Do, "%s", f.What)}
	}
	room := unknowable("there is room for it in "+a.Zone, "only an accepted request proves it")
	if a.Snapshot == "" && a.Newest.empty() {
		return []runbook.Check{room}
	}
	_, s, err := a.choose(ctx)
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, err)}
	case s.State != "completed":
		return []runbook.Check{notWell(what, "ec2:DescribeSnapshots", "wait for it, or choose another", "the state of %s is %s", s.ID, s.State)}
	}
	return []runbook.Check{
		well(what, "ec2:DescribeSnapshots", "from %s of %s, %d GiB, as of %s ago", s.ID, sourceVolume(s), s.SizeGiB, age(a.w.clock.Now().Sub(taken(s)))), room,
	}
}

// Depends is the region.
func (a *create) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "no volume can be made there"}}
}

// Permissions name ec2:CreateTags because tags go with the volume.
func (a *create) Permissions() []string {
	p := []string{"ec2:CreateTags", "ec2:CreateVolume", "ec2:DeleteVolume", "ec2:DescribeVolumes"}
	if a.Snapshot != "" || !a.Newest.empty() {
		p = append(p, "ec2:DescribeSnapshots", "ec2:DescribeVolumeStatus")
	}
	return append(p, keyPermissions(a.KMSKey)...)
}

func (a *create) ByHand(call runbook.Call) []string {
	region := orQuestion(a.Region)
	var list []string
	snapshot := a.before(call).Snapshot
	if snapshot == "" && !a.Newest.empty() {
		for _, filters := range a.Newest.filters() {
			list = append(list, line(words("aws", "ec2", "describe-snapshots", "--region", region, "--owner-ids", "self"), flag("--filters", filters...),
				words("--query", "sort_by(Snapshots[?State=='completed'],&StartTime)[-1].[SnapshotId,StartTime]", "--output", "text")))
		}
		snapshot = "?"
	}
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	key := flag("--kms-key-id", a.KMSKey)
	if key != nil {
		key = append(key, "--encrypted")
	}
	return append(list, line(
		words("aws", "ec2", "create-volume", "--region", region, "--availability-zone", orQuestion(a.Zone)), flag("--snapshot-id", snapshot),
		flag("--size", number(a.SizeGiB)), flag("--volume-type", a.Type), flag("--iops", number(a.IOPS)), flag("--throughput", number(a.Throughput)),
		flag("--volume-initialization-rate", number(a.Rate)), key, flag("--client-token", string(call.Key)),
		words("--tag-specifications", tagWords("volume", labels(call, a.Name, a.Estate)))),
		line(words("aws", "ec2", "wait", "volume-available", "--region", region, "--filters", "Name=tag:"+tagKey+",Values="+orQuestion(string(call.Key)))))
}
