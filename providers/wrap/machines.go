package wrap

import (
	"context"
	"strings"

	"lifeboat/providers"
	"lifeboat/runbook"
)

type recordedPower struct {
	providers.Power
	r recorder
}

func (p recordedPower) Start(ctx context.Context, region, id string) (err error) {
	defer p.r.done("start", region, id)(&err)
	return p.Power.Start(ctx, region, id)
}

func (p recordedPower) Stop(ctx context.Context, region, id string, force bool) (err error) {
	how := ""
	if force {
		how = "forced"
	}
	defer p.r.done("stop", region, id, how)(&err)
	return p.Power.Stop(ctx, region, id, force)
}

func (p recordedPower) Reboot(ctx context.Context, region, id string) (err error) {
	defer p.r.done("reboot", region, id)(&err)
	return p.Power.Reboot(ctx, region, id)
}

func (p recordedPower) Regroup(ctx context.Context, region, id string, groups []string) (err error) {
	defer p.r.done("regroup", region, id, strings.Join(groups, ","))(&err)
	return p.Power.Regroup(ctx, region, id, groups)
}

type recordedPlaces struct {
	providers.Places
	r recorder
}

func (p recordedPlaces) Zones(ctx context.Context, region string) (_ []providers.AvailabilityZone, err error) {
	defer p.r.done("list zones", region)(&err)
	return p.Places.Zones(ctx, region)
}

func (p recordedPlaces) Offered(ctx context.Context, region, zone string) (_ []string, err error) {
	defer p.r.done("list types", region, zone)(&err)
	return p.Places.Offered(ctx, region, zone)
}

func (p recordedPlaces) MachineTypes(ctx context.Context, region string, names []string) (_ []providers.MachineType, err error) {
	defer p.r.done("read types", region, strings.Join(names, ","))(&err)
	return p.Places.MachineTypes(ctx, region, names)
}

func (p recordedPlaces) Subnets(ctx context.Context, region, vpc string) (_ []providers.Subnet, err error) {
	defer p.r.done("list subnets", region, vpc)(&err)
	return p.Places.Subnets(ctx, region, vpc)
}

func (p recordedPlaces) Groups(ctx context.Context, region, vpc string, names []string) (_ []providers.Group, err error) {
	defer p.r.done("find groups", region, vpc, strings.Join(names, ","))(&err)
	return p.Places.Groups(ctx, region, vpc, names)
}

// fencedPower holds all of Power back: turning a machine on or off, and putting it into other groups, changes that machine.
type fencedPower struct {
	power providers.Power
	may   func(runbook.Target) error
}

func (f fencedPower) Start(ctx context.Context, region, id string) error {
	if err := f.may(instance(region, id)); err != nil {
		return err
	}
	return f.power.Start(ctx, region, id)
}

func (f fencedPower) Stop(ctx context.Context, region, id string, force bool) error {
	if err := f.may(instance(region, id)); err != nil {
		return err
	}
	return f.power.Stop(ctx, region, id, force)
}

func (f fencedPower) Reboot(ctx context.Context, region, id string) error {
	if err := f.may(instance(region, id)); err != nil {
		return err
	}
	return f.power.Reboot(ctx, region, id)
}

func (f fencedPower) Regroup(ctx context.Context, region, id string, groups []string) error {
	if err := f.may(instance(region, id)); err != nil {
		return err
	}
	return f.power.Regroup(ctx, region, id, groups)
}
