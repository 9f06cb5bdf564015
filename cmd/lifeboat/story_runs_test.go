package main

import (
	"strings"
	"testing"
)

// Runbooks of the stories: a step that fails, one whose end nobody knows when its driver dies, one that asks for a word.
const (
	failsRunbook = `lifeboat: 1
kind: runbook
name: fails
title: A night with a step that fails
estate: estate.yaml
confirm: none
steps:
  - {id: first, uses: wait, with: {for: 1s}, needs: []}
  - {id: broken, title: Ask the replica, uses: shell, with: {host: {address: 198.51.100.21}, argv: ["false"]}, needs: [first]}
  - {id: last, uses: wait, with: {for: 1s}, needs: [broken]}
`
	longRunbook = `lifeboat: 1
kind: runbook
name: long
title: A night with a long step
estate: estate.yaml
confirm: none
steps:
  - {id: first, uses: wait, with: {for: 1s}, needs: []}
  - {id: slow, title: Copy for an hour, uses: shell, with: {host: {address: 198.51.100.21}, argv: [sleep, "3600"]}, timeout: 2h, needs: [first]}
  - {id: last, uses: wait, with: {for: 1s}, needs: [slow]}
`
	wordRunbook = `lifeboat: 1
kind: runbook
name: word
title: A night with a word
estate: estate.yaml
confirm: none
steps:
  - {id: first, uses: wait, with: {for: 1s}, needs: []}
  - {id: point, title: Point of no return, uses: wait, with: {for: 1s}, confirm: type, word: GOODBYE, needs: [first]}
`
)

// rehearse starts a rehearsal of a runbook that the story wrote.
func (r *room) rehearse(text string, more ...string) *terminal {
	r.t.Helper()
	r.write("night.yaml", text)
	return r.lifeboat(append([]string{"run", "night.yaml", "--mode", "rehearse", "--speed", "60"}, more...)...)
}

// A demo from home to its end: nothing else is needed than the program.
func TestStoryDemoToTheEnd(t *testing.T) {
	r := inRoom(t)
	w := r.lifeboat("demo", "--speed", "60", "--seed", "7")
	w.wait("DOWN", "▸ Fail over to us-east-1").press("enter")
	w.wait("REHEARSE", "▸ START  rehearse").press("enter")
	w.wait("us-east-1 to start").press("'us-east-1", "enter")
	w.wait("launch", "✓")
	w.wait("✓ DONE", "inside")
	w.press("q")
	w.ended(exitDone)
	if out := r.run("history", "--plain"); !strings.Contains(out, "done") {
		t.Errorf("the history does not know the run:\n%s", out)
	}
}

// A step fails, is retried, fails again, and is left out with a reason.
func TestStoryFailedStepIsRetriedAndSkipped(t *testing.T) {
	r := inRoom(t)
	w := r.rehearse(failsRunbook)
	w.wait("broken FAILED", "retry").press("enter")
	w.wait("broken FAILED", "2, the first at").choose("skip…", "skip broken")
	w.wait("needed").choose("skip it", "a skip needs a reason")
	w.press("'the replica is gone for good").choose("skip it", "DONE WITH 1 SKIPPED")
	w.wait("DONE WITH 1 SKIPPED", "the replica is gone")
	w.press("q").ended(exitSkips)
}

// A machine of that type cannot be had for a while: the operator waits and tries once more.
func TestStoryNoCapacityThenRetry(t *testing.T) {
	r := inRoom(t)
	w := r.lifeboat("run", "failover", "--mode", "rehearse", "--speed", "60", "--night", "no-capacity", "--seed", "3", "--confirm", "start=us-east-1")
	w.wait("launch FAILED")
	for n := 1; r.count("step.succeeded", "launch") == 0; n++ {
		w.wait("launch FAILED", "retry").press("enter")
		r.until("the next attempt has ended", func() bool {
			return r.count("step.failed", "launch") > n || r.count("step.succeeded", "launch") > 0
		})
	}
	w.wait("✓ DONE")
	w.press("q").ended(exitDone)
}

// The word is mistyped: nothing happens, and what was typed can be put right.
func TestStoryWordMistypedThenRight(t *testing.T) {
	r := inRoom(t)
	w := r.rehearse(wordRunbook)
	w.wait("may step point start?", "type GOODBYE").press("'goodbye", "enter")
	w.wait("the word is GOODBYE, not goodbye: nothing was done")
	w.erase("goodbye").press("'GOODBYE", "enter").wait("✓ DONE")
	w.press("q").ended(exitDone)
}

// Left in the middle; `lifeboat` alone comes back to the run.
func TestStoryLeaveAndComeBack(t *testing.T) {
	r := inRoom(t)
	w := r.rehearse(longRunbook)
	w.wait("▶ slow").press("q")
	w.wait("the run goes on without this terminal; come back with: lifeboat").ended(exitGoesOn)
	if r.driver(r.newest()) == 0 {
		t.Fatal("nobody drives the run that was left")
	}
	r.lifeboat().wait("REHEARSE", "Copy for an hour")
}

// A run that is over is played once more.
func TestStoryReplay(t *testing.T) {
	r := inRoom(t)
	w := r.rehearse(failsRunbook)
	w.wait("broken FAILED").choose("skip…", "skip broken")
	w.press("'it is only a rehearsal").choose("skip it", "DONE WITH 1 SKIPPED")
	w.press("q").ended(exitSkips)
	again := r.lifeboat("replay", r.newest(), "--speed", "10")
	again.wait("REPLAY")
	again.wait("DONE WITH 1 SKIPPED")
	again.press("q").ended(exitDone)
}

// The region is dark, so nobody can tell whether the old server is off. The operator signs that away, and fails over.
func TestStoryDarkRegion(t *testing.T) {
	r := inRoom(t)
	w := r.lifeboat("run", "failover", "--mode", "rehearse", "--scene", "dark", "--speed", "60", "--seed", "7")
	w.wait("guard fenced could not be checked").choose("go on without it…", "go on without fenced")
	w.press("'unfenced", "enter").wait("the word is UNFENCED, not unfenced")
	w.erase("unfenced").press("'UNFENCED", "enter")
	w.wait("type us-east-1 to start").press("'us-east-1", "enter")
	w.wait("✓ DONE").press("q").ended(exitDone)
	if r.count("guard.waived", "") != 1 {
		t.Error("the waiver is not on record")
	}
}

// Production comes back in the middle of it: the run is stopped, and what it did is put back.
func TestStoryStopAndUndo(t *testing.T) {
	r := inRoom(t)
	w := r.lifeboat("run", "failover", "--mode", "rehearse", "--speed", "15", "--seed", "7", "--confirm", "start=us-east-1")
	w.wait("✓ mount").press("s").wait("stop the run?").choose("stop", "STOPPED")
	w.wait("undo…").press("u").wait("how far back").choose("↶ launch", "This puts back, in this order")
	w.choose("put back", "UNDO ↶")
	r.until("the server is put back", func() bool { return r.count("undo.succeeded", "launch") == 1 })
	w.waitGone("it goes on").press("q").ended(exitStopped)
}
