package providers

import (
	"context"

	"lifeboat/runbook"
)

// AddressMaker takes and gives back public addresses.
type AddressMaker interface {
	// Allocate has no token: an answer that is lost leaves an address, so tag it and look for the tag.
	Allocate(ctx context.Context, region string, tags map[string]string) (Address, error)
	// Release gives the address back for good. One that a machine holds is Conflict, one that is gone is no error.
	Release(ctx context.Context, region, address string) error
	// AddressQuota says how many are held, and how many the account may hold in the region.
	AddressQuota(ctx context.Context, region string) (used, limit int, err error)
}

// Objects are files in a bucket of one region. What reads them needs no control plane.
type Objects interface {
	// Get: an object that is not there is NotFound. At most 64 KiB are read.
	Get(ctx context.Context, region, bucket, key string) ([]byte, error)
	Put(ctx context.Context, region, bucket, key string, body []byte) error
	// Delete: one that is gone is no error.
	Delete(ctx context.Context, region, bucket, key string) error
}

// ObjectTarget names an object for the drill fence.
func ObjectTarget(region, bucket, key string) runbook.Target {
	return runbook.Target{Kind: "object", ID: bucket + "/" + key, Region: region}
}
