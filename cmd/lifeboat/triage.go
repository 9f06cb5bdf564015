package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/page"
)

type triageCmd struct {
	DataBad bool   `help:"The data itself is bad: which copy is the best, and what does it lose?"`
	Since   string `placeholder:"WHEN" help:"Since when it is bad: 2h (ago), 22:30, or 2026-01-31T22:30:00Z."`
	Here    string `placeholder:"REGION" help:"The region in which this machine stands (default: what its instance metadata says)."`
	Demo    bool   `help:"Look at a simulated copy of the estate."`
	Night   string `placeholder:"NAME" default:"quiet" help:"What goes wrong in the simulated copy; a wrong name lists them."`
	Scene   string `enum:"serving,stopped,impaired,dark" default:"serving" help:"How production stands in the simulated copy."`
	Seed    uint64 `placeholder:"N" default:"1" help:"The same seed gives the same simulated copy."`
	flags   string // what a command needs to be about the same estate, and the same simulated night
}

// triageLimit bounds the probes; each has its own deadline within.
const triageLimit = 20 * time.Second

// triageDoc is the answer as a document.
type triageDoc struct {
	At      time.Time `json:"at"`
	Estate  string    `json:"estate,omitempty"`
	Service string    `json:"service,omitempty"`
	From    string    `json:"from,omitempty"`
	To      string    `json:"to,omitempty"`
	Demo    bool      `json:"demo"`
	runbook.Advice
	Commands []string     `json:"commands"` // what to type for each of the ways; "" where nothing is
	Open     []runDoc     `json:"open"`     // live runs that have not ended
	Readings []readingDoc `json:"readings"`
}

// Run looks, judges and says what to do.
func (t *triageCmd) Run(a *app) error {
	now := time.Now()
	data, err := t.data(now)
	if err != nil {
		return err
	}
	c, err := t.console(a)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := background(triageLimit)
	defer cancel()
	o := c.Overview(ctx)
	if o.Estate == "" { // its file cannot be read: there is nothing to judge
		_, _, err := c.estate()
		return err
	}
	readings := c.Readings(ctx)
	known := page.CaseOf(&o, readings)
	known.Clues = append(known.Clues, data...)
	advice := runbook.Triage(known)
	_, _, sorted := page.Standing(&o, readings)
	if a.JSON {
		printJSON(a.out, t.document(&o, advice, sorted, now))
	} else {
		t.print(a, &o, advice, sorted)
	}
	switch {
	case !advice.Sure:
		return silentExit(exitGoesOn)
	case advice.State != runbook.IsWell:
		return silentExit(exitFailed)
	}
	return nil
}

// console is the program's side of home, which takes the same readings.
func (t *triageCmd) console(a *app) (*console, error) {
	c := a.console()
	c.deep = true
	if t.Here != "" {
		if err := os.Setenv("LIFEBOAT_HERE", t.Here); err != nil {
			return nil, err
		}
	}
	if a.Estate != "" {
		t.flags = " --estate " + a.Estate
	}
	if !t.Demo {
		if t.Night != "quiet" || t.Scene != "serving" {
			return nil, usage("add --demo", "--night and --scene are about a simulated estate")
		}
		return c, nil
	}
	c.sim = simFlags{Night: t.Night, Scene: t.Scene, Seed: t.Seed, Speed: simSpeed}
	c.demo, c.fresh = true, true
	t.flags = fmt.Sprintf(" --scene %s --night %s --seed %d", t.Scene, t.Night, t.Seed)
	return c, c.sim.check(runbook.Rehearse)
}

// data is what the operator says of it.
func (t *triageCmd) data(now time.Time) ([]runbook.Clue, error) {
	if !t.DataBad && t.Since == "" {
		return nil, nil
	}
	clue := runbook.Clue{About: runbook.AboutData, Found: runbook.Faulty, Value: "the operator says that it is bad", Source: "--data-bad", At: now}
	if t.Since == "" {
		return []runbook.Clue{clue}, nil
	}
	since, err := pastTime(t.Since, now)
	if err != nil {
		return nil, err
	}
	clue.Age, clue.Measured = now.Sub(since), true
	clue.Value += " since " + since.Format("Mon 2 Jan 15:04 MST")
	return []runbook.Clue{clue}, nil
}

