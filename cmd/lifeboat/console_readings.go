package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/dns"
	"lifeboat/providers/sim"
	"lifeboat/providers/web"
	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
	"lifeboat/ui/page"
)

// probeLimit is how long one probe may take, on the clock of what it asks.
const probeLimit = 5 * time.Second

// asked is what the probes ask: the world, or a simulated one. Only what changes nothing is called.
type asked struct {
	set   providers.Set
	clock runbook.Clock
	cloud error // why the cloud cannot be asked; nil when it can
	sim   bool
	demo  bool // the estate is the demo's own: its secrets exist nowhere, and are stood in for
	// public says that the estate's name is in the public DNS, so that a root name server may be asked.
	public bool
	deep   bool   // somebody waits for the answer: what takes long is asked as well
	here   string // the region in which this machine stands; "" when it stands in none
	close  func()
}

// Readings is page.Reader's.
func (c *console) Readings(ctx context.Context) []page.Reading {
	e, shipped, err := c.estate()
	if err != nil {
		t := asTrouble(err)
		return []page.Reading{{
			Group: "service", Name: "the estate", Value: firstOf(t.What), Source: "its file", At: time.Now(), Verdict: page.Unknown,
			Do: cmp.Or(firstOf(t.Do), "mend the estate's file"),
		}}
	}
	w, err := c.ask(ctx, e, shipped || c.demo)
	if err != nil {
		t := asTrouble(err)
		return []page.Reading{{
			Group: "service", Name: e.Service.Name, Value: firstOf(t.What), Source: "the simulated world", At: time.Now(),
			Verdict: page.Unknown, Do: firstOf(t.Do),
		}}
	}
	defer w.close()
	w.here, w.deep = c.here(ctx, w.sim), c.deep
	return probeAll(ctx, w, e)
}

func firstOf(text string) string { return firstLine(text) }

// ask opens what is to be asked.
func (c *console) ask(ctx context.Context, e *runbook.Estate, simulated bool) (*asked, error) {
	if simulated {
		return c.simulated(e)
	}
	w := &asked{clock: runbook.WallClock{}, close: func() {}}
	cloud, err := aws.New(ctx, aws.Options{Account: e.Account, Timeout: probeLimit})
	if err != nil {
		w.cloud = err
	} else {
		w.set = cloud.Set()
	}
	w.set.Web = web.New(web.Options{})
	names := dns.Options{}
	w.public = len(e.Service.Servers) == 0
	if len(e.Service.Servers) > 0 {
		names.Servers = map[string][]string{".": e.Service.Servers}
	}
	w.set.Names = dns.New(names)
	if w.set.Shell, err = c.shell(e, cloud); err != nil {
		return nil, err
	}
	if c.deep {
		w.set = withArchives(w.set)
	}
	return w, nil
}

// simSpeed is how much faster than the wall the world of the demo is in which no run acts yet: nobody waits for a simulated
// timeout.
const simSpeed = 10

// simulated opens the world of the newest rehearsal on the estate; before there is one, a world of its own, in memory.
func (c *console) simulated(e *runbook.Estate) (*asked, error) {
	demo := e.Source().Text == demoEstate()
	if dir, err := c.app().existingStore(); err == nil && !c.fresh {
		if folder := c.newestWorld(dir, e.Source().Digest); folder != "" {
			w, err := sim.Open(folder)
			if err != nil {
				return nil, err
			}
			return &asked{set: withArchives(w.Set()), clock: w.Clock(), sim: true, demo: demo, public: true, close: func() { w.Close() }}, nil
		}
	}
	c.memo.mu.Lock()
	defer c.memo.mu.Unlock()
	if c.memo.world == nil {
		seed := cmp.Or(c.sim.Seed, 1)
		faults, err := sim.Night(c.sim.Night, seed)
		if err != nil {
			return nil, err
		}
		clock := runbook.ClockSpec{Wall: c.began, World: c.began.UTC(), Speed: simSpeed}.Clock()
		c.memo.world = sim.NewMemory(sim.FromEstate(e, sim.Scene(c.sim.Scene), seed).WithNight(faults), clock)
	}
	return &asked{set: withArchives(c.memo.world.Set()), clock: c.memo.world.Clock(), sim: true, demo: demo, public: true, close: func() {}}, nil
}

