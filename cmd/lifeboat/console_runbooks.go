package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/providers/ssh"
	"lifeboat/runbook"
	"lifeboat/runbooks"
	"lifeboat/store"
	"lifeboat/store/bolt"
	"lifeboat/ui/page"
)

// memo keeps what costs more to find out than to see that it has not changed.
type memo struct {
	mu      sync.Mutex
	made    map[string]madePlan // by ref
	history string              // the stamp of the library behind runs
	runs    map[store.Query][]store.Summary
	world   *sim.World // of the demo, as long as no run has one
	here    *string    // the region in which this machine stands
	shell   *ssh.Shell // to the hosts that keep the copies
	folder  string     // its own
}

// madePlan is a compiled runbook, and the files from which it was made as they were.
type madePlan struct {
	files  *files
	plan   *runbook.Plan
	estate string // the one that the console was about
	stamps map[string]string
}

// yamlFiles is how many files of a folder are looked at.
const yamlFiles = 500

// refs lists the runbooks: the files in this folder and in runbooks, and those that are shipped, unless a file has the name.
func (c *console) refs(o *overview) []string {
	var out []string
	taken := map[string]bool{}
	if !c.demo {
		for _, folder := range []string{".", "runbooks"} {
			found, _ := filepath.Glob(filepath.Join(folder, "*.yaml")) // the pattern is well formed
			for _, path := range found[:min(len(found), yamlFiles)] {
				if isRunbook(path) {
					abs, err := filepath.Abs(path)
					o.said(err)
					out, taken[filepath.Base(path)] = append(out, abs), true
				}
			}
		}
	}
	for _, name := range runbooks.Names() {
		if !taken[name+".yaml"] {
			out = append(out, shippedPrefix+name)
		}
	}
	return out
}

// isRunbook reports whether a file says that it is a runbook. It need not be a good one.
func isRunbook(path string) bool {
	text, err := readLimited(path)
	if err != nil {
		return false
	}
	for scan := bufio.NewScanner(bytes.NewReader(text)); scan.Scan(); {
		key, value, _ := strings.Cut(scan.Text(), ":")
		value, _, _ = strings.Cut(value, "#")
		if key == "kind" {
			return strings.Trim(value, ` "'`) == "runbook"
		}
	}
	return false
}

// runbookLine is a runbook with how long it would take and when it was last proved.
func (c *console) runbookLine(ref string, past *past) page.RunbookLine {
	name := strings.TrimSuffix(filepath.Base(strings.TrimPrefix(ref, shippedPrefix)), ".yaml")
	line := page.RunbookLine{Ref: ref, Name: runbook.Clean(name), Title: runbook.Clean(name)}
	made, err := c.made(ref)
	if err != nil {
		line.Trouble, line.Unfit = asTrouble(err), strings.HasPrefix(ref, shippedPrefix)
		return line
	}
	p := made.plan
	line.Name, line.Title, line.Target, line.Shipped = p.Name, p.Title, p.Target, made.files.shipped
	line.Forecast = forecastOf(p, estimatesFrom(p, past.runs(p.Name, modesLike(p.Mode)...)))
	if !line.Shipped {
		line.Proved = past.proof(p.Name)
	}
	return line
}

// made compiles a runbook, unless its files are as they were.
func (c *console) made(ref string) (madePlan, error) {
	c.memo.mu.Lock()
	m, known := c.memo.made[ref]
	c.memo.mu.Unlock()
	if known && m.estate == c.estateFile() && m.fresh() {
		return m, nil
	}
	a := c.at(ref, &notes{}, nil)
	f, err := a.load(ref, runbook.Live, nil)
	if err != nil {
		return m, err
	}
	mode := runbook.Live
	if f.shipped {
		mode = runbook.Rehearse
	}
	m = madePlan{files: f, estate: c.estateFile(), stamps: map[string]string{}}
	for _, path := range []string{f.runbook.Path, f.estate.Path} {
		m.stamps[path] = fileStamp(path)
	}
	if m.plan, err = f.compile(mode, anyInputs(f.parsed), nil, providers.Set{}, nil, true); err != nil {
		return m, err
	}
	c.memo.mu.Lock()
	defer c.memo.mu.Unlock()
	if c.memo.made == nil {
		c.memo.made = map[string]madePlan{}
	}
	c.memo.made[ref] = m
	return m, nil
}

func (m madePlan) fresh() bool {
	for path, stamp := range m.stamps {
		if fileStamp(path) != stamp {
			return false
		}
	}
	return true
}

// anyInputs answers what a runbook leaves to its operator: a runbook that asks is no broken one.
func anyInputs(rb *runbook.Runbook) map[string]string {
	out := map[string]string{}
	for _, in := range rb.Inputs {
		if in.Required {
			out[in.ID] = "?"
			if len(in.Options) > 0 {
				out[in.ID] = in.Options[0].Value
			}
		}
	}
	return out
}

