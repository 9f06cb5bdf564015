package actions

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// tally is what a dry run counted. Files are all but folders.
type tally struct {
	files, bytes         int64 // of the source
	send, sendBytes      int64
	deletes              int64 // files and folders
	target, targetFiles  int64 // what the copy holds now: all of it, and its files as far as that can be told
	targetBytes          int64 // only with `delete`
	targetCounted, empty bool
}

// Lines of --stats since rsync 3.1; older ones count fewer things, and what they leave out is 0.
var (
	statLine   = regexp.MustCompile(`(?m)^(Number of files|Number of created files|Number of deleted files): ([\d,.]+)(?: \((.*)\))?`)
	sentLine   = regexp.MustCompile(`(?m)^Number of (?:regular )?files transferred: ([\d,.]+)`)
	folderPart = regexp.MustCompile(`dir: ([\d,.]+)`)
)

// number reads a number as rsync writes it.
func number(s string) int64 {
	n, _ := strconv.ParseInt(strings.NewReplacer(",", "", ".", "").Replace(s), 10, 64)
	return n
}

// stats reads what rsync says of itself; ok is false when it says nothing.
func stats(out string) (t tally, ok bool) {
	entries, folders := map[string]int64{}, map[string]int64{}
	for _, m := range statLine.FindAllStringSubmatch(out, -1) {
		entries[m[1]] = number(m[2])
		if d := folderPart.FindStringSubmatch(m[3]); d != nil {
			folders[m[1]] = number(d[1])
		}
	}
	all, ok := entries["Number of files"]
	t.files = all - folders["Number of files"]
	t.deletes = entries["Number of deleted files"]
	// What the source has and need not make is there already, and so is what it would delete.
	t.target = all - entries["Number of created files"] + t.deletes
	t.targetFiles = max(0, t.target-folders["Number of files"]+folders["Number of created files"]-folders["Number of deleted files"])
	if m := totalLine.FindStringSubmatch(out); m != nil {
		t.bytes = number(m[1])
	}
	if m := sentLine.FindStringSubmatch(out); m != nil {
		t.send = number(m[1])
	}
	if m := movedLine.FindStringSubmatch(out); m != nil {
		t.sendBytes = number(m[1])
	}
	t.empty = t.files == 0
	return t, ok
}

// count asks rsync what it would do; with `delete` also how much the target holds. It changes nothing.
func (a *copyTree) count(ctx context.Context, call runbook.Call, place scratch) (tally, error) {
	t, err := a.dry(ctx, call, a.words(nil), place, a.end(a.From), a.end(a.To))
	if err != nil || !a.Delete || t.target == 0 {
		return t, err
	}
	// The same listing of the target, as if it were to be copied to where nothing is.
	nowhere := "/.lifeboat-nowhere/"
	there, err := a.dry(ctx, call, a.words(nil), place, a.end(a.To), nowhere)
	t.targetFiles, t.targetBytes, t.targetCounted = there.files, there.bytes, true
	return t, err
}

func (a *copyTree) dry(ctx context.Context, call runbook.Call, options []string, place scratch, from, to string) (tally, error) {
	r := a.on(call)
	argv := append([]string{"rsync", "-a", "-s", "--dry-run", "--stats", "--timeout=300"}, options...)
	if strings.Contains(from+to, ":") {
		argv = append(argv, a.rsh(place)...)
	}
	argv = r.asRoot(append(argv, "--", from, to))
	res, err := a.w.Shell.Run(ctx, r.host, providers.Command{Argv: argv, Log: call.Log, ReadOnly: true, Hang: 6 * time.Minute})
	if err != nil {
		return tally{}, err
	}
	t, ok := stats(res.Stdout)
	if _, err = verdict(res, a, 0); err != nil {
		f := runbook.AsFailure(err)
		f.What, f.Means = "a dry run: "+f.What, "nothing was copied and nothing deleted"
		return t, &f
	}
	if !ok {
		return t, runbook.Fail(fmt.Sprintf("rsync on %s does not say what it would do", r.host), "nothing was copied and nothing deleted", "install rsync 3.1 or newer there")
	}
	return t, nil
}

// guarded counts before anything is deleted, and limits how much rsync itself may delete: between the count and the copy
// a disk can go away.
func (a *copyTree) guarded(ctx context.Context, call runbook.Call, place scratch) ([]string, error) {
	if !a.Delete {
		return nil, nil
	}
	call.Progress(runbook.Progress{Text: "counting what would be copied and deleted"})
	t, err := a.count(ctx, call, place)
	if err == nil {
		err = a.refuses(t)
	}
	if err != nil {
		return nil, err
	}
	logf(call.Log, "%s", a.foretell(t))
	return []string{"--max-delete=" + strconv.FormatInt(max(t.deletes, t.target*int64(100-a.Floor)/100), 10)}, nil
}

