package bolt_test

import (
	"fmt"
	"iter"
	"path/filepath"
	"testing"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/bolt"
	"lifeboat/store/storetest"
)

func journals(n int) iter.Seq2[[]runbook.Event, error] {
	return func(yield func([]runbook.Event, error) bool) {
		for _, s := range storetest.Specs(n) {
			if !yield(s.Events(), nil) {
				return
			}
		}
	}
}

// BenchmarkNewest50 lists the newest 50 runs of a thousand and of a hundred thousand.
func BenchmarkNewest50(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := bolt.New(filepath.Join(b.TempDir(), "history.db"))
			if err := l.Rebuild(b.Context(), journals(n)); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				got, err := l.Runs(b.Context(), store.Query{Limit: 50})
				if err != nil || len(got) != 50 {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}

// BenchmarkFile files one run of five events in one batch.
func BenchmarkFile(b *testing.B) {
	l := bolt.New(filepath.Join(b.TempDir(), "history.db"))
	specs := storetest.Specs(100_000)
	for i := 0; b.Loop(); i++ {
		if err := l.File(b.Context(), specs[i%len(specs)].Events()); err != nil {
			b.Fatal(err)
		}
	}
}
