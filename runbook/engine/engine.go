package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lifeboat/runbook"
)

// Journal is the durable order of a run's events, as the engine uses it. Append commits all facts as one batch when the
// last event is still after; *runbook.ErrConflict says that it is not, *runbook.ErrFenced that a newer driver holds the
// run. Any other error means that nothing was committed and that the same append may work later. Wait returns when an
// event behind after may be there.
type Journal interface {
	Append(ctx context.Context, after, epoch uint64, facts ...runbook.Fact) ([]runbook.Event, error)
	Events(ctx context.Context, from uint64) ([]runbook.Event, error)
	Wait(ctx context.Context, after uint64) error
}

// Desk takes what is shown but is not a fact. Its methods are called from many goroutines, must be quick, and cannot
// fail: what does not fit is dropped.
type Desk interface {
	Progress(step string, p runbook.Progress)
	Log(step string) io.Writer
	// Trouble says that the journal cannot be written and that the run waits for it; nil says that it can again.
	Trouble(err error)
}

// Config is what an engine needs. All fields but Secrets, Desk, Start, TakeOver and Poll are required.
type Config struct {
	Plan    *runbook.Plan
	Run     runbook.RunID
	Journal Journal
	Clock   runbook.Clock
	Driver  runbook.Driver // with the epoch under which it appends
	Secrets runbook.Secrets
	Desk    Desk
	// Start is appended when the journal is empty. TakeOver is appended instead of a run.resumed when an operator has ended
	// the driver before.
	Start    *runbook.RunStarted
	TakeOver *runbook.RunTakenOver
	// Started is called once, when the run is in the journal under this driver.
	Started func()
	Poll    Poll
}

// Poll is how often the world is looked at while something is awaited: First after the first look, then half as much again
// each time up to Max.
type Poll struct{ First, Max time.Duration }

// DefaultPoll makes waiting add at most a second to a change that takes less than a minute, the looking itself included,
// and little to one that is quick.
var DefaultPoll = Poll{First: 200 * time.Millisecond, Max: 600 * time.Millisecond}

// Engine drives one run once.
type Engine struct {
	Config
	state    runbook.State
	moments  moments
	results  chan result
	foreign  chan error
	inflight map[runbook.Work]*flight
	prepared map[string]*preparation
	own      map[string]int // step -> attempt whose intent this engine appended
	ctx      context.Context
	troubled bool
}

type flight struct {
	cancel context.CancelCauseFunc
	cut    bool
}

// result is what came back from a goroutine: of a piece of work its fact (nil: it was dropped), of a preparation what it
// found.
type result struct {
	work   runbook.Work
	fact   runbook.Fact
	prep   *preparation
	step   string
	before runbook.Before
	err    error
}

// errCut cancels work that the state calls for no more.
var errCut = errors.New("stopped before it was done")

// New makes an engine.
func New(cfg Config) *Engine {
	if cfg.Desk == nil {
		cfg.Desk = noDesk{}
	}
	if cfg.Poll == (Poll{}) {
		cfg.Poll = DefaultPoll
	}
	return &Engine{
		Config: cfg, moments: newMoments(cfg.Clock), results: make(chan result), foreign: make(chan error),
		inflight: map[runbook.Work]*flight{}, prepared: map[string]*preparation{}, own: map[string]int{},
	}
}

// Drive runs until the run is finished and nothing is left to undo, or until ctx ends, whose error it then returns: what
// was under way stays in doubt, for the next driver to look at. It returns *runbook.ErrFenced when another driver has taken
// the run.
func (e *Engine) Drive(ctx context.Context) (runbook.State, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	e.ctx = ctx
	if err := e.begin(); err != nil {
		return e.state, err
	}
	if e.Started != nil {
		e.Started()
	}
	listening := false
	for {
		if err := e.decide(); err != nil {
			return e.state, err
		}
		e.dispatch()
		if e.over() {
			return e.state, nil
		}
		if !listening {
			listening = true
			go e.listen(e.state.Seq)
		}
		heard, err := e.await()
		if err != nil {
			return e.state, err
		}
		listening = listening && !heard
	}
}

// over: the run is finished, nothing is under way and no undo is to come.
func (e *Engine) over() bool {
	return e.state.Finished != nil && len(e.inflight) == 0 && len(runbook.Decide(e.Plan, e.state)) == 0 &&
		len(runbook.Outstanding(e.Plan, e.state)) == 0
}

