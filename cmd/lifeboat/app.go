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
}

// store opens the store's folder, making it when it is not there.
func (a *app) store() (store.Dir, error) {
	path, err := a.storePath()
	if err != nil {
		return "", err
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
	return plainPrinter{out: a.out, plan: plan}
}

// operator is standard input as the place for answers; nil when nothing can come from there.
func (a *app) operator() *operator {
	if f, ok := a.in.(*os.File); ok {
		info, err := f.Stat()
		if err != nil || info.Mode()&os.ModeCharDevice != 0 && !isTerminal(f) {
			return nil // closed, or /dev/null
		}
	}
	return newOperator(a.in)
}

// answers are the confirmations given on the command line.
func (a *app) answers(mode runbook.Mode) ([]runbook.Answer, error) {
	var out []runbook.Answer
	if a.Yes {
		out = append(out, runbook.Answer{Step: "*"})
	}
	if a.ConfirmAll {
		if mode != runbook.Rehearse {
			return nil, usage("name each one: --confirm STEP=WORD", "--confirm-all is for rehearsals only, and this is a %s run", mode)
		}
		out = append(out, runbook.Answer{Step: "*", Word: "*"})
	}
	for _, c := range a.Confirm {
		step, word, _ := strings.Cut(c, "=")
		if step == "" || step == "*" || word == "*" {
			return nil, usage("write --confirm start=us-east-1", "--confirm %q is not STEP=WORD", c)
		}
		out = append(out, runbook.Answer{Step: step, Word: word})
	}
	return out, nil
}

// findRun resolves a run by id or the beginning of one; "" is the newest that has not ended, else the newest.
func (a *app) findRun(dir store.Dir, id string) (runbook.RunID, error) {
	if id != "" {
		return dir.FindRun(id)
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
	if len(ids) == 0 {
		return "", usage("start one: lifeboat demo", "there is no run in %s", dir)
	}
	return ids[len(ids)-1], nil
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

func randomTail() string {
	const letters = "abcdefghjkmnpqrstvwxyz23456789"
	b := make([]byte, 4)
	_, _ = rand.Read(b) // crypto/rand never fails
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

func printJSON(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // standard output that is gone is nobody's to report to
}

// classify is the exit code of an error and what to do about it.
func classify(err error) (code int, do string) {
	var e *exitError
	if errors.As(err, &e) {
		do = e.do
		if do == "" && e.err != nil {
			_, do = classify(e.err)
		}
		return e.code, do
	}
	var problems runbook.Problems
	var held *logbook.ErrHeld
	var damaged *store.ErrDamaged
	var noRun *store.ErrNoRun
	var perr *providers.Error
	f := runbook.AsFailure(err)
	do = strings.TrimSpace(f.Means + " " + f.Do)
	switch {
	case errors.As(err, &problems):
		return exitUsage, ""
	case errors.As(err, &held):
		return exitHeld, do
	case errors.As(err, &damaged):
		return exitDamaged, do
	case errors.As(err, &noRun):
		return exitUsage, do
	case errors.As(err, &perr) && perr.Kind == providers.Invalid:
		return exitUsage, do
	}
	return exitFailed, do
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
