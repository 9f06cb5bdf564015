package runbooks_test

import (
	"slices"
	"strings"
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

// over runs a lab to its end and fails the test when that is not a good one.
func over(t *testing.T, l runbooktest.Lab) runbook.State {
	t.Helper()
	l.Decide = func(q runbook.Question) runbook.Reply { // nobody is there to ask: what asks has failed
		t.Logf("%s asks: %s", q.Step, q.Text)
		return runbook.Reply{Choice: runbook.ChooseStop, By: runbook.Actor{Name: "nobody"}}
	}
	s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
	if s.Finished == nil || s.Finished.Outcome != runbook.Done {
		for id, st := range s.Steps {
			if st.Failure != nil {
				t.Logf("%s: %s", id, st.Failure.What)
			}
		}
		t.Fatalf("%s ended as %+v, not done; open are %+v", l.Plan.Name, s.Finished, s.Questions())
	}
	return s
}

// record is what the service's name says in Route 53.
func record(t *testing.T, world *sim.World) providers.Record {
	t.Helper()
	r, err := world.Set().Records.Record(t.Context(), "Z0123456789EXAMPLE", "www.example.com", "A")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// serves asks the address for the page of the service.
func serves(t *testing.T, world *sim.World, address string) bool {
	t.Helper()
	page, err := world.Set().Web.Get(t.Context(), "https://www.example.com/", address)
	return err == nil && page.Status == 200
}

// A planned move loses nothing: the data on the other side is the production server's own, the old server stands still, and
// the name has its usual TTL again.
func TestSwitchover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, world := estateLab(t, string(read(t, "switchover.yaml")), string(read(t, "estate.yaml")), sim.Faults{}, 1)
		s := over(t, l)
		if r := record(t, world); strings.Join(r.Values, " ") != "198.51.100.7" || r.TTL.Seconds() != 300 {
			t.Errorf("the name says %+v", r)
		}
		if !serves(t, world, "198.51.100.7") || serves(t, world, "203.0.113.10") {
			t.Error("the page is not served by the new server alone")
		}
		if d := world.VolumeData("vol-0b2c3d4e5f6071829"); d.Version != "live" || d.Torn {
			t.Errorf("the volume holds %+v", d)
		}
		frozen, proved := s.Step("freeze").Since, s.Step("proof").Ended
		t.Logf("the whole run took %s, and the service stood still for %s", time.Duration(s.Finished.Elapsed), proved.Sub(frozen))
	})
}

// back compiles the way back from a run on the demo's estate, in the world that the run has left.
func back(t *testing.T, l runbooktest.Lab, s runbook.State, world *sim.World, server string) runbooktest.Lab {
	t.Helper()
	text, err := runbook.Failback(l.Plan, &s)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := runbook.CompileFiles(runbook.NewSource("failback.yaml", []byte(text)), runbook.NewSource("estate.yaml", read(t, "estate.yaml")), runbook.CompileInput{
		Catalog: actions.Catalog(world.Set(), actions.Options{Clock: l.Clock}), Mode: runbook.Rehearse, Inputs: map[string]string{"server": server},
	})
	if err != nil {
		t.Fatalf("%s\n%s", err, text)
	}
	const run = runbook.RunID("20260102-030000-failback-test")
	out := l
	out.Run, out.Plan, out.Journal = run, plan, store.NewMemory(run, l.Clock.Now)
	out.Start = &runbook.RunStarted{
		Mode: runbook.Rehearse, Name: plan.Name, Digest: plan.Digest, Answers: []runbook.Answer{{Step: "*", Word: "*"}}, Driver: runbook.Driver{Epoch: 1},
	}
	return out
}

// home asks the world whether everything is again as before the failover.
func home(t *testing.T, world *sim.World, launched string) {
	t.Helper()
	if r := record(t, world); strings.Join(r.Values, " ") != "203.0.113.10" || r.TTL.Seconds() != 300 {
		t.Errorf("the name says %+v", r)
	}
	if !serves(t, world, "203.0.113.10") || serves(t, world, "198.51.100.7") {
		t.Error("the page is not served by the old server alone")
	}
	i, err := world.Set().Instances.Instance(t.Context(), "us-east-1", launched)
	if err == nil && i.State != providers.InstanceTerminated && i.State != providers.InstanceShuttingDown {
		t.Errorf("the server of the failover is %s", i.State)
	}
	v, err := world.Set().Volumes.Volume(t.Context(), "us-east-1", "vol-0b2c3d4e5f6071829")
	if err != nil || v.Instance != "" {
		t.Errorf("the standby volume is not free: %+v, %v", v, err)
	}
	a, err := world.Set().Addresses.Address(t.Context(), "us-east-1", "198.51.100.7")
	if err != nil || a.Instance != "" {
		t.Errorf("the standby address is not free: %+v, %v", a, err)
	}
}

// Over and back, in one world: what a failover did is taken back by the runbook that its record gives.
func TestFailbackFromAFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, world := lab(t, sim.Faults{}, 1)
		s := over(t, l)
		launched, _ := s.Step("launch").Outputs["instance"].(string)
		over(t, back(t, l, s, world, "start"))
		home(t, world, launched)
	})
}

