package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/actions"
	"lifeboat/providers/sim"
	"lifeboat/providers/wrap"
	"lifeboat/runbook"
)

type checkCmd struct {
	Runbook string `arg:"" optional:"" default:"failover" help:"A file, or the name of a shipped runbook."`
	Mode    string `enum:"live,drill,rehearse" default:"live" help:"As what it would run: live, drill, or rehearse (on a simulated copy of the estate)."`
	Offline bool   `help:"Check the files only; call nothing."`
	runFlags
	Night string `placeholder:"NAME" default:"quiet" help:"What goes wrong in the simulated copy; a wrong name lists them."`
	Scene string `enum:"serving,stopped,impaired,dark" default:"serving" help:"How production stands in the simulated copy."`
	Seed  uint64 `placeholder:"N" default:"1" help:"The same seed gives the same simulated copy."`
}

// checkLimit is how long one check may take. A guard gives a dark region ten seconds of its own and then says what the
// silence means, so it has a moment more.
const (
	checkLimit = 10 * time.Second
	guardLimit = checkLimit + 2*time.Second
)

// readiness is the answer of a check as a document.
type readiness struct {
	Ready   bool               `json:"ready"`
	Runbook string             `json:"runbook"`
	Estate  string             `json:"estate"`
	Mode    runbook.Mode       `json:"mode"`
	At      time.Time          `json:"at"`
	Checks  []checked          `json:"checks"`
	Depends []runbook.Reliance `json:"depends"`

	groups map[string]string // by step: what it is called in the file, where each has made it
}

// checked is one line of it. What was only asked for the reader's sake, such as a guard's answer now, fails nothing.
type checked struct {
	Step   string        `json:"step"` // or a guard, or what surrounds the run: ssh, account, estate
	Guard  bool          `json:"guard,omitempty"`
	What   string        `json:"what"`
	Grade  runbook.Grade `json:"grade"`
	OK     bool          `json:"ok"`
	Seen   string        `json:"seen"`
	Source string        `json:"source,omitempty"`
	Do     string        `json:"do,omitempty"`
}

// Run checks the files in every mode, and then, unless it is told to stay offline, the world for the mode.
func (c *checkCmd) Run(a *app) error {
	mode := runbook.Mode(c.Mode)
	inputs, err := parseInputs(c.Set)
	if err != nil {
		return err
	}
	f, err := a.load(c.Runbook, mode, inputs)
	if err != nil {
		return err
	}
	modes, err := f.wellFormed(inputs)
	if err != nil {
		return err
	}
	if c.Offline {
		if a.JSON {
			printJSON(a.out, map[string]any{"ok": true, "runbook": f.runbook.Path, "estate": f.estate.Path, "modes": modes})
			return nil
		}
		a.printWellFormed(f)
		return nil
	}
	if f.shipped && mode != runbook.Rehearse {
		return usage("name your own with --estate FILE, or check it with --mode rehearse or --offline",
			"%s is the demo's estate, which exists only in rehearsals", f.estate.Path)
	}
	if !a.JSON {
		a.printWellFormed(f)
	}
	r, err := a.readiness(f, mode, inputs, simFlags{Night: c.Night, Scene: c.Scene, Seed: c.Seed, Speed: simSpeed})
	if err != nil {
		return err
	}
	if a.JSON {
		printJSON(a.out, r)
	} else {
		a.printReadiness(r)
	}
	if !r.Ready {
		return silentExit(exitRefused)
	}
	return nil
}

// wellFormed compiles the files for every mode in which they can run.
func (f *files) wellFormed(inputs map[string]string) ([]runbook.Mode, error) {
	modes := []runbook.Mode{runbook.Live, runbook.Rehearse}
	if len(f.parsedEstate.Drill) > 0 {
		modes = append(modes, runbook.Drill)
	}
	for _, mode := range modes {
		if _, err := f.compile(mode, inputs, nil, providers.Set{}, nil, true); err != nil {
			return nil, fmt.Errorf("as a %s run: %w", mode, err)
		}
	}
	return modes, nil
}

// readiness asks the world whether the runbook could succeed now. Nothing is changed: what would change something is
// refused before it is sent.
func (a *app) readiness(f *files, mode runbook.Mode, inputs map[string]string, sf simFlags) (*readiness, error) {
	w, err := a.worldOf(f, mode, inputs, sf)
	if err != nil {
		return nil, err
	}
	defer w.close()
	plan, err := f.compile(mode, inputs, w.resolved, w.set, w.clock, true)
	if err != nil {
		return nil, err
	}
	r := &readiness{
		Ready: true, Runbook: f.runbook.Path, Estate: f.estate.Path, Mode: mode, At: time.Now().UTC(),
		Checks: w.found, Depends: runbook.Reliances(plan), groups: map[string]string{},
	}
	for i := range plan.Steps {
		r.groups[plan.Steps[i].ID] = plan.Steps[i].Group
	}
	r.Checks = append(r.Checks, missingSecrets(plan, mode)...)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, list := range w.askAll(ctx, plan) {
		r.Checks = append(r.Checks, list...)
	}
	for i := range r.Checks {
		r.Checks[i].clean()
		r.Ready = r.Ready && r.Checks[i].OK
	}
	return r, nil
}

