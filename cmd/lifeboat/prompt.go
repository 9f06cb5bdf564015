package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"lifeboat/runbook"
)

// operator is standard input as the place where an operator answers. Its lines come over a channel, which closes at the end
// of the input: from then on nobody is there to ask.
type operator struct {
	lines  <-chan string
	closed bool
	script bool // no terminal: the lines may come before their questions
}

func newOperator(in io.Reader) *operator {
	lines := make(chan string)
	// A job in the background that reads the terminal would be stopped, and show nothing any more. Ignored, its read fails:
	// then nobody is there to ask.
	signal.Ignore(syscall.SIGTTIN)
	go func() {
		defer close(lines)
		scan := bufio.NewScanner(in)
		scan.Buffer(make([]byte, 0, 4096), 64<<10)
		for scan.Scan() {
			lines <- strings.TrimSpace(runbook.Clean(scan.Text()))
		}
	}()
	return &operator{lines: lines, script: !interactive(in)}
}

// ask puts a question into words.
func (f *follower) ask(q runbook.Question) {
	say := f.print.say
	switch q.Kind {
	case runbook.AskStart:
		say("? may the run start: %s", q.Text)
	case runbook.AskApprove:
		say("? may step %s start: %s", q.Step, q.Text)
	case runbook.AskManual:
		say("? step %s is yours: %s", q.Step, q.Text)
		f.sayManual(q.Step)
	case runbook.AskWaive:
		if f.state.Guard(q.Step).Unsure {
			say("? guard %s could not be checked: %s", q.Step, q.Text)
		} else {
			say("? guard %s does not hold: %s", q.Step, q.Text)
		}
	case runbook.AskUnknown:
		if st := f.state.Step(q.Step); st.Claim != nil {
			say("? step %s: %s. Seen: %s", q.Step, st.Why, st.Seen)
			say("  by-hand again with what is right; the same once more is taken as it is")
			break
		}
		say("? step %s: it is not known whether it happened: %s", q.Step, q.Text)
	case runbook.AskFailed:
		say("? step %s failed: %s", q.Step, q.Text)
		f.sayFailure(f.state.Step(q.Step).Failure)
		for _, b := range q.Fallbacks {
			say("  %s: %s", b.Use(), b.Words())
		}
	}
	f.sayAnswers(q)
	if reads := f.readLater(q); len(reads) > 0 && q.Kind != runbook.AskApprove {
		say("  later steps read what it leaves, so write with %s: %s", strings.Join(leaving(q), " or "), strings.Join(reads, " "))
	}
}

// sayAnswers is the line of what can be typed for the question.
func (f *follower) sayAnswers(q runbook.Question) {
	f.print.say("  answer %s", strings.Join(append(phrases(q), "note TEXT", "help"), " · "))
}

// sayManual tells what the person is to do.
func (f *follower) sayManual(step string) {
	if f.plan == nil {
		return
	}
	f.sayCommandLines("  ", byHandNow(f.plan, step, &f.state))
}

func (f *follower) sayCommandLines(indent string, lines []string) {
	for _, line := range lines {
		if words, ok := strings.CutPrefix(line, "# "); ok {
			f.print.say("%s%s", indent, words)
		} else {
			f.print.command(indent + line)
		}
	}
}

func (f *follower) sayFailure(why *runbook.Failure) {
	if why == nil {
		return
	}
	if why.Means != "" {
		f.print.say("  means: %s", why.Means)
	}
	if why.Do != "" {
		f.print.say("  do: %s", why.Do)
	}
}

// readLater are the outputs of the question's step that steps to come read and that are not there, as NAME=VALUE: somebody who
// leaves the step out has to give them.
func (f *follower) readLater(q runbook.Question) []string {
	if f.plan == nil || q.Kind == runbook.AskWaive {
		return nil
	}
	wanted := runbook.Wanted(f.plan, &f.state, q.Step)
	for i := range wanted {
		wanted[i] += "=VALUE"
	}
	return wanted
}

