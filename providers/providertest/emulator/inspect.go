package emulator

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// What follows is for a test's own questions about what is true. It is not in the log, and no fault befalls it.

// Machine is an instance as the emulated AWS has it.
type Machine struct {
	ID, Region, Zone string
	State            string // pending, running, ...
	Address          string // the elastic address that moto has for it; "" is none
}

// Machines lists the instances of a region that are not terminated, in the order of their ids.
func (e *Emulator) Machines(region string) []Machine {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle(time.Now())
	held := map[string]string{}
	for _, a := range e.mustLocked(region, "DescribeAddresses").all("addressesSet", "item") {
		held[a.get("instanceId")] = a.get("publicIp")
	}
	var out []Machine
	for _, r := range e.mustLocked(region, "DescribeInstances").all("reservationSet", "item") {
		for _, item := range r.all("instancesSet", "item") {
			m := e.machines[item.get("instanceId")]
			if m != nil && m.state != "terminated" {
				out = append(out, Machine{ID: m.id, Region: m.region, Zone: m.zone, State: m.state, Address: held[m.id]})
			}
		}
	}
	slices.SortFunc(out, func(a, b Machine) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Addresses is how many elastic addresses a region has given out.
func (e *Emulator) Addresses(region string) int {
	return len(e.must(region, "DescribeAddresses").all("addressesSet", "item"))
}

// Attached says to which machine a volume is attached, and in what state that is; "" is none.
func (e *Emulator) Attached(region, volume string) (instance, state string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle(time.Now())
	_, instance, _, err := e.attachment(region, volume)
	if err != nil {
		panic(err)
	}
	if d := e.disks[volume]; d != nil {
		return instance, d.state
	}
	return instance, ""
}

// Record is a record set as the zone has it, whether or not it is served yet.
func (e *Emulator) Record(zone, name, kind string) (vals []string, ttl time.Duration, found bool) {
	sets, bad := e.sets(&call{service: "route53"}, zone)
	if bad != nil {
		panic("read the zone " + zone + ": " + string(bad.body))
	}
	set := sets[strings.ToLower(strings.TrimSuffix(name, "."))+" "+kind+" "]
	if set == nil {
		return nil, 0, false
	}
	n, err := strconv.Atoi(set.get("TTL"))
	return values(set), time.Duration(n) * time.Second, err == nil
}

// SeedStop switches a machine off.
func (e *Emulator) SeedStop(instance string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.machines[instance]
	e.address(m.public(), m.id, false)
	m.state = "stopping"
	e.note(e.passed(m))
}

// Images are the account's images of a region, in the order of their ids.
func (e *Emulator) Images(region string) []string {
	var out []string
	for _, i := range e.must(region, "DescribeImages", "Owner.1", "self").all("imagesSet", "item") {
		out = append(out, i.get("imageId"))
	}
	slices.Sort(out)
	return out
}
