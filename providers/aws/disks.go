package aws

import (
	"context"
	"errors"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"lifeboat/providers"
)

// CreateVolume is ec2:CreateVolume with the client token and its tags (ec2:CreateTags).
func (c *Cloud) CreateVolume(ctx context.Context, region string, v providers.NewVolume) (providers.Volume, error) {
	o := op{"ec2:CreateVolume", region, true}
	if v.Token == "" {
		return providers.Volume{}, providers.Errorf(providers.Invalid, o.name, region, "a volume without a token could not be asked for again safely")
	}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return providers.Volume{}, err
	}
	out, err := do(ctx, c, api.session, o, api.createVolume, volumeInput(v))
	if isKind(err, providers.NotReady, "IncorrectState") {
		err = c.neverWhole(ctx, region, v.Snapshot, err)
	}
	if err != nil {
		return providers.Volume{}, err
	}
	return volume(region, types.Volume{
		VolumeId: out.VolumeId, AvailabilityZone: out.AvailabilityZone, State: out.State, Size: out.Size, SnapshotId: out.SnapshotId,
		VolumeType: out.VolumeType, Encrypted: out.Encrypted, KmsKeyId: out.KmsKeyId, CreateTime: out.CreateTime, Tags: out.Tags,
	}), nil
}

func volumeInput(v providers.NewVolume) *ec2.CreateVolumeInput {
	in := &ec2.CreateVolumeInput{
		ClientToken: sdk.String(v.Token), AvailabilityZone: sdk.String(v.Zone), SnapshotId: optional(v.Snapshot), Size: number(v.SizeGiB),
		VolumeType: types.VolumeTypeGp3, Iops: number(v.IOPS), Throughput: number(v.Throughput), VolumeInitializationRate: number(v.Rate),
		KmsKeyId: optional(v.KMSKey), TagSpecifications: tagged(types.ResourceTypeVolume, v.Tags),
	}
	if v.Type != "" {
		in.VolumeType = types.VolumeType(v.Type)
	}
	if v.KMSKey != "" {
		in.Encrypted = sdk.Bool(true)
	}
	return in
}

// number leaves a parameter out when it is 0.
func number(n int) *int32 {
	if n == 0 {
		return nil
	}
	return sdk.Int32(int32(n)) //nolint:gosec // sizes and rates are far below 2^31
}

// neverWhole looks whether the snapshot will ever be complete: EC2 has the same words for one that is being made and one
// that has failed.
func (c *Cloud) neverWhole(ctx context.Context, region, id string, err error) error {
	s, looked := c.Snapshot(ctx, region, id)
	var e *providers.Error
	if looked != nil || s.State != string(types.SnapshotStateError) || !errors.As(err, &e) {
		return err
	}
	ended := *e
	ended.Kind, ended.Detail = providers.Conflict, id+" is broken: its state is error"
	ended.Means, ended.Do = "no volume can be made from it, now or later; nothing was made", "make the volume from an older snapshot, and make a new one of its source"
	return &ended
}

// DeleteVolume is ec2:DeleteVolume.
func (c *Cloud) DeleteVolume(ctx context.Context, region, id string) error {
	o := op{"ec2:DeleteVolume", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	_, err = do(ctx, c, api.session, o, api.deleteVolume, &ec2.DeleteVolumeInput{VolumeId: sdk.String(id)})
	switch {
	case isKind(err, providers.NotFound):
		return nil
	case isKind(err, providers.Conflict, "VolumeInUse"):
		if v, looked := c.Volume(ctx, region, id); looked == nil && v.Instance != "" {
			return inUse(err, v)
		}
	}
	return err
}

// Hydration is ec2:DescribeVolumeStatus. EC2 tells of volumes made from snapshots only, and may be up to five minutes
// late; of one that it does not tell about it is asked whether there is anything to fill (ec2:DescribeVolumes).
func (c *Cloud) Hydration(ctx context.Context, region, id string) (providers.Hydration, error) {
	o := op{"ec2:DescribeVolumeStatus", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return providers.Hydration{}, err
	}
	out, err := do(ctx, c, api.session, o, api.describeVolumeStatus, &ec2.DescribeVolumeStatusInput{VolumeIds: []string{id}})
	if err != nil {
		return providers.Hydration{}, err
	}
	for _, s := range out.VolumeStatuses {
		if sdk.ToString(s.VolumeId) == id {
			if h := hydration(s); h.Known {
				return h, nil
			}
		}
	}
	v, err := c.Volume(ctx, region, id)
	if err != nil || v.Snapshot != "" {
		return providers.Hydration{}, err
	}
	return providers.Hydration{Done: 1, Complete: true, Known: true}, nil
}

func hydration(s types.VolumeStatusItem) providers.Hydration {
	var h providers.Hydration
	if d := s.InitializationStatusDetails; d != nil && d.Progress != nil {
		h.Known, h.Done = true, min(max(float64(*d.Progress)/100, 0), 1)
		h.Left = time.Duration(sdk.ToInt64(d.EstimatedTimeToCompleteInSeconds)) * time.Second
		h.Complete = *d.Progress >= 100
	}
	if s.VolumeStatus == nil {
		return h
	}
	for _, d := range s.VolumeStatus.Details {
		if d.Name == types.VolumeStatusNameInitializationState && sdk.ToString(d.Status) == "completed" {
			return providers.Hydration{Known: true, Done: 1, Complete: true}
		}
	}
	return h
}
