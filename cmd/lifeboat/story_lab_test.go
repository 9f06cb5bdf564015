package main

import (
	"testing"

	"lifeboat/providers/providertest/lab"
	"lifeboat/runbook"
)

// inLab is a room whose terminals act on a lab: an emulated AWS, real ssh, rsync and name servers.
func inLab(t *testing.T, o lab.Options) (*room, *stage) {
	t.Helper()
	r := inRoom(t)
	s := open(t, "", o)
	r.env, r.kept = append(s.Env, "TERM=xterm-256color", "LC_ALL=C.UTF-8"), s.Store
	return r, s
}

// A live failover at the console: home says what is down, the pause screen what will change; nothing happens before the word.
func TestStoryLive(t *testing.T) {
	r, s := inLab(t, lab.Options{Delays: lab.Quick})
	w := r.lifeboat("--estate", s.Estate)
	w.wait("DOWN", "▸ Fail over to "+lab.StandbyRegion).press("f").wait("LIVE", "▸ START").press("enter")
	w.wait("LIVE", "GUARDS", "CANNOT BE UNDONE BY A KEY", "the clock starts when the word is right")
	if n := len(s.AWS.Mutations()); n != 0 {
		t.Fatalf("%d calls changed something before the word", n)
	}
	w.press("'"+lab.StandbyRegion, "enter").wait("left of 5:00", "DNS "+lab.Name)
	w.wait("✓ DONE", "inside the target")
	s.failedOver()
	s.recorded(s.run(), runbook.Done)
	w.press("esc").wait("RECENT RUNS", "LIVE", "done")
}

// A drill at the console beside a production that serves, and all of it put back after another word.
func TestStoryDrill(t *testing.T) {
	r, s := inLab(t, lab.Options{Delays: lab.Quick, Production: true})
	w := r.lifeboat("drill", "failover", "--estate", s.Estate)
	w.wait("DRILL", "to start").press("'"+lab.StandbyRegion, "enter")
	w.wait("✓ DONE")
	s.moved(lab.DrillName, s.DrillAddress, s.DrillVolume)
	w.wait("undo…").press("u").wait("how far back").choose("↶ launch", "This puts back, in this order")
	w.press("'drill", "enter").wait("UNDO ↶")
	r.until("all is put back", func() bool { return r.count("undo.succeeded", "launch") == 1 })
	s.putBack()
	s.productionUntouched()
}
