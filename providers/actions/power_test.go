package actions

import (
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
)

const west = "us-west-1"

// comesUp brings production up before the scene begins.
func (s *stage) comesUp(id string) {
	s.Helper()
	if err := s.world.Start(id); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) calls(op string) { s.say("%s asked for %d times", op, s.world.Audit().Calls[op]) }

func TestPowerOff(t *testing.T) {
	transcript(t, "stop", func(s *stage) {
		s.round(&powerOff{Instance: server, Region: region, w: s.w})
		s.calls("ec2:StopInstances")
	})
	transcript(t, "stop_is_stopped", func(s *stage) {
		s.round(&powerOff{Instance: old, Region: west, w: s.w})
		s.calls("ec2:StopInstances")
	})
	transcript(t, "stop_answer_lost", func(s *stage) {
		a := &powerOff{Instance: server, Region: region, w: s.w}
		s.prepare(a)
		s.apply(a)
		s.settle(a)
		s.calls("ec2:StopInstances")
	}, sim.Fault{Op: "ec2:StopInstances", Kind: sim.FaultTimeoutDone, Times: 1})
	transcript(t, "stop_never_happened", func(s *stage) {
		a := &powerOff{Instance: server, Region: region, w: s.w}
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.again(1)
		s.prepare(a)
		s.apply(a)
		s.settle(a)
	}, sim.Fault{Op: "ec2:StopInstances", Kind: sim.FaultTimeout, Times: 1})
	transcript(t, "stop_gone_and_unknown", func(s *stage) {
		if err := s.w.Instances.Terminate(s.ctx, region, server); err != nil {
			s.Fatal(err)
		}
		s.round(&powerOff{Instance: server, Region: region, w: s.w})
		s.round(&powerOff{Instance: "i-0ffffffffffffffff", Region: region, w: s.w})
	})
	night(t, "stop_hangs_until_forced", sim.Faults{Hangs: sim.HangsSoft}, func(s *stage) {
		s.comesUp(old)
		a := &powerOff{Instance: old, Region: west, w: s.w}
		s.prepare(a)
		s.apply(a)
		time.Sleep(2 * time.Minute)
		s.observe(a)
		s.say("-- by force")
		a.Force = true
		s.again(1)
		s.prepare(a)
		s.apply(a)
		s.settle(a)
	})
}

func TestPowerOn(t *testing.T) {
	transcript(t, "power_on", func(s *stage) {
		s.round(&powerOn{Instance: old, Region: west, w: s.w})
		s.calls("ec2:StartInstances")
	})
	transcript(t, "power_on_runs_already", func(s *stage) {
		s.round(&powerOn{Instance: server, Region: region, w: s.w})
		s.calls("ec2:StartInstances")
	})
	transcript(t, "power_on_no_capacity", func(s *stage) {
		a := &powerOn{Instance: old, Region: west, w: s.w}
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.again(1)
		s.prepare(a)
		s.apply(a)
		s.settle(a)
	}, sim.Fault{Op: "ec2:StartInstances", Kind: sim.FaultNoCapacity, Times: 1})
	transcript(t, "power_on_answer_lost", func(s *stage) {
		a := &powerOn{Instance: old, Region: west, w: s.w}
		s.prepare(a)
		s.apply(a)
		s.settle(a)
		s.calls("ec2:StartInstances")
	}, sim.Fault{Op: "ec2:StartInstances", Kind: sim.FaultResetAfter, Times: 1})
	transcript(t, "power_on_while_stopping", func(s *stage) {
		if err := s.w.Power.Stop(s.ctx, region, server, false); err != nil {
			s.Fatal(err)
		}
		a := &powerOn{Instance: server, Region: region, w: s.w}
		s.prepare(a)
		s.apply(a)
	})
}

