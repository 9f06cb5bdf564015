package store_test

import (
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.TestJournal(t, func(_ *testing.T, now func() time.Time) storetest.Shelf {
		m := store.NewMemory(storetest.Run, now)
		return func() (store.Journal, error) { return m, nil }
	})
}

// TestMemoryUnderSynctest: a wait blocks durably, so a bubble's clock moves on while somebody waits.
func TestMemoryUnderSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := store.NewMemory(storetest.Run, time.Now)
		begun := time.Now()
		go func() {
			time.Sleep(time.Hour)
			m.Append(t.Context(), 0, 1, &runbook.RunResumed{})
		}()
		if err := m.Wait(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(begun); got != time.Hour {
			t.Errorf("woken after %s", got)
		}
	})
}
