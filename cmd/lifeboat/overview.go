package main

import (
	"fmt"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/widget"
)

// overviewLimit bounds the probes of a list that is printed once.
const overviewLimit = 20 * time.Second

// overviewPlain is home in lines: how the estate is, what to do, what runs, what could be run and when that was last proved.
func (a *app) overviewPlain() error {
	ctx, cancel := background(overviewLimit)
	defer cancel()
	c := a.console()
	defer c.Close()
	o := c.Overview(ctx)
	readings := c.Readings(ctx)
	if a.JSON {
		printJSON(a.out, overviewDocument(&o, readings))
		return nil
	}
	a.printOverview(&o, readings, time.Now())
	return nil
}

func (a *app) printOverview(o *page.Overview, readings []page.Reading, now time.Time) {
	word, do, sorted := page.Standing(o, readings)
	p := plainPrinter{out: a.out, width: a.columns}
	p.line(joined(" · ", word, o.Estate, prefixed("account ", o.Account), o.Service, route(o.From, o.To)), sayColumn)
	if o.Demo {
		p.line("  this estate is simulated; name your own with --estate FILE", sayColumn)
	}
	for i, d := range do {
		head := "do this: "
		if i > 0 {
			head = "or:      "
		}
		p.line(head+joined(" — ", d.Do, joined("; ", d.Loses, d.Why)), len(head))
		if cmd := adviceCommand(o, d); cmd != "" {
			p.command("         " + cmd)
		}
	}
	a.printReadings(p, sorted, now)
	if len(o.Open) > 0 {
		p.head("runs that have not ended")
	}
	for i := range o.Open {
		p.line("  "+openText(&o.Open[i]), 4)
		p.command("    lifeboat " + comeBack(&o.Open[i]))
	}
	a.printBooks(p, o.Runbooks, now)
	a.printRecent(p, o.Recent, now)
	for _, t := range o.Troubles {
		p.head("! " + t.What)
		p.troubleTail(t)
	}
}

// head begins a part of the page.
func (p plainPrinter) head(text string) {
	p.command("")
	p.line(text, sayColumn)
}

// troubleTail is what a trouble means and what to do about it.
func (p plainPrinter) troubleTail(t page.Trouble) {
	if t.Means != "" {
		p.line("  means: "+t.Means, sayColumn)
	}
	if t.Do != "" {
		p.line("  do: "+t.Do, sayColumn)
	}
}

// adviceCommand is what is typed for an advice.
func adviceCommand(o *page.Overview, d page.Advice) string {
	for i := range o.Open {
		if o.Open[i].Run == d.Run {
			return "lifeboat " + comeBack(&o.Open[i])
		}
	}
	if d.Book == "" {
		return ""
	}
	mode := runbook.Live
	for _, b := range o.Runbooks {
		if b.Ref == d.Book && b.Shipped {
			mode = runbook.Rehearse
		}
	}
	return runCommand(d.Book, mode, d.Inputs)
}

// runCommand is what is typed to run a runbook.
func runCommand(book string, mode runbook.Mode, inputs map[string]string) string {
	cmd := fmt.Sprintf("lifeboat run %s --mode %s", book, mode)
	for _, name := range sortedKeys(inputs) {
		cmd += " --set " + name + "=" + inputs[name]
	}
	return cmd
}

// comeBack is the command that goes on with an open run.
func comeBack(r *page.RunLine) string {
	switch {
	case r.Damaged:
		return "verify " + string(r.Run)
	case r.Driven:
		return "attach " + string(r.Run)
	case !r.Finished.IsZero(): // what is left is its undo
		return "undo " + string(r.Run)
	}
	return "resume " + string(r.Run)
}

func (a *app) printReadings(p plainPrinter, rs []page.Reading, now time.Time) {
	if len(rs) == 0 {
		return
	}
	p.head("readings")
	for _, r := range rs {
		age := ""
		if !r.At.IsZero() {
			age = agoText(now.Sub(r.At))
		}
		sign, word := verdictText(r.Verdict)
		p.line(fmt.Sprintf("  %s %-8s %-8s %s", sign, word, r.Group, joined(" · ", joined(": ", r.Name, r.Value), prefixed("limit ", r.Limit), joined(", ", r.Source, age))), 22)
		if r.Do != "" && r.Verdict != page.Well {
			p.line("      do: "+r.Do, 10)
		}
	}
}

