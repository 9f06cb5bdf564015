package emulator

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// machine is what moto does not keep of an instance: when its state changes, and its addresses.
type machine struct {
	id, region, zone string
	token            string
	born             time.Time
	state            string
	until            time.Time // when the state passes; zero: it stays
	up               time.Time // since when it runs
	temporary        string    // the address lent to it
	elastic          string    // the address associated with it
	protected        bool
}

// stateCodes are EC2's numbers for the states.
var stateCodes = map[string]string{
	"pending": "0", "running": "16", "shutting-down": "32", "terminated": "48", "stopping": "64", "stopped": "80",
}

// public is the address under which the machine is reached.
func (m *machine) public() string {
	if m.state != "running" {
		return ""
	}
	if m.elastic != "" {
		return m.elastic
	}
	return m.temporary
}

// enter puts a machine into a state that passes after d.
func (e *Emulator) enter(m *machine, state string, d time.Duration) {
	if m.state == "running" {
		e.address(m.public(), m.id, false)
	}
	m.state, m.until = state, e.due(d)
}

// passed is the end of a passing state.
func (e *Emulator) passed(m *machine) error {
	m.until = time.Time{}
	switch m.state {
	case "pending":
		m.state, m.up = "running", time.Now()
		if m.elastic == "" {
			m.temporary = e.lend()
		}
		e.address(m.public(), m.id, true)
		return nil
	case "stopping":
		m.state, m.temporary = "stopped", ""
		_, err := e.ask(m.region, "StopInstances", "InstanceId.1", m.id)
		return err
	default:
		m.state, m.temporary = "terminated", ""
		return e.bury(m)
	}
}

// bury ends a machine in moto and frees what it held, which moto forgets.
func (e *Emulator) bury(m *machine) error {
	for _, d := range e.disks {
		if d.instance == m.id {
			d.state, d.until = "detaching", time.Now()
			if err := e.settled(d); err != nil {
				return err
			}
		}
	}
	if m.elastic != "" {
		if _, err := e.ask(m.region, "DisassociateAddress", "PublicIp", m.elastic); err != nil {
			return err
		}
		m.elastic = ""
	}
	_, err := e.ask(m.region, "TerminateInstances", "InstanceId.1", m.id)
	return err
}

// lend gives a loopback address that no other test process on this machine gives.
func (e *Emulator) lend() string {
	e.lent++
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 64+pid%64, pid/64%250+1, e.lent%250+1)
}

func (e *Emulator) runInstances(c *call) *answer {
	zone, bad := e.launchZone(c)
	if bad != nil {
		return bad
	}
	key := c.tokenKey(zone)
	if t, seen := e.tokens[key]; seen && c.form.Get("ClientToken") != "" {
		return e.replay(c, t)
	}
	a := e.forward(c)
	if a.status >= 300 {
		return a
	}
	t := &token{params: c.words(), body: a.body}
	a = rewritten(a, func(root *node) {
		for _, item := range root.all("instancesSet", "item") {
			m := e.birth(c, item)
			t.ids = append(t.ids, m.id)
			e.note(e.tagVolumes(c, item))
			e.dress(item)
		}
	})
	if c.form.Get("ClientToken") != "" {
		e.tokens[key] = t
	}
	c.effect = "launched " + strings.Join(t.ids, " ")
	return a
}

func (e *Emulator) birth(c *call, item *node) *machine {
	m := &machine{
		id: item.get("instanceId"), region: c.region, zone: item.get("placement", "availabilityZone"),
		token: c.form.Get("ClientToken"), born: time.Now(), protected: c.form.Get("DisableApiTermination") == "true",
	}
	e.machines[m.id] = m
	e.enter(m, "pending", e.opts.Delays.Pending)
	return m
}

// tagVolumes gives the volumes of a launch the tags that the request has for them, which moto leaves out.
func (e *Emulator) tagVolumes(c *call, item *node) error {
	var kv []string
	for i := 1; c.form.Has(fmt.Sprintf("TagSpecification.%d.ResourceType", i)); i++ {
		prefix := fmt.Sprintf("TagSpecification.%d.", i)
		if c.form.Get(prefix+"ResourceType") != "volume" {
			continue
		}
		for j := 1; c.form.Has(fmt.Sprintf("%sTag.%d.Key", prefix, j)); j++ {
			tag := fmt.Sprintf("Tag.%d.", j)
			kv = append(kv, tag+"Key", c.form.Get(prefix+tag+"Key"), tag+"Value", c.form.Get(prefix+tag+"Value"))
		}
	}
	n := 0
	for _, b := range item.all("blockDeviceMapping", "item") {
		n++
		kv = append(kv, fmt.Sprintf("ResourceId.%d", n), b.get("ebs", "volumeId"))
	}
	if n == 0 || len(kv) == 2*n {
		return nil
	}
	_, err := e.ask(c.region, "CreateTags", kv...)
	return err
}

