package sim

import (
	"context"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
)

// The changes of Power, as IAM names them.
const (
	opStart   = "ec2:StartInstances"
	opStop    = "ec2:StopInstances"
	opReboot  = "ec2:RebootInstances"
	opRegroup = "ec2:ModifyInstanceAttribute"
)

// The ways in which production's machine may hang when it is told to stop (Faults.Hangs).
const (
	HangsSoft   = "soft"   // it does not hear a soft stop
	HangsForced = "forced" // it hangs in stopping, forced or not
)

// goesDown is how long a machine answers still when it has been told to reboot.
const goesDown = 2 * time.Second

// wrongState is EC2's answer to what the machine's state does not allow: for good when it is gone, for now otherwise.
func (s *state) wrongState(r request, m *machine, now time.Time, verb string) error {
	kind := providers.NotReady
	if m.over(now) || verb == "rebooted" && m.now(now).state == providers.InstanceStopped {
		kind = providers.Conflict
	}
	return refuse(kind, r, "IncorrectInstanceState", "it is %s: The instance '%s' is not in a state from which it can be %s.", m.now(now).state, m.id, verb)
}

// power is a call of Power that a machine's state allows, has already, or refuses.
func (c *cloud) power(ctx context.Context, op, region, id, verb string, f func(m *machine, now time.Time) (e *Entry, ok bool)) error {
	r := request{op: op, region: region, about: id}
	return c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		m, err := s.find(r, id, now)
		if err != nil {
			return nil, err
		}
		e, ok := f(m, now)
		if !ok {
			return nil, s.wrongState(r, m, now, verb)
		}
		e.ID = id
		return e, nil
	})
}

func (c *cloud) Start(ctx context.Context, region, id string) error {
	return c.power(ctx, opStart, region, id, "started", func(m *machine, now time.Time) (*Entry, bool) {
		switch m.now(now).state {
		case providers.InstanceStopped:
			return &Entry{}, true
		case providers.InstancePending, providers.InstanceRunning:
			return &Entry{Replay: true}, true
		}
		return nil, false
	})
}

// starts is the effect of StartInstances. What was mounted by hand is not mounted any more; services come up with the boot.
func (s *state) starts(e Entry) {
	m, d, key := s.machines[e.ID], s.spec.Delays, "start "+e.ID
	slow := max(1, s.spec.Faults.Slow)
	running := e.At.Add(time.Duration(float64(s.take(d.Pending, key+" pending")) * slow))
	up := running.Add(time.Duration(float64(s.take(d.Boot, key+" boot")) * slow))
	m.turn(e.At, providers.InstancePending, false)
	m.turn(running, providers.InstanceRunning, false)
	m.comesUp(up)
	m.checksOK = running.Add(s.take(d.Checks, key+" checks"))
	m.instance.Launched, m.instance.Checks, m.instance.StateReason = e.At, providers.ChecksUnknown, ""
	if m.address == "" && s.elastic(m.id) == nil {
		m.address = s.freeAddress(len(s.launched) + s.lent())
	}
}

// lent counts what was started, so that each start lends another address.
func (s *state) lent() int {
	n := s.draws["lent"]
	s.draws["lent"] = n + 1
	return n
}

// comesUp is the end of a boot.
func (m *machine) comesUp(up time.Time) {
	m.turn(up, providers.InstanceRunning, true)
	clear(m.mounts)
	for name, u := range m.units {
		if !u.stopped {
			m.units[name] = unit{ready: up}
		}
	}
}

func (c *cloud) Stop(ctx context.Context, region, id string, force bool) error {
	return c.power(ctx, opStop, region, id, "stopped", func(m *machine, now time.Time) (*Entry, bool) {
		e := &Entry{}
		if force {
			e.Text = "force"
		}
		switch m.now(now).state {
		case providers.InstanceRunning:
			return e, true
		case providers.InstanceStopping:
			e.Replay = !force || !m.hangs(now) // a machine that hangs may be forced
			return e, true
		case providers.InstanceStopped:
			e.Replay = true
			return e, true
		}
		return nil, false
	})
}

// hangs says that the machine is in a state that has no end.
func (m *machine) hangs(now time.Time) bool {
	return m.now(now).state == providers.InstanceStopping && m.turns[len(m.turns)-1].state == providers.InstanceStopping
}

// stops is the effect of StopInstances. The lent address is gone at once.
func (s *state) stops(e Entry) {
	m := s.machines[e.ID]
	hangs := ""
	if e.ID == s.spec.Roles.Instance {
		hangs = s.spec.Faults.Hangs
	}
	m.instance.StateReason = "Client.UserInitiatedShutdown: User initiated shutdown"
	m.address = ""
	// One that does not hear goes on doing what it did: only EC2 thinks that it is stopping.
	deaf := hangs == HangsForced || hangs == HangsSoft && e.Text != "force"
	m.turn(e.At, providers.InstanceStopping, deaf)
	if !deaf {
		m.turn(e.At.Add(s.take(s.spec.Delays.Shutdown, "stop "+e.ID)), providers.InstanceStopped, false)
	}
}

func (c *cloud) Reboot(ctx context.Context, region, id string) error {
	return c.power(ctx, opReboot, region, id, "rebooted", func(m *machine, now time.Time) (*Entry, bool) {
		return &Entry{}, m.now(now).state == providers.InstanceRunning
	})
}

// reboots is the effect of RebootInstances: the state stays running, and the lent address is kept.
func (s *state) reboots(e Entry) {
	m := s.machines[e.ID]
	down := e.At.Add(goesDown)
	m.turn(down, providers.InstanceRunning, false)
	m.comesUp(down.Add(time.Duration(float64(s.take(s.spec.Delays.Boot, "reboot "+e.ID)) * max(1, s.spec.Faults.Slow))))
	m.instance.Checks = providers.ChecksUnknown
}

// booted is when the boot was that the machine now runs on, and which one it is.
func (m *machine) booted(now time.Time) (at time.Time, n int) {
	was := false
	for _, t := range m.turns {
		if t.at.After(now) {
			break
		}
		if t.up && !was {
			at, n = t.at, n+1
		}
		was = t.up
	}
	if at.IsZero() {
		at = m.instance.Launched
	}
	return at, n
}

func (c *cloud) Regroup(ctx context.Context, region, id string, groups []string) error {
	r := request{op: opRegroup, region: region, about: id + " " + strings.Join(groups, " ")}
	return c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		m, err := s.find(r, id, now)
		if err != nil {
			return nil, err
		}
		if m.over(now) {
			return nil, s.wrongState(r, m, now, "modified")
		}
		if len(groups) == 0 {
			return nil, refuse(providers.Invalid, r, "MissingParameter", "The request must contain a security group")
		}
		if err := s.mayGroup(r, groups, m.instance.VPC); err != nil {
			return nil, err
		}
		wanted := slices.Compact(slices.Sorted(slices.Values(groups)))
		return &Entry{ID: id, Groups: wanted, Replay: slices.Equal(wanted, m.instance.SecurityGroups)}, nil
	})
}

func (s *state) regroup(e Entry) { s.machines[e.ID].instance.SecurityGroups = e.Groups }

// isolated says that no packet reaches the machine: all its groups are known to let nothing in.
func (s *state) isolated(m *machine) bool {
	if m.instance == nil || len(m.instance.SecurityGroups) == 0 {
		return false
	}
	return !slices.ContainsFunc(m.instance.SecurityGroups, func(id string) bool { return s.groups[id].In > 0 || s.groups[id].ID == "" })
}
