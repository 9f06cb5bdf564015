package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lifeboat/store"
	"lifeboat/store/bolt"
	"lifeboat/store/storetest"
)

func TestHistory(t *testing.T) {
	storetest.TestHistory(t, func(t *testing.T) store.History {
		path := filepath.Join(t.TempDir(), "history.db")
		t.Cleanup(func() {
			if _, err := bolt.Verify(context.Background(), path); err != nil {
				t.Errorf("verify: %v", err)
			}
		})
		return bolt.New(path)
	})
}

func filled(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.db")
	l := bolt.New(path)
	for _, s := range storetest.Specs(n) {
		if err := l.File(t.Context(), s.Events()); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestVerify(t *testing.T) {
	path := filled(t, 7)
	r, err := bolt.Verify(t.Context(), path)
	if err != nil || r.Runs != 7 || r.Events != 7*5-1 { // one of the seven goes on
		t.Errorf("got %+v, %v", r, err)
	}
}

// TestTogether: readers and writers at once, each through a library of its own, as processes are.
func TestTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	specs := storetest.Specs(24)
	var all sync.WaitGroup
	for w := range 3 {
		all.Go(func() {
			for i := w; i < len(specs); i += 3 {
				if err := bolt.New(path).File(t.Context(), specs[i].Events()); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 20 {
				if _, err := bolt.New(path).Runs(t.Context(), store.Query{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if r, err := bolt.Verify(t.Context(), path); err != nil || r.Runs != len(specs) {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestNewer(t *testing.T) {
	path := filled(t, 1)
	bolt.SetFormat(t, path, "2")
	l := bolt.New(path)
	before, _ := os.ReadFile(path)
	_, runsErr := l.Runs(t.Context(), store.Query{})
	for _, err := range []error{runsErr, l.File(t.Context(), storetest.Specs(2)[1].Events())} {
		if !errors.As(err, new(*store.ErrNewer)) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v", err)
		}
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("it was changed")
	}
}

// TestGarbage: files that are no database, and databases that were cut.
func TestGarbage(t *testing.T) {
	path := filled(t, 40)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 100, 4095, 4096, 8192, 8193, 12288, len(good) / 2, len(good) - 4096, len(good) - 1} {
		if err := os.WriteFile(path, good[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := bolt.Verify(t.Context(), path)
		var damaged *store.ErrDamaged
		if n < 16384 && !errors.As(err, &damaged) {
			t.Errorf("cut at %d of %d: %v", n, len(good), err)
		}
		if err != nil && (!errors.As(err, &damaged) || !damaged.Library) {
			t.Errorf("cut at %d of %d: %v", n, len(good), err)
		}
	}
}
