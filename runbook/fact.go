package runbook

import (
	"encoding/json"
	"time"
)

// Event is a Fact with its place in one run's journal. Seq starts at 1 and has no gaps; Time is the run's own clock,
// which a simulated world may run faster than the wall. Order is by Seq alone: clocks jump.
type Event struct {
	Seq   uint64
	Time  time.Time
	Run   RunID
	Epoch uint64 // of the driver that wrote it; 0 for a fact that came from an operator's process
	Fact  Fact
}

// Fact is something that happened, in the past tense. The set is closed: Facts lists every one.
type Fact interface {
	// Type is the name under which the fact is journaled, such as "step.started". It never changes.
	Type() string
}

// Facts returns a new zero value (a pointer) of every type of fact, in the order in which a run meets them. Encoders
// use it to find the type behind a name.
func Facts() []Fact {
	return []Fact{
		&RunStarted{}, &RunResumed{}, &RunTakenOver{}, &RunHeld{}, &RunFinished{},
		&GuardPassed{}, &GuardFailed{}, &GuardWaived{}, &GuardNotApplicable{},
		&ApprovalAsked{}, &ApprovalGiven{}, &ApprovalRefused{},
		&StepStarted{}, &StepSucceeded{}, &StepFailed{}, &StepUnknown{}, &StepSkipped{}, &StepNotNeeded{},
		&StepByHand{}, &StepRetried{}, &StepOverdue{}, &LookRequested{},
		&UndoRequested{}, &UndoStarted{}, &UndoSucceeded{}, &UndoFailed{},
		&NoteAdded{}, &StopRequested{},
	}
}

// RunStarted opens a journal. It pins everything a resume needs, so that files changed on disk cannot change a run.
type RunStarted struct {
	Mode      Mode              `json:"mode"`
	Runbook   Source            `json:"runbook"`
	Estate    Source            `json:"estate"`
	Inputs    map[string]string `json:"inputs,omitempty"`
	Resolved  map[string]string `json:"resolved,omitempty"` // estate path -> id, for resources chosen by tags
	Digest    string            `json:"digest"`             // of the plan, "sha256:..."
	Title     string            `json:"title"`
	Name      string            `json:"name"`
	Target    Duration          `json:"target,omitempty"`
	Clock     ClockSpec         `json:"clock,omitzero"`
	World     string            `json:"world,omitempty"`   // of a simulated run: the world's folder, relative to the run's
	Answers   []Answer          `json:"answers,omitempty"` // confirmations given on the command line
	Driver    Driver            `json:"driver"`
	By        Actor             `json:"by"`
	Versions  map[string]string `json:"versions,omitempty"`
	Reference string            `json:"reference,omitempty"` // free text of the operator: a ticket, a change number
}

// RunResumed: the run goes on. With a Driver, a new one holds it after a crash; without, a hold came to its end.
type RunResumed struct {
	Driver *Driver `json:"driver,omitempty"`
	Reason string  `json:"reason,omitempty"`
}

// RunTakenOver: a driver that was still alive was ended by an operator, who typed the word, and another goes on.
type RunTakenOver struct {
	Driver Driver `json:"driver"`
	From   Driver `json:"from"`
	By     Actor  `json:"by"`
}

// RunHeld: nothing can go on until a person decides. Questions are the sequence numbers of what is asked.
type RunHeld struct {
	Reason    string   `json:"reason"`
	Questions []uint64 `json:"questions,omitempty"`
}

// RunFinished closes the run; only an undo may follow.
type RunFinished struct {
	Outcome Outcome `json:"outcome"`
	Elapsed Seconds `json:"elapsed"` // of the run's own clock, from State.ClockFrom, holds included; 0 when it ended before
	Reason  string  `json:"reason,omitempty"`
	Skipped int     `json:"skipped,omitempty"`
	Refused bool    `json:"refused,omitempty"` // a guard refused it: nothing was done
}

// GuardPassed, GuardFailed, GuardWaived and GuardNotApplicable settle a guard. GuardFailed is a question when the guard
// can be waived: Word is what the operator types to sign it away.
type GuardPassed struct {
	Guard    string `json:"guard"`
	Evidence string `json:"evidence,omitempty"`
}

// GuardFailed: see GuardPassed.
type GuardFailed struct {
	Guard    string  `json:"guard"`
	Evidence string  `json:"evidence,omitempty"`
	Unsure   bool    `json:"unsure,omitempty"` // it could not be found out, which is not the same as false
	Waive    Confirm `json:"waive,omitempty"`
	Word     string  `json:"word,omitempty"`
}

