package page

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"lifeboat/ui/theme"
)

// estateWord is the state of the whole in one word.
type estateWord string

const (
	isWell    estateWord = "WELL"
	isWarn    estateWord = "WARN"
	isDown    estateWord = "DOWN"
	isUnknown estateWord = "UNKNOWN"
)

// staleAfter is how old readings may be before they say nothing about now. They are taken every ten seconds.
const staleAfter = time.Minute

// groups is the order in which readings are told; what stands in no group comes last.
func groups() []string {
	return []string{"fence", "service", "dns", "region", "server", "ssh", "zone", "backup", "standby", "control", "here"}
}

// aside are the groups that speak up on a bad night only: on a quiet day they take no line, and not knowing them is no warning.
func aside(group string) bool {
	switch group {
	case "ssh", "zone", "control", "here":
		return true
	}
	return false
}

// judge says how the estate is. Down means the service alone: what is broken beside it warns. Not knowing is not well, but a
// copy that no probe can measure is told beside the word: a warning that never ends is soon not read any more.
func judge(rs []Reading) estateWord {
	service, rest := Verdict(""), Well
	for i := range rs {
		switch r := &rs[i]; {
		case r.Group == "service":
			service = worse(service, r.Verdict)
		case r.Verdict == Unknown && (r.Group == "backup" || r.Group == "standby" || aside(r.Group)):
		default:
			rest = worse(rest, r.Verdict)
		}
	}
	switch {
	case service == Bad:
		return isDown
	case service == "" || service == Unknown:
		return isUnknown
	case service == Warn || rest != Well:
		return isWarn
	}
	return isWell
}

func rank(v Verdict) int {
	switch v {
	case Bad:
		return 4
	case Unknown:
		return 3
	case Warn:
		return 2
	case Well:
		return 1
	}
	return 0
}

// worse is the worse of two verdicts. A broken thing outweighs one that is not known.
func worse(a, b Verdict) Verdict {
	if b == "" || rank(b) == 0 {
		b = Unknown
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// sortReadings puts what is not well first, the worst of all at the top, and keeps groups together.
func sortReadings(rs []Reading) []Reading {
	out := slices.Clone(rs)
	order := groups()
	place := func(r *Reading) int {
		if i := slices.Index(order, r.Group); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(out, func(a, b Reading) int {
		return cmp.Or(cmp.Compare(rank(b.Verdict), rank(a.Verdict)), cmp.Compare(place(&a), place(&b)))
	})
	return out
}

// about is what is known about a thing of a group: the worst verdict, and the reading that says so. With an empty name any
// of the group counts.
func about(rs []Reading, group, name string) (Verdict, *Reading) {
	var v Verdict
	var by *Reading
	for i := range rs {
		r := &rs[i]
		if r.Group != group || !strings.Contains(r.Name, name) {
			continue
		}
		if w := worse(v, r.Verdict); w != v {
			v, by = w, r
		}
	}
	return v, by
}

// notKnown counts the readings that say nothing.
func notKnown(rs []Reading) int {
	n := 0
	for i := range rs {
		if rs[i].Verdict == Unknown {
			n++
		}
	}
	return n
}

// allUnknown reports whether not one probe got an answer, which says more about this machine than about the estate.
func allUnknown(rs []Reading) bool {
	return len(rs) > 0 && notKnown(rs) == len(rs)
}

// verdictLook is how a verdict looks: style, sign and word always go together.
func verdictLook(th *theme.Theme, v Verdict) (style theme.Style, sign, word string) {
	switch v {
	case Well:
		return th.Good, th.Sign.Done, "well"
	case Warn:
		return th.Warn, th.Sign.Warn, "warn"
	case Bad:
		return th.Bad, th.Sign.Failed, "bad"
	}
	return th.Asking, th.Sign.Unknown, "unknown"
}

// wordLook is how the state of the whole looks.
func wordLook(th *theme.Theme, w estateWord) (style theme.Style, sign string) {
	switch w {
	case isWell:
		return th.Good.Bold(), th.Sign.Done
	case isWarn:
		return th.Warn.Bold(), th.Sign.Warn
	case isDown:
		return th.Bad.Reverse(), th.Sign.Failed
	}
	return th.Asking, th.Sign.Unknown
}
