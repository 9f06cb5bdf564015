package main

import (
	"errors"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/page"
)

// A question that a stop has closed was decided when the stop was asked for, whatever was recorded since.
func TestStillOpenAfterAStop(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, stop := range map[string]runbook.Fact{
		"stop": &runbook.StopRequested{By: runbook.Actor{Name: "second"}},
		"undo": &runbook.UndoRequested{By: runbook.Actor{Name: "second"}},
	} {
		var s runbook.State
		for i, fact := range []runbook.Fact{
			recordedStart(t, runbook.Rehearse),
			&runbook.ApprovalAsked{Step: runbook.StartStep},
			stop,
			&runbook.StopRequested{By: runbook.Actor{Name: "third"}},
			&runbook.NoteAdded{Text: "later"},
		} {
			s.Apply(runbook.Event{Seq: uint64(i + 1), Time: at.Add(time.Duration(i) * time.Minute), Run: "one", Fact: fact})
		}
		err := stillOpen(&s, runbook.Question{Seq: 2})
		var decided *page.Decided
		if !errors.As(err, &decided) || decided.By.Name != "second" || !decided.At.Equal(at.Add(2*time.Minute)) {
			t.Errorf("%s: %+v", name, err)
		}
	}
}
