package aws

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// method is an operation of the SDK, bound to a client.
type method[I, O any] func(context.Context, *I) (*O, error)

// bind keeps the one operation and lets go of the client's type. See the package comment for the reason.
func bind[I, O, P any](f func(context.Context, *I, ...func(*P)) (*O, error)) method[I, O] {
	return func(ctx context.Context, in *I) (*O, error) { return f(ctx, in) }
}

// ec2API is what is used of EC2, in one region.
type ec2API struct {
	session                *session
	options                ec2.Options // what the SDK has made of the configuration
	runInstances           method[ec2.RunInstancesInput, ec2.RunInstancesOutput]
	terminateInstances     method[ec2.TerminateInstancesInput, ec2.TerminateInstancesOutput]
	describeInstances      method[ec2.DescribeInstancesInput, ec2.DescribeInstancesOutput]
	describeInstanceStatus method[ec2.DescribeInstanceStatusInput, ec2.DescribeInstanceStatusOutput]
	getConsoleOutput       method[ec2.GetConsoleOutputInput, ec2.GetConsoleOutputOutput]
	describeVolumes        method[ec2.DescribeVolumesInput, ec2.DescribeVolumesOutput]
	attachVolume           method[ec2.AttachVolumeInput, ec2.AttachVolumeOutput]
	detachVolume           method[ec2.DetachVolumeInput, ec2.DetachVolumeOutput]
	describeImages         method[ec2.DescribeImagesInput, ec2.DescribeImagesOutput]
	copyImage              method[ec2.CopyImageInput, ec2.CopyImageOutput]
	createImage            method[ec2.CreateImageInput, ec2.CreateImageOutput]
	registerImage          method[ec2.RegisterImageInput, ec2.RegisterImageOutput]
	deregisterImage        method[ec2.DeregisterImageInput, ec2.DeregisterImageOutput]
	describeImageAttribute method[ec2.DescribeImageAttributeInput, ec2.DescribeImageAttributeOutput]
	modifyImageAttribute   method[ec2.ModifyImageAttributeInput, ec2.ModifyImageAttributeOutput]
	describeAddresses      method[ec2.DescribeAddressesInput, ec2.DescribeAddressesOutput]
	associateAddress       method[ec2.AssociateAddressInput, ec2.AssociateAddressOutput]
	disassociateAddress    method[ec2.DisassociateAddressInput, ec2.DisassociateAddressOutput]

	allocateAddress           method[ec2.AllocateAddressInput, ec2.AllocateAddressOutput]
	releaseAddress            method[ec2.ReleaseAddressInput, ec2.ReleaseAddressOutput]
	describeAccountAttributes method[ec2.DescribeAccountAttributesInput, ec2.DescribeAccountAttributesOutput]

	startInstances          method[ec2.StartInstancesInput, ec2.StartInstancesOutput]
	stopInstances           method[ec2.StopInstancesInput, ec2.StopInstancesOutput]
	rebootInstances         method[ec2.RebootInstancesInput, ec2.RebootInstancesOutput]
	modifyInstanceAttribute method[ec2.ModifyInstanceAttributeInput, ec2.ModifyInstanceAttributeOutput]
	describeZones           method[ec2.DescribeAvailabilityZonesInput, ec2.DescribeAvailabilityZonesOutput]
	describeOfferings       method[ec2.DescribeInstanceTypeOfferingsInput, ec2.DescribeInstanceTypeOfferingsOutput]
	describeTypes           method[ec2.DescribeInstanceTypesInput, ec2.DescribeInstanceTypesOutput]
	describeSubnets         method[ec2.DescribeSubnetsInput, ec2.DescribeSubnetsOutput]
	describeGroups          method[ec2.DescribeSecurityGroupsInput, ec2.DescribeSecurityGroupsOutput]
	describeSnapshots       method[ec2.DescribeSnapshotsInput, ec2.DescribeSnapshotsOutput]
	createSnapshot          method[ec2.CreateSnapshotInput, ec2.CreateSnapshotOutput]
	deleteSnapshot          method[ec2.DeleteSnapshotInput, ec2.DeleteSnapshotOutput]
	createVolume            method[ec2.CreateVolumeInput, ec2.CreateVolumeOutput]
	deleteVolume            method[ec2.DeleteVolumeInput, ec2.DeleteVolumeOutput]
	describeVolumeStatus    method[ec2.DescribeVolumeStatusInput, ec2.DescribeVolumeStatusOutput]
}

// dnsAPI is what is used of Route 53.
type dnsAPI struct {
	session               *session
	region                string
	getHostedZone         method[route53.GetHostedZoneInput, route53.GetHostedZoneOutput]
	listHostedZonesByName method[route53.ListHostedZonesByNameInput, route53.ListHostedZonesByNameOutput]
	listRecords           method[route53.ListResourceRecordSetsInput, route53.ListResourceRecordSetsOutput]
	changeRecords         method[route53.ChangeResourceRecordSetsInput, route53.ChangeResourceRecordSetsOutput]
	getChange             method[route53.GetChangeInput, route53.GetChangeOutput]
}

