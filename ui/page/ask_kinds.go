package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
)

// ask is the sheet of one question. It stays the same as long as the question does, and with it what was typed.
type ask struct {
	*dialog
	q        runbook.Question
	attempts []attempt
	commands []string // by hand, with what is known now
}

// attempt is one that failed, or whose end is not known.
type attempt struct {
	n   int
	at  time.Time
	why string
}

// newAsk makes the sheet of a question that was put on the screen at that time of the wall clock: it takes no key until the
// keyboard has been still since then.
func newAsk(v *runView, q runbook.Question, posed time.Time) sheet {
	a := &ask{dialog: &dialog{v: v, still: posed, later: "decide later"}, q: q}
	a.corner = a.position
	a.attempts = pastAttempts(v.seen, q.Step)
	if v.opened.ByHand != nil && q.Kind != runbook.AskStart && q.Kind != runbook.AskWaive {
		a.commands = v.opened.ByHand(&v.state, q.Step)
	}
	a.stack = []*form{a.form()}
	return a
}

// position says which of the open questions this is.
func (a *ask) position() string {
	qs := a.v.state.Questions()
	i := slices.IndexFunc(qs, func(q runbook.Question) bool { return q.Seq == a.q.Seq })
	if i < 0 || len(qs) < 2 {
		return ""
	}
	return fmt.Sprintf("%d of %d", i+1, len(qs))
}

func pastAttempts(seen []runbook.Event, step string) []attempt {
	var out []attempt
	for _, e := range seen {
		switch f := e.Fact.(type) {
		case *runbook.StepFailed:
			if f.Step == step {
				out = append(out, attempt{f.Attempt, e.Time, f.Error.What})
			}
		case *runbook.StepUnknown:
			if f.Step == step && (len(out) == 0 || out[len(out)-1].n != f.Attempt) {
				out = append(out, attempt{f.Attempt, e.Time, f.Why})
			}
		}
	}
	return out
}

func (a *ask) form() *form {
	switch a.q.Kind {
	case runbook.AskStart:
		return a.startForm()
	case runbook.AskApprove:
		return a.approveForm()
	case runbook.AskManual:
		return a.manualForm()
	case runbook.AskWaive:
		return a.guardForm()
	case runbook.AskUnknown:
		return a.unknownForm()
	}
	return a.failedForm()
}

func (a *ask) theme() *theme.Theme { return a.v.env.Theme }

func asking(v *runView) func() theme.Style {
	return func() theme.Style { return v.env.Theme.Asking }
}

func failing(v *runView) func() theme.Style {
	return func() theme.Style { return v.env.Theme.Bad }
}

func (a *ask) startForm() *form {
	f := &form{sign: a.theme().Sign.Holding, title: "may the run start? " + a.q.Text, style: asking(a.v)}
	if a.typed() {
		f.title = fmt.Sprintf("type %s to start: %s", a.q.Word, a.q.Text)
	}
	f.rows = append(f.rows, a.approveRow(f, "start", "the clock starts now"),
		row{name: "commands", words: "every call, exactly, before you decide", do: func() tea.Cmd { return Then(ShowCalls{}) }},
		row{name: "refuse…", words: "nothing was done, and the run ends here; asks for a reason", do: a.opens("refuse", a.refuseForm)})
	return f
}

func (a *ask) approveForm() *form {
	f := &form{sign: a.theme().Sign.Holding, title: "may step " + a.q.Step + " start?", style: asking(a.v)}
	f.body = func(w int) []string {
		th, out := a.theme(), textLines(a.theme().Text, a.q.Text, w)
		if step := a.step(); step != nil {
			out = append(out, para(th, "Why", step.Why, w)...)
		}
		return append(out, commandLines(th, a.commands, w)...)
	}
	if a.copyable() {
		f.copy = a.copied
	}
	f.rows = append(f.rows, a.approveRow(f, "approve", "the step starts"),
		row{name: "refuse…", words: "it does not start, and you are asked what then; asks for a reason", do: a.opens("refuse", a.refuseForm)},
		a.stopRow())
	return f
}

// approveRow is the answer that lets it happen: a word to type, or a choice.
func (a *ask) approveRow(f *form, name, words string) row {
	if a.typed() {
		return a.wordRow(f, func() runbook.Reply { return runbook.Reply{Choice: runbook.ChooseApprove} }, nil)
	}
	return row{name: name, words: words, do: func() tea.Cmd { return a.send(f, runbook.Reply{Choice: runbook.ChooseApprove}, nil) }}
}

