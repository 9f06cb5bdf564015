package aws

import (
	"cmp"
	"context"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"lifeboat/providers"
)

// Address is ec2:DescribeAddresses.
func (c *Cloud) Address(ctx context.Context, region, address string) (providers.Address, error) {
	a, err := c.address(ctx, region, address)
	if err != nil {
		return providers.Address{}, err
	}
	return toAddress(region, a), nil
}

func (c *Cloud) address(ctx context.Context, region, address string) (types.Address, error) {
	o := op{"ec2:DescribeAddresses", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return types.Address{}, err
	}
	out, err := do(ctx, c, api.session, o, api.describeAddresses, &ec2.DescribeAddressesInput{PublicIps: []string{address}})
	if err != nil {
		return types.Address{}, err
	}
	for _, a := range out.Addresses {
		if sdk.ToString(a.PublicIp) == address {
			return a, nil
		}
	}
	return types.Address{}, providers.Errorf(providers.NotFound, o.name, region, "%q is not an address of this account", address)
}

// FindAddresses is ec2:DescribeAddresses with a filter for each tag, by number.
func (c *Cloud) FindAddresses(ctx context.Context, region string, tags map[string]string) ([]providers.Address, error) {
	o := op{"ec2:DescribeAddresses", region, false}
	filters, err := tagFilters(o, tags)
	if err != nil {
		return nil, err
	}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return nil, err
	}
	out, err := do(ctx, c, api.session, o, api.describeAddresses, &ec2.DescribeAddressesInput{Filters: filters})
	if err != nil {
		return nil, err
	}
	found := []providers.Address{}
	for _, a := range out.Addresses {
		if bears(a.Tags, tags) {
			found = append(found, toAddress(region, a))
		}
	}
	slices.SortFunc(found, func(a, b providers.Address) int { return cmp.Compare(a.Address, b.Address) })
	return found, nil
}

// Associate is ec2:AssociateAddress. Taking the address from its holder is allowed only after a read that shows the
// holder to be the one the caller named; from nobody it is not allowed at all, so that whoever comes in between keeps
// it. EC2 has no compare-and-swap for the first case: between read and call another may take it.
func (c *Cloud) Associate(ctx context.Context, region, address, instance, from string) error {
	o := op{"ec2:AssociateAddress", region, true}
	a, err := c.address(ctx, region, address)
	if err != nil {
		return err
	}
	switch holder := toAddress(region, a).Instance; holder {
	case instance:
		return nil
	case "", from:
	default:
		return providers.Errorf(providers.Conflict, o.name, region, "%s is held by %s", address, holder)
	}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	_, err = do(ctx, c, api.session, o, api.associateAddress, &ec2.AssociateAddressInput{
		AllocationId: a.AllocationId, InstanceId: sdk.String(instance),
		AllowReassociation: sdk.Bool(sdk.ToString(a.AssociationId) != ""),
	})
	return err
}

// Disassociate is ec2:DisassociateAddress, unless the machine does not hold the address.
func (c *Cloud) Disassociate(ctx context.Context, region, address, instance string) error {
	o := op{"ec2:DisassociateAddress", region, true}
	a, err := c.address(ctx, region, address)
	if err != nil {
		return err
	}
	if sdk.ToString(a.AssociationId) == "" || toAddress(region, a).Instance != instance {
		return nil
	}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	// By association, not by address: when it has moved on meanwhile, its new holder keeps it.
	_, err = do(ctx, c, api.session, o, api.disassociateAddress, &ec2.DisassociateAddressInput{AssociationId: a.AssociationId})
	if isKind(err, providers.NotFound, "InvalidAssociationID.NotFound") {
		return nil
	}
	return err
}

func toAddress(region string, a types.Address) providers.Address {
	holder := sdk.ToString(a.InstanceId)
	if holder == "" && sdk.ToString(a.AssociationId) != "" {
		// A network interface without a machine, such as a NAT gateway's, holds it as firmly.
		holder = sdk.ToString(a.NetworkInterfaceId)
	}
	return providers.Address{
		Address: sdk.ToString(a.PublicIp), Allocation: sdk.ToString(a.AllocationId), Region: region, Instance: holder,
		Tags: fromTags(a.Tags),
	}
}
