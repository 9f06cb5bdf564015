package page

import (
	"fmt"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// View draws the page.
func (h *home) View() string {
	th := h.env.Theme
	lines := make([]string, 0, h.h)
	if h.h >= 5 {
		lines = append(lines, h.header())
	}
	if !h.tight() {
		lines = append(lines, th.Line.Render(strings.Repeat(th.Box.H, h.w)))
	}
	if h.above() > 0 {
		lines = append(lines, h.stateLine())
	}
	if h.detail {
		lines = append(lines, h.detailBody()...)
	} else {
		lines = append(lines, h.bodyLines()...)
	}
	for len(lines) < h.h-h.below() {
		lines = append(lines, "")
	}
	if h.below() > 1 {
		more := len(h.rows) - h.first - h.body()
		if h.detail {
			more = 0
		}
		lines = append(lines, ruleMore(th, strings.Repeat(th.Box.H, h.w), more, h.w))
	}
	if h.below() > 0 {
		lines = append(lines, widget.Footer(th, h.ShortHelp(), h.footRight(h.detail), h.w))
	}
	return widget.Screen(th, lines, h.w, h.h)
}

// ruleMore is the rule above the footer; it says how many lines lie below the last one that is seen.
func ruleMore(th *theme.Theme, rule string, more, w int) string {
	if more <= 0 || w < 30 {
		return th.Line.Render(rule)
	}
	words := fmt.Sprintf(" %d more below ", more)
	n := w - widget.Width(words) - 2
	return th.Line.Render(widget.Cut(th, rule[:len(rule)/w*n], n)) + th.Dim.Render(words) + th.Line.Render(rule[:len(rule)/w*2])
}

func (h *home) header() string {
	th, o := h.env.Theme, &h.overview
	left := " " + th.Head.Render("lifeboat")
	if o.Demo {
		left += " " + th.Rehearse.Reverse().Render(" SIMULATED estate ")
	}
	for _, part := range []string{o.Estate, o.Account, h.env.Actor.String()} {
		if part != "" {
			left += th.Dim.Render(" "+th.Sign.Dot+" ") + part
		}
	}
	return widget.Ends(th, left, th.Dim.Render(h.env.Now().Format("Mon 2 Jan 15:04 MST")), h.w)
}

// stateLine is the word, the reading that says so, and how fresh that is.
func (h *home) stateLine() string {
	th := h.env.Theme
	style, sign := wordLook(th, h.word)
	word := sign + " " + string(h.word)
	if h.word == isDown {
		word += " " + runbook.ClockText(h.env.Now().Sub(h.since))
	}
	left := " " + style.Render(word)
	left += " " + th.Strong.Render(h.overview.Service)
	if text := h.stateText(); text != "" {
		left += " " + text
	}
	return widget.Ends(th, left, th.Dim.Render(h.freshness()), h.w)
}

func (h *home) stateText() string {
	th := h.env.Theme
	switch {
	case !h.looked:
		return th.Dim.Render("asking" + th.Sign.Ellipsis)
	case h.stale():
		return th.Dim.Render("nothing was heard lately; what is below is old")
	case len(h.readings) == 0:
		return th.Dim.Render("there is no probe that could tell")
	}
	_, r := about(h.readings, "service", "")
	if r == nil {
		return th.Dim.Render("no probe looks at the service")
	}
	switch r.Verdict { // what is not well has a line of its own below
	case Bad:
		if len(r.Clues) > 0 && r.Clues[0].Found == runbook.Faulty {
			return "answers, and is not well"
		}
		return "does not answer"
	case Unknown:
		return "could not be asked"
	}
	return r.Value
}

func (h *home) freshness() string {
	now := h.env.Now()
	if !h.looked {
		return ""
	}
	age := "looked " + ago(now.Sub(h.readAt))
	if h.word != isWell && h.word != isDown && (h.word != isUnknown || h.wide()) && h.w >= 70 {
		age = "first seen " + ago(now.Sub(h.since)) + " " + h.env.Theme.Sign.Dot + " " + age
	}
	return age + " "
}

// ago is an age in a sentence.
func ago(d time.Duration) string {
	switch {
	case d < 5*time.Second:
		return "just now"
	case d < 10*time.Second: // a quiet page stays quiet
		return "5 s ago"
	}
	return widget.Age(d) + " ago"
}

func (h *home) bodyLines() []string {
	n := h.body()
	lines := make([]string, 0, n)
	at := h.at()
	first := max(0, min(h.first, len(h.rows)-n))
	for i := first; i < min(len(h.rows), first+n); i++ {
		lines = append(lines, h.draw(h.rows[i], i == at))
	}
	if !h.wide() {
		return lines
	}
	th := h.env.Theme
	right := h.readingColumn(h.w-h.left()-3, n)
	bar := th.Line.Render(" " + th.Box.V + " ")
	for i := range n {
		l, r := "", ""
		if i < len(lines) {
			l = lines[i]
		}
		if i < len(right) {
			r = right[i]
		}
		l = widget.Fit(th, l, h.left()) + bar + r
		if i < len(lines) {
			lines[i] = l
		} else {
			lines = append(lines, l)
		}
	}
	return lines
}

// draw is one row of the body, at most as wide as its column.
func (h *home) draw(r homeRow, focused bool) string {
	th, w := h.env.Theme, h.left()
	mark, ink := "   ", th.Text
	if focused {
		mark, ink = " "+th.Focus.Render(th.Sign.Focus)+" ", th.Focus
	}
	switch r.kind {
	case rowReading:
		return widget.Cut(th, h.readingLine(&h.readings[r.i], w), w)
	case rowAdvice, rowOr:
		return widget.Cut(th, h.adviceLine(r, mark, focused), w)
	case rowOpen:
		return widget.Cut(th, mark+h.openLine(&h.overview.Open[r.i], func(s string) string { return ink.Render(s) }), w)
	case rowBook:
		return widget.Cut(th, mark+h.bookLine(&h.overview.Runbooks[r.i], func(s string) string { return ink.Render(s) }), w)
	case rowPast:
		return widget.Cut(th, mark+h.pastLine(&h.overview.Recent[r.i], func(s string) string { return ink.Render(s) }), w)
	case rowHead:
		if !strings.HasPrefix(r.text, " ") {
			return widget.Cut(th, " "+r.text, w)
		}
	}
	return widget.Cut(th, r.text, w)
}

func (h *home) readingLine(r *Reading, w int) string {
	th := h.env.Theme
	style, sign, _ := verdictLook(th, r.Verdict)
	text := "   " + style.Render(sign+" "+widget.Fit(th, r.Group, 8)) + " " + r.Name + "  " + r.Value
	if w < 72 {
		return text
	}
	right := r.Source
	if old := h.env.Now().Sub(r.At); !r.At.IsZero() && h.readAt.Sub(r.At) > 15*time.Second {
		right += ", " + ago(old)
	}
	return widget.Ends(th, text, th.Dim.Render(right+" "), w)
}

func (h *home) adviceLine(r homeRow, mark string, focused bool) string {
	th, a := h.env.Theme, h.advice[r.i]
	head := "         "
	if r.i == 0 {
		word := "DO THIS"
		if a.Idle {
			word = "NOW    "
		}
		head = " " + th.Head.Render(word) + " "
	} else if r.i == 1 {
		head = " " + th.Dim.Render("or") + "      "
	}
	if h.w < 50 {
		head = ""
	}
	ink := th.Strong
	switch {
	case focused:
		ink = th.Focus
	case r.kind == rowOr:
		ink = th.Dim
	}
	out := head + mark[1:] + ink.Render(a.Do)
	if f := h.forecastOf(a.Book); f != "" {
		loses := ""
		if a.Loses != "" {
			loses = th.Dim.Render(" "+th.Sign.Dot+" ") + a.Loses
		}
		if widget.Width(out+f+loses)+2 > h.left() {
			f, _, _ = strings.Cut(f, " (") // what is lost says more than how late it could be
		}
		out += "  " + f + loses
	}
	if a.Why != "" && r.i > 0 {
		out += "  " + th.Dim.Render(a.Why)
	}
	return out
}

func (h *home) forecastOf(ref string) string {
	for i := range h.overview.Runbooks {
		if b := &h.overview.Runbooks[i]; ref != "" && b.Ref == ref && b.Forecast.P50 > 0 {
			return "forecast " + forecastText(b.Forecast)
		}
	}
	return ""
}

func forecastText(f Forecast) string {
	if f.P50 <= 0 {
		return ""
	}
	if f.P90 <= f.P50 {
		return runbook.ClockText(f.P50)
	}
	return runbook.ClockText(f.P50) + " (" + runbook.ClockText(f.P90) + ")"
}

// modeBadge is a mode in its style, as wide as the widest.
func modeBadge(th *theme.Theme, m runbook.Mode) string {
	word := strings.ToUpper(string(m))
	return th.Badge(m).Render(" "+word+" ") + widget.Gap(8-len(word))
}

// modeWord is the mode of a run that is over: a badge would shout about what is past.
func modeWord(th *theme.Theme, m runbook.Mode) string {
	word := widget.Fit(th, strings.ToUpper(string(m)), 8)
	switch m {
	case runbook.Live:
		return th.Strong.Render(word)
	case runbook.Drill:
		return th.Text.Render(word)
	}
	return th.Dim.Render(word)
}

// Cursor is at the focus.
func (h *home) Cursor() (int, int, bool) {
	if h.detail {
		return 0, 0, false
	}
	x, y := 1, h.above()+h.at()-h.first
	if h.rows[h.at()].kind == rowAdvice && h.w >= 50 {
		x = 9
	}
	return x, y, y >= h.above() && y < h.above()+h.body() && x < h.w
}

// ShortHelp lists the keys that work now.
func (h *home) ShortHelp() []key.Binding {
	if h.detail {
		return []key.Binding{Press("esc", "back"), Press("j k", "scroll"), Press("r", "look again")}
	}
	var out []key.Binding
	if what := h.enterDoes(); what != "" {
		out = append(out, Press("enter", what))
	}
	evidence := func(now bool) {
		if now && h.enterDoes() != "evidence" {
			out = append(out, Press("e", "evidence"))
		}
	}
	evidence(h.troubled())
	if _, ok := bookAway(&h.overview); ok {
		out = append(out, Press("f", "failover…"))
	}
	if _, ok := h.drillable(); ok {
		out = append(out, Press("d", "drill…"))
	}
	evidence(!h.troubled())
	return append(out, Press("h", "history"), Press("/", "find"), Press("r", "look again"))
}

func (h *home) enterDoes() string {
	switch r := h.rows[h.at()]; r.kind {
	case rowAdvice:
		switch a := h.advice[r.i]; {
		case a.Run != "":
			return "go to it"
		case a.Book != "" && h.troubled() && h.w >= 72:
			return "see it: asks once more"
		case a.Book != "":
			return "see it first"
		case a.Look:
			return "evidence"
		}
	case rowOpen:
		return "go to it"
	case rowBook, rowPast:
		return "open"
	}
	return ""
}

// FullHelp lists all keys of the page.
func (h *home) FullHelp() [][]key.Binding {
	return [][]key.Binding{
		{KeyUp, KeyDown, KeyTop, KeyBottom, KeyPgUp, KeyPgDown, KeyEnter},
		{
			Press("f", "failover: see it, then go"), Press("d", "drill the runbook in focus"), Press("h", "history of all runs"),
			Press("/", "find a run"), Press("e", "evidence: every reading"), Press("r", "look again now"), Press("q", "quit; runs go on"),
		},
	}
}
