package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"lifeboat/runbook"
	"lifeboat/ui/page"
)

// A run that is over is not over for home while its undo is not.
func TestOverviewListsAnInterruptedUndo(t *testing.T) {
	c := testConsole(t)
	dir := c.testStore(t)
	facts := func(more ...runbook.Fact) []runbook.Fact {
		return append([]runbook.Fact{
			recordedStart(t, runbook.Rehearse),
			&runbook.StepStarted{Step: "launch", Kind: "instance.launch", Attempt: 1},
			&runbook.StepSucceeded{Step: "launch"},
			&runbook.RunFinished{Outcome: runbook.Done},
		}, more...)
	}
	asked := &runbook.UndoRequested{Steps: []string{"launch"}, By: thisActor()}
	record(t, dir, "1-over", facts()...)
	record(t, dir, "2-asked", facts(asked)...)
	record(t, dir, "3-cut", facts(asked, &runbook.UndoStarted{Step: "launch"})...)
	record(t, dir, "4-undone", facts(asked, &runbook.UndoStarted{Step: "launch"}, &runbook.UndoSucceeded{Step: "launch"})...)
	for id, want := range map[string]string{"1-over": "lifeboat show 1-over", "3-cut": "lifeboat undo 3-cut"} {
		if err := (&resumeCmd{ID: id}).Run(c.app()); err == nil || !strings.Contains(classify(err).do, want) {
			t.Errorf("resume %s: %v", id, err)
		}
	}
	for _, when := range []string{"before the history is opened", "after"} {
		o := c.Overview(t.Context())
		var open, recent []string
		for _, l := range o.Open {
			open = append(open, string(l.Run))
			if l.Asks != "its undo was interrupted" || l.Driven {
				t.Errorf("%s: %+v", when, l)
			}
		}
		for _, l := range o.Recent {
			recent = append(recent, string(l.Run))
		}
		if strings.Join(open, " ") != "3-cut 2-asked" || len(recent) != 2 || len(o.Troubles) != 0 {
			t.Errorf("%s: open %v, recent %v, %+v", when, open, recent, o.Troubles)
		}
		var out bytes.Buffer
		(&app{out: &out}).printOverview(&o, nil, c.began)
		if !strings.Contains(out.String(), "! its undo was interrupted\n    lifeboat undo 3-cut\n") {
			t.Errorf("%s:\n%s", when, out.String())
		}
		if l := c.Runs(t.Context(), page.RunQuery{}); len(l.Runs) != 4 { // it files what is left
			t.Errorf("%s: %+v", when, l)
		}
	}
	if _, err := os.Stat(unfiledMark(dir, "4-undone")); !os.IsNotExist(err) {
		t.Errorf("it is over and filed, and still marked: %v", err)
	}
}
