package wrap_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/providers/wrap"
	"lifeboat/runbook"
)

const (
	region = "us-east-1"
	zoneID = "Z0123456789EXAMPLE"
	ours   = "i-0b2c3d4e5f6071829"
	theirs = "i-0c3d4e5f607182930"
	disk   = "vol-0b2c3d4e5f6071829"
	number = "198.51.100.7"
	spare  = "198.51.100.8"
	saved  = "snap-0b2c3d4e5f6071829"

	picture = "ami-0b2c3d4e5f6071829"
)

func world() *sim.World {
	machine := func(id, private string) sim.Instance {
		return sim.Instance{Instance: providers.Instance{
			ID: id, Region: region, Zone: "us-east-1a", State: providers.InstanceRunning, Checks: providers.ChecksOK, PrivateAddress: private,
		}}
	}
	return sim.NewMemory(sim.Spec{
		Instances: []sim.Instance{machine(ours, "192.0.2.11"), machine(theirs, "192.0.2.12")},
		Images:    []providers.Image{{ID: picture, Region: region, State: "available"}},
		Volumes:   []sim.Volume{{Volume: providers.Volume{ID: disk, Region: region, Zone: "us-east-1a", State: "available"}}},
		Snapshots: []sim.Snapshot{{Snapshot: providers.Snapshot{ID: saved, Region: region, Volume: disk, SizeGiB: 8}}},
		Addresses: []providers.Address{{Address: number, Region: region, Instance: theirs}, {Address: spare, Region: region}},
		Buckets:   []sim.Bucket{{Name: "shop-flags", Region: region}},
		Zones: []sim.Zone{{
			Zone:    providers.Zone{ID: zoneID, Name: "example.com", Servers: []string{"ns-1.example.net"}},
			Records: []providers.Record{{Name: "www.example.com", Type: "A", TTL: time.Minute, Values: []string{"203.0.113.10"}}},
		}},
	}, runbook.WallClock{})
}

var errFence = errors.New("the fence refuses")

// mutations is every call that changes something, with the targets that it changes.
var mutations = []struct {
	name    string
	targets []string
	call    func(context.Context, providers.Set) error
}{
	{"terminate", []string{ours}, func(ctx context.Context, s providers.Set) error { return s.Instances.Terminate(ctx, region, ours) }},
	{"attach", []string{disk, ours}, func(ctx context.Context, s providers.Set) error {
		return s.Volumes.Attach(ctx, region, disk, ours, "/dev/sdf")
	}},
	{"detach", []string{disk, ours}, func(ctx context.Context, s providers.Set) error { return s.Volumes.Detach(ctx, region, disk, ours) }},
	{"delete volume", []string{disk}, func(ctx context.Context, s providers.Set) error { return s.Disks.DeleteVolume(ctx, region, disk) }},
	{"delete snapshot", []string{saved}, func(ctx context.Context, s providers.Set) error {
		return s.Snapshots.DeleteSnapshot(ctx, region, saved)
	}},
	{"associate", []string{number, ours, theirs}, func(ctx context.Context, s providers.Set) error {
		return s.Addresses.Associate(ctx, region, number, ours, theirs)
	}},
	{"disassociate", []string{number, theirs}, func(ctx context.Context, s providers.Set) error {
		return s.Addresses.Disassociate(ctx, region, number, theirs)
	}},
	{"release", []string{spare}, func(ctx context.Context, s providers.Set) error { return s.Holdings.Release(ctx, region, spare) }},
	{"put", []string{"shop-flags/on"}, func(ctx context.Context, s providers.Set) error {
		return s.Objects.Put(ctx, region, "shop-flags", "on", []byte("x"))
	}},
	{"delete object", []string{"shop-flags/on"}, func(ctx context.Context, s providers.Set) error {
		return s.Objects.Delete(ctx, region, "shop-flags", "on")
	}},
	{"change", []string{zoneID + "/new.example.com./A"}, func(ctx context.Context, s providers.Set) error {
		_, err := s.Records.Change(ctx, zoneID, nil, &providers.Record{Name: "new.example.com", Type: "A", TTL: time.Minute, Values: []string{number}})
		return err
	}},
	{"delete", []string{zoneID + "/www.example.com./A"}, func(ctx context.Context, s providers.Set) error {
		r, err := s.Records.Record(ctx, zoneID, "www.example.com", "A")
		if err != nil {
			return err
		}
		_, err = s.Records.Change(ctx, zoneID, &r, nil)
		return err
	}},
	{"create image", []string{ours}, func(ctx context.Context, s providers.Set) error {
		_, err := s.Copies.CreateImage(ctx, region, ours, "shop", false, nil)
		return err
	}},
	{"share", []string{picture}, func(ctx context.Context, s providers.Set) error {
		return s.Copies.Share(ctx, region, picture, []string{"123456789012"})
	}},
	{"deregister", []string{picture}, func(ctx context.Context, s providers.Set) error {
		return s.Copies.Deregister(ctx, region, picture)
	}},
	{"run", []string{ours}, func(ctx context.Context, s providers.Set) error {
		_, err := s.Shell.Run(ctx, providers.Host{Address: "192.0.2.11", ID: ours}, providers.Command{Argv: []string{"mkdir", "-p", "/x"}})
		return err
	}},
}

