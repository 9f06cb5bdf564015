package sim

import (
	"context"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
)

const (
	opVolume     = "ec2:CreateVolume"
	opDropVolume = "ec2:DeleteVolume"
)

// passing is the state of a volume that is on its way in or out; "" is neither.
func (v *volume) passing(t time.Time) string {
	switch {
	case !v.end.IsZero():
		return "deleting"
	case t.Before(v.ready):
		return "creating"
	}
	return ""
}

func (v *volume) gone(t time.Time) bool { return !v.end.IsZero() && !t.Before(v.end) }

// filled says how much of the volume has arrived, and whether anybody tells: nobody does without a rate. What was not made
// from a snapshot has nothing to fill.
func (v *volume) filled(t time.Time) (done float64, left time.Duration, known bool) {
	switch {
	case v.made == nil || v.made.Snapshot == "":
		return 1, 0, true
	case v.made.Rate == 0:
		return 0, 0, false
	case !t.Before(v.full):
		return 1, 0, true
	case t.Before(v.ready):
		return 0, v.full.Sub(v.ready), true
	}
	done = float64(t.Sub(v.ready)) / float64(v.full.Sub(v.ready))
	return math.Floor(done*100) / 100, (v.full.Sub(t) + time.Second - 1).Truncate(time.Second), true
}

func (c *cloud) CreateVolume(ctx context.Context, region string, w providers.NewVolume) (out providers.Volume, err error) {
	r := request{op: opVolume, region: region, about: strings.Join(strings.Fields(w.Zone+" "+w.Snapshot+" "+w.Type), " ")}
	err = c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		if id, ok := s.tokens["volume "+region+"/"+w.Token]; ok && w.Token != "" {
			v := s.volumes[id]
			if !reflect.DeepEqual(plain(*v.made), plain(w)) {
				return nil, refuse(providers.Mismatch, r, "IdempotentParameterMismatch", "the token %q was used for another request", w.Token)
			}
			out = v.describe(now)
			return &Entry{ID: id, Token: w.Token, Replay: true}, nil
		}
		if err := s.mayMake(r, w, now); err != nil {
			return nil, err
		}
		w.Tags = maps.Clone(w.Tags)
		e := &Entry{ID: name("vol", s.spec.Seed, "volume", len(s.volumes)), Token: w.Token, Volume: &w}
		out = s.newVolume(region, e.ID, w, now).Volume
		out.State, out.Tags = "creating", maps.Clone(w.Tags)
		return e, nil
	})
	if err != nil {
		return providers.Volume{}, err
	}
	return out, nil
}

func plain(w providers.NewVolume) providers.NewVolume {
	if len(w.Tags) == 0 {
		w.Tags = nil
	}
	return w
}

var volumeTypes = []string{"", "gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"}

func (s *state) mayMake(r request, w providers.NewVolume, now time.Time) error {
	letter := strings.TrimPrefix(w.Zone, r.region)
	if letter == w.Zone || len(letter) != 1 || letter < "a" || letter > "f" {
		return refuse(providers.NotFound, r, "InvalidZone.NotFound", "The zone '%s' does not exist.", w.Zone)
	}
	if w.Snapshot == "" && w.SizeGiB == 0 {
		return refuse(providers.Invalid, r, "MissingParameter", "The request must contain the parameter size/snapshot")
	}
	if !slices.Contains(volumeTypes, w.Type) {
		return refuse(providers.Invalid, r, "UnknownVolumeType", "Unsupported volume type '%s' for volume creation.", w.Type)
	}
	if w.Rate != 0 && (w.Rate < 100 || w.Rate > 300) {
		return refuse(providers.Invalid, r, "InvalidParameterValue", "Volume initialization rate %d is not between 100 and 300 MiB/s", w.Rate)
	}
	if w.Snapshot == "" {
		return nil
	}
	x, err := s.snapshot(r, w.Snapshot, now)
	if err != nil {
		return err
	}
	switch is := x.describe(now).State; {
	case is == "pending":
		return refuse(providers.NotReady, r, "IncorrectState", "Snapshot is in invalid state - %s", is)
	case is != "completed":
		return refuse(providers.Conflict, r, "IncorrectState", "Snapshot is in invalid state - %s", is)
	case w.SizeGiB != 0 && w.SizeGiB < x.SizeGiB:
		return refuse(providers.Invalid, r, "InvalidParameterValue", "Volume of %dGiB is too small for snapshot of %dGiB", w.SizeGiB, x.SizeGiB)
	}
	return nil
}

func (s *state) newVolume(region, id string, w providers.NewVolume, at time.Time) *volume {
	v := &volume{Volume: providers.Volume{
		ID: id, Region: region, Zone: w.Zone, SizeGiB: w.SizeGiB, Snapshot: w.Snapshot, Type: either(w.Type, "gp3"),
		Encrypted: w.KMSKey != "", KMSKey: w.KMSKey, Created: at, Tags: w.Tags,
	}, files: map[string]string{}, made: &w}
	if x := s.snapshots[w.Snapshot]; x != nil {
		v.data, v.files, v.format = x.data, maps.Clone(x.files), x.format
		v.SizeGiB = max(w.SizeGiB, x.SizeGiB)
		v.Encrypted, v.KMSKey = v.Encrypted || x.Encrypted, either(w.KMSKey, x.KMSKey)
	}
	if v.Encrypted && !s.usable(region, v.KMSKey) {
		v.State = "error"
	}
	return v
}

// createVolume is the effect of CreateVolume. With a rate its blocks arrive from the moment when it is available.
func (s *state) createVolume(e Entry) {
	v := s.newVolume(e.Region, e.ID, *e.Volume, e.At)
	key := opVolume + " " + e.Region
	v.visible = e.At.Add(s.take(s.spec.Delays.Visible, key+" visible"))
	v.listed = v.visible.Add(s.take(s.spec.Delays.Visible, key+" listed"))
	v.ready = e.At.Add(s.take(s.spec.Delays.Create, key+" ready"))
	if e.Volume.Rate > 0 {
		v.full = v.ready.Add(time.Duration(v.SizeGiB*1024/e.Volume.Rate) * time.Second)
	}
	s.volumes[e.ID] = v
	if e.Token != "" {
		s.tokens["volume "+e.Region+"/"+e.Token] = e.ID
	}
}

func (c *cloud) DeleteVolume(ctx context.Context, region, id string) error {
	r := request{op: opDropVolume, region: region, about: id}
	return c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		v := s.volumes[id]
		if v == nil || v.Region != region || !v.end.IsZero() {
			return &Entry{ID: id, Replay: true}, nil
		}
		if on := v.holder(now); on != "" {
			return nil, refuse(providers.Conflict, r, "VolumeInUse", "Volume %s is currently attached to %s", id, on)
		}
		return &Entry{ID: id}, nil
	})
}

// deleteVolume keeps the volume's place, so that ids stay unique.
func (s *state) deleteVolume(e Entry) {
	s.volumes[e.ID].end = e.At.Add(s.take(s.spec.Delays.Detach, "delete "+e.ID))
}

func (c *cloud) Hydration(ctx context.Context, region, id string) (out providers.Hydration, err error) {
	err = c.read(ctx, "ec2:DescribeVolumeStatus", region, id, func(s *state, now time.Time, r request) error {
		v, err := s.volume(r, id, now)
		if err != nil {
			return err
		}
		out.Done, out.Left, out.Known = v.filled(now)
		out.Complete = out.Known && out.Done >= 1
		return nil
	})
	return out, err
}
