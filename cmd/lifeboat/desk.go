package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"sync"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
)

// live is what lies beside the journal while a run is driven: how far the steps have come, and whether the journal can be
// written. It is replaced at most twice a second, and losing it loses nothing.
type live struct {
	At       time.Time                   `json:"at"` // wall time
	PID      int                         `json:"pid"`
	Progress map[string]runbook.Progress `json:"progress,omitempty"` // by step
	Trouble  string                      `json:"trouble,omitempty"`
}

// desk keeps live.json and the logs of the steps in a run's folder.
type desk struct {
	dir     store.RunDir
	secrets *secrets
	mu      sync.Mutex
	state   live
	dirty   bool
	logs    map[string]io.Writer
	files   []io.Closer // in the order of closing
	done    chan struct{}
	idle    sync.WaitGroup
}

const livePeriod = 500 * time.Millisecond

func newDesk(dir store.RunDir, s *secrets) *desk {
	d := &desk{
		dir: dir, secrets: s, logs: map[string]io.Writer{}, done: make(chan struct{}),
		state: live{PID: os.Getpid(), Progress: map[string]runbook.Progress{}},
	}
	d.idle.Go(d.write)
	return d
}

// Progress takes how far a step has come.
func (d *desk) Progress(step string, p runbook.Progress) {
	p.Text = d.secrets.redact(runbook.Clean(p.Text))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state.Progress[step], d.dirty = p, true
}

// Trouble takes why the journal cannot be written.
func (d *desk) Trouble(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state.Trouble, d.dirty = "", true
	if err != nil {
		d.state.Trouble = runbook.AsFailure(err).What
	}
}

// Log is the log of a step. A log that cannot be written swallows what it is given: it never stops a run.
func (d *desk) Log(step string) io.Writer {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w, ok := d.logs[step]; ok {
		return w
	}
	var w io.Writer = io.Discard
	f, err := os.OpenFile(d.dir.StepLog(step), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		clean := &redactingWriter{w: f, secrets: d.secrets}
		d.files = append(d.files, clean, f)
		w = &forgiving{w: clean}
	}
	d.logs[step] = w
	return w
}

// write replaces live.json while there is something new, and at the latest every two seconds as a sign of life.
func (d *desk) write() {
	tick := time.NewTicker(livePeriod)
	defer tick.Stop()
	var last time.Time
	for {
		d.mu.Lock()
		if d.dirty || time.Since(last) > 4*livePeriod {
			d.dirty, last = false, time.Now()
			d.state.At = last
			text, err := json.Marshal(d.state)
			brief, _ := json.Marshal(live{At: last, PID: d.state.PID, Trouble: d.state.Trouble}) // as the one before
			d.mu.Unlock()
			if err == nil {
				d.replace(text, brief)
			}
		} else {
			d.mu.Unlock()
		}
		select {
		case <-tick.C:
		case <-d.done:
			return
		}
	}
}

// liveSize is the least size of live.json, so that its room is enough for the words of a full disk.
const liveSize = 1024

// replace puts a whole new file in place. On a full disk that is not possible, and that is when the file is needed most:
// then the brief form is written over the old one, which takes no room. A reader who meets it half written looks again.
func (d *desk) replace(text, brief []byte) {
	tmp := d.dir.Live() + ".tmp"
	if os.WriteFile(tmp, padded(text, liveSize), 0o600) == nil && os.Rename(tmp, d.dir.Live()) == nil {
		return
	}
	os.Remove(tmp)
	f, err := os.OpenFile(d.dir.Live(), os.O_WRONLY, 0)
	if err != nil {
		return // its age shows
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && int64(len(brief)) <= info.Size() {
		_, _ = f.WriteAt(padded(brief, int(info.Size())), 0) // its age shows
	}
}

// padded fills up with spaces, which JSON allows.
func padded(text []byte, size int) []byte {
	if n := size - len(text); n > 0 {
		text = append(text, bytes.Repeat([]byte(" "), n)...)
	}
	return text
}

func (d *desk) close() {
	close(d.done)
	d.idle.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files {
		f.Close()
	}
}

// forgiving drops what cannot be written. Writes come whole, one at a time.
type forgiving struct {
	mu sync.Mutex
	w  io.Writer
}

func (f *forgiving) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.w.Write(p) //nolint:errcheck // a failing log never stops a run
	return len(p), nil
}

// readLive reads a run's live.json. A missing or half written one is not ok: what it said before still holds.
func readLive(path string) (l live, ok bool) {
	text, err := os.ReadFile(path)
	ok = err == nil && json.Unmarshal(text, &l) == nil
	return l, ok
}
