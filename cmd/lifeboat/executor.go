package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"lifeboat/runbook"
	"lifeboat/runbook/engine"
	"lifeboat/store"
	"lifeboat/store/logbook"
)

// order is what a starter hands to the executor, over its standard input.
type order struct {
	Run   runbook.RunID       `json:"run"`
	Store string              `json:"store"`
	Start *runbook.RunStarted `json:"start,omitempty"` // nil: take the run up again
	From  *runbook.Driver     `json:"from,omitempty"`  // the driver that was ended for a take-over
	By    runbook.Actor       `json:"by"`
}

// answer is what the executor tells its starter, over file descriptor 3: that the run is in the journal under its hand, or
// why it is not.
type answer struct {
	OK    bool   `json:"ok"`
	What  string `json:"what,omitempty"`
	Means string `json:"means,omitempty"`
	Do    string `json:"do,omitempty"`
	Code  int    `json:"code,omitempty"`
}

// executorCmd is the process that drives a run. Nobody types it.
type executorCmd struct {
	ID string `arg:"" name:"run" optional:"" help:"Only for the list of processes; the order comes over standard input."`
}

// Run drives one run to its end.
func (*executorCmd) Run(a *app) error {
	tell := newTeller()
	var o order
	if err := json.NewDecoder(io.LimitReader(a.in, 16<<20)).Decode(&o); err != nil {
		return tell.fail(usage("the executor is started by `lifeboat run`", "read the order: %v", err))
	}
	// A lost terminal, a closed laptop and Ctrl-C in a follower are no reason to stop. SIGTERM is: what is under way is
	// left in doubt, as after a crash, and the next driver looks.
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := drive(ctx, a, o, tell); err != nil {
		return tell.fail(err)
	}
	return nil
}

// drive holds the run's lock for the life of this process.
func drive(ctx context.Context, a *app, o order, tell *teller) error {
	dir := store.Dir(o.Store)
	me, err := logbook.ThisProcess(o.By, 0)
	if err != nil {
		return err
	}
	held, err := logbook.Lock(dir.Run(o.Run).Lock(), me, time.Now())
	if err != nil {
		return err
	}
	defer held.Release()
	j, events, clock, err := openJournal(ctx, dir, o)
	if err != nil {
		return err
	}
	defer j.Close()
	state := runbook.Fold(events)
	me.Epoch = state.Epoch + 1
	if err := held.Identify(me, time.Now()); err != nil {
		return err
	}
	started := o.Start
	if started == nil {
		started = &state.Start
	} else {
		started.Driver = me
	}
	rig, err := openRig(ctx, dir, o.Run, started, clock)
	if err != nil {
		return err
	}
	defer rig.close()
	if state.Finished != nil && len(runbook.Decide(rig.plan, state)) == 0 && len(runbook.Outstanding(rig.plan, state)) == 0 {
		tell.ok() // the driver before this one was through already: the record of a run that is over stays as it is
		return nil
	}
	d := newDesk(dir.Run(o.Run), rig.secrets)
	defer d.close()
	filer := startFiling(dir, o.Run)
	defer filer.finish()
	cfg := engine.Config{
		Plan: rig.plan, Run: o.Run, Journal: secretFree{j, rig.secrets}, Clock: clock, Driver: me, Secrets: rig.secrets, Desk: d,
		Start: o.Start, Started: tell.ok,
	}
	if o.From != nil {
		cfg.TakeOver = &runbook.RunTakenOver{Driver: me, From: *o.From, By: o.By}
	}
	_, err = engine.New(withCrashPoints(cfg)).Drive(ctx)
	return err
}

// openJournal creates or opens the run's logbook. The clock comes from the order, or from what run.started has pinned.
func openJournal(ctx context.Context, dir store.Dir, o order) (*logbook.Book, []runbook.Event, runbook.Clock, error) {
	path := dir.Run(o.Run).Logbook()
	if o.Start != nil {
		clock := o.Start.Clock.Clock()
		j, err := logbook.Create(path, o.Run, clock.Now)
		return j, nil, clock, err
	}
	events, err := logbook.Read(path)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(events) == 0 {
		return nil, nil, nil, fmt.Errorf("run %s never started: its journal is empty", o.Run)
	}
	state := runbook.Fold(events)
	clock := state.Start.Clock.Clock()
	j, err := logbook.Open(path, clock.Now)
	return j, events, clock, err
}

// teller speaks to the starter once. After that, or without one, it is silent.
type teller struct{ pipe *os.File }

// tellerVar names the file descriptor on which a starter listens.
const tellerVar = "LIFEBOAT_TELL"

func newTeller() *teller {
	if os.Getenv(tellerVar) != "3" {
		return &teller{}
	}
	os.Unsetenv(tellerVar)
	syscall.CloseOnExec(3)
	return &teller{pipe: os.NewFile(3, "starter")}
}

func (t *teller) ok() { t.say(answer{OK: true}) }

func (t *teller) say(ans answer) {
	if t.pipe == nil {
		return
	}
	_ = json.NewEncoder(t.pipe).Encode(ans) // a starter that is gone needs no answer
	t.pipe.Close()
	t.pipe = nil
}

// fail reports the error to the starter, or, when the run was under way, leaves it for the log.
func (t *teller) fail(err error) error {
	why := classify(err)
	t.say(answer{What: why.what, Means: why.means, Do: why.do, Code: why.code})
	if errors.Is(err, context.Canceled) {
		return silentExit(exitGoesOn)
	}
	return err
}