func TestFenceNeedsEveryTarget(t *testing.T) {
	for _, m := range mutations {
		for _, refused := range append([]string{""}, m.targets...) {
			t.Run(m.name+" without "+refused, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := world()
					may := func(target runbook.Target) error {
						for _, id := range m.targets {
							if target.ID == id && id != refused {
								return nil
							}
						}
						return errFence
					}
					err := m.call(t.Context(), wrap.Fence(w.Set(), may))
					if refused == "" && err != nil {
						t.Errorf("all targets are allowed: %v", err)
					}
					if refused == "" {
						return
					}
					if !errors.Is(err, errFence) {
						t.Errorf("error %v", err)
					}
					if calls := w.Audit().Calls; len(calls) > 0 {
						t.Errorf("the call went out: %v", calls)
					}
				})
			})
		}
	}
}

func TestFenceLetsWhatIsMadePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, w := t.Context(), world()
		s := wrap.Fence(w.Set(), func(runbook.Target) error { return errFence })
		if _, err := s.Snapshots.CreateSnapshot(ctx, region, disk, "", nil); err != nil {
			t.Error(err)
		}
		if _, err := s.Snapshots.CopySnapshot(ctx, "us-west-1", providers.SnapshotCopy{FromRegion: region, Snapshot: saved}); err != nil {
			t.Error(err)
		}
		if _, err := s.Disks.CreateVolume(ctx, region, providers.NewVolume{Token: "t", Zone: "us-east-1a", Snapshot: saved}); err != nil {
			t.Error(err)
		}
		v, err := s.Disks.CreateVolume(ctx, region, providers.NewVolume{Token: "u", Zone: "us-east-1a", SizeGiB: 1})
		if err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // until it can be read
		if err := s.Disks.DeleteVolume(ctx, region, v.ID); err != nil {
			t.Errorf("what was made here may not be removed: %v", err)
		}
		if err := s.Disks.DeleteVolume(ctx, region, disk); !errors.Is(err, errFence) {
			t.Errorf("what was not made here may be removed: %v", err)
		}
		if a := w.Audit(); len(a.Snapshots) != 2 || len(a.Volumes) != 2 || a.Deletions != 1 {
			t.Errorf("%+v", a)
		}
	})
}

func TestFenceLetsReadsAndLaunchPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, w := t.Context(), world()
		s := wrap.Fence(w.Set(), func(runbook.Target) error { return errFence })
		if _, err := s.Volumes.Volume(ctx, region, disk); err != nil {
			t.Error(err)
		}
		if _, err := s.Records.Record(ctx, zoneID, "www.example.com", "A"); err != nil {
			t.Error(err)
		}
		if _, err := s.Names.Ask(ctx, "ns-1.example.net:53", "www.example.com", "A"); err != nil {
			t.Error(err)
		}
		if _, err := s.Shell.Run(ctx, providers.Host{Address: "192.0.2.12", ID: theirs}, providers.Command{Argv: []string{"true"}, ReadOnly: true}); err != nil {
			t.Error(err)
		}
		if _, err := s.Holdings.Allocate(ctx, region, nil); err != nil {
			t.Error(err)
		}
		if _, err := s.Instances.Launch(ctx, region, providers.Launch{Token: "t", Image: picture, Type: "m7i.large", Zone: "us-east-1a"}); err != nil {
			t.Error(err)
		}
		if _, err := s.Copies.CopyImage(ctx, region, providers.ImageCopy{Token: "t", FromRegion: region, Image: picture, Name: "copy"}); err != nil {
			t.Error(err)
		}
		if _, err := s.Copies.CreateImage(ctx, region, ours, "shop", true, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestFenceKnowsARecordWhoseZoneIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := wrap.Fence(world().Set(), func(target runbook.Target) error {
			if target.ID == "/drill.example.com./A" {
				return nil
			}
			return errFence
		})
		change := func(name string) error {
			_, err := s.Records.Change(t.Context(), zoneID, nil, &providers.Record{Name: name, Type: "A", TTL: time.Minute, Values: []string{number}})
			return err
		}
		if err := change("Drill.example.com"); err != nil {
			t.Error(err)
		}
		if err := change("www.example.com"); !errors.Is(err, errFence) {
			t.Errorf("error %v", err)
		}
	})
}

func TestMissingStaysMissing(t *testing.T) {
	clock := runbook.WallClock{}
	s := wrap.Record(wrap.Fence(providers.Set{}, nil), clock, nil)
	if s != (providers.Set{}) {
		t.Errorf("%+v", s)
	}
}

func TestRecordTellsEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []wrap.CallRecord
		w := world()
		s := wrap.Record(w.Set(), runbook.WallClock{}, func(c wrap.CallRecord) { got = append(got, c) })
		for _, m := range mutations {
			got = nil
			err := m.call(t.Context(), s)
			if len(got) == 0 {
				t.Fatalf("%s is not in the record", m.name)
			}
			last := got[len(got)-1]
			if (last.Error != "") != (err != nil) || last.Took <= 0 || last.Time.IsZero() {
				t.Errorf("%s: %+v, %v", m.name, last, err)
			}
			for _, id := range m.targets {
				name, _, _ := strings.Cut(strings.TrimPrefix(id, zoneID+"/"), "./")
				if !strings.Contains(last.Args+last.Where, name) {
					t.Errorf("%s: %+v does not name %s", m.name, last, id)
				}
			}
		}
	})
}

func TestRecordKeepsSecretsOut(t *testing.T) {
	const canary = "hunter2-canary"
	var got []wrap.CallRecord
	set := wrap.Record(providers.Set{Shell: quiet{}, Web: quiet{}, Instances: quiet{}}, runbook.WallClock{}, func(c wrap.CallRecord) { got = append(got, c) })
	ctx := t.Context()
	_, _ = set.Shell.Run(ctx, providers.Host{Address: "h"}, providers.Command{Argv: []string{"pay", "all bills"}, Stdin: canary, Env: map[string]string{"TOKEN": canary}})
	_, _ = set.Web.Get(ctx, "https://user:"+canary+"@www.example.com/x?key="+canary, "")
	_, _ = set.Instances.Launch(ctx, region, providers.Launch{UserData: canary, Token: "t"})
	_, _ = set.Shell.Run(ctx, providers.Host{Address: "h"}, providers.Command{Argv: []string{strings.Repeat("é", 1000)}})
	if len(got) != 4 {
		t.Fatalf("%d records", len(got))
	}
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), canary) {
		t.Errorf("a secret is in %s", b)
	}
	if want := `"pay" "all bills" < 14 bytes`; got[0].Args != want || got[0].Error != "status 3" {
		t.Errorf("%+v, want %s", got[0], want)
	}
	if len(got[3].Args) > 410 || !strings.HasSuffix(got[3].Args, "…") {
		t.Errorf("%d bytes of arguments", len(got[3].Args))
	}
}

// quiet answers everything with nothing; a command ends with status 3.
type quiet struct{ providers.Instances }

func (quiet) Launch(context.Context, string, providers.Launch) (providers.Instance, error) {
	return providers.Instance{}, nil
}

func (quiet) Run(context.Context, providers.Host, providers.Command) (providers.Result, error) {
	return providers.Result{Status: 3}, nil
}

func (quiet) Get(context.Context, string, string) (providers.Page, error) {
	return providers.Page{}, nil
}
