package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// stepFact is one line of a step's details: a label, and a value that may take several lines.
type stepFact struct {
	label, sign, text string
	head              bool
}

// factLabel is the width of the labels.
const factLabel = 9

func (f stepFact) lines(th *theme.Theme, w int) []string {
	switch {
	case f.head && f.text == "":
		return []string{""}
	case f.head:
		return []string{" " + th.Head.Render(widget.Cut(th, f.text, w-1))}
	}
	first := " " + th.Dim.Render(widget.Fit(th, f.label, factLabel)) + " "
	indent := factLabel + 2
	if f.sign != "" {
		first += showMark(th, f.sign) + " "
		indent += 2
	}
	return hang(th, first, f.text, indent, w)
}

// facts are what the record says about a step, the outcome first.
func (p *Show) facts(id string) []stepFact {
	v := p.view
	st, step := v.state.Step(id), v.planned(id)
	out := []stepFact{{head: true, text: id}}
	add := func(label, text string) {
		if text != "" {
			out = append(out, stepFact{label: label, text: text})
		}
	}
	if step.Title != id {
		add("what", step.Title)
	}
	add("why", step.Why)
	out = append(out, stepFact{label: "status", sign: stepMark(st), text: stepStatus(st)})
	add("", stepWhy(st))
	if st.Status == runbook.StatusFailed && st.Failure != nil {
		add("do", st.Failure.Do)
	}
	add("evidence", st.Evidence)
	add("time", p.stepTimes(id, st))
	add("kind", orElse(st.Kind, kindName(step)))
	add("needs", strings.Join(step.Needs, ", "))
	if st.Attempt > 1 {
		add("attempts", fmt.Sprintf("%d, key %s (generation %d)", st.Attempt, st.Key, st.Generation))
	}
	for _, name := range sortedNames(st.Outputs) {
		if text := outputText(st.Outputs[name]); text != "" {
			add("left", name+" = "+text)
		}
	}
	for _, t := range st.Made {
		add("made", t.String())
	}
	for _, t := range st.Changed {
		add("changed", t.String())
	}
	if a := st.Approval; a.Given != nil {
		add("approved", strings.TrimSuffix("by "+a.Given.By.String()+": "+a.Given.Note, ": "))
	}
	out = append(out, p.told(id)...)
	return out
}

// outputText is a value that a step left for later ones.
func outputText(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Sprint(v)
	}
	var parts []string
	for _, k := range sortedNames(m) {
		parts = append(parts, k+" "+outputText(m[k]))
	}
	return strings.Join(parts, ", ")
}

func kindName(s runbook.PlannedStep) string {
	return s.Kind.Name
}

func stepStatus(st runbook.StepState) string {
	out := string(st.Status)
	if st.Undo != runbook.UndoNone {
		out += ", undo " + string(st.Undo)
	}
	if st.Overdue {
		out += ", over its budget"
	}
	return out
}

// stepTimes says when the step began on the run's clock, how long it took and what was expected.
func (p *Show) stepTimes(id string, st runbook.StepState) string {
	if st.First.IsZero() {
		return ""
	}
	out := "from " + onClock(&p.view.state, st.First)
	if took := stepTook(st); took > 0 || !st.Ended.IsZero() {
		out += ", took " + tookText(took)
	}
	if e, ok := p.view.opened.Estimates[id]; ok && e.P50 > 0 {
		out += ", expected " + runbook.ClockText(e.P50) + " (" + e.Source + ")"
	}
	return out
}

func tookText(d time.Duration) string {
	if d < 10*time.Second {
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return runbook.ClockText(d)
}

// told is every event about a step.
func (p *Show) told(id string) []stepFact {
	var out []stepFact
	for _, e := range p.events {
		if e.step != id {
			continue
		}
		if len(out) == 0 {
			out = append(out, stepFact{head: true}, stepFact{head: true, text: "WHAT HAPPENED"})
		}
		out = append(out, stepFact{label: widget.Right(e.at, factLabel-1), sign: e.sign, text: e.words})
	}
	return out
}

// detailText is a step's details with its log below.
func (p *Show) detailText() paragraphs {
	th, d := p.env.Theme, p.detail
	facts := p.facts(d.step)
	facts = append(facts, stepFact{head: true}, stepFact{head: true, text: "ITS LOG"})
	n := len(d.log.lines)
	return paragraphs{len(facts) + max(1, n), func(i, w int) []string {
		switch {
		case i < len(facts):
			return facts[i].lines(th, w)
		case n == 0:
			return hang(th, "   ", th.Dim.Render(logEmpty(d.log, "the step wrote no log")), 3, w)
		}
		return logLines(th, d.log.lines[i-len(facts)], w)
	}}
}

// fileLine is one line of a file as it was when the run started.
type fileLine struct {
	head   string
	number int
	text   string
}

func (f fileLine) lines(th *theme.Theme, w int) []string {
	if f.number == 0 {
		return []string{widget.Cut(th, " "+th.Head.Render(f.head), w)}
	}
	if w < 24 {
		return []string{widget.Cut(th, f.text, w)}
	}
	return hang(th, th.Dim.Render(widget.Right(strconv.Itoa(f.number), 6))+"  ", f.text, 8, w)
}

// fileLines are the runbook and the estate as they were.
func fileLines(v *runView) []fileLine {
	var out []fileLine
	for _, f := range []struct {
		what string
		runbook.Source
	}{{"RUNBOOK", v.state.Start.Runbook}, {"ESTATE", v.state.Start.Estate}} {
		if len(out) > 0 {
			out = append(out, fileLine{head: " "})
		}
		digest := f.Digest
		if len(digest) > 19 {
			digest = digest[:19]
		}
		out = append(out, fileLine{head: f.what + "  " + f.Path + "  as it was at the start  " + digest})
		for i, l := range strings.Split(strings.TrimSuffix(f.Text, "\n"), "\n") {
			out = append(out, fileLine{number: i + 1, text: strings.ReplaceAll(l, "\t", "    ")})
		}
	}
	return out
}
