package sim

import (
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// After is the world as a failover has left it: the server that it launched runs and serves with the volume on it, it has
// the address, the name points there, and what stood still for the failover stands still. A runbook that goes back is
// rehearsed in it.
func (s Spec) After(a *runbook.Aftermath) Spec {
	s.Instances, s.Volumes = slices.Clone(s.Instances), slices.Clone(s.Volumes)
	s.Addresses, s.Zones, s.Hosts = slices.Clone(s.Addresses), slices.Clone(s.Zones), slices.Clone(s.Hosts)
	server := Instance{Instance: providers.Instance{
		ID: a.Server, Region: a.Region, Zone: a.Zone, Image: a.Image, Type: a.Type, PrivateAddress: "192.0.2.20",
		State: providers.InstanceRunning, Checks: providers.ChecksOK, Tags: map[string]string{"lifeboat:run": string(a.Run), "lifeboat:estate": a.Estate},
	}, Serving: true, Data: data(live), Services: units(a.Services)}
	if a.Volume != "" && a.Path != "" {
		server.Mounts = map[string]string{strings.TrimSuffix(a.Path, "/"): a.Volume}
	}
	s.Instances = append(s.Instances, server)
	for i := range s.Volumes {
		if v := &s.Volumes[i]; v.ID == a.Volume {
			v.State, v.Instance, v.Device, v.Attachment = "in-use", a.Server, a.Device, "attached"
			v.Data = data(live)
		}
	}
	for i := range s.Addresses {
		if s.Addresses[i].Address == a.Address {
			s.Addresses[i].Instance = a.Server
		}
	}
	for i := range s.Hosts {
		s.Hosts[i].Stopped = a.Paused
	}
	for i := range s.Zones {
		z := &s.Zones[i]
		z.Records = slices.Clone(z.Records)
		for _, r := range a.Records {
			if inZone(canonical(r.Name), z.Name) {
				z.point(r)
			}
		}
	}
	return s
}

// point gives the zone the record as the run has left it.
func (z *Zone) point(r runbook.MovedRecord) {
	moved := providers.Record{
		Name: canonical(r.Name), Type: strings.ToUpper(r.Type), TTL: time.Duration(r.TTL) * time.Second, Values: strings.Split(r.Now, ","),
	}
	slices.Sort(moved.Values)
	z.Records = slices.DeleteFunc(z.Records, func(x providers.Record) bool { return x.Name == moved.Name && x.Type == moved.Type })
	z.Records = append(z.Records, moved)
}

func units(list []any) []string {
	var out []string
	for _, e := range list {
		if name, ok := e.(string); ok {
			out = append(out, name)
		}
	}
	return out
}
