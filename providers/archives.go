package providers

import (
	"context"
	"slices"
	"time"

	"lifeboat/runbook"
)

// Archives are chains of full and incremental backups, as duplicity keeps them. The program runs on a host, over Shell.
// All calls return *Error: a wrong passphrase is Denied, a chain of which something is missing or does not read back as it
// was written is Damaged, an archive that another program is busy with is NotReady.
type Archives interface {
	// Status reads the collection: its chains, from the oldest. An empty one is NotFound. It needs no passphrase, opens
	// nothing and proves nothing but that the sets are listed.
	Status(ctx context.Context, a Archive) (Collection, error)
	// Backup adds an increment to the newest chain, or begins one when full is set or the chain is older than fullAfter
	// (0: never by itself).
	Backup(ctx context.Context, a Archive, folder string, full bool, fullAfter time.Duration, watch ArchiveWatch) error
	// Restore writes what the archive held at a moment.
	Restore(ctx context.Context, a Archive, r Retrieval, watch ArchiveWatch) error
	// Verify compares what the archive held at a moment with what is there now, contents included, and counts what
	// differs. Differences are no error.
	Verify(ctx context.Context, a Archive, r Retrieval, watch ArchiveWatch) (Verified, error)
}

// Archive is where a chain lies and how to open it.
type Archive struct {
	Host       Host              // where the program runs; one without an address is this machine
	URL        string            // duplicity's: file:///..., sftp://..., s3://...
	Name       string            // duplicity's --name: the local cache's; "" is its own choice
	Passphrase string            // secret; "" with Plain
	Plain      bool              // not encrypted
	Sudo       bool              // become root on the host
	Env        map[string]string // secret values, such as the bucket's credentials
	Options    []string          // further options, as they are
}

// RestoreFolder is the folder that a restore keeps at the root of its target: whose it is, its temporary files, and that it
// came to its end. It is no part of the data.
const RestoreFolder = ".lifeboat-restore"

// Retrieval is what to take out of an archive, and where it goes or is compared with.
type Retrieval struct {
	At     time.Time // the moment; zero is the newest
	Path   string    // the one file or folder, relative to the archive's root; "" is all of it
	Folder string    // where it goes, or stands: the root itself, or of a Path the very file or folder
	Temp   string    // an existing folder for temporary files; "" is the program's own choice
	Over   bool      // Folder may be there already, with what an earlier restore left of it
}

// ArchiveWatch is told how it goes; any of its fields may be nil.
type ArchiveWatch struct {
	Line     func(line string)                      // what the program says, without what it says of each file
	Progress func(done, total float64, unit string) // total 0 when it is not known; unit is "volumes" or "B"
}

// Collection is what collection-status says.
type Collection struct {
	Chains     []Chain // oldest first; the last one is the newest
	Orphans    int     // sets that belong to no chain
	Incomplete int     // sets that were not written to their end
}

// Chain is a full backup and its increments, oldest first.
type Chain struct{ Sets []BackupSet }

// BackupSet is one backup.
type BackupSet struct {
	Full      bool
	At        time.Time
	Volumes   int
	Encrypted bool
}

// Verified is what a comparison found.
type Verified struct {
	Compared, Different int
	Differences         []string // the first 20
}

// Newest is the newest set of all; ok is false when there is none.
func (c Collection) Newest() (s BackupSet, ok bool) {
	for _, chain := range c.Chains {
		for _, set := range chain.Sets {
			if !ok || set.At.After(s.At) {
				s, ok = set, true
			}
		}
	}
	return s, ok
}

// Reading is what a restore of the moment reads: the full backup before it and the increments up to it. A zero moment is
// the newest one. The program itself is content with less: what it does not find it passes over, and restores an older
// day without a word. So this refuses a moment before the first backup, one behind a gap, and a set without volumes.
func (c Collection) Reading(at time.Time) (Chain, error) {
	const op = "collection-status"
	if len(c.Chains) == 0 {
		return Chain{}, c.none()
	}
	i := len(c.Chains) - 1
	if !at.IsZero() {
		for i >= 0 && (len(c.Chains[i].Sets) == 0 || c.Chains[i].Sets[0].At.After(at)) {
			i--
		}
	}
	if i < 0 {
		first := c.Chains[0].Sets[0].At
		return Chain{}, &Error{
			Kind: NotFound, Op: op, Detail: "the archive begins at " + first.UTC().Format(time.RFC3339) + ", after " + at.UTC().Format(time.RFC3339),
			Means: "there is no backup of that moment; nothing was changed", Do: "choose a later day",
		}
	}
	out := Chain{}
	for _, s := range c.Chains[i].Sets {
		if at.IsZero() || !s.At.After(at) {
			out.Sets = append(out.Sets, s)
		}
	}
	last := out.Sets[len(out.Sets)-1]
	if k := slices.IndexFunc(out.Sets, func(s BackupSet) bool { return s.Volumes == 0 }); k >= 0 {
		return Chain{}, broken(op, "the backup of "+out.Sets[k].At.UTC().Format(time.RFC3339)+" has no volumes", out.Sets[:k])
	}
	whole := i == len(c.Chains)-1 && len(out.Sets) == len(c.Chains[i].Sets)
	if whole && c.Orphans > 0 && (at.IsZero() || at.Sub(last.At) > 0) {
		return Chain{}, broken(op, "sets after "+last.At.UTC().Format(time.RFC3339)+" belong to no chain: one before them is missing", out.Sets)
	}
	return out, nil
}

// none is the error of an archive that holds nothing that could be restored.
func (c Collection) none() *Error {
	if c.Orphans+c.Incomplete > 0 {
		return &Error{
			Kind: Damaged, Op: "collection-status", Detail: "there are sets, and no full backup that they belong to",
			Means: "nothing can be restored from it", Do: "find the missing files in another copy of the archive, or make a full backup",
		}
	}
	return &Error{
		Kind: NotFound, Op: "collection-status", Detail: "the archive is empty",
		Means: "there is no backup there; nothing was changed", Do: "compare its url with the one that the backups are made with",
	}
}

func broken(op, what string, good []BackupSet) *Error {
	e := &Error{Kind: Damaged, Op: op, Detail: "the chain is broken: " + what, Means: "nothing after the gap can be restored; nothing was changed"}
	e.Do = "find the missing files in another copy of the archive, or make a full backup"
	if len(good) > 0 {
		e.Do = "restore " + good[len(good)-1].At.UTC().Format(time.RFC3339) + " or earlier; then make a full backup"
	}
	return e
}

// Volumes counts the volumes of a chain: what a restore has to fetch.
func (c Chain) Volumes() int {
	n := 0
	for _, s := range c.Sets {
		n += s.Volumes
	}
	return n
}

// Target names the archive for the drill fence.
func (a Archive) Target() runbook.Target { return runbook.Target{Kind: "archive", ID: a.URL} }

// HostTarget names the host on which the program runs.
func (a Archive) HostTarget() runbook.Target {
	if a.Host.Address == "" {
		return Console().Target()
	}
	return a.Host.Target()
}
