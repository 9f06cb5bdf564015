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

// deadline is that of the calls that are to fail.
const deadline = 700 * time.Millisecond

// faulty is a small estate, a patient caller and one with a short deadline.
type faulty struct {
	e                           *emulator.Emulator
	patient, hasty              *aws.Cloud
	image, one                  string
	address, volume, hostedZone string
}

func TestFaults(t *testing.T) {
	e := start(t, emulator.Options{})
	f := &faulty{e: e, patient: cloud(t, aws.Options{}), hasty: cloud(t, aws.Options{Timeout: deadline})}
	f.image, f.address, f.volume = e.SeedImage(region, "standby"), e.SeedAddress(region), e.SeedVolume(region, zone, 1)
	f.one, f.hostedZone = e.SeedInstance(region, zone, f.image), e.SeedZone("example.com", false)
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
		t.Run("launch, "+x.name, func(t *testing.T) { f.launch(t, x.name, x.fault, x.kind) })
	}
	t.Run("reads", f.reads)
	t.Run("a caller that gives up is not kept", f.gaveUp)
	t.Run("an association whose answer is lost is seen", f.lostAssociation)
	t.Run("a change of records whose answer is lost is not done twice", f.lostChange)
	t.Run("every attempt is observed", f.observed)
	t.Run("a dark region takes Route 53 with it and leaves the others", f.dark)
}

// launch meets a fault once, and then launches under the same token.
func (f *faulty) launch(t *testing.T, token string, fault emulator.Fault, kind providers.ErrorKind) {
	fault.Action = "RunInstances"
	injected := f.e.Inject(fault)
	defer injected.Remove()
	spec := providers.Launch{Token: token, Image: f.image, Type: "m7i.large", Zone: zone}
	c := f.patient
	if fault.Kind == emulator.Hang || fault.Kind == emulator.LateSilence {
		c = f.hasty
	}
	before, began := launched(f.e), time.Now()
	_, err := c.Launch(t.Context(), region, spec)
	want(t, err, kind)
	if took := time.Since(began); took > 10*deadline {
		t.Errorf("it took %v with a deadline of %v", took, deadline)
	}
	if injected.Hits() != 1 {
		t.Errorf("%d requests, want 1", injected.Hits())
	}
	injected.Remove()
	_, err = f.patient.Launch(t.Context(), region, spec)
	ok(t, err)
	if n := launched(f.e) - before; n != 1 {
		t.Errorf("%d machines, want 1", n)
	}
}

// reads hide one short fault, and end at their deadline in silence.
func (f *faulty) reads(t *testing.T) {
	for _, kind := range []emulator.FaultKind{emulator.Throttle, emulator.Reset, emulator.Page} {
		injected := f.e.Inject(emulator.Fault{Action: "DescribeVolumes", Kind: kind, Times: 1})
		_, err := f.patient.Volume(t.Context(), region, f.volume)
		ok(t, err)
		if injected.Hits() != 1 {
			t.Errorf("%s: %d hits, want 1", kind, injected.Hits())
		}
		injected.Remove()
	}
	injected := f.e.Inject(emulator.Fault{Action: "Describe*", Kind: emulator.Hang})
	defer injected.Remove()
	_, err := f.hasty.Instance(t.Context(), region, f.one)
	if got := want(t, err, providers.Lost); got.Detail != "no answer before the deadline" {
		t.Errorf("the detail is %q", got.Detail)
	}
}

func (f *faulty) gaveUp(t *testing.T) {
	injected := f.e.Inject(emulator.Fault{Action: "TerminateInstances", Kind: emulator.Hang})
	defer injected.Remove()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.patient.Terminate(ctx, region, f.one) }()
	until(t, "it hangs", func() bool { return injected.Hits() == 1 })
	cancel()
	want(t, <-ended, providers.Lost)
}

func (f *faulty) lostAssociation(t *testing.T) {
	injected := f.e.Inject(emulator.Fault{Action: "AssociateAddress", Kind: emulator.LostAnswer, Times: 1})
	defer injected.Remove()
	want(t, f.patient.Associate(t.Context(), region, f.address, f.one, ""), providers.Lost)
	ok(t, f.patient.Associate(t.Context(), region, f.address, f.one, ""))
	if n := count(f.e, "AssociateAddress"); n != 1 {
		t.Errorf("%d associations, want 1", n)
	}
}

func (f *faulty) lostChange(t *testing.T) {
	injected := f.e.Inject(emulator.Fault{Action: "ChangeResourceRecordSets", Kind: emulator.LostAnswer, Times: 1})
	defer injected.Remove()
	r := &providers.Record{Name: "www.example.com", Type: "A", TTL: time.Minute, Values: []string{f.address}}
	_, err := f.patient.Change(t.Context(), f.hostedZone, nil, r)
	if got := want(t, err, providers.Lost); got.Verdict() != runbook.InDoubt {
		t.Errorf("the verdict is %q", got.Verdict())
	}
	_, err = f.patient.Change(t.Context(), f.hostedZone, nil, r)
	want(t, err, providers.Conflict)
	got, err := f.patient.Record(t.Context(), f.hostedZone, r.Name, r.Type)
	ok(t, err)
	if !slices.Equal(got.Values, r.Values) {
		t.Errorf("got %v", got.Values)
	}
}

func (f *faulty) observed(t *testing.T) {
	seen := make(chan aws.Attempt, 10)
	c := cloud(t, aws.Options{Observe: func(a aws.Attempt) { seen <- a }})
	injected := f.e.Inject(emulator.Fault{Action: "DescribeAddresses", Kind: emulator.Throttle, Times: 1})
	defer injected.Remove()
	_, err := c.Address(t.Context(), region, f.address)
	ok(t, err)
	first, second := <-seen, <-seen
	if first.Op != "ec2:DescribeAddresses" || first.Region != region || !first.Sent || first.Changes || !strings.Contains(first.Error, "throttled") {
		t.Errorf("the first is %+v", first)
	}
	if second.Try != 2 || second.Error != "" {
		t.Errorf("the second is %+v", second)
	}
}

func (f *faulty) dark(t *testing.T) {
	dark := f.e.Dark(region)
	defer dark.Remove()
	_, err := f.hasty.Instance(t.Context(), region, f.one)
	want(t, err, providers.Lost)
	_, err = f.hasty.Record(t.Context(), f.hostedZone, "www.example.com", "A")
	want(t, err, providers.Lost)
	got, err := f.patient.Account(t.Context(), "us-west-2")
	ok(t, err)
	if got.ID != emulator.Account {
		t.Errorf("got %+v", got)
	}
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
		Delays:   emulator.Delays{Pending: 500 * time.Millisecond, Console: 500 * time.Millisecond},
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
