package actions

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// The two snapshots on the way of a device: of the volume, where the server runs, and its copy, where the image will be.
const (
	partTaken  = "taken"
	partCopied = "copied"
)

// part is one device of the new image on its way.
type part struct {
	disk   providers.Disk // as the image will have it, Snapshot aside
	volume string         // of which a snapshot is taken, or
	from   string         // the image's own snapshot
	taken  providers.Snapshot
	here   providers.Snapshot // in the target region
}

// fromSnapshots makes an image of what the root volume holds now, and of the other disks as the source has them. Neither of
// its calls has a token: each thing that they make bears the key and its device, and is looked for before it is made.
func (a *imageCopy) fromSnapshots(ctx context.Context, call runbook.Call, before copyBefore) (providers.Image, error) {
	m, err := a.w.Instances.Instance(ctx, a.FromRegion, a.Instance)
	if err != nil {
		return providers.Image{}, err
	}
	source, err := a.w.Images.Image(ctx, a.FromRegion, cmp.Or(a.Image, m.Image))
	if err != nil {
		return providers.Image{}, err
	}
	parts, err := a.parts(ctx, m, source)
	if err != nil {
		return providers.Image{}, err
	}
	// Everything that can run side by side is started before anything is waited for.
	for n := range parts {
		p := &parts[n]
		if p.from == "" {
			p.taken, err = a.take(ctx, call, before, p)
		} else {
			p.here, err = a.carry(ctx, call, before, p, p.from)
		}
		if err != nil {
			return providers.Image{}, err
		}
	}
	for n := range parts {
		p := &parts[n]
		if p.from != "" {
			continue
		}
		if p.taken, err = a.whole(ctx, call, p.taken); err != nil {
			return providers.Image{}, err
		}
		if p.here, err = a.carry(ctx, call, before, p, p.taken.ID); err != nil {
			return providers.Image{}, err
		}
	}
	image := source
	image.Name, image.Tags, image.Disks = before.Name, a.tags(call, before), nil
	for _, p := range parts {
		if p.here, err = a.whole(ctx, call, p.here); err != nil {
			return providers.Image{}, err
		}
		p.disk.Snapshot = p.here.ID
		image.Disks = append(image.Disks, p.disk)
	}
	return a.register(ctx, call, image, empties(source))
}

// empties are the disks of an image that begin without content.
func empties(source providers.Image) []providers.Disk {
	return slices.DeleteFunc(slices.Clone(source.Disks), func(d providers.Disk) bool { return d.Snapshot != "" })
}

// parts are the disks that have content: the root, as the machine has it now, and the image's others.
func (a *imageCopy) parts(ctx context.Context, m providers.Instance, source providers.Image) ([]part, error) {
	root := cmp.Or(m.RootDevice, source.RootDevice)
	at := slices.IndexFunc(m.Disks, func(d providers.Disk) bool { return d.Device == root && d.Volume != "" })
	if at < 0 {
		return nil, runbook.Fail(fmt.Sprintf("EC2 names no volume at %s, the root device of %s", cmp.Or(root, "?"), m.ID),
			"a root device on the machine's own disk has no snapshot; nothing was copied", "use method: copy")
	}
	v, err := a.w.Volumes.Volume(ctx, a.FromRegion, m.Disks[at].Volume)
	if err != nil {
		return nil, err
	}
	// An image has the root device where its machine looks for it, however the machine's own list calls it.
	disk := providers.Disk{Device: source.RootDevice, SizeGiB: v.SizeGiB, Type: v.Type}
	parts := []part{{disk: disk, volume: v.ID}}
	for _, d := range source.Disks {
		switch {
		case d.Device == source.RootDevice:
			parts[0].disk.IOPS, parts[0].disk.Throughput, parts[0].disk.Kept = d.IOPS, d.Throughput, d.Kept
		case d.Snapshot != "":
			parts = append(parts, part{disk: d, from: d.Snapshot})
		}
	}
	return parts, nil
}

// marks are the tags of one snapshot on the way.
func (a *imageCopy) marks(call runbook.Call, p *part, which string) map[string]string {
	return map[string]string{tagKey: string(call.Key), tagDevice: p.disk.Device, tagPart: which}
}

