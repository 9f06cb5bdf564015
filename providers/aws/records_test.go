package aws_test

import (
	"slices"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/providertest/emulator"
)

// zones are a public zone with one below it, and a private one.
type zones struct {
	e               *emulator.Emulator
	c               *aws.Cloud
	id, sub, hidden string
}

func TestRecords(t *testing.T) {
	// Long enough for a busy machine to look in between.
	e := start(t, emulator.Options{Delays: emulator.Delays{InSync: 2 * time.Second, Served: 1500 * time.Millisecond}})
	z := &zones{
		e: e, c: cloud(t, aws.Options{}), id: e.SeedZone("example.com", false), sub: e.SeedZone("shop.example.com", false),
		hidden: e.SeedZone("internal.example.org", true),
	}
	e.SeedRecord(z.id, "www.example.com", "A", 300*time.Second, "192.0.2.1")
	t.Run("a zone is found by name, the longest first", z.byName)
	t.Run("a zone is held against the name", z.byID)
	t.Run("a change is a compare-and-swap", z.swap)
	t.Run("a record comes and goes", z.comeAndGo)
	t.Run("what could never be right is invalid", z.invalid)
	t.Run("an alias and a routing policy are seen and not replaced", z.others)
	for _, r := range e.Requests() {
		if r.Service != "route53" || r.Region != "us-east-1" {
			t.Errorf("a request of %s went to %s", r.Service, r.Region)
		}
	}
}

func (z *zones) byName(t *testing.T) {
	for name, id := range map[string]string{
		"www.example.com": z.id, "example.com.": z.id, "www.shop.example.com": z.sub, "WWW.Internal.Example.org": z.hidden,
	} {
		got, err := z.c.Zone(t.Context(), "", name)
		ok(t, err)
		if got.ID != id || got.Private != (id == z.hidden) || got.Private != (len(got.Servers) == 0) {
			t.Errorf("%s is in %+v, want %s", name, got, id)
		}
	}
	_, err := z.c.Zone(t.Context(), "", "www.example.net")
	want(t, err, providers.NotFound)
	z.e.SeedZone("twice.example.net", false)
	z.e.SeedZone("twice.example.net", false)
	_, err = z.c.Zone(t.Context(), "", "www.twice.example.net")
	if got := want(t, err, providers.Conflict); got.Do == "" {
		t.Error("it does not say what to do")
	}
}

func (z *zones) byID(t *testing.T) {
	got, err := z.c.Zone(t.Context(), z.id, "www.example.com")
	ok(t, err)
	if got.Name != "example.com" {
		t.Errorf("the name is %q", got.Name)
	}
	_, err = z.c.Zone(t.Context(), z.id, "www.example.org")
	want(t, err, providers.Mismatch)
	_, err = z.c.Zone(t.Context(), "Z0123456789ABC", "www.example.com")
	want(t, err, providers.NotFound)
}

func (z *zones) swap(t *testing.T) {
	ctx := t.Context()
	old, err := z.c.Record(ctx, z.id, "www.example.com", "A")
	ok(t, err)
	if old.TTL != 300*time.Second || !slices.Equal(old.Values, []string{"192.0.2.1"}) || old.Other != "" {
		t.Fatalf("got %+v", old)
	}
	new := providers.Record{Name: "www.example.com", Type: "A", TTL: time.Minute, Values: []string{"198.51.100.7", "198.51.100.6"}}
	change, err := z.c.Change(ctx, z.id, &old, &new)
	ok(t, err)
	done, err := z.c.Changed(ctx, change)
	ok(t, err)
	if done {
		t.Error("the change is in sync at once")
	}
	if vals, _, _ := z.e.Resolve(z.id, "www.example.com", "A"); !slices.Equal(vals, old.Values) {
		t.Errorf("the servers say %v already", vals)
	}
	_, err = z.c.Change(ctx, z.id, &old, &new)
	want(t, err, providers.Conflict)
	_, err = z.c.Change(ctx, z.id, nil, &new)
	want(t, err, providers.Conflict)
	got, err := z.c.Record(ctx, z.id, "WWW.example.com.", "A")
	ok(t, err)
	if got.TTL != time.Minute || !slices.Equal(got.Values, []string{"198.51.100.6", "198.51.100.7"}) {
		t.Errorf("got %+v", got)
	}
	until(t, "the change is in sync", func() bool {
		done, err := z.c.Changed(ctx, change)
		ok(t, err)
		return done
	})
	if vals, ttl, _ := z.e.Resolve(z.id, "www.example.com", "A"); !slices.Equal(vals, got.Values) || ttl != time.Minute {
		t.Errorf("the servers say %v for %v", vals, ttl)
	}
}

func (z *zones) comeAndGo(t *testing.T) {
	ctx := t.Context()
	const name = "*.drill.example.com"
	_, err := z.c.Record(ctx, z.id, name, "A")
	want(t, err, providers.NotFound)
	r := providers.Record{Name: name, Type: "A", TTL: time.Minute, Values: []string{"198.51.100.7"}}
	_, err = z.c.Change(ctx, z.id, nil, &r)
	ok(t, err)
	got, err := z.c.Record(ctx, z.id, name, "A")
	ok(t, err)
	if got.Name != name {
		t.Errorf("the name is %q", got.Name)
	}
	_, err = z.c.Change(ctx, z.id, &r, nil)
	ok(t, err)
	_, err = z.c.Record(ctx, z.id, name, "A")
	want(t, err, providers.NotFound)
}

func (z *zones) invalid(t *testing.T) {
	ctx := t.Context()
	_, err := z.c.Change(ctx, z.id, nil, &providers.Record{Name: "bad.example.com", Type: "A", TTL: time.Minute, Values: []string{"198.51.100.700"}})
	want(t, err, providers.Invalid)
	_, err = z.c.Change(ctx, z.id, nil, nil)
	want(t, err, providers.Invalid)
	_, err = z.c.Changed(ctx, "CNOTHERE")
	want(t, err, providers.NotFound)
}

func (z *zones) others(t *testing.T) {
	z.e.SeedRecordSet(z.id, `<ResourceRecordSet><Name>alias.example.com.</Name><Type>A</Type><AliasTarget>`+
		`<HostedZoneId>Z2FDTNDATAQYW2</HostedZoneId><DNSName>d123.example.net.</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget></ResourceRecordSet>`)
	z.e.SeedRecordSet(z.id, `<ResourceRecordSet><Name>some.example.com.</Name><Type>A</Type><SetIdentifier>a</SetIdentifier><Weight>10</Weight><TTL>60</TTL>`+
		`<ResourceRecords><ResourceRecord><Value>192.0.2.9</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>`)
	for name, other := range map[string]string{
		"alias.example.com": "an alias of d123.example.net", "some.example.com": "one of several weighted records",
	} {
		old, err := z.c.Record(t.Context(), z.id, name, "A")
		ok(t, err)
		if old.Other != other {
			t.Errorf("%s is %q, want %q", name, old.Other, other)
		}
		_, err = z.c.Change(t.Context(), z.id, &old, &providers.Record{Name: name, Type: "A", TTL: time.Minute, Values: []string{"198.51.100.7"}})
		want(t, err, providers.Invalid)
	}
}
