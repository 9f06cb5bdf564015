package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeboat/providers/providertest/emulator"
	"lifeboat/providers/providertest/lab"
)

// disksRunbook takes a copy of the standby volume to another region and makes a volume of it there.
const disksRunbook = `lifeboat: 1
kind: runbook
name: disks
steps:
  - {id: snapshot, uses: volume.snapshot, with: {volume: "VOLUME", region: us-east-1}}
  - {id: copy, uses: snapshot.copy, with: {snapshot: "${{ steps.snapshot.snapshot }}", from: us-east-1, region: us-west-1}}
  - {id: volume, uses: volume.create, with: {snapshot: "${{ steps.copy.snapshot }}", zone: us-west-1a, rate: 300}}
  - {id: filled, uses: volume.hydrated, with: {volume: "${{ steps.volume.volume }}", region: us-west-1}}
`

// TestLabDisks makes each thing once although the answer to each first request is lost, shows how far it is, and takes it
// all back. The policy has what was called, and what AWS asks for beside.
func TestLabDisks(t *testing.T) {
	t.Parallel()
	slow := lab.Quick
	slow.Create, slow.Snapshot, slow.Carry, slow.Hydrate = 300*time.Millisecond, 500*time.Millisecond, 500*time.Millisecond, time.Second
	s := open(t, "", lab.Options{Delays: slow})
	file := filepath.Join(s.Dir, "disks.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(disksRunbook, "VOLUME", s.Volume)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{"CreateSnapshot", "CopySnapshot", "CreateVolume"} {
		s.AWS.Inject(emulator.Fault{Action: action, Kind: emulator.LostAnswer, Times: 1})
	}
	s.AWS.Forget()
	s.want(exitDone, s.lifeboat("run", file, "--mode", "live", "--estate", s.Estate, "--yes", "--plain"))
	for action, want := range map[string]int{"CreateSnapshot": 1, "CopySnapshot": 1, "CreateVolume": 1} {
		made := 0
		for _, r := range s.AWS.Mutations() {
			if r.Action == action && r.Effect != "replayed" {
				made++
			}
		}
		if made != want {
			t.Errorf("%s took effect %d times, want %d", action, made, want)
		}
	}
	seen := s.evidence(s.run())
	for step, want := range map[string]string{
		"snapshot": " of " + s.Volume + ": completed", "copy": "in us-west-1, copied from us-east-1/snap-", "volume": "is available in us-west-1a",
		"filled": "has arrived",
	} {
		if !strings.Contains(seen[step], want) {
			t.Errorf("%s: %q, want %q", step, seen[step], want)
		}
	}
	s.want(exitDone, s.lifeboat("undo", string(s.run()), "--plain", "--confirm", "undo=live"))
	var gone []string
	for _, r := range s.AWS.Mutations() {
		if strings.HasPrefix(r.Action, "Delete") {
			gone = append(gone, r.Action+" "+r.Region)
		}
	}
	if want := []string{"DeleteVolume us-west-1", "DeleteSnapshot us-west-1", "DeleteSnapshot us-east-1"}; !slices.Equal(gone, want) {
		t.Errorf("the undo did %q, want %q", gone, want)
	}

	out := s.lifeboat("policy", file, "--estate", s.Estate)
	s.want(exitDone, out)
	var p policy
	if err := json.Unmarshal([]byte(out.out), &p); err != nil {
		t.Fatal(err)
	}
	var allowed, called []string
	for _, st := range p.Statement {
		allowed = append(allowed, st.Action...)
	}
	for _, r := range s.AWS.Requests() {
		if a := r.Service + ":" + r.Action; !slices.Contains(called, a) {
			called = append(called, a)
		}
	}
	called = append(called, "ec2:CreateTags") // AWS asks for it when tags go with what is made; it is no call of its own
	slices.Sort(called)
	slices.Sort(allowed)
	if allowed = slices.Compact(allowed); !slices.Equal(allowed, called) {
		t.Errorf("the policy allows %q\nand called was   %q", allowed, called)
	}
}
