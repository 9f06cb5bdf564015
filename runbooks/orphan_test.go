package runbooks_test

import (
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
