package wrap

import (
	"context"

	"lifeboat/providers"
	"lifeboat/runbook"
)

type recordedHoldings struct {
	providers.AddressMaker
	r recorder
}

func (p recordedHoldings) Allocate(ctx context.Context, region string, tags map[string]string) (_ providers.Address, err error) {
	defer p.r.done("allocate address", region, tagWords(tags))(&err)
	return p.AddressMaker.Allocate(ctx, region, tags)
}

func (p recordedHoldings) Release(ctx context.Context, region, address string) (err error) {
	defer p.r.done("release address", region, address)(&err)
	return p.AddressMaker.Release(ctx, region, address)
}

func (p recordedHoldings) AddressQuota(ctx context.Context, region string) (_, _ int, err error) {
	defer p.r.done("read address quota", region)(&err)
	return p.AddressMaker.AddressQuota(ctx, region)
}

type fencedHoldings struct {
	providers.AddressMaker
	may func(runbook.Target) error
}

// Release gives an address away for good.
func (f fencedHoldings) Release(ctx context.Context, region, address string) error {
	if err := f.may(runbook.Target{Kind: "address", ID: address, Region: region}); err != nil {
		return err
	}
	return f.AddressMaker.Release(ctx, region, address)
}
