package actions

import (
	"context"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func replicaPause(w world) runbook.Kind {
	return turnKind(w, pausing, "replica.pause", "stop a replica from taking writes")
}

func replicaResume(w world) runbook.Kind {
	return turnKind(w, resuming, "replica.resume", "let a replica take writes again")
}

func replicaPromote(w world) runbook.Kind {
	k := turnKind(w, promoting, "replica.promote", "make a replica the one that clients write to; no undo, unless the estate has replica.resume")
	k.Budget, k.Timeout = 30*time.Second, 10*time.Minute
	return k
}

func turnKind(w world, d doing, name, summary string) runbook.Kind {
	return runbook.Kind{
		Name: name, Summary: summary,
		New:    func() runbook.Probe { return &turn{doing: d, w: w} },
		Settle: 2 * time.Second,
		Budget: 5 * time.Second, Timeout: time.Minute,
	}
}

// turn runs the estate's own command: every database has its own way. Without a command that says how it stands, a crash
// in the middle ends in a question.
type turn struct {
	Replica Replica `with:"replica,required" doc:"the replica: estate.standby.replica"`

	doing doing
	w     world
}

// doing is one of the things that can be done to a replica.
type doing struct {
	verb, done  string // "pause", "paused"
	is, isNot   string // what is said of it afterwards, and before
	asks        string // the key of the command that tells
	contrary    bool   // which succeeds while it is not done
	undone      string
	note        string // of a check, when it is done already
	back        string // the key of the command that takes it back
	means, byMe string // when there is no such command
}

var (
	pausing = doing{
		verb: "pause", done: "paused", is: "is paused", isNot: "takes writes", asks: "paused", undone: "takes writes again",
		note: ": its copy grows old", back: "resume", means: "lifeboat does not know how this replica is let go on; it stays paused", byMe: "let it go on by hand",
	}
	resuming = doing{
		verb: "resume", done: "resumed", is: "takes writes", isNot: "is paused", asks: "paused", contrary: true, undone: "is paused again",
		back: "pause", means: "lifeboat does not know how this replica is paused; it goes on", byMe: "pause it by hand",
	}
	promoting = doing{
		verb: "promote", done: "promoted", is: "is promoted", isNot: "is a replica", asks: "promoted", undone: "is a replica again",
		note: ": it no longer follows production", back: "resume",
		means: "a promotion is for good where the estate has no command that makes it a replica again; it stays promoted", byMe: "make it a replica again by hand, from the new production's data",
	}
)

// command is one of the estate's commands, by its key.
func (r Replica) command(key string) []string {
	return map[string][]string{"pause": r.Pause, "paused": r.Paused, "resume": r.Resume, "promote": r.Promote, "promoted": r.Promoted}[key]
}

// turnBefore says whether it was so already.
type turnBefore struct {
	Already bool `json:"already"`
}

func (a *turn) on(call runbook.Call) remote {
	return remote{w: a.w, host: a.Replica.Host, log: call.Log}
}

func (a *turn) asks() []string { return a.Replica.command(a.doing.asks) }

func (a *turn) configured() error {
	switch d := a.doing; {
	case a.Replica.Host.Address == "":
		return runbook.Fail("the estate has no replica", "there is nothing to "+d.verb+"; nothing was changed",
			"write standby.replica in the estate, with host, path, "+d.verb+", "+d.asks+" and "+d.back+"; or choose another copy of the data")
	case len(a.Replica.command(d.verb)) == 0:
		return runbook.Fail("standby.replica."+d.verb+" is not in the estate", "lifeboat does not know how this replica is "+d.done+"; nothing was changed",
			"write the command there, as a list of words; `true` if it needs none")
	}
	return nil
}

// stands asks the replica whether it is so. A shell's own words for "not this", "not here" and "killed" are no answer.
func (a *turn) stands(ctx context.Context, call runbook.Call) (bool, providers.Result, error) {
	res, err := a.on(call).look(ctx, a.asks()...)
	if err == nil && silentStatus(res.Status) {
		err = a.on(call).ended(a.asks(), res)
	}
	return (res.Status == 0) != a.doing.contrary, res, err
}

func silentStatus(status int) bool { return status == 126 || status == 127 || status > 128 }

func (a *turn) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	if err := a.configured(); err != nil {
		return nil, err
	}
	if len(a.asks()) == 0 {
		return runbook.Keep(turnBefore{})
	}
	already, _, err := a.stands(ctx, call)
	if err != nil {
		return nil, err
	}
	return runbook.Keep(turnBefore{Already: already})
}

