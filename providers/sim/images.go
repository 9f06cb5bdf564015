package sim

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
)

const (
	opCopyImage   = "ec2:CopyImage"
	opCreateImage = "ec2:CreateImage"
	opRegister    = "ec2:RegisterImage"
	opDeregister  = "ec2:DeregisterImage"
	opShareImage  = "ec2:ModifyImageAttribute"
)

// picture is what a read of an image does not show: how it was asked for, when it is to be seen and to be had, and who may
// launch it.
type picture struct {
	copied                 *providers.ImageCopy
	visible, listed, ready time.Time
	fails                  string
	shared                 []string
}

// keepImage puts one of the spec's into the world, with the snapshots that it names.
func (s *state) keepImage(n int, i providers.Image) {
	if i.Created.IsZero() {
		i.Created = s.spec.Start.Add(-30*time.Hour + time.Duration(n)*time.Hour)
	}
	for _, d := range i.Disks {
		if d.Snapshot != "" && s.snapshots[d.Snapshot] == nil {
			s.keepSnapshot(0, Snapshot{Snapshot: providers.Snapshot{
				ID: d.Snapshot, Region: i.Region, Volume: noVolume, Started: i.Created, SizeGiB: d.SizeGiB, Encrypted: d.Encrypted,
				KMSKey: d.KMSKey, Tags: i.Tags,
			}})
		}
	}
	s.images[i.ID], s.pictures[i.ID] = i, &picture{}
}

// image is an image as a read shows it now; one that was only just made is not there yet.
func (s *state) image(r request, id string, now time.Time) (providers.Image, error) {
	i, ok := s.images[id]
	if !ok || i.Region != r.region || now.Before(s.pictures[id].visible) {
		return i, refuse(providers.NotFound, r, "InvalidAMIID.NotFound", "The image id %q does not exist", id)
	}
	return s.showImage(i, now), nil
}

func (s *state) showImage(i providers.Image, now time.Time) providers.Image {
	i.Tags, i.Disks = maps.Clone(i.Tags), slices.Clone(i.Disks)
	switch p := s.pictures[i.ID]; {
	case now.Before(p.ready):
		i.State = "pending"
	case p.fails != "":
		i.State, i.StateReason = "failed", p.fails
	}
	return i
}

