package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// The second clock: the world's view of the name. The kinds whose outputs it reads.
const (
	kindRecord  = "dns.record"
	kindAnswers = "dns.answers"
)

// dnsClock is what is known of a changed name. Times are on the run's clock.
type dnsClock struct {
	step     string
	name     string
	status   runbook.Status
	undo     runbook.UndoStatus
	changed  time.Time     // when the record was set; zero: not yet
	served   time.Time     // when every authoritative server was seen to have it; zero: not measured
	ttl      time.Duration // what caches keep from now on
	was      time.Duration // for how long they may keep the old answer; 0: there is no old answer
	known    bool          // ttl and was are
	measures bool          // a step asks the authoritative servers
	expected time.Time     // when that step is expected to have seen it on all of them
	servers  string        // what it found: 2/4
	more     int           // names beside this one
}

// dns is the clock of the record that was changed last, or will be first; nil when the run changes none.
func (v *runView) dns() *dnsClock {
	var d *dnsClock
	for _, id := range v.steps() {
		if v.kind(id) != kindRecord || v.never[id] {
			continue
		}
		st := v.state.Step(id)
		switch {
		case d == nil:
			d = &dnsClock{}
		case st.Ended.IsZero() || st.Ended.Before(d.changed):
			d.more++
			continue
		default:
			d = &dnsClock{more: d.more + 1}
		}
		v.fillDNS(d, id, st)
	}
	if d != nil {
		v.measure(d)
	}
	return d
}

func (v *runView) kind(id string) string {
	if k := v.planned(id).Kind.Name; k != "" {
		return k
	}
	return v.state.Step(id).Kind
}

func (v *runView) fillDNS(d *dnsClock, id string, st runbook.StepState) {
	d.step, d.status, d.undo = id, st.Status, st.Undo
	d.name, _ = st.Outputs["name"].(string)
	if p := v.opened.Plan; p != nil && p.Estate != nil {
		if d.name == "" {
			d.name = p.Estate.Service.Name
		}
		d.ttl = time.Duration(p.Estate.Service.TTL)
	}
	if st.Status != runbook.StatusDone && st.Status != runbook.StatusByHand {
		return
	}
	d.changed = st.Ended
	if ttl, ok := secondsOf(st.Outputs["ttl"]); ok {
		d.ttl = ttl
		d.was, d.known = secondsOf(st.Outputs["was_ttl"])
	}
	d.servers = serversIn(st.Evidence)
}

// measure takes what the steps behind it saw on the authoritative servers.
func (v *runView) measure(d *dnsClock) {
	p := v.opened.Plan
	if p == nil {
		return
	}
	for _, id := range runbook.Descendants(p, d.step) {
		if v.kind(id) != kindAnswers || v.never[id] {
			continue
		}
		d.measures = true
		st := v.state.Step(id)
		found := serversIn(st.Evidence)
		if st.Failure != nil {
			found = serversIn(st.Failure.What)
		}
		d.expected = d.changed.Add(v.opened.Estimates[id].P50)
		if st.Status == runbook.StatusDone {
			d.served = st.Ended
		} else if now := serversIn(v.progress[id].Text); now != "" {
			found = now
		}
		if found != "" {
			d.servers = found
		}
		return
	}
}

// secondsOf reads a number of seconds: whole from an action, a float from a journal.
func secondsOf(x any) (time.Duration, bool) {
	switch n := x.(type) {
	case int:
		return time.Duration(n) * time.Second, n >= 0
	case int64:
		return time.Duration(n) * time.Second, n >= 0
	case float64:
		return time.Duration(n * float64(time.Second)), n >= 0 && n < 1e9
	}
	return 0, false
}

// serversIn finds "2/4 name servers" in evidence.
func serversIn(text string) string {
	head, _, ok := strings.Cut(text, " name server")
	if !ok {
		return ""
	}
	word := head[strings.LastIndexByte(head, ' ')+1:]
	a, b, ok := strings.Cut(word, "/")
	n, err := strconv.Atoi(a)
	m, err2 := strconv.Atoi(b)
	if !ok || err != nil || err2 != nil || n < 0 || n > m {
		return ""
	}
	return word
}

// moved is the share of caches that are expected to have the new answer. A cache that asked before the change keeps the old
// answer for what is left of its TTL, and the ages of cached answers are spread evenly. The authoritative servers come over one
// by one between the change and the moment at which all were seen to have it: until then they are taken to be half-way.
func (d *dnsClock) moved(now time.Time) float64 {
	if d.changed.IsZero() || !d.known {
		return 0
	}
	if d.was <= 0 {
		return 1
	}
	since, late := now.Sub(d.changed), time.Duration(0)
	switch {
	case since <= 0:
		return 0
	case !d.served.IsZero():
		late = max(0, d.served.Sub(d.changed))
	case d.measures:
		late = since
	}
	was := d.was.Seconds()
	area := func(t time.Duration) float64 { // under the share that has moved t after a server came over
		x := t.Seconds()
		switch {
		case x <= 0:
			return 0
		case x <= was:
			return x * x / 2 / was
		}
		return was/2 + x - was
	}
	switch {
	case late <= 0:
		return min(1, since.Seconds()/was)
	case since-late >= d.was: // without arithmetic: what is left of it after rounding is no share
		return min(1, d.have())
	}
	return min(1, (area(since)-area(since-late))/late.Seconds(), d.have())
}

