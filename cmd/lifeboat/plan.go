package main

import (
	"fmt"
	"slices"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/bolt"
)

type planCmd struct {
	Runbook string `arg:"" help:"A file, or the name of a shipped runbook."`
	Mode    string `enum:"live,drill,rehearse" default:"live" help:"As what it would run: live, drill or rehearse."`
	All     bool   `help:"Show every copy that each makes of a step, not one of them."`
	runFlags
}

// planned is a plan as a document.
type planned struct {
	Name     string            `json:"name"`
	Title    string            `json:"title"`
	Mode     runbook.Mode      `json:"mode"`
	Digest   string            `json:"digest"`
	Inputs   map[string]string `json:"inputs,omitempty"`
	Target   runbook.Seconds   `json:"target,omitempty"`
	Forecast runbook.Seconds   `json:"forecast"`
	Critical []string          `json:"critical_path"`
	Waves    [][]string        `json:"waves"`
	Start    asks              `json:"start"`
	Guards   []plannedGuard    `json:"guards,omitempty"`
	Steps    []plannedStep     `json:"steps"`
	Notes    []string          `json:"notes,omitempty"`
}

type plannedGuard struct {
	ID         string `json:"id"`
	Title      string `json:"title"`
	Kind       string `json:"kind"`
	Applicable bool   `json:"applicable"`
	asks
}

// asks is what a person does first, and the word that is typed for it.
type asks struct {
	Confirm runbook.Confirm `json:"confirm"`
	Word    string          `json:"word,omitempty"`
}

func asksFor(c runbook.Confirm, word string) asks {
	switch c {
	case runbook.ConfirmType:
		return asks{Confirm: c, Word: word}
	case runbook.ConfirmKey:
		return asks{Confirm: c}
	}
	return asks{Confirm: runbook.ConfirmNone}
}

type plannedStep struct {
	ID       string          `json:"id"`
	Group    string          `json:"group,omitempty"` // what it is called in the file, of a step that each makes
	AtOnce   int             `json:"at_once,omitempty"`
	Title    string          `json:"title"`
	Why      string          `json:"why,omitempty"`
	Kind     string          `json:"kind"`
	Needs    []string        `json:"needs"`
	If       string          `json:"if,omitempty"`
	Needed   bool            `json:"needed"`
	Estimate runbook.Seconds `json:"estimate"`
	Source   string          `json:"source"`
	Timeout  runbook.Seconds `json:"timeout"`
	Critical bool            `json:"critical"`
	Undo     bool            `json:"undo"`
	Asks     asks            `json:"asks"`
	Calls    []string        `json:"calls,omitempty"`
}

// Run shows the plan. It calls nothing, so it works without a network.
func (c *planCmd) Run(a *app) error {
	inputs, err := parseInputs(c.Set)
	if err != nil {
		return err
	}
	f, err := a.load(c.Runbook, runbook.Mode(c.Mode), inputs)
	if err != nil {
		return err
	}
	plan, err := f.compile(runbook.Mode(c.Mode), inputs, nil, providers.Set{}, nil, true)
	if err != nil {
		return err
	}
	doc := a.describePlan(plan, f)
	if a.JSON {
		printJSON(a.out, doc)
		return nil
	}
	a.printPlan(doc, c.All)
	return nil
}

func (a *app) describePlan(plan *runbook.Plan, f *files) planned {
	estimates := a.estimates(plan)
	never := neverNeeded(plan)
	took := func(step string) time.Duration {
		if never[step] {
			return 0
		}
		return estimates[step].P50
	}
	critical, total := runbook.CriticalPath(plan, took)
	doc := planned{
		Name: plan.Name, Title: plan.Title, Mode: plan.Mode, Digest: plan.Digest, Inputs: plan.Inputs,
		Target: runbook.Seconds(plan.Target), Forecast: runbook.Seconds(total), Critical: critical, Waves: runbook.Waves(plan),
		Start: asksFor(plan.Confirm, plan.Word),
	}
	for _, g := range plan.Guards {
		doc.Guards = append(doc.Guards, plannedGuard{ID: g.ID, Title: g.Title, Kind: g.Kind.Name, Applicable: g.Applicable, asks: asksFor(g.Waive, g.Word)})
	}
	stand := runbook.Placeholders(plan)
	for i := range plan.Steps {
		step := &plan.Steps[i]
		_, undo := step.Kind.New().(runbook.Undoer)
		doc.Steps = append(doc.Steps, plannedStep{
			ID: step.ID, Group: step.Group, AtOnce: step.AtOnce, Title: step.Title, Why: step.Why, Kind: step.Kind.Name, Needs: step.Needs, If: step.If,
			Needed: !never[step.ID], Estimate: runbook.Seconds(took(step.ID)), Source: estimates[step.ID].Source,
			Timeout: runbook.Seconds(step.Timeout), Critical: slices.Contains(critical, step.ID), Undo: undo, Asks: asksFor(step.Confirm, step.Word),
			Calls: byHand(plan, step.ID, &stand),
		})
	}
	for _, ref := range f.parsedEstate.Unresolved() {
		doc.Notes = append(doc.Notes, fmt.Sprintf("estate.%s is chosen by tags when the run starts; here it reads ?", ref.Path))
	}
	for _, r := range runbook.Reliances(plan) {
		if r.Warning != "" {
			doc.Notes = append(doc.Notes, r.Warning+"; to do: "+r.Do)
		}
	}
	return doc
}

// byHand is what a person would type for the step. Outputs of earlier steps stand as <step.output>.
func byHand(plan *runbook.Plan, id string, s *runbook.State) []string {
	return byHandAs(plan, s, runbook.Call{Run: "RUN", Step: id, Key: "KEY"})
}

// byHandNow is byHand with what a run knows: what is made so bears the run's own tags and key, and is found by them.
func byHandNow(plan *runbook.Plan, id string, s *runbook.State) []string {
	st := s.Step(id)
	key := st.Key
	if key == "" {
		key = runbook.NewKey(s.Run, id, max(1, st.Generation))
	}
	return byHandAs(plan, s, runbook.Call{Run: s.Run, Step: id, Key: key})
}

func byHandAs(plan *runbook.Plan, s *runbook.State, call runbook.Call) []string {
	id := call.Step
	probe, err := plan.Bind(id, s, nil)
	if err != nil {
		return []string{"# " + runbook.Clean(err.Error())}
	}
	h, ok := probe.(runbook.ByHander)
	if !ok {
		return nil
	}
	return h.ByHand(call)
}

// estimates are from the runs of this runbook that did the step, the newest first, else from the budgets.
func (a *app) estimates(plan *runbook.Plan) map[string]runbook.Estimate {
	return estimatesFrom(plan, a.pastRuns(plan, ""))
}

// pastRuns reads the history without making a store: a plan changes nothing. A rehearsal learns from rehearsals, the rest
// from the rest: simulated seconds are no forecast of real ones. Before is the cursor of the run that they must be older than.
func (a *app) pastRuns(plan *runbook.Plan, before string) []store.Summary {
	dir, err := a.existingStore()
	if err != nil {
		return nil
	}
	lib := bolt.New(dir.History())
	ctx, cancel := background(2 * time.Second)
	defer cancel()
	var out []store.Summary
	for _, m := range modesLike(plan.Mode) {
		runs, err := lib.Runs(ctx, store.Query{Runbook: plan.Name, Mode: m, Before: before, Limit: estimateRuns})
		if err != nil {
			return nil // a forecast from the budgets is better than none
		}
		out = append(out, runs...)
	}
	return out
}
