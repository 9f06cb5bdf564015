package actions

import (
	"context"
	"encoding/json"
	cli "flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

var update = cli.Bool("update", false, "write the transcripts anew")

// stage is a simulated night on which one kind is put through its questions. What happens is written down, and the
// transcript is compared with testdata/NAME.txt: a reviewer reads its diff.
type stage struct {
	*testing.T
	ctx   context.Context
	world *sim.World
	w     world
	call  runbook.Call
	text  strings.Builder
}

// The estate of the stage.
const (
	region     = "us-east-1"
	zone       = "us-east-1a"
	image      = "ami-0b2c3d4e5f6071829"
	volume     = "vol-0b2c3d4e5f6071829"
	drillDisk  = "vol-0c3d4e5f607182930"
	farDisk    = "vol-0d4e5f60718293041"
	address    = "198.51.100.7"
	held       = "198.51.100.8"
	old        = "i-0a1b2c3d4e5f60718" // production, in us-west-1
	server     = "i-0b2c3d4e5f6071829" // runs in the standby region
	other      = "i-0c3d4e5f607182930" // so does this
	replicaAt  = "198.51.100.21"
	shrunkAt   = "198.51.100.22" // has lost most of its data
	hostedZone = "Z0123456789EXAMPLE"
)

func scene() sim.Spec {
	running := func(id, where, zone, private string) sim.Instance {
		return sim.Instance{Instance: providers.Instance{
			ID: id, Region: where, Zone: zone, Image: image, Type: "m7i.large", State: providers.InstanceRunning,
			Checks: providers.ChecksOK, PrivateAddress: private,
		}}
	}
	disk := func(id, zone string) sim.Volume {
		return sim.Volume{
			Volume: providers.Volume{ID: id, Region: region, Zone: zone, State: "available", SizeGiB: 100},
			Data:   sim.Data{Version: "nightly", Bytes: 41e9, Delta: 3.9e9},
		}
	}
	production := running(old, "us-west-1", "us-west-1a", "192.0.2.10")
	production.State, production.PublicAddress = providers.InstanceStopped, "203.0.113.10"
	busy := disk(drillDisk, zone)
	busy.Instance, busy.Device, busy.Attachment, busy.State = other, "/dev/sdf", "attached", "in-use"
	first := running(server, region, zone, "192.0.2.11")
	first.PublicAddress = "203.0.113.11"
	return sim.Spec{
		Seed: 7, Service: sim.Service{Name: "www.example.com", Path: "/srv/data"},
		Roles: sim.Roles{Production: "us-west-1", Standby: region, Instance: old, Image: image, Volume: volume},
		Groups: []providers.Group{
			{ID: "sg-1", Name: "web", VPC: sim.VPC(7, region), In: 2, Out: 1},
			{ID: "sg-2", Name: "ssh", VPC: sim.VPC(7, region), In: 1, Out: 1},
			{ID: "sg-3", Name: "shop", VPC: sim.VPC(7, "us-west-1"), In: 2, Out: 1},
			{ID: "sg-4", Name: "isolated", VPC: sim.VPC(7, "us-west-1")},
		},
		Images:    []providers.Image{{ID: image, Region: region, Name: "copy", State: "available"}},
		Volumes:   []sim.Volume{disk(volume, zone), busy, disk(farDisk, "us-east-1b")},
		Instances: []sim.Instance{production, first, running(other, region, zone, "192.0.2.12")},
		Addresses: []providers.Address{
			{Address: address, Allocation: "eipalloc-0b2c3d4e5f6071829", Region: region},
			{Address: held, Allocation: "eipalloc-0c3d4e5f607182930", Region: region, Instance: other},
		},
		Zones: []sim.Zone{{
			Zone: providers.Zone{ID: hostedZone, Name: "example.com", Servers: []string{"ns-1.example.net", "ns-2.example.net"}},
			Records: []providers.Record{
				{Name: "www.example.com", Type: "A", TTL: 300 * time.Second, Values: []string{"203.0.113.10"}},
				{Name: "alias.example.com", Type: "A", Other: "alias of www.example.com"},
			},
			Failovers: []sim.Failover{{
				Name: "flip.example.com", Type: "A", TTL: time.Minute, Primary: []string{"203.0.113.10"}, Secondary: []string{address},
				Bucket: "shop-flags", Key: "failover/on",
			}},
		}},
		Buckets: []sim.Bucket{{Name: "shop-flags", Region: "us-west-2"}},
		Hosts: []sim.Host{{
			Name: replicaAt, Address: replicaAt, Region: region, Path: "/srv/data", Heartbeat: "/srv/data/.heartbeat",
			Data:  sim.Data{Version: "live", Bytes: 41e9, Delta: 3.9e9},
			Pause: []string{"dbctl", "pause"}, Paused: []string{"dbctl", "is-paused"}, Resume: []string{"dbctl", "resume"},
			Promote: []string{"dbctl", "promote"}, Promoted: []string{"dbctl", "is-promoted"},
		}, {
			Name: shrunkAt, Address: shrunkAt, Region: region, Path: "/srv/data", Data: sim.Data{Version: "shrunk", Bytes: 1e9, Files: 12},
		}},
	}
}

// transcript runs f on a stage and compares what was written down.
func transcript(t *testing.T, name string, f func(s *stage), faults ...sim.Fault) {
	staged(t, name, func(spec *sim.Spec) { spec.Faults.Calls = faults }, f)
}

// staged is a transcript in a world that was changed before it began.
func staged(t *testing.T, name string, change func(spec *sim.Spec), f func(s *stage)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			spec := scene()
			change(&spec)
			world := sim.NewMemory(spec, runbook.WallClock{})
			s := &stage{T: t, ctx: t.Context(), world: world, w: worldOf(world.Set())}
			s.call = callOf("20260102-030405-demo")
			f(s)
			s.compare(name)
		})
	})
}

