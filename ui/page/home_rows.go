package page

import (
	"fmt"
	"slices"
	"strings"

	"lifeboat/ui/widget"
)

// focusAdvice is the key of the line that says what to do: it has the focus at first.
const focusAdvice = "advice"

type homeKind int

const (
	rowText homeKind = iota
	rowHead
	rowReading
	rowGroup
	rowOpen
	rowAdvice
	rowOr
	rowBook
	rowPast
)

// homeRow is one line of the body. A key makes it one that can have the focus; it stays the same while lists change.
type homeRow struct {
	kind homeKind
	i    int    // index into what the row shows
	text string // of text, heads and groups, already styled
	key  string
}

// wideFrom is the width from which the readings stand beside the rest.
const wideFrom = 110

func (h *home) wide() bool { return h.w >= wideFrom }

// left is how wide the column with the rows is.
func (h *home) left() int {
	if h.wide() {
		return h.w * 3 / 5
	}
	return h.w
}

// tight screens go without rules.
func (h *home) tight() bool { return h.h < 12 }

// above is how many lines stand over the body: the header, its rule, and the state. A screen of few lines has only the state.
func (h *home) above() int {
	switch {
	case h.h < 5:
		return min(1, max(0, h.h-1))
	case h.tight():
		return 2
	}
	return 3
}

func (h *home) below() int {
	switch {
	case h.h < 5:
		return 0
	case h.tight():
		return 1
	}
	return 2
}

// body is how many rows can be seen.
func (h *home) body() int { return max(0, h.h-h.above()-h.below()) }

// lay lists the rows in the order in which they are wanted by somebody who has just been woken up.
func (h *home) lay() []homeRow {
	var out []homeRow
	gap := func() {
		if !h.tight() {
			out = append(out, homeRow{})
		}
	}
	out = append(out, h.troubleRows()...)
	if !h.wide() {
		out = append(out, h.evidenceRows(max(2, h.body()/3))...)
	}
	out = append(out, h.conclusion()...)
	if len(h.overview.Open) > 0 {
		gap()
		out = append(out, homeRow{kind: rowHead, text: h.env.Theme.Head.Render("OPEN RUNS")})
		for i, r := range h.overview.Open {
			out = append(out, homeRow{kind: rowOpen, i: i, key: "run " + string(r.Run)})
		}
	}
	gap()
	for i := range h.advice {
		switch {
		case i == 0:
			out = append(append(out, homeRow{kind: rowAdvice, key: focusAdvice}), h.whyRows()...)
		case h.advice[i].acts():
			out = append(out, homeRow{kind: rowAdvice, i: i, key: fmt.Sprint("or ", h.advice[i].Book, " ", h.advice[i].Inputs["data"])})
		default:
			out = append(out, homeRow{kind: rowOr, i: i})
		}
	}
	gap()
	out = append(out, h.bookRows()...)
	gap()
	return append(out, h.pastRows()...)
}

// whyRows give the reason for the best advice room of its own: it is what a person checks before they act.
func (h *home) whyRows() []homeRow {
	indent := 11
	if h.w < 50 {
		indent = 2
	}
	why := widget.Wrap(h.advice[0].Why, max(1, h.left()-indent-1))
	if h.advice[0].Why == "" || h.h < 6 {
		return nil
	}
	var out []homeRow
	for _, l := range why[:min(2, len(why))] {
		out = append(out, homeRow{text: widget.Gap(indent) + h.env.Theme.Dim.Render(l)})
	}
	return out
}

func (h *home) troubleRows() []homeRow {
	th := h.env.Theme
	var out []homeRow
	for _, t := range h.overview.Troubles {
		what := strings.Split(t.What, "\n")
		if len(what) == 1 { // of several, one points into another: they stay as they are
			what = widget.Wrap(t.What, max(1, h.left()-5))
		}
		for i, l := range what {
			sign := th.Warn.Render(th.Sign.Warn) + " "
			if i > 0 {
				sign = "  "
			}
			out = append(out, homeRow{text: " " + sign + th.Strong.Render(l)})
		}
		rest := t.Means
		if t.Do != "" {
			rest = strings.TrimPrefix(rest+" "+th.Sign.Arrow+" "+t.Do, " ")
		}
		for _, l := range widget.Wrap(rest, max(1, h.left()-5)) {
			if l != "" {
				out = append(out, homeRow{text: "   " + th.Text.Render(l)})
			}
		}
	}
	return out
}

