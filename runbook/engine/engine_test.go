package engine_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/runbook"
	"lifeboat/runbook/engine"
	"lifeboat/runbook/runbooktest"
	"lifeboat/store"
)

var update = flag.Bool("update", false, "write the transcripts anew")

// scene is one run on the stage. The replies answer what is asked, in order: "waive WORD", "approve WORD", "retry",
// "skip REASON", "by-hand", "look", "stop", "refuse REASON".
type scene struct {
	name    string
	mode    runbook.Mode
	body    string
	replies []string
	answers []runbook.Answer
	after   []runbook.Fact // appended when the run is over, for undo
	lives   int            // more than 1: drivers that die at 2 s, one after another
}

var scenes = []scene{
	{name: "parallel", body: `
confirm: none
steps:
  - {id: a, uses: do, with: {takes: 2s}, needs: []}
  - {id: b, uses: do, with: {apply: accept}, needs: []}
  - {id: c, uses: do, with: {input: "${{ steps.a.id }}"}, needs: [a, b]}
`},
	{name: "not-needed", body: `
confirm: none
inputs: {data: {title: Which, default: nightly, options: {replica: live, nightly: old}}}
steps:
  - {id: a, uses: do, if: inputs.data == "replica"}
  - {id: b, uses: do}
`},
	{name: "throttled", body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: throttle throttle ok}}
`},
	{name: "throttled-out-then-retried", replies: []string{"retry"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: throttle throttle throttle ok}, retry: {attempts: 3}}
`},
	{name: "refused-then-retried-with-a-new-key", replies: []string{"retry"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: refuse ok}}
  - {id: b, uses: do, with: {takes: 1s}, needs: []}
`},
	{name: "another-way-is-chosen", replies: []string{"use-nope", "use-big"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: full ok}}
`},
	{name: "another-way-is-taken-without-asking", body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: full full ok}, fallback: auto}
`},
	{name: "every-other-way-fails-too", replies: []string{"stop"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: full}, fallback: auto}
`},
	{name: "another-way-survives-its-driver", lives: 2, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: full lost, takes: 1s}, fallback: auto}
`},
	{name: "at-once", body: `
confirm: none
steps:
  - {id: s, each: [a, b, c], at_once: 2, uses: do, with: {takes: 1s}}
`},
	{name: "failed-then-skipped", replies: []string{"skip ", "skip it is not needed tonight"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: refuse}}
  - {id: b, uses: do}
`},
	{name: "failed-then-by-hand-with-outputs", replies: []string{"by-hand"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: refuse}}
  - {id: b, uses: do, with: {input: "${{ steps.a.id }}"}}
`},
	{name: "by-hand-is-looked-at", replies: []string{"by-hand nothing", "by-hand id-right"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: refuse}}
  - {id: b, uses: do, with: {input: "${{ steps.a.id }}"}}
`},
	{name: "by-hand-in-the-dark-is-insisted-on", replies: []string{"by-hand dark", "look", "by-hand dark"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: refuse}}
  - {id: b, uses: do, with: {input: "${{ steps.a.id }}"}}
`},
	{name: "by-hand-was-wrong-then-retried", replies: []string{"by-hand nothing", "retry"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: refuse ok}}
`},
	{name: "by-hand-survives-its-driver", lives: 3, replies: []string{"by-hand dark", "by-hand id-right"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: refuse}}
`},
	{name: "failed-then-stopped", replies: []string{"stop"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: refuse}}
  - {id: b, uses: do}
`},
	{name: "answer-lost-and-it-happened", body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: lost}}
`},
	{name: "no-answer-and-it-did-not-happen", body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: timeout ok}}
`},
	{name: "unknown-asked-looked-again-then-by-hand", replies: []string{"look", "by-hand"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: lost, observe: unsure}}
`},
	{name: "unknown-in-the-dark", replies: []string{"retry"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: timeout ok, observe: dark}}
`},
	{name: "broken", replies: []string{"retry"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: broken ok}}
