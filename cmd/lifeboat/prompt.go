package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"lifeboat/runbook"
)

// operator is standard input as the place where an operator answers. Its lines come over a channel, which closes at the end
// of the input: from then on nobody is there to ask.
type operator struct {
	lines <-chan string
	gone  bool
}

func newOperator(in io.Reader) *operator {
	lines := make(chan string)
	go func() {
		defer close(lines)
		scan := bufio.NewScanner(in)
		scan.Buffer(make([]byte, 0, 4096), 64<<10)
		for scan.Scan() {
			lines <- strings.TrimSpace(runbook.Clean(scan.Text()))
		}
	}()
	return &operator{lines: lines}
}

// ask puts a question into words.
func ask(out func(string, ...any), q runbook.Question, plan *runbook.Plan) {
	switch q.Kind {
	case runbook.AskStart:
		out("? may the run start: %s", q.Text)
	case runbook.AskApprove:
		out("? may step %s start: %s", q.Step, q.Text)
	case runbook.AskManual:
		out("? step %s is yours: %s", q.Step, q.Text)
	case runbook.AskWaive:
		out("? guard %s does not hold: %s", q.Step, q.Text)
	case runbook.AskUnknown:
		out("? step %s: it is not known whether it happened: %s", q.Step, q.Text)
	case runbook.AskFailed:
		out("? step %s failed: %s", q.Step, q.Text)
	}
	out("  answer %s", strings.Join(phrases(q), " · "))
}

// phrases are what can be typed.
func phrases(q runbook.Question) []string {
	var out []string
	for _, c := range q.Choices {
		switch {
		case c == runbook.ChooseApprove && q.Kind == runbook.AskManual:
			out = append(out, "done")
		case (c == runbook.ChooseApprove || c == runbook.ChooseWaive) && q.Confirm == runbook.ConfirmType:
			out = append(out, "the word "+q.Word)
		case c == runbook.ChooseApprove:
			out = append(out, "yes")
		case c == runbook.ChooseRefuse:
			out = append(out, "no REASON")
		case c == runbook.ChooseSkip:
			out = append(out, "skip REASON")
		default:
			out = append(out, string(c))
		}
	}
	return append(out, "note TEXT")
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
		r.Choice = positive
		return r, nil
	case verb == "no" || verb == "refuse":
		r.Choice = runbook.ChooseRefuse
		return r, nil
	}
	r.Choice = runbook.Choice(verb)
	if r.Choice == runbook.ChooseSkip || r.Choice == runbook.ChooseByHand {
		r.Reason, r.Outputs = splitOutputs(rest)
	}
	if line == "" {
		return r, errors.New("nothing was typed")
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
