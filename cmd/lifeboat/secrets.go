package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"lifeboat/runbook"
	"lifeboat/store/logbook"
)

// secrets finds secrets: in the environment, or as a file in $LIFEBOAT_SECRETS or $CREDENTIALS_DIRECTORY. It knows every
// spelling under which one of them can come back in an answer, and takes them out of all that is written.
type secrets struct {
	mu     sync.Mutex
	hidden []string // the longest first
	driver bool     // they are a run's own: what is missing is set, and the run is taken over
	demo   bool     // the estate is the demo's own: what it names exists nowhere, and is stood in for
}

// errNoSecret says where a secret was looked for.
var errNoSecret = errors.New("it is neither in the environment nor a file in $LIFEBOAT_SECRETS or $CREDENTIALS_DIRECTORY")

func newSecrets() *secrets { return &secrets{} }

// shortest is the fewest characters a secret may have: a shorter one stands in every text, and cannot be kept out of it.
const shortest = 4

// Secret returns the secret's value.
func (s *secrets) Secret(name string) (string, error) {
	value, err := findSecret(name)
	if err != nil && s.demo {
		return "demo-" + name, nil
	}
	if errors.Is(err, errNoSecret) && s.driver {
		return "", errors.New("it is neither in the environment in which the run was started nor a file in $LIFEBOAT_SECRETS; " +
			"set it, and go on with `lifeboat resume --take-over`")
	}
	if err != nil {
		return "", err
	}
	if len(value) < shortest {
		return "", fmt.Errorf("it is shorter than %d characters and could not be kept out of the record; choose a longer one", shortest)
	}
	s.hide(value)
	return value, nil
}

func findSecret(name string) (string, error) {
	value, ok := os.LookupEnv(name)
	for _, folder := range []string{os.Getenv("LIFEBOAT_SECRETS"), os.Getenv("CREDENTIALS_DIRECTORY")} {
		if ok || folder == "" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, filepath.Base(name)))
		if err == nil {
			value, ok = strings.TrimRight(string(text), "\n"), true
		} else if !errors.Is(err, os.ErrNotExist) {
			return "", unwrapPath(err)
		}
	}
	if !ok || value == "" {
		return "", errNoSecret
	}
	return value, nil
}

// giveSecret is how a person gives a secret that is not here.
func giveSecret(name string) string {
	return "export " + name + ", or write it to the file " + name + " in the folder that $LIFEBOAT_SECRETS names"
}

var secretName = regexp.MustCompile(`secret\s*(?:\.\s*|\[\s*["'])([A-Za-z_][A-Za-z0-9_-]*)`)

