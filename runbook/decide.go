package runbook

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// Decide says what happens next. It is the whole judgement of the engine: it knows no clock and does no I/O, and the same
// plan and state always give the same facts. All facts of one call belong in one commit.
//
// The driver completes three of them before it appends: a StepStarted gets its Before (Prepare runs first, and a step
// whose NotBefore has not come is held back), and a RunFinished its Elapsed.
func Decide(p *Plan, s State) []Fact {
	if s.StartedAt.IsZero() {
		return nil
	}
	if s.Finished != nil {
		return decideUndo(p, &s)
	}
	if s.Stop != nil {
		return decideStop(p, &s)
	}
	facts, ready := decideGuards(p, &s)
	if ready {
		facts = append(facts, decideStart(p, &s)...)
	}
	if ready && (p.Confirm == ConfirmNone || s.Approval.Given != nil) {
		facts = append(facts, decideSteps(p, &s)...)
	}
	return decideHold(p, &s, facts)
}

// decideGuards settles what needs no probe, and reports whether every guard is behind us.
func decideGuards(p *Plan, s *State) (facts []Fact, ready bool) {
	ready = true
	for _, g := range p.Guards {
		st := s.Guard(g.ID)
		switch {
		case st.Status == StatusDone || st.Status == StatusWaived || st.Status == StatusNotNeeded:
		case !g.Applicable:
			facts = append(facts, &GuardNotApplicable{Guard: g.ID, Reason: "not asked in " + string(p.Mode) + " mode"})
			ready = false // until the fact is in the journal
		case st.Status == StatusFailed && st.Question == 0:
			return []Fact{&RunFinished{
				Outcome: Failed, Refused: true, Reason: fmt.Sprintf("guard %s does not hold: %s", g.ID, st.Evidence),
			}}, false
		case st.Status == StatusFailed:
			if by, ok := s.answered(g.ID, st.Waive, st.Word); ok {
				facts = append(facts, &GuardWaived{Guard: g.ID, Answers: st.Question, By: by})
			}
			ready = false
		default:
			ready = false
		}
	}
	return facts, ready
}

func decideStart(p *Plan, s *State) []Fact {
	if p.Confirm == ConfirmNone || s.Approval.Given != nil {
		return nil
	}
	if r := s.Approval.Refused; r != nil {
		return []Fact{&RunFinished{Outcome: Stopped, Reason: r.By.Name + " refused the start"}}
	}
	if s.Approval.Asked == nil {
		return []Fact{&ApprovalAsked{Step: StartStep, Confirm: p.Confirm, Word: wordFor(p.Confirm, p.Word), Text: p.Title}}
	}
	return giveApproval(s, s.Approval)
}

// giveApproval answers a question that was answered in advance on the command line.
func giveApproval(s *State, a Approval) []Fact {
	asked := a.Asked
	by, ok := s.answered(asked.Step, asked.Confirm, asked.Word)
	if !ok || asked.Manual && !s.answersAll() {
		return nil
	}
	return []Fact{&ApprovalGiven{Step: asked.Step, Answers: a.Question, By: by}}
}

func decideSteps(p *Plan, s *State) []Fact {
	var facts []Fact
	settled := 0
	busy := busyIn(p, s)
	for i := range p.Steps {
		step := &p.Steps[i]
		st := s.Step(step.ID)
		if st.Settled() {
			settled++
			continue
		}
		if step.AtOnce > 0 && st.Status == StatusWaiting && busy[step.Group] >= step.AtOnce {
			continue
		}
		next := decideStep(p, s, step, st)
		if len(next) > 0 && !st.Acting() {
			busy[step.Group]++
		}
		facts = append(facts, next...)
	}
	if settled < len(p.Steps) {
		return facts
	}
	outcome := Done
	if s.Skipped() > 0 {
		outcome = DoneWithSkips
	}
	return append(facts, &RunFinished{Outcome: outcome, Skipped: s.Skipped()})
}

// busyIn counts the steps that are under way, by the step of the file that made them.
func busyIn(p *Plan, s *State) map[string]int {
	busy := map[string]int{}
	for i := range p.Steps {
		if st := s.Step(p.Steps[i].ID); p.Steps[i].AtOnce > 0 && st.Acting() {
			busy[p.Steps[i].Group]++
		}
	}
	return busy
}

func decideStep(p *Plan, s *State, step *PlannedStep, st StepState) []Fact {
	switch st.Status {
	case StatusFailed:
		if st.Again {
			f := s.Retry(&StepRetried{Step: step.ID, Reason: "by the step's retry rule"})
			f.After = Duration(backoff(step.Retry, s.Run, step.ID, st.Tries))
			return []Fact{f}
		}
		if f := nextFallback(s, step, st); f != nil {
			return []Fact{f}
		}
		return nil
	case StatusAsking:
		if st.Approval.Question != 0 {
			return giveApproval(s, st.Approval)
		}
		return nil
	case StatusRetrying:
		if st.Attempt == 0 { // refused, or its condition failed: what comes before the first intent is asked anew
			return decideWaiting(p, s, step, st)
		}
		return []Fact{startOf(s.Run, step, st)}
	case StatusWaiting:
		if !slices.ContainsFunc(step.Needs, func(n string) bool { d := s.Step(n); return !d.Settled() }) {
			return decideWaiting(p, s, step, st)
		}
	}
	return nil
}