// have is the share of authoritative servers that were seen to have the new answer: behind the others nobody moves.
func (d *dnsClock) have() float64 {
	a, b, ok := strings.Cut(d.servers, "/")
	n, err := strconv.Atoi(a)
	m, err2 := strconv.Atoi(b)
	if !ok || err != nil || err2 != nil || m == 0 || !d.served.IsZero() {
		return 1
	}
	return float64(n) / float64(m)
}

// allBy is when the last cache lets go that honours the TTL: it asked just before the last server came over.
func (d *dnsClock) allBy(now time.Time) (at time.Time, measured bool) {
	switch {
	case !d.served.IsZero():
		return d.served.Add(d.was), true
	case d.measures:
		return latest(now, d.expected).Add(d.was), false
	}
	return d.changed.Add(d.was), false
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// short says it in one line.
func (d *dnsClock) short(v *runView, width int) string {
	lines := d.lines(v, width)
	if !d.changed.IsZero() && d.known && d.was > 0 && d.undo != runbook.UndoDone {
		if share := d.moved(v.now); share < 1 {
			by, _ := d.byWords(v)
			return fmt.Sprintf("about %d %% moved, %s", int(share*100), by)
		}
	}
	return lines[0]
}

// byWords says when the last cache lets go.
func (d *dnsClock) byWords(v *runView) (words string, at time.Time) {
	all, measured := d.allBy(v.now)
	mark := runbook.ClockText(all.Sub(v.state.ClockFrom).Truncate(time.Second))
	if measured {
		return "all by " + mark, all
	}
	return "all by about " + mark, all
}

// lines says it in three lines of some width, the most telling first.
func (d *dnsClock) lines(v *runView, width int) []string {
	th := v.env.Theme
	switch {
	case d.undo == runbook.UndoDone:
		return []string{th.Warn.Render(th.Sign.Undone + " put back by the undo"), th.Dim.Render("caches keep what they saw, " + ttlText(d.ttl))}
	case d.status == runbook.StatusSkipped:
		return []string{th.Warn.Render(th.Sign.Skipped + " skipped: clients stay where they are")}
	case d.status == runbook.StatusNotNeeded:
		return []string{th.Dim.Render(th.Sign.NotNeeded + " not needed")}
	case d.changed.IsZero():
		return d.before(v)
	case !d.known:
		return []string{"changed by hand " + clockAgo(v.now, d.changed), th.Dim.Render("how long caches keep the old: not known")}
	case d.was == 0:
		return []string{th.Good.Render(th.Sign.Done + " no cache holds another answer"), th.Dim.Render(d.measured(v))}
	}
	share := d.moved(v.now)
	by, all := d.byWords(v)
	moved := fmt.Sprintf("about %d %% moved", int(share*100))
	first := "changed " + clockAgo(v.now, d.changed) + " " + th.Sign.Dot + " " + moved
	if widget.Width(first) > width {
		first = "set " + strings.TrimPrefix(first, "changed ")
	}
	if share >= 1 {
		first = th.Good.Render(th.Sign.Done + " caches that keep to the TTL moved")
		by = "the last by " + runbook.ClockText(all.Sub(v.state.ClockFrom))
	}
	return []string{first, by + th.Dim.Render(" ("+ttlText(d.was)+")"), th.Dim.Render(d.measured(v))}
}

func (d *dnsClock) before(v *runView) []string {
	th := v.env.Theme
	old := th.Dim.Render("then " + runbook.ClockText(d.ttl) + " for caches (" + ttlText(d.ttl) + ")")
	if d.ttl == 0 {
		old = th.Dim.Render("then caches keep the old for its TTL")
	}
	switch d.status {
	case runbook.StatusFailed, runbook.StatusUnknown:
		return []string{v.signed(d.step), old}
	case runbook.StatusRunning, runbook.StatusRetrying:
		return []string{th.Active.Render(th.Sign.Running + " is being changed"), old}
	case runbook.StatusAsking:
		return []string{th.Asking.Render(th.Sign.Holding + " not changed: waits for you"), old}
	}
	text := "not changed yet"
	if after := v.after(d.step); after != "" {
		text += ", " + after
	}
	return []string{th.Dim.Render(th.Sign.Waiting + " " + text), old}
}

// signed is a step that went wrong, in a few words.
func (v *runView) signed(id string) string {
	th := v.env.Theme
	if st := v.state.Step(id); st.Status == runbook.StatusUnknown {
		return th.Asking.Render(th.Sign.Unknown + " not known whether it changed")
	}
	return th.Bad.Render(th.Sign.Failed + " not changed: it failed")
}

// measured is what the authoritative servers said.
func (d *dnsClock) measured(v *runView) string {
	out := ""
	if d.servers != "" {
		out = d.servers + " name servers have it"
	}
	if d.more > 0 {
		if out != "" {
			out += " " + v.env.Theme.Sign.Dot + " "
		}
		out += fmt.Sprintf("and %d other name", d.more)
		if d.more > 1 {
			out += "s"
		}
	}
	return out
}

func ttlText(d time.Duration) string { return fmt.Sprintf("TTL %d", int(d.Seconds())) }

// clockAgo is exact as long as it matters, and then coarse, so that a screen does not change for nothing.
func clockAgo(now, then time.Time) string {
	d := now.Sub(then)
	if d < time.Hour {
		return runbook.ClockText(max(0, d)) + " ago"
	}
	return widget.Age(d) + " ago"
}
