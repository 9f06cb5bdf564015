package aws

import (
	"cmp"
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Launch is ec2:RunInstances with the client token, exactly one machine, and its tags on the machine and its volumes
// from the first moment (ec2:CreateTags). With a zone or a subnet AWS scopes the token to the zone.
func (c *Cloud) Launch(ctx context.Context, region string, spec providers.Launch) (providers.Instance, error) {
	o := op{"ec2:RunInstances", region, true}
	if spec.Token == "" {
		return providers.Instance{}, providers.Errorf(providers.Invalid, o.name, region, "a launch without a token could not be repeated safely")
	}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return providers.Instance{}, err
	}
	out, err := do(ctx, c, api.session, o, api.runInstances, launchInput(spec))
	if err != nil {
		return providers.Instance{}, err
	}
	if len(out.Instances) != 1 {
		return providers.Instance{}, providers.Errorf(providers.Server, o.name, region, "asked for one machine, the answer names %d", len(out.Instances))
	}
	return instance(region, out.Instances[0]), nil
}

func launchInput(spec providers.Launch) *ec2.RunInstancesInput {
	in := &ec2.RunInstancesInput{
		ClientToken:      sdk.String(spec.Token),
		ImageId:          optional(spec.Image), // a template may have it
		MinCount:         sdk.Int32(1),
		MaxCount:         sdk.Int32(1),
		InstanceType:     types.InstanceType(spec.Type),
		SubnetId:         optional(spec.Subnet),
		KeyName:          optional(spec.KeyName),
		SecurityGroupIds: spec.SecurityGroups,
		// Version 2 of the metadata service only: its answers hold credentials.
		MetadataOptions: &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateRequired},
	}
	if spec.Zone != "" {
		// With a subnet too, AWS refuses the launch when the two do not agree, which is what is wanted.
		in.Placement = &types.Placement{AvailabilityZone: sdk.String(spec.Zone)}
	}
	if spec.Template != "" {
		in.LaunchTemplate = template(spec.Template)
	}
	if spec.Profile != "" {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: sdk.String(spec.Profile)}
	}
	if spec.UserData != "" {
		in.UserData = sdk.String(base64.StdEncoding.EncodeToString([]byte(spec.UserData)))
	}
	if len(spec.Tags) > 0 {
		for _, on := range []types.ResourceType{types.ResourceTypeInstance, types.ResourceTypeVolume} {
			in.TagSpecifications = append(in.TagSpecifications, types.TagSpecification{ResourceType: on, Tags: toTags(spec.Tags)})
		}
	}
	return in
}

// template reads ID, NAME, or either with :VERSION. Without a version EC2 takes the template's default one.
func template(s string) *types.LaunchTemplateSpecification {
	name, version, _ := strings.Cut(s, ":")
	t := &types.LaunchTemplateSpecification{Version: optional(version)}
	if strings.HasPrefix(name, "lt-") {
		t.LaunchTemplateId = sdk.String(name)
	} else {
		t.LaunchTemplateName = sdk.String(name)
	}
	return t
}

// Instance is ec2:DescribeInstances, and ec2:DescribeInstanceStatus while the machine runs.
func (c *Cloud) Instance(ctx context.Context, region, id string) (providers.Instance, error) {
	o := op{"ec2:DescribeInstances", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return providers.Instance{}, err
	}
	out, err := do(ctx, c, api.session, o, api.describeInstances, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return providers.Instance{}, err
	}
	for _, r := range out.Reservations {
		for _, x := range r.Instances {
			if sdk.ToString(x.InstanceId) != id {
				continue
			}
			got := instance(region, x)
			if got.State == providers.InstanceRunning {
				got.Checks, err = c.checks(ctx, api, region, id)
			}
			return got, err
		}
	}
	return providers.Instance{}, providers.Errorf(providers.NotFound, o.name, region, "%q is not known", id)
}

func (c *Cloud) checks(ctx context.Context, api *ec2API, region, id string) (providers.CheckState, error) {
	o := op{"ec2:DescribeInstanceStatus", region, false}
	out, err := do(ctx, c, api.session, o, api.describeInstanceStatus, &ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}})
	if isKind(err, providers.NotFound) {
		return providers.ChecksUnknown, nil // the reads disagree for a moment
	}
	if err != nil {
		return providers.ChecksUnknown, err
	}
	for _, s := range out.InstanceStatuses {
		if sdk.ToString(s.InstanceId) == id {
			return sumChecks(s.InstanceStatus, s.SystemStatus), nil
		}
	}
	return providers.ChecksUnknown, nil
}

// sumChecks takes the worse of the two.
func sumChecks(all ...*types.InstanceStatusSummary) providers.CheckState {
	sum := providers.ChecksOK
	for _, s := range all {
		if s == nil {
			return providers.ChecksUnknown
		}
		switch s.Status {
		case types.SummaryStatusOk:
		case types.SummaryStatusImpaired:
			return providers.ChecksImpaired
		case types.SummaryStatusInitializing:
			sum = providers.ChecksInitializing
		default:
			return providers.ChecksUnknown
		}
	}
	return sum
}