func (c *checked) clean() {
	for _, text := range []*string{&c.What, &c.Seen, &c.Source, &c.Do} {
		*text = runbook.Clean(*text)
	}
}

// checkWorld is the world that is asked, behind a fence.
type checkWorld struct {
	set      providers.Set
	clock    runbook.Clock
	real     bool
	resolved map[string]string
	found    []checked // what was found out on the way
	close    func()
}

func (a *app) worldOf(f *files, mode runbook.Mode, inputs map[string]string, sf simFlags) (*checkWorld, error) {
	if mode == runbook.Rehearse {
		return a.simulatedFor(f, inputs, sf)
	}
	dir, err := os.MkdirTemp("", "lifeboat-check-")
	if err != nil {
		return nil, err
	}
	r := &rig{}
	w := &checkWorld{clock: runbook.WallClock{}, real: true, close: func() { r.close(); os.RemoveAll(dir) }}
	set, err := r.realWorld(context.Background(), dir, f.parsedEstate, w.clock)
	if err != nil {
		w.close()
		return nil, notReady(err)
	}
	w.set = looksOnly(set)
	w.found = append(w.found, sshProgram(), sshKey(f.parsedEstate.SSH), w.account(f.parsedEstate))
	w.selectors(f.parsedEstate)
	return w, nil
}

// simulatedFor makes a copy of the estate, in memory.
func (a *app) simulatedFor(f *files, inputs map[string]string, sf simFlags) (*checkWorld, error) {
	if err := sf.check(runbook.Rehearse); err != nil {
		return nil, err
	}
	resolved, err := a.resolve(f, runbook.Rehearse)
	if err != nil {
		return nil, err
	}
	plan, err := f.compile(runbook.Rehearse, inputs, resolved, providers.Set{}, nil, true)
	if err != nil {
		return nil, err
	}
	faults, err := sim.Night(sf.Night, sf.Seed)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	clock := runbook.ClockSpec{Wall: now, World: now.UTC(), Speed: sf.Speed}.Clock()
	world := sim.NewMemory(sim.FromEstate(plan.Estate, sim.Scene(sf.Scene), sf.Seed).WithNight(faults), clock)
	return &checkWorld{set: looksOnly(withArchives(world.Set())), clock: clock, resolved: resolved, close: func() {}}, nil
}

// looksOnly refuses every call that would change something: a check that tries one has a mistake, and does no harm.
func looksOnly(set providers.Set) providers.Set {
	return wrap.LookOnly(set, func(what string) error {
		return runbook.Fail("a check would have changed "+what, "it was refused; nothing was done", "")
	})
}

func sshProgram() checked {
	c := checked{Step: "ssh", What: "there is an ssh program", Grade: runbook.CheckedLive, Source: "PATH"}
	path, err := exec.LookPath("ssh")
	if err != nil {
		c.Seen, c.Do = "there is none", "install the OpenSSH client, or put it on the PATH"
		return c
	}
	c.OK, c.Seen = true, path
	return c
}

// sshKey looks at what ssh would log in with. Whether a machine takes it shows when there is one.
func sshKey(settings runbook.SSH) checked {
	c := checked{Step: "ssh", What: "the key for the hosts is on this machine", Grade: runbook.CheckedLive, Source: "ssh.identity"}
	if settings.User != "" {
		c.What += ", for user " + settings.User
	}
	switch {
	case borrowsAgent(os.Getenv, settings):
		c.OK, c.Grade, c.Source = true, runbook.CannotCheck, "SSH_AUTH_SOCK"
		c.Seen = "ssh would use the agent of the machine that you came from, and it is lost with this connection"
		c.Do = "name a key of this machine in the estate: ssh.identity"
	case settings.Identity == "":
		c.OK, c.Grade, c.Source = true, runbook.CannotCheck, ""
		c.Seen = "the estate names no ssh.identity: ssh takes what it is configured with"
	default:
		file, err := os.Open(settings.Identity)
		if err != nil {
			c.Seen, c.Do = fmt.Sprintf("%s cannot be read: %v", settings.Identity, unwrapPath(err)), "put the key there, or correct ssh.identity in the estate"
			return c
		}
		file.Close()
		c.OK, c.Seen = true, settings.Identity
	}
	return c
}