// launchZone is the zone to which the token belongs: none when the request leaves the choice to AWS.
func (e *Emulator) launchZone(c *call) (string, *answer) {
	zone, subnet := c.form.Get("Placement.AvailabilityZone"), c.form.Get("SubnetId")
	if subnet == "" {
		return zone, nil
	}
	root, err := e.ask(c.region, "DescribeSubnets", "SubnetId.1", subnet)
	if err != nil {
		return "", c.passOn(err)
	}
	of := root.get("subnetSet", "item", "availabilityZone")
	if zone != "" && zone != of {
		return "", c.fail(400, "InvalidParameterValue", "The availability zone "+zone+" is not that of the subnet "+subnet)
	}
	return of, nil
}

func (e *Emulator) replay(c *call, t *token) *answer {
	if t.params != c.words() {
		return c.mismatch()
	}
	for _, id := range t.ids {
		if m := e.machines[id]; m.state == "shutting-down" || m.state == "terminated" {
			return c.fail(400, "IdempotentInstanceTerminated", "The instance "+id+" of this client token has been terminated")
		}
	}
	c.effect = "replayed " + strings.Join(t.ids, " ")
	return rewritten(&answer{status: 200, kind: "text/xml;charset=UTF-8", body: t.body}, func(root *node) {
		for _, item := range root.all("instancesSet", "item") {
			e.dress(item)
		}
	})
}

// dress gives an instance in an answer the state and the address of this moment.
func (e *Emulator) dress(item *node) {
	m := e.machines[item.get("instanceId")]
	if m == nil {
		return
	}
	item.set(el("instanceState", txt("code", stateCodes[m.state]), txt("name", m.state)))
	item.drop("ipAddress")
	item.drop("dnsName")
	nics := item.all("networkInterfaceSet", "item")
	for _, nic := range nics {
		nic.drop("association")
		for _, p := range nic.all("privateIpAddressesSet", "item") {
			p.drop("association")
		}
	}
	if set := item.at("groupSet"); set != nil && len(set.kids) > 0 && len(nics) > 0 {
		nics[0].set(set) // moto changes the groups of the machine and forgets its interface
	}
	if a := m.public(); a != "" {
		name := "ec2-" + strings.ReplaceAll(a, ".", "-") + ".compute.example.com"
		item.set(txt("ipAddress", a))
		item.set(txt("dnsName", name))
		if len(nics) > 0 {
			nics[0].set(el("association", txt("publicIp", a), txt("publicDnsName", name), txt("ipOwnerId", "amazon")))
		}
	}
	for _, b := range item.all("blockDeviceMapping", "item") {
		if d := e.disks[b.get("ebs", "volumeId")]; d != nil && d.state != "" {
			b.at("ebs").set(txt("status", d.state))
		}
	}
}

func (e *Emulator) unborn(id string) bool {
	m := e.machines[id]
	return m != nil && time.Since(m.born) < e.opts.Delays.Visible
}

// asked returns the values of a list parameter, such as InstanceId.N.
func (c *call) asked(name string) []string {
	var out []string
	for i := 1; c.form.Has(name + "." + strconv.Itoa(i)); i++ {
		out = append(out, c.form.Get(name+"."+strconv.Itoa(i)))
	}
	return out
}

func (c *call) noInstance(id string) *answer {
	return c.fail(400, "InvalidInstanceID.NotFound", "The instance ID '"+id+"' does not exist")
}

func (e *Emulator) describeInstances(c *call) *answer {
	for _, id := range c.asked("InstanceId") {
		if e.unborn(id) {
			return c.noInstance(id)
		}
	}
	// moto does not know the states that the emulator adds, and has no answer at all to a filter by token.
	form, taken := filters(c.form, "instance-state-name", "client-token")
	return rewritten(e.forwardForm(c, form), func(root *node) {
		for _, r := range root.all("reservationSet", "item") {
			for _, item := range r.all("instancesSet", "item") {
				e.dress(item)
			}
			r.at("instancesSet").dropItems(func(item *node) bool {
				id := item.get("instanceId")
				m := e.machines[id]
				if e.unborn(id) || m == nil {
					return m == nil && len(taken) == 0
				}
				states, byState := taken["instance-state-name"]
				tokens, byToken := taken["client-token"]
				return (!byState || slices.Contains(states, m.state)) && (!byToken || slices.Contains(tokens, m.token))
			})
		}
		root.at("reservationSet").dropItems(func(r *node) bool { return len(r.all("instancesSet", "item")) > 0 })
	})
}

