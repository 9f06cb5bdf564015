package sim

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
)

// machine is anything that ssh reaches: an instance, or a host outside the cloud's lists.
type machine struct {
	id       string
	instance *providers.Instance // nil for a host
	launch   *providers.Launch   // how it was asked for; nil when it was there from the start
	visible  time.Time           // reads by id find it from then on
	listed   time.Time           // reads by tag do
	turns    []turn              // what becomes of it, oldest first
	checksOK time.Time
	address  string // a host's own, or an instance's temporary public one
	private  string

	mounts    map[string]string // path -> volume
	units     map[string]unit
	files     map[string]string // path -> content, on the root disk
	local     map[string]*Data  // path -> data on the root disk
	host      *Host
	paused    time.Time // the replica takes no writes since then
	promoted  time.Time // it is the one that clients write to since then
	protected bool      // against termination
	needs     string    // what must be mounted before it serves; empty when nothing must
}

// turn is one change in a machine's life. Up says that its ssh daemon answers.
type turn struct {
	at    time.Time
	state providers.InstanceState
	up    bool
}

// unit is a service: up from ready on, unless it was stopped.
type unit struct {
	ready   time.Time
	stopped bool
}

func blank(id string) *machine {
	return &machine{
		id: id, mounts: map[string]string{}, units: map[string]unit{}, files: map[string]string{},
		local: map[string]*Data{},
	}
}

func newInstance(spec *Spec, i Instance) *machine {
	m := blank(i.ID)
	kept := i.Instance
	m.instance = &kept
	m.address, m.private, m.protected = i.PublicAddress, i.PrivateAddress, i.Protected
	up := i.State == providers.InstanceRunning && i.Checks != providers.ChecksImpaired
	m.turns = []turn{{state: i.State, up: up}}
	for path, volume := range i.Mounts {
		m.mounts[path] = volume
	}
	for _, name := range i.Services {
		m.units[name] = unit{}
	}
	if i.Serving && len(i.Services) == 0 {
		m.units["httpd"] = unit{}
	}
	if i.Serving && len(i.Mounts) == 0 {
		m.local[either(i.Path, spec.Service.Path, "/srv")] = &i.Data
	}
	return m
}

func newHost(spec *Spec, h Host) *machine {
	m := blank(h.Name)
	m.host, m.address = &h, h.Address
	m.turns = []turn{{state: providers.InstanceRunning, up: true}}
	if h.Path != "" {
		m.keep(h.Path, h.Data, spec)
	}
	for path, data := range h.Also {
		m.keep(path, data, spec)
	}
	if h.Stopped {
		m.paused = time.Unix(0, 0)
	}
	return m
}

// now returns the machine's turn at an instant.
func (m *machine) now(t time.Time) turn {
	cur := m.turns[0]
	for _, next := range m.turns[1:] {
		if next.at.After(t) {
			break
		}
		cur = next
	}
	return cur
}

// turn writes the next turn; what was to come after it does not.
func (m *machine) turn(at time.Time, state providers.InstanceState, up bool) {
	i := slices.IndexFunc(m.turns, func(t turn) bool { return t.at.After(at) })
	if i > 0 {
		m.turns = m.turns[:i]
	}
	m.turns = append(m.turns, turn{at, state, up})
}

// bringBack starts a machine that stands still, with its services.
func (m *machine) bringBack(at time.Time) {
	m.turn(at, providers.InstanceRunning, true)
	m.checksOK = at
	if m.instance != nil {
		m.instance.Launched = at
	}
	if len(m.units) == 0 {
		m.units["httpd"] = unit{ready: at}
	}
}

func (m *machine) region() string {
	if m.instance != nil {
		return m.instance.Region
	}
	return m.host.Region
}

// over says that the machine is gone or going.
func (m *machine) over(t time.Time) bool {
	switch m.now(t).state {
	case providers.InstanceShuttingDown, providers.InstanceTerminated:
		return true
	}
	return false
}

// hostKey is the machine's ssh host key, as ssh-keygen writes public ones.
func (m *machine) hostKey(seed uint64) string {
	sum := sha256.Sum256([]byte(name("key", seed, m.id, 0)))
	blob := append([]byte("\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"), sum[:]...)
	return "ssh-ed25519 " + base64.StdEncoding.EncodeToString(blob)
}

// at finds the machine that an address leads to now: an elastic address first, which hides the temporary one.
func (s *state) machineAt(where string, t time.Time) *machine {
	if a, ok := s.addresses[where]; ok {
		m := s.machines[a.Instance]
		if m == nil || t.Before(a.since) || s.isolated(m) {
			return nil
		}
		return m
	}
	for _, id := range s.machineIDs() {
		m := s.machines[id]
		if m.address == where || m.private == where && where != "" || m.host != nil && m.id == where {
			if m.instance == nil || !s.isolated(m) && (s.temporary(m, t) == where || m.private == where) {
				return m
			}
		}
	}
	return nil
}

func (s *state) machineIDs() []string {
	ids := slices.Clone(s.launched)
	for _, h := range s.spec.Hosts {
		ids = append(ids, h.Name)
	}
	return append(ids, providers.Console().Address)
}

// temporary is the machine's own public address, which it has while it runs and holds no elastic one.
func (s *state) temporary(m *machine, t time.Time) string {
	if s.elastic(m.id) != nil || m.now(t).state != providers.InstanceRunning {
		return ""
	}
	return m.address
}

func (s *state) elastic(instance string) *address {
	for _, a := range s.addresses {
		if a.Instance == instance {
			return a
		}
	}
	return nil
}

// on finds the volume that holds a path of the machine and the mount point; an empty volume is the root disk.
func (m *machine) on(path string) (volume, mount string) {
	for at, v := range m.mounts {
		if (path == at || strings.HasPrefix(path, strings.TrimSuffix(at, "/")+"/")) && len(at) > len(mount) {
			volume, mount = v, at
		}
	}
	if mount == "" {
		mount = "/"
	}
	return volume, mount
}

// peek finds the copy of the data at a path of the machine, on the volume that is mounted there or on the root disk;
// nil is none.
func (s *state) peek(m *machine, path string) *Data {
	if v, _ := m.on(path); v != "" {
		return &s.volumes[v].data
	}
	for _, at := range slices.Sorted(maps.Keys(m.local)) {
		if path == at || strings.HasPrefix(at, path+"/") || strings.HasPrefix(path, at+"/") {
			return m.local[at]
		}
	}
	return nil
}

// data is peek for a reader that takes no copy for an empty one.
func (s *state) data(m *machine, path string) Data {
	if d := s.peek(m, path); d != nil {
		return *d
	}
	return Data{}
}

// serving says how far the machine is with its page: "", "starting", "no data" or "up".
func (s *state) serving(m *machine, t time.Time) string {
	if len(m.units) == 0 {
		return ""
	}
	some := false
	for _, u := range m.units {
		switch {
		case u.stopped:
		case t.Before(u.ready):
			return "starting"
		default:
			some = true
		}
	}
	switch {
	case !some:
		return ""
	case m.needs != "" && len(m.mounts) == 0:
		return "no data"
	}
	return "up"
}

// writing says whether production is taking writes: a copy made meanwhile of a replica that is not paused is not whole.
func (s *state) writing(t time.Time) bool {
	m := s.machines[s.spec.Roles.Instance]
	return m != nil && m.now(t).up && s.serving(m, t) == "up"
}
