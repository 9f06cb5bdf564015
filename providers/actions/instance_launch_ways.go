package actions

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Where there is no capacity, a launch offers other ways, the cheapest first: a sibling type in the same zone costs a
// call; another zone costs the volume, which is made anew there from its newest snapshot, so that its data is as old as
// that. The list is the same whichever way failed last: what was tried is not offered again by the engine.

// How many ways are offered, and what they cost beside the filling of a volume.
const (
	mostSiblings    = 4
	mostZones       = 3
	relaunchCost    = 2 * time.Second
	makeVolumeCost  = 8 * time.Second
	waysWithin      = 10 * time.Second
	burstableFamily = "t"
)

// fallbacks are the ways that are open, and why others are not.
func (a *launch) fallbacks(ctx context.Context, call runbook.Call) (ways []runbook.Fallback, closed []string) {
	ctx, cancel := a.w.clock.WithTimeout(ctx, waysWithin)
	defer cancel()
	home, err := a.home(ctx)
	if err != nil {
		return nil, []string{"other ways are not known: " + reason(err)}
	}
	siblings, err := a.siblings(ctx, home)
	switch {
	case err != nil:
		closed = append(closed, "other types are not known: "+reason(err))
	case len(siblings) == 0:
		closed = append(closed, fmt.Sprintf("%s offers no other type that is as large as %s", home, a.Type))
	}
	for _, t := range siblings {
		ways = append(ways, runbook.Fallback{
			Name: t.Name, Title: fmt.Sprintf("launch %s in %s instead (%s)", t.Name, home, shape(t)), Adds: runbook.Seconds(relaunchCost),
			With: map[string]any{"type": t.Name},
		})
	}
	if a.Stay {
		return a.others(call, ways), append(closed, "another zone is not open: the step has to stay in "+home)
	}
	elsewhere, why, err := a.elsewhere(ctx, home)
	if err != nil {
		why = "other zones are not known: " + reason(err)
	}
	if why != "" {
		closed = append(closed, why)
	}
	return a.others(call, append(ways, elsewhere...)), closed
}

// others leaves out the way that has just failed.
func (a *launch) others(call runbook.Call, ways []runbook.Fallback) []runbook.Fallback {
	now := a.way(call)
	return slices.DeleteFunc(ways, func(b runbook.Fallback) bool {
		return call.Fallback != nil && a.planned(runbook.Call{Fallback: b.With}).Zone == now.Zone && a.planned(runbook.Call{Fallback: b.With}).Type == now.Type
	})
}

// home is the zone that the launch is meant for: the volume's, else the one that the file names.
func (a *launch) home(ctx context.Context) (string, error) {
	if a.Volume == "" {
		return a.Zone, nil
	}
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	return cmp.Or(v.Zone, a.Zone), err
}

func shape(t providers.MachineType) string {
	return fmt.Sprintf("%d vCPU, %s GiB", t.CPUs, strconv.FormatFloat(float64(t.MemoryMiB)/1024, 'f', -1, 64))
}

// typeParts are a type's family letters, generation, attributes and size: m7i.large is m, 7, i, large.
var typeParts = regexp.MustCompile(`^([a-z]+)(\d+)([a-z0-9-]*)\.(\S+)$`)

// siblings are the types that can stand in for the wanted one in the zone, closest first: of the same architecture, with as
// many vCPUs and as much memory at least.
func (a *launch) siblings(ctx context.Context, zone string) ([]providers.MachineType, error) {
	offered, err := a.w.Places.Offered(ctx, a.Region, zone)
	if err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(offered, func(name string) bool { return !mayStandIn(a.Type, name) })
	types, err := a.w.Places.MachineTypes(ctx, a.Region, append(names, a.Type))
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(types, func(t providers.MachineType) bool { return t.Name == a.Type })
	if at < 0 {
		return nil, providers.Errorf(providers.NotFound, "ec2:DescribeInstanceTypes", a.Region, "%s does not know the type %s", a.Region, a.Type)
	}
	wanted := types[at]
	types = slices.DeleteFunc(types, func(t providers.MachineType) bool { return t.Name == a.Type || !standsIn(wanted, t) })
	slices.SortFunc(types, func(x, y providers.MachineType) int {
		return cmp.Or(cmp.Compare(distance(wanted, x), distance(wanted, y)), cmp.Compare(x.Name, y.Name))
	})
	return types[:min(len(types), mostSiblings)], nil
}

