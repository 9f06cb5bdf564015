package sim

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
)

const (
	opSnapshot     = "ec2:CreateSnapshot"
	opCopySnapshot = "ec2:CopySnapshot"
	opDropSnapshot = "ec2:DeleteSnapshot"
)

// snapshot is what a volume held at one moment. It is pending until done; fails says that it will be broken then.
type snapshot struct {
	providers.Snapshot
	format
	data                         Data
	files                        map[string]string
	visible, listed, began, done time.Time
	fails                        bool
}

// noVolume is what EC2 names as the volume of a copy.
const noVolume = "vol-ffffffff"

// keepSnapshot puts one of the spec's into the world.
func (s *state) keepSnapshot(n int, x Snapshot) {
	if x.Started.IsZero() {
		x.Started = s.spec.Start.Add(-5*time.Hour + time.Duration(n)*10*time.Minute)
	}
	x.State = either(x.State, "completed")
	kept := &snapshot{Snapshot: x.Snapshot, data: x.Data, files: map[string]string{}, began: x.Started, done: x.Started}
	kept.fails = x.State == "error"
	kept.Tags = maps.Clone(x.Tags)
	if v := s.volumes[x.Volume]; v != nil {
		kept.format = v.inherit(v.ID)
	}
	s.snapshots[x.ID] = kept
}

// describe is the snapshot as a read shows it now. Progress comes in whole percents, as EC2 tells it.
func (x *snapshot) describe(t time.Time) providers.Snapshot {
	out := x.Snapshot
	out.Tags = maps.Clone(x.Tags)
	switch {
	case t.Before(x.done):
		out.State = "pending"
		out.Progress = math.Floor(float64(t.Sub(x.began))/float64(x.done.Sub(x.began))*100) / 100
	case x.fails:
		out.State, out.Progress = "error", 0
	default:
		out.State, out.Progress = "completed", 1
	}
	return out
}

func (s *state) snapshot(r request, id string, now time.Time) (*snapshot, error) {
	x := s.snapshots[id]
	if x == nil || x.Region != r.region || now.Before(x.visible) {
		return nil, refuse(providers.NotFound, r, "InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", id)
	}
	return x, nil
}

func (c *cloud) Snapshot(ctx context.Context, region, id string) (out providers.Snapshot, err error) {
	err = c.read(ctx, "ec2:DescribeSnapshots", region, id, func(s *state, now time.Time, r request) error {
		x, err := s.snapshot(r, id, now)
		if err == nil {
			out = x.describe(now)
		}
		return err
	})
	return out, err
}

func (c *cloud) FindSnapshots(ctx context.Context, region, volume string, tags map[string]string) (out []providers.Snapshot, err error) {
	about := strings.TrimSpace(volume + " " + words(tags))
	err = c.read(ctx, "ec2:DescribeSnapshots", region, about, func(s *state, now time.Time, r request) error {
		if about == "" {
			return refuse(providers.Invalid, r, "", "no volume and no tags to look for")
		}
		for _, id := range slices.Sorted(maps.Keys(s.snapshots)) {
			x := s.snapshots[id]
			if x.Region == region && (volume == "" || x.Volume == volume) && bears(x.Tags, tags) && !now.Before(x.listed) {
				out = append(out, x.describe(now))
			}
		}
		slices.SortStableFunc(out, func(a, b providers.Snapshot) int {
			return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID))
		})
		return nil
	})
	return out, err
}

func (s *state) nextSnapshot() string { return name("snap", s.spec.Seed, "snapshot", len(s.snapshots)) }

func (c *cloud) CreateSnapshot(ctx context.Context, region, volume, description string, tags map[string]string) (out providers.Snapshot, err error) {
	r := request{op: opSnapshot, region: region, about: strings.TrimSpace(volume + " " + words(tags))}
	err = c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		v, err := s.volume(r, volume, now)
		if err != nil {
			return nil, err
		}
		if is := v.describe(now).State; is != "available" && is != "in-use" {
			return nil, refuse(providers.NotReady, r, "IncorrectState", "The volume %q is %s", volume, is)
		}
		e := &Entry{ID: s.nextSnapshot(), On: volume, Text: description, Tags: maps.Clone(tags)}
		out = providers.Snapshot{
			ID: e.ID, Region: region, Volume: volume, State: "pending", Started: now, SizeGiB: v.SizeGiB,
			Encrypted: v.Encrypted, KMSKey: v.KMSKey, Description: description, Tags: maps.Clone(tags),
		}
		return e, nil
	})
	if err != nil {
		return providers.Snapshot{}, err
	}
	return out, nil
}

