package runbooks_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"lifeboat/providers"
	"lifeboat/providers/actions"
	"lifeboat/runbook"
	"lifeboat/runbooks"
)

func file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := fs.ReadFile(runbooks.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func compile(t *testing.T, estateText string, mode runbook.Mode, data string) *runbook.Plan {
	t.Helper()
	estate, err := runbook.ParseEstate("estate.yaml", []byte(estateText))
	if err != nil {
		t.Fatal(err)
	}
	rb, err := runbook.Parse("failover.yaml", file(t, "failover.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := runbook.Compile(runbook.CompileInput{
		Runbook: rb, Estate: estate, Catalog: actions.Catalog(providers.Set{}, actions.Options{}), Mode: mode,
		Inputs: map[string]string{"data": data},
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestEveryRunbookPlans compiles what is shipped against the demo's estate, in every mode and with every answer.
func TestEveryRunbookPlans(t *testing.T) {
	for _, mode := range []runbook.Mode{runbook.Live, runbook.Drill, runbook.Rehearse} {
		for _, data := range []string{"replica", "nightly", "archive"} {
			t.Run(string(mode)+" "+data, func(t *testing.T) {
				plan := compile(t, string(file(t, "estate.yaml")), mode, data)
				for _, s := range plan.Steps {
					if s.Constant {
						if _, err := plan.Bind(s.ID, &runbook.State{}, nil); err != nil {
							t.Errorf("step %s: %v", s.ID, err)
						}
					}
				}
				for _, g := range plan.Guards {
					if g.Applicable != (mode != runbook.Drill) {
						t.Errorf("guard %s applies in mode %s: %v", g.ID, mode, g.Applicable)
					}
					if _, err := plan.BindGuard(g.ID, nil); err != nil {
						t.Errorf("guard %s: %v", g.ID, err)
					}
				}
			})
		}
	}
}

// TestADrillTouchesNothingOfProduction holds the constant steps of a drill against its fence.
func TestADrillTouchesNothingOfProduction(t *testing.T) {
	plan := compile(t, string(file(t, "estate.yaml")), runbook.Drill, "replica")
	allowed := func(target runbook.Target) bool {
		return slices.ContainsFunc(plan.Fence, func(f runbook.Target) bool { return f.Kind == target.Kind && f.ID == target.ID })
	}
	looked := 0
	for _, s := range plan.Steps {
		if !s.Constant {
			continue
		}
		a, err := plan.Bind(s.ID, &runbook.State{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if targets, ok := a.(runbook.Targeter); ok {
			for _, target := range targets.Targets(runbook.Call{}) {
				looked++
				if !allowed(target) {
					t.Errorf("step %s would change %s, which the overlay does not name: %v", s.ID, target, plan.Fence)
				}
			}
		}
	}
	if looked < 2 {
		t.Errorf("only %d targets were looked at", looked)
	}
}

// TestTheFailoverFitsAnyEstate: no zone, no TTL, other services, other ports.
func TestTheFailoverFitsAnyEstate(t *testing.T) {
	plan := compile(t, `lifeboat: 1
kind: estate
name: lab
service: {name: shop.example.org, url: "http://shop.example.org:8081/ready", servers: ["127.0.0.53:5300"]}
production: {region: eu-west-1, instance: i-0a1b2c3d4e5f60718}
standby:
  region: eu-central-1
  zone: eu-central-1b
  image: ami-0b2c3d4e5f6071829
  type: t3.small
  address: 127.0.0.7
  volume: {id: vol-0b2c3d4e5f6071829, path: /data}
  replica: {host: 127.0.0.21, port: 2201, path: /copy, pause: ["true"], id: replica-1}
ssh: {port: 2200}
vars: {services: [web]}
`, runbook.Live, "replica")
	launch, err := plan.Bind("launch", &runbook.State{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	hand := strings.Join(launch.(runbook.ByHander).ByHand(runbook.Call{}), "\n")
	for _, want := range []string{"--region eu-central-1", "AvailabilityZone=eu-central-1b", "t3.small"} {
		if !strings.Contains(hand, want) {
			t.Errorf("%s\nhas no %s", hand, want)
		}
	}
}

// TestWhatWaitsForWhat holds the order that saves the time: DNS as soon as capacity is proved, address and volume while
// the machine boots, and nothing behind the name servers.
func TestWhatWaitsForWhat(t *testing.T) {
	plan := compile(t, string(file(t, "estate.yaml")), runbook.Live, "replica")
	want := map[string]string{
		"launch": "", "dns": "launch", "running": "launch", "address": "running", "attach": "running", "ready": "address",
		"mount": "attach ready", "proved": "mount", "quiesce": "launch", "sync": "mount quiesce", "services": "proved sync restore",
		"fresh": "launch", "plug": "running fresh", "format": "ready plug", "place": "format", "restore": "place",
		"converged": "dns", "serving": "dns services", "told-ops": "", "over-ops": "serving",
	}
	for _, s := range plan.Steps {
		if got := strings.Join(s.Needs, " "); got != want[s.ID] {
			t.Errorf("%s needs %q, want %q", s.ID, got, want[s.ID])
		}
		delete(want, s.ID)
	}
	if len(want) > 0 {
		t.Errorf("steps that are missing: %v", want)
	}
}

// The head of a screen says where a runbook goes, and where it stays.
func TestWayOfEveryRunbook(t *testing.T) {
	stays := map[string]bool{"repair": true, "relaunch": true, "fence": true}
	for _, name := range runbooks.Names() {
		plan, err := runbook.CompileFiles(runbook.NewSource(name+".yaml", file(t, name+".yaml")), runbook.NewSource("estate.yaml", file(t, "estate.yaml")), runbook.CompileInput{
			Catalog: actions.Catalog(providers.Set{}, actions.Options{}), Mode: runbook.Rehearse,
		})
		if err != nil {
			t.Fatal(err)
		}
		from, to := runbook.Direction(plan)
		if want := [2]string{"us-west-1", "us-east-1"}; !stays[name] && [2]string{from, to} != want {
			t.Errorf("%s goes from %q to %q", name, from, to)
		}
		if stays[name] && (from != "" || to != "us-west-1") {
			t.Errorf("%s goes from %q to %q", name, from, to)
		}
	}
}
