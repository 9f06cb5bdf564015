package bolt_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"lifeboat/store"
	"lifeboat/store/bolt"
	"lifeboat/store/storetest"
)

// TestReadOnlyDisk: a reader goes without the lock, whose file may not even be there.
func TestReadOnlyDisk(t *testing.T) {
	for _, keep := range []bool{true, false} {
		dir := storetest.Disk(t, 8<<20)
		path := filepath.Join(dir, "history.db")
		specs := storetest.Specs(3)
		l := bolt.New(path)
		for _, s := range specs {
			if err := l.File(t.Context(), s.Events()); err != nil {
				t.Fatal(err)
			}
		}
		if !keep {
			os.Remove(filepath.Join(dir, "history.lock"))
		}
		storetest.Freeze(t, dir)
		if got, err := l.Runs(t.Context(), store.Query{}); err != nil || len(got) != 3 {
			t.Errorf("got %d runs, %v", len(got), err)
		}
		if r, err := bolt.Verify(t.Context(), path); err != nil || r.Runs != 3 {
			t.Errorf("got %+v, %v", r, err)
		}
		if err := l.File(t.Context(), storetest.Specs(4)[3].Events()); !errors.As(err, new(*store.ErrReadOnly)) {
			t.Errorf("filing: %v", err)
		}
	}
}

// TestFullDisk: what was filed stays, and filing goes on when there is room.
func TestFullDisk(t *testing.T) {
	dir := storetest.Disk(t, 4<<20)
	path := filepath.Join(dir, "history.db")
	l := bolt.New(path)
	specs := storetest.Specs(2000)
	for _, s := range specs[:5] {
		if err := l.File(t.Context(), s.Events()); err != nil {
			t.Fatal(err)
		}
	}
	empty := storetest.Fill(t, dir)
	filed := 5
	var err error
	for err == nil && filed < len(specs) {
		if err = l.File(t.Context(), specs[filed].Events()); err == nil {
			filed++
		}
	}
	if !errors.As(err, new(*store.ErrFull)) {
		t.Fatalf("after %d runs: %v", filed, err)
	}
	if r, err := bolt.Verify(t.Context(), path); err != nil || r.Runs != filed {
		t.Errorf("got %+v, %v, want %d runs", r, err, filed)
	}
	empty()
	if err := l.File(t.Context(), specs[filed].Events()); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if r, err := bolt.Verify(t.Context(), path); err != nil || r.Runs != filed+1 {
		t.Errorf("got %+v, %v", r, err)
	}
}
