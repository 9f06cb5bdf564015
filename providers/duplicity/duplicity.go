// Package duplicity keeps chains of backups with the program of that name, which it runs on the host that the archive
// names, or on this machine.
//
// What the program says is read from the lines that it writes for machines (--log-fd), by their codes; its words for
// people change with its version and the locale. Secrets travel in the environment of the command, which the shell sends
// over standard input: never on a command line. What is known of duplicity's habits, and why this package does not take
// its word:
//
//   - asked for a day that its chain no longer reaches, it restores an older one and says that all is well; so the
//     collection is read first, and a gap, a set without volumes or a day before the first backup is refused;
//   - `verify` compares dates and sizes unless it is told --compare-data;
//   - two of them with one cache keep each other out; so looking has a cache of its own, restoring another, and only a
//     backup uses the program's own, where it does meet the one that cron runs.
//
// It refuses to delete anything: not a chain, not what stands in a folder.
//
//	archives := duplicity.New(shell)
//	collection, err := archives.Status(ctx, providers.Archive{Host: host, URL: "sftp://backup@203.0.113.40/shop"})
package duplicity

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
)

// Archives implements providers.Archives. It is safe for concurrent use.
type Archives struct{ shell providers.Shell }

var _ providers.Archives = (*Archives)(nil)

// New makes archives that run over shell, which takes providers.Console for this machine.
func New(shell providers.Shell) *Archives { return &Archives{shell: shell} }

// Verbosities: 4 tells notices and the progress of an upload, 5 the volumes as they are read, too.
const (
	tellNotices = "-v4"
	tellVolumes = "-v5"
)

// How long the program may be silent. A single volume over a slow line takes its time.
const (
	silentLook = 2 * time.Minute
	silentWork = 30 * time.Minute
)

// Caches on the host. duplicity expands the tilde itself.
const (
	cacheLook = "~/.cache/lifeboat/look"
	cacheRead = "~/.cache/lifeboat/read"
)

// Status is `duplicity collection-status`.
func (d *Archives) Status(ctx context.Context, a providers.Archive) (providers.Collection, error) {
	out, err := d.run(ctx, a, command{
		name: "collection-status", words: []string{a.URL}, tell: tellNotices, cache: cacheLook, look: true, hang: silentLook,
	}, providers.ArchiveWatch{})
	if err != nil {
		return providers.Collection{}, err
	}
	if out.collection == nil {
		return providers.Collection{}, out.failure("collection-status", a, "it ended well and did not say what there is")
	}
	c := *out.collection
	if len(c.Chains) == 0 {
		_, err := c.Reading(time.Time{})
		return c, err
	}
	return c, nil
}

// Backup is `duplicity full` or an increment.
func (d *Archives) Backup(ctx context.Context, a providers.Archive, folder string, full bool, fullAfter time.Duration, watch providers.ArchiveWatch) error {
	c := command{words: []string{folder, a.URL}, tell: tellNotices, hang: silentWork, options: []string{"--progress", "--progress-rate", "2"}}
	switch {
	case full:
		c.name = "full"
	case fullAfter > 0:
		c.options = append(c.options, "--full-if-older-than", strconv.Itoa(int(fullAfter.Seconds()))+"s")
	}
	_, err := d.run(ctx, a, c, watch)
	return err
}

// Restore is `duplicity restore`, of a moment that the chain does reach.
func (d *Archives) Restore(ctx context.Context, a providers.Archive, r providers.Retrieval, watch providers.ArchiveWatch) error {
	if err := d.reaches(ctx, a, r.At); err != nil {
		return err
	}
	c := retrieve("restore", r)
	c.words = []string{a.URL, r.Folder}
	if r.Over {
		c.options = append(c.options, "--force")
	}
	_, err := d.run(ctx, a, c, watch)
	return err
}

// Verify is `duplicity verify --compare-data`.
func (d *Archives) Verify(ctx context.Context, a providers.Archive, r providers.Retrieval, watch providers.ArchiveWatch) (providers.Verified, error) {
	if err := d.reaches(ctx, a, r.At); err != nil {
		return providers.Verified{}, err
	}
	c := retrieve("verify", r)
	c.words = []string{a.URL, r.Folder}
	c.options = append(c.options, "--compare-data")
	c.look, c.differs = true, true
	out, err := d.run(ctx, a, c, watch)
	if err != nil {
		return providers.Verified{}, err
	}
	if out.verified == nil {
		return providers.Verified{}, out.failure("verify", a, "it ended and did not say what it compared")
	}
	return out.compared(), nil
}