func (a *ask) manualForm() *form {
	f := &form{sign: a.theme().Sign.Holding, title: "step " + a.q.Step + " is yours", style: asking(a.v)}
	f.body = func(w int) []string {
		th, out := a.theme(), textLines(a.theme().Text, a.q.Text, w)
		if step := a.step(); step != nil {
			out = append(out, para(th, "Why", step.Why, w)...)
		}
		return append(out, commandLines(th, a.commands, w)...)
	}
	a.doneRows(f, runbook.ChooseApprove, "you have done it: the run goes on")
	f.rows = append(f.rows,
		row{name: "refuse…", words: "you will not do it, and you are asked what then; asks for a reason", do: a.opens("refuse", a.refuseForm)},
		a.stopRow())
	return f
}

func (a *ask) guardForm() *form {
	f := &form{sign: a.theme().Sign.Failed, title: "guard " + a.q.Step + " does not hold", style: failing(a.v)}
	unsure := a.v.state.Guard(a.q.Step).Unsure
	if unsure {
		f.sign, f.title, f.style = a.theme().Sign.Unknown, "guard "+a.q.Step+" could not be checked", asking(a.v)
	}
	f.body = func(w int) []string {
		th := a.theme()
		g := a.v.state.Guard(a.q.Step)
		out := para(th, "It asks", a.guardTitle(), w)
		out = append(out, para(th, "What was seen", g.Evidence+" ("+whole(ageText(a.v, g.At))+")", w)...)
		means := "it was looked at, and it is not so"
		if unsure {
			means = "it may hold or not: nobody could find out, which is not the same as false"
		}
		return append(out, para(th, "What it means", means+"; nothing was done", w)...)
	}
	f.rows = []row{{name: "look again", words: "the guard is checked once more", do: func() tea.Cmd {
		return a.send(f, runbook.Reply{Choice: runbook.ChooseLook}, nil)
	}}}
	if slices.Contains(a.q.Choices, runbook.ChooseWaive) {
		words := "your name stands in the record"
		if a.typed() {
			words = "type " + a.q.Word + "; " + words
		}
		f.rows = append(f.rows, row{name: "go on without it…", words: words, do: a.opens("waive", a.waiveForm)})
	}
	f.rows = append(f.rows, a.stopRow())
	return f
}

func (a *ask) guardTitle() string {
	if p := a.v.opened.Plan; p != nil {
		for i := range p.Guards {
			if p.Guards[i].ID == a.q.Step {
				return p.Guards[i].Title
			}
		}
	}
	return a.q.Step
}

func (a *ask) failedForm() *form {
	f := &form{sign: a.theme().Sign.Failed, title: a.q.Step + " FAILED", style: failing(a.v)}
	f.body = func(w int) []string {
		th, why := a.theme(), a.failure()
		if why.Means == "" {
			why.Means = a.waitsFor()
		}
		if why.Do == "" {
			why.Do = "read its log (l) and its details (d), then choose"
		}
		out := paraIn(th, th.Strong, "What happened", why.What, w)
		out = append(out, para(th, "What it means", why.Means, w)...)
		out = append(out, para(th, "What to do", why.Do, w)...)
		return append(out, a.attemptLines(w)...)
	}
	for _, b := range a.q.Fallbacks { // the kind knows another way: it comes first, the best at the top
		f.rows = append(f.rows, row{name: b.Name, words: b.Words(), do: func() tea.Cmd {
			return a.send(f, runbook.Reply{Choice: b.Use()}, nil)
		}})
	}
	f.rows = append(f.rows, a.afterRows(f, "tries "+a.q.Step+" again; nothing else is repeated", "do it yourself: shows the commands, then say that it is done")...)
	return f
}

// waitsFor is what a failure means when nothing more is known of it.
func (a *ask) waitsFor() string {
	p := a.v.opened.Plan
	if p == nil {
		return ""
	}
	var later []string
	for _, id := range runbook.Descendants(p, a.q.Step) {
		if st := a.v.state.Step(id); !st.Settled() {
			later = append(later, id)
		}
	}
	if len(later) == 0 {
		return "no other step waits for it"
	}
	return "nothing that depends on it has started: " + strings.Join(later, ", ")
}

func (a *ask) failure() runbook.Failure {
	if why := a.v.state.Step(a.q.Step).Failure; why != nil {
		return *why
	}
	return runbook.Failure{What: a.q.Text}
}

// claimedForm asks about what a person said, which looking did not bear out.
func (a *ask) claimedForm() *form {
	f := &form{sign: a.theme().Sign.Unknown, title: a.q.Step + ": what was done by hand is not borne out", style: asking(a.v)}
	f.body = func(w int) []string {
		th, st := a.theme(), a.v.state.Step(a.q.Step)
		out := paraIn(th, th.Strong, "What was said", st.Why, w)
		out = append(out, paraIn(th, th.Strong, "What was seen", st.Seen, w)...)
		return append(out, para(th, "What to do", "by hand again with what is right; the same once more is taken as it is", w)...)
	}
	again := a.afterRows(f, "lifeboat tries it again, with a new key", "say again what is there")
	again[0], again[1] = again[1], again[0]
	f.rows = append([]row{{name: "look again", words: "changes nothing", do: func() tea.Cmd {
		return a.send(f, runbook.Reply{Choice: runbook.ChooseLook}, nil)
	}}}, again...)
	return f
}

