package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func duplicityRestore(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "duplicity.restore",
		Summary: "restore a day of the archive into an empty folder",
		New:     func() runbook.Probe { return &restore{w: w} },
		Outputs: []runbook.Output{
			{Name: "at", Doc: "when the backup was made that was restored", Type: "string"},
			{Name: "path", Doc: "where it is", Type: "string"},
			{Name: "sets", Doc: "how many backups were read", Type: "number"},
			{Name: "seconds", Doc: "how long it took", Type: "number"},
		},
		Settle: 5 * time.Second, Budget: 15 * time.Minute, Timeout: 12 * time.Hour,
	}
}

// restore fills a folder from the archive. What was cut short is done again by the same step, over what is there.
type restore struct {
	Archive archive        `with:"archive,required" doc:"the chain, such as estate.standby.archive"`
	Host    providers.Host `with:"host" doc:"host that restores, and has the folder; the archive's own when left out"`
	At      backupDay      `with:"at" default:"'newest'" doc:"a day (2026-10-21: its last backup, by UTC), a moment (2026-10-21T03:00:00Z), 7d for seven days ago, or newest"`
	Path    string         `with:"path" doc:"the one file or folder of the archive to restore; all of it when left out"`
	To      string         `with:"to,required" doc:"folder to restore into: empty, or not there"`
	Sudo    bool           `with:"sudo" default:"estate.ssh.user != '' && estate.ssh.user != 'root'" doc:"become root with sudo; when left out, if the ssh user is not root"`

	w world
}

func (a *restore) restoring() restoring {
	return restoring{w: a.w, archive: a.Archive, host: a.Archive.host(a.Host), sudo: a.Sudo, part: a.Path, to: a.To}
}

// target is what a restore decides before it begins, once for all its attempts.
type target struct {
	At     time.Time `json:"at,omitzero"` // the moment that is wanted; zero is the newest
	Backup time.Time `json:"backup"`      // the backup that is restored for it
	Made   bool      `json:"made"`        // the folder was not there
}

// Prepare finds the backup, and looks whether the folder may be filled.
func (a *restore) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	r := a.restoring()
	if err := r.valid(); err != nil {
		return nil, err
	}
	at, err := momentOf(string(a.At), a.w.clock.Now())
	if err != nil {
		return nil, err
	}
	s, err := r.look(ctx, call)
	if err != nil {
		return nil, err
	}
	if err := r.mine(s, call); err != nil {
		return nil, err
	}
	made := s.missing
	if s.claim.By != "" { // an attempt before this one has decided
		at, made = s.claim.At, s.claim.Made
	}
	chain, err := a.w.reads(ctx, a.Archive.open(r.host, a.Sudo), at)
	if err != nil {
		return nil, err
	}
	last := chain.Sets[len(chain.Sets)-1].At
	if at.IsZero() {
		at = last // an hour from now the newest may be another
	}
	return runbook.Keep(target{At: at, Backup: last, Made: made})
}

func (a *restore) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	r := a.restoring()
	if err := r.valid(); err != nil {
		return runbook.Observation{}, err
	}
	s, err := r.look(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	if s.claim.By == owner(call) && s.done != nil {
		return a.filled(s.done), nil
	}
	pid, err := r.running(ctx, call)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case pid != "":
		return seen(runbook.Pending, "the restore of this step still runs on %s (pid %s)", r.host, pid), nil
	case s.claim.By == owner(call):
		return seen(runbook.Absent, "%s holds a part of it; the restore did not come to its end, and is done again over it", a.To), nil
	case s.missing, s.empty:
		return seen(runbook.Absent, "nothing was restored to %s yet", a.To), nil
	}
	return seen(runbook.Absent, "%s holds something else", a.To), nil
}

func (a *restore) filled(d *restored) runbook.Observation {
	r := a.restoring()
	to := within(a.To, a.Path)
	o := seen(runbook.Holds, "%s on %s holds the backup of %s: %s and %s read in %s", to, r.host, stamp(d.At),
		plural(d.Sets, "set", "sets"), plural(d.Volumes, "volume", "volumes"), short(time.Duration(d.Seconds*float64(time.Second))))
	o.Outputs = map[string]any{"at": d.At.UTC().Format(time.RFC3339), "path": to, "sets": d.Sets, "seconds": int(d.Seconds)}
	o.Changed = []runbook.Target{r.host.Target()}
	return o
}

