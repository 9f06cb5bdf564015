// Package bolt is the library of all runs, in one bbolt file: every event, a summary of each run, and indexes by time, by
// runbook and by outcome.
//
// It is not the truth about any run: that is the run's logbook, from which the library can be made again. It does not
// repair itself, does not hold the file open, and does not cover up damage: bbolt has no checksums, so every value
// carries its own, and what does not fit is *store.ErrDamaged.
//
//	library := bolt.New(dir.History())
//	err := library.File(ctx, events)
//	newest, err := library.Runs(ctx, store.Query{Mode: runbook.Live})
//
// The file is opened for each transaction and closed again, behind an flock on a file beside it, which serves everybody
// in turn. (bbolt's own lock is polled, and lets a writer starve.) A reader on a read-only file system goes without.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"lifeboat/store"
)

const format = 1

var (
	meta      = []byte("meta")
	runs      = []byte("runs")       // run -> time run
	events    = []byte("events")     // run 0x00 seq -> event
	byTime    = []byte("by_time")    // time run -> summary: those of a list stand side by side
	byRunbook = []byte("by_runbook") // name 0x00 time run -> sealed nothing
	byOutcome = []byte("by_outcome") // outcome 0x00 time run -> sealed nothing; the outcome of what goes on is empty

	formatKey = []byte("format")
	countKey  = []byte("runs") // how many: a page that is lost shows
)

// Library is a store.History. It holds nothing open.
type Library struct{ path string }

// New returns the library at a path, which need not exist yet.
func New(path string) *Library {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return &Library{path: path}
}

const (
	lockWait = 10 * time.Second // for the turn, when the context has no earlier end
	boltWait = 2 * time.Second  // for bbolt's own lock, which nobody else takes who goes through this package
)

// view reads. A library that does not exist is empty: fn is not called.
func (l *Library) view(ctx context.Context, fn func(*bbolt.Tx) error) error {
	if there, err := l.exists(); err != nil || !there {
		return err
	}
	turn, err := l.lock(ctx, false)
	if errors.As(err, new(*store.ErrReadOnly)) {
		turn, err = &turns{}, nil
	}
	if err != nil {
		return err
	}
	defer turn.release()
	if err := l.sound(turn); err != nil {
		return err
	}
	return l.use(l.path, true, func(db *bbolt.DB) error { return db.View(fn) })
}

// update writes.
func (l *Library) update(ctx context.Context, fn func(*bbolt.Tx) error) error {
	turn, err := l.lock(ctx, true)
	if err != nil {
		return err
	}
	defer turn.release()
	there, err := l.exists()
	if err != nil {
		return err
	}
	if !there {
		if err := store.CreateFile(l.path, func(f *os.File) error { return l.initialize(f.Name()) }); err != nil {
			return err
		}
	}
	if err := l.sound(turn); err != nil {
		return err
	}
	err = l.use(l.path, false, func(db *bbolt.DB) error { return db.Update(fn) })
	if err == nil {
		turn.stamp(l.path)
	}
	return err
}

// exists refuses a file that is too short to be a library before bbolt sees it, which would take an empty one for new.
func (l *Library) exists() (bool, error) {
	info, err := os.Stat(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, store.DiskError(l.path, err)
	case !info.Mode().IsRegular():
		return false, l.damaged("it is not a file")
	case info.Size() < smallest:
		return false, l.damaged(fmt.Sprintf("it has only %d bytes", info.Size()))
	}
	return true, nil
}

// smallest is the size of a new bbolt file: two pages of meta data, the free list and the root.
const smallest = 4 * 4096

// use opens the file for one transaction. bbolt panics, or reads beyond the file, where a page is damaged: both become
// an error here.
func (l *Library) use(path string, readOnly bool, fn func(*bbolt.DB) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var db *bbolt.DB
	defer func() {
		if r := recover(); r != nil {
			abandon(db)
			err = l.damaged(fmt.Sprintf("reading it failed: %v", r))
		}
	}()
	_, mode := store.Modes(filepath.Dir(path))
	db, err = bbolt.Open(path, mode, &bbolt.Options{ReadOnly: readOnly, Timeout: boltWait})
	if err != nil {
		return l.opening(err)
	}
	err = fn(db)
	if closeErr := db.Close(); err == nil && closeErr != nil {
		err = closeErr
	}
	return l.typed(err)
}

// abandon closes what a panic left open. Where the panic left a lock of bbolt's taken, closing hangs, and the file stays
// open until the process ends.
func abandon(db *bbolt.DB) {
	if db == nil {
		return
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		defer func() { recover() }() //nolint:errcheck // the first panic is the one that is told
		db.Close()
	}()
	select {
	case <-closed:
	case <-time.After(boltWait):
	}
}

func (l *Library) damaged(why string) error {
	return &store.ErrDamaged{Path: l.path, Why: why, Library: true}
}

func (l *Library) opening(err error) error {
	switch {
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return l.damaged(err.Error())
	case errors.Is(err, berrors.ErrTimeout):
		return &store.ErrBusy{Path: l.path, Err: err}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return store.DiskError(l.path, err)
	}
	if typed := store.DiskError(l.path, err); !errors.Is(typed, err) || errors.As(err, new(*fs.PathError)) {
		return typed
	}
	return l.damaged(err.Error())
}

func (l *Library) typed(err error) error {
	var bad errBad
	if errors.As(err, &bad) {
		return l.damaged(bad.why)
	}
	var newer *store.ErrNewer
	if errors.As(err, &newer) {
		return &store.ErrNewer{Path: l.path, What: newer.What}
	}
	full := store.DiskError(l.path, err)
	if errors.As(full, new(*store.ErrFull)) || errors.As(full, new(*store.ErrReadOnly)) {
		return full
	}
	return err
}

// initialize makes an empty library in a file that nobody else knows yet: bbolt's own first write can be torn.
func (l *Library) initialize(path string) error {
	return l.use(path, false, func(db *bbolt.DB) error {
		return db.Update(func(tx *bbolt.Tx) error {
			for _, name := range [][]byte{meta, runs, events, byTime, byRunbook, byOutcome} {
				if _, err := tx.CreateBucket(name); err != nil {
					return err
				}
			}
			b := tx.Bucket(meta)
			return errors.Join(
				b.Put(formatKey, seal(formatKey, []byte(strconv.Itoa(format)))),
				b.Put(countKey, seal(countKey, []byte("0"))))
		})
	})
}

// shelves are the buckets of an open library.
type shelves struct{ meta, runs, events, byTime, byRunbook, byOutcome *bbolt.Bucket }

// open finds the buckets and checks the format.
func open(tx *bbolt.Tx) (s shelves, err error) {
	s = shelves{tx.Bucket(meta), tx.Bucket(runs), tx.Bucket(events), tx.Bucket(byTime), tx.Bucket(byRunbook), tx.Bucket(byOutcome)}
	if s.meta == nil {
		return s, bad("it has no format")
	}
	n, err := number(s.meta, formatKey)
	if err != nil {
		return s, err
	}
	if n > format {
		return s, &store.ErrNewer{What: fmt.Sprintf("history format %d", n)}
	}
	if n < 1 || s.runs == nil || s.events == nil || s.byTime == nil || s.byRunbook == nil || s.byOutcome == nil {
		return s, bad("a part of it is missing")
	}
	return s, nil
}

func number(b *bbolt.Bucket, key []byte) (int, error) {
	v, err := get(b, key)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(v))
	if err != nil {
		return 0, bad("%s reads %.40q", key, v)
	}
	return n, nil
}
