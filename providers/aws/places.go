package aws

import (
	"cmp"
	"context"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Zones is ec2:DescribeAvailabilityZones: the availability zones that the account may use, by name. Local and wavelength
// zones are not among them.
func (c *Cloud) Zones(ctx context.Context, region string) ([]providers.AvailabilityZone, error) {
	o := op{"ec2:DescribeAvailabilityZones", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return nil, err
	}
	out, err := do(ctx, c, api.session, o, api.describeZones, &ec2.DescribeAvailabilityZonesInput{})
	if err != nil {
		return nil, err
	}
	zones := []providers.AvailabilityZone{}
	for _, z := range out.AvailabilityZones {
		if kind := sdk.ToString(z.ZoneType); kind == "" || kind == "availability-zone" {
			zones = append(zones, providers.AvailabilityZone{Name: sdk.ToString(z.ZoneName), State: string(z.State)})
		}
	}
	slices.SortFunc(zones, func(a, b providers.AvailabilityZone) int { return cmp.Compare(a.Name, b.Name) })
	return zones, nil
}

// Offered is ec2:DescribeInstanceTypeOfferings of the zone.
func (c *Cloud) Offered(ctx context.Context, region, zone string) ([]string, error) {
	o := op{"ec2:DescribeInstanceTypeOfferings", region, false}
	if zone == "" {
		return nil, providers.Errorf(providers.Invalid, o.name, region, "no zone is named")
	}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return nil, err
	}
	in := &ec2.DescribeInstanceTypeOfferingsInput{
		LocationType: types.LocationTypeAvailabilityZone, Filters: []types.Filter{{Name: sdk.String("location"), Values: []string{literal(zone)}}},
	}
	names := []string{}
	for {
		out, err := do(ctx, c, api.session, o, api.describeOfferings, in)
		if err != nil {
			return nil, err
		}
		for _, x := range out.InstanceTypeOfferings {
			if sdk.ToString(x.Location) == zone {
				names = append(names, string(x.InstanceType))
			}
		}
		if sdk.ToString(out.NextToken) == "" {
			slices.Sort(names)
			return slices.Compact(names), nil
		}
		in.NextToken = out.NextToken
	}
}

// mostTypes is how many types one call may name.
const mostTypes = 100

// MachineTypes is ec2:DescribeInstanceTypes with a filter by name, which leaves out what the region does not know where
// the list of names itself would make the whole call fail.
func (c *Cloud) MachineTypes(ctx context.Context, region string, names []string) ([]providers.MachineType, error) {
	o := op{"ec2:DescribeInstanceTypes", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return nil, err
	}
	found := []providers.MachineType{}
	for some := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(names))), mostTypes) {
		wanted := make([]string, len(some))
		for i, n := range some {
			wanted[i] = literal(n)
		}
		in := &ec2.DescribeInstanceTypesInput{Filters: []types.Filter{{Name: sdk.String("instance-type"), Values: wanted}}}
		for {
			out, err := do(ctx, c, api.session, o, api.describeTypes, in)
			if err != nil {
				return nil, err
			}
			for _, x := range out.InstanceTypes {
				if slices.Contains(some, string(x.InstanceType)) {
					found = append(found, machineType(x))
				}
			}
			if sdk.ToString(out.NextToken) == "" {
				break
			}
			in.NextToken = out.NextToken
		}
	}
	slices.SortFunc(found, func(a, b providers.MachineType) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

func machineType(x types.InstanceTypeInfo) providers.MachineType {
	m := providers.MachineType{Name: string(x.InstanceType), Nitro: x.Hypervisor == types.InstanceTypeHypervisorNitro || sdk.ToBool(x.BareMetal)}
	if x.VCpuInfo != nil {
		m.CPUs = int(sdk.ToInt32(x.VCpuInfo.DefaultVCpus))
	}
	if x.MemoryInfo != nil {
		m.MemoryMiB = int(sdk.ToInt64(x.MemoryInfo.SizeInMiB))
	}
	if x.ProcessorInfo != nil {
		for _, a := range x.ProcessorInfo.SupportedArchitectures {
			m.Architectures = append(m.Architectures, string(a))
		}
		slices.Sort(m.Architectures)
	}
	return m
}

// Subnets is ec2:DescribeSubnets, by zone and id.
func (c *Cloud) Subnets(ctx context.Context, region, vpc string) ([]providers.Subnet, error) {
	o := op{"ec2:DescribeSubnets", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return nil, err
	}
	in := &ec2.DescribeSubnetsInput{Filters: inVPC(vpc)}
	found := []providers.Subnet{}
	for {
		out, err := do(ctx, c, api.session, o, api.describeSubnets, in)
		if err != nil {
			return nil, err
		}
		for _, s := range out.Subnets {
			if vpc == "" || sdk.ToString(s.VpcId) == vpc {
				found = append(found, providers.Subnet{
					ID: sdk.ToString(s.SubnetId), VPC: sdk.ToString(s.VpcId), Zone: sdk.ToString(s.AvailabilityZone),
					Default: sdk.ToBool(s.DefaultForAz), Tags: fromTags(s.Tags),
				})
			}
		}
		if sdk.ToString(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	slices.SortFunc(found, func(a, b providers.Subnet) int { return cmp.Or(cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.ID, b.ID)) })
	return found, nil
}

func inVPC(vpc string) []types.Filter {
	if vpc == "" {
		return nil
	}
	return []types.Filter{{Name: sdk.String("vpc-id"), Values: []string{literal(vpc)}}}
}

// Groups is ec2:DescribeSecurityGroups, once for the ids and once for the names: filters of one call must all match.
func (c *Cloud) Groups(ctx context.Context, region, vpc string, names []string) ([]providers.Group, error) {
	o := op{"ec2:DescribeSecurityGroups", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return nil, err
	}
	by := map[string][]string{}
	for _, n := range names {
		filter := "group-name"
		if strings.HasPrefix(n, "sg-") {
			filter = "group-id"
		}
		by[filter] = append(by[filter], literal(n))
	}
	found := []providers.Group{}
	for _, filter := range []string{"group-id", "group-name"} {
		if len(by[filter]) == 0 {
			continue
		}
		in := &ec2.DescribeSecurityGroupsInput{Filters: append(inVPC(vpc), types.Filter{Name: sdk.String(filter), Values: by[filter]})}
		for {
			out, err := do(ctx, c, api.session, o, api.describeGroups, in)
			if err != nil {
				return nil, err
			}
			for _, g := range out.SecurityGroups {
				if slices.Contains(names, sdk.ToString(g.GroupId)) || slices.Contains(names, sdk.ToString(g.GroupName)) {
					found = append(found, group(g))
				}
			}
			if sdk.ToString(out.NextToken) == "" {
				break
			}
			in.NextToken = out.NextToken
		}
	}
	slices.SortFunc(found, func(a, b providers.Group) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(found, func(a, b providers.Group) bool { return a.ID == b.ID }), nil
}

func group(g types.SecurityGroup) providers.Group {
	return providers.Group{
		ID: sdk.ToString(g.GroupId), Name: runbook.Clean(sdk.ToString(g.GroupName)), VPC: sdk.ToString(g.VpcId),
		In: len(g.IpPermissions), Out: len(g.IpPermissionsEgress), Tags: fromTags(g.Tags),
	}
}
