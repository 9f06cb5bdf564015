package sim

import (
	"maps"
	"slices"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// lineage makes the standby's image a copy of production's. Those of the other servers are copies of what production ran
// before: there is something to copy.
func (b *builder) lineage() {
	p, _ := b.id("ami", b.e.Production.Image)
	b.descends(b.e.Standby.Image, p, b.e.Production.Region)
	for _, server := range slices.Sorted(maps.Keys(b.e.Servers)) {
		s := b.e.Servers[server]
		b.descends(s.Standby.Image, name("ami", b.seed, "before "+server, 0), either(s.Production.Region, b.e.Production.Region))
	}
	b.roots()
}

func (b *builder) descends(copied runbook.Ref, source, region string) {
	id, _ := b.id("ami", copied)
	for n := range b.spec.Images {
		if i := &b.spec.Images[n]; i.ID == id && id != source && source != "" {
			i.Source, i.SourceRegion = source, region
		}
	}
}

// roots gives every machine of production the volume that it boots from.
func (b *builder) roots() {
	for n := range b.spec.Instances {
		i := &b.spec.Instances[n]
		i.RootDevice = "/dev/xvda"
		b.spec.Volumes = append(b.spec.Volumes, Volume{Volume: providers.Volume{
			ID: name("vol", b.seed, "root "+i.ID, 0), Region: i.Region, Zone: i.Zone, State: "in-use", SizeGiB: 8, Type: "gp3",
			Instance: i.ID, Device: i.RootDevice, Attachment: "attached",
		}})
	}
}
