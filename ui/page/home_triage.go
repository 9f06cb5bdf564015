package page

import (
	"strings"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// CaseOf is what home knows, for triage: the readings with their words, and the runbooks that can be run.
func CaseOf(o *Overview, rs []Reading) runbook.Case {
	c := runbook.Case{Service: o.Service, From: o.From, To: o.To}
	for i := range o.Runbooks {
		if b := &o.Runbooks[i]; b.Trouble == nil {
			c.Books = append(c.Books, b.Name)
		}
	}
	for i := range rs {
		for _, clue := range rs[i].Clues {
			clue.Source, clue.At = rs[i].Source, rs[i].At
			if clue.Value == "" {
				clue.Value = rs[i].Value
			}
			c.Clues = append(c.Clues, clue)
		}
	}
	return c
}

// adviseTriage is what triage says, as lines.
func adviseTriage(o *Overview, rs []Reading) []advice {
	found := runbook.Triage(CaseOf(o, rs))
	out := make([]advice, 0, len(found.Ways))
	for _, w := range found.Ways {
		a := advice{Do: w.Do, Why: w.Why, Inputs: w.Inputs, Closed: !w.Possible, Loses: w.Loses.String()}
		switch {
		case !w.Possible:
			a.Why, a.Loses = "not possible: "+w.Why, ""
		case w.Book != "":
			a.Book = bookNamed(o, w.Book).Ref
		case w.Remedy == runbook.LookFirst:
			a.Look = true
		}
		if w.Loses != nil && !w.Loses.Known {
			a.Loses = "" // that nothing is known is said once, in the evidence
		}
		out = append(out, a)
	}
	return out
}

func bookNamed(o *Overview, name string) RunbookLine {
	for i := range o.Runbooks {
		if o.Runbooks[i].Name == name && o.Runbooks[i].Trouble == nil {
			return o.Runbooks[i]
		}
	}
	return RunbookLine{}
}

// troubled reports whether the page is about an outage: then what triage has concluded stands above what to do.
func (h *home) troubled() bool {
	return h.looked && len(h.readings) > 0 && (h.word == isDown || h.word == isUnknown && !h.stale() && !allUnknown(h.readings))
}

// conclusion is how the evidence was read, and what speaks against it.
func (h *home) conclusion() []homeRow {
	if !h.troubled() || h.h < 6 {
		return nil
	}
	th := h.env.Theme
	found := runbook.Triage(CaseOf(&h.overview, h.readings))
	var out []homeRow
	say := func(style theme.Style, sign, text string, most int) {
		if text == "" {
			return
		}
		lines := widget.Wrap(text, max(1, h.left()-6))
		for i, l := range lines[:min(most, len(lines))] {
			lead := style.Render(sign) + " "
			if i > 0 {
				lead = strings.Repeat(" ", widget.Width(sign)+1)
			}
			if i == most-1 && len(lines) > most {
				l = widget.Cut(th, l+" "+th.Sign.Ellipsis, h.left()-6)
			}
			out = append(out, homeRow{text: "   " + lead + l})
		}
	}
	most := 2
	switch {
	case h.tight():
		most = 1
	case h.h >= 30:
		most = 4
	}
	if found.Sure {
		say(th.Strong, th.Sign.Arrow, found.Why, most)
	} else {
		say(th.Asking, th.Sign.Unknown, "NOT SURE: "+found.Doubt, most+1)
	}
	for _, n := range found.Notes {
		say(th.Warn, th.Sign.Warn, n, most)
	}
	return out
}
