package logbook

import (
	"context"
	"fmt"

	"lifeboat/runbook"
	"lifeboat/store"
)

// Append is store.Journal's.
func (b *Book) Append(ctx context.Context, after, epoch uint64, facts ...runbook.Fact) ([]runbook.Event, error) {
	if b.readOnly != nil {
		return nil, b.readOnly
	}
	release, err := b.hold(ctx, true)
	if err != nil {
		return nil, err
	}
	defer release()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	if err := store.Admit(b.tape.last(), b.tape.epoch, after, epoch); err != nil || len(facts) == 0 {
		return nil, err
	}
	events, lines, err := store.EncodeBatch(b.run, after, epoch, b.now(), facts)
	if err != nil {
		return nil, err
	}
	if err := b.write(lines, epoch); err != nil {
		return nil, err
	}
	b.watch.wake()
	return events, nil
}

// write commits a batch: one write, one sync. When that fails the file is cut back to the last commit.
func (b *Book) write(events [][]byte, epoch uint64) error {
	if b.tape.torn > 0 { // a crash cut a batch off: it was never acknowledged
		if err := b.f.Truncate(b.tape.end); err != nil {
			return store.DiskError(b.path, err)
		}
		b.tape.torn = 0
	}
	var batch []byte
	lines := make([][]byte, len(events))
	sum := b.tape.sum
	for i, event := range events {
		var line []byte
		commit := uint64(0)
		if i == len(events)-1 {
			commit = b.tape.last() + 1
		}
		line, sum = link(event, sum, commit)
		batch = append(batch, line...)
		lines[i] = line[:len(line)-1]
	}
	_, err := b.f.WriteAt(batch, b.tape.end)
	if err == nil {
		err = b.sync(b.f)
	}
	if err != nil {
		return b.takeBack(err)
	}
	b.tape.torn = int64(len(batch))
	b.tape.commit(lines, sum, max(b.tape.epoch, epoch), int64(len(batch)))
	return nil
}

// takeBack removes what a failed write has left, so that no reader takes it for committed.
func (b *Book) takeBack(cause error) error {
	err := store.DiskError(b.path, cause)
	if cut := b.f.Truncate(b.tape.end); cut != nil {
		b.tape = tape{} // read all of it again before the next use
		return fmt.Errorf("%w (and what was written of it could not be taken back: %w)", err, cut)
	}
	return err
}
