package providertest

import (
	"context"
	"net"
	"reflect"
	"time"

	"lifeboat/providers"
)

var recordChecks = []check{
	{"a zone is found by a name in it", canRecords, zoneFound},
	{"a record changes only from what it was", canRecords, compareAndSwap},
	{"a change is pending and then everywhere", canRecords, changeSpreads},
	{"a resolver comes to say what the servers say", canResolve, resolved},
	{"an unknown record is not found", canRecords, unknownRecord},
}

func canRecords(l Lab) map[string]bool {
	return map[string]bool{"records": l.Set.Records != nil, "hosted zone and name": l.HostedZone != "" && l.Name != ""}
}

func zoneFound(l lab) {
	z, err := l.Set.Records.Zone(l.ctx(), "", l.Name)
	l.ok("zone by name", err)
	if z.ID != l.HostedZone || z.Name == "" || z.Name[len(z.Name)-1] == '.' {
		l.t.Errorf("found %+v, want %s", z, l.HostedZone)
	}
	same, err := l.Set.Records.Zone(l.ctx(), l.HostedZone, l.Name)
	l.ok("zone by id", err)
	if !reflect.DeepEqual(same, z) {
		l.t.Errorf("by name %+v, by id %+v", z, same)
	}
	_, err = l.Set.Records.Zone(l.ctx(), l.HostedZone, "www.example.invalid")
	l.want(providers.Mismatch, "a zone that cannot hold the name", err)
	_, err = l.Set.Records.Zone(l.ctx(), "", "www.example.invalid")
	l.want(providers.NotFound, "a name that no zone holds", err)
}

// now reads the record; nil is none.
func (l lab) now() *providers.Record {
	l.t.Helper()
	r, err := l.Set.Records.Record(l.ctx(), l.HostedZone, l.Name, "A")
	if providers.Is(err, providers.NotFound) {
		return nil
	}
	l.ok("record", err)
	return &r
}

func (l lab) is(what string, want *providers.Record) {
	l.t.Helper()
	if got := l.now(); !reflect.DeepEqual(got, want) {
		l.t.Errorf("%s: the record is %+v, want %+v", what, got, want)
	}
}

func (l lab) change(old, new *providers.Record) (string, error) {
	return l.Set.Records.Change(l.ctx(), l.HostedZone, old, new)
}

// cleared deletes the record when the check ends.
func (l lab) cleared() {
	l.t.Cleanup(func() {
		if r := l.now(); r != nil {
			_, err := l.change(r, nil)
			l.ok("delete", err)
		}
	})
}

func compareAndSwap(l lab) {
	l.cleared()
	rec := func(ttl time.Duration, values ...string) *providers.Record {
		return &providers.Record{Name: l.Name, Type: "A", TTL: ttl, Values: values}
	}
	first, second := rec(300*time.Second, "192.0.2.1"), rec(60*time.Second, "192.0.2.2", "192.0.2.3")
	_, err := l.change(second, first)
	l.want(providers.Conflict, "replace what is not there", err)
	l.is("after a refusal", nil)
	_, err = l.change(nil, first)
	l.ok("make it", err)
	l.is("made", first)
	_, err = l.change(nil, second)
	l.want(providers.Conflict, "make it although it is there", err)
	for what, stale := range map[string]*providers.Record{
		"another value": rec(300*time.Second, "192.0.2.9"), "another TTL": rec(299*time.Second, "192.0.2.1"),
		"more values": rec(300*time.Second, "192.0.2.1", "192.0.2.9"),
	} {
		_, err = l.change(stale, second)
		l.want(providers.Conflict, "replace it from "+what, err)
		_, err = l.change(stale, nil)
		l.want(providers.Conflict, "delete it from "+what, err)
	}
	l.is("after refusals", first)
	_, err = l.change(first, second)
	l.ok("replace it", err)
	l.is("replaced", second)
	_, err = l.change(second, nil)
	l.ok("delete it", err)
	l.is("deleted", nil)
	other := *first
	other.Name = "www.example.invalid"
	if _, err = l.change(nil, &other); err == nil {
		l.t.Error("a record of another zone was made")
	}
}

func changeSpreads(l lab) {
	l.cleared()
	id, err := l.change(nil, &providers.Record{Name: l.Name, Type: "A", TTL: time.Minute, Values: []string{"192.0.2.1"}})
	l.ok("change", err)
	if id == "" {
		l.t.Fatal("the change has no id")
	}
	l.eventually("the change is everywhere", func(ctx context.Context) (bool, error) {
		return l.Set.Records.Changed(ctx, id)
	})
	_, err = l.Set.Records.Changed(l.ctx(), "C0123456789NEVER")
	l.want(providers.NotFound, "an unknown change", err)
	if l.Set.Names == nil {
		return
	}
	servers, err := l.Set.Names.Servers(l.ctx(), l.Name)
	l.ok("servers", err)
	if len(servers) == 0 {
		l.t.Error("the zone has no servers")
	}
	for _, s := range servers {
		l.eventually(s+" has the change", func(ctx context.Context) (bool, error) {
			a, err := l.Set.Names.Ask(ctx, s, l.Name, "A")
			return a.Authoritative && reflect.DeepEqual(a.Values, []string{"192.0.2.1"}) && a.TTL == time.Minute, err
		})
	}
}

func canResolve(l Lab) map[string]bool {
	needs := canRecords(l)
	needs["names"] = l.Set.Names != nil
	return needs
}

func resolved(l lab) {
	l.cleared()
	_, err := l.change(nil, &providers.Record{Name: l.Name, Type: "A", TTL: time.Minute, Values: []string{"192.0.2.1"}})
	l.ok("change", err)
	resolvers, err := l.Set.Names.Resolvers(l.ctx())
	l.ok("resolvers", err)
	for _, r := range resolvers {
		host, _, _ := net.SplitHostPort(r)
		if ip := net.ParseIP(host); ip != nil && !ip.IsLoopback() {
			l.t.Logf("%s is this machine's own resolver and knows nothing of the lab", r)
			continue
		}
		l.eventually(r+" has the change", func(ctx context.Context) (bool, error) {
			a, err := l.Set.Names.Resolve(ctx, r, l.Name, "A")
			if a.Authoritative || a.TTL > time.Minute {
				l.t.Errorf("a resolver's word: %+v", a)
			}
			return reflect.DeepEqual(a.Values, []string{"192.0.2.1"}), err
		})
	}
	_, err = l.Set.Names.Resolve(l.ctx(), "127.255.255.254:9", l.Name, "A")
	if err == nil {
		l.t.Error("a resolver answers where there is none")
	}
}

func unknownRecord(l lab) {
	_, err := l.Set.Records.Record(l.ctx(), l.HostedZone, "never."+l.Name, "A")
	l.want(providers.NotFound, "an unknown record", err)
	_, err = l.Set.Records.Record(l.ctx(), "Z0123456789NEVER", l.Name, "A")
	l.want(providers.NotFound, "a record of an unknown zone", err)
}
