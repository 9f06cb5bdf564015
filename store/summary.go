package store

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/runbook"
)

// Summarize makes the summary of a run from all of its events, by the one fold.
func Summarize(events []runbook.Event) Summary {
	st := runbook.Fold(events)
	s := Summary{
		Run: st.Run, Name: st.Start.Name, Title: st.Start.Title, Mode: st.Start.Mode, Digest: st.Start.Digest,
		Started: st.StartedAt, Target: runbook.Seconds(st.Start.Target), Actor: st.Start.By, LastSeq: st.Seq,
		Skipped: st.Skipped(),
	}
	if s.Started.IsZero() && len(events) > 0 {
		s.Started = events[0].Time // a journal that does not begin as it should is listed all the same
	}
	if st.Finished != nil {
		s.Finished, s.Outcome, s.Elapsed = st.FinishedAt, st.Finished.Outcome, st.Finished.Elapsed
		s.Refused = st.Finished.Refused
	}
	for _, id := range stepOrder(events) {
		step := st.Step(id)
		line := StepSummary{Step: id, Kind: step.Kind, Status: step.Status, Attempts: step.Attempt}
		if !step.First.IsZero() && step.Ended.After(step.First) {
			line.Elapsed = runbook.Seconds(step.Ended.Sub(step.First))
		}
		s.Steps = append(s.Steps, line)
	}
	return s
}

// stepOrder lists the steps in the order in which something became of them.
func stepOrder(events []runbook.Event) []string {
	var out []string
	for _, e := range events {
		id := ""
		switch f := e.Fact.(type) {
		case *runbook.StepStarted:
			id = f.Step
		case *runbook.StepSkipped:
			id = f.Step
		case *runbook.StepNotNeeded:
			id = f.Step
		case *runbook.StepByHand:
			id = f.Step
		}
		if id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// Cursor is a Query's Before that continues behind this run.
func (s Summary) Cursor() string { return hex.EncodeToString(TimeKey(s.Started, s.Run)) }

// TimeKey orders runs by the time of their start, then by id.
func TimeKey(started time.Time, run runbook.RunID) []byte {
	ns := started.UnixNano()
	if started.IsZero() {
		ns = 0
	}
	return append(binary.BigEndian.AppendUint64(nil, uint64(ns)^1<<63), run...)
}

// ParseCursor returns the TimeKey in a cursor.
func ParseCursor(cursor string) ([]byte, error) {
	key, err := hex.DecodeString(cursor)
	if err != nil || len(key) < 9 {
		return nil, fmt.Errorf("%q is not the cursor of a run", cursor)
	}
	return key, nil
}

// Match reports whether the summary is one that the query asks for. Before and Limit are the history's business.
func (q Query) Match(s Summary) bool {
	return (q.Runbook == "" || q.Runbook == s.Name) && (q.Outcome == "" || q.Outcome == s.Outcome) &&
		(q.Mode == "" || q.Mode == s.Mode) && (q.Digest == "" || q.Digest == s.Digest)
}

// Finder is the part of History that Durations needs.
type Finder interface {
	Runs(ctx context.Context, q Query) ([]Summary, error)
}

// Durations returns, for each step, how long it took where it succeeded by itself in the newest runs that the query
// chooses, newest first. Name a mode: what the simulator takes says nothing about the cloud.
func Durations(ctx context.Context, h Finder, q Query) (map[string][]time.Duration, error) {
	runs, err := h.Runs(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("durations of %q: %w", strings.TrimSpace(q.Runbook), err)
	}
	out := map[string][]time.Duration{}
	for _, run := range runs {
		for _, s := range run.Steps {
			if s.Status == runbook.StatusDone && s.Elapsed > 0 {
				out[s.Step] = append(out[s.Step], time.Duration(s.Elapsed))
			}
		}
	}
	return out, nil
}
