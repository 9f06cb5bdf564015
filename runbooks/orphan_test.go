package runbooks_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers/sim"
	"lifeboat/runbook"
	"lifeboat/runbook/runbooktest"
)

// TestALostVolumeLeavesNoOrphan: the machine of the other zone is launched, and no answer tells of its volume until the
// step's own attempts are used up. The operator's retry goes on with that machine; it launches no other.
func TestALostVolumeLeavesNoOrphan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := sim.Faults{Calls: []sim.Fault{
			{Op: "ec2:RunInstances", About: " us-east-1a ", Kind: sim.FaultNoCapacity},
			{Op: "ec2:CreateVolume", Kind: sim.FaultReset, Times: 4},
		}}
		l, world := labOf(t, fallback, full, 1)
		var held []runbook.LedgerEntry
		asked := 0
		l.Decide = func(q runbook.Question) runbook.Reply {
			retry := runbook.Reply{Choice: runbook.ChooseRetry, By: runbook.Actor{Name: "operator", Host: "console.example.com"}}
			if q.Step != "launch" { // the volume is so new that EC2 does not show it to the attach yet
				return retry
			}
			asked++
			if q.Kind != runbook.AskUnknown {
				t.Errorf("asked %q: a failure gives the next attempt another key: %s", q.Kind, q.Text)
			}
			events, err := l.Journal.Events(t.Context(), 1)
			if err != nil {
				t.Error(err)
			}
			s := runbook.Fold(events)
			held = s.Ledger()
			return retry
		}
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 3*time.Hour)
		if s.Finished == nil || s.Finished.Outcome != runbook.Done || asked != 1 {
			t.Fatalf("ended as %+v, asked %d times", s.Finished, asked)
		}
		a := world.Audit()
		if len(a.Instances) != 1 || len(a.Running) != 1 || a.Attachments != 1 {
			t.Errorf("launched %v, running %v, attached %d: not one each", a.Instances, a.Running, a.Attachments)
		}
		if len(held) != 1 || held[0].Target.ID != s.Step("launch").Outputs["instance"] {
			t.Errorf("while it was asked the ledger held %v", held)
		}
		made := 0
		for _, e := range s.Ledger() {
			if e.Made && e.Target.Kind == "instance" {
				made++
			}
		}
		if made != 1 {
			t.Errorf("the ledger has %d machines: %v", made, s.Ledger())
		}
	})
}

// elsewhere rehearses a shipped runbook in which the zone has no machine of any type.
func elsewhere(t *testing.T, file, zone string, inputs map[string]string) (runbook.State, runbooktest.Lab, *sim.World) {
	t.Helper()
	text := strings.Replace(string(read(t, file)), "uses: instance.launch\n", "uses: instance.launch\n    fallback: auto\n", 1)
	full := sim.Faults{Calls: []sim.Fault{{Op: "ec2:RunInstances", About: " " + zone + " ", Kind: sim.FaultNoCapacity}}}
	l, world := labWith(t, text, full, 1, inputs)
	s, _ := l.Life(t, 1, 0, runbooktest.Before, 3*time.Hour)
	return s, l, world
}

// TestAnotherZoneIsNoDeadEnd: what goes with the machine goes to its zone; where it cannot, no other zone is taken.
func TestAnotherZoneIsNoDeadEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := elsewhere(t, "restore-archive.yaml", "us-east-1a", nil)
		launch, volume := s.Step("launch"), s.Step("volume")
		if launch.Outputs["zone"] != "us-east-1b" || volume.Outputs["zone"] != "us-east-1b" || s.Step("attach").Status != runbook.StatusDone {
			t.Errorf("the server is %v, the volume %v, attached: %s", launch.Outputs, volume.Outputs, s.Step("attach").Status)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s, _, world := elsewhere(t, "relaunch.yaml", "us-west-1a", nil)
		launch := s.Step("launch")
		if launch.Status != runbook.StatusFailed || len(launch.Tried) == 0 || len(world.Audit().Instances) != 0 {
			t.Errorf("the launch is %s as %v, tried %v", launch.Status, launch.Outputs, launch.Tried)
		}
		if slices.ContainsFunc(launch.Failure.Fallbacks, func(f runbook.Fallback) bool { return f.With["zone"] != nil }) || !strings.Contains(launch.Failure.Do, "has to stay in us-west-1a") {
			t.Errorf("another zone is offered: %+v", launch.Failure)
		}
	})
}

// TestUndoLeavesWhatWasWrittenSince: the volume that a launch in another zone has made was attached and written to; the undo
// of the whole run leaves it, says so, and keeps it in the ledger.
func TestUndoLeavesWhatWasWrittenSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l, world := elsewhere(t, "failover.yaml", "us-east-1a", nil)
		volume, _ := s.Step("launch").Outputs["volume"].(string)
		if s.Finished == nil || s.Finished.Outcome != runbook.Done || volume == world.Spec().Roles.Volume {
			t.Fatalf("ended as %+v with %s", s.Finished, volume)
		}
		var ids []string
		for _, step := range l.Plan.Steps {
			ids = append(ids, step.ID)
		}
		if _, err := l.Journal.Append(t.Context(), s.Seq, 0, &runbook.UndoRequested{Steps: ids, By: runbook.Actor{Name: "operator"}}); err != nil {
			t.Fatal(err)
		}
		s, _ = l.Life(t, 2, 0, runbooktest.Before, 3*time.Hour)
		if launch := s.Step("launch"); launch.Undo != runbook.UndoDone {
			t.Errorf("the launch is undone as %q: %+v", launch.Undo, launch.UndoWhy)
		}
		v, err := world.Set().Volumes.Volume(t.Context(), "us-east-1", volume)
		if err != nil || v.State == "deleting" || v.State == "deleted" || len(world.Audit().Running) != 0 {
			t.Errorf("%s is %q, %v; running %v", volume, v.State, err, world.Audit().Running)
		}
		if left := s.Ledger(); len(left) == 0 || left[0].Target.ID != volume || !left[0].Made {
			t.Errorf("the ledger holds %v", left)
		}
	})
}