// account asks whose the credentials are.
func (w *checkWorld) account(e *runbook.Estate) checked {
	c := checked{Step: "account", What: "the credentials are those of the estate's account", Grade: runbook.CheckedLive, Source: "sts:GetCallerIdentity"}
	ctx, cancel := background(checkLimit)
	defer cancel()
	got, err := w.set.Identity.Account(ctx, e.Standby.Region)
	switch {
	case err != nil:
		t := asTrouble(err)
		c.Grade, c.Seen, c.Do = runbook.CannotCheck, firstOf(t.What), credentialsDo(t.Do)
	case e.Account == "":
		c.OK, c.Seen, c.Do = true, got.ID+" ("+got.ARN+"); the estate names no account", "write `account` into the estate, so that no run acts in another"
	case got.ID != e.Account:
		c.Seen, c.Do = got.ID+" ("+got.ARN+"), and the estate is in "+e.Account, "choose the profile of "+e.Account+" with AWS_PROFILE, or correct `account` in the estate"
	default:
		c.OK, c.Seen = true, got.ID+" ("+got.ARN+")"
	}
	return c
}

// selectors finds what the estate chooses by tags. What is not found stays open, and what needs it says so.
func (w *checkWorld) selectors(e *runbook.Estate) {
	refs := e.Unresolved()
	found, ids := make([]checked, len(refs)), make([]string, len(refs))
	var all sync.WaitGroup
	for i, ref := range refs {
		all.Go(func() {
			ctx, cancel := background(checkLimit)
			defer cancel()
			c := checked{Step: "estate", What: "estate." + ref.Path + " is found by its tags in " + ref.Region, Grade: runbook.CheckedLive}
			id, err := findByTags(ctx, w.set, ref)
			if err != nil {
				t := classify(err)
				c.Seen, c.Do = t.what, t.do
				var perr *providers.Error
				if errors.As(err, &perr) {
					c.Grade = runbook.CannotCheck
				}
			} else {
				c.OK, c.Seen, ids[i] = true, id, id
			}
			found[i] = c
		})
	}
	all.Wait()
	w.found = append(w.found, found...)
	w.resolved = map[string]string{}
	for i, ref := range refs {
		if ids[i] != "" {
			w.resolved[ref.Path] = ids[i]
		}
	}
}

// askAll asks every guard and every step at the same time, and returns what they said in their order.
func (w *checkWorld) askAll(ctx context.Context, plan *runbook.Plan) [][]checked {
	out := make([][]checked, len(plan.Guards)+len(plan.Steps))
	never, stand := neverNeeded(plan), runbook.Placeholders(plan)
	var all sync.WaitGroup
	for i := range plan.Guards {
		all.Go(func() { out[i] = []checked{w.guard(ctx, plan, &plan.Guards[i])} })
	}
	for i := range plan.Steps {
		all.Go(func() { out[len(plan.Guards)+i] = w.step(ctx, plan, &plan.Steps[i], &stand, never) })
	}
	all.Wait()
	return out
}

// limited runs f with a deadline. A check that fails in a way that nobody foresaw says so, and takes nothing
// else with it.
func (w *checkWorld) limited(ctx context.Context, limit time.Duration, f func(context.Context)) (failed string) {
	defer func() {
		if r := recover(); r != nil {
			failed = fmt.Sprintf("the check failed: %v", r)
		}
	}()
	if !w.real {
		limit *= 3 // simulated seconds are short: a busy machine must not make a silence of one
	}
	ctx, cancel := w.clock.WithTimeout(ctx, limit)
	defer cancel()
	f(ctx)
	return ""
}

// guard is asked as the run would ask it. That it does not hold today is how it should be: production answers.
func (w *checkWorld) guard(ctx context.Context, plan *runbook.Plan, g *runbook.PlannedGuard) checked {
	c := checked{Step: g.ID, Guard: true, What: g.Title, Grade: runbook.CheckedLive, OK: true, Source: g.Kind.Name}
	if !g.Applicable {
		c.Grade, c.Seen = runbook.CannotCheck, "not asked in a "+string(plan.Mode)+" run"
		return c
	}
	probe, err := plan.BindGuard(g.ID, nil)
	var o runbook.Observation
	failed := ""
	if err == nil {
		failed = w.limited(ctx, guardLimit, func(ctx context.Context) { o, err = probe.Observe(ctx, quietCall(g.ID)) })
	}
	switch {
	case failed != "":
		c.OK, c.Grade, c.Seen = false, runbook.CannotCheck, failed
	case err != nil:
		// What is certain to fail in the run as well is not ready; what did not answer may be what the run is for.
		f := runbook.AsFailure(err)
		c.OK, c.Grade, c.Seen, c.Do = f.Verdict != runbook.Definitive, runbook.CannotCheck, "now: could not be asked: "+f.What, f.Do
	case o.State == runbook.Unsure:
		c.Grade, c.Seen = runbook.CannotCheck, "now: not sure: "+o.Evidence
	case o.State == runbook.Holds:
		c.Seen = "now: holds: " + o.Evidence
	default:
		c.Seen = "now: does not hold: " + o.Evidence
	}
	return c
}

