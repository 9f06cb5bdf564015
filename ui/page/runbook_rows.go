package page

import (
	"cmp"
	"fmt"
	"strings"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// The keys of rows that are always there.
const (
	rbFocusStart = "start"
	rbFocusMode  = "mode"
)

type rbKind int

const (
	rbText rbKind = iota
	rbMode
	rbField // an input, the night, the scene, the speed, the reference
	rbStart
	rbForecast
	rbAxis
	rbStep
	rbFolded
	rbGuard
	rbPast
)

// rbRow is one line of the body; with a key it can have the focus.
type rbRow struct {
	kind rbKind
	i    int
	text string
	key  string
}

// rbChoice is one thing that can be chosen before a start.
type rbChoice struct {
	key, name, title string
	value            string
	options          []Option // none: free text
	set              func(c *Choice, value string)
}

// modes in the order in which they are offered.
func rbModes() []runbook.Mode { return []runbook.Mode{runbook.Live, runbook.Drill, runbook.Rehearse} }

// speeds of a rehearsal.
func rbSpeeds() []Option {
	return []Option{
		{"1", "as it would be"},
		{"2", "twice as fast"},
		{"5", "five times as fast"},
		{"10", "ten times as fast"},
		{"30", "thirty times as fast"},
		{"60", "a minute in a second"},
	}
}

// fields lists what can be chosen.
func (p *runbookPage) fields() []rbChoice {
	var out []rbChoice
	for _, in := range p.preview.Inputs {
		value := in.Value
		if v, given := p.choice.Inputs[in.Name]; given {
			value = v
		}
		out = append(out, rbChoice{
			key: "input " + in.Name, name: in.Name, title: in.Title, value: value, options: in.Options,
			set: func(c *Choice, v string) { c.Inputs[in.Name] = v },
		})
	}
	if p.preview.Plan == nil {
		return out
	}
	if p.choice.Mode != runbook.Rehearse {
		return append(out, rbChoice{
			key: "reference", name: "reference", title: "a ticket or change number, for the record", value: p.choice.Reference,
			set: func(c *Choice, v string) { c.Reference = v },
		})
	}
	if len(p.preview.Nights) > 0 {
		out = append(out, rbChoice{
			key: "night", name: "night", title: "what goes wrong", value: orElse(orElse(p.choice.Night, p.preview.Choice.Night), p.preview.Nights[0].Name),
			options: p.preview.Nights, set: func(c *Choice, v string) { c.Night = v },
		})
	}
	if len(p.preview.Scenes) > 0 {
		out = append(out, rbChoice{
			key: "scene", name: "scene", title: "how production is at the start", value: orElse(orElse(p.choice.Scene, p.preview.Choice.Scene), p.preview.Scenes[0].Name),
			options: p.preview.Scenes, set: func(c *Choice, v string) { c.Scene = v },
		})
	}
	speed := cmp.Or(max(0, p.choice.Speed), max(0, p.preview.Choice.Speed), 1)
	return append(out, rbChoice{
		key: "speed", name: "speed", title: "how fast its clock runs", value: fmt.Sprint(speed), options: rbSpeeds(),
		set: func(c *Choice, v string) { _, _ = fmt.Sscan(v, &c.Speed) },
	})
}

// lay lists the rows.
func (p *runbookPage) lay() []rbRow {
	var out []rbRow
	text := func(lines ...string) {
		for _, l := range lines {
			out = append(out, rbRow{text: l})
		}
	}
	th := p.env.Theme
	if p.changed != "" {
		text(p.wrapped(th.Warn.Render(th.Sign.Warn)+" ", p.changed)...)
	}
	if p.trouble != nil {
		text(p.troubleLines("it did not start", p.trouble)...)
	}
	if !p.known {
		text(" " + th.Dim.Render("reading the runbook"+th.Sign.Ellipsis))
		return append(out, rbRow{kind: rbStart, key: rbFocusStart})
	}
	if p.preview.Trouble != nil || p.preview.Plan == nil {
		text(p.brokenLines()...)
		return append(out, p.pastRows()...)
	}
	if plan := p.preview.Plan; p.h >= 14 {
		text(p.about(plan)...)
	}
	out = append(out, rbRow{kind: rbMode, key: rbFocusMode})
	if why := p.whyNot(); why != "" {
		text(p.wrapped(th.Dim.Render(th.Sign.Dot)+" ", why)...)
	}
	for i, f := range p.fields() {
		out = append(out, rbRow{kind: rbField, i: i, key: f.key})
	}
	out = append(out, rbRow{kind: rbStart, key: rbFocusStart}, rbRow{kind: rbForecast}, rbRow{kind: rbAxis})
	for i := range p.outline.steps {
		out = append(out, rbRow{kind: rbStep, i: i, key: "step " + p.preview.Plan.Steps[p.outline.steps[i]].ID})
	}
	if len(p.outline.folded) > 0 {
		out = append(out, rbRow{kind: rbFolded, key: "folded"})
	}
	out = append(out, p.guardRows()...)
	for _, n := range p.preview.Notes {
		text(p.wrapped(th.Dim.Render(th.Sign.Dot)+" ", n)...)
	}
	return append(out, p.pastRows()...)
}

// about is what the runbook is for, as far as it fits one line; a tall screen shows all.
func (p *runbookPage) about(plan *runbook.Plan) []string {
	th := p.env.Theme
	most := 1
	if p.h >= 30 {
		most = 8
	}
	words := plan.Title
	if plan.Summary != "" {
		words += ". " + plan.Summary
	}
	if most == 1 && widget.Width(words)+2 > p.w && plan.Summary != "" {
		words = plan.Summary // a title with half a sentence says less, and the head says from where to where
	}
	if most == 1 {
		return []string{" " + th.Text.Render(words)}
	}
	var out []string
	for _, l := range widget.Wrap(words, max(1, p.left()-2)) {
		out = append(out, " "+th.Text.Render(l))
	}
	return out[:min(most, len(out))]
}

// whyNot says which modes cannot be chosen, and why.
func (p *runbookPage) whyNot() string {
	live, drill := p.preview.WhyNotLive, p.preview.WhyNoDrill
	switch {
	case live != "" && live == drill:
		return "LIVE and DRILL: " + live
	case live != "" && drill != "":
		return "LIVE: " + live + "; DRILL: " + drill
	case live != "":
		return "LIVE: " + live
	case drill != "":
		return "DRILL: " + drill
	}
	return ""
}

func (p *runbookPage) guardRows() []rbRow {
	if len(p.preview.Plan.Guards) == 0 {
		return nil
	}
	th := p.env.Theme
	out := []rbRow{{}, {text: " " + th.Head.Render("GUARDS") + th.Dim.Render("  must hold before the first step")}}
	for i := range p.preview.Plan.Guards {
		out = append(out, rbRow{kind: rbGuard, i: i, key: "guard " + p.preview.Plan.Guards[i].ID})
	}
	return out
}

func (p *runbookPage) pastRows() []rbRow {
	th := p.env.Theme
	zone, _ := p.env.Now().Zone()
	out := []rbRow{{}, {text: " " + th.Head.Render("PAST RUNS") + " " + th.Dim.Render(zone)}}
	for i, r := range p.preview.Past {
		out = append(out, rbRow{kind: rbPast, i: i, key: "past " + string(r.Run)})
	}
	if len(p.preview.Past) == 0 {
		out = append(out, rbRow{text: "   " + th.Dim.Render("none yet")})
	}
	return out
}

// brokenLines show what is wrong as the file's reader has written it, with its caret lines: they are never wrapped.
func (p *runbookPage) brokenLines() []string {
	th := p.env.Theme
	t := p.preview.Trouble
	if t == nil {
		t = &Trouble{What: "the runbook could not be read", Do: "look whether its file is there"}
	}
	out := []string{" " + th.Bad.Render(th.Sign.Failed+" "+p.name()+" cannot run as its files are") + " " + th.Dim.Render(p.preview.Path), ""}
	first, rest, more := strings.Cut(t.What, "\n")
	for _, l := range widget.Wrap(first, max(1, p.left()-4)) {
		out = append(out, "   "+l)
	}
	if more { // a piece of the file with a mark below it: it stays as it is
		for _, l := range strings.Split(rest, "\n") {
			out = append(out, "   "+l)
		}
	}
	out = append(out, "")
	if t.Means != "" {
		out = append(out, p.wrapped("", t.Means)...)
	}
	if t.Do != "" {
		out = append(out, p.wrapped(th.Strong.Render(th.Sign.Arrow)+" ", t.Do)...)
	}
	out = append(out, "")
	for _, l := range widget.Wrap("Mend the file; it is read again every few seconds, and with r.", max(1, p.left()-2)) {
		out = append(out, " "+th.Dim.Render(l))
	}
	return out
}

func (p *runbookPage) troubleLines(head string, t *Trouble) []string {
	th := p.env.Theme
	out := p.wrapped(th.Bad.Render(th.Sign.Failed)+" ", head+": "+t.What)
	if t.Means != "" {
		out = append(out, p.wrapped("  ", t.Means)...)
	}
	if t.Do != "" {
		out = append(out, p.wrapped(th.Strong.Render(th.Sign.Arrow)+" ", t.Do)...)
	}
	return out
}

// wrapped breaks words into lines behind a sign.
func (p *runbookPage) wrapped(sign, words string) []string {
	var out []string
	n := widget.Width(sign)
	for _, part := range strings.Split(words, "\n") {
		for _, l := range widget.Wrap(part, max(1, p.left()-n-2)) {
			if len(out) > 0 {
				sign = widget.Gap(n)
			}
			out = append(out, " "+sign+l)
		}
	}
	return out
}
