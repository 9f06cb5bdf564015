package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"lifeboat/providers/providertest/lab"
	"lifeboat/runbook"
)

// TestLabDrill runs the shipped runbook, byte for byte, on the drill overlay beside a production that serves, and puts
// everything back.
func TestLabDrill(t *testing.T) {
	t.Parallel()
	s := open(t, "", lab.Options{Delays: lab.Quick, Production: true})
	got := s.lifeboat("drill", "failover", "--plain", "--estate", s.Estate, "--confirm", "start="+lab.StandbyRegion)
	if testing.Verbose() {
		t.Logf("%s\n%s", got.took, got)
	}
	s.want(exitDone, got)
	s.moved(lab.DrillName, s.DrillAddress, s.DrillVolume)
	s.copied(s.DrillAddress, s.DrillVolume)
	s.productionUntouched()
	run := s.run()
	s.recorded(run, runbook.Done)

	undone := s.lifeboat("undo", string(run), "--plain", "--confirm", "undo=drill")
	if testing.Verbose() {
		t.Logf("%s\n%s", undone.took, undone)
	}
	s.want(exitDone, undone)
	s.putBack()
	s.productionUntouched()
	s.recorded(run, runbook.Done)
	changes := len(s.AWS.Mutations())
	again := s.lifeboat("undo", string(run), "--plain", "--confirm", "undo=drill")
	if s.want(exitDone, again); !strings.Contains(again.String(), "nothing is left to undo") || len(s.AWS.Mutations()) != changes {
		t.Errorf("a second undo: %s", again)
	}
}

// TestLabDrillFence: what the overlay does not name stays as it is, whatever the runbook says.
func TestLabDrillFence(t *testing.T) {
	t.Parallel()
	s := open(t, "", lab.Options{Delays: lab.Quick, Production: true})
	text, err := os.ReadFile(s.Estate)
	if err != nil {
		t.Fatal(err)
	}
	head, overlay, found := strings.Cut(string(text), "\ndrill:\n")
	without := regexp.MustCompile(`(?m)^    replica: .*\n`).ReplaceAllString(overlay, "")
	if !found || without == overlay {
		t.Fatalf("the estate has another overlay: %s", text)
	}
	if err := os.WriteFile(s.Estate, []byte(head+"\ndrill:\n"+without), 0o644); err != nil {
		t.Fatal(err)
	}
	got := s.lifeboat("drill", "failover", "--plain", "--estate", s.Estate, "--confirm", "start="+lab.StandbyRegion)
	s.want(exitGoesOn, got)
	if tail := got.last(8); !strings.Contains(tail, "quiesce") || !strings.Contains(tail, "fence") {
		t.Errorf("the last lines do not name the fence:\n%s", tail)
	}
	if s.Paused() {
		t.Error("the replica was paused")
	}
	s.productionUntouched()
}

// productionUntouched fails when anything of production, or of what is held ahead for a real failover, has changed.
func (s *stage) productionUntouched() {
	s.t.Helper()
	t := s.t
	if page, err := s.Page(s.ProductionAddress); err != nil || page != "production" {
		t.Errorf("production serves %q, %v", page, err)
	}
	for _, m := range s.AWS.Machines(lab.ProductionRegion) {
		if m.ID != s.Instance || m.State != "running" || m.Address != s.ProductionAddress {
			t.Errorf("production is %+v", m)
		}
	}
	if values, ttl, _ := s.AWS.Record(s.Zone, lab.Name, "A"); strings.Join(values, " ") != s.ProductionAddress || ttl == lab.TTL {
		t.Errorf("production's record is %v for %s", values, ttl)
	}
	if on, state := s.AWS.Attached(lab.StandbyRegion, s.Volume); on != "" {
		t.Errorf("the standby's volume is %s to %s", state, on)
	}
	for _, r := range s.AWS.Mutations() {
		said := r.Effect
		for _, v := range r.Params {
			said += " " + v
		}
		if r.Region != lab.StandbyRegion {
			t.Errorf("%s acted in %s", r.Action, r.Region)
		}
		for _, word := range strings.Fields(said) {
			switch strings.TrimSuffix(strings.Trim(word, ";,"), ".") {
			case s.Instance, s.ProductionAddress, s.Address, s.Volume, lab.Name:
				t.Errorf("%s changed what a drill may not touch: %s", r.Action, said)
			}
		}
	}
}

// putBack fails unless nothing is left of a drill.
func (s *stage) putBack() {
	s.t.Helper()
	t := s.t
	for deadline := time.Now().Add(10 * time.Second); len(s.AWS.Machines(lab.StandbyRegion)) > 0; {
		if time.Now().After(deadline) { // it was accepted, and takes its time
			t.Fatalf("machines are left: %+v", s.AWS.Machines(lab.StandbyRegion))
		}
		<-time.After(20 * time.Millisecond)
	}
	if on, state := s.AWS.Attached(lab.StandbyRegion, s.DrillVolume); on != "" {
		t.Errorf("the drill's volume is %s to %s", state, on)
	}
	if n := s.AWS.Addresses(lab.StandbyRegion); n != 2 {
		t.Errorf("%d addresses in the standby region, want the 2 that there were", n)
	}
	if n := s.effects("disassociated "); n != 1 {
		t.Errorf("the drill's address was let go %d times, want once", n)
	}
	if values, ttl, _ := s.AWS.Record(s.Zone, lab.DrillName, "A"); strings.Join(values, " ") != lab.Parked || ttl != 5*time.Minute {
		t.Errorf("the drill's record is %v for %s, want it as it was", values, ttl)
	}
	if s.Machine.Mounted(s.MountPath()) != "" {
		t.Error("the volume is still mounted")
	}
	if s.Paused() {
		t.Error("the replica is still paused")
	}
	if _, err := s.Page(s.DrillAddress); err == nil {
		t.Error("the drill's page is still served")
	}
}
