package sim

import (
	"maps"
	"slices"
	"strings"

	"lifeboat/providers"
)

// networks adds the subnets, security groups and machine types that the estate names.
func (b *builder) networks() {
	e := b.e
	for _, at := range []struct {
		region, zone, subnet, kind string
		groups                     []string
	}{
		{e.Production.Region, either(e.Production.Volume.Zone, e.Production.Zone), e.Production.Subnet, e.Production.Type, e.Production.SecurityGroups},
		{e.Standby.Region, either(e.Standby.Volume.Zone, e.Standby.Zone), e.Standby.Subnet, e.Standby.Type, e.Standby.SecurityGroups},
	} {
		b.network(at.region, at.zone, at.subnet, at.kind, at.groups)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Servers)) {
		p, s := e.Servers[name].Production, e.Servers[name].Standby
		b.network(either(p.Region, e.Production.Region), either(p.Zone, e.Production.Zone), p.Subnet, p.Type, p.SecurityGroups)
		b.network(either(s.Region, e.Standby.Region), either(s.Zone, e.Standby.Zone), s.Subnet, s.Type, s.SecurityGroups)
	}
	// A group that stands in the estate's own values is one that isolates production's machine.
	for _, name := range slices.Sorted(maps.Keys(e.Vars)) {
		if id, ok := e.Vars[name].(string); ok && strings.HasPrefix(id, "sg-") {
			b.group(providers.Group{ID: id, Name: name, VPC: VPC(b.seed, e.Production.Region)})
		}
	}
}

func (b *builder) network(region, zone, subnet, kind string, groups []string) {
	zone = either(zone, region+"a")
	if subnet != "" && !slices.ContainsFunc(b.spec.Subnets, func(n providers.Subnet) bool { return n.ID == subnet }) {
		b.spec.Subnets = append(b.spec.Subnets, providers.Subnet{ID: subnet, Zone: zone})
	}
	b.groups(groups, region)
	if kind == "" || slices.ContainsFunc(b.spec.Types, func(t providers.MachineType) bool { return t.Name == kind }) {
		return
	}
	t, ok := typeNamed(kind)
	if !ok {
		t = providers.MachineType{Name: kind, CPUs: 2, MemoryMiB: 8192, Architectures: []string{"x86_64"}}
	}
	b.spec.Types = append(b.spec.Types, t)
}

// groups makes the groups, which are ids or names, and returns their ids.
func (b *builder) groups(names []string, region string) []string {
	var ids []string
	for _, n := range names {
		g := providers.Group{ID: n, Name: n, VPC: VPC(b.seed, region), In: 2, Out: 1}
		if !strings.HasPrefix(n, "sg-") {
			g.ID = name("sg", b.seed, "estate "+region+" "+n, 0)
		}
		b.group(g)
		ids = append(ids, g.ID)
	}
	return ids
}

func (b *builder) group(g providers.Group) {
	if !slices.ContainsFunc(b.spec.Groups, func(x providers.Group) bool { return x.ID == g.ID }) {
		b.spec.Groups = append(b.spec.Groups, g)
	}
}
