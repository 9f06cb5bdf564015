package runbooks_test

import (
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/actions"
	"lifeboat/providers/sim"
	"lifeboat/providers/wrap"
	"lifeboat/runbook"
	"lifeboat/runbook/runbooktest"
	"lifeboat/store"
)

// TestADrillLeavesProductionAlone drills the shipped failover while production serves, behind both fences, and asks the
// world afterwards: production's name, machine, address and volume are as they were.
func TestADrillLeavesProductionAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := runbook.WallClock{}
		estate, err := runbook.ParseEstate("estate.yaml", file(t, "estate.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		world := sim.NewMemory(sim.FromEstate(estate, sim.Serving, 1), clock)
		before := production(t, world.Set(), estate)

		plan := compile(t, string(file(t, "estate.yaml")), runbook.Drill, "replica")
		const run = runbook.RunID("20260101-100000-failover-drill")
		journal := store.NewMemory(run, clock.Now)
		fence := func(target runbook.Target) error {
			events, err := journal.Events(t.Context(), 1)
			if err != nil {
				return err
			}
			s := runbook.Fold(events)
			return runbook.MayTouch(plan, &s)(target)
		}
		rb, err := runbook.Parse("failover.yaml", file(t, "failover.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		// The same plan, on actions that act.
		plan, err = runbook.Compile(runbook.CompileInput{
			Runbook: rb, Estate: estate, Mode: runbook.Drill, Inputs: plan.Inputs,
			Catalog: actions.Catalog(wrap.Fence(world.Set(), fence), actions.Options{Clock: clock}),
		})
		if err != nil {
			t.Fatal(err)
		}
		l := runbooktest.Lab{
			Run: run, Plan: plan, Journal: journal, Clock: clock, Decide: operator(),
			Start: &runbook.RunStarted{
				Mode: runbook.Drill, Name: plan.Name, Digest: plan.Digest,
				Answers: []runbook.Answer{{Step: runbook.StartStep, Word: plan.Word}}, Driver: runbook.Driver{Epoch: 1},
			},
		}
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		if s.Finished == nil || s.Finished.Outcome != runbook.Done {
			t.Fatalf("the drill ended as %+v", s.Finished)
		}
		if after := production(t, world.Set(), estate); after != before {
			t.Errorf("production was\n%s\nand is\n%s", before, after)
		}
		page, err := world.Set().Web.Get(t.Context(), "https://drill.example.com/", "")
		if err != nil || page.Status != 200 || page.Address != "198.51.100.9" {
			t.Errorf("the drill serves nothing: %+v, %v", page, err)
		}
	})
}

// production is what a drill must not change, as text.
func production(t *testing.T, set providers.Set, e *runbook.Estate) string {
	t.Helper()
	ctx, p := t.Context(), e.Production
	i, err := set.Instances.Instance(ctx, p.Region, p.Instance.ID)
	if err != nil {
		t.Fatal(err)
	}
	a, err := set.Addresses.Address(ctx, p.Region, p.Address.ID)
	if err != nil {
		t.Fatal(err)
	}
	standby, err := set.Addresses.Address(ctx, e.Standby.Region, e.Standby.Address.ID)
	if err != nil {
		t.Fatal(err)
	}
	v, err := set.Volumes.Volume(ctx, e.Standby.Region, e.Standby.Volume.ID.ID)
	if err != nil {
		t.Fatal(err)
	}
	r, err := set.Records.Record(ctx, e.Service.Zone, e.Service.Name, "A")
	if err != nil {
		t.Fatal(err)
	}
	out := string(i.State) + " " + a.Instance + " standby address with [" + standby.Instance + "] standby volume " + v.State
	for _, value := range r.Values {
		out += " " + value + " " + r.TTL.Round(time.Second).String()
	}
	return out
}
