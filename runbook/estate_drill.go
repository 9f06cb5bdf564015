package runbook

import (
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Source is the file that the estate was read from; empty for one that was not read from a file.
func (e *Estate) Source() Source { return e.source }

var (
	accountPattern = regexp.MustCompile(`^\d{12}$`)
	regionPattern  = regexp.MustCompile(`^[a-z]{2}(?:-[a-z]+)+-\d+`)
)

// vet checks what the types do not say.
func (e *Estate) vet(rep *report) {
	root := e.doc.root
	bad := func(n *yaml.Node, hint, format string, args ...any) {
		rep.add(e.doc, n.Line, n.Column, hint, format, args...)
	}
	if e.Account != "" && !accountPattern.MatchString(e.Account) {
		bad(at(root, "account"), "it is 12 digits", "account %q is not an AWS account id", e.Account)
	}
	e.vetServers(bad)
	for key, site := range map[string]Site{"production": e.Production, "standby": e.Standby} {
		if site.Region != "" && regionPattern.FindString(site.Region) != site.Region {
			bad(at(at(root, key), "region"), "write it as us-east-1", "%q is not an AWS region", site.Region)
		}
	}
	if len(e.Drill) > 0 {
		e.overlaid(rep)
	}
}

// overlaid is a copy with the drill overlay laid over it.
func (e *Estate) overlaid(rep *report) *Estate {
	tree := treeOf(e.Drill)
	doc := e.doc
	if doc == nil {
		doc = &document{path: "estate"}
	} else if _, n := entry(doc.root, "drill"); n != nil {
		tree = n
	}
	drilled := *e
	d := &decoder{doc: doc, rep: rep, overlay: true}
	d.object(tree, valueOf(&drilled), "")
	return &drilled
}

// In is the estate as a run of the mode sees it: in a drill the overlay is laid over it, key by key. A drill of an
// estate that has no overlay is an error.
func (e *Estate) In(mode Mode) (*Estate, error) {
	rep := &report{}
	seen := e.in(mode, rep)
	if err := rep.err(); err != nil {
		return nil, err
	}
	return seen, nil
}

func (e *Estate) in(mode Mode, rep *report) *Estate {
	switch {
	case mode != Drill:
		return e
	case len(e.Drill) > 0:
		return e.overlaid(rep)
	}
	rep.add(e.docOrName(), 0, 0, drillExample, "the estate has no drill overlay, so a drill could only act on production")
	return e
}

func (e *Estate) docOrName() *document {
	if e.doc != nil {
		return e.doc
	}
	return &document{path: "estate"}
}

const drillExample = `add what a drill may touch, for example:
drill:
  service:
    name: drill.example.com
    url: https://drill.example.com/
  standby:
    address: 198.51.100.9
    volume: {id: vol-0123456789abcdef0}`

// UnresolvedRef is a resource that the estate chooses by tags: Path names it, as in "standby.image".
type UnresolvedRef struct {
	Path, Region string
	Kind         string // of the Target: instance, image, address or volume
	Ref          Ref
}

// Unresolved lists the resources that are chosen by tags, in a fixed order. Call it on the estate that the run will
// see: estate.In(mode).
func (e *Estate) Unresolved() []UnresolvedRef {
	var out []UnresolvedRef
	for _, r := range e.refs() {
		if r.ref.ID == "" && len(r.ref.Tags) > 0 {
			out = append(out, UnresolvedRef{Path: r.path, Region: r.region, Kind: r.kind, Ref: *r.ref})
		}
	}
	return out
}

type siteRef struct {
	path, region, kind string
	ref                *Ref
}

// refs lists every place of the estate that names a resource.
func (e *Estate) refs() []siteRef {
	p, s := &e.Production, &e.Standby
	refs := []siteRef{
		{"production.instance", p.Region, "instance", &p.Instance},
		{"production.image", p.Region, "image", &p.Image},
		{"production.address", p.Region, "address", &p.Address},
		{"production.volume.id", p.Region, "volume", &p.Volume.ID},
		{"standby.instance", s.Region, "instance", &s.Instance},
		{"standby.image", s.Region, "image", &s.Image},
		{"standby.address", s.Region, "address", &s.Address},
		{"standby.volume.id", s.Region, "volume", &s.Volume.ID},
	}
	for _, name := range sortedKeys(e.Servers) {
		server := e.Servers[name]
		refs = append(refs, server.Production.refs("servers."+name+".production", p.Region)...)
		refs = append(refs, server.Standby.refs("servers."+name+".standby", s.Region)...)
	}
	return refs
}

// unknownID stands for what a plan made offline could not resolve.
const unknownID = "?"

// resolve is a copy whose refs all have ids: from resolved, or unknownID when the plan is made offline.
func (e *Estate) resolve(resolved map[string]string, offline bool, rep *report) *Estate {
	out := *e
	out.Servers = map[string]Server{}
	known := map[string]bool{}
	for name, server := range e.Servers {
		out.Servers[name] = server
	}
	for _, r := range out.refs() {
		if r.ref.ID != "" || len(r.ref.Tags) == 0 {
			continue
		}
		known[r.path] = true
		switch id := resolved[r.path]; {
		case id != "":
			r.ref.ID = id
		case offline:
			r.ref.ID = unknownID
		default:
			rep.add(e.docOrName(), 0, 0, "", "%s is chosen by tags and was not resolved to an id", r.path)
		}
		out.keep(r)
	}
	for path := range resolved {
		if !known[path] {
			rep.add(e.docOrName(), 0, 0, "", "an id was given for %q, which the estate does not choose by tags", path)
		}
	}
	return &out
}

// regionOf finds the region of a resource of the estate by its id, of a zone by its name, of a host by what it says of
// itself; everything else is in the standby region, where a failover makes what it makes.
func (e *Estate) regionOf(x any) string {
	if host, ok := x.(map[string]any); ok {
		if region, ok := host["region"].(string); ok && region != "" {
			return region
		}
		if id, ok := host["id"].(string); ok && id != "" {
			return e.regionOf(id)
		}
		return e.regionOf(host["address"])
	}
	s, _ := x.(string)
	if s == unknownID {
		return unknownID
	}
	if s == "" {
		return e.Standby.Region
	}
	for _, r := range e.refs() {
		if r.ref.ID == s {
			return r.region
		}
	}
	// us-east-1a, us-west-2-lax-1a (a local zone) and us-east-1 itself all start with their region.
	if region := regionPattern.FindString(s); region != "" {
		return region
	}
	return e.Standby.Region
}

// fence lists what the drill overlay names: what a drill may change beside what it makes itself. It is called on the
// merged and resolved estate. A zone that the estate leaves out is empty in the id of a record.
func (e *Estate) fence() []Target {
	var out []Target
	for _, r := range e.refs() {
		if names(e.Drill, strings.Split(r.path, ".")) && r.ref.ID != "" {
			out = append(out, Target{Kind: r.kind, ID: r.ref.ID, Region: r.region})
			if r.kind == "address" {
				out = append(out, Target{Kind: "host", ID: r.ref.ID, Region: r.region})
			}
		}
	}
	for _, s := range []struct {
		name string
		site Site
	}{{"production", e.Production}, {"standby", e.Standby}} {
		hosts := map[string][2]string{}
		if r := s.site.Replica; r != nil {
			hosts["replica"] = [2]string{r.Host, r.ID}
		}
		if n := s.site.Nightly; n != nil {
			hosts["nightly"] = [2]string{n.Host, n.ID}
		}
		if a := s.site.Archive; a != nil {
			hosts["archive"] = [2]string{a.Host, a.ID}
		}
		for _, of := range sortedKeys(hosts) {
			if !names(e.Drill, []string{s.name, of, "host"}) {
				continue
			}
			for _, id := range hosts[of] { // the address, and the name under which kinds know the host
				if id != "" {
					out = append(out, Target{Kind: "host", ID: id, Region: s.site.Region})
				}
			}
		}
	}
	if f := e.Service.Flip; f != nil && names(e.Drill, []string{"service", "flip", "key"}) {
		out = append(out, Target{Kind: "object", ID: f.Bucket + "/" + f.Key, Region: f.Region})
	}
	if names(e.Drill, []string{"service", "name"}) {
		for _, kind := range []string{"A", "AAAA", "CNAME"} {
			name := strings.ToLower(strings.TrimSuffix(e.Service.Name, ".")) + "."
			out = append(out, Target{Kind: "record", ID: e.Service.Zone + "/" + name + "/" + kind})
		}
	}
	return out
}

func names(overlay map[string]any, path []string) bool {
	for i, key := range path {
		v, ok := overlay[key]
		if !ok {
			return false
		}
		if i == len(path)-1 {
			return true
		}
		if overlay, ok = v.(map[string]any); !ok {
			return false
		}
	}
	return false
}

// ttl is the record's TTL.
func (s Service) ttl() time.Duration {
	if s.TTL == 0 {
		return DefaultTTL
	}
	return time.Duration(s.TTL)
}
