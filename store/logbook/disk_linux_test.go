package logbook_test

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
	"lifeboat/store/storetest"
)

// TestFullDisk fills a disk to many levels. What was acknowledged stays, what was not is not there, and with room again
// the same handle goes on.
func TestFullDisk(t *testing.T) {
	dir := storetest.Disk(t, 1<<20)
	for level := range 20 {
		path := filepath.Join(dir, "events.jsonl")
		b, err := logbook.Create(path, storetest.Run, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		last := uint64(0)
		add := func(n int) error {
			_, err := b.Append(t.Context(), last, 1, &runbook.NoteAdded{Text: strings.Repeat("x", n)})
			if err == nil {
				last++
			}
			return err
		}
		if err := add(level * 397); err != nil {
			t.Fatal(err)
		}
		empty := storetest.Fill(t, dir)
		var full *store.ErrFull
		for err = error(nil); err == nil; { // what is left of the file's last page
			err = add(900)
		}
		if !errors.As(err, &full) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("on a full disk: %v", err)
		}
		if r, err := logbook.Verify(path); err != nil || r.Events != last || r.Torn != 0 {
			t.Fatalf("level %d: %+v, %v, want %d events", level, r, err, last)
		}
		empty()
		if err := add(900); err != nil {
			t.Fatalf("with room again: %v", err)
		}
		if r, err := logbook.Verify(path); err != nil || r.Events != last {
			t.Fatalf("level %d: %+v, %v, want %d events", level, r, err, last)
		}
		b.Close()
		os.Remove(path)
	}
	defer storetest.Fill(t, dir)()
	if _, err := logbook.Create(filepath.Join(dir, "events.jsonl"), storetest.Run, time.Now); !errors.As(err, new(*store.ErrFull)) {
		t.Errorf("create on a full disk: %v", err)
	}
}

// TestReadOnlyDisk: a logbook on a read-only file system can be read, followed and verified, and says why no more.
func TestReadOnlyDisk(t *testing.T) {
	dir := storetest.Disk(t, 1<<20)
	path := filepath.Join(dir, "events.jsonl")
	b, err := logbook.Create(path, storetest.Run, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Append(t.Context(), 0, 1, &runbook.NoteAdded{Text: "kept"}); err != nil {
		t.Fatal(err)
	}
	b.Close()
	storetest.Freeze(t, dir)
	b, err = logbook.Open(path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if events, err := b.Events(t.Context(), 1); err != nil || len(events) != 1 {
		t.Errorf("got %d events, %v", len(events), err)
	}
	if _, err := b.Append(t.Context(), 1, 1, &runbook.NoteAdded{}); !errors.As(err, new(*store.ErrReadOnly)) {
		t.Errorf("append: %v", err)
	}
	if r, err := logbook.Verify(path); err != nil || r.Events != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := logbook.Create(filepath.Join(dir, "new"), storetest.Run, time.Now); !errors.As(err, new(*store.ErrReadOnly)) {
		t.Errorf("create: %v", err)
	}
}

// TestSystemCalls counts in the kernel: each batch is one write and one fdatasync.
func TestSystemCalls(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("strace is needed to count the syncs")
		}
		t.Skipf("SKIPPED: %s needs strace", t.Name())
	}
	path := filepath.Join(t.TempDir(), "events.jsonl")
	b, err := logbook.Create(path, storetest.Run, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	trace := filepath.Join(t.TempDir(), "trace")
	const batches = 9
	cmd := exec.Command(strace, "-f", "-y", "-o", trace, "-e", "trace=fdatasync,fsync,sync,syncfs,msync,pwrite64,sync_file_range", os.Args[0])
	cmd.Env = append(os.Environ(), storetest.ChildEnv(path, "s", batches)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	log, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]int{}
	for s := bufio.NewScanner(bytes.NewReader(log)); s.Scan(); {
		for _, name := range []string{"fdatasync(", " fsync(", " sync(", "syncfs(", "msync(", "pwrite64(", "sync_file_range("} {
			if strings.Contains(s.Text(), name) {
				calls[name]++
			}
		}
	}
	if len(calls) != 2 || calls["fdatasync("] != batches || calls["pwrite64("] != batches {
		t.Errorf("%d batches made %v\n%s", batches, calls, log)
	}
}
