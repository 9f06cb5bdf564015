package sim

import (
	"slices"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// snapshots gives the estate last night's snapshots: of production's volume, its copy in the standby region, and of the
// standby volume. The copy bears what lifeboat's own copies bear; EC2 tells of a copy neither its source nor its volume.
func (b *builder) snapshots() {
	p, s := b.e.Production, b.e.Standby
	home := b.volumeOf(p.Volume)
	if home != nil {
		of := b.snapshot(*home)
		b.snapshotOf(*home, s.Region, noVolume, "copy "+home.ID, map[string]string{
			"lifeboat:volume": home.ID, "lifeboat:source": p.Region + "/" + of,
		})
	}
	if away := b.volumeOf(s.Volume); away != nil && (home == nil || away.ID != home.ID) {
		b.snapshot(*away)
	}
}

// volumeOf finds what the world has for a disk of the estate; nil is none.
func (b *builder) volumeOf(d runbook.Disk) *Volume {
	id, _ := b.id("vol", d.ID)
	if i := slices.IndexFunc(b.spec.Volumes, func(v Volume) bool { return v.ID == id }); i >= 0 {
		return &b.spec.Volumes[i]
	}
	return nil
}

func (b *builder) snapshot(v Volume) string {
	return b.snapshotOf(v, v.Region, v.ID, v.ID, nil)
}

func (b *builder) snapshotOf(v Volume, region, volume, key string, tags map[string]string) string {
	id := name("snap", b.seed, "estate "+key, 0)
	b.spec.Snapshots = append(b.spec.Snapshots, Snapshot{Snapshot: providers.Snapshot{
		ID: id, Region: region, Volume: volume, State: "completed", SizeGiB: v.SizeGiB, Description: "nightly", Tags: tags,
	}, Data: data(nightly)})
	return id
}