// GuardWaived: see GuardPassed.
type GuardWaived struct {
	Guard   string `json:"guard"`
	Answers uint64 `json:"answers"`
	By      Actor  `json:"by"`
	Reason  string `json:"reason,omitempty"`
}

// GuardNotApplicable: see GuardPassed.
type GuardNotApplicable struct {
	Guard  string `json:"guard"`
	Reason string `json:"reason,omitempty"`
}

// ApprovalAsked asks a person. Step is the step that waits, or "start" for the run as a whole.
type ApprovalAsked struct {
	Step    string  `json:"step"`
	Confirm Confirm `json:"confirm"`        // key or type
	Word    string  `json:"word,omitempty"` // to be typed, when Confirm is type
	Text    string  `json:"text"`
	Manual  bool    `json:"manual,omitempty"` // the answer says that a person has done the step
}

// ApprovalGiven answers an ApprovalAsked.
type ApprovalGiven struct {
	Step    string         `json:"step"`
	Answers uint64         `json:"answers"`
	By      Actor          `json:"by"`
	Outputs map[string]any `json:"outputs,omitempty"` // of a manual step
	Note    string         `json:"note,omitempty"`
}

// ApprovalRefused answers an ApprovalAsked with no.
type ApprovalRefused struct {
	Step    string `json:"step"`
	Answers uint64 `json:"answers"`
	By      Actor  `json:"by"`
	Reason  string `json:"reason,omitempty"`
}

// StepStarted is the intent: it is durable before the call goes out.
type StepStarted struct {
	Step       string `json:"step"`
	Kind       string `json:"kind"`
	Attempt    int    `json:"attempt"`    // from 1
	Generation int    `json:"generation"` // from 1; part of the key
	Key        Key    `json:"key"`
	Before     Before `json:"before,omitempty"`
}

// StepSucceeded: the step holds.
type StepSucceeded struct {
	Step     string         `json:"step"`
	Attempt  int            `json:"attempt"`
	Elapsed  Seconds        `json:"elapsed"` // since the first intent of the step
	Evidence string         `json:"evidence,omitempty"`
	Outputs  map[string]any `json:"outputs,omitempty"`
	Made     []Target       `json:"made,omitempty"`
	Changed  []Target       `json:"changed,omitempty"`
	Settled  bool           `json:"settled,omitempty"` // it was unknown, and looking settled it
}

// StepFailed: the attempt came to an end that is known. Verdict says what may follow.
type StepFailed struct {
	Step    string  `json:"step"`
	Attempt int     `json:"attempt"`
	Error   Failure `json:"error"`
	Spent   bool    `json:"spent,omitempty"` // the key was used up: another generation must follow
	Cut     bool    `json:"cut,omitempty"`   // a stop cut it short
	Again   bool    `json:"again,omitempty"` // the step's retry rule will try again; without it, a person decides
}

// StepUnknown: it may have happened. The engine looks; where looking cannot settle it, Ask opens a question.
type StepUnknown struct {
	Step    string `json:"step"`
	Attempt int    `json:"attempt"`
	Why     string `json:"why"`            // what was sent and why its end is not known
	Seen    string `json:"seen,omitempty"` // what looking has found so far
	Ask     bool   `json:"ask,omitempty"`
	// Made is what there is of it, as far as it is known.
	Made []Target `json:"made,omitempty"`
}

// StepSkipped: an operator left the step out, with a reason and the outputs that later steps read.
type StepSkipped struct {
	Step    string         `json:"step"`
	Answers uint64         `json:"answers,omitempty"`
	By      Actor          `json:"by"`
	Reason  string         `json:"reason"`
	Outputs map[string]any `json:"outputs,omitempty"`
}

// StepNotNeeded: its condition is false. Dependents go on; nothing was skipped.
type StepNotNeeded struct {
	Step string `json:"step"`
	If   string `json:"if"`
}

// StepByHand: a person did it outside lifeboat and says so.
type StepByHand struct {
	Step    string         `json:"step"`
	Answers uint64         `json:"answers"`
	By      Actor          `json:"by"`
	Note    string         `json:"note,omitempty"`
	Outputs map[string]any `json:"outputs,omitempty"`
	Claim   bool           `json:"claim,omitempty"` // the driver looks at the outputs first; see Voucher
}

