package page

import (
	"context"
	"fmt"
	"time"

	"lifeboat/runbook"
)

// What the pages show is in this file, and the small interfaces through which they get it. Every text has been cleaned
// (runbook.Clean) by whoever implements them; every method may block, and is called from a command, never from Update or
// View.

// Overviewer is what home asks first.
type Overviewer interface {
	// Overview is read from this machine alone, within some milliseconds. It does not fail: what could not be read is in
	// Troubles.
	Overview(ctx context.Context) Overview
}

// Reader takes the estate's pulse.
type Reader interface {
	// Readings probes the estate once and returns what it found. It calls nothing that changes anything. Each probe has its
	// own deadline; one without an answer is Unknown. It takes some seconds.
	Readings(ctx context.Context) []Reading
}

// Previewer compiles a runbook without acting.
type Previewer interface {
	// Preview says what a run would be. Mistakes in the files are in its Trouble.
	Preview(ctx context.Context, c Choice) Preview
}

// Starter starts runs.
type Starter interface {
	// Start hands a new run to a process of its own and returns when the run is on record. Errors are *Trouble, or *NeedWord
	// when it can start only after a typed word: then it is called again with the word in Choice.Words.
	Start(ctx context.Context, c Choice) (runbook.RunID, error)
}

// Opener opens a run that is on record.
type Opener interface {
	// OpenRun returns *Trouble when there is no such run or its record cannot be read at all.
	OpenRun(ctx context.Context, id runbook.RunID) (Session, error)
}

// Historian lists runs.
type Historian interface {
	// Runs returns runs newest first. A list that is not whole says so in its Troubles.
	Runs(ctx context.Context, q RunQuery) RunList
}

// Session is one run, followed by one page. It is used from several goroutines.
type Session interface {
	// Opened is what was there when the session began.
	Opened() Opened
	// Next returns when there are events after that sequence number, when something beside the journal has changed, or after
	// two seconds at the latest; or with ctx's error. One call at a time.
	Next(ctx context.Context, after uint64) (News, error)
	// Answer decides a question. Errors are *Decided when somebody else was first, *Trouble otherwise. State is the caller's.
	Answer(ctx context.Context, s *runbook.State, q runbook.Question, r runbook.Reply) error
	// Tell appends a note, a request to stop or a request to undo, whatever has happened meanwhile, and sees to it that
	// somebody drives the run when it has to be driven.
	Tell(ctx context.Context, fact runbook.Fact) error
	// Drive takes up a run that nobody drives. When somebody does, the first call returns *NeedWord with who, and a second
	// one with that word ends the driver and goes on in its place.
	Drive(ctx context.Context, word string) error
	// Text reads a part of a log: see TextQuery.
	Text(ctx context.Context, q TextQuery) (Text, error)
	Close()
}

// Overview is what is known without asking the world.
type Overview struct {
	Estate   string // name
	Account  string // as the estate says; "" when it does not
	Service  string // DNS name
	From, To string // regions: production and standby
	Demo     bool   // the estate is simulated
	Runbooks []RunbookLine
	Open     []RunLine // runs that have not ended, newest first
	Recent   []RunLine // the newest that have
	Troubles []Trouble // what could not be read
}

// RunbookLine is one runbook in the list.
type RunbookLine struct {
	Ref      string // what Choice.Runbook takes
	Name     string
	Title    string
	Target   time.Duration // 0: none
	Forecast Forecast
	Proved   *RunLine // the newest live run or drill that ended done
	Trouble  *Trouble // its files are wrong
	Unfit    bool     // it is shipped, and Trouble says what this estate has not for it
	Shipped  bool     // on the shipped estate: it can only be rehearsed
}

// Forecast is how long a run is expected to take, from this estate's own history where there is one.
type Forecast struct {
	P50, P90 time.Duration
	Source   string // "history of 4 runs" or "budget"
}

// RunLine is one run in a list.
type RunLine struct {
	Run      runbook.RunID
	Name     string
	Title    string
	Mode     runbook.Mode
	Started  time.Time
	Finished time.Time       // zero while it goes on; with no Outcome: it is over, and its undo is not
	Outcome  runbook.Outcome // "" while it goes on
	Refused  bool
	Skipped  int
	Elapsed  time.Duration // on the run's own clock
	Target   time.Duration
	By       runbook.Actor
	Asks     string // of an open run: what it waits for a person for; "" when it does not
	Driven   bool   // of an open run: a living process drives it
	Driver   string // who and which process, since when
	Damaged  bool   // its record is
}

// Verdict is what a reading means.
type Verdict string

