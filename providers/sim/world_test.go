package sim_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

// estate is the shop of the examples: production in the west, the way out in the east.
func estate() *runbook.Estate {
	return &runbook.Estate{
		Name: "shop", Account: "123456789012",
		Service: runbook.Service{
			Name: "www.example.com", URL: "https://www.example.com/", Zone: "Z0123456789ABC", TTL: runbook.Duration(300 * time.Second),
		},
		Production: runbook.Site{
			Region: "us-west-1", Instance: runbook.Ref{ID: "i-0aaa0000000000001"}, Address: runbook.Ref{ID: "198.51.100.4"},
			Image: runbook.Ref{ID: "ami-0aaa0000000000001"},
		},
		Standby: runbook.Site{
			Region: "us-east-1", Image: runbook.Ref{ID: "ami-0bbb0000000000001"}, Type: "m7i.large",
			Address: runbook.Ref{ID: "198.51.100.7"},
			Volume:  runbook.Disk{ID: runbook.Ref{ID: "vol-0bbb0000000000001"}, Zone: "us-east-1b", Path: "/srv/data"},
			Replica: &runbook.Replica{
				Host: "203.0.113.5", ID: "replica-1", Path: "/srv/replica",
				Pause: []string{"replicactl", "pause"}, Paused: []string{"replicactl", "paused"}, Resume: []string{"replicactl", "resume"},
			},
		},
	}
}

const (
	west, east = "us-west-1", "us-east-1"
	vol        = "vol-0bbb0000000000001"
	eip        = "198.51.100.7"
)

// within runs f in a bubble of fake time on a world of its own.
func within(t *testing.T, spec sim.Spec, f func(t *testing.T, w *sim.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, sim.NewMemory(spec, runbook.WallClock{})) })
}

func launch(token string) providers.Launch {
	return providers.Launch{
		Token: token, Image: "ami-0bbb0000000000001", Type: "m7i.large", Zone: "us-east-1b",
		Tags: map[string]string{"lifeboat:run": "r1", "lifeboat:step": "launch"},
	}
}

// try repeats what is not ready yet, or was only lost on the way, as the engine does.
func try(ctx context.Context, w *sim.World, f func() error) error {
	for {
		err := f()
		var e *providers.Error
		if err == nil {
			return nil
		}
		if !as(err, &e) || e.Verdict() == runbook.Definitive && e.Kind != providers.NotFound && e.Kind != providers.NoCapacity {
			return err
		}
		if runbook.Sleep(ctx, w.Clock(), 500*time.Millisecond) != nil {
			return err
		}
	}
}

func as(err error, to **providers.Error) bool {
	e, ok := err.(*providers.Error)
	*to = e
	return ok
}

