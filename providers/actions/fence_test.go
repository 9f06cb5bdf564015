package actions

import (
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

// oldAddress is the elastic address that production holds on the nights of these scenes.
const oldAddress = "203.0.113.99"

// alive is a scene in which production runs and serves, in a group and at an elastic address.
func alive(faults sim.Faults) func(spec *sim.Spec) {
	return func(spec *sim.Spec) {
		p := &spec.Instances[0]
		p.State, p.Checks, p.Serving, p.SecurityGroups = providers.InstanceRunning, providers.ChecksOK, true, []string{"sg-3"}
		p.PublicAddress = ""
		p.Data = sim.Data{Version: "live"}
		spec.Addresses = append(spec.Addresses, providers.Address{Address: oldAddress, Allocation: "eipalloc-0d4e5f60718293041", Region: west, Instance: old})
		spec.Faults = faults
	}
}

func calls(list ...sim.Fault) sim.Faults { return sim.Faults{Calls: list} }

func (s *stage) fence() *fence {
	return &fence{Instance: old, Region: west, Isolate: "isolated", w: s.w}
}

// serves says whether clients reach the old server at its address.
func (s *stage) serves() {
	page, err := s.w.Web.Get(s.ctx, "https://www.example.com/", oldAddress)
	if err != nil {
		s.say("its page: %s", reason(err))
		return
	}
	s.say("its page: %d", page.Status)
}

func TestFence(t *testing.T) {
	staged(t, "fence", alive(sim.Faults{}), func(s *stage) {
		s.serves()
		a := s.fence()
		s.round(a)
		s.calls("ec2:StopInstances")
	})
	staged(t, "fence_isolates_what_hangs", alive(sim.Faults{Hangs: sim.HangsForced}), func(s *stage) {
		a := s.fence()
		a.Within = runbook.Duration(20 * time.Second)
		s.prepare(a)
		s.apply(a)
		s.serves()
		s.observe(a)
		s.observe(&fenced{Instance: old, Region: west, w: s.w})
	})
	staged(t, "fence_isolates_when_stop_does_not_answer", alive(calls(sim.Fault{Op: "ec2:StopInstances", Kind: sim.FaultHang})), func(s *stage) {
		a := s.fence()
		s.prepare(a)
		s.apply(a)
		s.serves()
		s.hand(a)
		s.say("-- after a crash")
		s.observe(a)
		s.observe(&fenced{Instance: old, Region: west, w: s.w})
		s.undo(a)
		s.serves()
		s.observe(&fenced{Instance: old, Region: west, w: s.w})
		s.say("-- again")
		s.undo(a)
	})
	staged(t, "fence_takes_the_address", alive(calls(
		sim.Fault{Op: "ec2:StopInstances", Kind: sim.FaultDenied}, sim.Fault{Op: "ec2:ModifyInstanceAttribute", Kind: sim.FaultError},
	)), func(s *stage) {
		a := s.fence()
		s.prepare(a)
		s.apply(a)
		s.serves()
		s.observe(a)
		s.observe(&fenced{Instance: old, Region: west, w: s.w})
		s.observe(&fenced{Instance: old, Region: west, Address: oldAddress, w: s.w})
		s.undo(a)
		s.serves()
	})
	staged(t, "fence_no_way", alive(calls(sim.Fault{Op: "ec2:StopInstances", Kind: sim.FaultDenied}, sim.Fault{Op: "ec2:DisassociateAddress", Kind: sim.FaultTimeout})), func(s *stage) {
		a := s.fence()
		a.Isolate = "shop" // lets something in
		s.check(a)
		s.prepare(a)
		s.apply(a)
		s.observe(a)
	})
	staged(t, "fence_address_alone_unless_moved", alive(calls(sim.Fault{Op: "ec2:StopInstances", Kind: sim.FaultDenied})), func(s *stage) {
		a := s.fence()
		a.Isolate = "none-such"
		s.check(a)
		s.prepare(a)
		s.apply(a)
		if err := s.w.Addresses.Associate(s.ctx, west, oldAddress, "i-0d4e5f60718293041", ""); err == nil {
			s.Fatal("there is no such machine")
		}
		s.undo(a)
		s.serves()
	})
	staged(t, "fence_in_the_dark", alive(sim.Faults{}), func(s *stage) {
		if err := s.world.Darken(west, 0); err != nil {
			s.Fatal(err)
		}
		a := s.fence()
		ctx := s.ctx
		var cancel func()
		s.ctx, cancel = runbook.WallClock{}.WithTimeout(ctx, 30*time.Second) // as the engine does
		defer cancel()
		s.prepare(a)
		s.ctx = ctx
		s.observe(a)
		s.observe(&fenced{Instance: old, Region: west, w: s.w})
	})
	staged(t, "fence_goes_dark_on_the_way", alive(sim.Faults{}), func(s *stage) {
		a := s.fence()
		s.prepare(a)
		if err := s.world.Darken(west, 0); err != nil {
			s.Fatal(err)
		}
		s.apply(a)
		if err := s.world.Lighten(west); err != nil {
			s.Fatal(err)
		}
		s.observe(a)
	})
	staged(t, "fence_answer_lost", alive(calls(sim.Fault{Op: "ec2:StopInstances", Kind: sim.FaultTimeoutDone, Times: 1})), func(s *stage) {
		a := s.fence()
		a.Isolate = ""
		s.prepare(a)
		s.apply(a)
		s.settle(a)
	})
	staged(t, "fence_was_stopped", func(*sim.Spec) {}, func(s *stage) {
		a := s.fence()
		s.prepare(a)
		s.apply(a)
		s.undo(a)
		s.calls("ec2:StopInstances")
	})
	staged(t, "fence_in_a_drill", alive(sim.Faults{}), func(s *stage) {
		a := s.fence()
		s.call.MayTouch = func(t runbook.Target) error {
			if t.Kind == "address" {
				return runbook.Fail("the drill fence refuses to change "+t.String(), "", "")
			}
			return nil
		}
		s.prepare(a)
	})
}

func (s *stage) staysDown() *staysDown {
	return &staysDown{Instance: old, Region: west, URL: "https://www.example.com/", Address: oldAddress, w: s.w}
}

func TestStaysDown(t *testing.T) {
	staged(t, "stays_down", alive(sim.Faults{}), func(s *stage) {
		a := s.staysDown()
		s.hand(a)
		s.observe(a)
		s.say("-- its page does not answer")
		a.Address = "203.0.113.250"
		s.observe(a)
		a.Address = oldAddress
		s.say("-- isolated")
		if err := s.w.Power.Regroup(s.ctx, west, old, []string{"sg-4"}); err != nil {
			s.Fatal(err)
		}
		s.observe(a)
		s.say("-- stopped, and watched")
		if err := s.w.Power.Stop(s.ctx, west, old, true); err != nil {
			s.Fatal(err)
		}
		s.observe(a)
		a.For = runbook.Duration(5 * time.Minute)
		s.call.Since = time.Now()
		s.observe(a)
		s.settle(a)
	})
	transcript(t, "stays_down_until_it_returns", func(s *stage) {
		a := s.staysDown()
		a.For = runbook.Duration(time.Hour)
		s.call.Since = time.Now()
		s.observe(a)
		time.Sleep(10 * time.Minute)
		s.comesUp(old)
		s.settle(a)
	})
	staged(t, "stays_down_in_the_dark", alive(sim.Faults{}), func(s *stage) {
		if err := s.world.Darken(west, 0); err != nil {
			s.Fatal(err)
		}
		a := s.staysDown()
		s.call.Since = time.Now()
		s.observe(a)
		time.Sleep(30 * time.Second)
		s.observe(a)
		a.Dark = true
		s.observe(a)
	})
	transcript(t, "stays_down_gone_or_denied", func(s *stage) {
		if err := s.w.Instances.Terminate(s.ctx, west, old); err != nil {
			s.Fatal(err)
		}
		s.observe(s.staysDown())
		a := s.staysDown()
		a.Instance = "i-0ffffffffffffffff"
		s.observe(a)
		if err := s.world.Plan(sim.Fault{Op: "ec2:DescribeInstances", Kind: sim.FaultExpired}); err != nil {
			s.Fatal(err)
		}
		s.observe(a)
	})
}

// TestPrimaryLook is the same question as the lookout asks it, from outside of the catalogue.
func TestPrimaryLook(t *testing.T) {
	staged(t, "primary_look", alive(sim.Faults{}), func(s *stage) {
		p := Primary{Instance: old, Region: west, URL: "https://www.example.com/", Address: oldAddress}
		look := func() {
			g := p.Look(s.ctx, s.world.Set(), runbook.WallClock{})
			s.say("%s since %t: %s", g.State, !g.Since.IsZero(), g.Says)
			if g.Do != "" {
				s.say("  do: %s", g.Do)
			}
		}
		look()
		if err := s.world.Darken(west, 0); err != nil {
			s.Fatal(err)
		}
		look()
	})
}

// TestNobodyReachesItButItReachesOut: a machine behind a tunnel serves although nothing may come in.
func TestNobodyReachesItButItReachesOut(t *testing.T) {
	staged(t, "fenced_reaches_out", func(spec *sim.Spec) {
		alive(sim.Faults{})(spec)
		spec.Groups = append(spec.Groups, providers.Group{ID: "sg-5", Name: "out", VPC: sim.VPC(7, west), Out: 1})
	}, func(s *stage) {
		if err := s.w.Power.Regroup(s.ctx, west, old, []string{"sg-5"}); err != nil {
			s.Fatal(err)
		}
		s.observe(&fenced{Instance: old, Region: west, w: s.w})
		a := s.fence()
		a.Isolate = "out"
		s.check(a)
		s.observe(s.staysDown())
	})
}