// listImages returns those of a region that pass, oldest first.
func (s *state) listImages(region string, now time.Time, pass func(providers.Image) bool) (out []providers.Image) {
	for id, i := range s.images {
		if i.Region == region && pass(i) && !now.Before(s.pictures[id].listed) {
			out = append(out, s.showImage(i, now))
		}
	}
	slices.SortFunc(out, func(a, b providers.Image) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func (c *cloud) Image(ctx context.Context, region, id string) (out providers.Image, err error) {
	err = c.read(ctx, "ec2:DescribeImages", region, id, func(s *state, now time.Time, r request) (err error) {
		out, err = s.image(r, id, now)
		return err
	})
	if err != nil {
		return providers.Image{}, err
	}
	return out, nil
}

func (c *cloud) FindImages(ctx context.Context, region string, tags map[string]string) (out []providers.Image, err error) {
	err = c.read(ctx, "ec2:DescribeImages", region, words(tags), func(s *state, now time.Time, _ request) error {
		out = s.listImages(region, now, func(i providers.Image) bool { return bears(i.Tags, tags) })
		return nil
	})
	return out, err
}

func (c *cloud) CopiesOf(ctx context.Context, region, source string) (out []providers.Image, err error) {
	err = c.read(ctx, "ec2:DescribeImages", region, source, func(s *state, now time.Time, _ request) error {
		out = s.listImages(region, now, func(i providers.Image) bool { return i.Source == source })
		return nil
	})
	return out, err
}

func (c *cloud) LaunchedFrom(ctx context.Context, region, image string) (out []string, err error) {
	err = c.read(ctx, "ec2:DescribeInstances", region, image, func(s *state, now time.Time, _ request) error {
		for _, id := range s.launched {
			m := s.machines[id]
			if m.instance.Region == region && m.instance.Image == image && !m.over(now) && !now.Before(m.listed) {
				out = append(out, id)
			}
		}
		slices.Sort(out)
		return nil
	})
	return out, err
}

// newImage gives an image that is asked for its id, its date and the ids of its new snapshots.
func (s *state) newImage(r request, i providers.Image, now time.Time) providers.Image {
	i.ID, i.Region, i.State, i.Created = name("ami", s.spec.Seed, "image", len(s.images)), r.region, "pending", now
	i.Tags, i.Disks = maps.Clone(i.Tags), slices.Clone(i.Disks)
	for n := range i.Disks {
		if i.Disks[n].Snapshot != "" {
			i.Disks[n].Snapshot = name("snap", s.spec.Seed, "snapshot", len(s.snapshots)+n)
		}
	}
	return i
}

func (c *cloud) CopyImage(ctx context.Context, region string, w providers.ImageCopy) (out providers.Image, err error) {
	r := request{op: opCopyImage, region: region, about: strings.TrimSpace(w.FromRegion + " " + w.Image + " " + w.Name)}
	if err := known(request{op: r.op, region: w.FromRegion}); err != nil {
		return out, err
	}
	err = c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		if id, ok := s.tokens["image "+region+"/"+w.Token]; ok && w.Token != "" {
			if !reflect.DeepEqual(plainCopy(*s.pictures[id].copied), plainCopy(w)) {
				return nil, refuse(providers.Mismatch, r, "IdempotentParameterMismatch", "the token %q was used for another request", w.Token)
			}
			out = s.showImage(s.images[id], now)
			return &Entry{ID: id, Token: w.Token, Replay: true}, nil
		}
		from, err := s.image(request{op: r.op, region: w.FromRegion}, w.Image, now)
		if err != nil {
			return nil, err
		}
		if from.State != "available" {
			kind := providers.Conflict
			if from.State == "pending" {
				kind = providers.NotReady
			}
			return nil, refuse(kind, r, "InvalidAMIID.Unavailable", "The image id '[%s]' is %s", w.Image, from.State)
		}
		w.Tags = maps.Clone(w.Tags)
		from.Name, from.Tags, from.Source, from.SourceRegion = w.Name, w.Tags, w.Image, w.FromRegion
		out = s.newImage(r, from, now)
		made := out
		return &Entry{ID: out.ID, Token: w.Token, Image: &made, ImageCopy: &w}, nil
	})
	if err != nil {
		return providers.Image{}, err
	}
	return out, nil
}

func plainCopy(w providers.ImageCopy) providers.ImageCopy {
	if len(w.Tags) == 0 {
		w.Tags = nil
	}
	return w
}

// copyImage is the effect of CopyImage: a copy of each snapshot, and an image of them when they are there. Whether the keys
// can be used shows only then.
func (s *state) copyImage(e Entry) {
	i, p := *e.Image, &picture{copied: e.ImageCopy}
	source := s.images[e.ImageCopy.Image]
	last := e.At.Add(s.take(s.spec.Delays.Carry, "image "+e.Region))
	for n := range i.Disks {
		d := &i.Disks[n]
		from := s.snapshots[source.Disks[n].Snapshot]
		if d.Snapshot == "" || from == nil {
			continue
		}
		x := s.carried(e, from, e.ImageCopy.KMSKey, i.Tags)
		x.Description = fmt.Sprintf("Copied for DestinationAmi %s from SourceAmi %s for SourceSnapshot %s.", i.ID, source.ID, from.ID)
		s.addSnapshot(Entry{Op: e.Op, Region: e.Region, ID: d.Snapshot, At: e.At}, s.spec.Delays.Carry, x)
		d.Encrypted, d.KMSKey = x.Encrypted, x.KMSKey
		if x.fails && p.fails == "" {
			p.fails = fmt.Sprintf("Snapshot %s could not be copied: the given key %s is not accessible", from.ID, x.KMSKey)
		}
		if x.done.After(last) {
			last = x.done
		}
	}
	s.addImage(e, i, p, last)
	if e.Token != "" {
		s.tokens["image "+e.Region+"/"+e.Token] = e.ID
	}
}

