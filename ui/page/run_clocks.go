package page

import (
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// elapsed is the run's own time: from its clock's start to its end, or to now.
func (v *runView) elapsed() time.Duration {
	s := &v.state
	switch {
	case s.ClockFrom.IsZero():
		return 0
	case s.Finished != nil:
		return time.Duration(s.Finished.Elapsed)
	}
	return max(0, v.now.Sub(s.ClockFrom))
}

// target is the countdown; 0: none.
func (v *runView) target() time.Duration {
	if t := time.Duration(v.state.Start.Target); t > 0 || v.opened.Plan == nil {
		return t
	}
	return v.opened.Plan.Target
}

// clockWords is the first clock in words: what is left of the target, or by how much it is over.
func (v *runView) clockWords() string {
	th := v.env.Theme
	target, took := v.target(), v.elapsed().Truncate(time.Second)
	spin := v.spinner()
	switch {
	case target == 0:
		return spin + th.Strong.Render(runbook.ClockText(took)) + th.Text.Render(" so far")
	case took > target:
		return spin + th.Bad.Render(th.Sign.Warn+" "+runbook.ClockText(took-target)+" over "+runbook.ClockText(target))
	}
	return spin + th.Strong.Render(runbook.ClockText(target-took)) + th.Text.Render(" left of "+runbook.ClockText(target))
}

// spinner turns once in four seconds, beside the clock that changes anyway.
func (v *runView) spinner() string {
	if !v.env.Motion || v.replayed || v.stage() != stageWork {
		return ""
	}
	return v.env.Theme.Dim.Render([...]string{"|", "/", "-", `\`}[v.elapsed()/time.Second%4]) + " "
}

// clocks are the two clocks in n lines.
func (v *runView) clocks(w, n int, s size) []string {
	switch {
	case n < 1:
		return nil
	case s == sizeList:
		return []string{" " + v.forecastWords(w-1)}
	case s == sizePhone:
		return v.phoneClocks(w)
	}
	d := v.dns()
	width := w - 2
	left := width - 2
	if d != nil {
		left = (width - 3) / 2
	}
	a := []string{v.bar(left - 2), v.forecastWords(left - 2), v.pathWords(left - 2)}
	if n < 5 {
		a = []string{v.bar(left - 2), v.forecastWords(left - 2)}
	}
	if d == nil {
		return boxed(v.env.Theme, v.clockWords(), "", a, nil, left, 0)
	}
	title := "DNS " + d.name
	return boxed(v.env.Theme, v.clockWords(), v.env.Theme.Head.Render(title), a, d.lines(v, width-5-left), left, width-3-left)
}

// boxed draws one box with two compartments, or with one when right is 0. Widths are those of the inside.
func boxed(th *theme.Theme, titleA, titleB string, a, b []string, left, right int) []string {
	line := func(s string) string { return th.Line.Render(s) }
	x := th.Box
	lid := func(title string, width int) string {
		title = widget.Cut(th, title, width-4)
		return line(x.H) + " " + title + " " + line(strings.Repeat(x.H, max(0, width-3-widget.Width(title))))
	}
	top := " " + line(x.TopLeft) + lid(titleA, left)
	bottom := x.BottomLeft + strings.Repeat(x.H, left)
	if right > 0 {
		top += line(x.Down) + lid(titleB, right)
		bottom += x.Up + strings.Repeat(x.H, right)
	}
	out := []string{top + line(x.TopRight)}
	for i := range a {
		row := " " + line(x.V) + " " + widget.Fit(th, a[i], left-2) + " " + line(x.V)
		if right > 0 {
			text := ""
			if i < len(b) {
				text = b[i]
			}
			row += " " + widget.Fit(th, text, right-2) + " " + line(x.V)
		}
		out = append(out, row)
	}
	return append(out, " "+line(bottom+x.BottomRight))
}

// bar is the time that has passed against the target, with a mark where the forecast ends. What is over the target is red.
func (v *runView) bar(width int) string {
	th := v.env.Theme
	if width < 4 {
		return ""
	}
	target, took := v.target(), v.elapsed()
	whole := max(target, took, v.forecast.P50, time.Second)
	cell := func(d time.Duration) int {
		return min(width-1, int(float64(d)/float64(whole)*float64(width)))
	}
	full, mark, limit := cell(took), cell(v.forecast.P50), width
	if took >= whole {
		full = width
	}
	if target > 0 && target < whole {
		limit = cell(target)
	}
	if v.opened.Plan == nil {
		mark = -1
	}
	var b strings.Builder
	piece := func(from, to int, done bool) {
		if to <= from {
			return
		}
		switch {
		case done && from >= limit:
			b.WriteString(th.Bad.Render(strings.Repeat(th.Sign.Full, to-from)))
		case done:
			b.WriteString(th.BarDone.Render(strings.Repeat(th.Sign.Full, to-from)))
		default:
			b.WriteString(th.BarRest.Render(strings.Repeat(th.Sign.Rest, to-from)))
		}
	}
	for from := 0; from < width; {
		if from == mark {
			b.WriteString(v.forecastStyle().Render(th.Box.V))
			from++
			continue
		}
		to := width
		for _, stop := range []int{full, mark, limit} {
			if stop > from {
				to = min(to, stop)
			}
		}
		piece(from, to, from < full)
		from = to
	}
	return b.String()
}

func (v *runView) forecastStyle() theme.Style {
	if t := v.target(); t > 0 && v.forecast.P50 > t {
		return v.env.Theme.Warn
	}
	return v.env.Theme.Strong
}

// forecastWords says when the run is expected to end, and from what that is known.
func (v *runView) forecastWords(width int) string {
	th := v.env.Theme
	if v.opened.Plan == nil {
		return th.Dim.Render("no forecast without the plan")
	}
	f := v.forecast
	text := "forecast " + runbook.ClockText(f.P50)
	if t := v.target(); t > 0 && f.P50 > t {
		text = th.Sign.Warn + " " + text + ", " + runbook.ClockText(f.P50-t) + " over"
	}
	out := v.forecastStyle().Render(text)
	dot := " " + th.Sign.Dot + " "
	source := v.sourceWords()
	for _, more := range [][]string{{v.p90Words()}, {dot + source, dot + strings.TrimPrefix(strings.TrimPrefix(source, "from the "), "history of ")}} {
		for _, m := range more {
			if widget.Width(out)+widget.Width(m) <= width {
				out += th.Dim.Render(m)
				break
			}
		}
	}
	return widget.Cut(th, out, width)
}

func (v *runView) p90Words() string {
	if runbook.ClockText(v.forecast.P90) == runbook.ClockText(v.forecast.P50) {
		return ""
	}
	return " (p90 " + runbook.ClockText(v.forecast.P90) + ")"
}

// sourceWords is where the estimates of what is still to come are from.
func (v *runView) sourceWords() string {
	source := ""
	for _, id := range v.forecast.Path {
		switch e := v.opened.Estimates[id]; {
		case e.Source == "" || e.Source == source:
		case source == "":
			source = e.Source
		default:
			return "history and budgets"
		}
	}
	switch source {
	case "budget":
		return "from the budgets"
	case "":
		return "from what is under way"
	}
	return source
}

// pathWords are the steps that decide when the run ends.
func (v *runView) pathWords(width int) string {
	th := v.env.Theme
	if len(v.forecast.Path) == 0 {
		return ""
	}
	text := strings.Join(v.forecast.Path, " "+th.Sign.Arrow+" ")
	label := "critical path: "
	if widget.Width(label)+widget.Width(text) > width {
		label = "path: "
	}
	return th.Dim.Render(widget.Cut(th, label+text, width))
}

// phoneClocks are the two clocks in two lines; what is left of the target stands in the head.
func (v *runView) phoneClocks(w int) []string {
	th := v.env.Theme
	words := v.forecastWords(max(0, w-24))
	a := " " + v.bar(max(4, w-3-widget.Width(words))) + " " + words
	b := ""
	if d := v.dns(); d != nil {
		b = " " + th.Head.Render("DNS") + " " + d.short(v, w-6)
	}
	return []string{a, widget.Cut(th, b, w)}
}
