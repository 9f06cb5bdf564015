package actions

import (
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
)

// copied hangs a volume made from a snapshot of the other one on the server, and returns its id.
func (s *stage) copied() string {
	s.Helper()
	snap, err := s.w.Snapshots.CreateSnapshot(s.ctx, region, volume, "", nil)
	if err != nil {
		s.Fatal(err)
	}
	time.Sleep(2 * time.Minute)
	v, err := s.w.Disks.CreateVolume(s.ctx, region, providers.NewVolume{Token: "t", Zone: zone, Snapshot: snap.ID})
	if err != nil {
		s.Fatal(err)
	}
	time.Sleep(20 * time.Second)
	if err := s.w.Volumes.Attach(s.ctx, region, v.ID, server, "/dev/sdg"); err != nil {
		s.Fatal(err)
	}
	time.Sleep(10 * time.Second)
	return v.ID
}

// fsUUID is the UUID of the file system that is attached to the server.
func (s *stage) fsUUID() string {
	s.Helper()
	res, err := s.w.Shell.Run(s.ctx, s.on(server), providers.Command{Argv: []string{"blkid", "-o", "value", "-s", "UUID", "/dev/sdf"}, ReadOnly: true})
	if err != nil || res.Status != 0 {
		s.Fatal(res, err)
	}
	return lastLines(res.Stdout, 1)
}

// formatted changes the file system on the standby volume.
func formatted(fs, label string, damaged bool) func(*sim.Spec) {
	return func(spec *sim.Spec) {
		for i := range spec.Volumes {
			if spec.Volumes[i].ID == volume {
				spec.Volumes[i].FS, spec.Volumes[i].Label, spec.Volumes[i].Damaged = fs, label, damaged
			}
		}
	}
}

func TestMountBy(t *testing.T) {
	transcript(t, "mount_by_uuid", func(s *stage) {
		s.attached()
		a := s.mount()
		a.Volume, a.UUID, a.Sudo = "", s.fsUUID(), true
		s.round(a)
		s.commands()
	})
	staged(t, "mount_by_label", formatted("", "data", false), func(s *stage) {
		s.attached()
		a := s.mount()
		a.Volume, a.Label, a.Options = "", "data", "ro"
		s.round(a)
		a.Label = "mail"
		s.prepare(a)
		s.apply(a)
	})
	transcript(t, "mount_ambiguous", func(s *stage) {
		s.attached()
		s.copied()
		a := s.mount()
		a.Volume, a.UUID = "", s.fsUUID()
		s.prepare(a)
		s.apply(a)
		s.commands()
	})
	transcript(t, "mount_words", func(s *stage) {
		a := s.mount()
		a.Label = "data"
		s.prepare(a)
		a.Volume, a.Label = "", ""
		s.prepare(a)
		a = s.mount()
		a.Options = "ro --bind"
		s.check(a)
		s.prepare(a)
	})
}

func TestMountChecks(t *testing.T) {
	transcript(t, "mount_check", func(s *stage) {
		s.attached()
		a := s.mount()
		a.Verify = true
		s.round(a)
		s.commands()
	})
	staged(t, "mount_check_damaged", formatted("", "", true), func(s *stage) {
		s.attached()
		a := s.mount()
		a.Verify = true
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.commands()
	})
	staged(t, "mount_check_xfs", formatted("xfs", "", false), func(s *stage) {
		s.attached()
		a := s.mount()
		a.Verify, a.Options = true, "nouuid"
		s.prepare(a)
		s.apply(a)
		s.commands()
	})
	staged(t, "mount_check_unknown", formatted("zfs_member", "", false), func(s *stage) {
		s.attached()
		a := s.mount()
		a.Verify = true
		s.prepare(a)
		s.apply(a)
		s.commands()
	})
	transcript(t, "mount_check_mounted_elsewhere", func(s *stage) {
		s.mounted()
		a := s.mount()
		a.Verify, a.Path = true, "/mnt"
		s.prepare(a)
		s.apply(a)
	})
}

func (s *stage) unmount() *unmount {
	return &unmount{Host: s.on(server), Path: "/srv/data", w: s.w}
}

func TestUnmount(t *testing.T) {
	transcript(t, "unmount", func(s *stage) {
		s.mounted()
		s.round(s.unmount())
		s.commands()
	})
	transcript(t, "unmount_nothing", func(s *stage) {
		s.attached()
		s.round(s.unmount())
		a := s.unmount()
		a.Path = "/"
		s.prepare(a)
	})
	transcript(t, "unmount_busy", func(s *stage) {
		s.mounted()
		if _, err := s.w.Shell.Run(s.ctx, s.on(server), providers.Command{Argv: []string{"systemctl", "start", "httpd"}}); err != nil {
			s.Fatal(err)
		}
		a := s.unmount()
		a.Sudo = true
		s.check(a)
		s.prepare(a)
		s.apply(a)
		s.observe(a)
	})
	transcript(t, "unmount_answer_lost", func(s *stage) {
		s.mounted()
		a := s.unmount()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
	}, sim.Fault{Op: "ssh:umount", Kind: sim.FaultTimeoutDone, Times: 1})
	transcript(t, "unmount_device_moved", func(s *stage) {
		s.mounted()
		a := s.unmount()
		s.prepare(a)
		s.apply(a)
		if err := s.w.Volumes.Detach(s.ctx, region, volume, server); err != nil {
			s.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		s.undo(a)
		if err := s.w.Volumes.Attach(s.ctx, region, volume, server, "/dev/sdk"); err != nil {
			s.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		s.say("-- attached again, under another name")
		s.undo(a)
	})
}
