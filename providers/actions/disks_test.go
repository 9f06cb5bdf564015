package actions

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

// The disks of the production region.
const (
	home     = "us-west-1"
	homeDisk = "vol-0e5f607182930415a"
	homeSnap = "snap-0e5f607182930415a"
	badKey   = "arn:aws:kms:us-east-1:123456789012:key/0f6a7b8c-9d0e-4f1a-8b2c-3d4e5f6a7b8c"
)

// sealed is the scene with an encrypted volume and a snapshot of it in the production region, and a key that is disabled.
func sealed(spec *sim.Spec) {
	disk := providers.Volume{
		ID: homeDisk, Region: home, Zone: "us-west-1a", State: "available", SizeGiB: 100, Encrypted: true,
		KMSKey: "arn:aws:kms:us-west-1:123456789012:key/1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d",
	}
	spec.Volumes = append(spec.Volumes, sim.Volume{Volume: disk, Data: sim.Data{Version: "nightly", Bytes: 41e9}})
	spec.Snapshots = []sim.Snapshot{{Snapshot: providers.Snapshot{
		ID: homeSnap, Region: home, Volume: homeDisk, State: "completed", SizeGiB: 100, Encrypted: true, KMSKey: disk.KMSKey,
		Tags: map[string]string{"Name": "www.example.com", "Role": "data", "aws:backup:source": "plan-1"},
	}}}
	spec.BadKeys = []string{badKey}
}

func diskTranscript(t *testing.T, name string, f func(s *stage), faults ...sim.Fault) {
	staged(t, name, func(spec *sim.Spec) { sealed(spec); spec.Faults.Calls = faults }, f)
}

func (s *stage) snap() *snap {
	return &snap{Estate: estateName, Volume: volume, Region: region, w: s.w}
}

// made says how many there are of what has no token.
func (s *stage) made() {
	a := s.world.Audit()
	s.say("snapshots made: %d, volumes made: %d, deleted: %d", len(a.Snapshots), len(a.Volumes), a.Deletions)
}

// comes observes until it holds or is broken, as the engine does: what was just made may be missing from what EC2 lists.
func (s *stage) comes(a runbook.Probe) runbook.Observation {
	for {
		o, err := a.Observe(s.ctx, s.call)
		early := time.Since(s.call.Since) < snapshotSettle
		if err == nil && (o.State == runbook.Pending || o.State == runbook.Absent && early) {
			time.Sleep(time.Second)
			continue
		}
		s.call.Did = o.Outputs
		return s.write("comes", o, err)
	}
}

// life is round for what EC2 lists late.
func (s *stage) life(a runbook.Action) {
	s.Helper()
	s.hand(a)
	s.check(a.(runbook.Checker))
	if !s.prepare(a) {
		return
	}
	s.observe(a)
	s.apply(a)
	s.comes(a)
	if u, ok := a.(runbook.Undoer); ok {
		s.undo(u)
		s.say("-- again, as after a crash")
		s.undo(u)
		time.Sleep(30 * time.Second)
		s.observe(a)
	}
}

func TestSnapshot(t *testing.T) {
	diskTranscript(t, "snapshot", func(s *stage) { s.life(s.snap()) })

	diskTranscript(t, "snapshot_answer_lost", func(s *stage) {
		a := s.snap()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.say("-- the same key once more")
		s.apply(a)
		s.comes(a)
		s.made()
	}, sim.Fault{Op: "ec2:CreateSnapshot", Kind: sim.FaultTimeoutDone, Times: 1})

	diskTranscript(t, "snapshot_answer_lost_then_undone", func(s *stage) {
		a := s.snap()
		s.prepare(a)
		s.apply(a)
		s.undo(a)
		s.made()
	}, sim.Fault{Op: "ec2:CreateSnapshot", Kind: sim.FaultErrorAfter, Times: 1})

	diskTranscript(t, "snapshot_never_happened", func(s *stage) {
		a := s.snap()
		s.prepare(a)
		s.apply(a)
		time.Sleep(snapshotSettle)
		s.observe(a)
		s.undo(a)
		s.made()
	}, sim.Fault{Op: "ec2:CreateSnapshot", Kind: sim.FaultTimeout, Times: 1})

	diskTranscript(t, "snapshot_no_volume", func(s *stage) {
		a := s.snap()
		a.Volume = "vol-0ffffffffffffffff"
		s.check(a)
		s.prepare(a)
	})

	diskTranscript(t, "snapshot_undo_of_another", func(s *stage) {
		a := s.snap()
		a.Region = home
		s.call.Did = map[string]any{"snapshot": homeSnap}
		s.undo(a)
		s.made()
	})
}

