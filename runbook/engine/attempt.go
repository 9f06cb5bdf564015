package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"lifeboat/runbook"
)

// task makes the function that does the work and returns the fact it came to. It reads the state here, on the loop's
// goroutine; the function runs on its own. A nil fact drops the work.
func (e *Engine) task(w runbook.Work) func(context.Context) runbook.Fact {
	switch w.Kind {
	case runbook.WorkGuard:
		return e.guardTask(w.ID)
	case runbook.WorkUndo:
		return e.undoTask(w.ID)
	}
	step, _ := e.Plan.Step(w.ID)
	st := e.step(w.ID)
	a := &attempt{Engine: e, step: step, st: st, mine: e.own[w.ID] == st.Attempt && st.Epoch == e.Driver.Epoch}
	var err error
	// Apply alone needs the secrets: looking must work without them.
	if w.Kind == runbook.WorkAttempt && a.mine {
		a.probe, a.call, err = e.bind(step, st.Attempt, e.Secrets)
	} else {
		a.probe, a.call, err = e.bind(step, st.Attempt, nil)
	}
	a.againTransient = st.Tries < step.Retry.Attempts
	if err != nil {
		fact := e.failed(w.ID, st.Attempt, err, false)
		return func(context.Context) runbook.Fact { return fact }
	}
	if w.Kind == runbook.WorkLook {
		return a.look
	}
	return a.run
}

// attempt is one attempt of a step. Nothing in it touches the engine's state once it runs.
type attempt struct {
	*Engine
	step           *runbook.PlannedStep
	st             runbook.StepState
	probe          runbook.Probe
	call           runbook.Call
	mine           bool // this driver wrote the intent, so it may apply it
	againTransient bool
}

// run applies the action and watches until it holds. A probe is only watched.
func (a *attempt) run(ctx context.Context) runbook.Fact {
	deadline, cancel := a.Clock.WithTimeout(ctx, a.remaining())
	defer cancel()
	action, acts := a.probe.(runbook.Action)
	if !acts || !a.mine {
		return a.watch(ctx, deadline, runbook.Observation{State: runbook.Pending}, acts)
	}
	seen, err := guarded(func() (runbook.Observation, error) { return action.Apply(deadline, a.call) })
	if err != nil {
		return a.applyFailed(ctx, err)
	}
	if fact := a.conclude(seen); fact != nil {
		return fact
	}
	return a.watch(ctx, deadline, seen, true)
}

// remaining is what is left of the attempt's timeout: a probe that another driver began keeps its deadline.
func (a *attempt) remaining() time.Duration {
	return max(time.Millisecond, a.step.Timeout-a.Clock.Now().Sub(a.st.Since))
}

func (a *attempt) applyFailed(ctx context.Context, err error) runbook.Fact {
	if cause := context.Cause(ctx); errors.Is(cause, errCut) {
		return a.stopped()
	}
	failure := runbook.AsFailure(err)
	if failure.Verdict != runbook.InDoubt {
		return a.fail(failure, false)
	}
	return &runbook.StepUnknown{Step: a.step.ID, Attempt: a.st.Attempt, Why: failure.What, Made: failure.Made}
}

func (a *attempt) fail(failure runbook.Failure, spent bool) runbook.Fact {
	return &runbook.StepFailed{
		Step: a.step.ID, Attempt: a.st.Attempt, Error: failure, Spent: spent,
		Again: failure.Verdict == runbook.Transient && a.againTransient,
	}
}

// stopped is the end of an attempt that a stop cut short.
func (a *attempt) stopped() runbook.Fact {
	return &runbook.StepFailed{
		Step: a.step.ID, Attempt: a.st.Attempt, Cut: true,
		Error: runbook.Failure{What: errCut.Error(), Verdict: runbook.Definitive},
	}
}

