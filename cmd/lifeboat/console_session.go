package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
	"lifeboat/ui/page"
)

// runSession is one run as a screen follows it (page.Session).
type runSession struct {
	c      *console
	dir    store.Dir
	run    runbook.RunID
	book   *logbook.Book // nil: the record cannot be followed, only what was read of it shown
	opened page.Opened

	// Of Next alone, which is called one at a time.
	last   runbook.Event // the newest that was handed out
	beside beside
	told   bool // beside was
}

// OpenRun is page.Opener's.
func (c *console) OpenRun(_ context.Context, id runbook.RunID) (page.Session, error) {
	a := c.app()
	dir, err := a.readStore()
	if err != nil {
		return nil, screenError(err)
	}
	if _, err := os.Stat(dir.Run(id).Logbook()); err != nil {
		if id, err = dir.FindRun(string(id)); err != nil {
			return nil, screenError(err)
		}
	}
	path := dir.Run(id).Logbook()
	events, readErr := logbook.Read(path)
	if len(events) == 0 {
		if readErr == nil {
			readErr = fmt.Errorf("run %s never started: its journal is empty", id)
		}
		return nil, screenError(readErr)
	}
	s := &runSession{c: c, dir: dir, run: id, last: events[len(events)-1]}
	state := runbook.Fold(events)
	s.opened = page.Opened{
		Run: id, Clock: state.Start.Clock.Clock(), Speed: max(1, state.Start.Clock.Speed), Events: events,
		Wants:  func(*runbook.State, string) []string { return nil },
		ByHand: func(*runbook.State, string) []string { return nil },
	}
	if speed := state.Start.Clock.Speed; speed > 0 {
		s.opened.Speed = speed
	}
	if state.ClockFrom.IsZero() && state.Finished == nil { // before it acts, one wants to know who else does
		s.opened.Others = othersOpen(dir, id)
	}
	s.take(a, &state, readErr)
	if readErr != nil {
		s.opened.Damage = asTrouble(readErr)
		return s, nil
	}
	if s.book, err = logbook.Open(path, s.opened.Clock.Now); err != nil {
		return nil, screenError(err)
	}
	return s, nil
}

// take compiles what the run was started with.
func (s *runSession) take(a *app, state *runbook.State, readErr error) {
	plan, err := pinnedPlan(state)
	var newer *store.ErrNewer
	if errors.As(readErr, &newer) {
		err = readErr // what it does not know it can neither show nor decide
	}
	if err != nil {
		s.opened.PlanWhy = asTrouble(err)
		return
	}
	// What was known when it started: a run is not held against itself.
	before := store.Summary{Run: s.run, Started: state.StartedAt}.Cursor()
	s.opened.Plan, s.opened.Estimates = plan, estimatesFrom(plan, a.pastRuns(plan, before))
	s.opened.Calls = plannedCalls(plan)
	s.opened.Wants = func(st *runbook.State, step string) []string { return runbook.Wanted(plan, st, step) }
	s.opened.ByHand = func(st *runbook.State, step string) []string { return callsNow(plan, st, step) }
}

// pinnedPlan compiles what run.started has pinned, for looking at it.
func pinnedPlan(s *runbook.State) (*runbook.Plan, error) {
	if s.StartedAt.IsZero() {
		return nil, fmt.Errorf("run %s does not begin with its start: what it was to do is not known", s.Run)
	}
	f, err := pinned(&s.Start)
	if err != nil {
		return nil, err
	}
	plan, err := f.compile(s.Start.Mode, s.Start.Inputs, s.Start.Resolved, providers.Set{}, nil, false)
	if err != nil {
		return nil, fmt.Errorf("the pinned files do not compile with this version of lifeboat: %w", err)
	}
	if plan.Digest != s.Start.Digest {
		return nil, coded(exitUsage, fmt.Sprintf("use the version that started it (%s)", s.Start.Versions["lifeboat"]),
			fmt.Errorf("the plan is not the one that was started (%s, now %s)", s.Start.Digest, plan.Digest))
	}
	return plan, nil
}

// plannedCalls are the commands of every step, with placeholders for what steps will leave.
func plannedCalls(plan *runbook.Plan) map[string][]string {
	stand := runbook.Placeholders(plan)
	out := map[string][]string{}
	for i := range plan.Steps {
		id := plan.Steps[i].ID
		out[id] = cleaned(byHand(plan, id, &stand))
	}
	return out
}

// callsNow are the commands of a step with what is known now. What is not known yet stands as a placeholder.
func callsNow(plan *runbook.Plan, s *runbook.State, id string) []string {
	known := runbook.Placeholders(plan)
	for step, st := range known.Steps {
		for name, value := range s.Step(step).Outputs {
			st.Outputs[name] = value
		}
	}
	probe, err := plan.Bind(id, &known, nil)
	if err != nil {
		return []string{"# " + runbook.Clean(err.Error())}
	}
	h, ok := probe.(runbook.ByHander)
	if !ok {
		return nil
	}
	st := s.Step(id)
	key := st.Key
	if key == "" {
		key = runbook.NewKey(s.Run, id, max(1, st.Generation))
	}
	return cleaned(h.ByHand(runbook.Call{Run: s.Run, Step: id, Key: key}))
}

