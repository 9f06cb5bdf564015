package sim

import (
	"context"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
)

// Route 53 is one service for all regions, whose control plane lives in us-east-1.
const dnsRegion = "route53"

// canonical is a name as the records keep it: lower case, no final dot.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func inZone(name, zone string) bool { return name == zone || strings.HasSuffix(name, "."+zone) }

// tidy is a record set in the form in which two are compared.
func tidy(r *providers.Record) *providers.Record {
	if r == nil {
		return nil
	}
	out := *r
	out.Name, out.Type = canonical(r.Name), strings.ToUpper(r.Type)
	out.Values = slices.Sorted(slices.Values(r.Values))
	return &out
}

func same(a, b *providers.Record) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Name == b.Name && a.Type == b.Type && a.TTL == b.TTL && a.Other == b.Other && slices.Equal(a.Values, b.Values)
}

// record is what the control plane knows, which the name servers will know.
func (z *zone) record(name, kind string) *providers.Record {
	for i := range z.failovers {
		if f := &z.failovers[i]; f.key() == name+"/"+kind {
			return f.record(false) // whichever of the two is served, the sets are as they were wired
		}
	}
	h := z.history[name+"/"+kind]
	if len(h) == 0 {
		return nil
	}
	return h[len(h)-1].record
}

// holder finds the hosted zone with the longest name that holds name.
func (s *state) holder(name string) *zone {
	var best *zone
	for _, z := range s.zones {
		longer := best == nil || len(z.Name) > len(best.Name) || len(z.Name) == len(best.Name) && z.ID < best.ID
		if inZone(name, canonical(z.Name)) && longer {
			best = z
		}
	}
	return best
}

func (c *cloud) dns(ctx context.Context, op, about string, f func(s *state, now time.Time, r request) error) error {
	r := request{op: op, region: dnsRegion, about: about, read: true}
	return c.call(ctx, r, c.spec.Delays.Call, func(s *state, now time.Time) (*Entry, error) { return nil, f(s, now, r) })
}

func (s *state) zone(r request, id string) (*zone, error) {
	if z := s.zones[id]; z != nil {
		return z, nil
	}
	return nil, refuse(providers.NotFound, r, "NoSuchHostedZone", "No hosted zone found with ID: %s", id)
}

func (c *cloud) Zone(ctx context.Context, id, name string) (out providers.Zone, err error) {
	err = c.dns(ctx, "route53:ListHostedZonesByName", id+" "+name, func(s *state, _ time.Time, r request) error {
		z := s.holder(canonical(name))
		if id != "" {
			given, err := s.zone(r, id)
			if err != nil {
				return err
			}
			if !inZone(canonical(name), canonical(given.Name)) {
				return refuse(providers.Mismatch, r, "", "zone %s is %s, which does not hold %q", id, given.Name, name)
			}
			z = given
		}
		if z == nil {
			return refuse(providers.NotFound, r, "NoSuchHostedZone", "no hosted zone holds %q", name)
		}
		out = z.Zone
		out.Servers = slices.Clone(z.Servers)
		return nil
	})
	return out, err
}

func (c *cloud) Record(ctx context.Context, zone, name, kind string) (out providers.Record, err error) {
	err = c.dns(ctx, "route53:ListResourceRecordSets", zone+" "+name+" "+kind, func(s *state, _ time.Time, r request) error {
		z, err := s.zone(r, zone)
		if err != nil {
			return err
		}
		found := z.record(canonical(name), strings.ToUpper(kind))
		if found == nil {
			return refuse(providers.NotFound, r, "", "%s has no record set %s %s", z.Name, name, kind)
		}
		out = *tidy(found)
		return nil
	})
	return out, err
}

func (c *cloud) Change(ctx context.Context, zone string, old, new *providers.Record) (string, error) {
	old, new = tidy(old), tidy(new)
	about := zone
	for _, rec := range []*providers.Record{old, new} {
		if rec != nil {
			about = zone + " " + rec.Name + " " + rec.Type
		}
	}
	r := request{op: opChange, region: dnsRegion, about: about}
	change := ""
	err := c.call(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		z, err := s.zone(r, zone)
		if err != nil {
			return nil, err
		}
		if err := mayChange(r, z, old, new); err != nil {
			return nil, err
		}
		change = strings.ToUpper(strings.ReplaceAll(name("C", s.spec.Seed, "change", len(s.changes)+s.stranded), "-", ""))
		return &Entry{ID: zone, On: change, Old: old, New: new}, nil
	})
	if err != nil {
		return "", err
	}
	return change, nil
}

// mayChange is the check of a change batch: all of it, before any of it.
func mayChange(r request, z *zone, old, new *providers.Record) error {
	if old == nil && new == nil {
		return refuse(providers.Invalid, r, "InvalidChangeBatch", "the batch is empty")
	}
	for _, rec := range []*providers.Record{old, new} {
		switch {
		case rec == nil:
		case rec.Other != "":
			return refuse(providers.Invalid, r, "InvalidChangeBatch", "%s %s is not a simple record set: %s", rec.Name, rec.Type, rec.Other)
		case !inZone(rec.Name, canonical(z.Name)):
			return refuse(providers.Invalid, r, "InvalidChangeBatch",
				"RRSet with DNS name %s. is not permitted in zone %s.", rec.Name, z.Name)
		case len(rec.Values) == 0 || rec.TTL < 0:
			return refuse(providers.Invalid, r, "InvalidChangeBatch", "%s %s has no values, or no TTL", rec.Name, rec.Type)
		}
	}
	if old != nil && !same(z.record(old.Name, old.Type), old) {
		return refuse(providers.Conflict, r, "InvalidChangeBatch",
			"Tried to delete resource record set [name='%s.', type='%s'] but the values provided do not match the current values", old.Name, old.Type)
	}
	replaces := old != nil && new != nil && old.Name == new.Name && old.Type == new.Type
	if new != nil && !replaces && z.record(new.Name, new.Type) != nil {
		return refuse(providers.Conflict, r, "InvalidChangeBatch",
			"Tried to create resource record set [name='%s.', type='%s'] but it already exists", new.Name, new.Type)
	}
	return nil
}

// never is when a stranded change is INSYNC.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// change is the effect of ChangeResourceRecordSets.
func (s *state) change(e Entry) {
	z := s.zones[e.ID]
	switch e.Stranded {
	case FaultStranded:
		s.changes[e.On] = never
		return
	case FaultForgotten:
		s.stranded++
		return
	}
	insync := e.At.Add(s.take(s.spec.Delays.Insync, "insync "+e.ID))
	s.changes[e.On] = insync
	put := func(r *providers.Record, becomes *providers.Record) {
		key := r.Name + "/" + r.Type
		z.history[key] = append(z.history[key], version{record: becomes, at: e.At, insync: insync})
	}
	if e.Old != nil && (e.New == nil || e.Old.Name != e.New.Name || e.Old.Type != e.New.Type) {
		put(e.Old, nil)
	}
	if e.New != nil {
		put(e.New, e.New)
	}
}

func (c *cloud) Changed(ctx context.Context, change string) (done bool, err error) {
	err = c.dns(ctx, "route53:GetChange", change, func(s *state, now time.Time, r request) error {
		insync, ok := s.changes[change]
		if !ok {
			return refuse(providers.NotFound, r, "NoSuchChange", "Could not find resource with ID: %s", change)
		}
		done = !now.Before(insync)
		return nil
	})
	return done, err
}
