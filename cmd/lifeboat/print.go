package main

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
)

// printer shows events as they come, one a line.
type printer interface {
	event(e runbook.Event, s *runbook.State)
	progress(at time.Time, run runbook.RunID, step string, p runbook.Progress)
	// say is for words that are no events: they go where they do not disturb a reader of the events.
	say(format string, args ...any)
	// command is a line to be copied: it is never broken.
	command(text string)
}

// jsonPrinter writes one object a line.
type jsonPrinter struct{ out, errs io.Writer }

func (p jsonPrinter) event(e runbook.Event, _ *runbook.State) {
	text, err := store.Encode(e)
	if err != nil {
		fmt.Fprintln(p.errs, "lifeboat:", err)
		return
	}
	fmt.Fprintf(p.out, "%s\n", text)
}

func (p jsonPrinter) progress(at time.Time, run runbook.RunID, step string, pr runbook.Progress) {
	printJSON(p.out, struct {
		Time time.Time     `json:"time"`
		Run  runbook.RunID `json:"run"`
		Type string        `json:"type"`
		Step string        `json:"step"`
		runbook.Progress
	}{at.UTC(), run, "step.progress", step, pr})
}

func (p jsonPrinter) say(format string, args ...any) { fmt.Fprintf(p.errs, format+"\n", args...) }

func (p jsonPrinter) command(text string) { fmt.Fprintln(p.errs, text) }

// plainPrinter writes for a person: the run's clock, a sign, words.
type plainPrinter struct {
	out   io.Writer
	plan  *runbook.Plan // for titles; nil when it cannot be made
	width func() int    // of the terminal; 0: not one, and lines stay whole
}

func (p plainPrinter) say(format string, args ...any) {
	p.line(fmt.Sprintf(format, args...), sayColumn)
}

func (p plainPrinter) command(text string) { fmt.Fprintln(p.out, text) }

func (p plainPrinter) progress(_ time.Time, _ runbook.RunID, step string, pr runbook.Progress) {
	p.line(fmt.Sprintf("       … %-10s %s", step, pr.Text), wordColumn)
}

func (p plainPrinter) event(e runbook.Event, s *runbook.State) {
	sign, subject, words := describe(e, s, p.plan)
	clock := "  0:00"
	if !s.StartedAt.IsZero() {
		clock = clockText(e.Time.Sub(s.StartedAt))
	}
	p.line(strings.TrimRight(fmt.Sprintf("%6s %s %-10s %s", clock, sign, subject, words), " "), wordColumn)
}

// wordColumn is where the words of an event begin, sayColumn where what was said goes on.
const (
	wordColumn = 20
	sayColumn  = 4
)

// line breaks what is wider than the terminal between two words.
func (p plainPrinter) line(text string, indent int) {
	width := 0
	if p.width != nil {
		width = p.width()
	}
	for _, l := range broken(text, width, indent) {
		fmt.Fprintln(p.out, l)
	}
}

// broken breaks text into lines of at most width characters; all but the first are indented. A word that is longer stays whole.
func broken(text string, width, indent int) []string {
	if width < 2*indent {
		return []string{text}
	}
	var out []string
	rest := []rune(text)
	for start := indent; len(rest) > width; {
		cut := width
		for cut > start && rest[cut] != ' ' {
			cut--
		}
		if cut <= start { // one long word: its end is the next place to break
			for cut = width; cut < len(rest) && rest[cut] != ' '; {
				cut++
			}
		}
		out = append(out, strings.TrimRight(string(rest[:cut]), " "))
		tail := strings.TrimLeft(string(rest[cut:]), " ")
		if tail == "" {
			return out
		}
		rest = []rune(strings.Repeat(" ", indent) + tail)
	}
	return append(out, string(rest))
}

