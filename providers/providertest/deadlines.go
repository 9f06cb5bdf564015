package providertest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"lifeboat/providers"
)

var deadlineChecks = []check{{"a call after its deadline says so at once", func(Lab) map[string]bool { return nil }, expired}}

// expired makes every call with a context that has ended: each must answer at once that it did not get through. It may
// have been sent or not, so Lost and Unreachable are both true.
func expired(l lab) {
	ctx, cancel := context.WithCancel(l.t.Context())
	cancel()
	calls := l.calls(ctx)
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		began := l.Clock.Now()
		err := calls[name]()
		took := l.Clock.Now().Sub(began)
		var e *providers.Error
		switch {
		case !errors.As(err, &e):
			l.t.Errorf("%s after its deadline: %v is no *providers.Error", name, err)
		case e.Kind != providers.Lost && e.Kind != providers.Unreachable:
			l.t.Errorf("%s after its deadline: kind %q (%v)", name, e.Kind, err)
		}
		if took > 2*time.Second {
			l.t.Errorf("%s after its deadline took %s", name, took)
		}
	}
}

func (l lab) calls(ctx context.Context) map[string]func() error {
	const id = "i-0123456789abcdef0"
	calls := map[string]func() error{}
	if s := l.Set.Instances; s != nil && l.Region != "" {
		calls["launch"] = func() error { _, err := s.Launch(ctx, l.Region, l.spec(l.token("a"))); return err }
		calls["instance"] = func() error { _, err := s.Instance(ctx, l.Region, id); return err }
		calls["find instances"] = func() error {
			_, err := s.FindInstances(ctx, l.Region, map[string]string{"lifeboat:run": "never"})
			return err
		}
		calls["terminate"] = func() error { return s.Terminate(ctx, l.Region, id) }
		calls["host keys"] = func() error { _, err := s.HostKeys(ctx, l.Region, id); return err }
	}
	if s := l.Set.Volumes; s != nil && l.Volume != "" {
		calls["volume"] = func() error { _, err := s.Volume(ctx, l.Region, l.Volume); return err }
		calls["attach"] = func() error { return s.Attach(ctx, l.Region, l.Volume, id, device) }
		calls["detach"] = func() error { return s.Detach(ctx, l.Region, l.Volume, id) }
	}
	if s := l.Set.Snapshots; s != nil && l.Volume != "" {
		calls["snapshot"] = func() error { _, err := s.Snapshot(ctx, l.Region, "snap-0123456789abcdef0"); return err }
		calls["create snapshot"] = func() error { _, err := s.CreateSnapshot(ctx, l.Region, l.Volume, "", nil); return err }
		calls["copy snapshot"] = func() error {
			_, err := s.CopySnapshot(ctx, l.Region, providers.SnapshotCopy{FromRegion: l.Region, Snapshot: "snap-0123456789abcdef0"})
			return err
		}
		calls["delete snapshot"] = func() error { return s.DeleteSnapshot(ctx, l.Region, "snap-0123456789abcdef0") }
	}
	if s := l.Set.Disks; s != nil && l.Volume != "" {
		calls["create volume"] = func() error {
			_, err := s.CreateVolume(ctx, l.Region, providers.NewVolume{Token: l.token("v"), Zone: l.Zone, SizeGiB: 1})
			return err
		}
		calls["delete volume"] = func() error { return s.DeleteVolume(ctx, l.Region, l.Volume) }
		calls["hydration"] = func() error { _, err := s.Hydration(ctx, l.Region, l.Volume); return err }
	}
	if s := l.Set.Addresses; s != nil && l.Address != "" {
		calls["address"] = func() error { _, err := s.Address(ctx, l.Region, l.Address); return err }
		calls["associate"] = func() error { return s.Associate(ctx, l.Region, l.Address, id, "") }
		calls["disassociate"] = func() error { return s.Disassociate(ctx, l.Region, l.Address, id) }
	}
	if s := l.Set.Records; s != nil && l.HostedZone != "" {
		calls["record"] = func() error { _, err := s.Record(ctx, l.HostedZone, l.Name, "A"); return err }
		calls["change"] = func() error {
			_, err := s.Change(ctx, l.HostedZone, nil, &providers.Record{Name: l.Name, Type: "A", TTL: time.Minute, Values: []string{"192.0.2.1"}})
			return err
		}
	}
	if s := l.Set.Shell; s != nil && l.Host.Address != "" {
		calls["run"] = func() error { _, err := s.Run(ctx, l.Host, providers.Command{Argv: []string{"true"}}); return err }
	}
	if s := l.Set.Topics; s != nil && l.Topic != "" {
		calls["publish"] = func() error { _, err := s.Publish(ctx, l.Region, l.Topic, "subject", "text"); return err }
	}
	if s := l.Set.Messenger; s != nil {
		calls["send"] = func() error { return s.Send(ctx, "generic+http://127.0.0.1:9/", "subject", "text") }
	}
	if s := l.Set.Web; s != nil && l.URL != "" {
		calls["get"] = func() error { _, err := s.Get(ctx, l.URL, l.Page); return err }
	}
	return calls
}
