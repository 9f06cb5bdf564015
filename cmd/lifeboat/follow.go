package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
)

// follower shows a run and, where somebody is there to answer, carries the answers to its journal. It drives nothing: when
// it goes, the run goes on.
type follower struct {
	app     *app
	dir     store.Dir
	run     runbook.RunID
	journal *logbook.Book
	print   printer
	plan    *runbook.Plan
	ops     *operator // nil: nobody answers
	state   runbook.State
	asked   uint64   // the question on the screen
	told    uint64   // the question that was answered here, or of which was said who had decided it
	early   []string // lines of a script that came before their question
	from    uint64   // events up to this one are not shown
	shown   map[string]runbook.Progress
	trouble string
	undo    []string // the steps whose undo is followed: they decide the exit code
	putBack *putBack // an undo that waits for its word

	asksUndo []string // steps whose undo was asked from here while the run went on: the run's own end decides the exit code
}

// livePoll is how often a follower looks at what lies beside the journal.
const livePoll = 500 * time.Millisecond

// follow shows the run until it ends, holds with nobody to answer, or the follower is interrupted. The error is the exit
// code.
func (f *follower) follow() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	moved := make(chan error, 1)
	tick := time.NewTicker(livePoll)
	defer tick.Stop()
	waiting := false
	for {
		if err := f.read(ctx); err != nil {
			return err
		}
		if code, over := f.ended(); over {
			return silentExit(code)
		}
		f.askNext()
		if err := f.answerEarly(ctx); err != nil {
			return err
		}
		if !waiting {
			waiting = true
			go func(after uint64) { moved <- f.journal.Wait(ctx, after) }(f.state.Seq)
		}
		select {
		case <-moved:
			waiting = false
		case line, ok := <-f.lines():
			if err := f.heard(ctx, line, ok); err != nil {
				return err
			}
		case <-tick.C:
			if code, gone := f.look(); gone {
				return silentExit(code)
			}
		}
		if ctx.Err() != nil {
			return f.leave()
		}
	}
}

func (f *follower) lines() <-chan string {
	if f.ops == nil || f.ops.closed {
		return nil
	}
	return f.ops.lines
}

// nobody says that no answer can come from here any more.
func (f *follower) nobody() bool { return f.ops == nil || f.ops.closed && len(f.early) == 0 }

