package sim

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
)

// resolvers is how many caching resolvers a world has.
const resolvers = 8

// Resolvers lists the world's caching resolvers, as servers for Ask. Each keeps an answer for its TTL, and each looks
// again at another moment.
func (w *World) Resolvers() []string {
	out := make([]string, resolvers)
	for i := range out {
		out[i] = fmt.Sprintf("resolver-%d.example.com:53", i+1)
	}
	return out
}

// at is the record set that server i of n gives at an instant: a change reaches one server after another, the last of
// them at INSYNC.
func (z *zone) at(key string, i, n int, t time.Time) *providers.Record {
	var found *providers.Record
	for _, v := range z.history[key] {
		lag := v.insync.Sub(v.at) * time.Duration(i+1) / time.Duration(n)
		if !t.Before(v.at.Add(lag)) {
			found = v.record
		}
	}
	return found
}

// cached is what a resolver answers, and how long it may be kept. It asked first before the world began, at its own
// point of the TTL, and has asked again whenever the answer it had was used up.
func (s *state) cached(z *zone, key string, resolver int, now time.Time) (*providers.Record, time.Duration) {
	servers := max(1, len(z.Servers))
	life := func(r *providers.Record) time.Duration {
		ttl := time.Minute
		if r != nil {
			ttl = max(time.Second, r.TTL)
		}
		if resolver == resolvers-1 {
			ttl = max(ttl, time.Duration(s.spec.Faults.Stretch))
		}
		return ttl
	}
	t := s.spec.Start
	r := z.at(key, resolver%servers, servers, t)
	t = t.Add(-time.Duration(roll(s.spec.Seed, "resolver", resolver) * float64(life(r))))
	settled := s.settled(z, key)
	for {
		r = z.at(key, resolver%servers, servers, t)
		ttl := life(r)
		if now.Sub(t) < ttl {
			return r, ttl - now.Sub(t)
		}
		if t.After(settled) {
			t = t.Add(now.Sub(t) / ttl * ttl)
			continue
		}
		t = t.Add(ttl)
	}
}

// settled is when the last change of a record set has reached every server.
func (s *state) settled(z *zone, key string) time.Time {
	h := z.history[key]
	if len(h) == 0 {
		return s.spec.Start
	}
	return h[len(h)-1].insync
}

func (c *cloud) Servers(ctx context.Context, name string) (out []string, err error) {
	r := request{op: "dns:Servers", about: name, read: true}
	err = c.call(ctx, r, c.spec.Delays.Call, func(s *state, _ time.Time) (*Entry, error) {
		z := s.holder(canonical(name))
		if z == nil {
			return nil, refuse(providers.NotFound, r, "", "no zone holds %q", name)
		}
		for _, server := range z.Servers {
			out = append(out, withPort(server))
		}
		return nil, nil
	})
	return out, err
}

func withPort(server string) string {
	if _, _, err := net.SplitHostPort(server); err == nil {
		return server
	}
	return net.JoinHostPort(canonical(server), "53")
}

func (c *cloud) Ask(ctx context.Context, server, name, kind string) (out providers.Answer, err error) {
	r := request{op: "dns:Ask", about: server + " " + name, read: true}
	key := canonical(name) + "/" + strings.ToUpper(kind)
	err = c.call(ctx, r, c.spec.Delays.Call, func(s *state, now time.Time) (*Entry, error) {
		out = providers.Answer{Server: server}
		z := s.holder(canonical(name))
		if i := slices.Index(c.World.Resolvers(), withPort(server)); i >= 0 {
			if z != nil {
				rec, ttl := s.cached(z, key, i, now)
				fill(&out, rec, ttl)
			}
			return nil, nil
		}
		if z == nil {
			return nil, refuse(providers.NotFound, r, "REFUSED", "%s does not serve %q", server, name)
		}
		i := slices.IndexFunc(z.Servers, func(s string) bool { return withPort(s) == withPort(server) })
		if i < 0 {
			return nil, refuse(providers.Unreachable, r, "", "no name server answers at %s", server)
		}
		out.Authoritative = true
		if rec := z.at(key, i, len(z.Servers), now); rec != nil {
			fill(&out, rec, rec.TTL)
		}
		return nil, nil
	})
	return out, err
}

// Resolve asks one of the world's resolvers, which answers from what it has kept.
func (c *cloud) Resolve(ctx context.Context, resolver, name, kind string) (out providers.Answer, err error) {
	r := request{op: "dns:Resolve", about: resolver + " " + name, read: true}
	key := canonical(name) + "/" + strings.ToUpper(kind)
	err = c.call(ctx, r, c.spec.Delays.Call, func(s *state, now time.Time) (*Entry, error) {
		out = providers.Answer{Server: resolver}
		i := slices.Index(c.World.Resolvers(), withPort(resolver))
		if i < 0 {
			return nil, refuse(providers.Unreachable, r, "", "no resolver answers at %s", resolver)
		}
		if z := s.holder(canonical(name)); z != nil {
			rec, ttl := s.cached(z, key, i, now)
			fill(&out, rec, ttl)
		}
		return nil, nil
	})
	return out, err
}

// Resolvers are the first two of the world's, as a machine has them.
func (c *cloud) Resolvers(context.Context) ([]string, error) { return c.World.Resolvers()[:2], nil }

func fill(a *providers.Answer, r *providers.Record, ttl time.Duration) {
	if r != nil {
		a.Values, a.TTL = slices.Clone(r.Values), ttl.Truncate(time.Second)
	}
}

// lookUp finds the address behind a host name as the first resolver sees it; an address is its own.
func (s *state) lookUp(host string, now time.Time) string {
	if net.ParseIP(host) != nil {
		return host
	}
	z := s.holder(canonical(host))
	if z == nil {
		return ""
	}
	rec, _ := s.cached(z, canonical(host)+"/A", 0, now)
	if rec == nil || len(rec.Values) == 0 {
		return ""
	}
	return rec.Values[0]
}
