package sim

import (
	"maps"
	"slices"
	"time"

	"lifeboat/providers"
)

// state is the fold of a spec and its log. What takes time is kept as instants to come, so that reading it needs the
// time and nothing else. It is not safe for concurrent use; the World guards it.
type state struct {
	spec *Spec
	at   time.Time // of the last entry

	images    map[string]providers.Image
	pictures  map[string]*picture // of each image
	machines  map[string]*machine
	launched  []string          // ids, in the order of their launch
	tokens    map[string]string // scope and client token -> instance
	volumes   map[string]*volume
	snapshots map[string]*snapshot
	addresses map[string]*address
	zones     map[string]*zone
	chains    map[string]*Chain // by url
	subnets   map[string]providers.Subnet
	groups    map[string]providers.Group
	changes   map[string]time.Time // change -> INSYNC
	stranded  int                  // changes that nobody knows of
	allocated int                  // addresses ever given out
	buckets   map[string]*bucket   // by name, which is one for all regions

	faults      []Fault
	darkness    []Dark
	darkened    map[string]time.Time // by an entry: region -> until, zero for good
	seen, fired map[int]int          // by fault: calls that it matched, calls that it struck
	first       map[string]time.Time // operation -> its first call
	draws       map[string]int
	told        []Entry // messages
	returned    bool    // the fault plan has brought production back
}

type volume struct {
	providers.Volume
	format
	data  Data
	files map[string]string
	// The attachment: the machine, and when it is attached and free again.
	on             string
	device         string
	attached, free time.Time
	// What it was made of: how, and when it is to be seen, available, filled and gone.
	made                              *providers.NewVolume
	visible, listed, ready, full, end time.Time
}

type address struct {
	providers.Address
	since time.Time // packets for it arrive at its holder
}

type zone struct {
	providers.Zone
	history map[string][]version // NAME/TYPE -> what was true since when, oldest first

	failovers []Failover
}

// version is a record set, or its absence, since an instant; servers have it one after another.
type version struct {
	record *providers.Record
	at     time.Time
	insync time.Time
}

func newState(spec *Spec) *state {
	s := &state{
		spec:   spec,
		at:     spec.Start,
		images: map[string]providers.Image{}, pictures: map[string]*picture{}, machines: map[string]*machine{}, tokens: map[string]string{},
		volumes: map[string]*volume{}, snapshots: map[string]*snapshot{}, addresses: map[string]*address{}, zones: map[string]*zone{},
		subnets: map[string]providers.Subnet{}, groups: map[string]providers.Group{},
		changes: map[string]time.Time{}, darkened: map[string]time.Time{},
		buckets: map[string]*bucket{},
		seen:    map[int]int{}, fired: map[int]int{}, first: map[string]time.Time{}, draws: map[string]int{},
		faults: slices.Clone(spec.Faults.Calls), darkness: spec.Faults.Dark,
	}
	s.chains = map[string]*Chain{}
	s.place()
	s.stockChains()
	s.stock()
	s.spoil()
	return s
}

// stock fills the world with what the spec says stands in it.
func (s *state) stock() {
	for _, v := range s.spec.Volumes {
		kept := &volume{
			Volume: v.Volume, format: format{fs: v.FS, label: v.Label, damaged: v.Damaged}, data: v.Data,
			files: marker("", v.Data, s.spec), on: v.Instance, device: v.Device,
		}
		kept.Tags = maps.Clone(v.Tags)
		s.volumes[v.ID] = kept
	}
	for n, x := range s.spec.Snapshots {
		s.keepSnapshot(n, x)
	}
	for n, i := range s.spec.Images {
		s.keepImage(n, i)
	}
	for _, a := range s.spec.Addresses {
		s.addresses[a.Address] = &address{Address: a}
	}
	for _, i := range s.spec.Instances {
		if i.Launched.IsZero() {
			i.Launched = s.spec.Start.Add(-41 * 24 * time.Hour)
		}
		m := newInstance(s.spec, i)
		was := *m.instance
		s.network(m.instance, providers.Launch{Subnet: was.Subnet, SecurityGroups: was.SecurityGroups, KeyName: was.KeyName, Profile: was.Profile})
		s.machines[i.ID] = m
		s.launched = append(s.launched, i.ID)
	}
	for _, h := range s.spec.Hosts {
		s.machines[h.Name] = newHost(s.spec, h)
	}
	console := providers.Console().Address
	s.machines[console] = newHost(s.spec, Host{Name: console, Address: console})
	for _, b := range s.spec.Buckets {
		s.buckets[b.Name] = &bucket{region: b.Region, objects: maps.Clone(b.Objects)}
	}
	for _, z := range s.spec.Zones {
		kept := &zone{Zone: z.Zone, history: map[string][]version{}}
		for _, r := range z.Records {
			kept.history[r.Name+"/"+r.Type] = []version{{record: &r}}
		}
		for _, f := range z.Failovers {
			kept.failovers = append(kept.failovers, f)
			kept.history[f.key()] = []version{{record: f.record(f.flipped(s.spec.Buckets))}}
		}
		s.zones[z.ID] = kept
	}
}

