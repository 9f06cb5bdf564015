package main

import (
	"encoding/json"
	"strings"
	"testing"

	"lifeboat/providers/providertest/lab"
	"lifeboat/runbook"
)

// TestLabTriage asks a real estate: well while production serves, and once its machine is stopped, that it is the server. The
// zones are asked for, and nothing is changed.
func TestLabTriage(t *testing.T) {
	t.Parallel()
	triage := func(s *stage, want int) triageDoc {
		t.Helper()
		got := s.lifeboat("triage", "--estate", s.Estate, "--json")
		s.want(want, got)
		var d triageDoc
		if err := json.Unmarshal([]byte(got.out), &d); err != nil {
			t.Fatalf("%v in %s", err, got)
		}
		return d
	}
	up := open(t, "", lab.Options{Delays: lab.Quick, Production: true})
	if d := triage(up, exitDone); d.State != runbook.IsWell || !d.Sure {
		t.Errorf("%+v", d.Advice)
	}
	down := open(t, "", lab.Options{Delays: lab.Quick})
	d := triage(down, exitFailed)
	// The lab has no image of production: what the shipped relaunch needs and the estate has not is said.
	if d.State != runbook.IsDown || d.Broken != "the server" || !strings.Contains(d.Why, "stopped") || d.Ways[1].Remedy != runbook.Relaunch || d.Ways[1].Book != "" ||
		d.Ways[0].Remedy != runbook.Failover || !strings.Contains(d.Commands[0], "lifeboat run failover --mode live --estate ") {
		t.Errorf("%+v", d.Advice)
	}
	asked := map[string]bool{}
	for _, r := range d.Readings {
		asked[r.Group] = true
	}
	for _, group := range []string{"service", "dns", "ssh", "zone", "region", "server", "standby"} {
		if !asked[group] {
			t.Errorf("no reading of %s: %+v", group, d.Readings)
		}
	}
}
