package runbooks_test

import (
	"fmt"
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

// many is an estate of n servers with data, and three that have nothing to copy or nowhere to go to.
func many(n int) string {
	var b strings.Builder
	b.WriteString(`lifeboat: 1
kind: estate
name: shop
service: {name: www.example.com, url: "https://www.example.com/"}
production: {region: us-west-1, instance: i-0a000000000000000, address: 203.0.113.100, volume: {id: vol-0a000000000000000, path: /srv/data}}
standby:
  region: us-east-1
  volume: {id: vol-0b000000000000000, zone: us-east-1a, path: /srv/data}
  nightly: {host: 198.51.100.30, path: /srv/copies/main, identity: /root/.ssh/nightly}
ssh: {user: root}
servers:
  no-data: {production: {instance: i-0a00000000000f001, address: 203.0.113.201}, standby: {nightly: {host: 198.51.100.30, path: /srv/copies/none}}}
  no-copy: {production: {instance: i-0a00000000000f002, address: 203.0.113.202, volume: {id: vol-0a00000000000f002, path: /srv/data}}}
  no-host: {production: {instance: i-0a00000000000f003, address: 203.0.113.203, volume: {id: vol-0a00000000000f003, path: /srv/data}}, standby: {nightly: {path: /srv/data}}}
`)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `  s%02d:
    production: {instance: i-0a0000000000000%02d, address: 203.0.113.%d, volume: {id: vol-0a0000000000000%02d, path: /srv/data}}
    standby: {nightly: {host: 198.51.100.30, path: /srv/copies/s%02d, identity: /root/.ssh/nightly}}
`, i, i, 100+i, i, i)
	}
	return b.String()
}

// estateLab is labOf on another estate, with production up.
func estateLab(t testing.TB, text, estateText string, faults sim.Faults, seed uint64) (runbooktest.Lab, *sim.World) {
	t.Helper()
	clock := runbook.WallClock{}
	rb, err := runbook.Parse("runbook.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	estate, err := runbook.ParseEstate("estate.yaml", []byte(estateText))
	if err != nil {
		t.Fatal(err)
	}
	spec := sim.FromEstate(estate, sim.Serving, seed).WithNight(faults)
	spec.Start = clock.Now()
	world := sim.NewMemory(spec, clock)
	plan, err := runbook.Compile(runbook.CompileInput{
		Runbook: rb, Estate: estate, Catalog: actions.Catalog(world.Set(), actions.Options{Clock: clock}), Mode: runbook.Rehearse,
	})
	if err != nil {
		t.Fatal(err)
	}
	const run = runbook.RunID("20260101-030000-nightly-test")
	return runbooktest.Lab{
		Run: run, Plan: plan, Journal: store.NewMemory(run, clock.Now), Clock: clock,
		Start: &runbook.RunStarted{
			Mode: runbook.Rehearse, Name: plan.Name, Digest: plan.Digest, Target: runbook.Duration(plan.Target),
			Answers: []runbook.Answer{{Step: "*", Word: "*"}}, Driver: runbook.Driver{Epoch: 1},
		},
	}, world
}

func TestNightlyCopyOfEveryServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, world := estateLab(t, string(read(t, "nightly-copy.yaml")), many(4), sim.Faults{}, 1)
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		if s.Finished == nil || s.Finished.Outcome != runbook.Done {
			t.Fatalf("ended as %+v", s.Finished)
		}
		if n := world.Audit().Copies; n != 4 {
			t.Errorf("%d copies were made, not 4", n)
		}
		for id, st := range s.Steps {
			none := strings.Contains(id, "-no-")
			if none == (st.Status == runbook.StatusDone) {
				t.Errorf("%s is %s", id, st.Status)
			}
			if strings.HasPrefix(id, "proved-") && !none && !strings.Contains(st.Evidence, "is whole since") {
				t.Errorf("%s: %s", id, st.Evidence)
			}
		}
	})
}

