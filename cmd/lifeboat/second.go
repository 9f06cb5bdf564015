package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
)

// Two live runs of one runbook at once would each launch a server and pull the address to it. The second one starts only
// when --confirm says so.
const (
	secondStart = "second"
	secondWord  = "SECOND"
)

// onlyOne refuses a live run of a runbook while another one has not ended. Until release is called nobody else starts a
// live run from this store, so that of two who start at the same moment the second is refused.
func (a *app) onlyOne(dir store.Dir, name string) (release func(), err error) {
	for _, c := range a.Confirm {
		if word, ok := strings.CutPrefix(c, secondStart+"="); ok && word != secondWord {
			return nil, usage("start without it first: it may not be needed", "--confirm %s: the word is %s", c, secondWord)
		}
	}
	path := filepath.Join(string(dir), "starting.lock")
	_, mode := store.Modes(string(dir))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, mode)
	if err != nil {
		return nil, store.DiskError(path, err)
	}
	ctx, cancel := background(startTimeout + 5*time.Second)
	defer cancel()
	unlock, err := store.Flock(ctx, f, true)
	if err != nil {
		f.Close()
		return nil, err
	}
	release = func() { unlock(); f.Close() }
	if a.confirmed(secondStart, secondWord) {
		return release, nil
	}
	if err := refuseSecond(dir, name); err != nil {
		release()
		return nil, a.needSecond(err)
	}
	return release, nil
}

// refuseSecond looks for an open live run among those whose end is not filed yet.
func refuseSecond(dir store.Dir, name string) error {
	open, err := os.ReadDir(filepath.Dir(unfiledMark(dir, "x")))
	if err != nil && !os.IsNotExist(err) {
		return store.DiskError(string(dir), err)
	}
	for _, entry := range open {
		id := runbook.RunID(entry.Name())
		events, err := logbook.Read(dir.Run(id).Logbook())
		state := runbook.Fold(events) // of a damaged one, what can be trusted
		if err != nil && len(events) == 0 {
			continue
		}
		if state.Start.Mode == runbook.Live && state.Start.Name == name && state.Finished == nil {
			return secondRefused(dir, &state)
		}
	}
	return nil
}

func secondRefused(dir store.Dir, s *runbook.State) error {
	another := fmt.Sprintf("; to start another beside it, add --confirm %s=%s", secondStart, secondWord)
	e := &exitError{code: exitHeld, means: "two at once work against each other: each launches a server and takes the address"}
	driver, since, held, err := logbook.Holder(dir.Run(s.Run).Lock())
	if err != nil {
		return err
	}
	if !held {
		e.err = fmt.Errorf("the live run %s, started by %s at %s, has not ended, and nobody drives it", s.Run, s.Start.By, s.StartedAt.Local().Format(stamp))
		e.do = fmt.Sprintf("go on with it: lifeboat resume %s; or end it: lifeboat stop %s%s", s.Run, s.Run, another)
		return e
	}
	e.err = fmt.Errorf("the live run %s goes on: process %d of %s drives it since %s", s.Run, driver.PID, driver.By, since.Local().Format(stamp))
	e.do = fmt.Sprintf("follow it: lifeboat attach %s; or end it: lifeboat stop %s%s", s.Run, s.Run, another)
	return e
}

// stamp is a time of day as people are told it.
const stamp = "2006-01-02 15:04:05 MST"

// confirmed says whether --confirm gives that word.
func (a *app) confirmed(name, word string) bool {
	for _, c := range a.Confirm {
		if c == name+"="+word {
			return true
		}
	}
	return false
}
