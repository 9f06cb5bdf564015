package runbooks_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers/actions"
	"lifeboat/providers/sim"
	"lifeboat/providers/wrap"
	"lifeboat/runbook"
	"lifeboat/runbook/runbooktest"
	"lifeboat/store"
)

// states is a runbook in which every step but the probes changes the state of something in AWS, and waits for it.
const states = `lifeboat: 1
kind: runbook
name: states
title: One change of state after another
estate: estate.yaml
confirm: none
steps:
  - {id: launch, uses: instance.launch, with: {image: "${{ estate.standby.image }}", type: m7i.large, zone: us-east-1a}}
  - {id: running, uses: instance.ready, with: {instance: "${{ steps.launch.instance }}", region: us-east-1, ssh: false}}
  - {id: attach, uses: volume.attach, with: {volume: "${{ estate.standby.volume.id }}", instance: "${{ steps.launch.instance }}", region: us-east-1}}
  - {id: detach, uses: volume.detach, with: {volume: "${{ estate.standby.volume.id }}", instance: "${{ steps.launch.instance }}", region: us-east-1}}
  - {id: fence, uses: instance.fence, with: {instance: "${{ steps.launch.instance }}", region: us-east-1}}
  - {id: again, uses: instance.start, with: {instance: "${{ steps.launch.instance }}", region: us-east-1}}
  - {id: stop, uses: instance.stop, with: {instance: "${{ steps.launch.instance }}", region: us-east-1}}
  - {id: volume, uses: volume.create, with: {zone: us-east-1a, size: 10}}
  - {id: snapshot, uses: volume.snapshot, with: {volume: "${{ estate.production.volume.id }}", region: us-west-1}}
  - {id: carry, uses: snapshot.copy, with: {snapshot: "${{ steps.snapshot.snapshot }}", from: us-west-1, region: us-east-1}}
  - {id: filled, uses: volume.create, with: {snapshot: "${{ steps.carry.snapshot }}", zone: us-east-1a}}
  - {id: image, uses: image.create, with: {instance: "${{ estate.production.instance }}", region: us-west-1, name: shop, reboot: true}}
  - {id: copy, uses: image.copy, with: {image: "${{ steps.image.image }}", from_region: us-west-1, region: us-east-1, name: shop}}
  - {id: record, uses: dns.record, with: {name: www.example.com, type: A, value: 198.51.100.7, ttl: 60, spread: true}}
  - {id: terminate, uses: instance.terminate, with: {instance: "${{ steps.launch.instance }}", region: us-east-1}}
`

// awaited is what each step of it waits for: from which call, and how long.
var awaited = []struct {
	step, op string
	takes    func(d sim.Delays) runbook.Duration
}{
	{"running", "launch", func(d sim.Delays) runbook.Duration { return d.Pending.Min }},
	{"attach", "attach", func(d sim.Delays) runbook.Duration { return d.Attach.Min }},
	{"detach", "detach", func(d sim.Delays) runbook.Duration { return d.Detach.Min }},
	{"fence", "stop", func(d sim.Delays) runbook.Duration { return d.Shutdown.Min }},
	{"again", "start", func(d sim.Delays) runbook.Duration { return d.Pending.Min }},
	{"stop", "stop", func(d sim.Delays) runbook.Duration { return d.Shutdown.Min }},
	{"volume", "create volume", func(d sim.Delays) runbook.Duration { return d.Create.Min }},
	{"snapshot", "create snapshot", func(d sim.Delays) runbook.Duration { return d.Snapshot.Min }},
	{"carry", "copy snapshot", func(d sim.Delays) runbook.Duration { return d.Carry.Min }},
	{"filled", "create volume", func(d sim.Delays) runbook.Duration { return d.Create.Min }},
	{"image", "create image", func(d sim.Delays) runbook.Duration { return d.Snapshot.Min + d.Image.Min }},
	{"copy", "copy image", func(d sim.Delays) runbook.Duration { return d.Carry.Min + d.Image.Min }},
	{"record", "change record", func(d sim.Delays) runbook.Duration { return d.Insync.Min }},
	{"terminate", "terminate", func(d sim.Delays) runbook.Duration { return d.Shutdown.Min }},
}

