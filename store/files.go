package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Modes says with which permissions folders and files are made inside dir: for its user alone, or, when dir belongs to a
// group that may write in it, for that group.
func Modes(dir string) (folder, file fs.FileMode) {
	info, err := os.Stat(dir)
	if err == nil && info.Mode().Perm()&0o020 != 0 && info.Mode().Perm()&0o002 == 0 {
		return 0o770 | info.Mode()&fs.ModeSetgid, 0o660
	}
	return 0o700, 0o600
}

// MakeFolder makes a folder, whose parent must be there, and makes it durable. One that is there already is left alone.
func MakeFolder(path string) error {
	parent := filepath.Dir(path)
	mode, _ := Modes(parent)
	if err := os.Mkdir(path, mode.Perm()); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return DiskError(path, err)
	}
	if err := os.Chmod(path, mode); err != nil { // past the umask
		return DiskError(path, err)
	}
	return SyncFolder(parent)
}

// SyncFolder makes the names in a folder durable.
func SyncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return DiskError(path, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return DiskError(path, err)
	}
	return nil
}

// CreateFile makes a new file whole or not at all: it is filled under another name, synced, and then gets its name, which
// is synced too. It fails with fs.ErrExist when the name is taken. Fill may use the file by its path.
func CreateFile(path string, fill func(f *os.File) error) error {
	return publish(path, fill, func(temp string) error {
		if err := os.Link(temp, path); err != nil {
			return err
		}
		os.Remove(temp) //nolint:errcheck // a second name does no harm
		return nil
	})
}

// ReplaceFile is CreateFile for a name that may be taken.
func ReplaceFile(path string, fill func(f *os.File) error) error {
	return publish(path, fill, func(temp string) error { return os.Rename(temp, path) })
}

func publish(path string, fill func(f *os.File) error, name func(temp string) error) error {
	dir := filepath.Dir(path)
	_, mode := Modes(dir)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".new-")
	if err != nil {
		return DiskError(path, err)
	}
	defer f.Close()
	err = func() error {
		if err := f.Chmod(mode); err != nil {
			return err
		}
		if err := fill(f); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		return name(f.Name())
	}()
	if err != nil {
		os.Remove(f.Name()) //nolint:errcheck // the first error counts
		return DiskError(path, fmt.Errorf("create %s: %w", path, err))
	}
	return SyncFolder(dir)
}
