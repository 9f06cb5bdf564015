package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// showEvent is one event in words.
type showEvent struct {
	at, sign, subject, words string
	step                     string // which it is about; "" is none
	mark                     bool   // a person or a hold: it stands below the timeline too
}

// showLine is one line of the timeline. Nothing in it depends on size or theme.
type showLine struct {
	step string // enter shows it
	head string // a heading
	axis bool
	span int // into showTimeline.spans, with bar
	bar  bool
	at   string
	sign string
	text string
	sub  bool // below a step
}

// fixed lines take no focus.
func (l showLine) fixed() bool { return l.head != "" || l.axis || l.text == "" && !l.bar }

// showTimeline is a run at a glance: what was planned, what happened, who decided, what is left.
type showTimeline struct {
	lines         []showLine
	spans         []widget.Span
	total, target time.Duration
}

// describeEvents puts events into words; v must have folded them, and from is how many were described before.
func describeEvents(v *runView, from int, old []showEvent) []showEvent {
	out := slices.Clip(old)
	for _, e := range v.seen[from:] {
		sign, subject, words := eventWords(e, v)
		d := showEvent{at: onClock(&v.state, e.Time), sign: sign, subject: subject, words: words}
		d.step, d.mark = showAbout(e.Fact)
		if _, held := e.Fact.(*runbook.RunHeld); held {
			if took := heldFor(v.seen, e); took > 0 {
				d.words += " (for " + runbook.ClockText(took) + ")"
			}
		}
		out = append(out, d)
	}
	return out
}

// onClock is a moment on the run's clock; "" before that runs.
func onClock(s *runbook.State, at time.Time) string {
	if s.ClockFrom.IsZero() || at.Before(s.ClockFrom) {
		return ""
	}
	return runbook.ClockText(at.Sub(s.ClockFrom))
}

// eventWords is runbook.Describe, with who asked for another try: afterwards that is asked.
func eventWords(e runbook.Event, v *runView) (sign, subject, words string) {
	sign, subject, words = runbook.Describe(e, &v.state, v.opened.Plan)
	if f, retry := e.Fact.(*runbook.StepRetried); retry && f.By != nil {
		words += ", asked by " + f.By.String()
	}
	return sign, subject, words
}

// heldFor is how long a hold lasted; 0 while it lasts.
func heldFor(events []runbook.Event, hold runbook.Event) time.Duration {
	i, _ := slices.BinarySearchFunc(events, hold.Seq, func(e runbook.Event, seq uint64) int {
		switch {
		case e.Seq < seq:
			return -1
		case e.Seq > seq:
			return 1
		}
		return 0
	})
	for _, e := range events[min(i+1, len(events)):] {
		switch e.Fact.(type) {
		case *runbook.RunResumed, *runbook.RunTakenOver, *runbook.RunFinished, *runbook.RunHeld:
			return e.Time.Sub(hold.Time)
		}
	}
	return 0
}

// showAbout is the step of a fact, and whether the fact is one that people ask about afterwards.
func showAbout(f runbook.Fact) (step string, mark bool) {
	switch f := f.(type) {
	case *runbook.ApprovalGiven:
		return f.Step, true
	case *runbook.ApprovalRefused:
		return f.Step, true
	case *runbook.StepFailed:
		return f.Step, true
	case *runbook.StepUnknown:
		return f.Step, f.Ask
	case *runbook.StepSkipped:
		return f.Step, true
	case *runbook.StepByHand:
		return f.Step, true
	case *runbook.StepRetried:
		return f.Step, f.By != nil
	case *runbook.StepOverdue:
		return f.Step, true
	case *runbook.LookRequested:
		return f.Step, true
	case *runbook.NoteAdded:
		return f.Step, true
	case *runbook.RunResumed:
		return "", f.Driver != nil
	case *runbook.RunHeld, *runbook.RunFinished, *runbook.RunTakenOver, *runbook.GuardWaived, *runbook.StopRequested, *runbook.UndoRequested:
		return "", true
	}
	return showStep(f), false
}

func showStep(f runbook.Fact) string {
	switch f := f.(type) {
	case *runbook.ApprovalAsked:
		return f.Step
	case *runbook.StepStarted:
		return f.Step
	case *runbook.StepSucceeded:
		return f.Step
	case *runbook.StepNotNeeded:
		return f.Step
	case *runbook.UndoStarted:
		return f.Step
	case *runbook.UndoSucceeded:
		return f.Step
	case *runbook.UndoFailed:
		return f.Step
	}
	return ""
}

