package logbook

import (
	"context"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"lifeboat/store"
)

const (
	// pollAlone is the period of looking at the file where the kernel cannot tell of changes.
	pollAlone = 50 * time.Millisecond
	// pollBeside is the period where it can, for the changes that it does not tell of.
	pollBeside = time.Second
)

// Wait is store.Journal's.
func (b *Book) Wait(ctx context.Context, after uint64) error {
	for {
		changed := b.watch.next(b.path, b.closed) // BEFORE looking, so that no change falls between
		err := b.look(ctx)
		b.mu.Lock()
		last := b.tape.last()
		b.mu.Unlock()
		if last > after {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-b.closed:
			return store.ErrClosed
		}
	}
}

// watcher tells everybody who waits that the file may have changed. It starts with the first wait.
type watcher struct {
	mu      sync.Mutex
	changed chan struct{}
	started bool
	fs      *fsnotify.Watcher
	noFS    bool // tests of the fallback
}

// next returns a channel that is closed at the next change.
func (w *watcher) next(path string, closed <-chan struct{}) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed == nil {
		w.changed = make(chan struct{})
	}
	if !w.started {
		w.started = true
		w.start(path, closed)
	}
	return w.changed
}

func (w *watcher) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

func (w *watcher) start(path string, closed <-chan struct{}) {
	select {
	case <-closed:
		return
	default:
	}
	period := pollAlone
	var events <-chan fsnotify.Event
	var errs <-chan error
	if fs, err := fsnotify.NewWatcher(); err == nil && !w.noFS {
		if err := fs.Add(path); err == nil {
			w.fs, period, events, errs = fs, pollBeside, fs.Events, fs.Errors
		} else {
			fs.Close()
		}
	} else if err == nil {
		fs.Close()
	}
	go func() {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-closed:
				return
			case _, ok := <-events:
				if !ok { // the kernel stopped telling
					events, errs = nil, nil
					tick.Reset(pollAlone)
				}
			case <-errs: // lost events: look
			case <-tick.C:
			}
			w.wake()
		}
	}()
}

func (w *watcher) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fs != nil {
		w.fs.Close()
		w.fs = nil
	}
}