func (d *Archives) reaches(ctx context.Context, a providers.Archive, at time.Time) error {
	c, err := d.Status(ctx, a)
	if err != nil {
		return err
	}
	_, err = c.Reading(at)
	if e, ok := err.(*providers.Error); ok {
		e.Where = where(a)
	}
	return err
}

func retrieve(name string, r providers.Retrieval) command {
	c := command{name: name, tell: tellVolumes, cache: cacheRead, hang: silentWork}
	if !r.At.IsZero() {
		c.options = append(c.options, "--time", r.At.UTC().Format(time.RFC3339))
	}
	if r.Path != "" {
		c.options = append(c.options, "--file-to-restore", strings.Trim(r.Path, "/"))
	}
	if r.Temp != "" {
		c.options = append(c.options, "--tempdir", r.Temp)
	}
	return c
}

// command is one call of the program.
type command struct {
	name    string // "" is a backup that decides by itself
	options []string
	words   []string // url and folder, in its order
	tell    string
	cache   string // "" is the program's own
	look    bool   // it changes nothing of the host but its own cache
	differs bool   // status 1 says that there are differences
	hang    time.Duration
}

func (c command) argv(a providers.Archive, env map[string]string) []string {
	var argv []string
	if a.Sudo {
		argv = append(argv, "sudo", "-n", "--preserve-env="+strings.Join(slices.Sorted(maps.Keys(env)), ","), "--")
	}
	argv = append(argv, "duplicity")
	if c.name != "" {
		argv = append(argv, c.name)
	}
	argv = append(argv, c.tell, "--log-fd", "2")
	if c.cache != "" && !slices.ContainsFunc(a.Options, func(o string) bool { return strings.HasPrefix(o, "--archive-dir") }) {
		argv = append(argv, "--archive-dir", c.cache)
	}
	if a.Name != "" {
		argv = append(argv, "--name", a.Name)
	}
	if a.Plain {
		argv = append(argv, "--no-encryption")
	}
	argv = append(append(argv, c.options...), a.Options...)
	return append(argv, c.words...)
}

// environment is the archive's own, the passphrase, and words in English.
func environment(a providers.Archive) map[string]string {
	env := maps.Clone(a.Env)
	if env == nil {
		env = map[string]string{}
	}
	env["LC_ALL"], env["LANGUAGE"] = "C.UTF-8", "C"
	if a.Passphrase != "" {
		env["PASSPHRASE"] = a.Passphrase
	}
	return env
}

func where(a providers.Archive) string {
	if a.Host.Address == "" {
		return providers.Console().Address
	}
	return a.Host.Address
}

func (d *Archives) run(ctx context.Context, a providers.Archive, c command, watch providers.ArchiveWatch) (*output, error) {
	if err := valid(a, c); err != nil {
		return nil, err
	}
	if a.Host.Address == "" {
		a.Host = providers.Console()
	}
	env := environment(a)
	out := &output{watch: watch}
	res, err := d.shell.Run(ctx, a.Host, providers.Command{
		Argv: c.argv(a, env), Env: env, ReadOnly: c.look, Hang: c.hang, Line: out.line,
	})
	out.finish()
	if err != nil {
		return nil, err
	}
	if res.Status == 0 || c.differs && res.Status == 1 && out.verified != nil {
		return out, nil
	}
	return nil, out.verdict(c, a, res)
}

// valid refuses what the program would take for something else.
func valid(a providers.Archive, c command) error {
	bad := func(detail, do string) error {
		return &providers.Error{Kind: providers.Invalid, Op: "duplicity", Where: where(a), Detail: detail, Do: do}
	}
	if a.URL == "" {
		return bad("the archive has no url", "write the url of the chain in the estate: standby.archive.url")
	}
	for _, w := range c.words {
		if strings.HasPrefix(w, "-") || w == "" {
			return bad(strconv.Quote(w)+" is neither a url nor a folder", "write a whole path, such as /srv/data")
		}
	}
	return nil
}