// leaving are the answers that leave the question's step out.
func leaving(q runbook.Question) []string {
	var out []string
	for _, c := range q.Choices {
		if q.LeavesOut(c) {
			verb, _, _ := strings.Cut(phrase(q, c), " ")
			out = append(out, verb)
		}
	}
	return out
}

// phrases are what can be typed for the question, best first. To undo and to see the commands are no choices of the question;
// they stand where the hand looks for them.
func phrases(q runbook.Question) []string {
	var out []string
	for _, c := range q.Choices {
		if c == runbook.ChooseStop && canUndo(q) {
			out = append(out, "undo")
		}
		out = append(out, phrase(q, c))
	}
	if hasCommands(q) {
		out = append(out, "commands")
	}
	return out
}

// phrase is what is typed for a choice.
func phrase(q runbook.Question, c runbook.Choice) string {
	switch {
	case c == runbook.ChooseApprove && q.Kind == runbook.AskManual:
		return "done"
	case (c == runbook.ChooseApprove || c == runbook.ChooseWaive) && q.Confirm == runbook.ConfirmType:
		return "the word " + q.Word
	case c == runbook.ChooseApprove:
		return "yes"
	case c == runbook.ChooseRefuse:
		return "no REASON"
	case c == runbook.ChooseSkip:
		return "skip REASON"
	case c == runbook.ChooseLook:
		return "look (again)"
	}
	return string(c)
}

// canUndo: here somebody may want to give up and have things as they were.
func canUndo(q runbook.Question) bool {
	return q.Kind == runbook.AskFailed || q.Kind == runbook.AskUnknown
}

// hasCommands: there is a step that could be done by hand, or a run of them. What a manual step asks for is shown unasked.
func hasCommands(q runbook.Question) bool {
	return q.Kind != runbook.AskWaive && q.Kind != runbook.AskManual
}

// reply reads an answer: `yes`, the word, `retry`, `skip the disk is full`, `by-hand`, ... Outputs that later steps read
// are given as NAME=VALUE words of a skip or by-hand.
func reply(q runbook.Question, line string, by runbook.Actor) (runbook.Reply, error) {
	verb, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	r := runbook.Reply{Reason: rest, By: by, Word: line}
	positive := runbook.ChooseApprove
	if q.Kind == runbook.AskWaive {
		positive = runbook.ChooseWaive
	}
	switch {
	case q.Confirm == runbook.ConfirmType && line == q.Word:
		r.Choice, r.Reason = positive, ""
		return r, nil
	case verb == "yes" || verb == "done" || verb == "approve" || verb == "waive":
		if q.Confirm == runbook.ConfirmType {
			return r, fmt.Errorf("this one needs the word %s", q.Word)
		}
		if r.Choice = positive; !slices.Contains(q.Choices, positive) {
			return r, fmt.Errorf("%q is not an answer here", line)
		}
		if q.Kind == runbook.AskManual {
			r.Reason, r.Outputs = splitOutputs(rest)
		}
		return r, nil
	case verb == "no" || verb == "refuse":
		r.Choice = runbook.ChooseRefuse
		return r, nil
	}
	if line == "" {
		return r, errors.New("nothing was typed")
	}
	if line == "note" {
		return r, errors.New("write what is to be noted: note TEXT")
	}
	r.Choice = runbook.Choice(verb)
	if !slices.Contains(q.Choices, r.Choice) {
		return r, fmt.Errorf("%q is not an answer here", line)
	}
	if r.Choice == runbook.ChooseSkip || r.Choice == runbook.ChooseByHand {
		r.Reason, r.Outputs = splitOutputs(rest)
	}
	return r, nil
}

// splitOutputs takes NAME=VALUE words out of a reason.
func splitOutputs(text string) (reason string, outputs map[string]any) {
	var words []string
	for _, w := range strings.Fields(text) {
		name, value, ok := strings.Cut(w, "=")
		if !ok || name == "" || strings.ContainsAny(name, `"'/`) {
			words = append(words, w)
			continue
		}
		if outputs == nil {
			outputs = map[string]any{}
		}
		outputs[name] = value
	}
	return strings.Join(words, " "), outputs
}