func (a *restore) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	r := a.restoring()
	if err := r.valid(); err != nil {
		return runbook.Observation{}, err
	}
	var t target
	if err := runbook.Recall(call.Before, &t); err != nil {
		return runbook.Observation{}, err
	}
	s, err := r.look(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	if err := r.mine(s, call); err != nil {
		return runbook.Observation{}, err
	}
	chain, err := a.w.reads(ctx, a.Archive.open(r.host, a.Sudo), t.At)
	if err != nil {
		return runbook.Observation{}, err
	}
	words := a.Archive.estimate(chain.Volumes(), 0)
	logf(call.Log, "%s: %s", about(chain), words)
	call.Progress(runbook.Progress{Text: words})
	d, err := r.fill(ctx, call, claim{By: owner(call), At: t.At, Made: t.Made}, chain)
	if err != nil {
		return runbook.Observation{}, err
	}
	return a.filled(d), nil
}

// Undo removes a folder that this step made. In one that was there before, such as the root of a volume, what was restored
// stays: somebody may use it by now.
func (a *restore) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	r := a.restoring()
	var t target
	if err := runbook.Recall(call.Before, &t); err != nil {
		return runbook.Observation{}, err
	}
	if err := r.valid(); err != nil {
		return runbook.Observation{}, err
	}
	s, err := r.look(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	switch {
	case s.missing, s.empty:
		return seen(runbook.Holds, "%s holds nothing", a.To), nil
	case s.claim.By != owner(call):
		return seen(runbook.Holds, "what is in %s is not of this step, and stays", a.To), nil
	case !t.Made:
		return seen(runbook.Holds, "what was restored stays in %s on %s: the folder was there before, and may be in use", a.To, r.host), nil
	}
	if newer, err := r.newer(ctx, call, s); err != nil {
		return runbook.Observation{}, err
	} else if newer != "" {
		return seen(runbook.Holds, "%s on %s stays: %s was written since it was restored; remove it by hand: rm -rf %s", a.To, r.host, newer, a.To), nil
	}
	if err := r.remove(ctx, call); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Holds, "%s was made by this step and is removed", a.To), nil
}

func (a *restore) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{a.restoring().host.Target()}
}

// Check asks the archive for the day, estimates, and looks at the folder where its host is known.
func (a *restore) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("the archive reaches %s", a.At)
	if c, open := notYet(what, a.Archive.URL, string(a.At)); open {
		return []runbook.Check{c}
	}
	if err := a.Archive.valid(); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell("the archive is well described", "", f.Do, "%s", f.What)}
	}
	at, err := momentOf(string(a.At), a.w.clock.Now())
	if err != nil {
		return []runbook.Check{notWell(what, "", atHint, "%q is no day", a.At)}
	}
	checks := []runbook.Check{a.Archive.reaches(ctx, a.w, what, at, a.Sudo)}
	const room = "the folder is empty, or not there"
	r := a.restoring()
	if c, open := notYet(room, r.host.Address, a.To); open {
		return append(checks, c)
	}
	s, err := r.look(ctx, call)
	if err == nil {
		err = r.mine(s, call)
	}
	if err != nil {
		return append(checks, lookFailed(room, err))
	}
	return append(checks, well(room, "ls", "%s can be filled", a.To))
}

// reaches is the readiness of an archive, looked at from its own host.
func (a archive) reaches(ctx context.Context, w world, what string, at time.Time, sudo bool) runbook.Check {
	chain, err := w.reads(ctx, a.open(a.host(providers.Host{}), sudo), at)
	if err != nil {
		return lookFailed(what, err)
	}
	p, err := a.lastProof(ctx, remote{w: w, host: a.host(providers.Host{})})
	rate := 0.0
	if err == nil && p != nil && p.Path == "" && p.Seconds > 0 { // a sample reads a part of the volumes only
		rate = float64(p.Volumes) * a.volume() / p.Seconds
	}
	return well(what, "duplicity collection-status", "%s; %s", about(chain), a.estimate(chain.Volumes(), rate))
}

// Depends is the host that restores.
func (a *restore) Depends() []runbook.Dependency {
	return onHost(archiveHost(a.restoring().host)...)
}

func (a *restore) Permissions() []string { return nil }

func (a *restore) ByHand(runbook.Call) []string {
	words := []string{"restore"}
	if at, err := momentOf(string(a.At), a.w.clock.Now()); err == nil && !at.IsZero() {
		words = append(words, "--time", at.Format(time.RFC3339))
	}
	words = append(words, flag("--file-to-restore", a.Path)...)
	words = append(words, orQuestion(a.Archive.URL), within(orQuestion(a.To), a.Path))
	return []string{a.Archive.byHand(a.w, a.restoring().host, a.Sudo, words...)}
}