// newestWorld is the world of the newest rehearsal on the estate. In the demo a new evening begins with a new night: there
// only what goes on, or was started since, counts.
func (c *console) newestWorld(dir store.Dir, estate string) string {
	ids, _ := dir.RunIDs() // without them the world is a new one
	for _, id := range slices.Backward(ids) {
		folder := filepath.Join(string(dir.Run(id)), worldFolder)
		if _, err := os.Stat(folder); err != nil {
			continue
		}
		events, _ := logbook.Read(dir.Run(id).Logbook()) // of a damaged one what can be trusted
		s := runbook.Fold(events)
		if s.Start.Estate.Digest != estate || s.Start.World == "" {
			continue
		}
		if c.demo && s.Finished != nil && s.Start.Clock.Wall.Before(c.began) {
			return ""
		}
		return folder
	}
	return ""
}

// probeAll takes every reading at the same time, and returns them in their order.
func probeAll(ctx context.Context, w *asked, e *runbook.Estate) []page.Reading {
	probes := probesOf(w, e)
	out, mute := make([]page.Reading, len(probes)), make([]bool, len(probes))
	var all sync.WaitGroup
	for i, p := range probes {
		all.Go(func() { out[i], mute[i] = p.take(ctx, w) })
	}
	all.Wait()
	for _, p := range w.aside(out) {
		r, m := p.take(ctx, w)
		out, mute = append(out, r), append(mute, m)
	}
	leftBehind(out)
	blind(out, mute)
	told := map[string]bool{} // what to do about missing credentials is said once
	for i := range out {
		if out[i].Verdict == page.Unknown && told[out[i].Do] {
			out[i].Do = ""
		}
		told[out[i].Do] = true
	}
	return out
}

// blind takes back that the service is down where nothing at all answers: then it is this machine that does not see.
func blind(rs []page.Reading, mute []bool) {
	for i := range rs {
		if rs[i].Verdict == page.Well && rs[i].Group != "backup" && rs[i].Group != "here" {
			return
		}
	}
	for i := range rs {
		if rs[i].Group == "service" && mute[i] {
			rs[i].Verdict, rs[i].Do = page.Unknown, "look at this machine's network: nothing at all answers from here"
		}
	}
}

// probe is one question to the world.
type probe struct {
	group, name, source, limit string
	about                      runbook.Subject
	subject                    string        // the clue's name; the probe's when empty
	cloud                      bool          // it needs credentials
	within                     time.Duration // its deadline; probeLimit when it is 0
	ask                        func(ctx context.Context) finding
}

// finding is an answer.
type finding struct {
	value   string
	verdict page.Verdict
	do      string
	mute    bool // there was none
	clues   []runbook.Clue
}

// saw is the clue of a probe that is about one thing.
func saw(f runbook.Found) []runbook.Clue { return []runbook.Clue{{Found: f}} }

// with is the finding with that clue, where it has none of its own.
func (f finding) with(found runbook.Found) finding {
	if f.clues == nil {
		f.clues = saw(found)
	}
	return f
}

// take asks within the limit. A probe that fails in a way that nobody foresaw says so, and takes nothing else with it.
func (p *probe) take(ctx context.Context, w *asked) (r page.Reading, mute bool) {
	r = page.Reading{Group: p.group, Name: runbook.Clean(p.name), Source: p.source, Limit: p.limit, Verdict: page.Unknown}
	defer func() {
		if failed := recover(); failed != nil {
			r.Value, r.Verdict = runbook.Clean(fmt.Sprintf("the probe failed: %v", failed)), page.Unknown
		}
		r.At = time.Now()
	}()
	if p.cloud && w.cloud != nil {
		t := asTrouble(w.cloud)
		r.Value, r.Do = "not asked: "+firstOf(t.What), credentialsDo(t.Do)
		r.Clues = p.clues(finding{})
		return r, true
	}
	limit := cmp.Or(p.within, probeLimit)
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	ctx, cancel := w.clock.WithTimeout(ctx, limit)
	defer cancel()
	a := p.ask(ctx)
	r.Value, r.Verdict, r.Do = runbook.Clean(a.value), a.verdict, runbook.Clean(a.do)
	r.Clues = p.clues(a)
	return r, a.mute
}

// clues are what triage is told: that a thing could not be asked is something to know as well.
func (p *probe) clues(a finding) []runbook.Clue {
	if p.about == "" {
		return nil
	}
	out := a.with(runbook.NotSeen).clues
	for i := range out {
		out[i].About, out[i].Value = p.about, runbook.Clean(out[i].Value)
		if p.about != runbook.AboutPage { // whose name is the region that answered
			out[i].Name = cmp.Or(out[i].Name, p.subject, runbook.Clean(p.name))
		}
	}
	return out
}

func credentialsDo(do string) string {
	return cmp.Or(firstOf(do), "log in, or choose a profile with AWS_PROFILE")
}
