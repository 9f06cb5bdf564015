package sim

import (
	"fmt"
	"maps"
	"net"
	"path"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Scene is how production stands when the world begins.
type Scene string

// The scenes.
const (
	Serving  Scene = "serving"  // all is well: for drills and for watching
	Stopped  Scene = "stopped"  // its machine failed and EC2 has stopped it
	Impaired Scene = "impaired" // its machine is said to run, and answers nobody
	GoneDark Scene = "dark"     // its whole region gives no answer
	ZoneLost Scene = "zone"     // its zone is gone, and its machine with it; the region answers
)

// ParseScene reads the name of a scene; "" is Stopped.
func ParseScene(word string) (Scene, error) {
	for _, s := range []Scene{Stopped, Serving, Impaired, GoneDark, ZoneLost} {
		if word == string(s) || word == "" {
			return s, nil
		}
	}
	return "", fmt.Errorf("there is no scene %q; there are serving, stopped, impaired, dark and zone", word)
}

// FromEstate makes a world that holds a copy of the estate: production as the scene has it, the image, the volume in its
// zone, the addresses, the hosted zone with its record, the replica with its data, and what the drill overlay names.
// What the estate chooses by tags gets an id that depends on the seed, and bears the tags.
func FromEstate(e *runbook.Estate, scene Scene, seed uint64) Spec {
	b := &builder{e: e, seed: seed, made: map[string]string{}, spec: Spec{Seed: seed, Account: e.Account}}
	b.spec.Service = Service{Name: canonical(e.Service.Name), Path: either(e.Standby.Volume.Path, e.Production.Volume.Path)}
	if e.Standby.Volume.ID.ID == "" && len(e.Standby.Volume.ID.Tags) == 0 {
		b.spec.Service.Path = "" // without a volume the data is not modelled
	}
	b.spec.Roles = Roles{Production: e.Production.Region, Standby: e.Standby.Region}
	b.production(scene)
	b.standby()
	b.servers()
	b.hostedZone(e.Service.Name, e.Service.Zone, e.Service.Servers, true)
	b.flip(e)
	b.drill()
	b.chain(b.e.Standby.Archive)
	b.chain(b.e.Production.Archive)
	b.lineage()
	b.networks()
	b.snapshots()
	if scene == GoneDark {
		b.spec.Faults.Dark = []Dark{{Region: "production"}}
	}
	return b.spec
}

// WithNight adds a fault plan to what the scene has brought.
func (s Spec) WithNight(f Faults) Spec {
	f.Dark = append(slices.Clone(s.Faults.Dark), f.Dark...)
	s.Faults = f
	return s
}

// either is the first word that is not empty.
func either(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// night is the copy of the data that the volume has from the night before; live is the replica's.
const (
	nightly = "nightly"
	live    = "live"
	gb      = 1_000_000_000
)

func data(version string) Data { return Data{Version: version, Bytes: 41 * gb, Delta: 3_900_000_000} }

type builder struct {
	e    *runbook.Estate
	seed uint64
	spec Spec
	made map[string]string // prefix and tags -> id
}

// id is the resource's own, or a new one when it is chosen by tags. Neither: there is none.
func (b *builder) id(prefix string, r runbook.Ref) (string, map[string]string) {
	if r.ID != "" {
		return r.ID, nil
	}
	if len(r.Tags) == 0 {
		return "", nil
	}
	key := prefix + " " + words(r.Tags)
	if b.made[key] == "" {
		b.made[key] = name(prefix, b.seed, "estate "+key, 0)
	}
	return b.made[key], maps.Clone(r.Tags)
}

// number is the same for elastic addresses.
func (b *builder) number(r runbook.Ref) (string, map[string]string) {
	id, tags := b.id("eip", r)
	if id == "" || tags == nil {
		return id, nil
	}
	return fmt.Sprintf("198.51.100.%d", 200+mix(b.seed, id, 0)%50), tags
}

func (b *builder) production(scene Scene) {
	p := b.e.Production
	id, tags := b.id("i", p.Instance)
	b.image(p.Image, p.Region, "production")
	zone := either(p.Volume.Zone, p.Zone, p.Region+"a")
	holder := ""
	if id != "" {
		i := Instance{Instance: providers.Instance{
			ID: id, Region: p.Region, Zone: zone, Image: p.Image.ID, Type: either(p.Type, "m7i.large"),
			State: providers.InstanceRunning, Checks: providers.ChecksOK, PrivateAddress: "192.0.2.10", Tags: tags,
			Subnet: p.Subnet, SecurityGroups: b.groups(p.SecurityGroups, p.Region), KeyName: p.KeyName, Profile: p.Profile,
		}, Serving: true, Data: data(live)}
		switch scene {
		case ZoneLost:
			i.State, i.Checks = providers.InstanceStopped, providers.ChecksUnknown
			i.StateReason = "Server.InternalError: stopped because its zone failed"
			b.spec.ZoneStates = map[string]string{zone: "unavailable"}
		case Stopped, "":
			i.State, i.Checks = providers.InstanceStopped, providers.ChecksUnknown
			i.StateReason = "Server.ScheduledStop: stopped because its hardware failed"
		case Impaired:
			i.Checks = providers.ChecksImpaired
		}
		b.spec.Roles.Instance, holder = id, id
		b.spec.Instances = append(b.spec.Instances, i)
	}
	b.address(p.Address, p.Region, holder)
	b.volume(p.Volume, p.Region, zone, holder)
}

func (b *builder) standby() {
	s := b.e.Standby
	b.spec.Roles.Image = b.image(s.Image, s.Region, "standby")
	b.address(s.Address, s.Region, "")
	b.spec.Roles.Volume = b.volume(s.Volume, s.Region, either(s.Zone, s.Region+"a"), "")
	if id, tags := b.id("i", s.Instance); id != "" {
		b.spec.Instances = append(b.spec.Instances, Instance{Instance: providers.Instance{
			ID: id, Region: s.Region, Zone: either(s.Volume.Zone, s.Zone, s.Region+"a"), Type: either(s.Type, "m7i.large"),
			State: providers.InstanceStopped, PrivateAddress: "192.0.2.11", Tags: tags,
			Subnet: s.Subnet, SecurityGroups: b.groups(s.SecurityGroups, s.Region), KeyName: s.KeyName, Profile: s.Profile,
		}})
	}
	b.replica(s.Replica, s.Region, s.Heartbeat)
	b.nightly(s.Nightly, s.Region)
	b.replica(b.e.Production.Replica, b.e.Production.Region, b.e.Production.Heartbeat)
}

// drill adds what the overlay names and the estate does not.
func (b *builder) drill() {
	drilled, err := b.e.In(runbook.Drill)
	if err != nil {
		return // there is no overlay
	}
	s := drilled.Standby
	b.image(s.Image, s.Region, "drill")
	b.address(s.Address, s.Region, "")
	b.volume(s.Volume, s.Region, either(s.Zone, s.Region+"a"), "")
	b.replica(s.Replica, s.Region, s.Heartbeat)
	b.hostedZone(drilled.Service.Name, drilled.Service.Zone, drilled.Service.Servers, false)
	if canonical(drilled.Service.Name) != canonical(b.e.Service.Name) {
		b.flip(drilled)
	}
}

func (b *builder) replica(r *runbook.Replica, region, heartbeat string) {
	if r == nil || r.Host == "" {
		return
	}
	h := Host{
		Name: either(r.ID, r.Host), Address: r.Host, Region: region, Path: strings.TrimSuffix(r.Path, "/"), Data: data(live),
		Pause: r.Pause, Paused: r.Paused, Resume: r.Resume, Promote: r.Promote, Promoted: r.Promoted,
	}
	if heartbeat != "" {
		h.Heartbeat = heartbeat
		if !path.IsAbs(heartbeat) {
			h.Heartbeat = path.Join(h.Path, heartbeat)
		}
	}
	if !slices.ContainsFunc(b.spec.Hosts, func(x Host) bool { return x.Name == h.Name }) {
		b.spec.Hosts = append(b.spec.Hosts, h)
	}
}

func (b *builder) image(r runbook.Ref, region, what string) string {
	id, tags := b.id("ami", r)
	if id == "" || slices.ContainsFunc(b.spec.Images, func(i providers.Image) bool { return i.ID == id }) {
		return id
	}
	b.spec.Images = append(b.spec.Images, providers.Image{
		ID: id, Region: region, Name: what + "-image", State: "available", Tags: tags, Architecture: "x86_64", BootMode: "uefi-preferred",
		Virtualization: "hvm", RootDevice: "/dev/xvda", ENA: true, IMDS: "v2.0",
		Disks: []providers.Disk{{Device: "/dev/xvda", Snapshot: name("snap", b.seed, "estate "+id, 0), SizeGiB: 8, Type: "gp3"}},
	})
	return id
}

func (b *builder) address(r runbook.Ref, region, holder string) {
	number, tags := b.number(r)
	if number == "" || slices.ContainsFunc(b.spec.Addresses, func(a providers.Address) bool { return a.Address == number }) {
		return
	}
	b.spec.Addresses = append(b.spec.Addresses, providers.Address{
		Address: number, Allocation: name("eipalloc", b.seed, number, 0), Region: region, Instance: holder, Tags: tags,
	})
}

func (b *builder) volume(d runbook.Disk, region, zone, holder string) string {
	id, tags := b.id("vol", d.ID)
	if id == "" || slices.ContainsFunc(b.spec.Volumes, func(v Volume) bool { return v.ID == id }) {
		return id
	}
	v := Volume{Volume: providers.Volume{
		ID: id, Region: region, Zone: either(d.Zone, zone), State: "available", SizeGiB: 100, Tags: tags,
	}, Data: copied()}
	if holder != "" {
		v.Instance, v.Device, v.State, v.Attachment, v.Data = holder, "/dev/sdf", "in-use", "attached", data(live)
	}
	b.spec.Volumes = append(b.spec.Volumes, v)
	return id
}

// hostedZone makes the zone above a name, unless there is one that holds it, and the name's record where it has one.
func (b *builder) hostedZone(host, id string, servers []string, record bool) {
	host = canonical(host)
	for _, z := range b.spec.Zones {
		if inZone(host, z.Name) && (id == "" || id == z.ID) {
			return
		}
	}
	zone := host
	if _, above, ok := strings.Cut(host, "."); ok && strings.Contains(above, ".") {
		zone = above
	}
	z := Zone{Zone: providers.Zone{ID: id, Name: zone, Servers: servers}}
	if id == "" {
		z.ID = strings.ToUpper(strings.ReplaceAll(name("Z", b.seed, zone, 0), "-", ""))
	}
	for i := range 4 {
		if len(servers) == 0 {
			z.Servers = append(z.Servers, fmt.Sprintf("ns-%d.example.net", i+1))
		}
	}
	ttl := time.Duration(b.e.Service.TTL)
	if ttl == 0 {
		ttl = runbook.DefaultTTL
	}
	if record {
		z.Records = []providers.Record{{Name: host, Type: "A", TTL: ttl, Values: []string{b.serviceAddress()}}}
	}
	b.spec.Zones = append(b.spec.Zones, z)
}

// flip wires failover records for the service's name, where the estate says that they are: they take the place of its
// plain record.
func (b *builder) flip(e *runbook.Estate) {
	f := e.Service.Flip
	if f == nil {
		return
	}
	second, _ := b.number(e.Standby.Address)
	wired := Failover{
		Name: canonical(e.Service.Name), Type: "A", TTL: time.Minute, Primary: []string{b.serviceAddress()}, Secondary: []string{second},
		Bucket: f.Bucket, Key: f.Key, WhenGone: f.Absent,
	}
	i := slices.IndexFunc(b.spec.Buckets, func(x Bucket) bool { return x.Name == f.Bucket })
	if i < 0 {
		b.spec.Buckets = append(b.spec.Buckets, Bucket{Name: f.Bucket, Region: either(f.Region, e.Standby.Region), Objects: map[string]string{}})
		i = len(b.spec.Buckets) - 1
	}
	if f.Absent {
		b.spec.Buckets[i].Objects[f.Key] = "on\n"
	}
	for n := range b.spec.Zones {
		z := &b.spec.Zones[n]
		if !inZone(wired.Name, canonical(z.Name)) {
			continue
		}
		z.Records = slices.DeleteFunc(z.Records, func(r providers.Record) bool { return canonical(r.Name) == wired.Name && r.Type == wired.Type })
		z.Failovers = append(z.Failovers, wired)
		return
	}
}

// serviceAddress is what the service's name points at before anything happens.
func (b *builder) serviceAddress() string {
	for _, a := range b.spec.Addresses {
		if a.Region == b.e.Production.Region && net.ParseIP(a.Address) != nil {
			return a.Address
		}
	}
	return "198.51.100.250"
}
