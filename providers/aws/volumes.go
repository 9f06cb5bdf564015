package aws

import (
	"cmp"
	"context"
	"errors"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"lifeboat/providers"
)

// Volume is ec2:DescribeVolumes.
func (c *Cloud) Volume(ctx context.Context, region, id string) (providers.Volume, error) {
	o := op{"ec2:DescribeVolumes", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return providers.Volume{}, err
	}
	out, err := do(ctx, c, api.session, o, api.describeVolumes, &ec2.DescribeVolumesInput{VolumeIds: []string{id}})
	if err != nil {
		return providers.Volume{}, err
	}
	for _, v := range out.Volumes {
		if sdk.ToString(v.VolumeId) == id {
			return volume(region, v), nil
		}
	}
	return providers.Volume{}, providers.Errorf(providers.NotFound, o.name, region, "%q is not known", id)
}

// FindVolumes is ec2:DescribeVolumes with a filter for each tag, by id.
func (c *Cloud) FindVolumes(ctx context.Context, region string, tags map[string]string) ([]providers.Volume, error) {
	o := op{"ec2:DescribeVolumes", region, false}
	filters, err := tagFilters(o, tags)
	if err != nil {
		return nil, err
	}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return nil, err
	}
	found := []providers.Volume{}
	in := &ec2.DescribeVolumesInput{Filters: filters}
	for {
		out, err := do(ctx, c, api.session, o, api.describeVolumes, in)
		if err != nil {
			return nil, err
		}
		for _, v := range out.Volumes {
			if bears(v.Tags, tags) {
				found = append(found, volume(region, v))
			}
		}
		if sdk.ToString(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	slices.SortFunc(found, func(a, b providers.Volume) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// Attach is ec2:AttachVolume. There is no token: when AWS says that the volume is in use, it is looked up whether it
// hangs where it was to go.
func (c *Cloud) Attach(ctx context.Context, region, volume, instance, device string) error {
	o := op{"ec2:AttachVolume", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	_, err = do(ctx, c, api.session, o, api.attachVolume, &ec2.AttachVolumeInput{
		VolumeId: sdk.String(volume), InstanceId: sdk.String(instance), Device: sdk.String(device),
	})
	if isKind(err, providers.NotReady, "IncorrectState", "IncorrectInstanceState") {
		return c.neverReady(ctx, region, instance, err)
	}
	if !isKind(err, providers.Conflict, "VolumeInUse") {
		return err
	}
	switch v, looked := c.Volume(ctx, region, volume); {
	case looked != nil:
		return err
	case v.Instance == instance && v.Attachment != "detaching":
		return nil
	case v.Instance != "":
		return inUse(err, v)
	default:
		return err
	}
}

// neverReady looks whether the machine will ever be ready: AWS has the same words for one that starts and one that ends.
func (c *Cloud) neverReady(ctx context.Context, region, instance string, err error) error {
	m, looked := c.Instance(ctx, region, instance)
	var e *providers.Error
	ending := m.State == providers.InstanceShuttingDown || m.State == providers.InstanceTerminated
	if looked != nil || !ending || !errors.As(err, &e) {
		return err
	}
	ended := *e
	ended.Kind, ended.Detail = providers.Conflict, instance+" is "+string(m.State)
	return &ended
}

// inUse names the holder, which AWS's own words leave out.
func inUse(err error, v providers.Volume) error {
	var e *providers.Error
	if !errors.As(err, &e) {
		return err
	}
	named := *e
	named.Detail = v.ID + " is " + v.Attachment + " on " + v.Instance
	return &named
}

// Detach is ec2:DetachVolume, unless the volume does not hang there.
func (c *Cloud) Detach(ctx context.Context, region, volume, instance string) error {
	o := op{"ec2:DetachVolume", region, true}
	v, err := c.Volume(ctx, region, volume)
	if err != nil {
		return err
	}
	if v.Instance != instance || v.Attachment == "detaching" || v.Attachment == "detached" {
		return nil
	}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	_, err = do(ctx, c, api.session, o, api.detachVolume, &ec2.DetachVolumeInput{
		VolumeId: sdk.String(volume), InstanceId: sdk.String(instance),
	})
	// Somebody was faster: the volume is free, or leaving.
	if isKind(err, providers.NotReady, "IncorrectState") || isKind(err, providers.NotFound, "InvalidAttachment.NotFound") {
		if v, looked := c.Volume(ctx, region, volume); looked == nil && (v.Instance != instance || v.Attachment == "detaching") {
			return nil
		}
	}
	return err
}

func volume(region string, v types.Volume) providers.Volume {
	got := providers.Volume{
		ID: sdk.ToString(v.VolumeId), Region: region, Zone: sdk.ToString(v.AvailabilityZone), State: string(v.State),
		SizeGiB: int(sdk.ToInt32(v.Size)), Snapshot: sdk.ToString(v.SnapshotId), Type: string(v.VolumeType),
		Encrypted: sdk.ToBool(v.Encrypted), KMSKey: sdk.ToString(v.KmsKeyId), Created: moment(v.CreateTime), Tags: fromTags(v.Tags),
	}
	for _, a := range v.Attachments {
		if a.State == types.VolumeAttachmentStateDetached {
			continue
		}
		got.Instance, got.Device, got.Attachment = sdk.ToString(a.InstanceId), sdk.ToString(a.Device), string(a.State)
		break
	}
	return got
}
