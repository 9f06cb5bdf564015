package actions

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/providertest/emulator"
	"lifeboat/runbook"
)

// cloudYard is an emulated AWS behind the real adapter.
type cloudYard struct {
	*testing.T
	aws  *emulator.Emulator
	zone string
	w    world
}

func newCloudYard(t *testing.T) *cloudYard {
	t.Helper()
	e := emulator.ForTest(t, emulator.Options{Delays: emulator.Delays{InSync: 300 * time.Millisecond}})
	for _, kv := range e.Env() {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
	}
	c, err := aws.New(t.Context(), aws.Options{Account: emulator.Account})
	if err != nil {
		t.Fatal(err)
	}
	y := &cloudYard{T: t, aws: e, zone: e.SeedZone("example.com", false)}
	e.SeedRecord(y.zone, "www.example.com", "A", 5*time.Minute, "203.0.113.10")
	set := c.Set()
	set.Names = served{y}
	y.w = worldOf(set)
	return y
}

// served is a name server that says what the zone says, and of flip.example.com what a health check makes of the object.
type served struct{ y *cloudYard }

func (s served) Servers(context.Context, string) ([]string, error) {
	return []string{"192.0.2.53:53"}, nil
}

func (s served) Ask(_ context.Context, server, name, kind string) (providers.Answer, error) {
	values, ttl, _ := s.y.aws.Resolve(s.y.zone, name, kind)
	if name == "flip.example.com" {
		values = []string{"203.0.113.10"}
		if s.y.aws.Object("shop-flags", "failover/on") != nil {
			values = []string{address}
		}
	}
	return providers.Answer{Server: server, Values: values, TTL: ttl, Authoritative: true}, nil
}

func (s served) Resolve(ctx context.Context, server, name, kind string) (providers.Answer, error) {
	return s.Ask(ctx, server, name, kind)
}

func (s served) Resolvers(context.Context) ([]string, error) { return []string{"192.0.2.54:53"}, nil }

func (y *cloudYard) call(step string) runbook.Call {
	return runbook.Call{
		Run: "r", Step: step, Key: runbook.NewKey("r", step, 1), Since: time.Now(), Log: io.Discard, Progress: func(runbook.Progress) {},
	}
}

// does takes a step through prepare, apply and holds, and gives its call back, for the undo.
func (y *cloudYard) does(step string, a runbook.Action) runbook.Call {
	y.Helper()
	call := y.call(step)
	before, err := a.Prepare(y.Context(), call)
	if err != nil {
		y.Fatalf("%s: prepare: %v", step, err)
	}
	call.Before = before
	if o, err := a.Observe(y.Context(), call); err != nil || o.State != runbook.Absent {
		y.Fatalf("%s: before: %+v, %v", step, o, err)
	}
	if _, err := a.Apply(y.Context(), call); err != nil {
		y.Fatalf("%s: apply: %v", step, err)
	}
	y.holds(step, a, &call)
	return call
}

func (y *cloudYard) holds(step string, a runbook.Probe, call *runbook.Call) {
	y.Helper()
	ctx, cancel := context.WithTimeout(y.Context(), 20*time.Second)
	defer cancel()
	for {
		o, err := a.Observe(ctx, *call)
		if err == nil && o.State == runbook.Holds {
			call.Did = o.Outputs
			return
		}
		if err != nil || o.State != runbook.Pending || runbook.Sleep(ctx, runbook.WallClock{}, 50*time.Millisecond) != nil {
			y.Fatalf("%s: %+v, %v", step, o, err)
		}
	}
}

func (y *cloudYard) undo(step string, a runbook.Undoer, call runbook.Call) {
	y.Helper()
	for range 2 { // again, as after a crash
		if o, err := a.Undo(y.Context(), call); err != nil || o.State != runbook.Holds && o.State != runbook.Pending {
			y.Fatalf("%s: undo: %+v, %v", step, o, err)
		}
	}
}

