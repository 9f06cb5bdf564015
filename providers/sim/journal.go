package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// journal keeps the log of a world.
type journal interface {
	// exclusive runs f while no other process can append. Before f, catchUp gets every entry that others have appended
	// since the last time; after f, what it returned is appended in one write.
	exclusive(catchUp func(Entry), f func() []Entry) error
}

// memory is the journal of a world that lives in one process: the World itself keeps the entries.
type memory struct{}

func (memory) exclusive(_ func(Entry), f func() []Entry) error {
	f()
	return nil
}

const (
	specFile = "spec.json"
	logFile  = "log.jsonl"
)

// errReadOnly: the world's folder cannot be written.
var errReadOnly = errors.New("the simulated world cannot be written here")

// file is the journal of a world in a folder. The lock is on the log itself and is held for microseconds.
type file struct {
	log      *os.File
	offset   int64
	readOnly bool
}

func openFile(dir string) (*file, error) {
	path := filepath.Join(dir, logFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		return &file{log: f}, nil
	}
	if f, roErr := os.Open(path); roErr == nil {
		return &file{log: f, readOnly: true}, nil
	}
	return nil, fmt.Errorf("open the log of the simulated world: %w", err)
}

func (j *file) exclusive(catchUp func(Entry), f func() []Entry) error {
	if !j.readOnly {
		if err := flock(j.log, syscall.LOCK_EX); err != nil {
			return fmt.Errorf("lock the simulated world: %w", err)
		}
		defer flock(j.log, syscall.LOCK_UN)
	}
	if err := j.read(catchUp); err != nil {
		return err
	}
	return j.append(f())
}

// flock asks again when a signal interrupts it.
func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// read hands over the whole lines after the offset. What a killed writer left without an end of line is not there: the
// next append writes over it.
func (j *file) read(each func(Entry)) error {
	info, err := j.log.Stat()
	if err != nil {
		return fmt.Errorf("read the simulated world: %w", err)
	}
	if info.Size() <= j.offset {
		return nil
	}
	b := make([]byte, info.Size()-j.offset)
	n, err := j.log.ReadAt(b, j.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the simulated world: %w", err)
	}
	b = b[:n]
	for {
		line, rest, whole := bytes.Cut(b, []byte{'\n'})
		if !whole {
			return nil
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("the log of the simulated world is damaged at byte %d: %w", j.offset, err)
		}
		each(e)
		j.offset += int64(len(line)) + 1
		b = rest
	}
}

func (j *file) append(entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if j.readOnly {
		return errReadOnly
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b) // ends each entry with a newline
	enc.SetEscapeHTML(false)
	for _, e := range entries {
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("write the simulated world: %w", err)
		}
	}
	// A torn line of a writer that was killed goes first; it was never there.
	if err := j.log.Truncate(j.offset); err != nil {
		return fmt.Errorf("write the simulated world: %w", err)
	}
	if _, err := j.log.WriteAt(b.Bytes(), j.offset); err != nil {
		return fmt.Errorf("write the simulated world: %w", err)
	}
	j.offset += int64(b.Len())
	return nil
}
