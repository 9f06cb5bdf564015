package wrap

import (
	"context"
	"sync"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// own is what has passed through the fence as made. It belongs to the run before its journal says so: a step whose second
// call is refused cleans up after its first, and what it may change must not wait for an event.
type own struct {
	mu   sync.Mutex
	made map[runbook.Target]bool // without their regions: an id is one thing
}

func (o *own) add(err error, kind, id string) {
	if err != nil || id == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made == nil {
		o.made = map[runbook.Target]bool{}
	}
	o.made[runbook.Target{Kind: kind, ID: id}] = true
}

// or lets pass what was made here, and asks may for everything else.
func (o *own) or(may func(runbook.Target) error) func(runbook.Target) error {
	return func(t runbook.Target) error {
		o.mu.Lock()
		mine := o.made[runbook.Target{Kind: t.Kind, ID: t.ID}] || t.Kind == "host" && o.made[runbook.Target{Kind: "instance", ID: t.ID}]
		o.mu.Unlock()
		if mine {
			return nil
		}
		return may(t)
	}
}

func (f fencedInstances) Launch(ctx context.Context, region string, l providers.Launch) (providers.Instance, error) {
	i, err := f.Instances.Launch(ctx, region, l)
	f.own.add(err, "instance", i.ID)
	return i, err
}

func (f fencedSnapshots) CreateSnapshot(ctx context.Context, region, volume, description string, tags map[string]string) (providers.Snapshot, error) {
	s, err := f.Snapshots.CreateSnapshot(ctx, region, volume, description, tags)
	f.own.add(err, "snapshot", s.ID)
	return s, err
}

func (f fencedSnapshots) CopySnapshot(ctx context.Context, region string, c providers.SnapshotCopy) (providers.Snapshot, error) {
	s, err := f.Snapshots.CopySnapshot(ctx, region, c)
	f.own.add(err, "snapshot", s.ID)
	return s, err
}

func (f fencedDisks) CreateVolume(ctx context.Context, region string, n providers.NewVolume) (providers.Volume, error) {
	v, err := f.VolumeMaker.CreateVolume(ctx, region, n)
	f.own.add(err, "volume", v.ID)
	return v, err
}

func (f fencedCopies) CopyImage(ctx context.Context, region string, c providers.ImageCopy) (providers.Image, error) {
	i, err := f.ImageMaker.CopyImage(ctx, region, c)
	f.own.add(err, "image", i.ID)
	return i, err
}

func (f fencedCopies) RegisterImage(ctx context.Context, region string, image providers.Image) (providers.Image, error) {
	i, err := f.ImageMaker.RegisterImage(ctx, region, image)
	f.own.add(err, "image", i.ID)
	return i, err
}

func (f fencedHoldings) Allocate(ctx context.Context, region string, tags map[string]string) (providers.Address, error) {
	a, err := f.AddressMaker.Allocate(ctx, region, tags)
	f.own.add(err, "address", a.Address)
	return a, err
}
