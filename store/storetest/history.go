package storetest

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
)

// Spec describes a made-up run.
type Spec struct {
	ID      runbook.RunID
	Name    string
	Mode    runbook.Mode
	Outcome runbook.Outcome // "": it goes on
	At      time.Time
	Sync    time.Duration // how long the step "sync" took
}

// Events are the journal of such a run.
func (s Spec) Events() []runbook.Event {
	facts := []runbook.Fact{
		&runbook.RunStarted{Name: s.Name, Title: "Fail over", Mode: s.Mode, Digest: "sha256:" + s.Name, By: runbook.Actor{UID: 1000, Name: "operator"}},
		&runbook.StepStarted{Step: "sync", Kind: "rsync", Attempt: 1, Generation: 1},
		&runbook.StepSucceeded{Step: "sync", Attempt: 1, Elapsed: runbook.Seconds(s.Sync), Outputs: map[string]any{"n": 1.0}},
		&runbook.StepSkipped{Step: "serving", Reason: "<not now>"},
	}
	if s.Outcome != "" {
		facts = append(facts, &runbook.RunFinished{Outcome: s.Outcome, Elapsed: runbook.Seconds(s.Sync + time.Second), Skipped: 1})
	}
	out := make([]runbook.Event, len(facts))
	for i, f := range facts {
		at := s.At
		if i >= 2 {
			at = at.Add(s.Sync)
		}
		out[i] = runbook.Event{Seq: uint64(i + 1), Time: at, Run: s.ID, Epoch: 1, Fact: f}
	}
	return out
}

// Specs makes n runs, a minute apart, oldest first: of two runbooks, three modes, and every outcome.
func Specs(n int) []Spec {
	outcomes := []runbook.Outcome{runbook.Done, runbook.Failed, "", runbook.DoneWithSkips, runbook.Stopped}
	out := make([]Spec, n)
	for i := range out {
		out[i] = Spec{
			ID: runbook.RunID(fmt.Sprintf("run-%06d", (i*7919)%1000003)), Name: []string{"failover", "fail"}[i%2],
			Mode: []runbook.Mode{runbook.Live, runbook.Drill, runbook.Rehearse}[i%3], Outcome: outcomes[i%5],
			At: At.Add(time.Duration(i) * time.Minute), Sync: time.Duration(i+1) * time.Second,
		}
	}
	return out
}

// TestHistory runs the suite. Make is called once a test and returns an empty history.
func TestHistory(t *testing.T, make func(t *testing.T) store.History) {
	tests := []struct {
		name string
		test func(t *testing.T, h store.History)
	}{
		{"an empty history", testNothing},
		{"a run is filed in batches, some of them twice", testFile},
		{"what does not follow is refused", testGap},
		{"another event under the same number is refused", testOther},
		{"runs come newest first, page by page", testPages},
		{"a query chooses", testQuery},
		{"a run that ends moves to its outcome", testMoves},
		{"durations by step", testDurations},
		{"made again from journals", testRebuild},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, make(t)) })
	}
}

