package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// What a Check of a kind says. It asks, changes nothing, and never takes an unanswered question for a yes: a look that
// failed is CannotCheck and not OK, and only what nobody can know before the run is CannotCheck and OK.

// well is a check that was made, with the answer that was hoped for.
func well(what, source, format string, args ...any) runbook.Check {
	return runbook.Check{What: what, Grade: runbook.CheckedLive, OK: true, Seen: fmt.Sprintf(format, args...), Source: source}
}

// notWell is a check that was made, and what to do.
func notWell(what, source, do, format string, args ...any) runbook.Check {
	return runbook.Check{What: what, Grade: runbook.CheckedLive, Seen: fmt.Sprintf(format, args...), Source: source, Do: do}
}

// unknowable is what cannot be known before the run, and why.
func unknowable(what, why string) runbook.Check {
	return runbook.Check{What: what, Grade: runbook.CannotCheck, OK: true, Seen: why}
}

// notYet is a check that needs a value which an earlier step leaves, or which nobody has found; open says that there is
// such a value.
func notYet(what string, values ...string) (c runbook.Check, open bool) {
	for _, v := range values {
		if why, open := runbook.NotKnown(v); open {
			return unknowable(what, "cannot be checked "+why), true
		}
	}
	return runbook.Check{}, false
}

// lookFailed turns a failed read into a readiness line: a check that could not be made is not well. An answer that is a
// plain no was checked.
func lookFailed(what string, err error) runbook.Check {
	f := runbook.AsFailure(err)
	c := runbook.Check{What: what, Grade: runbook.CannotCheck, Seen: f.What, Do: f.Do}
	if f.Verdict == runbook.Definitive && !isAny(err, providers.Expired, providers.Denied, providers.Missing, providers.HostKey) {
		c.Grade = runbook.CheckedLive
	}
	return c
}

// readInstance are the permissions of reading one machine: its state, and while it runs, its status checks.
func readInstance() []string { return []string{"ec2:DescribeInstances", "ec2:DescribeInstanceStatus"} }

// age says roughly how old something is.
func age(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return plural(max(0, int(d.Seconds())), "second", "seconds")
	case d < 2*time.Hour:
		return plural(int(d.Minutes()), "minute", "minutes")
	case d < 48*time.Hour:
		return plural(int(d.Hours()), "hour", "hours")
	}
	return plural(int(d.Hours()/24), "day", "days")
}

// answersSSH asks a host for nothing.
func answersSSH(ctx context.Context, r remote, what string) runbook.Check {
	res, err := r.look(ctx, "true")
	switch {
	case err != nil:
		return lookFailed(what, err)
	case res.Status != 0:
		return notWell(what, "ssh", "look at the host", "`true` ended with status %d: %s", res.Status, lastLines(res.Stderr, 1))
	}
	return well(what, "ssh", "%s answers", r.host)
}

// onHost is the dependency of what is done over ssh.
func onHost(hosts ...providers.Host) []runbook.Dependency {
	var out []runbook.Dependency
	for _, h := range hosts {
		if h.Address != "" {
			out = append(out, runbook.Dependency{Region: h.Region, Host: h.Address, Without: "ssh does not reach it, and the step waits or fails"})
		}
	}
	return out
}
