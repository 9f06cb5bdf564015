package providertest

import (
	"context"

	"lifeboat/providers"
)

var holdingChecks = []check{
	{"an address is allocated once a call, found by its tags and released", canAllocate, allocates},
	{"the address quota is what allocations meet", canAllocate, quotaHolds},
	{"an address in use is not released", canHold, releaseHeld},
}

func canAllocate(l Lab) map[string]bool {
	return map[string]bool{"addresses": l.Set.Addresses != nil, "holdings": l.Set.Holdings != nil}
}

func canHold(l Lab) map[string]bool {
	needs := canAssociate(l)
	needs["holdings"] = l.Set.Holdings != nil
	return needs
}

// allocate makes an address that is gone when the check ends.
func (l lab) allocate(tags map[string]string) (providers.Address, error) {
	a, err := l.Set.Holdings.Allocate(l.ctx(), l.Region, tags)
	if err == nil {
		l.t.Cleanup(func() { l.ok("release", l.Set.Holdings.Release(l.ctx(), l.Region, a.Address)) })
	}
	return a, err
}

func (l lab) quota() (used, limit int) {
	l.t.Helper()
	used, limit, err := l.Set.Holdings.AddressQuota(l.ctx(), l.Region)
	l.ok("address quota", err)
	return used, limit
}

func (l lab) tagged(tags map[string]string) []providers.Address {
	l.t.Helper()
	found, err := l.Set.Addresses.FindAddresses(l.ctx(), l.Region, tags)
	l.ok("find addresses", err)
	return found
}

func allocates(l lab) {
	tags := map[string]string{"lifeboat:key": l.token("a"), "Name": "of the suite"}
	used, _ := l.quota()
	one, err := l.allocate(tags)
	l.ok("allocate", err)
	if one.Address == "" || one.Allocation == "" || one.Region != l.Region || one.Tags["Name"] != "of the suite" {
		l.t.Errorf("allocated %+v", one)
	}
	l.eventually("the address is found by its tags", func(ctx context.Context) (bool, error) {
		found, err := l.Set.Addresses.FindAddresses(ctx, l.Region, tags)
		return len(found) == 1 && found[0].Address == one.Address && found[0].Instance == "", err
	})
	two, err := l.allocate(tags)
	l.ok("allocate again", err)
	if two.Address == one.Address {
		l.t.Errorf("the second call gave %s again: AWS has no token for this", two.Address)
	}
	if now, _ := l.quota(); now != used+2 {
		l.t.Errorf("%d addresses are held, want %d", now, used+2)
	}
	for _, a := range []providers.Address{one, two, two} { // releasing twice is no error
		l.ok("release", l.Set.Holdings.Release(l.ctx(), l.Region, a.Address))
	}
	if found := l.tagged(tags); len(found) != 0 {
		l.t.Errorf("after the release: %+v", found)
	}
	_, err = l.Set.Addresses.Address(l.ctx(), l.Region, one.Address)
	l.want(providers.NotFound, "an address that was released", err)
}

func quotaHolds(l lab) {
	used, limit := l.quota()
	if limit <= used || limit > used+20 {
		l.t.Skipf("the lab holds %d of %d addresses", used, limit)
	}
	for range limit - used {
		_, err := l.allocate(map[string]string{"Name": "of the suite"})
		l.ok("allocate within the quota", err)
	}
	_, err := l.allocate(map[string]string{"Name": "of the suite"})
	l.want(providers.Quota, "one address more than the quota", err)
	if now, _ := l.quota(); now != limit {
		l.t.Errorf("%d of %d addresses are held", now, limit)
	}
}

func releaseHeld(l lab) {
	i := l.launch(l.spec(l.token("a")))
	l.running(i.ID)
	l.release(i.ID)
	l.ok("associate", l.Set.Addresses.Associate(l.ctx(), l.Region, l.Address, i.ID, ""))
	l.holds(i.ID)
	l.want(providers.Conflict, "release what a machine holds", l.Set.Holdings.Release(l.ctx(), l.Region, l.Address))
	if h := l.holder(); h != i.ID {
		l.t.Errorf("after the refusal %q holds it", h)
	}
}
