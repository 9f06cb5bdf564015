// Package sim is a simulated cloud behind every contract of package providers: machines, volumes, addresses, records,
// hosts, pages and name servers that behave as AWS and Linux do, on a clock that may run faster than the wall.
//
// A world is a folder: spec.json says how it began, log.jsonl what was done to it. Its state at any moment is the fold of
// the two and the clock, so that processes that share the folder share the world. NewMemory makes one that lives in a
// single process and does no I/O, for tests under testing/synctest.
//
//	w, err := sim.Create(dir, sim.FromEstate(estate, sim.Stopped, 1))
//	set := w.Set() // what actions act on
//
// It refuses to be more than lifeboat needs: it checks no credentials and no routes, and of
// security groups only whether they let anything in; a command that it
// does not know succeeds and does nothing. It draws every duration and every fault from the spec's seed: the same calls
// in the same order meet the same fate.
package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// World is a simulated cloud. It is safe for concurrent use.
type World struct {
	spec  Spec
	clock runbook.Clock

	mu      sync.Mutex
	journal journal
	reopen  func() (journal, error) // after a failed write; nil in memory
	state   *state
	entries []Entry
	local   map[int]int    // by fault: reads of this process that it matched
	drawn   map[string]int // latencies of this process, by call
	recent  []time.Time    // calls to Route 53 in the last second
}

// Create makes a world in a folder that has none. A spec without a clock starts now, at the speed of the wall.
func Create(dir string, spec Spec) (*World, error) {
	spec = spec.fill()
	if spec.Clock.Speed == 0 {
		spec.Clock.Speed = 1
	}
	if spec.Clock.Wall.IsZero() {
		spec.Clock.Wall = time.Now()
	}
	if spec.Clock.World.IsZero() {
		spec.Clock.World = spec.Clock.Wall
	}
	if spec.Start.IsZero() {
		spec.Start = spec.Clock.World
	}
	if err := writeSpec(dir, spec); err != nil {
		return nil, fmt.Errorf("create a simulated world in %q: %w", dir, err)
	}
	return Open(dir)
}

// writeSpec writes the spec under another name first and then links it, which fails when there is one.
func writeSpec(dir string, spec Spec) error {
	b, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".spec-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(b, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), filepath.Join(dir, specFile))
}

// Open opens the world in a folder. Where the folder cannot be written, the world can be looked at and not changed.
func Open(dir string) (*World, error) {
	b, err := os.ReadFile(filepath.Join(dir, specFile))
	if err != nil {
		return nil, fmt.Errorf("open the simulated world: %w", err)
	}
	var spec Spec
	if err := json.Unmarshal(b, &spec); err != nil {
		return nil, fmt.Errorf("the simulated world in %q is damaged: %w", dir, err)
	}
	if spec.Version != 1 {
		return nil, fmt.Errorf("the simulated world in %q is of version %d; this program knows version 1", dir, spec.Version)
	}
	w := &World{spec: spec, clock: spec.Clock.Clock()}
	w.reopen = func() (journal, error) { return openFile(dir) }
	if w.journal, err = w.reopen(); err != nil {
		return nil, err
	}
	w.reset()
	return w, w.look(func(*state, time.Time) {})
}

// NewMemory makes a world that lives in this process alone, on the clock given. A spec without a start starts now.
func NewMemory(spec Spec, clock runbook.Clock) *World {
	spec = spec.fill()
	if spec.Start.IsZero() {
		spec.Start = clock.Now()
	}
	w := &World{spec: spec, clock: clock, journal: memory{}}
	w.reset()
	return w
}

func (w *World) reset() {
	w.state, w.entries = newState(&w.spec), nil
	w.local, w.drawn = map[int]int{}, map[string]int{}
}

// Clock is the world's clock.
func (w *World) Clock() runbook.Clock { return w.clock }

// Spec returns how the world began.
func (w *World) Spec() Spec { return w.spec }

// Close releases the world's files.
func (w *World) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f, ok := w.journal.(*file); ok {
		return f.log.Close()
	}
	return nil
}

// Set returns everything an action may need, from this world.
func (w *World) Set() providers.Set {
	c := &cloud{w}
	return providers.Set{
		Instances: c, Volumes: c, Images: c, Addresses: c, Records: c, Identity: c, Shell: c, Web: c, Names: c,
		Holdings: c, Objects: objects{c},
		Power: c, Places: c,
		Snapshots: c, Disks: c, Copies: c,
		Topics: c, Messenger: c,
	}
}

// cloud answers the contracts.
type cloud struct{ *World }

// transact runs f on the state as it is now, alone in the whole world, and puts the entries it returns into the log.
func (w *World) transact(f func(s *state, now time.Time) []Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.journal.exclusive(w.take, func() []Entry {
		now := w.clock.Now()
		if now.Before(w.state.at) {
			now = w.state.at // the log's order is the order of time
		}
		entries := f(w.state, now)
		for i := range entries {
			entries[i].At = now
			w.take(entries[i])
		}
		return entries
	})
	if err == nil || w.reopen == nil {
		return err
	}
	// What could not be written never happened: start again from what is in the file.
	if again, openErr := w.reopen(); openErr == nil {
		w.journal.(*file).log.Close()
		w.journal = again
		w.reset()
	}
	return err
}

