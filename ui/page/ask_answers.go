package page

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// opens makes what enter does: open the form of that name.
func (a *ask) opens(name string, make func() *form) func() tea.Cmd {
	return func() tea.Cmd { return a.open(name, make) }
}

// send gives the answer, or says on the form why it is none. Nothing that was typed is lost either way.
func (a *ask) send(f *form, r runbook.Reply, outputs []row) tea.Cmd {
	if a.v.replayed {
		f.said = "this is a replay: it was decided long ago"
		return nil
	}
	r.By = a.v.env.Actor
	for _, o := range outputs {
		value := strings.TrimSpace(o.field.Text())
		if value == "" {
			f.focusOn(o.name)
			f.said = fmt.Sprintf("later steps read what %s would have left: fill in %s", a.q.Step, strings.TrimSuffix(o.name, "="))
			return nil
		}
		if r.Outputs == nil {
			r.Outputs = map[string]any{}
		}
		r.Outputs[strings.TrimSuffix(o.name, "=")] = value
	}
	if err := a.readOutputs(&r); err != nil {
		f.said = err.Error()
		return nil
	}
	if _, err := a.q.Answer(r); err != nil {
		f.said = err.Error()
		return nil
	}
	return Then(Answer{Run: a.v.state.Run, Question: a.q, Reply: r})
}

// readOutputs makes numbers of what was typed for numbers, and says when it is none.
func (a *ask) readOutputs(r *runbook.Reply) (err error) {
	if p := a.v.opened.Plan; p != nil && len(r.Outputs) > 0 {
		r.Outputs, err = runbook.Given(p, a.q.Step, r.Outputs)
	}
	return err
}

// wordRow is the word that has to be typed. Only spaces around it are forgiven.
func (a *ask) wordRow(f *form, reply func() runbook.Reply, outputs []row) row {
	field := &widget.Field{}
	return row{name: "type " + a.q.Word, field: field, do: func() tea.Cmd {
		if f.said = wrongWord(a.q.Word, field.Text()); f.said != "" {
			return nil
		}
		r := reply()
		r.Word = a.q.Word
		return a.send(f, r, outputs)
	}}
}

// wrongWord says why what was typed is not the word; "" when it is.
func wrongWord(word, typed string) string {
	switch typed = strings.Trim(typed, " "); typed {
	case word:
		return ""
	case "":
		return "type the word " + word + ", then enter: nothing was done"
	}
	return fmt.Sprintf("the word is %s, not %s: nothing was done", word, typed)
}

// outputRows are the fields for what later steps read and the step has not left.
func (a *ask) outputRows() []row {
	if a.v.opened.Wants == nil {
		return nil
	}
	var out []row
	for _, name := range a.v.opened.Wants(&a.v.state, a.q.Step) {
		words := "later steps read it"
		if step := a.step(); step != nil {
			if o, ok := step.Kind.Output(name); ok && o.Doc != "" {
				words = o.Doc + "; " + words
			}
		}
		out = append(out, row{name: name + "=", words: words, field: &widget.Field{}})
	}
	return out
}

// doneRows are what a person who did a step says: what they did, what it left, and that it is done.
func (a *ask) doneRows(f *form, choice runbook.Choice, words string) {
	if a.copyable() {
		f.copy = a.copied
		f.rows = append(f.rows, row{name: "copy", words: "the commands, to your clipboard", do: func() tea.Cmd {
			f.move(1)
			return Then(a.copied())
		}})
	}
	note, outputs := &widget.Field{}, a.outputRows()
	f.rows = append(append(f.rows, row{name: "note", words: "what you did, for the record", field: note}), outputs...)
	reply := func() runbook.Reply { return runbook.Reply{Choice: choice, Reason: strings.TrimSpace(note.Text())} }
	if choice == runbook.ChooseApprove && a.typed() {
		f.rows = append(f.rows, a.wordRow(f, reply, outputs))
		return
	}
	f.rows = append(f.rows, row{name: "done", words: words, do: func() tea.Cmd { return a.send(f, reply(), outputs) }})
}

// copyable reports whether there is a command among the lines, not words alone.
func (a *ask) copyable() bool {
	return slices.ContainsFunc(a.commands, func(c string) bool { return !strings.HasPrefix(c, "#") })
}

