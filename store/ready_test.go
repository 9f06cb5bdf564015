package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/runbook"
)

// A path that is a file, or leads through one, is said to be that, both by looking and by opening.
func TestStoreThatIsAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "deep", "store")} {
		_, openErr := OpenDir(path)
		for name, err := range map[string]error{"open": openErr, "ready": Ready(path)} {
			var no *ErrNoFolder
			if !errors.As(err, &no) || no.File != file || no.Path != path {
				t.Errorf("%s %s: %v", name, path, err)
				continue
			}
			if f := runbook.AsFailure(err); !strings.Contains(f.What, "is a file, not a folder") || f.Means == "" || !strings.Contains(f.Do, "--store") {
				t.Errorf("%s %s: %+v", name, path, f)
			}
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("%q %v", text, err)
	}
}

// Looking whether a store could be used makes nothing.
func TestReadyMakesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "store")
	if err := Ready(path); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !os.IsNotExist(err) {
		t.Error("something was made")
	}
	dir, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Ready(path); err != nil {
		t.Error(err)
	}
	if os.Geteuid() == 0 {
		return // may write anywhere
	}
	if err := os.Chmod(path, 0o500); err != nil {
		t.Fatal(err)
	}
	var readOnly *ErrReadOnly
	if err := Ready(path); !errors.As(err, &readOnly) {
		t.Errorf("%v", err)
	}
	if err := Ready(filepath.Join(path, "other")); !errors.As(err, &readOnly) || !strings.Contains(err.Error(), "cannot be made") {
		t.Errorf("%v", err)
	}
	if err := os.Chmod(string(dir), 0o700); err != nil { //nolint:gosec // so that it can be removed
		t.Fatal(err)
	}
}
