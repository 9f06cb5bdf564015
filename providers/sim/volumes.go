package sim

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
)

// holder is the instance that the volume hangs on, or "".
func (v *volume) holder(t time.Time) string {
	if v.on == "" || !v.free.IsZero() && !t.Before(v.free) {
		return ""
	}
	return v.on
}

// hang is the effect of an attachment.
func (v *volume) hang(instance, device string, from, attached time.Time) {
	v.on, v.device, v.attached, v.free = instance, device, attached, time.Time{}
}

// there says whether the instance sees the device.
func (v *volume) there(instance string, t time.Time) bool {
	return v.holder(t) == instance && !t.Before(v.attached) && (v.free.IsZero() || v.free.Equal(busy))
}

// describe is the volume as a read shows it now.
func (v *volume) describe(t time.Time) providers.Volume {
	out := v.Volume
	out.Tags = maps.Clone(v.Tags)
	out.Instance, out.Device, out.Attachment = v.holder(t), "", ""
	if state := v.passing(t); state != "" {
		out.State = state
		return out
	}
	if out.Instance == "" {
		if out.State == "" || out.State == "in-use" {
			out.State = "available"
		}
		return out
	}
	out.State, out.Device, out.Attachment = "in-use", v.device, "attached"
	switch {
	case !v.free.IsZero():
		out.Attachment = "detaching"
	case t.Before(v.attached):
		out.Attachment = "attaching"
	}
	return out
}

func (s *state) volume(r request, id string, now time.Time) (*volume, error) {
	v := s.volumes[id]
	if v == nil || v.Region != r.region || now.Before(v.visible) || v.gone(now) {
		return nil, refuse(providers.NotFound, r, "InvalidVolume.NotFound", "The volume %q does not exist.", id)
	}
	return v, nil
}

func (c *cloud) Volume(ctx context.Context, region, id string) (out providers.Volume, err error) {
	err = c.read(ctx, "ec2:DescribeVolumes", region, id, func(s *state, now time.Time, r request) error {
		v, err := s.volume(r, id, now)
		if err == nil {
			out = v.describe(now)
		}
		return err
	})
	return out, err
}

func (c *cloud) FindVolumes(ctx context.Context, region string, tags map[string]string) (out []providers.Volume, err error) {
	err = c.read(ctx, "ec2:DescribeVolumes", region, words(tags), func(s *state, now time.Time, _ request) error {
		for _, id := range slices.Sorted(maps.Keys(s.volumes)) {
			if v := s.volumes[id]; v.Region == region && bears(v.Tags, tags) && !now.Before(v.listed) && !v.gone(now) {
				out = append(out, v.describe(now))
			}
		}
		return nil
	})
	return out, err
}

func (c *cloud) Attach(ctx context.Context, region, volume, instance, device string) error {
	r := request{op: opAttach, region: region, about: volume + " " + instance}
	return c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		v, err := s.volume(r, volume, now)
		if err != nil {
			return nil, err
		}
		m, err := s.find(r, instance, now)
		if err != nil {
			return nil, err
		}
		if v.holder(now) == instance && v.free.IsZero() {
			return &Entry{ID: volume, On: instance, Path: device, Replay: true}, nil
		}
		if err := s.mayAttach(r, v, m, device, now); err != nil {
			return nil, err
		}
		return &Entry{ID: volume, On: instance, Path: device}, nil
	})
}

func (s *state) mayAttach(r request, v *volume, m *machine, device string, now time.Time) error {
	if v.Zone != m.instance.Zone {
		return refuse(providers.Mismatch, r, "InvalidVolume.ZoneMismatch",
			"The volume %q is not in the same availability zone as instance %q", v.ID, m.id)
	}
	if on := v.holder(now); on != "" {
		return refuse(providers.Conflict, r, "VolumeInUse", "%s is already attached to %s", v.ID, on)
	}
	if is := v.describe(now).State; is != "available" && is != "in-use" {
		kind := providers.NotReady
		if is != "creating" {
			kind = providers.Conflict // it will never be
		}
		return refuse(kind, r, "IncorrectState", "The volume %q is %s", v.ID, is)
	}
	switch m.now(now).state {
	case providers.InstanceRunning, providers.InstanceStopped:
	case providers.InstanceShuttingDown, providers.InstanceTerminated:
		return refuse(providers.Conflict, r, "IncorrectState", "Instance %q is terminated.", m.id)
	default:
		return refuse(providers.NotReady, r, "IncorrectState", "Instance %q is not 'running'.", m.id)
	}
	if !strings.HasPrefix(device, "/dev/") {
		return refuse(providers.Invalid, r, "InvalidParameterValue", "Value (%s) for parameter device is invalid.", device)
	}
	for _, other := range s.volumes {
		if other.holder(now) == m.id && other.device == device {
			return refuse(providers.Invalid, r, "InvalidParameterValue",
				"Invalid value %q for unixDevice. Attachment point %s is already in use", device, device)
		}
	}
	return nil
}

func (s *state) attach(e Entry) {
	s.volumes[e.ID].hang(e.On, e.Path, e.At, e.At.Add(s.take(s.spec.Delays.Attach, "attach "+e.ID)))
}

func (c *cloud) Detach(ctx context.Context, region, volume, instance string) error {
	r := request{op: opDetach, region: region, about: volume + " " + instance}
	return c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		v, err := s.volume(r, volume, now)
		if err != nil {
			return nil, err
		}
		e := &Entry{ID: volume, On: instance}
		switch on := v.holder(now); {
		case on != instance, !v.free.IsZero(): // free already, or another's, or on its way
			e.Replay = true
		case now.Before(v.attached):
			return nil, refuse(providers.NotReady, r, "IncorrectState", "The volume %q is attaching", volume)
		}
		return e, nil
	})
}

// detach is the effect of DetachVolume. One that is still mounted stays busy until it is unmounted.
func (s *state) detach(e Entry) {
	v := s.volumes[e.ID]
	v.free = e.At.Add(s.take(s.spec.Delays.Detach, "detach "+e.ID))
	if m := s.machines[e.On]; m != nil {
		for _, mounted := range m.mounts {
			if mounted == e.ID {
				v.free = busy
			}
		}
	}
}

// busy is the end of a detachment that waits for an unmount.
var busy = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