// mayStandIn leaves out by the name what would have to be asked for in vain: families for other work, and sizes that are
// far away.
func mayStandIn(wanted, name string) bool {
	w, n := typeParts.FindStringSubmatch(wanted), typeParts.FindStringSubmatch(name)
	if w == nil || n == nil || name == wanted {
		return false
	}
	general := n[1] == w[1] || slices.Contains([]string{"c", "m", "r", "t"}, n[1])
	return general && (n[4] == w[4] || n[4] == nextSize(w[4]))
}

func nextSize(size string) string {
	order := []string{"nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge"}
	if i := slices.Index(order, size); i >= 0 && i+1 < len(order) {
		return order[i+1]
	}
	return ""
}

func standsIn(wanted, t providers.MachineType) bool {
	shared := slices.ContainsFunc(t.Architectures, func(arch string) bool { return arch != "i386" && slices.Contains(wanted.Architectures, arch) })
	return shared && t.CPUs >= wanted.CPUs && t.MemoryMiB >= wanted.MemoryMiB && (t.Nitro || !wanted.Nitro)
}

// distance ranks: what is larger is further away, then another family, another generation, and burstable types last of
// those that are as large.
func distance(wanted, t providers.MachineType) float64 {
	far := float64(t.CPUs)/float64(max(1, wanted.CPUs)) + float64(t.MemoryMiB)/float64(max(1, wanted.MemoryMiB))
	w, n := typeParts.FindStringSubmatch(wanted.Name), typeParts.FindStringSubmatch(t.Name)
	if w == nil || n == nil {
		return far + 0.9
	}
	if n[1] != w[1] {
		far += 0.2
	}
	if n[1] == burstableFamily && w[1] != burstableFamily {
		far += 0.4
	}
	was, errWas := strconv.Atoi(w[2])
	is, errIs := strconv.Atoi(n[2])
	if errWas == nil && errIs == nil {
		far += 0.03 * math.Abs(float64(was-is))
	}
	return far
}

// elsewhere are the other zones that are open, have a subnet and offer the type, or why there are none.
func (a *launch) elsewhere(ctx context.Context, home string) (ways []runbook.Fallback, why string, err error) {
	from, why, err := a.newest(ctx)
	if err != nil || why != "" {
		return nil, why, err
	}
	zones, err := a.w.Places.Zones(ctx, a.Region)
	if err != nil {
		return nil, "", err
	}
	subnets, err := a.subnets(ctx)
	if err != nil {
		return nil, "", err
	}
	for _, z := range zones {
		subnet, has := subnetFor(subnets, z.Name, a.Subnet)
		if z.Name == home || z.State != "available" || !has || len(ways) == mostZones {
			continue
		}
		offered, err := a.w.Places.Offered(ctx, a.Region, z.Name)
		if err != nil {
			return nil, "", err
		}
		if slices.Contains(offered, a.Type) {
			ways = append(ways, a.into(z.Name, subnet.ID, from))
		}
	}
	if len(ways) == 0 {
		why = fmt.Sprintf("no other zone of %s is open, has a subnet of the network and offers %s", a.Region, a.Type)
	}
	return ways, why, nil
}

// into is the way into another zone.
func (a *launch) into(zone, subnet string, from *providers.Snapshot) runbook.Fallback {
	f := runbook.Fallback{
		Name: zone, Title: fmt.Sprintf("launch %s in %s instead", a.Type, zone), Adds: runbook.Seconds(relaunchCost),
		With: map[string]any{"zone": zone},
	}
	if a.Subnet != "" {
		f.With["subnet"] = subnet
		f.Title += " (" + subnet + ")"
	}
	if from != nil {
		fill := filling(from.SizeGiB)
		f.With["snapshot"] = from.ID
		f.Adds += runbook.Seconds(makeVolumeCost + fill)
		f.Title += fmt.Sprintf(", with a volume from %s: its data is %s old, and fills for %s", from.ID, age(a.w.clock.Now().Sub(from.Started)), runbook.ClockText(fill))
	}
	return f
}

// filling is how long all blocks of a snapshot take to arrive at the rate that is asked for.
func filling(gib int) time.Duration {
	return (time.Duration(gib) * 1024 * time.Second / fillRate).Round(time.Second)
}

