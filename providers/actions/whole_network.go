package actions

import (
	"context"

	"lifeboat/providers"
)

func (absent) Allocate(_ context.Context, region string, _ map[string]string) (providers.Address, error) {
	return providers.Address{}, gone("allocate address", region)
}

func (absent) Release(_ context.Context, region, _ string) error {
	return gone("release address", region)
}

func (absent) AddressQuota(_ context.Context, region string) (used, limit int, err error) {
	return 0, 0, gone("read address quota", region)
}

// noObjects has a name of its own because a page is read by Get too.
type noObjects struct{}

func (noObjects) Get(_ context.Context, region, _, _ string) ([]byte, error) {
	return nil, gone("read object", region)
}

func (noObjects) Put(_ context.Context, region, _, _ string, _ []byte) error {
	return gone("write object", region)
}

func (noObjects) Delete(_ context.Context, region, _, _ string) error {
	return gone("delete object", region)
}
