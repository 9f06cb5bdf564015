package runbook

import (
	"maps"
	"slices"
	"time"
)

// State is the fold of a run's events. The engine, every screen, the plain printer, the history and the report use this
// one fold and nothing else.
type State struct {
	Run        RunID
	Seq        uint64    // of the last event applied
	Epoch      uint64    // of the driver that holds the run
	Now        time.Time // of the last event
	Start      RunStarted
	StartedAt  time.Time
	ClockFrom  time.Time // the run's clock: when the start was approved, or the first step began if nobody was asked; zero before
	Driver     Driver
	Guards     map[string]*GuardState
	Steps      map[string]*StepState
	Approval   Approval // of the run as a whole
	Held       *RunHeld
	HeldAt     time.Time
	Stop       *StopRequested
	StopAt     time.Time // of Stop
	Finished   *RunFinished
	FinishedAt time.Time
	UndoQueue  []string // steps that were asked to be undone, in the order of the requests
	Notes      []Note
	Decided    map[uint64]Decided // by the question's sequence number
}

// Status is where a step, or a guard, stands.
type Status string

// The statuses of steps. Guards use StatusWaiting, StatusDone, StatusFailed, StatusWaived and StatusNotNeeded.
const (
	StatusWaiting   Status = "waiting"
	StatusAsking    Status = "asking" // waits for a person's approval
	StatusRunning   Status = "running"
	StatusUnknown   Status = "unknown"
	StatusFailed    Status = "failed"
	StatusRetrying  Status = "retrying" // waits for its next attempt
	StatusDone      Status = "done"
	StatusByHand    Status = "by hand"
	StatusSkipped   Status = "skipped"
	StatusNotNeeded Status = "not needed"
	StatusWaived    Status = "waived"
)

// UndoStatus is where the undo of a step stands.
type UndoStatus string

// The statuses of an undo.
const (
	UndoNone    UndoStatus = ""
	UndoRunning UndoStatus = "running"
	UndoDone    UndoStatus = "done"
	UndoFailing UndoStatus = "failed"
)

// GuardState is what has become of one guard.
type GuardState struct {
	Status   Status
	Evidence string
	Unsure   bool
	Waive    Confirm
	Word     string
	Question uint64
	At       time.Time
	By       *Actor
}

// StepState is what has become of one step.
type StepState struct {
	Status     Status
	Kind       string
	Attempt    int
	Tries      int // attempts since the last decision of a person
	Generation int
	Key        Key
	Before     Before
	Epoch      uint64    // of the driver that wrote the last intent
	First      time.Time // of the first intent
	Since      time.Time // of the last intent
	Ended      time.Time
	NotBefore  time.Time // of the next attempt
	Evidence   string
	Outputs    map[string]any
	Made       []Target
	Changed    []Target
	Left       []Target // of Made: what the undo has left
	Failure    *Failure
	Again      bool
	Cut        bool // by a stop
	Spent      bool
	Fallback   *Fallback   // the way that was taken last; nil: as the runbook says
	Tried      []string    // names of the fallbacks that were taken
	Why, Seen  string      // of an unknown step
	Claim      *StepByHand // of an unknown step: what a person said, which is looked at
	Ask        bool        // of an unknown step: looking could not settle it
	Overdue    bool
	Question   uint64 // open: the sequence number of the event that asked
	Approval   Approval
	By         *Actor // who skipped it or did it by hand
	Reason     string
	Undo       UndoStatus
	UndoWhy    *Failure
}

// Approval is a question to a person and its answer.
type Approval struct {
	Asked    *ApprovalAsked
	Question uint64 // open when not 0
	Given    *ApprovalGiven
	Refused  *ApprovalRefused
}

// Note is a remark.
type Note struct {
	At   time.Time
	By   Actor
	Step string
	Text string
}

// Decided says who answered a question.
type Decided struct {
	By   Actor
	At   time.Time
	What string // the type of the fact
}

// Settled reports whether what depends on the step may go on.
func (s *StepState) Settled() bool {
	switch s.Status {
	case StatusDone, StatusByHand, StatusSkipped, StatusNotNeeded:
		return true
	}
	return false
}

// Acting reports whether something is under way for the step without anybody's help.
func (s *StepState) Acting() bool {
	return s.Status == StatusRunning || s.Status == StatusRetrying || s.Status == StatusUnknown && !s.Ask ||
		s.Status == StatusFailed && s.Again
}

// Step returns the state of a step; one that no event has named is waiting.
func (s *State) Step(id string) StepState {
	if st, ok := s.Steps[id]; ok {
		return *st
	}
	return StepState{Status: StatusWaiting}
}

// Guard returns the state of a guard; one that no event has named is waiting.
func (s *State) Guard(id string) GuardState {
	if g, ok := s.Guards[id]; ok {
		return *g
	}
	return GuardState{Status: StatusWaiting}
}

// Ledger lists what the run made or changed and has not put back, oldest first: what a step has made stands there however
// the step has ended.
func (s *State) Ledger() []LedgerEntry {
	var out []LedgerEntry
	for id, st := range s.Steps {
		at, made := st.Ended, st.Made
		if at.IsZero() {
			at = st.Since
		}
		if st.Undo == UndoDone {
			made = st.Left
		}
		for _, t := range made {
			out = append(out, LedgerEntry{Step: id, Target: t, Made: true, At: at})
		}
		if st.Status != StatusDone || st.Undo == UndoDone {
			continue
		}
		for _, t := range st.Changed {
			out = append(out, LedgerEntry{Step: id, Target: t, At: st.Ended})
		}
	}
	slices.SortFunc(out, func(a, b LedgerEntry) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		if a.Step != b.Step {
			return compareText(a.Step, b.Step)
		}
		return compareText(a.Target.String(), b.Target.String())
	})
	return out
}

// LedgerEntry is one thing that a run made (or only changed).
type LedgerEntry struct {
	Step   string
	Target Target
	Made   bool
	At     time.Time
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Elapsed is the run's own time: from ClockFrom to its end, or to now while it goes on. Before that it is 0: who reads the
// question twice before the start loses nothing of the target.
func (s *State) Elapsed(now time.Time) time.Duration {
	if s.Finished != nil {
		return time.Duration(s.Finished.Elapsed)
	}
	if s.ClockFrom.IsZero() {
		return 0
	}
	return max(0, now.Sub(s.ClockFrom))
}

// Skipped counts the steps that an operator left out.
func (s *State) Skipped() int {
	n := 0
	for _, st := range s.Steps {
		if st.Status == StatusSkipped {
			n++
		}
	}
	return n
}

// Clone copies the state so deeply that applying events to one does not show in the other.
func (s *State) Clone() State {
	out := *s
	out.Guards = make(map[string]*GuardState, len(s.Guards))
	for id, g := range s.Guards {
		c := *g
		out.Guards[id] = &c
	}
	out.Steps = make(map[string]*StepState, len(s.Steps))
	for id, st := range s.Steps {
		c := *st
		out.Steps[id] = &c
	}
	out.Decided = maps.Clone(s.Decided)
	out.UndoQueue = slices.Clone(s.UndoQueue)
	out.Notes = slices.Clone(s.Notes)
	return out
}

// Fold applies events to an empty state.
func Fold(events []Event) State {
	var s State
	for _, e := range events {
		s.Apply(e)
	}
	return s
}