func TestFailbackFromASwitchover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, world := estateLab(t, string(read(t, "switchover.yaml")), string(read(t, "estate.yaml")), sim.Faults{}, 2)
		s := over(t, l)
		launched, _ := s.Step("launch").Outputs["instance"].(string)
		over(t, back(t, l, s, world, "start"))
		home(t, world, launched)
	})
}

// A rehearsal of the way back begins in a world that is made from the record, as if the failover had been live.
func TestFailbackIsRehearsedFromTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lab(t, sim.Faults{}, 1)
		s := over(t, l)
		after, err := runbook.After(l.Plan, &s)
		if err != nil {
			t.Fatal(err)
		}
		estate, err := runbook.ParseEstate("estate.yaml", read(t, "estate.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		spec := sim.FromEstate(estate, sim.Stopped, 5).After(after)
		spec.Start = l.Clock.Now()
		world := sim.NewMemory(spec, l.Clock)
		over(t, back(t, l, s, world, "start"))
		home(t, world, after.Server)
	})
}

// What cannot be taken back says so.
func TestNoFailbackFromNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lab(t, sim.Faults{}, 1)
		for what, s := range map[string]runbook.State{
			"is not over yet":    {Run: "r"},
			"launched no server": {Run: "r", Finished: &runbook.RunFinished{Outcome: runbook.Stopped}},
		} {
			if _, err := runbook.Failback(l.Plan, &s); err == nil || !strings.Contains(err.Error(), what) {
				t.Errorf("%v, want %s", err, what)
			}
		}
	})
}

// varied is the way back from a failover whose runbook and estate were changed, compiled.
func varied(t *testing.T, book, estate func(string) string) (string, *runbook.Plan) {
	t.Helper()
	estateText := estate(string(read(t, "estate.yaml")))
	l, world := estateLab(t, book(string(read(t, "failover.yaml"))), estateText, sim.Faults{Production: sim.DeadServer}, 1)
	text, err := runbook.Failback(l.Plan, new(over(t, l)))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := runbook.CompileFiles(runbook.NewSource("failback.yaml", []byte(text)), runbook.NewSource("estate.yaml", []byte(estateText)), runbook.CompileInput{
		Catalog: actions.Catalog(world.Set(), actions.Options{Clock: l.Clock}), Mode: runbook.Rehearse,
	})
	if err != nil {
		t.Fatalf("%s\n%s", err, text)
	}
	return text, plan
}

func same(s string) string { return s }

// without takes steps out of a runbook.
func without(text string, ids ...string) string {
	for _, id := range ids {
		from := strings.Index(text, "  - id: "+id+"\n")
		if to := strings.Index(text[from+5:], "\n  - id: "); to >= 0 {
			text = text[:from] + text[from+5+to+1:]
		} else {
			text = text[:from]
		}
	}
	return text
}

// Where lifeboat cannot bring the data home, a person is asked for it before the name moves, and the server that has it stays.
func TestFailbackWithoutAPlaceForTheData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text, plan := varied(t, same, func(s string) string {
			return strings.Replace(s, "  volume: {id: vol-0a1b2c3d4e5f60718, zone: us-west-1a, path: /srv/data}\n", "", 1)
		})
		data, asked := plan.Step("data")
		if _, ends := plan.Step("terminate"); !asked || !data.Kind.Person || data.Word != "BROUGHT HOME" || ends {
			t.Errorf("the data is not asked for, or the server that has it goes:\n%s", text)
		}
		if name, ok := plan.Step("name"); !ok || !slices.Contains(runbook.Ancestors(plan, name.ID), "data") {
			t.Error("the name moves before the data is home")
		}
	})
}

// A run that started no services: somebody stops what writes before the last copy.
func TestFailbackWithoutServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text, plan := varied(t, func(s string) string { return without(s, "services", "serving", "over") }, same)
		freeze, ok := plan.Step("freeze")
		if sync, _ := plan.Step("sync"); !ok || !freeze.Kind.Person || !slices.Contains(sync.Needs, "freeze") {
			t.Errorf("nothing stops the writes before the last copy:\n%s", text)
		}
	})
}

// What the old volume holds, and nobody has copied before it failed, is kept before the copy home goes over it.
func TestFailbackKeepsWhatTheOldVolumeHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, world := lab(t, sim.Faults{}, 1)
		s := over(t, l)
		b := back(t, l, s, world, "start")
		if c, _ := b.Plan.Step("copy"); !slices.Contains(c.Needs, "keep") {
			t.Errorf("the copy home waits for %v", c.Needs)
		}
		end := over(t, b)
		if id, _ := end.Step("keep").Outputs["snapshot"].(string); id == "" || world.Audit().Calls["ec2:CreateSnapshot"] != 1 {
			t.Errorf("no snapshot was made: %+v", end.Step("keep"))
		}
	})
}

// The way back of what moved more than the service is not guessed.
func TestNoFailbackFromTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := estateLab(t, string(read(t, "failover-others.yaml")), string(read(t, "estate.yaml")), sim.Faults{}, 1)
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		if _, err := runbook.Failback(l.Plan, &s); err == nil || !strings.Contains(err.Error(), "several servers") && !strings.Contains(err.Error(), "no address") {
			t.Errorf("%v", err)
		}
	})
}
