package actions

import (
	"testing"
	"time"

	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

func (s *stage) allocate() *allocate { return &allocate{Region: region, Estate: "shop", w: s.w} }

// allocations says what the night has come to: the word of a test that an answer was lost is "exactly one".
func (s *stage) allocations() {
	a := s.world.Audit()
	s.say("allocated: %d, released: %d", a.Allocations, a.Releases)
}

func TestAllocate(t *testing.T) {
	transcript(t, "allocate", func(s *stage) {
		s.round(s.allocate())
		s.allocations()
	})

	transcript(t, "allocate_answer_lost", func(s *stage) {
		a := s.allocate()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.say("-- the same key once more, as after a crash")
		s.prepare(a)
		s.apply(a)
		s.allocations()
		s.undo(a)
		s.allocations()
	}, sim.Fault{Op: "ec2:AllocateAddress", Kind: sim.FaultTimeoutDone, Times: 1})

	transcript(t, "allocate_never_happened", func(s *stage) {
		a := s.allocate()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.undo(a)
		s.allocations()
	}, sim.Fault{Op: "ec2:AllocateAddress", Kind: sim.FaultTimeout, Times: 1})

	// The look before the call gets no answer: that puts nothing in doubt.
	transcript(t, "allocate_look_lost", func(s *stage) {
		a := s.allocate()
		s.call.Since = time.Now()
		s.apply(a)
		s.allocations()
	}, sim.Fault{Op: "ec2:DescribeAddresses", Kind: sim.FaultTimeout, Times: 1})

	transcript(t, "allocate_quota", func(s *stage) {
		a := s.allocate()
		for range 3 {
			if _, err := s.w.Holdings.Allocate(s.ctx, region, nil); err != nil {
				s.Fatal(err)
			}
		}
		s.check(a)
		s.prepare(a)
		s.say("-- another took the last one after the look")
		s.apply(a)
	})

	transcript(t, "allocate_undo_in_use", func(s *stage) {
		a := s.allocate()
		s.prepare(a)
		o := s.apply(a)
		if err := s.w.Addresses.Associate(s.ctx, region, o.Outputs["address"].(string), server, ""); err != nil {
			s.Fatal(err)
		}
		s.undo(a)
		s.allocations()
	})
}

func TestDisassociate(t *testing.T) {
	take := func(s *stage) *disassociate {
		return &disassociate{Address: held, Instance: other, Region: region, w: s.w}
	}
	transcript(t, "disassociate", func(s *stage) { s.round(take(s)) })

	transcript(t, "disassociate_another_holds_it", func(s *stage) {
		a := take(s)
		a.Instance = server
		s.round(a)
		s.say("-- nobody holds it")
		a.Address = address
		s.round(a)
		s.say("disassociated: %d", s.world.Audit().Disassociations)
	})

	transcript(t, "disassociate_answer_lost", func(s *stage) {
		a := take(s)
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.undo(a)
		s.say("disassociated: %d", s.world.Audit().Disassociations)
	}, sim.Fault{Op: "ec2:DisassociateAddress", Kind: sim.FaultTimeoutDone, Times: 1})

	transcript(t, "disassociate_undo_leaves_another", func(s *stage) {
		a := take(s)
		s.prepare(a)
		s.apply(a)
		if err := s.w.Addresses.Associate(s.ctx, region, held, server, ""); err != nil {
			s.Fatal(err)
		}
		s.say("-- somebody gives it to %s", server)
		s.undo(a)
	})
}

func TestRelease(t *testing.T) {
	// made allocates an address as another run's step.
	made := func(s *stage, estate string) *release {
		a := s.allocate()
		a.Estate = estate
		o, err := a.Apply(s.ctx, runbook.Call{Run: "20260101-030405-demo", Step: "address", Key: runbook.Key(estate)})
		if err != nil {
			s.Fatal(err)
		}
		return &release{Address: o.Outputs["address"].(string), Region: region, Estate: "shop", w: s.w}
	}
	transcript(t, "release", func(s *stage) {
		s.round(made(s, "shop"))
		s.allocations()
	})

	transcript(t, "release_answer_lost", func(s *stage) {
		a := made(s, "shop")
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.again(1)
		s.prepare(a)
		s.apply(a)
		s.allocations()
	}, sim.Fault{Op: "ec2:ReleaseAddress", Kind: sim.FaultResetAfter, Times: 1})

	transcript(t, "release_not_its_own", func(s *stage) {
		a := made(s, "other-shop")
		s.prepare(a)
		s.say("-- no run's")
		a.Address = address
		s.round(a)
		s.say("-- its own, in use")
		a = made(s, "shop")
		s.prepare(a)
		if err := s.w.Addresses.Associate(s.ctx, region, a.Address, server, ""); err != nil {
			s.Fatal(err)
		}
		s.apply(a)
		s.prepare(a)
		s.allocations()
	})
}
