package main

import (
	"math/rand/v2"
	"syscall"
	"testing"
)

// The connection breaks. The run does not notice, and another terminal finds it where it is.
func TestStoryTerminalIsLost(t *testing.T) {
	r := inRoom(t)
	w := r.rehearse(failsRunbook)
	w.wait("broken FAILED").close()
	if r.driver(r.newest()) == 0 {
		t.Fatal("the run ended with its terminal")
	}
	w = r.lifeboat("attach")
	w.wait("broken FAILED").choose("skip…", "skip broken")
	w.press("'told over the phone").choose("skip it", "DONE WITH 1 SKIPPED")
	w.press("q").ended(exitSkips)
}

// Every terminal is gone at once, and the console itself dies badly.
func TestStoryConsoleIsKilled(t *testing.T) {
	r := inRoom(t)
	w := r.rehearse(longRunbook)
	w.wait("Copy for an hour")
	if err := syscall.Kill(w.pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.allGone()
	if r.driver(r.newest()) == 0 {
		t.Fatal("the run ended with its console")
	}
	r.lifeboat().wait("Copy for an hour")
}

// Two people look at one question. One of them decides; the other is told by whom.
func TestStoryTwoConsoles(t *testing.T) {
	r := inRoom(t)
	one := r.rehearse(wordRunbook)
	one.wait("type GOODBYE")
	two := r.lifeboat("attach")
	two.wait("type GOODBYE").press("'GOOD")
	one.press("'GOODBYE", "enter")
	two.wait("decided by")
	one.wait("✓ DONE")
	two.wait("✓ DONE")
}

// The process that drives the run dies. The screen says so, and one key takes it up: what was under way is looked at first, and
// where looking cannot tell, a person says.
func TestStoryDriverDies(t *testing.T) {
	r := inRoom(t)
	w := r.rehearse(longRunbook)
	w.wait("▶ slow")
	r.killDriver()
	w.wait("nobody drives").press("R").choose("take it up", "it is not known whether it happened")
	w.wait("it is not known whether it happened", "look again").press("enter")
	r.until("it was looked at", func() bool { return r.count("look.requested", "") > 0 })
	w.choose("by hand", "slow by hand").wait("note").press("down", "'seen on the host itself")
	w.choose("done", "✓ DONE").press("q").ended(exitDone)
}

// A window manager gone mad.
func TestStoryResizeStorm(t *testing.T) {
	r := inRoom(t)
	w := r.rehearse(failsRunbook)
	w.wait("broken FAILED")
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		w.resize(1+rnd.IntN(140), 1+rnd.IntN(45))
	}
	w.resize(80, 24)
	w.wait("broken FAILED", "retry")
	w.resize(40, 12)
	w.wait("broken FAILED")
}

// A paste into the wrong window: escapes, newlines, the very word.
func TestStoryPasteOfGarbage(t *testing.T) {
	r := inRoom(t)
	w := r.rehearse(wordRunbook)
	w.wait("type GOODBYE").calm()
	w.paste("\x1b[2J\x1b]0;owned\x07GOODBYE\r\nrm -rf\n\x1b[A")
	w.press("enter").wait("nothing was done", "type GOODBYE")
	if r.count("approval.given", "") > 0 {
		t.Error("a paste approved the step")
	}
	w.press("ctrl+c").ended(exitGoesOn)
}