// newest is the newest whole snapshot of the volume that goes with the machine; nil when none goes with it.
func (a *launch) newest(ctx context.Context) (from *providers.Snapshot, why string, err error) {
	if a.Volume == "" {
		return nil, "", nil
	}
	found, err := a.w.Snapshots.FindSnapshots(ctx, a.Region, a.Volume, nil)
	if err != nil {
		return nil, "", err
	}
	for _, s := range found {
		if s.State == "completed" {
			return &s, "", nil
		}
	}
	return nil, fmt.Sprintf("another zone is not open: there is no snapshot of %s in %s", a.Volume, a.Region), nil
}

// subnets are those of the network that the launch is meant for: the named subnet's, else the default one's.
func (a *launch) subnets(ctx context.Context) ([]providers.Subnet, error) {
	all, err := a.w.Places.Subnets(ctx, a.Region, "")
	if err != nil {
		return nil, err
	}
	vpc := ""
	for _, s := range all {
		if a.Subnet != "" && s.ID == a.Subnet || a.Subnet == "" && s.Default {
			vpc = s.VPC
		}
	}
	return slices.DeleteFunc(all, func(s providers.Subnet) bool { return vpc == "" || s.VPC != vpc }), nil
}

// subnetFor is the subnet of the zone in which a machine of the other subnet would be at home: one with the same name but
// for the zone, else the only or first one. Without a subnet of its own a launch takes the zone's default one.
func subnetFor(subnets []providers.Subnet, zone, like string) (providers.Subnet, bool) {
	var in []providers.Subnet
	wanted := ""
	for _, s := range subnets {
		if s.Zone == zone && (like != "" || s.Default) {
			in = append(in, s)
		}
		if s.ID == like {
			wanted = strings.ReplaceAll(s.Tags["Name"], s.Zone, zone)
		}
	}
	for _, s := range in {
		if wanted != "" && s.Tags["Name"] == wanted {
			return s, true
		}
	}
	if len(in) == 0 {
		return providers.Subnet{}, false
	}
	return in[0], true
}

// subnetIn is where the machine goes when its volume is in that zone: the named subnet if it lies there, else the one of
// the same network that is most like it.
func (a *launch) subnetIn(ctx context.Context, zone string) (string, error) {
	subnets, err := a.subnets(ctx)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(subnets, func(s providers.Subnet) bool { return s.ID == a.Subnet && s.Zone == zone }) {
		return a.Subnet, nil
	}
	s, ok := subnetFor(subnets, zone, a.Subnet)
	if !ok {
		return "", runbook.Fail(fmt.Sprintf("%s is in %s, and the network of %s has no subnet there", a.Volume, zone, a.Subnet),
			"nothing was launched: the volume chooses the zone, and a machine needs a subnet in it", "make a subnet in "+zone+", or a volume in the subnet's zone from the newest snapshot")
	}
	return s.ID, nil
}

// groups are the security groups by id. A name must mean one group of the network: who guesses opens a server to the world.
func (a *launch) groups(ctx context.Context, way launchBefore) ([]string, error) {
	if !slices.ContainsFunc(a.SecurityGroups, func(g string) bool { return !strings.HasPrefix(g, "sg-") }) {
		return a.SecurityGroups, nil
	}
	found, vpc, err := a.findGroups(ctx, way)
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, name := range a.SecurityGroups {
		matches := slices.DeleteFunc(slices.Clone(found), func(g providers.Group) bool { return g.ID != name && g.Name != name })
		switch len(matches) {
		case 1:
			ids = append(ids, matches[0].ID)
		case 0:
			return nil, runbook.Fail(fmt.Sprintf("there is no security group %q in %s", name, cmp.Or(vpc, a.Region)), "nothing was launched",
				fmt.Sprintf("correct security_groups, or make it: aws ec2 describe-security-groups --region %s", a.Region))
		default:
			return nil, runbook.Fail(fmt.Sprintf("%d security groups are called %q: %s", len(matches), name, groupWords(matches)), "nothing was launched: which one is meant is not clear",
				"write the id of the one that is meant into security_groups, or a subnet of its network")
		}
	}
	return ids, nil
}

// findGroups asks for all groups that the step names, in the network of its subnet.
func (a *launch) findGroups(ctx context.Context, way launchBefore) (found []providers.Group, vpc string, err error) {
	subnets, err := a.w.Places.Subnets(ctx, a.Region, "")
	if err != nil {
		return nil, "", err
	}
	for _, s := range subnets {
		if way.Subnet != "" && s.ID == way.Subnet || way.Subnet == "" && s.Default && s.Zone == way.Zone {
			vpc = s.VPC
		}
	}
	found, err = a.w.Places.Groups(ctx, a.Region, vpc, a.SecurityGroups)
	return found, vpc, err
}
