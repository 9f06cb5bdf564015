package sim

import (
	"maps"
	"slices"
	"time"

	"lifeboat/providers"
)

// Log returns what was done to the world so far, oldest first.
func (w *World) Log() []Entry {
	var out []Entry
	w.look(func(*state, time.Time) { out = slices.Clone(w.entries) })
	return out
}

// Audit counts effects, so that a test can say "exactly one".
type Audit struct {
	Instances       []string       // launched, in order
	Launched        map[string]int // client token -> machines that it made
	Running         []string       // launched in this world and not over
	Terminations    int
	Attachments     int
	Detachments     int
	Associations    int
	Disassociations int
	Allocations     int
	Releases        int
	RecordChanges   int
	Snapshots       []string // made, by CreateSnapshot and CopySnapshot, in order
	Volumes         []string // made, in order
	Deletions       int      // of volumes and snapshots
	Mounts          int
	Copies          int            // rsyncs that came to their end
	Starts          map[string]int // "MACHINE UNIT" -> how often it was started
	Commands        [][]string     // all that ran and could change something, in order
	Calls           map[string]int // changes asked for, by operation, refused and replayed ones included
	Faults          int            // faults that struck
	Slowest         time.Duration  // of the images that were made: the longest from accepted to available
}

// Audit counts what the log holds.
func (w *World) Audit() Audit {
	a := Audit{Launched: map[string]int{}, Starts: map[string]int{}, Calls: map[string]int{}}
	w.look(func(s *state, now time.Time) {
		for _, e := range w.entries {
			a.count(e)
		}
		for id, p := range s.pictures {
			if !p.ready.IsZero() {
				a.Slowest = max(a.Slowest, p.ready.Sub(s.images[id].Created))
			}
		}
		for _, id := range a.Instances {
			if !s.machines[id].over(now) {
				a.Running = append(a.Running, id)
			}
		}
	})
	return a
}

func (a *Audit) count(e Entry) {
	if e.Fault > 0 {
		a.Faults++
	}
	if e.Read {
		return
	}
	a.Calls[e.Op]++
	if e.Argv != nil {
		a.Commands = append(a.Commands, e.Argv)
	}
	if e.Refused != "" || e.Replay {
		return
	}
	counters := map[string]*int{
		opTerminate: &a.Terminations, opAttach: &a.Attachments, opDetach: &a.Detachments, opAssociate: &a.Associations,
		opAllocate: &a.Allocations, opRelease: &a.Releases,
		opDisassociate: &a.Disassociations, opChange: &a.RecordChanges, opDropSnapshot: &a.Deletions, opDropVolume: &a.Deletions,
	}
	if n := counters[e.Op]; n != nil {
		*n++
	}
	switch {
	case e.Op == opRun:
		a.Instances = append(a.Instances, e.ID)
		a.Launched[e.Token]++
	case e.Op == opSnapshot, e.Op == opCopySnapshot:
		a.Snapshots = append(a.Snapshots, e.ID)
	case e.Op == opVolume:
		a.Volumes = append(a.Volumes, e.ID)
	case e.Effect == "mount":
		a.Mounts++
	case e.Effect == "rsync" && e.Text == "":
		a.Copies++
	case e.Effect == "start":
		a.Starts[e.ID+" "+e.Text]++
	}
}

// VolumeData says what is on a volume.
func (w *World) VolumeData(id string) (out Data) {
	w.look(func(s *state, _ time.Time) {
		if v := s.volumes[id]; v != nil {
			out = v.data
		}
	})
	return out
}

// HostData says what copy of the data a host keeps.
func (w *World) HostData(name string) (out Data) {
	w.look(func(s *state, _ time.Time) {
		if m := s.machines[name]; m != nil && m.host != nil {
			out = s.data(m, m.host.Path)
		}
	})
	return out
}

// Where returns the host, as ssh would reach it now, behind an instance id or a host's name.
func (w *World) Where(id string) (out providers.Host) {
	w.look(func(s *state, now time.Time) {
		m := s.machines[id]
		switch {
		case m == nil:
		case m.host != nil:
			out = providers.Host{Address: m.host.Address, ID: id}
		default:
			i := s.describe(m, now)
			out = providers.Host{Address: either(i.PublicAddress, i.PrivateAddress), ID: id, Region: i.Region}
		}
	})
	return out
}

// happen puts something into the log that nobody asked for.
func (w *World) happen(e Entry) error {
	return w.transact(func(*state, time.Time) []Entry { return []Entry{e} })
}

// Plan adds a fault to the fault plan, for every process that shares the world.
func (w *World) Plan(f Fault) error { return w.happen(Entry{Op: "world:fault", Plan: &f}) }

// Darken makes a region ("route53" is its control plane) give no answer for so long; 0 is until Lighten.
func (w *World) Darken(region string, d time.Duration) error {
	e := Entry{Op: "world:dark", Region: region}
	if d > 0 {
		e.Until = w.clock.Now().Add(d)
	}
	return w.happen(e)
}

// Lighten ends what Darken began.
func (w *World) Lighten(region string) error {
	return w.happen(Entry{Op: "world:light", Region: region})
}

// Stop stops a machine as its failed hardware would; Start brings it back, with its services.
func (w *World) Stop(instance string) error { return w.machine("world:stop", instance) }

// Start brings a machine back that was stopped.
func (w *World) Start(instance string) error { return w.machine("world:start", instance) }

// Lose takes away what a machine has at a path, as a disk that is not mounted does: the folder is there, and empty.
func (w *World) Lose(machine, path string) error {
	return w.happen(Entry{Op: "world:lose", ID: machine, Path: path})
}

func (w *World) machine(op, id string) error {
	known := false
	if err := w.look(func(s *state, _ time.Time) { m := s.machines[id]; known = m != nil && m.instance != nil }); err != nil {
		return err
	}
	if !known {
		return providers.Errorf(providers.NotFound, op, "", "there is no machine %q in this world", id)
	}
	return w.happen(Entry{Op: op, ID: id})
}

// Tokens lists the client tokens that made a machine, in order.
func (a Audit) Tokens() []string { return slices.Sorted(maps.Keys(a.Launched)) }