func (a *ask) copied() Copy {
	return Copy{Text: strings.Join(a.commands, "\n") + "\n", What: "the commands of " + a.q.Step}
}

func (a *ask) handForm() *form {
	f := &form{sign: a.theme().Sign.Holding, title: a.q.Step + " by hand", style: asking(a.v)}
	if a.v.opened.ByHand != nil { // what is known may have grown since the question was asked
		a.commands = a.v.opened.ByHand(&a.v.state, a.q.Step)
	}
	f.body = func(w int) []string {
		if len(a.commands) == 0 {
			return textLines(a.theme().Text, "there are no commands for it: do what the step's title says", w)
		}
		return commandLines(a.theme(), a.commands, w)
	}
	a.doneRows(f, runbook.ChooseByHand, "it is so now: the run goes on from here")
	return f
}

func (a *ask) skipForm() *form {
	f := &form{sign: a.theme().Sign.Skipped, title: "skip " + a.q.Step, style: failing(a.v)}
	f.body = func(w int) []string {
		ends := runbook.OutcomeText(runbook.DoneWithSkips, a.v.state.Skipped()+1)
		text := "The run goes on without it, and will be “" + ends + "”."
		if a.theme().ASCII {
			text = strings.NewReplacer("“", `"`, "”", `"`).Replace(text)
		}
		out := textLines(a.theme().Text, text, w)
		if p := a.v.opened.Plan; p != nil {
			if later := runbook.Descendants(p, a.q.Step); len(later) > 0 {
				out = append(out, para(a.theme(), "May fail then", strings.Join(later, ", "), w)...)
			}
		}
		return out
	}
	reason, outputs := &widget.Field{}, a.outputRows()
	f.rows = append([]row{{name: "reason", words: "needed: it stands in the record", field: reason}}, outputs...)
	f.rows = append(f.rows, row{name: "skip it", words: "the run goes on", do: func() tea.Cmd {
		if strings.TrimSpace(reason.Text()) == "" {
			f.focusOn("reason")
			f.said = "a skip needs a reason: it stands in the record"
			return nil
		}
		return a.send(f, runbook.Reply{Choice: runbook.ChooseSkip, Reason: strings.TrimSpace(reason.Text())}, outputs)
	}})
	return f
}

func (a *ask) refuseForm() *form {
	f := &form{sign: a.theme().Sign.Failed, title: "refuse: " + a.q.Step, style: failing(a.v)}
	words := "the step does not start; you are asked what then"
	if a.q.Kind == runbook.AskStart {
		f.title, words = "refuse the start", "nothing was done; the run ends here"
	}
	reason := &widget.Field{}
	f.rows = []row{
		{name: "reason", words: "why not, for the record", field: reason},
		{name: "refuse", words: words, do: func() tea.Cmd {
			return a.send(f, runbook.Reply{Choice: runbook.ChooseRefuse, Reason: strings.TrimSpace(reason.Text())}, nil)
		}},
	}
	return f
}

func (a *ask) waiveForm() *form {
	f := &form{sign: a.theme().Sign.Warn, title: "go on without " + a.q.Step, style: failing(a.v)}
	f.body = func(w int) []string {
		g := a.v.state.Guard(a.q.Step)
		out := para(a.theme(), "It asks", a.guardTitle(), w)
		return append(out, para(a.theme(), "What was seen", g.Evidence+" ("+whole(ageText(a.v, g.At))+")", w)...)
	}
	reason := &widget.Field{}
	reply := func() runbook.Reply {
		return runbook.Reply{Choice: runbook.ChooseWaive, Reason: strings.TrimSpace(reason.Text())}
	}
	f.rows = []row{{name: "why", words: "for the record; may be empty", field: reason}}
	if a.typed() {
		f.rows = append(f.rows, a.wordRow(f, reply, nil))
		f.focus = 1
		return f
	}
	f.rows = append(f.rows, row{name: "go on", words: "without this guard; your name stands in the record", do: func() tea.Cmd {
		return a.send(f, reply(), nil)
	}})
	return f
}

func (a *ask) stopForm() *form {
	return stopForm(a.dialog, func(f *form, reason string) tea.Cmd {
		return a.send(f, runbook.Reply{Choice: runbook.ChooseStop, Reason: reason}, nil)
	})
}
