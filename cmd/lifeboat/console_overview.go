package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/bolt"
	"lifeboat/store/logbook"
	"lifeboat/ui/page"
)

const (
	recentRuns   = 10                     // how many runs home lists
	libraryLimit = 500 * time.Millisecond // how long home waits for a library that somebody holds
)

// Overview is page.Overviewer's.
func (c *console) Overview(ctx context.Context) page.Overview {
	ctx, cancel := context.WithTimeout(ctx, libraryLimit)
	defer cancel()
	o := overview{}
	dir := o.store(ctx, c.app()) // before all else: without it nothing can be run
	estate, shipped, err := c.estate()
	o.said(err)
	o.Demo = shipped || c.demo
	if estate != nil {
		o.Estate, o.Account, o.Service = estate.Name, estate.Account, estate.Service.Name
		o.From, o.To = estate.Production.Region, estate.Standby.Region
	}
	past := c.pastOf(ctx, dir)
	for _, ref := range c.refs(&o) {
		o.Runbooks = append(o.Runbooks, c.runbookLine(ref, past))
	}
	slices.SortStableFunc(o.Runbooks, func(a, b page.RunbookLine) int { return cmp.Compare(urgent(a.Name), urgent(b.Name)) })
	return o.Overview
}

// urgent is the place of a runbook on home: what a bad night may need comes first, in the order of how much it moves away.
func urgent(name string) int {
	first := []string{"failover", "relaunch", "repair", "restore-archive", "fence", "failover-others"}
	if i := slices.Index(first, name); i >= 0 {
		return i
	}
	return len(first)
}

// overview is an Overview in the making.
type overview struct{ page.Overview }

// said adds what could not be read, once.
func (o *overview) said(err error) {
	if err == nil {
		return
	}
	t := *asTrouble(err)
	if !slices.Contains(o.Troubles, t) {
		o.Troubles = append(o.Troubles, t)
	}
}

// store lists the runs of the store, and says why none could be started in it. To look makes no store.
func (o *overview) store(ctx context.Context, a *app) store.Dir {
	dir, err := a.existingStore()
	switch {
	case err == nil:
		o.said(store.Ready(string(dir)))
		o.runs(ctx, dir)
	case errors.Is(err, fs.ErrNotExist): // nothing was ever run
		if path, err := a.storePath(); err == nil {
			o.said(store.Ready(path))
		}
	default:
		o.said(err)
	}
	return dir
}

// runs lists those that go on, and the newest that do not. Where the library cannot be read, the logbooks tell: they are the
// truth anyway.
func (o *overview) runs(ctx context.Context, dir store.Dir) {
	unfiled, err := unfiledRuns(dir)
	o.said(err)
	var over []page.RunLine
	for _, u := range unfiled {
		if line := u.line(dir); line.Outcome == "" {
			o.Open = append(o.Open, line)
		} else {
			over = append(over, line)
		}
	}
	filed, err := bolt.New(dir.History()).Runs(ctx, store.Query{Limit: recentRuns + len(unfiled)})
	if err != nil {
		o.said(err)
		over = append(over, newestOver(dir, recentRuns)...)
	}
	for _, s := range filed {
		if s.Outcome != "" {
			over = append(over, summaryLine(s))
		}
	}
	over = slices.DeleteFunc(over, func(l page.RunLine) bool { // one whose undo goes on is filed already
		return slices.ContainsFunc(o.Open, func(open page.RunLine) bool { return open.Run == l.Run })
	})
	o.Recent = newestFirst(over, recentRuns)
}

// newestFirst sorts lines, leaves out what stands twice, and cuts.
func newestFirst(lines []page.RunLine, limit int) []page.RunLine {
	slices.SortStableFunc(lines, func(a, b page.RunLine) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(b.Run, a.Run)) // as the history has them
	})
	seen := map[runbook.RunID]bool{}
	lines = slices.DeleteFunc(lines, func(l page.RunLine) bool {
		twice := seen[l.Run]
		seen[l.Run] = true
		return twice
	})
	return lines[:min(limit, len(lines))]
}

// newestOver reads the newest runs that have ended from their logbooks.
func newestOver(dir store.Dir, limit int) []page.RunLine {
	ids, _ := dir.RunIDs() // home says already that something cannot be read
	var out []page.RunLine
	for _, id := range slices.Backward(ids) {
		if len(out) == limit {
			break
		}
		events, err := logbook.Read(dir.Run(id).Logbook())
		if len(events) == 0 {
			continue
		}
		u := openRun{id: id, state: runbook.Fold(events), err: err}
		if u.state.Finished != nil || err != nil {
			out = append(out, u.line(dir))
		}
	}
	return out
}

// line is a run as its logbook tells it.
func (u *openRun) line(dir store.Dir) page.RunLine {
	s := &u.state
	l := page.RunLine{
		Run: u.id, Name: runbook.Clean(s.Start.Name), Title: runbook.Clean(s.Start.Title), Mode: s.Start.Mode, Started: s.StartedAt,
		Skipped: s.Skipped(), Target: time.Duration(s.Start.Target), By: cleanActor(s.Start.By),
		Damaged: errors.As(u.err, new(*store.ErrDamaged)),
	}
	l.Elapsed = s.Elapsed(s.Start.Clock.Clock().Now())
	if s.Finished != nil {
		l.Finished, l.Refused = s.FinishedAt, s.Finished.Refused
		if !undoLeft(s) {
			l.Outcome = s.Finished.Outcome
			return l
		}
	}
	if qs := s.Questions(); len(qs) > 0 {
		l.Asks = runbook.Clean(qs[0].Text)
		if name := runbook.Clean(qs[0].Step); name != "" {
			l.Asks = name + ": " + l.Asks
		}
	}
	if driver, since, held, err := logbook.Holder(dir.Run(u.id).Lock()); err == nil && held {
		l.Driven, l.Driver = true, driverText(driver, since)
	}
	if s.Finished != nil && !l.Driven {
		l.Asks = "its undo was interrupted"
	}
	return l
}

// summaryLine is a run as the library tells it.
func summaryLine(s store.Summary) page.RunLine {
	return page.RunLine{
		Run: s.Run, Name: runbook.Clean(s.Name), Title: runbook.Clean(s.Title), Mode: s.Mode, Started: s.Started, Finished: s.Finished,
		Outcome: s.Outcome, Refused: s.Refused, Skipped: s.Skipped, Elapsed: time.Duration(s.Elapsed), Target: time.Duration(s.Target),
		By: cleanActor(s.Actor),
	}
}

func cleanActor(a runbook.Actor) runbook.Actor {
	a.Name, a.Host = runbook.Clean(a.Name), runbook.Clean(a.Host)
	return a
}

// estate reads the estate that the console is about.
func (c *console) estate() (e *runbook.Estate, shipped bool, err error) {
	path := c.estateFile()
	if path == "" {
		src := shippedEstate()
		e, err = runbook.ParseEstate(src.Path, []byte(src.Text))
		return e, true, err
	}
	text, err := readLimited(path)
	if err != nil {
		return nil, false, usage("name the estate's file", "the estate %q cannot be read: %v", path, unwrapPath(err))
	}
	e, err = runbook.ParseEstate(path, text)
	return e, false, err
}

// noFile is the stamp of a file that is not there.
const noFile = "none"

// fileStamp tells whether a file has changed.
func fileStamp(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return noFile
	}
	return fmt.Sprint(info.ModTime().UnixNano(), info.Size())
}
