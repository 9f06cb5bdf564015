package runbook

import "time"

// Plan is a runbook compiled against an estate, a mode and inputs: every reference is checked, every constant folded,
// and what is left open depends on outputs of earlier steps alone. A plan is immutable and safe for concurrent use.
type Plan struct {
	Name, Title, Summary string
	Mode                 Mode
	Target               time.Duration // the countdown; 0: none
	Confirm              Confirm       // before the run starts
	Word                 string        // what is typed then: the standby region
	Inputs               map[string]string
	Estate               *Estate // after the drill overlay, in a drill
	Guards               []PlannedGuard
	Steps                []PlannedStep // in topological order, ties in the file's order
	Fence                []Target      // in a drill: what the overlay names, which may be changed beside what the run made
	Digest               string        // "sha256:..." of runbook, estate, mode, inputs and resolved ids
	RunbookSource        Source
	EstateSource         Source
	index                map[string]int
}

// PlannedGuard is a condition that must hold, or be waived, before the first step.
type PlannedGuard struct {
	ID, Title  string
	Kind       Kind
	Applicable bool    // false when `in:` leaves out this mode
	Waive      Confirm // ConfirmNone: it cannot be waived
	Word       string  // what is typed to waive it
	Timeout    time.Duration
	with       *params
}

// PlannedStep is one step.
type PlannedStep struct {
	ID, Title, Why string
	Kind           Kind
	Needs          []string // direct ones, in the file's order; always resolved, never nil for "follows the one above"
	If             string   // the source of the condition; "" is always
	Confirm        Confirm
	Word           string
	Fallback       string // ask or auto
	Group          string // of a step made by each: the id in the file
	AtOnce         int    // how many of the group may run at the same time; 0: all
	Budget         time.Duration
	Timeout        time.Duration
	Retry          Retry
	Constant       bool // it reads no output of another step, so it can be bound before the run
	cond           *expression
	with           *params
}

// Retry is how a step's transient failures are tried again, each time with the same key.
type Retry struct {
	Attempts int           // all together, the first one included; at least 1
	Base     time.Duration // before the second attempt; doubles from there
	Max      time.Duration // the longest wait
}

// Step finds a step by id.
func (p *Plan) Step(id string) (*PlannedStep, bool) {
	i, ok := p.index[id]
	if !ok {
		return nil, false
	}
	return &p.Steps[i], true
}

// Secrets finds the value behind `${{ secret.NAME }}`. A nil Secrets leaves them opaque, which is enough for everything
// but Apply.
type Secrets interface {
	Secret(name string) (string, error)
}
