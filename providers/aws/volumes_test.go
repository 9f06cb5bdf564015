package aws_test

import (
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/providertest/emulator"
)

// estate is two machines in one zone and one in another.
type estate struct {
	e             *emulator.Emulator
	c             *aws.Cloud
	image         string
	one, two, far string
}

func TestResources(t *testing.T) {
	// Long enough for a busy machine to look in between.
	e := start(t, emulator.Options{Delays: emulator.Delays{
		Pending: 1500 * time.Millisecond, Attach: time.Second, Detach: 500 * time.Millisecond, Terminate: time.Second,
	}})
	s := &estate{e: e, c: cloud(t, aws.Options{}), image: e.SeedImage(region, "standby", "Role", "standby")}
	s.one, s.two = e.SeedInstance(region, zone, s.image), e.SeedInstance(region, zone, s.image)
	s.far = e.SeedInstance(region, "us-east-1b", s.image)
	t.Run("images", s.images)
	t.Run("a volume is attached once", s.attach)
	t.Run("a volume leaves only the machine that is named", s.detach)
	t.Run("a pending machine takes neither volume nor address", s.pending)
	t.Run("an address moves only from the holder that is named", s.move)
	t.Run("what is not there", s.absent)
}

func (s *estate) attachment(t *testing.T, id string) string {
	t.Helper()
	v, err := s.c.Volume(t.Context(), region, id)
	ok(t, err)
	return v.Attachment
}

func (s *estate) holder(t *testing.T, address string) string {
	t.Helper()
	a, err := s.c.Address(t.Context(), region, address)
	ok(t, err)
	return a.Instance
}

func (s *estate) images(t *testing.T) {
	second := s.e.SeedImage(region, "two", "Role", "standby")
	got, err := s.c.Image(t.Context(), region, s.image)
	ok(t, err)
	if got.ID != s.image || got.Name != "standby" || got.State != "available" || got.Created.IsZero() {
		t.Errorf("got %+v", got)
	}
	found, err := s.c.FindImages(t.Context(), region, map[string]string{"Role": "standby"})
	ok(t, err)
	if len(found) != 2 || found[0].ID != s.image && found[1].ID != s.image || found[0].ID != second && found[1].ID != second {
		t.Errorf("got %+v, want %s and %s", found, s.image, second)
	}
}

func (s *estate) attach(t *testing.T) {
	ctx := t.Context()
	id := s.e.SeedVolume(region, zone, 7, "Name", "data")
	want(t, s.c.Attach(ctx, region, id, s.far, "/dev/sdf"), providers.Mismatch)
	want(t, s.c.Attach(ctx, region, id, s.one, "/dev/sda1"), providers.Invalid) // its root volume is there
	want(t, s.c.Attach(ctx, region, id, s.one, "sdf"), providers.Invalid)
	ok(t, s.c.Attach(ctx, region, id, s.one, "/dev/sdf"))
	if got := s.attachment(t, id); got != "attaching" {
		t.Errorf("it is %q, want attaching", got)
	}
	until(t, "it is attached", func() bool { return s.attachment(t, id) == "attached" })
	ok(t, s.c.Attach(ctx, region, id, s.one, "/dev/sdf")) // where it was to go: nothing is left to do
	got := want(t, s.c.Attach(ctx, region, id, s.two, "/dev/sdf"), providers.Conflict)
	if got.Detail != id+" is attached on "+s.one {
		t.Errorf("the detail %q does not name the holder", got.Detail)
	}
	found, err := s.c.FindVolumes(ctx, region, map[string]string{"Name": "data"})
	ok(t, err)
	if len(found) != 1 || found[0].Instance != s.one || found[0].Device != "/dev/sdf" || found[0].Zone != zone || found[0].SizeGiB != 7 {
		t.Errorf("got %+v", found)
	}
}

func (s *estate) detach(t *testing.T) {
	ctx := t.Context()
	id := s.e.SeedVolume(region, zone, 1)
	ok(t, s.c.Attach(ctx, region, id, s.one, "/dev/sdg"))
	until(t, "it is attached", func() bool { return s.attachment(t, id) == "attached" })
	ok(t, s.c.Detach(ctx, region, id, s.two)) // it does not hang there
	if got := s.attachment(t, id); got != "attached" {
		t.Errorf("after a detach from another machine it is %q, want attached", got)
	}
	ok(t, s.c.Detach(ctx, region, id, s.one))
	ok(t, s.c.Detach(ctx, region, id, s.one))
	until(t, "it is free", func() bool { return s.attachment(t, id) == "" })
	ok(t, s.c.Detach(ctx, region, id, s.one))
}