// read takes in what is new and shows it.
func (f *follower) read(ctx context.Context) error {
	events, err := f.journal.Events(ctx, f.state.Seq+1)
	for _, e := range events {
		f.state.Apply(e)
		if e.Seq > f.from {
			f.print.event(e, &f.state)
		}
	}
	if err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// ended reports whether the run is over, or waits for an operator and none is here.
func (f *follower) ended() (code int, over bool) {
	if f.state.Finished != nil {
		if f.undoing() {
			return 0, false
		}
		if len(f.undo) > 0 {
			return f.undone(), true
		}
		f.sayNotPutBack()
		return exitOf(f.state.Finished), true
	}
	// A hold whose questions are all answered ends in a moment: its driver has yet to hear of it.
	qs, held := f.state.Questions(), f.state.Held
	if held != nil && (len(qs) > 0 || len(held.Questions) == 0) && f.nobody() {
		for _, q := range qs {
			f.ask(q)
		}
		f.print.say("the run waits for an operator; answer with: lifeboat attach %s", f.run)
		return exitGoesOn, true
	}
	return 0, false
}

// undone is the exit code of an undo.
func (f *follower) undone() int {
	if f.allUndone(f.undo) {
		return exitDone
	}
	f.print.say("not everything could be put back; try again with: lifeboat undo %s", f.run)
	return exitFailed
}

func (f *follower) allUndone(steps []string) bool {
	return !slices.ContainsFunc(steps, func(id string) bool { return f.state.Step(id).Undo != runbook.UndoDone })
}

// undoing reports whether an undo of the finished run is under way or to come.
func (f *follower) undoing() bool {
	if f.plan == nil || len(f.state.UndoQueue) == 0 {
		return false
	}
	return len(runbook.Decide(f.plan, f.state)) > 0 || len(runbook.Outstanding(f.plan, f.state)) > 0
}

// over: the run is finished and nothing is left to undo.
func (f *follower) over() bool { return f.state.Finished != nil && !f.undoing() }

// askNext puts the oldest open question on the screen, once. One that was answered on the command line is not asked.
func (f *follower) askNext() {
	qs := f.state.Questions()
	if f.nobody() || len(qs) == 0 || qs[0].Seq == f.asked || runbook.AnsweredAhead(f.plan, &f.state, qs[0]) {
		return
	}
	f.asked = qs[0].Seq
	f.ask(qs[0])
}

// look shows progress, trouble, and whether the driver is still there.
func (f *follower) look() (code int, gone bool) {
	if l, ok := readLive(f.dir.Run(f.run).Live()); ok {
		f.showLive(l)
	}
	if _, _, held, err := logbook.Holder(f.dir.Run(f.run).Lock()); held || err != nil || f.over() {
		return 0, false
	}
	// The lock is free: the driver has ended, perhaps between our reading and this look.
	if err := f.read(context.Background()); err != nil || f.over() {
		return 0, false
	}
	if f.state.Finished != nil {
		f.print.say("the driver of this undo has ended before it was through. Go on with: lifeboat undo %s", f.run)
		return exitGoesOn, true
	}
	f.print.say("the driver of this run has ended; what was under way is not known. Go on with: lifeboat resume %s", f.run)
	return exitGoesOn, true
}

// waitedFor reports whether something is under way for the step, or the guard, of that id. What lies beside the journal may be
// older than its end.
func (f *follower) waitedFor(id string) bool {
	if g, guard := f.state.Guards[id]; guard {
		return g.Status == runbook.StatusWaiting
	}
	st := f.state.Step(id)
	return st.Undo == runbook.UndoRunning || f.state.Finished == nil && (st.Acting() || st.Status == runbook.StatusWaiting)
}

// showLive shows what lies beside the journal: progress, and why the record cannot be written.
func (f *follower) showLive(l live) {
	for _, step := range sortedKeys(l.Progress) {
		p := l.Progress[step]
		if f.shown[step] != p && f.waitedFor(step) {
			f.shown[step] = p
			f.print.progress(f.state.Now, f.run, step, p)
		}
	}
	if l.Trouble == f.trouble {
		return
	}
	f.trouble = l.Trouble
	if l.Trouble != "" {
		f.print.say("! the record cannot be written, so nothing new starts: %s", l.Trouble)
	} else {
		f.print.say("the record can be written again; the run goes on")
	}
}

// heard takes one typed line.
func (f *follower) heard(ctx context.Context, line string, ok bool) error {
	if !ok {
		f.ops.closed = true
		return nil
	}
	q, open := f.state.Open(f.asked)
	if f.putBack != nil {
		return f.heardWord(ctx, line)
	}
	if typed := open && q.Confirm == runbook.ConfirmType && line == q.Word; !typed {
		if known, err := f.heardAnyway(ctx, q, open, line); known {
			return err
		}
	}
	by := thisActor()
	if note, is := cutWord(line, "note"); is {
		return f.append(ctx, &runbook.NoteAdded{Text: note, By: by})
	}
	if reason, is := cutWord(line+" ", "stop"); is {
		return f.append(ctx, &runbook.StopRequested{By: by, Reason: strings.TrimSpace(reason)})
	}
	if !open {
		f.unasked(line)
		return nil
	}
	r, err := reply(q, line, by)
	if err == nil {
		r, err = runbook.Complete(f.plan, &f.state, q, r)
	}
	var fact runbook.Fact
	if err == nil {
		fact, err = q.Answer(r)
	}
	if err != nil {
		f.print.say("  %v", err)
		f.sayAnswers(q)
		return nil
	}
	return f.decide(ctx, q, fact)
}

// unasked takes an answer to which there is no open question. A person is told why: another was first, or nothing is asked,
// so that what was typed for one question never answers the next. A script cannot see the questions: its line waits.
func (f *follower) unasked(line string) {
	d, decided := f.state.Decided[f.asked]
	switch {
	case line == "":
	case decided && f.told != f.asked && d.By.Via != "flag":
		f.told = f.asked
		f.print.say("decided by %s at %s", d.By, d.At.Format(time.TimeOnly))
	case f.ops.script:
		f.early = append(f.early, line)
	default:
		f.print.say("nothing is asked now; `help` tells what can be typed at any time")
	}
}

// answerEarly gives the next line of a script to the question that is open now.
func (f *follower) answerEarly(ctx context.Context) error {
	if _, open := f.state.Open(f.asked); !open || len(f.early) == 0 || f.told == f.asked {
		return nil
	}
	line := f.early[0]
	f.early = f.early[1:]
	return f.heard(ctx, line, true)
}

func cutWord(line, word string) (rest string, ok bool) {
	if len(line) > len(word) && line[:len(word)] == word && line[len(word)] == ' ' {
		return line[len(word)+1:], true
	}
	return "", false
}

// append adds a fact that holds whatever has happened meanwhile.
func (f *follower) append(ctx context.Context, fact runbook.Fact) error {
	return appendAnyway(ctx, f.journal, f.state.Seq, fact)
}

// decide appends a decision. When the question was answered meanwhile, it says by whom.
func (f *follower) decide(ctx context.Context, q runbook.Question, fact runbook.Fact) error {
	for {
		if retry, ok := fact.(*runbook.StepRetried); ok {
			f.state.Retry(retry)
		}
		_, err := f.journal.Append(ctx, f.state.Seq, 0, fact)
		var conflict *runbook.ErrConflict
		if !errors.As(err, &conflict) {
			f.told = q.Seq
			return err
		}
		if conflict.Last < f.state.Seq { // what was seen here was taken back: the record starts anew
			f.state, f.from = runbook.State{}, conflict.Last
		}
		if err := f.read(ctx); err != nil {
			return err
		}
		if _, open := f.state.Open(q.Seq); !open {
			f.told = q.Seq
			if d, decided := f.state.Decision(q.Seq); decided {
				f.print.say("decided by %s at %s", d.By, d.At.Format(time.TimeOnly))
			}
			return nil
		}
	}
}

// appendAnyway appends an unconditional fact: a note or a stop.
func appendAnyway(ctx context.Context, j *logbook.Book, after uint64, fact runbook.Fact) error {
	for range 100 {
		_, err := j.Append(ctx, after, 0, fact)
		var conflict *runbook.ErrConflict
		if !errors.As(err, &conflict) {
			return err
		}
		after = conflict.Last
	}
	return fmt.Errorf("the journal moves too fast to be written")
}
