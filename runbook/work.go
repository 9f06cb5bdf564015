package runbook

import "slices"

// WorkKind says what the driver must be doing.
type WorkKind string

// The kinds of work.
const (
	WorkGuard   WorkKind = "guard"   // probe a guard
	WorkAttempt WorkKind = "attempt" // carry out an intent
	WorkLook    WorkKind = "look"    // settle an unknown step by looking
	WorkUndo    WorkKind = "undo"
)

// Work is one thing that must be under way, given the state. Two equal values are the same work: the driver starts what
// it is not doing already, so a resume needs no rule of its own.
type Work struct {
	Kind WorkKind
	ID   string // step or guard
	Seq  int    // attempt of a step; look or probe number otherwise, so that another look is other work
}

// Outstanding lists the work that the state calls for, in the plan's order.
func Outstanding(p *Plan, s State) []Work {
	if s.StartedAt.IsZero() {
		return nil
	}
	var out []Work
	if s.Finished == nil && s.Stop == nil {
		for _, g := range p.Guards {
			if st := s.Guard(g.ID); st.Status == StatusWaiting && g.Applicable {
				out = append(out, Work{Kind: WorkGuard, ID: g.ID})
			}
		}
	}
	for i := range p.Steps {
		st := s.Step(p.Steps[i].ID)
		switch {
		case st.Undo == UndoRunning:
			out = append(out, Work{Kind: WorkUndo, ID: p.Steps[i].ID})
		case s.Finished != nil:
		case st.Status == StatusRunning:
			out = append(out, Work{Kind: WorkAttempt, ID: p.Steps[i].ID, Seq: st.Attempt})
		case st.Status == StatusUnknown && !st.Ask:
			out = append(out, Work{Kind: WorkLook, ID: p.Steps[i].ID, Seq: st.Attempt})
		}
	}
	return out
}

// decideUndo goes on with the undo of a run that is over.
func decideUndo(p *Plan, s *State) []Fact {
	facts, _ := nextUndo(p, s)
	return facts
}

// nextUndo starts the next undo, one at a time, dependents first. open reports whether any is under way or to come.
func nextUndo(p *Plan, s *State) (facts []Fact, open bool) {
	wanted := undoSet(p, s)
	for i := len(p.Steps) - 1; i >= 0; i-- {
		if s.Step(p.Steps[i].ID).Undo == UndoRunning {
			return nil, true
		}
	}
	for i := len(p.Steps) - 1; i >= 0; i-- {
		step := &p.Steps[i]
		st := s.Step(step.ID)
		if !wanted[step.ID] || st.Undo != UndoNone {
			continue
		}
		if by := failedDependent(p, s, wanted, step.ID); by != "" {
			return []Fact{&UndoFailed{Step: step.ID, Held: by, Error: Failure{
				What: "not tried: the undo of " + by + " failed", Do: "undo " + by + " by hand or ask again", Verdict: Definitive,
			}}}, true
		}
		return []Fact{&UndoStarted{Step: step.ID}}, true
	}
	return nil, false
}

// undoSet is what was asked to be undone and what depends on it, as far as it was done and can be undone.
func undoSet(p *Plan, s *State) map[string]bool {
	asked := map[string]bool{}
	for _, id := range s.UndoQueue {
		asked[id] = true
	}
	wanted := map[string]bool{}
	for i := range p.Steps {
		step := &p.Steps[i]
		if slices.ContainsFunc(step.Needs, func(n string) bool { return asked[n] }) {
			asked[step.ID] = true // topological order: needs were looked at before
		}
		if asked[step.ID] && Undoable(step, s.Step(step.ID)) {
			wanted[step.ID] = true
		}
	}
	return wanted
}

// Undoable reports whether the step did something that its kind can put back.
func Undoable(step *PlannedStep, st StepState) bool {
	if step.Kind.New == nil || st.Status != StatusDone && st.Status != StatusUnknown && st.Status != StatusFailed {
		return false
	}
	if st.First.IsZero() { // no intent: what stands there is not the step's
		return false
	}
	return HasUndo(step)
}

// Reverting is an Undoer that can put a step back only when its parameters say how.
type Reverting interface{ Reverts() bool }

// HasUndo reports whether the step's kind can put it back with the parameters that it has. What cannot be told before
// outputs are known counts as yes: the undo itself looks again.
func HasUndo(step *PlannedStep) bool {
	if step.Kind.New == nil {
		return false
	}
	probe := step.Kind.New()
	if _, ok := probe.(Undoer); !ok {
		return false
	}
	if _, depends := probe.(Reverting); !depends {
		return true
	}
	bound, err := bindParams(step.Kind, step.with, nil, nil)
	return err != nil || bound.(Reverting).Reverts()
}

func failedDependent(p *Plan, s *State, wanted map[string]bool, id string) string {
	below := map[string]bool{id: true}
	for i := range p.Steps {
		step := &p.Steps[i]
		if !slices.ContainsFunc(step.Needs, func(n string) bool { return below[n] }) {
			continue
		}
		below[step.ID] = true
		if wanted[step.ID] && s.Step(step.ID).Undo == UndoFailing {
			return step.ID
		}
	}
	return ""
}

// UndoOrder lists what an undo of the steps would put back, in order: the steps and what depends on them, dependents
// first.
func UndoOrder(p *Plan, s State, steps []string) []string {
	s = s.Clone()
	s.UndoQueue = append(s.UndoQueue, steps...)
	wanted := undoSet(p, &s)
	var out []string
	for i := len(p.Steps) - 1; i >= 0; i-- {
		id := p.Steps[i].ID
		if st := s.Step(id); wanted[id] && st.Undo != UndoDone {
			out = append(out, id)
		}
	}
	return out
}
