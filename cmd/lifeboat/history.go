package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
)

type historyCmd struct {
	Runbook string `help:"Only runs of this runbook."`
	Outcome string `enum:",done,done_with_skips,failed,stopped" default:"" help:"Only runs that ended so: done, done_with_skips, failed, stopped."`
	Mode    string `enum:",live,drill,rehearse" default:"" help:"Only runs of this mode: live, drill, rehearse."`
	Limit   int    `default:"50" help:"How many."`
}

// Run lists runs, newest first.
func (c *historyCmd) Run(a *app) error {
	if c.Limit < 1 || c.Limit > 10_000 {
		return usage("choose between 1 and 10000", "--limit %d is impossible", c.Limit)
	}
	runs, err := c.find(a)
	if err != nil {
		return err
	}
	if a.JSON {
		if runs == nil {
			runs = []store.Summary{}
		}
		printJSON(a.out, runs)
		return nil
	}
	if len(runs) == 0 {
		fmt.Fprintln(a.out, "no runs yet; start one with: lifeboat demo")
		return nil
	}
	fmt.Fprintf(a.out, "%-40s %-9s %-20s %7s %7s  %s\n", "RUN", "MODE", "OUTCOME", "TIME", "TARGET", "STARTED")
	for _, r := range runs {
		outcome, took := "goes on", ""
		if r.Outcome != "" {
			outcome, took = runbook.OutcomeText(r.Outcome, r.Skipped), runbook.ClockText(time.Duration(r.Elapsed))
		}
		target := ""
		if r.Target > 0 {
			target = runbook.ClockText(time.Duration(r.Target))
		}
		fmt.Fprintf(a.out, "%-40s %-9s %-20s %7s %7s  %s by %s\n", r.Run, strings.ToUpper(string(r.Mode)), outcome, took, target,
			r.Started.Local().Format("2006-01-02 15:04 MST"), r.Actor)
	}
	return nil
}

func (c *historyCmd) find(a *app) ([]store.Summary, error) {
	path, err := a.storePath()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, nil // to look makes no store
	}
	lib, leftOut, err := a.library()
	if err != nil {
		return nil, err
	}
	ctx, cancel := background(10 * time.Second)
	defer cancel()
	runs, err := lib.Runs(ctx, store.Query{
		Runbook: c.Runbook, Outcome: runbook.Outcome(c.Outcome), Mode: runbook.Mode(c.Mode), Limit: c.Limit,
	})
	if err == nil && len(runs) == 0 {
		return nil, leftOut // "no runs yet" would not be true
	}
	return runs, err
}

type showCmd struct {
	ID string `arg:"" name:"run" optional:"" help:"The run, or the beginning of its id (default: the newest)."`
}

// Run shows every event of one run, from its logbook.
func (c *showCmd) Run(a *app) error {
	dir, err := a.readStore()
	if err != nil {
		return err
	}
	find := func() (runbook.RunID, error) { return a.findRun(dir, c.ID) }
	if c.ID == "" {
		find = func() (runbook.RunID, error) { return a.newestRun(dir) }
	}
	id, err := find()
	if err != nil {
		return err
	}
	events, readErr := logbook.Read(dir.Run(id).Logbook())
	var state runbook.State
	var plan *runbook.Plan
	if t, err := a.target(string(id)); err == nil {
		plan = t.plan
	}
	p := a.printer(plan)
	for _, e := range events {
		state.Apply(e)
		p.event(e, &state)
	}
	if readErr != nil {
		return readErr
	}
	if !a.JSON {
		a.showEnd(&state, plan)
	}
	return nil
}

// showEnd adds what the events do not say by themselves: planned against actual, and what is not put back.
func (a *app) showEnd(s *runbook.State, plan *runbook.Plan) {
	if plan != nil {
		fmt.Fprintf(a.out, "\n%-12s %-12s %8s %8s\n", "STEP", "STATUS", "BUDGET", "TOOK")
		for i := range plan.Steps {
			step := &plan.Steps[i]
			st := s.Step(step.ID)
			took := ""
			if !st.First.IsZero() && !st.Ended.IsZero() {
				took = runbook.ClockText(st.Ended.Sub(st.First))
			}
			status := string(st.Status)
			if st.Undo == runbook.UndoDone {
				status = "undone"
			}
			fmt.Fprintf(a.out, "%-12s %-12s %8s %8s\n", step.ID, status, runbook.ClockText(step.Budget), took)
		}
	}
	if ledger := s.Ledger(); len(ledger) > 0 {
		fmt.Fprintln(a.out, "\nstands as this run left it:")
		for _, l := range ledger {
			verb := "changed"
			if l.Made {
				verb = "made"
			}
			fmt.Fprintf(a.out, "  %-8s %s (step %s)\n", verb, l.Target, l.Step)
		}
	}
}

type schemaCmd struct{}

// Run prints the schema.
func (schemaCmd) Run(a *app) error {
	text, err := runbook.Schema(emptyCatalog())
	if err != nil {
		return err
	}
	_, err = a.out.Write(append(text, '\n'))
	return err
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(a *app) error {
	if a.JSON {
		printJSON(a.out, map[string]string{"version": version})
		return nil
	}
	fmt.Fprintln(a.out, "lifeboat", version)
	return nil
}