// pastTime reads a moment of the past: how long ago, a time of day, or a date and a time.
func pastTime(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(strings.TrimSuffix(text, " ago")); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	if at, err := time.ParseInLocation("15:04", text, now.Location()); err == nil {
		at = time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), 0, 0, now.Location())
		if at.After(now) {
			at = at.AddDate(0, 0, -1)
		}
		return at, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil && at.Before(now) {
		return at, nil
	}
	return time.Time{}, usage("write how long ago (2h), a time of day (22:30), or a date and a time (2026-01-31T22:30:00Z)", "--since %q is no moment of the past", text)
}

func (t *triageCmd) document(o *page.Overview, advice runbook.Advice, sorted []page.Reading, now time.Time) triageDoc {
	d := triageDoc{At: now.UTC(), Estate: o.Estate, Service: o.Service, From: o.From, To: o.To, Demo: o.Demo, Advice: advice, Commands: []string{}}
	for _, w := range advice.Ways {
		d.Commands = append(d.Commands, t.command(o, w))
	}
	for _, r := range sorted {
		d.Readings = append(d.Readings, docOf(r))
	}
	d.Open = runDocs(slices.DeleteFunc(slices.Clone(o.Open), func(l page.RunLine) bool { return l.Mode != runbook.Live }))
	return d
}

// command is what is typed for a way; on a simulated estate it is the rehearsal of the same night.
func (t *triageCmd) command(o *page.Overview, w runbook.Way) string {
	i := slices.IndexFunc(o.Runbooks, func(b page.RunbookLine) bool { return w.Book != "" && b.Name == w.Book && b.Trouble == nil })
	if i < 0 {
		return ""
	}
	b := o.Runbooks[i]
	if b.Shipped || o.Demo {
		return runCommand(strings.TrimPrefix(b.Ref, shippedPrefix), runbook.Rehearse, w.Inputs) + t.flags
	}
	return runCommand(strings.TrimPrefix(b.Ref, shippedPrefix), runbook.Live, w.Inputs) + t.flags
}

// print says first what is wrong and what to do; the readings follow, for whoever doubts it.
func (t *triageCmd) print(a *app, o *page.Overview, advice runbook.Advice, sorted []page.Reading) {
	p := plainPrinter{out: a.out, width: a.columns}
	word := map[runbook.Condition]string{
		runbook.IsWell: "✓ WELL", runbook.IsDown: "✗ DOWN", runbook.HasBad: "✗ BAD DATA", runbook.HasTwo: "✗ TWO PRIMARIES", runbook.IsUnclear: "? NOT KNOWN",
	}[advice.State]
	p.line(joined(" · ", word, o.Service, advice.Broken), sayColumn)
	if o.Demo {
		p.line("  this estate is simulated; name your own with --estate FILE", sayColumn)
	}
	if advice.Why != "" {
		p.line("  → "+advice.Why, 4)
	}
	if !advice.Sure {
		p.line("  ? NOT SURE: "+advice.Doubt, 4)
	}
	for _, n := range advice.Notes {
		p.line("  ! "+n, 4)
	}
	for i := range o.Open { // whoever started it knew more than these readings
		if o.Open[i].Mode == runbook.Live {
			p.line("  ! a live run is open: "+openText(&o.Open[i]), 4)
			p.command("    lifeboat " + comeBack(&o.Open[i]))
		}
	}
	p.command("")
	for i, w := range advice.Ways {
		head := "or:      "
		if i == 0 {
			head = "DO THIS: "
		}
		why := joined("; ", w.Loses.String(), w.Why)
		if !w.Possible {
			why = "not possible: " + w.Why
		}
		p.line(head+joined(" — ", w.Do, why), len(head))
		if cmd := t.command(o, w); cmd != "" {
			p.command(strings.Repeat(" ", len(head)) + cmd)
		}
	}
	a.printReadings(p, sorted, cmp.Or(newest(sorted), time.Now()))
	for _, trouble := range o.Troubles {
		p.head("! " + trouble.What)
		p.troubleTail(trouble)
	}
}

// newest is when the last of the readings was taken: ages count from there.
func newest(rs []page.Reading) time.Time {
	var at time.Time
	for i := range rs {
		if rs[i].At.After(at) {
			at = rs[i].At
		}
	}
	return at
}
