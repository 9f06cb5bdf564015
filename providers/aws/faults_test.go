package aws_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/providertest/emulator"
	"lifeboat/runbook"
)

func TestFaults(t *testing.T) {
	e := start(t, emulator.Options{})
	const deadline = 400 * time.Millisecond
	image := e.SeedImage(region, "standby")
	address, one := e.SeedAddress(region), e.SeedInstance(region, zone, image)
	volume := e.SeedVolume(region, zone, 1)
	zoneID := e.SeedZone("example.com", false)
	ctx := t.Context()
	warm := cloud(t, aws.Options{})
	_, err := warm.Volume(ctx, region, volume) // moto's first call takes a second; it is not to be the one with the deadline
	ok(t, err)
	c := cloud(t, aws.Options{Timeout: deadline})
	spec := providers.Launch{Image: image, Type: "m7i.large", Zone: zone}
	launch := func(token string) (providers.Instance, error) {
		s := spec
		s.Token = token
		return c.Launch(ctx, region, s)
	}

	for _, x := range []struct {
		name  string
		fault emulator.Fault
		kind  providers.ErrorKind
	}{
		{"throttled", emulator.Fault{Kind: emulator.Throttle}, providers.Throttled},
		{"no capacity", emulator.Fault{Kind: emulator.Error, Code: "InsufficientInstanceCapacity", Status: 500}, providers.NoCapacity},
		{"server error", emulator.Fault{Kind: emulator.Error, Code: "InternalError", Status: 500}, providers.Server},
		{"an error page", emulator.Fault{Kind: emulator.Page}, providers.Server},
		{"reset", emulator.Fault{Kind: emulator.Reset}, providers.Lost},
		{"silence", emulator.Fault{Kind: emulator.Hang}, providers.Lost},
		{"silence after the effect", emulator.Fault{Kind: emulator.LateSilence}, providers.Lost},
		{"the answer is lost", emulator.Fault{Kind: emulator.LostAnswer}, providers.Lost},
	} {
		t.Run("launch, "+x.name, func(t *testing.T) {
			x.fault.Action = "RunInstances"
			f := e.Inject(x.fault)
			defer f.Remove()
			before, began := launched(e), time.Now()
			_, err := launch(x.name)
			want(t, err, x.kind)
			if took := time.Since(began); took > 10*deadline {
				t.Errorf("it took %v with a deadline of %v", took, deadline)
			}
			if f.Hits() != 1 {
				t.Errorf("%d requests, want 1", f.Hits())
			}
			f.Remove()
			_, err = launch(x.name)
			ok(t, err)
			if n := launched(e) - before; n != 1 {
				t.Errorf("%d machines, want 1", n)
			}
		})
	}
	t.Run("a read hides two short faults", func(t *testing.T) {
		for _, kind := range []emulator.FaultKind{emulator.Throttle, emulator.Reset, emulator.Page} {
			f := e.Inject(emulator.Fault{Action: "DescribeVolumes", Kind: kind, Times: 1})
			_, err := warm.Volume(ctx, region, volume)
			ok(t, err)
			if f.Hits() != 1 {
				t.Errorf("%s: %d hits, want 1", kind, f.Hits())
			}
			f.Remove()
		}
	})
	t.Run("a read in silence ends at its deadline", func(t *testing.T) {
		f := e.Inject(emulator.Fault{Action: "Describe*", Kind: emulator.Hang})
		defer f.Remove()
		_, err := c.Instance(ctx, region, one)
		if got := want(t, err, providers.Lost); got.Detail != "no answer before the deadline" {
			t.Errorf("the detail is %q", got.Detail)
		}
	})
	t.Run("a caller that gives up is not kept", func(t *testing.T) {
		f := e.Inject(emulator.Fault{Action: "TerminateInstances", Kind: emulator.Hang})
		defer f.Remove()
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(50*time.Millisecond, cancel)
		want(t, warm.Terminate(ctx, region, one), providers.Lost)
	})
	t.Run("an association whose answer is lost is seen", func(t *testing.T) {
		f := e.Inject(emulator.Fault{Action: "AssociateAddress", Kind: emulator.LostAnswer, Times: 1})
		defer f.Remove()
		want(t, c.Associate(ctx, region, address, one, ""), providers.Lost)
		ok(t, c.Associate(ctx, region, address, one, ""))
		if n := count(e, "AssociateAddress"); n != 1 {
			t.Errorf("%d associations, want 1", n)
		}
	})
	t.Run("a change of records whose answer is lost is not done twice", func(t *testing.T) {
		f := e.Inject(emulator.Fault{Action: "ChangeResourceRecordSets", Kind: emulator.LostAnswer, Times: 1})
		defer f.Remove()
		r := &providers.Record{Name: "www.example.com", Type: "A", TTL: time.Minute, Values: []string{address}}
		_, err := c.Change(ctx, zoneID, nil, r)
		if got := want(t, err, providers.Lost); got.Verdict() != runbook.InDoubt {
			t.Errorf("the verdict is %q", got.Verdict())
		}
		_, err = c.Change(ctx, zoneID, nil, r)
		want(t, err, providers.Conflict)
		got, err := c.Record(ctx, zoneID, r.Name, r.Type)
		ok(t, err)
		if !slices.Equal(got.Values, r.Values) {
			t.Errorf("got %v", got.Values)
		}
	})
	t.Run("a dark region takes Route 53 with it and leaves the others", func(t *testing.T) {
		dark := e.Dark(region)
		defer dark.Remove()
		_, err := c.Instance(ctx, region, one)
		want(t, err, providers.Lost)
		_, err = c.Record(ctx, zoneID, "www.example.com", "A")
		want(t, err, providers.Lost)
		got, err := warm.Account(ctx, "us-west-2")
		ok(t, err)
		if got.ID != emulator.Account {
			t.Errorf("got %+v", got)
		}
	})
}