// secretNames are the secrets that a text names, and those that an estate names by itself.
func secretNames(text string, estate *runbook.Estate) []string {
	var names []string
	for _, m := range secretName.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	if estate != nil {
		names = append(names, estate.Secrets()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// learn hides the secrets that a text or an estate names, before any of them is given out: after a crash the far side may
// speak of what an earlier driver has told it.
func (s *secrets) learn(text string, estate *runbook.Estate) {
	for _, name := range secretNames(text, estate) {
		if value, err := findSecret(name); err == nil && len(value) >= shortest {
			s.hide(value)
		}
	}
}

// warnSecrets says which secrets a runbook names and this machine does not have, while it is cheap: the step that reads one
// cannot run. It refuses nothing, since the step may not be needed.
func (a *app) warnSecrets(f *files, mode runbook.Mode) {
	estate := f.parsedEstate
	if mode == runbook.Rehearse { // what the estate names is for its hosts and services, which are simulated
		estate = nil
	}
	for _, name := range secretNames(f.runbook.Text, estate) {
		if _, err := findSecret(name); err != nil {
			fmt.Fprintf(a.errs, "note: the secret %s is not here (no such variable, no such file in $LIFEBOAT_SECRETS); what needs it cannot be done\n", name)
		}
	}
}

// hide remembers a value as it is, as cleaning leaves it, line by line, and each of these as JSON spells it.
func (s *secrets) hide(value string) {
	spellings := append([]string{value, runbook.Clean(value)}, strings.FieldsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' })...)
	for _, v := range slices.Clone(spellings) {
		if text, err := json.Marshal(v); err == nil {
			spellings = append(spellings, string(text[1:len(text)-1]))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range spellings {
		if len(v) >= shortest && !slices.Contains(s.hidden, v) {
			s.hidden = append(s.hidden, v)
		}
	}
	slices.SortStableFunc(s.hidden, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
}

// redact takes every secret from a text.
func (s *secrets) redact(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.hidden {
		text = strings.ReplaceAll(text, v, "(secret)")
	}
	return text
}

// longest is the length of the longest spelling.
func (s *secrets) longest() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.hidden) == 0 {
		return 0
	}
	return len(s.hidden[0])
}

// redactFact returns the fact without secrets, and its words without what a terminal obeys. run.started is left alone: it was made before any secret was read, and
// what it pins must stay as it is, byte for byte.
func (s *secrets) redactFact(f runbook.Fact) (runbook.Fact, error) {
	if _, start := f.(*runbook.RunStarted); start {
		return f, nil
	}
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	if s.redact(string(text)) == string(text) && !bytes.Contains(text, []byte(`\u00`)) && runbook.Clean(string(text)) == string(text) {
		return f, nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	for key, part := range v {
		if !structural[key] {
			v[key] = s.redactValue(key, part)
		}
	}
	if text, err = json.Marshal(v); err != nil {
		return nil, err
	}
	clean, _ := reflect.New(reflect.TypeOf(f).Elem()).Interface().(runbook.Fact) // the same type as f
	return clean, json.Unmarshal(text, clean)
}

// structural are the words of a fact that name things of the plan.
var structural = map[string]bool{"step": true, "guard": true, "kind": true, "key": true, "steps": true, "outcome": true}

// forPeople are the words of a fact that are read and never acted on: what a terminal obeys has no place in them.
var forPeople = map[string]bool{
	"evidence": true, "what": true, "means": true, "do": true, "why": true, "seen": true, "reason": true, "text": true, "note": true,
}

func (s *secrets) redactValue(key string, v any) any {
	switch v := v.(type) {
	case string:
		if forPeople[key] {
			v = runbook.Clean(v)
		}
		return s.redact(v)
	case []any:
		for i := range v {
			v[i] = s.redactValue(key, v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = s.redactValue(k, v[k])
		}
	}
	return v
}

// secretFree is a journal into which no secret gets.
type secretFree struct {
	*logbook.Book
	secrets *secrets
}

// Append redacts the facts and appends them.
func (j secretFree) Append(ctx context.Context, after, epoch uint64, facts ...runbook.Fact) ([]runbook.Event, error) {
	clean := make([]runbook.Fact, len(facts))
	for i, f := range facts {
		var err error
		if clean[i], err = j.secrets.redactFact(f); err != nil {
			return nil, fmt.Errorf("take the secrets out of %s: %w", f.Type(), err)
		}
	}
	return j.Book.Append(ctx, after, epoch, clean...)
}

// redactingWriter holds back the last, unfinished line, so that a secret in two writes is still found.
type redactingWriter struct {
	mu      sync.Mutex
	w       io.Writer
	secrets *secrets
	held    []byte
}

// holdBack is how long a line may grow before a part of it is written.
const holdBack = 64 << 10

func (r *redactingWriter) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = append(r.held, p...)
	cut := bytes.LastIndexAny(r.held, "\r\n") + 1
	if len(r.held)-cut > holdBack {
		cut = len(r.held) - r.secrets.longest()
	}
	return len(p), r.flush(cut)
}

func (r *redactingWriter) flush(cut int) error {
	if cut <= 0 {
		return nil
	}
	text := r.secrets.redact(string(r.held[:cut]))
	r.held = append(r.held[:0], r.held[cut:]...)
	// A log is read on a terminal, too: a line that was to be overwritten becomes a line of its own.
	_, err := io.WriteString(r.w, runbook.CleanLines(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")))
	return err
}

// Close writes what was held back.
func (r *redactingWriter) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flush(len(r.held))
}