// TestAddressesOnTheLab: an allocation whose answer was lost leaves exactly one address, and the quota is AWS's own.
func TestAddressesOnTheLab(t *testing.T) {
	y := newCloudYard(t)
	a := &allocate{Region: region, Estate: "shop", w: y.w}
	call := y.call("allocate")
	if _, err := a.Prepare(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	y.aws.Inject(emulator.Fault{Action: "AllocateAddress", Kind: emulator.LostAnswer, Times: 1})
	if _, err := a.Apply(t.Context(), call); runbook.AsFailure(err).Verdict != runbook.InDoubt {
		t.Fatalf("a lost answer: %v", err)
	}
	y.holds("allocate", a, &call)
	if _, err := a.Apply(t.Context(), call); err != nil { // as a driver does that lost what it saw
		t.Fatal(err)
	}
	if n := y.aws.Addresses(region); n != 1 {
		t.Errorf("%d addresses, want one", n)
	}
	y.does("release", &release{Address: call.Did["address"].(string), Region: region, Estate: "shop", w: y.w})
	if n := y.aws.Addresses(region); n != 0 {
		t.Errorf("%d addresses after the release", n)
	}
	for range 5 {
		y.aws.SeedAddress(region)
	}
	if _, err := a.Prepare(t.Context(), y.call("more")); !providers.Is(err, providers.Quota) || !strings.Contains(err.Error(), "5 of 5") {
		t.Errorf("the quota is used up: %v", err)
	}
}

// TestNamesOnTheLab runs the DNS kinds against Route 53's and S3's own wire format.
func TestNamesOnTheLab(t *testing.T) {
	y := newCloudYard(t)
	lower := &timeToLive{Name: "www.example.com", Type: "A", TTL: TTL(time.Minute), w: y.w}
	lowered := y.does("lower", lower)
	to := &record{Name: "www.example.com", Type: "A", Value: Values{address}, TTL: TTL(time.Minute), Spread: true, w: y.w}
	switched := y.does("switch", to)
	// Nobody knows the change any more: the record is as it is wanted, so it is not submitted again; its servers tell.
	y.aws.Inject(emulator.Fault{Action: "GetChange", Kind: emulator.Error, Code: "NoSuchChange", Status: 404})
	y.undo("switch", to, switched)
	again := y.does("again", &record{Name: "www.example.com", Type: "A", Value: Values{address}, TTL: TTL(time.Minute), Spread: true, w: y.w})
	if n := strings.Count(effects(y.aws), "CREATE www.example.com. A "+address); n != 2 {
		t.Errorf("it was submitted %d times:\n%s", n, effects(y.aws))
	}
	reached := y.call("converged")
	y.holds("converged", &converged{Name: "www.example.com", Type: "A", Value: Values{address}, WasTTL: TTL(time.Minute), w: y.w}, &reached)
	if reached.Did["share"] != 100 {
		t.Errorf("converged: %v", reached.Did)
	}
	y.undo("again", to, again)
	y.undo("lower", lower, lowered)
	if values, ttl, _ := y.aws.Record(y.zone, "www.example.com", "A"); strings.Join(values, "") != "203.0.113.10" || ttl != 5*time.Minute {
		t.Errorf("after the undo: %q, TTL %s", values, ttl)
	}

	y.aws.SeedBucket("us-west-2", "shop-flags")
	y.aws.Dark("us-east-1") // and Route 53's control plane with it
	over := &flip{Bucket: "shop-flags", Key: "failover/on", Region: "us-west-2", Name: "flip.example.com", Type: "A", Value: Values{address}, w: y.w}
	y.undo("flip", over, y.does("flip", over))
	if y.aws.Object("shop-flags", "failover/on") != nil {
		t.Error("the object is there after the undo")
	}
}

func effects(e *emulator.Emulator) string {
	var out []string
	for _, r := range e.Mutations() {
		out = append(out, r.Effect)
	}
	return strings.Join(out, "\n")
}
