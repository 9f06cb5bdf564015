package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// stepLine is one step in words: a sign, what is known, and the time.
type stepLine struct {
	sign  string
	style theme.Style // of sign, and of words that matter
	warn  string      // before the words: over its budget, being undone
	words string
	when  string
	plain bool // the words are no more than what the step is for
}

// describe puts a step into one line.
func (v *runView) describe(id string) stepLine {
	th := v.env.Theme
	st := v.state.Step(id)
	l := stepLine{sign: th.Sign.Waiting, style: th.Dim, plain: true}
	switch st.Status {
	case runbook.StatusDone:
		l = stepLine{sign: th.Sign.Done, style: th.Good, words: st.Evidence, when: tries(&st) + runbook.ClockText(v.took(&st))}
		if l.words == "" {
			l.words = "done"
		}
	case runbook.StatusByHand:
		l = stepLine{sign: th.Sign.Done, style: th.Good, words: "done by hand" + byText(st.By) + colon(st.Reason)}
	case runbook.StatusSkipped:
		l = stepLine{sign: th.Sign.Skipped, style: th.Warn, words: "skipped" + byText(st.By) + colon(st.Reason)}
	case runbook.StatusNotNeeded:
		l = stepLine{sign: th.Sign.NotNeeded, style: th.Dim, words: "not needed: " + st.Reason}
	case runbook.StatusRunning:
		l = v.describeRunning(id, &st)
	case runbook.StatusRetrying:
		l = stepLine{sign: th.Sign.Running, style: th.Active, words: v.retryWords(id, &st), when: v.budgetClock(id, &st)}
	case runbook.StatusUnknown:
		l = stepLine{sign: th.Sign.Unknown, style: th.Asking, words: "not known: " + joinWords(st.Why, st.Seen), when: v.budgetClock(id, &st)}
		if !st.Ask {
			l.words = "looking: " + joinWords(st.Seen, st.Why)
		}
	case runbook.StatusFailed:
		l = stepLine{sign: th.Sign.Failed, style: th.Bad, words: "failed", when: runbook.ClockText(v.took(&st))}
		if st.Failure != nil {
			l.words = "failed: " + st.Failure.What
		}
		if st.Again {
			l.style = th.Warn
		}
	case runbook.StatusAsking:
		l = stepLine{sign: th.Sign.Holding, style: th.Asking, words: "waits for you"}
		if a := st.Approval.Asked; a != nil && a.Manual {
			l.words = "yours to do: " + a.Text
		} else if a != nil {
			l.words = "waits for your approval: " + a.Text
		}
	default:
		l.words, l.when = v.after(id), v.estimateClock(id)
		if v.state.Stop != nil || v.state.Finished != nil {
			l.words, l.when = "not started", ""
		}
	}
	v.describeUndo(&st, &l)
	return l
}

func (v *runView) describeRunning(id string, st *runbook.StepState) stepLine {
	th := v.env.Theme
	if !v.driven && !v.replayed {
		return stepLine{sign: th.Sign.Unknown, style: th.Asking, words: "not known: it was under way when its driver ended", when: v.budgetClock(id, st)}
	}
	l := stepLine{sign: th.Sign.Running, style: th.Active, words: v.planned(id).Title, when: v.budgetClock(id, st), plain: true}
	if p, ok := v.progress[id]; ok && p.Text != "" {
		l.words, l.plain = p.Text, false
		if p.Total > 0 && p.Done <= p.Total && p.Unit == "B" {
			l.words = fmt.Sprintf("%d %% %s %s", int(p.Done/p.Total*100), th.Sign.Dot, l.words)
		}
		if left := time.Duration(p.Left); left > 0 && !strings.Contains(p.Text, "left") {
			l.words += " " + th.Sign.Dot + " " + runbook.ClockText(left) + " left"
		}
	}
	if st.Attempt > 1 {
		l.words = fmt.Sprintf("attempt %d %s %s", st.Attempt, th.Sign.Dot, l.words)
	}
	if st.Overdue {
		l.warn = th.Sign.Warn + " over its budget"
		if budget := runbook.ClockText(v.planned(id).Budget); !strings.HasSuffix(l.when, " of "+budget) { // the clock beside it says so
			l.warn += " of " + budget
		}
	}
	return l
}

