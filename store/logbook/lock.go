package logbook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
)

// Held is the lock of a run in the hands of its driver. It has no expiry and needs no heartbeat: the kernel gives it back
// when the process ends, however it ends, and not before.
type Held struct{ f *os.File }

// ErrHeld: another process drives the run. Driver is zero when the holder has not yet said who it is.
type ErrHeld struct {
	Path   string
	Driver runbook.Driver
	Since  time.Time // by the holder's wall clock
}

func (e *ErrHeld) Error() string {
	if e.Driver.PID == 0 {
		return "another process holds the run and has not said who it is"
	}
	return fmt.Sprintf("%s holds the run since %s (process %d on %s)",
		e.Driver.By, e.Since.UTC().Format("2006-01-02 15:04:05 UTC"), e.Driver.PID, e.Driver.Host)
}

// Failure says what it means and what to do.
func (e *ErrHeld) Failure() runbook.Failure {
	return runbook.Failure{
		What:    e.Error(),
		Means:   "One process drives a run at a time. This one has done nothing.",
		Do:      "Follow it with `lifeboat attach`. To take it over, `lifeboat resume --take-over`.",
		Verdict: runbook.Definitive,
	}
}

// holder is what stands in the lock's file.
type holder struct {
	Driver runbook.Driver `json:"driver"`
	Since  time.Time      `json:"since"`
}

// Lock takes a run's lock at once, or returns *ErrHeld with the one who has it. The file stays when the lock is given
// back: removing it would let two processes each lock their own.
func Lock(path string, who runbook.Driver, since time.Time) (*Held, error) {
	if err := refuseNetwork(filepath.Dir(path)); err != nil {
		return nil, err
	}
	_, mode := store.Modes(filepath.Dir(path))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, mode)
	if err != nil {
		return nil, store.DiskError(path, err)
	}
	if info, err := f.Stat(); err == nil && info.Mode().Perm() != mode {
		f.Chmod(mode) //nolint:errcheck // past the umask; the file may be another user's of the group
	}
	for tries := 0; ; tries++ {
		got, err := store.TryFlock(f)
		if err != nil {
			f.Close()
			return nil, store.DiskError(path, err)
		}
		if got {
			break
		}
		h, known := readHolder(f)
		if known || tries == identifyTries {
			f.Close()
			return nil, &ErrHeld{Path: path, Driver: h.Driver, Since: h.Since}
		}
		time.Sleep(identifyWait)
	}
	h := &Held{f: f}
	if err := h.Identify(who, since); err != nil {
		h.Release()
		return nil, err
	}
	return h, nil
}

// Between taking the lock and writing its name a new holder needs microseconds; until then the last holder's name stands.
const (
	identifyTries = 40
	identifyWait  = 5 * time.Millisecond
)

// readHolder reads who holds the lock. It is not known while the name is that of a process that has ended.
func readHolder(f *os.File) (holder, bool) {
	var h holder
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<16))
	if err != nil || json.Unmarshal(b, &h) != nil || h.Driver.PID == 0 {
		return holder{}, false
	}
	alive, err := ProcessAlive(h.Driver)
	if err == nil && !alive {
		return holder{}, false
	}
	return h, true
}

// Identify writes who holds the lock, for those who lose. A driver calls it again when it knows its epoch.
func (h *Held) Identify(who runbook.Driver, since time.Time) error {
	b, err := json.Marshal(holder{Driver: who, Since: since.Round(0)})
	if err != nil {
		return fmt.Errorf("name the holder of %s: %w", h.f.Name(), err)
	}
	if _, err := h.f.WriteAt(append(b, '\n'), 0); err != nil {
		return store.DiskError(h.f.Name(), err)
	}
	return store.DiskError(h.f.Name(), h.f.Truncate(int64(len(b))+1))
}

// Release gives the lock back, and the name with it. The end of the process gives back the lock.
func (h *Held) Release() error {
	h.f.Truncate(0) //nolint:errcheck // a name without a lock means nothing
	return h.f.Close()
}

// Holder tells who holds a run's lock, if anybody does. It takes nothing and works on a read-only file system.
func Holder(path string) (driver runbook.Driver, since time.Time, held bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return driver, since, false, nil
	}
	if err != nil {
		return driver, since, false, store.DiskError(path, err)
	}
	defer f.Close()
	free, err := store.TryFlockShared(f) // two who only ask do not see each other
	if err != nil || free {
		return driver, since, false, err
	}
	h, _ := readHolder(f)
	return h.Driver, h.Since, true, nil
}

// ThisProcess describes this process as a driver.
func ThisProcess(by runbook.Actor, epoch uint64) (runbook.Driver, error) {
	host, err := os.Hostname()
	if err != nil {
		return runbook.Driver{}, fmt.Errorf("name of this machine: %w", err)
	}
	stamp, _, err := began(os.Getpid())
	if err != nil {
		return runbook.Driver{}, err
	}
	return runbook.Driver{Epoch: epoch, Host: host, PID: os.Getpid(), Began: stamp, By: by}, nil
}

// ProcessAlive proves that a driver's process lives or has ended. A pid that was given to another process since is told
// by its start time. An error means that it cannot be proved from here: another machine, or another pid namespace.
func ProcessAlive(d runbook.Driver) (bool, error) {
	host, err := os.Hostname()
	if err != nil {
		return false, fmt.Errorf("name of this machine: %w", err)
	}
	if d.Host != host {
		return false, fmt.Errorf("process %d runs on %q and this is %q: it cannot be seen from here", d.PID, d.Host, host)
	}
	stamp, alive, err := began(d.PID)
	if err != nil {
		return false, err
	}
	was, is := strings.Split(d.Began, "/"), strings.Split(stamp, "/")
	if len(was) != 3 || len(is) != 3 {
		return false, fmt.Errorf("process %d: %q is not a start time", d.PID, d.Began)
	}
	if was[0] != is[0] {
		return false, nil // the machine has been started anew since
	}
	if was[1] != is[1] {
		return false, fmt.Errorf("process %d runs in another pid namespace: it cannot be seen from here", d.PID)
	}
	return alive && was[2] == is[2], nil
}
