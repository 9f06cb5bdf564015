package bolt

import (
	"bytes"
	"context"
	"errors"

	"go.etcd.io/bbolt"

	"lifeboat/runbook"
	"lifeboat/store"
)

// Report is what Verify found.
type Report struct {
	Runs   int    `json:"runs"`
	Events uint64 `json:"events"`
}

// Verify reads all of a library: every value against its checksum, every event of every run, every index against the
// runs. What it finds is *store.ErrDamaged.
func Verify(ctx context.Context, path string) (r Report, err error) {
	l := New(path)
	if err := l.look(ctx); err != nil {
		return r, err
	}
	err = l.view(ctx, func(tx *bbolt.Tx) error {
		s, err := open(tx)
		if err != nil {
			return err
		}
		r, err = s.verify(ctx)
		return err
	})
	return r, err
}

// look walks the pages while nobody writes.
func (l *Library) look(ctx context.Context) error {
	turn, err := l.lock(ctx, false)
	if errors.As(err, new(*store.ErrReadOnly)) {
		turn, err = &turns{}, nil
	}
	if err != nil {
		return err
	}
	defer turn.release()
	return l.walk()
}

func (s shelves) verify(ctx context.Context) (r Report, err error) {
	err = s.runs.ForEach(func(k, _ []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		found, _, err := s.summary(runbook.RunID(k))
		if err != nil {
			return err
		}
		all, err := s.eventsOf(found.Run, found.LastSeq)
		if err != nil {
			return err
		}
		if store.Summarize(all).Cursor() != found.Cursor() {
			return bad("the summary of run %q is not that of its events", found.Run)
		}
		for _, at := range s.entries(found) {
			if _, err := get(at.bucket, at.key); err != nil {
				return err
			}
		}
		r.Runs++
		r.Events += found.LastSeq
		return nil
	})
	if err != nil {
		return r, err
	}
	n, err := number(s.meta, countKey)
	if err == nil && n != r.Runs {
		err = bad("%d runs were filed and %d are there", n, r.Runs)
	}
	if err != nil {
		return r, err
	}
	return r, s.counts(r)
}

// counts finds what is there too much, or out of order: bbolt searches by halves and does not find what stands wrong.
func (s shelves) counts(r Report) error {
	for _, b := range []struct {
		bucket *bbolt.Bucket
		name   string
		want   uint64
	}{
		{s.events, "events", r.Events},
		{s.byTime, "entries by time", uint64(r.Runs)},
		{s.byRunbook, "entries by runbook", uint64(r.Runs)},
		{s.byOutcome, "entries by outcome", uint64(r.Runs)},
	} {
		n, last := uint64(0), []byte(nil)
		err := b.bucket.ForEach(func(k, v []byte) error {
			if bytes.Compare(k, last) <= 0 {
				return bad("%s are not in order at %.60q", b.name, k)
			}
			last = k
			n++
			_, err := unseal(k, v)
			return err
		})
		if err != nil {
			return err
		}
		if n != b.want {
			return bad("%d %s were filed and %d are there", b.want, b.name, n)
		}
	}
	return nil
}