// count is how often an action took effect.
func count(e *emulator.Emulator, action string) int {
	n := 0
	for _, r := range e.Mutations() {
		if r.Action == action {
			n++
		}
	}
	return n
}

// key makes a host key that is one in form.
func key(kind, filling string) string {
	blob := binary.BigEndian.AppendUint32(nil, uint32(len(kind)))
	blob = append(append(blob, kind...), filling...)
	return kind + " " + base64.StdEncoding.EncodeToString(blob)
}

func TestHostKeys(t *testing.T) {
	keys := []string{key("ssh-ed25519", "one"), key("ecdsa-sha2-nistp256", "another one")}
	e := start(t, emulator.Options{
		Delays:   emulator.Delays{Pending: 100 * time.Millisecond, Console: 100 * time.Millisecond},
		HostKeys: func(string) []string { return append(keys, "ssh-rsa bm90YWtleQ==") },
	})
	c := cloud(t, aws.Options{})
	m, err := c.Launch(t.Context(), region, providers.Launch{Token: "t", Image: e.SeedImage(region, "standby"), Type: "m7i.large", Zone: zone})
	ok(t, err)
	got, err := c.HostKeys(t.Context(), region, m.ID)
	ok(t, err)
	if got == nil || len(got) != 0 {
		t.Errorf("got %#v while it boots, want an empty list", got)
	}
	until(t, "the keys are on the console", func() bool {
		got, err = c.HostKeys(t.Context(), region, m.ID)
		ok(t, err)
		return len(got) > 0
	})
	if !slices.Equal(got, keys) {
		t.Errorf("got  %q\nwant %q", got, keys)
	}
	t.Run("a type without the latest output", func(t *testing.T) {
		f := e.Inject(emulator.Fault{Action: "GetConsoleOutput", Kind: emulator.Error, Code: "UnsupportedOperation", Times: 1})
		defer f.Remove()
		got, err := c.HostKeys(t.Context(), region, m.ID)
		ok(t, err)
		if !slices.Equal(got, keys) {
			t.Errorf("got  %q\nwant %q", got, keys)
		}
	})
	_, err = c.HostKeys(t.Context(), region, "i-0123456789abcdef0")
	want(t, err, providers.NotFound)
}

func TestObserved(t *testing.T) {
	e := start(t, emulator.Options{})
	seen := make(chan aws.Attempt, 10)
	c := cloud(t, aws.Options{Observe: func(a aws.Attempt) { seen <- a }})
	f := e.Inject(emulator.Fault{Action: "DescribeAddresses", Kind: emulator.Throttle, Times: 1})
	defer f.Remove()
	_, err := c.Address(t.Context(), "us-west-2", e.SeedAddress("us-west-2"))
	ok(t, err)
	first, second := <-seen, <-seen
	if first.Op != "ec2:DescribeAddresses" || first.Region != "us-west-2" || !first.Sent || first.Changes || !strings.Contains(first.Error, "throttled") {
		t.Errorf("the first is %+v", first)
	}
	if second.Try != 2 || second.Error != "" {
		t.Errorf("the second is %+v", second)
	}
}
