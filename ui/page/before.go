package page

import (
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// part is a piece of the pause screen in several lengths, the longest first.
type part struct {
	variants [][]string
	weights  []int // how long each of them is kept: where there is too little room, the lightest gives way first
	use      int
}

func (p *part) there() bool { return p.use < len(p.variants) }

func (p *part) lines() []string {
	if p.there() {
		return p.variants[p.use]
	}
	return nil
}

func onePart(weight int, lines []string) part {
	return part{variants: [][]string{lines}, weights: []int{weight}}
}

// beforeLines is the one pause before something acts: on what, under which conditions, what is changed, what no key puts
// back. The head of the screen stands above it and the question below.
func beforeLines(v *runView, w, h int) []string {
	if w < 1 || h < 1 {
		return nil
	}
	parts := v.beforeParts(w)
	for total(parts) > h {
		lightest := -1
		for i := range parts {
			if p := &parts[i]; p.there() && (lightest < 0 || p.weights[p.use] <= parts[lightest].weights[parts[lightest].use]) {
				lightest = i
			}
		}
		if lightest < 0 {
			break
		}
		parts[lightest].use++
	}
	var out []string
	for i := range parts {
		for _, l := range parts[i].lines() {
			out = append(out, widget.Cut(v.env.Theme, l, w))
		}
	}
	return out[:min(len(out), h)]
}

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
	gap := onePart(0, []string{""})
	rule := th.Line
	switch mode {
	case runbook.Live:
		rule = th.Bad
	case runbook.Drill:
		rule = th.Active
	}
	parts := []part{
		onePart(14, []string{rule.Render(th.Rule(mode, w))}),
		onePart(19, v.modeLines(w)),
		gap,
		{variants: v.guardLines(w), weights: []int{5, 15, 17, 18}},
		gap,
		{variants: v.changeLines(w), weights: []int{6, 8, 13, 16}},
		v.needlessPart(w),
		gap,
		{variants: v.foreverLines(w), weights: []int{7, 17}},
		gap,
		onePart(15, v.expectLines(w)),
		v.othersPart(w),
		onePart(12, v.inputLines(w)),
		onePart(11, v.whoLines(w)),
	}
	if v.opened.Plan == nil {
		why := "this lifeboat cannot read the run's plan, so what it would change is not shown"
		if t := v.opened.PlanWhy; t != nil {
			why += ": " + t.What
		}
		parts = append(parts[:2], onePart(18, textLines(th.Bad, " "+th.Sign.Warn+" "+why, w)), parts[3])
	}
	return parts
}

