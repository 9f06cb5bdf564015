package sim

import (
	"context"
	"maps"
	"slices"
	"time"

	"lifeboat/providers"
)

func (a *address) describe() providers.Address {
	out := a.Address
	out.Tags = maps.Clone(out.Tags)
	return out
}

func (s *state) findAddress(r request, number string) (*address, error) {
	a := s.addresses[number]
	if a == nil || a.Region != r.region {
		return nil, refuse(providers.NotFound, r, "InvalidAddress.NotFound", "Address %q not found.", number)
	}
	return a, nil
}

func (c *cloud) Address(ctx context.Context, region, number string) (out providers.Address, err error) {
	err = c.read(ctx, "ec2:DescribeAddresses", region, number, func(s *state, _ time.Time, r request) error {
		a, err := s.findAddress(r, number)
		if err == nil {
			out = a.describe()
		}
		return err
	})
	return out, err
}

func (c *cloud) FindAddresses(ctx context.Context, region string, tags map[string]string) (out []providers.Address, err error) {
	err = c.read(ctx, "ec2:DescribeAddresses", region, words(tags), func(s *state, _ time.Time, _ request) error {
		for _, number := range slices.Sorted(maps.Keys(s.addresses)) {
			if a := s.addresses[number]; a.Region == region && bears(a.Tags, tags) {
				out = append(out, a.describe())
			}
		}
		return nil
	})
	return out, err
}

func (c *cloud) Associate(ctx context.Context, region, number, instance, from string) error {
	r := request{op: opAssociate, region: region, about: number + " " + instance}
	return c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		a, err := s.findAddress(r, number)
		if err != nil {
			return nil, err
		}
		m, err := s.find(r, instance, now)
		if err != nil {
			return nil, err
		}
		switch m.now(now).state {
		case providers.InstanceRunning, providers.InstanceStopped:
		case providers.InstancePending:
			return nil, refuse(providers.NotReady, r, "InvalidInstanceID",
				"The pending instance %q is not in a valid state for this operation.", instance)
		default:
			return nil, refuse(providers.Conflict, r, "InvalidInstanceID",
				"The instance %q is not in a valid state for this operation.", instance)
		}
		e := &Entry{ID: number, On: instance}
		switch a.Instance {
		case instance:
			e.Replay = true
		case "", from:
		default:
			return nil, refuse(providers.Conflict, r, "Resource.AlreadyAssociated",
				"resource %s is already associated with %s", number, a.Instance)
		}
		return e, nil
	})
}

// associate is the effect of AssociateAddress. The machine's temporary address is gone for good from then on, and so is
// its hold on another elastic one.
func (s *state) associate(e Entry) {
	if other := s.elastic(e.On); other != nil {
		other.Instance = ""
	}
	a := s.addresses[e.ID]
	a.Instance = e.On
	a.since = e.At.Add(s.take(s.spec.Delays.Associate, "associate "+e.ID))
	s.machines[e.On].address = ""
}

func (c *cloud) Disassociate(ctx context.Context, region, number, instance string) error {
	r := request{op: opDisassociate, region: region, about: number + " " + instance}
	return c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		a, err := s.findAddress(r, number)
		if err != nil {
			return nil, err
		}
		return &Entry{ID: number, On: instance, Replay: a.Instance != instance}, nil
	})
}

func (s *state) disassociate(e Entry) { s.addresses[e.ID].Instance = "" }
