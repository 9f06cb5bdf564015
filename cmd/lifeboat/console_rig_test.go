package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
	"lifeboat/ui/page"
)

// testConsole is a demo's console on a store of its own, in an empty folder. What drives a run at the end is ended.
func testConsole(t *testing.T) *console {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1") // by mistake nothing is reached
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	path := filepath.Join(t.TempDir(), "store")
	a := &app{global: global{Store: path}}
	c := a.console()
	c.demo = true
	c.sim.Speed, c.sim.Seed = 300, 3
	t.Cleanup(func() {
		locks, _ := filepath.Glob(filepath.Join(path, "runs", "*", "lock"))
		for _, lock := range locks {
			if d, _, held, err := logbook.Holder(lock); err == nil && held && d.PID > 0 && d.PID != os.Getpid() {
				_ = syscall.Kill(d.PID, syscall.SIGKILL)
			}
		}
		if dir, err := store.OpenDir(path); err == nil {
			letGo(t, dir)
		}
	})
	return c
}

func (c *console) testStore(t *testing.T) store.Dir {
	t.Helper()
	dir, err := store.OpenDir(c.flags.Store)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// watched is a session with what it has shown so far, as a page holds it.
type watched struct {
	t *testing.T
	page.Session
	state runbook.State
	news  page.News
}

func watch(t *testing.T, c *console, id runbook.RunID) *watched {
	t.Helper()
	s, err := c.OpenRun(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &watched{t: t, Session: s, state: runbook.Fold(s.Opened().Events)}
}

// until follows the run until that is so.
func (w *watched) until(what string, so func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 40*time.Second)
	defer cancel()
	for !so() {
		news, err := w.Next(ctx, w.state.Seq)
		if err != nil {
			w.t.Fatalf("until %s: %v; open are %v", what, err, w.state.Questions())
		}
		if news.Anew {
			w.state = runbook.State{}
		}
		for _, e := range news.Events {
			w.state.Apply(e)
		}
		w.news = news
	}
}

func (w *watched) asked(kind runbook.QuestionKind) runbook.Question {
	w.t.Helper()
	var q runbook.Question
	w.until("it asks: "+string(kind), func() bool {
		for _, open := range w.state.Questions() {
			if open.Kind == kind {
				q = open
				return true
			}
		}
		return false
	})
	return q
}

func (w *watched) answer(q runbook.Question, r runbook.Reply) {
	w.t.Helper()
	if err := w.Answer(w.t.Context(), &w.state, q, r); err != nil {
		w.t.Fatal(err)
	}
}

// startDemo starts the shipped failover.
func startDemo(t *testing.T, c *console) runbook.RunID {
	t.Helper()
	id, err := c.Start(t.Context(), page.Choice{Mode: runbook.Rehearse, Runbook: shippedPrefix + "failover"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// isTrouble is the trouble that the call must have come back with.
func isTrouble(t *testing.T, err error) *page.Trouble {
	t.Helper()
	var tr *page.Trouble
	if !errors.As(err, &tr) {
		t.Fatalf("%T %v is no trouble", err, err)
	}
	return tr
}

// record makes a run's record without a driver.
func record(t *testing.T, dir store.Dir, id runbook.RunID, facts ...runbook.Fact) {
	t.Helper()
	folder, err := dir.MakeRun(id)
	if err != nil {
		t.Fatal(err)
	}
	book, err := logbook.Create(folder.Logbook(), id, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	for i, fact := range facts { // each its own batch: what is damaged later takes only its own along
		if _, err := book.Append(t.Context(), uint64(i), 1, fact); err != nil {
			t.Fatal(err)
		}
	}
	markUnfiled(dir, id)
}

// recordedStart is the start of a rehearsal of one step, as it would be pinned.
func recordedStart(t *testing.T, mode runbook.Mode) *runbook.RunStarted {
	t.Helper()
	s := &runbook.RunStarted{
		Mode: mode, Name: "one", Title: "One step", Runbook: runbook.NewSource("one.yaml", []byte(driverlessRunbook)),
		Estate: runbook.NewSource("estate.yaml", []byte(driverlessEstate)), By: thisActor(), Driver: runbook.Driver{Epoch: 1},
	}
	f, err := pinned(s)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := f.compile(mode, nil, nil, noProviders(), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	s.Digest = plan.Digest
	return s
}
