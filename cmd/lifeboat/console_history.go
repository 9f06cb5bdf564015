package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/bolt"
	"lifeboat/store/logbook"
	"lifeboat/ui/page"
)

const (
	findBatch = 500 // runs that are looked through at once
	listLimit = 10 * time.Second
)

// Runs is page.Historian's.
func (c *console) Runs(ctx context.Context, q page.RunQuery) page.RunList {
	ctx, cancel := context.WithTimeout(ctx, listLimit)
	defer cancel()
	said := &notes{}
	a := c.with(said, nil)
	dir, err := a.existingStore()
	if err != nil {
		var o overview
		if !errors.Is(err, fs.ErrNotExist) { // nothing was ever run
			o.said(err)
		}
		return page.RunList{Troubles: o.Troubles}
	}
	limit := cmp.Or(max(0, q.Limit), store.DefaultLimit)
	lib, _, err := a.library() // what could not be filed is in the notes
	var out page.RunList
	if err == nil {
		out, err = findRuns(ctx, lib, q, limit)
	}
	for _, line := range said.lines() {
		out.Troubles = append(out.Troubles, page.Trouble{What: line})
	}
	if err != nil {
		out.Troubles = append(out.Troubles, *asTrouble(err))
		if q.Before == "" { // the logbooks are the truth anyway
			out.Runs = slices.DeleteFunc(newestOver(dir, limit), func(l page.RunLine) bool { return !fits(&l, q.Find) })
		}
	}
	out.Runs = withOpen(dir, out.Runs)
	return out
}

// findRuns looks through the library until there are enough that fit.
func findRuns(ctx context.Context, lib *bolt.Library, q page.RunQuery, limit int) (page.RunList, error) {
	var out page.RunList
	batch := limit + 1
	if strings.TrimSpace(q.Find) != "" {
		batch = findBatch
	}
	for before := q.Before; ; {
		found, err := lib.Runs(ctx, store.Query{Before: before, Limit: batch})
		if err != nil {
			return out, err
		}
		for i := range found {
			line := summaryLine(found[i])
			if !fits(&line, q.Find) {
				continue
			}
			if len(out.Runs) == limit {
				out.More = before
				return out, nil
			}
			out.Runs, before = append(out.Runs, line), found[i].Cursor()
		}
		if len(found) < batch {
			return out, nil
		}
		before = found[len(found)-1].Cursor()
	}
}

// fits reports whether every word stands in what a list shows of the run.
func fits(l *page.RunLine, find string) bool {
	outcome := string(l.Outcome)
	switch {
	case outcome == "":
		outcome = "goes on"
	case l.Refused:
		outcome += " refused"
	default:
		outcome += " " + runbook.OutcomeText(l.Outcome, l.Skipped)
	}
	text := strings.ToLower(strings.Join([]string{string(l.Run), l.Name, l.Title, string(l.Mode), outcome, l.By.String()}, "\n"))
	for _, word := range strings.Fields(strings.ToLower(find)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// withOpen puts what is known now into the lines of runs that go on.
func withOpen(dir store.Dir, lines []page.RunLine) []page.RunLine {
	for i := range lines {
		if lines[i].Outcome != "" {
			continue
		}
		events, err := logbook.Read(dir.Run(lines[i].Run).Logbook())
		if len(events) > 0 {
			u := openRun{id: lines[i].Run, state: runbook.Fold(events), err: err}
			lines[i] = u.line(dir)
		}
	}
	return lines
}
