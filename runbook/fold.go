package runbook

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Apply adds one event. Events come in order of Seq; one that was applied before is ignored, so a reader may see a batch
// twice. A decision on a question that is closed changes nothing: the first one won.
func (s *State) Apply(e Event) {
	if e.Seq <= s.Seq {
		return
	}
	if s.Steps == nil {
		s.Steps, s.Guards, s.Decided = map[string]*StepState{}, map[string]*GuardState{}, map[uint64]Decided{}
	}
	s.Seq, s.Run, s.Now = e.Seq, e.Run, e.Time
	s.Epoch = max(s.Epoch, e.Epoch)
	if s.applyRun(e) || s.applyGuard(e) || s.applyApproval(e) || s.applyDecision(e) || s.applyUndo(e) {
		return
	}
	s.applyStep(e)
}

func (s *State) applyRun(e Event) bool {
	switch f := e.Fact.(type) {
	case *RunStarted:
		s.Start, s.StartedAt, s.Driver = *f, e.Time, f.Driver
		s.Epoch = max(s.Epoch, f.Driver.Epoch)
	case *RunResumed:
		s.Held = nil
		if f.Driver != nil {
			s.Driver = *f.Driver
		}
	case *RunTakenOver:
		s.Held, s.Driver = nil, f.Driver
	case *RunHeld:
		s.Held, s.HeldAt = f, e.Time
	case *RunFinished:
		s.Finished, s.FinishedAt, s.Held = f, e.Time, nil
	case *NoteAdded:
		s.Notes = append(s.Notes, Note{At: e.Time, By: f.By, Step: f.Step, Text: f.Text})
	case *StopRequested:
		if s.Stop == nil {
			s.Stop, s.StopAt = f, e.Time
		}
	default:
		return false
	}
	return true
}

func (s *State) guard(id string) *GuardState {
	g := s.Guards[id]
	if g == nil {
		g = &GuardState{Status: StatusWaiting}
		s.Guards[id] = g
	}
	return g
}

func (s *State) applyGuard(e Event) bool {
	switch f := e.Fact.(type) {
	case *GuardPassed:
		*s.guard(f.Guard) = GuardState{Status: StatusDone, Evidence: f.Evidence, At: e.Time}
	case *GuardNotApplicable:
		*s.guard(f.Guard) = GuardState{Status: StatusNotNeeded, Evidence: f.Reason, At: e.Time}
	case *GuardFailed:
		*s.guard(f.Guard) = GuardState{
			Status: StatusFailed, Evidence: f.Evidence, Unsure: f.Unsure, Waive: f.Waive, Word: f.Word, At: e.Time,
		}
		if f.Unsure || f.Waive == ConfirmKey || f.Waive == ConfirmType {
			s.guard(f.Guard).Question = e.Seq
		}
	case *GuardWaived:
		if g := s.guard(f.Guard); s.decide(&g.Question, f.Answers, f.By, e) {
			g.Status, g.By, g.At = StatusWaived, &f.By, e.Time
		}
	default:
		return false
	}
	return true
}

func (s *State) approval(step string) *Approval {
	if step == StartStep {
		return &s.Approval
	}
	return &s.step(step).Approval
}

func (s *State) applyApproval(e Event) bool {
	switch f := e.Fact.(type) {
	case *ApprovalAsked:
		*s.approval(f.Step) = Approval{Asked: f, Question: e.Seq}
		if f.Step != StartStep {
			s.step(f.Step).Status = StatusAsking
		}
		if f.Manual {
			s.startClock(e) // the work is a person's, and begins when it is asked for
		}
	case *ApprovalGiven:
		a := s.approval(f.Step)
		if s.decide(&a.Question, f.Answers, f.By, e) {
			a.Given = f
			if f.Step != StartStep {
				s.step(f.Step).Status = StatusWaiting
			} else {
				s.startClock(e)
			}
		}
	case *ApprovalRefused:
		a := s.approval(f.Step)
		if !s.decide(&a.Question, f.Answers, f.By, e) {
			return true
		}
		a.Refused = f
		if f.Step != StartStep {
			st := s.step(f.Step)
			st.Status, st.Question = StatusFailed, e.Seq
			st.Failure = Fail(f.By.Name+" refused it", f.Reason, "")
		}
	default:
		return false
	}
	return true
}

// startClock lets the run's clock run from this event on, if it does not run yet.
func (s *State) startClock(e Event) {
	if s.ClockFrom.IsZero() {
		s.ClockFrom = e.Time
	}
}

// decide closes an open question when answers names it, and remembers who did.
func (s *State) decide(open *uint64, answers uint64, by Actor, e Event) bool {
	if *open == 0 || *open != answers {
		return false
	}
	*open = 0
	s.Decided[answers] = Decided{By: by, At: e.Time, What: e.Fact.Type()}
	return true
}

func (s *State) step(id string) *StepState {
	st := s.Steps[id]
	if st == nil {
		st = &StepState{Status: StatusWaiting}
		s.Steps[id] = st
	}
	return st
}

