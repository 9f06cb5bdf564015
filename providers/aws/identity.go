package aws

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"lifeboat/providers"
)

// Account is sts:GetCallerIdentity at the region's own endpoint, which needs no permission. The alias is not read: that
// is a call of IAM, whose control plane lives in one region.
func (c *Cloud) Account(ctx context.Context, region string) (providers.Account, error) {
	o := op{"sts:GetCallerIdentity", region, false}
	api, err := c.stsIn(ctx, o.name, region)
	if err != nil {
		return providers.Account{}, err
	}
	out, err := do(ctx, c, api.session, o, api.getCallerIdentity, &sts.GetCallerIdentityInput{})
	if err != nil {
		return providers.Account{}, err
	}
	return providers.Account{ID: sdk.ToString(out.Account), ARN: sdk.ToString(out.Arn)}, nil
}

// rightAccount proves, once for each reading of the configuration, that the credentials are those of the account that
// may be changed.
func (c *Cloud) rightAccount(ctx context.Context, o op) error {
	if c.opts.Account == "" {
		return nil
	}
	s, err := c.current(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	proved := c.proved == s
	c.mu.Unlock()
	if proved {
		return nil
	}
	got, err := c.Account(ctx, o.region)
	if err != nil {
		return err
	}
	if got.ID != c.opts.Account {
		e := providers.Errorf(providers.Denied, o.name, o.region, "the credentials are those of account %s; the estate is in %s", got.ID, c.opts.Account)
		e.Do = "choose the right profile with AWS_PROFILE, or correct the estate's account"
		return e
	}
	c.mu.Lock()
	c.proved = s
	c.mu.Unlock()
	return nil
}
