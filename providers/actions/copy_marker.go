package actions

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// A copy's marker is written by rsync itself, before its first byte and after its last: a crash leaves one that says that
// the copy is not whole, and nobody has to remember to write it.

// markScript writes its standard input to the file $1 in the folder $2: what was copied before it is on the disk when the
// new name appears, and never half a file.
const markScript = `mkdir -p "$2" && sync -f "$2" && cat > "$1.new" && sync -f "$2" && mv -f "$1.new" "$1" && sync -f "$2"`

func (a *copyTree) markerFile() string {
	return path.Join(a.To.Path, cmp.Or(a.Marker, providers.MarkerFile))
}

// readMarker reads the marker at the file; nil is none.
func readMarker(ctx context.Context, r remote, file string) (*providers.CopyMarker, error) {
	argv := r.asRoot([]string{"cat", "--", file})
	res, err := r.look(ctx, argv...)
	switch {
	case err != nil:
		return nil, err
	case res.Status != 0 && strings.Contains(res.Stderr, "No such file"):
		return nil, nil
	case res.Status != 0:
		return nil, r.ended(argv, res)
	}
	var m providers.CopyMarker
	if err := json.Unmarshal([]byte(res.Stdout), &m); err != nil {
		return nil, &damagedMarker{file: file, host: r.host.String(), err: err}
	}
	return &m, nil
}

// damagedMarker is a marker that nobody can read.
type damagedMarker struct {
	file, host string
	err        error
}

func (e *damagedMarker) Error() string {
	return fmt.Sprintf("%s on %s is no marker of a copy: %v", e.file, e.host, e.err)
}

// begin says in the marker that the copy is not whole, where there is to be one or is one. It returns what complete will
// write; nil is nothing.
func (a *copyTree) begin(ctx context.Context, call runbook.Call) (*providers.CopyMarker, error) {
	r := a.target(call)
	old, err := readMarker(ctx, r, a.markerFile())
	_, damaged := err.(*damagedMarker)
	if err != nil && !damaged {
		if runs, _ := a.runs(); a.Marker != "" || r.host == runs.Host {
			return nil, err
		}
		// The host that runs rsync reaches the target, this machine need not.
		logf(call.Log, "could not look for a marker at %s: %v", a.To, err)
		return nil, nil
	}
	if a.Marker == "" && old == nil && !damaged {
		return nil, nil
	}
	m := &providers.CopyMarker{Started: a.w.clock.Now().UTC(), Source: a.From.String(), By: fmt.Sprintf("%s %s", call.Run, call.Step), Replaced: a.Marker == ""}
	if old != nil {
		m.Last = old.Completed
		if m.Last.IsZero() {
			m.Last = old.Last
		}
	}
	if err := a.mark(ctx, r, m); err != nil {
		return nil, err
	}
	if a.Marker == "" {
		return nil, nil
	}
	return m, nil
}

// complete says in the marker that the copy is whole.
func (a *copyTree) complete(ctx context.Context, call runbook.Call, m *providers.CopyMarker, out string) error {
	if m == nil {
		return nil
	}
	t, _ := stats(out)
	m.Completed, m.Files, m.Bytes, m.Last = a.w.clock.Now().UTC(), t.files, t.bytes, time.Time{}
	return a.mark(ctx, a.target(call), m)
}

func (a *copyTree) mark(ctx context.Context, r remote, m *providers.CopyMarker) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	argv := r.asRoot(a.marks())
	res, err := a.w.Shell.Run(ctx, r.host, providers.Command{Argv: argv, Stdin: string(text) + "\n", Log: r.log, Hang: 15 * time.Minute})
	if err != nil {
		return err
	}
	return r.ended(argv, res)
}

func (a *copyTree) marks() []string {
	return []string{"sh", "-c", markScript, "lifeboat", a.markerFile(), a.To.Path}
}

// markByHand writes the marker as a person does.
func (a *copyTree) markByHand(call runbook.Call, whole bool) string {
	text := `{"started":"%Y-%m-%dT%H:%M:%SZ"`
	if whole {
		text += `,"completed":"%Y-%m-%dT%H:%M:%SZ"`
	}
	text += fmt.Sprintf(`,"source":%q}`, strings.ReplaceAll(a.From.String(), "%", "%%"))
	r := a.target(call)
	return line(words("date", "-u", "+"+text)) + " | " + r.byHand(a.marks()...)
}

