package aws

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Snapshot is ec2:DescribeSnapshots.
func (c *Cloud) Snapshot(ctx context.Context, region, id string) (providers.Snapshot, error) {
	found, err := c.snapshots(ctx, region, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{id}}, nil)
	if err != nil {
		return providers.Snapshot{}, err
	}
	for _, s := range found {
		if s.ID == id {
			return s, nil
		}
	}
	return providers.Snapshot{}, providers.Errorf(providers.NotFound, "ec2:DescribeSnapshots", region, "%q is not known", id)
}

// FindSnapshots is ec2:DescribeSnapshots of this account, with a filter for the volume and for each tag. A copy names no
// volume: EC2 gives it one that does not exist.
func (c *Cloud) FindSnapshots(ctx context.Context, region, volume string, tags map[string]string) ([]providers.Snapshot, error) {
	in := &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}}
	if len(tags) > 0 || volume == "" {
		filters, err := tagFilters(op{"ec2:DescribeSnapshots", region, false}, tags)
		if err != nil {
			return nil, err
		}
		in.Filters = filters
	}
	if volume != "" {
		in.Filters = append(in.Filters, types.Filter{Name: sdk.String("volume-id"), Values: []string{literal(volume)}})
	}
	found, err := c.snapshots(ctx, region, in, tags)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b providers.Snapshot) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}

func (c *Cloud) snapshots(ctx context.Context, region string, in *ec2.DescribeSnapshotsInput, tags map[string]string) ([]providers.Snapshot, error) {
	o := op{"ec2:DescribeSnapshots", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return nil, err
	}
	found := []providers.Snapshot{}
	for {
		out, err := do(ctx, c, api.session, o, api.describeSnapshots, in)
		if err != nil {
			return nil, err
		}
		for _, s := range out.Snapshots {
			if bears(s.Tags, tags) {
				found = append(found, snapshot(region, s))
			}
		}
		if sdk.ToString(out.NextToken) == "" {
			return found, nil
		}
		in.NextToken = out.NextToken
	}
}

// CreateSnapshot is ec2:CreateSnapshot, with its tags from the first moment (ec2:CreateTags).
func (c *Cloud) CreateSnapshot(ctx context.Context, region, volume, description string, tags map[string]string) (providers.Snapshot, error) {
	o := op{"ec2:CreateSnapshot", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return providers.Snapshot{}, err
	}
	out, err := do(ctx, c, api.session, o, api.createSnapshot, &ec2.CreateSnapshotInput{
		VolumeId: sdk.String(volume), Description: optional(description), TagSpecifications: tagged(types.ResourceTypeSnapshot, tags),
	})
	if err != nil {
		return providers.Snapshot{}, err
	}
	return snapshot(region, types.Snapshot{
		SnapshotId: out.SnapshotId, VolumeId: out.VolumeId, State: out.State, Progress: out.Progress, StartTime: out.StartTime,
		VolumeSize: out.VolumeSize, Encrypted: out.Encrypted, KmsKeyId: out.KmsKeyId, Description: out.Description, Tags: out.Tags,
	}), nil
}

// DeleteSnapshot is ec2:DeleteSnapshot.
func (c *Cloud) DeleteSnapshot(ctx context.Context, region, id string) error {
	o := op{"ec2:DeleteSnapshot", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	_, err = do(ctx, c, api.session, o, api.deleteSnapshot, &ec2.DeleteSnapshotInput{SnapshotId: sdk.String(id)})
	if isKind(err, providers.NotFound) {
		return nil
	}
	return err
}

// tagged is what gives a new resource its tags; none are none.
func tagged(on types.ResourceType, tags map[string]string) []types.TagSpecification {
	if len(tags) == 0 {
		return nil
	}
	return []types.TagSpecification{{ResourceType: on, Tags: toTags(tags)}}
}

func snapshot(region string, s types.Snapshot) providers.Snapshot {
	got := providers.Snapshot{
		ID: sdk.ToString(s.SnapshotId), Region: region, Volume: sdk.ToString(s.VolumeId), State: string(s.State), Started: moment(s.StartTime),
		SizeGiB: int(sdk.ToInt32(s.VolumeSize)), Encrypted: sdk.ToBool(s.Encrypted), KMSKey: sdk.ToString(s.KmsKeyId),
		Description: runbook.Clean(sdk.ToString(s.Description)), Tags: fromTags(s.Tags),
	}
	// EC2 writes "37%", and nothing at all in the first moments.
	if n, err := strconv.ParseFloat(strings.TrimSuffix(sdk.ToString(s.Progress), "%"), 64); err == nil {
		got.Progress = min(max(n/100, 0), 1)
	}
	if s.State == types.SnapshotStateCompleted {
		got.Progress = 1
	}
	return got
}