func quietCall(step string) runbook.Call {
	return runbook.Call{Run: "check", Step: step, Progress: func(runbook.Progress) {}, Log: io.Discard}
}

// step asks the kind's own check, where it has one. Where it has none, or can say nothing yet, that is said.
func (w *checkWorld) step(ctx context.Context, plan *runbook.Plan, s *runbook.PlannedStep, stand *runbook.State, never map[string]bool) []checked {
	unknown := checked{Step: s.ID, What: s.Title, Grade: runbook.CannotCheck, OK: true}
	if never[s.ID] {
		unknown.Seen = "not needed: " + s.If + " is false"
		return []checked{unknown}
	}
	probe, err := plan.Bind(s.ID, stand, nil)
	if err != nil {
		f := runbook.AsFailure(err)
		unknown.OK, unknown.Grade, unknown.Seen, unknown.Do = false, runbook.CheckedLive, f.What, f.Do
		return []checked{unknown}
	}
	checker, ok := probe.(runbook.Checker)
	if !ok {
		unknown.Seen = nothingToAsk(plan, s)
		return append([]checked{unknown}, w.permission(s, probe)...)
	}
	var out []checked
	if failed := w.limited(ctx, checkLimit, func(ctx context.Context) {
		for _, c := range checker.Check(ctx, quietCall(s.ID)) {
			if first := settledBy(plan, s.ID, c, stand, never); first != "" {
				c.OK, c.Grade, c.Do, c.Seen = true, runbook.CannotCheck, "", "step "+first+" does it first (now: "+c.Seen+")"
			}
			out = append(out, checked{Step: s.ID, What: c.What, Grade: c.Grade, OK: c.OK, Seen: c.Seen, Source: c.Source, Do: c.Do})
		}
	}); failed != "" {
		unknown.OK, unknown.Seen = false, failed
		return []checked{unknown}
	}
	if len(out) == 0 {
		unknown.Seen = nothingToAsk(plan, s)
		out = append(out, unknown)
	}
	return append(out, w.permission(s, probe)...)
}

// settledBy is the step before it that takes care of what a check has found; "" when none does.
func settledBy(plan *runbook.Plan, step string, c runbook.Check, stand *runbook.State, never map[string]bool) string {
	if c.OK || c.About == nil {
		return ""
	}
	for _, id := range runbook.Ancestors(plan, step) {
		if never[id] {
			continue
		}
		probe, err := plan.Bind(id, stand, nil)
		if s, ok := probe.(runbook.Settler); err == nil && ok && s.Settles(c.About) {
			return id
		}
	}
	return ""
}

func nothingToAsk(plan *runbook.Plan, s *runbook.PlannedStep) string {
	if before := runbook.Reads(plan, s.ID); len(before) > 0 {
		return "cannot be checked before " + strings.Join(before, " and ") + " has run"
	}
	if s.Kind.Person {
		return "a person does it"
	}
	return "nothing about " + s.Kind.Name + " can be asked beforehand"
}

// permission names what the step may call and nobody has proved: what is only read was read just now.
func (w *checkWorld) permission(s *runbook.PlannedStep, probe runbook.Probe) []checked {
	p, ok := probe.(runbook.Permitter)
	if !w.real || !ok {
		return nil
	}
	writes := slices.DeleteFunc(slices.Clone(p.Permissions()), readsOnly)
	if len(writes) == 0 {
		return nil
	}
	slices.Sort(writes)
	return []checked{{
		Step: s.ID, What: "these credentials may call " + strings.Join(writes, ", "), Grade: runbook.CannotCheck, OK: true,
		Seen: "AWS says so only to the call itself; lifeboat policy prints what to allow",
	}}
}

// printWellFormed says that the files are in order.
func (a *app) printWellFormed(f *files) {
	fmt.Fprintf(a.out, "✓ %s and %s are well formed and fit together (%s)\n", f.runbook.Path, f.estate.Path, plural(len(f.parsed.Steps), "step", "steps"))
	if len(f.parsedEstate.Drill) == 0 {
		fmt.Fprintln(a.out, "! the estate has no drill: overlay, so this runbook cannot be drilled")
	}
}

func emptyCatalog() *runbook.Catalog { return actions.Catalog(providers.Set{}, actions.Options{}) }
