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

// copying is a run of copy-images on a world that may have seen others before it.
func copying(t testing.TB, world *sim.World, clock runbook.Clock, estate *runbook.Estate, run runbook.RunID, text string, inputs map[string]string) runbooktest.Lab {
	t.Helper()
	rb, err := runbook.Parse("copy-images.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := runbook.Compile(runbook.CompileInput{
		Runbook: rb, Estate: estate, Catalog: actions.Catalog(world.Set(), actions.Options{Clock: clock}), Mode: runbook.Rehearse, Inputs: inputs,
	})
	if err != nil {
		t.Fatal(err)
	}
	return runbooktest.Lab{
		Run: run, Plan: plan, Journal: store.NewMemory(run, clock.Now), Clock: clock,
		Start: &runbook.RunStarted{
			Mode: runbook.Rehearse, Name: plan.Name, Digest: plan.Digest, Target: runbook.Duration(plan.Target),
			Answers: []runbook.Answer{{Step: "*", Word: "*"}}, Driver: runbook.Driver{Epoch: 1},
		},
	}
}

func done(t testing.TB, s runbook.State) {
	t.Helper()
	if s.Finished == nil || s.Finished.Outcome != runbook.Done {
		for id, st := range s.Steps {
			t.Logf("%s: %s %+v", id, st.Status, st.Failure)
		}
		t.Fatalf("the run ended as %+v, not done", s.Finished)
	}
}

// The second run finds that every copy equals its source, and makes none.
func TestCopyImagesCopiesOnlyWhatChanged(t *testing.T) {
	for method, want := range map[string]string{"copy": "ec2:CopyImage 2 0", "snapshot": "ec2:RegisterImage 3 0"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := runbook.WallClock{}
				estate, err := runbook.ParseEstate("estate.yaml", read(t, "estate.yaml"))
				if err != nil {
					t.Fatal(err)
				}
				world := sim.NewMemory(sim.FromEstate(estate, sim.Serving, 1), clock)
				op, _, _ := strings.Cut(want, " ")
				got := op
				for _, run := range []runbook.RunID{"20260101-030000-copy-images-aaaa", "20260102-030000-copy-images-bbbb"} {
					before := world.Audit().Calls[op]
					l := copying(t, world, clock, estate, run, string(read(t, "copy-images.yaml")), map[string]string{"method": method})
					s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
					done(t, s)
					for id, st := range s.Steps {
						t.Log(id, st.Evidence)
					}
					got += fmt.Sprintf(" %d", world.Audit().Calls[op]-before)
				}
				if got != want {
					t.Errorf("copies made in two runs: %s, want %s", got, want)
				}
			})
		})
	}
}

// Whatever dies when, each image has one copy in the end, whole and tagged.
func TestCopyImagesSurvivesACrashAtEveryBoundary(t *testing.T) {
	for _, method := range []string{"copy", "snapshot"} {
		t.Run(method, func(t *testing.T) {
			runbooktest.CrashEverywhere(t, synctest.Test, func(t *testing.T) runbooktest.Lab {
				clock := runbook.WallClock{}
				estate, err := runbook.ParseEstate("estate.yaml", read(t, "estate.yaml"))
				if err != nil {
					t.Fatal(err)
				}
				world := sim.NewMemory(sim.FromEstate(estate, sim.Serving, 1), clock)
				l := copying(t, world, clock, estate, "20260101-030000-copy-images-aaaa", string(read(t, "copy-images.yaml")), map[string]string{"method": method})
				l.Check = func(t *testing.T, s runbook.State) {
					done(t, s)
					for _, server := range []string{"build", "web"} {
						found, err := world.Set().Images.FindImages(t.Context(), estate.Standby.Region, map[string]string{"lifeboat:name": server})
						if err != nil || len(found) != 1 || found[0].State != "available" {
							t.Errorf("%s has the copies %+v, %v, not exactly one", server, found, err)
						}
					}
				}
				return l
			})
		})
	}
}

