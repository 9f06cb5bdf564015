package actions

import (
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

// spread is a record that waits for Route 53's servers.
func (s *stage) spread() *record {
	a := s.record()
	a.Spread = true
	return a
}

func TestSpread(t *testing.T) {
	transcript(t, "spread", func(s *stage) {
		a := s.spread()
		s.hand(a)
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.settle(a)
		s.undo(a)
	})

	// After a crash nobody follows the change: its name servers tell.
	transcript(t, "spread_after_a_crash", func(s *stage) {
		s.prepare(s.spread())
		s.apply(s.spread())
		s.observe(s.spread())
		s.settle(s.spread())
	})

	transcript(t, "spread_stranded", func(s *stage) {
		a := s.spread()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		time.Sleep(170 * time.Second)
		s.observe(a)
		time.Sleep(11 * time.Second)
		s.observe(a)
		s.say("-- so it is submitted again")
		s.again(1)
		s.prepare(a)
		s.apply(a)
		s.settle(a)
		s.say("submitted: %d", s.world.Audit().RecordChanges)
	}, sim.Fault{Op: "route53:ChangeResourceRecordSets", Kind: sim.FaultStranded, Times: 1})

	transcript(t, "spread_forgotten", func(s *stage) {
		a := s.spread()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.say("-- so it is submitted again")
		s.again(1)
		s.prepare(a)
		s.apply(a)
		s.settle(a)
	}, sim.Fault{Op: "route53:ChangeResourceRecordSets", Kind: sim.FaultForgotten, Times: 1})

	// It is not submitted again over what somebody else has set meanwhile.
	transcript(t, "spread_stranded_and_changed_by_another", func(s *stage) {
		a := s.spread()
		s.prepare(a)
		s.apply(a)
		s.sets("198.51.100.55")
		time.Sleep(4 * time.Minute)
		s.observe(a)
	}, sim.Fault{Op: "route53:ChangeResourceRecordSets", Kind: sim.FaultStranded, Times: 1})

	transcript(t, "spread_answer_lost", func(s *stage) {
		a := s.spread()
		s.prepare(a)
		s.apply(a)
		s.settle(a)
		s.say("submitted: %d", s.world.Audit().RecordChanges)
	}, sim.Fault{Op: "route53:ChangeResourceRecordSets", Kind: sim.FaultTimeoutDone, Times: 1})
}

func (s *stage) ttl(seconds int) *timeToLive {
	return &timeToLive{Name: "www.example.com", Type: "A", TTL: TTL(time.Duration(seconds) * time.Second), w: s.w}
}

func TestTimeToLive(t *testing.T) {
	transcript(t, "ttl", func(s *stage) { s.round(s.ttl(60)) })

	transcript(t, "ttl_lower_already_and_restored", func(s *stage) {
		a := s.ttl(600)
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.say("-- restore: true raises it")
		a.Restore = true
		s.prepare(a)
		s.hand(a)
		s.observe(a)
		s.apply(a)
		s.observe(a)
		s.say("changes: %d", s.world.Audit().RecordChanges)
	})

	// The switch between: what the record says by now stays.
	transcript(t, "ttl_undone_after_the_switch", func(s *stage) {
		a := s.ttl(60)
		s.prepare(a)
		s.apply(a)
		s.sets("198.51.100.55")
		s.observe(a)
		s.undo(a)
		s.undo(a)
	})

	transcript(t, "ttl_changed_by_another", func(s *stage) {
		a := s.ttl(60)
		s.prepare(a)
		s.sets("198.51.100.55")
		s.apply(a)
		s.observe(a)
		s.undo(a)
	})

	transcript(t, "ttl_answer_lost", func(s *stage) {
		a := s.ttl(60)
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.undo(a)
		s.say("changes: %d", s.world.Audit().RecordChanges)
	}, sim.Fault{Op: "route53:ChangeResourceRecordSets", Kind: sim.FaultTimeoutDone, Times: 1})

	transcript(t, "ttl_nothing_to_change", func(s *stage) {
		a := s.ttl(60)
		a.Name = "never.example.com"
		s.round(a)
		a.Name = "alias.example.com"
		s.round(a)
	})
}

func (s *stage) converged() *converged {
	return &converged{
		Name: "www.example.com", Type: "A", Value: Values{address}, WasTTL: TTL(5 * time.Minute), Resolvers: s.world.Resolvers()[2:], w: s.w,
	}
}

func TestConverged(t *testing.T) {
	transcript(t, "converged", func(s *stage) {
		a := s.converged()
		s.hand(a)
		s.check(a)
		s.observe(a)
		r := s.record()
		s.prepare(r)
		s.apply(r)
		s.observe(a)
		for range 8 {
			time.Sleep(42 * time.Second)
			s.observe(a)
		}
	})

	transcript(t, "converged_without_resolvers", func(s *stage) {
		r := s.record()
		s.prepare(r)
		s.apply(r)
		time.Sleep(time.Minute)
		a := s.converged()
		a.Resolvers = nil
		s.observe(a)
		time.Sleep(301 * time.Second)
		s.observe(a)
	}, sim.Fault{Op: "dns:Resolve", Kind: sim.FaultRefused})
}

// TestAResolverThatStretchesIsNotWaitedFor: it is shown, and the step ends with the last cache that honours TTLs.
func TestAResolverThatStretchesIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spec := scene()
		spec.Faults.Stretch = runbook.Duration(time.Hour)
		world := sim.NewMemory(spec, runbook.WallClock{})
		s := &stage{T: t, ctx: t.Context(), world: world, w: worldOf(world.Set())}
		s.call.Progress = func(runbook.Progress) {}
		r := s.record()
		s.prepare(r)
		s.apply(r)
		a := s.converged()
		began := time.Now()
		s.settle(a)
		if took := time.Since(began); took < 5*time.Minute || took > 7*time.Minute {
			t.Errorf("it took %s", took)
		}
		s.compare("converged_stretched")
	})
}

