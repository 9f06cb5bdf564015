package runbooks_test

import (
	"maps"
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
)

// peopled is the demo's estate with what its further servers may have: an address, a volume, services, a page, names; and a
// third one, whose image nobody copies.
func peopled(t *testing.T) string {
	t.Helper()
	text := string(read(t, "estate.yaml"))
	for _, change := range [][2]string{
		{"    standby: {image: ami-0b2c3d4e5f6071833, type: c7i.xlarge}\n", `    standby: {image: ami-0b2c3d4e5f6071833, type: c7i.xlarge}
    names: [build.example.com]
`},
		{"    standby: {image: ami-0b2c3d4e5f6071844, type: m7i.large}\n", `    standby:
      image: ami-0b2c3d4e5f6071844
      type: m7i.large
      address: 198.51.100.8
      volume: {id: vol-0b2c3d4e5f6071844, zone: us-east-1b, path: /srv/images}
    services: [nginx]
    url: https://img.example.com/
    names: [img.example.com, static.example.com]
  paper:
    title: the old file server
    production: {instance: i-0a1b2c3d4e5f60755}
    standby: {image: "", address: 198.51.100.11}
    names: [files.example.com]
`},
	} {
		if !strings.Contains(text, change[0]) {
			t.Fatalf("the demo's estate has no %s", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	return text
}

// there asks the world whether every server is there once, with what belongs to it.
func there(world *sim.World) func(t *testing.T, s runbook.State) {
	return func(t *testing.T, s runbook.State) {
		t.Helper()
		done(t, s)
		audit, set := world.Audit(), world.Set()
		for what, n := range map[string][2]int{
			"machines": {len(audit.Instances), 2}, "tokens": {len(audit.Launched), 2}, "attachments": {audit.Attachments, 1}, "mounts": {audit.Mounts, 1},
			"associations": {audit.Associations, 1}, "record changes": {audit.RecordChanges, 3},
		} {
			if n[0] != n[1] {
				t.Errorf("%d %s, not %d", n[0], what, n[1])
			}
		}
		web, _ := s.Step("launch-web").Outputs["instance"].(string)
		i, err := set.Instances.Instance(t.Context(), "us-east-1", web)
		if err != nil || i.Zone != "us-east-1b" || i.PublicAddress != "198.51.100.8" {
			t.Errorf("web is %+v, %v: not in its volume's zone at its address", i, err)
		}
		v, err := set.Volumes.Volume(t.Context(), "us-east-1", "vol-0b2c3d4e5f6071844")
		if err != nil || v.Instance != web {
			t.Errorf("the volume is on %q, %v, not on web", v.Instance, err)
		}
		if page, err := set.Web.Get(t.Context(), "https://img.example.com/", "198.51.100.8"); err != nil || page.Status != 200 {
			t.Errorf("web's page: %+v, %v", page, err)
		}
		build, _ := s.Step("ready-build").Outputs["address"].(string)
		for name, want := range map[string]string{"img.example.com": "198.51.100.8", "static.example.com": "198.51.100.8", "build.example.com": build} {
			r, err := set.Records.Record(t.Context(), "Z0123456789EXAMPLE", name, "A")
			if err != nil || want == "" || strings.Join(r.Values, " ") != want {
				t.Errorf("%s says %v, %v, want %q", name, r.Values, err, want)
			}
		}
	}
}

// unasked is an operator who need not be there.
func unasked(t *testing.T) func(runbook.Question) runbook.Reply {
	return func(q runbook.Question) runbook.Reply {
		t.Errorf("the run asks: %+v", q)
		return runbook.Reply{Choice: runbook.ChooseStop, Reason: "nobody is there", By: runbook.Actor{Name: "operator"}}
	}
}

func TestFailoverOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, world := estateLab(t, string(read(t, "failover-others.yaml")), peopled(t), sim.Faults{}, 1)
		l.Decide = unasked(t)
		s := over(t, l)
		there(world)(t, s)
		if took := time.Duration(s.Finished.Elapsed); took > l.Plan.Target {
			t.Errorf("took %s, over the target of %s", took, l.Plan.Target)
		}
		want := "address-build address-paper attach-build attach-paper converged-files-example-com launch-paper mount-build mount-paper " +
			"name-files-example-com ready-paper running-paper services-build services-paper serving-build serving-paper"
		if got := notNeeded(&s); got != want {
			t.Errorf("not needed:\n%s, want\n%s", got, want)
		}
	})
}

