package actions

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func duplicityProve(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "duplicity.prove",
		Summary: "restore a sample of the archive, compare it with the archive, and remove it",
		New:     func() runbook.Probe { return &prove{w: w} },
		Outputs: []runbook.Output{
			{Name: "proved", Doc: "when it was proved", Type: "string"},
			{Name: "at", Doc: "when the backup was made that was restored", Type: "string"},
			{Name: "compared", Doc: "how many files and folders were compared", Type: "number"},
			{Name: "seconds", Doc: "how long the restore took", Type: "number"},
		},
		Settle: 5 * time.Second, Budget: 5 * time.Minute, Timeout: 6 * time.Hour,
	}
}

// prove does what nothing else proves: it reads a backup back. What it found is written beside the archive's cache on the
// host, as its last line for people and for later proofs.
type prove struct {
	Archive archive   `with:"archive,required" doc:"the chain, such as estate.standby.archive"`
	At      backupDay `with:"at" default:"'newest'" doc:"as in duplicity.restore: a day, a moment, 7d, or newest"`
	Path    string    `with:"path" doc:"the sample: one file or folder of the archive; all of it when left out"`
	Scratch string    `with:"scratch" doc:"folder on the archive's host for the sample, which is removed again; when left out, one of the archive's own under /var/tmp"`
	Sudo    bool      `with:"sudo" default:"estate.ssh.user != '' && estate.ssh.user != 'root'" doc:"become root with sudo; when left out, if the ssh user is not root"`

	w world
}

// proof is what the last proof found.
type proof struct {
	Key      runbook.Key `json:"key"`
	Proved   time.Time   `json:"proved"`
	At       time.Time   `json:"at"`
	Path     string      `json:"path,omitempty"`
	Compared int         `json:"compared"`
	Volumes  int         `json:"volumes"`
	Seconds  float64     `json:"seconds"`
}

func (a *prove) restoring() restoring {
	r := restoring{w: a.w, archive: a.Archive, host: a.Archive.host(providers.Host{}), sudo: a.Sudo, part: a.Path, to: a.scratch()}
	if a.Scratch == "" {
		r.private = path.Dir(r.to)
	}
	return r
}

// scratch is the folder of the sample. Two archives whose proofs meet on one host do not share it.
func (a *prove) scratch() string {
	if a.Scratch != "" {
		return a.Scratch
	}
	// Below a folder of its own: duplicity gives the top of what it restores the mode that it had.
	return "/var/tmp/lifeboat-proof-" + a.Archive.hash() + "/sample"
}

// hash tells the archive from others.
func (a archive) hash() string {
	sum := sha256.Sum256([]byte(a.URL + " " + a.Name))
	return hex.EncodeToString(sum[:6])
}

// proofFile is where the last proof of the archive is kept.
func (a archive) proofFile(home string) string {
	return path.Join(home, ".lifeboat", "proved-"+a.hash()+".json")
}

// lastProof reads it; nil is none.
func (a archive) lastProof(ctx context.Context, r remote) (*proof, error) {
	home, err := r.home(ctx)
	if err != nil {
		return nil, err
	}
	res, err := r.look(ctx, "cat", "--", a.proofFile(home))
	if err != nil || res.Status != 0 {
		return nil, err
	}
	var p proof
	if json.Unmarshal([]byte(res.Stdout), &p) != nil {
		return nil, nil // half a line proves nothing
	}
	return &p, nil
}

// home is the home of the user on the host; "" where commands start in it anyway.
func (r remote) home(ctx context.Context) (string, error) {
	res, err := r.look(ctx, "printenv", "HOME")
	if err != nil || res.Status != 0 {
		return "", err
	}
	return strings.TrimSpace(res.Stdout), nil
}

// Prepare finds the backup. What an earlier proof left in the scratch folder is nobody's, and may go.
func (a *prove) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	r := a.restoring()
	if err := r.valid(); err != nil {
		return nil, err
	}
	at, err := momentOf(string(a.At), a.w.clock.Now())
	if err != nil {
		return nil, err
	}
	chain, err := a.w.reads(ctx, a.Archive.open(r.host, a.Sudo), at)
	if err != nil {
		return nil, err
	}
	if _, err := a.free(ctx, call); err != nil {
		return nil, err
	}
	last := chain.Sets[len(chain.Sets)-1].At
	return runbook.Keep(target{At: last, Backup: last})
}

// free says whether there is something to remove first, and refuses what no proof has put there.
func (a *prove) free(ctx context.Context, call runbook.Call) (left bool, err error) {
	r := a.restoring()
	s, err := r.look(ctx, call)
	switch {
	case err != nil || s.missing:
		return false, err
	case s.empty, strings.HasSuffix(s.claim.By, proofWord):
		return true, nil
	}
	return false, r.mine(s, call)
}

// proofWord ends the owner of a scratch folder.
const proofWord = " (proof)"

func (a *prove) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	r := a.restoring()
	if err := r.valid(); err != nil {
		return runbook.Observation{}, err
	}
	p, err := a.Archive.lastProof(ctx, r.remote(call))
	if err != nil {
		return runbook.Observation{}, err
	}
	if p != nil && p.Key == call.Key {
		return a.proved(p), nil
	}
	pid, err := r.running(ctx, call)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case pid != "":
		return seen(runbook.Pending, "the restore of this step still runs on %s (pid %s)", r.host, pid), nil
	case p != nil:
		return seen(runbook.Absent, "the last proof is %s old", age(a.w.clock.Now().Sub(p.Proved))), nil
	}
	return seen(runbook.Absent, "no restore of this archive was ever proved"), nil
}

