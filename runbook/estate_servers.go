package runbook

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Server is one machine of the estate as `each` sees it: the main one, or one of Servers, with what its sides leave out
// filled in.
type machineItem struct {
	Name       string   `key:"name"`
	Title      string   `key:"title"`
	Main       bool     `key:"main"`
	URL        string   `key:"url"`
	Names      []string `key:"names"`
	Services   []string `key:"services"`
	Production Machine  `key:"production"`
	Standby    Machine  `key:"standby"`
}

// machines lists the servers: those of Servers by name, and before them the main one when it is asked for too.
func (e *Estate) machines(all bool) []machineItem {
	var out []machineItem
	if all {
		name, _, _ := strings.Cut(e.Service.Name, ".")
		out = append(out, machineItem{
			Name: cmp.Or(slug(name), "main"), Title: e.Service.Name, Main: true, URL: e.Service.URL, Names: []string{e.Service.Name},
			Production: e.Production.machine(), Standby: e.Standby.machine(),
		})
	}
	for _, name := range sortedKeys(e.Servers) {
		s := e.Servers[name]
		out = append(out, machineItem{
			Name: name, Title: cmp.Or(s.Title, name), URL: s.URL, Names: s.Names, Services: s.Services,
			Production: s.Production.under(e.Production), Standby: s.Standby.under(e.Standby),
		})
	}
	return out
}

// nameItem is a DNS name as `each: estate.names` sees it: its server beside it.
type nameItem struct {
	Name   string      `key:"name"`
	Server machineItem `key:"server"`
}

// names lists the DNS names of the further servers. The main one's is service.name.
func (e *Estate) names() []nameItem {
	var out []nameItem
	for _, m := range e.machines(false) {
		for _, name := range m.Names {
			out = append(out, nameItem{Name: name, Server: m})
		}
	}
	return out
}

// images lists the images that the estate names, of both sides of every server: what a failover or a failback would launch.
func (e *Estate) images() []string {
	var out []string
	for _, m := range e.machines(true) {
		for _, id := range []string{m.Production.Image.ID, m.Standby.Image.ID} {
			if id != "" && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// machine is the main server's side.
func (s Site) machine() Machine {
	return Machine{
		Region: s.Region, Zone: s.Zone, Instance: s.Instance, Image: s.Image, Type: s.Type, Address: s.Address, Volume: s.Volume,
		Subnet: s.Subnet, SecurityGroups: s.SecurityGroups, KeyName: s.KeyName, Profile: s.Profile, KMSKey: s.KMSKey,
		Nightly: s.Nightly,
	}
}

// under fills in what servers of one site share. An address and a volume belong to one machine; in another region than the
// site's only what is the same everywhere is shared: the type, and the profile, which is IAM's.
func (m Machine) under(s Site) Machine {
	m.Type, m.Profile = cmp.Or(m.Type, s.Type), cmp.Or(m.Profile, s.Profile)
	if m.Region != "" && m.Region != s.Region {
		return m
	}
	m.Region = s.Region
	if m.Zone == "" && m.Subnet == "" {
		m.Zone, m.Subnet = s.Zone, s.Subnet
	}
	if m.SecurityGroups == nil {
		m.SecurityGroups = s.SecurityGroups
	}
	m.KeyName, m.KMSKey = cmp.Or(m.KeyName, s.KeyName), cmp.Or(m.KMSKey, s.KMSKey)
	return m
}

// refs are the resources that one side of a server names. They point into a copy: keep puts it back.
func (m Machine) refs(path, region string) []siteRef {
	region = cmp.Or(m.Region, region)
	return []siteRef{
		{path + ".instance", region, "instance", &m.Instance},
		{path + ".image", region, "image", &m.Image},
		{path + ".address", region, "address", &m.Address},
		{path + ".volume.id", region, "volume", &m.Volume.ID},
	}
}

// keep puts a changed ref of a server back into the estate; those of the sites are in place already.
func (e *Estate) keep(r siteRef) {
	path := strings.Split(r.path, ".")
	if path[0] != "servers" {
		return
	}
	s := e.Servers[path[1]]
	side := &s.Production
	if path[2] == "standby" {
		side = &s.Standby
	}
	for _, own := range []struct {
		key string
		ref *Ref
	}{{"instance", &side.Instance}, {"image", &side.Image}, {"address", &side.Address}, {"volume", &side.Volume.ID}} {
		if own.key == path[3] {
			*own.ref = *r.ref
		}
	}
	e.Servers[path[1]] = s
}

var notInIDs = regexp.MustCompile(`[^a-z0-9_-]+`)

// slug makes a part of a step's id of a name: lower case, what is neither letter nor digit is a dash.
func slug(name string) string {
	return strings.Trim(notInIDs.ReplaceAllString(strings.ToLower(name), "-"), "-")
}

// vetServers checks the names of servers and channels: they become parts of step ids.
func (e *Estate) vetServers(bad func(n *yaml.Node, hint, format string, args ...any)) {
	root := e.doc.root
	for _, name := range sortedKeys(e.Servers) {
		if !idPattern.MatchString(name) {
			bad(at(at(root, "servers"), name), idHint, "%q cannot be the name of a server", name)
		}
		for side, m := range map[string]Machine{"production": e.Servers[name].Production, "standby": e.Servers[name].Standby} {
			if m.Region != "" && regionPattern.FindString(m.Region) != m.Region {
				bad(at(at(at(at(root, "servers"), name), side), "region"), "write it as us-east-1", "%q is not an AWS region", m.Region)
			}
		}
	}
	names := []string{}
	for i, c := range e.Notify {
		n := at(root, "notify")
		if i < len(n.Content) {
			n = n.Content[i]
		}
		given := 0
		for _, v := range []string{c.Topic, c.Phone, string(c.URL)} {
			if v != "" {
				given++
			}
		}
		switch {
		case !idPattern.MatchString(c.Name):
			bad(at(n, "name"), idHint, "%q cannot be the name of a channel", c.Name)
		case slices.Contains(names, c.Name):
			bad(at(n, "name"), "", "there are two channels %q", c.Name)
		case given != 1:
			bad(n, "write topic, phone or url, one of them", "channel %q has %d ways to tell people", c.Name, given)
		}
		names = append(names, c.Name)
	}
}

// Secrets lists the secrets that the estate names, by name.
func (e *Estate) Secrets() []string {
	var out []string
	for _, c := range e.Notify {
		out = append(out, string(c.URL))
	}
	for _, s := range []*Site{&e.Production, &e.Standby} {
		if s.Archive == nil {
			continue
		}
		out = append(out, string(s.Archive.Passphrase))
		for _, name := range s.Archive.Env {
			out = append(out, string(name))
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(name string) bool { return name == "" })
}