func TestFailoverOthersSurvivesACrashAtEveryBoundary(t *testing.T) {
	runbooktest.CrashEverywhere(t, synctest.Test, func(t *testing.T) runbooktest.Lab {
		l, world := estateLab(t, string(read(t, "failover-others.yaml")), peopled(t), sim.Faults{}, 1)
		l.Check = there(world)
		l.Decide = unasked(t)
		return l
	})
}

// One server that cannot come stops none of the others.
func TestOneOfTheOthersFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		none := sim.Faults{Calls: []sim.Fault{{Op: "ec2:RunInstances", About: "ami-0b2c3d4e5f6071833", Kind: sim.FaultDenied}}}
		l, world := estateLab(t, string(read(t, "failover-others.yaml")), peopled(t), none, 1)
		l.Decide = func(q runbook.Question) runbook.Reply {
			_ = runbook.Sleep(t.Context(), l.Clock, 4*time.Minute) // the operator reads, and the rest goes on
			return runbook.Reply{Choice: runbook.ChooseStop, Reason: "build can wait", By: runbook.Actor{Name: "operator"}}
		}
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		if s.Step("launch-build").Status != runbook.StatusFailed || s.Step("serving-web").Status != runbook.StatusDone {
			t.Errorf("build's launch is %s, web's page is %s; the run ended as %+v", s.Step("launch-build").Status, s.Step("serving-web").Status, s.Finished)
		}
		if n := len(world.Audit().Instances); n != 1 {
			t.Errorf("%d machines, not web alone", n)
		}
	})
}

func TestFailoverOthersPlansInEveryMode(t *testing.T) {
	rb, err := runbook.Parse("failover-others.yaml", read(t, "failover-others.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{string(read(t, "estate.yaml")): 16, peopled(t): 3*8 + 4*2, alone(t): 0} {
		estate, err := runbook.ParseEstate("estate.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, mode := range []runbook.Mode{runbook.Live, runbook.Drill, runbook.Rehearse} {
			plan, err := runbook.Compile(runbook.CompileInput{
				Runbook: rb, Estate: estate, Catalog: actions.Catalog(providers.Set{}, actions.Options{}), Mode: mode,
			})
			if err != nil {
				t.Errorf("%s, %d servers: %v", mode, len(estate.Servers), err)
				continue
			}
			if len(plan.Steps) != want {
				t.Errorf("%s: %d steps, not %d: %v", mode, len(plan.Steps), want, stepIDs(plan))
			}
		}
	}
}

func stepIDs(p *runbook.Plan) []string {
	var out []string
	for i := range p.Steps {
		out = append(out, p.Steps[i].ID)
	}
	return out
}

// alone is the demo's estate without further servers.
func alone(t *testing.T) string {
	t.Helper()
	text := string(read(t, "estate.yaml"))
	from, to := strings.Index(text, "servers:  "), strings.Index(text, "ssh:\n")
	return text[:from] + text[to:]
}

// Nothing of one server waits for another.
func TestTheOthersComeSideBySide(t *testing.T) {
	l := plannedOthers(t)
	for i := range l.Steps {
		s := &l.Steps[i]
		for _, need := range s.Needs {
			if strings.HasSuffix(s.ID, "-web") != strings.HasSuffix(need, "-web") && !strings.HasPrefix(s.ID, "name-") {
				t.Errorf("%s waits for %s", s.ID, need)
			}
		}
	}
	want := map[string]string{
		"name-img-example-com": "running-web", "name-build-example-com": "running-build", "ready-web": "running-web address-web",
		"services-web": "ready-web mount-web", "serving-web": "ready-web services-web", "converged-img-example-com": "name-img-example-com",
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		s, ok := l.Step(id)
		if got := strings.Join(s.Needs, " "); !ok || got != want[id] {
			t.Errorf("%s needs %q, want %q", id, got, want[id])
		}
	}
}

func plannedOthers(t *testing.T) *runbook.Plan {
	t.Helper()
	plan, err := runbook.CompileFiles(runbook.NewSource("failover-others.yaml", read(t, "failover-others.yaml")), runbook.NewSource("estate.yaml", []byte(peopled(t))), runbook.CompileInput{
		Catalog: actions.Catalog(providers.Set{}, actions.Options{}), Mode: runbook.Live,
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
