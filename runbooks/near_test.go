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

// nearby is a rehearsal of a runbook that stays in the region, on a night.
func nearby(t *testing.T, name, night string, inputs map[string]string, more ...sim.Fault) (runbooktest.Lab, *sim.World) {
	t.Helper()
	clock := runbook.WallClock{}
	rb, err := runbook.Parse(name+".yaml", file(t, name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	estate, err := runbook.ParseEstate("estate.yaml", file(t, "estate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	faults, err := sim.Night(night, 1)
	if err != nil {
		t.Fatal(err)
	}
	faults.Calls = append(faults.Calls, more...)
	spec := sim.FromEstate(estate, sim.Serving, 1).WithNight(faults)
	spec.Start = clock.Now()
	world := sim.NewMemory(spec, clock)
	in := runbook.CompileInput{Runbook: rb, Estate: estate, Inputs: inputs, Mode: runbook.Rehearse}
	in.Catalog = actions.Catalog(world.Set(), actions.Options{Clock: clock})
	plan, err := runbook.Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	const run = runbook.RunID("20260101-030000-near-test")
	return runbooktest.Lab{
		Run: run, Plan: plan, Journal: store.NewMemory(run, clock.Now), Clock: clock,
		Start: &runbook.RunStarted{
			Mode: runbook.Rehearse, Name: plan.Name, Digest: plan.Digest, Target: runbook.Duration(plan.Target), Inputs: plan.Inputs,
			Answers: []runbook.Answer{{Step: "*", Word: "*"}}, Driver: runbook.Driver{Epoch: 1},
		},
	}, world
}

// inTime runs it to its end, and holds it against its target and the page.
func inTime(t *testing.T, l runbooktest.Lab, world *sim.World) runbook.State {
	t.Helper()
	s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
	if s.Finished == nil || s.Finished.Outcome != runbook.Done {
		t.Fatalf("ended as %+v", s.Finished)
	}
	took := time.Duration(s.Finished.Elapsed)
	t.Logf("took %s of %s", took, l.Plan.Target)
	if took > l.Plan.Target {
		t.Errorf("took %s, over the target of %s", took, l.Plan.Target)
	}
	served(t, world)
	return s
}

// served asks for the page where it always was, and by its name: the DNS was not touched.
func served(t *testing.T, world *sim.World) {
	t.Helper()
	for _, address := range []string{"203.0.113.10", ""} {
		page, err := world.Set().Web.Get(t.Context(), "https://www.example.com/", address)
		if err != nil || page.Status != 200 || page.Address != "203.0.113.10" {
			t.Errorf("at %q: %+v, %v", address, page, err)
		}
	}
	if n := world.Audit().RecordChanges; n != 0 {
		t.Errorf("%d changes of the DNS", n)
	}
}

func notNeeded(s *runbook.State) string {
	var out []string
	for id, st := range s.Steps {
		if st.Status == runbook.StatusNotNeeded {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestRepair(t *testing.T) {
	tests := []struct{ name, night, first, spared string }{
		{"the services are down", "service-dead", "services", "again reboot"},
		{"the machine hangs", "server-dead", "reboot", "reach services stop"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, world := nearby(t, "repair", test.night, map[string]string{"first": test.first})
				s := inTime(t, l, world)
				if got := notNeeded(&s); got != test.spared {
					t.Errorf("not needed: %q, want %q", got, test.spared)
				}
				if n := len(world.Audit().Instances); n != 0 {
					t.Errorf("%d machines were made", n)
				}
			})
		})
	}
}

// A service that starts and serves nothing is what the reboot is for.
func TestRepairReboots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, world := nearby(t, "repair", "service-dead", nil, sim.Fault{
			Op: "http:Get", Kind: sim.FaultRefused, Window: sim.Window{Until: runbook.Duration(20 * time.Second), Ends: "ec2:RebootInstances"},
		})
		s := inTime(t, l, world)
		if got := notNeeded(&s); got != "" {
			t.Errorf("not needed: %q", got)
		}
	})
}

func TestRepairSurvivesACrashAtEveryBoundary(t *testing.T) {
	runbooktest.CrashEverywhere(t, synctest.Test, func(t *testing.T) runbooktest.Lab {
		l, world := nearby(t, "repair", "service-dead", nil)
		l.Check = func(t *testing.T, s runbook.State) {
			if s.Finished == nil || s.Finished.Outcome != runbook.Done {
				t.Errorf("ended as %+v", s.Finished)
			}
			served(t, world)
		}
		return l
	})
}

func TestRelaunch(t *testing.T) {
	tests := []struct {
		name, night string
		inputs      map[string]string
		zone        string
		kept        bool // the data volume
	}{
		{"the server hangs", "server-dead", nil, "us-west-1a", true},
		{"its services are down", "service-dead", nil, "us-west-1a", true},
		{"its zone is dark", "zone-dark", map[string]string{"data": "snapshot", "zone": "us-west-1b"}, "us-west-1b", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, world := nearby(t, "relaunch", test.night, test.inputs)
				inTime(t, l, world)
				relaunched(t, world, test.zone, test.kept)
			})
		})
	}
}

