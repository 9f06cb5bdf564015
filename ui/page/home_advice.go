package page

import (
	"unicode"
	"unicode/utf8"

	"lifeboat/runbook"
)

// advice is one thing that the operator could do now. The first one of a list is the best.
type advice struct {
	Do   string // imperative
	Why  string
	Run  runbook.RunID // enter goes to this run
	Book string        // enter opens this runbook, by its Ref
	Look bool          // enter shows the evidence
	Idle bool          // nothing has to be done

	Inputs map[string]string // of the runbook
	Loses  string            // what goes with it
	Closed bool              // it is not possible: Why says why
}

// acts reports whether there is something to press enter for.
func (a advice) acts() bool { return a.Run != "" || a.Book != "" || a.Look }

// advise says what to do next, from what is known. A live run that is open comes before everything, for whoever started it
// knew more than these readings; an outage comes before a drill.
func advise(o *Overview, rs []Reading, looked bool) []advice {
	if a, ok := adviseRun(o, true); ok {
		return []advice{a}
	}
	word := isUnknown
	if looked {
		word = judge(rs)
	}
	if fence, _ := about(rs, "fence", ""); word == isDown || fence == Bad { // two that take writes is as bad as none
		return adviseTriage(o, rs)
	}
	if a, ok := adviseRun(o, false); ok {
		return []advice{a}
	}
	switch {
	case !looked:
		return []advice{{Do: "Wait some seconds", Why: "the estate is being asked", Idle: true}}
	case len(rs) == 0 && o.Demo && len(o.Runbooks) > 0:
		b := o.Runbooks[0]
		if away, ok := bookAway(o); ok {
			b = away
		}
		return []advice{{Do: "Rehearse " + b.Name, Why: "this estate is simulated: nothing real can break", Book: b.Ref}}
	case len(rs) == 0:
		return []advice{{Do: "Look at the service yourself", Why: "nothing here can be asked: there are no probes"}}
	case allUnknown(rs):
		return []advice{{Do: "Check this machine's network and credentials", Why: "not one probe got an answer", Look: true}}
	case word == isUnknown:
		return adviseTriage(o, rs)
	case word == isWarn:
		return []advice{adviseWarn(rs)}
	}
	return []advice{{Do: "Nothing needs you", Why: unproved(o), Look: true, Idle: true}}
}

// adviseRun is about the runs that are open. First are those that act on production: live ones, and all of them where the
// whole estate is simulated.
func adviseRun(o *Overview, first bool) (advice, bool) {
	var best *RunLine
	for i := range o.Open {
		r := &o.Open[i]
		if (r.Mode == runbook.Live || o.Demo) != first {
			continue
		}
		if best == nil || urgency(r) > urgency(best) {
			best = r
		}
	}
	if best == nil {
		return advice{}, false
	}
	a := advice{Do: "Go to the run " + best.Name, Run: best.Run}
	switch {
	case best.Damaged:
		a.Why = "its record is damaged"
	case best.Asks != "":
		a.Do, a.Why = "Answer the run "+best.Name, "it waits for you: "+best.Asks
	case !best.Driven:
		a.Do, a.Why = "Take up the run "+best.Name, "nobody drives it"
	default:
		a.Why = "it goes on by itself"
	}
	return a, true
}

func urgency(r *RunLine) int {
	switch {
	case r.Asks != "":
		return 3
	case !r.Driven, r.Damaged:
		return 2
	}
	return 1
}

// bookAway finds the runbook that leaves the region.
func bookAway(o *Overview) (RunbookLine, bool) {
	for _, b := range o.Runbooks {
		if b.Name == "failover" {
			return b, true
		}
	}
	return RunbookLine{}, false
}

func adviseWarn(rs []Reading) advice {
	sorted := sortReadings(rs)
	r := &sorted[0]
	for i := range sorted { // a known fault first: it has something to do
		if sorted[i].Verdict != Well && sorted[i].Do != "" {
			r = &sorted[i]
			break
		}
	}
	a := advice{Do: "Look at " + r.Name, Why: r.Value, Look: true}
	if r.Do != "" {
		a.Do, a.Why = capital(r.Do), r.Name+": "+r.Value
	}
	return a
}

func unproved(o *Overview) string {
	if b, ok := bookAway(o); ok && b.Trouble == nil && b.Proved == nil && !b.Shipped {
		return "failover was never drilled: a good time for it"
	}
	return ""
}

func capital(s string) string {
	if s == "" {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
