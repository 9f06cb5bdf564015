package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lifeboat/runbook"
)

// stage is a world of named switches for scripted kinds. What a kind does in its n-th call is in its script: words parted by
// blanks, the last one for good.
//
//	apply:   ok · accept (Pending, then it holds after 3 s) · never (Pending for good) · throttle · broken · lost (done,
//	         and no answer) · timeout (not done, and no answer) · refuse (definitive) · full (refuse, with other ways)
//	observe: real · unsure · dark (an error each time)
type stage struct {
	mu    sync.Mutex
	clock runbook.Clock
	made  map[string]time.Time // step -> since when it holds
	calls map[string]int
	log   []string
	began time.Time
}

func newStage(clock runbook.Clock) *stage {
	return &stage{clock: clock, made: map[string]time.Time{}, calls: map[string]int{}, began: clock.Now()}
}

func (s *stage) word(step, what, script string) string {
	words := strings.Fields(script)
	if len(words) == 0 {
		return ""
	}
	n := s.calls[step+what]
	s.calls[step+what]++
	return words[min(n, len(words)-1)]
}

// note keeps what was asked of the world, with its time. What is asked at the same moment has no order of its own.
func (s *stage) note(format string, args ...any) {
	at := s.clock.Now().Sub(s.began).Seconds()
	s.log = append(s.log, fmt.Sprintf("%6.2f %s", at, fmt.Sprintf(format, args...)))
	slices.Sort(s.log)
}

func (s *stage) catalog() *runbook.Catalog {
	outputs := []runbook.Output{{Name: "id", Type: "string", Doc: "what it made"}}
	return runbook.NewCatalog(
		runbook.Kind{
			Name: "do", Summary: "act as scripted", New: func() runbook.Probe { return &do{s: s} }, Outputs: outputs,
			Settle: 5 * time.Second, Budget: 10 * time.Second, Timeout: time.Minute,
		},
		runbook.Kind{
			Name: "do.interruptible", Summary: "act as scripted", New: func() runbook.Probe { return &do{s: s} },
			Outputs: outputs, Settle: 5 * time.Second, Budget: 10 * time.Second, Timeout: time.Minute, Interruptible: true,
		},
		runbook.Kind{
			Name: "see", Summary: "see as scripted", New: func() runbook.Probe { return &see{s: s} },
			Budget: 10 * time.Second, Timeout: time.Minute,
		},
		runbook.Kind{
			Name: "person", Summary: "a person does it", New: func() runbook.Probe { return &see{s: s} }, Person: true,
			Outputs: outputs, Budget: time.Minute, Timeout: time.Hour,
		},
	)
}

type do struct {
	Apply_   string           `with:"apply" default:"\"ok\"" doc:"script"`
	Observe_ string           `with:"observe" default:"\"real\"" doc:"script"`
	Takes    runbook.Duration `with:"takes" doc:"how long the call takes"`
	Input    string           `with:"input" doc:"anything"`
	Target   string           `with:"target" doc:"what it would change"`
	Undone   string           `with:"undo" default:"\"ok\"" doc:"ok, refuse, wait"`
	Found    string           `with:"prepare" default:"\"ok\"" doc:"ok, refuse, hang"`
	s        *stage
}

// Prepare takes another time for each step, so that steps side by side have one order.
func (d *do) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	if err := runbook.Sleep(ctx, d.s.clock, 10*time.Millisecond<<(call.Step[len(call.Step)-1]-'a')); err != nil {
		return nil, err
	}
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	switch d.s.word(call.Step, "prepare", d.Found) {
	case "refuse":
		return nil, runbook.Fail("it cannot be", "", "")
	case "hang":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return runbook.Keep("nothing was there")
}

func (d *do) Observe(_ context.Context, call runbook.Call) (runbook.Observation, error) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	switch d.s.word(call.Step, "observe", d.Observe_) {
	case "unsure":
		return runbook.Observation{State: runbook.Unsure, Evidence: "it cannot be seen from here"}, nil
	case "dark":
		return runbook.Observation{}, errors.New("no answer")
	}
	since, made := d.s.made[call.Step]
	switch {
	case !made:
		return runbook.Observation{State: runbook.Absent, Evidence: "nothing there"}, nil
	case d.s.clock.Now().Before(since):
		return runbook.Observation{State: runbook.Pending, Evidence: "on its way"}, nil
	}
	return d.holds(call), nil
}

func (d *do) holds(call runbook.Call) runbook.Observation {
	return runbook.Observation{
		State: runbook.Holds, Evidence: call.Step + " holds", Outputs: map[string]any{"id": "id-of-" + call.Step},
		Made: []runbook.Target{{Kind: "thing", ID: "id-of-" + call.Step}},
	}
}