// clockText is m:ss, or h:mm:ss, with a minus before the start.
func clockText(d time.Duration) string {
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

// describe puts one event into words: a sign, what it is about, what happened.
func describe(e runbook.Event, s *runbook.State, plan *runbook.Plan) (sign, subject, words string) {
	switch f := e.Fact.(type) {
	case *runbook.RunStarted, *runbook.RunResumed, *runbook.RunTakenOver, *runbook.RunHeld, *runbook.RunFinished,
		*runbook.StopRequested, *runbook.NoteAdded:
		return describeRun(e, s)
	case *runbook.GuardPassed:
		return "✓", f.Guard, "guard holds: " + f.Evidence
	case *runbook.GuardFailed:
		if f.Unsure {
			return "?", f.Guard, "guard could not be checked: " + f.Evidence
		}
		return "✗", f.Guard, "guard does not hold: " + f.Evidence
	case *runbook.GuardWaived:
		return "!", f.Guard, "guard waived by " + f.By.String() + reasonText(f.Reason)
	case *runbook.GuardNotApplicable:
		return "·", f.Guard, f.Reason
	case *runbook.ApprovalAsked:
		if f.Manual {
			return "‖", f.Step, "waits for a person to do it: " + f.Text
		}
		return "‖", f.Step, "waits for approval: " + f.Text
	case *runbook.ApprovalGiven:
		return "✓", f.Step, "approved by " + f.By.String()
	case *runbook.ApprovalRefused:
		return "✗", f.Step, "refused by " + f.By.String() + reasonText(f.Reason)
	case *runbook.UndoRequested:
		return "↶", "undo", "asked by " + f.By.String() + ": " + strings.Join(f.Steps, ", ")
	case *runbook.UndoStarted:
		return "↶", f.Step, "is being undone"
	case *runbook.UndoSucceeded:
		return "↶", f.Step, "undone: " + f.Evidence
	case *runbook.UndoFailed:
		return "✗", f.Step, "undo failed: " + failureText(f.Error)
	}
	return describeStep(e, s, plan)
}

func describeRun(e runbook.Event, s *runbook.State) (sign, subject, words string) {
	switch f := e.Fact.(type) {
	case *runbook.RunStarted:
		return "▶", strings.ToUpper(string(f.Mode)), fmt.Sprintf("%s · run %s · by %s", f.Title, e.Run, f.By)
	case *runbook.RunResumed:
		if f.Driver == nil {
			return "▶", "run", "goes on: " + f.Reason
		}
		return "▶", "run", fmt.Sprintf("taken up again by %s (driver %d, pid %d)", f.Driver.By, f.Driver.Epoch, f.Driver.PID)
	case *runbook.RunTakenOver:
		return "▶", "run", fmt.Sprintf("taken over by %s from pid %d on %s", f.By, f.From.PID, f.From.Host)
	case *runbook.RunHeld:
		return "‖", "HOLDING", f.Reason
	case *runbook.StopRequested:
		return "!", "stop", "asked by " + f.By.String() + reasonText(f.Reason)
	case *runbook.NoteAdded:
		return "·", "note", f.Text + " (" + f.By.String() + ")"
	case *runbook.RunFinished:
		return outcomeSign(f.Outcome), strings.ToUpper(finishedText(f)),
			"in " + clockText(time.Duration(f.Elapsed)) + targetText(s, time.Duration(f.Elapsed)) + reasonText(f.Reason)
	}
	return "·", "run", e.Fact.Type()
}

func describeStep(e runbook.Event, s *runbook.State, plan *runbook.Plan) (sign, subject, words string) {
	switch f := e.Fact.(type) {
	case *runbook.StepStarted:
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
	case *runbook.StepSucceeded:
		return "✓", f.Step, f.Evidence + " · " + clockText(time.Duration(f.Elapsed))
	case *runbook.StepFailed:
		f.Error.Do = "" // the question that follows says it
		return "✗", f.Step, failureText(f.Error)
	case *runbook.StepUnknown:
		words := "it is not known whether it happened: " + f.Why
		if f.Seen != "" {
			words += "; " + f.Seen
		}
		if !f.Ask {
			words += "; looking"
		}
		return "?", f.Step, words
	case *runbook.StepSkipped:
		return "!", f.Step, "skipped by " + f.By.String() + reasonText(f.Reason)
	case *runbook.StepNotNeeded:
		return "·", f.Step, "not needed: " + f.If
	case *runbook.StepByHand:
		return "✓", f.Step, "done by hand, says " + f.By.String() + reasonText(f.Note)
	case *runbook.StepRetried:
		words := "will be tried again"
		if f.After > 0 {
			words += " in " + time.Duration(f.After).Round(100*time.Millisecond).String()
		}
		return "▶", f.Step, words + reasonText(f.Reason)
	case *runbook.StepOverdue:
		return "!", f.Step, "is over its budget of " + clockText(time.Duration(f.Budget)) + "; it goes on"
	case *runbook.LookRequested:
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

func failureText(f runbook.Failure) string {
	out := f.What
	if f.Means != "" {
		out += " — " + f.Means
	}
	if f.Do != "" {
		out += " → " + f.Do
	}
	return out
}

func outcomeSign(o runbook.Outcome) string {
	switch o {
	case runbook.Done:
		return "✓"
	case runbook.DoneWithSkips, runbook.Stopped:
		return "!"
	default:
		return "✗"
	}
}

func finishedText(f *runbook.RunFinished) string {
	if f.Refused {
		return "refused"
	}
	return outcomeText(f.Outcome, f.Skipped)
}

func outcomeText(o runbook.Outcome, skipped int) string {
	if o == runbook.DoneWithSkips {
		return fmt.Sprintf("done with %d skipped", skipped)
	}
	return string(o)
}

func targetText(s *runbook.State, elapsed time.Duration) string {
	target := time.Duration(s.Start.Target)
	switch {
	case target == 0, s.Finished == nil, s.Finished.Outcome != runbook.Done && s.Finished.Outcome != runbook.DoneWithSkips:
		return "" // what did not arrive was not in time
	case elapsed <= target:
		return fmt.Sprintf(", %s inside the target of %s", clockText(target-elapsed), clockText(target))
	default:
		return fmt.Sprintf(", %s over the target of %s", clockText(elapsed-target), clockText(target))
	}
}

// exitOf is the exit code of a finished run.
func exitOf(f *runbook.RunFinished) int {
	switch {
	case f.Refused:
		return exitRefused
	case f.Outcome == runbook.Done:
		return exitDone
	case f.Outcome == runbook.DoneWithSkips:
		return exitSkips
	case f.Outcome == runbook.Stopped:
		return exitStopped
	default:
		return exitFailed
	}
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