// addImage puts a new image into the world that will be there some seconds after the last of its snapshots.
func (s *state) addImage(e Entry, i providers.Image, p *picture, last time.Time) {
	key := e.Op + " " + e.Region
	p.visible = e.At.Add(s.take(s.spec.Delays.Visible, key+" visible"))
	p.listed = p.visible.Add(s.take(s.spec.Delays.Visible, key+" listed"))
	p.ready = last.Add(s.take(s.spec.Delays.Image, key+" ready"))
	i.State = "available"
	s.images[i.ID], s.pictures[i.ID] = i, p
}

// nameTaken refuses a second image of one name.
func (s *state) nameTaken(r request, name string) error {
	for _, i := range s.images {
		if i.Region == r.region && i.Name == name {
			return refuse(providers.Conflict, r, "InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", name, i.ID)
		}
	}
	return nil
}

func (c *cloud) CreateImage(ctx context.Context, region, instance, name string, noReboot bool, tags map[string]string) (out providers.Image, err error) {
	r := request{op: opCreateImage, region: region, about: strings.TrimSpace(instance + " " + name)}
	err = c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		m, err := s.find(r, instance, now)
		if err != nil {
			return nil, err
		}
		if is := m.now(now).state; is != providers.InstanceRunning && is != providers.InstanceStopped {
			return nil, refuse(providers.NotReady, r, "IncorrectState", "The instance %q is %s", instance, is)
		}
		if err := s.nameTaken(r, name); err != nil {
			return nil, err
		}
		i := s.images[m.instance.Image] // what a machine does not say is what its image said
		i.Name, i.Tags, i.Source, i.SourceRegion, i.Disks = name, tags, "", "", s.pictureOf(m, now)
		i.RootDevice = rootOf(m)
		out = s.newImage(r, i, now)
		made := out
		e := &Entry{ID: out.ID, On: instance, Image: &made}
		if !noReboot {
			e.Text = "reboot"
		}
		return e, nil
	})
	if err != nil {
		return providers.Image{}, err
	}
	return out, nil
}

func rootOf(m *machine) string { return either(m.instance.RootDevice, "/dev/xvda") }

// pictureOf is what an image of the machine has: its root device, which may be on no volume of this world, and what hangs
// on it.
func (s *state) pictureOf(m *machine, now time.Time) []providers.Disk {
	out := []providers.Disk{{Device: rootOf(m), Snapshot: "new", SizeGiB: 8, Type: "gp3"}}
	for _, d := range s.disksOf(m.id, now) {
		d.Snapshot = "new"
		if d.Device == rootOf(m) {
			d.Kept = false
			out[0] = d
			continue
		}
		out = append(out, d)
	}
	return out
}

// createImage is the effect of CreateImage: a snapshot of each volume. Unless it was asked not to, it starts the machine
// anew.
func (s *state) createImage(e Entry) {
	i, last := *e.Image, e.At
	for n := range i.Disks {
		d := &i.Disks[n]
		x := &snapshot{Snapshot: providers.Snapshot{
			Volume: d.Volume, SizeGiB: d.SizeGiB, Encrypted: d.Encrypted, KMSKey: d.KMSKey, Tags: i.Tags,
			Description: fmt.Sprintf("Created by CreateImage(%s) for %s", e.On, i.ID),
		}}
		if v := s.volumes[d.Volume]; v != nil {
			x.data, x.files = v.data, maps.Clone(v.files)
		}
		s.addSnapshot(Entry{Op: e.Op, Region: e.Region, ID: d.Snapshot, At: e.At}, s.spec.Delays.Snapshot, x)
		d.Volume = ""
		if x.done.After(last) {
			last = x.done
		}
	}
	s.addImage(e, i, &picture{}, last)
	if m := s.machines[e.On]; e.Text == "reboot" && m.now(e.At).state == providers.InstanceRunning {
		m.turn(e.At, providers.InstanceRunning, false)
		m.turn(e.At.Add(s.take(s.spec.Delays.Boot, "reboot "+e.On)), providers.InstanceRunning, true)
	}
}