// TestNightlyCopyOfTheDemo plans and rehearses it as it is shipped.
func TestNightlyCopyOfTheDemo(t *testing.T) {
	for _, mode := range []runbook.Mode{runbook.Live, runbook.Drill, runbook.Rehearse} {
		rb, err := runbook.Parse("nightly-copy.yaml", read(t, "nightly-copy.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		estate, err := runbook.ParseEstate("estate.yaml", read(t, "estate.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := runbook.Compile(runbook.CompileInput{
			Runbook: rb, Estate: estate, Catalog: actions.Catalog(providers.Set{}, actions.Options{}), Mode: mode,
		})
		if err != nil || len(plan.Steps) < 2 {
			t.Errorf("%s: %d steps, %v", mode, len(plan.Steps), err)
		}
	}
	runbooktest.CrashEverywhere(t, synctest.Test, func(t *testing.T) runbooktest.Lab {
		l, world := estateLab(t, string(read(t, "nightly-copy.yaml")), string(read(t, "estate.yaml")), sim.Faults{}, 1)
		l.Check = func(t *testing.T, s runbook.State) {
			if s.Finished == nil || s.Finished.Outcome != runbook.Done {
				t.Errorf("ended as %+v", s.Finished)
			}
			if world.Audit().Copies == 0 || !strings.Contains(s.Steps["proved-www"].Evidence, "is whole since") {
				t.Errorf("%d copies; %s", world.Audit().Copies, s.Steps["proved-www"].Evidence)
			}
		}
		return l
	})
}

// TestNightlyCopyOnABadNight: a copy that breaks is made again, one whose source has nothing stops alone, and no copy that
// is not whole says that it is.
func TestNightlyCopyOnABadNight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := sim.Faults{Calls: []sim.Fault{{Op: "ssh:rsync", About: "progress2", Kind: sim.FaultReset, Times: 3}}}
		l, world := estateLab(t, string(read(t, "nightly-copy.yaml")), many(4), faults, 1)
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		if s.Finished == nil || s.Finished.Outcome != runbook.Done || world.Audit().Copies != 4 {
			t.Errorf("ended as %+v with %d copies", s.Finished, world.Audit().Copies)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		l, world := estateLab(t, string(read(t, "nightly-copy.yaml")), many(4), sim.Faults{}, 1)
		// One server has lost its data: its disk is not mounted.
		if err := world.Lose("i-0a000000000000002", "/srv/data"); err != nil {
			t.Fatal(err)
		}
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 30*time.Minute) // nobody is there to decide
		if s.Steps["copy-s02"].Status == runbook.StatusDone || s.Steps["proved-s01"].Status != runbook.StatusDone {
			t.Errorf("copy-s02 is %s, proved-s01 is %s", s.Steps["copy-s02"].Status, s.Steps["proved-s01"].Status)
		}
		if f := s.Steps["copy-s02"].Failure; f == nil || !strings.Contains(f.What, "203.0.113.102:/srv/data is empty") {
			t.Errorf("%+v", f)
		}
	})
}

// shares says how long the copies of n servers took, side by side, and how long the longest of them.
func shares(t *testing.T, n int, seed uint64) (wall, longest time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l, _ := estateLab(t, string(read(t, "nightly-copy.yaml")), many(n), sim.Faults{}, seed)
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		if s.Finished == nil || s.Finished.Outcome != runbook.Done {
			t.Fatalf("ended as %+v", s.Finished)
		}
		wall = time.Duration(s.Finished.Elapsed)
		single := map[string]time.Duration{}
		for id, st := range s.Steps {
			if _, server, ok := strings.Cut(id, "-"); ok && st.Status == runbook.StatusDone {
				single[server] += st.Ended.Sub(st.First)
			}
		}
		for _, d := range single {
			longest = max(longest, d)
		}
	})
	return wall, longest
}

// TestNightlyCopySideBySide: twenty servers take no more than a fifth longer than the slowest of them alone.
func TestNightlyCopySideBySide(t *testing.T) {
	wall, longest := shares(t, 20, 1)
	t.Logf("20 servers: %s, the longest %s: %.2f", wall, longest, wall.Seconds()/longest.Seconds())
	if wall.Seconds() > 1.2*longest.Seconds() {
		t.Errorf("%s is more than 1.2 times %s", wall, longest)
	}
}

func BenchmarkNightlyCopy(b *testing.B) {
	// A bubble needs a *testing.T: the figures come from the simulation, so one run of it says as much as many.
	var wall, longest time.Duration
	for b.Loop() {
		testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{
			Name: "nightly", F: func(t *testing.T) { wall, longest = shares(t, 20, 1) },
		}})
	}
	b.ReportMetric(wall.Seconds()/longest.Seconds(), "wall/longest")
	b.ReportMetric(wall.Seconds(), "simulated-s")
}

// TestNightsOfTheCopies: on a bad night the probes say what is true of the copies, before anybody chooses one.
func TestNightsOfTheCopies(t *testing.T) {
	const asks = `lifeboat: 1
kind: runbook
name: asks
title: How old are the copies
guards:
  - {id: replica, title: The replica follows, uses: replica.lag, with: {replica: "${{ estate.standby.replica }}", max: 1h}}
  - {id: nightly, title: The nightly copy is whole, uses: copy.complete, with: {at: "${{ estate.standby.nightly }}", max_age: 26h}}
steps:
  - {id: call, title: Call, uses: manual, with: {text: call}}
`
	for night, want := range map[string]map[string]string{
		"quiet":              {"replica": "holds: 198.51.100.21 is 3", "nightly": "holds: 198.51.100.21:/srv/nightly/www is whole since"},
		"stopped-replica":    {"replica": "absent: ", "nightly": "holds: "},
		"incomplete-nightly": {"replica": "holds: ", "nightly": "absent: 198.51.100.21:/srv/nightly/www is not whole: the copy from production that began"},
	} {
		t.Run(night, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				faults, err := sim.Night(night, 1)
				if err != nil {
					t.Fatal(err)
				}
				l, _ := estateLab(t, asks, string(read(t, "estate.yaml")), faults, 1)
				for id, words := range want {
					probe, err := l.Plan.BindGuard(id, nil)
					if err != nil {
						t.Fatal(err)
					}
					o, err := probe.Observe(t.Context(), runbook.Call{})
					if got := string(o.State) + ": " + o.Evidence; err != nil || !strings.HasPrefix(got, words) {
						t.Errorf("%s: %s, %v; want %s", id, got, err, words)
					}
				}
			})
		})
	}
}
