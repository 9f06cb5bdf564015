package actions

import (
	"context"
	"time"

	"lifeboat/providers"
)

// absentArchives are archives that are not there.
type absentArchives struct{}

func (absentArchives) Status(_ context.Context, a providers.Archive) (providers.Collection, error) {
	return providers.Collection{}, gone("duplicity collection-status", a.URL)
}

func (absentArchives) Backup(_ context.Context, a providers.Archive, _ string, _ bool, _ time.Duration, _ providers.ArchiveWatch) error {
	return gone("duplicity backup", a.URL)
}

func (absentArchives) Restore(_ context.Context, a providers.Archive, _ providers.Retrieval, _ providers.ArchiveWatch) error {
	return gone("duplicity restore", a.URL)
}

func (absentArchives) Verify(_ context.Context, a providers.Archive, _ providers.Retrieval, _ providers.ArchiveWatch) (providers.Verified, error) {
	return providers.Verified{}, gone("duplicity verify", a.URL)
}
