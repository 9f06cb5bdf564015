package page

import (
	"fmt"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// overText is the screen of a run that is over, as lines; steps says which line is about which step.
type overText struct {
	lines []string
	steps map[int]string
}

func (t *overText) add(lines ...string) { t.lines = append(t.lines, lines...) }

// over writes down how a run ended: outcome, clients, what stands, planned against actual, what people said.
func (v *runView) over(w int) overText {
	t := overText{steps: map[int]string{}}
	v.overOutcome(&t, w)
	v.overUndo(&t, w)
	v.overSkips(&t, w)
	v.overSteps(&t, w)
	v.overLedger(&t, w)
	v.overNotes(&t, w)
	return t
}

func (v *runView) overOutcome(t *overText, w int) {
	th := v.env.Theme
	for i := len(v.seen) - 1; i >= 0; i-- {
		f, is := v.seen[i].Fact.(*runbook.RunFinished)
		if !is {
			continue
		}
		sign, subject, words := runbook.Describe(v.seen[i], &v.state, v.opened.Plan)
		style := th.Bad
		switch f.Outcome {
		case runbook.Done:
			style = th.Good
		case runbook.DoneWithSkips, runbook.Stopped:
			style = th.Warn
		}
		for n, line := range widget.Wrap(v.ownSign(sign)+" "+subject+" "+words, max(1, w-2)) {
			head := strings.TrimPrefix(line, v.ownSign(sign)+" "+subject)
			if n == 0 && head != line {
				t.add(" " + style.Render(v.ownSign(sign)+" "+subject) + th.Strong.Render(head))
				continue
			}
			t.add("   " + th.Strong.Render(line))
		}
		for _, l := range widget.Wrap(v.startedWords(), max(1, w-2)) {
			t.add(" " + th.Dim.Render(l))
		}
		break
	}
	if d := v.dns(); d != nil && !d.changed.IsZero() {
		lines := d.lines(v, w)
		t.add(widget.Cut(th, " "+th.Head.Render("DNS "+d.name)+th.Line.Render(" "+th.Sign.Dot+" ")+lines[0], w))
		rest := ""
		for _, l := range lines[1:] {
			if rest != "" && widget.Width(l) > 0 {
				rest += th.Line.Render(" " + th.Sign.Dot + " ")
			}
			rest += l
		}
		if rest != "" {
			t.add(widget.Cut(th, "     "+rest, w))
		}
	}
	t.add("")
}

func (v *runView) startedWords() string {
	dot := " " + v.env.Theme.Sign.Dot + " "
	out := "run " + string(v.opened.Run)
	if by := v.state.Start.By; by.Name != "" {
		out += dot + "by " + by.String()
	}
	if ref := v.state.Start.Reference; ref != "" {
		out += dot + ref
	}
	if at := v.state.FinishedAt; !at.IsZero() {
		form := "15:04:05 MST"
		if v.now.Sub(at) > 12*time.Hour {
			form = "2 Jan 2006 15:04 MST"
		}
		out += dot + "ended " + at.Format(form)
	}
	return out
}

// overUndo says what an undo has put back, and what it could not.
func (v *runView) overUndo(t *overText, w int) {
	if len(v.state.UndoQueue) == 0 {
		return
	}
	th := v.env.Theme
	done, failed := 0, 0
	running := ""
	for _, id := range v.steps() {
		switch v.state.Step(id).Undo {
		case runbook.UndoDone:
			done++
		case runbook.UndoFailing:
			failed++
		case runbook.UndoRunning:
			running = id
		}
	}
	line := th.Good.Render(fmt.Sprintf("%s %d put back", th.Sign.Undone, done))
	if running != "" {
		line += th.Active.Render(fmt.Sprintf(" %s %s is being undone", th.Sign.Dot, running))
	} else if v.undoing() {
		line += th.Active.Render(" " + th.Sign.Dot + " it goes on")
	}
	if failed > 0 {
		line += th.Bad.Render(fmt.Sprintf(" %s %s %d could not be put back", th.Sign.Dot, th.Sign.Failed, failed))
	}
	t.add(widget.Cut(th, " "+th.Head.Render("UNDO")+" "+line, w), "")
}

// overSkips are the steps that a person left out, with the reason: they belong to the outcome.
func (v *runView) overSkips(t *overText, w int) {
	th := v.env.Theme
	n := len(t.lines)
	for _, id := range v.steps() {
		st := v.state.Step(id)
		if st.Status != runbook.StatusSkipped {
			continue
		}
		text := id + " was skipped" + byText(st.By) + colon(st.Reason)
		for i, l := range widget.Wrap(text, max(1, w-4)) {
			sign := th.Sign.Skipped
			if i > 0 {
				sign = " "
			}
			t.add(" " + th.Warn.Render(sign+" "+l))
		}
	}
	if len(t.lines) > n {
		t.add("")
	}
}

// overSteps is the table of planned against actual.
func (v *runView) overSteps(t *overText, w int) {
	th := v.env.Theme
	c := v.columns(w)
	c.when = 22
	if w < 78 {
		c.when = 13
	}
	c.words = max(0, w-4-c.id-2-2-c.when-1)
	title := "took, expected"
	if w < 78 {
		title = "took"
	}
	t.add(th.Head.Render(widget.Ends(th, " STEPS", title+" ", w)))
	for _, id := range v.shown() {
		st := v.state.Step(id)
		l := v.describe(id)
		l.when = v.tookWords(id, &st, w >= 78)
		style := th.Dim
		if st.Status == runbook.StatusFailed || st.Status == runbook.StatusUnknown || st.Undo == runbook.UndoFailing {
			style = l.style
		}
		words := l.words
		if l.warn != "" {
			words = l.warn + " " + th.Sign.Dot + " " + words
		}
		t.steps[len(t.lines)] = id
		c := c.room(l.when)
		when := th.Dim.Render(spaced(l.when))
		if st.Overdue {
			when = th.Warn.Render(spaced(l.when))
		}
		t.add("  " + l.style.Render(l.sign) + " " + th.Text.Render(widget.Fit(th, id, c.id)) + "  " +
			style.Render(widget.Fit(th, words, c.words)) + when)
	}
	if ids := v.folded(); len(ids) > 0 {
		t.add(v.foldedRow(foldedText(ids), w))
	}
	t.add("")
}

// tookWords are actual and planned: "0:41 of 0:45", and whether that was late.
func (v *runView) tookWords(id string, st *runbook.StepState, long bool) string {
	if st.First.IsZero() || st.Ended.IsZero() {
		return ""
	}
	took := v.took(st)
	out := tries(st) + runbook.ClockText(took)
	e := v.opened.Estimates[id]
	if e.P50 == 0 || !long {
		return out
	}
	out += " of " + runbook.ClockText(e.P50)
	if late := took - e.P50; late >= max(2*time.Second, e.P50/10) { // a second more is no news
		out = v.env.Theme.Sign.Warn + " late: " + out
	}
	return out
}

// overLedger is what stands as the run left it.
func (v *runView) overLedger(t *overText, w int) {
	th := v.env.Theme
	entries := v.state.Ledger()
	if len(entries) == 0 {
		t.add(v.flow("STANDS AS THE RUN LEFT IT", "nothing: the run made and changed nothing that is not put back", w)...)
		return
	}
	t.add(th.Head.Render(" STANDS AS THE RUN LEFT IT"))
	for i := 0; i < len(entries); {
		e := entries[i]
		steps := []string{e.Step}
		for i++; i < len(entries) && entries[i].Target == e.Target && entries[i].Made == e.Made; i++ {
			steps = append(steps, entries[i].Step)
		}
		what := "changed"
		if e.Made {
			what = "made"
		}
		where := ""
		if e.Target.Region != "" {
			where = " in " + e.Target.Region
		}
		t.steps[len(t.lines)] = e.Step
		t.add(widget.Cut(th, "    "+widget.Fit(th, what, 8)+e.Target.String()+where+th.Dim.Render(" "+th.Sign.Dot+" by "+strings.Join(steps, ", ")), w))
	}
}

func (v *runView) overNotes(t *overText, w int) {
	if len(v.state.Notes) == 0 {
		return
	}
	th := v.env.Theme
	t.add("", th.Head.Render(" NOTES"))
	for _, n := range v.state.Notes {
		head := n.At.Format(time.TimeOnly) + " " + n.By.String() + ": "
		for i, l := range widget.Wrap(head+n.Text, max(1, w-6)) {
			if i > 0 {
				l = "  " + l
			}
			t.add("    " + l)
		}
	}
}

// overLines are so many of them that the line of the cursor is in sight.
func (v *runView) overLines(w, h int, o runScreen) []string {
	th := v.env.Theme
	t := v.over(w)
	at := v.overAt(&t, o)
	first := overFirst(at, len(t.lines), h)
	var out []string
	for i := first; i < len(t.lines) && len(out) < h; i++ {
		line := t.lines[i]
		if _, is := t.steps[i]; is && i == at && strings.HasPrefix(line, "  ") {
			line = th.Focus.Render(th.Sign.Focus) + line[1:]
		}
		out = append(out, line)
	}
	if rest := len(t.lines) - first - h; rest > 0 && h > 2 {
		out[h-1] = th.Dim.Render(fmt.Sprintf(" %s %d more lines, j goes there", th.Sign.Ellipsis, rest+1))
	}
	return out
}

// overAt is the line of the cursor. Before the operator moves it, it stands on the step where things went wrong, if that is
// in sight, else on the first line.
func (v *runView) overAt(t *overText, o runScreen) int { return max(0, min(o.cursor, len(t.lines)-1)) }

// overFirst shows what the cursor is on, with a line to spare behind it.
func overFirst(at, n, h int) int {
	if h < 1 {
		return 0
	}
	return max(0, min(at-h+3, n-h))
}

func (v *runView) overLength(w, _ int) int { return len(v.over(w).lines) }

// overStep is the step that the line is about; above the table, the one where things went wrong, or the last.
func (v *runView) overStep(w, cursor int) string {
	t := v.over(w)
	for i := min(cursor, len(t.lines)-1); i >= 0; i-- {
		if id, is := t.steps[i]; is {
			return id
		}
	}
	return v.current()
}

func (v *runView) overCursor(w, h int, o runScreen) int {
	t := v.over(w)
	at := v.overAt(&t, o)
	return at - overFirst(at, len(t.lines), h)
}
