package actions

import (
	"context"

	"lifeboat/providers"
)

// noPower and noPlaces are the providers of these names that are not there.
type (
	noPower  struct{}
	noPlaces struct{}
)

func (noPower) Start(_ context.Context, region, _ string) error { return gone("start", region) }

func (noPower) Stop(_ context.Context, region, _ string, _ bool) error { return gone("stop", region) }

func (noPower) Reboot(_ context.Context, region, _ string) error { return gone("reboot", region) }

func (noPower) Regroup(_ context.Context, region, _ string, _ []string) error {
	return gone("regroup", region)
}

func (noPlaces) Zones(_ context.Context, region string) ([]providers.AvailabilityZone, error) {
	return nil, gone("list zones", region)
}

func (noPlaces) Offered(_ context.Context, region, _ string) ([]string, error) {
	return nil, gone("list types", region)
}

func (noPlaces) MachineTypes(_ context.Context, region string, _ []string) ([]providers.MachineType, error) {
	return nil, gone("read types", region)
}

func (noPlaces) Subnets(_ context.Context, region, _ string) ([]providers.Subnet, error) {
	return nil, gone("list subnets", region)
}

func (noPlaces) Groups(_ context.Context, region, _ string, _ []string) ([]providers.Group, error) {
	return nil, gone("find groups", region)
}