// spoil makes the world as wrong as the fault plan wants it from the start.
func (s *state) spoil() {
	f, roles := s.spec.Faults, s.spec.Roles
	if i, ok := s.images[roles.Image]; ok && f.StaleImage > 0 {
		i.Created, i.Source = i.Created.Add(-time.Duration(f.StaleImage)), name("ami", s.spec.Seed, "stale", 0)
		s.images[roles.Image] = i
	}
	s.sicken()
	v, ok := s.volumes[roles.Volume]
	if !ok {
		return
	}
	v.data.Torn = v.data.Torn || f.IncompleteNightly
	switch f.Elsewhere {
	case "zone":
		v.Zone = otherZone(v.Zone)
	case "held":
		id := name("i", s.spec.Seed, "holder", 0)
		s.machines[id] = newInstance(s.spec, Instance{Instance: providers.Instance{
			ID: id, Region: v.Region, Zone: v.Zone, Type: "t3.small", State: providers.InstanceRunning,
			Checks: providers.ChecksOK, PrivateAddress: "192.0.2.77", Launched: s.spec.Start.Add(-26 * time.Hour),
			Tags: map[string]string{"Name": "left-from-a-drill"},
		}})
		s.launched = append(s.launched, id)
		v.on, v.device = id, "/dev/sdf"
	}
}

func otherZone(zone string) string {
	if zone == "" {
		return zone
	}
	last := zone[len(zone)-1]
	if last == 'a' {
		return zone[:len(zone)-1] + "b"
	}
	return zone[:len(zone)-1] + "a"
}

// draw takes the next number for a key, so that the same thing done in the same order takes the same time.
func (s *state) draw(key string) float64 {
	n := s.draws[key]
	s.draws[key] = n + 1
	return roll(s.spec.Seed, key, n)
}

func (s *state) take(span Span, key string) time.Duration { return span.at(s.draw(key)) }

// apply folds one entry in. It decides nothing: whoever wrote the entry had checked it.
func (s *state) apply(e Entry) {
	if e.At.After(s.at) {
		s.at = e.At
	}
	if s.first[e.Op].IsZero() {
		s.first[e.Op] = e.At
	}
	if e.Fault > 0 {
		s.fired[e.Fault-1]++
	}
	if e.Read {
		return
	}
	for i := range s.faults {
		if f := &s.faults[i]; f.matches(s.spec.Roles, e.request()) && s.open(f.Window, e.At) {
			s.seen[i]++
		}
	}
	if e.Refused != "" || e.Replay {
		return
	}
	what := e.Op
	if e.Effect != "" {
		what = "host:" + e.Effect
	}
	if change, ok := changes[what]; ok {
		change(s, e)
	}
}

func (e Entry) request() request { return request{op: e.Op, region: e.Region, about: e.About} }

// changes says what an accepted entry does to the world.
var changes = map[string]func(*state, Entry){
	opRun:          (*state).launch,
	opTerminate:    (*state).terminate,
	opStart:        (*state).starts,
	opStop:         (*state).stops,
	opReboot:       (*state).reboots,
	opRegroup:      (*state).regroup,
	opAttach:       (*state).attach,
	opDetach:       (*state).detach,
	opAssociate:    (*state).associate,
	opDisassociate: (*state).disassociate,
	opAllocate:     (*state).allocate,
	opRelease:      (*state).release,
	opPut:          (*state).putObject,
	opDelete:       (*state).deleteObject,
	opChange:       (*state).change,
	opSnapshot:     (*state).createSnapshot,
	opCopySnapshot: (*state).copySnapshot,
	opDropSnapshot: (*state).deleteSnapshot,
	opVolume:       (*state).createVolume,
	opDropVolume:   (*state).deleteVolume,
	opCopyImage:    (*state).copyImage,
	opCreateImage:  (*state).createImage,
	opRegister:     (*state).registerImage,
	opDeregister:   (*state).deregister,
	opShareImage:   (*state).share,
	opPublish:      (*state).tell,
	opSend:         (*state).tell,
	"host:mount":   (*state).mount,
	"host:mkfs":    (*state).formatted,
	"host:umount":  (*state).umount,
	"host:rsync":   (*state).synced,
	"host:restore": (*state).restored,
	"host:backup":  (*state).backedUp,
	"host:start":   (*state).startUnit,
	"host:stop":    (*state).stopUnit,
	"host:pause":   (*state).pause,
	"host:resume":  (*state).resume,
	"host:promote": (*state).promote,
	"host:write":   (*state).write,
	"host:mkdir":   (*state).write,
	"host:rm":      (*state).remove,
	"host:mv":      (*state).rename,
	"world:fault":  func(s *state, e Entry) { s.faults = append(s.faults, *e.Plan) },
	"world:dark":   func(s *state, e Entry) { s.darkened[e.Region] = e.Until },
	"world:light":  func(s *state, e Entry) { delete(s.darkened, e.Region) },
	"world:lose":   (*state).lose,
	"world:stop":   func(s *state, e Entry) { s.machines[e.ID].turn(e.At, providers.InstanceStopped, false) },
	"world:start":  func(s *state, e Entry) { s.machines[e.ID].bringBack(e.At) },
}
