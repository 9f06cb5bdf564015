package page

import (
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// part is a piece of the pause screen in several lengths, the longest first. Weight says how long it is kept: where there is
// too little room, the lightest part gives way first.
type part struct {
	weight   int
	variants [][]string
	use      int
}

func (p *part) lines() []string {
	if p.use < len(p.variants) {
		return p.variants[p.use]
	}
	return nil
}

// beforeLines is the one pause before something acts: on what, under which conditions, what is changed, what no key puts
// back. The head of the screen stands above it and the question below.
func beforeLines(v *runView, w, h int) []string {
	if w < 1 || h < 1 {
		return nil
	}
	parts := v.beforeParts(w)
	for total(parts) > h {
		least := -1
		for i := range parts {
			if parts[i].use < len(parts[i].variants) && (least < 0 || parts[i].weight <= parts[least].weight) {
				least = i
			}
		}
		if least < 0 {
			break
		}
		if parts[least].use++; parts[least].use < len(parts[least].variants) {
			parts[least].weight += keepShort
		}
	}
	var out []string
	for i := range parts {
		for _, l := range parts[i].lines() {
			out = append(out, widget.Cut(v.env.Theme, l, w))
		}
	}
	return out[:min(len(out), h)]
}

// keepShort is added to the weight of a part that has been shortened: everything is shortened before anything goes.
const keepShort = 10

func total(parts []part) int {
	n := 0
	for i := range parts {
		n += len(parts[i].lines())
	}
	return n
}

// beforeParts are the parts in the order in which they stand.
func (v *runView) beforeParts(w int) []part {
	th, mode := v.env.Theme, v.state.Start.Mode
	gap := part{weight: 0, variants: [][]string{{""}}}
	rule := th.Line
	switch mode {
	case runbook.Live:
		rule = th.Bad
	case runbook.Drill:
		rule = th.Active
	}
	parts := []part{
		{weight: 1, variants: [][]string{{rule.Render(th.Rule(mode, w))}}},
		{weight: 19, variants: [][]string{v.modeLines(w)}},
		gap,
		{weight: 8, variants: v.guardLines(w)},
		gap,
		{weight: 6, variants: v.changeLines(w)},
		gap,
		{weight: 7, variants: v.foreverLines(w)},
		gap,
		{weight: 5, variants: v.expectLines(w)},
		{weight: 3, variants: v.inputLines(w)},
		{weight: 2, variants: v.whoLines(w)},
	}
	if v.opened.Plan == nil {
		why := "this lifeboat cannot read the run's plan, so what it would change is not shown"
		if t := v.opened.PlanWhy; t != nil {
			why += ": " + t.What
		}
		parts = append(parts[:2], part{weight: 18, variants: [][]string{textLines(th.Bad, " "+th.Sign.Warn+" "+why, w)}}, parts[3])
	}
	return parts
}

// modeLines say on what the run acts, in words.
func (v *runView) modeLines(w int) []string {
	th := v.env.Theme
	word, style := "REHEARSE", th.Rehearse
	text := "in a simulated cloud: nothing real is touched"
	switch v.state.Start.Mode {
	case runbook.Live:
		word, style, text = "LIVE", th.Bad, "this changes production"
	case runbook.Drill:
		word, style, text = "DRILL", th.Active, "this changes only what the drill names and what it makes itself; production stays as it is"
	}
	if p := v.opened.Plan; p != nil && p.Estate != nil {
		e := p.Estate
		text += ": " + e.Production.Region + " " + th.Sign.Arrow + " " + e.Standby.Region + " of " + e.Name
		if e.Account != "" {
			text += ", account " + e.Account
		}
	}
	lines := widget.Wrap(word+"  "+text, max(1, w-1))
	for i, l := range lines {
		if rest, is := strings.CutPrefix(l, word); is && i == 0 {
			lines[i] = " " + style.Render(word) + th.Text.Render(rest)
			continue
		}
		lines[i] = " " + th.Text.Render(l)
	}
	return lines
}

// guard is one line of the conditions.
type guardLine struct {
	sign, title, value string
	well               bool
	paint              func(...string) string
}

func (v *runView) guardLines(w int) [][]string {
	th := v.env.Theme
	var all []guardLine
	if p := v.opened.Plan; p != nil {
		for i := range p.Guards {
			all = append(all, v.guardLine(p.Guards[i].ID, p.Guards[i].Title, p.Guards[i].Applicable))
		}
	} else {
		for _, id := range sortedIDs(v.state.Guards) {
			all = append(all, v.guardLine(id, id, true))
		}
	}
	if len(all) == 0 {
		return [][]string{{section(th, "GUARDS", "this runbook has none", w)}}
	}
	long, short, few := []string{section(th, "GUARDS", "", w)}, []string{section(th, "GUARDS", "", w)}, []string{}
	well := 0
	for _, g := range all {
		head := "   " + g.paint(g.sign) + " "
		long = append(long, head+th.Text.Render(g.title))
		for _, l := range widget.Wrap(g.value, max(1, w-7)) {
			long = append(long, "       "+g.paint(l))
		}
		one := head + widget.Cut(th, g.title+": "+g.value, max(1, w-5))
		if room := w - 5; w >= 70 {
			one = head + th.Text.Render(widget.Fit(th, g.title, room*2/5)) + "  " + g.paint(widget.Cut(th, g.value, room-room*2/5-2))
		}
		short = append(short, one)
		if g.well {
			well++
		} else {
			few = append(few, one)
		}
	}
	if well == len(all) {
		few = append(few, " "+th.Good.Render(th.Sign.Done+" "+plural(well, "guard")+" settled"))
	}
	return [][]string{long, short, few}
}

func (v *runView) guardLine(id, title string, applicable bool) guardLine {
	th, g := v.env.Theme, v.state.Guard(id)
	age := ", " + ageText(v, g.At)
	withEvidence := func(word string) string {
		if g.Evidence != "" {
			word += ": " + g.Evidence
		}
		return word + age
	}
	switch {
	case g.Status == runbook.StatusNotNeeded || !applicable:
		return guardLine{th.Sign.NotNeeded, title, "not asked in this mode", true, th.Dim.Render}
	case g.Status == runbook.StatusDone:
		return guardLine{th.Sign.Done, title, withEvidence("holds"), true, th.Good.Render}
	case g.Status == runbook.StatusWaived:
		by := ""
		if g.By != nil {
			by = " by " + g.By.String()
		}
		return guardLine{th.Sign.Warn, title, withEvidence("waived" + by), false, th.Warn.Render}
	case g.Status == runbook.StatusFailed && g.Unsure:
		return guardLine{th.Sign.Unknown, title, withEvidence("could not be checked"), false, th.Asking.Render}
	case g.Status == runbook.StatusFailed:
		return guardLine{th.Sign.Failed, title, withEvidence("does not hold"), false, th.Bad.Render}
	}
	return guardLine{th.Sign.Running, title, "checking" + th.Sign.Ellipsis, false, th.Active.Render}
}

// section is the heading of a part, with what can be said in the same line.
func section(th *theme.Theme, head, text string, w int) string {
	if text == "" {
		return " " + th.Head.Render(head)
	}
	return " " + th.Head.Render(head) + "  " + widget.Cut(th, text, max(1, w-len(head)-3))
}

// expectLines are how long it will take, against how long it may.
func (v *runView) expectLines(w int) [][]string {
	th, target := v.env.Theme, time.Duration(v.state.Start.Target)
	f := v.forecast
	text := "forecast " + runbook.ClockText(f.P50)
	if f.P90 > f.P50 {
		text += " (9 of 10 by " + runbook.ClockText(f.P90) + ")"
	}
	words := th.Text.Render(text)
	if target > 0 {
		spare, style := th.Sign.Done+" "+runbook.ClockText(target-f.P50)+" to spare", th.Good
		if f.P50 > target {
			spare, style = th.Sign.Warn+" "+runbook.ClockText(f.P50-target)+" too long", th.Warn
		}
		words += th.Text.Render(" "+th.Sign.Dot+" target "+runbook.ClockText(target)+" "+th.Sign.Dot+" ") + style.Render(spare)
	}
	return [][]string{{section(th, "TIME", words, w)}}
}

func (v *runView) inputLines(w int) [][]string {
	inputs := v.state.Start.Inputs
	if len(inputs) == 0 {
		return nil
	}
	var parts []string
	for _, name := range sortedIDs(inputs) {
		parts = append(parts, name+" = "+inputs[name])
	}
	th := v.env.Theme
	return [][]string{{section(th, "INPUTS", strings.Join(parts, " "+th.Sign.Dot+" "), w)}}
}

func (v *runView) whoLines(w int) [][]string {
	th, s := v.env.Theme, v.state.Start
	text := s.By.String() + ", " + ageText(v, v.state.StartedAt)
	if s.Reference != "" {
		text += " " + th.Sign.Dot + " reference " + s.Reference
	}
	return [][]string{{section(th, "STARTED BY", text, w)}}
}
