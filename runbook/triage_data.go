package runbook

import (
	"fmt"
	"slices"
	"time"
)

// badData: somebody says that the data itself is bad, so that starting anything anew changes nothing. The best copy is the
// newest one that was made before the damage. A live replica copies the damage within seconds.
func (t *triage) badData() Advice {
	a := Advice{State: HasBad, Broken: "the data: " + t.data.Value}
	since, known := t.data.Age, t.data.Measured
	a.Why = "a copy is good when it was made before the damage"
	if !known {
		a.Doubt = "since when the data is bad is not known: say it, and the copies can be told apart"
	}
	var ways []Way
	for _, kind := range []string{"nightly", "archive", "replica"} {
		ways = append(ways, t.copyWay(kind, since, known))
	}
	slices.SortStableFunc(ways, func(x, y Way) int { return t.copyRank(x) - t.copyRank(y) })
	switch best := t.copy(copyOf(ways[0])); {
	case !ways[0].Possible:
		a.Doubt = join(". ", a.Doubt, "no copy is known to be older than the damage and within reach")
		ways = slices.Insert(ways, 0, t.look("Find a copy from before the damage", "none is known here"))
	case best.Found == Faulty:
		a.Doubt = join(". ", a.Doubt, "the only copy that may be older than the damage is not well")
		ways = slices.Insert(ways, 0, t.look("See what is the matter with the "+copyName(best.Name), best.Value))
	case known && !best.Measured && best.Name != "archive":
		a.Doubt = "how old the copies are is not measured"
	}
	a.Ways = append(ways, t.wait("what is written from now on is lost as well"))
	return a
}

// copyWay is the way back with one copy.
func (t *triage) copyWay(kind string, since time.Duration, known bool) Way {
	c := t.copy(kind)
	w := t.away("")
	w.Inputs, w.Loses = map[string]string{"data": kind}, t.loses(kind)
	switch kind {
	case "archive":
		w = t.way(RestoreArchive, "Restore the archive onto a new volume", "any day of the chain can be had; it takes the longest")
		w.Loses = t.loses(kind)
		if at := t.data.At; known && !at.IsZero() {
			w.Inputs = map[string]string{"day": at.Add(-since - time.Second).UTC().Format(time.RFC3339)}
		} else {
			w.Why = join("; ", w.Why, "name a day from before the damage (day): else it is the newest")
		}
		if known && c.Age <= since { // the newest is spoilt; the one before is at most a day older
			w.Loses.Seconds = Seconds(since + 24*time.Hour)
		}
	case "nightly":
		w.Do += " with last night's copy"
	case "replica":
		w.Do += " with the live replica"
	}
	switch {
	case !w.Possible:
	case kind == "archive":
	case known && c.Measured && c.Age <= since:
		w.Possible, w.Why = false, fmt.Sprintf("it was made %s ago, after the damage", SpanText(c.Age))
	case kind == "replica" && (!known || !c.Measured):
		w.Possible, w.Why = false, "it copies the damage within seconds"
	case known && c.Measured:
		w.Why = join("; ", "it was made before the damage", w.Why)
	default:
		w.Why = join("; ", "see that it is from before the damage", w.Why)
	}
	switch {
	case c.Found == Silent:
		w.Possible, w.Why = false, "it does not answer"
	case c.Found == Faulty && w.Possible:
		w.Why = join("; ", w.Why, "it is not well: "+c.Value)
	}
	return w
}

// copyOf is the copy that a way goes back to.
func copyOf(w Way) string {
	if w.Loses == nil {
		return ""
	}
	return w.Loses.Copy
}

// copyName is what people call a copy.
func copyName(kind string) string {
	if kind == "nightly" {
		return "nightly copy"
	}
	return kind
}

// copyRank puts what is possible first, and of that what loses least; what is not measured comes after what is, and what is known
// to be broken after that.
func (t *triage) copyRank(w Way) int {
	const day = 24 * 60 * 60
	switch {
	case !w.Possible:
		return 1 << 31
	case t.copy(copyOf(w)).Found == Faulty:
		return 1 << 30
	case w.Loses == nil || !w.Loses.Known:
		if w.Remedy == RestoreArchive {
			return 1 << 29
		}
		return 1 << 28
	}
	return int(min(time.Duration(w.Loses.Seconds).Seconds(), 1000*day))
}