`},
	{name: "panics", body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: panic ok}}
`},
	{name: "accepted-and-never-there", replies: []string{"stop"}, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {apply: never}, timeout: 20s}
`},
	{name: "probe-times-out", replies: []string{"retry"}, body: `
confirm: none
steps:
  - {id: a, uses: see, with: {sees: no no no no no no no no no no no yes}, timeout: 8s, budget: 2s}
`},
	{name: "overdue", body: `
confirm: none
steps:
  - {id: a, uses: do, with: {takes: 5s}, budget: 2s}
`},
	{name: "start-typed", replies: []string{"approve us-east-2", "approve us-east-1"}, body: `
confirm: type
steps:
  - {id: a, uses: do}
`},
	{name: "start-answered-by-flag", answers: []runbook.Answer{{Step: "start", Word: "us-east-1"}, {Step: "*"}}, body: `
confirm: type
steps:
  - {id: a, uses: do, confirm: key}
`},
	{name: "start-refused", replies: []string{"refuse not tonight"}, body: `
confirm: key
steps:
  - {id: a, uses: do}
`},
	{name: "step-refused-then-stopped", replies: []string{"refuse not yet", "stop"}, body: `
confirm: none
steps:
  - {id: a, uses: do, confirm: key}
`},
	{name: "manual", replies: []string{"approve"}, body: `
confirm: none
steps:
  - {id: call, uses: person, title: Call the bank}
  - {id: b, uses: do}
`},
	{name: "guard-waived", replies: []string{"look", "waive UNFENCED"}, body: `
confirm: none
guards:
  - {id: fenced, uses: see, with: {sees: no}, waive: type, word: UNFENCED}
  - {id: live-only, uses: see, with: {sees: no}, in: [live]}
steps:
  - {id: a, uses: do}
`},
	{name: "guard-refuses", body: `
confirm: none
guards:
  - {id: down, uses: see, with: {sees: no}}
steps:
  - {id: a, uses: do}
`},
	{name: "guard-unsure-looked-again", replies: []string{"look"}, body: `
confirm: none
guards:
  - {id: down, uses: see, with: {sees: unsure yes}}
steps:
  - {id: a, uses: do}
`},
	{name: "undo", after: []runbook.Fact{&runbook.UndoRequested{Steps: []string{"a"}}}, body: `
confirm: none
steps:
  - {id: a, uses: do, needs: []}
  - {id: b, uses: do, needs: [a]}
  - {id: c, uses: do, with: {takes: 1s}, needs: []}
`},
	{name: "undo-fails-and-holds-what-is-below", after: []runbook.Fact{&runbook.UndoRequested{Steps: []string{"a"}}}, body: `
confirm: none
steps:
  - {id: a, uses: do, needs: []}
  - {id: b, uses: do, needs: [a], with: {undo: refuse}}
`},
	{name: "drill-fence", mode: runbook.Drill, replies: []string{"skip production is not ours", "stop"}, body: `
confirm: none
steps:
  - {id: a, uses: do}
  - {id: b, uses: do, with: {target: id-of-a}}
  - {id: c, uses: do, with: {target: production}}
`},
	{name: "drivers-die", lives: 3, body: `
confirm: none
steps:
  - {id: a, uses: do, with: {takes: 3s, apply: lost ok}}
  - {id: b, uses: see, with: {sees: wait wait wait wait wait wait wait wait yes}}
