package providertest

import (
	"context"

	"lifeboat/providers"
)

var addressChecks = []check{
	{"an address moves only from the holder that is named", canAssociate, addressMoves},
	{"an address is given to a machine that is ready", canAssociate, associatePending},
	{"the temporary address ends with the association", canAssociate, temporaryEnds},
	{"an unknown address is not found", canAssociate, unknownAddress},
}

func canAssociate(l Lab) map[string]bool {
	needs := canLaunch(l)
	needs["address"] = l.Set.Addresses != nil && l.Address != ""
	return needs
}

func (l lab) holder() string {
	l.t.Helper()
	a, err := l.Set.Addresses.Address(l.ctx(), l.Region, l.Address)
	l.ok("address", err)
	if a.Address != l.Address || a.Allocation == "" {
		l.t.Errorf("address %+v", a)
	}
	return a.Instance
}

func (l lab) holds(instance string) {
	l.t.Helper()
	l.eventually("the address is held by "+instance, func(ctx context.Context) (bool, error) {
		a, err := l.Set.Addresses.Address(ctx, l.Region, l.Address)
		return a.Instance == instance, err
	})
}

// release takes the address back when the check ends.
func (l lab) release(instance string) {
	l.t.Cleanup(func() {
		l.ok("disassociate", l.Set.Addresses.Disassociate(l.ctx(), l.Region, l.Address, instance))
	})
}

func addressMoves(l lab) {
	one, two := l.launch(l.spec(l.token("a"))), l.launch(l.spec(l.token("b")))
	l.running(one.ID)
	l.running(two.ID)
	give := func(to, from string) error {
		return l.Set.Addresses.Associate(l.ctx(), l.Region, l.Address, to, from)
	}
	l.release(one.ID)
	l.release(two.ID)
	l.ok("give it to the first", give(one.ID, ""))
	l.holds(one.ID)
	l.ok("give it to the first again", give(one.ID, ""))
	l.want(providers.Conflict, "take it from nobody although somebody holds it", give(two.ID, ""))
	l.want(providers.Conflict, "take it from somebody who does not hold it", give(two.ID, "i-0123456789abcdef0"))
	if h := l.holder(); h != one.ID {
		l.t.Errorf("after two refusals %q holds it, not %s", h, one.ID)
	}
	l.ok("take it from its holder", give(two.ID, one.ID))
	l.holds(two.ID)
	l.ok("take it from who lost it", l.Set.Addresses.Disassociate(l.ctx(), l.Region, l.Address, one.ID))
	l.holds(two.ID)
	l.ok("take it back", l.Set.Addresses.Disassociate(l.ctx(), l.Region, l.Address, two.ID))
	l.holds("")
	l.ok("take it back again", l.Set.Addresses.Disassociate(l.ctx(), l.Region, l.Address, two.ID))
}

func associatePending(l lab) {
	i := l.launch(l.spec(l.token("a")))
	l.release(i.ID)
	for {
		err := l.Set.Addresses.Associate(l.ctx(), l.Region, l.Address, i.ID, "")
		now, read := l.Set.Instances.Instance(l.ctx(), l.Region, i.ID)
		switch {
		case providers.Is(err, providers.NotFound): // it was not visible yet when it was asked for; it may be now
			continue
		case read == nil && now.State == providers.InstancePending:
			l.want(providers.NotReady, "an address for a pending machine", err)
		}
		return
	}
}

func temporaryEnds(l lab) {
	i := l.launch(l.spec(l.token("a")))
	before := l.running(i.ID).PublicAddress
	l.release(i.ID)
	l.ok("associate", l.Set.Addresses.Associate(l.ctx(), l.Region, l.Address, i.ID, ""))
	l.eventually("the machine has the address", func(ctx context.Context) (bool, error) {
		now, err := l.Set.Instances.Instance(ctx, l.Region, i.ID)
		return now.PublicAddress == l.Address && now.PublicAddress != before, err
	})
}

func unknownAddress(l lab) {
	_, err := l.Set.Addresses.Address(l.ctx(), l.Region, "203.0.113.254")
	l.want(providers.NotFound, "an unknown address", err)
}
