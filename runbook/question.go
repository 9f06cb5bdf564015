package runbook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Choice is what a person can answer.
type Choice string

// The choices. Which of them a question offers is in Question.Choices, the best first.
const (
	ChooseApprove Choice = "approve"
	ChooseRefuse  Choice = "refuse"
	ChooseWaive   Choice = "waive"
	ChooseLook    Choice = "look"
	ChooseRetry   Choice = "retry"
	ChooseByHand  Choice = "by-hand"
	ChooseSkip    Choice = "skip"
	ChooseStop    Choice = "stop"
)

// QuestionKind says what is asked.
type QuestionKind string

// The kinds of question.
const (
	AskStart   QuestionKind = "start"   // may the run start
	AskApprove QuestionKind = "approve" // may the step start
	AskManual  QuestionKind = "manual"  // a person does the step and says when it is done
	AskFailed  QuestionKind = "failed"  // a step failed: what now
	AskUnknown QuestionKind = "unknown" // it may have happened: what is true
	AskWaive   QuestionKind = "guard"   // a guard does not hold
)

// Question is something that waits for a person. Seq names it: a decision answers that sequence number, and only the
// first one counts.
type Question struct {
	Seq     uint64
	Kind    QuestionKind
	Step    string // or the guard's id, for AskWaive
	Text    string
	Confirm Confirm
	Word    string // to be typed with approve and waive, when Confirm is type
	Choices []Choice
	// Fallbacks are other ways to do a failed step; each is a choice too, by its Use.
	Fallbacks []Fallback
}

