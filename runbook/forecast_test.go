package runbook

import (
	"fmt"
	"testing"
	"time"
)

// forecastPlan is a plan with two branches after a: b (then e waits for c alone) and c, d behind both, and e beside.
func forecastPlan() *Plan {
	p := &Plan{Steps: []PlannedStep{
		{ID: "a", Budget: 10 * time.Second},
		{ID: "b", Needs: []string{"a"}, Budget: 60 * time.Second},
		{ID: "c", Needs: []string{"a"}, Budget: 20 * time.Second},
		{ID: "d", Needs: []string{"b", "c"}, Budget: 5 * time.Second},
		{ID: "e", Needs: []string{"c"}, Budget: 30 * time.Second},
	}}
	p.index = map[string]int{}
	for i := range p.Steps {
		p.index[p.Steps[i].ID] = i
	}
	return p
}

var forecastStart = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// foretold folds facts that happen at seconds after the start, and forecasts at a moment.
type foretold struct {
	s   State
	seq uint64
}

func (f *foretold) at(second int, facts ...Fact) *foretold {
	for _, fact := range facts {
		f.seq++
		f.s.Apply(Event{Seq: f.seq, Time: forecastStart.Add(time.Duration(second) * time.Second), Run: "r", Fact: fact})
	}
	return f
}

func (f *foretold) see(second int, estimates map[string]Estimate, never ...string) string {
	out := map[string]bool{}
	for _, n := range never {
		out[n] = true
	}
	got := Foresee(forecastPlan(), &f.s, forecastStart.Add(time.Duration(second)*time.Second), estimates, out)
	return fmt.Sprintf("%s %s %v", ClockText(got.P50), ClockText(got.P90), got.Path)
}

func began(step string, attempt int) Fact {
	return &StepStarted{Step: step, Attempt: attempt, Generation: 1, Key: "k"}
}

func succeeded(step string) Fact { return &StepSucceeded{Step: step, Attempt: 1} }

func failed(step string, again bool) Fact {
	return &StepFailed{Step: step, Attempt: 1, Error: *Fail("no", "", ""), Again: again}
}

// running is a run whose first step began at 0 and ended at 10, and whose two branches began then.
func running() *foretold {
	f := &foretold{}
	return f.at(-5, &RunStarted{}).at(0, began("a", 1)).at(10, succeeded("a"), began("b", 1), began("c", 1))
}

func TestForecast(t *testing.T) {
	by := Actor{Name: "operator"}
	history := map[string]Estimate{"b": {P50: 30 * time.Second, P90: 50 * time.Second}, "c": {P50: 20 * time.Second, P90: 90 * time.Second}}
	cases := []struct {
		name string
		got  string
		want string
	}{
		{"before the clock runs it counts from now", new(foretold).at(-5, &RunStarted{}).see(40, nil), "1:15 1:15 [a b d]"},
		{"parallel branches: the longer one decides", running().see(20, nil), "1:15 1:15 [b d]"},
		{"time that passes as expected changes nothing", running().see(29, nil), "1:15 1:15 [b d]"},
		{"a late branch may come to decide", running().see(60, nil), "1:30 1:30 [c e]"},
		{"a late step is expected to end now", running().see(100, nil), "2:10 2:10 [c e]"},
		{"what has ended early is a gain", running().at(15, succeeded("b")).see(15, nil), "1:00 1:00 [c e]"},
		{"what has ended late costs", running().at(90, succeeded("b")).at(95, began("d", 1)).at(96, succeeded("c"), began("e", 1)).see(100, nil), "2:06 2:06 [e]"},
		{"history says half and nine of ten", running().see(20, history), "1:00 2:10 [c e]"},
		{"a false condition takes no time", new(foretold).at(-5, &RunStarted{}).at(0, began("a", 1)).see(0, nil, "b"), "1:00 1:00 [a c e]"},
		{"what follows a false condition still waits for what is before it", new(foretold).at(-5, &RunStarted{}).at(0, began("a", 1)).see(0, map[string]Estimate{"d": {P50: 90 * time.Second, P90: 90 * time.Second}}, "b", "c", "e"), "1:40 1:40 [a d]"},
		{"not needed is behind us", running().at(12, &StepNotNeeded{Step: "b", If: "false"}).see(12, nil), "1:00 1:00 [c e]"},
		{"by hand and skipped are behind us", running().at(12, failed("b", false), failed("c", false)).at(14, &StepByHand{Step: "b", Answers: 6, By: by}, &StepSkipped{Step: "c", Answers: 7, By: by, Reason: "no"}).see(14, nil), "0:44 0:44 [e]"},
		{"a retry takes as long as an attempt, from its turn on", running().at(40, failed("b", true)).at(40, &StepRetried{Step: "b", Attempt: 2, Generation: 1, After: Duration(8 * time.Second)}).see(42, nil), "1:53 1:53 [b d]"},
		{"a second attempt counts from its own intent", running().at(40, failed("b", true)).at(40, &StepRetried{Step: "b", Attempt: 2, Generation: 1}).at(48, began("b", 2)).see(50, nil), "1:53 1:53 [b d]"},
		{"a failed step that waits for a person goes on now", running().at(40, failed("b", false)).see(100, nil), "2:45 2:45 [b d]"},
		{"held: the forecast moves with the clock", running().at(40, failed("b", false)).at(40, &RunHeld{Reason: "b failed"}).see(200, nil), "4:25 4:25 [b d]"},
		{"an unknown step that is late ends now", running().at(40, &StepUnknown{Step: "b", Attempt: 1, Why: "no answer", Ask: true}).see(80, nil), "1:50 1:50 [c e]"},
		{"after a stop only what is under way counts", running().at(20, &StopRequested{By: by}).see(22, nil), "1:10 1:10 [b]"},
		{"stopped with nothing under way", running().at(12, succeeded("b"), succeeded("c")).at(20, &StopRequested{By: by}).see(22, nil), "0:22 0:22 []"},
		{"all done, not finished yet", running().at(12, succeeded("b"), succeeded("c"), succeeded("d"), succeeded("e")).see(22, nil), "0:22 0:22 []"},
		{"finished: as long as the work took", running().at(70, &RunFinished{Outcome: Done, Elapsed: Seconds(75 * time.Second)}).see(500, nil), "1:10 1:10 []"},
	}
	for _, c := range cases {
		if c.got != c.want {
			t.Errorf("%s: %s, not %s", c.name, c.got, c.want)
		}
	}
}

func TestForecastOfNothing(t *testing.T) {
	got := Foresee(&Plan{}, &State{}, forecastStart, nil, nil)
	if got.P50 != 0 || got.P90 != 0 || got.Path != nil {
		t.Errorf("%+v", got)
	}
	if got := Foresee(&Plan{}, &State{Finished: &RunFinished{}, FinishedAt: forecastStart}, forecastStart, nil, nil); got.P50 < 0 {
		t.Errorf("%+v", got)
	}
}

func TestForecastOfWorseCaseIsNeverEarlier(t *testing.T) {
	odd := map[string]Estimate{"b": {P50: 50 * time.Second, P90: 10 * time.Second}}
	f := running()
	got := Foresee(forecastPlan(), &f.s, forecastStart.Add(12*time.Second), odd, map[string]bool{"e": true})
	if got.P90 < got.P50 {
		t.Errorf("p90 %s before p50 %s", got.P90, got.P50)
	}
}

func BenchmarkForesee(b *testing.B) {
	f := running()
	p := forecastPlan()
	for b.Loop() {
		Foresee(p, &f.s, forecastStart.Add(20*time.Second), nil, nil)
	}
}
