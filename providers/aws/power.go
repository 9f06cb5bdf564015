package aws

import (
	"context"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"lifeboat/providers"
)

// Start is ec2:StartInstances.
func (c *Cloud) Start(ctx context.Context, region, id string) error {
	o := op{"ec2:StartInstances", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	_, err = do(ctx, c, api.session, o, api.startInstances, &ec2.StartInstancesInput{InstanceIds: []string{id}})
	return c.orGone(ctx, region, id, err)
}

// Stop is ec2:StopInstances. Force does not let the machine write its caches to its disks; on one that hangs in stopping it
// may be asked for again.
func (c *Cloud) Stop(ctx context.Context, region, id string, force bool) error {
	o := op{"ec2:StopInstances", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	_, err = do(ctx, c, api.session, o, api.stopInstances, &ec2.StopInstancesInput{InstanceIds: []string{id}, Force: sdk.Bool(force)})
	return c.orGone(ctx, region, id, err)
}

// Reboot is ec2:RebootInstances, which only queues the request: EC2 resets a machine that has not gone down after minutes.
func (c *Cloud) Reboot(ctx context.Context, region, id string) error {
	o := op{"ec2:RebootInstances", region, true}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	_, err = do(ctx, c, api.session, o, api.rebootInstances, &ec2.RebootInstancesInput{InstanceIds: []string{id}})
	return c.orGone(ctx, region, id, err)
}

// Regroup is ec2:ModifyInstanceAttribute with groups. EC2 refuses it for a machine with more than one network interface.
func (c *Cloud) Regroup(ctx context.Context, region, id string, groups []string) error {
	o := op{"ec2:ModifyInstanceAttribute", region, true}
	if len(groups) == 0 {
		return providers.Errorf(providers.Invalid, o.name, region, "%s cannot be in no security group at all", id)
	}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return err
	}
	_, err = do(ctx, c, api.session, o, api.modifyInstanceAttribute, &ec2.ModifyInstanceAttributeInput{
		InstanceId: sdk.String(id), Groups: slices.Sorted(slices.Values(groups)),
	})
	return c.orGone(ctx, region, id, err)
}

// orGone tells "not yet" from "never": EC2 has the same code for both, and only the machine's state says which it is.
func (c *Cloud) orGone(ctx context.Context, region, id string, err error) error {
	if !isKind(err, providers.NotReady, "IncorrectInstanceState", "IncorrectState") {
		return err
	}
	i, look := c.Instance(ctx, region, id)
	if look != nil {
		return err // what is known is the first answer
	}
	over := i.State == providers.InstanceTerminated || i.State == providers.InstanceShuttingDown
	reboot := isOp(err, "ec2:RebootInstances") && i.State == providers.InstanceStopped
	if !over && !reboot {
		return err
	}
	return asConflict(err, string(i.State))
}
