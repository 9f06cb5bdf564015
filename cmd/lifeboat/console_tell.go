package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lifeboat/runbook"
	"lifeboat/store/logbook"
	"lifeboat/ui/page"
)

// Answer is page.Session's: what was typed decides the question, if nobody was first.
func (s *runSession) Answer(ctx context.Context, state *runbook.State, q runbook.Question, r runbook.Reply) error {
	if s.book == nil {
		return s.shut()
	}
	st := state.Clone() // the caller's goes on
	r.By = thisActor()
	if err := stillOpen(&st, q); err != nil {
		return err
	}
	r, err := runbook.Complete(s.opened.Plan, &st, q, r)
	if err != nil {
		return unanswered(err)
	}
	fact, err := q.Answer(r)
	if err != nil {
		return unanswered(err)
	}
	for range 100 {
		if retry, ok := fact.(*runbook.StepRetried); ok {
			st.Retry(retry)
		}
		_, err := s.book.Append(ctx, st.Seq, 0, fact)
		var conflict *runbook.ErrConflict
		if !errors.As(err, &conflict) {
			return screenError(err)
		}
		events, err := s.book.Events(ctx, 1)
		if err != nil {
			return screenError(err)
		}
		st = runbook.Fold(events)
		if err := stillOpen(&st, q); err != nil {
			return err
		}
	}
	return &page.Trouble{What: "the journal moves too fast to be written", Means: "nothing was decided", Do: "try again"}
}

// stillOpen says who was first when the question is not open any more.
func stillOpen(s *runbook.State, q runbook.Question) error {
	if _, open := s.Open(q.Seq); open {
		return nil
	}
	if d, decided := s.Decision(q.Seq); decided {
		return &page.Decided{By: d.By, At: d.At}
	}
	return &page.Trouble{What: "nothing is asked here any more", Means: "nothing was decided"}
}

func unanswered(err error) error {
	return &page.Trouble{What: runbook.Clean(err.Error()), Means: "nothing was decided"}
}

// shut says why nothing can be written.
func (s *runSession) shut() error {
	t := &page.Trouble{What: "nothing can be added to the record of this run", Means: "it can only be looked at"}
	if s.opened.Damage != nil {
		t.What, t.Do = t.What+": "+s.opened.Damage.What, s.opened.Damage.Do
	}
	return t
}

// Tell is page.Session's.
func (s *runSession) Tell(ctx context.Context, fact runbook.Fact) error {
	if s.book == nil {
		return s.shut()
	}
	switch f := fact.(type) {
	case *runbook.NoteAdded:
		note := *f
		note.By, note.Text = thisActor(), runbook.Clean(f.Text)
		return screenError(appendAnyway(ctx, s.book, uint64(len(s.opened.Events)), &note))
	case *runbook.StopRequested:
		stop := *f
		stop.By, stop.Reason = thisActor(), runbook.Clean(f.Reason)
		return s.tellDriver(ctx, &stop, func(st *runbook.State) error {
			if st.Finished != nil {
				return fmt.Errorf("run %s is over: %s", s.run, runbook.FinishedText(st.Finished))
			}
			return nil
		})
	case *runbook.UndoRequested:
		undo := *f
		undo.By, undo.Reason = thisActor(), runbook.Clean(f.Reason)
		return s.tellDriver(ctx, &undo, s.undoable(undo.Steps))
	}
	return &page.Trouble{What: fmt.Sprintf("%s is not for an operator to say", fact.Type()), Means: "nothing was written"}
}

// undoable refuses an undo that no driver would do.
func (s *runSession) undoable(steps []string) func(*runbook.State) error {
	return func(st *runbook.State) error {
		switch {
		case st.Finished == nil && st.Stop == nil:
			return usage("stop it first", "run %s is not over", s.run)
		case s.opened.Plan == nil:
			return s.opened.PlanWhy
		case len(runbook.UndoOrder(s.opened.Plan, *st, steps)) == 0:
			return errors.New("nothing of this is left to undo, or can be")
		}
		return nil
	}
}

// tellDriver appends a fact if it fits the state now, and sees to it that somebody goes by it.
func (s *runSession) tellDriver(ctx context.Context, fact runbook.Fact, fits func(*runbook.State) error) error {
	t, err := s.target(ctx)
	if err == nil {
		err = fits(&t.state)
	}
	if err == nil {
		err = t.tell(fact)
	}
	return screenError(err)
}

// target is the run as it is now.
func (s *runSession) target(ctx context.Context) (*target, error) {
	events, err := s.book.Events(ctx, 1)
	if err != nil {
		return nil, err
	}
	if s.opened.Plan == nil {
		return nil, s.opened.PlanWhy
	}
	return &target{dir: s.dir, id: s.run, plan: s.opened.Plan, state: runbook.Fold(events)}, nil
}

// Drive is page.Session's.
func (s *runSession) Drive(ctx context.Context, word string) error {
	if s.book == nil {
		return s.shut()
	}
	t, err := s.target(ctx)
	if err != nil {
		return screenError(err)
	}
	if f := t.state.Finished; f != nil && len(runbook.Decide(t.plan, t.state)) == 0 && len(runbook.Outstanding(t.plan, t.state)) == 0 {
		return &page.Trouble{What: fmt.Sprintf("run %s is over: %s", s.run, runbook.FinishedText(f)), Means: "there is nothing left to drive"}
	}
	from, err := s.takeOver(t, word)
	if err == nil {
		err = startExecutor(order{Run: t.id, Store: string(t.dir), From: from, By: thisActor()})
	}
	return screenError(err)
}

// takeOver ends the driver that holds the run, once the word was typed.
func (s *runSession) takeOver(t *target, word string) (*runbook.Driver, error) {
	driver, since, held, err := logbook.Holder(t.dir.Run(t.id).Lock())
	switch {
	case err != nil || !held:
		return nil, err
	case word == "":
		return nil, &page.NeedWord{
			Name: takeOverName, Word: takeOverWord,
			What: fmt.Sprintf("run %s is driven by %s", t.id, driverText(driver, since)),
			Do:   "that process is ended, and the run goes on in a new one; what was under way is looked at first",
		}
	case word != takeOverWord:
		return nil, coded(exitUsage, "the word is "+takeOverWord, fmt.Errorf("%q is not the word; nothing was done", runbook.Clean(word)))
	}
	return s.c.with(&notes{}, map[string]string{takeOverName: word}).endDriver(t)
}

// driverText is who drives a run, in which process, since when.
func driverText(d runbook.Driver, since time.Time) string {
	d = cleanDriver(d)
	if d.PID == 0 {
		return "a process that has not said who it is"
	}
	return fmt.Sprintf("%s, pid %d, since %s", d.By, d.PID, since.Local().Format(time.TimeOnly))
}