func (a *turn) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if len(a.asks()) == 0 {
		return seen(runbook.Unsure, "the estate has no standby.replica.%s, the command that would tell", a.doing.asks), nil
	}
	yes, res, err := a.stands(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	if yes {
		return a.done("says that it " + a.doing.is), nil
	}
	return seen(runbook.Absent, "%s %s (`%s` ended with status %d)", a.Replica.Host, a.doing.isNot, line(a.asks()), res.Status), nil
}

func (a *turn) done(how string) runbook.Observation {
	o := seen(runbook.Holds, "%s %s", a.Replica.Host, how)
	o.Changed = []runbook.Target{a.Replica.Host.Target()}
	return o
}

func (a *turn) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if err := a.configured(); err != nil {
		return runbook.Observation{}, err
	}
	var before turnBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if before.Already {
		return seen(runbook.Holds, "%s was %s before", a.Replica.Host, a.doing.done), nil
	}
	if _, err := a.on(call).must(ctx, a.Replica.command(a.doing.verb)...); err != nil {
		return runbook.Observation{}, err
	}
	if len(a.asks()) == 0 {
		return a.done("took the command to " + a.doing.verb), nil
	}
	return a.settled(ctx, call)
}

// settled waits until the replica itself says so: it took the command and works off what it had begun.
func (a *turn) settled(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
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

// Reverts reports whether the estate has the command that takes it back.
func (a *turn) Reverts() bool { return len(a.Replica.command(a.doing.back)) > 0 }

// Undo takes it back, unless it was so before this step or is so no more.
func (a *turn) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before turnBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	d := a.doing
	if before.Already {
		return seen(runbook.Holds, "%s was %s before this step", a.Replica.Host, d.done), nil
	}
	if !a.Reverts() {
		return runbook.Observation{}, runbook.Fail("standby.replica."+d.back+" is not in the estate", d.means, d.byMe+", and write the command into the estate")
	}
	if len(a.asks()) > 0 {
		yes, _, err := a.stands(ctx, call)
		if err != nil {
			return runbook.Observation{}, err
		}
		if !yes {
			return seen(runbook.Holds, "%s %s", a.Replica.Host, d.isNot), nil
		}
	}
	if _, err := a.on(call).must(ctx, a.Replica.command(d.back)...); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Holds, "%s %s", a.Replica.Host, d.undone), nil
}

// Check asks the replica itself, with the command that tells how it stands, where there is one.
func (a *turn) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	d := a.doing
	what := "replica answers ssh and can be " + d.done
	if c, open := notYet(what, a.Replica.Host.Address); open {
		return []runbook.Check{c}
	}
	if err := a.configured(); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell(what, "", f.Do, "%s", f.What)}
	}
	if len(a.asks()) == 0 {
		c := answersSSH(ctx, a.on(call), what)
		if c.OK {
			c.Seen += "; the estate has no standby.replica." + d.asks + ", so a crash in the middle ends in a question"
		}
		return []runbook.Check{c}
	}
	source, noUndo := "`"+line(a.asks())+"`", ""
	if !a.Reverts() {
		noUndo = "; there is no undo, for the estate has no standby.replica." + d.back
	}
	res, err := a.on(call).look(ctx, a.asks()...)
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, err)}
	case silentStatus(res.Status):
		return []runbook.Check{notWell(what, source, "correct standby.replica."+d.asks+" in the estate", "it ended with status %d on %s: %s",
			res.Status, a.Replica.Host, lastLines(res.Stderr, 1))}
	case (res.Status == 0) != d.contrary:
		return []runbook.Check{well(what, source, "%s %s already%s%s", a.Replica.Host, d.is, d.note, noUndo)}
	}
	return []runbook.Check{well(what, source, "%s %s%s", a.Replica.Host, d.isNot, noUndo)}
}

// Depends is the host of the replica.
func (a *turn) Depends() []runbook.Dependency { return onHost(a.Replica.Host) }

func (a *turn) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{a.Replica.Host.Target()}
}

func (a *turn) Permissions() []string { return nil }

func (a *turn) ByHand(call runbook.Call) []string {
	argv := a.Replica.command(a.doing.verb)
	if len(argv) == 0 {
		return nil
	}
	return []string{a.on(call).byHand(argv...)}
}