`},
}

func TestTranscripts(t *testing.T) {
	for _, sc := range scenes {
		t.Run(sc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { compare(t, sc.name, play(t, sc)) })
		})
	}
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the transcript has changed (go test -update writes it anew):\n--- want\n%s--- got\n%s", want, got)
	}
}

// play runs a scene to its end and returns its transcript: every event with its time, and what the world was asked to do.
func play(t *testing.T, sc scene) string {
	clock := runbook.WallClock{}
	st := newStage(clock)
	mode := sc.mode
	if mode == "" {
		mode = runbook.Rehearse
	}
	p := plan(t, st, mode, sc.body)
	lab := runbooktest.Lab{
		Run: "r1", Plan: p, Journal: store.NewMemory("r1", clock.Now), Clock: clock, Decide: script(sc.replies),
		Start: &runbook.RunStarted{Mode: mode, Name: "test", Answers: sc.answers, Driver: runbook.Driver{Epoch: 1}},
	}
	epoch := uint64(1)
	for ; int(epoch) < sc.lives; epoch++ {
		lab.Life(t, epoch, 0, runbooktest.Before, 2*time.Second)
	}
	s, _ := lab.Life(t, epoch, 0, runbooktest.Before, 0)
	if len(sc.after) > 0 {
		if _, err := lab.Journal.Append(t.Context(), s.Seq, 0, sc.after...); err != nil {
			t.Fatal(err)
		}
		lab.Life(t, epoch+1, 0, runbooktest.Before, 0)
	}
	return transcript(t, lab) + strings.Join(st.log, "\n") + "\n"
}

func script(replies []string) func(runbook.Question) runbook.Reply {
	next := 0
	return func(q runbook.Question) runbook.Reply {
		r := runbook.Reply{By: runbook.Actor{Name: "operator"}, Choice: "nothing"}
		if next < len(replies) {
			choice, rest, _ := strings.Cut(replies[next], " ")
			r.Choice, r.Word, r.Reason = runbook.Choice(choice), rest, rest
			if r.Choice == runbook.ChooseByHand {
				r.Outputs = map[string]any{"id": cmp.Or(rest, "id-by-hand")}
			}
			next++
		}
		return r
	}
}

func transcript(t *testing.T, lab runbooktest.Lab) string {
	t.Helper()
	events, err := lab.Journal.Events(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range events {
		text, err := store.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(string(text), `"type":`)
		fmt.Fprintf(&b, "%6.2f %s\n", e.Time.Sub(events[0].Time).Seconds(), strings.TrimSuffix(body, "}"))
	}
	return b.String()
}

// A driver whose epoch is stale appends nothing more and stops, whenever the other one comes.
func TestStaleDriverIsFenced(t *testing.T) {
	for i := range 100 {
		synctest.Test(t, func(t *testing.T) { fenced(t, time.Duration(i)*97*time.Millisecond) })
	}
}

func fenced(t *testing.T, after time.Duration) {
	clock := runbook.WallClock{}
	st := newStage(clock)
	p := plan(t, st, runbook.Rehearse, "confirm: none\nsteps:\n  - {id: a, uses: do, with: {takes: 10s}}\n  - {id: b, uses: do}\n")
	journal := store.NewMemory("r1", clock.Now)
	cfg := engine.Config{
		Plan: p, Run: "r1", Journal: journal, Clock: clock, Driver: runbook.Driver{Epoch: 1},
		Start: &runbook.RunStarted{Mode: runbook.Rehearse, Driver: runbook.Driver{Epoch: 1}},
	}
	first := make(chan error, 1)
	go func() {
		_, err := engine.New(cfg).Drive(t.Context())
		first <- err
	}()
	time.Sleep(after + time.Millisecond)
	second := cfg
	second.Driver.Epoch = 2
	s, err := engine.New(second).Drive(t.Context())
	if err != nil || s.Finished == nil || s.Finished.Outcome != runbook.Done {
		t.Fatalf("after %s the second driver ended with %+v, %v", after, s.Finished, err)
	}
	var stale *runbook.ErrFenced
	if err := <-first; !errors.As(err, &stale) {
		t.Errorf("after %s the first driver ended with %v, not fenced", after, err)
	}
}

// said is a desk that keeps what was last said of each step.
type said struct {
	mu   sync.Mutex
	text map[string]string
}

func (d *said) Progress(step string, p runbook.Progress) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.text[step] = p.Text
}

func (d *said) Log(string) io.Writer { return io.Discard }
func (d *said) Trouble(error)        {}

// Whoever looks at a step that does not move sees why, and how long that may last: of a probe, of something accepted, of
// something unknown and of a guard.
func TestWaitingSaysWhyAndHowLong(t *testing.T) {
	for body, want := range map[string]string{
		"steps:\n  - {id: a, uses: see, with: {sees: dark}}\n":                                  "no answer · waits 1:00 at most",
		"steps:\n  - {id: a, uses: see, with: {sees: wait}, timeout: 30s}\n":                    "coming · waits 0:30 at most",
		"steps:\n  - {id: a, uses: do, with: {apply: never}}\n":                                 "on its way · waits 1:00 at most",
		"steps:\n  - {id: a, uses: do, with: {apply: lost, observe: dark}}\n":                   "no answer · waits 0:35 at most",
		"guards:\n  - {id: a, uses: see, with: {sees: wait}}\nsteps:\n  - {id: b, uses: see}\n": "coming · waits 1:00 at most",
	} {
		synctest.Test(t, func(t *testing.T) {
			clock := runbook.WallClock{}
			desk := &said{text: map[string]string{}}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			_, err := engine.New(engine.Config{
				Plan: plan(t, newStage(clock), runbook.Rehearse, "confirm: none\n"+body), Run: "r1", Journal: store.NewMemory("r1", clock.Now),
				Clock: clock, Driver: runbook.Driver{Epoch: 1}, Desk: desk,
				Start: &runbook.RunStarted{Mode: runbook.Rehearse, Driver: runbook.Driver{Epoch: 1}},
			}).Drive(ctx)
			synctest.Wait()
			if !errors.Is(err, context.DeadlineExceeded) || desk.text["a"] != want {
				t.Errorf("%safter 5 s: %q, want %q (%v)", body, desk.text["a"], want, err)
			}
		})
	}
}

// tight is a journal on a disk without room for some time.
type tight struct {
	engine.Journal
	clock runbook.Clock
	from  time.Time
	until time.Time
}

func (j tight) Append(ctx context.Context, after, epoch uint64, facts ...runbook.Fact) ([]runbook.Event, error) {
	if now := j.clock.Now(); now.After(j.from) && now.Before(j.until) {
		return nil, &store.ErrFull{Path: "events.jsonl", Err: errors.New("no space left on device")}
	}
	return j.Journal.Append(ctx, after, epoch, facts...)
}

// Nothing acts while its intent cannot be made durable; what was learnt meanwhile is not lost.
func TestFullDiskHoldsTheRunAndLetsItGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := runbook.WallClock{}
		st := newStage(clock)
		p := plan(t, st, runbook.Rehearse, "confirm: none\nsteps:\n  - {id: a, uses: do, with: {takes: 2s}}\n  - {id: b, uses: do}\n")
		start := clock.Now()
		journal := tight{store.NewMemory("r1", clock.Now), clock, start.Add(time.Second), start.Add(30 * time.Second)}
		s, err := engine.New(engine.Config{
			Plan: p, Run: "r1", Journal: journal, Clock: clock, Driver: runbook.Driver{Epoch: 1},
			Start: &runbook.RunStarted{Mode: runbook.Rehearse, Driver: runbook.Driver{Epoch: 1}},
		}).Drive(t.Context())
		if err != nil || s.Finished == nil || s.Finished.Outcome != runbook.Done {
			t.Fatalf("ended with %+v, %v", s.Finished, err)
		}
		if since := s.Step("b").First.Sub(start); since < 29*time.Second {
			t.Errorf("step b started after %s, before there was room for its intent", since)
		}
		if len(st.log) != 2 {
			t.Errorf("the world was asked %q", st.log)
		}
	})
}
