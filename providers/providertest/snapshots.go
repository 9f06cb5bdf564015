package providertest

import (
	"context"
	"maps"
	"time"

	"lifeboat/providers"
)

var diskChecks = []check{
	{"a snapshot takes time and is found by its tag", canSnapshot, snapshotMade},
	{"snapshots of one volume are found, newest first", canSnapshot, snapshotsOfVolume},
	{"a snapshot is copied to another region", canCopy, snapshotCopied},
	{"a key of another region breaks the copy", canCopy, copyBroken},
	{"an unknown snapshot is not found", canSnapshot, unknownSnapshot},
	{"a volume is made once for its token", canMake, volumeReplays},
	{"a volume is made from a snapshot and filled at a rate", canMake, volumeHydrates},
	{"what cannot be made is refused", canMake, volumeRefused},
	{"a volume in use is not deleted", canMakeAndAttach, deleteInUse},
}

func canSnapshot(l Lab) map[string]bool {
	return map[string]bool{"snapshots": l.Set.Snapshots != nil, "region and volume": l.Region != "" && l.Volume != ""}
}

func canCopy(l Lab) map[string]bool {
	needs := canSnapshot(l)
	needs["second region"] = l.Elsewhere != ""
	return needs
}

func canMake(l Lab) map[string]bool {
	needs := canSnapshot(l)
	needs["volumes to make"] = l.Set.Disks != nil && l.Set.Volumes != nil && l.Zone != ""
	return needs
}

func canMakeAndAttach(l Lab) map[string]bool {
	needs := canLaunch(l)
	maps.Copy(needs, canMake(l))
	return needs
}

func (l lab) tags(step string) map[string]string {
	return map[string]string{"lifeboat:run": "conformance", "lifeboat:step": step}
}

// snapshot makes one of the volume, which is gone when the check ends.
func (l lab) snapshot(step string) providers.Snapshot {
	l.t.Helper()
	s, err := l.Set.Snapshots.CreateSnapshot(l.ctx(), l.Region, l.Volume, "conformance", l.tags(step))
	l.ok("create a snapshot", err)
	l.t.Cleanup(func() { l.dropped(l.Region, s.ID) })
	return s
}

func (l lab) dropped(region, id string) {
	l.t.Helper()
	l.ok("delete "+id, l.Set.Snapshots.DeleteSnapshot(l.ctx(), region, id))
	l.ok("delete "+id+" again", l.Set.Snapshots.DeleteSnapshot(l.ctx(), region, id))
	_, err := l.Set.Snapshots.Snapshot(l.ctx(), region, id)
	l.want(providers.NotFound, "a deleted snapshot", err)
}

// seen waits until reads know the snapshot.
func (l lab) seen(id string) {
	l.t.Helper()
	l.eventually(id+" is read", func(ctx context.Context) (bool, error) {
		_, err := l.Set.Snapshots.Snapshot(ctx, l.Region, id)
		return err == nil, err
	})
}

// late says that the machine was too busy for the question: the snapshot had been completed before something was made of it.
func (l lab) late(id, made string) bool {
	l.t.Helper()
	s, err := l.Set.Snapshots.Snapshot(l.ctx(), l.Region, id)
	l.ok("snapshot", err)
	if made == "" || s.State == "pending" {
		return false
	}
	l.t.Skipf("%s was completed before it could be asked for too early", id)
	return true
}

// becomes waits for a snapshot's last state; on the way its progress never falls.
func (l lab) becomes(region, id, state string) providers.Snapshot {
	l.t.Helper()
	var s providers.Snapshot
	var was float64
	l.eventually(id+" is "+state, func(ctx context.Context) (ok bool, err error) {
		s, err = l.Set.Snapshots.Snapshot(ctx, region, id)
		if err == nil && s.State == "pending" && (s.Progress < was || s.Progress > 1) {
			l.t.Errorf("progress went from %v to %v", was, s.Progress)
		}
		was = s.Progress
		return s.State == state, err
	})
	return s
}

