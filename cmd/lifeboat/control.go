package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
)

type resumeCmd struct {
	ID       string `arg:"" name:"run" optional:"" help:"The run, or the beginning of its id (default: the newest that has not ended)."`
	TakeOver bool   `help:"End the driver that holds the run, and go on in its place. Asks for a typed word."`
}

// takeOverWord is what is typed to end a living driver.
const (
	takeOverName = "takeover"
	takeOverWord = "TAKEOVER"
)

// target is a run as a command found it.
type target struct {
	dir   store.Dir
	id    runbook.RunID
	state runbook.State
	plan  *runbook.Plan
	undo  []string // the steps whose undo was asked
}

func (a *app) target(id string) (*target, error) {
	dir, err := a.readStore()
	if err != nil {
		return nil, err
	}
	run, err := a.findRun(dir, id)
	if err != nil {
		return nil, err
	}
	events, err := logbook.Read(dir.Run(run).Logbook())
	if err != nil {
		return nil, err
	}
	t := &target{dir: dir, id: run, state: runbook.Fold(events)}
	if t.state.StartedAt.IsZero() {
		return nil, fmt.Errorf("run %s never started: its journal is empty", run)
	}
	f, err := pinned(&t.state.Start)
	if err != nil {
		return nil, err
	}
	t.plan, err = f.compile(t.state.Start.Mode, t.state.Start.Inputs, t.state.Start.Resolved, providers.Set{}, nil, false)
	return t, err
}

// Run takes the run up again and follows it.
func (c *resumeCmd) Run(a *app) error {
	t, err := a.target(c.ID)
	if err != nil {
		return err
	}
	if t.state.Finished != nil {
		do := "see: lifeboat show " + string(t.id)
		if undoLeft(&t.state) {
			do = "go on with its undo: lifeboat undo " + string(t.id)
		}
		return usage(do, "run %s is over: %s", t.id, runbook.OutcomeText(t.state.Finished.Outcome, t.state.Finished.Skipped))
	}
	t.warnChanged(a)
	var from *runbook.Driver
	if c.TakeOver {
		if from, err = a.endDriver(t); err != nil {
			return err
		}
	}
	if err := startExecutor(order{Run: t.id, Store: string(t.dir), From: from, By: thisActor()}); err != nil {
		return err
	}
	return a.attached(t, t.state.Seq)
}

// warnChanged says when the files on disk are not the ones that the run was started with: those count.
func (t *target) warnChanged(a *app) {
	for _, src := range []runbook.Source{t.state.Start.Runbook, t.state.Start.Estate} {
		text, err := readLimited(src.Path)
		if err == nil && runbook.NewSource(src.Path, text).Digest != src.Digest {
			fmt.Fprintf(a.errs, "note: %s has changed since the run started; the run goes on with what it was then\n", src.Path)
		}
	}
}

// endDriver ends the living driver, after the typed word, and proves that it is gone.
func (a *app) endDriver(t *target) (*runbook.Driver, error) {
	driver, since, held, err := logbook.Holder(t.dir.Run(t.id).Lock())
	if err != nil || !held {
		return nil, err
	}
	here, _ := os.Hostname()
	if driver.Host != "" && driver.Host != here {
		return nil, coded(exitHeld, "end it there, or run this there", fmt.Errorf("run %s is driven on %s by %s", t.id, driver.Host, driver.By))
	}
	fmt.Fprintf(a.errs, "run %s is held by pid %d of %s since %s\n", t.id, driver.PID, driver.By, since.Format(time.TimeOnly))
	if err := a.typed(takeOverName, takeOverWord, "end it and take over"); err != nil {
		return nil, err
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		alive, err := logbook.ProcessAlive(driver)
		if err != nil {
			return nil, err
		}
		if alive {
			_ = syscall.Kill(driver.PID, sig) // gone meanwhile is what we want
		}
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if _, _, held, err := logbook.Holder(t.dir.Run(t.id).Lock()); err != nil || !held {
				return &driver, err
			}
		}
	}
	return nil, coded(exitHeld, "", fmt.Errorf("pid %d does not end", driver.PID))
}

// typed asks for a word, unless --confirm gave it.
func (a *app) typed(name, word, what string) error {
	if a.confirmed(name, word) {
		return nil
	}
	if a.mute {
		return a.needWord(name, word, what)
	}
	if !a.screen() && a.operator() == nil {
		return coded(exitUsage, fmt.Sprintf("add --confirm %s=%s", name, word), errors.New("a typed word is needed to "+what))
	}
	fmt.Fprintf(a.errs, "to %s type %s: ", what, word)
	if line := a.line(); line != word {
		return coded(exitUsage, fmt.Sprintf("the word is %s", word), fmt.Errorf("%q is not the word; nothing was done", line))
	}
	return nil
}

type attachCmd struct {
	ID string `arg:"" name:"run" optional:"" help:"The run, or the beginning of its id (default: the newest that has not ended)."`
}

// Run follows a run from its first event.
func (c *attachCmd) Run(a *app) error {
	if a.screen() {
		return c.show(a)
	}
	t, err := a.target(c.ID)
	if err != nil {
		return err
	}
	return a.follow(t, 0)
}

