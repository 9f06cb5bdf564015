package actions

import (
	"context"
	"time"

	"lifeboat/runbook"
)

func replicaPause(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "replica.pause",
		Summary: "stop a replica from taking writes",
		New:     func() runbook.Probe { return &pause{w: w} },
		Settle:  2 * time.Second,
		Budget:  5 * time.Second,
		Timeout: time.Minute,
	}
}

// pause runs the estate's own command: every database has its own way. Without a command that says whether it is paused,
// a crash in the middle ends in a question.
type pause struct {
	Replica Replica `with:"replica,required" doc:"the replica: estate.standby.replica"`

	w world
}

// pauseBefore says whether it was paused already.
type pauseBefore struct {
	Paused bool `json:"paused"`
}

func (a *pause) on(call runbook.Call) remote {
	return remote{w: a.w, host: a.Replica.Host, log: call.Log}
}

func (a *pause) configured() error {
	switch {
	case a.Replica.Host.Address == "":
		return runbook.Fail("the estate has no replica", "there is nothing to pause; nothing was changed",
			"write standby.replica in the estate, with host, path, pause, paused and resume; or choose another copy of the data")
	case len(a.Replica.Pause) == 0:
		return runbook.Fail("standby.replica.pause is not in the estate", "lifeboat does not know how this replica is paused; nothing was changed",
			"write the command there, as a list of words; `true` if it needs none")
	}
	return nil
}

func (a *pause) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	if err := a.configured(); err != nil {
		return nil, err
	}
	if len(a.Replica.Paused) == 0 {
		return runbook.Keep(pauseBefore{})
	}
	res, err := a.on(call).look(ctx, a.Replica.Paused...)
	if err != nil {
		return nil, err
	}
	return runbook.Keep(pauseBefore{Paused: res.Status == 0})
}

func (a *pause) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if len(a.Replica.Paused) == 0 {
		return seen(runbook.Unsure, "the estate has no standby.replica.paused, the command that would tell"), nil
	}
	res, err := a.on(call).look(ctx, a.Replica.Paused...)
	if err != nil {
		return runbook.Observation{}, err
	}
	if res.Status == 0 {
		return a.done("says that it is paused"), nil
	}
	return seen(runbook.Absent, "%s takes writes (`%s` ended with status %d)", a.Replica.Host, line(a.Replica.Paused), res.Status), nil
}

func (a *pause) done(how string) runbook.Observation {
	o := seen(runbook.Holds, "%s %s", a.Replica.Host, how)
	o.Changed = []runbook.Target{a.Replica.Host.Target()}
	return o
}

func (a *pause) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if err := a.configured(); err != nil {
		return runbook.Observation{}, err
	}
	var before pauseBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if before.Paused {
		return seen(runbook.Holds, "%s was paused before", a.Replica.Host), nil
	}
	if _, err := a.on(call).must(ctx, a.Replica.Pause...); err != nil {
		return runbook.Observation{}, err
	}
	if len(a.Replica.Paused) == 0 {
		return a.done("took the command to pause"), nil
	}
	return a.drained(ctx, call)
}

// drained waits until the replica itself says that it is paused: it took the command and works off what it had begun.
func (a *pause) drained(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	for {
		o, err := a.Observe(ctx, call)
		if err != nil || o.State == runbook.Holds {
			return o, err
		}
		call.Progress(runbook.Progress{Text: o.Evidence})
		if err := runbook.Sleep(ctx, a.w.clock, 500*time.Millisecond); err != nil {
			return runbook.Observation{}, err
		}
	}
}

// Undo lets the replica take writes again, unless it was paused before this step.
func (a *pause) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before pauseBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if before.Paused {
		return seen(runbook.Holds, "%s was paused before this step", a.Replica.Host), nil
	}
	if len(a.Replica.Resume) == 0 {
		return runbook.Observation{}, runbook.Fail("standby.replica.resume is not in the estate", "lifeboat does not know how this replica is let go on; it stays paused", "let it go on by hand, and write the command into the estate")
	}
	if len(a.Replica.Paused) > 0 {
		res, err := a.on(call).look(ctx, a.Replica.Paused...)
		if err != nil {
			return runbook.Observation{}, err
		}
		if res.Status != 0 {
			return seen(runbook.Holds, "%s takes writes", a.Replica.Host), nil
		}
	}
	if _, err := a.on(call).must(ctx, a.Replica.Resume...); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Holds, "%s takes writes again", a.Replica.Host), nil
}

// Check asks the replica itself, with the command that tells whether it is paused, where there is one.
func (a *pause) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := "replica answers ssh and can be paused"
	if c, open := notYet(what, a.Replica.Host.Address); open {
		return []runbook.Check{c}
	}
	if err := a.configured(); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell(what, "", f.Do, "%s", f.What)}
	}
	if len(a.Replica.Paused) == 0 {
		c := answersSSH(ctx, a.on(call), what)
		if c.OK {
			c.Seen += "; the estate has no standby.replica.paused, so a crash in the middle ends in a question"
		}
		return []runbook.Check{c}
	}
	argv := a.Replica.Paused
	res, err := a.on(call).look(ctx, argv...)
	source := "`" + line(argv) + "`"
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, err)}
	case res.Status == 126 || res.Status == 127 || res.Status > 128: // a shell's words for: not this, not here, killed
		return []runbook.Check{notWell(what, source, "correct standby.replica.paused in the estate", "it ended with status %d on %s: %s",
			res.Status, a.Replica.Host, lastLines(res.Stderr, 1))}
	case res.Status == 0:
		return []runbook.Check{well(what, source, "%s is paused already: its copy grows old", a.Replica.Host)}
	}
	return []runbook.Check{well(what, source, "%s takes writes", a.Replica.Host)}
}

// Depends is the host of the replica.
func (a *pause) Depends() []runbook.Dependency { return onHost(a.Replica.Host) }

func (a *pause) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{a.Replica.Host.Target()}
}

func (a *pause) Permissions() []string { return nil }

func (a *pause) ByHand(call runbook.Call) []string {
	if len(a.Replica.Pause) == 0 {
		return nil
	}
	return []string{a.on(call).byHand(a.Replica.Pause...)}
}