// modesLike are the modes whose runs tell how long one of the mode takes: simulated seconds are no forecast of real ones.
func modesLike(m runbook.Mode) []runbook.Mode {
	if m == runbook.Rehearse {
		return []runbook.Mode{runbook.Rehearse}
	}
	return []runbook.Mode{runbook.Live, runbook.Drill}
}

// forecastOf is how long a run is expected to take, and from what that is known.
func forecastOf(p *runbook.Plan, estimates map[string]runbook.Estimate) page.Forecast {
	never := neverNeeded(p)
	along := func(of func(runbook.Estimate) time.Duration) time.Duration {
		_, total := runbook.CriticalPath(p, func(step string) time.Duration {
			if never[step] {
				return 0
			}
			return of(estimates[step])
		})
		return total
	}
	out := page.Forecast{
		P50: along(func(e runbook.Estimate) time.Duration { return e.P50 }), P90: along(func(e runbook.Estimate) time.Duration { return e.P90 }),
		Source: "budget",
	}
	best := 0
	for _, e := range estimates {
		if e.Runs > best {
			best, out.Source = e.Runs, e.Source
		}
	}
	return out
}

// estimateRuns is how many runs an estimate is made from.
const estimateRuns = 20

// estimatesFrom are how long the steps took where they succeeded, else their budgets.
func estimatesFrom(p *runbook.Plan, runs []store.Summary) map[string]runbook.Estimate {
	took := map[string][]time.Duration{}
	for _, r := range runs {
		for _, s := range r.Steps {
			if s.Status == runbook.StatusDone && s.Elapsed > 0 && len(took[s.Step]) < estimateRuns {
				took[s.Step] = append(took[s.Step], time.Duration(s.Elapsed))
			}
		}
	}
	out := map[string]runbook.Estimate{}
	for i := range p.Steps {
		out[p.Steps[i].ID] = runbook.HistoryEstimate(&p.Steps[i], took[p.Steps[i].ID])
	}
	return out
}

// past asks the library, once for every question as long as it does not change.
type past struct {
	ctx  context.Context
	lib  *bolt.Library // nil: there is none, or it cannot be read
	memo *memo
}

func (c *console) pastOf(ctx context.Context, dir store.Dir) *past {
	p := &past{ctx: ctx, memo: &c.memo}
	if dir == "" {
		return p
	}
	p.lib = bolt.New(dir.History())
	stamp := fileStamp(dir.History())
	c.memo.mu.Lock()
	defer c.memo.mu.Unlock()
	if c.memo.history != stamp || c.memo.runs == nil {
		c.memo.history, c.memo.runs = stamp, map[store.Query][]store.Summary{}
	}
	return p
}

// find answers a query. What cannot be read is named elsewhere: a forecast from the budgets is better than none.
func (p *past) find(q store.Query) []store.Summary {
	if p.lib == nil {
		return nil
	}
	p.memo.mu.Lock()
	known, asked := p.memo.runs[q]
	p.memo.mu.Unlock()
	if asked {
		return known
	}
	found, err := p.lib.Runs(p.ctx, q)
	if err != nil {
		p.lib = nil
		return nil
	}
	p.memo.mu.Lock()
	defer p.memo.mu.Unlock()
	p.memo.runs[q] = found
	return found
}

// runs are the newest runs of a runbook in these modes.
func (p *past) runs(name string, modes ...runbook.Mode) []store.Summary {
	var out []store.Summary
	for _, m := range modes {
		out = append(out, p.find(store.Query{Runbook: name, Mode: m, Limit: estimateRuns})...)
	}
	slices.SortStableFunc(out, func(a, b store.Summary) int { return b.Started.Compare(a.Started) })
	return out
}

// proof is the newest run on the real world that ended done; nil when there is none.
func (p *past) proof(name string) *page.RunLine {
	var found []store.Summary
	for _, m := range []runbook.Mode{runbook.Live, runbook.Drill} {
		newest := p.find(store.Query{Runbook: name, Mode: m, Limit: estimateRuns})
		i := slices.IndexFunc(newest, func(s store.Summary) bool { return s.Outcome == runbook.Done })
		switch {
		case i >= 0:
			found = append(found, newest[i])
		case len(newest) == estimateRuns: // before these there may be one
			found = append(found, p.find(store.Query{Runbook: name, Mode: m, Outcome: runbook.Done, Limit: 1})...)
		}
	}
	if len(found) == 0 {
		return nil
	}
	line := summaryLine(slices.MaxFunc(found, func(a, b store.Summary) int { return cmp.Compare(a.Started.UnixNano(), b.Started.UnixNano()) }))
	return &line
}
