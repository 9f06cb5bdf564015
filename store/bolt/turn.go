package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"lifeboat/store"
)

// turns is the lock beside the library, in the hands of one transaction. What stands in its file tells how this package
// left the library; without it (a read-only file system) nothing is known.
type turns struct {
	f      *os.File
	unlock func()
}

// lock takes the turn. The file beside the library is made when it is missing and never removed.
func (l *Library) lock(ctx context.Context, exclusive bool) (*turns, error) {
	path := strings.TrimSuffix(l.path, ".db") + ".lock"
	_, mode := store.Modes(filepath.Dir(path))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, mode)
	if err != nil {
		return nil, store.DiskError(path, err)
	}
	if info, err := f.Stat(); err == nil && info.Mode().Perm() != mode {
		f.Chmod(mode) //nolint:errcheck // past the umask; the file may be another user's of the group
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	unlock, err := store.Flock(ctx, f, exclusive)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &turns{f: f, unlock: unlock}, nil
}

func (t *turns) release() {
	if t.f != nil {
		t.unlock()
		t.f.Close()
	}
}

// state names the bytes of a file as well as the system can without reading them: this boot, the file, its size and the
// time of its last change. After a power cut it is another boot, and nothing is taken on trust.
func state(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", err
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", errors.ErrUnsupported
	}
	return fmt.Sprintf("sound %s %d %d %d\n", strings.TrimSpace(string(boot)), sys.Ino, info.Size(), info.ModTime().UnixNano()), nil
}

// stamp notes that the library is as this package leaves it. It is a note that saves time: an error costs nothing else.
func (t *turns) stamp(path string) {
	now, err := state(path)
	if t.f == nil || err != nil {
		return
	}
	if _, err := t.f.WriteAt([]byte(now), 0); err == nil {
		t.f.Truncate(int64(len(now))) //nolint:errcheck // a longer note does not match, and is made again
	}
}

// sound walks a library that is not as this package left it, before bbolt follows its pages.
func (l *Library) sound(t *turns) error {
	if t.f != nil {
		now, err := state(l.path)
		noted, readErr := io.ReadAll(io.NewSectionReader(t.f, 0, 1024))
		if err == nil && readErr == nil && string(noted) == now {
			return nil
		}
	}
	if err := l.walk(); err != nil {
		return err
	}
	t.stamp(l.path)
	return nil
}

// walk looks at every page, with plain reads.
func (l *Library) walk() error {
	f, err := os.Open(l.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return store.DiskError(l.path, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() < smallest {
		return l.damaged(fmt.Sprintf("it has only %d bytes", info.Size()))
	}
	return l.typed(inspect(f))
}
