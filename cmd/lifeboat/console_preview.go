package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/bolt"
	"lifeboat/ui/page"
)

// shippedPrefix stands before the name of a runbook that is taken from the program, whatever lies in the folder.
const shippedPrefix = "shipped:"

// estateFile is the estate that the console is about: --estate, else the one in this folder; "" is the demo's.
func (c *console) estateFile() string {
	if c.flags.Estate != "" || c.demo {
		return c.flags.Estate
	}
	for _, path := range []string{"estate.yaml", filepath.Join("runbooks", "estate.yaml")} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// at is the program for a runbook. One that is shipped runs on the estate that the console is about.
func (c *console) at(ref string, said *notes, words map[string]string) *app {
	a := c.with(said, words)
	if strings.HasPrefix(ref, shippedPrefix) {
		a.Estate = c.estateFile()
	}
	return a
}

// fill takes for what the screen does not say what the command line has said.
func (c *console) fill(ch page.Choice) page.Choice {
	if ch.Runbook == "" {
		ch.Runbook = shippedPrefix + "failover"
	}
	if ch.Mode == "" && c.demo {
		ch.Mode = runbook.Rehearse
	}
	if ch.Inputs == nil {
		ch.Inputs = maps.Clone(c.inputs)
	}
	if ch.Reference == "" {
		ch.Reference = c.reference
	}
	if ch.Night == "" {
		ch.Night = c.sim.Night
	}
	if ch.Scene == "" {
		ch.Scene = c.sim.Scene
	}
	if ch.Seed == 0 {
		ch.Seed = c.sim.Seed
	}
	if ch.Speed == 0 {
		ch.Speed = c.sim.Speed
	}
	return ch
}

// onlyRehearsed is why a run on the shipped estate is always a rehearsal.
const onlyRehearsed = "the demo's estate exists only in rehearsals"

// Preview is page.Previewer's.
func (c *console) Preview(ctx context.Context, ch page.Choice) page.Preview {
	ch = c.fill(ch)
	said := &notes{}
	a := c.at(ch.Runbook, said, nil)
	out := page.Preview{Choice: ch, Nights: nights(), Scenes: scenes()}
	mode := ch.Mode
	if mode == "" {
		mode = runbook.Live
	}
	f, err := a.load(ch.Runbook, mode, ch.Inputs)
	if err != nil {
		out.Trouble = asTrouble(err)
		return out
	}
	if f.shipped && ch.Mode == "" {
		mode = runbook.Rehearse
	}
	out.Choice.Mode, out.Path, out.Inputs = mode, runbook.Clean(f.runbook.Path), askedInputs(f.parsed, ch.Inputs)
	switch {
	case f.shipped || c.demo:
		out.WhyNotLive, out.WhyNoDrill = onlyRehearsed, onlyRehearsed
	case len(f.parsedEstate.Drill) == 0:
		out.WhyNoDrill = "the estate has no drill: overlay, so a drill could only act on production"
	}
	plan, err := f.compile(mode, ch.Inputs, nil, providers.Set{}, nil, true)
	if err != nil {
		out.Trouble = asTrouble(err)
		return out
	}
	out.Plan, out.Calls, out.Never = plan, plannedCalls(plan), neverNeeded(plan)
	out.Estimates = a.estimates(plan)
	a.warnSecrets(f, mode)
	out.Notes = said.lines()
	for _, ref := range plan.Estate.Unresolved() {
		out.Notes = append(out.Notes, fmt.Sprintf("estate.%s is chosen by tags when the run starts; here it reads ?", ref.Path))
	}
	out.Past = c.past(ctx, plan.Name)
	return out
}

// askedInputs are the questions of a runbook with the answers so far.
func askedInputs(rb *runbook.Runbook, given map[string]string) []page.Input {
	var out []page.Input
	for _, in := range rb.Inputs {
		p := page.Input{Name: in.ID, Title: in.Title, Value: in.Default}
		if v, ok := given[in.ID]; ok {
			p.Value = runbook.Clean(v)
		}
		for _, o := range in.Options {
			p.Options = append(p.Options, page.Option{Name: o.Value, Title: o.Title})
		}
		out = append(out, p)
	}
	return out
}

// neverNeeded are the steps whose condition is false already. One on outputs is not known yet, and counts as needed.
func neverNeeded(plan *runbook.Plan) map[string]bool {
	never := map[string]bool{}
	for i := range plan.Steps {
		if needed, err := plan.Needed(plan.Steps[i].ID, &runbook.State{}); err == nil && !needed {
			never[plan.Steps[i].ID] = true
		}
	}
	return never
}

func nights() []page.Option {
	var out []page.Option
	for _, n := range sim.Nights() {
		out = append(out, page.Option{Name: n.Name, Title: n.Summary})
	}
	return out
}

func scenes() []page.Option {
	return []page.Option{
		{Name: string(sim.Stopped), Title: "production's machine has failed and is stopped"},
		{Name: string(sim.ZoneLost), Title: "production's zone is gone, and its machine with it"},
		{Name: string(sim.Impaired), Title: "production is said to run, and answers nobody"},
		{Name: string(sim.GoneDark), Title: "production's whole region gives no answer"},
		{Name: string(sim.Serving), Title: "all is well"},
	}
}

// past lists the newest runs of a runbook. Without a history there are none.
func (c *console) past(ctx context.Context, name string) []page.RunLine {
	dir, err := c.app().existingStore()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	runs, _ := bolt.New(dir.History()).Runs(ctx, store.Query{Runbook: name, Limit: recentRuns}) // home names the trouble
	var out []page.RunLine
	for _, s := range runs {
		out = append(out, summaryLine(s))
	}
	return out
}
