package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/runbook"
	"lifeboat/runbook/engine"
	"lifeboat/runbook/runbooktest"
	"lifeboat/store"
)

// Whatever is decided, by whom, twice or too late, and whenever drivers die: nothing is applied twice for one intent, nothing
// without one, and a run that is not over either moves or asks.
func TestHostileOperators(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { hostile(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func hostile(t *testing.T, r *rand.Rand) {
	clock := runbook.WallClock{}
	st := newStage(clock)
	body := "confirm: " + pick(r, "none", "key", "type") + "\n" + hostileSteps(r)
	p := plan(t, st, runbook.Rehearse, body)
	journal := store.NewMemory("r1", clock.Now)
	started := &runbook.RunStarted{Mode: runbook.Rehearse, Name: "test", Driver: runbook.Driver{Epoch: 1}}
	operators, end := context.WithCancel(t.Context())
	defer end()
	var s runbook.State
	for epoch := uint64(1); ; epoch++ {
		ctx, cancel := context.WithCancel(t.Context())
		last := epoch > 4
		limit := time.Duration(r.Int64N(int64(20 * time.Second)))
		if last {
			limit = 6 * time.Hour
		}
		if epoch == 1 {
			for range 2 {
				seed := r.Uint64()
				go meddle(operators, journal, rand.New(rand.NewPCG(seed, 2)))
			}
		}
		life := time.AfterFunc(limit, cancel)
		s, _ = engine.New(engine.Config{
			Plan: p, Run: "r1", Journal: journal, Clock: clock, Driver: runbook.Driver{Epoch: epoch}, Start: started,
		}).Drive(ctx)
		life.Stop()
		cancel()
		synctest.Wait()
		if last {
			break
		}
	}
	end()
	events, err := journal.Events(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	s = runbook.Fold(events)
	lab := runbooktest.Lab{Journal: journal}
	if s.Finished == nil && (s.Held == nil || len(s.Questions()) == 0) {
		t.Errorf("the run neither moves nor asks:\n%s\n%s", body, transcript(t, lab))
	}
	runbooktest.CheckEvents(t, events)
	applied(t, st.log, events, func() string { return body + "\n" + transcript(t, lab) + strings.Join(st.log, "\n") })
	synctest.Wait()
}

// applied holds what the world was asked to do against the intents.
func applied(t *testing.T, log []string, events []runbook.Event, story func() string) {
	intents := map[string]int{}
	for _, e := range events {
		if f, ok := e.Fact.(*runbook.StepStarted); ok {
			intents[fmt.Sprintf("%s attempt %d key %.4s", f.Step, f.Attempt, f.Key)]++
		}
	}
	seen := map[string]int{}
	for _, line := range log {
		words := strings.Fields(line)
		if len(words) < 7 || words[1] != "apply" {
			continue
		}
		call := fmt.Sprintf("%s attempt %s key %s", words[2], words[4], words[7])
		if seen[call]++; seen[call] > intents[call] {
			t.Errorf("%s was applied %d times, with %d intents:\n%s", call, seen[call], intents[call], story())
		}
	}
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func hostileSteps(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString("steps:\n")
	leaves := map[string]bool{} // steps with an output
	for i := range 4 {
		id := string(rune('a' + i))
		needs := []string{}
		for j := range i {
			if r.IntN(2) == 0 {
				needs = append(needs, string(rune('a'+j)))
			}
		}
		extra := pick(r, "", "", ", confirm: key", ", confirm: type, word: YES", ", retry: {attempts: 3}")
		cond := ""
		if len(needs) > 0 && leaves[needs[0]] && r.IntN(3) == 0 {
			cond = fmt.Sprintf(", if: %q", fmt.Sprintf("steps.%s.id != \"x\"", needs[0]))
		}
		words := []string{}
		for range 3 {
			words = append(words, pick(r, "ok", "accept", "never", "throttle", "broken", "lost", "timeout", "refuse", "panic"))
		}
		uses := pick(r, "do", "do", "do.interruptible", "see", "person")
		leaves[id] = uses != "see"
		with := fmt.Sprintf(", with: {apply: %s, observe: %s, undo: %s, prepare: %s, takes: %s}", strings.Join(words, " "),
			pick(r, "real", "real", "real real unsure", "dark", "dark dark real"), pick(r, "ok", "refuse ok"), pick(r, "ok", "ok", "refuse ok"), pick(r, "1ms", "3s"))
		switch uses {
		case "see":
			with, cond = fmt.Sprintf(", with: {sees: %s}", pick(r, "yes", "wait wait yes", "wait", "dark dark yes")), ""
		case "person":
			with, cond = "", ""
		}
		fmt.Fprintf(&b, "  - {id: %s, uses: %s, needs: [%s]%s%s%s}\n", id, uses, strings.Join(needs, ", "), with, extra, cond)
	}
	return b.String()
}

// meddle is an operator who answers at random, also what was answered long ago.
func meddle(ctx context.Context, j engine.Journal, r *rand.Rand) {
	var stale []runbook.Fact
	for runbook.Sleep(ctx, runbook.WallClock{}, time.Duration(r.Int64N(int64(8*time.Second)))) == nil {
		events, err := j.Events(ctx, 1)
		if err != nil {
			return
		}
		s := runbook.Fold(events)
		var fact runbook.Fact
		switch qs := s.Questions(); {
		case r.IntN(60) == 0:
			fact = &runbook.StopRequested{}
		case r.IntN(80) == 0 || s.Finished != nil && r.IntN(4) == 0:
			fact = &runbook.UndoRequested{Steps: []string{pick(r, "a", "b", "c", "d")}}
		case len(stale) > 0 && r.IntN(4) == 0:
			fact = pick(r, stale...)
		case len(qs) > 0:
			q := pick(r, qs...)
			reply := runbook.Reply{Choice: pick(r, q.Choices...), Word: q.Word, Reason: "because"}
			if reply.Choice == runbook.ChooseStop {
				reply.Choice = q.Choices[0]
			}
			if r.IntN(2) == 0 {
				reply.Outputs = map[string]any{"id": "given"}
			}
			if fact, err = q.Answer(reply); err != nil {
				continue
			}
			if retry, ok := fact.(*runbook.StepRetried); ok {
				s.Retry(retry)
			}
			stale = append(stale, fact)
		}
		if fact != nil {
			_, _ = j.Append(ctx, s.Seq, 0, fact)
		}
	}
}