// callOf is the first attempt of a run's step.
func callOf(run runbook.RunID) runbook.Call {
	return runbook.Call{
		Run: run, Step: "step", Key: runbook.NewKey(run, "step", 1), Attempt: 1, Progress: func(runbook.Progress) {}, Log: io.Discard,
	}
}

func worldOf(set providers.Set) world { return world{Set: whole(set), clock: runbook.WallClock{}} }

func (s *stage) compare(name string) {
	s.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			s.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(s.text.String()), 0o644); err != nil {
			s.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		s.Fatal(err)
	}
	if got := s.text.String(); got != string(want) {
		s.Errorf("the transcript differs from %s (-update writes it anew)\n--- got\n%s--- want\n%s", file, got, want)
	}
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(&s.text, format+"\n", args...) }

// writeError writes what a person reads: what, means, do, and the verdict.
func (s *stage) writeError(verb string, err error) {
	f := runbook.AsFailure(err)
	s.say("%-8s error %s: %s", verb, f.Verdict, f.What)
	if f.Means != "" {
		s.say("           means: %s", f.Means)
	}
	if f.Do != "" {
		s.say("           do: %s", f.Do)
	}
	for _, b := range f.Fallbacks {
		s.say("           or %s: %s %v", b.Name, b.Words(), b.With)
	}
}

func (s *stage) write(verb string, o runbook.Observation, err error) runbook.Observation {
	if err != nil {
		s.writeError(verb, err)
		return o
	}
	spent := ""
	if o.KeySpent {
		spent = " (key spent)"
	}
	s.say("%-8s %s%s: %s", verb, o.State, spent, o.Evidence)
	if len(o.Outputs) > 0 {
		b, err := json.Marshal(o.Outputs)
		if err != nil {
			s.Fatal(err)
		}
		s.say("           outputs %s", b)
	}
	for _, t := range o.Made {
		s.say("           made %s", t)
	}
	for _, t := range o.Changed {
		s.say("           changed %s", t)
	}
	return o
}

func (s *stage) prepare(a runbook.Action) bool {
	before, err := a.Prepare(s.ctx, s.call)
	if err != nil {
		s.writeError("prepare", err)
		return false
	}
	s.call.Before, s.call.Since = before, time.Now()
	if len(before) == 0 {
		before = runbook.Before("nothing")
	}
	s.say("prepare  %s", before)
	return true
}

func (s *stage) observe(a runbook.Probe) runbook.Observation {
	o, err := a.Observe(s.ctx, s.call)
	return s.write("observe", o, err)
}

func (s *stage) apply(a runbook.Action) runbook.Observation {
	o, err := a.Apply(s.ctx, s.call)
	s.write("apply", o, err)
	s.call.Did = o.Outputs
	return o
}

// settle observes until it is no longer pending, and writes the end.
func (s *stage) settle(a runbook.Probe) runbook.Observation {
	began := time.Now()
	for {
		o, err := a.Observe(s.ctx, s.call)
		if err == nil && o.State == runbook.Pending && time.Since(began) < 10*time.Minute {
			time.Sleep(time.Second)
			continue
		}
		s.call.Did = o.Outputs
		return s.write("settle", o, err)
	}
}

// undo undoes until it is undone, as the engine does.
func (s *stage) undo(a runbook.Undoer) {
	for range 60 {
		o, err := a.Undo(s.ctx, s.call)
		if err == nil && o.State == runbook.Pending {
			time.Sleep(time.Second)
			continue
		}
		if err == nil {
			o.Outputs, o.Changed = nil, nil
		}
		s.write("undo", o, err)
		return
	}
	s.Fatal("the undo did not come to its end")
}

func (s *stage) check(a runbook.Checker) {
	for _, c := range a.Check(s.ctx, s.call) {
		s.say("check    %s: %s: ok=%v: %s", c.What, c.Grade, c.OK, c.Seen)
	}
}

func (s *stage) hand(a any) {
	for _, l := range a.(runbook.ByHander).ByHand(s.call) {
		s.say("by hand  %s", l)
	}
	if t, ok := a.(runbook.Targeter); ok {
		for _, t := range t.Targets(s.call) {
			s.say("target   %s", t)
		}
	}
}

// round is the whole life of a step on a good night.
func (s *stage) round(a runbook.Action) {
	s.Helper()
	s.hand(a)
	if c, ok := a.(runbook.Checker); ok {
		s.check(c)
	}
	if !s.prepare(a) {
		return
	}
	s.observe(a)
	o := s.apply(a)
	if o.State == runbook.Pending {
		s.settle(a)
	} else {
		s.observe(a)
	}
	if u, ok := a.(runbook.Undoer); ok {
		s.undo(u)
		s.say("-- again, as after a crash")
		s.undo(u)
		s.observe(a)
	}
}

// again is the next attempt, under a new key when the generation rises.
func (s *stage) again(generation int) {
	s.call.Attempt++
	s.call.Key = runbook.NewKey(s.call.Run, s.call.Step, generation)
	s.say("-- attempt %d", s.call.Attempt)
}

func (s *stage) on(id string) providers.Host { return s.world.Where(id) }