// listen waits for events of other processes.
func (e *Engine) listen(after uint64) {
	err := e.Journal.Wait(e.ctx, after)
	select {
	case e.foreign <- err:
	case <-e.ctx.Done():
	}
}

// await waits for the next thing to happen. heard says that the listener came back and must be sent again.
func (e *Engine) await() (heard bool, err error) {
	var alarm <-chan time.Time
	if at, ok := e.nextAlarm(); ok {
		fired, stop := e.Clock.After(max(0, at.Sub(e.Clock.Now())))
		defer stop()
		alarm = fired
	}
	select {
	case r := <-e.results:
		return false, e.settle(r)
	case err := <-e.foreign:
		if err != nil {
			return true, err
		}
		return true, e.catchUp()
	case <-alarm:
		return false, e.ring()
	case <-e.ctx.Done():
		return false, context.Cause(e.ctx)
	}
}

// begin opens the journal: it starts the run, or takes it up again. Every intent that no event has settled becomes unknown
// in the same batch, so that the record shows what the crash left in doubt.
func (e *Engine) begin() error {
	if err := e.catchUp(); err != nil {
		return err
	}
	for {
		facts := e.opening()
		if len(facts) == 0 {
			return errors.New("the journal is empty and there is nothing to start")
		}
		err := e.append(facts...)
		if !isConflict(err) {
			return err
		}
	}
}

func (e *Engine) opening() []runbook.Fact {
	if e.state.StartedAt.IsZero() {
		if e.Start == nil {
			return nil
		}
		return []runbook.Fact{e.Start}
	}
	facts := []runbook.Fact{&runbook.RunResumed{Driver: &e.Driver, Reason: "driver"}}
	if e.TakeOver != nil {
		facts = []runbook.Fact{e.TakeOver}
	}
	if e.state.Finished != nil {
		return facts
	}
	for i := range e.Plan.Steps {
		step := &e.Plan.Steps[i]
		st := e.state.Step(step.ID)
		if _, acts := step.Kind.New().(runbook.Action); acts && st.Status == runbook.StatusRunning {
			facts = append(facts, &runbook.StepUnknown{
				Step: step.ID, Attempt: st.Attempt, Why: "the driver ended while the step was under way",
			})
		}
	}
	return facts
}

// decide appends what Decide says until it says nothing that can be appended now. On a conflict everything is decided
// anew.
func (e *Engine) decide() error {
	for {
		facts := e.complete(runbook.Decide(e.Plan, e.state))
		if len(facts) == 0 {
			return nil
		}
		if err := e.append(facts...); err != nil && !isConflict(err) {
			return err
		}
	}
}

// append commits facts and applies them. On a conflict it catches up before it returns. When the journal cannot be written
// it tries again each second and says so: nothing acts meanwhile that has no intent, and nothing is lost.
func (e *Engine) append(facts ...runbook.Fact) error {
	for {
		events, err := e.Journal.Append(e.ctx, e.state.Seq, e.Driver.Epoch, facts...)
		var conflict *runbook.ErrConflict
		var fenced *runbook.ErrFenced
		switch {
		case err == nil:
			e.trouble(nil)
			for _, ev := range events {
				e.apply(ev)
			}
			return nil
		case errors.As(err, &conflict):
			if conflict.Last < e.state.Seq { // another process took back what it could not make durable
				e.state = runbook.State{}
			}
			if err := e.catchUp(); err != nil {
				return err
			}
			return conflict
		case errors.As(err, &fenced), e.ctx.Err() != nil, e.state.Seq == 0:
			return err
		}
		e.trouble(err)
		if err := runbook.Sleep(e.ctx, e.Clock, time.Second); err != nil {
			return err
		}
	}
}

func (e *Engine) trouble(err error) {
	if err != nil || e.troubled {
		e.Desk.Trouble(err)
	}
	e.troubled = err != nil
}

func (e *Engine) apply(ev runbook.Event) {
	e.state.Apply(ev)
	e.moments.take(ev, &e.state, true)
	if f, ok := ev.Fact.(*runbook.StepStarted); ok && ev.Epoch == e.Driver.Epoch {
		e.own[f.Step] = f.Attempt
		delete(e.prepared, f.Step)
	}
}