func (s *estate) pending(t *testing.T) {
	ctx := t.Context()
	id, address := s.e.SeedVolume(region, zone, 1), s.e.SeedAddress(region)
	m, err := s.c.Launch(ctx, region, providers.Launch{Token: "pending", Image: s.image, Type: "m7i.large", Zone: zone})
	ok(t, err)
	want(t, s.c.Attach(ctx, region, id, m.ID, "/dev/sdf"), providers.NotReady)
	want(t, s.c.Associate(ctx, region, address, m.ID, ""), providers.NotReady)
	until(t, "it takes the volume", func() bool { return s.c.Attach(ctx, region, id, m.ID, "/dev/sdf") == nil })
	ok(t, s.c.Associate(ctx, region, address, m.ID, ""))
	ok(t, s.c.Terminate(ctx, region, m.ID))
	want(t, s.c.Associate(ctx, region, s.e.SeedAddress(region), m.ID, ""), providers.Conflict)
	want(t, s.c.Attach(ctx, region, s.e.SeedVolume(region, zone, 1), m.ID, "/dev/sdf"), providers.Conflict)
	until(t, "the volume is free again", func() bool { return s.attachment(t, id) == "" })
	if got := s.holder(t, address); got != "" {
		t.Errorf("%s is held by %s, want nobody", address, got)
	}
}

func (s *estate) move(t *testing.T) {
	ctx := t.Context()
	address := s.e.SeedAddress(region, "Name", "standby")
	ok(t, s.c.Associate(ctx, region, address, s.one, ""))
	ok(t, s.c.Associate(ctx, region, address, s.one, ""))
	want(t, s.c.Associate(ctx, region, address, s.two, ""), providers.Conflict)
	want(t, s.c.Associate(ctx, region, address, s.two, s.far), providers.Conflict)
	m, err := s.c.Instance(ctx, region, s.one)
	ok(t, err)
	if m.PublicAddress != address {
		t.Errorf("the machine is reached at %q, want %s: the temporary address should be gone", m.PublicAddress, address)
	}
	ok(t, s.c.Associate(ctx, region, address, s.two, s.one))
	found, err := s.c.FindAddresses(ctx, region, map[string]string{"Name": "standby"})
	ok(t, err)
	if len(found) != 1 || found[0].Instance != s.two || found[0].Address != address {
		t.Errorf("got %+v, want %s held by %s", found, address, s.two)
	}
	ok(t, s.c.Disassociate(ctx, region, address, s.one)) // it does not hold it
	if got := s.holder(t, address); got != s.two {
		t.Errorf("held by %q, want %s", got, s.two)
	}
	ok(t, s.c.Disassociate(ctx, region, address, s.two))
	ok(t, s.c.Disassociate(ctx, region, address, s.two))
	if got := s.holder(t, address); got != "" {
		t.Errorf("held by %s, want nobody", got)
	}
}

func (s *estate) absent(t *testing.T) {
	ctx := t.Context()
	const volume, image, address = "vol-0123456789abcdef0", "ami-0123456789abcdef0", "198.51.100.7"
	_, err := s.c.Volume(ctx, region, volume)
	want(t, err, providers.NotFound)
	want(t, s.c.Attach(ctx, region, volume, s.one, "/dev/sdg"), providers.NotFound)
	want(t, s.c.Detach(ctx, region, volume, s.one), providers.NotFound)
	_, err = s.c.Image(ctx, region, image)
	want(t, err, providers.NotFound)
	_, err = s.c.Address(ctx, region, address)
	want(t, err, providers.NotFound)
	want(t, s.c.Associate(ctx, region, address, s.one, ""), providers.NotFound)
	want(t, s.c.Disassociate(ctx, region, address, s.one), providers.NotFound)
	_, err = s.c.Instance(ctx, "us-west-2", s.one) // another region knows nothing of it
	want(t, err, providers.NotFound)
}
