package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"lifeboat/runbook"
)

// Dir is the store's folder. Its methods are the only place that knows where something lies in it:
//
//	DIR/format                      the version of this layout
//	DIR/history.db                  the history, and history.lock beside it
//	DIR/runs/ID/events.jsonl        the logbook: the truth about the run
//	DIR/runs/ID/lock                held by the driver for life
//	DIR/runs/ID/live.json           progress, replaced twice a second at most
//	DIR/runs/ID/steps/STEP.log      what a step printed
//	DIR/runs/ID/calls.jsonl         every call made, redacted
//	DIR/runs/ID/executor.log        what the executor itself had to say
type Dir string

const (
	layoutVersion = 1
	formatLine    = "lifeboat store "
)

var runName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,99}$`)

// OpenDir returns the store in a folder and makes what is missing. A folder of a newer lifeboat is *ErrNewer. One that
// cannot be written is no error as long as it is a store: it can be looked at.
func OpenDir(path string) (Dir, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("store %q: %w", path, err)
	}
	d := Dir(abs)
	err = d.check()
	if errors.Is(err, syscall.ENOTDIR) {
		return "", cmp.Or(Ready(abs), err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return "", DiskError(abs, err)
	}
	if err := MakeFolder(filepath.Join(abs, "runs")); err != nil {
		return "", err
	}
	err = CreateFile(d.format(), func(f *os.File) error {
		_, err := fmt.Fprintf(f, "%s%d\n", formatLine, layoutVersion)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return d, d.check()
}

func (d Dir) format() string { return filepath.Join(string(d), "format") }

func (d Dir) check() error {
	b, err := os.ReadFile(d.format())
	if err != nil {
		return DiskError(d.format(), err)
	}
	rest, ok := strings.CutPrefix(string(b), formatLine)
	version, convErr := strconv.Atoi(strings.TrimSuffix(rest, "\n"))
	if !ok || convErr != nil || version < 1 {
		return &ErrDamaged{Path: d.format(), Why: fmt.Sprintf("it should read %q and reads %.40q", formatLine+"1", b)}
	}
	if version > layoutVersion {
		return &ErrNewer{Path: d.format(), What: fmt.Sprintf("store format %d", version)}
	}
	return nil
}

// History is the path of the history.
func (d Dir) History() string { return filepath.Join(string(d), "history.db") }

// Runs is the folder of the runs.
func (d Dir) Runs() string { return filepath.Join(string(d), "runs") }

// Run is the folder of one run.
func (d Dir) Run(id runbook.RunID) RunDir { return RunDir(filepath.Join(d.Runs(), string(id))) }

// MakeRun makes the folder of a new run. It fails with fs.ErrExist when there is one.
func (d Dir) MakeRun(id runbook.RunID) (RunDir, error) {
	if !runName.MatchString(string(id)) {
		return "", fmt.Errorf("%q is not a run id: letters, digits and dashes only", id)
	}
	if err := MakeFolder(d.Runs()); err != nil {
		return "", err
	}
	r := d.Run(id)
	if _, err := os.Lstat(string(r)); err == nil {
		return "", fmt.Errorf("run %q: %w", id, fs.ErrExist)
	}
	if err := MakeFolder(string(r)); err != nil {
		return "", err
	}
	return r, MakeFolder(filepath.Join(string(r), "steps"))
}

// FindRun returns the folder of a run that is there, or *ErrNoRun. Id may be the beginning of exactly one run's id.
func (d Dir) FindRun(id string) (runbook.RunID, error) {
	ids, err := d.RunIDs()
	if err != nil {
		return "", err
	}
	var found []runbook.RunID
	for _, have := range ids {
		if string(have) == id {
			return have, nil
		}
		if id != "" && strings.HasPrefix(string(have), id) {
			found = append(found, have)
		}
	}
	switch len(found) {
	case 0:
		return "", &ErrNoRun{Run: runbook.RunID(id)}
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%q is the beginning of %d runs, %s and %s among them", id, len(found), found[0], found[1])
}

// RunIDs lists the runs that have a logbook, in the order of their names.
func (d Dir) RunIDs() ([]runbook.RunID, error) {
	entries, err := os.ReadDir(d.Runs())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, DiskError(d.Runs(), err)
	}
	var out []runbook.RunID
	for _, e := range entries {
		id := runbook.RunID(e.Name())
		if !e.IsDir() || !runName.MatchString(e.Name()) {
			continue
		}
		if _, err := os.Stat(d.Run(id).Logbook()); err == nil {
			out = append(out, id)
		}
	}
	return out, nil
}

// RunDir is the folder of one run.
type RunDir string

// Logbook is the run's journal.
func (r RunDir) Logbook() string { return filepath.Join(string(r), "events.jsonl") }

// Lock is held by the driver.
func (r RunDir) Lock() string { return filepath.Join(string(r), "lock") }

// Live is the progress of the steps.
func (r RunDir) Live() string { return filepath.Join(string(r), "live.json") }

// StepLog is what a step printed.
func (r RunDir) StepLog(step string) string {
	return filepath.Join(string(r), "steps", filepath.Base(step)+".log")
}

// Calls is the log of the calls made.
func (r RunDir) Calls() string { return filepath.Join(string(r), "calls.jsonl") }

// ExecutorLog is what the executor itself had to say.
func (r RunDir) ExecutorLog() string { return filepath.Join(string(r), "executor.log") }
