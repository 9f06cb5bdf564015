package runbooks_test

import (
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/actions"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
	"lifeboat/runbook/runbooktest"
	"lifeboat/store"
)

// next is another run of a shipped runbook in the world that a run has left.
func next(t *testing.T, l runbooktest.Lab, world *sim.World, name string) runbooktest.Lab {
	t.Helper()
	plan, err := runbook.CompileFiles(runbook.NewSource(name+".yaml", read(t, name+".yaml")), runbook.NewSource("estate.yaml", read(t, "estate.yaml")), runbook.CompileInput{
		Catalog: actions.Catalog(world.Set(), actions.Options{Clock: l.Clock}), Mode: runbook.Rehearse,
	})
	if err != nil {
		t.Fatal(err)
	}
	run := runbook.RunID("20260102-030000-" + name + "-test")
	l.Run, l.Plan, l.Journal = run, plan, store.NewMemory(run, l.Clock.Now)
	l.Start = &runbook.RunStarted{
		Mode: runbook.Rehearse, Name: plan.Name, Digest: plan.Digest, Answers: []runbook.Answer{{Step: "*", Word: "*"}}, Driver: runbook.Driver{Epoch: 1},
	}
	return l
}

// After a failover the old primary comes back: one runbook fences it, and the service does not notice.
func TestFenceAfterAFailover(t *testing.T) {
	for _, after := range []time.Duration{4 * time.Second, time.Minute} { // it starts, or it runs
		synctest.Test(t, func(t *testing.T) { fenced(t, after) })
	}
}

func fenced(t *testing.T, after time.Duration) {
	l, world := lab(t, sim.Faults{}, 1)
	over(t, l)
	const old = "i-0a1b2c3d4e5f60718"
	if err := world.Set().Power.Start(t.Context(), "us-west-1", old); err != nil {
		t.Fatal(err)
	}
	if err := runbook.Sleep(t.Context(), l.Clock, after); err != nil {
		t.Fatal(err)
	}
	over(t, next(t, l, world, "fence"))
	i, err := world.Set().Instances.Instance(t.Context(), "us-west-1", old)
	if err != nil || i.State != providers.InstanceStopped {
		t.Errorf("the old primary is %s, %v", i.State, err)
	}
	if !serves(t, world, "198.51.100.7") {
		t.Error("the service is gone with it")
	}
}

// While production serves it is not fenced, whoever asks.
func TestFenceRefusesTheServerThatServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, world := estateLab(t, string(read(t, "fence.yaml")), string(read(t, "estate.yaml")), sim.Faults{}, 1)
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		if s.Finished == nil || !s.Finished.Refused {
			t.Errorf("it ended as %+v", s.Finished)
		}
		i, err := world.Set().Instances.Instance(t.Context(), "us-west-1", "i-0a1b2c3d4e5f60718")
		if err != nil || i.State != providers.InstanceRunning {
			t.Errorf("production is %s, %v", i.State, err)
		}
	})
}
