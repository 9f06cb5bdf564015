package sim

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
)

// The machine types that this cloud offers beside those that the spec names.
var (
	families = []string{"c5", "c6i", "c7i", "m5", "m6i", "m7a", "m7g", "m7i", "r5", "r6i", "r7g", "r7i", "t3", "t4g"}
	sizes    = []string{"large", "xlarge", "2xlarge", "4xlarge"}
	small    = []string{"nano", "micro", "small", "medium"} // of the families that burst
	letters  = []string{"a", "b", "c", "d"}
)

var typeName = regexp.MustCompile(`^([a-z]+)(\d+)([a-z-]*)\.(nano|micro|small|medium|large|\d*xlarge|metal.*)$`)

// typeNamed makes a machine type of its name, as EC2 names them: the family says memory and architecture, the size CPUs.
func typeNamed(name string) (providers.MachineType, bool) {
	m := typeName.FindStringSubmatch(name)
	if m == nil {
		return providers.MachineType{}, false
	}
	t := providers.MachineType{Name: name, CPUs: 2, Architectures: []string{"x86_64"}, Nitro: true}
	if strings.Contains(m[3], "g") {
		t.Architectures = []string{"arm64"}
	}
	if n, ok := strings.CutSuffix(m[4], "xlarge"); ok {
		t.CPUs = 4
		if times, err := strconv.Atoi(n); err == nil {
			t.CPUs = 4 * times
		}
	}
	if i := slices.Index(small, m[4]); i >= 0 {
		t.MemoryMiB = 512 << i
		return t, true
	}
	per := map[string]int{"c": 2, "r": 8, "x": 16}[m[1]]
	t.MemoryMiB = t.CPUs * cmp.Or(per, 4) * 1024
	return t, true
}

// types are all machine types of this world.
func (s *state) types() map[string]providers.MachineType {
	all := map[string]providers.MachineType{}
	for _, f := range families {
		of := sizes
		if f[0] == 't' {
			of = slices.Concat(small, sizes[:3])
		}
		for _, size := range of {
			t, _ := typeNamed(f + "." + size)
			all[t.Name] = t
		}
	}
	for _, t := range s.spec.Types {
		all[t.Name] = t
	}
	return all
}

// offers are the types that a zone has, sorted; every type where the spec does not say.
func (s *state) offers(zone string) []string {
	if names, ok := s.spec.Offers[zone]; ok {
		return slices.Sorted(slices.Values(names))
	}
	return slices.Sorted(maps.Keys(s.types()))
}

// place fills in the networks: the region's own with a default subnet in each zone, and its default group.
func (s *state) place() {
	add := func(region string) {
		if region == "" {
			return
		}
		vpc := s.vpc(region)
		id := name("sg", s.spec.Seed, "default "+region, 0)
		s.groups[id] = providers.Group{ID: id, Name: "default", VPC: vpc, In: 1, Out: 1}
		for _, l := range letters {
			id := name("subnet", s.spec.Seed, region+l, 0)
			s.subnets[id] = providers.Subnet{ID: id, VPC: vpc, Zone: region + l, Default: true}
		}
	}
	for _, region := range s.regions() {
		add(region)
	}
	for _, n := range s.spec.Subnets {
		n.VPC = either(n.VPC, s.vpc(regionOf(n.Zone)))
		s.subnets[n.ID] = n
	}
	for _, g := range s.spec.Groups {
		s.groups[g.ID] = g
	}
}

