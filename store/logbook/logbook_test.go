package logbook_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"lifeboat/store"
	"lifeboat/store/logbook"
	"lifeboat/store/storetest"
)

func open(path string) (store.Journal, error) { return logbook.Open(path, time.Now) }

func TestMain(m *testing.M) {
	storetest.Child(open)
	if path := os.Getenv(lockChild); path != "" {
		keepLock(path)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestJournal(t *testing.T) {
	storetest.TestJournal(t, func(t *testing.T, now func() time.Time) storetest.Shelf {
		path := filepath.Join(t.TempDir(), "events.jsonl")
		b, err := logbook.Create(path, storetest.Run, now)
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
		return func() (store.Journal, error) { return logbook.Open(path, now) }
	})
}

func TestProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	b, err := logbook.Create(path, storetest.Run, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	storetest.TestProcesses(t, path, open, soak(t, 15, 400))
}
