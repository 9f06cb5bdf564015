package runbooks_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/actions"
	"lifeboat/providers/duplicity"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
	"lifeboat/runbook/runbooktest"
	"lifeboat/runbooks"
	"lifeboat/store"
)

// lab is a fresh simulated night with the shipped failover compiled against it. The night's clock is the bubble's.
func lab(t *testing.T, faults sim.Faults, seed uint64) (runbooktest.Lab, *sim.World) {
	t.Helper()
	return labOf(t, string(read(t, "failover.yaml")), faults, seed)
}

// labOf is lab for any runbook on the demo's estate.
func labOf(t *testing.T, text string, faults sim.Faults, seed uint64) (runbooktest.Lab, *sim.World) {
	t.Helper()
	return labWith(t, text, faults, seed, nil)
}

// labWith is labOf with inputs.
func labWith(t *testing.T, text string, faults sim.Faults, seed uint64, inputs map[string]string) (runbooktest.Lab, *sim.World) {
	t.Helper()
	clock := runbook.WallClock{}
	rb, err := runbook.Parse("runbook.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	estate, err := runbook.ParseEstate("estate.yaml", read(t, "estate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	spec := sim.FromEstate(estate, sim.Stopped, seed).WithNight(faults)
	spec.Start = clock.Now()
	world := sim.NewMemory(spec, clock)
	set := world.Set()
	set.Archives = duplicity.New(set.Shell)
	plan, err := runbook.Compile(runbook.CompileInput{
		Runbook: rb, Estate: estate, Catalog: actions.Catalog(set, actions.Options{Clock: clock}), Mode: runbook.Rehearse, Inputs: inputs,
	})
	if err != nil {
		t.Fatal(err)
	}
	const run = runbook.RunID("20260101-030000-failover-test")
	l := runbooktest.Lab{
		Run: run, Plan: plan, Journal: store.NewMemory(run, clock.Now), Clock: clock,
		Start: &runbook.RunStarted{
			Mode: runbook.Rehearse, Name: plan.Name, Digest: plan.Digest, Target: runbook.Duration(plan.Target),
			Answers: []runbook.Answer{{Step: "*", Word: "*"}}, Driver: runbook.Driver{Epoch: 1},
		},
	}
	return l, world
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := fs.ReadFile(runbooks.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// exactlyOne asks the world what a failover must have left: one machine, one attachment, one association, the record
// changed once, and the page served.
func exactlyOne(world *sim.World) func(t *testing.T, s runbook.State) {
	return func(t *testing.T, s runbook.State) {
		t.Helper()
		if s.Finished == nil || s.Finished.Outcome != runbook.Done {
			t.Errorf("the run ended as %+v, not done", s.Finished)
		}
		audit := world.Audit()
		for what, n := range map[string]int{
			"instances": len(audit.Instances), "keys": len(audit.Launched), "attachments": audit.Attachments,
			"associations": audit.Associations, "record changes": audit.RecordChanges,
		} {
			if n != 1 {
				t.Errorf("%d %s, not exactly one", n, what)
			}
		}
		page, err := world.Set().Web.Get(t.Context(), "https://www.example.com/", "198.51.100.7")
		if err != nil || page.Status != 200 {
			t.Errorf("the page is not served: %+v, %v", page, err)
		}
	}
}

func TestFailoverOnAQuietNight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, world := lab(t, sim.Faults{}, 1)
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		exactlyOne(world)(t, s)
		if s.Finished != nil {
			took := time.Duration(s.Finished.Elapsed)
			t.Logf("took %s of %s", took, l.Plan.Target)
			if took > l.Plan.Target {
				t.Errorf("took %s, over the target of %s", took, l.Plan.Target)
			}
		}
	})
}

func TestFailoverSurvivesACrashAtEveryBoundary(t *testing.T) {
	runbooktest.CrashEverywhere(t, synctest.Test, func(t *testing.T) runbooktest.Lab {
		l, world := lab(t, sim.Faults{}, 1)
		l.Check = exactlyOne(world)
		return l
	})
}

// A shop without a live replica fails over to last night's copy.
func TestFailoverWithoutAReplica(t *testing.T) {
	rb, err := runbook.Parse("failover.yaml", read(t, "failover.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(read(t, "estate.yaml"))
	from, to := strings.Index(text, "  replica:\n"), strings.Index(text, "  subnet:")
	text = text[:from] + text[to:]
	text = strings.Replace(text, "    replica: {host: 198.51.100.21}\n", "", 1)
	estate, err := runbook.ParseEstate("estate.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	in := runbook.CompileInput{
		Runbook: rb, Estate: estate, Catalog: actions.Catalog(providers.Set{}, actions.Options{}), Mode: runbook.Live,
		Inputs: map[string]string{"data": "nightly"},
	}
	if _, err := runbook.Compile(in); err != nil {
		t.Errorf("with last night's copy: %v", err)
	}
	in.Inputs = map[string]string{"data": "replica"}
	if _, err := runbook.Compile(in); err == nil || !strings.Contains(err.Error(), "standby.replica") {
		t.Errorf("without a replica, the replica was accepted, or not missed by name: %v", err)
	}
}
