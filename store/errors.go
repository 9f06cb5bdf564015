package store

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"lifeboat/runbook"
)

// ErrClosed: the journal was closed.
var ErrClosed = errors.New("the journal is closed")

// Errors of a file that cannot be understood.
type (
	// ErrNewer: a newer lifeboat wrote it. What names the thing, such as `event type "step.paused"` or `logbook format 2`.
	ErrNewer struct{ Path, What string }

	// ErrDamaged: the bytes are not those that were written. Everything up to and with event LastGood is good.
	ErrDamaged struct {
		Path     string
		Line     int    // from 1; 0 when the file has no lines
		LastGood uint64 // sequence number; 0: none
		Why      string
		Library  bool // the history: it can be made again from the logbooks
	}
)

// Errors of a disk or a file system. Nothing was written.
type (
	// ErrFull: no room, or no quota, left. The same call works when there is room again.
	ErrFull struct {
		Path string
		Err  error
	}
	// ErrReadOnly: the file, its folder or its file system cannot be written by this user.
	ErrReadOnly struct {
		Path string
		Err  error
	}
	// ErrNoFolder: the store's path is a file, or leads through one.
	ErrNoFolder struct{ Path, File string }
	// ErrUnfit: the file system's locks do not hold between machines.
	ErrUnfit struct{ Path, FileSystem string }
	// ErrBusy: another process kept a lock until the deadline.
	ErrBusy struct {
		Path string
		Err  error
	}
)

// Errors of asking for what is not there.
type (
	// ErrNoRun: the store does not know the run.
	ErrNoRun struct{ Run runbook.RunID }
	// ErrGap: events were filed that do not follow. File again from event Have+1.
	ErrGap struct {
		Run       runbook.RunID
		Have, Got uint64
	}
)

func (e *ErrNewer) Error() string { return e.Failure().What }

// Failure says what it means and what to do.
func (e *ErrNewer) Failure() runbook.Failure {
	what := e.What + " is not known to this version of lifeboat"
	if e.Path != "" {
		what = fmt.Sprintf("%s: %s", e.Path, what)
	}
	return runbook.Failure{
		What:    what,
		Means:   "A newer lifeboat wrote it. Nothing was changed.",
		Do:      "Use that version, or a newer one (`lifeboat version` shows this one's).",
		Verdict: runbook.Definitive,
	}
}

func (e *ErrDamaged) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: damaged: %s; good up to event %d", e.Path, e.Line, e.Why, e.LastGood)
	}
	return fmt.Sprintf("%s: damaged: %s", e.Path, e.Why)
}

// Failure says what it means and what to do.
func (e *ErrDamaged) Failure() runbook.Failure {
	f := runbook.Failure{What: e.Error(), Verdict: runbook.Definitive}
	if e.Library {
		f.Means = "The history is a library made from the logbooks, which are the truth. No run is lost or stopped by this."
		f.Do = "Run `lifeboat verify`: it makes the history again from the logbooks."
		return f
	}
	f.Means = fmt.Sprintf("The record can be read and trusted up to event %d. Nothing is appended to a damaged record.", e.LastGood)
	f.Do = "Copy the file before anything else, check the disk, then run `lifeboat verify`, which offers to keep the good part."
	return f
}

func (e *ErrFull) Error() string { return fmt.Sprintf("%s: no room left to write: %v", e.Path, e.Err) }
func (e *ErrFull) Unwrap() error { return e.Err }

// Failure says what it means and what to do.
func (e *ErrFull) Failure() runbook.Failure {
	return runbook.Failure{
		What:    e.Error(),
		Means:   "What could not be recorded was not done: lifeboat acts only on what is on disk.",
		Do:      "Make room on that file system (or raise the quota). A run under way goes on by itself; anything else, try again.",
		Verdict: runbook.Transient,
	}
}

func (e *ErrReadOnly) Error() string { return fmt.Sprintf("%s: cannot be written: %v", e.Path, e.Err) }
func (e *ErrReadOnly) Unwrap() error { return e.Err }

// Failure says what it means and what to do.
func (e *ErrReadOnly) Failure() runbook.Failure {
	return runbook.Failure{
		What:    e.Error(),
		Means:   "Runs can be looked at here, but not driven, answered or stopped.",
		Do:      "Check the folder's owner and mode and the file system's mount, or choose another folder with --store.",
		Verdict: runbook.Definitive,
	}
}

func (e *ErrNoFolder) Error() string {
	if e.File == e.Path {
		return fmt.Sprintf("the store %s is a file, not a folder", e.Path)
	}
	return fmt.Sprintf("%s is a file, not a folder: the store cannot be %s", e.File, e.Path)
}

// Failure says what it means and what to do.
func (e *ErrNoFolder) Failure() runbook.Failure {
	return runbook.Failure{
		What:    e.Error(),
		Means:   "No run can be kept there, so none starts, and none can be looked at. The file was not touched.",
		Do:      "Name a folder with --store or LIFEBOAT_STORE; one that is not there yet is made.",
		Verdict: runbook.Definitive,
	}
}

func (e *ErrUnfit) Error() string {
	return fmt.Sprintf("%s lies on %s, whose locks cannot be trusted", e.Path, e.FileSystem)
}

// Failure says what it means and what to do.
func (e *ErrUnfit) Failure() runbook.Failure {
	return runbook.Failure{
		What:    e.Error(),
		Means:   "Two machines could drive the same run without knowing of each other.",
		Do:      "Choose a folder on a local disk with --store or LIFEBOAT_STORE.",
		Verdict: runbook.Definitive,
	}
}

func (e *ErrBusy) Error() string {
	return fmt.Sprintf("%s: another process keeps it locked: %v", e.Path, e.Err)
}
func (e *ErrBusy) Unwrap() error { return e.Err }

// Failure says what it means and what to do.
func (e *ErrBusy) Failure() runbook.Failure {
	return runbook.Failure{
		What:    e.Error(),
		Means:   "Nothing was written. A lock is held for milliseconds, so that process hangs or is stopped.",
		Do:      fmt.Sprintf("Find it with `fuser -v %s`, then try again.", e.Path),
		Verdict: runbook.Transient,
	}
}

func (e *ErrNoRun) Error() string { return fmt.Sprintf("there is no run %q", e.Run) }

// Failure says what it means and what to do.
func (e *ErrNoRun) Failure() runbook.Failure {
	return *runbook.Fail(e.Error(), "", "`lifeboat history` lists the runs of this store.")
}

func (e *ErrGap) Error() string {
	return fmt.Sprintf("run %q is filed up to event %d; event %d does not follow", e.Run, e.Have, e.Got)
}

// DiskError gives an error of the operating system its type: ErrFull, ErrReadOnly, or the error itself with the path.
func DiskError(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &ErrFull{Path: path, Err: bare(err)}
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return &ErrReadOnly{Path: path, Err: bare(err)}
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// bare takes the path out of an error that will be shown beside the path.
func bare(err error) error {
	var no syscall.Errno
	if errors.As(err, &no) {
		return no
	}
	return err
}