// conclude is the fact of an observation that settles the attempt, or nil.
func (a *attempt) conclude(seen runbook.Observation) runbook.Fact {
	switch seen.State {
	case runbook.Holds:
		return &runbook.StepSucceeded{
			Step: a.step.ID, Attempt: a.st.Attempt, Elapsed: runbook.Seconds(a.Clock.Now().Sub(a.st.First)),
			Evidence: seen.Evidence, Outputs: seen.Outputs, Made: seen.Made, Changed: seen.Changed,
			Settled: a.st.Status == runbook.StatusUnknown,
		}
	case runbook.Broken:
		return a.fail(runbook.Failure{What: seen.Evidence, Verdict: runbook.Definitive, Made: seen.Made}, seen.KeySpent)
	}
	return nil
}

// watch observes until the step holds, its timeout passes, or it is cut.
func (a *attempt) watch(ctx, deadline context.Context, last runbook.Observation, accepted bool) runbook.Fact {
	var trouble error
	for pause := a.Poll.First; ; pause = a.next(pause) {
		seen, err := guarded(func() (runbook.Observation, error) { return a.probe.Observe(deadline, a.call) })
		if err == nil {
			last, trouble = seen, nil
			if fact := a.conclude(seen); fact != nil {
				return fact
			}
			if accepted && seen.State == runbook.Absent && a.settled() {
				return &runbook.StepUnknown{
					Step: a.step.ID, Attempt: a.st.Attempt, Why: "it was accepted and cannot be seen", Seen: seen.Evidence, Made: seen.Made,
				}
			}
		} else if deadline.Err() == nil {
			trouble = err
		}
		waits(a.call, last, trouble, a.step.Timeout)
		if runbook.Sleep(deadline, a.Clock, pause) == nil {
			continue
		}
		switch {
		case errors.Is(context.Cause(ctx), errCut):
			return a.stopped()
		case ctx.Err() != nil:
			return nil // the driver ends: the next one looks
		}
		return a.timedOut(last, trouble, accepted)
	}
}

// waits shows what is waited for, or why it cannot be seen, and for how long at most: nobody may have to guess why a step
// does not move.
func waits(call runbook.Call, seen runbook.Observation, trouble error, limit time.Duration) {
	text := seen.Evidence
	if trouble != nil {
		text = trouble.Error()
	}
	if text != "" {
		call.Progress(runbook.Progress{Text: fmt.Sprintf("%s · waits %s at most", text, runbook.ClockText(limit))})
	}
}

func (a *attempt) timedOut(last runbook.Observation, trouble error, accepted bool) runbook.Fact {
	seen := last.Evidence
	if trouble != nil {
		seen = trouble.Error()
	}
	if accepted {
		return &runbook.StepUnknown{
			Step: a.step.ID, Attempt: a.st.Attempt, Why: "no end within its timeout of " + a.step.Timeout.String(), Seen: seen, Made: last.Made,
		}
	}
	what := "did not come true within its timeout of " + a.step.Timeout.String()
	if seen != "" {
		what += ": " + seen
	}
	return a.fail(runbook.Failure{What: what, Means: "nothing was changed by waiting", Verdict: runbook.Definitive}, false)
}

// next is the pause before the look after the next. What takes longer than a minute is looked at every second: AWS counts
// the questions of everybody who uses the account.
func (a *attempt) next(pause time.Duration) time.Duration {
	if a.Clock.Now().Sub(a.st.Since) > time.Minute {
		return max(time.Second, a.Poll.Max)
	}
	return min(pause*3/2, a.Poll.Max)
}

// settled reports whether an Absent counts.
func (a *attempt) settled() bool {
	return !a.Clock.Now().Before(a.st.Since.Add(a.step.Kind.Settle))
}

// lookTimeout is how long looking may try to settle an unknown step before a person is asked, when what it sees is not
// even under way.
const lookTimeout = 30 * time.Second

