package wrap

import (
	"context"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

type recordedArchives struct {
	providers.Archives
	r recorder
}

func (p recordedArchives) Status(ctx context.Context, a providers.Archive) (_ providers.Collection, err error) {
	defer p.r.done("duplicity collection-status", archiveHost(a), plainURL(a.URL), a.Name)(&err)
	return p.Archives.Status(ctx, a)
}

func (p recordedArchives) Backup(ctx context.Context, a providers.Archive, folder string, full bool, fullAfter time.Duration, watch providers.ArchiveWatch) (err error) {
	kind := "increment"
	if full {
		kind = "full"
	}
	defer p.r.done("duplicity backup", archiveHost(a), plainURL(a.URL), a.Name, folder, kind)(&err)
	return p.Archives.Backup(ctx, a, folder, full, fullAfter, watch)
}

func (p recordedArchives) Restore(ctx context.Context, a providers.Archive, r providers.Retrieval, watch providers.ArchiveWatch) (err error) {
	defer p.r.done("duplicity restore", archiveHost(a), plainURL(a.URL), a.Name, moment(r.At), r.Path, r.Folder)(&err)
	return p.Archives.Restore(ctx, a, r, watch)
}

func (p recordedArchives) Verify(ctx context.Context, a providers.Archive, r providers.Retrieval, watch providers.ArchiveWatch) (_ providers.Verified, err error) {
	defer p.r.done("duplicity verify", archiveHost(a), plainURL(a.URL), a.Name, moment(r.At), r.Path, r.Folder)(&err)
	return p.Archives.Verify(ctx, a, r, watch)
}

// archiveHost is where the program runs.
func archiveHost(a providers.Archive) string {
	if a.Host.Address == "" {
		return providers.Console().Address
	}
	return a.Host.String()
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "newest"
	}
	return t.UTC().Format(time.RFC3339)
}

// fencedArchives: a restore changes the host that it writes on, a backup the archive as well. Looking and comparing change
// neither.
type fencedArchives struct {
	providers.Archives
	may func(runbook.Target) error
}

func (f fencedArchives) Backup(ctx context.Context, a providers.Archive, folder string, full bool, fullAfter time.Duration, watch providers.ArchiveWatch) error {
	if err := allow(f.may, a.Target(), a.HostTarget()); err != nil {
		return err
	}
	return f.Archives.Backup(ctx, a, folder, full, fullAfter, watch)
}

func (f fencedArchives) Restore(ctx context.Context, a providers.Archive, r providers.Retrieval, watch providers.ArchiveWatch) error {
	if err := f.may(a.HostTarget()); err != nil {
		return err
	}
	return f.Archives.Restore(ctx, a, r, watch)
}
