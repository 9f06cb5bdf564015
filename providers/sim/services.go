package sim

import (
	"path"
	"strings"
	"time"
)

// verb is what systemctl is asked to do.
func verb(argv []string) string {
	rest := options(argv[1:], "-p", "--property", "-H", "-t", "-o")
	if len(rest) == 0 {
		return ""
	}
	return rest[0]
}

func (c *shell) systemctl() outcome {
	words := c.args("-p", "--property", "-H", "-t", "-o")
	if len(words) == 0 {
		return outcome{}
	}
	units := words[1:]
	for i, u := range units {
		units[i] = strings.TrimSuffix(u, ".service")
	}
	switch words[0] {
	case "start", "restart":
		return c.startUnits(units, words[0] == "restart")
	case "stop":
		return outcome{
			takes:  c.takes(c.s.spec.Delays.Command, "stop"),
			effect: &Entry{Effect: "stop", Text: strings.Join(units, " ")},
		}
	case "is-active", "status", "is-failed":
		return c.active(units, words[0])
	case "show":
		return c.show(units)
	}
	return outcome{}
}

// condition is systemd's ActiveState of a unit.
func (m *machine) condition(name string, now time.Time) string {
	u, ok := m.units[name]
	switch {
	case !ok || u.stopped:
		return "inactive"
	case now.Before(u.ready):
		return "activating"
	}
	return "active"
}

// startUnits starts units that are not up, one after another, as units that need each other do.
func (c *shell) startUnits(units []string, again bool) outcome {
	ready := c.s.plan(c.m, units, again, c.now)
	last := c.now
	for _, u := range units {
		at := c.m.units[u].ready
		if later, ok := ready[u]; ok {
			at = later
		}
		if at.After(last) {
			last = at
		}
	}
	o := outcome{takes: last.Sub(c.now), effect: &Entry{Effect: "start", Text: strings.Join(units, " ")}}
	if again {
		o.effect.Path = "restart"
	}
	for _, a := range c.argv {
		if a == "--no-block" {
			o.takes = 0
		}
	}
	return o
}

// plan says when each unit that has to be started will be up.
func (s *state) plan(m *machine, units []string, again bool, now time.Time) map[string]time.Time {
	out := map[string]time.Time{}
	for _, u := range units {
		if !again && m.condition(u, now) != "inactive" {
			continue
		}
		now = now.Add(s.spec.Delays.Service.at(roll(s.spec.Seed, "unit "+m.id+" "+u, 0)))
		out[u] = now
	}
	return out
}

func (s *state) startUnit(e Entry) {
	m := s.machines[e.ID]
	for u, ready := range s.plan(m, strings.Fields(e.Text), e.Path == "restart", e.At) {
		m.units[u] = unit{ready: ready}
	}
}

func (s *state) stopUnit(e Entry) {
	for _, u := range strings.Fields(e.Text) {
		s.machines[e.ID].units[u] = unit{stopped: true}
	}
}

func (c *shell) active(units []string, verb string) outcome {
	o := outcome{status: 3}
	for _, u := range units {
		state := c.m.condition(u, c.now)
		if state == "active" {
			o.status = 0
		}
		o.out += state + "\n"
	}
	if verb == "is-failed" {
		o.status = 1 // nothing ever is
	}
	for _, a := range c.argv {
		if a == "-q" || a == "--quiet" {
			o.out = ""
		}
	}
	return o
}

func (c *shell) show(units []string) outcome {
	properties := "Id,LoadState,ActiveState,SubState,Result"
	if p, ok := c.option("-p", "--property"); ok {
		properties = p
	}
	values := false
	for _, a := range c.argv {
		values = values || a == "--value"
	}
	sub := map[string]string{"active": "running", "activating": "start", "inactive": "dead"}
	var b strings.Builder
	for i, u := range units {
		if i > 0 {
			b.WriteByte('\n')
		}
		state := c.m.condition(u, c.now)
		known := map[string]string{
			"Id": u + ".service", "LoadState": "loaded", "ActiveState": state, "SubState": sub[state], "Result": "success",
			"NRestarts": "0", "UnitFileState": "enabled",
		}
		for p := range strings.SplitSeq(properties, ",") {
			if !values {
				b.WriteString(p + "=")
			}
			b.WriteString(known[p] + "\n")
		}
	}
	return outcome{out: b.String()}
}

// initScript reads a command of hosts without systemd: /etc/init.d/UNIT VERB, or service UNIT VERB.
func initScript(argv []string) (unit, verb string, ok bool) {
	switch {
	case len(argv) == 2 && path.Dir(argv[0]) == "/etc/init.d":
		return path.Base(argv[0]), argv[1], true
	case len(argv) == 3 && program(argv) == "service":
		return argv[1], argv[2], true
	}
	return "", "", false
}

func (c *shell) initScript(unit, verb string) outcome {
	switch verb {
	case "start", "restart":
		return c.startUnits([]string{unit}, verb == "restart")
	case "stop":
		return outcome{takes: c.takes(c.s.spec.Delays.Command, "stop"), effect: &Entry{Effect: "stop", Text: unit}}
	}
	if c.m.condition(unit, c.now) == "active" {
		return outcome{out: unit + " is running\n"}
	}
	return outcome{status: 3, out: unit + " is stopped\n"}
}
