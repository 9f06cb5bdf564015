package wrap

import (
	"context"
	"errors"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// LookOnly refuses every call that would change something or tell somebody, before it is sent: what holds such a set can
// look, and nothing else. refuse makes the error of what would have been changed. Commands pass where they say that they
// only read.
func LookOnly(set providers.Set, refuse func(what string) error) providers.Set {
	no := func(what string) error {
		if err := refuse(what); err != nil {
			return err
		}
		return errors.New("this would have changed " + what)
	}
	if set.Instances != nil {
		set.Instances = lookInstances{set.Instances, no}
	}
	if set.Snapshots != nil {
		set.Snapshots = lookSnapshots{set.Snapshots, no}
	}
	if set.Disks != nil {
		set.Disks = lookDisks{set.Disks, no}
	}
	if set.Copies != nil {
		set.Copies = lookCopies{set.Copies, no}
	}
	if set.Holdings != nil {
		set.Holdings = lookHoldings{set.Holdings, no}
	}
	set = Fence(set, func(t runbook.Target) error { return no(t.String()) })
	if set.Topics != nil { // a fence lets a drill speak
		set.Topics = lookTopics{no}
	}
	if set.Messenger != nil {
		set.Messenger = lookMessenger{no}
	}
	return set
}

// The makers are what the fence of a drill lets pass, because what a run makes is its own.

type lookInstances struct {
	providers.Instances
	no func(string) error
}

func (l lookInstances) Launch(context.Context, string, providers.Launch) (providers.Instance, error) {
	return providers.Instance{}, l.no("the account: a launch")
}

type lookSnapshots struct {
	providers.Snapshots
	no func(string) error
}

func (l lookSnapshots) CreateSnapshot(context.Context, string, string, string, map[string]string) (providers.Snapshot, error) {
	return providers.Snapshot{}, l.no("the account: a snapshot")
}

func (l lookSnapshots) CopySnapshot(context.Context, string, providers.SnapshotCopy) (providers.Snapshot, error) {
	return providers.Snapshot{}, l.no("the account: a copy of a snapshot")
}

type lookDisks struct {
	providers.VolumeMaker
	no func(string) error
}

func (l lookDisks) CreateVolume(context.Context, string, providers.NewVolume) (providers.Volume, error) {
	return providers.Volume{}, l.no("the account: a volume")
}

type lookCopies struct {
	providers.ImageMaker
	no func(string) error
}

func (l lookCopies) CopyImage(context.Context, string, providers.ImageCopy) (providers.Image, error) {
	return providers.Image{}, l.no("the account: a copy of an image")
}

func (l lookCopies) CreateImage(context.Context, string, string, string, bool, map[string]string) (providers.Image, error) {
	return providers.Image{}, l.no("the account: an image")
}

func (l lookCopies) RegisterImage(context.Context, string, providers.Image) (providers.Image, error) {
	return providers.Image{}, l.no("the account: an image")
}

type lookHoldings struct {
	providers.AddressMaker
	no func(string) error
}

func (l lookHoldings) Allocate(context.Context, string, map[string]string) (providers.Address, error) {
	return providers.Address{}, l.no("the account: an address")
}

type lookTopics struct{ no func(string) error }

func (l lookTopics) Publish(context.Context, string, string, string, string) (string, error) {
	return "", l.no("what people know: a message")
}

type lookMessenger struct{ no func(string) error }

func (l lookMessenger) Send(context.Context, string, string, string) error {
	return l.no("what people know: a message")
}
