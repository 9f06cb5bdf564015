package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Flock takes the advisory lock of an open file and returns what gives it back. It waits in the kernel's queue, so it is
// served in turn and at once (polling starves whoever polls slower), until ctx ends, which is *ErrBusy. The lock dies
// with the process. It holds between processes of one machine.
func Flock(ctx context.Context, f *os.File, exclusive bool) (release func(), err error) {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	switch err := flock(f, how|syscall.LOCK_NB); {
	case err == nil:
		return func() { flock(f, syscall.LOCK_UN) }, nil //nolint:errcheck // unlocking a lock that is held cannot fail
	case !errors.Is(err, syscall.EWOULDBLOCK):
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return queue(ctx, f, how)
}

// queue waits on an open file of its own: a wait that nobody wants any more may then come to its end late, and close what
// it has got, without touching a lock that was taken through f in the meantime.
func queue(ctx context.Context, f *os.File, how int) (func(), error) {
	own, err := os.Open(f.Name())
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if a, errA := f.Stat(); errA != nil || !sameFile(a, own) {
		own.Close()
		return nil, fmt.Errorf("lock %s: the file was replaced while it was open", f.Name())
	}
	got := make(chan error, 1)
	go func() { got <- flock(own, how) }()
	select {
	case err := <-got:
		if err != nil {
			own.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		return func() { own.Close() }, nil
	case <-ctx.Done():
		go func() { <-got; own.Close() }()
		return nil, &ErrBusy{Path: f.Name(), Err: ctx.Err()}
	}
}

func sameFile(a os.FileInfo, f *os.File) bool {
	b, err := f.Stat()
	return err == nil && os.SameFile(a, b)
}

// TryFlock takes the exclusive lock at once, or reports that another open file has it.
func TryFlock(f *os.File) (bool, error) { return try(f, syscall.LOCK_EX) }

// TryFlockShared takes the shared lock at once, or reports that another open file has the exclusive one.
func TryFlockShared(f *os.File) (bool, error) { return try(f, syscall.LOCK_SH) }

func try(f *os.File, how int) (bool, error) {
	err := flock(f, how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return true, nil
}

// flock keeps the descriptor alive during the call, so that a Close elsewhere cannot hand its number to another file.
func flock(f *os.File, how int) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = conn.Control(func(fd uintptr) {
		for {
			if result = syscall.Flock(int(fd), how); !errors.Is(result, syscall.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, result)
}
