package actions

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

func TestResumeAndPromote(t *testing.T) {
	transcript(t, "replica_resume", func(s *stage) {
		s.runs(providers.Host{Address: replicaAt}, "dbctl", "pause")
		s.round(s.turn(resuming))
	})
	transcript(t, "replica_resume_was_running", func(s *stage) { s.round(s.turn(resuming)) })
	transcript(t, "replica_promote", func(s *stage) { s.round(s.turn(promoting)) })
	transcript(t, "replica_promote_for_good", func(s *stage) {
		a := s.turn(promoting)
		a.Replica.Resume = nil
		s.round(a)
		s.say("reverts: %v", a.Reverts())
		a.Replica.Promote = nil
		s.prepare(a)
		s.check(a)
	})
	transcript(t, "replica_promote_answer_lost", func(s *stage) {
		a := s.turn(promoting)
		s.prepare(a)
		s.apply(a)
		s.settle(a)
	}, sim.Fault{Op: "ssh:dbctl", Kind: sim.FaultTimeoutDone, About: "promote", Skip: 1, Times: 1})
}

// TestASilentReplicaIsNotTakenForResumed: what says nothing about the replica must not read as "not paused".
func TestASilentReplicaIsNotTakenForResumed(t *testing.T) {
	for status, state := range map[int]runbook.Holding{0: runbook.Absent, 1: runbook.Holds, 126: "", 127: "", 137: ""} {
		a := &turn{doing: resuming, w: worldOf(providers.Set{Shell: ends(status)})}
		a.Replica = Replica{Place: Place{Host: providers.Host{Address: "h"}, Path: "/srv"}, Resume: []string{"r"}, Paused: []string{"q"}}
		o, err := a.Observe(t.Context(), runbook.Call{})
		if o.State != state || (err == nil) != (state != "") {
			t.Errorf("status %d: %+v, %v", status, o, err)
		}
	}
}

func (s *stage) lag() *lag {
	return &lag{Replica: s.copies().From, Heartbeat: ".heartbeat", Max: runbook.Duration(time.Minute), w: s.w}
}

func TestLag(t *testing.T) {
	production := func(spec *sim.Spec) {
		spec.Instances[0].State, spec.Instances[0].Serving = providers.InstanceRunning, true
	}
	staged(t, "lag", production, func(s *stage) {
		a := s.lag()
		s.hand(a)
		s.observe(a)
		s.say("-- the replica is paused for ten minutes, and let go on")
		s.runs(providers.Host{Address: replicaAt}, "dbctl", "pause")
		time.Sleep(10 * time.Minute)
		s.observe(a)
		s.runs(providers.Host{Address: replicaAt}, "dbctl", "resume")
		s.observe(a)
		s.say("-- production goes away")
		if err := s.world.Stop(old); err != nil {
			s.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		s.observe(a)
	})
	staged(t, "lag_replica_stopped", func(spec *sim.Spec) {
		production(spec)
		spec.Faults.ReplicaStopped = runbook.Duration(9 * time.Hour)
	}, func(s *stage) { s.observe(s.lag()) })
	for name, clocks := range map[string][2]time.Duration{
		"lag_production_ahead": {time.Minute, 0}, "lag_replica_behind": {0, -time.Minute}, "lag_replica_ahead": {0, 30 * time.Second}, "lag_both_ahead": {time.Hour, time.Hour},
	} {
		staged(t, name, func(spec *sim.Spec) {
			production(spec)
			spec.Faults.ProductionAhead, spec.Faults.ReplicaAhead = runbook.Duration(clocks[0]), runbook.Duration(clocks[1])
		}, func(s *stage) { s.observe(s.lag()) })
	}
	transcript(t, "lag_unknown", func(s *stage) {
		a := s.lag()
		a.Heartbeat = "none"
		s.observe(a)
		if _, err := s.w.Shell.Run(s.ctx, a.Replica.Host, providers.Command{Argv: []string{"tee", "/srv/data/none"}, Stdin: "noon\n"}); err != nil {
			s.Fatal(err)
		}
		s.observe(a)
		a.Heartbeat = ""
		s.observe(a)
		a.Replica = Place{}
		s.observe(a)
	})
}

// TestRealLag reads a heartbeat with the real date of a real host.
func TestRealLag(t *testing.T) {
	y := newYard(t)
	dir := t.TempDir()
	a := &lag{
		Replica: Place{Host: providers.Host{Address: "127.0.73.2", Port: y.replica.Port}, Path: dir}, Heartbeat: "beat one",
		Max: runbook.Duration(time.Minute), w: y.w,
	}
	y.says(a, runbook.Unsure, "there is no")
	beat := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "beat one"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	beat(strconv.FormatInt(time.Now().Add(-20*time.Second).Unix(), 10) + "\n")
	y.says(a, runbook.Holds, "2")
	beat(time.Now().Add(-3 * time.Hour).Format(time.RFC3339))
	y.says(a, runbook.Absent, "3 hours behind, and 1m0s is allowed")
	beat(time.Now().Add(time.Hour).Format(time.RFC3339))
	y.says(a, runbook.Unsure, "production's clock seems to be ahead")
	beat("")
	y.says(a, runbook.Unsure, "the heartbeat is empty")
	if hand := strings.Join(a.ByHand(runbook.Call{}), "\n"); !strings.Contains(hand, "/etc/cron.d") {
		t.Errorf("%s", hand)
	}
}