func (s *stage) flip() *flip {
	return &flip{
		Bucket: "shop-flags", Key: "failover/on", Region: "us-west-2", Name: "flip.example.com", Type: "A", Value: Values{address}, w: s.w,
	}
}

func TestFlip(t *testing.T) {
	transcript(t, "flip", func(s *stage) { s.round(s.flip()) })

	// Route 53's control plane is gone with us-east-1: no record can be edited, and the name moves all the same.
	transcript(t, "flip_without_the_control_plane", func(s *stage) {
		if err := s.world.Darken("us-east-1", 0); err != nil {
			s.Fatal(err)
		}
		r := s.record()
		ctx := s.ctx
		var cancel func()
		s.ctx, cancel = runbook.WallClock{}.WithTimeout(ctx, 10*time.Second)
		s.prepare(r)
		cancel()
		s.ctx = ctx
		s.say("-- dns.flip")
		a := s.flip()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.settle(a)
		s.undo(a)
		s.say("record changes: %d", s.world.Audit().RecordChanges)
	})

	transcript(t, "flip_answer_lost", func(s *stage) {
		a := s.flip()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.settle(a)
		s.undo(a)
		s.undo(a)
	}, sim.Fault{Op: "s3:PutObject", Kind: sim.FaultTimeoutDone, Times: 1})

	transcript(t, "flip_never_happened", func(s *stage) {
		a := s.flip()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.undo(a)
	}, sim.Fault{Op: "s3:PutObject", Kind: sim.FaultTimeout, Times: 1})

	transcript(t, "flip_back", func(s *stage) {
		s.puts("on\n")
		time.Sleep(time.Minute)
		a := s.flip()
		a.Back, a.Value = true, Values{"203.0.113.10"}
		s.hand(a)
		s.prepare(a)
		s.apply(a)
		s.settle(a)
		s.undo(a)
		body, there := s.world.Object("shop-flags", "failover/on")
		s.say("the object: %v %q", there, body)
	})

	transcript(t, "flip_changed_by_another", func(s *stage) {
		a := s.flip()
		a.Body = "go\n"
		s.prepare(a)
		s.puts("somebody else's\n")
		s.apply(a)
		s.observe(a)
		s.undo(a)
	})

	transcript(t, "flip_wrong_bucket", func(s *stage) {
		a := s.flip()
		a.Bucket = "shop-flogs"
		s.check(a)
		s.prepare(a)
		a = s.flip()
		a.Region = "eu-west-1"
		s.prepare(a)
		a.Bucket = ""
		s.prepare(a)
	})

	transcript(t, "flip_not_wired", func(s *stage) {
		a := s.flip()
		a.Name = "www.example.com"
		s.check(a)
	})
}

// puts writes the object behind the step's back.
func (s *stage) puts(body string) {
	s.Helper()
	if err := s.w.Objects.Put(s.ctx, "us-west-2", "shop-flags", "failover/on", []byte(body)); err != nil {
		s.Fatal(err)
	}
	s.say("-- somebody puts %q", body)
}