// slowStates are the delays, each known to the millisecond, so much later than the round number.
func slowStates(more time.Duration) sim.Delays {
	d := sim.DefaultDelays()
	exactly := func(t time.Duration) sim.Span {
		return sim.Span{Min: runbook.Duration(t), Max: runbook.Duration(t)}
	}
	d.Write, d.Accept = sim.Span{}, sim.Span{} // what is accepted begins when it was asked for
	d.Pending, d.Attach, d.Detach, d.Shutdown = exactly(12*time.Second+more), exactly(3*time.Second+more), exactly(4*time.Second+more), exactly(20*time.Second+more)
	d.Create, d.Snapshot, d.Carry = exactly(3*time.Second+more), exactly(20*time.Second+more), exactly(40*time.Second+more)
	d.Image, d.Insync = exactly(10*time.Second), exactly(35*time.Second+more)
	return d
}

// statesLab is the runbook on a world of its own, and the calls that are made of it.
func statesLab(t *testing.T, delays sim.Delays, seed uint64) (runbooktest.Lab, func() []wrap.CallRecord) {
	t.Helper()
	estate, err := runbook.ParseEstate("estate.yaml", read(t, "estate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rb, err := runbook.Parse("states.yaml", []byte(states))
	if err != nil {
		t.Fatal(err)
	}
	clock := runbook.WallClock{}
	spec := sim.FromEstate(estate, sim.Serving, seed)
	spec.Start, spec.Delays = clock.Now(), delays
	var mu sync.Mutex
	var calls []wrap.CallRecord
	set := wrap.Record(sim.NewMemory(spec, clock).Set(), clock, func(c wrap.CallRecord) {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, c)
	})
	plan, err := runbook.Compile(runbook.CompileInput{
		Runbook: rb, Estate: estate, Catalog: actions.Catalog(set, actions.Options{Clock: clock}), Mode: runbook.Rehearse,
	})
	if err != nil {
		t.Fatal(err)
	}
	const run = runbook.RunID("20260101-030000-states-test")
	l := runbooktest.Lab{
		Run: run, Plan: plan, Journal: store.NewMemory(run, clock.Now), Clock: clock,
		Start: &runbook.RunStarted{
			Mode: runbook.Rehearse, Name: plan.Name, Digest: plan.Digest, Answers: []runbook.Answer{{Step: "*", Word: "*"}},
			Driver: runbook.Driver{Epoch: 1},
		},
	}
	return l, func() []wrap.CallRecord {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(calls)
	}
}

// added drives the runbook once and returns how long after its change of state each step was done.
func added(t *testing.T, delays sim.Delays, seed uint64) map[string]time.Duration {
	t.Helper()
	out := map[string]time.Duration{}
	synctest.Test(t, func(t *testing.T) {
		l, calls := statesLab(t, delays, seed)
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		done(t, s)
		events, err := l.Journal.Events(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		ended := map[string]time.Time{}
		for _, e := range events {
			if ok, is := e.Fact.(*runbook.StepSucceeded); is {
				ended[ok.Step] = e.Time
			}
		}
		for _, a := range awaited {
			for _, c := range calls() {
				if c.Op == a.op && c.Time.Before(ended[a.step]) { // the last one counts
					out[a.step] = ended[a.step].Sub(c.Time.Add(time.Duration(a.takes(delays))))
				}
			}
		}
	})
	return out
}

// changeAdds is how much waiting for INSYNC may add: Route 53 takes five requests a second of a whole account, so GetChange
// is asked every two to three. The failover does not wait for it: it asks the name servers.
const changeAdds = 3 * time.Second

// TestWaitingAddsAtMostASecond measures on the world's clock, with the state changing at another point between two looks
// each time, and with calls that take as long as AWS's.
func TestWaitingAddsAtMostASecond(t *testing.T) {
	most := map[string]time.Duration{}
	for more := time.Duration(0); more < time.Second; more += 37 * time.Millisecond {
		for step, d := range added(t, slowStates(more), uint64(1+more)) {
			if d < 0 {
				t.Errorf("%s was done %s before its change of state: the measure is wrong", step, -d)
			}
			most[step] = max(most[step], d)
		}
	}
	for _, a := range awaited {
		d, measured := most[a.step]
		if !measured {
			t.Errorf("%s was not measured", a.step)
		}
		t.Logf("%-10s %5.2f s", a.step, d.Seconds())
		limit := time.Second
		if a.op == "change record" {
			limit = changeAdds
		}
		if d > limit {
			t.Errorf("%s: waiting adds up to %s", a.step, d)
		}
	}
}
