package providertest

import (
	"context"
	"slices"

	"lifeboat/providers"
)

var powerChecks = []check{
	{"a machine stops and starts", canPower, stopsAndStarts},
	{"a machine reboots", canPower, reboots},
	{"a machine changes its groups", canRegroup, regroups},
	{"power over what is gone is a conflict", canPower, powerGone},
	{"power over an unknown machine is not found", canPower, powerUnknown},
	{"a protected machine is not terminated", canProtect, protected},
	{"a launch is read back as it was asked", canRegroup, launchedAs},
}

var placeChecks = []check{
	{"zones are listed", canPlaces, zonesListed},
	{"types of a zone are offered and described", canPlaces, typesOffered},
	{"subnets are listed", canSubnets, subnetsListed},
	{"groups are found by id and by name", canGroups, groupsFound},
}

func canPower(l Lab) map[string]bool {
	needs := canLaunch(l)
	needs["power"] = l.Set.Power != nil
	return needs
}

func canRegroup(l Lab) map[string]bool {
	needs := canPower(l)
	needs["security group and a second one"] = len(l.SecurityGroups) > 0 && l.Group != ""
	return needs
}

func canProtect(l Lab) map[string]bool {
	return map[string]bool{"machine that is protected": l.Set.Instances != nil && l.Protected != ""}
}

func canPlaces(l Lab) map[string]bool {
	return map[string]bool{"places, zone and type": l.Set.Places != nil && l.Zone != "" && l.Type != ""}
}

func canSubnets(l Lab) map[string]bool {
	return map[string]bool{"places and subnet": l.Set.Places != nil && l.Subnet != "" && l.Zone != ""}
}

func canGroups(l Lab) map[string]bool {
	return map[string]bool{"places and group": l.Set.Places != nil && l.Group != ""}
}

// comes waits until the machine is in the state.
func (l lab) comes(id string, state providers.InstanceState) providers.Instance {
	l.t.Helper()
	var i providers.Instance
	l.eventually(id+" is "+string(state), func(ctx context.Context) (ok bool, err error) {
		i, err = l.Set.Instances.Instance(ctx, l.Region, id)
		return i.State == state, err
	})
	return i
}

func stopsAndStarts(l lab) {
	first := l.launch(l.spec(l.token("a")))
	was := l.running(first.ID)
	for _, force := range []bool{false, true} {
		l.ok("stop", l.Set.Power.Stop(l.ctx(), l.Region, first.ID, force))
		i, err := l.Set.Instances.Instance(l.ctx(), l.Region, first.ID)
		l.ok("look", err)
		if i.State != providers.InstanceStopping && i.State != providers.InstanceStopped {
			l.t.Errorf("it is %s after a stop was accepted", i.State)
		}
		l.ok("stop what is stopping", l.Set.Power.Stop(l.ctx(), l.Region, first.ID, force))
		l.comes(first.ID, providers.InstanceStopped)
		l.ok("stop what is stopped", l.Set.Power.Stop(l.ctx(), l.Region, first.ID, force))
		l.want(providers.Conflict, "reboot what is stopped", l.Set.Power.Reboot(l.ctx(), l.Region, first.ID))
		l.ok("start", l.Set.Power.Start(l.ctx(), l.Region, first.ID))
		l.ok("start what is pending", l.Set.Power.Start(l.ctx(), l.Region, first.ID))
		i = l.comes(first.ID, providers.InstanceRunning)
		l.ok("start what runs", l.Set.Power.Start(l.ctx(), l.Region, first.ID))
		if i.Zone != was.Zone || i.Image != was.Image || i.Subnet != was.Subnet {
			l.t.Errorf("it came back as %+v, and was %+v", i, was)
		}
	}
}

func reboots(l lab) {
	i := l.launch(l.spec(l.token("a")))
	l.running(i.ID)
	l.ok("reboot", l.Set.Power.Reboot(l.ctx(), l.Region, i.ID))
	if got := l.running(i.ID); got.State != providers.InstanceRunning {
		l.t.Errorf("a reboot leaves it %s", got.State)
	}
}

func regroups(l lab) {
	i := l.launch(l.spec(l.token("a")))
	l.running(i.ID)
	for _, groups := range [][]string{{l.Group}, append([]string{l.Group}, l.SecurityGroups...), l.SecurityGroups} {
		l.ok("regroup", l.Set.Power.Regroup(l.ctx(), l.Region, i.ID, groups))
		wanted := slices.Sorted(slices.Values(groups))
		l.eventually("the groups are these and no others", func(ctx context.Context) (bool, error) {
			got, err := l.Set.Instances.Instance(ctx, l.Region, i.ID)
			return slices.Equal(got.SecurityGroups, wanted), err
		})
	}
	l.want(providers.NotFound, "an unknown group", l.Set.Power.Regroup(l.ctx(), l.Region, i.ID, []string{"sg-0123456789abcdef0"}))
	l.want(providers.Invalid, "no group at all", l.Set.Power.Regroup(l.ctx(), l.Region, i.ID, nil))
}

func (l lab) allPower(id string) map[string]error {
	p := l.Set.Power
	out := map[string]error{
		"start": p.Start(l.ctx(), l.Region, id), "stop": p.Stop(l.ctx(), l.Region, id, false),
		"stop by force": p.Stop(l.ctx(), l.Region, id, true), "reboot": p.Reboot(l.ctx(), l.Region, id),
	}
	if l.Group != "" {
		out["regroup"] = p.Regroup(l.ctx(), l.Region, id, []string{l.Group})
	}
	return out
}

