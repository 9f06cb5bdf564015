package engine

import (
	"fmt"
	"slices"
	"time"

	"lifeboat/runbook"
)

// preparation is the read-only look before an intent. It lives in memory only: losing it loses nothing.
type preparation struct {
	attempt int
	done    bool
	before  runbook.Before
	failed  runbook.Fact
}

// complete turns what Decide wants into what can be appended now: an intent waits for its Prepare and for the end of its
// back-off, and the end of the run gets its elapsed time.
func (e *Engine) complete(facts []runbook.Fact) []runbook.Fact {
	wanted := map[string]bool{}
	out := slices.DeleteFunc(facts, func(f runbook.Fact) bool {
		switch f := f.(type) {
		case *runbook.StepStarted:
			wanted[f.Step] = true
			return !e.ready(f)
		case *runbook.RunFinished:
			f.Elapsed = runbook.Seconds(e.moments.elapsed())
		}
		return false
	})
	for i, f := range out {
		if started, ok := f.(*runbook.StepStarted); ok && e.prepared[started.Step].failed != nil {
			out[i] = e.prepared[started.Step].failed
			delete(e.prepared, started.Step)
		}
	}
	for step := range e.prepared { // what is not wanted now would be stale when it is
		if !wanted[step] {
			delete(e.prepared, step)
		}
	}
	if len(out) == 1 { // a hold that ends only for an intent that is not ready yet would flicker
		if _, ok := out[0].(*runbook.RunResumed); ok && len(wanted) > 0 {
			return nil
		}
	}
	return out
}

// ready reports whether the intent can be appended, filling in its Before. It starts the preparation when there is none.
func (e *Engine) ready(f *runbook.StepStarted) bool {
	p := e.prepared[f.Step]
	if p != nil && p.attempt == f.Attempt {
		if p.done {
			f.Before = p.before
		}
		return p.done
	}
	if e.step(f.Step).NotBefore.After(e.Clock.Now()) {
		return false
	}
	p = &preparation{attempt: f.Attempt}
	e.prepared[f.Step] = p
	step, _ := e.Plan.Step(f.Step)
	action, call, err := e.bind(step, f.Attempt, nil)
	if err != nil {
		p.done, p.failed = true, e.failed(f.Step, f.Attempt, err, false)
		return true
	}
	act, ok := action.(runbook.Action)
	if !ok {
		p.done = true
		return true
	}
	if err := e.fence(step, act, call); err != nil {
		p.done, p.failed = true, e.failed(f.Step, f.Attempt, err, false)
		return true
	}
	go e.prepare(p, step, act, call)
	return false
}

// prepareTimeout is the deadline of the look before an intent; after prepareSilence it is shown.
const (
	prepareTimeout = 30 * time.Second
	prepareSilence = 2 * time.Second
)

func (e *Engine) prepare(p *preparation, step *runbook.PlannedStep, act runbook.Action, call runbook.Call) {
	ctx, cancel := e.Clock.WithTimeout(e.ctx, prepareTimeout)
	defer cancel()
	late, stop := e.Clock.After(prepareSilence)
	defer stop()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-late:
			waits(call, runbook.Observation{Evidence: "no answer yet to what is there now"}, nil, prepareTimeout)
		case <-done:
		}
	}()
	before, err := guarded(func() (runbook.Before, error) { return act.Prepare(ctx, call) })
	if err != nil && ctx.Err() != nil && e.ctx.Err() == nil {
		err = fmt.Errorf("no answer within %s: %w", prepareTimeout, err)
	}
	select {
	case e.results <- result{prep: p, step: step.ID, before: before, err: err}:
	case <-e.ctx.Done():
	}
}

// prepareDone takes what Prepare found, on the loop's goroutine.
func (e *Engine) prepareDone(r result) {
	r.prep.done, r.prep.before = true, r.before
	if r.err != nil {
		// Prepare changes nothing, so whatever it met, nothing happened.
		r.prep.failed = e.failedRead(r.step, r.prep.attempt, r.err)
	}
}

// bind makes the step's action and its call.
func (e *Engine) bind(step *runbook.PlannedStep, attempt int, secrets runbook.Secrets) (runbook.Probe, runbook.Call, error) {
	st := e.step(step.ID)
	probe, err := e.Plan.Bind(step.ID, &e.state, secrets)
	if err != nil {
		return nil, runbook.Call{}, runbook.Fail(err.Error(), "its parameters cannot be made; nothing was done", "")
	}
	generation := max(1, st.Generation)
	call := runbook.Call{
		Run: e.Run, Step: step.ID, Key: runbook.NewKey(e.Run, step.ID, generation), Attempt: attempt, Since: st.Since,
		Before: st.Before, Did: st.Outputs, Log: e.Desk.Log(step.ID),
		Progress: func(p runbook.Progress) { e.Desk.Progress(step.ID, p) },
	}
	if st.Fallback != nil {
		call.Fallback = st.Fallback.With
	}
	call.MayTouch = runbook.MayTouch(e.Plan, &e.state)
	return probe, call, nil
}

// fence refuses, before the intent, what a drill may not touch.
func (e *Engine) fence(step *runbook.PlannedStep, act runbook.Action, call runbook.Call) error {
	if e.Plan.Mode != runbook.Drill {
		return nil
	}
	t, ok := act.(runbook.Targeter)
	if !ok {
		return runbook.Fail("a "+step.Kind.Name+" step cannot be proved harmless in a drill", "nothing was done",
			"leave it out of drills with `if: run.mode != \"drill\"`")
	}
	for _, target := range t.Targets(call) {
		if err := call.MayTouch(target); err != nil {
			return err
		}
	}
	return nil
}

// failed is the fact of an attempt that came to an end with an error.
func (e *Engine) failed(step string, attempt int, err error, spent bool) runbook.Fact {
	failure := runbook.AsFailure(err)
	return &runbook.StepFailed{
		Step: step, Attempt: attempt, Error: failure, Spent: spent, Again: e.again(step, failure.Verdict),
	}
}

// failedRead is failed for a call that changes nothing: what is in doubt for others is merely transient here.
func (e *Engine) failedRead(step string, attempt int, err error) runbook.Fact {
	failure := runbook.AsFailure(err)
	if failure.Verdict == runbook.InDoubt {
		failure.Verdict, failure.Means = runbook.Transient, "it was only looked at; nothing was changed"
	}
	return &runbook.StepFailed{Step: step, Attempt: attempt, Error: failure, Again: e.again(step, failure.Verdict)}
}

// again reports whether the step's own rule allows another attempt.
func (e *Engine) again(step string, v runbook.Verdict) bool {
	planned, ok := e.Plan.Step(step)
	return ok && v == runbook.Transient && e.state.Step(step).Tries < planned.Retry.Attempts
}

// guarded turns a panic of an action into an error: the run goes on, and what the action did is in doubt.
func guarded[T any](f func() (T, error)) (out T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the step's code failed: %v", r)
		}
	}()
	return f()
}
