package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/providers/providertest/lab"
	"lifeboat/runbook"
)

// boundaries are where a driver can die between two durable facts; crash_on.go kills it there.
var boundaries = []string{"before-intent", "after-intent", "inside-commit", "after-call", "after-result"}

// failoverSteps are the steps of the shipped failover.
var failoverSteps = []string{
	"launch", "dns", "running", "address", "attach", "ready", "mount", "quiesce", "sync", "services", "converged", "serving",
}

// fewCrashes has each boundary, and for each kind that changes something the moment at which nobody knows whether it did.
var fewCrashes = []string{
	"before-intent:address", "after-intent:launch", "inside-commit:attach", "after-result:dns",
	"after-call:launch", "after-call:dns", "after-call:address", "after-call:attach", "after-call:mount", "after-call:quiesce",
	"after-call:sync", "after-call:services",
}

// soaking says that the full figures are wanted.
func soaking() bool { return os.Getenv("LIFEBOAT_SOAK") != "" }

// TestLabCrash kills the driver and resumes: the end is the same, with exactly one of everything.
func TestLabCrash(t *testing.T) {
	cases := fewCrashes
	if soaking() {
		cases = nil
		for _, boundary := range boundaries {
			for _, step := range failoverSteps {
				cases = append(cases, boundary+":"+step)
			}
		}
	}
	for _, at := range cases {
		t.Run(strings.ReplaceAll(at, ":", "/"), func(t *testing.T) {
			t.Parallel()
			s := open(t, "crashpoints", lab.Options{Delays: lab.Quick})
			once := filepath.Join(s.Dir, "crashed")
			s.env = []string{"AWS_SECRET_ACCESS_KEY=" + canary, crashAt + "=" + at, crashMarker + "=" + once}
			got := s.lifeboat(s.failover("--plain")...)
			s.want(exitGoesOn, got)
			if _, err := os.Stat(once); err != nil {
				t.Fatalf("nothing crashed: %v\n%s", err, got)
			}
			if !strings.Contains(got.last(1), "lifeboat resume") {
				t.Errorf("the last line does not say how to go on: %s", got.last(1))
			}
			acknowledged := s.events(s.run())
			resumed := s.lifeboat("resume", "--plain")
			if testing.Verbose() {
				t.Logf("%s\n%s\n%s", resumed.took, got, resumed)
			}
			s.want(exitDone, resumed)
			s.failedOver()
			s.recorded(s.run(), runbook.Done)
			all := s.events(s.run())
			for i, e := range acknowledged {
				if all[i].Seq != e.Seq || all[i].Fact.Type() != e.Fact.Type() || !all[i].Time.Equal(e.Time) {
					t.Fatalf("event %d was %s, and is now %s", e.Seq, e.Fact.Type(), all[i].Fact.Type())
				}
			}
		})
	}
}

// crashAt and crashMarker are the variables of crash_on.go, which this build does not have.
const (
	crashAt     = "LIFEBOAT_CRASH"
	crashMarker = "LIFEBOAT_CRASH_ONCE"
)
