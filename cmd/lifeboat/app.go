package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"lifeboat/providers"
	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
)

// app is what every command has at hand.
type app struct {
	global
	in        io.Reader
	out, errs io.Writer
	ops       *operator // once somebody has asked for it
	mute      bool      // the console has the terminal: a typed word is asked for by *page.NeedWord
}

// store opens the store's folder, making it when it is not there.
func (a *app) store() (store.Dir, error) {
	path, err := a.storePath()
	if err != nil {
		return "", err
	}
	return store.OpenDir(path)
}

// readStore is the store's folder for a command that only looks: it makes nothing.
func (a *app) readStore() (store.Dir, error) {
	path, err := a.storePath()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return "", usage("start one: lifeboat demo", "there is no run: the store %s is not there", path)
	}
	return store.OpenDir(path)
}

// storePath is --store, or lifeboat under the XDG state folder.
func (a *app) storePath() (string, error) {
	if a.Store != "" {
		return a.Store, nil
	}
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // the XDG rules: a relative one counts as unset
		home, err := os.UserHomeDir()
		if err != nil {
			return "", usage("name a folder with --store DIR", "there is no home folder to keep the store in: %v", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "lifeboat"), nil
}

// printer chooses how events are shown.
func (a *app) printer(plan *runbook.Plan) printer {
	if a.JSON {
		return jsonPrinter{out: a.out, errs: a.errs}
	}
	return plainPrinter{out: a.out, plan: plan, width: a.columns}
}

// columns is the width of the terminal; 0 where the output goes elsewhere.
func (a *app) columns() int { return columnsOf(a.out) }

// errColumns is the same of where errors go.
func (a *app) errColumns() int { return columnsOf(a.errs) }

func columnsOf(out io.Writer) int {
	sink, _ := out.(cleanSink)
	f, ok := sink.w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// operator is standard input as the place for answers; nil when nothing can come from there. There is one for the whole
// command: a second reader would take lines from the first.
func (a *app) operator() *operator {
	if a.ops != nil {
		return a.ops
	}
	if f, ok := a.in.(*os.File); ok {
		info, err := f.Stat()
		if err != nil || info.Mode()&os.ModeCharDevice != 0 && !isTerminal(f) {
			return nil // closed, or /dev/null
		}
	}
	a.ops = newOperator(a.in)
	return a.ops
}

// answers are the confirmations given on the command line. Each must fit the plan: a slip there is found now and not
// in the middle of the night's run.
func (a *app) answers(plan *runbook.Plan) ([]runbook.Answer, error) {
	var out []runbook.Answer
	if a.Yes {
		out = append(out, runbook.Answer{Step: "*"})
	}
	if a.ConfirmAll {
		if plan.Mode != runbook.Rehearse {
			return nil, usage("name each one: --confirm STEP=WORD", "--confirm-all is for rehearsals only, and this is a %s run", plan.Mode)
		}
		out = append(out, runbook.Answer{Step: "*", Word: "*"})
	}
	for _, c := range a.Confirm {
		step, word, ok := strings.Cut(c, "=")
		if !ok || step == "" || step == "*" || word == "*" {
			return nil, usage("write --confirm start="+plan.Word, "--confirm %q is not STEP=WORD", c)
		}
		if step == secondStart || step == agentQuestion {
			continue // about what surrounds the run, not a part of it
		}
		if err := checkAnswer(plan, step, word); err != nil {
			return nil, err
		}
		out = append(out, runbook.Answer{Step: step, Word: word})
	}
	return out, nil
}

// checkAnswer refuses an answer to what is not asked, and a wrong word.
func checkAnswer(plan *runbook.Plan, step, word string) error {
	asked := map[string]asks{runbook.StartStep: asksFor(plan.Confirm, plan.Word)}
	for i := range plan.Steps {
		s := &plan.Steps[i]
		asked[s.ID] = asksFor(s.Confirm, s.Word)
	}
	for _, g := range plan.Guards {
		asked[g.ID] = asksFor(g.Waive, g.Word)
	}
	var open []string
	for _, id := range sortedKeys(asked) {
		if asked[id].Confirm == runbook.ConfirmType {
			open = append(open, id+"="+asked[id].Word)
		}
	}
	do := "nothing in this runbook asks for a word"
	if len(open) > 0 {
		do = "what asks for a word here: --confirm " + strings.Join(open, ", --confirm ")
	}
	question, known := asked[step]
	switch {
	case !known:
		return usage(do, "--confirm %s=%s: the runbook has no step or guard %q", step, word, step)
	case question.Confirm != runbook.ConfirmType:
		return usage(do, "--confirm %s=%s: %s asks for no word", step, word, step)
	case question.Word != word:
		return usage(do, "--confirm %s=%s: the word is %s", step, word, question.Word)
	}
	return nil
}

// findRun resolves a run by its id or the beginning of one; "" is the newest that has not ended, else the newest.
func (a *app) findRun(dir store.Dir, id string) (runbook.RunID, error) {
	if id != "" {
		run, err := dir.FindRun(id)
		if err != nil && codeOf(err) == exitFailed {
			return "", coded(exitUsage, "write more of it; `lifeboat history` shows the ids", err)
		}
		return run, err
	}
	ids, err := dir.RunIDs()
	if err != nil {
		return "", err
	}
	for i := len(ids) - 1; i >= 0; i-- {
		events, err := logbook.Read(dir.Run(ids[i]).Logbook())
		if err != nil {
			continue // a damaged one is named by verify; the newest whole one is what was meant
		}
		if s := runbook.Fold(events); s.Finished == nil && !s.StartedAt.IsZero() {
			return ids[i], nil
		}
	}
	return a.newestRun(dir)
}

func (a *app) newestRun(dir store.Dir) (runbook.RunID, error) {
	ids, err := dir.RunIDs()
	if err != nil {
		return "", err
	}
	for i := len(ids) - 1; i >= 0; i-- {
		// One that never started is no run: its starter was killed before anything was recorded.
		events, err := logbook.Read(dir.Run(ids[i]).Logbook())
		if len(events) > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
			return ids[i], nil
		}
	}
	return "", usage("start one: lifeboat demo", "there is no run in %s", dir)
}

// thisActor is the person behind this process, by uid.
func thisActor() runbook.Actor {
	uid := os.Getuid()
	name := "uid " + strconv.Itoa(uid)
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		name = u.Username
	}
	host, _ := os.Hostname()
	return runbook.Actor{UID: uid, Name: runbook.Clean(name), Host: runbook.Clean(host)}
}