func snapshotMade(l lab) {
	step := l.token("a")
	s := l.snapshot(step)
	if s.ID == "" || s.Region != l.Region || s.Volume != l.Volume || s.State != "pending" || s.Started.IsZero() {
		l.t.Errorf("made %+v", s)
	}
	done := l.becomes(l.Region, s.ID, "completed")
	v, err := l.Set.Volumes.Volume(l.ctx(), l.Region, l.Volume)
	l.ok("volume", err)
	if done.Progress != 1 || done.SizeGiB != v.SizeGiB || done.Encrypted != v.Encrypted || done.Tags["lifeboat:step"] != step {
		l.t.Errorf("completed as %+v, of %+v", done, v)
	}
	found, err := l.Set.Snapshots.FindSnapshots(l.ctx(), l.Region, "", l.tags(step))
	l.ok("find", err)
	if len(found) != 1 || found[0].ID != s.ID {
		l.t.Errorf("found %+v, want %s", found, s.ID)
	}
	if _, err := l.Set.Snapshots.FindSnapshots(l.ctx(), l.Region, "", nil); !providers.Is(err, providers.Invalid) {
		l.t.Errorf("no volume and no tags: %v", err)
	}
}

func snapshotsOfVolume(l lab) {
	step := l.token("a")
	first := l.snapshot(step)
	l.becomes(l.Region, first.ID, "completed")
	for l.Clock.Now().Sub(first.Started) < 1100*time.Millisecond { // EC2 tells the time in seconds
		l.eventually("a second passes", func(context.Context) (bool, error) {
			return l.Clock.Now().Sub(first.Started) >= 1100*time.Millisecond, nil
		})
	}
	second := l.snapshot(step)
	l.becomes(l.Region, second.ID, "completed")
	found, err := l.Set.Snapshots.FindSnapshots(l.ctx(), l.Region, l.Volume, l.tags(step))
	l.ok("find", err)
	if len(found) != 2 || found[0].ID != second.ID || found[1].ID != first.ID {
		l.t.Errorf("found %+v, want %s and then %s", found, second.ID, first.ID)
	}
	if found, err = l.Set.Snapshots.FindSnapshots(l.ctx(), l.Region, "vol-0123456789abcdef0", l.tags(step)); err != nil || len(found) != 0 {
		l.t.Errorf("of another volume: %+v, %v", found, err)
	}
}

func snapshotCopied(l lab) {
	step := l.token("a")
	s := l.snapshot(step)
	w := providers.SnapshotCopy{FromRegion: l.Region, Snapshot: s.ID, Description: "conformance copy", Tags: l.tags(step + "-copy")}
	l.seen(s.ID)
	if early, err := l.Set.Snapshots.CopySnapshot(l.ctx(), l.Elsewhere, w); !l.late(s.ID, early.ID) {
		l.want(providers.NotReady, "copy what is pending", err)
	}
	l.becomes(l.Region, s.ID, "completed")
	got, err := l.Set.Snapshots.CopySnapshot(l.ctx(), l.Elsewhere, w)
	l.ok("copy", err)
	if got.ID == "" || got.ID == s.ID || got.Region != l.Elsewhere || got.State != "pending" {
		l.t.Errorf("copied as %+v", got)
	}
	l.t.Cleanup(func() { l.dropped(l.Elsewhere, got.ID) })
	done := l.becomes(l.Elsewhere, got.ID, "completed")
	if done.Volume == l.Volume || done.SizeGiB != s.SizeGiB || done.Tags["lifeboat:step"] != step+"-copy" || done.Description != w.Description {
		l.t.Errorf("the copy is %+v", done)
	}
	_, err = l.Set.Snapshots.Snapshot(l.ctx(), l.Region, got.ID)
	l.want(providers.NotFound, "the copy, in the region of its source", err)
}

