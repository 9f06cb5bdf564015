package actions

import (
	"testing"
	"time"

	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

func (s *stage) launch() *launch {
	return &launch{
		Estate: estateName,
		Image:  image, Type: "m7i.large", Zone: zone, Region: region, Name: "www.example.com",
		SecurityGroups: []string{"sg-1", "sg-2"}, KeyName: "shop", Profile: "shop-server", w: s.w,
	}
}

func TestLaunch(t *testing.T) {
	transcript(t, "launch", func(s *stage) { s.round(s.launch()) })

	transcript(t, "launch_answer_lost", func(s *stage) {
		a := s.launch()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		time.Sleep(5 * time.Second)
		s.observe(a)
		s.say("-- the same key once more")
		s.apply(a)
		s.say("machines made: %d", len(s.world.Audit().Instances))
	}, sim.Fault{Op: "ec2:RunInstances", Kind: sim.FaultTimeoutDone, Times: 1})

	transcript(t, "launch_answer_lost_then_undone", func(s *stage) {
		a := s.launch()
		s.prepare(a)
		s.apply(a)
		s.undo(a)
		s.say("machines made: %d, left: %d", len(s.world.Audit().Instances), len(s.world.Audit().Running))
	}, sim.Fault{Op: "ec2:RunInstances", Kind: sim.FaultTimeoutDone, Times: 1})

	transcript(t, "launch_never_happened_then_undone", func(s *stage) {
		a := s.launch()
		s.prepare(a)
		s.apply(a)
		s.undo(a)
	}, sim.Fault{Op: "ec2:RunInstances", Kind: sim.FaultTimeout, Times: 1})

	transcript(t, "launch_no_capacity", func(s *stage) {
		a := s.launch()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.again(2)
		a.Type = "m7a.large"
		s.prepare(a)
		s.apply(a)
	}, sim.Fault{Op: "ec2:RunInstances", Kind: sim.FaultNoCapacity, Times: 1})

	transcript(t, "launch_terminated", func(s *stage) {
		a := s.launch()
		s.prepare(a)
		o := s.apply(a)
		time.Sleep(20 * time.Second)
		if err := s.w.Instances.Terminate(s.ctx, region, o.Outputs["instance"].(string)); err != nil {
			s.Fatal(err)
		}
		s.observe(a)
		s.say("-- the same key")
		s.apply(a)
		s.again(2)
		s.apply(a)
	})

	transcript(t, "launch_volume_chooses", func(s *stage) {
		a := s.launch()
		a.Volume = farDisk
		s.check(a)
		s.prepare(a)
		s.apply(a)
		s.hand(a)
		s.say("-- a volume that hangs elsewhere")
		a.Volume = drillDisk
		s.check(a)
		s.prepare(a)
		s.say("-- no volume and no zone")
		a.Volume, a.Zone = "", ""
		s.prepare(a)
		s.say("machines made: %d", len(s.world.Audit().Instances))
	})

	transcript(t, "launch_no_image", func(s *stage) {
		a := s.launch()
		a.Image = "ami-0ffffffffffffffff"
		s.check(a)
		s.prepare(a)
		s.apply(a)
	})

	transcript(t, "launch_undo_of_another", func(s *stage) {
		a := s.launch()
		s.call.Did = map[string]any{"instance": other}
		s.undo(a)
		s.say("terminated: %d", s.world.Audit().Terminations)
	})
}

func TestReady(t *testing.T) {
	transcript(t, "ready", func(s *stage) {
		l := s.launch()
		s.prepare(l)
		o := s.apply(l)
		a := &ready{Instance: o.Outputs["instance"].(string), Region: region, SSH: true, w: s.w}
		s.hand(a)
		s.observe(a)
		time.Sleep(20 * time.Second)
		s.observe(a)
		power := *a
		power.SSH = false
		s.say("-- running is enough")
		s.observe(&power)
		s.settle(a)
	})
	transcript(t, "ready_at_address", func(s *stage) {
		if err := s.w.Addresses.Associate(s.ctx, region, address, server, ""); err != nil {
			s.Fatal(err)
		}
		s.settle(&ready{Instance: server, Region: region, SSH: true, Address: address, w: s.w})
	})
	transcript(t, "ready_stopped_terminated_unknown", func(s *stage) {
		s.observe(&ready{Instance: old, Region: "us-west-1", SSH: true, w: s.w})
		if err := s.w.Instances.Terminate(s.ctx, region, server); err != nil {
			s.Fatal(err)
		}
		s.observe(&ready{Instance: server, Region: region, SSH: true, w: s.w})
		s.observe(&ready{Instance: "i-0ffffffffffffffff", Region: region, SSH: true, w: s.w})
	})
}

func TestFenced(t *testing.T) {
	transcript(t, "fenced", func(s *stage) {
		a := &fenced{Instance: old, Region: "us-west-1", w: s.w}
		s.hand(a)
		s.observe(a)
		if err := s.world.Start(old); err != nil {
			s.Fatal(err)
		}
		s.observe(a)
		if err := s.world.Darken("us-west-1", 0); err != nil {
			s.Fatal(err)
		}
		s.observe(a)
		s.observe(&fenced{Instance: "i-0ffffffffffffffff", Region: region, w: s.w})
	})
	transcript(t, "fenced_expired", func(s *stage) {
		s.observe(&fenced{Instance: old, Region: "us-west-1", w: s.w})
	}, sim.Fault{Op: "ec2:DescribeInstances", Kind: sim.FaultExpired})
}

func (s *stage) attach() *attach {
	return &attach{Volume: volume, Instance: server, Device: "/dev/sdf", Region: region, w: s.w}
}

func TestAttach(t *testing.T) {
	transcript(t, "attach", func(s *stage) { s.round(s.attach()) })

	transcript(t, "attach_other_zone", func(s *stage) {
		a := s.attach()
		a.Volume = farDisk
		s.round(a)
	})

	transcript(t, "attach_elsewhere", func(s *stage) {
		a := s.attach()
		a.Volume = drillDisk
		s.round(a)
		s.observe(a)
		s.say("-- somebody took it after the look")
		s.apply(a)
	})

	transcript(t, "attach_comes_free", func(s *stage) {
		a := s.attach()
		a.Volume = drillDisk
		if err := s.w.Volumes.Detach(s.ctx, region, drillDisk, other); err != nil {
			s.Fatal(err)
		}
		s.prepare(a)
		time.Sleep(10 * time.Second)
		s.prepare(a)
		s.apply(a)
		s.settle(a)
	})

	transcript(t, "attach_already_here", func(s *stage) {
		a := s.attach()
		a.Volume, a.Instance = drillDisk, other
		s.round(a)
		s.say("attached: %d, detached: %d", s.world.Audit().Attachments, s.world.Audit().Detachments)
	})

	transcript(t, "attach_answer_lost", func(s *stage) {
		a := s.attach()
		s.prepare(a)
		s.apply(a)
		s.settle(a)
		s.say("attached: %d", s.world.Audit().Attachments)
	}, sim.Fault{Op: "ec2:AttachVolume", Kind: sim.FaultTimeoutDone, Times: 1})

	transcript(t, "attach_undo_leaves_another", func(s *stage) {
		a := s.attach()
		s.prepare(a)
		s.apply(a)
		s.settle(a)
		s.moves(volume, server, other)
		s.undo(a)
	})
}

// moves takes a volume to another machine behind the step's back.
func (s *stage) moves(volume, from, to string) {
	s.Helper()
	if err := s.w.Volumes.Detach(s.ctx, region, volume, from); err != nil {
		s.Fatal(err)
	}
	time.Sleep(10 * time.Second)
	if err := s.w.Volumes.Attach(s.ctx, region, volume, to, "/dev/sdg"); err != nil {
		s.Fatal(err)
	}
	time.Sleep(10 * time.Second)
	s.say("-- somebody moves %s to %s", volume, to)
}

func (s *stage) associate() *associate {
	return &associate{Address: address, Instance: server, Region: region, w: s.w}
}

func TestAssociate(t *testing.T) {
	transcript(t, "associate", func(s *stage) { s.round(s.associate()) })

	transcript(t, "associate_held", func(s *stage) {
		a := s.associate()
		a.Address = held
		s.round(a)
		s.say("-- its holder may lose it")
		a.From = other
		s.round(a)
	})

	transcript(t, "associate_in_a_drill", func(s *stage) {
		a := s.associate()
		a.Address, a.From = held, other
		s.call.MayTouch = func(t runbook.Target) error {
			if t.ID == other {
				return runbook.Fail("the drill fence refuses to change "+t.String(), "", "")
			}
			return nil
		}
		s.prepare(a)
	})

	transcript(t, "associate_not_ours", func(s *stage) {
		a := s.associate()
		a.Address = "198.51.100.99"
		s.round(a)
	})

	transcript(t, "associate_answer_lost", func(s *stage) {
		a := s.associate()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.say("-- attempt 2")
		s.prepare(a)
		s.apply(a)
		s.say("associated: %d", s.world.Audit().Associations)
	}, sim.Fault{Op: "ec2:AssociateAddress", Kind: sim.FaultErrorAfter, Times: 1})

	transcript(t, "associate_undo_leaves_another", func(s *stage) {
		a := s.associate()
		s.prepare(a)
		s.apply(a)
		if err := s.w.Addresses.Associate(s.ctx, region, address, other, server); err != nil {
			s.Fatal(err)
		}
		s.say("-- somebody gives it to %s", other)
		s.undo(a)
	})
}

func (s *stage) record() *record {
	return &record{Name: "www.example.com", Type: "A", Value: Values{address}, TTL: TTL(time.Minute), w: s.w}
}

func TestRecord(t *testing.T) {
	transcript(t, "record", func(s *stage) { s.round(s.record()) })

	transcript(t, "record_new", func(s *stage) {
		a := s.record()
		a.Name, a.Zone, a.Value = "drill.example.com.", hostedZone, Values{"198.51.100.9", "198.51.100.8"}
		s.round(a)
		s.hand(a)
	})

	transcript(t, "record_says_so_already", func(s *stage) {
		a := s.record()
		a.Value, a.TTL = Values{"203.0.113.10"}, 0
		s.round(a)
		s.say("changes: %d", s.world.Audit().RecordChanges)
	})

	transcript(t, "record_alias", func(s *stage) {
		a := s.record()
		a.Name = "alias.example.com"
		s.round(a)
	})

	transcript(t, "record_no_zone", func(s *stage) {
		a := s.record()
		a.Name = "www.example.net"
		s.round(a)
	})

	transcript(t, "record_answer_lost", func(s *stage) {
		a := s.record()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		time.Sleep(time.Minute)
		s.observe(a)
		s.say("changes: %d", s.world.Audit().RecordChanges)
	}, sim.Fault{Op: "route53:ChangeResourceRecordSets", Kind: sim.FaultTimeoutDone, Times: 1})

	transcript(t, "record_changed_by_another", func(s *stage) {
		a := s.record()
		s.prepare(a)
		s.sets("198.51.100.55")
		s.apply(a)
		s.observe(a)
		s.again(1)
		s.prepare(a)
		s.apply(a)
		s.sets("198.51.100.66")
		s.undo(a)
	})
}

// sets changes the record behind the step's back.
func (s *stage) sets(value string) {
	s.Helper()
	was, err := s.w.Records.Record(s.ctx, hostedZone, "www.example.com", "A")
	if err != nil {
		s.Fatal(err)
	}
	now := was
	now.Values = []string{value}
	if _, err := s.w.Records.Change(s.ctx, hostedZone, &was, &now); err != nil {
		s.Fatal(err)
	}
	s.say("-- somebody sets %s", value)
}

func TestAnswers(t *testing.T) {
	transcript(t, "answers", func(s *stage) {
		a := &answers{Name: "www.example.com", Type: "A", Value: Values{address}, w: s.w}
		s.hand(a)
		s.observe(a)
		r := s.record()
		s.prepare(r)
		s.apply(r)
		s.observe(a)
		s.settle(a)
		a.Servers = []string{"ns-1.example.net:53", "ns-9.example.org:53"}
		s.hand(a)
		s.observe(a)
	})
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		in   any
		want string
		bad  bool
	}{
		{in: "198.51.100.7", want: "198.51.100.7"},
		{in: []any{"b", "a"}, want: "b a"},
		{in: []any{"a", 1}, bad: true},
		{in: []any{}, bad: true},
		{in: "", bad: true},
		{in: nil, bad: true},
		{in: 7, bad: true},
	} {
		var v Values
		err := v.FromValue(c.in)
		if (err != nil) != c.bad || !c.bad && line(v) != c.want {
			t.Errorf("%v: %v, %v", c.in, v, err)
		}
	}
}

func TestTTL(t *testing.T) {
	for _, c := range []struct {
		in   any
		want time.Duration
		bad  bool
	}{
		{in: 300, want: 5 * time.Minute},
		{in: float64(60), want: time.Minute},
		{in: "60", want: time.Minute},
		{in: "5m", want: 5 * time.Minute},
		{in: runbook.Duration(time.Minute), want: time.Minute},
		{in: nil, want: 0},
		{in: "", want: 0},
		{in: -1, bad: true},
		{in: "1ms", bad: true},
		{in: "soon", bad: true},
		{in: 1e9, bad: true},
		{in: 1.5, bad: true},
		{in: true, bad: true},
	} {
		var v TTL
		err := v.FromValue(c.in)
		if (err != nil) != c.bad || !c.bad && time.Duration(v) != c.want {
			t.Errorf("%v: %v, %v", c.in, time.Duration(v), err)
		}
	}
}
