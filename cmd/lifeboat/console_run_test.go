package main

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"lifeboat/providers"
	"lifeboat/runbook"
	"lifeboat/ui/page"
)

func noProviders() providers.Set { return providers.Set{} }

// A whole rehearsal as two operators see it: previewed, started, asked, decided, finished, put back, and told in the history.
func TestConsoleRun(t *testing.T) {
	c := testConsole(t)
	p := c.Preview(t.Context(), page.Choice{})
	if p.Trouble != nil || p.Plan == nil || p.Choice.Mode != runbook.Rehearse || p.WhyNotLive == "" || p.WhyNoDrill == "" {
		t.Fatalf("%+v", p)
	}
	if len(p.Inputs) != 2 || p.Inputs[0].Value != "replica" || len(p.Inputs[0].Options) != 3 || len(p.Nights) < 10 || len(p.Scenes) != 5 {
		t.Errorf("inputs %+v, nights %v, scenes %v", p.Inputs, p.Nights, p.Scenes)
	}
	if len(p.Calls["launch"]) == 0 || p.Estimates["sync"].Source != "budget" {
		t.Errorf("calls %v, estimates %v", p.Calls, p.Estimates)
	}
	if _, err := os.Stat(c.flags.Store); !os.IsNotExist(err) {
		t.Error("a preview has made a store")
	}

	id := startDemo(t, c)
	one, two := watch(t, c, id), watch(t, c, id)
	q := one.asked(runbook.AskStart)
	two.asked(runbook.AskStart)
	if o := c.Overview(t.Context()); len(o.Open) != 1 || !strings.Contains(o.Open[0].Asks, "start") || !o.Open[0].Driven || o.Open[0].Driver == "" {
		t.Errorf("open are %+v", o.Open)
	}
	if got := c.landing(onShippedEstate); got != id {
		t.Errorf("one would land on %q", got)
	}
	err := one.Answer(t.Context(), &one.state, q, runbook.Reply{Choice: runbook.ChooseApprove, Word: "us-west-1"})
	if tr := isTrouble(t, err); !strings.Contains(tr.What, `the word is "us-east-1"`) {
		t.Errorf("%+v", tr)
	}
	if err := one.Tell(t.Context(), &runbook.NoteAdded{Text: "both are\x1b[2J here"}); err != nil {
		t.Fatal(err)
	}
	two.answer(q, runbook.Reply{Choice: runbook.ChooseApprove, Word: "us-east-1"})
	err = one.Answer(t.Context(), &one.state, q, runbook.Reply{Choice: runbook.ChooseApprove, Word: "us-east-1"})
	var decided *page.Decided
	if !errors.As(err, &decided) || decided.By != thisActor() || decided.At.IsZero() {
		t.Errorf("the second one is told %v", err)
	}
	one.until("it is over", func() bool { return one.state.Finished != nil })
	if one.state.Finished.Outcome != runbook.Done || len(one.state.Notes) != 1 || strings.Contains(one.state.Notes[0].Text, "\x1b") {
		t.Fatalf("%+v %+v", one.state.Finished, one.state.Notes)
	}
	letGo(t, c.testStore(t))
	consoleAfterwards(t, c, id)
	consoleUndo(t, c, id, one)
}

// Who opens a run that has not begun is told which others go on, and this one is not among them.
func TestConsoleNamesOtherOpenRuns(t *testing.T) {
	c := testConsole(t)
	first := startDemo(t, c)
	watch(t, c, first).asked(runbook.AskStart)
	if got := watch(t, c, first).Opened().Others; len(got) != 0 {
		t.Errorf("alone, it is told of %+v", got)
	}
	second := startDemo(t, c)
	watch(t, c, second).asked(runbook.AskStart)
	got := watch(t, c, second).Opened().Others
	if len(got) != 1 || got[0].Run != first || !got[0].Driven || got[0].By != thisActor() || got[0].Started.IsZero() {
		t.Errorf("the other one is %+v", got)
	}
}

// consoleAfterwards is what home and the history say of a run that is over.
func consoleAfterwards(t *testing.T, c *console, id runbook.RunID) {
	t.Helper()
	o := c.Overview(t.Context())
	if len(o.Open) != 0 || len(o.Recent) != 1 || o.Recent[0].Run != id || o.Recent[0].Outcome != runbook.Done || len(o.Troubles) != 0 {
		t.Errorf("%+v", o)
	}
	i := slices.IndexFunc(o.Runbooks, func(b page.RunbookLine) bool { return b.Name == "failover" })
	if i < 0 || !o.Runbooks[i].Shipped || o.Runbooks[i].Forecast.Source != "history of 1 run" || o.Runbooks[i].Proved != nil {
		t.Errorf("%+v", o.Runbooks)
	}
	for find, n := range map[string]int{"": 1, "failover DONE": 1, "drill": 0, string(id): 1} {
		if got := c.Runs(t.Context(), page.RunQuery{Find: find}); len(got.Runs) != n || len(got.Troubles) != 0 || got.More != "" {
			t.Errorf("%q finds %+v", find, got)
		}
	}
	p := c.Preview(t.Context(), page.Choice{Runbook: shippedPrefix + "failover", Mode: runbook.Rehearse})
	if len(p.Past) != 1 || p.Estimates["sync"].Runs != 1 {
		t.Errorf("past %v, estimate %+v", p.Past, p.Estimates["sync"])
	}
	w := watch(t, c, id)
	if e := w.Opened().Estimates["sync"]; e.Source != "budget" {
		t.Errorf("the run is held against itself: %+v", e)
	}
	calls, err := w.Text(t.Context(), page.TextQuery{})
	if err != nil || !slices.ContainsFunc(calls.Lines, func(l string) bool { return strings.Contains(l, "launch  in us-east-1") }) {
		t.Errorf("%v %v", calls, err)
	}
}

