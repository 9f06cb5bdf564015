package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
)

const (
	driverlessRunbook = `lifeboat: 1
kind: runbook
name: one
title: One step
estate: estate.yaml
confirm: none
steps:
  - {id: launch, uses: instance.launch, with: {image: ami-0aaaaaaaaaaaaaaa2, type: t3.small, zone: eu-west-1a, region: eu-west-1}}
`
	driverlessEstate = `lifeboat: 1
kind: estate
name: mine
service: {name: www.example.com, url: "https://www.example.com/"}
production: {region: eu-central-1}
standby: {region: eu-west-1}
`
)

// driverless makes the record of a run that is over and was asked to be undone, as its driver has left it.
func driverless(t *testing.T, more ...runbook.Fact) *target {
	t.Helper()
	dir, err := store.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	folder, err := dir.MakeRun("one")
	if err != nil {
		t.Fatal(err)
	}
	book, err := logbook.Create(folder.Logbook(), "one", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	facts := []runbook.Fact{
		&runbook.RunStarted{
			Mode: runbook.Rehearse, Name: "one", Runbook: runbook.NewSource("one.yaml", []byte(driverlessRunbook)),
			Estate: runbook.NewSource("estate.yaml", []byte(driverlessEstate)), Driver: runbook.Driver{Epoch: 1},
		},
		&runbook.StepStarted{Step: "launch", Kind: "instance.launch", Attempt: 1, Generation: 1},
		&runbook.StepSucceeded{Step: "launch", Attempt: 1, Outputs: map[string]any{"instance": "i-0aaaaaaaaaaaaaaa9"}},
		&runbook.RunFinished{Outcome: runbook.Done},
		&runbook.UndoRequested{Steps: []string{"launch"}},
	}
	if _, err := book.Append(t.Context(), 0, 1, append(facts, more...)...); err != nil {
		t.Fatal(err)
	}
	a := &app{global: global{Store: string(dir)}}
	found, err := a.target("one")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Who follows an undo sees what it waits for, and when its driver is gone is told so: it does not move any more.
func TestFollowerSaysThatNobodyUndoes(t *testing.T) {
	at := driverless(t, &runbook.UndoStarted{Step: "launch"})
	beside, err := json.Marshal(live{Progress: map[string]runbook.Progress{"launch": {Text: "it is shutting down"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at.dir.Run(at.id).Live(), beside, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := &app{global: global{Store: string(at.dir)}, in: strings.NewReader(""), out: &out, errs: &out}
	ended := make(chan error, 1)
	go func() { ended <- a.follow(at, 0) }()
	select {
	case err := <-ended:
		if code := a.exit(err); code != exitGoesOn || !strings.Contains(out.String(), "lifeboat undo one") || !strings.Contains(out.String(), "it is shutting down") {
			t.Errorf("it ended with %d and wrote %s", code, out.String())
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("it follows for ever; it wrote %s", out.String())
	}
}

// The driver of a run that is over still holds it while it files: what is appended then it does not hear. One that has gone
// on with the undo has heard.
func TestHeardTellsADriverThatIsLeaving(t *testing.T) {
	for name, test := range map[string]struct {
		more []runbook.Fact
		want bool
	}{
		"it is leaving":   {nil, false},
		"it is undoing":   {[]runbook.Fact{&runbook.UndoStarted{Step: "launch"}}, true},
		"all is put back": {[]runbook.Fact{&runbook.UndoStarted{Step: "launch"}, &runbook.UndoSucceeded{Step: "launch"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			at := driverless(t, test.more...)
			me, err := logbook.ThisProcess(runbook.Actor{}, 1)
			if err != nil {
				t.Fatal(err)
			}
			held, err := logbook.Lock(at.dir.Run(at.id).Lock(), me, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			heard := make(chan bool, 1)
			go func() { heard <- at.heard(time.Now().Add(20 * time.Second)) }()
			if err := held.Release(); err != nil {
				t.Fatal(err)
			}
			if got := <-heard; got != test.want {
				t.Errorf("heard is %v", got)
			}
		})
	}
}

// A folder without a record is no run: it is not what `show` means, and a start that failed takes its own away.
func TestWhatNeverStartedIsNoRun(t *testing.T) {
	at := driverless(t)
	folder, err := at.dir.MakeRun("two")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{global: global{Store: string(at.dir)}}
	for range 2 {
		if id, err := a.newestRun(at.dir); err != nil || id != "one" {
			t.Errorf("the newest run is %q, %v", id, err)
		}
		book, err := logbook.Create(folder.Logbook(), "two", time.Now)
		if err == nil {
			book.Close()
		}
	}
	if !discard(at.dir, "two") {
		t.Error("what never started is kept")
	}
	if _, err := os.Stat(string(folder)); !os.IsNotExist(err) {
		t.Errorf("its folder: %v", err)
	}
	if discard(at.dir, "one") {
		t.Error("a run with a record is thrown away")
	}
}