func (s *State) applyDecision(e Event) bool {
	switch f := e.Fact.(type) {
	case *StepSkipped:
		st := s.step(f.Step)
		if f.Answers == 0 && !st.Settled() && !st.Acting() || s.decide(&st.Question, f.Answers, f.By, e) {
			st.Status, st.By, st.Reason, st.Outputs, st.Ended = StatusSkipped, &f.By, f.Reason, f.Outputs, e.Time
			st.Approval.Question, st.Ask, st.Claim = 0, false, nil
		}
	case *StepByHand:
		st := s.step(f.Step)
		switch {
		case f.Answers != 0 && !s.decide(&st.Question, f.Answers, f.By, e):
		case f.Claim:
			st.Status, st.Claim, st.Ask = StatusUnknown, f, false
			st.Why, st.Seen = f.By.Name+" says that it was done by hand: "+outputWords(f.Outputs), ""
		default:
			st.Claim = nil
			st.Status, st.By, st.Reason, st.Outputs, st.Ended = StatusByHand, &f.By, f.Note, f.Outputs, e.Time
			st.Ask = false
		}
	case *LookRequested:
		s.applyLook(f, e)
	case *StepRetried:
		st := s.step(f.Step)
		if f.By != nil && !s.decide(&st.Question, f.Answers, *f.By, e) {
			return true
		}
		if f.Generation > st.Generation {
			st.Before = nil // nothing of the old key is left: what is there now is what was there before
			if st.Status == StatusUnknown {
				st.Made = nil // looking has found that it is gone
			}
		}
		st.Status, st.Attempt, st.Generation = StatusRetrying, f.Attempt-1, f.Generation
		st.NotBefore, st.Failure, st.Again, st.Spent, st.Ask = e.Time.Add(time.Duration(f.After)), nil, false, false, false
		st.Question, st.Claim = 0, nil
		if f.Fallback != nil {
			st.Fallback, st.Tried, st.Tries = f.Fallback, append(slices.Clip(st.Tried), f.Fallback.Name), 0
		}
		if f.By != nil {
			st.Tries = 0
		}
	default:
		return false
	}
	return true
}

// outputWords are outputs as a person types them, in the order of their names.
func outputWords(outputs map[string]any) string {
	var words []string
	for _, name := range sortedKeys(outputs) {
		words = append(words, fmt.Sprintf("%s=%v", name, outputs[name]))
	}
	return strings.Join(words, " ")
}

func (s *State) applyLook(f *LookRequested, e Event) {
	if f.Guard != "" {
		if g := s.guard(f.Guard); s.decide(&g.Question, f.Answers, f.By, e) {
			g.Status = StatusWaiting
		}
		return
	}
	if st := s.step(f.Step); s.decide(&st.Question, f.Answers, f.By, e) {
		st.Ask = false
	}
}

func (s *State) applyStep(e Event) {
	switch f := e.Fact.(type) {
	case *StepStarted:
		st := s.step(f.Step)
		st.Status, st.Kind, st.Attempt, st.Generation = StatusRunning, f.Kind, f.Attempt, f.Generation
		st.Key, st.Since, st.Epoch, st.Failure, st.Again = f.Key, e.Time, e.Epoch, nil, false
		st.Tries++
		// What was there before the step first acted is what an undo restores: a second attempt under the same key would
		// read the traces of the first.
		if st.Before == nil {
			st.Before = f.Before
		}
		if st.First.IsZero() {
			st.First = e.Time
		}
		s.startClock(e)
	case *StepSucceeded:
		st := s.step(f.Step)
		st.Status, st.Ended, st.Evidence, st.Outputs = StatusDone, e.Time, f.Evidence, f.Outputs
		st.makes(f.Made)
		st.Changed, st.Failure, st.Ask, st.Question = f.Changed, nil, false, 0
	case *StepFailed:
		st := s.step(f.Step)
		failure := f.Error
		st.Status, st.Ended, st.Failure, st.Again, st.Spent = StatusFailed, e.Time, &failure, f.Again, f.Spent
		st.Cut = f.Cut
		st.makes(f.Error.Made)
		if f.Attempt > st.Attempt { // it failed before its intent: Prepare found that it cannot be
			st.Attempt = f.Attempt
			st.Tries++
			s.startClock(e)
		}
		st.Ask, st.Question = false, 0
		if !f.Again {
			st.Question = e.Seq
		}
	case *StepUnknown:
		st := s.step(f.Step)
		st.Status, st.Why, st.Seen, st.Ask, st.Question = StatusUnknown, f.Why, f.Seen, f.Ask, 0
		st.makes(f.Made)
		if f.Ask {
			st.Question = e.Seq
		}
	case *StepNotNeeded:
		st := s.step(f.Step)
		st.Status, st.Reason, st.Ended = StatusNotNeeded, f.If, e.Time
	case *StepOverdue:
		s.step(f.Step).Overdue = true
	}
}

// makes adds what is not known yet for made.
func (st *StepState) makes(made []Target) {
	for _, t := range made {
		if !slices.Contains(st.Made, t) {
			st.Made = append(slices.Clip(st.Made), t)
		}
	}
}

func (s *State) applyUndo(e Event) bool {
	switch f := e.Fact.(type) {
	case *UndoRequested:
		s.UndoQueue = append(s.UndoQueue, f.Steps...)
		for _, id := range f.Steps {
			if st := s.step(id); st.Undo == UndoFailing {
				st.Undo = UndoNone // asked again: tried again
			}
		}
		if s.Finished == nil && s.Stop == nil {
			s.Stop, s.StopAt = &StopRequested{By: f.By, Reason: "to undo"}, e.Time
		}
	case *UndoStarted:
		s.step(f.Step).Undo = UndoRunning
	case *UndoSucceeded:
		st := s.step(f.Step)
		st.Undo, st.Left = UndoDone, f.Left
	case *UndoFailed:
		st := s.step(f.Step)
		failure := f.Error
		st.Undo, st.UndoWhy = UndoFailing, &failure
	default:
		return false
	}
	return true
}
