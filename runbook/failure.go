package runbook

import (
	"context"
	"errors"
)

// Verdict says what an error means for the world: the one question the engine asks of it.
type Verdict string

// The verdicts. An error that says nothing about itself is InDoubt: lifeboat never guesses.
const (
	// Definitive: it did not happen and trying the same again will not help without a change.
	Definitive Verdict = "definitive"
	// Transient: it did not happen, and the same call may work in a moment (throttled, refused connection).
	Transient Verdict = "transient"
	// InDoubt: it may have happened (timed out, connection lost after sending, 5xx).
	InDoubt Verdict = "in_doubt"
)

// Failure is an error as it is journaled and shown: what happened, what it means, what to do.
type Failure struct {
	What    string  `json:"what"`
	Means   string  `json:"means,omitempty"`
	Do      string  `json:"do,omitempty"`
	Code    string  `json:"code,omitempty"` // the provider's own, such as InsufficientInstanceCapacity
	Verdict Verdict `json:"verdict"`
	// Fallbacks are other ways to do the step, the best first; see Fallback.
	Fallbacks []Fallback `json:"fallbacks,omitempty"`
	// Made is what the attempt has made and left, so that it is in the ledger and may be cleaned up.
	Made []Target `json:"made,omitempty"`
}

func (f *Failure) Error() string { return f.What }

// Fail makes a definitive failure. Means and do may be empty.
func Fail(what, means, do string) *Failure {
	return &Failure{What: what, Means: means, Do: do, Verdict: Definitive}
}

// failer is implemented by errors of other packages that know their verdict.
type failer interface{ Failure() Failure }

// AsFailure turns any error into a Failure. A context's end is in doubt, as is every error that does not say otherwise.
func AsFailure(err error) Failure {
	var f *Failure
	if errors.As(err, &f) {
		out := *f
		if out.What == "" {
			out.What = err.Error()
		}
		return out
	}
	var k failer
	if errors.As(err, &k) {
		return k.Failure()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Failure{What: "no answer before the deadline", Verdict: InDoubt}
	}
	return Failure{What: err.Error(), Verdict: InDoubt}
}
