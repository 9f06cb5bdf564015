package wrap

import (
	"context"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Fence refuses, before it is sent, every call that would change something that may does not allow; it returns may's
// error as it is. It is the second line behind the engine's own check, for what an action did not declare. Reads pass.
// So do Launch and Allocate: what they make belongs to the run. So do the snapshots, volumes and images that are made, for the same
// reason: a snapshot of a production volume changes nothing of that volume, and neither does its copy.
//
// What has passed as made may be changed through the same set at once, so that a step can clean up what it has made itself
// before an event tells of it.
func Fence(set providers.Set, may func(runbook.Target) error) providers.Set {
	mine := &own{}
	may = mine.or(may)
	if set.Archives != nil {
		set.Archives = fencedArchives{set.Archives, may}
	}
	if set.Instances != nil {
		set.Instances = fencedInstances{set.Instances, may, mine}
	}
	if set.Volumes != nil {
		set.Volumes = fencedVolumes{set.Volumes, may}
	}
	if set.Snapshots != nil {
		set.Snapshots = fencedSnapshots{set.Snapshots, may, mine}
	}
	if set.Disks != nil {
		set.Disks = fencedDisks{set.Disks, may, mine}
	}
	if set.Addresses != nil {
		set.Addresses = fencedAddresses{set.Addresses, may}
	}
	if set.Objects != nil {
		set.Objects = fencedObjects{set.Objects, may}
	}
	if set.Holdings != nil {
		set.Holdings = fencedHoldings{set.Holdings, may, mine}
	}
	if set.Records != nil {
		set.Records = fencedRecords{set.Records, may}
	}
	if set.Shell != nil {
		set.Shell = fencedShell{set.Shell, may}
	}
	if set.Power != nil {
		set.Power = fencedPower{set.Power, may}
	}
	if set.Copies != nil {
		set.Copies = fencedCopies{set.Copies, may, mine}
	}
	if set.Topics != nil {
		set.Topics = fencedTopics{set.Topics}
	}
	if set.Messenger != nil {
		set.Messenger = fencedMessenger{set.Messenger}
	}
	return set
}

// allow asks for all targets; the first refusal counts.
func allow(may func(runbook.Target) error, targets ...runbook.Target) error {
	for _, t := range targets {
		if err := may(t); err != nil {
			return err
		}
	}
	return nil
}

func instance(region, id string) runbook.Target {
	return runbook.Target{Kind: "instance", ID: id, Region: region}
}

type fencedInstances struct {
	providers.Instances
	may func(runbook.Target) error
	own *own
}

func (f fencedInstances) Terminate(ctx context.Context, region, id string) error {
	if err := f.may(instance(region, id)); err != nil {
		return err
	}
	return f.Instances.Terminate(ctx, region, id)
}

type fencedVolumes struct {
	providers.Volumes
	may func(runbook.Target) error
}

func (f fencedVolumes) Attach(ctx context.Context, region, volume, machine, device string) error {
	if err := allow(f.may, runbook.Target{Kind: "volume", ID: volume, Region: region}, instance(region, machine)); err != nil {
		return err
	}
	return f.Volumes.Attach(ctx, region, volume, machine, device)
}

func (f fencedVolumes) Detach(ctx context.Context, region, volume, machine string) error {
	if err := allow(f.may, runbook.Target{Kind: "volume", ID: volume, Region: region}, instance(region, machine)); err != nil {
		return err
	}
	return f.Volumes.Detach(ctx, region, volume, machine)
}

type fencedAddresses struct {
	providers.Addresses
	may func(runbook.Target) error
}

// Associate changes the machine that loses the address as well.
func (f fencedAddresses) Associate(ctx context.Context, region, address, machine, from string) error {
	targets := []runbook.Target{{Kind: "address", ID: address, Region: region}, instance(region, machine)}
	if from != "" && from != machine {
		targets = append(targets, instance(region, from))
	}
	if err := allow(f.may, targets...); err != nil {
		return err
	}
	return f.Addresses.Associate(ctx, region, address, machine, from)
}

func (f fencedAddresses) Disassociate(ctx context.Context, region, address, machine string) error {
	if err := allow(f.may, runbook.Target{Kind: "address", ID: address, Region: region}, instance(region, machine)); err != nil {
		return err
	}
	return f.Addresses.Disassociate(ctx, region, address, machine)
}

type fencedRecords struct {
	providers.Records
	may func(runbook.Target) error
}

func (f fencedRecords) Change(ctx context.Context, zone string, old, new *providers.Record) (string, error) {
	for _, r := range []*providers.Record{old, new} {
		if r == nil {
			continue
		}
		if err := f.mayRecord(zone, r); err != nil {
			return "", err
		}
	}
	return f.Records.Change(ctx, zone, old, new)
}

// mayRecord also accepts a name that is allowed without a zone: that is how an estate names a record whose zone it
// leaves to be found.
func (f fencedRecords) mayRecord(zone string, r *providers.Record) error {
	err := f.may(providers.RecordTarget(zone, r.Name, r.Type))
	if err != nil && f.may(providers.RecordTarget("", r.Name, r.Type)) == nil {
		return nil
	}
	return err
}

type fencedShell struct {
	providers.Shell
	may func(runbook.Target) error
}

// Run lets a command that only reads pass on every host: a drill reads the replica, and changes nothing there.
func (f fencedShell) Run(ctx context.Context, host providers.Host, cmd providers.Command) (providers.Result, error) {
	if !cmd.ReadOnly {
		if err := f.may(host.Target()); err != nil {
			return providers.Result{}, err
		}
	}
	return f.Shell.Run(ctx, host, cmd)
}
