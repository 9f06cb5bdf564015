package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/store"
	"lifeboat/ui/page"
)

// Why no run could be kept is the first thing that home says, before anybody tries to start one.
func TestOverviewNamesAStoreThatCannotBe(t *testing.T) {
	c := testConsole(t)
	kept := c.flags.Store
	if err := os.WriteFile("notes.txt", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("estate.yaml", []byte("name: ["), 0o600); err != nil { // a second trouble
		t.Fatal(err)
	}
	c.demo = false
	file, err := filepath.Abs("notes.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "store")} {
		c.flags.Store = path
		troubles := c.Overview(t.Context()).Troubles
		if len(troubles) != 2 || !strings.Contains(troubles[0].What, "notes.txt is a file, not a folder") || troubles[0].Means == "" || troubles[0].Do == "" {
			t.Errorf("%s: %+v", path, troubles)
		}
		if l := c.Runs(t.Context(), page.RunQuery{}); len(l.Troubles) != 1 || l.Troubles[0] != troubles[0] {
			t.Errorf("%s: %+v", path, l)
		}
	}
	c.flags.Store = kept
	dir := c.testStore(t)
	format := filepath.Join(string(dir), "format")
	if err := os.WriteFile(format, []byte("lifeboat store 9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if troubles := c.Overview(t.Context()).Troubles; len(troubles) != 2 || !strings.Contains(troubles[0].Means, "A newer lifeboat wrote it") {
		t.Errorf("%+v", troubles)
	}
	if err := os.WriteFile(format, []byte("lifeboat store 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A history that another process keeps is named, and the runs come from their logbooks.
func TestOverviewNamesAHeldHistory(t *testing.T) {
	c := testConsole(t)
	dir := c.testStore(t)
	fillHistory(t, dir, 3, "rehearse")
	release := hold(t, strings.TrimSuffix(dir.History(), ".db")+".lock")
	troubles := c.Overview(t.Context()).Troubles
	if len(troubles) != 1 || !strings.Contains(troubles[0].What, "another process keeps it locked") || !strings.Contains(troubles[0].Do, "fuser") {
		t.Errorf("%+v", troubles)
	}
	release()
	if troubles := c.Overview(t.Context()).Troubles; len(troubles) != 0 {
		t.Errorf("%+v", troubles)
	}
}

// hold takes the lock of a file until release.
func hold(t *testing.T, path string) (release func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if got, err := store.TryFlock(f); err != nil || !got {
		t.Fatal(got, err)
	}
	return func() { f.Close() }
}