// FindInstances is ec2:DescribeInstances with a filter for each tag. Checks are not read.
func (c *Cloud) FindInstances(ctx context.Context, region string, tags map[string]string) ([]providers.Instance, error) {
	o := op{"ec2:DescribeInstances", region, false}
	filters, err := tagFilters(o, tags)
	if err != nil {
		return nil, err
	}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return nil, err
	}
	found := []providers.Instance{}
	in := &ec2.DescribeInstancesInput{Filters: filters}
	for {
		out, err := do(ctx, c, api.session, o, api.describeInstances, in)
		if err != nil {
			return nil, err
		}
		for _, r := range out.Reservations {
			for _, x := range r.Instances {
				if bears(x.Tags, tags) {
					found = append(found, instance(region, x))
				}
			}
		}
		if sdk.ToString(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	slices.SortStableFunc(found, func(a, b providers.Instance) int {
		return cmp.Or(a.Launched.Compare(b.Launched), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}

// Terminate is ec2:TerminateInstances, which may be repeated.
func (c *Cloud) Terminate(ctx context.Context, region, id string) error {
	o := op{"ec2:TerminateInstances", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	_, err = do(ctx, c, api.session, o, api.terminateInstances, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	return err
}

func instance(region string, x types.Instance) providers.Instance {
	got := providers.Instance{
		ID: sdk.ToString(x.InstanceId), Region: region, Image: sdk.ToString(x.ImageId), Type: string(x.InstanceType),
		PublicAddress: sdk.ToString(x.PublicIpAddress), PrivateAddress: sdk.ToString(x.PrivateIpAddress),
		Launched: moment(x.LaunchTime), Tags: fromTags(x.Tags),
		Subnet: sdk.ToString(x.SubnetId), VPC: sdk.ToString(x.VpcId), KeyName: runbook.Clean(sdk.ToString(x.KeyName)),
		RootDevice: sdk.ToString(x.RootDeviceName), SecurityGroups: groupsOf(x), Disks: disksOf(x),
	}
	if x.IamInstanceProfile != nil {
		arn := sdk.ToString(x.IamInstanceProfile.Arn)
		got.Profile = runbook.Clean(arn[strings.LastIndex(arn, "/")+1:])
	}
	if x.Placement != nil {
		got.Zone = sdk.ToString(x.Placement.AvailabilityZone)
	}
	if x.State != nil {
		got.State = providers.InstanceState(x.State.Name)
	}
	if x.StateReason != nil {
		got.StateReason = because(region, runbook.Clean(sdk.ToString(x.StateReason.Message)))
	}
	return got
}

// groupsOf are the groups of all the machine's network interfaces: one that is left in another group is not isolated.
func groupsOf(x types.Instance) []string {
	var ids []string
	add := func(groups []types.GroupIdentifier) {
		for _, g := range groups {
			ids = append(ids, sdk.ToString(g.GroupId))
		}
	}
	add(x.SecurityGroups)
	for _, nic := range x.NetworkInterfaces {
		add(nic.Groups)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// disksOf is what hangs on the machine. Size, type and key are the volume's own to tell.
func disksOf(x types.Instance) []providers.Disk {
	var disks []providers.Disk
	for _, b := range x.BlockDeviceMappings {
		if b.Ebs == nil {
			continue
		}
		disks = append(disks, providers.Disk{
			Device: sdk.ToString(b.DeviceName), Volume: sdk.ToString(b.Ebs.VolumeId), Kept: !sdk.ToBool(b.Ebs.DeleteOnTermination),
		})
	}
	slices.SortFunc(disks, func(a, b providers.Disk) int { return cmp.Compare(a.Device, b.Device) })
	return disks
}

// tagFilters asks the far side for the tags. No tags would be everything the account has.
func tagFilters(o op, tags map[string]string) ([]types.Filter, error) {
	if len(tags) == 0 {
		return nil, providers.Errorf(providers.Invalid, o.name, o.region, "no tags to look for")
	}
	var out []types.Filter
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Filter{Name: sdk.String("tag:" + k), Values: []string{literal(tags[k])}})
	}
	return out, nil
}

// literal escapes what a filter would take for a wildcard.
func literal(s string) string {
	var b []byte
	for i := range len(s) {
		if s[i] == '*' || s[i] == '?' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return string(b)
}

// bears compares with the tags as AWS sent them, wildcards or not.
func bears(has []types.Tag, wants map[string]string) bool {
	n := 0
	for _, t := range has {
		if v, ok := wants[sdk.ToString(t.Key)]; ok && v == sdk.ToString(t.Value) {
			n++
		}
	}
	return n == len(wants)
}

func toTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: sdk.String(k), Value: sdk.String(tags[k])})
	}
	return out
}

// fromTags makes tags fit for the screen: anybody with ec2:CreateTags may have written them.
func fromTags(tags []types.Tag) map[string]string {
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		out[runbook.Clean(sdk.ToString(t.Key))] = runbook.Clean(sdk.ToString(t.Value))
	}
	return out
}

// optional leaves a parameter out when it is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
