package actions

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func duplicityVerify(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "duplicity.verify",
		Summary: "compare a folder with what the archive holds, byte for byte",
		New:     func() runbook.Probe { return &verify{w: w} },
		Outputs: []runbook.Output{
			{Name: "compared", Doc: "how many files and folders were compared", Type: "number"},
			{Name: "different", Doc: "how many of them differ", Type: "number"},
		},
		Settle: time.Second, Budget: 15 * time.Minute, Timeout: 12 * time.Hour, Interruptible: true,
	}
}

// verify changes nothing, so there is nothing to find after a crash: it is done again.
type verify struct {
	Archive archive        `with:"archive,required" doc:"the chain, such as estate.standby.archive"`
	Host    providers.Host `with:"host" doc:"host that has the folder; the archive's own when left out"`
	At      backupDay      `with:"at" default:"'newest'" doc:"as in duplicity.restore: a day, a moment, 7d, or newest"`
	Path    string         `with:"path" doc:"the one file or folder of the archive to compare; all of it when left out"`
	Folder  string         `with:"folder" doc:"folder to compare with; with a path, the folder that it was restored into; the archive's own when left out"`
	Allow   int            `with:"allow" default:"0" doc:"how many differences there may be: a folder in use has some"`
	Sudo    bool           `with:"sudo" default:"estate.ssh.user != '' && estate.ssh.user != 'root'" doc:"become root with sudo; when left out, if the ssh user is not root"`

	w world
}

func (a *verify) folder() string {
	if a.Folder != "" {
		return within(a.Folder, a.Path)
	}
	return a.Archive.Folder
}

func (a *verify) valid() error {
	if err := a.Archive.valid(); err != nil {
		return err
	}
	if a.folder() == "" {
		return runbook.Fail("no folder is named to compare with", "nothing was compared", "write the step's `folder`, or the archive's in the estate")
	}
	return nil
}

func (a *verify) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	if err := a.valid(); err != nil {
		return nil, err
	}
	at, err := momentOf(string(a.At), a.w.clock.Now())
	if err != nil {
		return nil, err
	}
	_, err = a.w.reads(ctx, a.archive(), at)
	return nil, err
}

func (a *verify) archive() providers.Archive {
	return a.Archive.open(a.Archive.host(a.Host), a.Sudo)
}

func (a *verify) Observe(context.Context, runbook.Call) (runbook.Observation, error) {
	if err := a.valid(); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Absent, "it was not compared to the end; doing it again changes nothing"), nil
}

func (a *verify) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if err := a.valid(); err != nil {
		return runbook.Observation{}, err
	}
	at, err := momentOf(string(a.At), a.w.clock.Now())
	if err != nil {
		return runbook.Observation{}, err
	}
	v, err := a.w.Archives.Verify(ctx, a.archive(), providers.Retrieval{At: at, Path: a.Path, Folder: a.folder()}, a.w.watch(call, "compared"))
	if err != nil {
		return runbook.Observation{}, err
	}
	for _, d := range v.Differences {
		logf(call.Log, "%s", d)
	}
	if v.Different > a.Allow || v.Compared == 0 {
		return runbook.Observation{}, differs(a.folder(), v)
	}
	o := seen(runbook.Holds, "%s is as the archive has it: %s compared, contents included, %d different", a.folder(), plural(v.Compared, "entry", "entries"), v.Different)
	o.Outputs = map[string]any{"compared": v.Compared, "different": v.Different}
	return o, nil
}

// differs is the failure of a comparison.
func differs(folder string, v providers.Verified) error {
	if v.Compared == 0 {
		return runbook.Fail(fmt.Sprintf("nothing was compared with %s", folder), "an archive without files proves nothing", "see what the archive holds: duplicity list-current-files")
	}
	shown := strings.Join(v.Differences[:min(3, len(v.Differences))], "; ")
	f := runbook.Fail(fmt.Sprintf("%s of %s differ from the archive: %s", plural(v.Different, "entry", "entries"), folder, shown),
		"the folder is not what the archive holds of that day", "the step's log names the first 20; a folder in use differs by what was written since")
	return f
}

// Targets is nothing: it compares.
func (a *verify) Targets(runbook.Call) []runbook.Target { return nil }

func (a *verify) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := fmt.Sprintf("the archive reaches %s", a.At)
	if c, open := notYet(what, a.Archive.URL, string(a.At)); open {
		return []runbook.Check{c}
	}
	at, err := momentOf(string(a.At), a.w.clock.Now())
	if err != nil {
		return []runbook.Check{notWell(what, "", atHint, "%q is no day", a.At)}
	}
	if a.Archive.URL == "" {
		return []runbook.Check{notWell(what, "", "write standby.archive in the estate", "no archive is named")}
	}
	return []runbook.Check{a.Archive.reaches(ctx, a.w, what, at, a.Sudo)}
}

// Depends is the host that compares.
func (a *verify) Depends() []runbook.Dependency {
	return onHost(archiveHost(a.Archive.host(a.Host))...)
}

func (a *verify) Permissions() []string { return nil }

func (a *verify) ByHand(runbook.Call) []string {
	words := []string{"verify", "--compare-data"}
	if at, err := momentOf(string(a.At), a.w.clock.Now()); err == nil && !at.IsZero() {
		words = append(words, "--time", at.Format(time.RFC3339))
	}
	words = append(words, flag("--file-to-restore", a.Path)...)
	words = append(words, orQuestion(a.Archive.URL), orQuestion(a.folder()))
	return []string{a.Archive.byHand(a.w, a.Archive.host(a.Host), a.Sudo, words...)}
}