func (s *stage) carry() *carry {
	return &carry{Estate: estateName, Snapshot: homeSnap, From: home, Region: region, w: s.w}
}

func TestSnapshotCopy(t *testing.T) {
	diskTranscript(t, "carry", func(s *stage) { s.life(s.carry()) })

	diskTranscript(t, "carry_is_there", func(s *stage) {
		a := s.carry()
		s.prepare(a)
		s.apply(a)
		s.comes(a)
		s.say("-- another run")
		s.call = runbook.Call{Run: "20260103-030405-demo", Step: "step", Key: runbook.NewKey("20260103-030405-demo", "step", 1), Progress: s.call.Progress, Log: s.call.Log}
		s.life(a)
		s.made()
	})

	diskTranscript(t, "carry_answer_lost", func(s *stage) {
		a := s.carry()
		s.prepare(a)
		s.apply(a)
		time.Sleep(snapshotSettle)
		s.observe(a)
		s.apply(a)
		s.made()
	}, sim.Fault{Op: "ec2:CopySnapshot", Kind: sim.FaultResetAfter, Times: 1})

	diskTranscript(t, "carry_key_of_another_region", func(s *stage) {
		a := s.carry()
		a.KMSKey = "arn:aws:kms:us-west-1:123456789012:key/1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
		s.check(a)
		s.prepare(a)
		s.made()
	})

	diskTranscript(t, "carry_key_disabled", func(s *stage) {
		a := s.carry()
		a.KMSKey = badKey
		s.check(a)
		s.prepare(a)
		s.apply(a)
		s.comes(a)
		s.say("-- with the region's own key")
		s.again(2)
		a.KMSKey = ""
		s.prepare(a)
		s.apply(a)
		s.comes(a)
		s.made()
	})

	diskTranscript(t, "carry_while_pending", func(s *stage) {
		made, err := s.w.Snapshots.CreateSnapshot(s.ctx, home, homeDisk, "", nil)
		if err != nil {
			s.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		a := s.carry()
		a.Snapshot = made.ID
		s.prepare(a)
		time.Sleep(2 * time.Minute)
		s.prepare(a)
		a.From = region
		s.prepare(a)
	})
}

func (s *stage) create() *create {
	return &create{Estate: estateName, Snapshot: homeSnap, Zone: "us-west-1c", Region: home, Type: "gp3", Rate: 300, w: s.w}
}

func TestVolumeCreate(t *testing.T) {
	diskTranscript(t, "create", func(s *stage) { s.life(s.create()) })

	diskTranscript(t, "create_newest", func(s *stage) {
		c := s.carry()
		s.prepare(c)
		s.apply(c)
		s.comes(c)
		if _, err := s.w.Snapshots.CopySnapshot(s.ctx, region, providers.SnapshotCopy{
			FromRegion: home, Snapshot: homeSnap, Tags: map[string]string{tagVolume: homeDisk},
		}); err != nil {
			s.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		s.say("-- a volume from the newest that is completed, in the standby region, without a rate")
		a := s.create()
		a.Snapshot, a.Newest, a.Zone, a.Region, a.Rate = "", Newest{Volume: homeDisk}, zone, region, 0
		s.hand(a)
		s.check(a)
		s.prepare(a)
		s.apply(a)
		s.comes(a)
	})

	diskTranscript(t, "create_ambiguous", func(s *stage) {
		for _, v := range []string{volume, farDisk} {
			if _, err := s.w.Snapshots.CreateSnapshot(s.ctx, region, v, "", map[string]string{"Role": "data"}); err != nil {
				s.Fatal(err)
			}
		}
		time.Sleep(2 * time.Minute)
		a := s.create()
		a.Snapshot, a.Newest, a.Zone, a.Region = "", Newest{Tags: map[string]string{"Role": "data"}}, zone, region
		s.check(a)
		s.prepare(a)
		s.say("-- nothing matches")
		a.Newest = Newest{Tags: map[string]string{"Role": "mail"}}
		s.prepare(a)
		s.made()
	})

	diskTranscript(t, "create_answer_lost", func(s *stage) {
		a := s.create()
		s.prepare(a)
		s.apply(a)
		s.say("-- the same key once more")
		s.apply(a)
		s.comes(a)
		s.made()
	}, sim.Fault{Op: "ec2:CreateVolume", Kind: sim.FaultTimeoutDone, Times: 1})

	diskTranscript(t, "create_answer_lost_then_undone", func(s *stage) {
		a := s.create()
		s.prepare(a)
		s.apply(a)
		s.undo(a)
		s.made()
	}, sim.Fault{Op: "ec2:CreateVolume", Kind: sim.FaultResetAfter, Times: 1})

	diskTranscript(t, "create_refused", func(s *stage) {
		a := s.create()
		s.say("-- a zone of another region")
		a.Zone = zone
		s.prepare(a)
		s.say("-- a snapshot of another region")
		a.Zone, a.Region = zone, region
		s.prepare(a)
		s.say("-- a rate that EC2 does not offer")
		a = s.create()
		a.Rate = 500
		s.prepare(a)
		s.say("-- smaller than the snapshot")
		a = s.create()
		a.SizeGiB = 50
		s.prepare(a)
		s.say("-- of nothing")
		s.prepare(&create{Estate: estateName, Zone: zone, Region: region, w: s.w})
		s.made()
	})

	diskTranscript(t, "create_from_broken", func(s *stage) {
		c := s.carry()
		c.KMSKey = badKey
		s.prepare(c)
		o := s.apply(c)
		s.comes(c)
		a := s.create()
		a.Snapshot, a.Zone, a.Region = o.Made[0].ID, zone, region
		s.say("-- a volume from it")
		s.check(a)
		s.prepare(a)
	})

	diskTranscript(t, "create_key_disabled", func(s *stage) {
		a := s.create()
		a.Zone, a.Region, a.Snapshot, a.SizeGiB, a.Rate, a.KMSKey = zone, region, "", 10, 0, badKey
		s.prepare(a)
		s.apply(a)
		s.comes(a)
		s.undo(a)
		s.made()
	})

	diskTranscript(t, "create_undo_in_use", func(s *stage) {
		a := s.create()
		a.Zone, a.Region, a.Snapshot, a.SizeGiB, a.Rate = zone, region, "", 10, 0
		s.prepare(a)
		s.apply(a)
		o := s.comes(a)
		id := o.Outputs["volume"].(string)
		if err := s.w.Volumes.Attach(s.ctx, region, id, server, "/dev/sdg"); err != nil {
			s.Fatal(err)
		}
		s.undo(a)
		s.say("-- another's volume")
		s.call.Did = map[string]any{"volume": volume}
		s.undo(a)
		s.made()
	})
}

func TestHydrated(t *testing.T) {
	diskTranscript(t, "hydrated", func(s *stage) {
		a := s.create()
		s.prepare(a)
		s.apply(a)
		o := s.comes(a)
		h := &hydrated{Volume: o.Outputs["volume"].(string), Region: home, w: s.w}
		s.hand(h)
		s.observe(h)
		time.Sleep(time.Minute)
		s.check(h)
		s.observe(h)
		s.comes(h)
	})
	diskTranscript(t, "hydrated_unknown", func(s *stage) {
		a := s.create()
		a.Rate = 0
		s.prepare(a)
		s.apply(a)
		o := s.comes(a)
		h := &hydrated{Volume: o.Outputs["volume"].(string), Region: home, w: s.w}
		s.observe(h)
		s.comes(h)
		s.check(h)
		s.observe(&hydrated{Volume: volume, Region: region, w: s.w})
		s.observe(&hydrated{Volume: "vol-0ffffffffffffffff", Region: region, w: s.w})
	})
}

func TestDetach(t *testing.T) {
	diskTranscript(t, "detach", func(s *stage) { s.life(&detach{Volume: drillDisk, Region: region, w: s.w}) })
	diskTranscript(t, "detach_free", func(s *stage) {
		s.life(&detach{Volume: volume, Instance: server, Region: region, w: s.w})
		s.say("detached: %d", s.world.Audit().Detachments)
	})
	diskTranscript(t, "detach_from_another", func(s *stage) {
		s.life(&detach{Volume: drillDisk, Instance: server, Region: region, w: s.w})
		s.say("detached: %d", s.world.Audit().Detachments)
	})
	diskTranscript(t, "detach_answer_lost", func(s *stage) {
		a := &detach{Volume: drillDisk, Region: region, w: s.w}
		s.prepare(a)
		s.apply(a)
		s.comes(a)
		s.say("detached: %d", s.world.Audit().Detachments)
	}, sim.Fault{Op: "ec2:DetachVolume", Kind: sim.FaultTimeoutDone, Times: 1})
	diskTranscript(t, "detach_in_a_drill", func(s *stage) {
		s.call.MayTouch = func(t runbook.Target) error {
			if t.ID == other {
				return runbook.Fail("the drill fence refuses to change "+t.String(), "", "")
			}
			return nil
		}
		s.prepare(&detach{Volume: drillDisk, Region: region, w: s.w})
	})
	diskTranscript(t, "detach_mounted", func(s *stage) {
		s.mounted()
		a := &detach{Volume: volume, Region: region, w: s.w}
		s.prepare(a)
		s.apply(a)
		time.Sleep(time.Minute)
		s.observe(a)
		u := &unmount{Host: s.on(server), Path: "/srv/data", w: s.w}
		if err := u.on(s.call).unmount(s.ctx, "/srv/data"); err != nil {
			s.Fatal(err)
		}
		s.comes(a)
	})
}

func TestVolumeDelete(t *testing.T) {
	diskTranscript(t, "delete", func(s *stage) {
		c := s.create()
		s.prepare(c)
		s.apply(c)
		o := s.comes(c)
		a := &erase{Estate: estateName, Volume: o.Outputs["volume"].(string), Region: home, w: s.w}
		s.say("-- of another estate")
		a.Estate = "staging"
		s.life(a)
		a.Estate = estateName
		s.say("-- its own")
		s.life(a)
		s.made()
	})
	diskTranscript(t, "delete_not_ours", func(s *stage) {
		a := &erase{Estate: estateName, Volume: volume, Region: region, w: s.w}
		s.life(a)
		s.say("-- in words")
		a.Foreign = true
		s.life(a)
		s.say("-- in use")
		a.Volume = drillDisk
		s.life(a)
		s.made()
	})
}

func TestPrune(t *testing.T) {
	diskTranscript(t, "prune", func(s *stage) {
		for range 4 {
			a := s.snap()
			a.w = s.w
			s.call.Key += "x"
			if _, err := a.Apply(s.ctx, s.call); err != nil {
				s.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
		}
		a := &prune{Estate: estateName, Volume: volume, Keep: 2, Region: region, w: s.w}
		s.life(a)
		s.made()
		s.say("-- of another estate")
		s.observe(&prune{Estate: "staging", Volume: volume, Keep: 1, Region: region, w: s.w})
		s.say("-- no run made it")
		s.observe(&prune{Estate: estateName, Volume: homeDisk, Keep: 1, Region: home, w: s.w})
		s.prepare(&prune{Estate: estateName, Volume: homeDisk, Region: home, w: s.w})
		s.prepare(&prune{Estate: estateName, Keep: 1, Region: home, w: s.w})
	})
}

// diskStage is a stage whose transcript nobody compares.
func diskStage(t *testing.T, faults ...sim.Fault) *stage {
	spec := scene()
	sealed(&spec)
	spec.Faults.Calls = faults
	world := sim.NewMemory(spec, runbook.WallClock{})
	s := &stage{T: t, ctx: t.Context(), world: world, w: worldOf(world.Set())}
	s.call = runbook.Call{Run: "r", Step: "step", Key: runbook.NewKey("r", "step", 1), Progress: func(runbook.Progress) {}, Log: io.Discard}
	return s
}

// TestEveryAnswerLostLeavesOne loses the answer of each call that has no token, in each way, and goes on as the engine
// does: it looks until absence counts, and asks again under the same key.
func TestEveryAnswerLostLeavesOne(t *testing.T) {
	for _, kind := range []sim.FaultKind{sim.FaultTimeoutDone, sim.FaultResetAfter, sim.FaultErrorAfter, sim.FaultTimeout, sim.FaultReset, sim.FaultError} {
		for _, op := range []string{"ec2:CreateSnapshot", "ec2:CopySnapshot", "ec2:CreateVolume"} {
			t.Run(op+" "+string(kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := diskStage(t, sim.Fault{Op: op, Kind: kind, Times: 1})
					actions := map[string]runbook.Action{"ec2:CreateSnapshot": s.snap(), "ec2:CopySnapshot": s.carry(), "ec2:CreateVolume": s.create()}
					a := actions[op]
					s.prepare(a)
					if _, err := a.Apply(s.ctx, s.call); err == nil {
						t.Fatal("the answer was not lost")
					}
					time.Sleep(snapshotSettle)
					if o, err := a.Observe(s.ctx, s.call); err != nil {
						t.Fatal(err)
					} else if o.State == runbook.Absent {
						s.call.Since = time.Now()
						if _, err := a.Apply(s.ctx, s.call); err != nil {
							t.Fatal(err)
						}
					}
					if o := s.comes(a); o.State != runbook.Holds {
						t.Errorf("it ends as %+v", o)
					}
					if audit := s.world.Audit(); len(audit.Snapshots)+len(audit.Volumes) != 1 {
						t.Errorf("snapshots %v, volumes %v", audit.Snapshots, audit.Volumes)
					}
				})
			})
		}
	}
}
