package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"lifeboat/runbook"
)

const hiddenWord = `p"a<s>s\word&1`

func hiding(t *testing.T) *secrets {
	t.Helper()
	t.Setenv("SCRIPT_SECRET", hiddenWord)
	s := newSecrets()
	if got, err := s.Secret("SCRIPT_SECRET"); err != nil || got != hiddenWord {
		t.Fatalf("got %q, %v", got, err)
	}
	return s
}

// TestSecretsInFacts: wherever a far side's words go in a fact, the secret does not.
func TestSecretsInFacts(t *testing.T) {
	s := hiding(t)
	for _, f := range []runbook.Fact{
		&runbook.StepSucceeded{Step: "a", Evidence: "it said " + hiddenWord, Outputs: map[string]any{"x": []any{hiddenWord}, "n": 7}},
		&runbook.StepFailed{Step: "a", Error: runbook.Failure{What: hiddenWord, Means: hiddenWord, Do: "x" + hiddenWord, Code: hiddenWord}},
		&runbook.StepUnknown{Step: "a", Why: hiddenWord, Seen: hiddenWord},
		&runbook.GuardFailed{Guard: "g", Evidence: hiddenWord},
		&runbook.UndoFailed{Step: "a", Error: runbook.Failure{What: hiddenWord}},
		&runbook.NoteAdded{Text: hiddenWord},
		&runbook.StepStarted{Step: "a", Before: json.RawMessage(`{"was":"p\"a\u003cs\u003es\\word\u00261"}`)},
	} {
		clean, err := s.redactFact(f)
		if err != nil {
			t.Fatalf("%s: %v", f.Type(), err)
		}
		text, err := json.Marshal(clean)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("word")) || !bytes.Contains(text, []byte("(secret)")) || clean.Type() != f.Type() {
			t.Errorf("%s holds it still: %s", f.Type(), text)
		}
	}
}

// TestSecretsLeaveFactsAlone: a step that is called as a secret reads keeps its name, and what holds no secret is not touched.
func TestSecretsLeaveFactsAlone(t *testing.T) {
	s := newSecrets()
	s.hide("launch")
	clean, err := s.redactFact(&runbook.StepSucceeded{Step: "launch", Evidence: "launch says 1", Outputs: map[string]any{"big": 12345678901234567}})
	got, _ := clean.(*runbook.StepSucceeded)
	if err != nil || got == nil || got.Step != "launch" || got.Evidence != "(secret) says 1" {
		t.Errorf("got %+v, %v", clean, err)
	}
	same := &runbook.NoteAdded{Text: "nothing"}
	if clean, err := s.redactFact(same); err != nil || clean != runbook.Fact(same) {
		t.Errorf("got %+v, %v", clean, err)
	}
}

// TestSecretsInLogs: a secret is found however the far side's output is cut into writes, and over several lines.
func TestSecretsInLogs(t *testing.T) {
	s := hiding(t)
	s.hide("first line\nsecond line")
	text := "a " + hiddenWord + " b\nfirst line\nsecond line\n" + hiddenWord + "\r" + hiddenWord
	for size := 1; size < len(text); size++ {
		var out strings.Builder
		w := &redactingWriter{w: &out, secrets: s}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if _, err := w.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if want := "a (secret) b\n(secret)\n(secret)\n(secret)\n(secret)"; out.String() != want && out.String() != strings.Replace(want, "\n(secret)\n(secret)\n", "\n(secret)\n", 1) {
			t.Fatalf("in writes of %d: %q", size, out.String())
		}
	}
}

// TestSecretsLearn: the names that the files speak of are known before a step asks for them.
func TestSecretsLearn(t *testing.T) {
	t.Setenv("SCRIPT_SECRET", hiddenWord)
	t.Setenv("SCRIPT_OTHER", "another word")
	s := newSecrets()
	s.learn(`env: {A: "${{ secret.SCRIPT_SECRET }}", B: '${{ secret["SCRIPT_OTHER"] }}', C: "${{ secret.SCRIPT_NONE }}"}`, nil)
	if got := s.redact("x " + hiddenWord + " another word"); got != "x (secret) (secret)" {
		t.Errorf("got %q", got)
	}
}
