package page

import (
	"strings"
	"time"

	"charm.land/bubbles/v2/key"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// runScreen is what the screen of a run shows beside the run itself. The same run and the same runScreen always make the same
// screen, whoever follows or replays it.
type runScreen struct {
	sheet  sheet            // stands in the lower part; nil: none
	inert  bool             // what the sheet said is on its way
	hold   runbook.Question // a question that was put away; its Seq is 0 when there is none
	focus  string           // the step the operator has moved to; "": the current one
	cursor int              // the line, when the run is over
	detail string           // the step the details are about; "": that in focus
	log    tail             // the end of the log of that step
	keys   []key.Binding    // for the footer
	right  string           // at the end of the footer
	unread string           // why the record cannot be read further
}

var timeZero time.Time

// size is how much of a run a terminal can show.
type size int

const (
	sizeList  size = iota // a plain list
	sizePhone             // one step large
	sizeFull              // two clocks, all steps, details
	sizeWide              // details beside the steps
)

func sizeOf(w, h int) size {
	switch {
	case w < 60 || h < 16:
		return sizeList
	case w < 78 || h < 20:
		return sizePhone
	case w < 110:
		return sizeFull
	}
	return sizeWide
}

// place is where the parts of a run's screen are: lines from the top. A part of no height is not shown.
type place struct {
	size    size
	clocks  int // height; they follow the head
	notices []string
	body    int // where it begins
	bodyH   int // up to the footer
	sheet   int // where it begins
	sheetH  int
	footer  bool
}

// layout is the one place where heights are given out.
func (v *runView) layout(w, h int, o runScreen) place {
	p := place{size: sizeOf(w, h), notices: v.notices(w, o), footer: h >= 3}
	switch {
	case v.stage() != stageWork && p.size == sizeList, h < 6:
		p.clocks = 0
	case p.size == sizeList:
		p.clocks = 1
	case p.size == sizePhone:
		p.clocks = 2
	case v.stage() != stageWork:
		p.clocks = 0
	case h < 24, o.sheet != nil && h < 30: // a question needs the line more
		p.clocks = 4
	default:
		p.clocks = 5
	}
	foot := 0
	if p.footer {
		foot = 1
	}
	if v.stage() != stageWork {
		p.clocks = 0
	}
	if room := h - 1 - foot - p.clocks - 1; len(p.notices) > max(0, room) {
		p.notices = p.notices[:max(0, room)]
	}
	p.body = min(h, 1+p.clocks+len(p.notices))
	p.bodyH = max(0, h-foot-p.body)
	if o.sheet != nil {
		p.sheetH = min(max(1, o.sheet.Height(w)), p.bodyH-v.spared(p))
		p.bodyH -= p.sheetH
		p.sheet = p.body + p.bodyH
	}
	return p
}

// spared are the lines that a sheet leaves to the run, however much it has to say: where it stands stays in sight.
func (v *runView) spared(p place) int {
	switch {
	case v.stage() == stageOver || p.bodyH < 10:
		return 0
	case v.stage() == stageWork && p.bodyH < 14:
		return 1
	}
	return 2
}

// screen is the whole screen of a run: exactly h lines, none wider than w.
func (v *runView) screen(w, h int, o runScreen) []string {
	if w < 1 || h < 1 {
		return nil
	}
	th := v.env.Theme
	p := v.layout(w, h, o)
	lines := make([]string, 0, h)
	lines = append(lines, v.head(w, p.size))
	lines = append(lines, pad(v.clocks(w, p.clocks, p.size), p.clocks)...)
	lines = append(lines, p.notices...)
	lines = append(lines, pad(v.body(w, p, o), p.bodyH)...)
	if o.sheet != nil {
		lines = append(lines, pad(o.sheet.Lines(w, p.sheetH), p.sheetH)...)
	}
	lines = pad(lines, h)
	if p.footer {
		right := o.right
		if o.inert {
			right = "on its way" + th.Sign.Ellipsis
		}
		lines[h-1] = widget.Footer(th, o.keys, right, w)
	}
	for i := range lines {
		lines[i] = widget.Cut(th, lines[i], w)
	}
	return lines
}

// body is what stands between the clocks and the sheet.
func (v *runView) body(w int, p place, o runScreen) []string {
	switch {
	case p.bodyH < 1:
		return nil
	case v.stage() == stageBefore:
		return beforeLines(v, w, p.bodyH)
	case v.stage() == stageOver:
		return v.overLines(w, p.bodyH, o)
	}
	switch p.size {
	case sizeList:
		return v.listLines(w, p.bodyH, o)
	case sizePhone:
		return v.phoneLines(w, p.bodyH, o)
	}
	return v.workLines(w, p, o)
}

// cursor is where the focus is.
func (v *runView) cursor(w, h int, o runScreen) (x, y int, shown bool) {
	p := v.layout(w, h, o)
	if o.sheet != nil {
		x, y, shown = o.sheet.Cursor(w, p.sheetH)
		return x, y + p.sheet, shown
	}
	switch { // on the mark of the focus where there is one
	case v.stage() == stageOver:
		y = v.overCursor(w, p.bodyH, o)
	case v.stage() == stageBefore:
		return 0, 0, false
	case p.size == sizeList || p.size == sizePhone:
		x, y = min(1, w-1), 1 // its sign
		if p.size == sizeList {
			y = 0
		}
	default:
		rows, _ := v.stepsHeight(p, o)
		list := v.rows(o, rows)
		first := firstRow(list.focus, len(list.rows), rows)
		y = list.focus - first
	}
	return x, y + p.body, y >= 0 && y < p.bodyH
}

// head is the first line: on what the run acts, and whose it is.
func (v *runView) head(w int, s size) string {
	th, st := v.env.Theme, &v.state.Start
	badge := th.Badge(st.Mode).Render(" " + strings.ToUpper(string(st.Mode)) + " ")
	name := st.Name
	if name == "" {
		name = "run " + string(v.opened.Run)
	}
	if s == sizeList || s == sizePhone {
		if v.stage() == stageWork {
			return widget.Ends(th, " "+badge+" "+th.Strong.Render(name), v.clockWords()+" ", w)
		}
		return widget.Fit(th, " "+badge+" "+th.Strong.Render(name)+th.Dim.Render(v.where()), w)
	}
	who := v.env.Actor.String()
	if v.replayed || st.By != v.env.Actor && st.By.Name != "" {
		who = "by " + st.By.String()
	}
	return widget.Ends(th, " "+badge+" "+th.Strong.Render(name)+th.Dim.Render(v.where()), th.Dim.Render(who+" "), w)
}

// where are the regions, the account and the estate.
func (v *runView) where() string {
	th := v.env.Theme
	p := v.opened.Plan
	if p == nil || p.Estate == nil {
		return ""
	}
	e, dot := p.Estate, " "+th.Sign.Dot+" "
	out := dot + v.way.words(th, e)
	if e.Account != "" {
		out += dot + e.Account
	}
	return out + dot + e.Name
}

// notices are the lines that stand above all else: what is wrong with the run itself, and what waits.
func (v *runView) notices(w int, o runScreen) []string {
	th := v.env.Theme
	var out []string
	add := func(text string) { out = append(out, widget.Cut(th, " "+text, w)) }
	open := v.state.Finished == nil || v.undoing()
	if o.unread != "" {
		add(th.Warn.Render(th.Sign.Warn + " this screen is old: the record cannot be read: " + o.unread))
	}
	if v.record != "" {
		add(th.Warn.Render(th.Sign.Warn + " the record cannot be written, so nothing new starts: " + v.record))
	}
	if d := v.opened.Damage; d != nil {
		add(th.Bad.Render(th.Sign.Failed + " the record is damaged: " + d.What))
	}
	if d := v.opened.PlanWhy; d != nil {
		add(th.Warn.Render(th.Sign.Warn + " " + d.What))
	}
	if !v.driven && !v.replayed && open {
		text := "nobody drives this run: what was under way is not known"
		if v.state.Finished != nil {
			text = "nobody drives this undo: what was under way is not known"
		}
		add(th.Bad.Render(th.Sign.Failed+" "+text) + th.Line.Render(" "+th.Sign.Dot+" ") + th.Key.Render("R") + th.Dim.Render(" take it up"))
	}
	switch {
	case v.state.Stop != nil && v.state.Finished == nil:
		add(th.Asking.Render(th.Sign.Holding + " stopping: nothing new starts; what is under way comes to its end"))
	case o.hold.Seq != 0:
		add(v.holdLine(o.hold))
	}
	return out
}

// holdLine says what the run waits for while its question is put away.
func (v *runView) holdLine(q runbook.Question) string {
	th := v.env.Theme
	word := "HOLDING"
	since := v.state.HeldAt
	if v.state.Held == nil { // something else goes on meanwhile
		word, since = "WAITING", v.askedAt(q.Seq)
	}
	at := q.Step
	if q.Kind == runbook.AskStart {
		at = "the start"
	}
	text := th.Sign.Holding + " " + word + " at " + at
	if !since.IsZero() {
		text += " since " + since.Format(time.TimeOnly)
	}
	return th.Asking.Render(text) + th.Line.Render(" "+th.Sign.Dot+" ") + th.Key.Render("enter") + th.Dim.Render(" to decide")
}

func (v *runView) askedAt(seq uint64) time.Time {
	for i := range v.seen {
		if v.seen[i].Seq == seq {
			return v.seen[i].Time
		}
	}
	return time.Time{}
}

// viewOpening is the screen while the run is being read, or when it cannot be.
func (p *Run) viewOpening() string {
	th := p.env.Theme
	lines := []string{" " + th.Dim.Render("reading run "+string(p.id)+th.Sign.Ellipsis), "", " " + th.Key.Render("esc") + th.Dim.Render(" back")}
	if t := p.failed; t != nil {
		lines = []string{" " + th.Bad.Render(th.Sign.Failed+" "+t.What), ""}
		for _, text := range []string{t.Means, t.Do} {
			for _, l := range widget.Wrap(text, max(1, p.w-4)) {
				lines = append(lines, "   "+l)
			}
		}
		lines = append(lines, "", " "+th.Key.Render("esc")+th.Dim.Render(" back"))
	}
	return widget.Screen(th, lines, p.w, p.h)
}

// pad makes exactly n lines.
func pad(lines []string, n int) []string {
	n = max(0, n)
	if len(lines) > n {
		return lines[:n]
	}
	for len(lines) < n {
		lines = append(lines, "")
	}
	return lines
}

func joinLines(lines []string) string { return strings.Join(lines, "\n") }

// way is the direction of a plan, as runbook.Direction has it. It is worked out once, when a plan is opened.
type way struct{ from, to string }

func wayOf(p *runbook.Plan) way {
	from, to := runbook.Direction(p)
	return way{from, to}
}

// words are the regions on a screen: where it goes from and to, or where it stays.
func (w way) words(th *theme.Theme, e *runbook.Estate) string {
	switch {
	case w.to == "":
		return e.Production.Region + " " + th.Sign.Arrow + " " + e.Standby.Region
	case w.from == "":
		return w.to
	}
	return w.from + " " + th.Sign.Arrow + " " + w.to
}
