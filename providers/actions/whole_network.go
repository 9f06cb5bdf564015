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
