package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func duplicityBackup(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "duplicity.backup",
		Summary: "add a backup to the archive",
		New:     func() runbook.Probe { return &backup{w: w} },
		Outputs: []runbook.Output{
			{Name: "last", Doc: "when the newest backup was made", Type: "string"},
			{Name: "sets", Doc: "how many backups its chain has", Type: "number"},
		},
		Settle: 5 * time.Second, Budget: 10 * time.Minute, Timeout: 12 * time.Hour,
	}
}

// backup adds an increment, or begins a chain. A backup has no name of ours: one that is newer than all that were there
// before is what was wanted, whoever made it.
type backup struct {
	Archive archive `with:"archive,required" doc:"the chain, such as estate.standby.archive; it names the folder too"`
	Folder  string  `with:"folder" doc:"folder to back up; the archive's own when left out"`
	Full    bool    `with:"full" default:"false" doc:"begin a new chain"`
	Sudo    bool    `with:"sudo" default:"estate.ssh.user != '' && estate.ssh.user != 'root'" doc:"become root with sudo; when left out, if the ssh user is not root"`

	w world
}

func (a *backup) on() providers.Host { return a.Archive.host(providers.Host{}) }

func (a *backup) folder() string {
	if a.Folder != "" {
		return a.Folder
	}
	return a.Archive.Folder
}

func (a *backup) archive() providers.Archive { return a.Archive.open(a.on(), a.Sudo) }

// lastBackup is what was there before: the newest set, zero where there was none.
type lastBackup struct {
	Newest time.Time `json:"newest,omitzero"`
}

func (a *backup) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	if err := a.Archive.valid(); err != nil {
		return nil, err
	}
	if a.folder() == "" {
		return nil, runbook.Fail("no folder is named to back up", "nothing was changed", "write the archive's `folder` in the estate")
	}
	c, err := a.w.Archives.Status(ctx, a.archive())
	if err != nil && !isAny(err, providers.NotFound) {
		return nil, err
	}
	newest, _ := c.Newest()
	return runbook.Keep(lastBackup{Newest: newest.At})
}

func (a *backup) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if err := a.Archive.valid(); err != nil {
		return runbook.Observation{}, err
	}
	c, err := a.w.Archives.Status(ctx, a.archive())
	if isAny(err, providers.NotFound) {
		return seen(runbook.Absent, "the archive is empty"), nil
	}
	if err != nil {
		return runbook.Observation{}, err
	}
	var before lastBackup
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	newest, _ := c.Newest()
	switch {
	case newest.At.After(before.Newest) && len(call.Before) > 0:
		return a.made(c), nil
	case !a.on().Local && a.runs(ctx, call):
		return seen(runbook.Pending, "a duplicity runs on %s", a.on()), nil
	}
	return seen(runbook.Absent, "the newest backup is that of %s", stamp(newest.At)), nil
}

// runs says whether a backup runs that may be this one, orphaned by a connection that broke: it goes on over there.
func (a *backup) runs(ctx context.Context, call runbook.Call) bool {
	res, err := remote{w: a.w, host: a.on(), log: call.Log}.look(ctx, "pgrep", "-f", "[d]uplicity.*"+a.Archive.URL)
	return err == nil && res.Status == 0
}

func (a *backup) made(c providers.Collection) runbook.Observation {
	newest, _ := c.Newest()
	chain := c.Chains[len(c.Chains)-1]
	o := seen(runbook.Holds, "the backup of %s is there, in a chain of %s", stamp(newest.At), plural(len(chain.Sets), "set", "sets"))
	o.Outputs = map[string]any{"last": newest.At.UTC().Format(time.RFC3339), "sets": len(chain.Sets)}
	o.Changed = []runbook.Target{a.archive().Target()}
	return o
}

func (a *backup) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if err := a.w.Archives.Backup(ctx, a.archive(), a.folder(), a.Full, time.Duration(a.Archive.FullEvery), a.w.watch(call, "backed up")); err != nil {
		return runbook.Observation{}, err
	}
	c, err := a.w.Archives.Status(ctx, a.archive())
	if err != nil {
		// It was made: looking again will find it.
		return seen(runbook.Pending, "duplicity has ended well"), nil
	}
	return a.made(c), nil
}

// Targets are the archive, and the host that runs duplicity.
func (a *backup) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{a.archive().Target(), a.archive().HostTarget()}
}

// Check looks at the archive and at the folder.
func (a *backup) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("%s holds data to back up", orQuestion(a.folder()))
	if c, open := notYet(what, a.Archive.URL, a.Archive.Host, a.folder()); open {
		return []runbook.Check{c}
	}
	if _, err := a.Prepare(ctx, call); err != nil {
		return []runbook.Check{lookFailed("the archive answers", err)}
	}
	r := remote{w: a.w, host: a.on(), sudo: a.Sudo, log: call.Log}
	argv := r.asRoot([]string{"ls", "-A", "--", a.folder()})
	res, err := r.look(ctx, argv...)
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, err)}
	case res.Status != 0 || res.Stdout == "":
		return []runbook.Check{notWell(what, "ls", "mount its disk, or correct archive.folder", "it is empty or not there: %s", lastLines(res.Stderr, 1))}
	}
	return []runbook.Check{well(what, "ls", "it is there and not empty")}
}

// Depends is the host that runs duplicity.
func (a *backup) Depends() []runbook.Dependency { return onHost(archiveHost(a.on())...) }

func (a *backup) Permissions() []string { return nil }

func (a *backup) ByHand(runbook.Call) []string {
	action := "" // it decides by itself
	if a.Full {
		action = "full"
	}
	return []string{a.Archive.byHand(a.w, a.on(), a.Sudo, action, orQuestion(a.folder()), orQuestion(a.Archive.URL))}
}