func cleaned(lines []string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, runbook.Clean(l))
	}
	return out
}

// Opened is page.Session's.
func (s *runSession) Opened() page.Opened { return s.opened }

// Close is page.Session's.
func (s *runSession) Close() {
	if s.book != nil {
		s.book.Close()
	}
}

// newsAtLatest is how long Next waits when nothing happens.
const newsAtLatest = 2 * time.Second

// Next is page.Session's.
func (s *runSession) Next(ctx context.Context, after uint64) (page.News, error) {
	for deadline := time.Now().Add(newsAtLatest); ; {
		news, fresh, err := s.look(ctx, after)
		if err != nil || fresh || !time.Now().Before(deadline) {
			return news, err
		}
		if err := s.wait(ctx, after, min(livePoll, time.Until(deadline))); err != nil {
			return page.News{}, err
		}
	}
}

// look reads what is new; fresh reports whether anything is.
func (s *runSession) look(ctx context.Context, after uint64) (n page.News, fresh bool, err error) {
	if n.Events, n.Anew, err = s.events(ctx, after); err != nil && len(n.Events) == 0 {
		return n, false, screenError(err) // events up to a damage come first, the damage the next time
	}
	if k := len(n.Events); k > 0 {
		s.last = n.Events[k-1]
	}
	now := s.lookBeside()
	moved := !s.told || !reflect.DeepEqual(now, s.beside)
	s.beside, s.told = now, true
	n.Progress, n.Record, n.Driven, n.Driver, n.Since = now.progress, now.record, now.driven, now.driver, now.since
	return n, moved || n.Anew || len(n.Events) > 0, ctx.Err()
}

// events are those after that one. When it is not where it was, what was seen has been taken back, and all come anew.
func (s *runSession) events(ctx context.Context, after uint64) (events []runbook.Event, anew bool, err error) {
	if s.book == nil {
		return nil, false, nil
	}
	got, err := s.book.Events(ctx, max(1, after))
	switch {
	case after == 0:
		return got, false, err
	case len(got) == 0 && err != nil:
		return nil, false, err
	case len(got) > 0 && got[0].Seq == after && (after != s.last.Seq || sameEvent(got[0], s.last)):
		return got[1:], false, err
	}
	got, err = s.book.Events(ctx, 1)
	return got, true, err
}

func sameEvent(a, b runbook.Event) bool {
	one, errOne := store.Encode(a)
	two, errTwo := store.Encode(b)
	return errOne == nil && errTwo == nil && bytes.Equal(one, two)
}

// wait returns when there may be something new, and after that time at the latest.
func (s *runSession) wait(ctx context.Context, after uint64, most time.Duration) error {
	short, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	if s.book == nil {
		<-short.Done()
		return ctx.Err()
	}
	err := s.book.Wait(short, after)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, store.ErrClosed):
		return context.Canceled
	case err != nil && short.Err() == nil:
		return screenError(err)
	}
	return nil
}

// beside is what lies beside the journal.
type beside struct {
	progress map[string]runbook.Progress
	record   string
	driven   bool
	driver   runbook.Driver
	since    time.Time
}

// lookBeside reads it. Without a driver nothing of it holds any more.
func (s *runSession) lookBeside() beside {
	driver, since, held, err := logbook.Holder(s.dir.Run(s.run).Lock())
	if err != nil {
		return s.beside // it cannot be told now: what was said before still holds
	}
	if !held {
		return beside{}
	}
	now := beside{driven: true, driver: cleanDriver(driver), since: since, progress: s.beside.progress, record: s.beside.record}
	if l, ok := readLive(s.dir.Run(s.run).Live()); ok {
		now.progress, now.record = map[string]runbook.Progress{}, runbook.Clean(l.Trouble)
		for step, p := range l.Progress {
			p.Text = runbook.Clean(p.Text)
			now.progress[step] = p
		}
	}
	return now
}

func cleanDriver(d runbook.Driver) runbook.Driver {
	d.Host, d.By.Name, d.By.Host = runbook.Clean(d.Host), runbook.Clean(d.By.Name), runbook.Clean(d.By.Host)
	return d
}

// asTrouble is an error as a screen shows it.
func asTrouble(err error) *page.Trouble {
	var told *page.Trouble
	if errors.As(err, &told) {
		return told
	}
	t := classify(err)
	lines := func(s string) string { return strings.TrimSpace(runbook.CleanLines(s)) }
	return &page.Trouble{What: lines(t.what), Means: lines(t.means), Do: lines(t.do)}
}

// screenError gives an error the type that the screens know: a word that is needed, a question that is decided, what has
// ended, or a trouble.
func screenError(err error) error {
	var need *page.NeedWord
	var decided *page.Decided
	switch {
	case err == nil:
		return nil
	case errors.As(err, &need):
		return need
	case errors.As(err, &decided):
		return decided
	case errors.Is(err, context.Canceled):
		return err
	}
	return asTrouble(err)
}
