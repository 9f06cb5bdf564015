package runbook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Probe asks a question of the world and changes nothing. A guard is a probe; so is a step that only waits for something
// to come true: the engine asks again and again until it holds or the step's timeout has passed.
type Probe interface {
	// Observe says whether what the step wants holds now. It is called from many goroutines, often, and on resume before
	// anything is applied. An error means that it could not be found out; the engine asks again until it gives up.
	Observe(ctx context.Context, call Call) (Observation, error)
}

// Action is a probe that can also make its answer true. Its fields are the step's parameters, already resolved.
type Action interface {
	Probe
	// Prepare reads what is there now and returns it for the journal, to be used by undo and after a crash. It is called
	// once an attempt, before the intent is durable, and changes nothing.
	Prepare(ctx context.Context, call Call) (Before, error)
	// Apply makes it hold. It is called at most once for an intent, after the intent is durable. It may return Holds, or
	// Pending as soon as the far side has accepted: the engine then observes until it holds. Its error's Verdict decides
	// what follows.
	Apply(ctx context.Context, call Call) (Observation, error)
}

// Undoer is an action that can be put back. Undo looks first, compares with call.Before and call.Did, and acts only on
// what is still as the step left it. It may be called again after a crash.
type Undoer interface {
	Undo(ctx context.Context, call Call) (Observation, error)
}

// Voucher looks at what a person says a step done by hand has left, in call.Did, before later steps build on it. Holds lets
// the run go on, with its Outputs over what was given; whatever else it finds is shown to the person, who decides again.
type Voucher interface {
	Vouch(ctx context.Context, call Call) (Observation, error)
	// Finds names the outputs that looking adds by itself, so that nobody has to type them.
	Finds() []string
}

// Checker answers whether the step could succeed right now, without a side effect.
type Checker interface {
	Check(ctx context.Context, call Call) []Check
}

// Settler changes what a Check of a later step finds today, such as a volume that still hangs on the old server. About is that
// finding's; Settles reports whether the finding is gone once this step is done.
type Settler interface {
	Settles(about any) bool
}

// Permitter names the IAM actions that the step may call, such as "ec2:RunInstances".
type Permitter interface {
	Permissions() []string
}

// Depender names what the step cannot be done without: regions, global control planes, hosts.
type Depender interface {
	Depends() []Dependency
}

// ByHander gives the commands with which a person does the step, one a line, ready to paste.
type ByHander interface {
	ByHand(call Call) []string
}

// Targeter names what the step would change. The drill fence holds these against what a drill may touch; an action that
// does not implement it is refused in a drill.
type Targeter interface {
	Targets(call Call) []Target
}

// Call is one attempt, as an action sees it.
type Call struct {
	Run      RunID
	Step     string
	Key      Key
	Attempt  int
	Since    time.Time          // when the intent became durable; zero in Prepare
	Before   Before             // what Prepare saw; nil in Prepare
	Did      map[string]any     // the step's outputs, in Undo
	Used     func(string) bool  // in Undo: whether another step of the run was given this id to act on; nil elsewhere
	Fallback map[string]any     // of the fallback that this attempt takes, as the kind wrote it; nil without one
	MayTouch func(Target) error // nil outside drills: refuses what the drill may not change
	Progress func(Progress)     // never nil; cheap; drops what comes too fast
	Log      io.Writer          // never nil; the step's log
}

// Progress is how far a step has come. It is shown, not journaled.
type Progress struct {
	Text  string  `json:"text"`
	Done  float64 `json:"done,omitempty"`  // in Unit
	Total float64 `json:"total,omitempty"` // in Unit; 0 when it is not known
	Unit  string  `json:"unit,omitempty"`
	Left  Seconds `json:"left,omitempty"`
}

// Holding is what an observation found.
type Holding string

// What an observation can find. Absent counts only after the kind's settle time since the intent, because reads lag.
const (
	Holds   Holding = "holds"
	Pending Holding = "pending" // under way: it will hold, or fail, by itself
	Absent  Holding = "absent"
	Unsure  Holding = "unsure" // looking cannot settle it
	Broken  Holding = "broken" // it happened and failed for good: it will never hold, and nothing is under way
)

// Observation is what was seen, with the evidence as a value a person can read.
type Observation struct {
	State    Holding
	Evidence string
	Outputs  map[string]any // by name, as the kind declares them; JSON values only
	Made     []Target       // whatever the state: with Absent it is a part of what is wanted, for which the key stays
	Changed  []Target
	KeySpent bool // Absent or Broken, and the key cannot be used again: what it made is gone
}

// Check is one line of readiness. What can never be known before the run is CannotCheck and OK; CannotCheck and not OK is
// a look that failed, and to be unsure is not to be ready.
type Check struct {
	What   string
	Grade  Grade
	OK     bool
	Seen   string
	Source string // who said so, such as "ec2:DescribeImages"; "" when nobody was asked
	Do     string // what to do about it; "" when it is well
	About  any    // what is found, for a Settler before it; nil when no step changes it
}

// Grade says how much a check proves.
type Grade string

// The grades of a check.
const (
	CheckedLive    Grade = "checked live"
	PermissionOnly Grade = "permission only"
	CannotCheck    Grade = "cannot be checked"
)

// Keep turns what Prepare saw into a Before.
func Keep(v any) (Before, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("keep what was there before: %w", err)
	}
	return b, nil
}

// Recall reads a Before. A nil one leaves v as it is.
func Recall(b Before, v any) error {
	if len(b) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("read what was there before: %w", err)
	}
	return nil
}
