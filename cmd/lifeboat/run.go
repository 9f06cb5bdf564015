package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
)

// runFlags are what every command that starts a run takes.
type runFlags struct {
	Set       []string `placeholder:"KEY=VALUE" sep:"none" help:"An input of the runbook."`
	Reference string   `placeholder:"TEXT" help:"A remark for the record: a ticket, a change number."`
}

// simFlags shape the simulated cloud of a rehearsal.
type simFlags struct {
	Night string  `placeholder:"NAME" default:"quiet" help:"What goes wrong, such as quiet, no-capacity or random; a wrong name lists them."`
	Scene string  `enum:",serving,stopped,impaired,zone,dark" default:"" help:"How production stands: serving, stopped, impaired, gone with its zone, or dark with its whole region (default: stopped; in the demo: zone)."`
	Seed  uint64  `placeholder:"N" help:"The same seed gives the same night (default: drawn)."`
	Speed float64 `placeholder:"X" default:"1" help:"How many times faster than real time the simulated world runs."`
	After string  `placeholder:"RUN" help:"The simulated world begins as this failover has left it, to rehearse the way back."`

	aftermath *runbook.Aftermath // of After
}

type runCmd struct {
	Runbook string `arg:"" help:"A file, or the name of a shipped runbook."`
	Mode    string `required:"" enum:"live,drill,rehearse" placeholder:"live|drill|rehearse" help:"On what it acts: production, the drill overlay, or the simulated cloud."`
	runFlags
	simFlags
}

// Run starts a run and follows it.
func (c *runCmd) Run(a *app) error {
	return a.start(runbook.Mode(c.Mode), c.Runbook, c.runFlags, c.simFlags)
}

type drillCmd struct {
	Runbook string `arg:"" help:"A file, or the name of a shipped runbook."`
	runFlags
}

// Run starts a drill and follows it.
func (c *drillCmd) Run(a *app) error {
	return a.start(runbook.Drill, c.Runbook, c.runFlags, simFlags{})
}

type demoCmd struct {
	runFlags
	simFlags
}

// Run rehearses the shipped failover. Without a terminal it answers for itself and ends by itself.
func (c *demoCmd) Run(a *app) error {
	if c.Scene == "" {
		c.Scene = string(sim.ZoneLost) // a night on which leaving is right
	}
	if a.screen() {
		return a.showDemo(c.simFlags, c.runFlags)
	}
	if a.operator() == nil || !interactive(a.in) {
		a.Yes, a.ConfirmAll = true, true
	}
	return a.start(runbook.Rehearse, "failover", c.runFlags, c.simFlags)
}

func interactive(in any) bool {
	f, ok := in.(*os.File)
	return ok && isTerminal(f)
}

// start begins a run and follows it.
func (a *app) start(mode runbook.Mode, name string, rf runFlags, sf simFlags) error {
	inputs, err := parseInputs(rf.Set)
	if err != nil {
		return err
	}
	t, err := a.begin(mode, name, inputs, rf.Reference, sf)
	if err != nil {
		return err
	}
	return a.attached(t, 0)
}

// begin makes the plan and hands it to an executor.
func (a *app) begin(mode runbook.Mode, name string, inputs map[string]string, reference string, sf simFlags) (*target, error) {
	f, err := a.load(name, mode, inputs)
	if err != nil {
		return nil, err
	}
	if f.shipped && mode != runbook.Rehearse {
		return nil, usage("name your own with --estate FILE", "%s is the demo's estate, which exists only in rehearsals", f.estate.Path)
	}
	if err := sf.check(mode); err != nil {
		return nil, err
	}
	if err := a.readAfter(mode, &sf); err != nil {
		return nil, err
	}
	resolved, err := a.resolve(f, mode)
	if err != nil {
		return nil, err
	}
	plan, err := f.compile(mode, inputs, resolved, providers.Set{}, nil, false)
	if err != nil {
		return nil, err
	}
	answers, err := a.answers(plan)
	if err != nil {
		return nil, err
	}
	if err := a.preflight(f, mode); err != nil {
		return nil, err
	}
	a.warnSecrets(f, mode)
	dir, err := a.store()
	if err != nil {
		return nil, err
	}
	started := &runbook.RunStarted{
		Mode: mode, Runbook: f.runbook, Estate: f.estate, Inputs: plan.Inputs, Resolved: resolved, Digest: plan.Digest,
		Title: plan.Title, Name: plan.Name, Target: runbook.Duration(plan.Target), Answers: answers, By: thisActor(),
		Versions: map[string]string{"lifeboat": version}, Reference: runbook.Clean(reference),
	}
	id, err := a.launch(dir, plan, sf, started)
	if err != nil {
		return nil, err
	}
	return &target{dir: dir, id: id, plan: plan}, nil
}