// stsAPI is what is used of STS, in one region.
type stsAPI struct {
	session           *session
	getCallerIdentity method[sts.GetCallerIdentityInput, sts.GetCallerIdentityOutput]
}

func (c *Cloud) ec2In(ctx context.Context, op, region string) (*ec2API, error) {
	s, err := c.sessionFor(ctx, op, region)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ec2[region] == nil {
		s.ec2[region] = newEC2(s, region)
	}
	return s.ec2[region], nil
}

func newEC2(s *session, region string) *ec2API {
	x := ec2.NewFromConfig(s.cfg, func(o *ec2.Options) {
		o.Region, o.HTTPClient, o.Retryer = region, s.http, sdk.NopRetryer{}
	})
	return &ec2API{
		session:                s,
		options:                x.Options(),
		runInstances:           bind(x.RunInstances),
		terminateInstances:     bind(x.TerminateInstances),
		describeInstances:      bind(x.DescribeInstances),
		describeInstanceStatus: bind(x.DescribeInstanceStatus),
		getConsoleOutput:       bind(x.GetConsoleOutput),
		describeVolumes:        bind(x.DescribeVolumes),
		attachVolume:           bind(x.AttachVolume),
		detachVolume:           bind(x.DetachVolume),
		describeImages:         bind(x.DescribeImages),
		copyImage:              bind(x.CopyImage),
		createImage:            bind(x.CreateImage),
		registerImage:          bind(x.RegisterImage),
		deregisterImage:        bind(x.DeregisterImage),
		describeImageAttribute: bind(x.DescribeImageAttribute),
		modifyImageAttribute:   bind(x.ModifyImageAttribute),
		describeAddresses:      bind(x.DescribeAddresses),
		associateAddress:       bind(x.AssociateAddress),
		disassociateAddress:    bind(x.DisassociateAddress),

		allocateAddress:           bind(x.AllocateAddress),
		releaseAddress:            bind(x.ReleaseAddress),
		describeAccountAttributes: bind(x.DescribeAccountAttributes),

		startInstances:          bind(x.StartInstances),
		stopInstances:           bind(x.StopInstances),
		rebootInstances:         bind(x.RebootInstances),
		modifyInstanceAttribute: bind(x.ModifyInstanceAttribute),
		describeZones:           bind(x.DescribeAvailabilityZones),
		describeOfferings:       bind(x.DescribeInstanceTypeOfferings),
		describeTypes:           bind(x.DescribeInstanceTypes),
		describeSubnets:         bind(x.DescribeSubnets),
		describeGroups:          bind(x.DescribeSecurityGroups),
		describeSnapshots:       bind(x.DescribeSnapshots),
		createSnapshot:          bind(x.CreateSnapshot),
		deleteSnapshot:          bind(x.DeleteSnapshot),
		createVolume:            bind(x.CreateVolume),
		deleteVolume:            bind(x.DeleteVolume),
		describeVolumeStatus:    bind(x.DescribeVolumeStatus),
	}
}

func (c *Cloud) stsIn(ctx context.Context, op, region string) (*stsAPI, error) {
	s, err := c.sessionFor(ctx, op, region)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sts[region] == nil {
		x := sts.NewFromConfig(s.cfg, func(o *sts.Options) {
			o.Region, o.HTTPClient, o.Retryer = region, s.http, sdk.NopRetryer{}
		})
		s.sts[region] = &stsAPI{session: s, getCallerIdentity: bind(x.GetCallerIdentity)}
	}
	return s.sts[region], nil
}

func (c *Cloud) route53(ctx context.Context) (*dnsAPI, error) {
	s, err := c.current(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dns == nil {
		region := globalRegion(s.cfg.Region)
		x := route53.NewFromConfig(s.cfg, func(o *route53.Options) {
			o.Region, o.HTTPClient, o.Retryer = region, s.http, sdk.NopRetryer{}
		})
		s.dns = &dnsAPI{
			session:               s,
			region:                region,
			getHostedZone:         bind(x.GetHostedZone),
			listHostedZonesByName: bind(x.ListHostedZonesByName),
			listRecords:           bind(x.ListResourceRecordSets),
			changeRecords:         bind(x.ChangeResourceRecordSets),
			getChange:             bind(x.GetChange),
		}
	}
	return s.dns, nil
}

// sessionFor checks the name of the region before anything is made for it.
func (c *Cloud) sessionFor(ctx context.Context, op, region string) (*session, error) {
	if err := c.checkRegion(ctx, op, region); err != nil {
		return nil, err
	}
	return c.current(ctx)
}
