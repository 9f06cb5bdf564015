package page_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
)

// faulty is a session whose calls can be made to fail. A bubble has one goroutine at a time in it that writes.
type faulty struct {
	page.Session
	answer, next error
	anew         []runbook.Event
}

func (s *faulty) OpenRun(context.Context, runbook.RunID) (page.Session, error) { return s, nil }

func (s *faulty) Answer(ctx context.Context, st *runbook.State, q runbook.Question, r runbook.Reply) error {
	if s.answer != nil {
		return s.answer
	}
	return s.Session.Answer(ctx, st, q, r)
}

func (s *faulty) Next(ctx context.Context, after uint64) (page.News, error) {
	if s.anew != nil && after == uint64(len(s.anew)) { // nothing follows it
		<-ctx.Done()
		return page.News{}, ctx.Err()
	}
	n, err := s.Session.Next(ctx, after)
	if s.next != nil {
		return page.News{}, s.next
	}
	if s.anew != nil {
		return page.News{Events: s.anew, Anew: true, Driven: true}, nil
	}
	return n, err
}

// troubled runs a test with a page whose session can fail.
func troubled(t *testing.T, scene string, test func(f *follow, s *faulty)) {
	t.Helper()
	uitest.Still(t, func(ctx context.Context, t *testing.T) {
		run := uitest.Scene(scene)
		f := &follow{t: t, journal: uitest.NewJournal(run), msgs: newMessages()}
		s := &faulty{Session: f.journal.Session()}
		env := uitest.Env(run.Now, theme.Dark)
		env.Now = time.Now
		f.page = page.NewRun(ctx, env, s, run.Opened.Run)
		f.page.SetSize(80, 24)
		f.open()
		test(f, s)
		uitest.Close(f.page)
	})
}

func TestAnAnswerThatDoesNotGetThroughKeepsWhatWasTyped(t *testing.T) {
	troubled(t, "failed", func(f *follow, s *faulty) {
		s.answer = &page.Trouble{What: "the record cannot be written: the disk is full", Do: "make room, then answer again"}
		f.press("down", "down", "enter", "'the journal is on another host", "down", "enter")
		f.shows("skip services", "the journal is on another host", "the disk is full: make room")
		if len(f.journal.Facts) != 0 {
			t.Fatalf("%v", f.journal.Facts)
		}
		s.answer = nil
		f.press("enter")
		if n := f.journal.Facts; len(n) != 1 || n[0].Type() != "step.skipped" {
			t.Fatalf("answered with %v\n%s", n, f.text())
		}
		f.lacks("skip services")
	})
}

// A driver that lost its epoch takes back what it wrote: the screen shows what is on record, and no question of the past.
func TestEventsThatTakeBackWhatWasSeen(t *testing.T) {
	troubled(t, "failed", func(f *follow, s *faulty) {
		f.shows("services FAILED")
		s.anew = uitest.Scene("running").Opened.Events
		f.append(&runbook.NoteAdded{Text: "wakes the page", By: second})
		f.lacks("services FAILED", "enter to decide")
		f.shows("▸ ▶ sync")
	})
}

func TestARecordThatCannotBeReadFurtherIsReadAgain(t *testing.T) {
	troubled(t, "running", func(f *follow, s *faulty) {
		s.next = &page.Trouble{What: "the logbook is locked"}
		f.append(&runbook.NoteAdded{Text: "unseen", By: second})
		f.shows("! this screen is old: the record cannot be read: the logbook is locked", "▸ ▶ sync")
		s.next = nil
		time.Sleep(5 * time.Second)
		f.settle()
		f.lacks("this screen is old")
		f.press("L")
		f.shows("unseen")
	})
}

func TestTheWayOutStaysInTheFooter(t *testing.T) {
	for _, scene := range []string{"running", "overdue", "failed", "done", "approval", "no-driver"} {
		followed(t, scene, 60, 20, func(f *follow) {
			f.press() // the keyboard has been still
			foot := func() string { l := strings.Split(f.text(), "\n"); return l[len(l)-1] }
			if !strings.Contains(foot(), " q ") || !strings.Contains(foot(), "enter") {
				t.Errorf("%s: %q", scene, foot())
			}
			f.press("esc", "k")
			if !strings.Contains(foot(), " q ") || !strings.Contains(foot(), "enter") {
				t.Errorf("%s, with another focus: %q", scene, foot())
			}
		})
	}
}

func TestDetailsWhileAQuestionWaits(t *testing.T) {
	followed(t, "failed", 80, 24, func(f *follow) {
		f.press("d") // a look aside: the question stands
		f.shows("step services", "what happened")
		f.press("esc")
		f.shows("services FAILED", "retry")
		f.press("esc", "k", "k", "d")
		f.shows("step sync", "what happened")
		f.press("esc", "enter")
		f.shows("services FAILED", "retry")
	})
}

// Nothing was made, so there is nothing to put back.
func TestUndoIsOfferedWhereSomethingCanBePutBack(t *testing.T) {
	refused := runbook.Failure{What: "no capacity", Code: "InsufficientInstanceCapacity", Verdict: runbook.Definitive}
	followed(t, "waiting", 80, 24, func(f *follow) {
		f.append(&runbook.StepStarted{Step: "launch", Attempt: 1, Generation: 1, Kind: "instance.launch", Key: "k"},
			&runbook.StepFailed{Step: "launch", Attempt: 1, Error: refused})
		f.shows("launch FAILED", "retry", "stop…")
		f.lacks("undo")
	})
	followed(t, "failed", 80, 24, func(f *follow) { f.shows("undo…") })
}

// However much a failure has to say, where the run stands stays in sight, and the text ends where it ends.
func TestALongFailureLeavesTheRunInSight(t *testing.T) {
	followed(t, "waiting", 80, 24, func(f *follow) {
		why := runbook.Failure{What: strings.Repeat("many words of a far side ", 40) + "THE-END", Verdict: runbook.Definitive}
		f.append(&runbook.StepStarted{Step: "launch", Attempt: 1, Generation: 1, Kind: "instance.launch", Key: "k"},
			&runbook.StepFailed{Step: "launch", Attempt: 1, Error: why})
		f.shows("▸ ✗ launch", "left of 5:00", "DNS www.example.com", "more: pgdn", "stop…")
		f.lacks("THE-END")
		f.press(strings.Fields(strings.Repeat("pgdown ", 20))...)
		f.shows("THE-END")
		at := f.text()
		f.press("pgup")
		if f.text() == at {
			t.Error("the text went beyond its end: a page up shows the same")
		}
	})
}
