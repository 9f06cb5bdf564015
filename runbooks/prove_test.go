package runbooks_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers/sim"
	"lifeboat/runbook"
	"lifeboat/runbook/runbooktest"
)

// vault is the secrets of a test.
type vault struct{}

func (vault) Secret(name string) (string, error) { return "the secret " + name, nil }

// shipped is a lab of a shipped runbook, in a night.
func shipped(t *testing.T, name, night string, inputs map[string]string) (runbooktest.Lab, *sim.World) {
	t.Helper()
	faults := sim.Faults{}
	if night != "" {
		var err error
		if faults, err = sim.Night(night, 1); err != nil {
			t.Fatal(err)
		}
	}
	l, world := labWith(t, string(read(t, name)), faults, 1, inputs)
	l.Secrets = vault{}
	return l, world
}

// told is the evidence of a step at its end, or what made it fail.
func told(t *testing.T, s runbook.State, step string) string {
	t.Helper()
	st := s.Step(step)
	if st.Failure != nil {
		return st.Failure.What
	}
	return st.Evidence
}

func TestBackupsAreProved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := shipped(t, "prove-backups.yaml", "", nil)
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		if s.Finished == nil || s.Finished.Outcome != runbook.Done {
			t.Fatalf("it ended as %+v", s.Finished)
		}
		if took := time.Duration(s.Finished.Elapsed); took > l.Plan.Target {
			t.Errorf("it took %s", took)
		}
		out := s.Step("restored").Outputs
		if out["compared"] == nil || out["proved"] == "" || !strings.Contains(told(t, s, "restored"), "byte for byte") {
			t.Errorf("%v: %s", out, told(t, s, "restored"))
		}
		if !strings.Contains(told(t, s, "listed"), "a chain of 42 sets") {
			t.Error(told(t, s, "listed"))
		}
	})
}

func TestAProofSurvivesACrashAtEveryBoundary(t *testing.T) {
	runbooktest.CrashEverywhere(t, synctest.Test, func(t *testing.T) runbooktest.Lab {
		l, _ := shipped(t, "prove-backups.yaml", "", nil)
		l.Check = func(t *testing.T, s runbook.State) {
			if s.Finished == nil || s.Finished.Outcome != runbook.Done {
				t.Errorf("it ended as %+v", s.Finished)
			}
		}
		return l
	})
}

// A broken chain is no proof, and the run says so.
func TestABrokenChainIsNotProved(t *testing.T) {
	for _, chain := range []string{sim.ChainBroken, sim.ChainTorn, sim.ChainSealed, sim.ChainEmpty} {
		synctest.Test(t, func(t *testing.T) {
			l, _ := labWith(t, string(read(t, "prove-backups.yaml")), sim.Faults{Chain: chain}, 1, nil)
			l.Secrets, l.Decide = vault{}, operator()
			s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
			if s.Finished == nil || s.Finished.Outcome == runbook.Done {
				t.Errorf("%s: it ended as %+v", chain, s.Finished)
			}
		})
	}
}
