// Package storetest holds the suites that every journal and every history must pass. It knows the contracts of package
// store alone, and asks nothing of an implementation that they do not.
//
//	func TestJournal(t *testing.T) {
//		storetest.TestJournal(t, func(t *testing.T, now func() time.Time) storetest.Shelf {
//			m := store.NewMemory(storetest.Run, now)
//			return func() (store.Journal, error) { return m, nil }
//		})
//	}
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
)

// Run is the run of the journals under test.
const Run runbook.RunID = "20260102-1504-test"

// At is the time on the journals' clock.
var At = time.Date(2026, 1, 2, 15, 4, 5, 678_000_000, time.UTC)

// Shelf opens one and the same journal, which is empty at first, as often as it is called. A journal that cannot be
// opened twice returns itself.
type Shelf func() (store.Journal, error)

// TestJournal runs the suite. Make is called once a test.
func TestJournal(t *testing.T, make func(t *testing.T, now func() time.Time) Shelf) {
	tests := []struct {
		name string
		test func(t *testing.T, j store.Journal, again Shelf)
	}{
		{"an empty journal", testEmpty},
		{"events come back as they were appended", testRoundTrip},
		{"a batch is all or nothing", testBatch},
		{"a conflict names the last event", testConflict},
		{"a stale driver is fenced", testFence},
		{"what was returned can be changed", testIsolation},
		{"a wait ends with an append", testWait},
		{"a wait ends with its context", testWaitContext},
		{"a wait ends with the journal", testWaitClose},
		{"an ended context appends nothing", testContext},
		{"many goroutines append each fact once", testGoroutines},
		{"opened again it is the same", testReopen},
		{"what another handle appends is seen", testForeign},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			open := make(t, func() time.Time { return At })
			tt.test(t, must(open())(t), open)
		})
	}
}

func must(j store.Journal, err error) func(t *testing.T) store.Journal {
	return func(t *testing.T) store.Journal {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		return j
	}
}

func note(format string, args ...any) runbook.Fact {
	return &runbook.NoteAdded{Text: fmt.Sprintf(format, args...), By: runbook.Actor{UID: 1000, Name: "operator"}}
}

// Notes returns the texts of the notes among events.
func Notes(events []runbook.Event) []string {
	var out []string
	for _, e := range events {
		if n, ok := e.Fact.(*runbook.NoteAdded); ok {
			out = append(out, n.Text)
		}
	}
	return out
}

func appendTo(t *testing.T, j store.Journal, after, epoch uint64, facts ...runbook.Fact) []runbook.Event {
	t.Helper()
	events, err := j.Append(t.Context(), after, epoch, facts...)
	if err != nil {
		t.Fatalf("append after %d: %v", after, err)
	}
	return events
}

func read(t *testing.T, j store.Journal, from uint64) []runbook.Event {
	t.Helper()
	events, err := j.Events(t.Context(), from)
	if err != nil {
		t.Fatalf("events from %d: %v", from, err)
	}
	return events
}

func testEmpty(t *testing.T, j store.Journal, _ Shelf) {
	for _, from := range []uint64{0, 1, 9} {
		if got := read(t, j, from); len(got) != 0 {
			t.Errorf("events from %d of an empty journal: %v", from, got)
		}
	}
	if got := appendTo(t, j, 0, 1); len(got) != 0 {
		t.Errorf("appending no facts made %v", got)
	}
	if got := read(t, j, 1); len(got) != 0 {
		t.Errorf("appending no facts left %v", got)
	}
}