// consoleUndo puts back what a finished run did, whose driver has gone.
func consoleUndo(t *testing.T, c *console, id runbook.RunID, w *watched) {
	t.Helper()
	if tr := isTrouble(t, w.Drive(t.Context(), "")); !strings.Contains(tr.What, "is over: done") {
		t.Errorf("%+v", tr)
	}
	if tr := isTrouble(t, w.Tell(t.Context(), &runbook.StopRequested{})); !strings.Contains(tr.What, "is over") {
		t.Errorf("%+v", tr)
	}
	if tr := isTrouble(t, w.Tell(t.Context(), &runbook.UndoRequested{Steps: []string{"serving"}})); !strings.Contains(tr.What, "nothing") {
		t.Errorf("%+v", tr)
	}
	if err := w.Tell(t.Context(), &runbook.UndoRequested{Steps: []string{"launch"}, Reason: "drill"}); err != nil {
		t.Fatal(err)
	}
	w.until("the launch is undone", func() bool { return w.state.Step("launch").Undo == runbook.UndoDone })
}

// A driver that has ended is seen, and another one takes the run up; one that lives is ended only after the word.
func TestConsoleDrive(t *testing.T) {
	c := testConsole(t)
	id := startDemo(t, c)
	w := watch(t, c, id)
	w.asked(runbook.AskStart)
	w.until("it is driven", func() bool { return w.news.Driven && w.news.Driver.PID > 0 })
	first := w.news.Driver.PID
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.until("nobody drives it", func() bool { return !w.news.Driven })
	if got := c.landing(nil); got != id {
		t.Errorf("one would land on %q", got)
	}
	if err := w.Drive(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	w.until("it is driven again", func() bool { return w.news.Driven && w.news.Driver.PID != first && w.news.Driver.PID > 0 })
	second := w.news.Driver.PID

	var need *page.NeedWord
	if err := w.Drive(t.Context(), ""); !errors.As(err, &need) || need.Word != takeOverWord || !strings.Contains(need.What, thisActor().String()) {
		t.Fatalf("%v", err)
	}
	if tr := isTrouble(t, w.Drive(t.Context(), "takeover")); !strings.Contains(tr.Do, takeOverWord) {
		t.Errorf("%+v", tr)
	}
	if err := w.Drive(t.Context(), need.Word); err != nil {
		t.Fatal(err)
	}
	w.until("another one drives", func() bool { return w.news.Driven && w.news.Driver.PID != second && w.news.Driver.PID > 0 })

	if err := w.Tell(t.Context(), &runbook.StopRequested{Reason: "enough"}); err != nil {
		t.Fatal(err)
	}
	w.until("it is over", func() bool { return w.state.Finished != nil })
	if w.state.Finished.Outcome != runbook.Stopped || w.state.Stop.Reason != "enough" {
		t.Errorf("%+v %+v", w.state.Finished, w.state.Stop)
	}
}

// A skip needs a reason, and what later steps read.
func TestConsoleAsksForOutputs(t *testing.T) {
	c := testConsole(t)
	c.sim.Night = "no-capacity-at-all"
	w := watch(t, c, startDemo(t, c))
	w.answer(w.asked(runbook.AskStart), runbook.Reply{Choice: runbook.ChooseApprove, Word: "us-east-1"})
	q := w.asked(runbook.AskFailed)
	if q.Step != "launch" {
		t.Fatalf("%+v", q)
	}
	o := w.Opened()
	if wants := o.Wants(&w.state, "launch"); !slices.Equal(wants, []string{"instance"}) {
		t.Errorf("wanted are %v", wants)
	}
	if by := strings.Join(o.ByHand(&w.state, "address"), "\n"); !strings.Contains(by, "<launch.instance>") {
		t.Errorf("by hand: %s", by)
	}
	err := w.Answer(t.Context(), &w.state, q, runbook.Reply{Choice: runbook.ChooseByHand})
	if tr := isTrouble(t, err); !strings.Contains(tr.What, "add instance=VALUE") {
		t.Errorf("%+v", tr)
	}
	outputs := map[string]any{"instance": "i-0aaaaaaaaaaaaaaa9", "volume": "vol-0b2c3d4e5f6071829"}
	err = w.Answer(t.Context(), &w.state, q, runbook.Reply{Choice: runbook.ChooseSkip, Outputs: outputs})
	if tr := isTrouble(t, err); !strings.Contains(tr.What, "a skip needs a reason") {
		t.Errorf("%+v", tr)
	}
	w.answer(q, runbook.Reply{Choice: runbook.ChooseByHand, Reason: "by the console", Outputs: outputs})
	// There is no such machine, and so the driver asks again; who insists is believed.
	w.answer(w.asked(runbook.AskUnknown), runbook.Reply{Choice: runbook.ChooseByHand, Reason: "by the console", Outputs: outputs})
	w.until("it is done by hand", func() bool { return w.state.Step("launch").Status == runbook.StatusByHand })
	if by := strings.Join(o.ByHand(&w.state, "address"), "\n"); !strings.Contains(by, "i-0aaaaaaaaaaaaaaa9") {
		t.Errorf("by hand: %s", by)
	}
}
