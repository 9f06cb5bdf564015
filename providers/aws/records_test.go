package aws_test

import (
	"slices"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/providertest/emulator"
)

func TestRecords(t *testing.T) {
	const short = 200 * time.Millisecond
	e := start(t, emulator.Options{Delays: emulator.Delays{InSync: 2 * short, Served: short}})
	c := cloud(t, aws.Options{})
	ctx := t.Context()
	id := e.SeedZone("example.com", false)
	sub := e.SeedZone("shop.example.com", false)
	hidden := e.SeedZone("internal.example.org", true)
	e.SeedRecord(id, "www.example.com", "A", 300*time.Second, "192.0.2.1")

	t.Run("a zone is found by name, the longest first", func(t *testing.T) {
		for name, wants := range map[string]string{
			"www.example.com": id, "example.com.": id, "www.shop.example.com": sub, "WWW.Internal.Example.org": hidden,
		} {
			z, err := c.Zone(ctx, "", name)
			ok(t, err)
			if z.ID != wants {
				t.Errorf("%s is in %+v, want %s", name, z, wants)
			}
			if z.Private != (wants == hidden) {
				t.Errorf("%s: private is %v", name, z.Private)
			}
			if !z.Private && len(z.Servers) == 0 {
				t.Errorf("%s: no servers", name)
			}
		}
		_, err := c.Zone(ctx, "", "www.example.net")
		want(t, err, providers.NotFound)
		z, err := c.Zone(ctx, id, "www.example.com")
		ok(t, err)
		if z.Name != "example.com" {
			t.Errorf("the name is %q", z.Name)
		}
		_, err = c.Zone(ctx, id, "www.example.org")
		want(t, err, providers.Mismatch)
		_, err = c.Zone(ctx, "Z0123456789ABC", "www.example.com")
		want(t, err, providers.NotFound)
	})
	t.Run("a change is a compare-and-swap", func(t *testing.T) {
		old, err := c.Record(ctx, id, "www.example.com", "A")
		ok(t, err)
		if old.TTL != 300*time.Second || !slices.Equal(old.Values, []string{"192.0.2.1"}) || old.Other != "" {
			t.Fatalf("got %+v", old)
		}
		new := providers.Record{Name: "www.example.com", Type: "A", TTL: time.Minute, Values: []string{"198.51.100.7", "198.51.100.6"}}
		change, err := c.Change(ctx, id, &old, &new)
		ok(t, err)
		done, err := c.Changed(ctx, change)
		ok(t, err)
		if done {
			t.Error("the change is in sync at once")
		}
		if vals, _, _ := e.Resolve(id, "www.example.com", "A"); !slices.Equal(vals, old.Values) {
			t.Errorf("the servers say %v already", vals)
		}
		got, err := c.Record(ctx, id, "WWW.example.com.", "A")
		ok(t, err)
		if got.TTL != time.Minute || !slices.Equal(got.Values, []string{"198.51.100.6", "198.51.100.7"}) {
			t.Errorf("got %+v", got)
		}
		_, err = c.Change(ctx, id, &old, &new)
		want(t, err, providers.Conflict)
		_, err = c.Change(ctx, id, nil, &new)
		want(t, err, providers.Conflict)
		until(t, "the change is in sync", func() bool {
			done, err := c.Changed(ctx, change)
			ok(t, err)
			return done
		})
		if vals, ttl, _ := e.Resolve(id, "www.example.com", "A"); !slices.Equal(vals, got.Values) || ttl != time.Minute {
			t.Errorf("the servers say %v for %v", vals, ttl)
		}
	})
	t.Run("a record comes and goes", func(t *testing.T) {
		_, err := c.Record(ctx, id, "drill.example.com", "A")
		want(t, err, providers.NotFound)
		r := providers.Record{Name: "*.drill.example.com", Type: "A", TTL: time.Minute, Values: []string{"198.51.100.7"}}
		_, err = c.Change(ctx, id, nil, &r)
		ok(t, err)
		got, err := c.Record(ctx, id, "*.drill.example.com", "A")
		ok(t, err)
		if got.Name != r.Name {
			t.Errorf("the name is %q", got.Name)
		}
		_, err = c.Change(ctx, id, &r, nil)
		ok(t, err)
		_, err = c.Record(ctx, id, "*.drill.example.com", "A")
		want(t, err, providers.NotFound)
	})
	t.Run("what could never be right is invalid", func(t *testing.T) {
		_, err := c.Change(ctx, id, nil, &providers.Record{Name: "bad.example.com", Type: "A", TTL: time.Minute, Values: []string{"198.51.100.700"}})
		want(t, err, providers.Invalid)
		_, err = c.Change(ctx, id, nil, nil)
		want(t, err, providers.Invalid)
		_, err = c.Changed(ctx, "CNOTHERE")
		want(t, err, providers.NotFound)
	})
	t.Run("an alias and a routing policy are seen and not replaced", func(t *testing.T) {
		e.SeedRecordSet(id, `<ResourceRecordSet><Name>alias.example.com.</Name><Type>A</Type><AliasTarget>`+
			`<HostedZoneId>Z2FDTNDATAQYW2</HostedZoneId><DNSName>d123.example.net.</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget></ResourceRecordSet>`)
		e.SeedRecordSet(id, `<ResourceRecordSet><Name>some.example.com.</Name><Type>A</Type><SetIdentifier>a</SetIdentifier><Weight>10</Weight><TTL>60</TTL>`+
			`<ResourceRecords><ResourceRecord><Value>192.0.2.9</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>`)
		for name, other := range map[string]string{
			"alias.example.com": "an alias of d123.example.net", "some.example.com": "one of several weighted records",
		} {
			old, err := c.Record(ctx, id, name, "A")
			ok(t, err)
			if old.Other != other {
				t.Errorf("%s is %q, want %q", name, old.Other, other)
			}
			_, err = c.Change(ctx, id, &old, &providers.Record{Name: name, Type: "A", TTL: time.Minute, Values: []string{"198.51.100.7"}})
			want(t, err, providers.Invalid)
		}
	})
	t.Run("two zones of one name", func(t *testing.T) {
		e.SeedZone("twice.example.net", false)
		e.SeedZone("twice.example.net", false)
		_, err := c.Zone(ctx, "", "www.twice.example.net")
		if got := want(t, err, providers.Conflict); got.Do == "" {
			t.Error("it does not say what to do")
		}
	})
	for _, r := range e.Requests() {
		if r.Service != "route53" || r.Region != "us-east-1" {
			t.Errorf("a request of %s went to %s", r.Service, r.Region)
		}
	}
}