func testRoundTrip(t *testing.T, j store.Journal, _ Shelf) {
	facts := runbook.Facts()
	facts[0] = &runbook.RunStarted{
		Mode: runbook.Drill, Runbook: runbook.NewSource("a.yaml", []byte("lifeboat: 1\n\"\\\u2028<&>é")), Digest: "sha256:x",
		Inputs: map[string]string{"data": "replica"}, Driver: runbook.Driver{Epoch: 3, PID: 7}, Target: runbook.Duration(time.Minute),
	}
	wrote := appendTo(t, j, 0, 3, facts...)
	wrote = append(wrote, appendTo(t, j, uint64(len(facts)), 0, &runbook.StepSucceeded{
		Step: "a", Outputs: map[string]any{"n": 7, "list": []string{"x"}}, Elapsed: runbook.Seconds(1500 * time.Millisecond),
	})...)
	got := read(t, j, 1)
	if !reflect.DeepEqual(got, wrote) {
		t.Errorf("read  %+v\nwrote %+v", got, wrote)
	}
	for i, e := range got {
		if e.Seq != uint64(i+1) || e.Run != Run || !e.Time.Equal(At) {
			t.Errorf("event %d has seq %d, run %q, time %s", i+1, e.Seq, e.Run, e.Time)
		}
	}
	if got[0].Epoch != 3 || got[len(got)-1].Epoch != 0 {
		t.Errorf("epochs are %d and %d", got[0].Epoch, got[len(got)-1].Epoch)
	}
	if got := read(t, j, 5); len(got) != len(facts)+1-4 || got[0].Seq != 5 {
		t.Errorf("from 5: %d events, the first is %d", len(got), got[0].Seq)
	}
}

type broken struct{}

func (broken) Type() string { return "note.added" }

func testBatch(t *testing.T, j store.Journal, _ Shelf) {
	appendTo(t, j, 0, 1, note("kept"))
	if _, err := j.Append(t.Context(), 1, 1, note("a"), broken{}, note("b")); err == nil {
		t.Error("a fact that cannot be encoded was appended")
	}
	if got := Notes(read(t, j, 1)); !reflect.DeepEqual(got, []string{"kept"}) {
		t.Errorf("half a batch stayed: %q", got)
	}
	appendTo(t, j, 1, 1, note("a"), note("b"))
	if got := Notes(read(t, j, 1)); !reflect.DeepEqual(got, []string{"kept", "a", "b"}) {
		t.Errorf("got %q", got)
	}
}

func testConflict(t *testing.T, j store.Journal, _ Shelf) {
	appendTo(t, j, 0, 1, note("a"), note("b"))
	for _, after := range []uint64{0, 1, 3} {
		_, err := j.Append(t.Context(), after, 1, note("late"))
		var conflict *runbook.ErrConflict
		if !errors.As(err, &conflict) || conflict.Last != 2 {
			t.Errorf("after %d: got %v, want a conflict with last event 2", after, err)
		}
	}
	if got := len(read(t, j, 1)); got != 2 {
		t.Errorf("%d events after refused appends", got)
	}
}

func testFence(t *testing.T, j store.Journal, _ Shelf) {
	appendTo(t, j, 0, 1, note("first driver"))
	appendTo(t, j, 1, 3, note("second driver"))
	for _, after := range []uint64{2, 1} { // the fence counts before the conflict
		_, err := j.Append(t.Context(), after, 2, note("stale"))
		var fenced *runbook.ErrFenced
		if !errors.As(err, &fenced) || fenced.Epoch != 3 {
			t.Errorf("after %d: got %v, want fenced by epoch 3", after, err)
		}
	}
	appendTo(t, j, 2, 0, note("an operator"))
	appendTo(t, j, 3, 3, note("second driver again"))
	if got := len(read(t, j, 1)); got != 4 {
		t.Errorf("%d events, want 4", got)
	}
}

func testIsolation(t *testing.T, j store.Journal, _ Shelf) {
	outputs := map[string]any{"instance": "i-1"}
	wrote := appendTo(t, j, 0, 1, &runbook.StepSucceeded{Step: "a", Outputs: outputs})
	outputs["instance"] = "changed by who appended"
	wrote[0].Fact.(*runbook.StepSucceeded).Outputs["instance"] = "changed in the answer"
	read(t, j, 1)[0].Fact.(*runbook.StepSucceeded).Outputs["instance"] = "changed by a reader"
	if got := read(t, j, 1)[0].Fact.(*runbook.StepSucceeded).Outputs["instance"]; got != "i-1" {
		t.Errorf("the journal now holds %q", got)
	}
}