func (w *World) take(e Entry) {
	w.state.apply(e)
	w.entries = append(w.entries, e)
}

// look runs f on the state as it is now.
func (w *World) look(f func(s *state, now time.Time)) error {
	return w.transact(func(s *state, now time.Time) []Entry { f(s, now); return nil })
}

// latency draws how long a call takes, by what it is and how often this process made it.
func (w *World) latency(r request, in Span) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := "latency " + r.op + " " + r.region + " " + r.about
	n := w.drawn[key]
	w.drawn[key] = n + 1
	return in.at(roll(w.spec.Seed, key, n))
}

func lost(r request, ctx context.Context) error {
	return &providers.Error{
		Kind: providers.Lost, Op: r.op, Where: r.region, Detail: "no answer before the deadline", Cause: context.Cause(ctx),
	}
}

func unsent(r request, ctx context.Context) error {
	return &providers.Error{
		Kind: providers.Unreachable, Op: r.op, Where: r.region, Detail: "no connection before the deadline",
		Cause: context.Cause(ctx),
	}
}

// call makes one call: half its latency, then f on the state, then the other half, with whatever the fault plan has for
// it. f returns the entry that it wants in the log (nil for a read) or the error that it answers with.
func (w *World) call(ctx context.Context, r request, in Span, f func(s *state, now time.Time) (*Entry, error)) error {
	if ctx.Err() != nil {
		return unsent(r, ctx)
	}
	half := w.latency(r, in) / 2
	if runbook.Sleep(ctx, w.clock, half) != nil {
		return lost(r, ctx)
	}
	var answer error
	var fault *Fault
	var dark bool
	err := w.transact(func(s *state, now time.Time) []Entry {
		if dark = s.dark(r.region, now); dark {
			return r.unanswered()
		}
		var number int
		number, fault = s.strike(r, now, w.local)
		if fault == nil && w.limited(r, now) {
			fault = &Fault{Kind: FaultThrottle}
		}
		var entry *Entry
		if fault == nil || fault.effect() {
			entry, answer = f(s, now)
			if fault != nil && fault.strands() && entry != nil {
				entry.Stranded = fault.Kind
			}
		}
		if answer != nil {
			number, fault = 0, nil // refused on its merits: the fault waits for a call that has an effect
		}
		return r.entries(entry, answer, number, fault)
	})
	if err != nil {
		// What could not be written did not happen.
		return &providers.Error{Kind: providers.Unreachable, Op: r.op, Where: r.region, Detail: err.Error(), Cause: err}
	}
	switch {
	case dark:
		<-ctx.Done()
		return lost(r, ctx)
	case fault != nil:
		return w.suffer(ctx, r, fault)
	}
	if runbook.Sleep(ctx, w.clock, half) != nil {
		return lost(r, ctx)
	}
	return answer
}

// suffer is what the caller sees of a fault.
func (w *World) suffer(ctx context.Context, r request, f *Fault) error {
	wait, forever := f.silence()
	if forever {
		<-ctx.Done()
		return lost(r, ctx)
	}
	if runbook.Sleep(ctx, w.clock, wait) != nil {
		return lost(r, ctx)
	}
	if f.Kind == FaultSlow || f.strands() {
		return nil
	}
	return f.answer(r)
}

// limited says whether Route 53 has had its five requests of this second.
func (w *World) limited(r request, now time.Time) bool {
	if !w.spec.Limit || r.region != "route53" {
		return false
	}
	w.recent = slices.DeleteFunc(w.recent, func(t time.Time) bool { return now.Sub(t) >= time.Second })
	if len(w.recent) >= 5 {
		return true
	}
	w.recent = append(w.recent, now)
	return false
}

// unanswered is the trace of a change that was asked of a dark region.
func (r request) unanswered() []Entry {
	if r.read {
		return nil
	}
	return []Entry{{Op: r.op, Region: r.region, About: r.about, Refused: providers.Lost}}
}

// entries is what goes into the log: the change, or its refusal, or the fault that struck a read.
func (r request) entries(e *Entry, answer error, number int, fault *Fault) []Entry {
	if r.read {
		if number == 0 || fault.Times == 0 {
			return nil
		}
		return []Entry{{Op: r.op, Region: r.region, About: r.about, Fault: number, Read: true}}
	}
	if e == nil && answer == nil && fault == nil {
		return nil // it never got there
	}
	if e == nil {
		e = &Entry{Refused: providers.Server}
		var known *providers.Error
		switch {
		case errors.As(answer, &known):
			e.Refused = known.Kind
		case fault != nil:
			e.Refused = fault.answer(r).Kind
		}
	}
	e.Op, e.Region, e.About, e.Fault = r.op, r.region, r.about, number
	return []Entry{*e}
}
