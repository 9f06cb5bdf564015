package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lifeboat/runbook"
)

// What an operator can type beside the answers of a question is in this file: it is looked at before the answers, and after
// the word that a question may ask for.

// putBack is an undo that waits for its typed word.
type putBack struct {
	steps []string
	word  string
}

// heardAnyway takes what can be typed whatever is asked. known is false when the line is something else.
func (f *follower) heardAnyway(ctx context.Context, q runbook.Question, open bool, line string) (known bool, err error) {
	verb, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case verb == "log":
		f.sayLog(rest)
	case rest == "" && verb == "calls":
		f.sayCalls()
	case rest == "" && verb == "help":
		f.sayHelp(q, open)
	case rest == "" && verb == "leave":
		return true, f.leave()
	case rest == "" && verb == "commands" && open && q.Kind != runbook.AskWaive:
		f.sayCommands(q)
	case verb == "undo" && open && canUndo(q):
		return true, f.heardUndo(ctx, q, strings.Fields(rest))
	default:
		return false, nil
	}
	return true, nil
}

// leave ends the following, not the run.
func (f *follower) leave() error {
	what := "run"
	if f.state.Finished != nil {
		what = "undo"
	}
	f.print.say("the %s goes on without this terminal; come back with: lifeboat attach %s", what, f.run)
	return silentExit(exitGoesOn)
}

// sayCommands shows how the step would be done by hand with what is known now; before the start, how every step would be.
func (f *follower) sayCommands(q runbook.Question) {
	if f.plan == nil {
		f.print.say("  this lifeboat cannot compile the run's plan, so it knows no commands")
		return
	}
	if q.Step != runbook.StartStep {
		f.print.say("  %s by hand:", q.Step)
		f.sayCommandLines("    ", byHandNow(f.plan, q.Step, &f.state))
		return
	}
	stand := runbook.Placeholders(f.plan)
	stand.Run = f.run
	for i := range f.plan.Steps {
		step := &f.plan.Steps[i]
		if needed, err := f.plan.Needed(step.ID, &stand); err == nil && !needed {
			continue
		}
		f.print.say("  %s: %s", step.ID, step.Title)
		f.sayCommandLines("    ", byHandNow(f.plan, step.ID, &stand))
	}
}

// sayHelp lists what can be typed now.
func (f *follower) sayHelp(q runbook.Question, open bool) {
	say := func(what, does string) { f.print.say("  %-16s %s", what, does) }
	if open {
		for _, p := range phrases(q) {
			if verb, _, _ := strings.Cut(p, " "); verb != "stop" {
				say(p, answerMeans(q, verb))
			}
		}
	}
	say("stop REASON", "end the run at the next safe point")
	say("note TEXT", "a remark for the record")
	say("log STEP", "the last lines that a step wrote")
	say("calls", "the last calls that were made")
	say("leave", "end this display; the run goes on")
}

// answerMeans is what an answer does.
func answerMeans(q runbook.Question, verb string) string {
	switch verb {
	case "the", "yes":
		if q.Kind == runbook.AskWaive {
			return "go on without this guard"
		}
		return "it may start"
	case "no":
		if q.Kind == runbook.AskStart {
			return "end the run; nothing has been done"
		}
		return "it may not; the run then asks how to go on"
	case "done":
		return "you did it"
	case "look":
		return "look once more; changes nothing"
	case "retry":
		return "try the step again; nothing else is repeated"
	case "by-hand":
		return "you did it by hand"
	case "skip":
		return "leave it out; later steps may fail, and the run will say so"
	case "undo":
		return "end the run and put back what it did; undo STEP: that and all after it"
	case "commands":
		if q.Kind == runbook.AskStart {
			return "the exact commands of every step"
		}
		return "the commands that do it by hand"
	}
	return ""
}

// heardUndo shows what would be put back, and asks for a word where the world is a real one.
func (f *follower) heardUndo(ctx context.Context, q runbook.Question, steps []string) error {
	wanted, err := f.wouldUndo(steps)
	if err != nil {
		f.print.say("  %v", err)
		f.sayAnswers(q)
		return nil
	}
	f.print.say("this ends the run and puts back, in this order:")
	for _, id := range wanted {
		step, _ := f.plan.Step(id)
		f.print.say("  %-10s %s", id, step.Title)
	}
	pb := &putBack{steps: wanted, word: string(f.state.Start.Mode)}
	if f.state.Start.Mode == runbook.Rehearse {
		return f.undoNow(ctx, pb)
	}
	f.putBack = pb
	f.print.say("to undo this %s run type %s; anything else changes nothing", pb.word, pb.word)
	return nil
}

// wouldUndo is the order in which the steps, or all, would be put back. What is under way comes to its end first.
func (f *follower) wouldUndo(steps []string) ([]string, error) {
	if f.plan == nil {
		return nil, fmt.Errorf("this lifeboat cannot compile the run's plan, so it cannot tell what would be put back")
	}
	then := f.state.Clone()
	for id := range then.Steps {
		if st := then.Steps[id]; st.Acting() {
			st.Status = runbook.StatusDone
		}
	}
	for _, id := range steps {
		if _, ok := f.plan.Step(id); !ok {
			return nil, fmt.Errorf("there is no step %q", id)
		}
	}
	if len(steps) == 0 {
		for i := range f.plan.Steps {
			steps = append(steps, f.plan.Steps[i].ID)
		}
	}
	wanted := runbook.UndoOrder(f.plan, then, steps)
	if len(wanted) == 0 {
		return nil, fmt.Errorf("nothing of that can be put back")
	}
	return wanted, nil
}

// heardWord takes the line after an undo was asked for.
func (f *follower) heardWord(ctx context.Context, line string) error {
	pb := f.putBack
	f.putBack = nil
	if line == pb.word {
		return f.undoNow(ctx, pb)
	}
	f.print.say("  %q is not the word; nothing was done", line)
	if q, open := f.state.Open(f.asked); open {
		f.sayAnswers(q)
	}
	return nil
}

// undoNow asks the driver to undo. When it came to its end meanwhile nobody would hear that.
func (f *follower) undoNow(ctx context.Context, pb *putBack) error {
	if f.state.Finished != nil {
		f.print.say("the run has ended meanwhile; put it back with: lifeboat undo %s %s", f.run, strings.Join(pb.steps, " "))
		return nil
	}
	f.asksUndo = pb.steps
	return f.append(ctx, &runbook.UndoRequested{Steps: pb.steps, By: thisActor()})
}

// sayNotPutBack says, at the end of a run, that what was asked from here to be undone is not.
func (f *follower) sayNotPutBack() {
	if !f.allUndone(f.asksUndo) {
		f.print.say("not everything could be put back; try again with: lifeboat undo %s", f.run)
	}
}

// stepNames are the steps of the run: of the plan, or what the record names.
func (f *follower) stepNames() []string {
	if f.plan == nil {
		return sortedKeys(f.state.Steps)
	}
	var out []string
	for i := range f.plan.Steps {
		out = append(out, f.plan.Steps[i].ID)
	}
	return slices.Clip(out)
}
