package engine_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/runbook"
	"lifeboat/runbook/engine"
	"lifeboat/runbook/runbooktest"
	"lifeboat/store"
)

// hard is a scene in which somebody interferes.
type hard struct {
	scene
	at    time.Duration // when what happens is appended by another process
	what  runbook.Fact
	crash int // the driver of the first undo dies at this append
}

// unkind are scenes of what a person answers at the wrong moment, and of stops and undos that meet what is half done.
var unkind = []hard{
	{scene: scene{name: "step-refused-then-retried-asks-again", replies: []string{"refuse not yet", "retry", "approve"}, body: `
confirm: none
steps:
  - {id: a, uses: do, confirm: key}
`}},
	{scene: scene{name: "manual-refused-then-retried-asks-again", replies: []string{"refuse nobody answers", "retry", "approve"}, body: `
confirm: none
steps:
  - {id: a, uses: person, title: Call the bank}
`}},
	{scene: scene{name: "condition-fails-then-retried-is-asked-anew", replies: []string{"skip no outputs", "retry", "stop"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: refuse}}
  - {id: b, uses: do, if: len(steps.a.id) > 3}
`}},
	{scene: scene{name: "condition-reads-what-a-skip-left-out", replies: []string{"skip no outputs", "stop"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: refuse}}
  - {id: b, uses: do, if: steps.a.id != "other"}
`}},
	{scene: scene{name: "undo-leaves-alone-what-never-started", replies: []string{"stop"}, after: []runbook.Fact{&runbook.UndoRequested{Steps: []string{"a"}}}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {prepare: refuse}}
`}},
	{at: 1500 * time.Millisecond, what: &runbook.StopRequested{By: runbook.Actor{Name: "operator"}}, scene: scene{name: "stop-cuts-a-probe", body: `
confirm: none
steps:
  - {id: a, uses: see, with: {sees: wait}}
`}},
	{at: 1500 * time.Millisecond, what: &runbook.StopRequested{By: runbook.Actor{Name: "operator"}}, scene: scene{name: "stop-cuts-an-interruptible-step", body: `
confirm: none
steps:
  - {id: a, uses: do.interruptible, with: {takes: 20s}}
`}},
	{at: 1500 * time.Millisecond, what: &runbook.StopRequested{By: runbook.Actor{Name: "operator"}}, scene: scene{name: "stop-lets-what-is-under-way-end", body: `
confirm: none
steps:
  - {id: a, uses: do, with: {takes: 20s}}
  - {id: b, uses: do}
`}},
	{at: 500 * time.Millisecond, what: &runbook.StopRequested{By: runbook.Actor{Name: "operator"}}, scene: scene{name: "stop-while-waiting-to-try-again", body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: throttle}, retry: {attempts: 5}}
`}},
	{at: 1500 * time.Millisecond, what: &runbook.StopRequested{By: runbook.Actor{Name: "operator"}}, scene: scene{name: "stop-while-looking", after: []runbook.Fact{&runbook.UndoRequested{Steps: []string{"a"}}}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: lost, observe: dark}}
`}},
	{at: 500 * time.Millisecond, what: &runbook.StopRequested{By: runbook.Actor{Name: "operator"}}, scene: scene{name: "stop-during-the-approval", body: `
confirm: key
steps:
  - {id: a, uses: do}
`}},
	{at: 1500 * time.Millisecond, what: &runbook.UndoRequested{Steps: []string{"a"}, By: runbook.Actor{Name: "operator"}}, scene: scene{name: "undo-of-a-run-that-goes-on", body: `
confirm: none
steps:
  - {id: a, uses: do, needs: []}
  - {id: b, uses: do, needs: [a], with: {takes: 4s}}
  - {id: c, uses: do, needs: [b]}
`}},
	{crash: 3, scene: scene{name: "undo-is-cut-by-a-crash", after: []runbook.Fact{&runbook.UndoRequested{Steps: []string{"a"}}}, body: `
