package engine

import (
	"context"
	"errors"
	"fmt"
	"io"

	"lifeboat/runbook"
)

// guardTask probes a guard. What cannot be found out before the guard's timeout is unsure, which is not the same as false.
func (e *Engine) guardTask(id string) func(context.Context) runbook.Fact {
	var guard runbook.PlannedGuard
	for _, g := range e.Plan.Guards {
		if g.ID == id {
			guard = g
		}
	}
	probe, err := e.Plan.BindGuard(id, nil)
	call := runbook.Call{
		Run: e.Run, Step: id, Attempt: 1, Since: e.state.StartedAt, Log: io.Discard,
		Progress: func(p runbook.Progress) { e.Desk.Progress(id, p) },
	}
	return func(ctx context.Context) runbook.Fact {
		if err != nil {
			return guardFailed(guard, err.Error(), true)
		}
		deadline, cancel := e.Clock.WithTimeout(ctx, guard.Timeout)
		defer cancel()
		return e.probeGuard(ctx, deadline, guard, probe, call)
	}
}

func (e *Engine) probeGuard(
	ctx, deadline context.Context, guard runbook.PlannedGuard, probe runbook.Probe, call runbook.Call,
) runbook.Fact {
	var last string
	for pause := e.Poll.First; ; pause = min(pause*3/2, e.Poll.Max) {
		seen, err := guarded(func() (runbook.Observation, error) { return probe.Observe(deadline, call) })
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			last = err.Error()
			if runbook.AsFailure(err).Verdict == runbook.Definitive {
				return guardFailed(guard, last, true)
			}
		case seen.State == runbook.Holds:
			return &runbook.GuardPassed{Guard: guard.ID, Evidence: seen.Evidence}
		case seen.State == runbook.Absent || seen.State == runbook.Broken:
			return guardFailed(guard, seen.Evidence, false)
		case seen.State == runbook.Unsure:
			return guardFailed(guard, seen.Evidence, true)
		default:
			last = seen.Evidence
		}
		if last != "" {
			call.Progress(runbook.Progress{Text: fmt.Sprintf("%s · waits %s at most", last, runbook.ClockText(guard.Timeout))})
		}
		if err := runbook.Sleep(deadline, e.Clock, pause); err != nil {
			if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errCut) {
				return nil
			}
			return guardFailed(guard, joined(last, "not known after "+guard.Timeout.String()), true)
		}
	}
}

func guardFailed(g runbook.PlannedGuard, evidence string, unsure bool) runbook.Fact {
	f := &runbook.GuardFailed{Guard: g.ID, Evidence: evidence, Unsure: unsure, Waive: g.Waive}
	if g.Waive == runbook.ConfirmType {
		f.Word = g.Word
	}
	return f
}

// undoTask puts one step back. It is safe after a crash: an Undo looks before it acts.
func (e *Engine) undoTask(id string) func(context.Context) runbook.Fact {
	step, _ := e.Plan.Step(id)
	probe, call, err := e.bind(step, e.state.Step(id).Attempt, e.Secrets)
	call.Used = runbook.Used(e.Plan, &e.state, id)
	if err == nil && e.Plan.Mode == runbook.Drill {
		if act, ok := probe.(runbook.Action); ok {
			err = e.fence(step, act, call)
		}
	}
	return func(ctx context.Context) runbook.Fact {
		if err != nil {
			return &runbook.UndoFailed{Step: id, Error: runbook.AsFailure(err)}
		}
		undoer, ok := probe.(runbook.Undoer)
		if !ok {
			return &runbook.UndoFailed{Step: id, Error: *runbook.Fail("a "+step.Kind.Name+" step has no undo", "", "")}
		}
		return e.undo(ctx, step, undoer, call)
	}
}

func (e *Engine) undo(ctx context.Context, step *runbook.PlannedStep, u runbook.Undoer, call runbook.Call) runbook.Fact {
	deadline, cancel := e.Clock.WithTimeout(ctx, step.Timeout)
	defer cancel()
	var seen runbook.Observation
	var err error
	for pause := e.Poll.First; ; pause = min(pause*3/2, e.Poll.Max) {
		seen, err = guarded(func() (runbook.Observation, error) { return u.Undo(deadline, call) })
		if err == nil && seen.State == runbook.Holds {
			return &runbook.UndoSucceeded{Step: step.ID, Evidence: seen.Evidence, Left: seen.Made}
		}
		if err != nil && runbook.AsFailure(err).Verdict == runbook.Definitive {
			return &runbook.UndoFailed{Step: step.ID, Error: runbook.AsFailure(err)}
		}
		waits(call, seen, err, step.Timeout)
		if runbook.Sleep(deadline, e.Clock, pause) != nil {
			break
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if err == nil {
		err = runbook.Fail("the undo did not end within "+step.Timeout.String()+": "+seen.Evidence, "", "look by hand")
	}
	return &runbook.UndoFailed{Step: step.ID, Error: runbook.AsFailure(err)}
}
