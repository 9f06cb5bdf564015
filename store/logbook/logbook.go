// Package logbook keeps a run's journal in an append-only file that can be read with less at 3 A.M.
//
// The first line says what the file is; every other line is one event, followed by its place in a chain:
//
//	{"logbook":1,"run":"20260102-1504-k3f9","sum":"..."}
//	{"seq":1,"time":"2026-01-02T15:04:05.000Z","run":"...","type":"run.started","epoch":1,...,"prev":"...","sum":"..."}
//	{"seq":2,"time":"2026-01-02T15:04:05.000Z","run":"...","type":"guard.passed",...,"prev":"...","commit":1,"sum":"..."}
//
// Sum is the SHA-256 (base64url, no padding) of the line's bytes before `,"sum"`; prev is the sum of the line before, so
// each line vouches for all above it. Commit stands on the last line of a batch, and names its first event: what follows the
// last commit is not there. A batch is one write and one fdatasync, under an flock that any process takes for as long as that lasts.
// Readers take no lock.
//
// A write that a crash cut off is taken away by the next append; it can only lie behind the last commit. Anything else
// that does not fit is damage, which this package reports and never repairs unasked. The chain finds damage; against a
// forger only a signed head helps.
//
//	book, err := logbook.Create(dir.Logbook(), "20260102-1504-k3f9", time.Now)
//	events, err := book.Append(ctx, 0, 1, &runbook.RunStarted{})
package logbook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
)

// Book is a store.Journal on a file. It keeps what it has read, so an append or a look costs only what is new.
type Book struct {
	path     string
	run      runbook.RunID
	now      func() time.Time
	f        *os.File
	readOnly error         // why it cannot be written
	turn     chan struct{} // of one append at a time in this process; it can be waited for with a context
	closed   chan struct{}
	sync     func(*os.File) error // fdatasync

	mu   sync.Mutex // guards what follows; held during the write, so that nobody here sees a batch before it is durable
	tape tape
	bad  error // the file cannot be used any more: damaged or newer
	done bool

	watch watcher
}

// Create makes a new logbook, durable and empty. It fails with fs.ErrExist when the path is taken.
func Create(path string, run runbook.RunID, now func() time.Time) (*Book, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("logbook %q: %w", path, err)
	}
	if err := refuseNetwork(filepath.Dir(abs)); err != nil {
		return nil, err
	}
	err = store.CreateFile(abs, func(f *os.File) error {
		_, err := f.Write(header(run))
		return err
	})
	if err != nil {
		return nil, err
	}
	return Open(abs, now)
}

// Open opens a logbook to read and append. Where it may only be read, Append returns *store.ErrReadOnly.
func Open(path string, now func() time.Time) (*Book, error) { return open(path, now, os.O_RDWR) }

// Follow opens a logbook to read only.
func Follow(path string) (*Book, error) { return open(path, nil, os.O_RDONLY) }

func open(path string, now func() time.Time, flag int) (*Book, error) {
	b, err := load(path, now, flag)
	if err != nil && b != nil {
		b.f.Close()
		b = nil
	}
	return b, err
}

// load opens and reads a logbook. When it is damaged the book comes back with the good part, beside the error.
func load(path string, now func() time.Time, flag int) (*Book, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("logbook %q: %w", path, err)
	}
	b := &Book{
		path: abs, now: now, sync: fdatasync,
		turn: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	if flag == os.O_RDONLY {
		b.readOnly = &store.ErrReadOnly{Path: abs, Err: errors.New("it was opened to be followed")}
	} else if err := refuseNetwork(abs); err != nil {
		return nil, err
	}
	b.f, err = os.OpenFile(abs, flag, 0)
	var readOnly *store.ErrReadOnly
	if flag != os.O_RDONLY && errors.As(store.DiskError(abs, err), &readOnly) {
		b.readOnly = readOnly
		b.f, err = os.Open(abs)
	}
	if err != nil {
		return nil, store.DiskError(abs, err)
	}
	err = b.look(context.Background())
	b.run = b.tape.run
	return b, err
}

// Run is the run that the logbook belongs to.
func (b *Book) Run() runbook.RunID { return b.run }