// evidenceRows are what is not well, one a line, and the rest a group a line.
func (h *home) evidenceRows(most int) []homeRow {
	th := h.env.Theme
	if !h.looked {
		return []homeRow{{text: th.Dim.Render("   asking…  service, DNS, regions, servers, backups, standby")}}
	}
	var out []homeRow
	wells := map[string][]string{}
	shown, left := 0, 0
	for i := range h.readings {
		r := &h.readings[i]
		switch {
		case r.Verdict == Well && h.beside(r.Group):
		case r.Verdict == Well:
			g := r.Group
			if !slices.Contains(groups(), g) {
				g = ""
			}
			wells[g] = append(wells[g], th.Dim.Render(r.Name)+" "+r.Value)
		case shown < most:
			out = append(out, homeRow{kind: rowReading, i: i})
			shown++
		default:
			left++
		}
	}
	if left > 0 {
		out = append(out, homeRow{text: th.Dim.Render(fmt.Sprintf("   %s %d more that %s not well: e shows all", th.Sign.Ellipsis, left, areOrIs(left)))})
	}
	if h.body() < 10 { // what is well can wait
		return out
	}
	for _, g := range append(groups(), "") {
		if len(wells[g]) > 0 && (g != "service" || len(wells[g]) > 1) { // the line of the state says the one
			line := th.Good.Render(th.Sign.Done) + " " + th.Dim.Render(widget.Fit(th, orElse(g, "other"), 8)) + " " +
				strings.Join(wells[g], " "+th.Sign.Dot+" ")
			out = append(out, homeRow{text: "   " + line})
		}
	}
	return out
}

// beside reports whether what is well of a group is left to the list of all readings: on a quiet day what matters on a bad night
// only, and on a bad night what has no part in it.
func (h *home) beside(group string) bool {
	if h.troubled() {
		return group == "dns" || group == "standby" || group == "here"
	}
	return aside(group)
}

func areOrIs(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// On a low screen home lists so many runbooks and names the rest, so that the last runs are in sight.
const (
	fewBooks     = 4
	roomForBooks = 34
)

func (h *home) bookRows() []homeRow {
	th := h.env.Theme
	if !h.known {
		return []homeRow{{text: th.Dim.Render(" reading the runbooks and the record of this machine…")}}
	}
	c := h.bookColumns()
	head := " " + th.Head.Render(widget.Fit(th, "RUNBOOKS", c.name+2))
	if c.target > 0 {
		head += " " + th.Dim.Render(widget.Fit(th, "target", c.target))
	}
	if c.forecast > 0 {
		head += " " + th.Dim.Render(widget.Fit(th, "forecast", c.forecast))
	}
	out := []homeRow{{kind: rowHead, text: head + " " + th.Dim.Render("last proved")}}
	for i, b := range h.overview.Runbooks {
		if more := h.overview.Runbooks[i:]; i >= fewBooks && len(more) > 1 && h.h < roomForBooks {
			names := make([]string, len(more))
			for j := range more {
				names[j] = more[j].Name
			}
			out = append(out, homeRow{text: "   " + th.Dim.Render(widget.Cut(th, fmt.Sprintf("%d more (: runbook NAME): %s", len(more), strings.Join(names, ", ")), h.left()-4))})
			break
		}
		out = append(out, homeRow{kind: rowBook, i: i, key: "book " + b.Ref})
	}
	if len(h.overview.Runbooks) == 0 {
		out = append(out, homeRow{text: th.Dim.Render("   none: put runbook files into this folder or into runbooks, and press r")})
	}
	return out
}

func (h *home) pastRows() []homeRow {
	th := h.env.Theme
	if !h.known {
		return nil
	}
	out := []homeRow{{kind: rowHead, text: " " + th.Head.Render("RECENT RUNS")}}
	for i, r := range h.overview.Recent {
		out = append(out, homeRow{kind: rowPast, i: i, key: "past " + string(r.Run)})
	}
	if len(h.overview.Recent) == 0 {
		out = append(out, homeRow{text: th.Dim.Render("   none yet")})
	}
	return out
}
