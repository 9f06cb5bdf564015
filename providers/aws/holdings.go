package aws

import (
	"context"
	"strconv"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"lifeboat/providers"
)

// vpcAddresses is the account attribute that says how many elastic addresses a region gives.
const vpcAddresses = "vpc-max-elastic-ips"

// Allocate is ec2:AllocateAddress. The tags go with the call: an address whose answer was lost is found by them.
func (c *Cloud) Allocate(ctx context.Context, region string, tags map[string]string) (providers.Address, error) {
	o := op{"ec2:AllocateAddress", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return providers.Address{}, err
	}
	in := &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc}
	if len(tags) > 0 {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeElasticIp, Tags: toTags(tags)}}
	}
	out, err := do(ctx, c, api.session, o, api.allocateAddress, in)
	if err != nil {
		return providers.Address{}, err
	}
	return providers.Address{
		Address: sdk.ToString(out.PublicIp), Allocation: sdk.ToString(out.AllocationId), Region: region, Tags: tags,
	}, nil
}

// Release is ec2:ReleaseAddress, of an address that nobody holds. EC2 refuses one that is in use by itself; it is read
// first because the call wants the allocation.
func (c *Cloud) Release(ctx context.Context, region, address string) error {
	o := op{"ec2:ReleaseAddress", region, true}
	a, err := c.address(ctx, region, address)
	if providers.Is(err, providers.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if holder := toAddress(region, a).Instance; holder != "" {
		return providers.Errorf(providers.Conflict, o.name, region, "%s is held by %s", address, holder)
	}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	_, err = do(ctx, c, api.session, o, api.releaseAddress, &ec2.ReleaseAddressInput{AllocationId: a.AllocationId})
	if isKind(err, providers.NotFound) {
		return nil
	}
	return err
}

// AddressQuota is ec2:DescribeAccountAttributes and a count of ec2:DescribeAddresses. Addresses that the account brought
// along (BYOIP) do not count against the quota.
func (c *Cloud) AddressQuota(ctx context.Context, region string) (used, limit int, err error) {
	o := op{"ec2:DescribeAccountAttributes", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return 0, 0, err
	}
	out, err := do(ctx, c, api.session, o, api.describeAccountAttributes, &ec2.DescribeAccountAttributesInput{
		AttributeNames: []types.AccountAttributeName{vpcAddresses},
	})
	if err != nil {
		return 0, 0, err
	}
	if limit, err = attribute(o, out.AccountAttributes); err != nil {
		return 0, 0, err
	}
	o.name = "ec2:DescribeAddresses"
	held, err := do(ctx, c, api.session, o, api.describeAddresses, &ec2.DescribeAddressesInput{})
	if err != nil {
		return 0, 0, err
	}
	for _, a := range held.Addresses {
		if pool := sdk.ToString(a.PublicIpv4Pool); pool == "" || pool == "amazon" {
			used++
		}
	}
	return used, limit, nil
}

func attribute(o op, list []types.AccountAttribute) (int, error) {
	for _, a := range list {
		if sdk.ToString(a.AttributeName) != vpcAddresses || len(a.AttributeValues) == 0 {
			continue
		}
		n, err := strconv.Atoi(sdk.ToString(a.AttributeValues[0].AttributeValue))
		if err != nil {
			return 0, providers.Errorf(providers.Server, o.name, o.region, "%s is %q", vpcAddresses, sdk.ToString(a.AttributeValues[0].AttributeValue))
		}
		return n, nil
	}
	return 0, providers.Errorf(providers.Server, o.name, o.region, "the answer has no %s", vpcAddresses)
}
