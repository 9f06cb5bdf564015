package bolt

import (
	"bytes"
	"context"
	"encoding/json"

	"go.etcd.io/bbolt"

	"lifeboat/runbook"
	"lifeboat/store"
)

// Runs is store.History's.
func (l *Library) Runs(ctx context.Context, q store.Query) (out []store.Summary, err error) {
	limit := q.Limit
	if limit <= 0 {
		limit = store.DefaultLimit
	}
	err = l.view(ctx, func(tx *bbolt.Tx) error {
		s, err := open(tx)
		if err != nil {
			return err
		}
		out, err = s.find(ctx, q, limit)
		return err
	})
	return out, err
}

// find walks the narrowest index backwards.
func (s shelves) find(ctx context.Context, q store.Query, limit int) ([]store.Summary, error) {
	index, prefix := s.byTime, []byte(nil)
	switch {
	case q.Runbook != "":
		index, prefix = s.byRunbook, under(q.Runbook, nil)
	case q.Outcome != "":
		index, prefix = s.byOutcome, under(string(q.Outcome), nil)
	}
	end := bytes.Clone(prefix)
	if q.Before != "" {
		at, err := store.ParseCursor(q.Before)
		if err != nil {
			return nil, err
		}
		end = append(end, at...)
	} else {
		end = append(end, bytes.Repeat([]byte{0xff}, 16)...)
	}
	var out []store.Summary
	c := index.Cursor()
	k, v := c.Seek(end)
	if k == nil {
		k, v = c.Last()
	}
	for ; k != nil && len(out) < limit && ctx.Err() == nil; k, v = c.Prev() {
		if bytes.Compare(k, end) >= 0 {
			continue
		}
		if !bytes.HasPrefix(k, prefix) {
			break
		}
		found, fits, err := s.entry(k, v, len(prefix), q)
		if err != nil {
			return nil, err
		}
		if fits {
			out = append(out, found)
		}
	}
	return out, ctx.Err()
}

// entry follows an index entry to its summary, and reports whether the query asks for it.
func (s shelves) entry(k, v []byte, prefix int, q store.Query) (out store.Summary, fits bool, err error) {
	if _, err := unseal(k, v); err != nil {
		return out, false, err
	}
	if q.Mode != "" {
		// One mode among thousands of another is looked for without reading all of each summary. In JSON a quotation mark inside
		// of a text is escaped, so what stands here is the field.
		text, err := get(s.byTime, k[prefix:])
		if err != nil || !bytes.Contains(text, []byte(`"mode":"`+string(q.Mode)+`"`)) {
			return out, false, err
		}
	}
	out, err = s.summaryAt(k[prefix:])
	return out, err == nil && q.Match(out), err
}

// summaryAt returns the summary of the run that stands at a place in time, and holds the one against the other.
func (s shelves) summaryAt(at []byte) (out store.Summary, err error) {
	v, err := get(s.byTime, at)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(v, &out); err != nil {
		return out, bad("the summary of run %q: %v", out.Run, err)
	}
	if !bytes.Equal(at, store.TimeKey(out.Started, out.Run)) {
		return out, bad("the summary of run %q does not stand where it should", out.Run)
	}
	return out, nil
}

// summary returns what is known of a run.
func (s shelves) summary(run runbook.RunID) (out store.Summary, known bool, err error) {
	v := s.runs.Get([]byte(run))
	if v == nil {
		if s.events.Get(eventKey(run, 1)) != nil {
			return out, false, bad("run %q has events and no summary", run)
		}
		return out, false, nil
	}
	at, err := unseal([]byte(run), v)
	if err != nil {
		return out, false, err
	}
	if out, err = s.summaryAt(at); err != nil {
		return out, false, err
	}
	if out.Run != run {
		return out, false, bad("the summary of run %q stands under %q", out.Run, run)
	}
	return out, true, nil
}

// Run is store.History's.
func (l *Library) Run(ctx context.Context, id runbook.RunID) (out store.Summary, all []runbook.Event, err error) {
	known := false
	err = l.view(ctx, func(tx *bbolt.Tx) error {
		s, err := open(tx)
		if err != nil {
			return err
		}
		if out, known, err = s.summary(id); err != nil || !known {
			return err
		}
		all, err = s.eventsOf(id, out.LastSeq)
		return err
	})
	if err == nil && !known {
		err = &store.ErrNoRun{Run: id}
	}
	return out, all, err
}

// eventsOf returns the events 1 to last of a run; each must be there.
func (s shelves) eventsOf(run runbook.RunID, last uint64) ([]runbook.Event, error) {
	var out []runbook.Event
	c := s.events.Cursor()
	k, v := c.Seek(eventKey(run, 1))
	for seq := uint64(1); seq <= last; seq++ {
		key := eventKey(run, seq)
		if !bytes.Equal(k, key) {
			return nil, bad("event %d of run %q is missing", seq, run)
		}
		line, err := unseal(key, v)
		if err != nil {
			return nil, err
		}
		e, err := store.Decode(line)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
		k, v = c.Next()
	}
	return out, nil
}
