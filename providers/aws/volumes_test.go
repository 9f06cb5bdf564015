package aws_test

import (
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/providertest/emulator"
)

func TestVolumesAndAddresses(t *testing.T) {
	const short = 150 * time.Millisecond
	e := start(t, emulator.Options{Delays: emulator.Delays{Pending: short, Attach: short, Detach: short, Terminate: short}})
	c := cloud(t, aws.Options{})
	ctx := t.Context()
	image := e.SeedImage(region, "standby")
	one, two := e.SeedInstance(region, zone, image), e.SeedInstance(region, zone, image)
	far := e.SeedInstance(region, "us-east-1b", image)

	attachment := func(id string) string {
		v, err := c.Volume(ctx, region, id)
		ok(t, err)
		return v.Attachment
	}

	t.Run("a volume is attached once", func(t *testing.T) {
		id := e.SeedVolume(region, zone, 7, "Name", "data")
		want(t, c.Attach(ctx, region, id, far, "/dev/sdf"), providers.Mismatch)
		ok(t, c.Attach(ctx, region, id, one, "/dev/sdf"))
		if got := attachment(id); got != "attaching" {
			t.Errorf("it is %q, want attaching", got)
		}
		until(t, "it is attached", func() bool { return attachment(id) == "attached" })
		ok(t, c.Attach(ctx, region, id, one, "/dev/sdf")) // where it was to go: nothing is left to do
		holder := want(t, c.Attach(ctx, region, id, two, "/dev/sdf"), providers.Conflict)
		if holder.Detail != id+" is attached on "+one {
			t.Errorf("the detail %q does not name the holder", holder.Detail)
		}
		found, err := c.FindVolumes(ctx, region, map[string]string{"Name": "data"})
		ok(t, err)
		if len(found) != 1 || found[0].Instance != one || found[0].Device != "/dev/sdf" || found[0].Zone != zone || found[0].SizeGiB != 7 {
			t.Errorf("got %+v", found)
		}

		ok(t, c.Detach(ctx, region, id, two)) // it does not hang there
		if got := attachment(id); got != "attached" {
			t.Errorf("after a detach from another machine it is %q, want attached", got)
		}
		ok(t, c.Detach(ctx, region, id, one))
		ok(t, c.Detach(ctx, region, id, one))
		until(t, "it is free", func() bool { return attachment(id) == "" })
		ok(t, c.Detach(ctx, region, id, one))
	})
	t.Run("a volume that is not there", func(t *testing.T) {
		_, err := c.Volume(ctx, region, "vol-0123456789abcdef0")
		want(t, err, providers.NotFound)
		want(t, c.Attach(ctx, region, "vol-0123456789abcdef0", one, "/dev/sdg"), providers.NotFound)
		want(t, c.Detach(ctx, region, "vol-0123456789abcdef0", one), providers.NotFound)
	})
	t.Run("a pending machine takes neither volume nor address", func(t *testing.T) {
		id, a := e.SeedVolume(region, zone, 1), e.SeedAddress(region)
		m, err := c.Launch(ctx, region, providers.Launch{Token: "pending", Image: image, Type: "m7i.large", Zone: zone})
		ok(t, err)
		want(t, c.Attach(ctx, region, id, m.ID, "/dev/sdf"), providers.NotReady)
		want(t, c.Associate(ctx, region, a, m.ID, ""), providers.NotReady)
		until(t, "it takes the volume", func() bool { return c.Attach(ctx, region, id, m.ID, "/dev/sdf") == nil })
		ok(t, c.Associate(ctx, region, a, m.ID, ""))
		ok(t, c.Terminate(ctx, region, m.ID))
		until(t, "the volume is free again", func() bool { return attachment(id) == "" })
		got, err := c.Address(ctx, region, a)
		ok(t, err)
		if got.Instance != "" {
			t.Errorf("%s is held by %s, want nobody", a, got.Instance)
		}
	})
	t.Run("an address moves only from the holder that is named", func(t *testing.T) {
		a := e.SeedAddress(region, "Name", "standby")
		ok(t, c.Associate(ctx, region, a, one, ""))
		ok(t, c.Associate(ctx, region, a, one, ""))
		want(t, c.Associate(ctx, region, a, two, ""), providers.Conflict)
		want(t, c.Associate(ctx, region, a, two, far), providers.Conflict)
		m, err := c.Instance(ctx, region, one)
		ok(t, err)
		if m.PublicAddress != a {
			t.Errorf("the machine is reached at %q, want %s: the temporary address should be gone", m.PublicAddress, a)
		}
		ok(t, c.Associate(ctx, region, a, two, one))
		found, err := c.FindAddresses(ctx, region, map[string]string{"Name": "standby"})
		ok(t, err)
		if len(found) != 1 || found[0].Instance != two || found[0].Address != a {
			t.Errorf("got %+v, want %s held by %s", found, a, two)
		}
		ok(t, c.Disassociate(ctx, region, a, one)) // it does not hold it
		ok(t, c.Disassociate(ctx, region, a, two))
		ok(t, c.Disassociate(ctx, region, a, two))
		got, err := c.Address(ctx, region, a)
		ok(t, err)
		if got.Instance != "" {
			t.Errorf("held by %s, want nobody", got.Instance)
		}
	})
	t.Run("an address that is not there", func(t *testing.T) {
		_, err := c.Address(ctx, region, "198.51.100.7")
		want(t, err, providers.NotFound)
		want(t, c.Associate(ctx, region, "198.51.100.7", one, ""), providers.NotFound)
		want(t, c.Disassociate(ctx, region, "198.51.100.7", one), providers.NotFound)
	})
	t.Run("another region knows nothing of it", func(t *testing.T) {
		_, err := c.Instance(ctx, "us-west-2", one)
		want(t, err, providers.NotFound)
	})
}

func TestImages(t *testing.T) {
	e := start(t, emulator.Options{})
	c := cloud(t, aws.Options{})
	first, second := e.SeedImage(region, "one", "Role", "standby"), e.SeedImage(region, "two", "Role", "standby")
	got, err := c.Image(t.Context(), region, first)
	ok(t, err)
	if got.ID != first || got.Name != "one" || got.State != "available" || got.Created.IsZero() {
		t.Errorf("got %+v", got)
	}
	found, err := c.FindImages(t.Context(), region, map[string]string{"Role": "standby"})
	ok(t, err)
	if len(found) != 2 || found[0].ID != first && found[0].ID != second {
		t.Errorf("got %+v, want %s and %s", found, first, second)
	}
	_, err = c.Image(t.Context(), region, "ami-0123456789abcdef0")
	want(t, err, providers.NotFound)
}
