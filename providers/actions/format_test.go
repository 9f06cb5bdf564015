package actions

import (
	"testing"

	"lifeboat/providers/sim"
)

func TestFormat(t *testing.T) {
	format := func(s *stage) *makeFS {
		return &makeFS{Host: s.on(server), Volume: unformatted(s), Device: "/dev/sdg", FSType: "ext4", Label: "restored", w: s.w}
	}
	transcript(t, "format", func(s *stage) {
		a := format(s)
		s.round(a)
		s.commands()
		s.say("-- another run finds a file system, and leaves it alone")
		s.call.Run = "20260103-030405-demo"
		s.check(a)
		s.prepare(a)
		s.observe(a)
		s.apply(a)
	})
	transcript(t, "format_answer_lost", func(s *stage) {
		a := format(s)
		a.FSType, a.Sudo = "xfs", true
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.apply(a)
		s.commands()
	}, sim.Fault{Op: "ssh:mkfs.xfs", Kind: sim.FaultResetAfter, Times: 1})
	transcript(t, "format_cut", func(s *stage) {
		a := format(s)
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.apply(a)
	}, sim.Fault{Op: "ssh:mkfs.ext4", Kind: sim.FaultReset, Times: 1})
	transcript(t, "format_refused", func(s *stage) {
		s.attached()
		a := &makeFS{Host: s.on(server), Volume: volume, Device: "/dev/sdf", FSType: "ext4", w: s.w}
		s.say("-- a volume with data")
		s.check(a)
		s.prepare(a)
		s.apply(a)
		s.say("-- one that is not there")
		a.Volume = farDisk
		s.prepare(a)
		a.FSType = "vfat"
		s.prepare(a)
	})
}
