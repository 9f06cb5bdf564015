package actions

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

// TestChecksSayWhatTheyCannotSee puts every check before what it must not call well.
func TestChecksSayWhatTheyCannotSee(t *testing.T) {
	replica := providers.Host{Address: replicaAt}
	from := Place{Host: replica, Path: "/srv/data"}
	to := Place{Host: providers.Host{Address: "<ready.host>"}, Path: "/srv/data"}
	refused := sim.Fault{Op: "ssh:*", Kind: sim.FaultRefused}
	silent := sim.Fault{Op: "ec2:*", Kind: sim.FaultTimeout}
	paused := Replica{Place: from, Pause: []string{"dbctl", "pause"}, Paused: []string{"dbctl", "is-paused"}}
	for _, c := range []struct {
		name  string
		kind  runbook.Checker
		fault *sim.Fault
		want  string // the first check's grade, whether it is well, and a word of what was seen
	}{
		{"the source is there", &copyTree{From: from, To: to, On: "target"}, nil, "checked live true not empty"},
		// Without `delete` the step itself puts up with this; readiness does not.
		{"the source does not answer", &copyTree{From: from, To: to, On: "target"}, &refused, "cannot be checked false refused"},
		{"the source is not there", &copyTree{From: Place{Host: replica, Path: "/srv/none"}, To: to, On: "target"}, nil, "checked live false does not exist"},
		{"the source is made in the run", &copyTree{From: to, To: from, On: "source"}, nil, "cannot be checked true before ready has run"},
		{"no replica", &copyTree{To: to, On: "target"}, nil, "checked live false nowhere to copy from"},
		{"the replica can be paused", &turn{doing: pausing, Replica: paused}, nil, "checked live true takes writes"},
		{"the replica does not answer", &turn{doing: pausing, Replica: paused}, &refused, "cannot be checked false refused"},
		{"it has no command that tells", &turn{doing: pausing, Replica: Replica{Place: from, Pause: []string{"true"}}}, nil, "checked live true has no standby.replica.paused"},
		{"it cannot be paused", &turn{doing: pausing, Replica: Replica{Place: from}}, nil, "checked live false standby.replica.pause is not in the estate"},
		{"a machine that the run makes", &ready{Instance: "<launch.instance>", Region: region, SSH: true}, nil, "cannot be checked true before launch has run"},
		{"a machine that is there", &ready{Instance: server, Region: region}, nil, "checked live true running"},
		{"a machine that nobody has", &ready{Instance: "i-0fffffffffffffff9", Region: region}, nil, "checked live false not found"},
		{"a machine that does not answer for itself", &ready{Instance: server, Region: region}, &silent, "cannot be checked false no answer"},
		{"the volume is free, the machine to come", &attach{Volume: volume, Instance: "<launch.instance>", Region: region}, nil, "checked live true free, in us-east-1a"},
		{"the volume is another's", &attach{Volume: drillDisk, Instance: "<launch.instance>", Region: region}, nil, "checked live false attached to " + other},
		{"a volume that no tags find", &attach{Volume: "?", Instance: "<launch.instance>", Region: region}, nil, "cannot be checked true before it is found by its tags"},
		{"the address is another's", &associate{Address: held, Instance: "<launch.instance>", Region: region}, nil, "checked live false with " + other},
		{"the address may be taken", &associate{Address: held, Instance: "<launch.instance>", Region: region, From: other}, nil, "checked live true with " + other},
		{"an address is left", &allocate{Region: region}, nil, "checked live true 2 of 5 held"},
		{"the address is with the machine that is named", &disassociate{Address: held, Instance: other, Region: region}, nil, "checked live true with " + other},
		{"the address is with another machine", &disassociate{Address: held, Instance: server, Region: region}, nil, "checked live false with " + other},
		{"the address is nobody's run's", &release{Address: address, Region: region}, nil, "checked live false no run allocated it"},
		{"the name is known", &up{URL: "https://www.example.com/"}, nil, "checked live true A = 203.0.113.10"},
		{"the name is not known", &up{URL: "https://nosuch.example.com/"}, nil, "checked live false no A record"},
		{"no URL", &up{URL: "www"}, nil, "checked live false is none"},
		{"every name server answers", &answers{Name: "www.example.com", Type: "A"}, nil, "checked live true 2/2 answer"},
		{"one name server does not", &answers{Name: "www.example.com", Type: "A", Servers: []string{"ns-1.example.net:53", "ns-9.example.net:53"}}, nil, "checked live false 1/2 answer; ns-9"},
		{"a path that is none", &mount{Host: providers.Host{Address: "<ready.host>"}, Volume: volume, Path: "srv"}, nil, "checked live false not absolute"},
		{"a host to come", &mount{Host: providers.Host{Address: "<ready.host>"}, Volume: volume, Path: "/srv"}, nil, "cannot be checked true before ready has run"},
		{"no services", &start{Host: replica}, nil, "checked live false none is named"},
		{"services of a host to come", &start{Host: providers.Host{Address: "<ready.host>"}, Services: []string{"httpd"}}, nil, "cannot be checked true before ready has run"},
		{"a host that refuses", &command{Host: replica, Argv: []string{"true"}}, &refused, "cannot be checked false refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				spec := scene()
				if c.fault != nil {
					spec.Faults.Calls = []sim.Fault{*c.fault}
				}
				inWorld(c.kind, worldOf(sim.NewMemory(spec, runbook.WallClock{}).Set()))
				ctx, cancel := runbook.WallClock{}.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				checks := c.kind.Check(ctx, runbook.Call{Progress: func(runbook.Progress) {}})
				if len(checks) == 0 {
					t.Fatal("it says nothing")
				}
				got := checks[0]
				head := strings.TrimSpace(string(got.Grade) + map[bool]string{true: " true ", false: " false "}[got.OK])
				rest, ok := strings.CutPrefix(c.want, head+" ")
				if !ok || !strings.Contains(got.Seen, rest) {
					t.Errorf("%s %q\nwant %s", head, got.Seen, c.want)
				}
				if !got.OK && got.Do == "" && got.Grade == runbook.CheckedLive && !strings.Contains(got.Seen, "not found") {
					t.Errorf("it does not say what to do: %+v", got)
				}
			})
		})
	}
}

