package runbook

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ClockText is a duration as a clock shows it: m:ss, or h:mm:ss, with a minus before the start.
func ClockText(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	d = d.Round(time.Second)
	if d >= time.Hour {
		return fmt.Sprintf("%s%d:%02d:%02d", sign, int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
	}
	return fmt.Sprintf("%s%d:%02d", sign, int(d.Minutes()), int(d.Seconds())%60)
}

// Describe puts one event into words: a sign, what it is about, what happened. State is the fold up to and with the event; plan
// may be nil.
func Describe(e Event, s *State, plan *Plan) (sign, subject, words string) {
	switch f := e.Fact.(type) {
	case *RunStarted, *RunResumed, *RunTakenOver, *RunHeld, *RunFinished,
		*StopRequested, *NoteAdded:
		return describeRun(e, s)
	case *GuardPassed:
		return "✓", f.Guard, "guard holds: " + f.Evidence
	case *GuardFailed:
		if f.Unsure {
			return "?", f.Guard, "guard could not be checked: " + f.Evidence
		}
		return "✗", f.Guard, "guard does not hold: " + f.Evidence
	case *GuardWaived:
		return "!", f.Guard, "guard waived by " + f.By.String() + reasonText(f.Reason)
	case *GuardNotApplicable:
		return "·", f.Guard, f.Reason
	case *ApprovalAsked:
		if f.Manual {
			return "‖", f.Step, "waits for a person to do it: " + f.Text
		}
		return "‖", f.Step, "waits for approval: " + f.Text
	case *ApprovalGiven:
		return "✓", f.Step, "approved by " + f.By.String()
	case *ApprovalRefused:
		return "✗", f.Step, "refused by " + f.By.String() + reasonText(f.Reason)
	case *UndoRequested:
		return "↶", "undo", "asked by " + f.By.String() + ": " + strings.Join(f.Steps, ", ")
	case *UndoStarted:
		return "↶", f.Step, "is being undone"
	case *UndoSucceeded:
		return "↶", f.Step, "undone: " + f.Evidence
	case *UndoFailed:
		return "✗", f.Step, "undo failed: " + failureText(f.Error)
	}
	return describeStep(e, s, plan)
}

func describeRun(e Event, s *State) (sign, subject, words string) {
	switch f := e.Fact.(type) {
	case *RunStarted:
		return "▶", strings.ToUpper(string(f.Mode)), fmt.Sprintf("%s · run %s · by %s", f.Title, e.Run, f.By)
	case *RunResumed:
		if f.Driver == nil {
			return "▶", "run", "goes on: " + f.Reason
		}
		return "▶", "run", fmt.Sprintf("taken up again by %s (driver %d, pid %d)", f.Driver.By, f.Driver.Epoch, f.Driver.PID)
	case *RunTakenOver:
		return "▶", "run", fmt.Sprintf("taken over by %s from pid %d on %s", f.By, f.From.PID, f.From.Host)
	case *RunHeld:
		return "‖", "HOLDING", f.Reason
	case *StopRequested:
		return "!", "stop", "asked by " + f.By.String() + reasonText(f.Reason) + underWay(s)
	case *NoteAdded:
		return "·", "note", f.Text + " (" + f.By.String() + ")"
	case *RunFinished:
		return outcomeSign(f.Outcome), strings.ToUpper(FinishedText(f)),
			tookText(s, f) + reasonText(f.Reason)
	}
	return "·", "run", e.Fact.Type()
}

func describeStep(e Event, s *State, plan *Plan) (sign, subject, words string) {
	switch f := e.Fact.(type) {
	case *StepStarted:
		words := f.Kind
		if plan != nil {
			if step, ok := plan.Step(f.Step); ok {
				words = step.Title
			}
		}
		if f.Attempt > 1 {
			words += fmt.Sprintf(" (attempt %d)", f.Attempt)
		}
		return "▶", f.Step, words
	case *StepSucceeded:
		return "✓", f.Step, f.Evidence + " · " + ClockText(time.Duration(f.Elapsed))
	case *StepFailed:
		why := f.Error
		why.Do = "" // the question that follows says it
		return "✗", f.Step, failureText(why)
	case *StepUnknown:
		words := "it is not known whether it happened: " + f.Why
		if f.Seen != "" {
			words += "; " + f.Seen
		}
		if !f.Ask {
			words += "; looking"
		}
		return "?", f.Step, words
	case *StepSkipped:
		return "!", f.Step, "skipped by " + f.By.String() + reasonText(f.Reason)
	case *StepNotNeeded:
		return "·", f.Step, "not needed: " + f.If + " is false"
	case *StepByHand:
		if f.Claim {
			return "?", f.Step, f.By.String() + " says that it was done by hand: " + outputWords(f.Outputs) + "; looking"
		}
		return "✓", f.Step, "done by hand, says " + f.By.String() + reasonText(f.Note)
	case *StepRetried:
		words := "will be tried again"
		if f.Fallback != nil {
			words = "goes another way: " + f.Fallback.Title
			if f.By == nil {
				return "▶", f.Step, words + ", by the step's fallback rule"
			}
		}
		if f.After > 0 {
			words += " in " + time.Duration(f.After).Round(100*time.Millisecond).String()
		}
		return "▶", f.Step, words + reasonText(f.Reason)
	case *StepOverdue:
		return "!", f.Step, "is over its budget of " + ClockText(time.Duration(f.Budget)) + "; it goes on"
	case *LookRequested:
		return "▶", f.Step + f.Guard, f.By.String() + " asked to look again"
	}
	return "·", "run", e.Fact.Type()
}

func reasonText(r string) string {
	if r == "" {
		return ""
	}
	return ": " + r
}

func failureText(f Failure) string {
	out := f.What
	if f.Means != "" {
		out += " — " + f.Means
	}
	if f.Do != "" {
		out += " → " + f.Do
	}
	return out
}

func outcomeSign(o Outcome) string {
	switch o {
	case Done:
		return "✓"
	case DoneWithSkips, Stopped:
		return "!"
	default:
		return "✗"
	}
}

// FinishedText is how a run ended, in words.
func FinishedText(f *RunFinished) string {
	if f.Refused {
		return "refused"
	}
	return OutcomeText(f.Outcome, f.Skipped)
}

// OutcomeText is an outcome in words, such as "done with 1 skipped".
func OutcomeText(o Outcome, skipped int) string {
	if o == DoneWithSkips {
		return fmt.Sprintf("done with %d skipped", skipped)
	}
	return string(o)
}

// underWay names what a stop waits for.
func underWay(s *State) string {
	var ids []string
	for id, st := range s.Steps {
		if st.Status == StatusRunning || st.Status == StatusUnknown && !st.Ask {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 || s.Finished != nil {
		return ""
	}
	slices.Sort(ids)
	return " · still under way: " + strings.Join(ids, ", ")
}

// tookText is how long the run took by its own clock.
func tookText(s *State, f *RunFinished) string {
	if s.ClockFrom.IsZero() {
		return "before it began"
	}
	return "in " + ClockText(time.Duration(f.Elapsed)) + targetText(s, time.Duration(f.Elapsed))
}

func targetText(s *State, elapsed time.Duration) string {
	target := time.Duration(s.Start.Target)
	switch {
	case target == 0, s.Finished == nil, s.Finished.Outcome != Done && s.Finished.Outcome != DoneWithSkips:
		return "" // what did not arrive was not in time
	case elapsed <= target:
		return fmt.Sprintf(", %s inside the target of %s", ClockText(target-elapsed), ClockText(target))
	default:
		return fmt.Sprintf(", %s over the target of %s", ClockText(elapsed-target), ClockText(target))
	}
}