// newTimeline lays a run out. It is done when something has happened, not when the screen is drawn.
func newTimeline(v *runView, events []showEvent) showTimeline {
	t := showTimeline{target: time.Duration(v.state.Start.Target)}
	t.guards(&v.state)
	t.steps(v)
	t.marks(events)
	t.left(&v.state)
	return t
}

func (t *showTimeline) head(text string) {
	if len(t.lines) > 0 {
		t.lines = append(t.lines, showLine{})
	}
	t.lines = append(t.lines, showLine{head: text})
}

// guards that held share a line; the others stand alone.
func (t *showTimeline) guards(s *runbook.State) {
	var held []string
	var others []showLine
	for _, id := range sortedNames(s.Guards) {
		g := s.Guards[id]
		line := showLine{sign: "✗", text: id + ": " + g.Evidence}
		switch g.Status {
		case runbook.StatusDone:
			held = append(held, id)
			continue
		case runbook.StatusNotNeeded:
			continue
		case runbook.StatusWaived:
			line.sign = "!"
			line.text = fmt.Sprintf("%s waived by %s: %s", id, g.By, g.Evidence)
		case runbook.StatusWaiting:
			line.sign = "·"
		default:
			if g.Unsure {
				line.sign = "?"
			}
		}
		others = append(others, line)
	}
	if len(held)+len(others) == 0 {
		return
	}
	t.head("BEFORE THE START")
	t.lines = append(t.lines, others...)
	if len(held) > 0 {
		t.lines = append(t.lines, showLine{sign: "✓", text: plural(len(held), "guard") + " held: " + strings.Join(held, ", ")})
	}
}