func verdictText(v page.Verdict) (sign, word string) {
	switch v {
	case page.Well:
		return "✓", "well"
	case page.Warn:
		return "!", "warn"
	case page.Bad:
		return "✗", "bad"
	}
	return "?", "unknown"
}

// openText is an open run: its clock, and who has to do something.
func openText(r *page.RunLine) string {
	clock := runbook.ClockText(r.Elapsed)
	if r.Target > 0 {
		clock += " of " + runbook.ClockText(r.Target)
	}
	head := fmt.Sprintf("%s %s  %s  ", strings.ToUpper(string(r.Mode)), r.Name, clock)
	switch {
	case r.Damaged:
		return head + "✗ its record is damaged"
	case !r.Finished.IsZero() && r.Driven:
		return head + "▶ its undo goes on, driven by " + r.Driver
	case !r.Finished.IsZero():
		return head + "! " + r.Asks
	case r.Asks != "":
		return head + "‖ asks: " + r.Asks
	case !r.Driven:
		return head + "! nobody drives it"
	}
	return head + "▶ goes on, driven by " + r.Driver
}

func (a *app) printBooks(p plainPrinter, books []page.RunbookLine, now time.Time) {
	if len(books) > 0 {
		p.head("runbooks")
	}
	for _, b := range books {
		p.line(fmt.Sprintf("  %-12s %s", b.Name, joined(" · ", bookTexts(b, now)...)), 15)
		if b.Trouble != nil && !b.Unfit {
			p.troubleTail(*b.Trouble)
		}
	}
}

// bookTexts is a runbook in words: its target, how long it should take, and when it was last proved.
func bookTexts(b page.RunbookLine, now time.Time) []string {
	if b.Trouble != nil {
		what, _, _ := strings.Cut(b.Trouble.What, "\n")
		if b.Unfit {
			return []string{"not for this estate: " + what}
		}
		return []string{"✗ wrong: " + what}
	}
	target, forecast := "no target", ""
	if b.Target > 0 {
		target = "target " + runbook.ClockText(b.Target)
	}
	if f := b.Forecast; f.P50 > 0 {
		forecast = "forecast " + runbook.ClockText(f.P50)
		if f.P90 > f.P50 {
			forecast += " (p90 " + runbook.ClockText(f.P90) + ")"
		}
		forecast += prefixed(" from ", f.Source)
	}
	proof := "! never proved"
	switch {
	case b.Proved != nil:
		word := "run live "
		if b.Proved.Mode == runbook.Drill {
			word = "drilled "
		}
		proof = "✓ " + word + agoText(now.Sub(b.Proved.Finished)) + " in " + runbook.ClockText(b.Proved.Elapsed)
	case b.Shipped:
		proof = "to rehearse"
	}
	return []string{target, forecast, proof}
}

func (a *app) printRecent(p plainPrinter, runs []page.RunLine, now time.Time) {
	if len(runs) == 0 {
		return
	}
	p.head("runs that are over")
	t := table{
		heads: []string{"  RUN", "MODE", "OUTCOME", "TIME", "TARGET", "ENDED"}, right: map[int]bool{3: true, 4: true}, drop: []int{4, 5, 1, 3},
	}
	for i := range runs {
		r := &runs[i]
		outcome := runbook.OutcomeText(r.Outcome, r.Skipped)
		switch {
		case r.Damaged:
			outcome = "record damaged"
		case r.Refused:
			outcome = "refused"
		}
		target := ""
		if r.Target > 0 {
			target = runbook.ClockText(r.Target)
		}
		t.rows = append(t.rows, []string{
			"  " + string(r.Run), strings.ToUpper(string(r.Mode)), outcome, runbook.ClockText(r.Elapsed), target, agoText(now.Sub(r.Finished)),
		})
	}
	t.print(a.out, a.columns())
}

// agoText is an age in words.
func agoText(d time.Duration) string {
	if d < time.Second {
		return "just now"
	}
	return widget.Age(d) + " ago"
}

// joined puts together what is not empty.
func joined(sep string, parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, sep)
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func route(from, to string) string { return joined(" → ", from, to) }