func (v *runView) describeUndo(st *runbook.StepState, l *stepLine) {
	th := v.env.Theme
	switch st.Undo {
	case runbook.UndoRunning:
		l.sign, l.style, l.warn = th.Sign.Undone, th.Active, "is being undone"
	case runbook.UndoDone:
		l.sign, l.style, l.warn = th.Sign.Undone, th.Warn, "undone"
	case runbook.UndoFailing:
		l.sign, l.style, l.warn = th.Sign.Failed, th.Bad, "undo failed"
		if st.UndoWhy != nil {
			l.warn += ": " + st.UndoWhy.What
		}
	}
}

func (v *runView) retryWords(id string, st *runbook.StepState) string {
	which := fmt.Sprintf("attempt %d", st.Attempt+1)
	if all := v.planned(id).Retry.Attempts; all > st.Tries && st.Tries > 0 {
		which = fmt.Sprintf("attempt %d of %d", st.Tries+1, all)
	}
	if left := st.NotBefore.Sub(v.now); left > 0 {
		return fmt.Sprintf("%s in %s%s", which, secondsText(left), v.lastFailure(id))
	}
	return which + " now" + v.lastFailure(id)
}

// lastFailure is why the step is tried again; the fold forgets it when the retry is decided.
func (v *runView) lastFailure(id string) string {
	for i := len(v.seen) - 1; i >= 0; i-- {
		if f, is := v.seen[i].Fact.(*runbook.StepFailed); is && f.Step == id {
			return ": " + f.Error.What
		}
	}
	return ""
}

func secondsText(d time.Duration) string {
	return fmt.Sprintf("%d s", int((d+time.Second-1)/time.Second))
}

// after says for what a step waits: those of its needs that are not there.
func (v *runView) after(id string) string {
	open := v.awaited(id, nil)
	if len(open) == 0 {
		return ""
	}
	return "after " + strings.Join(open, " and ")
}

// awaited adds what a step waits for; in the place of one that is not needed stands what that one waits for.
func (v *runView) awaited(id string, open []string) []string {
	for _, n := range v.planned(id).Needs {
		switch st := v.state.Step(n); {
		case st.Settled() || slices.Contains(open, n):
		case v.never[n]:
			open = v.awaited(n, open)
		default:
			open = append(open, n)
		}
	}
	return open
}

// tries says that a step took more than one attempt: its time is that of the last intent.
func tries(st *runbook.StepState) string {
	if st.Attempt < 2 {
		return ""
	}
	return fmt.Sprintf("try %d, ", st.Attempt)
}

// took is how long a step took, from its first intent.
func (v *runView) took(st *runbook.StepState) time.Duration {
	if st.First.IsZero() || st.Ended.IsZero() {
		return 0
	}
	return max(0, st.Ended.Sub(st.First))
}

// budgetClock is the time of a step under way, of what it is expected to take.
func (v *runView) budgetClock(id string, st *runbook.StepState) string {
	if st.First.IsZero() {
		return ""
	}
	out := runbook.ClockText(max(0, v.now.Sub(st.First)).Truncate(time.Second))
	if e := v.opened.Estimates[id]; e.P50 > 0 {
		out += " of " + runbook.ClockText(e.P50)
	}
	return out
}

func (v *runView) estimateClock(id string) string {
	if e := v.opened.Estimates[id]; e.P50 > 0 {
		return v.env.Theme.Sign.About + " " + runbook.ClockText(e.P50)
	}
	return ""
}

// listRow is one line of the list: a step, several that are behind us, or those that are not needed.
type listRow struct {
	step   string
	behind int    // so many are done; 0: one step
	folded string // the line of those that are not needed
}

// rowList is the list as far as it is shown, and which row has the focus.
type rowList struct {
	rows  []listRow
	focus int
}

// rows are the steps for so many lines: what is done becomes one line when there is no room, unless the operator looks at it.
func (v *runView) rows(o runScreen, room int) rowList {
	steps, folded := v.shown(), v.folded()
	lines := len(steps) + min(1, len(folded))
	focus := o.focus
	if focus == "" || !slices.Contains(steps, focus) {
		focus = v.current()
		if o.sheet == nil && o.hold.Step != "" && slices.Contains(steps, o.hold.Step) {
			focus = o.hold.Step
		}
	}
	var out rowList
	behind := 0
	settled := func(id string) bool { st := v.state.Step(id); return st.Settled() && st.Undo == runbook.UndoNone }
	if f := v.state.Step(focus); lines > room && !f.Settled() {
		for _, id := range steps {
			if settled(id) && behind <= lines-room {
				behind++
			}
		}
	}
	if behind > 1 {
		out.rows = append(out.rows, listRow{behind: behind})
	} else {
		behind = 0
	}
	for _, id := range steps {
		if behind > 0 && settled(id) {
			behind--
			continue
		}
		if id == focus {
			out.focus = len(out.rows)
		}
		out.rows = append(out.rows, listRow{step: id})
	}
	if len(folded) > 0 {
		out.rows = append(out.rows, listRow{folded: foldedText(folded)})
	}
	return out
}

