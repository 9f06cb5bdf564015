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

// restoring is one restore of an archive into a folder, which must be its own: nobody else's files are written over. The
// folder bears providers.RestoreFolder with the run and the step that fill it, so that a restore that was cut short is
// known by its own step and by nobody else's.
type restoring struct {
	w       world
	archive archive
	host    providers.Host
	sudo    bool
	part    string // the one path of the archive; "" is all of it
	to      string
	private string // the folder above to that is made for it, closed to others, and goes with it; "" is none
}

// folderState is what a restore finds at its target.
type folderState struct {
	missing bool
	empty   bool
	claim   claim // whose it is, when it bears the mark of a restore
	names   []string
	done    *restored
}

// claim is what a restore writes into its target before the first file. A second attempt goes by it: restoring another day
// over a part of this one would leave files that neither of them had.
type claim struct {
	By   string    `json:"by"`             // "RUN STEP"
	At   time.Time `json:"at"`             // the moment that is restored
	Made bool      `json:"made,omitempty"` // the folder was not there before
}

// restored is what a restore leaves behind at its end.
type restored struct {
	Key     runbook.Key `json:"key"`
	At      time.Time   `json:"at"` // of the backup
	Sets    int         `json:"sets"`
	Volumes int         `json:"volumes"`
	Seconds float64     `json:"seconds"`
}

func owner(call runbook.Call) string { return string(call.Run) + " " + call.Step }

func (r restoring) remote(call runbook.Call) remote {
	return remote{w: r.w, host: r.host, sudo: r.sudo, log: call.Log}
}

func (r restoring) file(name string) string { return path.Join(r.to, providers.RestoreFolder, name) }

func (r restoring) temp(call runbook.Call) string { return r.file(string(call.Key)) }

func (r restoring) valid() error {
	if err := r.archive.valid(); err != nil {
		return err
	}
	switch {
	case r.to == "":
		return runbook.Fail("no folder is named to restore into", "nothing was changed", "name it in the step's `to`")
	case !strings.HasPrefix(r.to, "/") || path.Clean(r.to) == "/":
		return runbook.Fail(fmt.Sprintf("%q is no folder to restore into", r.to), "nothing was changed", "write a whole path, such as /srv/data")
	case r.host.Address == "":
		return runbook.Fail("no host is named to restore on", "nothing was changed", "name it in the step's `host`")
	case strings.HasPrefix(r.archive.URL, "file:") && r.host.Address != r.archive.host(providers.Host{}).Address:
		return runbook.Fail(fmt.Sprintf("%s lies on %s and cannot be read from %s", r.archive.URL, r.archive.host(providers.Host{}), r.host), "nothing was changed",
			"give the archive a url that other hosts reach, such as sftp:// or s3://, or restore on its own host")
	}
	return nil
}

// look reads the state of the target.
func (r restoring) look(ctx context.Context, call runbook.Call) (folderState, error) {
	rem := r.remote(call)
	argv := rem.asRoot([]string{"ls", "-A", "--", r.to})
	res, err := rem.look(ctx, argv...)
	switch {
	case err != nil:
		return folderState{}, err
	case res.Status != 0 && strings.Contains(res.Stderr, "No such file"):
		return folderState{missing: true}, nil
	case res.Status != 0:
		return folderState{}, rem.ended(argv, res)
	}
	var s folderState
	marked := false
	for name := range strings.Lines(res.Stdout) {
		switch name = strings.TrimRight(name, "\n"); name {
		case "", "lost+found": // every new file system has it
		case providers.RestoreFolder:
			marked = true
		default:
			s.names = append(s.names, name)
		}
	}
	if s.empty = len(s.names) == 0 && !marked; !marked {
		return s, nil
	}
	text, err := r.read(ctx, call, "owner")
	if err != nil {
		return s, err
	}
	if text == "" && len(s.names) == 0 { // it died before it had written a word
		s.empty = true
		return s, nil
	}
	if json.Unmarshal([]byte(text), &s.claim) != nil {
		s.claim.By = "an unknown restore"
	}
	text, err = r.read(ctx, call, "done")
	if err != nil || text == "" {
		return s, err
	}
	var d restored
	if json.Unmarshal([]byte(text), &d) == nil {
		s.done = &d
	}
	return s, nil
}

// read returns a file of the restore's own folder; "" when it is not there.
func (r restoring) read(ctx context.Context, call runbook.Call, name string) (string, error) {
	rem := r.remote(call)
	argv := rem.asRoot([]string{"cat", "--", r.file(name)})
	res, err := rem.look(ctx, argv...)
	switch {
	case err != nil:
		return "", err
	case res.Status != 0 && strings.Contains(res.Stderr, "No such file"):
		return "", nil
	case res.Status != 0:
		return "", rem.ended(argv, res)
	}
	return strings.TrimSpace(res.Stdout), nil
}

