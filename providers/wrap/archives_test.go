package wrap_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/wrap"
	"lifeboat/runbook"
)

// tally counts what reaches an archive.
type tally struct{ calls []string }

func (y *tally) Status(context.Context, providers.Archive) (providers.Collection, error) {
	y.calls = append(y.calls, "status")
	return providers.Collection{}, nil
}

func (y *tally) Backup(context.Context, providers.Archive, string, bool, time.Duration, providers.ArchiveWatch) error {
	y.calls = append(y.calls, "backup")
	return nil
}

func (y *tally) Restore(context.Context, providers.Archive, providers.Retrieval, providers.ArchiveWatch) error {
	y.calls = append(y.calls, "restore")
	return nil
}

func (y *tally) Verify(context.Context, providers.Archive, providers.Retrieval, providers.ArchiveWatch) (providers.Verified, error) {
	y.calls = append(y.calls, "verify")
	return providers.Verified{}, nil
}

func TestArchivesAreFenced(t *testing.T) {
	a := providers.Archive{URL: "s3:///shop", Host: providers.Host{Address: "192.0.2.30", ID: "archive-1"}}
	for name, c := range map[string]struct {
		allowed string
		call    func(providers.Archives) error
		want    string
	}{
		"restore":        {"host archive-1", func(x providers.Archives) error { return restoreOf(x, a) }, "restore"},
		"restore, here":  {"host console", func(x providers.Archives) error { return restoreOf(x, providers.Archive{URL: a.URL}) }, "restore"},
		"restore, other": {"host archive-2", func(x providers.Archives) error { return restoreOf(x, a) }, ""},
		"backup":         {"host archive-1 archive s3:///shop", func(x providers.Archives) error { return backupOf(x, a) }, "backup"},
		"backup, host":   {"host archive-1", func(x providers.Archives) error { return backupOf(x, a) }, ""},
		"looking": {"", func(x providers.Archives) error {
			_, errLook := x.Status(t.Context(), a)
			_, errCompare := x.Verify(t.Context(), a, providers.Retrieval{}, providers.ArchiveWatch{})
			return errors.Join(errLook, errCompare)
		}, "status verify"},
	} {
		y := &tally{}
		set := wrap.Fence(providers.Set{Archives: y}, func(target runbook.Target) error {
			if strings.Contains(c.allowed, target.Kind+" "+target.ID) {
				return nil
			}
			return errFence
		})
		err := c.call(set.Archives)
		if got := strings.Join(y.calls, " "); got != c.want || (c.want == "") != errors.Is(err, errFence) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func restoreOf(x providers.Archives, a providers.Archive) error {
	return x.Restore(context.Background(), a, providers.Retrieval{Folder: "/srv/data"}, providers.ArchiveWatch{})
}

func backupOf(x providers.Archives, a providers.Archive) error {
	return x.Backup(context.Background(), a, "/srv/data", true, 0, providers.ArchiveWatch{})
}

func TestArchivesAreRecordedWithoutSecrets(t *testing.T) {
	var got []string
	set := wrap.Record(providers.Set{Archives: &tally{}}, runbook.WallClock{}, func(c wrap.CallRecord) {
		got = append(got, fmt.Sprint(c.Op, " ", c.Where, " ", c.Args))
	})
	a := providers.Archive{URL: "sftp://backup:hunter2@192.0.2.40/shop", Passphrase: "hunter3", Env: map[string]string{"KEY": "hunter4"}}
	if _, err := set.Archives.Status(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(restoreOf(set.Archives, a), backupOf(set.Archives, a)); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(got, "\n")
	if len(got) != 3 || strings.Contains(text, "hunter") || !strings.Contains(text, "duplicity restore console") || !strings.Contains(text, "newest") {
		t.Error(text)
	}
}
