package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
)

// TestUndoOfALiveRunNeedsItsWord: where the world is a real one, nothing is put back before the word is typed, and another line
// changes nothing.
func TestUndoOfALiveRunNeedsItsWord(t *testing.T) {
	a := &app{}
	files, err := a.load("failover", runbook.Live, nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := files.compile(runbook.Live, nil, nil, providers.Set{}, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := store.OpenDir(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	folder, err := dir.MakeRun("r1")
	if err != nil {
		t.Fatal(err)
	}
	book, err := logbook.Create(folder.Logbook(), "r1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	_, err = book.Append(t.Context(), 0, 1,
		&runbook.RunStarted{Mode: runbook.Live, Driver: runbook.Driver{Epoch: 1}},
		&runbook.StepStarted{Step: "launch", Kind: "instance.launch", Attempt: 1, Generation: 1, Key: "k1"},
		&runbook.StepSucceeded{Step: "launch", Attempt: 1, Outputs: map[string]any{"instance": "i-0aaaaaaaaaaaaaaa1"}},
		&runbook.StepStarted{Step: "dns", Kind: "dns.record", Attempt: 1, Generation: 1, Key: "k2"},
		&runbook.StepFailed{Step: "dns", Attempt: 1, Error: runbook.Failure{What: "no answer", Verdict: runbook.Definitive}},
	)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	f := &follower{
		app: a, dir: dir, run: "r1", journal: book, plan: plan, print: plainPrinter{out: &said, plan: plan},
		ops: &operator{}, shown: map[string]runbook.Progress{},
	}
	if err := f.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.askNext()
	for _, step := range []struct {
		line, says string
		asked      bool // the record has the request
	}{
		{"undo", "to undo this live run type live; anything else changes nothing", false},
		{"drill", `"drill" is not the word; nothing was done`, false},
		{"live", `"live" is not an answer here`, false},
		{"undo launch", "  dns        Point www.example.com at 198.51.100.7\n  launch     ", false},
		{"live", "", true},
	} {
		said.Reset()
		if err := f.heard(t.Context(), step.line, true); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(said.String(), step.says) {
			t.Errorf("%q: said %q, want %q", step.line, said.String(), step.says)
		}
		events, err := book.Events(t.Context(), 6)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(events) > 0; got != step.asked {
			t.Errorf("%q: the record grew: %t, want %t", step.line, got, step.asked)
		}
	}
}
