package uitest

import (
	"fmt"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/page"
)

// teller writes the journal of a run by hand, fact by fact, with a fold beside it to look up what is asked.
type teller struct {
	plan    *runbook.Plan
	why     *page.Trouble
	events  []runbook.Event
	state   runbook.State
	now     time.Time
	began   time.Time // when the first step could start: the script counts from here
	played  int       // how many lines of the script have been told
	without map[string]bool
	news    page.News
	damage  *page.Trouble
	speed   float64
}

func newTeller(mode runbook.Mode, inputs map[string]string, edits ...string) *teller {
	t := &teller{plan: compile(mode, inputs, edits...), now: Start, speed: 1, without: map[string]bool{}}
	driver := runbook.Driver{Epoch: 1, Host: Operator.Host, PID: 4711, Began: "1", By: Operator}
	t.news = page.News{Driven: true, Driver: driver, Since: Start, Progress: map[string]runbook.Progress{}}
	rb, estate := sources(edits...)
	f := &runbook.RunStarted{
		Mode: mode, Runbook: rb, Estate: estate, Inputs: t.plan.Inputs, Digest: t.plan.Digest, Title: t.plan.Title,
		Name: t.plan.Name, Target: runbook.Duration(t.plan.Target), Driver: driver, By: Operator, Versions: map[string]string{"lifeboat": "test"},
	}
	if mode == runbook.Rehearse {
		f.World, f.Clock = "world", runbook.ClockSpec{Wall: Start, World: Start, Speed: 1}
	}
	t.fact(0, f)
	return t
}

func (t *teller) id() runbook.RunID {
	return runbook.RunID("20260102-030405-" + t.plan.Name + "-" + map[runbook.Mode]string{
		runbook.Live: "k7m2x", runbook.Drill: "d4p9s", runbook.Rehearse: "r3h8q",
	}[t.plan.Mode])
}

// fact appends a fact, so many seconds after the one before.
func (t *teller) fact(after float64, f runbook.Fact) {
	t.now = t.now.Add(time.Duration(after * float64(time.Second)))
	epoch := uint64(1)
	switch f.(type) {
	case *runbook.ApprovalGiven, *runbook.ApprovalRefused, *runbook.GuardWaived, *runbook.LookRequested, *runbook.StepSkipped,
		*runbook.StepByHand, *runbook.NoteAdded, *runbook.StopRequested, *runbook.UndoRequested:
		epoch = 0
	}
	e := runbook.Event{Seq: uint64(len(t.events) + 1), Time: t.now, Run: t.id(), Epoch: epoch, Fact: f}
	t.events = append(t.events, e)
	t.state.Apply(e)
}

// wait lets time pass.
func (t *teller) wait(d time.Duration) { t.now = t.now.Add(d) }

// answer decides the open question about a step or guard.
func (t *teller) answer(after float64, step string, r runbook.Reply) {
	for _, q := range t.state.Questions() {
		if q.Step != step {
			continue
		}
		if r.By == (runbook.Actor{}) {
			r.By = Operator
		}
		f, err := q.Answer(r)
		if err != nil {
			panic(err)
		}
		if retry, is := f.(*runbook.StepRetried); is {
			t.state.Retry(retry)
		}
		t.fact(after, f)
		return
	}
	panic(fmt.Sprintf("nothing is asked about %q", step))
}

// start is the intent of a step's next attempt.
func (t *teller) start(after float64, id string) {
	step, ok := t.plan.Step(id)
	if !ok {
		panic("no step " + id)
	}
	st := t.state.Step(id)
	generation := max(1, st.Generation)
	t.fact(after, &runbook.StepStarted{
		Step: id, Kind: step.Kind.Name, Attempt: st.Attempt + 1, Generation: generation, Key: runbook.NewKey(t.id(), id, generation),
	})
}

func (t *teller) failed(after float64, id string, f runbook.Failure) {
	t.fact(after, &runbook.StepFailed{Step: id, Attempt: t.state.Step(id).Attempt, Error: f})
}

func (t *teller) finish(after float64, f *runbook.RunFinished) {
	t.wait(time.Duration(after * float64(time.Second)))
	f.Skipped = t.state.Skipped()
	if from := t.state.ClockFrom; !from.IsZero() {
		f.Elapsed = runbook.Seconds(t.now.Sub(from))
	}
	t.fact(0, f)
	t.news.Driven, t.news.Progress = false, nil
}

// hold says that nothing can go on.
func (t *teller) hold() {
	var seqs []uint64
	qs := t.state.Questions()
	for _, q := range qs {
		seqs = append(seqs, q.Seq)
	}
	what := "failed"
	switch qs[0].Kind {
	case runbook.AskStart, runbook.AskApprove:
		what = "waits for an approval"
	case runbook.AskManual:
		what = "waits for a person to do it"
	case runbook.AskWaive:
		what = "the guard waits for a decision"
	case runbook.AskUnknown:
		what = "it is not known whether it happened"
	}
	t.fact(0.1, &runbook.RunHeld{Reason: qs[0].Step + ": " + what, Questions: seqs})
}

// run is the picture as it is now.
func (t *teller) run() Run {
	plan := t.plan
	o := page.Opened{
		Run: t.id(), Plan: plan, PlanWhy: t.why, Clock: Frozen{t.now}, Speed: t.speed, Estimates: estimates(plan), Events: t.events,
		Damage: t.damage, Calls: calls(plan),
		Wants:  func(s *runbook.State, step string) []string { return wants(plan, s, step) },
		ByHand: func(s *runbook.State, step string) []string { return byHand(plan, step, s) },
	}
	if t.why != nil {
		o.Plan, o.Estimates, o.Calls = nil, nil, nil
		o.Wants = func(*runbook.State, string) []string { return nil }
		o.ByHand = o.Wants
	}
	return Run{Opened: o, News: t.news, Now: t.now, Logs: logs(t.events)}
}

// wants are the outputs of a step that later steps of the shipped runbook read, as far as the step has not left them.
func wants(plan *runbook.Plan, s *runbook.State, step string) []string {
	reads := map[string][]string{
		"launch": {"instance", "region"}, "address": {"address"}, "ready": {"host"}, "attach": {"device"},
	}
	var out []string
	for _, name := range reads[step] {
		if _, ok := s.Step(step).Outputs[name]; !ok {
			out = append(out, name)
		}
	}
	if len(runbook.Descendants(plan, step)) == 0 {
		return nil
	}
	return out
}
