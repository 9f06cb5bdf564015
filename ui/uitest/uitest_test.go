package uitest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"lifeboat/runbook"
	"lifeboat/ui/page"
)

// Every scene folds in every mode, and is at the moment that its name says.
func TestScenesAreWhatTheySay(t *testing.T) {
	asked := map[string]runbook.QuestionKind{
		"guard-failed": runbook.AskWaive, "guard-unsure": runbook.AskWaive, "start": runbook.AskStart, "approval": runbook.AskApprove,
		"approval-type": runbook.AskApprove, "manual": runbook.AskManual, "failed": runbook.AskFailed, "unknown": runbook.AskUnknown,
		"held": runbook.AskFailed,
	}
	ended := map[string]bool{}
	for _, name := range strings.Fields("done done-with-skips stopped failed-end refused undoing undone undo-failed") {
		ended[name] = true
	}
	for _, name := range Scenes() {
		for _, mode := range []runbook.Mode{runbook.Live, runbook.Drill, runbook.Rehearse} {
			run := Scene(name + "@" + string(mode))
			s := run.State()
			if s.Start.Mode != mode || s.Now.After(run.Now) {
				t.Errorf("%s@%s: mode %s, the last event is at %s, now is %s", name, mode, s.Start.Mode, s.Now, run.Now)
			}
			if want, is := asked[name]; is && (len(s.Questions()) == 0 || s.Questions()[0].Kind != want) {
				t.Errorf("%s@%s asks %v, not %s", name, mode, s.Questions(), want)
			}
			if got := s.Finished != nil; got != ended[name] {
				t.Errorf("%s@%s has ended: %v", name, mode, got)
			}
		}
	}
	for _, name := range []string{"undone", "undo-failed"} {
		run := Scene(name)
		if left := runbook.Decide(run.Opened.Plan, run.State()); len(left) > 0 {
			t.Errorf("%s is not over: %s is still to come", name, left[0].Type())
		}
	}
	if s := Scene("held").State(); len(s.Questions()) != 2 || s.Held == nil {
		t.Errorf("held has %d questions, held %v", len(s.Questions()), s.Held)
	}
	if s := Scene("failed").State(); s.Step("services").Attempt != 2 {
		t.Errorf("the services were tried %d times", s.Step("services").Attempt)
	}
}

// Two sessions on one run are two consoles: the first decision counts.
func TestFirstDecisionWins(t *testing.T) {
	run := Scene("failed")
	j := NewJournal(run)
	one, two := j.Session(), j.Session()
	s := run.State()
	q := s.Questions()[0]
	if err := one.Answer(t.Context(), &s, q, runbook.Reply{Choice: runbook.ChooseRetry, By: Second}); err != nil {
		t.Fatal(err)
	}
	var late *page.Decided
	if err := two.Answer(t.Context(), &s, q, runbook.Reply{Choice: runbook.ChooseStop, By: Operator}); !errors.As(err, &late) || late.By != Second {
		t.Fatalf("the second decision was answered with %v", err)
	}
	two.Next(t.Context(), 0)
	news, err := two.Next(t.Context(), s.Seq)
	if err != nil || len(news.Events) != 1 || news.Events[0].Fact.Type() != "step.retried" {
		t.Fatalf("the other console sees %v, %v", news.Events, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := two.Next(ctx, news.Events[0].Seq); err == nil {
		t.Fatal("with nothing new, Next did not wait for its context")
	}
}

func TestReadLogKeepsLinesWhole(t *testing.T) {
	text := strings.Repeat("0123456789\n", 100)
	for name, c := range map[string]struct {
		q     page.TextQuery
		lines int
		from  int64
	}{
		"whole":        {page.TextQuery{}, 100, 0},
		"first part":   {page.TextQuery{Max: 40}, 3, 0},
		"from there":   {page.TextQuery{From: 33, Max: 40}, 3, 33},
		"the end":      {page.TextQuery{From: -1, Max: 40}, 3, 1067},
		"up to":        {page.TextQuery{From: -1, Until: 1067, Max: 40}, 3, 1034},
		"past the end": {page.TextQuery{From: 5000, Max: 40}, 0, 1100},
	} {
		got := ReadLog(text, c.q)
		if len(got.Lines) != c.lines || got.From != c.from || got.Size != 1100 {
			t.Errorf("%s: %d lines from %d of %d", name, len(got.Lines), got.From, got.Size)
		}
		for _, l := range got.Lines {
			if l != "0123456789" {
				t.Errorf("%s: the line %q is not whole", name, l)
			}
		}
	}
}

func TestMisfitsAreFound(t *testing.T) {
	for name, view := range map[string]string{
		"too wide": "abcdef\n", "too few": "a", "too many": "a\nb\nc", "cursor": "\x1b[2J\n", "link": "\x1b]8;;x\x07\n", "bell": "\x07\n", "c1": "\u009b\n",
	} {
		if Misfit(view, Size{5, 2}) == "" {
			t.Errorf("%s was not found in %q", name, view)
		}
	}
	if why := Misfit("\x1b[1;38:5:9mabcde\x1b[m\n世界", Size{5, 2}); why != "" {
		t.Errorf("a good screen: %s", why)
	}
}