// ends is a host on which every command ends with a status.
type ends int

func (e ends) Run(context.Context, providers.Host, providers.Command) (providers.Result, error) {
	return providers.Result{Status: int(e), Stderr: "what the host said"}, nil
}

// TestACommandThatIsNotThereIsNoAnswer: a shell's own statuses say nothing about the replica.
func TestACommandThatIsNotThereIsNoAnswer(t *testing.T) {
	for status, want := range map[int]bool{0: true, 1: true, 3: true, 126: false, 127: false, 137: false, 255: false} {
		a := &turn{doing: pausing, w: worldOf(providers.Set{Shell: ends(status)})}
		a.Replica = Replica{Place: Place{Host: providers.Host{Address: "h"}, Path: "/srv"}, Pause: []string{"p"}, Paused: []string{"q"}}
		if got := a.Check(t.Context(), runbook.Call{}); len(got) != 1 || got[0].OK != want {
			t.Errorf("status %d: %+v", status, got)
		}
		s := &start{Host: providers.Host{Address: "h"}, Services: []string{"httpd"}, w: a.w}
		if got := s.Check(t.Context(), runbook.Call{}); len(got) != 1 || got[0].OK {
			t.Errorf("no unit is loaded, status %d: %+v", status, got)
		}
	}
}

func inWorld(kind runbook.Checker, w world) {
	switch k := kind.(type) {
	case *copyTree:
		k.w = w
	case *turn:
		k.w = w
	case *ready:
		k.w = w
	case *attach:
		k.w = w
	case *associate:
		k.w = w
	case *allocate:
		k.w = w
	case *timeToLive:
		k.w = w
	case *converged:
		k.w = w
	case *flip:
		k.w = w
	case *disassociate:
		k.w = w
	case *release:
		k.w = w
	case *up:
		k.w = w
	case *answers:
		k.w = w
	case *mount:
		k.w = w
	case *start:
		k.w = w
	case *command:
		k.w = w
	}
}

// TestEveryKindLeansOnSomethingOrSaysNothing: what acts in a region must name it, or the lint is blind to it.
func TestEveryKindLeansOnSomethingOrSaysNothing(t *testing.T) {
	none := map[string]bool{"http.down": true, "manual": true, "wait": true} // this machine and its network alone
	for _, k := range Catalog(providers.Set{}, Options{}).Kinds() {
		if _, ok := k.New().(runbook.Depender); ok == none[k.Name] {
			t.Errorf("%s: names what it leans on: %v", k.Name, ok)
		}
		if _, ok := k.New().(runbook.Action); ok {
			if _, ok := k.New().(runbook.Checker); !ok {
				t.Errorf("%s acts and cannot be checked", k.Name)
			}
		}
	}
}
