package emulator

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const dnsSpace = "https://route53.amazonaws.com/doc/2013-04-01/"

// records is what moto does not keep of Route 53: that changes take time.
type records struct {
	changes map[string]time.Time // by id: when it is INSYNC
	served  map[string][]version // by zone, name and type
}

// version is a record set from a moment on; nil is none.
type version struct {
	from time.Time
	set  *node
}

func newRecords() records {
	return records{changes: map[string]time.Time{}, served: map[string][]version{}}
}

func (e *Emulator) route53(c *call) *answer {
	switch c.action {
	case "ChangeResourceRecordSets":
		return e.changeRecords(c)
	case "GetChange":
		return e.getChange(c)
	default:
		return e.forward(c)
	}
}

var zoneOf = regexp.MustCompile(`/hostedzone/([^/?]+)`)

// changeRecords does all of a batch or nothing of it.
func (e *Emulator) changeRecords(c *call) *answer {
	zone := ""
	if m := zoneOf.FindStringSubmatch(c.path); m != nil {
		zone = m[1]
	}
	sets, bad := e.sets(c, zone)
	if bad != nil {
		return bad
	}
	root, err := parseXML(c.body)
	if err != nil {
		return c.fail(400, "MalformedInput", err.Error())
	}
	changes := root.all("ChangeBatch", "Changes", "Change")
	var wrong, did []string
	for _, ch := range changes {
		set, action := ch.at("ResourceRecordSet"), ch.get("Action")
		if w := apply(sets, action, set); w != "" {
			wrong = append(wrong, w)
		}
		did = append(did, action+" "+set.get("Name")+" "+set.get("Type")+" "+strings.Join(values(set), ","))
	}
	if len(wrong) > 0 {
		return c.fail(400, "InvalidChangeBatch", "["+strings.Join(wrong, ", ")+"]")
	}
	// What may be created was judged above; moto also refuses what a zone has had before.
	a := e.forwardAs(c, bytes.ReplaceAll(c.body, []byte("<Action>CREATE<"), []byte("<Action>UPSERT<")))
	if a.status >= 300 {
		return a
	}
	now := time.Now()
	for _, ch := range changes {
		k := setKey(ch.at("ResourceRecordSet"))
		e.serve(zone, k, sets[k], now.Add(e.opts.Delays.Served))
	}
	id := "C" + strconv.Itoa(len(e.dns.changes)+1) + "EMULATED"
	e.dns.changes[id] = now.Add(e.opts.Delays.InSync)
	c.effect = strings.Join(did, "; ")
	return ok(e.changeInfo("ChangeResourceRecordSetsResponse", id))
}

func (e *Emulator) getChange(c *call) *answer {
	id := c.path[strings.LastIndex(c.path, "/")+1:]
	if _, is := e.dns.changes[id]; !is {
		return c.fail(404, "NoSuchChange", "A change with the specified change ID does not exist.")
	}
	return ok(e.changeInfo("GetChangeResponse", id))
}

func (e *Emulator) changeInfo(name, id string) *node {
	status := "PENDING"
	if !time.Now().Before(e.dns.changes[id]) {
		status = "INSYNC"
	}
	root := el(name, el("ChangeInfo", txt("Id", "/change/"+id), txt("Status", status), txt("SubmittedAt", "2020-01-01T00:00:00Z")))
	root.space = dnsSpace
	return root
}

// sets reads a zone's record sets from moto.
func (e *Emulator) sets(c *call, zone string) (map[string]*node, *answer) {
	status, body, err := e.moto.send("GET", "/2013-04-01/hostedzone/"+zone+"/rrset?maxitems=300", "route53", "us-east-1", "", nil)
	if err != nil {
		return nil, broken(err)
	}
	if status >= 300 {
		return nil, &answer{status: status, kind: "text/xml", body: body, code: "NoSuchHostedZone"}
	}
	root, err := parseXML(body)
	if err != nil {
		return nil, broken(err)
	}
	out := map[string]*node{}
	for _, set := range root.all("ResourceRecordSets", "ResourceRecordSet") {
		out[setKey(set)] = set
	}
	return out, nil
}

// setKey is what tells one set of a zone from another.
func setKey(set *node) string {
	name := strings.ToLower(strings.TrimSuffix(set.get("Name"), "."))
	return strings.Join([]string{name, set.get("Type"), set.get("SetIdentifier")}, " ")
}

func values(set *node) []string {
	var out []string
	for _, r := range set.all("ResourceRecords", "ResourceRecord") {
		out = append(out, r.get("Value"))
	}
	slices.Sort(out)
	return out
}

// apply does one change on the copy of the zone, or says in Route 53's words why not.
func apply(sets map[string]*node, action string, set *node) string {
	k := setKey(set)
	have, name := sets[k], strings.Fields(k)[0]
	named := fmt.Sprintf("[name='%s', type='%s']", set.get("Name"), set.get("Type"))
	switch action {
	case "DELETE":
		if have == nil {
			return "Tried to delete resource record set " + named + " but it was not found"
		}
		if have.get("TTL") != set.get("TTL") || !slices.Equal(values(have), values(set)) {
			return "Tried to delete resource record set " + named + " but the values provided do not match the current values"
		}
		delete(sets, k)
		return ""
	case "CREATE":
		if have != nil {
			return "Tried to create resource record set " + named + " but it already exists"
		}
	}
	if soa := authority(sets); soa != "" && name != soa && !strings.HasSuffix(name, "."+soa) {
		return "RRSet with DNS name " + set.get("Name") + " is not permitted in zone " + soa + "."
	}
	if set.get("Type") == "A" {
		for _, v := range values(set) {
			if ip, err := netip.ParseAddr(v); err != nil || !ip.Is4() {
				return "Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '" + v + "''"
			}
		}
	}
	for other := range sets {
		o := strings.Fields(other)
		if o[0] == name && o[1] != set.get("Type") && (o[1] == "CNAME" || set.get("Type") == "CNAME") {
			return "RRSet of type " + set.get("Type") + " with DNS name " + set.get("Name") + " is not permitted because a conflicting RRSet of type " + o[1] + " with the same DNS name already exists in zone"
		}
	}
	sets[k] = set
	return ""
}

// authority is the name of the zone: it is in its SOA record.
func authority(sets map[string]*node) string {
	for k := range sets {
		if f := strings.Fields(k); len(f) == 2 && f[1] == "SOA" {
			return f[0]
		}
	}
	return ""
}

func (e *Emulator) serve(zone, key string, set *node, from time.Time) {
	k := zone + " " + key
	e.dns.served[k] = append(e.dns.served[k], version{from, set})
}

// Resolve is what the authoritative servers of a zone say at this moment: changes reach them after Delays.Served. It is
// for a lab's name server.
func (e *Emulator) Resolve(zone, name, kind string) (vals []string, ttl time.Duration, found bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	k := zone + " " + strings.ToLower(strings.TrimSuffix(name, ".")) + " " + kind + " "
	for _, v := range slices.Backward(e.dns.served[k]) {
		if v.from.After(now) {
			continue
		}
		if v.set == nil {
			return nil, 0, false
		}
		n, err := strconv.Atoi(v.set.get("TTL"))
		return values(v.set), time.Duration(n) * time.Second, err == nil
	}
	return nil, 0, false
}