func TestReboot(t *testing.T) {
	transcript(t, "reboot", func(s *stage) {
		a := &reboot{Instance: server, Region: region, SSH: true, w: s.w}
		s.hand(a)
		s.check(a)
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		time.Sleep(5 * time.Second)
		s.observe(a)
		s.settle(a)
		s.calls("ec2:RebootInstances")
	})
	transcript(t, "reboot_answer_lost", func(s *stage) {
		a := &reboot{Instance: server, Region: region, SSH: true, w: s.w}
		s.prepare(a)
		s.apply(a)
		s.settle(a)
		s.calls("ec2:RebootInstances")
	}, sim.Fault{Op: "ec2:RebootInstances", Kind: sim.FaultTimeoutDone, Times: 1})
	transcript(t, "reboot_never_happened", func(s *stage) {
		a := &reboot{Instance: server, Region: region, SSH: true, w: s.w}
		s.prepare(a)
		s.apply(a)
		s.observe(a)
	}, sim.Fault{Op: "ec2:RebootInstances", Kind: sim.FaultTimeout, Times: 1})
	transcript(t, "reboot_of_one_that_answers_nobody", func(s *stage) {
		a := &reboot{Instance: server, Region: region, SSH: true, w: s.w}
		s.prepare(a)
		s.apply(a)
		time.Sleep(time.Second)
		s.observe(a)
		time.Sleep(5 * time.Second)
		s.settle(a)
	}, sim.Fault{Op: "ssh:*", Kind: sim.FaultRefused, Times: 1})
	transcript(t, "reboot_without_ssh", func(s *stage) {
		a := &reboot{Instance: server, Region: region, w: s.w}
		s.prepare(a)
		s.apply(a)
		s.say("-- after a crash")
		s.observe(a)
		s.hand(a)
	})
	transcript(t, "reboot_of_one_that_is_stopped", func(s *stage) {
		a := &reboot{Instance: old, Region: west, SSH: true, w: s.w}
		s.prepare(a)
		s.observe(a)
		s.apply(a)
	})
}

func TestTerminate(t *testing.T) {
	made := func(s *stage) *terminate {
		l := s.launch()
		s.prepare(l)
		o := s.apply(l)
		time.Sleep(20 * time.Second)
		return &terminate{Estate: estateName, Instance: o.Outputs["instance"].(string), Region: region, w: s.w}
	}
	transcript(t, "terminate", func(s *stage) {
		s.round(made(s))
		s.say("terminated: %d", s.world.Audit().Terminations)
	})
	transcript(t, "terminate_answer_lost", func(s *stage) {
		a := made(s)
		s.prepare(a)
		s.apply(a)
		s.settle(a)
		s.say("terminated: %d", s.world.Audit().Terminations)
	}, sim.Fault{Op: "ec2:TerminateInstances", Kind: sim.FaultTimeoutDone, Times: 1})
	transcript(t, "terminate_not_ours", func(s *stage) {
		a := &terminate{Estate: estateName, Instance: server, Region: region, w: s.w}
		s.round(a)
		s.say("-- although Prepare is passed over")
		s.apply(a)
		s.round(&terminate{Estate: estateName, Instance: "i-0ffffffffffffffff", Region: region, w: s.w})
		s.observe(&terminate{Estate: estateName, Instance: "i-0ffffffffffffffff", Region: region, w: s.w})
		s.say("terminated: %d", s.world.Audit().Terminations)
	})
	for name, estate := range map[string]string{"terminate_another_estates": "staging", "terminate_no_estate": ""} {
		transcript(t, name, func(s *stage) {
			a := made(s)
			i, err := s.w.Instances.Launch(s.ctx, region, providers.Launch{
				Token: "other", Image: image, Type: "m7i.large", Zone: zone, Tags: map[string]string{tagRun: "other-run", tagEstate: estate, "Name": "www"},
			})
			if err != nil {
				s.Fatal(err)
			}
			time.Sleep(20 * time.Second)
			a.Instance = i.ID
			s.check(a)
			s.prepare(a)
			s.apply(a)
			s.say("terminated: %d", s.world.Audit().Terminations)
		})
	}
	staged(t, "terminate_protected", func(spec *sim.Spec) {
		kept := spec.Instances[1]
		kept.Protected, kept.ID = true, "i-0d4e5f60718293041"
		kept.Tags = map[string]string{tagRun: "20260101-030405-demo", tagEstate: estateName, "Name": "left from a run"}
		kept.PrivateAddress, kept.PublicAddress = "192.0.2.14", ""
		spec.Instances = append(spec.Instances, kept)
	}, func(s *stage) {
		a := &terminate{Estate: estateName, Instance: "i-0d4e5f60718293041", Region: region, w: s.w}
		s.check(a)
		s.prepare(a)
		s.apply(a)
		s.observe(a)
	})
}

// night is a transcript in a world with this fault plan.
func night(t *testing.T, name string, faults sim.Faults, f func(s *stage)) {
	staged(t, name, func(spec *sim.Spec) { spec.Faults = faults }, f)
}