func sortedNames[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// steps are bars from the moment at which the first step could start.
func (t *showTimeline) steps(v *runView) {
	ids, folded := v.shown(), v.folded()
	if len(ids)+len(folded) == 0 {
		return
	}
	s := &v.state
	zero := s.ClockFrom
	if zero.IsZero() {
		zero = s.StartedAt
	}
	until := v.now
	if s.Finished != nil {
		until = s.FinishedAt
	}
	plans := plannedSpans(v)
	path := actualPath(v)
	t.head("STEPS")
	t.lines = append(t.lines, showLine{axis: true})
	for _, id := range ids {
		st := s.Step(id)
		sp := widget.Span{Name: id, Sign: "·", Strong: path[id]}
		if p, ok := plans[id]; ok {
			sp.Start, sp.End = p.Start, p.End
		}
		if !st.First.IsZero() {
			sp.Did, sp.From, sp.To = true, max(0, st.First.Sub(zero)), max(0, until.Sub(zero))
			if !st.Ended.IsZero() {
				sp.To = max(sp.From, st.Ended.Sub(zero))
			}
			t.total = max(t.total, sp.To)
		}
		sp.Dim = st.Status == runbook.StatusNotNeeded || st.Status == runbook.StatusWaiting
		sp.Sign, sp.Note = stepMark(st), stepNote(st, sp)
		if late := sp.To - sp.End; sp.Did && sp.End > 0 && late > 0 && late <= max(2*time.Second, t.total/30) {
			sp.End = sp.To // what is late by a breath because something before it was is not to look late
		}
		t.lines = append(t.lines, showLine{step: id, bar: true, span: len(t.spans)})
		t.spans = append(t.spans, sp)
		if why := stepWhy(st); why != "" {
			t.lines = append(t.lines, showLine{step: id, sub: true, sign: sp.Sign, text: why})
		}
	}
	if len(folded) > 0 {
		t.lines = append(t.lines, showLine{sign: "·", text: foldedText(folded)})
	}
}

// plannedSpans is when each step would have run if all had taken what is usual.
func plannedSpans(v *runView) map[string]widget.Span {
	out := map[string]widget.Span{}
	if v.opened.Plan == nil {
		return out
	}
	for i := range v.opened.Plan.Steps {
		step := &v.opened.Plan.Steps[i]
		var from time.Duration
		for _, n := range step.Needs {
			from = max(from, out[n].End)
		}
		takes := v.opened.Estimates[step.ID].P50
		if v.never[step.ID] || v.state.Step(step.ID).Status == runbook.StatusNotNeeded {
			takes = 0
		}
		out[step.ID] = widget.Span{Start: from, End: from + max(0, takes)}
	}
	for id, sp := range out {
		if sp.Start == sp.End {
			out[id] = widget.Span{}
		}
	}
	return out
}

// actualPath are the steps that decided how long the run took.
func actualPath(v *runView) map[string]bool {
	out := map[string]bool{}
	if v.opened.Plan == nil {
		return out
	}
	path, _ := runbook.CriticalPath(v.opened.Plan, func(id string) time.Duration { return stepTook(v.state.Step(id)) })
	for _, id := range path {
		out[id] = v.state.Step(id).Status != runbook.StatusWaiting
	}
	return out
}

func stepTook(st runbook.StepState) time.Duration {
	if st.First.IsZero() || st.Ended.IsZero() {
		return 0
	}
	return max(0, st.Ended.Sub(st.First))
}

// stepMark is the sign of a step, as runbook.Describe writes signs.
func stepMark(st runbook.StepState) string {
	switch {
	case st.Undo == runbook.UndoDone, st.Undo == runbook.UndoRunning:
		return "↶"
	case st.Undo == runbook.UndoFailing:
		return "✗"
	}
	switch st.Status {
	case runbook.StatusDone, runbook.StatusByHand:
		return "✓"
	case runbook.StatusRunning, runbook.StatusRetrying:
		return "▶"
	case runbook.StatusAsking:
		return "‖"
	case runbook.StatusUnknown:
		return "?"
	case runbook.StatusFailed:
		return "✗"
	case runbook.StatusSkipped:
		return "!"
	}
	return "·"
}

// stepNote says how long the step took and how long it was to take, or why it took no time.
func stepNote(st runbook.StepState, sp widget.Span) string {
	took := runbook.ClockText(sp.To - sp.From)
	switch {
	case st.Undo != runbook.UndoNone:
		return "undo " + string(st.Undo)
	case st.Status == runbook.StatusDone && sp.End > sp.Start:
		return took + " of " + runbook.ClockText(sp.End-sp.Start)
	case st.Status == runbook.StatusDone:
		return took
	case st.Status == runbook.StatusAsking:
		return "waits"
	case st.Status == runbook.StatusWaiting:
		return "not begun"
	}
	return string(st.Status)
}

// stepWhy is what one wants to know about a step that did not just go well.
func stepWhy(st runbook.StepState) string {
	by := func() string {
		if st.By == nil {
			return ""
		}
		return " by " + st.By.String()
	}
	switch st.Status {
	case runbook.StatusSkipped:
		return "skipped" + by() + ": " + st.Reason
	case runbook.StatusByHand:
		return strings.TrimSuffix("done by hand"+by()+": "+st.Reason, ": ")
	case runbook.StatusFailed:
		if st.Failure != nil {
			return strings.Join(showParts(st.Failure.What, st.Failure.Means), "; ")
		}
	case runbook.StatusUnknown:
		return strings.Join(showParts(st.Why, st.Seen), "; ")
	}
	if st.Undo == runbook.UndoFailing && st.UndoWhy != nil {
		return "undo failed: " + st.UndoWhy.What
	}
	return ""
}

// marks are the moments at which a person or a hold decided how the run went on.
func (t *showTimeline) marks(events []showEvent) {
	first := true
	for _, e := range events {
		if !e.mark {
			continue
		}
		if first {
			t.head("HOLDS, DECISIONS, NOTES")
			first = false
		}
		step := e.step
		if step == runbook.StartStep {
			step = ""
		}
		t.lines = append(t.lines, showLine{step: step, at: orElse(e.at, " "), sign: e.sign, text: e.subject + "  " + e.words})
	}
}

// left is what stands as the run left it.
func (t *showTimeline) left(s *runbook.State) {
	ledger := s.Ledger()
	if len(ledger) == 0 {
		return
	}
	t.head("STANDS AS THE RUN LEFT IT")
	for _, l := range ledger {
		verb := "changed"
		if l.Made {
			verb = "made"
		}
		where := ""
		if l.Target.Region != "" {
			where = " in " + l.Target.Region
		}
		t.lines = append(t.lines, showLine{step: l.Step, sign: "·", text: fmt.Sprintf("%s %s%s by step %s", verb, l.Target, where, l.Step)})
	}
}