// refuses is the floor: why this source must not be copied over this target.
func (a *copyTree) refuses(t tally) error {
	look := fmt.Sprintf("look whether the disk of %s is mounted there (findmnt --target %s)", a.From, quote(a.From.Path))
	switch {
	case t.empty:
		return runbook.Fail(fmt.Sprintf("%s holds no file", a.From), "its disk may not be mounted; nothing was copied and nothing deleted", look)
	case !a.Delete || !t.targetCounted || share(t.files, t.targetFiles) >= a.Floor && share(t.bytes, t.targetBytes) >= a.Floor:
		return nil
	}
	return runbook.Fail(
		fmt.Sprintf("%s has %s, the copy %s: %d %% of its files and %d %% of its bytes, and the floor is %d %%", a.From,
			holding(t.files, t.bytes), holding(t.targetFiles, t.targetBytes), share(t.files, t.targetFiles), share(t.bytes, t.targetBytes), a.Floor),
		fmt.Sprintf("it would delete %s of the copy, which may be the better of the two; nothing was copied and nothing deleted", plural64(t.deletes, "file or folder", "files and folders")),
		look+"; if so much was deleted on purpose, run it once with floor: 0")
}

// share is a in per cent of b, rounded down; of nothing, everything is enough.
func share(a, b int64) int {
	if b <= 0 {
		return 100
	}
	return int(min(100, float64(a)*100/float64(b)))
}

func holding(files, bytes int64) string {
	return plural64(files, "file", "files") + ", " + size(float64(bytes))
}

func plural64(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// foretell says what a copy would do.
func (a *copyTree) foretell(t tally) string {
	s := fmt.Sprintf("would send %s of %s", holding(t.send, t.sendBytes), holding(t.files, t.bytes))
	if !a.Delete {
		return s + ", and delete nothing"
	}
	s += ", and delete " + plural64(t.deletes, "file or folder", "files and folders")
	if t.targetCounted {
		s += " of " + holding(t.targetFiles, t.targetBytes)
	}
	return s
}

// foresee counts what the copy would do, where both ends are there. A count that takes too long for readiness is none.
func (a *copyTree) foresee(ctx context.Context, call runbook.Call) runbook.Check {
	what := "the copy would be let through"
	runs, other := a.runs()
	if c, open := notYet(what, runs.Host.Address, other.Host.Address, a.From.Path, a.To.Path); open {
		return c
	}
	t, err := a.count(ctx, call, scratch{})
	if err == nil {
		err = a.refuses(t)
	}
	switch {
	case err == nil:
		return well(what, "rsync --dry-run", "it %s", a.foretell(t))
	case ctx.Err() != nil:
		return unknowable(what, "the dry run takes longer than readiness may; probe rsync.dry_run has the time")
	}
	return lookFailed(what, err)
}

// knownCommand pins keys without a file, for what must change nothing: OpenSSH since 8.5 asks a command for them. rsync
// keeps what stands between quotes together.
func knownCommand(alias string, keys []string) string {
	var words []string
	for _, k := range keys {
		if f := strings.Fields(k); len(f) >= 2 && !strings.ContainsAny(k, `'"\%$`) {
			words = append(words, alias, f[0], f[1])
		}
	}
	return `-oKnownHostsCommand='/usr/bin/printf %%s\040%%s\040%%s\n ` + strings.Join(words, " ") + "'"
}

func rsyncDryRun(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "rsync.dry_run",
		Summary: "count what an rsync would send and delete",
		New:     func() runbook.Probe { return &foreseen{w: w} },
		Outputs: []runbook.Output{
			{Name: "files", Doc: "files that would be sent", Type: "number"},
			{Name: "bytes", Doc: "and their bytes", Type: "number"},
			{Name: "deletes", Doc: "files and folders that would be deleted", Type: "number"},
		},
		Budget:        time.Minute,
		Timeout:       30 * time.Minute,
		Interruptible: true,
	}
}

// foreseen holds when the copy that its parameters describe would be let through.
type foreseen copyTree

func (a *foreseen) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	c := (*copyTree)(a)
	if err := c.valid(); err != nil {
		return runbook.Observation{}, err
	}
	t, err := c.count(ctx, call, scratch{})
	if err != nil {
		return runbook.Observation{}, err
	}
	if err := c.refuses(t); err != nil {
		f := runbook.AsFailure(err)
		return seen(runbook.Absent, "%s; %s", f.What, f.Do), nil
	}
	o := seen(runbook.Holds, "%s → %s: %s", a.From, a.To, c.foretell(t))
	o.Outputs = map[string]any{"files": t.send, "bytes": t.sendBytes, "deletes": t.deletes}
	return o, nil
}

func (a *foreseen) Permissions() []string { return nil }

// Depends is both hosts.
func (a *foreseen) Depends() []runbook.Dependency { return (*copyTree)(a).Depends() }

func (a *foreseen) ByHand(call runbook.Call) []string {
	c := (*copyTree)(a)
	argv := c.words([]string{"rsync", "-a", "-s", "--dry-run", "--itemize-changes", "--stats"})
	return []string{c.on(call).byHand(append(append(argv, c.rsh(scratch{})...), "--", c.end(c.From), c.end(c.To))...)}
}
