package aws

import (
	"cmp"
	"context"
	"slices"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Image is ec2:DescribeImages.
func (c *Cloud) Image(ctx context.Context, region, id string) (providers.Image, error) {
	found, err := c.images(ctx, region, &ec2.DescribeImagesInput{ImageIds: []string{id}}, nil)
	if isKind(err, providers.Conflict, "InvalidAMIID.Unavailable") {
		return providers.Image{}, providers.Errorf(providers.NotFound, "ec2:DescribeImages", region, "%s was deregistered", id)
	}
	if err != nil {
		return providers.Image{}, err
	}
	for _, i := range found {
		if i.ID == id {
			return i, nil
		}
	}
	return providers.Image{}, providers.Errorf(providers.NotFound, "ec2:DescribeImages", region, "%q is not known", id)
}

// FindImages is ec2:DescribeImages with a filter for each tag, oldest first. Tags belong to the account that set them,
// so this finds images that others share only when this account has tagged them.
func (c *Cloud) FindImages(ctx context.Context, region string, tags map[string]string) ([]providers.Image, error) {
	filters, err := tagFilters(op{"ec2:DescribeImages", region, false}, tags)
	if err != nil {
		return nil, err
	}
	found, err := c.images(ctx, region, &ec2.DescribeImagesInput{Filters: filters}, tags)
	if err != nil {
		return nil, err
	}
	oldestFirst(found)
	return found, nil
}

func (c *Cloud) images(ctx context.Context, region string, in *ec2.DescribeImagesInput, tags map[string]string) ([]providers.Image, error) {
	o := op{"ec2:DescribeImages", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return nil, err
	}
	found := []providers.Image{}
	for {
		out, err := do(ctx, c, api.session, o, api.describeImages, in)
		if err != nil {
			return nil, err
		}
		for _, i := range out.Images {
			if bears(i.Tags, tags) {
				found = append(found, image(region, i))
			}
		}
		if sdk.ToString(out.NextToken) == "" {
			return found, nil
		}
		in.NextToken = out.NextToken
	}
}

// CopiesOf is ec2:DescribeImages of this account's own images with a filter by their source.
func (c *Cloud) CopiesOf(ctx context.Context, region, source string) ([]providers.Image, error) {
	found, err := c.images(ctx, region, &ec2.DescribeImagesInput{
		Owners:  []string{"self"},
		Filters: []types.Filter{{Name: sdk.String("source-image-id"), Values: []string{literal(source)}}},
	}, nil)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(i providers.Image) bool { return i.Source != source })
	oldestFirst(found)
	return found, nil
}

func oldestFirst(list []providers.Image) {
	slices.SortFunc(list, func(a, b providers.Image) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
}

// LaunchedFrom is ec2:DescribeInstances with a filter by image and state.
func (c *Cloud) LaunchedFrom(ctx context.Context, region, image string) ([]string, error) {
	o := op{"ec2:DescribeInstances", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return nil, err
	}
	in := &ec2.DescribeInstancesInput{Filters: []types.Filter{
		{Name: sdk.String("image-id"), Values: []string{literal(image)}},
		{Name: sdk.String("instance-state-name"), Values: []string{"pending", "running", "stopping", "stopped"}},
	}}
	found := []string{}
	for {
		out, err := do(ctx, c, api.session, o, api.describeInstances, in)
		if err != nil {
			return nil, err
		}
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				if sdk.ToString(i.ImageId) == image {
					found = append(found, sdk.ToString(i.InstanceId))
				}
			}
		}
		if sdk.ToString(out.NextToken) == "" {
			slices.Sort(found)
			return found, nil
		}
		in.NextToken = out.NextToken
	}
}

func image(region string, i types.Image) providers.Image {
	got := providers.Image{
		ID: sdk.ToString(i.ImageId), Region: region, Name: runbook.Clean(sdk.ToString(i.Name)), State: string(i.State),
		Source: sdk.ToString(i.SourceImageId), SourceRegion: sdk.ToString(i.SourceImageRegion),
		Architecture: string(i.Architecture), BootMode: string(i.BootMode), Virtualization: string(i.VirtualizationType),
		RootDevice: sdk.ToString(i.RootDeviceName), ENA: sdk.ToBool(i.EnaSupport), IMDS: string(i.ImdsSupport), TPM: string(i.TpmSupport),
		Tags: fromTags(i.Tags),
	}
	if i.StateReason != nil {
		got.StateReason = runbook.Clean(sdk.ToString(i.StateReason.Message))
	}
	for _, b := range i.BlockDeviceMappings {
		if b.Ebs == nil {
			continue // an instance store: it comes with the machine
		}
		got.Disks = append(got.Disks, providers.Disk{
			Device: sdk.ToString(b.DeviceName), Snapshot: sdk.ToString(b.Ebs.SnapshotId), SizeGiB: int(sdk.ToInt32(b.Ebs.VolumeSize)),
			Type: string(b.Ebs.VolumeType), IOPS: int(sdk.ToInt32(b.Ebs.Iops)), Throughput: int(sdk.ToInt32(b.Ebs.Throughput)),
			Encrypted: sdk.ToBool(b.Ebs.Encrypted), KMSKey: sdk.ToString(b.Ebs.KmsKeyId), Kept: b.Ebs.DeleteOnTermination != nil && !*b.Ebs.DeleteOnTermination,
		})
	}
	// A date that cannot be read leaves the zero time, the oldest there is.
	if t, err := time.Parse(time.RFC3339, sdk.ToString(i.CreationDate)); err == nil {
		got.Created = t
	}
	return got
}
