package aws_test

import (
	"slices"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/providertest/emulator"
)

// launching is one machine and the words that launched it.
type launching struct {
	e     *emulator.Emulator
	c     *aws.Cloud
	spec  providers.Launch
	first providers.Instance
}

func TestLaunch(t *testing.T) {
	e := start(t, emulator.Options{Delays: emulator.Delays{Pending: time.Second, Checks: time.Second, Terminate: 200 * time.Millisecond}})
	l := &launching{e: e, c: cloud(t, aws.Options{Account: emulator.Account})}
	l.spec = providers.Launch{
		Token: "token-1", Image: e.SeedImage(region, "standby"), Type: "m7i.large", Zone: zone,
		UserData: "#cloud-config\n", Tags: map[string]string{"lifeboat:run": "r*1", "Name": "standby"},
		Subnet: e.Subnet(region, zone), SecurityGroups: []string{e.SecurityGroup(region)},
	}
	var err error
	l.first, err = l.c.Launch(t.Context(), region, l.spec)
	ok(t, err)
	if l.first.State != providers.InstancePending || l.first.Zone != zone || l.first.Image != l.spec.Image || l.first.PublicAddress != "" {
		t.Errorf("got %+v, want a pending machine of the image in the zone without a public address", l.first)
	}
	t.Run("the request asks for what it must", l.asks)
	t.Run("the same token is the same machine", l.token)
	t.Run("it comes to run and passes its checks", l.runs)
	t.Run("it is found by its tags, wildcards taken literally", l.found)
	t.Run("terminated, its token is spent", l.spent)
	if n := launched(e); n != 1 {
		t.Errorf("%d machines were launched, want 1", n)
	}
}

func (l *launching) asks(t *testing.T) {
	i := slices.IndexFunc(l.e.Requests(), func(r emulator.Request) bool { return r.Action == "RunInstances" })
	sent := l.e.Requests()[i].Params
	for k, v := range map[string]string{
		"MinCount": "1", "MaxCount": "1", "MetadataOptions.HttpTokens": "required", "ClientToken": "token-1",
		"Placement.AvailabilityZone": zone, "SubnetId": l.spec.Subnet, "SecurityGroupId.1": l.spec.SecurityGroups[0],
	} {
		if sent[k] != v {
			t.Errorf("%s is %q, want %q", k, sent[k], v)
		}
	}
}

func (l *launching) token(t *testing.T) {
	again, err := l.c.Launch(t.Context(), region, l.spec)
	ok(t, err)
	if again.ID != l.first.ID {
		t.Errorf("got %s, want %s", again.ID, l.first.ID)
	}
	for name, x := range map[string]struct {
		change func(*providers.Launch)
		kind   providers.ErrorKind
	}{
		"other words":      {func(s *providers.Launch) { s.Type = "m7i.xlarge" }, providers.Mismatch},
		"no token":         {func(s *providers.Launch) { s.Token = "" }, providers.Invalid},
		"an unknown image": {func(s *providers.Launch) { s.Token, s.Image = "token-2", "ami-0123456789abcdef0" }, providers.NotFound},
		"another zone":     {func(s *providers.Launch) { s.Token, s.Zone = "token-3", "us-east-1b" }, providers.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			other := l.spec
			x.change(&other)
			_, err := l.c.Launch(t.Context(), region, other)
			want(t, err, x.kind)
		})
	}
}

func (l *launching) runs(t *testing.T) {
	var got providers.Instance
	var seen []providers.CheckState
	until(t, "the checks pass", func() bool {
		var err error
		got, err = l.c.Instance(t.Context(), region, l.first.ID)
		ok(t, err)
		seen = append(seen, got.Checks)
		return got.Checks == providers.ChecksOK
	})
	if !slices.Contains(seen, providers.ChecksInitializing) {
		t.Errorf("the checks were %q, never initializing", seen)
	}
	if got.State != providers.InstanceRunning || got.PublicAddress == "" || got.Tags["lifeboat:run"] != "r*1" {
		t.Errorf("got %+v", got)
	}
}

func (l *launching) found(t *testing.T) {
	ctx := t.Context()
	found, err := l.c.FindInstances(ctx, region, l.spec.Tags)
	ok(t, err)
	if len(found) != 1 || found[0].ID != l.first.ID {
		t.Errorf("got %+v, want %s", found, l.first.ID)
	}
	found, err = l.c.FindInstances(ctx, region, map[string]string{"Name": "stand*"})
	ok(t, err)
	if len(found) != 0 {
		t.Errorf("got %+v, want nothing", found)
	}
	_, err = l.c.FindInstances(ctx, region, nil)
	want(t, err, providers.Invalid)
	volumes, err := l.c.FindVolumes(ctx, region, l.spec.Tags)
	ok(t, err)
	if len(volumes) != 1 || volumes[0].Instance != l.first.ID {
		t.Errorf("got %+v, want the root volume of %s", volumes, l.first.ID)
	}
}

func (l *launching) spent(t *testing.T) {
	ctx := t.Context()
	ok(t, l.c.Terminate(ctx, region, l.first.ID))
	ok(t, l.c.Terminate(ctx, region, l.first.ID))
	_, err := l.c.Launch(ctx, region, l.spec)
	want(t, err, providers.KeySpent)
	until(t, "it is terminated", func() bool {
		got, err := l.c.Instance(ctx, region, l.first.ID)
		ok(t, err)
		return got.State == providers.InstanceTerminated
	})
	want(t, l.c.Terminate(ctx, region, "i-0123456789abcdef0"), providers.NotFound)
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