confirm: none
steps:
  - {id: a, uses: do, needs: []}
  - {id: b, uses: do, needs: [a]}
`}},
	{scene: scene{name: "undo-again-after-it-failed", after: []runbook.Fact{
		&runbook.UndoRequested{Steps: []string{"a"}}, &runbook.UndoRequested{Steps: []string{"b", "a"}},
	}, body: `
confirm: none
steps:
  - {id: a, uses: do, needs: []}
  - {id: b, uses: do, needs: [a], with: {undo: refuse ok}}
`}},
}

func TestUnkindTranscripts(t *testing.T) {
	for _, sc := range unkind {
		t.Run(sc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { compare(t, sc.name, playHard(t, sc)) })
		})
	}
}

// playHard plays a scene to its end while somebody interferes, and then each undo in its turn.
func playHard(t *testing.T, sc hard) string {
	clock := runbook.WallClock{}
	st := newStage(clock)
	lab := runbooktest.Lab{
		Run: "r1", Plan: plan(t, st, runbook.Rehearse, sc.body), Journal: store.NewMemory("r1", clock.Now), Clock: clock,
		Decide: script(sc.replies),
		Start:  &runbook.RunStarted{Mode: runbook.Rehearse, Name: "test", Answers: sc.answers, Driver: runbook.Driver{Epoch: 1}},
	}
	if sc.what != nil {
		go func() {
			time.Sleep(sc.at + 7*time.Microsecond)
			tell(t, lab, sc.what)
		}()
	}
	lab.Life(t, 1, 0, runbooktest.Before, 0)
	epoch := uint64(2)
	for _, fact := range sc.after {
		tell(t, lab, fact)
		if sc.crash > 0 {
			lab.Life(t, epoch, sc.crash, runbooktest.Before, 0)
			epoch++
		}
		lab.Life(t, epoch, 0, runbooktest.Before, 0)
		epoch++
	}
	return transcript(t, lab) + strings.Join(st.log, "\n") + "\n"
}

// tell appends what holds whatever has happened meanwhile.
func tell(t *testing.T, lab runbooktest.Lab, fact runbook.Fact) {
	for {
		events, err := lab.Journal.Events(t.Context(), 1)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := lab.Journal.Append(t.Context(), uint64(len(events)), 0, fact); err == nil {
			return
		}
	}
}

// A look before an intent, and an undo, say as well what they wait for and how long at most.
func TestPrepareAndUndoSayWhatTheyWaitFor(t *testing.T) {
	for body, want := range map[string]string{
		"steps:\n  - {id: a, uses: do, with: {prepare: hang}}\n":                                          "no answer yet to what is there now · waits 0:30 at most",
		"steps:\n  - {id: a, uses: do, with: {undo: wait}}\n  - {id: b, uses: see, with: {sees: wait}}\n": "it is being let go · waits 1:00 at most",
	} {
		synctest.Test(t, func(t *testing.T) {
			clock := runbook.WallClock{}
			desk := &said{text: map[string]string{}}
			lab := runbooktest.Lab{
				Run: "r1", Plan: plan(t, newStage(clock), runbook.Rehearse, "confirm: none\n"+body),
				Journal: store.NewMemory("r1", clock.Now),
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			go func() {
				if strings.Contains(body, "undo") && runbook.Sleep(ctx, clock, time.Second) == nil {
					tell(t, lab, &runbook.UndoRequested{Steps: []string{"a"}})
				}
			}()
			_, err := engine.New(engine.Config{
				Plan: lab.Plan, Run: "r1", Journal: lab.Journal, Clock: clock, Driver: runbook.Driver{Epoch: 1}, Desk: desk,
				Start: &runbook.RunStarted{Mode: runbook.Rehearse, Driver: runbook.Driver{Epoch: 1}},
			}).Drive(ctx)
			synctest.Wait()
			if desk.text["a"] != want {
				t.Errorf("%safter 5 s: %q, want %q (%v)", body, desk.text["a"], want, err)
			}
		})
	}
}
