// Package store keeps what happened: the contracts of the journal (one run, durable, ordered) and of the history (all
// runs, searchable), the encoding of events, and the layout of the store's folder.
//
// The journal of a run is the truth; the history is a library that can be made again from the journals. This package
// does not decide anything about a run, does not act on the world, and never repairs what is damaged behind the user's
// back: damage is an error that names the file, the last good event and what to do.
//
//	journal := store.NewMemory("20260102-1504-k3f9", time.Now)
//	events, err := journal.Append(ctx, 0, 1, &runbook.RunStarted{Mode: runbook.Rehearse})
//	events, err = journal.Append(ctx, 1, 0, &runbook.NoteAdded{Text: "first drill"})
//
// Memory is the reference of the journal and good enough for tests and rehearsals; store/logbook keeps it in a file,
// store/bolt is the history, and store/storetest holds the suites that all of them pass.
package store

import (
	"context"
	"iter"
	"time"

	"lifeboat/runbook"
)

// Journal is the durable, ordered list of one run's events. It is used from many goroutines, and a journal on disk by
// many processes at once: the driver, and every operator who answers a question.
type Journal interface {
	// Append commits all facts as one batch, or none, if the journal's last event is after (0: it is empty); else it
	// returns *runbook.ErrConflict. Epoch is the driver's; one below the highest in the journal gets *runbook.ErrFenced,
	// a higher one becomes the highest, and 0 is an operator's process, which is never fenced. The facts are durable
	// when it returns. The events come back as a reader will see them. Any other error: nothing was acknowledged, and
	// the journal stands at its last commit. Without facts it does nothing.
	Append(ctx context.Context, after, epoch uint64, facts ...runbook.Fact) ([]runbook.Event, error)
	// Events returns the committed events with Seq >= from. When the journal is damaged it returns the good ones
	// together with *ErrDamaged. The caller may keep and change what it gets.
	Events(ctx context.Context, from uint64) ([]runbook.Event, error)
	// Wait returns nil as soon as there may be an event with Seq > after, at most 100 ms after another process appended
	// it; or ctx's error.
	Wait(ctx context.Context, after uint64) error
	// Close lets go of the journal. Waits end with ErrClosed.
	Close() error
}

// History is the library of all runs. It is used by the driver, off the critical path, and by every screen and report.
// Whatever it returns, the logbooks stay the truth: a damaged history never stops a run.
type History interface {
	// File adds events of one run, in order, and may see events a second time. Events that do not follow what is filed
	// get *ErrGap. It is called once a batch at most, and at the latest when the run ends.
	File(ctx context.Context, events []runbook.Event) error
	// Runs returns summaries, newest first.
	Runs(ctx context.Context, q Query) ([]Summary, error)
	// Run returns one run, or *ErrNoRun.
	Run(ctx context.Context, id runbook.RunID) (Summary, []runbook.Event, error)
	// Rebuild makes the history again from journals, one run an element. An element may carry the error with which its
	// journal ended beside the events that could be read; these are filed and the errors come back joined. What else
	// the library keeps (readings, acknowledgements) it cannot bring back.
	Rebuild(ctx context.Context, journals iter.Seq2[[]runbook.Event, error]) error
}

// Query chooses runs. The zero value of a field chooses all.
type Query struct {
	Runbook string
	Outcome runbook.Outcome
	Mode    runbook.Mode
	Digest  string // of the plan
	Before  string // only what is older than the run with this Cursor
	Limit   int    // 0: 50
}

// DefaultLimit is the number of runs that a query without a limit returns.
const DefaultLimit = 50

// Summary is one run in a list.
type Summary struct {
	Run      runbook.RunID   `json:"run"`
	Name     string          `json:"name"` // of the runbook
	Title    string          `json:"title,omitempty"`
	Mode     runbook.Mode    `json:"mode"`
	Digest   string          `json:"digest,omitempty"` // of the plan
	Started  time.Time       `json:"started"`
	Finished time.Time       `json:"finished,omitzero"` // zero while it goes on
	Outcome  runbook.Outcome `json:"outcome,omitempty"` // "" while it goes on
	Elapsed  runbook.Seconds `json:"elapsed,omitempty"` // of the run's own clock (State.ClockFrom), once it is finished
	Target   runbook.Seconds `json:"target,omitempty"`
	Skipped  int             `json:"skipped,omitempty"`
	Refused  bool            `json:"refused,omitempty"` // by a guard or at its start: nothing was done
	Actor    runbook.Actor   `json:"actor"`             // who started it
	Steps    []StepSummary   `json:"steps,omitempty"`
	LastSeq  uint64          `json:"last_seq"`
}

// StepSummary is what became of one step, in the order of the first intents.
type StepSummary struct {
	Step     string          `json:"step"`
	Kind     string          `json:"kind,omitempty"`
	Status   runbook.Status  `json:"status"`
	Elapsed  runbook.Seconds `json:"elapsed,omitempty"` // from the first intent to its end
	Attempts int             `json:"attempts,omitempty"`
}
