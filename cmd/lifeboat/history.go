package main

import (
	"context"
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
	Find    string `placeholder:"WORDS" help:"Only runs with all of these words in their id, runbook, mode, outcome or person."`
	Before  string `placeholder:"RUN" help:"Only runs that started before this one: to page on."`
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
	more := len(runs) > c.Limit // one was asked for beyond what is shown
	runs = runs[:min(len(runs), c.Limit)]
	if a.JSON {
		if runs == nil {
			runs = []store.Summary{}
		}
		printJSON(a.out, runs)
		return nil
	}
	switch {
	case len(runs) == 0 && *c == (historyCmd{Limit: c.Limit}):
		fmt.Fprintln(a.out, "no runs yet; start one with: lifeboat demo")
	case len(runs) == 0:
		fmt.Fprintln(a.out, "no run is like that; see all of them with: lifeboat history")
	default:
		a.printRuns(runs)
	}
	if more {
		fmt.Fprintf(a.out, "older ones: lifeboat history --before %s\n", runs[len(runs)-1].Run)
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
	q := store.Query{Runbook: c.Runbook, Outcome: runbook.Outcome(c.Outcome), Mode: runbook.Mode(c.Mode), Limit: c.Limit + 1}
	if c.Before != "" {
		dir, err := a.readStore()
		if err != nil {
			return nil, err
		}
		id, err := a.findRun(dir, c.Before)
		if err != nil {
			return nil, err
		}
		summary, _, err := lib.Run(ctx, id)
		if err != nil {
			return nil, err
		}
		q.Before = summary.Cursor()
	}
	runs, err := searchRuns(ctx, lib, q, c.Find)
	if err == nil && len(runs) == 0 {
		return nil, leftOut // "no runs yet" would not be true
	}
	return runs, err
}

// searchRuns is the history's search with words that must all stand in what a list shows of the run.
func searchRuns(ctx context.Context, lib store.Finder, q store.Query, find string) ([]store.Summary, error) {
	limit := q.Limit
	if strings.TrimSpace(find) != "" {
		q.Limit = max(limit, findBatch)
	}
	var out []store.Summary
	for {
		part, err := lib.Runs(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range part {
			if line := summaryLine(part[i]); fits(&line, find) {
				if out = append(out, part[i]); len(out) == limit {
					return out, nil
				}
			}
		}
		if len(part) < q.Limit {
			return out, nil
		}
		q.Before = part[len(part)-1].Cursor()
	}
}

func outcomeOf(s *store.Summary) string {
	switch {
	case s.Outcome == "":
		return "goes on"
	case s.Refused:
		return "refused"
	}
	return runbook.OutcomeText(s.Outcome, s.Skipped)
}

// printRuns is the table of runs. On a terminal it is no wider than that: what matters less is left out.
func (a *app) printRuns(runs []store.Summary) {
	t := table{
		heads: []string{"RUN", "MODE", "OUTCOME", "TIME", "TARGET", "STARTED", "BY"},
		right: map[int]bool{3: true, 4: true}, drop: []int{5, 6, 4, 1, 3}, // the id begins with the day and the hour
	}
	for i := range runs {
		r := &runs[i]
		took, target := "", ""
		if r.Outcome != "" {
			took = runbook.ClockText(time.Duration(r.Elapsed))
		}
		if r.Target > 0 {
			target = runbook.ClockText(time.Duration(r.Target))
		}
		t.rows = append(t.rows, []string{
			string(r.Run), strings.ToUpper(string(r.Mode)), outcomeOf(r), took, target,
			r.Started.Local().Format("2006-01-02 15:04 MST"), r.Actor.String(),
		})
	}
	t.print(a.out, a.columns())
}

type showCmd struct {
	ID       string `arg:"" name:"run" optional:"" help:"The run, or the beginning of its id (default: the newest)."`
	Log      string `placeholder:"STEP" xor:"part" help:"Only what this step wrote."`
	Calls    bool   `xor:"part" help:"Only the calls that were made, one a line."`
	Timeline bool   `xor:"part" help:"Only the steps as bars: planned against actual."`
}

// Run shows every event of one run, from its logbook, or a part of what lies beside it.
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
	if c.Log != "" {
		return a.showLog(dir.Run(id), id, c.Log)
	}
	if c.Calls {
		return a.showCalls(dir.Run(id), id)
	}
	events, readErr := logbook.Read(dir.Run(id).Logbook())
	var state runbook.State
	var plan *runbook.Plan
	if t, err := a.target(string(id)); err == nil {
		plan = t.plan
	}
	if c.Timeline && readErr == nil {
		state = runbook.Fold(events)
		a.showTimeline(&state, plan)
		return nil
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
		a.sayLogs(dir.Run(id), id)
	}
	return nil
}

func (a *app) showTimeline(s *runbook.State, plan *runbook.Plan) {
	now := s.Now
	if s.Finished == nil {
		now = s.Start.Clock.Clock().Now()
	}
	t := newTimeline(s, plan, now)
	if a.JSON {
		printJSON(a.out, t)
		return
	}
	a.printTimeline(t)
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
