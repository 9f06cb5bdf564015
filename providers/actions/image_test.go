package actions

import (
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

// What the stage has beside the rest for images: production's image and its root volume, in us-west-1.
const (
	source     = "ami-0a1b2c3d4e5f60718"
	earlier    = "ami-0a1b2c3d4e5f60700" // what production ran before
	rootVolume = "vol-0a1b2c3d4e5f60701"
	elsewhere  = "us-west-1"
	account    = "111122223333"
	estateName = "shop"
)

// shown is a transcript on a stage with images; change makes the scene another one.
func shown(t *testing.T, name string, change func(*sim.Spec), f func(s *stage), faults ...sim.Fault) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			spec := scene()
			spec.Faults.Calls = faults
			withImages(&spec)
			if change != nil {
				change(&spec)
			}
			world := sim.NewMemory(spec, runbook.WallClock{})
			s := &stage{T: t, ctx: t.Context(), world: world, w: worldOf(world.Set())}
			s.call = callOf("20260102-030405-demo")
			f(s)
			s.compare(name)
		})
	})
}

func withImages(spec *sim.Spec) {
	disk := func(snapshot string) []providers.Disk {
		return []providers.Disk{{Device: "/dev/xvda", Snapshot: snapshot, SizeGiB: 8, Type: "gp3", IOPS: 3000, Throughput: 125}}
	}
	old := providers.Image{
		ID: earlier, Region: elsewhere, Name: "www-2", State: "available", Architecture: "x86_64", BootMode: "uefi-preferred", Virtualization: "hvm",
		RootDevice: "/dev/xvda", ENA: true, IMDS: "v2.0", Disks: disk("snap-0a1b2c3d4e5f60700"), Tags: map[string]string{"Role": "www"},
	}
	now := old
	now.ID, now.Name, now.Disks = source, "www-3", disk("snap-0a1b2c3d4e5f60718")
	spec.Images = append(spec.Images, old, now)
	spec.Volumes = append(spec.Volumes, sim.Volume{Volume: providers.Volume{
		ID: rootVolume, Region: elsewhere, Zone: "us-west-1a", State: "in-use", SizeGiB: 8, Type: "gp3", Instance: spec.Instances[0].ID, Device: "/dev/xvda", Attachment: "attached",
	}})
	m := &spec.Instances[0]
	m.State, m.Image, m.RootDevice = providers.InstanceRunning, source, "/dev/xvda"
	m.Disks = []providers.Disk{{Device: "/dev/xvda", Volume: rootVolume, SizeGiB: 8, Type: "gp3"}}
}

func (s *stage) imageCopy() *imageCopy {
	return &imageCopy{Estate: estateName, Image: source, FromRegion: elsewhere, Region: region, Name: "www", Method: "copy", Current: image, w: s.w}
}

// run takes a step through one run of its own: a night of copying.
func (s *stage) run(id runbook.RunID, a runbook.Action) runbook.Observation {
	s.say("-- run %s", id)
	s.call = callOf(id)
	if !s.prepare(a) {
		return runbook.Observation{}
	}
	return s.apply(a)
}

// left says what images and snapshots there are of the name.
func (s *stage) left(region string) {
	all, err := s.w.Images.FindImages(s.ctx, region, map[string]string{tagName: "www"})
	if err != nil {
		s.Fatal(err)
	}
	parts, err := s.w.Snapshots.FindSnapshots(s.ctx, region, "", map[string]string{tagName: "www"})
	if err != nil {
		s.Fatal(err)
	}
	s.say("left in %s: %d images, %d snapshots", region, len(all), len(parts))
	for _, i := range all {
		s.say("  %s %s %s %v %s", i.ID, i.State, i.BootMode, i.Disks, i.Tags["Role"])
	}
}

func (s *stage) asked(ops ...string) {
	made := s.world.Audit().Calls
	for _, op := range ops {
		s.say("%s: %d", op, made[op])
	}
}

// newer puts a newer image in production, of what the server holds now.
func (s *stage) newer() string {
	i, err := s.w.Copies.CreateImage(s.ctx, elsewhere, old, "www-"+time.Now().Format("150405"), true, map[string]string{"Role": "www"})
	if err != nil {
		s.Fatal(err)
	}
	time.Sleep(5 * time.Minute)
	return i.ID
}