func (a *ask) unknownForm() *form {
	if a.v.state.Step(a.q.Step).Claim != nil {
		return a.claimedForm()
	}
	f := &form{sign: a.theme().Sign.Unknown, title: a.q.Step + ": it is not known whether it happened", style: asking(a.v)}
	again := "sent once more with the same key, by which the far side can know it again"
	if a.v.state.Step(a.q.Step).Spent {
		again = "sent once more, with a new key: the old one is used up"
	}
	f.body = func(w int) []string {
		th, st := a.theme(), a.v.state.Step(a.q.Step)
		seen := st.Seen
		if seen == "" {
			seen = "nothing yet"
		}
		out := paraIn(th, th.Strong, "What was sent", st.Why, w)
		out = append(out, para(th, "Seen since", seen, w)...)
		out = append(out, para(th, "It may be", "that it happened, and only the answer was lost: look again, or say by hand that it did", w)...)
		out = append(out, para(th, "", "that it did not happen: retry", w)...)
		out = append(out, para(th, "", "that it is still under way: wait a little, then look again", w)...)
		return append(out, a.attemptLines(w)...)
	}
	f.rows = append([]row{{name: "look again", words: "changes nothing", do: func() tea.Cmd {
		return a.send(f, runbook.Reply{Choice: runbook.ChooseLook}, nil)
	}}}, a.afterRows(f, again, "it did happen, or you do it yourself: say so")...)
	if len(f.rows) > 2 { // by hand before retry: what may have happened is not done again lightly
		f.rows[1], f.rows[2] = f.rows[2], f.rows[1]
	}
	return f
}

// afterRows are the ways on from a step that did not arrive, the best first.
func (a *ask) afterRows(f *form, retry, hand string) []row {
	out := []row{
		{name: "retry", words: retry, do: func() tea.Cmd { return a.send(f, runbook.Reply{Choice: runbook.ChooseRetry}, nil) }},
		{name: "by hand", words: hand, do: a.opens("by hand", a.handForm)},
		{name: "skip…", words: "later steps may fail; needs a reason; the run will say so", do: a.opens("skip", a.skipForm)},
	}
	if a.v.undoable() {
		out = append(out, row{name: "undo…", words: "choose how far back; the run ends", do: func() tea.Cmd {
			return a.open("undo", func() *form { return newUndoForm(a.dialog) })
		}})
	}
	return append(out, a.stopRow())
}

func (a *ask) stopRow() row {
	return row{name: "stop…", words: "leave things as they are; the run ends", do: a.opens("stop", a.stopForm)}
}

// attemptLines are the attempts, in one line when they all ended alike, else the last ones, the newest first.
func (a *ask) attemptLines(w int) []string {
	all := a.attempts
	if len(all) < 2 {
		return nil
	}
	last := all[len(all)-1]
	if !slices.ContainsFunc(all, func(past attempt) bool { return past.why != last.why }) {
		text := fmt.Sprintf("%d, the first at %s, the last at %s, all alike", last.n, clockTime(all[0].at), clockTime(last.at))
		return para(a.theme(), "Attempts", text, w)
	}
	var out []string
	for i, past := range slices.Backward(all) {
		head := ""
		if i == len(all)-1 {
			head = "Attempts"
		}
		if len(all)-i > 3 {
			out = append(out, para(a.theme(), "", "and "+plural(i+1, "earlier one"), w)...)
			break
		}
		out = append(out, para(a.theme(), head, fmt.Sprintf("%d at %s: %s", past.n, clockTime(past.at), past.why), w)...)
	}
	return out
}

func clockTime(t time.Time) string { return t.Format(time.TimeOnly) }

func (a *ask) step() *runbook.PlannedStep {
	if a.v.opened.Plan == nil {
		return nil
	}
	step, _ := a.v.opened.Plan.Step(a.q.Step)
	return step
}

func (a *ask) typed() bool { return a.q.Confirm == runbook.ConfirmType }

// ageText is how long ago something was on the run's clock.
func ageText(v *runView, at time.Time) string {
	if at.IsZero() {
		return "no time known"
	}
	return agoText(v.now.Sub(at))
}

func commandLines(th *theme.Theme, commands []string, w int) []string {
	var out []string
	for _, c := range commands {
		if words, is := strings.CutPrefix(c, "#"); is {
			out = append(out, textLines(th.Dim, strings.TrimSpace(words), w)...)
			continue
		}
		out = append(out, textLines(th.Strong, "$ "+c, w)...)
	}
	return out
}
