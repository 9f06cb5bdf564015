package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// lastNight is how long before the start last night's copies came to their end.
const lastNight = runbook.Duration(4 * time.Hour)

// copied is last night's copy of the data.
func copied() Data {
	d := data(nightly)
	d.Age = lastNight
	return d
}

// servers adds the machines beside the main one: they run and serve, whatever the scene does to the main one.
func (b *builder) servers() {
	for n, id := range slices.Sorted(maps.Keys(b.e.Servers)) {
		b.server(n, b.e.Servers[id])
	}
}

func (b *builder) server(n int, s runbook.Server) {
	p, to := s.Production, s.Standby
	region := either(p.Region, b.e.Production.Region)
	zone := either(p.Volume.Zone, p.Zone, b.e.Production.Zone, region+"a")
	b.image(p.Image, region, "production")
	id, tags := b.id("i", p.Instance)
	if id != "" {
		b.spec.Instances = append(b.spec.Instances, Instance{Instance: providers.Instance{
			ID: id, Region: region, Zone: zone, Image: p.Image.ID, Type: either(p.Type, b.e.Production.Type, "m7i.large"),
			State: providers.InstanceRunning, Checks: providers.ChecksOK, PrivateAddress: fmt.Sprintf("192.0.2.%d", 20+n%200), Tags: tags,
		}, Serving: true, Data: data(live), Path: strings.TrimSuffix(p.Volume.Path, "/")})
	}
	b.address(p.Address, region, id)
	b.volume(p.Volume, region, zone, id)

	region = either(to.Region, b.e.Standby.Region)
	b.image(to.Image, region, "standby")
	b.address(to.Address, region, "")
	b.volume(to.Volume, region, either(to.Zone, b.e.Standby.Zone, region+"a"), "")
	b.nightly(to.Nightly, region)
}

// nightly adds the host that keeps last night's copy, or the copy to the host that is there.
func (b *builder) nightly(n *runbook.Nightly, region string) {
	if n == nil || n.Host == "" {
		return
	}
	name, at := either(n.ID, n.Host), strings.TrimSuffix(n.Path, "/")
	for i := range b.spec.Hosts {
		h := &b.spec.Hosts[i]
		if h.Name != name {
			continue
		}
		if h.Also == nil {
			h.Also = map[string]Data{}
		}
		if h.Path != at {
			h.Also[at] = copied()
		}
		return
	}
	b.spec.Hosts = append(b.spec.Hosts, Host{Name: name, Address: n.Host, Region: region, Path: at, Data: copied()})
}