func file(t *testing.T, h store.History, events []runbook.Event) {
	t.Helper()
	if err := h.File(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, h store.History, q store.Query) []store.Summary {
	t.Helper()
	out, err := h.Runs(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func ids(runs []store.Summary) []runbook.RunID {
	out := []runbook.RunID{}
	for _, r := range runs {
		out = append(out, r.Run)
	}
	return out
}

func testNothing(t *testing.T, h store.History) {
	if got := find(t, h, store.Query{}); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	if _, _, err := h.Run(t.Context(), "none"); !errors.As(err, new(*store.ErrNoRun)) {
		t.Errorf("got %v", err)
	}
	file(t, h, nil)
}

func testFile(t *testing.T, h store.History) {
	all := Specs(1)[0].Events()
	file(t, h, all[:1])
	file(t, h, all[:3])
	file(t, h, all[1:2])
	file(t, h, all[2:])
	file(t, h, all)
	got, events, err := h.Run(t.Context(), all[0].Run)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(events, all) {
		t.Errorf("got %+v, want %+v", events, all)
	}
	if want := store.Summarize(all); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.Skipped != 1 || got.Outcome != runbook.Done || len(got.Steps) != 2 || got.LastSeq != 5 {
		t.Errorf("the summary is %+v", got)
	}
	if list := find(t, h, store.Query{}); len(list) != 1 || !reflect.DeepEqual(list[0], got) {
		t.Errorf("the list is %+v", list)
	}
}

func testGap(t *testing.T, h store.History) {
	all := Specs(1)[0].Events()
	var gap *store.ErrGap
	if err := h.File(t.Context(), all[1:]); !errors.As(err, &gap) || gap.Have != 0 || gap.Got != 2 {
		t.Errorf("got %v", err)
	}
	file(t, h, all[:2])
	if err := h.File(t.Context(), all[3:]); !errors.As(err, &gap) || gap.Have != 2 || gap.Got != 4 {
		t.Errorf("got %v", err)
	}
}

func testOther(t *testing.T, h store.History) {
	all := Specs(1)[0].Events()
	file(t, h, all[:2])
	other := all[1]
	other.Fact = &runbook.NoteAdded{Text: "not what was filed"}
	if err := h.File(t.Context(), []runbook.Event{other}); err == nil {
		t.Error("an event took another's place")
	}
	if _, events, err := h.Run(t.Context(), other.Run); err != nil || !reflect.DeepEqual(events, all[:2]) {
		t.Errorf("got %+v, %v", events, err)
	}
}

func testPages(t *testing.T, h store.History) {
	specs := Specs(25)
	for i := range specs { // not in the order of their starts
		file(t, h, specs[(i*7)%25].Events())
	}
	var got []runbook.RunID
	q := store.Query{Limit: 10}
	for _, want := range []int{10, 10, 5, 0} {
		page := find(t, h, q)
		if len(page) != want {
			t.Fatalf("a page of %d, want %d", len(page), want)
		}
		got = append(got, ids(page)...)
		if want > 0 {
			q.Before = page[len(page)-1].Cursor()
		}
	}
	for i, id := range got {
		if want := specs[24-i].ID; id != want {
			t.Errorf("place %d has %s, want %s", i, id, want)
		}
	}
	if _, err := h.Runs(t.Context(), store.Query{Before: "x"}); err == nil {
		t.Error("a cursor that is none was taken")
	}
}

func testQuery(t *testing.T, h store.History) {
	specs := Specs(30)
	for _, s := range specs {
		file(t, h, s.Events())
	}
	queries := []store.Query{
		{Runbook: "fail"},
		{Runbook: "failover", Mode: runbook.Drill},
		{Outcome: runbook.Failed},
		{Outcome: runbook.Done, Mode: runbook.Live, Limit: 2},
		{Runbook: "fail", Outcome: runbook.Stopped},
		{Digest: "sha256:fail", Limit: 3},
		{Runbook: "fai"},
		{Runbook: "fail", Before: store.Summarize(specs[20].Events()).Cursor()},
		{Outcome: runbook.Done, Before: store.Summarize(specs[20].Events()).Cursor()},
	}
	for _, q := range queries {
		want := []runbook.RunID{}
		for i := len(specs) - 1; i >= 0; i-- {
			s := store.Summarize(specs[i].Events())
			if q.Match(s) && (q.Before == "" || s.Cursor() < q.Before) && (q.Limit == 0 || len(want) < q.Limit) {
				want = append(want, s.Run)
			}
		}
		if got := ids(find(t, h, q)); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v: got %v, want %v", q, got, want)
		}
	}
}

func testMoves(t *testing.T, h store.History) {
	all := Specs(1)[0].Events()
	file(t, h, all[:4])
	if got := find(t, h, store.Query{Outcome: runbook.Done}); len(got) != 0 {
		t.Errorf("it is done before its end: %v", ids(got))
	}
	file(t, h, all)
	if got := find(t, h, store.Query{Outcome: runbook.Done}); len(got) != 1 {
		t.Errorf("got %v", ids(got))
	}
	if got := find(t, h, store.Query{}); len(got) != 1 {
		t.Errorf("it is listed as %v", ids(got))
	}
}

func testDurations(t *testing.T, h store.History) {
	for _, s := range Specs(12) {
		file(t, h, s.Events())
	}
	got, err := store.Durations(t.Context(), h, store.Query{Runbook: "failover", Mode: runbook.Live, Limit: 5})
	want := map[string][]time.Duration{"sync": {7 * time.Second, time.Second}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func testRebuild(t *testing.T, h store.History) {
	specs := Specs(8)
	ghost := Spec{ID: "gone", Name: "failover", At: At}
	file(t, h, ghost.Events())
	damaged := &store.ErrDamaged{Path: "runs/x/events.jsonl", Line: 4, LastGood: 2, Why: "its checksum does not match"}
	var journals iter.Seq2[[]runbook.Event, error] = func(yield func([]runbook.Event, error) bool) {
		for i, s := range specs {
			var err error
			events := s.Events()
			if i == 3 {
				events, err = events[:2], damaged
			}
			if !yield(events, err) {
				return
			}
		}
	}
	if err := h.Rebuild(t.Context(), journals); !errors.Is(err, damaged) {
		t.Errorf("the damage was not told: %v", err)
	}
	if got := find(t, h, store.Query{}); len(got) != len(specs) {
		t.Errorf("got %v", ids(got))
	}
	if got, events, err := h.Run(t.Context(), specs[3].ID); err != nil || got.LastSeq != 2 || len(events) != 2 {
		t.Errorf("of the damaged run: %+v, %d events, %v", got, len(events), err)
	}
	file(t, h, specs[3].Events())
}