// launch makes the run's folder and hands the run to an executor. A run that does not start leaves no folder.
func (a *app) launch(dir store.Dir, plan *runbook.Plan, sf simFlags, started *runbook.RunStarted) (runbook.RunID, error) {
	if plan.Mode == runbook.Live {
		release, err := a.onlyOne(dir, plan.Name)
		if err != nil {
			return "", err
		}
		defer release()
	}
	id := newRunID(time.Now(), plan.Name, randomTail)
	folder, err := dir.MakeRun(id)
	if err != nil {
		return "", err
	}
	if plan.Mode == runbook.Rehearse {
		err = makeWorld(folder, plan.Estate, sf, started)
	}
	if err == nil {
		err = startExecutor(order{Run: id, Store: string(dir), Start: started, By: started.By})
	}
	if err != nil {
		if !discard(dir, id) {
			fmt.Fprintf(a.errs, "run %s is in the record all the same; see: lifeboat show %s; go on with it: lifeboat resume %s\n", id, id, id)
		}
		return "", err
	}
	return id, nil
}

// discard removes what is left of a run that did not start. Nothing of it was recorded, so nothing of it was done. It
// reports false, and leaves all as it is, when there is a record, or somebody who may write one.
func discard(dir store.Dir, id runbook.RunID) bool {
	folder := dir.Run(id)
	me, err := logbook.ThisProcess(thisActor(), 0)
	if err != nil {
		return false
	}
	lock, err := logbook.Lock(folder.Lock(), me, time.Now())
	var held *logbook.ErrHeld
	if errors.As(err, &held) {
		return false
	}
	if err == nil { // on a full disk there is none, and no executor either
		defer lock.Release()
	}
	if events, err := logbook.Read(folder.Logbook()); len(events) > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
		return false
	}
	os.Remove(unfiledMark(dir, id))
	os.RemoveAll(string(folder))
	return true
}

// check refuses what no world can be made of, before anything is made.
func (sf simFlags) check(mode runbook.Mode) error {
	if mode != runbook.Rehearse {
		return nil
	}
	if sf.Speed < 0.1 || sf.Speed > 1000 {
		return usage("choose between 0.1 and 1000", "--speed %v is impossible", sf.Speed)
	}
	if _, err := sim.Night(sf.Night, 1); err != nil {
		var names []string
		for _, n := range sim.Nights() {
			names = append(names, n.Name)
		}
		return usage("choose one of "+strings.Join(names, ", "), "there is no night %q", sf.Night)
	}
	return nil
}

// worldFolder is where the world of a rehearsal lies, in the run's folder.
const worldFolder = "world"

func makeWorld(folder store.RunDir, estate *runbook.Estate, sf simFlags, started *runbook.RunStarted) error {
	seed := sf.Seed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())%1_000_000 + 1
	}
	faults, err := sim.Night(sf.Night, seed)
	if err != nil {
		return err
	}
	now := time.Now()
	started.Clock = runbook.ClockSpec{Wall: now, World: now.UTC().Truncate(time.Second), Speed: sf.Speed}
	spec := sim.FromEstate(estate, sim.Scene(sf.Scene), seed).WithNight(faults)
	if sf.aftermath != nil {
		spec = spec.After(sf.aftermath)
	}
	spec.Clock, spec.Start = started.Clock, started.Clock.World
	world, err := sim.Create(filepath.Join(string(folder), worldFolder), spec)
	if err != nil {
		return store.DiskError(filepath.Join(string(folder), worldFolder), err)
	}
	started.World = worldFolder
	started.Versions["night"] = fmt.Sprintf("%s, seed %d", sf.Night, seed)
	return world.Close()
}

// follow attaches this process to a run: it shows events after from and carries answers.
func (a *app) follow(t *target, from uint64) error {
	book, err := logbook.Open(t.dir.Run(t.id).Logbook(), runClock(t.dir, t.id).Now)
	if err != nil {
		return err
	}
	defer book.Close()
	f := &follower{
		app: a, dir: t.dir, run: t.id, journal: book, print: a.printer(t.plan), plan: t.plan, ops: a.operator(), from: from,
		undo: t.undo, shown: map[string]runbook.Progress{},
	}
	return f.follow()
}

// runClock is the clock that the run was started with.
func runClock(dir store.Dir, id runbook.RunID) runbook.Clock {
	events, _ := logbook.Read(dir.Run(id).Logbook()) // what is wrong with it, the caller's own open says
	state := runbook.Fold(events)
	return state.Start.Clock.Clock()
}