func decideWaiting(p *Plan, s *State, step *PlannedStep, st StepState) []Fact {
	needed, err := p.Needed(step.ID, s)
	if err != nil {
		return []Fact{&StepFailed{Step: step.ID, Error: Failure{
			What: err.Error(), Means: "its condition cannot be evaluated; nothing was done", Verdict: Definitive,
		}}}
	}
	if !needed {
		return []Fact{&StepNotNeeded{Step: step.ID, If: step.If}}
	}
	if given := st.Approval.Given; given != nil && step.Kind.Person {
		return []Fact{&StepByHand{Step: step.ID, By: given.By, Note: given.Note, Outputs: given.Outputs}}
	}
	if st.Approval.Given == nil && (step.Confirm != ConfirmNone || step.Kind.Person) {
		return []Fact{askFor(step)}
	}
	return []Fact{startOf(s.Run, step, st)}
}

func askFor(step *PlannedStep) Fact {
	ask := &ApprovalAsked{Step: step.ID, Confirm: step.Confirm, Word: wordFor(step.Confirm, step.Word), Text: step.Title}
	if step.Kind.Person {
		ask.Manual = true
		if ask.Confirm == ConfirmNone {
			ask.Confirm = ConfirmKey
		}
	}
	return ask
}

func wordFor(c Confirm, word string) string {
	if c == ConfirmType {
		return word
	}
	return ""
}

func startOf(run RunID, step *PlannedStep, st StepState) Fact {
	generation := max(1, st.Generation)
	return &StepStarted{
		Step: step.ID, Kind: step.Kind.Name, Attempt: st.Attempt + 1, Generation: generation,
		Key: NewKey(run, step.ID, generation),
	}
}

// decideHold adds the hold when nothing can go on without a person, and its end when something can again.
func decideHold(p *Plan, s *State, facts []Fact) []Fact {
	moving := len(facts) > 0 || len(Outstanding(p, *s)) > 0 ||
		slices.ContainsFunc(p.Steps, func(ps PlannedStep) bool { st := s.Step(ps.ID); return st.Acting() })
	if moving {
		if s.Held != nil {
			return append([]Fact{&RunResumed{Reason: "decided"}}, facts...)
		}
		return facts
	}
	if s.Held != nil {
		return nil
	}
	held := &RunHeld{Reason: "nothing can go on"}
	for i, q := range s.Questions() {
		held.Questions = append(held.Questions, q.Seq)
		if i == 0 {
			held.Reason = fmt.Sprintf("%s: %s", q.Step, q.Kind.waitsFor())
		}
	}
	return []Fact{held}
}

func (k QuestionKind) waitsFor() string {
	switch k {
	case AskStart, AskApprove:
		return "waits for an approval"
	case AskManual:
		return "waits for a person to do it"
	case AskWaive:
		return "the guard waits for a decision"
	case AskUnknown:
		return "it is not known whether it happened"
	default:
		return "failed"
	}
}

// decideStop starts nothing. When nothing is under way any more, what was asked to be undone is undone, and then the run
// is over.
func decideStop(p *Plan, s *State) []Fact {
	outcome := Stopped
	reason := "stopped by " + s.Stop.By.Name
	if s.Stop.Reason != "" {
		reason += ": " + s.Stop.Reason
	}
	for i := range p.Steps {
		st := s.Step(p.Steps[i].ID)
		switch {
		case st.Status == StatusUnknown && st.Ask:
			reason += "; it is not known whether " + p.Steps[i].ID + " happened"
		case st.Status == StatusRunning || st.Status == StatusUnknown:
			return nil
		case st.Status == StatusFailed && !st.Cut:
			outcome = Failed
		}
	}
	if undo, open := nextUndo(p, s); open {
		return undo
	}
	return []Fact{&RunFinished{Outcome: outcome, Reason: reason, Skipped: s.Skipped()}}
}

// answered looks for an answer that was given in advance.
func (s *State) answered(step string, confirm Confirm, word string) (Actor, bool) {
	by := s.Start.By
	by.Via = "flag"
	for _, a := range s.Start.Answers {
		switch {
		case a.Step == "*" && a.Word == "*" && s.Start.Mode == Rehearse && confirm != ConfirmNone && confirm != "":
			return by, true
		case a.Step == "*" && a.Word == "" && confirm == ConfirmKey:
			return by, true
		case a.Step == step && confirm == ConfirmKey:
			return by, true
		case a.Step == step && confirm == ConfirmType && a.Word == word:
			return by, true
		}
	}
	return Actor{}, false
}

func (s *State) answersAll() bool {
	return s.Start.Mode == Rehearse && slices.Contains(s.Start.Answers, Answer{Step: "*", Word: "*"})
}

// backoff is how long to wait before the next attempt: doubling from the base, with jitter of up to half. The jitter comes
// from run, step and attempt, so that two steps do not knock together and a replay waits the same.
func backoff(r Retry, run RunID, step string, tries int) time.Duration {
	d := r.Base
	for i := 1; i < tries && d < r.Max; i++ {
		d *= 2
	}
	d = min(d, max(r.Max, r.Base))
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", run, step, tries))
	part := float64(binary.BigEndian.Uint32(sum[:4])) / (1 << 32)
	return (d - time.Duration(float64(d)/2*part)).Round(time.Millisecond)
}
