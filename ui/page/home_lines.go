package page

import (
	"fmt"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

type homeInk = func(string) string

// openLine is a run that has not ended: what it is, its clock, and who has to do something.
func (h *home) openLine(r *RunLine, ink homeInk) string {
	th := h.env.Theme
	clock := runbook.ClockText(r.Elapsed)
	if r.Target > 0 && h.w >= 72 {
		clock += " of " + runbook.ClockText(r.Target)
	}
	out := modeBadge(th, r.Mode) + " " + ink(widget.Fit(th, r.Name, min(14, max(8, h.left()/6)))) + " " + clock + "  "
	switch {
	case r.Damaged:
		return out + th.Bad.Render(th.Sign.Failed+" its record is damaged")
	case r.Asks != "":
		return out + th.Asking.Render(th.Sign.Holding+" asks: "+r.Asks)
	case !r.Driven:
		return out + th.Warn.Render(th.Sign.Warn+" nobody drives it")
	}
	return out + th.Active.Render(th.Sign.Running+" goes on") + th.Dim.Render(" "+r.Driver)
}

// bookCols are the columns of the runbooks, in cells; 0: left out.
type bookCols struct{ name, target, forecast int }

func (h *home) bookColumns() bookCols {
	c := bookCols{name: 8}
	for i := range h.overview.Runbooks {
		c.name = max(c.name, min(20, widget.Width(h.overview.Runbooks[i].Name)))
	}
	w := h.left()
	c.name = min(c.name, max(4, w/3))
	if w >= 46 {
		c.target = 6
		for i := range h.overview.Runbooks {
			c.target = max(c.target, widget.Width(runbook.ClockText(h.overview.Runbooks[i].Target))+1)
		}
	}
	if w >= 56 {
		c.forecast = 13
	}
	return c
}

func (h *home) bookLine(b *RunbookLine, ink homeInk) string {
	th, c := h.env.Theme, h.bookColumns()
	out := ink(widget.Fit(th, b.Name, c.name)) + " "
	if b.Trouble != nil {
		what, _, _ := cutLine(b.Trouble.What)
		if b.Unfit {
			return out + th.Dim.Render("not for this estate: "+unfit(what))
		}
		return out + th.Bad.Render(th.Sign.Failed+" wrong: ") + what
	}
	if c.target > 0 {
		target := "none"
		if b.Target > 0 {
			target = runbook.ClockText(b.Target)
		}
		out += widget.Fit(th, target, c.target) + " "
	}
	if c.forecast > 0 {
		out += widget.Fit(th, orElse(forecastText(b.Forecast), "unknown"), c.forecast) + " "
	}
	switch p := b.Proved; {
	case p != nil:
		word := "run live "
		if p.Mode == runbook.Drill {
			word = "drilled "
		}
		out += th.Good.Render(th.Sign.Done) + " " + word + ago(h.env.Now().Sub(p.Finished)) + " in " + runbook.ClockText(p.Elapsed)
	case b.Shipped:
		out += th.Dim.Render("rehearsals only")
	default:
		out += th.Warn.Render(th.Sign.Warn + " never")
	}
	return out
}

// unfit is what an estate has not for a runbook, without the place in a file that is not the reader's.
func unfit(what string) string {
	if _, lack, ok := strings.Cut(what, ": "); ok {
		return lack
	}
	return what
}

// pastLine is a run that is over.
func (h *home) pastLine(r *RunLine, ink homeInk) string {
	th := h.env.Theme
	when := ago(h.env.Now().Sub(r.Finished))
	out := widget.Fit(th, when, 15) + " "
	if h.w < 56 {
		out = ""
	}
	style, sign, words := outcomeLook(th, r)
	out += modeWord(th, r.Mode) + " " + ink(widget.Fit(th, r.Name, min(14, max(8, h.left()/6)))) + " " + style(sign+" "+words)
	if r.Outcome == runbook.Done || r.Outcome == runbook.DoneWithSkips {
		out += "  " + runbook.ClockText(r.Elapsed) + th.Dim.Render(against(r.Elapsed, r.Target))
	}
	return out
}

// against compares a time with its target.
func against(took, target time.Duration) string {
	switch {
	case target <= 0:
		return ""
	case took <= target:
		return fmt.Sprintf(" of %s, %s inside", runbook.ClockText(target), runbook.ClockText(target-took))
	}
	return fmt.Sprintf(" of %s, %s over", runbook.ClockText(target), runbook.ClockText(took-target))
}

// outcomeLook is how a run ended: colour, sign and words.
func outcomeLook(th *theme.Theme, r *RunLine) (homeInk, string, string) {
	good := func(s string) string { return th.Good.Render(s) }
	warn := func(s string) string { return th.Warn.Render(s) }
	bad := func(s string) string { return th.Bad.Render(s) }
	switch {
	case r.Damaged:
		return bad, th.Sign.Failed, "record damaged"
	case r.Refused:
		return warn, th.Sign.Warn, "refused: nothing was done"
	case r.Outcome == runbook.Done:
		return good, th.Sign.Done, "done"
	case r.Outcome == runbook.DoneWithSkips:
		return warn, th.Sign.Warn, runbook.OutcomeText(r.Outcome, r.Skipped)
	case r.Outcome == runbook.Stopped:
		return warn, th.Sign.Warn, "stopped"
	}
	return bad, th.Sign.Failed, orElse(string(r.Outcome), "no outcome on record")
}
