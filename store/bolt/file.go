package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"strconv"

	"go.etcd.io/bbolt"

	"lifeboat/runbook"
	"lifeboat/store"
)

// File is store.History's.
func (l *Library) File(ctx context.Context, filed []runbook.Event) error {
	if len(filed) == 0 {
		return nil
	}
	return l.update(ctx, func(tx *bbolt.Tx) error {
		s, err := open(tx)
		if err != nil {
			return err
		}
		return s.file(filed)
	})
}

// file adds the events that are new and makes the run's summary again.
func (s shelves) file(filed []runbook.Event) error {
	run := filed[0].Run
	old, known, err := s.summary(run)
	if err != nil {
		return err
	}
	next := old.LastSeq + 1
	for _, e := range filed {
		if e.Run != run {
			return fmt.Errorf("events of the runs %q and %q were filed together", run, e.Run)
		}
		line, err := store.Encode(e)
		if err != nil {
			return err
		}
		key := eventKey(run, e.Seq)
		switch {
		case e.Seq > next:
			return &store.ErrGap{Run: run, Have: next - 1, Got: e.Seq}
		case e.Seq < next:
			if have, err := get(s.events, key); err != nil {
				return err
			} else if !bytes.Equal(have, line) {
				return bad("event %d of run %q is not the one in the logbook", e.Seq, run)
			}
		default:
			if err := put(s.events, key, line); err != nil {
				return err
			}
			next++
		}
	}
	if known && next == old.LastSeq+1 {
		return nil
	}
	all, err := s.eventsOf(run, next-1)
	if err != nil {
		return err
	}
	return s.putSummary(old, known, store.Summarize(all))
}

func eventKey(run runbook.RunID, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(run), 0), seq)
}

// putSummary replaces a run's summary and moves its entries in the indexes.
func (s shelves) putSummary(old store.Summary, known bool, now store.Summary) error {
	if known {
		for _, at := range s.entries(old) {
			if err := at.bucket.Delete(at.key); err != nil {
				return err
			}
		}
	} else {
		n, err := number(s.meta, countKey)
		if err != nil {
			return err
		}
		if err := put(s.meta, countKey, []byte(strconv.Itoa(n+1))); err != nil {
			return err
		}
	}
	b, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("summary of run %q: %w", now.Run, err)
	}
	for i, at := range s.entries(now) {
		if i > 0 {
			b = nil
		}
		if err := put(at.bucket, at.key, b); err != nil {
			return err
		}
	}
	return put(s.runs, []byte(now.Run), store.TimeKey(now.Started, now.Run))
}

type entry struct {
	bucket *bbolt.Bucket
	key    []byte
}

// entries are a run's places in the order of time, where its summary stands, and in the indexes.
func (s shelves) entries(of store.Summary) []entry {
	at := store.TimeKey(of.Started, of.Run)
	return []entry{
		{s.byTime, at},
		{s.byRunbook, under(of.Name, at)},
		{s.byOutcome, under(string(of.Outcome), at)},
	}
}

// under is the key of an entry below a name.
func under(name string, at []byte) []byte { return append(append([]byte(name), 0), at...) }

// Rebuild is store.History's. The new library is made beside the old one and takes its name when it is whole.
func (l *Library) Rebuild(ctx context.Context, journals iter.Seq2[[]runbook.Event, error]) error {
	turn, err := l.lock(ctx, true)
	if err != nil {
		return err
	}
	defer turn.release()
	var unread []error
	err = store.ReplaceFile(l.path, func(f *os.File) error {
		if err := l.initialize(f.Name()); err != nil {
			return err
		}
		return l.use(f.Name(), false, func(db *bbolt.DB) error {
			db.NoSync = true // the file gets its name after a sync
			unread, err = fill(ctx, db, journals)
			return err
		})
	})
	if err == nil {
		turn.stamp(l.path)
	}
	return errors.Join(append([]error{err}, unread...)...)
}

// chunk is the number of runs that Rebuild files in one transaction.
const chunk = 200

func fill(ctx context.Context, db *bbolt.DB, journals iter.Seq2[[]runbook.Event, error]) (unread []error, err error) {
	next, stop := iter.Pull2(journals)
	defer stop()
	for more := true; more; {
		err := db.Update(func(tx *bbolt.Tx) error {
			s, err := open(tx)
			if err != nil {
				return err
			}
			for range chunk {
				var read []runbook.Event
				var readErr error
				if read, readErr, more = next(); !more {
					return nil
				}
				if readErr != nil {
					unread = append(unread, readErr)
				}
				if len(read) > 0 {
					if err := s.file(read); err != nil {
						return err
					}
				}
			}
			return ctx.Err()
		})
		if err != nil {
			return unread, err
		}
	}
	return unread, nil
}