func copyComplete(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "copy.complete",
		Summary: "prove that a copy is whole and not too old",
		New:     func() runbook.Probe { return &wholeCopy{w: w} },
		Outputs: []runbook.Output{
			{Name: "completed", Doc: "when the copy came to its end, RFC 3339", Type: "string"},
			{Name: "age", Doc: "seconds since then", Type: "number"},
			{Name: "source", Doc: "what it is a copy of", Type: "string"},
		},
		Budget:        5 * time.Second,
		Timeout:       time.Minute,
		Interruptible: true,
	}
}

// wholeCopy reads the marker that rsync keeps. Without one nothing is known, and a copy that is not whole is never called so.
type wholeCopy struct {
	At     Place            `with:"at,required" doc:"the copy: an object with host and path"`
	Marker string           `with:"marker" default:"'.lifeboat-copy'" doc:"the marker's name at the root of the copy, as the rsync that makes it has it"`
	MaxAge runbook.Duration `with:"max_age" doc:"older than this does not hold, such as 26h; left out, any age does"`
	Sudo   bool             `with:"sudo" default:"estate.ssh.user != '' && estate.ssh.user != 'root'" doc:"become root with sudo; when left out, if the ssh user is not root"`

	w world
}

func (a *wholeCopy) on(call runbook.Call) remote {
	return remote{w: a.w, host: a.At.Host, sudo: a.Sudo, log: call.Log}
}

func (a *wholeCopy) file() string {
	return path.Join(a.At.Path, cmp.Or(a.Marker, providers.MarkerFile))
}

// slack is how far two clocks may differ before what they say together counts for nothing.
const slack = 2 * time.Second

func (a *wholeCopy) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if a.At.Host.Address == "" || !path.IsAbs(a.At.Path) {
		return runbook.Observation{}, runbook.Fail(fmt.Sprintf("%q is no copy on a host", a.At), "nothing was looked at", "name its host and its absolute path in the step's `at`, such as estate.standby.nightly")
	}
	m, err := readMarker(ctx, a.on(call), a.file())
	if d, ok := err.(*damagedMarker); ok {
		return seen(runbook.Unsure, "%s: whether the copy is whole is not known", d), nil
	}
	if err != nil {
		return runbook.Observation{}, err
	}
	return a.judge(m), nil
}

func (a *wholeCopy) judge(m *providers.CopyMarker) runbook.Observation {
	now, at := a.w.clock.Now(), a.At
	switch {
	case m == nil:
		return seen(runbook.Unsure, "there is no %s: nothing says that %s was ever whole", a.file(), at)
	case m.Replaced:
		return seen(runbook.Absent, "%s is not that copy any more: %s was copied over it from %s on (%s)%s", at, m.Source, stamp(m.Started), m.By, before(m))
	case m.Completed.IsZero():
		return seen(runbook.Absent, "%s is not whole: the copy from %s that began %s (%s ago) has not come to its end%s", at, m.Source, stamp(m.Started), age(now.Sub(m.Started)), before(m))
	}
	old := now.Sub(m.Completed)
	what := fmt.Sprintf("%s is whole since %s (%s ago): %s from %s", at, stamp(m.Completed), age(old), holding(m.Files, m.Bytes), m.Source)
	if m.Files == 0 {
		what = fmt.Sprintf("%s is whole since %s (%s ago), from %s", at, stamp(m.Completed), age(old), m.Source)
	}
	switch {
	case old < -slack:
		return seen(runbook.Unsure, "%s says that it was whole at %s, which is to come: this machine's clock, or that of the one that wrote it, is off", a.file(), stamp(m.Completed))
	case a.MaxAge > 0 && old > time.Duration(a.MaxAge):
		return seen(runbook.Absent, "%s; that is older than %s", what, time.Duration(a.MaxAge))
	}
	o := seen(runbook.Holds, "%s", what)
	o.Outputs = map[string]any{"completed": m.Completed.Format(time.RFC3339), "age": int(max(0, old).Seconds()), "source": m.Source}
	return o
}

func before(m *providers.CopyMarker) string {
	if m.Last.IsZero() {
		return ""
	}
	return "; it was whole at " + stamp(m.Last) + ", before that"
}

// stamp writes a moment of any day.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

func (a *wholeCopy) Permissions() []string { return nil }

// Depends is the host of the copy.
func (a *wholeCopy) Depends() []runbook.Dependency { return onHost(a.At.Host) }

func (a *wholeCopy) ByHand(call runbook.Call) []string {
	return []string{a.on(call).byHand("cat", a.file())}
}