func TestImageCopy(t *testing.T) {
	shown(t, "image_copy", nil, func(s *stage) {
		if err := s.w.Copies.Share(s.ctx, elsewhere, source, []string{account}); err != nil {
			s.Fatal(err)
		}
		var shown []string
		s.call.Progress = func(p runbook.Progress) { shown = append(shown, p.Text) }
		s.round(s.imageCopy())
		s.left(region)
		s.say("progress, %d times: %s ... %s", len(shown), shown[10], shown[len(shown)-10])
	})

	shown(t, "image_copy_shared", nil, func(s *stage) {
		if err := s.w.Copies.Share(s.ctx, elsewhere, source, []string{account, "444455556666"}); err != nil {
			s.Fatal(err)
		}
		s.prepare(s.imageCopy())
		o := s.apply(s.imageCopy())
		who, err := s.w.Copies.Shared(s.ctx, region, o.Outputs["image"].(string))
		s.say("shared with %v %v", who, err)
		s.left(region)
	})

	shown(t, "image_copy_only_when_changed", nil, func(s *stage) {
		a := s.imageCopy()
		s.run("first", a)
		time.Sleep(time.Hour)
		s.check(a)
		s.run("second", a)
		a.Image = s.newer()
		s.check(a)
		s.run("third", a)
		s.asked("ec2:CopyImage")
	})

	shown(t, "image_copy_made_elsewhere", nil, func(s *stage) {
		i, err := s.w.Copies.CopyImage(s.ctx, region, providers.ImageCopy{FromRegion: elsewhere, Image: source, Name: "by hand"})
		if err != nil {
			s.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		s.say("-- somebody copies it by hand: %s", i.ID)
		a := s.imageCopy()
		s.prepare(a)
		s.observe(a)
		s.apply(a)
		s.undo(a)
		s.asked("ec2:CopyImage", "ec2:DeregisterImage")
	})

	shown(t, "image_copy_refused", nil, func(s *stage) {
		for _, change := range []func(*imageCopy){
			func(a *imageCopy) { a.Method = "rsync" },
			func(a *imageCopy) { a.Image = "" },
			func(a *imageCopy) { a.Method = "snapshot" },
			func(a *imageCopy) { a.KMSKey = "arn:aws:kms:us-west-1:123456789012:key/1" },
			func(a *imageCopy) { a.Image = "ami-0ffffffffffffffff" },
		} {
			a := s.imageCopy()
			change(a)
			s.check(a)
			s.prepare(a)
		}
		s.asked("ec2:CopyImage")
	})
}

func TestImageCopyAfterACrash(t *testing.T) {
	shown(t, "image_copy_answer_lost", nil, func(s *stage) {
		a := s.imageCopy()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		time.Sleep(10 * time.Second)
		s.observe(a)
		s.settle(a)
		s.say("-- the same key once more")
		s.apply(a)
		s.left(region)
	}, sim.Fault{Op: "ec2:CopyImage", Kind: sim.FaultTimeoutDone, Times: 1})

	shown(t, "image_copy_never_happened", nil, func(s *stage) {
		a := s.imageCopy()
		s.prepare(a)
		s.apply(a)
		time.Sleep(imageSettle)
		s.observe(a)
		s.undo(a)
	}, sim.Fault{Op: "ec2:CopyImage", Kind: sim.FaultTimeout, Times: 1})

	shown(t, "image_copy_dies_before_it_is_shared", nil, func(s *stage) {
		if err := s.w.Copies.Share(s.ctx, elsewhere, source, []string{account}); err != nil {
			s.Fatal(err)
		}
		a := s.imageCopy()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.say("-- the next attempt")
		s.call.Attempt++
		s.apply(a)
		s.observe(a)
		s.asked("ec2:CopyImage", "ec2:ModifyImageAttribute")
	}, sim.Fault{Op: "ec2:ModifyImageAttribute", Region: region, Kind: sim.FaultThrottle, Times: 1})

	shown(t, "image_copy_somebody_deregisters_it", nil, func(s *stage) {
		a := s.imageCopy()
		s.prepare(a)
		go func() {
			time.Sleep(time.Minute)
			all, err := s.w.Images.CopiesOf(s.ctx, region, source)
			if err != nil || len(all) != 1 {
				s.Error(all, err)
				return
			}
			if err := s.w.Copies.Deregister(s.ctx, region, all[0].ID); err != nil {
				s.Error(err)
			}
		}()
		s.apply(a)
		s.undo(a)
	})
}

func TestImageCopyFails(t *testing.T) {
	sealed := func(spec *sim.Spec) {
		for n := range spec.Images {
			for d := range spec.Images[n].Disks {
				spec.Images[n].Disks[d].Encrypted, spec.Images[n].Disks[d].KMSKey = true, "arn:aws:kms:us-west-1:123456789012:key/shop"
			}
		}
	}
	shown(t, "image_copy_encrypted", sealed, func(s *stage) {
		a := s.imageCopy()
		a.KMSKey = "arn:aws:kms:us-east-1:123456789012:key/shop"
		s.check(a)
		s.hand(a)
		s.prepare(a)
		s.apply(a)
		s.left(region)
	})
	shown(t, "image_copy_encrypted_without_key", func(spec *sim.Spec) {
		sealed(spec)
		spec.BadKeys = []string{"arn:aws:kms:us-east-1:123456789012:alias/aws/ebs"}
	}, func(s *stage) {
		if err := s.w.Copies.Share(s.ctx, elsewhere, source, []string{account}); err != nil {
			s.Fatal(err)
		}
		a := s.imageCopy()
		s.check(a)
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.undo(a)
		s.left(region)
	})
	shown(t, "image_copy_failed_then_another_key", func(spec *sim.Spec) {
		sealed(spec)
		spec.BadKeys = []string{"arn:aws:kms:us-east-1:123456789012:key/disabled"}
	}, func(s *stage) {
		a := s.imageCopy()
		a.KMSKey = "arn:aws:kms:us-east-1:123456789012:key/disabled"
		s.prepare(a)
		s.apply(a)
		s.again(2)
		a.KMSKey = "arn:aws:kms:us-east-1:123456789012:key/shop"
		s.prepare(a)
		s.apply(a)
		s.left(region)
	})
	shown(t, "image_copy_source_is_pending", nil, func(s *stage) {
		i, err := s.w.Copies.CreateImage(s.ctx, elsewhere, old, "www-4", true, nil)
		if err != nil {
			s.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		a := s.imageCopy()
		a.Image = i.ID
		s.prepare(a)
	})
}

func TestImageCopyPrunes(t *testing.T) {
	shown(t, "image_copy_prunes", nil, func(s *stage) {
		a := s.imageCopy()
		a.Keep = 2
		var made []string
		for _, run := range []runbook.RunID{"first", "second", "third", "fourth", "fifth"} {
			o := s.run(run, a)
			made = append(made, o.Outputs["image"].(string))
			a.Image = s.newer()
			switch run {
			case "first": // what the estate names stays
				a.Current = made[0]
			case "third": // and what a machine runs from
				l := s.launch()
				l.Image, s.call = made[1], callOf("launch")
				if i, err := s.w.Instances.Launch(s.ctx, region, providers.Launch{Token: "t", Image: made[2], Type: "m7i.large", Zone: zone}); err != nil {
					s.Fatal(err)
				} else {
					s.say("-- %s is launched from %s", i.ID, i.Image)
				}
			}
		}
		s.left(region)
		s.asked("ec2:DeregisterImage", "ec2:DeleteSnapshot")
	})
	shown(t, "image_copy_prune_dies_between", nil, func(s *stage) {
		a := s.imageCopy()
		a.Keep, a.Current = 1, ""
		s.run("first", a)
		a.Image = s.newer()
		s.run("second", a)
		s.left(region)
		time.Sleep(25 * time.Hour)
		a.Image = s.newer()
		s.run("third", a)
		s.left(region)
	}, sim.Fault{Op: "ec2:DeleteSnapshot", Kind: sim.FaultTimeout, Times: 1})
}

func (s *stage) imageSnapshot() *imageCopy {
	a := s.imageCopy()
	a.Method, a.Instance = "snapshot", old
	return a
}

func TestImageCopyBySnapshot(t *testing.T) {
	shown(t, "image_snapshot", nil, func(s *stage) {
		s.round(s.imageSnapshot())
		s.left(region)
		s.left(elsewhere)
	})
	shown(t, "image_snapshot_equals_its_image", nil, func(s *stage) {
		a := s.imageSnapshot()
		s.run("first", a)
		s.left(region)
		s.left(elsewhere)
		time.Sleep(time.Hour)
		s.run("second", a)
		time.Sleep(24 * time.Hour)
		a.MaxAge = runbook.Duration(20 * time.Hour)
		s.check(a)
		s.run("third", a)
		s.left(region)
	})
	for name, op := range map[string]string{
		"image_snapshot_create_lost":   "ec2:CreateSnapshot",
		"image_snapshot_copy_lost":     "ec2:CopySnapshot",
		"image_snapshot_register_lost": "ec2:RegisterImage",
	} {
		shown(t, name, nil, func(s *stage) {
			a := s.imageSnapshot()
			s.prepare(a)
			s.apply(a)
			s.observe(a)
			s.say("-- the next attempt, at once")
			s.call.Attempt++
			s.apply(a)
			s.left(region)
			s.left(elsewhere)
			s.asked("ec2:CreateSnapshot", "ec2:CopySnapshot", "ec2:RegisterImage")
		}, sim.Fault{Op: op, Kind: sim.FaultTimeoutDone, Times: 1})
	}
	shown(t, "image_snapshot_of_a_key_that_is_disabled", func(spec *sim.Spec) {
		spec.BadKeys = []string{"arn:aws:kms:us-east-1:123456789012:key/disabled"}
	}, func(s *stage) {
		a := s.imageSnapshot()
		a.KMSKey = "arn:aws:kms:us-east-1:123456789012:key/disabled"
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.undo(a)
	})
	shown(t, "image_snapshot_two_disks", func(spec *sim.Spec) {
		spec.Images[2].Disks = append(spec.Images[2].Disks,
			providers.Disk{Device: "/dev/sdb", Snapshot: "snap-0a1b2c3d4e5f60719", SizeGiB: 20, Type: "gp3"}, providers.Disk{Device: "/dev/sdc", SizeGiB: 4, Type: "gp3"})
	}, func(s *stage) {
		a := s.imageSnapshot()
		s.prepare(a)
		s.apply(a)
		s.left(region)
	})
}

func (s *stage) imageCreate() *imageCreate {
	return &imageCreate{Estate: estateName, Instance: old, Region: elsewhere, Name: "www", Tags: map[string]string{"Role": "www"}, Current: source, w: s.w}
}

func TestImageCreate(t *testing.T) {
	shown(t, "image_create", nil, func(s *stage) { s.round(s.imageCreate()) })
	shown(t, "image_create_reboots", nil, func(s *stage) {
		a := s.imageCreate()
		a.Reboot = true
		s.hand(a)
		s.prepare(a)
		s.apply(a)
	})
	shown(t, "image_create_answer_lost", nil, func(s *stage) {
		a := s.imageCreate()
		s.prepare(a)
		s.apply(a)
		s.say("-- again, before it is listed")
		s.apply(a)
		s.observe(a)
		s.left(elsewhere)
		s.undo(a)
		s.left(elsewhere)
	}, sim.Fault{Op: "ec2:CreateImage", Kind: sim.FaultResetAfter, Times: 1})
	shown(t, "image_create_of_what_is_gone", nil, func(s *stage) {
		a := s.imageCreate()
		if err := s.w.Instances.Terminate(s.ctx, elsewhere, old); err != nil {
			s.Fatal(err)
		}
		s.check(a)
		s.prepare(a)
		a.Instance = "i-0ffffffffffffffff"
		s.check(a)
		s.prepare(a)
	})
}

func TestLaunchSaysHowFreshItsImageIs(t *testing.T) {
	shown(t, "launch_image_fresh", nil, func(s *stage) {
		o := s.run("first", s.imageCopy())
		l := s.launch()
		l.Image, l.Source = o.Outputs["image"].(string), source
		s.say("check    %s", l.checkImage(s.ctx).Seen)
		time.Sleep(11 * 24 * time.Hour)
		l.Source = s.newer()
		s.say("check    %s", l.checkImage(s.ctx).Seen)
		if err := s.world.Darken(elsewhere, 0); err != nil {
			s.Fatal(err)
		}
		s.say("check    %s", l.checkImage(s.ctx).Seen)
		l.Source = ""
		s.say("check    %s", l.checkImage(s.ctx).Seen)
	})
}

func TestImageFresh(t *testing.T) {
	shown(t, "image_fresh", nil, func(s *stage) {
		c := s.imageCopy()
		o := s.run("first", c)
		a := &imageFresh{Image: o.Outputs["image"].(string), Region: region, Source: source, FromRegion: elsewhere, w: s.w}
		s.hand(a)
		s.check(a)
		s.observe(a)
		time.Sleep(11 * 24 * time.Hour)
		s.say("-- eleven days later production has another image")
		a.Source = s.newer()
		s.check(a)
		s.observe(a)
		a.MaxAge = runbook.Duration(30 * 24 * time.Hour)
		s.observe(a)
		a.MaxAge = runbook.Duration(10 * 24 * time.Hour)
		s.observe(a)
		if err := s.world.Darken(elsewhere, 0); err != nil {
			s.Fatal(err)
		}
		s.say("-- production gives no answer")
		a.MaxAge = 0
		s.observe(a)
		a.Source = source
		s.observe(a)
		a.Source = ""
		s.observe(a)
	})
	shown(t, "image_fresh_of_unknown_descent", nil, func(s *stage) {
		a := &imageFresh{Image: image, Region: region, Source: source, FromRegion: elsewhere, w: s.w}
		s.observe(a)
		a.Image = "ami-0ffffffffffffffff"
		s.observe(a)
	})
}
