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
	slices.SortFunc(found, func(a, b providers.Image) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
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

func image(region string, i types.Image) providers.Image {
	got := providers.Image{
		ID: sdk.ToString(i.ImageId), Region: region, Name: runbook.Clean(sdk.ToString(i.Name)), State: string(i.State), Tags: fromTags(i.Tags),
	}
	// A date that cannot be read leaves the zero time, the oldest there is.
	if t, err := time.Parse(time.RFC3339, sdk.ToString(i.CreationDate)); err == nil {
		got.Created = t
	}
	return got
}