// failover is the story's recovery, as an operator with the contracts in hand would do it: each step again until it
// holds. It returns the new machine.
func failover(ctx context.Context, w *sim.World) (string, error) {
	set, key := w.Set(), "k1"
	var id, device string
	do := func(what string, f func(ctx context.Context) error) error {
		err := try(ctx, w, func() error {
			ctx, cancel := w.Clock().WithTimeout(ctx, 2*time.Minute)
			defer cancel()
			return f(ctx)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	}
	run := func(host providers.Host, argv ...string) func(context.Context) error {
		return func(ctx context.Context) error {
			r, err := set.Shell.Run(ctx, host, providers.Command{Argv: argv})
			if err == nil && r.Status != 0 && !strings.Contains(r.Stderr, "already mounted") {
				return fmt.Errorf("%q ended with %d: %s", argv, r.Status, r.Stderr)
			}
			if argv[0] == "readlink" {
				device = strings.TrimSpace(r.Stdout)
			}
			return err
		}
	}
	replica := providers.Host{Address: "203.0.113.5", ID: "replica-1"}
	steps := []struct {
		what string
		f    func(context.Context) error
	}{
		{"launch", func(ctx context.Context) error {
			i, err := set.Instances.Launch(ctx, east, launch(key))
			id = i.ID
			return err
		}},
		{"pause", run(replica, "replicactl", "pause")},
		{"dns", func(ctx context.Context) error { return point(ctx, set.Records) }},
		{"running", func(ctx context.Context) error { return running(ctx, set.Instances, id) }},
		{"attach", func(ctx context.Context) error { return set.Volumes.Attach(ctx, east, vol, id, "/dev/sdf") }},
		{"address", func(ctx context.Context) error { return set.Addresses.Associate(ctx, east, eip, id, "") }},
	}
	for _, s := range steps {
		if err := do(s.what, s.f); err != nil {
			return id, err
		}
	}
	host := providers.Host{Address: eip, ID: id, Region: east}
	for _, s := range []struct {
		what string
		f    func(context.Context) error
	}{
		{"ssh", run(host, "true")},
		{"attached", func(ctx context.Context) error { return attached(ctx, set.Volumes) }},
		{"device", run(host, "readlink", "-e", "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0bbb0000000000001")},
		{"mkdir", run(host, "mkdir", "-p", "/srv/data")},
		{"mount", func(ctx context.Context) error { return run(host, "mount", device, "/srv/data")(ctx) }},
		{"sync", run(host, "rsync", "-a", "--info=progress2", "203.0.113.5:/srv/replica/", "/srv/data/")},
		{"services", run(host, "systemctl", "start", "bbj", "httpd")},
		{"serving", func(ctx context.Context) error { return served(ctx, set.Web) }},
	} {
		if err := do(s.what, s.f); err != nil {
			return id, err
		}
	}
	return id, nil
}

func notYet(op string) error { return providers.Errorf(providers.NotReady, op, "", "not yet") }

func point(ctx context.Context, records providers.Records) error {
	old, err := records.Record(ctx, "Z0123456789ABC", "www.example.com", "A")
	if err != nil {
		return err
	}
	if old.Values[0] == eip {
		return nil
	}
	want := old
	want.Values = []string{eip}
	_, err = records.Change(ctx, "Z0123456789ABC", &old, &want)
	if providers.Is(err, providers.Conflict) {
		return notYet("the record has changed meanwhile: look again")
	}
	return err
}

func running(ctx context.Context, instances providers.Instances, id string) error {
	i, err := instances.Instance(ctx, east, id)
	if err == nil && i.State != providers.InstanceRunning {
		return notYet("running")
	}
	return err
}

func attached(ctx context.Context, volumes providers.Volumes) error {
	v, err := volumes.Volume(ctx, east, vol)
	if err == nil && v.Attachment != "attached" {
		return notYet("attached")
	}
	return err
}

func served(ctx context.Context, web providers.Web) error {
	p, err := web.Get(ctx, "https://www.example.com/", eip)
	if err == nil && (p.Status != 200 || !strings.Contains(p.Body, "data: live")) {
		return fmt.Errorf("status %d: %s", p.Status, p.Body)
	}
	return err
}

func TestQuietNight(t *testing.T) {
	within(t, sim.FromEstate(estate(), sim.Stopped, 1), func(t *testing.T, w *sim.World) {
		began := time.Now()
		id, err := failover(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("failed over in %s of the world's time", time.Since(began))
		if took := time.Since(began); took < 3*time.Minute || took > 4*time.Minute {
			t.Errorf("the failover took %s; a quiet night is meant to take between three and four minutes", took)
		}
		exactlyOne(t, w, id)
	})
}

// exactlyOne asks the audit for one of everything.
func exactlyOne(t *testing.T, w *sim.World, id string) {
	t.Helper()
	a := w.Audit()
	if !reflect.DeepEqual(a.Running, []string{id}) || a.Attachments != 1 || a.Associations != 1 || a.RecordChanges != 1 || a.Mounts != 1 {
		t.Errorf("not exactly one of everything: %+v", a)
	}
	if d := w.VolumeData(vol); d.Version != "live" || d.Torn {
		t.Errorf("the volume holds %+v, not the whole live copy", d)
	}
}

// Every night that can be survived without another plan is: each ends with one of everything.
func TestNights(t *testing.T) {
	for _, night := range sim.Nights() {
		if night.Name == "no-capacity-at-all" || night.Name == "volume-elsewhere" || night.Name == "random" {
			continue
		}
		t.Run(night.Name, func(t *testing.T) {
			for seed := range uint64(5) {
				faults, err := sim.Night(night.Name, seed)
				if err != nil {
					t.Fatal(err)
				}
				within(t, sim.FromEstate(estate(), sim.Stopped, seed).WithNight(faults), func(t *testing.T, w *sim.World) {
					began := time.Now()
					id, err := failover(t.Context(), w)
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					t.Logf("seed %d: %s, %d faults", seed, time.Since(began), w.Audit().Faults)
					exactlyOne(t, w, id)
				})
			}
		})
	}
}

// The same seed gives the same log, to the nanosecond; another seed another one.
func TestSeedDecides(t *testing.T) {
	log := func(seed uint64) (out []sim.Entry) {
		faults, err := sim.Night("flaky-ssh", seed)
		if err != nil {
			t.Fatal(err)
		}
		within(t, sim.FromEstate(estate(), sim.Stopped, seed).WithNight(faults), func(t *testing.T, w *sim.World) {
			if _, err := failover(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			out = w.Log()
		})
		return out
	}
	one, again, other := log(3), log(3), log(4)
	if !reflect.DeepEqual(one, again) {
		t.Errorf("seed 3 gave two different logs:\n%v\n%v", one, again)
	}
	if reflect.DeepEqual(one, other) {
		t.Error("seeds 3 and 4 gave the same log")
	}
}

func TestNightUnknown(t *testing.T) {
	if _, err := sim.Night("calm", 1); err == nil || !strings.Contains(err.Error(), "quiet") {
		t.Errorf("an unknown night: %v", err)
	}
}

// A world in a folder is the same world for everyone who opens it, and the fold of its log is what happened.
func TestFileWorldIsShared(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "world")
	spec := sim.FromEstate(estate(), sim.Stopped, 1)
	spec.Clock.Speed = 2000
	one, err := sim.Create(dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := sim.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	id, err := failover(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	if err := served(t.Context(), two.Set().Web); err != nil {
		t.Errorf("the other world serves nothing: %v", err)
	}
	exactlyOne(t, two, id)
	if a, b := one.Log(), two.Log(); !sameLog(a, b) {
		t.Errorf("two readers of one log differ: %d and %d entries", len(a), len(b))
	}
	if _, err := sim.Create(dir, spec); err == nil {
		t.Error("a world was created over another")
	}
}

func sameLog(a, b []sim.Entry) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].At.Equal(b[i].At) || a[i].Op != b[i].Op || a[i].ID != b[i].ID {
			return false
		}
	}
	return true
}

// A line that a killed writer left half written was never there.
func TestTornLine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "world")
	spec := sim.FromEstate(estate(), sim.Stopped, 1)
	spec.Clock.Speed = 2000
	w, err := sim.Create(dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Set().Instances.Launch(t.Context(), east, launch("k1")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "log.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	torn := append(whole, `{"at":"2026-01-01T00:00:00Z","op":"ec2:RunInst`...)
	if err := os.WriteFile(path, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := sim.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := again.Set().Instances.Launch(t.Context(), east, launch("k2")); err != nil {
		t.Fatal(err)
	}
	third, err := sim.Open(dir)
	if err != nil {
		t.Fatalf("after a torn line: %v", err)
	}
	defer third.Close()
	if got := third.Audit().Tokens(); !reflect.DeepEqual(got, []string{"k1", "k2"}) {
		t.Errorf("tokens %q", got)
	}
}

func TestDamagedLogIsSaid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "world")
	w, err := sim.Create(dir, sim.FromEstate(estate(), sim.Stopped, 1))
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte("no json\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sim.Open(dir); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged log: %v", err)
	}
}

// Sixteen callers with one token get one machine, from two openings of the same world.
func TestOneTokenOneMachine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "world")
	spec := sim.FromEstate(estate(), sim.Stopped, 1)
	spec.Clock.Speed = 100
	one, err := sim.Create(dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := sim.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			w := []*sim.World{one, two}[i%2]
			if _, err := w.Set().Instances.Launch(t.Context(), east, launch("same")); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if a := two.Audit(); len(a.Instances) != 1 || a.Launched["same"] != 1 || a.Calls["ec2:RunInstances"] != 16 {
		t.Errorf("%+v", a)
	}
}