func (e *Emulator) describeStatus(c *call) *answer {
	for _, id := range c.asked("InstanceId") {
		if e.unborn(id) {
			return c.noInstance(id)
		}
	}
	all := c.form.Get("IncludeAllInstances") == "true"
	form := maps.Clone(c.form)
	form.Set("IncludeAllInstances", "true")
	return rewritten(e.forwardForm(c, form), func(root *node) {
		for _, item := range root.all("instanceStatusSet", "item") {
			m := e.machines[item.get("instanceId")]
			if m == nil {
				continue
			}
			item.set(el("instanceState", txt("code", stateCodes[m.state]), txt("name", m.state)))
			sum, part := "not-applicable", ""
			if m.state == "running" {
				sum, part = "ok", "passed"
				if time.Since(m.up) < e.opts.Delays.Checks {
					sum, part = "initializing", "initializing"
				}
			}
			for _, which := range []string{"instanceStatus", "systemStatus"} {
				s := el(which, txt("status", sum))
				if part != "" {
					s.set(el("details", el("item", txt("name", "reachability"), txt("status", part))))
				}
				item.set(s)
			}
		}
		root.at("instanceStatusSet").dropItems(func(item *node) bool {
			m := e.machines[item.get("instanceId")]
			return m == nil || !e.unborn(m.id) && (all || m.state == "running")
		})
	})
}

func (e *Emulator) terminate(c *call) *answer {
	return e.transition(c, "shutting-down", e.opts.Delays.Terminate, func(m *machine) (*answer, bool) {
		if m.protected {
			return c.fail(400, "OperationNotPermitted", "The instance '"+m.id+"' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again."), false
		}
		return nil, m.state != "shutting-down" && m.state != "terminated"
	})
}

// modify remembers the protection against termination, and refuses to put into groups what is gone.
func (e *Emulator) modify(c *call) *answer {
	id := c.form.Get("InstanceId")
	if m := e.machines[id]; m == nil || m.region != c.region || e.unborn(id) {
		return c.noInstance(id)
	} else if m.state == "shutting-down" || m.state == "terminated" {
		return c.fail(400, "IncorrectInstanceState", "The instance '"+id+"' is not in a state from which it can be modified.")
	}
	for _, g := range c.asked("GroupId") {
		if _, err := e.ask(c.region, "DescribeSecurityGroups", "GroupId.1", g); err != nil {
			return c.passOn(err)
		}
	}
	a := e.forward(c)
	if groups := c.asked("GroupId"); len(groups) > 0 && a.status < 300 {
		c.effect = "regrouped " + id
	}
	if v := c.form.Get("DisableApiTermination.Value"); v != "" && a.status < 300 {
		if m := e.machines[c.form.Get("InstanceId")]; m != nil {
			m.protected = v == "true"
		}
	}
	return a
}

func (e *Emulator) stop(c *call) *answer {
	return e.transition(c, "stopping", e.opts.Delays.Stop, func(m *machine) (*answer, bool) {
		switch m.state {
		case "running":
			return nil, true
		case "stopping", "stopped":
			return nil, false
		default:
			return c.fail(400, "IncorrectInstanceState", "The instance '"+m.id+"' is not in a state from which it can be stopped."), false
		}
	})
}

func (e *Emulator) start(c *call) *answer {
	for _, id := range c.asked("InstanceId") {
		if m := e.machines[id]; m != nil && m.state == "stopped" {
			if _, err := e.ask(c.region, "StartInstances", "InstanceId.1", id); err != nil {
				return c.passOn(err)
			}
		}
	}
	return e.transition(c, "pending", e.opts.Delays.Pending, func(m *machine) (*answer, bool) {
		switch m.state {
		case "stopped":
			return nil, true
		case "pending", "running":
			return nil, false
		default:
			return c.fail(400, "IncorrectInstanceState", "The instance '"+m.id+"' is not in a state from which it can be started."), false
		}
	})
}

// reboot refuses what does not run. The state stays as it is.
func (e *Emulator) reboot(c *call) *answer {
	for _, id := range c.asked("InstanceId") {
		m := e.machines[id]
		switch {
		case m == nil || m.region != c.region || e.unborn(id):
			return c.noInstance(id)
		case m.state != "running":
			return c.fail(400, "IncorrectState", "The instance '"+id+"' is not in a state from which it can be rebooted.")
		}
		m.up = time.Now() // its checks begin anew
		if f := e.opts.OnReboot; f != nil && !e.closed {
			e.events <- func() { f(id) }
		}
		c.effect = strings.TrimSpace(c.effect + " rebooted " + id)
	}
	return c.done(txt("return", "true"))
}

// transition moves machines to a passing state. allowed refuses with an answer, or says whether there is anything to do.
func (e *Emulator) transition(c *call, to string, d time.Duration, allowed func(*machine) (*answer, bool)) *answer {
	set := el("instancesSet")
	for _, id := range c.asked("InstanceId") {
		m := e.machines[id]
		if m == nil || m.region != c.region || e.unborn(id) {
			return c.noInstance(id)
		}
		was := m.state
		bad, act := allowed(m)
		if bad != nil {
			return bad
		}
		if act {
			e.enter(m, to, d)
			c.effect = strings.TrimSpace(c.effect + " " + to + " " + id)
		}
		set.kids = append(set.kids, el("item", txt("instanceId", id),
			el("currentState", txt("code", stateCodes[m.state]), txt("name", m.state)),
			el("previousState", txt("code", stateCodes[was]), txt("name", was))))
	}
	return c.done(set)
}
