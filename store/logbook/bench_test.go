package logbook

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lifeboat/runbook"
)

func benchFact() runbook.Fact {
	return &runbook.StepSucceeded{
		Step: "launch", Attempt: 1, Elapsed: runbook.Seconds(2345 * time.Millisecond), Evidence: "i-0f3a0f3a0f3a0f3a0 accepted in us-east-1a",
		Outputs: map[string]any{"instance": "i-0f3a0f3a0f3a0f3a0", "zone": "us-east-1a"},
		Made:    []runbook.Target{{Kind: "instance", ID: "i-0f3a0f3a0f3a0f3a0", Region: "us-east-1"}},
	}
}

func lineSize(b *testing.B) int {
	book, err := Create(filepath.Join(b.TempDir(), "size.jsonl"), "bench", time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer book.Close()
	before := book.tape.end
	if _, err := book.Append(b.Context(), 0, 1, benchFact()); err != nil {
		b.Fatal(err)
	}
	return int(book.tape.end - before)
}

// benchEach times every round by itself, and reports the median and the 99th percentile.
func benchEach(b *testing.B, pace time.Duration, each func(i int) error) {
	took := make([]time.Duration, 0, b.N)
	for i := 0; b.Loop(); i++ {
		begun := time.Now()
		if err := each(i); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
		time.Sleep(pace)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100])/1e3, "p99-µs")
}

// BenchmarkBare is the yardstick of BenchmarkAppend: as many bytes, one write, one fdatasync.
func BenchmarkBare(b *testing.B) {
	line := bytes.Repeat([]byte("x"), lineSize(b))
	f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	benchEach(b, 0, func(i int) error {
		if _, err := f.WriteAt(line, int64(i*len(line))); err != nil {
			return err
		}
		return fdatasync(f)
	})
}

func BenchmarkAppend(b *testing.B) { benchAppend(b, 0, 0) }

// BenchmarkAppendPaced and BenchmarkAppendWithReaders append a hundred times a second, still far more often than a run
// does, without and with eight readers that look four times a second. Compare their p99.
func BenchmarkAppendPaced(b *testing.B) { benchAppend(b, 0, 10*time.Millisecond) }

// BenchmarkAppendWithReaders: see BenchmarkAppendPaced.
func BenchmarkAppendWithReaders(b *testing.B) { benchAppend(b, 8, 10*time.Millisecond) }

func benchAppend(b *testing.B, readers int, pace time.Duration) {
	path := filepath.Join(b.TempDir(), "events.jsonl")
	book, err := Create(path, "bench", time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer book.Close()
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, readers)
	for i := range readers {
		go func() {
			time.Sleep(time.Duration(i) * 31 * time.Millisecond) // watchers do not look at the same moment
			ended <- tail(ctx, path)
		}()
	}
	benchEach(b, pace, func(i int) error {
		_, err := book.Append(ctx, uint64(i), 1, benchFact())
		return err
	})
	cancel()
	for range readers {
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
}

func tail(ctx context.Context, path string) error {
	book, err := Follow(path)
	if err != nil {
		return err
	}
	defer book.Close()
	seen := uint64(0)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		events, err := book.Events(ctx, seen+1)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Seq != seen+1 {
				return fmt.Errorf("event %d after %d", e.Seq, seen)
			}
			seen = e.Seq
		}
	}
}

// BenchmarkRead reads a whole logbook of 1,000 events.
func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "events.jsonl")
	book, err := Create(path, "bench", time.Now)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := book.Append(b.Context(), 0, 1, slices.Repeat([]runbook.Fact{benchFact()}, 1000)...); err != nil {
		b.Fatal(err)
	}
	book.Close()
	for b.Loop() {
		if _, err := Read(path); err != nil {
			b.Fatal(err)
		}
	}
}
