package main

import (
	"fmt"
	"iter"
	"path/filepath"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/bolt"
	"lifeboat/store/storetest"
)

// fillHistory makes a history of n finished runs of a runbook, in the modes in turn.
func fillHistory(tb testing.TB, dir store.Dir, n int, modes ...runbook.Mode) {
	tb.Helper()
	journals := func(yield func([]runbook.Event, error) bool) {
		for i, spec := range storetest.Specs(n) {
			spec.Name, spec.Mode = "failover", modes[i%len(modes)]
			if spec.Outcome == "" {
				spec.Outcome = runbook.Done
			}
			spec.ID = runbook.RunID(spec.At.UTC().Format("20060102-150405") + fmt.Sprintf("-failover-%05d", i))
			if !yield(spec.Events(), nil) {
				return
			}
		}
	}
	if err := bolt.New(dir.History()).Rebuild(tb.Context(), iter.Seq2[[]runbook.Event, error](journals)); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkOverview is what home knows without asking the world, with 10,000 runs in the history: the first time, and again
// while nothing has changed. Target: 5 ms.
func BenchmarkOverview(b *testing.B) {
	for name, modes := range map[string][]runbook.Mode{
		"mixed":      {runbook.Rehearse, runbook.Drill, runbook.Live},
		"rehearsals": {runbook.Rehearse},
	} {
		dir, err := store.OpenDir(filepath.Join(b.TempDir(), "store"))
		if err != nil {
			b.Fatal(err)
		}
		fillHistory(b, dir, 10_000, modes...)
		a := &app{global: global{Store: string(dir), Estate: "../../runbooks/estate.yaml"}}
		b.Run(name+"/first", func(b *testing.B) {
			for b.Loop() {
				if o := a.console().Overview(b.Context()); len(o.Recent) != recentRuns || len(o.Troubles) > 0 {
					b.Fatal(o.Recent, o.Troubles)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(time.Millisecond)/float64(b.N), "ms/op")
		})
		b.Run(name+"/again", func(b *testing.B) {
			c := a.console()
			for b.Loop() {
				c.Overview(b.Context())
			}
			b.ReportMetric(float64(b.Elapsed())/float64(time.Millisecond)/float64(b.N), "ms/op")
		})
	}
}