func (c *cloud) RegisterImage(ctx context.Context, region string, i providers.Image) (out providers.Image, err error) {
	r := request{op: opRegister, region: region, about: i.Name}
	err = c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		if err := s.mayRegister(r, i, now); err != nil {
			return nil, err
		}
		disks := slices.Clone(i.Disks)
		for n := range disks {
			if x := s.snapshots[disks[n].Snapshot]; x != nil {
				disks[n].Encrypted, disks[n].KMSKey = x.Encrypted, x.KMSKey
			}
		}
		i.Source, i.SourceRegion, i.StateReason = "", "", ""
		out = s.newImage(r, i, now)
		out.Disks = disks // it takes the snapshots as they are
		made := out
		return &Entry{ID: out.ID, Image: &made}, nil
	})
	if err != nil {
		return providers.Image{}, err
	}
	return out, nil
}

func (s *state) mayRegister(r request, i providers.Image, now time.Time) error {
	if err := s.nameTaken(r, i.Name); err != nil {
		return err
	}
	if !slices.ContainsFunc(i.Disks, func(d providers.Disk) bool { return d.Device == i.RootDevice && d.Snapshot != "" }) {
		return refuse(providers.Invalid, r, "InvalidBlockDeviceMapping", "The root device %q has no snapshot", i.RootDevice)
	}
	for _, d := range i.Disks {
		if d.Snapshot == "" {
			continue
		}
		x, err := s.snapshot(r, d.Snapshot, now)
		if err != nil {
			return err
		}
		switch is := x.describe(now).State; {
		case is == "pending":
			return refuse(providers.NotReady, r, "IncorrectState", "Snapshot is in invalid state - %s", is)
		case is != "completed":
			return refuse(providers.Conflict, r, "IncorrectState", "Snapshot is in invalid state - %s", is)
		}
	}
	return nil
}

// registerImage is the effect of RegisterImage.
func (s *state) registerImage(e Entry) { s.addImage(e, *e.Image, &picture{}, e.At) }

func (c *cloud) Deregister(ctx context.Context, region, id string) error {
	r := request{op: opDeregister, region: region, about: id}
	return c.regional(ctx, r, c.spec.Delays.Write, func(s *state, _ time.Time) (*Entry, error) {
		i, ok := s.images[id]
		return &Entry{ID: id, Replay: !ok || i.Region != region}, nil
	})
}

// deregister keeps the image's place, so that ids stay unique and its token is not used again, and takes it from every
// region. Its snapshots stay.
func (s *state) deregister(e Entry) {
	i := s.images[e.ID]
	i.Region = ""
	s.images[e.ID] = i
}

func (c *cloud) Shared(ctx context.Context, region, id string) ([]string, error) {
	out := []string{}
	err := c.read(ctx, "ec2:DescribeImageAttribute", region, id, func(s *state, now time.Time, r request) error {
		_, err := s.image(r, id, now)
		if err == nil {
			out = append(out, s.pictures[id].shared...)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *cloud) Share(ctx context.Context, region, id string, accounts []string) error {
	has, err := c.Shared(ctx, region, id)
	if err != nil {
		return err
	}
	accounts = slices.Compact(slices.Sorted(slices.Values(accounts)))
	if slices.Equal(has, accounts) {
		return nil
	}
	r := request{op: opShareImage, region: region, about: id}
	return c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		i, err := s.image(r, id, now)
		switch {
		case err != nil:
			return nil, err
		case i.State == "pending":
			return nil, refuse(providers.NotReady, r, "InvalidAMIID.Unavailable", "The image id '[%s]' is pending", id)
		}
		return &Entry{ID: id, Text: strings.Join(accounts, " ")}, nil
	})
}

func (s *state) share(e Entry) { s.pictures[e.ID].shared = strings.Fields(e.Text) }