// once looks for what bears the marks, and makes it when there is none. An earlier attempt may have made it a moment ago:
// then it looks again when whatever was made must be seen.
func (a *imageCopy) once(ctx context.Context, call runbook.Call, region string, marks map[string]string, make func() (providers.Snapshot, error)) (providers.Snapshot, error) {
	looks := 1
	if call.Attempt > 1 {
		looks = 2
	}
	for n := range looks {
		if n > 0 {
			if err := runbook.Sleep(ctx, a.w.clock, imageSettle); err != nil {
				return providers.Snapshot{}, err
			}
		}
		found, err := a.w.Snapshots.FindSnapshots(ctx, region, "", marks)
		if err != nil {
			return providers.Snapshot{}, err
		}
		if len(found) > 0 {
			return found[len(found)-1], nil // the first that was made
		}
	}
	return make()
}

func (a *imageCopy) take(ctx context.Context, call runbook.Call, before copyBefore, p *part) (providers.Snapshot, error) {
	marks := a.marks(call, p, partTaken)
	return a.once(ctx, call, a.FromRegion, marks, func() (providers.Snapshot, error) {
		tags := a.tags(call, before)
		maps.Copy(tags, marks)
		s, err := a.w.Snapshots.CreateSnapshot(ctx, a.FromRegion, p.volume, "lifeboat: root of "+a.Instance+", on the way to "+a.Region, tags)
		if err == nil {
			logf(call.Log, "EC2 accepted %s of %s in %s", s.ID, p.volume, a.FromRegion)
		}
		return s, err
	})
}

func (a *imageCopy) carry(ctx context.Context, call runbook.Call, before copyBefore, p *part, from string) (providers.Snapshot, error) {
	marks := a.marks(call, p, partCopied)
	return a.once(ctx, call, a.Region, marks, func() (providers.Snapshot, error) {
		tags := a.tags(call, before)
		maps.Copy(tags, marks)
		s, err := a.w.Snapshots.CopySnapshot(ctx, a.Region, providers.SnapshotCopy{
			FromRegion: a.FromRegion, Snapshot: from, KMSKey: a.KMSKey, Description: "lifeboat: copy of " + from + " in " + a.FromRegion, Tags: tags,
		})
		if err == nil {
			logf(call.Log, "EC2 accepted %s in %s as a copy of %s", s.ID, a.Region, from)
		}
		return s, err
	})
}

// whole waits until a snapshot is completed. One that failed is an end under this key.
func (a *imageCopy) whole(ctx context.Context, call runbook.Call, s providers.Snapshot) (providers.Snapshot, error) {
	began := a.w.clock.Now()
	for s.State == "pending" {
		passed := a.w.clock.Now().Sub(began)
		p := runbook.Progress{
			Text: fmt.Sprintf("snapshot %s in %s: %.0f %%", s.ID, s.Region, 100*s.Progress), Done: s.Progress * float64(s.SizeGiB),
			Total: float64(s.SizeGiB), Unit: "GiB",
		}
		call.Progress(p)
		if err := runbook.Sleep(ctx, a.w.clock, restful(passed)); err != nil {
			return s, err
		}
		switch now, err := a.w.Snapshots.Snapshot(ctx, s.Region, s.ID); {
		case err == nil:
			s = now
		case providers.Is(err, providers.NotFound) && passed < imageSettle, passes(err):
		default:
			return s, err
		}
	}
	if s.State != "completed" {
		return s, &deadSnapshot{s}
	}
	return s, nil
}

// deadSnapshot is a snapshot that will never be whole, and the end of everything under its key.
type deadSnapshot struct{ s providers.Snapshot }

func (d *deadSnapshot) Error() string { return d.broken().Evidence }

func (d *deadSnapshot) broken() runbook.Observation {
	o := seen(runbook.Broken, "snapshot %s in %s is %s: it will never be whole, and no image was made of it. Look at the key that encrypts it, and delete it: aws ec2 delete-snapshot --region %s --snapshot-id %s",
		d.s.ID, d.s.Region, d.s.State, d.s.Region, d.s.ID)
	o.KeySpent = true
	return o
}

