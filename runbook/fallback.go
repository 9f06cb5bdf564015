package runbook

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Fallback is another way to do a step that failed for good: another machine type, another zone. The kind that failed
// ranks them, the best first, in Failure.Fallbacks; the operator chooses one, or the step's `fallback: auto` takes the
// first that was not tried. The next attempt has a key of its own and finds With in Call.Fallback.
type Fallback struct {
	Name  string         `json:"name"`           // as it is typed: "m7a.large", "us-east-1b"
	Title string         `json:"title"`          // "launch m7a.large in us-east-1a instead"
	Adds  Seconds        `json:"adds,omitempty"` // how much longer the run takes by it; an estimate
	With  map[string]any `json:"with,omitempty"` // what is another: its words are the kind's
}

// The ways in which a step takes its fallbacks.
const (
	FallbackAsk  = "ask"  // the operator chooses
	FallbackAuto = "auto" // in their order, without asking
)

// usePrefix makes a choice of a fallback's name.
const usePrefix = "use-"

// Use is the choice that takes the fallback.
func (f Fallback) Use() Choice { return Choice(usePrefix + f.Name) }

var fallbackName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Words say what the fallback does and what it costs.
func (f Fallback) Words() string {
	if f.Adds <= 0 {
		return f.Title
	}
	return f.Title + " (+" + ClockText(time.Duration(f.Adds)) + ")"
}

// usable are the fallbacks of a failure that can be offered: those whose name can be typed, each once.
func (f *Failure) usable() []Fallback {
	if f == nil {
		return nil
	}
	var out []Fallback
	for _, b := range f.Fallbacks {
		if fallbackName.MatchString(b.Name) && !slices.ContainsFunc(out, func(o Fallback) bool { return o.Name == b.Name }) {
			out = append(out, b)
		}
	}
	return out
}

// untriedFirst are the ways of a failed step, those that it has tried already at the end: what was refused a moment ago is
// not to be under the finger.
func untriedFirst(st *StepState) []Fallback {
	ways := st.Failure.usable()
	for i := range ways {
		if slices.Contains(st.Tried, ways[i].Name) {
			ways[i].Title = "tried already: " + ways[i].Title
		}
	}
	slices.SortStableFunc(ways, func(a, b Fallback) int {
		switch at, bt := slices.Contains(st.Tried, a.Name), slices.Contains(st.Tried, b.Name); {
		case at == bt:
			return 0
		case at:
			return 1
		}
		return -1
	})
	return ways
}

// Fallback finds what a choice takes.
func (q Question) Fallback(c Choice) (Fallback, bool) {
	name, use := strings.CutPrefix(string(c), usePrefix)
	i := slices.IndexFunc(q.Fallbacks, func(b Fallback) bool { return b.Name == name })
	if !use || i < 0 {
		return Fallback{}, false
	}
	return q.Fallbacks[i], true
}

// nextFallback is what a failed step takes by itself: the first fallback that it has not tried. nil when a person decides.
func nextFallback(s *State, step *PlannedStep, st StepState) Fact {
	if step.Fallback != FallbackAuto || st.Failure == nil || st.Cut {
		return nil
	}
	for _, b := range st.Failure.usable() {
		if !slices.Contains(st.Tried, b.Name) {
			return s.Retry(&StepRetried{Step: step.ID, Fallback: &b, Reason: "by the step's fallback rule"})
		}
	}
	return nil
}
