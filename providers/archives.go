package providers

import (
	"context"
	"time"
)

// Archives are chains of full and incremental backups, as duplicity keeps them. The program runs on a host, over Shell.
type Archives interface {
	// Status reads the collection: its chains, from the oldest. An empty one is NotFound.
	Status(ctx context.Context, a Archive) (Collection, error)
	// Backup adds an increment to the newest chain, or begins one when full is set or the chain is older than fullAfter
	// (0: never by itself).
	Backup(ctx context.Context, a Archive, folder string, full bool, fullAfter time.Duration, watch ArchiveWatch) error
	// Restore writes what the archive held at the moment (zero: the newest) to folder, which must be empty or missing;
	// path (may be "") is the one file or folder to restore, relative to the archive's root.
	Restore(ctx context.Context, a Archive, at time.Time, path, folder string, watch ArchiveWatch) error
	// Verify compares the archive with folder, contents included, and counts what differs.
	Verify(ctx context.Context, a Archive, at time.Time, path, folder string, watch ArchiveWatch) (Verified, error)
}

// Archive is where a chain lies and how to open it.
type Archive struct {
	Host       Host              // where the program runs; one without an address is this machine
	URL        string            // duplicity's: file:///..., sftp://..., s3://...
	Name       string            // duplicity's --name: the local cache's; "" is its own choice
	Passphrase string            // secret; "" with Plain
	Plain      bool              // not encrypted
	Env        map[string]string // secret values, such as the bucket's credentials
	Options    []string          // further options, as they are
}

// ArchiveWatch is told how it goes; any of its fields may be nil.
type ArchiveWatch struct {
	Line     func(stream, line string)
	Progress func(done, total float64) // bytes; total 0 when it is not known
}

// Collection is what collection-status says.
type Collection struct {
	Chains  []Chain // oldest first; the last one is the newest
	Orphans int     // sets that belong to no chain
}

// Chain is a full backup and its increments, oldest first.
type Chain struct{ Sets []BackupSet }

// BackupSet is one backup.
type BackupSet struct {
	Full    bool
	At      time.Time
	Volumes int
}

// Verified is what a comparison found.
type Verified struct {
	Compared, Different int
	Differences         []string // the first 20
}