// tailLetters are easy to tell apart and to type, and in the order of their codes.
const tailLetters = "23456789abcdefghjkmnpqrstvwxyz"

func randomTail() string {
	b := make([]byte, 3)
	_, _ = rand.Read(b) // crypto/rand never fails
	for i := range b {
		b[i] = tailLetters[int(b[i])%len(tailLetters)]
	}
	return string(b)
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

func printJSON(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // standard output that is gone is nobody's to report to
}

// trouble is an error as it is shown: what happened, what it means, what to do.
type trouble struct {
	code            int
	what, means, do string
}

// classify puts an error into words and gives it its exit code.
func classify(err error) trouble {
	var e *exitError
	if errors.As(err, &e) {
		t := trouble{code: e.code, what: err.Error(), means: e.means, do: e.do}
		if inner := classify(e.err); t.do == "" && t.means == "" {
			t.means, t.do = inner.means, inner.do
		}
		return t
	}
	f := runbook.AsFailure(err)
	return trouble{code: codeOf(err), what: err.Error(), means: f.Means, do: f.Do}
}

func codeOf(err error) int {
	var problems runbook.Problems
	var held *logbook.ErrHeld
	var damaged *store.ErrDamaged
	var noRun *store.ErrNoRun
	var newer *store.ErrNewer
	var readOnly *store.ErrReadOnly
	var unfit *store.ErrUnfit
	var noFolder *store.ErrNoFolder
	var perr *providers.Error
	switch {
	case errors.As(err, &held):
		return exitHeld
	case errors.As(err, &damaged):
		return exitDamaged
	case errors.As(err, &problems), errors.As(err, &noRun), errors.As(err, &newer), errors.As(err, &readOnly),
		errors.As(err, &unfit), errors.As(err, &noFolder):
		return exitUsage
	case errors.As(err, &perr) && perr.Kind == providers.Invalid:
		return exitUsage
	}
	return exitFailed
}

// background is the context of a command that waits for the world: bounded, so that it never hangs without end.
func background(limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), limit)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", one)
	}
	return fmt.Sprintf("%d %s", n, many)
}