// Events is store.Journal's.
func (b *Book) Events(ctx context.Context, from uint64) ([]runbook.Event, error) {
	err := b.look(ctx)
	var damaged *store.ErrDamaged
	if err != nil && !errors.As(err, &damaged) {
		return nil, err
	}
	b.mu.Lock()
	lines := b.tape.lines
	b.mu.Unlock()
	events, decodeErr := store.DecodeFrom(lines, from)
	return events, errors.Join(err, located(b.path, decodeErr))
}

// located puts the path into an error that does not know it.
func located(path string, err error) error {
	var newer *store.ErrNewer
	if errors.As(err, &newer) {
		return &store.ErrNewer{Path: path, What: newer.What}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// errSuspect: something does not fit. It may be a batch that is being written, or one that was taken back after its
// reader had seen it. Nobody writes while the lock is held, so a whole new reading under it tells.
var errSuspect = errors.New("something does not fit")

// look reads what others have appended.
func (b *Book) look(ctx context.Context) error {
	b.mu.Lock()
	err := b.refresh(ctx)
	b.mu.Unlock()
	if !errors.Is(err, errSuspect) {
		return err
	}
	release, err := b.hold(ctx, false)
	if err != nil {
		return err
	}
	defer release()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settle(ctx)
}

// hold takes the turn in this process and then the file's lock. It comes BEFORE mu.
func (b *Book) hold(ctx context.Context, exclusive bool) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	select {
	case b.turn <- struct{}{}:
	case <-b.closed:
		return nil, store.ErrClosed
	case <-ctx.Done():
		return nil, &store.ErrBusy{Path: b.path, Err: ctx.Err()}
	}
	unlock, err := store.Flock(ctx, b.f, exclusive)
	if err != nil {
		<-b.turn
		select {
		case <-b.closed:
			return nil, store.ErrClosed
		default:
			return nil, err
		}
	}
	return func() { unlock(); <-b.turn }, nil
}

// refresh is look without the lock. The caller holds mu.
func (b *Book) refresh(ctx context.Context) error {
	if b.done {
		return store.ErrClosed
	}
	if b.bad != nil {
		return b.bad
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	fault, err := b.read()
	if err == nil && fault != nil {
		return errSuspect
	}
	return err
}

// settle is refresh for one who holds the file's lock: what does not fit now is damage.
func (b *Book) settle(ctx context.Context) error {
	err := b.refresh(ctx)
	if !errors.Is(err, errSuspect) {
		return err
	}
	b.tape = tape{}
	fault, err := b.read()
	if err != nil {
		return err
	}
	if fault != nil {
		b.bad = fault.error(b.path, &b.tape)
	}
	return b.bad
}

// lockWait is how long a process waits for the file's lock, which is held for one write and one sync.
const lockWait = 10 * time.Second

// read takes in the bytes behind the last commit. A fault is what does not fit there.
func (b *Book) read() (*fault, error) {
	info, err := b.f.Stat()
	if err != nil {
		return nil, store.DiskError(b.path, err)
	}
	size := info.Size()
	if size < b.tape.end || !b.headStands() {
		b.tape = tape{} // a batch was taken back after it had been seen here
	}
	if size == b.tape.end && size > 0 {
		b.tape.torn = 0
		return nil, nil
	}
	fresh := make([]byte, size-b.tape.end)
	n, err := b.f.ReadAt(fresh, b.tape.end)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, store.DiskError(b.path, err)
	}
	return b.tape.take(fresh[:n]), nil
}

// headStands reports whether the last committed line is still the one that was read.
func (b *Book) headStands() bool {
	if b.tape.end == 0 {
		return true
	}
	tail := make([]byte, len(b.tape.tail))
	_, err := b.f.ReadAt(tail, b.tape.end-int64(len(tail)))
	return err == nil && string(tail) == b.tape.tail
}

// Close is store.Journal's.
func (b *Book) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return nil
	}
	b.done = true
	close(b.closed)
	b.watch.stop()
	return b.f.Close()
}

func fdatasync(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = conn.Control(func(fd uintptr) {
		for {
			if result = datasync(int(fd)); !errors.Is(result, syscall.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, result)
}
