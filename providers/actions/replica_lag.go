package actions

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"lifeboat/runbook"
)

func replicaLag(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "replica.lag",
		Summary: "prove how far a replica is behind, by a heartbeat that production writes",
		New:     func() runbook.Probe { return &lag{w: w} },
		Outputs: []runbook.Output{
			{Name: "lag", Doc: "seconds that the replica is behind", Type: "number"},
			{Name: "until", Doc: "the replica has what production wrote until then, RFC 3339", Type: "string"},
		},
		Budget:        5 * time.Second,
		Timeout:       5 * time.Minute,
		Interruptible: true,
	}
}

// lag works for every kind of replication: production keeps writing the time into a file of the replicated data, and what
// the replica has of it tells how far it is. One line in production's crontab writes it (see heartbeatLine).
//
// The replica's own clock is read by the same command, so this machine's does not matter. Production's does: a heartbeat
// that is to come says that one of the two clocks is off, and then nothing is known.
type lag struct {
	Replica   Place            `with:"replica,required" doc:"the replica: estate.standby.replica"`
	Heartbeat string           `with:"heartbeat" default:"estate.standby.heartbeat" doc:"the file on the replica; one without a leading slash is below the replica's path"`
	Max       runbook.Duration `with:"max" default:"'1m'" doc:"how far it may be behind, such as 1m; the time between two heartbeats counts too"`

	w world
}

// lagScript reads the heartbeat and then the clock.
const lagScript = `cat "$1" && echo && date -u +%s.%N`

func (a *lag) on(call runbook.Call) remote {
	return remote{w: a.w, host: a.Replica.Host, log: call.Log}
}

func (a *lag) file() string {
	if path.IsAbs(a.Heartbeat) {
		return a.Heartbeat
	}
	return path.Join(a.Replica.Path, a.Heartbeat)
}

func (a *lag) valid() error {
	switch {
	case a.Replica.Host.Address == "":
		return runbook.Fail("the estate has no replica", "there is nothing that could be behind", "write standby.replica in the estate")
	case a.Heartbeat == "":
		return runbook.Fail("no heartbeat is named", "without it nobody can tell how far the replica is behind", "let production write one ("+heartbeatLine("/srv/data/.heartbeat")+") and name it as standby.heartbeat in the estate")
	}
	return nil
}

func (a *lag) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if err := a.valid(); err != nil {
		return runbook.Observation{}, err
	}
	asked := a.w.clock.Now()
	argv := []string{"sh", "-c", lagScript, "lifeboat", a.file()}
	res, err := a.on(call).look(ctx, argv...)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case res.Status != 0 && strings.Contains(res.Stderr, "No such file"):
		return seen(runbook.Unsure, "there is no %s on %s: how far it is behind is not known", a.file(), a.Replica.Host), nil
	case res.Status != 0:
		return runbook.Observation{}, a.on(call).ended(argv, res)
	}
	beat, now, err := readBeat(res.Stdout)
	if err != nil {
		return seen(runbook.Unsure, "%s on %s: %v: how far it is behind is not known", a.file(), a.Replica.Host, err), nil
	}
	return a.judge(beat, now, asked, a.w.clock.Now()), nil
}

// readBeat reads the heartbeat, in seconds since 1970 or as RFC 3339, and the clock on the last line.
func readBeat(out string) (beat, now time.Time, err error) {
	lines := strings.Fields(out)
	if len(lines) < 2 {
		return beat, now, fmt.Errorf("the heartbeat is empty")
	}
	if now, err = moment(lines[len(lines)-1]); err != nil {
		return beat, now, fmt.Errorf("the clock there says %q", lines[len(lines)-1])
	}
	if beat, err = moment(lines[len(lines)-2]); err != nil {
		return beat, now, fmt.Errorf("the heartbeat is %q, and must be seconds since 1970 or RFC 3339", lines[len(lines)-2])
	}
	return beat, now, nil
}

// moment reads a time. A date that knows no %N leaves it as a letter.
func moment(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC(), nil
	}
	whole, part, _ := strings.Cut(s, ".")
	secs, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	nanos, err := strconv.ParseInt((part + "000000000")[:9], 10, 64)
	if err != nil {
		nanos = 0
	}
	return time.Unix(secs, nanos).UTC(), nil
}

// judge compares the heartbeat with the replica's clock. This machine's clock, between asking and the answer, only says
// which of the other two is the one that is off.
func (a *lag) judge(beat, now, asked, answered time.Time) runbook.Observation {
	behind := now.Sub(beat)
	off := time.Duration(0)
	switch {
	case now.Before(asked.Add(-slack)):
		off = now.Sub(asked)
	case now.After(answered.Add(slack)):
		off = now.Sub(answered)
	}
	own := ""
	if off != 0 {
		own = fmt.Sprintf("; its clock is %s against this machine's", ahead(off))
	}
	if behind < -slack {
		why := "production's clock seems to be ahead"
		if off < 0 {
			why = "its clock or production's is off"
		}
		return seen(runbook.Unsure, "the heartbeat on %s is %s in its future: %s, so how far it is behind is not known%s", a.Replica.Host, behind.Abs().Round(time.Second), why, own)
	}
	behind = max(0, behind).Round(100 * time.Millisecond)
	state, than := runbook.Holds, ""
	if behind > time.Duration(a.Max) {
		state, than = runbook.Absent, fmt.Sprintf(", and %s is allowed", time.Duration(a.Max))
	}
	o := seen(state, "%s is %s behind%s: it has what production wrote until %s%s", a.Replica.Host, short2(behind), than, stamp(beat), own)
	if state == runbook.Holds {
		o.Outputs = map[string]any{"lag": behind.Seconds(), "until": beat.Format(time.RFC3339)}
	}
	return o
}

func ahead(d time.Duration) string {
	if d > 0 {
		return d.Round(time.Second).String() + " ahead"
	}
	return d.Abs().Round(time.Second).String() + " behind"
}

// short2 writes 4.2s, 12m or 3 hours.
func short2(d time.Duration) string {
	if d < 2*time.Minute {
		return d.String()
	}
	return age(d)
}

func (a *lag) Permissions() []string { return nil }

// Depends is the host of the replica.
func (a *lag) Depends() []runbook.Dependency { return onHost(a.Replica.Host) }

// heartbeatLine is what production's crontab needs, for a heartbeat every ten seconds.
func heartbeatLine(file string) string {
	return `* * * * * root for i in 0 1 2 3 4 5; do date -u +\%s > ` + file + `; sleep 9; done`
}

func (a *lag) ByHand(call runbook.Call) []string {
	return []string{
		a.on(call).byHand("sh", "-c", lagScript, "lifeboat", a.file()),
		"# a file in /etc/cron.d of production writes it: " + heartbeatLine(quote(orQuestion(a.file()))),
	}
}