// relaunched asks the world for what must be there: one new machine that has the address and the data, and an old one that has
// neither.
func relaunched(t *testing.T, world *sim.World, zone string, kept bool) {
	t.Helper()
	audit, set := world.Audit(), world.Set()
	if len(audit.Running) != 1 || len(audit.Launched) != 1 {
		t.Fatalf("%d machines run, of %d launches", len(audit.Running), len(audit.Launched))
	}
	i, err := set.Instances.Instance(t.Context(), "us-west-1", audit.Running[0])
	if err != nil || i.Zone != zone || i.PublicAddress != "203.0.113.10" {
		t.Errorf("%+v, %v", i, err)
	}
	v, err := set.Volumes.Volume(t.Context(), "us-west-1", "vol-0a1b2c3d4e5f60718")
	if err != nil || (v.Instance == i.ID) != kept {
		t.Errorf("the data volume is on %q, %v", v.Instance, err)
	}
	old, err := set.Instances.Instance(t.Context(), "us-west-1", "i-0a1b2c3d4e5f60718")
	if err != nil || old.PublicAddress != "" || kept && old.State != providers.InstanceStopped {
		t.Errorf("the old server: %s at %q, %v", old.State, old.PublicAddress, err)
	}
}

func TestRelaunchSurvivesACrashAtEveryBoundary(t *testing.T) {
	runbooktest.CrashEverywhere(t, synctest.Test, func(t *testing.T) runbooktest.Lab {
		l, world := nearby(t, "relaunch", "server-dead", nil)
		l.Check = func(t *testing.T, s runbook.State) {
			if s.Finished == nil || s.Finished.Outcome != runbook.Done {
				t.Errorf("ended as %+v", s.Finished)
			}
			served(t, world)
			relaunched(t, world, "us-west-1a", true)
		}
		return l
	})
}

// Both are planned for every mode and with every answer.
func TestTheNearOnesPlan(t *testing.T) {
	for name, inputs := range map[string][]map[string]string{
		"repair":   {{"first": "services"}, {"first": "reboot"}},
		"relaunch": {{"data": "volume"}, {"data": "snapshot", "zone": "us-west-1b"}},
	} {
		rb, err := runbook.Parse(name+".yaml", file(t, name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		estate, err := runbook.ParseEstate("estate.yaml", file(t, "estate.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, mode := range []runbook.Mode{runbook.Live, runbook.Drill, runbook.Rehearse} {
			for _, in := range inputs {
				plan, err := runbook.Compile(runbook.CompileInput{
					Runbook: rb, Estate: estate, Mode: mode, Inputs: in, Catalog: actions.Catalog(providers.Set{}, actions.Options{}),
				})
				if err != nil {
					t.Errorf("%s, %s, %v: %v", name, mode, in, err)
					continue
				}
				for _, r := range runbook.Reliances(plan) {
					if r.On == estate.Standby.Region {
						t.Errorf("%s leans on %s: %+v", name, r.On, r)
					}
				}
			}
		}
	}
}