// The verdicts. Unknown is not well.
const (
	Well    Verdict = "well"
	Warn    Verdict = "warn"
	Bad     Verdict = "bad"
	Unknown Verdict = "unknown"
)

// Reading is one value with where it comes from and when.
type Reading struct {
	Group   string // service, dns, region, server, backup, standby, and what is told only when it matters: ssh, zone, control, here
	Name    string // www.example.com, us-west-1, the volume
	Value   string // 200 in 84 ms from 203.0.113.10
	Source  string // HTTP GET, DescribeInstances
	Limit   string // what it is held against
	At      time.Time
	Verdict Verdict
	Do      string         // when it is not well
	Clues   []runbook.Clue // what triage concludes from; the words are those of the reading
}

// Choice is what an operator wants to run.
type Choice struct {
	Runbook   string
	Mode      runbook.Mode
	Inputs    map[string]string
	Night     string            // of a rehearsal; "" is quiet
	Scene     string            // of a rehearsal; "" is stopped
	Seed      uint64            // of a rehearsal; 0 is drawn
	Speed     float64           // of a rehearsal; 0 is 1
	Reference string            // a ticket, a change number
	Words     map[string]string // typed to Start: NeedWord.Name -> word
}

// Preview is a runbook as it would run.
type Preview struct {
	Choice     Choice
	Path       string        // of the runbook's file
	Plan       *runbook.Plan // nil with a Trouble
	Trouble    *Trouble
	Inputs     []Input
	Estimates  map[string]runbook.Estimate // by step
	Calls      map[string][]string         // by step: the commands that do the same; a line that begins with # is a remark
	Never      map[string]bool             // steps whose condition is false with these inputs
	Nights     []Option                    // for rehearsals
	Scenes     []Option
	WhyNotLive string // "" when it can run live
	WhyNoDrill string // "" when it can be drilled
	Notes      []string
	Past       []RunLine // newest first
}

// Input is a question that the runbook asks before a run.
type Input struct {
	Name, Title, Value string
	Options            []Option // none: free text
}

// Option is one of several.
type Option struct{ Name, Title string }

// Opened is a run as a session found it.
type Opened struct {
	Run       runbook.RunID
	Plan      *runbook.Plan // nil when this lifeboat cannot compile it: PlanWhy says why
	PlanWhy   *Trouble
	Clock     runbook.Clock // the run's own
	Speed     float64       // of that clock; 1 is real time
	Estimates map[string]runbook.Estimate
	Events    []runbook.Event
	Others    []RunLine                                    // runs that were open then beside this one, newest first
	Damage    *Trouble                                     // the record ends before its time
	Calls     map[string][]string                          // by step: the commands that do the same, with placeholders for outputs
	Wants     func(s *runbook.State, step string) []string // outputs that later steps read and the step has not left
	ByHand    func(s *runbook.State, step string) []string // the commands with what is known now
}

// News is what has happened since.
type News struct {
	Events   []runbook.Event
	Anew     bool // Events is everything from the first one on: what was seen before was taken back
	Progress map[string]runbook.Progress
	Record   string // why the record cannot be written; "" when it can
	Driven   bool   // a living process drives the run
	Driver   runbook.Driver
	Since    time.Time // when that driver took it
}

// TextQuery asks for a part of a log. Offsets are in bytes; a part begins and ends at a line's border.
type TextQuery struct {
	Step  string // the log of a step; "" is the log of the calls
	From  int64  // from here on; negative: the last Max bytes
	Until int64  // not beyond this; 0: the end
	Max   int    // bytes; 0: 64 KiB
}

// Text is a part of a log.
type Text struct {
	Lines    []string
	From, To int64
	Size     int64 // of the whole log now
}

// RunQuery chooses runs.
type RunQuery struct {
	Find   string // words that all stand in id, runbook, mode, outcome or person
	Before string // a cursor: behind the last one of RunList
	Limit  int    // 0: 50
}

// RunList is a part of the history.
type RunList struct {
	Runs     []RunLine
	More     string // the cursor that goes on; "": this was all
	Troubles []Trouble
}

// Trouble is an error as a person needs it: what happened, what it means, what to do.
type Trouble struct{ What, Means, Do string }

func (t *Trouble) Error() string { return t.What }

// NeedWord asks for a typed word before something goes on.
type NeedWord struct {
	Name string // of the question
	Word string
	What string // what is the matter
	Do   string // what typing it does
}

func (n *NeedWord) Error() string { return n.What }

// Decided says that somebody else has answered the question.
type Decided struct {
	By runbook.Actor
	At time.Time
}

func (d *Decided) Error() string {
	return fmt.Sprintf("decided by %s at %s", d.By, d.At.Format(time.TimeOnly))
}