// StepRetried lets the step start again, After this long on the run's clock. The generation, and with it the key, rises
// only after a definitive failure or when the key was spent: an attempt in doubt keeps its key, so that the far side
// can recognise it.
type StepRetried struct {
	Step       string   `json:"step"`
	Attempt    int      `json:"attempt"` // the one to come
	Generation int      `json:"generation"`
	After      Duration `json:"after,omitempty"`
	Answers    uint64   `json:"answers,omitempty"` // 0: by the step's own retry rule
	By         *Actor   `json:"by,omitempty"`
	Reason     string   `json:"reason,omitempty"`
	// Fallback is another way, which this attempt and those after it take; nil goes on in the same way.
	Fallback *Fallback `json:"fallback,omitempty"`
}

// StepOverdue: the step has used its budget. It is a mark, never a kill.
type StepOverdue struct {
	Step   string   `json:"step"`
	Budget Duration `json:"budget"`
}

// LookRequested: the operator wants an unknown step, or a failed guard, looked at once more.
type LookRequested struct {
	Step    string `json:"step,omitempty"`
	Guard   string `json:"guard,omitempty"`
	Answers uint64 `json:"answers"`
	By      Actor  `json:"by"`
}

// UndoRequested asks for steps to be undone. Steps is in the order of the request; dependents go first whatever it says.
type UndoRequested struct {
	Steps  []string `json:"steps"`
	By     Actor    `json:"by"`
	Reason string   `json:"reason,omitempty"`
}

// UndoStarted, UndoSucceeded and UndoFailed: see Undoer.
type UndoStarted struct {
	Step string `json:"step"`
}

// UndoSucceeded: see UndoStarted.
type UndoSucceeded struct {
	Step     string   `json:"step"`
	Evidence string   `json:"evidence,omitempty"`
	Left     []Target `json:"left,omitempty"` // of what was made: what stays, for a person to remove
}

// UndoFailed: see UndoStarted. Held names the step whose failed undo keeps this one from being tried.
type UndoFailed struct {
	Step  string  `json:"step"`
	Error Failure `json:"error"`
	Held  string  `json:"held,omitempty"`
}

// NoteAdded is a remark for the record.
type NoteAdded struct {
	Text string `json:"text"`
	Step string `json:"step,omitempty"`
	By   Actor  `json:"by"`
}

// StopRequested ends the run at the next safe point: nothing new starts, what is under way comes to its end.
type StopRequested struct {
	By     Actor  `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// Type names the fact.
func (*RunStarted) Type() string         { return "run.started" }
func (*RunResumed) Type() string         { return "run.resumed" }
func (*RunTakenOver) Type() string       { return "run.taken_over" }
func (*RunHeld) Type() string            { return "run.held" }
func (*RunFinished) Type() string        { return "run.finished" }
func (*GuardPassed) Type() string        { return "guard.passed" }
func (*GuardFailed) Type() string        { return "guard.failed" }
func (*GuardWaived) Type() string        { return "guard.waived" }
func (*GuardNotApplicable) Type() string { return "guard.not_applicable" }
func (*ApprovalAsked) Type() string      { return "approval.asked" }
func (*ApprovalGiven) Type() string      { return "approval.given" }
func (*ApprovalRefused) Type() string    { return "approval.refused" }
func (*StepStarted) Type() string        { return "step.started" }
func (*StepSucceeded) Type() string      { return "step.succeeded" }
func (*StepFailed) Type() string         { return "step.failed" }
func (*StepUnknown) Type() string        { return "step.unknown" }
func (*StepSkipped) Type() string        { return "step.skipped" }
func (*StepNotNeeded) Type() string      { return "step.not_needed" }
func (*StepByHand) Type() string         { return "step.by_hand" }
func (*StepRetried) Type() string        { return "step.retried" }
func (*StepOverdue) Type() string        { return "step.overdue" }
func (*LookRequested) Type() string      { return "look.requested" }
func (*UndoRequested) Type() string      { return "undo.requested" }
func (*UndoStarted) Type() string        { return "undo.started" }
func (*UndoSucceeded) Type() string      { return "undo.succeeded" }
func (*UndoFailed) Type() string         { return "undo.failed" }
func (*NoteAdded) Type() string          { return "note.added" }
func (*StopRequested) Type() string      { return "stop.requested" }

// Before is what a step found before it acted, as its kind wrote it; only that kind reads it.
type Before = json.RawMessage