func copyBroken(l lab) {
	s := l.snapshot(l.token("a"))
	l.becomes(l.Region, s.ID, "completed")
	got, err := l.Set.Snapshots.CopySnapshot(l.ctx(), l.Elsewhere, providers.SnapshotCopy{
		FromRegion: l.Region, Snapshot: s.ID, KMSKey: "arn:aws:kms:" + l.Region + ":123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
	})
	l.ok("copy with a key of another region", err)
	l.t.Cleanup(func() { l.dropped(l.Elsewhere, got.ID) })
	l.becomes(l.Elsewhere, got.ID, "error")
	_, err = l.Set.Snapshots.CopySnapshot(l.ctx(), l.Region, providers.SnapshotCopy{FromRegion: l.Elsewhere, Snapshot: "snap-0123456789abcdef0"})
	l.want(providers.NotFound, "copy what is not there", err)
	if l.Set.Disks == nil {
		return
	}
	_, err = l.Set.Disks.CreateVolume(l.ctx(), l.Elsewhere, providers.NewVolume{Token: l.token("v"), Zone: l.Elsewhere + "a", Snapshot: got.ID})
	l.want(providers.Conflict, "a volume from a broken snapshot", err)
}

func unknownSnapshot(l lab) {
	const id = "snap-0123456789abcdef0"
	_, err := l.Set.Snapshots.Snapshot(l.ctx(), l.Region, id)
	l.want(providers.NotFound, "an unknown snapshot", err)
	_, err = l.Set.Snapshots.CreateSnapshot(l.ctx(), l.Region, "vol-0123456789abcdef0", "", l.tags("never"))
	l.want(providers.NotFound, "a snapshot of an unknown volume", err)
	found, err := l.Set.Snapshots.FindSnapshots(l.ctx(), l.Region, "", l.tags("never"))
	l.ok("find nothing", err)
	if len(found) != 0 {
		l.t.Errorf("found %+v", found)
	}
}

// made makes a volume, which is gone when the check ends.
func (l lab) made(w providers.NewVolume) providers.Volume {
	l.t.Helper()
	v, err := l.Set.Disks.CreateVolume(l.ctx(), l.Region, w)
	l.ok("create a volume", err)
	l.t.Cleanup(func() {
		l.eventually("delete "+v.ID, func(ctx context.Context) (bool, error) {
			err := l.Set.Disks.DeleteVolume(ctx, l.Region, v.ID)
			return err == nil, err
		})
		l.eventually(v.ID+" is gone", func(ctx context.Context) (bool, error) {
			_, err := l.Set.Volumes.Volume(ctx, l.Region, v.ID)
			return providers.Is(err, providers.NotFound), nil
		})
		l.ok("delete "+v.ID+" again", l.Set.Disks.DeleteVolume(l.ctx(), l.Region, v.ID))
	})
	return v
}

func (l lab) available(id string) providers.Volume {
	l.t.Helper()
	var v providers.Volume
	l.eventually(id+" is available", func(ctx context.Context) (ok bool, err error) {
		v, err = l.Set.Volumes.Volume(ctx, l.Region, id)
		return v.State == "available", err
	})
	return v
}

func volumeReplays(l lab) {
	step := l.token("a")
	w := providers.NewVolume{Token: step, Zone: l.Zone, SizeGiB: 4, Type: "gp3", Tags: l.tags(step)}
	first := l.made(w)
	if first.ID == "" || first.Region != l.Region || first.Zone != l.Zone || first.State != "creating" || first.SizeGiB != 4 || first.Type != "gp3" {
		l.t.Errorf("made %+v", first)
	}
	for range 3 {
		again, err := l.Set.Disks.CreateVolume(l.ctx(), l.Region, w)
		l.ok("create again", err)
		if again.ID != first.ID {
			l.t.Errorf("the same token made %s and %s", first.ID, again.ID)
		}
	}
	other := w
	other.SizeGiB = 5
	_, err := l.Set.Disks.CreateVolume(l.ctx(), l.Region, other)
	l.want(providers.Mismatch, "the token with another size", err)
	v := l.available(first.ID)
	if v.Snapshot != "" || v.Created.IsZero() || v.Encrypted {
		l.t.Errorf("available as %+v", v)
	}
	found, err := l.Set.Volumes.FindVolumes(l.ctx(), l.Region, l.tags(step))
	l.ok("find", err)
	if len(found) != 1 {
		l.t.Errorf("%d volumes bear the token, not one", len(found))
	}
	h, err := l.Set.Disks.Hydration(l.ctx(), l.Region, first.ID)
	l.ok("hydration", err)
	if !h.Known || !h.Complete || h.Done != 1 {
		l.t.Errorf("a volume with nothing to fill: %+v", h)
	}
}