func powerGone(l lab) {
	i := l.launch(l.spec(l.token("a")))
	l.running(i.ID)
	l.gone(i.ID)
	for verb, err := range l.allPower(i.ID) {
		l.want(providers.Conflict, verb+" what is terminated", err)
	}
}

func powerUnknown(l lab) {
	for verb, err := range l.allPower("i-0123456789abcdef0") {
		l.want(providers.NotFound, verb+" an unknown machine", err)
	}
}

func protected(l lab) {
	l.want(providers.Conflict, "terminate what is protected", l.Set.Instances.Terminate(l.ctx(), l.Region, l.Protected))
	i, err := l.Set.Instances.Instance(l.ctx(), l.Region, l.Protected)
	l.ok("look", err)
	if i.State == providers.InstanceTerminated || i.State == providers.InstanceShuttingDown {
		l.t.Errorf("it was protected and is %s", i.State)
	}
}

func launchedAs(l lab) {
	i := l.launch(l.spec(l.token("a")))
	got := l.running(i.ID)
	wanted := slices.Sorted(slices.Values(l.SecurityGroups))
	if !slices.Equal(got.SecurityGroups, wanted) {
		l.t.Errorf("it is in the groups %q, not %q", got.SecurityGroups, wanted)
	}
	if got.VPC == "" || got.Subnet == "" || l.Subnet != "" && got.Subnet != l.Subnet {
		l.t.Errorf("it is in subnet %q of network %q, and %q was asked", got.Subnet, got.VPC, l.Subnet)
	}
	if got.RootDevice == "" {
		l.t.Error("it has no root device")
	}
}

func zonesListed(l lab) {
	zones, err := l.Set.Places.Zones(l.ctx(), l.Region)
	l.ok("zones", err)
	if !slices.Contains(zones, providers.AvailabilityZone{Name: l.Zone, State: "available"}) {
		l.t.Errorf("%s is not among %v", l.Zone, zones)
	}
}

func typesOffered(l lab) {
	names, err := l.Set.Places.Offered(l.ctx(), l.Region, l.Zone)
	l.ok("offered", err)
	if !slices.IsSorted(names) || !slices.Contains(names, l.Type) {
		l.t.Errorf("%s does not offer %s, or not in order: %d types", l.Zone, l.Type, len(names))
	}
	none, err := l.Set.Places.Offered(l.ctx(), l.Region, l.Region+"z")
	l.ok("offered in a zone that is not there", err)
	if len(none) != 0 {
		l.t.Errorf("a zone that is not there offers %q", none)
	}
	types, err := l.Set.Places.MachineTypes(l.ctx(), l.Region, []string{"none1.nothing", l.Type})
	l.ok("types", err)
	if len(types) != 1 || types[0].Name != l.Type {
		l.t.Fatalf("asked for %s and one that does not exist, got %+v", l.Type, types)
	}
	if m := types[0]; m.CPUs <= 0 || m.MemoryMiB <= 0 || len(m.Architectures) == 0 {
		l.t.Errorf("type %+v", m)
	}
	all, err := l.Set.Places.MachineTypes(l.ctx(), l.Region, names)
	l.ok("all types", err)
	if len(all) < len(names)*9/10 {
		l.t.Errorf("%d of %d types that are offered are described", len(all), len(names))
	}
}

func subnetsListed(l lab) {
	all, err := l.Set.Places.Subnets(l.ctx(), l.Region, "")
	l.ok("subnets", err)
	at := slices.IndexFunc(all, func(s providers.Subnet) bool { return s.ID == l.Subnet })
	if at < 0 || all[at].Zone != l.Zone || all[at].VPC == "" {
		l.t.Fatalf("%s is not among %+v, or not in %s", l.Subnet, all, l.Zone)
	}
	some, err := l.Set.Places.Subnets(l.ctx(), l.Region, all[at].VPC)
	l.ok("subnets of a network", err)
	if !slices.ContainsFunc(some, func(s providers.Subnet) bool { return s.ID == l.Subnet }) ||
		slices.ContainsFunc(some, func(s providers.Subnet) bool { return s.VPC != all[at].VPC }) {
		l.t.Errorf("the network %s has %+v", all[at].VPC, some)
	}
	none, err := l.Set.Places.Subnets(l.ctx(), l.Region, "vpc-0123456789abcdef0")
	l.ok("subnets of an unknown network", err)
	if len(none) != 0 {
		l.t.Errorf("an unknown network has %+v", none)
	}
}

func groupsFound(l lab) {
	byID, err := l.Set.Places.Groups(l.ctx(), l.Region, "", []string{l.Group, "sg-0123456789abcdef0"})
	l.ok("groups by id", err)
	if len(byID) != 1 || byID[0].ID != l.Group || byID[0].Name == "" || byID[0].VPC == "" {
		l.t.Fatalf("asked for %s and one that does not exist, got %+v", l.Group, byID)
	}
	g := byID[0]
	for vpc, n := range map[string]int{"": 1, g.VPC: 1, "vpc-0123456789abcdef0": 0} {
		found, err := l.Set.Places.Groups(l.ctx(), l.Region, vpc, []string{g.Name, g.ID, "nothing-of-that-name"})
		l.ok("groups by name", err)
		if len(found) != n || n == 1 && found[0].ID != g.ID {
			l.t.Errorf("in network %q the name %q is %+v", vpc, g.Name, found)
		}
	}
	none, err := l.Set.Places.Groups(l.ctx(), l.Region, "", nil)
	l.ok("no groups", err)
	if len(none) != 0 {
		l.t.Errorf("asked for nothing, got %+v", none)
	}
}