// Questions returns what is open now, oldest first. A stop answers them all.
func (s *State) Questions() []Question {
	var out []Question
	if s.Finished != nil || s.Stop != nil {
		return nil
	}
	for id, g := range s.Guards {
		if g.Question != 0 {
			out = append(out, guardQuestion(id, g))
		}
	}
	if s.Approval.Question != 0 {
		out = append(out, approvalQuestion(AskStart, s.Approval))
	}
	for id, st := range s.Steps {
		switch {
		case st.Approval.Question != 0 && st.Approval.Asked.Manual:
			out = append(out, approvalQuestion(AskManual, st.Approval))
		case st.Approval.Question != 0:
			out = append(out, approvalQuestion(AskApprove, st.Approval))
		case st.Question != 0 && st.Status == StatusUnknown:
			out = append(out, Question{
				Seq: st.Question, Kind: AskUnknown, Step: id, Text: joinText(st.Why, st.Seen),
				Choices: []Choice{ChooseLook, ChooseByHand, ChooseRetry, ChooseSkip, ChooseStop},
			})
		case st.Question != 0:
			q := Question{Seq: st.Question, Kind: AskFailed, Step: id, Text: st.Failure.What, Fallbacks: untriedFirst(st)}
			for _, b := range q.Fallbacks {
				q.Choices = append(q.Choices, b.Use())
			}
			q.Choices = append(q.Choices, ChooseRetry, ChooseByHand, ChooseSkip, ChooseStop)
			out = append(out, q)
		}
	}
	slices.SortFunc(out, func(a, b Question) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

func guardQuestion(id string, g *GuardState) Question {
	q := Question{
		Seq: g.Question, Kind: AskWaive, Step: id, Text: g.Evidence, Confirm: g.Waive, Word: g.Word,
		Choices: []Choice{ChooseLook, ChooseWaive, ChooseStop},
	}
	if g.Waive != ConfirmKey && g.Waive != ConfirmType {
		q.Choices = []Choice{ChooseLook, ChooseStop}
	}
	return q
}

func approvalQuestion(kind QuestionKind, a Approval) Question {
	return Question{
		Seq: a.Question, Kind: kind, Step: a.Asked.Step, Text: a.Asked.Text, Confirm: a.Asked.Confirm, Word: a.Asked.Word,
		Choices: []Choice{ChooseApprove, ChooseRefuse, ChooseStop},
	}
}

func joinText(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "; ")
}

// Reply is a person's answer to a question.
type Reply struct {
	Choice  Choice
	Word    string // what was typed
	Reason  string // a skip needs one
	Outputs map[string]any
	By      Actor
	// Claim lets the driver look at Outputs before the run goes on; Complete sets it.
	Claim bool
}

// Answer turns a reply into the fact that decides the question. It refuses a wrong word, a skip without a reason, and a
// choice that the question does not offer. Whether the question is still open is for the journal to say.
func (q Question) Answer(r Reply) (Fact, error) {
	if !slices.Contains(q.Choices, r.Choice) {
		return nil, fmt.Errorf("%q is not an answer here; the answers are %s", r.Choice, joinChoices(q.Choices))
	}
	if (r.Choice == ChooseApprove || r.Choice == ChooseWaive) && q.Confirm == ConfirmType && r.Word != q.Word {
		return nil, fmt.Errorf("the word is %q, not %q: nothing was done", q.Word, r.Word)
	}
	if b, ok := q.Fallback(r.Choice); ok {
		return &StepRetried{Step: q.Step, Answers: q.Seq, By: &r.By, Reason: r.Reason, Fallback: &b}, nil
	}
	switch r.Choice {
	case ChooseApprove:
		return &ApprovalGiven{Step: q.Step, Answers: q.Seq, By: r.By, Outputs: r.Outputs, Note: r.Reason}, nil
	case ChooseRefuse:
		return &ApprovalRefused{Step: q.Step, Answers: q.Seq, By: r.By, Reason: r.Reason}, nil
	case ChooseWaive:
		return &GuardWaived{Guard: q.Step, Answers: q.Seq, By: r.By, Reason: r.Reason}, nil
	case ChooseLook:
		look := &LookRequested{Answers: q.Seq, By: r.By}
		if q.Kind == AskWaive {
			look.Guard = q.Step
		} else {
			look.Step = q.Step
		}
		return look, nil
	case ChooseRetry:
		// Attempt and generation are the fold's to know: the caller fills them in with State.Retry.
		return &StepRetried{Step: q.Step, Answers: q.Seq, By: &r.By, Reason: r.Reason}, nil
	case ChooseByHand:
		return &StepByHand{Step: q.Step, Answers: q.Seq, By: r.By, Note: r.Reason, Outputs: r.Outputs, Claim: r.Claim}, nil
	case ChooseSkip:
		if strings.TrimSpace(r.Reason) == "" {
			return nil, fmt.Errorf("a skip needs a reason: it stands in the record")
		}
		return &StepSkipped{Step: q.Step, Answers: q.Seq, By: r.By, Reason: r.Reason, Outputs: r.Outputs}, nil
	default:
		return &StopRequested{By: r.By, Reason: r.Reason}, nil
	}
}

// Retry fills in the attempt to come and its generation. The generation rises after a definitive
// failure that left nothing and when the key was spent; an attempt in doubt keeps its key.
func (s *State) Retry(f *StepRetried) *StepRetried {
	st := s.Step(f.Step)
	f.Attempt = st.Attempt + 1
	f.Generation = max(1, st.Generation)
	if f.Fallback != nil { // another request must not come under the same key
		if st.Attempt > 0 {
			f.Generation = st.Generation + 1
		}
		return f
	}
	definitive := (st.Status == StatusFailed || st.Claim != nil) && st.Failure != nil && st.Failure.Verdict == Definitive
	// While something of this key is there, another key would make it a second time.
	if st.Attempt > 0 && (definitive && len(st.Made) == 0 || st.Spent) {
		f.Generation = st.Generation + 1
	}
	return f
}

// AnsweredAhead reports whether the driver is about to answer the question with what was given on the command line, so that
// nobody need be asked. Without a plan it is not known, and false.
func AnsweredAhead(p *Plan, s *State, q Question) bool {
	if p == nil {
		return false
	}
	return slices.ContainsFunc(Decide(p, *s), func(fact Fact) bool {
		switch f := fact.(type) {
		case *ApprovalGiven:
			return f.Answers == q.Seq
		case *GuardWaived:
			return f.Answers == q.Seq
		case *StepRetried:
			return f.Step == q.Step
		}
		return false
	})
}

// Open finds the question with this sequence number, while it is open.
func (s *State) Open(seq uint64) (Question, bool) {
	for _, q := range s.Questions() {
		if q.Seq == seq {
			return q, true
		}
	}
	return Question{}, false
}

// Decision says who closed a question, and when: by an answer, or by a stop, which closes them all.
func (s *State) Decision(seq uint64) (Decided, bool) {
	d, ok := s.Decided[seq]
	if _, open := s.Open(seq); !ok && !open && seq != 0 && s.Stop != nil {
		return Decided{By: s.Stop.By, At: s.StopAt, What: s.Stop.Type()}, true
	}
	return d, ok
}

func joinChoices(cs []Choice) string {
	words := make([]string, len(cs))
	for i, c := range cs {
		words[i] = string(c)
	}
	return strings.Join(words, ", ")
}
