package sim

import (
	"context"
	"fmt"
	"maps"
	"time"

	"lifeboat/providers"
)

// Allocate gives an address out until the region's quota is used up. AWS has no token for it: each call makes one.
func (c *cloud) Allocate(ctx context.Context, region string, tags map[string]string) (out providers.Address, err error) {
	r := request{op: opAllocate, region: region, about: words(tags)}
	err = c.regional(ctx, r, c.spec.Delays.Write, func(s *state, _ time.Time) (*Entry, error) {
		if s.held(region) >= s.spec.AddressQuota {
			return nil, refuse(providers.Quota, r, "AddressLimitExceeded", "The maximum number of addresses has been reached.")
		}
		number := s.freeNumber()
		out = providers.Address{Address: number, Allocation: s.allocation(number), Region: region, Tags: maps.Clone(tags)}
		return &Entry{ID: number, Tags: maps.Clone(tags)}, nil
	})
	if err != nil {
		return providers.Address{}, err
	}
	return out, nil
}

// allocate is the effect of AllocateAddress.
func (s *state) allocate(e Entry) {
	s.addresses[e.ID] = &address{Address: providers.Address{
		Address: e.ID, Allocation: s.allocation(e.ID), Region: e.Region, Tags: maps.Clone(e.Tags),
	}}
	s.allocated++
}

func (s *state) allocation(number string) string {
	return name("eipalloc", s.spec.Seed, fmt.Sprint(number, " ", s.allocated), 0)
}

// freeNumber is an address of the documentation's range that nobody has.
func (s *state) freeNumber() string {
	for n := s.allocated; ; n++ {
		number := fmt.Sprintf("198.51.100.%d", 100+n%100)
		if s.addresses[number] == nil {
			return number
		}
	}
}

func (s *state) held(region string) int {
	n := 0
	for _, a := range s.addresses {
		if a.Region == region {
			n++
		}
	}
	return n
}

func (c *cloud) Release(ctx context.Context, region, number string) error {
	r := request{op: opRelease, region: region, about: number}
	return c.regional(ctx, r, c.spec.Delays.Write, func(s *state, _ time.Time) (*Entry, error) {
		a, err := s.findAddress(r, number)
		if err != nil {
			return &Entry{ID: number, Replay: true}, nil // it is gone, as it shall be
		}
		if a.Instance != "" {
			return nil, refuse(providers.Conflict, r, "InvalidIPAddress.InUse", "Address %s is in use by %s.", number, a.Instance)
		}
		return &Entry{ID: number}, nil
	})
}

// release is the effect of ReleaseAddress.
func (s *state) release(e Entry) { delete(s.addresses, e.ID) }

func (c *cloud) AddressQuota(ctx context.Context, region string) (used, limit int, err error) {
	err = c.read(ctx, "ec2:DescribeAccountAttributes", region, "vpc-max-elastic-ips", func(s *state, _ time.Time, _ request) error {
		used, limit = s.held(region), s.spec.AddressQuota
		return nil
	})
	return used, limit, err
}
