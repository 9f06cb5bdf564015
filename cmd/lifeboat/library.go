package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/bolt"
	"lifeboat/store/logbook"
)

// filer copies a run's events into the history while the run is driven, off its critical path. What it cannot file stays
// in the logbook, and whoever opens the history files it.
type filer struct {
	dir    store.Dir
	run    runbook.RunID
	cancel context.CancelFunc
	idle   sync.WaitGroup
}

// fileEvery is how often a driver files what is new.
const fileEvery = 2 * time.Second

func startFiling(dir store.Dir, run runbook.RunID) *filer {
	ctx, cancel := context.WithCancel(context.Background())
	f := &filer{dir: dir, run: run, cancel: cancel}
	markUnfiled(dir, run)
	f.idle.Go(func() {
		tick := time.NewTicker(fileEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, _ = fileRun(ctx, dir, run) // tried again in a moment, and at the end
			case <-ctx.Done():
				return
			}
		}
	})
	return f
}

// finish files the rest. An error leaves the run marked as not filed.
func (f *filer) finish() {
	f.cancel()
	f.idle.Wait()
	ctx, cancel := background(10 * time.Second)
	defer cancel()
	if over, err := fileRun(ctx, f.dir, f.run); err == nil && over {
		os.Remove(unfiledMark(f.dir, f.run))
	}
}

// fileRun files what the history does not have of a run, and reports whether the run is over, its undo too.
func fileRun(ctx context.Context, dir store.Dir, run runbook.RunID) (over bool, err error) {
	events, err := logbook.Read(dir.Run(run).Logbook())
	if err != nil || len(events) == 0 {
		return false, err
	}
	lib := bolt.New(dir.History())
	have := uint64(0)
	summary, _, err := lib.Run(ctx, run)
	var none *store.ErrNoRun
	switch {
	case err == nil:
		have = min(summary.LastSeq, uint64(len(events)))
	case !errors.As(err, &none):
		return false, err
	}
	if rest := events[have:]; len(rest) > 0 {
		if err := lib.File(ctx, rest); err != nil {
			return false, err
		}
	}
	state := runbook.Fold(events)
	return state.Finished != nil && !undoLeft(&state), nil
}

func unfiledMark(dir store.Dir, run runbook.RunID) string {
	return filepath.Join(string(dir), "unfiled", string(run))
}

// markUnfiled notes that a run has events that the history may not have.
func markUnfiled(dir store.Dir, run runbook.RunID) {
	path := unfiledMark(dir, run)
	if store.MakeFolder(filepath.Dir(path)) == nil {
		_ = os.WriteFile(path, nil, 0o600) // without the mark, verify still finds the run
	}
}

// library opens the history and files what crashed drivers have left. What cannot be filed is named, and its error is
// leftOut: the history is not whole without it.
func (a *app) library() (lib *bolt.Library, leftOut, err error) {
	dir, err := a.store()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := background(10 * time.Second)
	defer cancel()
	left, _ := os.ReadDir(filepath.Join(string(dir), "unfiled"))
	for _, entry := range left {
		run := runbook.RunID(entry.Name())
		over, err := fileRun(ctx, dir, run)
		switch {
		case err != nil:
			leftOut = err
			fmt.Fprintf(a.errs, "note: run %s is not in the history: %v\n", run, err)
		case over:
			if _, _, held, err := logbook.Holder(dir.Run(run).Lock()); err == nil && !held {
				os.Remove(unfiledMark(dir, run))
			}
		}
	}
	return bolt.New(dir.History()), leftOut, nil
}

// existingStore is the store's folder if it is there; it makes none.
func (a *app) existingStore() (store.Dir, error) {
	path, err := a.storePath()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return store.OpenDir(path)
}

// rebuildLibrary sets the damaged file aside and makes the history again from the logbooks.
func rebuildLibrary(ctx context.Context, dir store.Dir) error {
	return bolt.New(dir.History()).Rebuild(ctx, logbook.All(dir))
}

// writeEvents writes events to a new file, one JSON object a line.
func writeEvents(path string, events []runbook.Event) (int, error) {
	err := store.CreateFile(path, func(f *os.File) error {
		for _, e := range events {
			text, err := store.Encode(e)
			if err != nil {
				return err
			}
			if _, err := f.Write(append(text, '\n')); err != nil {
				return err
			}
		}
		return nil
	})
	return len(events), err
}