func (d *do) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	d.s.mu.Lock()
	word := d.s.word(call.Step, "apply", d.Apply_)
	way := ""
	if call.Fallback != nil {
		way = fmt.Sprintf(" as %v", call.Fallback["type"])
	}
	d.s.note("apply %s attempt %d %s%s key %.4s", call.Step, call.Attempt, word, way, call.Key)
	d.s.mu.Unlock()
	if err := runbook.Sleep(ctx, d.s.clock, time.Duration(d.Takes)); err != nil {
		return runbook.Observation{}, err
	}
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	now := d.s.clock.Now()
	switch word {
	case "accept":
		d.s.made[call.Step] = now.Add(3 * time.Second)
		return runbook.Observation{State: runbook.Pending}, nil
	case "never":
		d.s.made[call.Step] = now.Add(time.Hour)
		return runbook.Observation{State: runbook.Pending}, nil
	case "throttle":
		return runbook.Observation{}, &runbook.Failure{What: "slow down", Verdict: runbook.Transient}
	case "refuse":
		return runbook.Observation{}, runbook.Fail("no capacity", "nothing was made", "try another type")
	case "full":
		f := runbook.Fail("no capacity", "nothing was made", "")
		f.Fallbacks = []runbook.Fallback{
			{Name: "big", Title: "make a big one instead", With: map[string]any{"type": "big"}},
			{Name: "far", Title: "make it far away instead", Adds: runbook.Seconds(40 * time.Second), With: map[string]any{"type": "far"}},
			{Name: "not a name", Title: "cannot be typed"},
		}
		return runbook.Observation{}, f
	case "broken":
		return runbook.Observation{State: runbook.Broken, Evidence: "it fell over", KeySpent: true}, nil
	case "lost":
		d.s.made[call.Step] = now
		return runbook.Observation{}, errors.New("connection reset")
	case "timeout":
		return runbook.Observation{}, context.DeadlineExceeded
	case "panic":
		panic("a bug in the kind")
	}
	d.s.made[call.Step] = now
	return d.holds(call), nil
}

func (d *do) Undo(_ context.Context, call runbook.Call) (runbook.Observation, error) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.s.note("undo %s", call.Step)
	switch d.s.word(call.Step, "undo", d.Undone) {
	case "refuse":
		return runbook.Observation{}, runbook.Fail("somebody else changed it", "", "")
	case "wait":
		return runbook.Observation{State: runbook.Pending, Evidence: "it is being let go"}, nil
	}
	delete(d.s.made, call.Step)
	return runbook.Observation{State: runbook.Holds, Evidence: "gone"}, nil
}

func (d *do) Finds() []string { return nil }

// Vouch knows ids that begin with "id".
func (d *do) Vouch(_ context.Context, call runbook.Call) (runbook.Observation, error) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	id, _ := call.Did["id"].(string)
	d.s.note("look at %s of %s", id, call.Step)
	switch {
	case strings.HasPrefix(id, "dark"):
		return runbook.Observation{}, errors.New("no answer")
	case !strings.HasPrefix(id, "id"):
		return runbook.Observation{State: runbook.Absent, Evidence: "there is no " + id}, nil
	}
	return runbook.Observation{State: runbook.Holds, Outputs: map[string]any{"id": id + "-seen"}}, nil
}

func (d *do) Targets(runbook.Call) []runbook.Target {
	if d.Target == "" {
		return nil
	}
	return []runbook.Target{{Kind: "thing", ID: d.Target}}
}

// see holds, by script, after some looks: words are yes, no, wait, unsure, dark.
type see struct {
	Sees string `with:"sees" default:"\"yes\"" doc:"script"`
	s    *stage
}

func (p *see) Observe(_ context.Context, call runbook.Call) (runbook.Observation, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	switch p.s.word(call.Step, "observe", p.Sees) {
	case "yes":
		return runbook.Observation{State: runbook.Holds, Evidence: "seen"}, nil
	case "no":
		return runbook.Observation{State: runbook.Absent, Evidence: "not there"}, nil
	case "unsure":
		return runbook.Observation{State: runbook.Unsure, Evidence: "cannot tell"}, nil
	case "dark":
		return runbook.Observation{}, errors.New("no answer")
	}
	return runbook.Observation{State: runbook.Pending, Evidence: "coming"}, nil
}

const estateText = `lifeboat: 1
kind: estate
name: shop
service: {name: www.example.com, url: "https://www.example.com/"}
production: {region: us-west-1}
standby: {region: us-east-1}
drill:
  service: {name: drill.example.com}
`

// plan compiles the steps (and guards, inputs) of a test.
func plan(t *testing.T, s *stage, mode runbook.Mode, body string) *runbook.Plan {
	t.Helper()
	text := "lifeboat: 1\nkind: runbook\nname: test\ntitle: A test\nestate: estate.yaml\n" + body
	rb, err := runbook.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	estate, err := runbook.ParseEstate("estate.yaml", []byte(estateText))
	if err != nil {
		t.Fatal(err)
	}
	p, err := runbook.Compile(runbook.CompileInput{Runbook: rb, Estate: estate, Catalog: s.catalog(), Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
