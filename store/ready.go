package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// leastRoom is what the beginning of a run takes on disk, generously.
const leastRoom = 64 << 10 // bytes

// Ready reports why no run could be started in the store at path, as far as looking can tell: it is no folder, it cannot be
// made or written, or there is no room. It makes nothing. Nil is no promise: a quota shows when it is hit.
func Ready(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("store %q: %w", path, err)
	}
	there := abs
	for {
		info, err := os.Stat(there)
		if err == nil && !info.IsDir() {
			return &ErrNoFolder{Path: abs, File: there}
		}
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return DiskError(there, err)
		}
		there = filepath.Dir(there)
	}
	err = usable(there)
	if err == nil && there == abs {
		if err = usable(Dir(abs).Runs()); errors.Is(err, fs.ErrNotExist) {
			return nil // it is made with the first run
		}
	}
	if err != nil && there != abs {
		return fmt.Errorf("the store %s cannot be made: %w", abs, err)
	}
	return err
}

// usable reports whether files can be made in a folder.
func usable(folder string) error {
	const write, search = 2, 1 // access(2)
	if err := syscall.Access(folder, write|search); err != nil {
		return DiskError(folder, err)
	}
	var st syscall.Statfs_t
	if syscall.Statfs(folder, &st) != nil || st.Blocks == 0 {
		return nil // a file system that does not count its room says so when it is used up
	}
	blocks := uint64(st.Bavail)
	if os.Geteuid() == 0 { // some is kept back for the superuser
		blocks = st.Bfree
	}
	if blocks*uint64(st.Bsize) < leastRoom || st.Files > 0 && st.Ffree == 0 {
		return &ErrFull{Path: folder, Err: syscall.ENOSPC}
	}
	return nil
}