// firstRow keeps the focus in sight, with some rows before it and behind it.
func firstRow(focus, n, height int) int {
	return max(0, min(focus-height/2, n-height))
}

// columns are the widths of a step's line.
type columns struct{ id, words, when int }

// room gives the words what the time leaves over: a value that is cut off says nothing.
func (c columns) room(when string) columns {
	spare := c.when - widget.Width(when)
	c.words, c.when = max(0, c.words+spare), c.when-spare
	if when == "" {
		c.words += 2 // the space before it
	}
	return c
}

// spaced is a time behind words.
func spaced(when string) string {
	if when == "" {
		return ""
	}
	return "  " + when
}

func (v *runView) columns(w int) columns {
	longest := 6
	for _, id := range v.shown() {
		longest = max(longest, widget.Width(id))
	}
	c := columns{id: min(longest, max(6, w/6)), when: 13}
	c.words = max(0, w-4-c.id-2-2-c.when-1)
	return c
}

// stepsLines draws the list in h lines of w cells.
func (v *runView) stepsLines(w, h int, o runScreen) []string {
	list := v.rows(o, h)
	cols := v.columns(w)
	current := v.current()
	first := firstRow(list.focus, len(list.rows), h)
	var out []string
	for i := first; i < len(list.rows) && len(out) < h; i++ {
		if text := list.rows[i].folded; text != "" {
			out = append(out, v.foldedRow(text, w))
			continue
		}
		out = append(out, v.stepRow(list.rows[i], cols, i == list.focus, list.rows[i].step == current))
	}
	return out
}

// foldedRow is the line of the steps that are not needed, cut to the width: it is never in focus.
func (v *runView) foldedRow(text string, w int) string {
	th := v.env.Theme
	return widget.Cut(th, "  "+th.Dim.Render(th.Sign.NotNeeded+" "+text), w)
}

func (v *runView) stepRow(r listRow, c columns, focused, current bool) string {
	th := v.env.Theme
	mark := " "
	if focused {
		mark = th.Focus.Render(th.Sign.Focus)
	}
	if r.behind > 0 {
		return mark + " " + th.Good.Render(th.Sign.Done) + " " + th.Dim.Render(fmt.Sprintf("%d done before these", r.behind))
	}
	st := v.state.Step(r.step)
	l := v.describe(r.step)
	name, words, when := th.Dim, th.Dim, th.Dim
	switch {
	case current && v.state.Finished == nil:
		name, words, when = th.Strong, th.Text, th.Strong
	case st.Acting():
		name, words, when = th.Text, th.Text, th.Text
	}
	if !l.plain && (!v.driven && st.Status == runbook.StatusRunning && !v.replayed || st.Status == runbook.StatusFailed || st.Status == runbook.StatusUnknown || st.Status == runbook.StatusAsking) {
		words = l.style
	}
	c = c.room(l.when)
	text := words.Render(widget.Cut(th, l.words, c.words))
	if l.warn != "" {
		warn := widget.Cut(th, l.warn, c.words)
		style := th.Warn
		if st.Undo != runbook.UndoNone {
			style = l.style
		}
		text = style.Render(warn)
		if room := c.words - widget.Width(warn) - 3; room > 8 {
			text += th.Dim.Render(" "+th.Sign.Dot+" ") + words.Render(widget.Cut(th, l.words, room))
		}
	}
	return mark + " " + l.style.Render(l.sign) + " " + name.Render(widget.Fit(th, r.step, c.id)) + "  " +
		widget.Fit(th, text, c.words) + when.Render(spaced(l.when))
}

func byText(a *runbook.Actor) string {
	if a == nil {
		return ""
	}
	return " by " + a.String()
}

func colon(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

func joinWords(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "; ")
}