func (a *prove) proved(p *proof) runbook.Observation {
	what := "all of it"
	if p.Path != "" {
		what = p.Path
	}
	o := seen(runbook.Holds, "the backup of %s restores: %s, %s compared byte for byte, none different, in %s", stamp(p.At), what,
		plural(p.Compared, "entry", "entries"), short(time.Duration(p.Seconds*float64(time.Second))))
	o.Outputs = map[string]any{
		"proved": p.Proved.UTC().Format(time.RFC3339), "at": p.At.UTC().Format(time.RFC3339), "compared": p.Compared, "seconds": int(p.Seconds),
	}
	o.Changed = []runbook.Target{a.restoring().host.Target()}
	return o
}

func (a *prove) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	r := a.restoring()
	if err := r.valid(); err != nil {
		return runbook.Observation{}, err
	}
	var t target
	if err := runbook.Recall(call.Before, &t); err != nil {
		return runbook.Observation{}, err
	}
	left, err := a.free(ctx, call)
	if err == nil && (left || r.private != "") { // what somebody else has made under that name is not closed to others
		err = r.remove(ctx, call)
	}
	if err != nil {
		return runbook.Observation{}, err
	}
	chain, err := a.w.reads(ctx, a.Archive.open(r.host, a.Sudo), t.At)
	if err != nil {
		return runbook.Observation{}, err
	}
	p := &proof{Key: call.Key, At: t.At, Path: a.Path, Volumes: chain.Volumes()}
	if err := a.sample(ctx, call, r, chain, p); err != nil {
		return runbook.Observation{}, err
	}
	if err := r.remove(ctx, call); err != nil {
		return runbook.Observation{}, err
	}
	if err := a.keep(ctx, call, p); err != nil {
		return runbook.Observation{}, err
	}
	return a.proved(p), nil
}

// sample restores and compares. What differs stays where it is, for a person to look at; the next proof removes it.
func (a *prove) sample(ctx context.Context, call runbook.Call, r restoring, chain providers.Chain, p *proof) error {
	d, err := r.fill(ctx, call, claim{By: owner(call) + proofWord, At: p.At, Made: true}, chain)
	if err != nil {
		return err
	}
	folder := within(a.scratch(), a.Path)
	v, err := a.w.Archives.Verify(ctx, a.Archive.open(r.host, a.Sudo), providers.Retrieval{At: p.At, Path: a.Path, Folder: folder}, a.w.watch(call, "compared"))
	if err != nil {
		return err
	}
	if v.Different > 0 || v.Compared == 0 {
		return differs(folder, v)
	}
	p.Proved, p.Compared, p.Seconds = a.w.clock.Now().UTC(), v.Compared, d.Seconds
	return nil
}

// keep writes the proof down, on the host.
func (a *prove) keep(ctx context.Context, call runbook.Call, p *proof) error {
	r := remote{w: a.w, host: a.restoring().host, log: call.Log}
	home, err := r.home(ctx)
	if err != nil {
		return err
	}
	file := a.Archive.proofFile(home)
	if _, err := r.must(ctx, "mkdir", "-p", "-m", "0700", "--", path.Dir(file)); err != nil {
		return err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	res, err := a.w.Shell.Run(ctx, r.host, providers.Command{Argv: []string{"tee", "--", file}, Stdin: string(text) + "\n", Hang: silence})
	if err != nil {
		return err
	}
	return r.ended([]string{"tee", file}, res)
}

// Targets is the host on which the sample is restored. There is nothing to undo: the sample is gone, or goes with the next
// proof.
func (a *prove) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{a.restoring().host.Target()}
}

// Check asks for the backup, and tells when the archive was last proved.
func (a *prove) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("the archive reaches %s", a.At)
	if c, open := notYet(what, a.Archive.URL, a.Archive.Host, string(a.At)); open {
		return []runbook.Check{c}
	}
	if err := a.restoring().valid(); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell("the archive is well described", "", f.Do, "%s", f.What)}
	}
	at, err := momentOf(string(a.At), a.w.clock.Now())
	if err != nil {
		return []runbook.Check{notWell(what, "", atHint, "%q is no day", a.At)}
	}
	return []runbook.Check{a.Archive.reaches(ctx, a.w, what, at, a.Sudo)}
}

// Depends is the host that runs duplicity.
func (a *prove) Depends() []runbook.Dependency {
	return onHost(archiveHost(a.restoring().host)...)
}

func (a *prove) Permissions() []string { return nil }

func (a *prove) ByHand(call runbook.Call) []string {
	to := restore{Archive: a.Archive, At: a.At, Path: a.Path, To: a.scratch(), Sudo: a.Sudo, w: a.w}
	with := verify{Archive: a.Archive, At: a.At, Path: a.Path, Folder: a.scratch(), Sudo: a.Sudo, w: a.w}
	r := a.restoring()
	return append(append(to.ByHand(call), with.ByHand(call)...), r.remote(call).byHand("rm", "-rf", orQuestion(a.scratch())))
}