func volumeHydrates(l lab) {
	s := l.snapshot(l.token("s"))
	l.seen(s.ID)
	early, err := l.Set.Disks.CreateVolume(l.ctx(), l.Region, providers.NewVolume{Token: l.token("early"), Zone: l.Zone, Snapshot: s.ID})
	if !l.late(s.ID, early.ID) {
		l.want(providers.NotReady, "a volume from a pending snapshot", err)
	}
	l.becomes(l.Region, s.ID, "completed")
	lazy := l.made(providers.NewVolume{Token: l.token("lazy"), Zone: l.Zone, Snapshot: s.ID})
	quick := l.made(providers.NewVolume{Token: l.token("quick"), Zone: l.Zone, Snapshot: s.ID, Rate: 300})
	v := l.available(quick.ID)
	if v.Snapshot != s.ID || v.SizeGiB != s.SizeGiB || v.Type != "gp3" {
		l.t.Errorf("made of %s: %+v", s.ID, v)
	}
	l.available(lazy.ID)
	h, err := l.Set.Disks.Hydration(l.ctx(), l.Region, lazy.ID)
	l.ok("hydration without a rate", err)
	if h.Known || h.Complete {
		l.t.Errorf("nobody tells of a volume without a rate: %+v", h)
	}
	l.Patience = max(l.Patience, time.Hour)
	var was float64
	l.eventually("it is filled", func(ctx context.Context) (bool, error) {
		h, err := l.Set.Disks.Hydration(ctx, l.Region, quick.ID)
		if err == nil && (!h.Known || h.Done < was || h.Done > 1 || h.Complete != (h.Done == 1) || !h.Complete && h.Left <= 0) {
			l.t.Errorf("after %v: %+v", was, h)
		}
		was = h.Done
		return h.Complete, err
	})
}

func volumeRefused(l lab) {
	for what, c := range map[string]struct {
		kind providers.ErrorKind
		v    providers.NewVolume
	}{
		"a zone that is not there":     {providers.NotFound, providers.NewVolume{Zone: "mars-1a", SizeGiB: 1}},
		"a zone of another region":     {providers.NotFound, providers.NewVolume{Zone: "eu-west-9a", SizeGiB: 1}},
		"a snapshot that is not there": {providers.NotFound, providers.NewVolume{Zone: l.Zone, Snapshot: "snap-0123456789abcdef0"}},
		"neither size nor snapshot":    {providers.Invalid, providers.NewVolume{Zone: l.Zone}},
		"a rate that is none":          {providers.Invalid, providers.NewVolume{Zone: l.Zone, SizeGiB: 1, Rate: 301}},
	} {
		c.v.Token, c.v.Tags = l.token(what), l.tags("never")
		_, err := l.Set.Disks.CreateVolume(l.ctx(), l.Region, c.v)
		l.want(c.kind, what, err)
	}
	_, err := l.Set.Disks.Hydration(l.ctx(), l.Region, "vol-0123456789abcdef0")
	l.want(providers.NotFound, "hydration of an unknown volume", err)
}

func deleteInUse(l lab) {
	i := l.launch(l.spec(l.token("a")))
	l.running(i.ID)
	v := l.made(providers.NewVolume{Token: l.token("v"), Zone: l.Zone, SizeGiB: 1})
	l.available(v.ID)
	l.Volume = v.ID
	l.attach(i.ID)
	err := l.Set.Disks.DeleteVolume(l.ctx(), l.Region, v.ID)
	l.want(providers.Conflict, "delete a volume in use", err)
}
