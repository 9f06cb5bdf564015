package aws_test

import (
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/providertest/emulator"
)

// TestDisksWhoseAnswerIsLost loses the answer of each call that makes something, and looks for what became of it: what has
// a token is asked for again and is one, what has none is found by its tags.
func TestDisksWhoseAnswerIsLost(t *testing.T) {
	const short = 200 * time.Millisecond
	e := start(t, emulator.Options{Delays: emulator.Delays{Create: short, Snapshot: short, Carry: short}})
	c, ctx := cloud(t, aws.Options{}), t.Context()
	disk := e.SeedVolume(region, zone, 4)
	saved := e.SeedSnapshot(region, disk)
	tags := map[string]string{"lifeboat:key": "k1"}
	lose := func(action string) {
		e.Inject(emulator.Fault{Action: action, Kind: emulator.LostAnswer, Times: 1})
	}
	snapshots := func(region string) []providers.Snapshot {
		found, err := c.FindSnapshots(ctx, region, "", tags)
		ok(t, err)
		return found
	}

	lose("CreateSnapshot")
	_, err := c.CreateSnapshot(ctx, region, disk, "", tags)
	want(t, err, providers.Lost)
	if found := snapshots(region); len(found) != 1 || found[0].Volume != disk {
		t.Errorf("after a lost answer there are %+v", found)
	}

	lose("CopySnapshot")
	_, err = c.CopySnapshot(ctx, "us-west-1", providers.SnapshotCopy{FromRegion: region, Snapshot: saved, Tags: tags})
	want(t, err, providers.Lost)
	if found := snapshots("us-west-1"); len(found) != 1 || found[0].SizeGiB != 4 {
		t.Errorf("after a lost answer there are %+v", found)
	}

	lose("CreateVolume")
	w := providers.NewVolume{Token: "k1", Zone: zone, Snapshot: saved, Rate: 100, Tags: tags}
	_, err = c.CreateVolume(ctx, region, w)
	want(t, err, providers.Lost)
	again, err := c.CreateVolume(ctx, region, w)
	ok(t, err)
	found, err := c.FindVolumes(ctx, region, tags)
	ok(t, err)
	if len(found) != 1 || found[0].ID != again.ID || found[0].Snapshot != saved {
		t.Errorf("after a lost answer %s is one of %+v", again.ID, found)
	}
}

// TestBrokenSnapshot holds what EC2 says of a snapshot in the making apart from what it says of one that is broken: it has
// the same words for both.
func TestBrokenSnapshot(t *testing.T) {
	const short = 300 * time.Millisecond
	e := start(t, emulator.Options{Delays: emulator.Delays{Carry: short}})
	c, ctx := cloud(t, aws.Options{}), t.Context()
	saved := e.SeedSnapshot(region, e.SeedVolume(region, zone, 1))
	broken, err := c.CopySnapshot(ctx, "us-west-1", providers.SnapshotCopy{
		FromRegion: region, Snapshot: saved, KMSKey: "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
	})
	ok(t, err)
	until(t, "the copy is broken", func() bool {
		s, err := c.Snapshot(ctx, "us-west-1", broken.ID)
		ok(t, err)
		return s.State == "error"
	})
	got := want(t, func() error {
		_, err := c.CreateVolume(ctx, "us-west-1", providers.NewVolume{Token: "t", Zone: "us-west-1a", Snapshot: broken.ID})
		return err
	}(), providers.Conflict)
	if got.Do == "" || got.Means == "" || got.Code != "IncorrectState" {
		t.Errorf("%+v does not say what to do", got)
	}
	for _, r := range e.Requests() {
		if r.Action == "CopySnapshot" && r.Region != "us-west-1" {
			t.Errorf("the copy was asked of %s, not of the region it goes to", r.Region)
		}
	}
}

// TestDeleteNamesTheHolder holds that a refusal says who uses the volume.
func TestDeleteNamesTheHolder(t *testing.T) {
	e := start(t, emulator.Options{})
	c, ctx := cloud(t, aws.Options{}), t.Context()
	machine := e.SeedInstance(region, zone, e.SeedImage(region, "standby"))
	disk := e.SeedVolume(region, zone, 1)
	ok(t, c.Attach(ctx, region, disk, machine, "/dev/sdf"))
	if got := want(t, c.DeleteVolume(ctx, region, disk), providers.Conflict); got.Detail != disk+" is attached on "+machine {
		t.Errorf("the detail is %q", got.Detail)
	}
	ok(t, c.DeleteVolume(ctx, region, "vol-0123456789abcdef0"))
	ok(t, c.DeleteSnapshot(ctx, region, "snap-0123456789abcdef0"))
}
