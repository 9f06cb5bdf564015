package aws_test

import (
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/providertest/emulator"
)

func TestLaunch(t *testing.T) {
	e := start(t, emulator.Options{Delays: emulator.Delays{Pending: 300 * time.Millisecond, Checks: 300 * time.Millisecond, Terminate: 200 * time.Millisecond}})
	c := cloud(t, aws.Options{Account: emulator.Account})
	ctx := t.Context()
	spec := providers.Launch{
		Token: "token-1", Image: e.SeedImage(region, "standby"), Type: "m7i.large", Zone: zone,
		UserData: "#cloud-config\n", Tags: map[string]string{"lifeboat:run": "r*1", "Name": "standby"},
		Subnet: e.Subnet(region, zone), SecurityGroups: []string{e.SecurityGroup(region)},
	}
	first, err := c.Launch(ctx, region, spec)
	ok(t, err)
	if first.State != providers.InstancePending || first.Zone != zone || first.Image != spec.Image || first.PublicAddress != "" {
		t.Errorf("got %+v, want a pending machine of the image in the zone without a public address", first)
	}

	t.Run("the same token is the same machine", func(t *testing.T) {
		again, err := c.Launch(ctx, region, spec)
		ok(t, err)
		if again.ID != first.ID {
			t.Errorf("got %s, want %s", again.ID, first.ID)
		}
	})
	t.Run("the token with other words is mismatch", func(t *testing.T) {
		other := spec
		other.Type = "m7i.xlarge"
		_, err := c.Launch(ctx, region, other)
		want(t, err, providers.Mismatch)
	})
	t.Run("without a token nothing is sent", func(t *testing.T) {
		other := spec
		other.Token = ""
		_, err := c.Launch(ctx, region, other)
		want(t, err, providers.Invalid)
	})
	t.Run("an image that is not there", func(t *testing.T) {
		other := spec
		other.Token, other.Image = "token-2", "ami-0123456789abcdef0"
		_, err := c.Launch(ctx, region, other)
		want(t, err, providers.NotFound)
	})
	t.Run("it comes to run and passes its checks", func(t *testing.T) {
		var got providers.Instance
		until(t, "the checks pass", func() bool {
			got, err = c.Instance(ctx, region, first.ID)
			ok(t, err)
			return got.Checks == providers.ChecksOK
		})
		if got.State != providers.InstanceRunning || got.PublicAddress == "" || got.Tags["lifeboat:run"] != "r*1" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("it is found by its tags, wildcards taken literally", func(t *testing.T) {
		found, err := c.FindInstances(ctx, region, spec.Tags)
		ok(t, err)
		if len(found) != 1 || found[0].ID != first.ID {
			t.Errorf("got %+v, want %s", found, first.ID)
		}
		found, err = c.FindInstances(ctx, region, map[string]string{"Name": "stand*"})
		ok(t, err)
		if len(found) != 0 {
			t.Errorf("got %+v, want nothing", found)
		}
		_, err = c.FindInstances(ctx, region, nil)
		want(t, err, providers.Invalid)
	})
	t.Run("its volume bears the tags", func(t *testing.T) {
		found, err := c.FindVolumes(ctx, region, spec.Tags)
		ok(t, err)
		if len(found) != 1 || found[0].Instance != first.ID {
			t.Errorf("got %+v, want the root volume of %s", found, first.ID)
		}
	})
	t.Run("the request asks for what it must", func(t *testing.T) {
		for _, r := range e.Requests() {
			if r.Action != "RunInstances" {
				continue
			}
			for k, v := range map[string]string{
				"MinCount": "1", "MaxCount": "1", "MetadataOptions.HttpTokens": "required", "ClientToken": "token-1",
				"Placement.AvailabilityZone": zone,
			} {
				if r.Params[k] != v {
					t.Errorf("%s is %q, want %q", k, r.Params[k], v)
				}
			}
			return
		}
	})
	t.Run("terminated, its token is spent", func(t *testing.T) {
		ok(t, c.Terminate(ctx, region, first.ID))
		ok(t, c.Terminate(ctx, region, first.ID))
		_, err := c.Launch(ctx, region, spec)
		want(t, err, providers.KeySpent)
		until(t, "it is terminated", func() bool {
			got, err := c.Instance(ctx, region, first.ID)
			ok(t, err)
			return got.State == providers.InstanceTerminated
		})
	})
	t.Run("a machine that is not there", func(t *testing.T) {
		_, err := c.Instance(ctx, region, "i-0123456789abcdef0")
		want(t, err, providers.NotFound)
		want(t, c.Terminate(ctx, region, "i-0123456789abcdef0"), providers.NotFound)
	})
	if n := launched(e); n != 1 {
		t.Errorf("%d machines were launched, want 1", n)
	}
}

// launched counts the launches that made a machine.
func launched(e *emulator.Emulator) int {
	n := 0
	for _, r := range e.Mutations() {
		if len(r.Effect) > 8 && r.Effect[:8] == "launched" {
			n++
		}
	}
	return n
}
