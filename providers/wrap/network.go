package wrap

import (
	"context"
	"fmt"

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
	own *own
}

// Release gives an address away for good.
func (f fencedHoldings) Release(ctx context.Context, region, address string) error {
	if err := f.may(runbook.Target{Kind: "address", ID: address, Region: region}); err != nil {
		return err
	}
	return f.AddressMaker.Release(ctx, region, address)
}

type recordedObjects struct {
	providers.Objects
	r recorder
}

func (p recordedObjects) Get(ctx context.Context, region, bucket, key string) (_ []byte, err error) {
	defer p.r.done("read object", region, bucket+"/"+key)(&err)
	return p.Objects.Get(ctx, region, bucket, key)
}

// Put leaves the body out: an object may hold anything.
func (p recordedObjects) Put(ctx context.Context, region, bucket, key string, body []byte) (err error) {
	defer p.r.done("write object", region, bucket+"/"+key, fmt.Sprintf("%d bytes", len(body)))(&err)
	return p.Objects.Put(ctx, region, bucket, key, body)
}

func (p recordedObjects) Delete(ctx context.Context, region, bucket, key string) (err error) {
	defer p.r.done("delete object", region, bucket+"/"+key)(&err)
	return p.Objects.Delete(ctx, region, bucket, key)
}

type fencedObjects struct {
	providers.Objects
	may func(runbook.Target) error
}

func (f fencedObjects) Put(ctx context.Context, region, bucket, key string, body []byte) error {
	if err := f.may(providers.ObjectTarget(region, bucket, key)); err != nil {
		return err
	}
	return f.Objects.Put(ctx, region, bucket, key, body)
}

func (f fencedObjects) Delete(ctx context.Context, region, bucket, key string) error {
	if err := f.may(providers.ObjectTarget(region, bucket, key)); err != nil {
		return err
	}
	return f.Objects.Delete(ctx, region, bucket, key)
}
