package main

import (
	"os"
	"path/filepath"
	"slices"

	"lifeboat/runbook"
	"lifeboat/runbooks"
	"lifeboat/store"
	"lifeboat/store/logbook"
	"lifeboat/ui/page"
)

// openRun is a run whose end is not filed.
type openRun struct {
	id    runbook.RunID
	state runbook.State // as far as it can be read
	err   error         // why not further
}

// unfiledRuns reads the runs whose end is not filed yet, newest first: those that go on, and a few that have ended.
func unfiledRuns(dir store.Dir) ([]openRun, error) {
	marks, err := os.ReadDir(filepath.Dir(unfiledMark(dir, "x")))
	if err != nil && !os.IsNotExist(err) {
		return nil, store.DiskError(string(dir), err)
	}
	var out []openRun
	for _, mark := range slices.Backward(marks) { // ids begin with their time
		id := runbook.RunID(mark.Name())
		events, err := logbook.Read(dir.Run(id).Logbook())
		if len(events) == 0 && (err == nil || os.IsNotExist(err)) {
			continue // nothing is on record: it never began
		}
		out = append(out, openRun{id: id, state: runbook.Fold(events), err: err})
	}
	return out, nil
}

// openRuns are those of them that have not ended.
func openRuns(dir store.Dir) ([]openRun, error) {
	all, err := unfiledRuns(dir)
	return slices.DeleteFunc(all, func(o openRun) bool { return o.state.Finished != nil }), err
}

// undoLeft reports whether something that was asked to be undone is still to be put back. Only a run whose undo was asked for is
// compiled; of one that this version cannot compile, the undo under way tells.
func undoLeft(s *runbook.State) bool {
	if len(s.UndoQueue) == 0 {
		return false
	}
	for _, st := range s.Steps {
		if st.Undo == runbook.UndoRunning {
			return true
		}
	}
	plan, err := pinnedPlan(s)
	return err == nil && s.Finished != nil && len(runbook.Decide(plan, *s)) > 0
}

// othersOpen are the runs beside that one that go on, newest first, as home lists them.
func othersOpen(dir store.Dir, id runbook.RunID) []page.RunLine {
	unfiled, _ := unfiledRuns(dir) // home says already that something cannot be read
	var out []page.RunLine
	for _, u := range unfiled {
		if u.id == id {
			continue
		}
		if line := u.line(dir); line.Outcome == "" {
			out = append(out, line)
		}
	}
	return out
}

// shippedEstate is the demo's estate.
func shippedEstate() runbook.Source {
	text, _ := runbooks.FS.ReadFile("estate.yaml") // it is in the program
	return runbook.NewSource("estate.yaml", text)
}