func testWait(t *testing.T, j store.Journal, _ Shelf) {
	appendTo(t, j, 0, 1, note("a"))
	if err := j.Wait(t.Context(), 0); err != nil {
		t.Errorf("wait for what is there: %v", err)
	}
	const waiters = 3
	ended := make(chan error, waiters)
	for range waiters {
		go func() { ended <- j.Wait(t.Context(), 1) }()
	}
	select {
	case err := <-ended:
		t.Fatalf("a wait ended before there was an event: %v", err)
	case <-time.After(20 * time.Millisecond): // only lets the waits begin; a late one finds the event at once
	}
	appendTo(t, j, 1, 1, note("b"))
	for range waiters {
		if err := <-ended; err != nil {
			t.Errorf("wait: %v", err)
		}
	}
}

func testWaitContext(t *testing.T, j store.Journal, _ Shelf) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := j.Wait(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func testWaitClose(t *testing.T, j store.Journal, _ Shelf) {
	ended := make(chan error, 1)
	go func() { ended <- j.Wait(context.Background(), 0) }()
	j.Close()
	if err := <-ended; !errors.Is(err, store.ErrClosed) {
		t.Errorf("wait on a closed journal: %v", err)
	}
	if _, err := j.Append(context.Background(), 0, 1, note("late")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("append on a closed journal: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

func testContext(t *testing.T, j store.Journal, _ Shelf) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Append(ctx, 0, 1, note("a")); err == nil {
		t.Error("appended with an ended context")
	}
	if got := len(read(t, j, 1)); got != 0 {
		t.Errorf("%d events stayed", got)
	}
}

// AppendNote appends as an operator's process does: it tries again behind whatever came in between.
func AppendNote(ctx context.Context, j store.Journal, after uint64, text string) (runbook.Event, error) {
	for {
		events, err := j.Append(ctx, after, 0, &runbook.NoteAdded{Text: text})
		var conflict *runbook.ErrConflict
		if errors.As(err, &conflict) {
			after = conflict.Last
			continue
		}
		if err != nil {
			return runbook.Event{}, err
		}
		return events[0], nil
	}
}

func testGoroutines(t *testing.T, j store.Journal, again Shelf) {
	const writers, each = 4, 25
	var all sync.WaitGroup
	for w := range writers {
		mine := j
		if w%2 == 1 { // half of them through a handle of their own
			mine = must(again())(t)
		}
		all.Go(func() {
			for i := range each {
				if _, err := AppendNote(t.Context(), mine, 0, fmt.Sprintf("%d/%d", w, i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	seen := map[string]int{}
	for i, e := range read(t, j, 1) {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d has seq %d", i+1, e.Seq)
		}
		seen[e.Fact.(*runbook.NoteAdded).Text]++
	}
	for w := range writers {
		for i := range each {
			if n := seen[fmt.Sprintf("%d/%d", w, i)]; n != 1 {
				t.Errorf("note %d/%d is there %d times", w, i, n)
			}
		}
	}
}

func testReopen(t *testing.T, j store.Journal, again Shelf) {
	appendTo(t, j, 0, 2, note("a"), note("b"))
	before := read(t, j, 1)
	other := must(again())(t)
	if other != j {
		j.Close()
	}
	if got := read(t, other, 1); !reflect.DeepEqual(got, before) {
		t.Errorf("got %+v, want %+v", got, before)
	}
	if _, err := other.Append(t.Context(), 2, 1, note("stale")); !errors.As(err, new(*runbook.ErrFenced)) {
		t.Errorf("the epoch was forgotten: %v", err)
	}
	appendTo(t, other, 2, 2, note("c"))
}

func testForeign(t *testing.T, j store.Journal, again Shelf) {
	other := must(again())(t)
	appendTo(t, j, 0, 1, note("a"))
	ended := make(chan error, 1)
	go func() { ended <- j.Wait(t.Context(), 1) }()
	appendTo(t, other, 1, 0, note("b"))
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := Notes(read(t, j, 2)); !reflect.DeepEqual(got, []string{"b"}) {
		t.Errorf("got %q", got)
	}
	if _, err := j.Append(t.Context(), 1, 1, note("c")); !errors.As(err, new(*runbook.ErrConflict)) {
		t.Errorf("the other's event was not counted: %v", err)
	}
	appendTo(t, j, 2, 1, note("c"))
	if got := Notes(read(t, other, 3)); !reflect.DeepEqual(got, []string{"c"}) {
		t.Errorf("got %q", got)
	}
}
