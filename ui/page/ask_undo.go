package page

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// newUndo puts back what the run did: first how far, then the word.
func newUndo(v *runView) sheet {
	d := &dialog{v: v, awake: true}
	d.stack = []*form{newUndoForm(d)}
	return d
}

// undoable are the steps that can be put back now, in the order in which that would happen.
func undoable(v *runView) []string {
	p := v.opened.Plan
	if p == nil {
		return nil
	}
	var all []string
	for i := range p.Steps {
		if runbook.Undoable(&p.Steps[i], v.state.Step(p.Steps[i].ID)) {
			all = append(all, p.Steps[i].ID)
		}
	}
	return runbook.UndoOrder(p, v.state, all)
}

// stays are steps that did something which no key puts back.
func stays(v *runView) []string {
	var out []string
	for i := range v.opened.Plan.Steps {
		step := &v.opened.Plan.Steps[i]
		st := v.state.Step(step.ID)
		byHand := st.Status == runbook.StatusByHand
		if byHand || !st.First.IsZero() && acts(step) && !runbook.Undoable(step, st) && st.Undo != runbook.UndoDone {
			out = append(out, step.ID)
		}
	}
	return out
}

// newUndoForm asks how far back. The rows are the steps, the last one first; those above and at the focus are put back. That
// whatever depends on a step stands above it makes every such part whole.
func newUndoForm(d *dialog) *form {
	v, th := d.v, d.v.env.Theme
	f := &form{sign: th.Sign.Undone, title: "undo: how far back?", style: asking(v)}
	steps := undoable(v)
	f.body = func(w int) []string { return undoIntro(v, steps, w) }
	f.mark = func(i int) string {
		if i <= f.focus {
			return v.env.Theme.Asking.Render(v.env.Theme.Sign.Undone)
		}
		return v.env.Theme.Dim.Render(v.env.Theme.Sign.Waiting)
	}
	for _, id := range steps {
		step, _ := v.opened.Plan.Step(id)
		f.rows = append(f.rows, row{name: id, words: undoWords(v, step), do: func() tea.Cmd {
			// Asked anew: what has been done since, and depends on a step of these, is put back as well, and has to be seen.
			order := runbook.UndoOrder(v.opened.Plan, v.state, steps[:f.focus+1])
			return d.open("undo "+strings.Join(order, " "), func() *form { return confirmUndo(d, order) })
		}})
	}
	if len(steps) == 0 {
		f.mark = nil
		f.rows = []row{{name: "go on", words: "nothing changes", do: func() tea.Cmd { return d.back() }}}
	}
	return f
}

func undoIntro(v *runView, steps []string, w int) []string {
	th := v.env.Theme
	if v.opened.Plan == nil {
		return textLines(th.Text, "This lifeboat cannot read the run's plan, so it cannot undo it.", w)
	}
	text := fmt.Sprintf("Move the mark: the steps with %s are put back, the last one first. Nothing happens before you confirm.", th.Sign.Undone)
	if len(steps) == 0 {
		text = "Nothing that this run did can be undone."
		for i := range v.opened.Plan.Steps {
			if v.state.Step(v.opened.Plan.Steps[i].ID).Undo == runbook.UndoDone {
				text = "Nothing is left to undo: what this run did is put back already."
			}
		}
	}
	out := textLines(th.Text, text, w)
	return append(out, paraIn(th, th.Warn, "Has no undo", strings.Join(stays(v), ", "), w)...)
}

func undoWords(v *runView, step *runbook.PlannedStep) string {
	if st := v.state.Step(step.ID); st.Evidence != "" {
		return step.Title + ": " + st.Evidence
	}
	return step.Title
}

// confirmUndo shows what is put back, in order, and asks for the run's mode as a word where something real is changed.
func confirmUndo(d *dialog, order []string) *form {
	v := d.v
	f := &form{sign: v.env.Theme.Sign.Undone, title: "undo " + plural(len(order), "step") + "?", style: failing(v)}
	f.body = func(w int) []string { return undoOrderLines(v, order, w) }
	undo := func() tea.Cmd {
		if v.replayed {
			f.said = "this is a replay: nothing can be put back in it"
			return nil
		}
		ask := &runbook.UndoRequested{Steps: order, By: v.env.Actor}
		if v.state.Finished != nil || v.state.Stop != nil {
			return d.tell(ask, nil)
		}
		return d.tell(&runbook.StopRequested{By: v.env.Actor, Reason: "to undo what was done"}, ask)
	}
	leave := row{name: "go back", words: "nothing changes", do: func() tea.Cmd { return d.back() }}
	word := string(v.state.Start.Mode)
	if v.state.Start.Mode == runbook.Rehearse {
		f.rows = []row{leave, {name: "put back", words: "in this order, one at a time", do: undo}}
		return f
	}
	field := &widget.Field{}
	f.rows = []row{{name: "type " + word, field: field, do: func() tea.Cmd {
		if f.said = wrongWord(word, field.Text()); f.said != "" {
			return nil
		}
		return undo()
	}}, leave}
	return f
}

func undoOrderLines(v *runView, order []string, w int) []string {
	th := v.env.Theme
	out := textLines(th.Text, "This puts back, in this order:", w)
	names := 0
	for _, id := range order {
		names = max(names, widget.Width(id))
	}
	for i, id := range order {
		title := ""
		if step, ok := v.opened.Plan.Step(id); ok {
			title = step.Title
		}
		out = append(out, widget.Cut(th, fmt.Sprintf("%2d %s  %s", i+1, widget.Fit(th, id, names), title), w))
	}
	var rest []string
	for _, id := range undoable(v) {
		if !slices.Contains(order, id) {
			rest = append(rest, id)
		}
	}
	out = append(out, para(th, "Stays done", strings.Join(rest, ", "), w)...)
	out = append(out, paraIn(th, th.Warn, "Has no undo", strings.Join(stays(v), ", "), w)...)
	if v.state.Finished == nil && v.state.Stop == nil {
		out = append(out, textLines(th.Text, "The run stops first: nothing new starts, and what is under way comes to its end.", w)...)
	}
	return out
}