// createSnapshot is the effect of CreateSnapshot: what the volume holds at this moment.
func (s *state) createSnapshot(e Entry) {
	v := s.volumes[e.On]
	s.addSnapshot(e, s.spec.Delays.Snapshot, &snapshot{
		Snapshot: providers.Snapshot{
			Volume: e.On, SizeGiB: v.SizeGiB, Encrypted: v.Encrypted, KMSKey: v.KMSKey, Description: e.Text, Tags: e.Tags,
		},
		format: v.inherit(v.ID), data: v.data, files: maps.Clone(v.files),
	})
}

// addSnapshot gives a new snapshot its id, its times and its place.
func (s *state) addSnapshot(e Entry, in Span, x *snapshot) {
	key := e.Op + " " + e.Region
	x.ID, x.Region, x.Started, x.began = e.ID, e.Region, e.At, e.At
	x.visible = e.At.Add(s.take(s.spec.Delays.Visible, key+" visible"))
	x.listed = x.visible.Add(s.take(s.spec.Delays.Visible, key+" listed"))
	x.done = e.At.Add(s.take(in, key+" done"))
	s.snapshots[x.ID] = x
}

func (c *cloud) CopySnapshot(ctx context.Context, region string, w providers.SnapshotCopy) (out providers.Snapshot, err error) {
	r := request{op: opCopySnapshot, region: region, about: strings.TrimSpace(w.FromRegion + " " + w.Snapshot + " " + words(w.Tags))}
	if err := known(request{op: r.op, region: w.FromRegion}); err != nil {
		return out, err
	}
	err = c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		x := s.snapshots[w.Snapshot]
		if x == nil || x.Region != w.FromRegion || now.Before(x.visible) {
			return nil, refuse(providers.NotFound, r, "InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", w.Snapshot)
		}
		if is := x.describe(now).State; is != "completed" {
			kind := providers.NotReady
			if is != "pending" {
				kind = providers.Conflict
			}
			return nil, refuse(kind, r, "IncorrectState", "Snapshot '%s' is in '%s' state.", w.Snapshot, is)
		}
		w.Tags = maps.Clone(w.Tags)
		e := &Entry{ID: s.nextSnapshot(), On: w.Snapshot, Copy: &w}
		out = providers.Snapshot{
			ID: e.ID, Region: region, State: "pending", Started: now, Encrypted: w.KMSKey != "", KMSKey: w.KMSKey,
			Description: w.Description, Tags: maps.Clone(w.Tags),
		}
		return e, nil
	})
	if err != nil {
		return providers.Snapshot{}, err
	}
	return out, nil
}

// copySnapshot is the effect of CopySnapshot. Whether the keys can be used shows only at the end.
func (s *state) copySnapshot(e Entry) {
	x := s.carried(e, s.snapshots[e.On], e.Copy.KMSKey, e.Copy.Tags)
	x.Description = e.Copy.Description
	s.addSnapshot(e, s.spec.Delays.Carry, x)
}

// carried is a copy of a snapshot that lies in another region, or in the same.
func (s *state) carried(e Entry, from *snapshot, key string, tags map[string]string) *snapshot {
	x := &snapshot{
		Snapshot: providers.Snapshot{
			Volume: noVolume, SizeGiB: from.SizeGiB, Encrypted: from.Encrypted || key != "", KMSKey: key, Tags: tags,
		},
		format: from.format, data: from.data, files: maps.Clone(from.files),
	}
	if x.Encrypted && x.KMSKey == "" {
		x.KMSKey = s.ownKey(e.Region)
	}
	x.fails = from.Encrypted && !s.usable(from.Region, from.KMSKey) || x.Encrypted && !s.usable(e.Region, x.KMSKey)
	return x
}

// usable says whether a key works in a region: the region's own does, an ARN names its region, and some keys never do.
func (s *state) usable(region, key string) bool {
	if slices.Contains(s.spec.BadKeys, key) {
		return false
	}
	parts := strings.Split(key, ":")
	return len(parts) < 4 || parts[3] == region
}

// ownKey is the key that the region has for volumes of its own accord.
func (s *state) ownKey(region string) string {
	return "arn:aws:kms:" + region + ":" + s.spec.Account + ":alias/aws/ebs"
}

func (c *cloud) DeleteSnapshot(ctx context.Context, region, id string) error {
	r := request{op: opDropSnapshot, region: region, about: id}
	return c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		x := s.snapshots[id]
		if x == nil || x.Region != region {
			return &Entry{ID: id, Replay: true}, nil
		}
		for _, i := range s.images {
			if i.Region == region && slices.ContainsFunc(i.Disks, func(d providers.Disk) bool { return d.Snapshot == id }) {
				return nil, refuse(providers.Conflict, r, "InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s", id, i.ID)
			}
		}
		return &Entry{ID: id}, nil
	})
}

// deleteSnapshot keeps the snapshot's place, so that ids stay unique, and takes it from every region.
func (s *state) deleteSnapshot(e Entry) { s.snapshots[e.ID].Region = "" }
