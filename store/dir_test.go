package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lifeboat/runbook"
	"lifeboat/store"
)

func openDir(t *testing.T, path string) store.Dir {
	t.Helper()
	d, err := store.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDirLayout(t *testing.T) {
	d := openDir(t, filepath.Join(t.TempDir(), "state", "lifeboat"))
	run, err := d.MakeRun("20260102-1504-k3f9")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.MakeRun("20260102-1504-k3f9"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made twice: %v", err)
	}
	for _, bad := range []runbook.RunID{"", "..", "a/b", "-a", "a b", ".x"} {
		if _, err := d.MakeRun(bad); err == nil {
			t.Errorf("%q became a run", bad)
		}
	}
	if ids, err := d.RunIDs(); err != nil || len(ids) != 0 {
		t.Errorf("a run without a logbook is listed: %v, %v", ids, err)
	}
	if err := os.WriteFile(run.Logbook(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"20260102-1504-k3f9", "20260102"} {
		if got, err := d.FindRun(id); err != nil || got != "20260102-1504-k3f9" {
			t.Errorf("find %q: %q, %v", id, got, err)
		}
	}
	for _, id := range []string{"", "2027"} {
		if _, err := d.FindRun(id); !errors.As(err, new(*store.ErrNoRun)) {
			t.Errorf("find %q: %v", id, err)
		}
	}
	if got := run.StepLog("../../etc/x"); filepath.Dir(got) != filepath.Join(string(run), "steps") {
		t.Errorf("a step's log lies at %s", got)
	}
}

// TestDirModes: a store belongs to one user, or to a group when its folder does.
func TestDirModes(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	tests := []struct {
		store, folder, file fs.FileMode
	}{
		{0o700, 0o700, 0o600},
		{0o755, 0o700, 0o600},
		{0o770 | fs.ModeSetgid, 0o770 | fs.ModeSetgid, 0o660},
		{0o770, 0o770, 0o660},
		{0o777, 0o700, 0o600}, // everybody's is nobody's group
	}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), "store")
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, tt.store); err != nil {
			t.Fatal(err)
		}
		d := openDir(t, path)
		run, err := d.MakeRun("r-1")
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]fs.FileMode{
			d.Runs(): tt.folder, string(run): tt.folder, filepath.Join(string(run), "steps"): tt.folder, filepath.Join(string(d), "format"): tt.file,
		} {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode() & (fs.ModePerm | fs.ModeSetgid); got != want {
				t.Errorf("in a store of %s: %s is %s, want %s", tt.store, filepath.Base(path), got, want)
			}
		}
	}
}

func TestDirFormat(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path)
	format := filepath.Join(string(d), "format")
	for _, tt := range []struct {
		text string
		want any
	}{
		{"lifeboat store 2\n", new(*store.ErrNewer)},
		{"", new(*store.ErrDamaged)},
		{"lifeboat store x\n", new(*store.ErrDamaged)},
		{"something else", new(*store.ErrDamaged)},
	} {
		if err := os.WriteFile(format, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.OpenDir(path)
		if !errors.As(err, tt.want) || !strings.Contains(err.Error(), format) {
			t.Errorf("%q: got %v", tt.text, err)
		}
	}
}

func TestCreateFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	broken := errors.New("broken")
	if err := store.CreateFile(path, func(*os.File) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	write := func(text string) func(*os.File) error {
		return func(f *os.File) error { _, err := f.WriteString(text); return err }
	}
	if err := store.CreateFile(path, write("first")); err != nil {
		t.Fatal(err)
	}
	if err := store.CreateFile(path, write("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another: %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "first" {
		t.Errorf("got %q", b)
	}
	if err := store.ReplaceFile(path, write("third")); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "third" {
		t.Errorf("got %q", b)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("what is left lies around: %v", left)
	}
}