// fifty is an estate of so many servers beside the main one, with an image each.
func fifty(t testing.TB, servers int) *runbook.Estate {
	t.Helper()
	var b strings.Builder
	b.WriteString(`lifeboat: 1
kind: estate
name: shop
service: {name: www.example.com, url: "https://www.example.com/"}
production: {region: us-west-1}
standby: {region: us-east-1}
servers:
`)
	for n := range servers {
		fmt.Fprintf(&b, "  s%02d: {production: {image: ami-0a%015d}}\n", n, n)
	}
	estate, err := runbook.ParseEstate("estate.yaml", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return estate
}

// regions are where the images of the benchmark go.
var regions = []string{"us-east-1", "us-east-2", "eu-west-1", "eu-central-1"}

// everywhere is the shipped step, once for each region.
func everywhere(t testing.TB) string {
	t.Helper()
	text := "lifeboat: 1\nkind: runbook\nname: copy-images\nestate: estate.yaml\nconfirm: none\nsteps:\n"
	for _, region := range regions {
		text += fmt.Sprintf(`  - id: %s
    each: estate.servers
    at_once: 50
    uses: image.copy
    with: {image: "${{ each.production.image }}", from_region: "${{ each.production.region }}", region: %s, name: "${{ each.name }}", keep: 3}
    needs: []
    retry: {attempts: 30}
`, region, region)
	}
	return text
}

// sideBySide copies every image to four regions, with the throttling that so many calls meet, and returns how long it took
// and how long the longest single copy did, from accepted to available.
func sideBySide(t testing.TB, world *sim.World, clock runbook.Clock, estate *runbook.Estate) (all, longest time.Duration) {
	t.Helper()
	l := copying(t, world, clock, estate, "20260101-030000-copy-images-aaaa", everywhere(t), nil)
	s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
	done(t, s)
	return time.Duration(s.Finished.Elapsed), world.Audit().Slowest
}

func throttled() sim.Faults {
	return sim.Faults{Calls: []sim.Fault{{Op: "ec2:*Image*", Kind: sim.FaultThrottle, Chance: 0.05}}}
}

// Fifty images in four regions take hardly longer than the longest of their copies. The time is the bubble's.
func TestCopiesRunSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := runbook.WallClock{}
		estate := fifty(t, 50)
		world := sim.NewMemory(sim.FromEstate(estate, sim.Serving, 1).WithNight(throttled()), clock)
		all, longest := sideBySide(t, world, clock, estate)
		ratio := float64(all) / float64(longest)
		t.Logf("%s for 200 copies, the longest of which took %s: %.3f", all, longest, ratio)
		if ratio > 1.2 {
			t.Errorf("%.3f times the longest copy, more than 1.2", ratio)
		}
		if n := world.Audit().Calls["ec2:CopyImage"]; n < 200 {
			t.Errorf("%d copies were asked for", n)
		}
	})
}

// A driver that dies in the middle of a call or a wait leaves nothing that the next one makes again.
func TestCopyImagesDiesAnywhere(t *testing.T) {
	for die := 200 * time.Millisecond; die < 4*time.Minute; die += die/7 + 300*time.Millisecond {
		t.Run(die.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := runbook.WallClock{}
				estate, err := runbook.ParseEstate("estate.yaml", read(t, "estate.yaml"))
				if err != nil {
					t.Fatal(err)
				}
				world := sim.NewMemory(sim.FromEstate(estate, sim.Serving, 1), clock)
				l := copying(t, world, clock, estate, "20260101-030000-copy-images-aaaa", string(read(t, "copy-images.yaml")), map[string]string{"method": "snapshot"})
				s, _ := l.Life(t, 1, 0, runbooktest.Before, die)
				if s.Finished == nil {
					s, _ = l.Life(t, 2, 0, runbooktest.Before, 0)
				}
				done(t, s)
				for _, op := range []string{"ec2:CreateSnapshot", "ec2:CopySnapshot", "ec2:RegisterImage"} {
					if n := world.Audit().Calls[op]; n != 3 {
						t.Errorf("%s was asked for %d times, not once for each server", op, n)
					}
				}
			})
		})
	}
}

func TestCopyImagesPlansInEveryMode(t *testing.T) {
	estate, err := runbook.ParseEstate("estate.yaml", read(t, "estate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rb, err := runbook.Parse("copy-images.yaml", read(t, "copy-images.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []runbook.Mode{runbook.Live, runbook.Drill, runbook.Rehearse} {
		plan, err := runbook.Compile(runbook.CompileInput{
			Runbook: rb, Estate: estate, Catalog: actions.Catalog(providers.Set{}, actions.Options{}), Mode: mode,
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(plan.Steps) != 6 {
			t.Errorf("%s: %d steps, not two for each of three servers", mode, len(plan.Steps))
		}
		for _, s := range plan.Steps {
			if _, err := plan.Bind(s.ID, &runbook.State{}, nil); err != nil && s.Constant {
				t.Errorf("%s: step %s: %v", mode, s.ID, err)
			}
		}
	}
}

// BenchmarkCopyImages is how long fifty images to four regions take beside the longest single copy, on a world that runs
// ten times as fast as the wall: the metric "x-longest-copy", to which all that lifeboat itself does counts tenfold.
func BenchmarkCopyImages(b *testing.B) {
	const speed = 10
	var all, longest time.Duration
	for b.Loop() {
		estate := fifty(b, 50)
		now := time.Now()
		clock := runbook.ClockSpec{Wall: now, World: now, Speed: speed}.Clock()
		world := sim.NewMemory(sim.FromEstate(estate, sim.Serving, 1).WithNight(throttled()), clock)
		took, one := sideBySide(b, world, clock, estate)
		all, longest = all+took, longest+one
	}
	b.ReportMetric(float64(all)/float64(longest), "x-longest-copy")
	b.ReportMetric(all.Seconds()/float64(b.N), "s-of-the-world/op")
}
