package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func shell(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "shell",
		Summary: "run a command on a host",
		New:     func() runbook.Probe { return &command{w: w} },
		Outputs: []runbook.Output{{Name: "status", Doc: "how the command ended: 0", Type: "number"}},
		Settle:  2 * time.Second,
		Budget:  30 * time.Second,
		Timeout: 10 * time.Minute,
	}
}

// command runs an argv, never a pasted line: what is in a word stays in that word. What it did cannot be seen unless
// `check` tells; a crash in the middle ends in a question then. Standard output goes to the step's log and is no output.
type command struct {
	Host   providers.Host            `with:"host,required" doc:"the host"`
	Argv   []string                  `with:"argv,required" doc:"the command, word by word"`
	Done   []string                  `with:"check" doc:"command that ends with status 0 when it is done and changes nothing"`
	Revert []string                  `with:"undo" doc:"command that puts it back"`
	Env    map[string]runbook.Secret `with:"env" doc:"environment of the commands; may hold secrets, which the check does not get"`

	w world
}

func (a *command) run(ctx context.Context, call runbook.Call, argv []string, readOnly bool) (providers.Result, error) {
	env := map[string]string{}
	for name, v := range a.Env {
		// A step that only looks is bound without secrets: what is not known is left out.
		if plain := v.Reveal(); plain != "" {
			env[name] = plain
		}
	}
	return a.w.Shell.Run(ctx, a.Host, providers.Command{Argv: argv, Env: env, Log: call.Log, ReadOnly: readOnly, Line: func(_, l string) {
		if call.Progress != nil {
			call.Progress(runbook.Progress{Text: l})
		}
	}})
}

func (a *command) Prepare(context.Context, runbook.Call) (runbook.Before, error) {
	if len(a.Argv) == 0 {
		return nil, runbook.Fail("argv is empty", "there is nothing to run", "write the command as a list of words")
	}
	return nil, nil
}

func (a *command) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if len(a.Done) == 0 {
		return seen(runbook.Unsure, "what `%s` did cannot be seen; a `check` command would tell", line(a.Argv)), nil
	}
	res, err := a.run(ctx, call, a.Done, true)
	if err != nil {
		return runbook.Observation{}, err
	}
	if res.Status == 0 {
		return a.done("`" + line(a.Done) + "` says that it is done"), nil
	}
	return seen(runbook.Absent, "`%s` on %s ended with status %d", line(a.Done), a.Host, res.Status), nil
}

func (a *command) done(how string) runbook.Observation {
	o := seen(runbook.Holds, "%s on %s", how, a.Host)
	o.Outputs = map[string]any{"status": 0}
	o.Changed = []runbook.Target{a.Host.Target()}
	return o
}

func (a *command) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	res, err := a.run(ctx, call, a.Argv, false)
	if err != nil {
		return runbook.Observation{}, err
	}
	if err := (remote{w: a.w, host: a.Host}).ended(a.Argv, res); err != nil {
		return runbook.Observation{}, err
	}
	return a.done(fmt.Sprintf("`%s` ended with status 0", line(a.Argv))), nil
}

// Reverts reports whether there is an undo command.
func (a *command) Reverts() bool { return len(a.Revert) > 0 }

// Undo runs the undo command. Whether it is needed is its own affair: lifeboat cannot see what the command did.
func (a *command) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if len(a.Revert) == 0 {
		return runbook.Observation{}, runbook.Fail("this step has no `undo` command", "what it did stays", "put it back by hand")
	}
	res, err := a.run(ctx, call, a.Revert, false)
	if err != nil {
		f := runbook.AsFailure(err)
		if f.Verdict == runbook.InDoubt { // the engine would try again, and here nothing can be looked at first
			f.Verdict, f.Means = runbook.Definitive, fmt.Sprintf("whether `%s` ran is not known; it is not run twice unasked", line(a.Revert))
			f.Do = "look at " + a.Host.String() + ", then undo this step again or by hand"
		}
		return runbook.Observation{}, &f
	}
	if err := (remote{w: a.w, host: a.Host}).ended(a.Revert, res); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Holds, "`%s` ended with status 0", line(a.Revert)), nil
}

func (a *command) Targets(runbook.Call) []runbook.Target { return []runbook.Target{a.Host.Target()} }

func (a *command) Permissions() []string { return nil }

// Check asks whether the host answers ssh. What the command will say is not known before it runs.
func (a *command) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("%s answers ssh", a.Host)
	if len(a.Argv) == 0 {
		return []runbook.Check{notWell("there is a command to run", "", "write the command as a list of words", "argv is empty")}
	}
	runs := unknowable("`"+line(a.Argv)+"` ends well", "only running it proves it")
	if c, open := notYet("the host answers ssh", a.Host.Address); open {
		return []runbook.Check{c, runs}
	}
	return []runbook.Check{answersSSH(ctx, remote{w: a.w, host: a.Host, log: call.Log}, what), runs}
}

// Depends is the host.
func (a *command) Depends() []runbook.Dependency { return onHost(a.Host) }

func (a *command) ByHand(runbook.Call) []string {
	return []string{remote{w: a.w, host: a.Host}.byHand(a.Argv...)}
}