// modeLines say on what the run acts, in words.
func (v *runView) modeLines(w int) []string {
	th, mode := v.env.Theme, v.state.Start.Mode
	word, style := "REHEARSE", th.Rehearse
	text := "simulated, nothing real is touched"
	switch mode {
	case runbook.Live:
		word, style, text = "LIVE", th.Bad, "changes production"
	case runbook.Drill:
		word, style, text = "DRILL", th.Active, "changes only what the drill names and what it makes itself"
	}
	if p := v.opened.Plan; p != nil && p.Estate != nil {
		e := p.Estate
		text += ": " + e.Name + ", " + v.way.words(th, e)
		if e.Account != "" && mode != runbook.Rehearse {
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

// guardLine is one of the conditions.
type guardLine struct {
	sign, id, title, value, age string
	well                        bool
	style                       theme.Style
}

// guardLines are the conditions: with their titles and all that was seen, then a line each, then those that do not hold.
func (v *runView) guardLines(w int) [][]string {
	th := v.env.Theme
	all := v.guards()
	if len(all) == 0 {
		return [][]string{{section(th, "GUARDS", "this runbook has none", w)}}
	}
	names, well := 0, 0
	for _, g := range all {
		names = max(names, widget.Width(g.id))
	}
	names = min(names, 16, max(1, w/3))
	head := section(th, "GUARDS", "", w)
	long, short, few := []string{head}, []string{head}, []string{}
	for _, g := range all {
		sign := "   " + g.style.Render(g.sign) + " "
		age := ""
		if g.age != "" {
			age = " " + g.age + " "
		}
		long = append(long, widget.Ends(th, sign+th.Text.Render(g.title), th.Dim.Render(age), w))
		for _, l := range widget.Wrap(g.value, max(1, w-7)) {
			long = append(long, "     "+g.style.Render(l))
		}
		one := widget.Ends(th, sign+th.Strong.Render(widget.Fit(th, g.id, names))+"  "+g.style.Render(g.value), th.Dim.Render(age), w)
		short = append(short, one)
		if g.well {
			well++
		} else {
			few = append(few, one)
		}
	}
	bad := few
	if well > 0 {
		few = append(few[:len(few):len(few)], "   "+th.Good.Render(th.Sign.Done+" "+plural(well, "guard")+" settled"))
	}
	return [][]string{long, short, few, bad}
}

func (v *runView) guards() []guardLine {
	var out []guardLine
	p := v.opened.Plan
	if p == nil {
		for _, id := range sortedIDs(v.state.Guards) {
			out = append(out, v.guardLine(id, id, true))
		}
		return out
	}
	for i := range p.Guards {
		out = append(out, v.guardLine(p.Guards[i].ID, p.Guards[i].Title, p.Guards[i].Applicable))
	}
	return out
}

func (v *runView) guardLine(id, title string, applicable bool) guardLine {
	th, g := v.env.Theme, v.state.Guard(id)
	line := guardLine{id: id, title: title, age: ageText(v, g.At)}
	say := func(sign, word string, style theme.Style) guardLine {
		line.sign, line.value, line.style = sign, word, style
		if g.Evidence != "" {
			line.value += ": " + g.Evidence
		}
		return line
	}
	switch {
	case g.Status == runbook.StatusNotNeeded || !applicable:
		line.well, line.age = true, ""
		return say(th.Sign.NotNeeded, "not asked in this mode", th.Dim)
	case g.Status == runbook.StatusDone:
		line.well = true
		return say(th.Sign.Done, "holds", th.Good)
	case g.Status == runbook.StatusWaived && g.By != nil:
		return say(th.Sign.Warn, "waived by "+g.By.String(), th.Warn)
	case g.Status == runbook.StatusWaived:
		return say(th.Sign.Warn, "waived", th.Warn)
	case g.Status == runbook.StatusFailed && g.Unsure:
		return say(th.Sign.Unknown, "could not be checked", th.Asking)
	case g.Status == runbook.StatusFailed:
		return say(th.Sign.Failed, "does not hold", th.Bad)
	}
	line.age = ""
	return say(th.Sign.Running, "checking"+th.Sign.Ellipsis, th.Active)
}

// section is the heading of a part, with what can be said in the same line.
func section(th *theme.Theme, head, text string, w int) string {
	if text == "" {
		return " " + th.Head.Render(head)
	}
	return " " + th.Head.Render(head) + "  " + widget.Cut(th, text, max(1, w-len(head)-3))
}

// expectLines are how long it will take, against how long it may.
func (v *runView) expectLines(w int) []string {
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
	return []string{section(th, "TIME", words, w)}
}

// othersPart is about the other runs that are open: all there is to know of them, then one line. A live one may act on the same
// servers: its line stays nearly as long as what this run acts on.
func (v *runView) othersPart(w int) part {
	if v.replayed { // it is not known who was there then
		return part{}
	}
	th, all := v.env.Theme, v.opened.Others
	const head = "ALSO OPEN"
	if len(all) == 0 {
		return onePart(1, []string{section(th, head, th.Dim.Render("no other run"), w)})
	}
	var long []string
	short, weight := 0, 8
	for i, o := range all {
		style := th.Dim
		if o.Mode == runbook.Live {
			style = th.Warn
			if weight == 8 {
				short, weight = i, 18
			}
		}
		for n, l := range widget.Wrap(v.otherText(&o), max(1, w-len(head)-4)) {
			left := widget.Gap(len(head) + 3)
			if i == 0 && n == 0 {
				left = " " + th.Head.Render(head) + "  "
			}
			long = append(long, left+style.Render(l))
		}
	}
	style := th.Dim
	if weight == 18 {
		style = th.Warn
	}
	o := &all[short]
	text := th.Sign.Holding + " " + strings.ToUpper(string(o.Mode)) + " " + o.Name + " by " + o.By.String()
	if n := len(all) - 1; n > 0 {
		text += " and " + plural(n, "other run")
	}
	return part{variants: [][]string{long, {section(th, head, style.Render(text), w)}}, weights: []int{min(weight, 9), weight}}
}

// otherText is all there is to know of another run.
func (v *runView) otherText(o *RunLine) string {
	text := v.env.Theme.Sign.Holding + " " + strings.ToUpper(string(o.Mode)) + " " + o.Name + ", started " +
		agoText(v.env.Now().Sub(o.Started)) + " by " + o.By.String()
	switch {
	case !o.Driven:
		text += ", nobody drives it"
	case o.Driver != "":
		text += ", driven by " + o.Driver
	}
	return text
}

func (v *runView) inputLines(w int) []string {
	inputs := v.state.Start.Inputs
	if len(inputs) == 0 {
		return nil
	}
	var parts []string
	for _, name := range sortedIDs(inputs) {
		parts = append(parts, name+" = "+inputs[name])
	}
	th := v.env.Theme
	return []string{section(th, "INPUTS", strings.Join(parts, " "+th.Sign.Dot+" "), w)}
}

func (v *runView) whoLines(w int) []string {
	th, s := v.env.Theme, v.state.Start
	text := s.By.String() + ", " + ageText(v, v.state.StartedAt)
	if s.Reference != "" {
		text += " " + th.Sign.Dot + " reference " + s.Reference
	}
	return []string{section(th, "STARTED BY", text, w)}
}