func (e *Engine) catchUp() error {
	events, err := e.Journal.Events(e.ctx, e.state.Seq+1)
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	for _, ev := range events {
		e.state.Apply(ev)
		e.moments.take(ev, &e.state, false)
	}
	return nil
}

func isConflict(err error) bool {
	var conflict *runbook.ErrConflict
	return errors.As(err, &conflict)
}

// settle appends the fact that a piece of work came to, as long as the state still calls for that work. A result is
// rebased: events of others that came in between do not make it untrue.
func (e *Engine) settle(r result) error {
	if r.prep != nil {
		e.prepareDone(r)
		return nil
	}
	if f := e.inflight[r.work]; f != nil {
		f.cancel(nil)
		delete(e.inflight, r.work)
	}
	for r.fact != nil && e.called(r.work) {
		err := e.append(r.fact)
		if !isConflict(err) {
			return err
		}
	}
	return nil
}

func (e *Engine) called(w runbook.Work) bool {
	for _, o := range runbook.Outstanding(e.Plan, e.state) {
		if o == w {
			return true
		}
	}
	return false
}

// dispatch starts the work that the state calls for and cuts what it calls for no more. On a stop, what can be cut short
// without harm is.
func (e *Engine) dispatch() {
	wanted := map[runbook.Work]bool{}
	for _, w := range runbook.Outstanding(e.Plan, e.state) {
		wanted[w] = true
		f := e.inflight[w]
		if f == nil {
			f = e.launch(w)
		}
		if e.state.Stop != nil && !f.cut && e.interruptible(w) {
			f.cut = true
			f.cancel(errCut)
		}
	}
	for w, f := range e.inflight {
		if !wanted[w] && !f.cut {
			f.cut = true
			f.cancel(errCut)
		}
	}
}

func (e *Engine) interruptible(w runbook.Work) bool {
	step, ok := e.Plan.Step(w.ID)
	if !ok || w.Kind != runbook.WorkAttempt {
		return false
	}
	_, acts := step.Kind.New().(runbook.Action)
	return !acts || step.Kind.Interruptible
}

func (e *Engine) launch(w runbook.Work) *flight {
	ctx, cancel := context.WithCancelCause(e.ctx)
	f := &flight{cancel: cancel}
	e.inflight[w] = f
	task := e.task(w)
	go func() {
		fact := task(ctx)
		select {
		case e.results <- result{work: w, fact: fact}:
		case <-e.ctx.Done():
		}
	}()
	return f
}

// nextAlarm is when something is due by the clock alone: a step becomes overdue, or a retry may start.
func (e *Engine) nextAlarm() (at time.Time, ok bool) {
	soonest := func(t time.Time) {
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	for i := range e.Plan.Steps {
		step := &e.Plan.Steps[i]
		st := e.step(step.ID)
		switch {
		case st.Status == runbook.StatusRetrying && e.prepared[step.ID] == nil && e.state.Stop == nil:
			soonest(st.NotBefore)
		case !st.Overdue && step.Budget > 0 && (st.Status == runbook.StatusRunning || st.Status == runbook.StatusUnknown):
			soonest(st.First.Add(step.Budget))
		}
	}
	return at, ok
}

// ring marks what has become overdue. A retry that is due needs no fact: the next decision starts it.
func (e *Engine) ring() error {
	now := e.Clock.Now()
	var facts []runbook.Fact
	for i := range e.Plan.Steps {
		step := &e.Plan.Steps[i]
		st := e.step(step.ID)
		late := st.Status == runbook.StatusRunning || st.Status == runbook.StatusUnknown
		if late && !st.Overdue && step.Budget > 0 && !now.Before(st.First.Add(step.Budget)) {
			facts = append(facts, &runbook.StepOverdue{Step: step.ID, Budget: runbook.Duration(step.Budget)})
		}
	}
	if len(facts) == 0 {
		return nil
	}
	if err := e.append(facts...); err != nil && !isConflict(err) {
		return err
	}
	return nil
}

type noDesk struct{}

func (noDesk) Progress(string, runbook.Progress) {}
func (noDesk) Log(string) io.Writer              { return io.Discard }
func (noDesk) Trouble(error)                     {}