// regions are those in which something stands.
func (s *state) regions() []string {
	all := []string{s.spec.Roles.Production, s.spec.Roles.Standby}
	for _, i := range s.spec.Instances {
		all = append(all, i.Region)
	}
	for _, v := range s.spec.Volumes {
		all = append(all, v.Region)
	}
	for _, i := range s.spec.Images {
		all = append(all, i.Region)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (s *state) vpc(region string) string { return name("vpc", s.spec.Seed, region, 0) }

// VPC is the region's own network in a world of that seed, for specs that add groups to it.
func VPC(seed uint64, region string) string { return name("vpc", seed, region, 0) }

// regionOf is the region of a zone's name.
func regionOf(zone string) string { return strings.TrimRight(zone, "abcdef") }

// network settles where a machine is put: its subnet, the network and the groups.
func (s *state) network(i *providers.Instance, l providers.Launch) {
	i.Subnet = l.Subnet
	if i.Subnet == "" {
		i.Subnet = s.subnetIn(i.Zone)
	}
	i.VPC = either(s.subnets[i.Subnet].VPC, s.vpc(i.Region))
	i.KeyName, i.Profile, i.RootDevice = l.KeyName, l.Profile, "/dev/xvda"
	i.SecurityGroups = slices.Compact(slices.Sorted(slices.Values(l.SecurityGroups)))
	if len(i.SecurityGroups) == 0 {
		i.SecurityGroups = []string{name("sg", s.spec.Seed, "default "+i.Region, 0)}
	}
}

// subnetIn is the default subnet of a zone.
func (s *state) subnetIn(zone string) string {
	for _, id := range slices.Sorted(maps.Keys(s.subnets)) {
		if n := s.subnets[id]; n.Zone == zone && n.Default {
			return id
		}
	}
	return ""
}

// mayGroup refuses groups that are not there, or of another network.
func (s *state) mayGroup(r request, groups []string, vpc string) error {
	for _, id := range groups {
		g, ok := s.groups[id]
		switch {
		case !ok:
			return refuse(providers.NotFound, r, "InvalidGroup.NotFound", "The security group '%s' does not exist", id)
		case vpc != "" && g.VPC != vpc:
			return refuse(providers.Invalid, r, "InvalidParameter", "You have specified two resources that belong to different networks.")
		}
	}
	return nil
}

func (c *cloud) Zones(ctx context.Context, region string) (out []providers.AvailabilityZone, err error) {
	err = c.read(ctx, "ec2:DescribeAvailabilityZones", region, "", func(s *state, _ time.Time, _ request) error {
		for _, l := range letters {
			out = append(out, providers.AvailabilityZone{Name: region + l, State: either(s.zoneState(region+l), "available")})
		}
		return nil
	})
	return out, err
}

func (c *cloud) Offered(ctx context.Context, region, zone string) (out []string, err error) {
	err = c.read(ctx, "ec2:DescribeInstanceTypeOfferings", region, zone, func(s *state, _ time.Time, r request) error {
		if zone == "" {
			return refuse(providers.Invalid, r, "", "no zone is named")
		}
		if regionOf(zone) == region {
			out = s.offers(zone)
		}
		return nil
	})
	return out, err
}

func (c *cloud) MachineTypes(ctx context.Context, region string, names []string) (out []providers.MachineType, err error) {
	err = c.read(ctx, "ec2:DescribeInstanceTypes", region, "", func(s *state, _ time.Time, _ request) error {
		all := s.types()
		for _, n := range slices.Compact(slices.Sorted(slices.Values(names))) {
			if t, ok := all[n]; ok {
				t.Architectures = slices.Clone(t.Architectures)
				out = append(out, t)
			}
		}
		return nil
	})
	return out, err
}

func (c *cloud) Subnets(ctx context.Context, region, vpc string) (out []providers.Subnet, err error) {
	err = c.read(ctx, "ec2:DescribeSubnets", region, vpc, func(s *state, _ time.Time, _ request) error {
		for _, n := range s.subnets {
			if regionOf(n.Zone) == region && (vpc == "" || n.VPC == vpc) {
				n.Tags = maps.Clone(n.Tags)
				out = append(out, n)
			}
		}
		slices.SortFunc(out, func(a, b providers.Subnet) int { return cmp.Or(cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.ID, b.ID)) })
		return nil
	})
	return out, err
}

func (c *cloud) Groups(ctx context.Context, region, vpc string, names []string) (out []providers.Group, err error) {
	err = c.read(ctx, "ec2:DescribeSecurityGroups", region, strings.Join(names, " "), func(s *state, _ time.Time, _ request) error {
		for _, id := range slices.Sorted(maps.Keys(s.groups)) {
			g := s.groups[id]
			if s.groupRegion(g) != region || vpc != "" && g.VPC != vpc {
				continue
			}
			if slices.Contains(names, g.ID) || slices.Contains(names, g.Name) {
				g.Tags = maps.Clone(g.Tags)
				out = append(out, g)
			}
		}
		return nil
	})
	return out, err
}

// groupRegion is the region of a group's network.
func (s *state) groupRegion(g providers.Group) string {
	for _, region := range s.regions() {
		if g.VPC == s.vpc(region) {
			return region
		}
	}
	for _, n := range s.subnets {
		if n.VPC == g.VPC {
			return regionOf(n.Zone)
		}
	}
	return ""
}
