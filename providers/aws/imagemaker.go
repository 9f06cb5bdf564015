package aws

import (
	"context"
	"maps"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"lifeboat/providers"
)

// imageTags tags a new image and every snapshot that comes with it.
func imageTags(tags map[string]string, on ...types.ResourceType) []types.TagSpecification {
	var out []types.TagSpecification
	for _, what := range on {
		if len(tags) > 0 {
			out = append(out, types.TagSpecification{ResourceType: what, Tags: toTags(tags)})
		}
	}
	return out
}

// CopyImage is ec2:CopyImage in the region that gets the copy.
func (c *Cloud) CopyImage(ctx context.Context, region string, i providers.ImageCopy) (providers.Image, error) {
	o := op{"ec2:CopyImage", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return providers.Image{}, err
	}
	in := &ec2.CopyImageInput{
		ClientToken: optional(i.Token), SourceRegion: sdk.String(i.FromRegion), SourceImageId: sdk.String(i.Image), Name: sdk.String(i.Name),
		Description: optional(i.Description), KmsKeyId: optional(i.KMSKey),
		TagSpecifications: imageTags(i.Tags, types.ResourceTypeImage, types.ResourceTypeSnapshot),
	}
	if i.KMSKey != "" {
		in.Encrypted = sdk.Bool(true)
	}
	out, err := do(ctx, c, api.session, o, api.copyImage, in)
	if err != nil {
		return providers.Image{}, err
	}
	return providers.Image{
		ID: sdk.ToString(out.ImageId), Region: region, Name: i.Name, State: "pending", Source: i.Image, SourceRegion: i.FromRegion, Tags: maps.Clone(i.Tags),
	}, nil
}

// CreateImage is ec2:CreateImage.
func (c *Cloud) CreateImage(ctx context.Context, region, instance, name string, noReboot bool, tags map[string]string) (providers.Image, error) {
	o := op{"ec2:CreateImage", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return providers.Image{}, err
	}
	out, err := do(ctx, c, api.session, o, api.createImage, &ec2.CreateImageInput{
		InstanceId: sdk.String(instance), Name: sdk.String(name), NoReboot: sdk.Bool(noReboot),
		TagSpecifications: imageTags(tags, types.ResourceTypeImage, types.ResourceTypeSnapshot),
	})
	if err != nil {
		return providers.Image{}, err
	}
	return providers.Image{ID: sdk.ToString(out.ImageId), Region: region, Name: name, State: "pending", Tags: maps.Clone(tags)}, nil
}

// RegisterImage is ec2:RegisterImage. Whether a disk is encrypted is its snapshot's affair: saying so beside a snapshot is
// refused.
func (c *Cloud) RegisterImage(ctx context.Context, region string, i providers.Image) (providers.Image, error) {
	o := op{"ec2:RegisterImage", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return providers.Image{}, err
	}
	in := &ec2.RegisterImageInput{
		Name: sdk.String(i.Name), Architecture: types.ArchitectureValues(i.Architecture), BootMode: types.BootModeValues(i.BootMode),
		VirtualizationType: optional(i.Virtualization), RootDeviceName: optional(i.RootDevice), EnaSupport: sdk.Bool(i.ENA),
		ImdsSupport: types.ImdsSupportValues(i.IMDS), TpmSupport: types.TpmSupportValues(i.TPM),
		TagSpecifications: imageTags(i.Tags, types.ResourceTypeImage),
	}
	for _, d := range i.Disks {
		b := &types.EbsBlockDevice{SnapshotId: optional(d.Snapshot), VolumeType: types.VolumeType(d.Type), DeleteOnTermination: sdk.Bool(!d.Kept)}
		b.VolumeSize, b.Iops, b.Throughput = number(d.SizeGiB), number(d.IOPS), number(d.Throughput)
		if d.Snapshot == "" && d.Encrypted {
			b.Encrypted, b.KmsKeyId = sdk.Bool(true), optional(d.KMSKey)
		}
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{DeviceName: sdk.String(d.Device), Ebs: b})
	}
	out, err := do(ctx, c, api.session, o, api.registerImage, in)
	if err != nil {
		return providers.Image{}, err
	}
	made := i
	made.ID, made.Region, made.State, made.Tags = sdk.ToString(out.ImageId), region, "pending", maps.Clone(i.Tags)
	return made, nil
}

// Deregister is ec2:DeregisterImage.
func (c *Cloud) Deregister(ctx context.Context, region, id string) error {
	o := op{"ec2:DeregisterImage", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	_, err = do(ctx, c, api.session, o, api.deregisterImage, &ec2.DeregisterImageInput{ImageId: sdk.String(id)})
	if isKind(err, providers.NotFound) || isKind(err, providers.Conflict, "InvalidAMIID.Unavailable") {
		return nil // gone already
	}
	return err
}

// Shared is ec2:DescribeImageAttribute of the launch permissions.
func (c *Cloud) Shared(ctx context.Context, region, id string) ([]string, error) {
	o := op{"ec2:DescribeImageAttribute", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return nil, err
	}
	out, err := do(ctx, c, api.session, o, api.describeImageAttribute, &ec2.DescribeImageAttributeInput{
		ImageId: sdk.String(id), Attribute: types.ImageAttributeNameLaunchPermission,
	})
	if err != nil {
		return nil, err
	}
	found := []string{}
	for _, p := range out.LaunchPermissions {
		for _, who := range []string{sdk.ToString(p.UserId), string(p.Group), sdk.ToString(p.OrganizationArn), sdk.ToString(p.OrganizationalUnitArn)} {
			if who != "" {
				found = append(found, who)
			}
		}
	}
	slices.Sort(found)
	return found, nil
}

// Share is ec2:ModifyImageAttribute of the launch permissions, by what differs, and no call when nothing does.
func (c *Cloud) Share(ctx context.Context, region, id string, accounts []string) error {
	has, err := c.Shared(ctx, region, id)
	if err != nil {
		return err
	}
	change := &types.LaunchPermissionModifications{Add: permissions(accounts, has), Remove: permissions(has, accounts)}
	if len(change.Add)+len(change.Remove) == 0 {
		return nil
	}
	o := op{"ec2:ModifyImageAttribute", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	_, err = do(ctx, c, api.session, o, api.modifyImageAttribute, &ec2.ModifyImageAttributeInput{ImageId: sdk.String(id), LaunchPermission: change})
	return err
}

// permissions are those of list that are not in has.
func permissions(list, has []string) []types.LaunchPermission {
	var out []types.LaunchPermission
	for _, who := range list {
		switch {
		case slices.Contains(has, who):
		case who == string(types.PermissionGroupAll):
			out = append(out, types.LaunchPermission{Group: types.PermissionGroupAll})
		case strings.Contains(who, ":organization/"):
			out = append(out, types.LaunchPermission{OrganizationArn: sdk.String(who)})
		case strings.Contains(who, ":ou/"):
			out = append(out, types.LaunchPermission{OrganizationalUnitArn: sdk.String(who)})
		default:
			out = append(out, types.LaunchPermission{UserId: sdk.String(who)})
		}
	}
	return out
}