// register makes the image, unless an attempt before has. Its name is of the key, so that EC2 itself refuses a second one.
func (a *imageCopy) register(ctx context.Context, call runbook.Call, i providers.Image, empty []providers.Disk) (providers.Image, error) {
	i.Disks = append(i.Disks, empty...)
	made, err := a.w.Copies.RegisterImage(ctx, a.Region, i)
	if !providers.Is(err, providers.Conflict) {
		return made, err
	}
	if err := runbook.Sleep(ctx, a.w.clock, imageSettle); err != nil {
		return providers.Image{}, err
	}
	mine, looked := a.mine(ctx, call)
	if looked != nil || mine.ID == "" {
		return mine, err // the name is somebody else's
	}
	return mine, nil
}

// onTheWay says how far a copy by snapshots is that has no image yet.
func (a *imageCopy) onTheWay(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	all, err := a.bearers(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	for _, s := range all {
		switch s.State {
		case "pending":
			return a.naming(ctx, call, providers.Image{}, seen(runbook.Pending, "snapshot %s in %s: %.0f %%", s.ID, s.Region, 100*s.Progress)), nil
		case "completed":
		default:
			return a.naming(ctx, call, providers.Image{}, (&deadSnapshot{s}).broken()), nil
		}
	}
	if len(all) > 0 {
		return seen(runbook.Absent, "%s in %s is there, and no image of it yet", all[0].ID, all[0].Region), nil
	}
	return seen(runbook.Absent, "no image in %s and no snapshot bears the key %s", a.Region, call.Key), nil
}

// bearers are the snapshots of both regions that this step has made.
func (a *imageCopy) bearers(ctx context.Context, call runbook.Call) ([]providers.Snapshot, error) {
	all, err := a.w.Snapshots.FindSnapshots(ctx, a.Region, "", map[string]string{tagKey: string(call.Key)})
	if err != nil || !a.snapshots() || a.FromRegion == a.Region {
		return all, err
	}
	taken, err := a.w.Snapshots.FindSnapshots(ctx, a.FromRegion, "", map[string]string{tagKey: string(call.Key)})
	return append(all, taken...), err
}

// leftOver deletes the snapshot that was only on the way, and those that an earlier run has left so, and says so when it
// could not. A drill deletes its own only, and leaves to its undo what the fence does not know yet.
func (a *imageCopy) leftOver(ctx context.Context, call runbook.Call, before copyBefore) string {
	if !a.snapshots() {
		return ""
	}
	if call.MayTouch != nil {
		return a.leftToUndo(ctx, call)
	}
	taken, err := a.w.Snapshots.FindSnapshots(ctx, a.FromRegion, "", map[string]string{tagName: before.Group, tagEstate: a.Estate, tagPart: partTaken})
	for _, s := range taken {
		if s.Tags[tagKey] != string(call.Key) && a.w.clock.Now().Sub(s.Started) < inFlight {
			continue // another run may be at work
		}
		if err == nil {
			err = a.w.Snapshots.DeleteSnapshot(ctx, a.FromRegion, s.ID)
		}
	}
	if err != nil {
		return fmt.Sprintf("; the snapshot on the way, in %s, is left: %s", a.FromRegion, reason(err))
	}
	return ""
}

// leftToUndo is leftOver of a drill.
func (a *imageCopy) leftToUndo(ctx context.Context, call runbook.Call) string {
	own, err := a.w.Snapshots.FindSnapshots(ctx, a.FromRegion, "", map[string]string{tagKey: string(call.Key), tagPart: partTaken})
	var left []string
	for _, s := range own {
		if call.MayTouch(runbook.Target{Kind: "snapshot", ID: s.ID, Region: a.FromRegion}) != nil {
			left = append(left, s.ID)
			continue
		}
		if err == nil {
			err = a.w.Snapshots.DeleteSnapshot(ctx, a.FromRegion, s.ID)
		}
	}
	switch {
	case err != nil:
		return fmt.Sprintf("; the snapshot on the way, in %s, is left: %s", a.FromRegion, reason(err))
	case len(left) > 0:
		return fmt.Sprintf("; on the way, in %s, %s stays until the drill is undone", a.FromRegion, strings.Join(left, ", "))
	}
	return ""
}