// look settles an unknown step: it holds, it is broken, it is absent (and then may be tried again), or a person is asked.
func (a *attempt) look(ctx context.Context) runbook.Fact {
	limit := max(lookTimeout, a.step.Kind.Settle+lookTimeout)
	deadline, cancel := a.Clock.WithTimeout(ctx, max(limit, a.step.Timeout))
	defer cancel()
	began := a.Clock.Now()
	var seen runbook.Observation
	var err error
	if a.st.Claim != nil {
		return a.vouch(ctx)
	}
	for pause := a.Poll.First; ; pause = a.next(pause) {
		seen, err = guarded(func() (runbook.Observation, error) { return a.probe.Observe(deadline, a.call) })
		if err == nil {
			if fact := a.conclude(seen); fact != nil {
				return fact
			}
			if seen.State == runbook.Unsure {
				return a.ask(seen)
			}
			if seen.State == runbook.Absent && a.settled() {
				return a.absent(seen)
			}
		}
		waits(a.call, seen, err, limit)
		waiting := err == nil && seen.State == runbook.Pending
		if deadline.Err() != nil || !waiting && a.Clock.Now().Sub(began) > limit {
			break
		}
		if runbook.Sleep(deadline, a.Clock, pause) != nil {
			break
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		seen.Evidence = fmt.Sprintf("looking did not settle it: %v", err)
		return a.ask(seen)
	}
	seen.Evidence = joined(seen.Evidence, "still under way")
	return a.ask(seen)
}

// vouch looks at what a person says of a step that was done by hand. What has just been made may not be seen yet, so an
// absence counts after the kind's settle time.
func (a *attempt) vouch(ctx context.Context) runbook.Fact {
	claim := a.st.Claim
	byHand := &runbook.StepByHand{Step: a.step.ID, By: claim.By, Note: claim.Note, Outputs: maps.Clone(claim.Outputs)}
	voucher, ok := a.probe.(runbook.Voucher)
	if !ok {
		return byHand
	}
	a.call.Did = claim.Outputs
	whole := a.step.Kind.Settle + lookTimeout/3
	limit, cancel := a.Clock.WithTimeout(ctx, whole)
	defer cancel()
	began := a.Clock.Now()
	for pause := a.Poll.First; ; pause = a.next(pause) {
		seen, err := guarded(func() (runbook.Observation, error) { return voucher.Vouch(limit, a.call) })
		words := seen.Evidence
		switch {
		case err != nil:
			words = "it could not be looked at: " + runbook.AsFailure(err).What
		case seen.State == runbook.Holds:
			maps.Copy(byHand.Outputs, seen.Outputs)
			return byHand
		case seen.State == runbook.Broken, seen.State == runbook.Absent && a.Clock.Now().Sub(began) >= a.step.Kind.Settle:
			return a.ask(runbook.Observation{Evidence: words})
		}
		waits(a.call, seen, err, whole)
		if runbook.Sleep(limit, a.Clock, pause) == nil {
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		return a.ask(runbook.Observation{Evidence: words})
	}
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

func (a *attempt) ask(seen runbook.Observation) runbook.Fact {
	return &runbook.StepUnknown{Step: a.step.ID, Attempt: a.st.Attempt, Why: a.st.Why, Seen: seen.Evidence, Made: seen.Made, Ask: true}
}

// absent: it is proved that it did not happen. The step's own rule may try again; the key stays unless it was spent. Where
// a part of it is there under this key, a failure would let the next attempt make that part again under another one: a
// person is asked, whose retry keeps the key.
func (a *attempt) absent(seen runbook.Observation) runbook.Fact {
	if !a.againTransient && len(seen.Made) > 0 && !seen.KeySpent {
		return a.ask(seen)
	}
	if !a.againTransient {
		return a.fail(runbook.Failure{
			What: joined(a.st.Why, "it did not happen: "+seen.Evidence), Verdict: runbook.Definitive,
		}, seen.KeySpent)
	}
	generation := a.st.Generation
	if seen.KeySpent {
		generation++
	}
	return &runbook.StepRetried{
		Step: a.step.ID, Attempt: a.st.Attempt + 1, Generation: generation,
		Reason: joined("looked, and it did not happen", seen.Evidence),
	}
}
