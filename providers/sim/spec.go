package sim

import (
	"hash/fnv"
	"io"
	"strconv"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Spec is how a world begins: its seed, its clock, what stands in it, how long things take and what will go wrong.
// Together with the log it is all there is to know about a world.
type Spec struct {
	Version int               `json:"sim"`
	Seed    uint64            `json:"seed"`
	Clock   runbook.ClockSpec `json:"clock"`
	Start   time.Time         `json:"start"` // world time at which faults count from
	Account string            `json:"account"`
	Roles   Roles             `json:"roles"`
	Delays  Delays            `json:"delays"`
	Faults  Faults            `json:"faults,omitzero"`
	Service Service           `json:"service,omitzero"`

	Images    []providers.Image       `json:"images,omitempty"`
	Volumes   []Volume                `json:"volumes,omitempty"`
	Addresses []providers.Address     `json:"addresses,omitempty"`
	Instances []Instance              `json:"instances,omitempty"`
	Zones     []Zone                  `json:"zones,omitempty"`
	Chains    []Chain                 `json:"chains,omitempty"`
	Hosts     []Host                  `json:"hosts,omitempty"`
	Subnets   []providers.Subnet      `json:"subnets,omitempty"` // beside each zone's default one
	Groups    []providers.Group       `json:"groups,omitempty"`  // beside each network's default one
	Types     []providers.MachineType `json:"types,omitempty"`   // beside the usual ones
	// Offers says which types a zone has; one that is not in it has them all. ZoneStates are those that are not available.
	Offers     map[string][]string `json:"offers,omitempty"`
	ZoneStates map[string]string   `json:"zone_states,omitempty"`
	Snapshots  []Snapshot          `json:"snapshots,omitempty"`
	// BadKeys are KMS keys that are disabled, or that this account may not use.
	BadKeys []string `json:"bad_keys,omitempty"`
	Buckets []Bucket `json:"buckets,omitempty"`
	// AddressQuota is how many elastic addresses each region gives; 0 is 5, as AWS has it.
	AddressQuota int `json:"address_quota,omitempty"`
	// Limit holds Route 53 to five requests a second of one process, as AWS does for an account.
	Limit bool `json:"limit,omitempty"`
}

// Roles names what the fault plans speak of: a night says "standby" and means this region.
type Roles struct {
	Production string `json:"production"` // region
	Standby    string `json:"standby"`    // region
	Instance   string `json:"instance"`   // the production server
	Image      string `json:"image"`      // the copy in the standby region
	Volume     string `json:"volume"`     // the standby volume
}

// Service is what the machines of this world serve.
type Service struct {
	Name string `json:"name"`
	Path string `json:"path,omitempty"` // where the data must be mounted; empty when data is not modelled
}

// Volume is a volume and what is on it: a file system of the type FS ("" is ext4), with a label, damaged or not.
type Volume struct {
	providers.Volume
	Data      Data
	FS, Label string `json:",omitempty"`
	Damaged   bool   `json:",omitempty"`
}

// Snapshot is a snapshot that is there from the start, and what is in it. One without a time of its own is from some hours
// before; one without a state is completed.
type Snapshot struct {
	providers.Snapshot
	Data Data
}

// Instance is a machine that is there from the start. Serving says that its services are up, Protected that it may not be
// terminated.
type Instance struct {
	providers.Instance
	Serving   bool
	Protected bool
	Data      Data
	Path      string            `json:",omitempty"` // of the data; the service's when it is left out
	Mounts    map[string]string `json:",omitempty"` // path -> volume; without one Data is on its own disk
	Services  []string          `json:",omitempty"` // that are up; httpd when none is named and it is Serving
}

// Zone is a hosted zone and its record sets.
type Zone struct {
	providers.Zone
	Records   []providers.Record
	Failovers []Failover `json:",omitempty"`
}

// Host is a machine outside the cloud's lists, such as the one that keeps the replica.
type Host struct {
	Name, Address, Region string
	Path                  string // of the data
	Data                  Data
	Also                  map[string]Data // further copies, by path
	Pause, Paused, Resume []string
	Promote, Promoted     []string
	// Heartbeat is the file into which production writes the time, as far as it has come here.
	Heartbeat string
	Stopped   bool // it takes no writes, from the start
}

// Data stands for the content of a file system. Two copies with the same Version are the same, byte for byte.
type Data struct {
	Version string
	Bytes   int64 // all of it
	Files   int64 // in how many files; left out, as many as so much data has
	Delta   int64 // what differs from the copy of the night before
	Torn    bool  // copied while it was being written: not whole
	// Age is how long before the start this copy came to its end, which its marker says; 0 is no marker.
	Age runbook.Duration

	part   string // the version of which a copy was cut short
	copied int64  // and how much of it is there
}

// files is how many files the data is.
func (d Data) files() int64 {
	switch {
	case d.Version == "":
		return 0
	case d.Files > 0:
		return d.Files
	}
	return max(1, d.Bytes*9000/(41*gb))
}

// Span is a range of durations; each thing that takes time draws its own from it, by seed.
type Span struct {
	Min runbook.Duration `json:"min"`
	Max runbook.Duration `json:"max"`
}

func span(low, high time.Duration) Span {
	return Span{Min: runbook.Duration(low), Max: runbook.Duration(high)}
}

func (s Span) at(f float64) time.Duration {
	return time.Duration(s.Min) + time.Duration(f*float64(s.Max-s.Min))
}

// Delays is how long things take in this world.
type Delays struct {
	Call      Span `json:"call"`      // a read, there and back
	Write     Span `json:"write"`     // a change, there and back
	Accept    Span `json:"accept"`    // RunInstances, there and back
	Visible   Span `json:"visible"`   // from a creation to the first read that finds it
	Pending   Span `json:"pending"`   // accepted to running
	Boot      Span `json:"boot"`      // running to ssh
	Checks    Span `json:"checks"`    // running to 2/2 checks
	Shutdown  Span `json:"shutdown"`  // shutting-down to terminated, stopping to stopped
	Attach    Span `json:"attach"`    // attaching to attached
	Detach    Span `json:"detach"`    // detaching to available
	Create    Span `json:"create"`    // a volume: creating to available
	Snapshot  Span `json:"snapshot"`  // a snapshot: pending to completed
	Carry     Span `json:"carry"`     // a snapshot's copy to another region: pending to completed
	Image     Span `json:"image"`     // an image: from its last snapshot to available
	Associate Span `json:"associate"` // accepted to packets arriving
	Insync    Span `json:"insync"`    // a record change on the last name server
	SSH       Span `json:"ssh"`       // connect and run something trivial
	Command   Span `json:"command"`   // a command that does something
	Mount     Span `json:"mount"`
	Pause     Span `json:"pause"`   // the replica's own commands
	Service   Span `json:"service"` // one unit's start
	Scan      Span `json:"scan"`    // rsync building its list
	Rate      int  `json:"rate"`    // rsync, bytes a second
}

// DefaultDelays are those of a good night on AWS with a mid-sized server: about 45 s from launch to ssh, a 3.9 GB delta
// at 61 MB/s, an application server that takes its time. A failover over them takes some three and a half minutes.
func DefaultDelays() Delays {
	const ms, s = time.Millisecond, time.Second
	return Delays{
		Call: span(60*ms, 180*ms), Write: span(200*ms, 450*ms), Accept: span(1600*ms, 2200*ms),
		Visible: span(300*ms, 1800*ms),
		Pending: span(9*s, 13*s), Boot: span(30*s, 34*s), Checks: span(110*s, 150*s), Shutdown: span(15*s, 30*s),
		Attach: span(3*s, 4*s), Detach: span(3*s, 5*s),
		Create: span(2*s, 4*s), Snapshot: span(40*s, 70*s), Carry: span(90*s, 150*s), Image: span(3*s, 8*s), Associate: span(1500*ms, 2500*ms),
		Insync: span(32*s, 38*s),
		SSH:    span(120*ms, 350*ms), Command: span(200*ms, 600*ms), Mount: span(2*s, 4*s), Pause: span(2*s, 4*s),
		Service: span(26*s, 32*s), Scan: span(20*s, 26*s), Rate: 61_000_000,
	}
}

// fill gives a spec the defaults that it leaves out.
func (s Spec) fill() Spec {
	s.Version = 1
	if s.Delays == (Delays{}) {
		s.Delays = DefaultDelays()
	}
	if s.Delays.Rate <= 0 {
		s.Delays.Rate = 61_000_000
	}
	if s.AddressQuota <= 0 {
		s.AddressQuota = 5
	}
	if s.Account == "" {
		s.Account = "123456789012"
	}
	return s
}

// roll draws a number in [0, 1) that depends on nothing but its arguments.
func roll(seed uint64, key string, n int) float64 {
	return float64(mix(seed, key, n)>>11) / (1 << 53)
}

// mix is FNV-1a with the finaliser of splitmix64, which spreads what FNV leaves close together.
func mix(seed uint64, key string, n int) uint64 {
	h := fnv.New64a()
	io.WriteString(h, key)
	io.WriteString(h, "\x00"+strconv.Itoa(n))
	x := h.Sum64() ^ seed*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// name makes an identifier as EC2 makes them: a prefix and 17 hexadecimal digits.
func name(prefix string, seed uint64, key string, n int) string {
	a, b := mix(seed, "id "+key, n), mix(seed, "id2 "+key, n)
	s := strconv.FormatUint(a|1<<63, 16) + strconv.FormatUint(b|1<<63, 16)
	return prefix + "-0" + s[:16]
}
