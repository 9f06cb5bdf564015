package wrap

import (
	"context"
	"strconv"

	"lifeboat/providers"
	"lifeboat/runbook"
)

type recordedSnapshots struct {
	providers.Snapshots
	r recorder
}

func (p recordedSnapshots) Snapshot(ctx context.Context, region, id string) (_ providers.Snapshot, err error) {
	defer p.r.done("read snapshot", region, id)(&err)
	return p.Snapshots.Snapshot(ctx, region, id)
}

func (p recordedSnapshots) FindSnapshots(ctx context.Context, region, volume string, tags map[string]string) (_ []providers.Snapshot, err error) {
	defer p.r.done("find snapshots", region, volume, tagWords(tags))(&err)
	return p.Snapshots.FindSnapshots(ctx, region, volume, tags)
}

func (p recordedSnapshots) CreateSnapshot(ctx context.Context, region, volume, description string, tags map[string]string) (_ providers.Snapshot, err error) {
	defer p.r.done("create snapshot", region, volume, tagWords(tags))(&err)
	return p.Snapshots.CreateSnapshot(ctx, region, volume, description, tags)
}

func (p recordedSnapshots) CopySnapshot(ctx context.Context, region string, c providers.SnapshotCopy) (_ providers.Snapshot, err error) {
	defer p.r.done("copy snapshot", region, c.Snapshot, "from="+c.FromRegion, c.KMSKey, tagWords(c.Tags))(&err)
	return p.Snapshots.CopySnapshot(ctx, region, c)
}

func (p recordedSnapshots) DeleteSnapshot(ctx context.Context, region, id string) (err error) {
	defer p.r.done("delete snapshot", region, id)(&err)
	return p.Snapshots.DeleteSnapshot(ctx, region, id)
}

type recordedDisks struct {
	providers.VolumeMaker
	r recorder
}

func (p recordedDisks) CreateVolume(ctx context.Context, region string, v providers.NewVolume) (_ providers.Volume, err error) {
	rate := ""
	if v.Rate > 0 {
		rate = "rate=" + strconv.Itoa(v.Rate) + "MiB/s"
	}
	defer p.r.done("create volume", region, v.Zone, v.Snapshot, v.Type, rate, v.KMSKey, "token="+v.Token)(&err)
	return p.VolumeMaker.CreateVolume(ctx, region, v)
}

func (p recordedDisks) DeleteVolume(ctx context.Context, region, id string) (err error) {
	defer p.r.done("delete volume", region, id)(&err)
	return p.VolumeMaker.DeleteVolume(ctx, region, id)
}

func (p recordedDisks) Hydration(ctx context.Context, region, id string) (_ providers.Hydration, err error) {
	defer p.r.done("read hydration", region, id)(&err)
	return p.VolumeMaker.Hydration(ctx, region, id)
}

type fencedSnapshots struct {
	providers.Snapshots
	may func(runbook.Target) error
	own *own
}

func (f fencedSnapshots) DeleteSnapshot(ctx context.Context, region, id string) error {
	if err := f.may(runbook.Target{Kind: "snapshot", ID: id, Region: region}); err != nil {
		return err
	}
	return f.Snapshots.DeleteSnapshot(ctx, region, id)
}

type fencedDisks struct {
	providers.VolumeMaker
	may func(runbook.Target) error
	own *own
}

func (f fencedDisks) DeleteVolume(ctx context.Context, region, id string) error {
	if err := f.may(runbook.Target{Kind: "volume", ID: id, Region: region}); err != nil {
		return err
	}
	return f.VolumeMaker.DeleteVolume(ctx, region, id)
}
