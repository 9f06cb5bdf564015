package runbooks_test

import (
	"fmt"
	"maps"
	"strings"
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

// www.example.com and www.staging.example.com may be two estates of one account: both call their server www.
func TestCopyImagesLeavesWhatItsEstateDidNotMake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := string(read(t, "estate.yaml"))
		world := sim.NewMemory(sim.FromEstate(parsed(t, text), sim.Serving, 1), runbook.WallClock{})
		foreign := map[string]map[string]string{
			"another estate's":        {"lifeboat:estate": "staging", "lifeboat:run": "other-run", "lifeboat:key": "k1"},
			"one of before":           {"lifeboat:run": "older-run", "lifeboat:key": "k2"},
			"a person's of that name": {},
		}
		copies := map[string]string{}
		for what, tags := range foreign {
			copies[what] = foreignCopy(t, world, what, tags)
		}
		var ours []string
		night := func(n int) {
			time.Sleep(26 * time.Hour)
			l := copying(t, world, runbook.WallClock{}, parsed(t, strings.Replace(text, "image: ami-0a1b2c3d4e5f60718", "image: "+newSource(t, world, n), 1)),
				runbook.RunID(fmt.Sprintf("20260101-03000%d-copy-images", n)), string(read(t, "copy-images.yaml")), nil)
			s, _ := l.Life(t, 1, 0, runbooktest.Before, 12*time.Hour)
			done(t, s)
			ours = append(ours, s.Step("copy-www").Outputs["image"].(string))
		}
		for n := range 2 {
			night(n)
		}
		// From here on a further server of the estate goes over with the oldest copy.
		text = strings.Replace(text, "servers: ", "servers:\n  spare: {standby: {image: "+ours[0]+"}} #", 1)
		for n := range 4 {
			night(n + 2)
		}
		for what, id := range copies {
			if !launchable(t, world, id) {
				t.Errorf("%s copy was removed", what)
			}
		}
		if !launchable(t, world, ours[0]) {
			t.Error("the copy that another server of the estate goes over with was removed")
		}
		if launchable(t, world, ours[1]) {
			t.Error("an old copy of the estate's own was kept, although three newer ones are there")
		}
	})
}

func parsed(t *testing.T, text string) *runbook.Estate {
	t.Helper()
	estate, err := runbook.ParseEstate("estate.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return estate
}

// foreignCopy is a copy in the standby region that bears the same name as the estate's own.
func foreignCopy(t *testing.T, world *sim.World, name string, tags map[string]string) string {
	t.Helper()
	i, err := world.Set().Images.Image(t.Context(), "us-east-1", "ami-0b2c3d4e5f6071829")
	if err != nil {
		t.Fatal(err)
	}
	i.Name, i.Tags = strings.ReplaceAll(name, "'", ""), map[string]string{"lifeboat:name": "www", "lifeboat:source": "ami-0cccccccccccccccc"}
	maps.Copy(i.Tags, tags)
	made, err := world.Set().Copies.RegisterImage(t.Context(), "us-east-1", i)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func newSource(t *testing.T, world *sim.World, n int) string {
	t.Helper()
	made, err := world.Set().Copies.CreateImage(t.Context(), "us-west-1", "i-0a1b2c3d4e5f60718", fmt.Sprintf("source-%d", n), true, map[string]string{"Name": "x"})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Hour)
	return made.ID
}

func launchable(t *testing.T, world *sim.World, id string) bool {
	t.Helper()
	i, err := world.Set().Images.Image(t.Context(), "us-east-1", id)
	if err != nil && !providers.Is(err, providers.NotFound) {
		t.Fatal(err)
	}
	return i.State == "available"
}

// The snapshot on the way stands in production's region, and only the run's own things may be deleted in a drill.
func TestDrillOfCopyImagesBySnapshotIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, world := fencedDrill(t, string(read(t, "copy-images.yaml")), map[string]string{"method": "snapshot"})
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 12*time.Hour)
		done(t, s)
		if len(ofRun(t, world, l.Run, "us-west-1")) != 3 {
			t.Fatalf("the drill left %v in us-west-1, not the three snapshots on the way", ofRun(t, world, l.Run, "us-west-1"))
		}
		var ids []string
		for i := range l.Plan.Steps {
			if runbook.Undoable(&l.Plan.Steps[i], s.Step(l.Plan.Steps[i].ID)) {
				ids = append(ids, l.Plan.Steps[i].ID)
			}
		}
		events, err := l.Journal.Events(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Journal.Append(t.Context(), uint64(len(events)), 0, &runbook.UndoRequested{Steps: ids, By: runbook.Actor{Name: "operator"}}); err != nil {
			t.Fatal(err)
		}
		s, _ = l.Life(t, 2, 0, runbooktest.Before, 3*time.Hour)
		for _, e := range s.Ledger() {
			t.Errorf("not put back: %s of %s", e.Target, e.Step)
		}
		for _, region := range []string{"us-west-1", "us-east-1"} {
			if left := ofRun(t, world, l.Run, region); len(left) > 0 {
				t.Errorf("left in %s: %v", region, left)
			}
		}
	})
}

// ofRun are the snapshots and images of a run.
func ofRun(t *testing.T, world *sim.World, run runbook.RunID, region string) (ids []string) {
	t.Helper()
	tags := map[string]string{"lifeboat:run": string(run)}
	parts, err := world.Set().Snapshots.FindSnapshots(t.Context(), region, "", tags)
	if err != nil {
		t.Fatal(err)
	}
	images, err := world.Set().Images.FindImages(t.Context(), region, tags)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range parts {
		ids = append(ids, s.ID)
	}
	for _, i := range images {
		ids = append(ids, i.ID)
	}
	return ids
}

// fencedDrill is a drill behind the fence that stands around the providers.
func fencedDrill(t *testing.T, text string, inputs map[string]string) (runbooktest.Lab, *sim.World) {
	t.Helper()
	clock := runbook.WallClock{}
	rb, err := runbook.Parse("runbook.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	estate := parsed(t, string(read(t, "estate.yaml")))
	spec := sim.FromEstate(estate, sim.Serving, 1)
	spec.Start = clock.Now()
	world := sim.NewMemory(spec, clock)
	const run = runbook.RunID("20260101-030000-drill-copy-images")
	journal := store.NewMemory(run, clock.Now)
	var plan *runbook.Plan
	set := wrap.Fence(world.Set(), func(target runbook.Target) error {
		events, err := journal.Events(t.Context(), 1)
		if err != nil {
			return err
		}
		s := runbook.Fold(events)
		return runbook.MayTouch(plan, &s)(target)
	})
	plan, err = runbook.Compile(runbook.CompileInput{
		Runbook: rb, Estate: estate, Catalog: actions.Catalog(set, actions.Options{Clock: clock, Mode: runbook.Drill}), Mode: runbook.Drill, Inputs: inputs,
	})
	if err != nil {
		t.Fatal(err)
	}
	return runbooktest.Lab{
		Run: run, Plan: plan, Journal: journal, Clock: clock,
		Start: &runbook.RunStarted{
			Mode: runbook.Drill, Name: plan.Name, Digest: plan.Digest, Target: runbook.Duration(plan.Target), Inputs: plan.Inputs,
			Answers: []runbook.Answer{{Step: "*", Word: "*"}}, Driver: runbook.Driver{Epoch: 1},
		},
	}, world
}