// show needs no plan: the screen shows a run of a newer version, or a damaged record, as far as it can.
func (c *attachCmd) show(a *app) error {
	dir, err := a.readStore()
	if err != nil {
		return err
	}
	id, err := a.findRun(dir, c.ID)
	if err != nil {
		return err
	}
	return a.show(a.console(), atRun(id))
}

type stopCmd struct {
	ID     string `arg:"" name:"run" optional:"" help:"The run, or the beginning of its id (default: the newest that has not ended)."`
	Reason string `placeholder:"TEXT" help:"Why, for the record."`
}

// Run asks the run to stop and follows it to its end.
func (c *stopCmd) Run(a *app) error {
	t, err := a.target(c.ID)
	if err != nil {
		return err
	}
	if t.state.Finished != nil {
		return usage("", "run %s is over: %s", t.id, runbook.OutcomeText(t.state.Finished.Outcome, t.state.Finished.Skipped))
	}
	return a.tell(t, &runbook.StopRequested{By: thisActor(), Reason: runbook.Clean(c.Reason)})
}

// tell appends a fact, makes sure that somebody drives the run, and follows.
func (a *app) tell(t *target, fact runbook.Fact) error {
	if err := t.tell(fact); err != nil {
		return err
	}
	return a.follow(t, t.state.Seq)
}

// tell appends a fact and makes sure that somebody drives the run.
func (t *target) tell(fact runbook.Fact) error {
	if err := t.append(fact); err != nil {
		return err
	}
	for deadline := time.Now().Add(startTimeout); ; {
		err := startExecutor(order{Run: t.id, Store: string(t.dir), By: thisActor()})
		var e *exitError
		if err != nil && (!errors.As(err, &e) || e.code != exitHeld) {
			return err
		}
		if err == nil || t.heard(deadline) {
			return nil
		}
	}
}

// heard reports whether the driver that holds the run goes by what was appended. The driver of a run that is over holds it a
// moment longer than it listens, while it files the run: then it must be waited for, and another one started.
func (t *target) heard(deadline time.Time) bool {
	for ; time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		events, err := logbook.Read(t.dir.Run(t.id).Logbook())
		s := runbook.Fold(events)
		if err != nil || s.Finished == nil || len(runbook.Decide(t.plan, s)) == 0 {
			return true
		}
		if _, _, held, err := logbook.Holder(t.dir.Run(t.id).Lock()); err == nil && !held {
			return false
		}
	}
	return true
}

func (t *target) append(fact runbook.Fact) error {
	book, err := logbook.Open(t.dir.Run(t.id).Logbook(), t.state.Start.Clock.Clock().Now)
	if err != nil {
		return err
	}
	defer book.Close()
	ctx, cancel := background(10 * time.Second)
	defer cancel()
	return appendAnyway(ctx, book, t.state.Seq, fact)
}

type undoCmd struct {
	ID     string   `arg:"" name:"run" help:"The run, or the beginning of its id."`
	Steps  []string `arg:"" optional:"" help:"Steps to undo, with all that depends on them (default: all)."`
	Reason string   `placeholder:"TEXT" help:"Why, for the record."`
}

// Run shows what would be put back, asks, and follows the undo.
func (c *undoCmd) Run(a *app) error {
	t, err := a.target(c.ID)
	if err != nil {
		return err
	}
	if t.state.Finished == nil && t.state.Stop == nil {
		return usage("stop it first: lifeboat stop "+string(t.id), "run %s is not over", t.id)
	}
	steps := c.Steps
	for _, id := range steps {
		if _, ok := t.plan.Step(id); !ok {
			return usage("see: lifeboat show "+string(t.id), "run %s has no step %q", t.id, id)
		}
	}
	if len(steps) == 0 {
		for i := range t.plan.Steps {
			if runbook.Undoable(&t.plan.Steps[i], t.state.Step(t.plan.Steps[i].ID)) {
				steps = append(steps, t.plan.Steps[i].ID)
			}
		}
	}
	wanted := runbook.UndoOrder(t.plan, t.state, steps)
	if len(wanted) == 0 {
		a.sayNothingToUndo(t)
		return nil
	}
	fmt.Fprintln(a.errs, "this puts back, in this order:")
	for _, id := range wanted {
		step, _ := t.plan.Step(id)
		fmt.Fprintf(a.errs, "  %-10s %s\n", id, step.Title)
	}
	word := string(t.state.Start.Mode)
	if t.state.Start.Mode != runbook.Rehearse && !a.ConfirmAll {
		if err := a.typed("undo", word, "undo this "+word+" run"); err != nil {
			return err
		}
	}
	t.undo = wanted
	return a.tell(t, &runbook.UndoRequested{Steps: wanted, By: thisActor(), Reason: runbook.Clean(c.Reason)})
}

// sayNothingToUndo tells apart what was put back already and what cannot be.
func (a *app) sayNothingToUndo(t *target) {
	for i := range t.plan.Steps {
		if t.state.Step(t.plan.Steps[i].ID).Undo == runbook.UndoDone {
			fmt.Fprintf(a.errs, "nothing is left to undo: what run %s did is put back already\n", t.id)
			return
		}
	}
	fmt.Fprintf(a.errs, "nothing that run %s did can be undone\n", t.id)
}
