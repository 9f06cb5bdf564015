package logbook

import (
	"errors"
	"iter"
	"os"

	"lifeboat/runbook"
	"lifeboat/store"
)

// Read returns the committed events of a logbook, on a read-only file system too. Of a damaged one it returns the good
// events together with *store.ErrDamaged; of one from a newer version those before the first that is not known.
func Read(path string) ([]runbook.Event, error) {
	t, err := readTape(path)
	if t == nil {
		return nil, err
	}
	events, decodeErr := store.DecodeFrom(t.lines, 1)
	return events, errors.Join(err, located(path, decodeErr))
}

// Report is what Verify found.
type Report struct {
	Run     runbook.RunID `json:"run"`
	Events  uint64        `json:"events"`
	Batches int           `json:"batches"`
	Bytes   int64         `json:"bytes"` // committed
	Torn    int64         `json:"torn"`  // behind the last commit: cut off by a crash, or being written
	Head    string        `json:"head"`  // sum of the last line: vouches for all of them
}

// Verify reads all of a logbook, holds every line against its checksum and the chain, and decodes it.
func Verify(path string) (Report, error) {
	t, err := readTape(path)
	if t == nil {
		return Report{}, err
	}
	_, decodeErr := store.DecodeFrom(t.lines, 1)
	r := Report{Run: t.run, Events: t.last(), Batches: t.batch, Bytes: t.end, Torn: t.torn, Head: t.sum}
	return r, errors.Join(err, located(path, decodeErr))
}

// readTape reads a logbook as far as it is good. It is nil when there is nothing good.
func readTape(path string) (*tape, error) {
	b, err := load(path, nil, os.O_RDONLY)
	if b == nil {
		return nil, err
	}
	defer b.Close()
	return &b.tape, err
}

// All reads every logbook of a store, for store.History's Rebuild.
func All(dir store.Dir) iter.Seq2[[]runbook.Event, error] {
	return func(yield func([]runbook.Event, error) bool) {
		ids, err := dir.RunIDs()
		if err != nil {
			yield(nil, err)
			return
		}
		for _, id := range ids {
			if !yield(Read(dir.Run(id).Logbook())) {
				return
			}
		}
	}
}
