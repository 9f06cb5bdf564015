package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// behind is how far a replica that works is behind production.
const behind = 3 * time.Second

// heartbeat is what has come to a host of the time that production keeps writing.
func (s *state) heartbeat(m *machine, now time.Time) string {
	last := now
	if p := s.machines[s.spec.Roles.Instance]; p != nil && !p.now(now).up {
		last = s.spec.Start
		for _, t := range p.turns {
			if !t.at.IsZero() && !t.at.After(now) && !t.up {
				last = t.at
			}
		}
	}
	for _, end := range []time.Time{m.paused, m.promoted} {
		if !end.IsZero() && end.Before(last) {
			last = end
		}
	}
	if stopped := time.Duration(s.spec.Faults.ReplicaStopped); stopped > 0 {
		last = s.spec.Start.Add(-stopped)
	}
	last = last.Add(time.Duration(s.spec.Faults.ProductionAhead) - behind)
	return strconv.FormatInt(last.Unix(), 10) + "\n"
}

// date is the machine's own clock.
func (c *shell) date() outcome {
	now := c.now.UTC()
	if c.m.host != nil && c.m.host.Heartbeat != "" {
		now = now.Add(time.Duration(c.s.spec.Faults.ReplicaAhead))
	}
	switch {
	case slices.Contains(c.argv, "+%s.%N"):
		return outcome{out: fmt.Sprintf("%d.%09d\n", now.Unix(), now.Nanosecond())}
	case slices.Contains(c.argv, "+%s"):
		return outcome{out: fmt.Sprintf("%d\n", now.Unix())}
	}
	return outcome{out: now.Format(time.RFC3339) + "\n"}
}