// mine refuses a target that holds anything but what this very step has begun.
func (r restoring) mine(s folderState, call runbook.Call) error {
	switch {
	case s.missing, s.empty, s.claim.By == owner(call):
		return nil
	case s.claim.By != "":
		return runbook.Fail(fmt.Sprintf("%s on %s holds what another restore put there (%s)", r.to, r.host, s.claim.By), "nothing was changed",
			"restore into an empty folder or onto a new volume; or remove what is there, if nobody needs it")
	}
	shown := strings.Join(s.names[:min(3, len(s.names))], ", ")
	if shown == "" {
		shown = providers.RestoreFolder
	}
	return runbook.Fail(fmt.Sprintf("%s on %s is not empty: %s", r.to, r.host, shown), "a restore would write over it; nothing was changed",
		"restore into an empty folder or onto a new volume")
}

// fill restores. It marks the folder before the first file and after the last.
func (r restoring) fill(ctx context.Context, call runbook.Call, mark claim, chain providers.Chain) (*restored, error) {
	rem := r.remote(call)
	// Each level is named: mkdir gives the mode to what is named, and to no folder on the way there.
	argv := []string{"mkdir", "-p", "-m", "0700", "--"}
	if r.private != "" {
		argv = append(argv, r.private)
	}
	if _, err := rem.must(ctx, append(argv, r.to, path.Dir(r.temp(call)), r.temp(call))...); err != nil {
		return nil, err
	}
	if err := r.write(ctx, call, "owner", mark); err != nil {
		return nil, err
	}
	began := r.w.clock.Now()
	err := r.w.Archives.Restore(ctx, r.archive.open(r.host, r.sudo), providers.Retrieval{
		At: mark.At, Path: r.part, Folder: within(r.to, r.part), Temp: r.temp(call), Over: true,
	}, r.w.watch(call, "restored"))
	if err != nil {
		return nil, err
	}
	d := &restored{Key: call.Key, At: chain.Sets[len(chain.Sets)-1].At, Sets: len(chain.Sets), Volumes: chain.Volumes(), Seconds: r.w.clock.Now().Sub(began).Seconds()}
	if err := r.write(ctx, call, "done", d); err != nil {
		// All is there. After a crash it would be restored once more, which is slow and harmless.
		logf(call.Log, "could not mark %s as restored: %v", r.to, err)
	}
	if _, err := rem.change(ctx, "rm", "-rf", "--", r.temp(call)); err != nil {
		logf(call.Log, "could not remove %s: %v", r.temp(call), err)
	}
	return d, nil
}

// write puts text into a file of the restore's own folder, by way of standard input.
func (r restoring) write(ctx context.Context, call runbook.Call, name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	rem := r.remote(call)
	argv := rem.asRoot([]string{"tee", "--", r.file(name)})
	res, err := r.w.Shell.Run(ctx, r.host, providers.Command{Argv: argv, Stdin: string(text) + "\n", Hang: silence})
	if err != nil {
		return err
	}
	return rem.ended(argv, res)
}

// running says whether a restore of this key still runs there, left behind by a connection that broke.
func (r restoring) running(ctx context.Context, call runbook.Call) (pid string, err error) {
	key := string(call.Key)
	if key == "" {
		return "", nil
	}
	// The brackets keep the pattern from finding the shell that was asked to look for it.
	res, err := r.remote(call).look(ctx, "pgrep", "-f", strings.TrimPrefix(providers.RestoreFolder, ".")+"/["+key[:1]+"]"+key[1:])
	if err != nil || res.Status != 0 {
		return "", err
	}
	return lastLines(res.Stdout, 1), nil
}

// remove takes the target away, when this step made it and nothing but its restore is in it.
func (r restoring) remove(ctx context.Context, call runbook.Call) error {
	_, err := r.remote(call).must(ctx, "rm", "-rf", "--", cmp.Or(r.private, r.to))
	return err
}

// newer is a file in the target that was written or moved there after the restore was done; "" is none.
func (r restoring) newer(ctx context.Context, call runbook.Call, s folderState) (string, error) {
	if s.done == nil { // it did not come to its end: nobody works with it
		return "", nil
	}
	rem := r.remote(call)
	argv := rem.asRoot([]string{"find", r.to, "-path", path.Join(r.to, providers.RestoreFolder), "-prune", "-o", "-cnewer", r.file("done"), "-print", "-quit"})
	res, err := rem.look(ctx, argv...)
	if err == nil {
		err = rem.ended(argv, res)
	}
	return strings.TrimSpace(res.Stdout), err
}
