package logbook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
)

var at = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

func clock() time.Time { return at }

func note(text string) runbook.Fact { return &runbook.NoteAdded{Text: text} }

func newBook(t *testing.T) *Book {
	t.Helper()
	b, err := Create(filepath.Join(t.TempDir(), "events.jsonl"), "r-1", clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// sample is a logbook of six batches of one to three events, its events, and the offsets behind its commits.
func sample(t *testing.T) (content []byte, events []runbook.Event, ends []int) {
	t.Helper()
	b := newBook(t)
	ends = append(ends, int(b.tape.end))
	for i := range 6 {
		var facts []runbook.Fact
		for k := range i%3 + 1 {
			facts = append(facts, note(strings.Repeat("x", 120*k)+"\x00é"))
		}
		if _, err := b.Append(t.Context(), b.tape.last(), 1, facts...); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, int(b.tape.end))
	}
	content, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	if events, err = Read(b.path); err != nil {
		t.Fatal(err)
	}
	return content, events, ends
}

// prefixOf fails unless got is the beginning of want and ends with a batch.
func prefixOf(t *testing.T, got, want []runbook.Event) {
	t.Helper()
	if len(got) > len(want) || len(got) > 0 && !reflect.DeepEqual(got, want[:len(got)]) {
		t.Fatalf("what was read is not a prefix of what was written: %+v", got)
	}
	batches := []int{0, 1, 3, 6, 7, 9, 12}
	for _, n := range batches {
		if n == len(got) {
			return
		}
	}
	t.Fatalf("%d events: half a batch was read", len(got))
}

// TestEveryTruncation: whatever is left of a file, it opens to what was committed in it, and can be appended to; or, where
// not even its first line is whole, fails cleanly.
func TestEveryTruncation(t *testing.T) {
	content, events, ends := sample(t)
	path := filepath.Join(t.TempDir(), "events.jsonl")
	for n := range len(content) + 1 {
		write(t, path, content[:n])
		got, err := Read(path)
		var damaged *store.ErrDamaged
		if n < ends[0] {
			if !errors.As(err, &damaged) || len(got) != 0 {
				t.Fatalf("cut at %d: got %d events and %v", n, len(got), err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		prefixOf(t, got, events)
		if n%7 == 0 || n > len(content)-3 {
			appendBehind(t, path, uint64(len(got)))
		}
	}
}

func appendBehind(t *testing.T, path string, last uint64) {
	t.Helper()
	b, err := Open(path, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.Append(t.Context(), last, 1, note("after the crash")); err != nil {
		t.Fatal(err)
	}
	if r, err := Verify(path); err != nil || r.Events != last+1 || r.Torn != 0 {
		t.Fatalf("after an append: %+v, %v", r, err)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEveryByteChanged: one changed byte is never silent, what is called good is good, and nothing is appended behind it.
func TestEveryByteChanged(t *testing.T) {
	content, events, _ := sample(t)
	path := filepath.Join(t.TempDir(), "events.jsonl")
	for i := range content {
		for k, change := range []byte{0x01, 0x20, 0x80, content[i], content[i] ^ '\n'} { // the last two: to zero, to a newline
			if (i+k)%5 > 1 && os.Getenv("LIFEBOAT_SOAK") == "" && i < len(content)-500 {
				continue // two of the five; all of them near the end, where a crash looks alike
			}
			bad := bytes.Clone(content)
			bad[i] ^= change
			if bytes.Equal(bad, content) {
				continue
			}
			write(t, path, bad)
			got, err := Read(path)
			var damaged *store.ErrDamaged
			if !errors.As(err, &damaged) {
				t.Fatalf("byte %d became %#x: got %v and %d events", i, bad[i], err, len(got))
			}
			if damaged.LastGood != uint64(len(got)) || damaged.Line != 1+bytes.Count(content[:i], []byte("\n")) {
				t.Fatalf("byte %d: %v, and %d events were read", i, err, len(got))
			}
			prefixOf(t, got, events)
		}
		if i%50 == 0 {
			refuses(t, path)
		}
	}
}

func refuses(t *testing.T, path string) {
	t.Helper()
	before, _ := os.ReadFile(path)
	if b, err := Open(path, clock); err == nil {
		_, err = b.Append(t.Context(), 0, 9, note("x"))
		t.Fatalf("a damaged logbook was opened; append says %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Fatal("a damaged logbook was changed")
	}
}

// TestLinesMoved: lines that are whole in themselves but stand in the wrong place.
func TestLinesMoved(t *testing.T) {
	content, _, _ := sample(t)
	lines := bytes.SplitAfter(content, []byte("\n"))
	lines = lines[:len(lines)-1]
	path := filepath.Join(t.TempDir(), "events.jsonl")
	for i := 1; i < len(lines)-1; i++ {
		without := bytes.Join(append(append([][]byte{}, lines[:i]...), lines[i+1:]...), nil)
		twice := bytes.Join(append(append([][]byte{}, lines[:i+1]...), lines[i:]...), nil)
		for name, bad := range map[string][]byte{"left out": without, "twice": twice} {
			write(t, path, bad)
			if _, err := Read(path); !errors.As(err, new(*store.ErrDamaged)) {
				t.Errorf("line %d %s: %v", i+1, name, err)
			}
		}
	}
	other, err := Create(filepath.Join(t.TempDir(), "other.jsonl"), "r-2", clock)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	foreign, _ := os.ReadFile(other.path)
	write(t, path, append(foreign, bytes.Join(lines[1:], nil)...))
	if _, err := Read(path); !errors.As(err, new(*store.ErrDamaged)) {
		t.Errorf("another run's first line: %v", err)
	}
}

// TestPowerCut: the last batch was being written when the power went. Any of its sectors may be missing (zeros), or the
// file may be shorter; what was acknowledged before stays, and the next append takes the rest away.
func TestPowerCut(t *testing.T) {
	b := newBook(t)
	if _, err := b.Append(t.Context(), 0, 1, note("kept")); err != nil {
		t.Fatal(err)
	}
	start := int(b.tape.end)
	big := []runbook.Fact{note(strings.Repeat("a", 900)), note(strings.Repeat("b", 1500)), note("c")}
	if _, err := b.Append(t.Context(), 1, 1, big...); err != nil {
		t.Fatal(err)
	}
	content, _ := os.ReadFile(b.path)
	path := filepath.Join(t.TempDir(), "events.jsonl")
	first := start / sector
	count := (len(content)+sector-1)/sector - first
	for mask := 1; mask < 1<<count; mask++ { // bit k: sector first+k did not reach the disk
		image := bytes.Clone(content)
		for k := range count {
			if mask&(1<<k) != 0 {
				clear(image[max(start, (first+k)*sector):min(len(image), (first+k+1)*sector)])
			}
		}
		write(t, path, image)
		got, err := Read(path)
		if err != nil || len(got) != 1 {
			t.Fatalf("sectors %b missing: %d events, %v", mask, len(got), err)
		}
		appendBehind(t, path, 1)
	}
}

// TestHoleInsideIsDamage: a hole that more was committed behind is no power cut.
func TestHoleInsideIsDamage(t *testing.T) {
	b := newBook(t)
	for i := range 3 {
		if _, err := b.Append(t.Context(), uint64(i), 1, note(strings.Repeat("a", 1500))); err != nil {
			t.Fatal(err)
		}
	}
	content, _ := os.ReadFile(b.path)
	for s := 1; s*sector < len(content)-2000; s++ {
		image := bytes.Clone(content)
		clear(image[s*sector : (s+1)*sector])
		write(t, b.path, image)
		if _, err := Read(b.path); !errors.As(err, new(*store.ErrDamaged)) {
			t.Errorf("sector %d of zeros: %v", s, err)
		}
	}
}

// TestNewer: a file of a later version is refused, and not touched.
func TestNewer(t *testing.T) {
	content, _, ends := sample(t)
	head, _ := seal([]byte(`{"logbook":2,"run":"r-1","more":true`))
	path := filepath.Join(t.TempDir(), "events.jsonl")
	write(t, path, append(head, content[ends[0]:]...))
	for _, err := range []error{second(Read(path)), second(Verify(path)), second(Open(path, clock))} {
		if !errors.As(err, new(*store.ErrNewer)) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v", err)
		}
	}
	// A known file with an event that only a newer version knows: what comes before can be read.
	b := newBook(t)
	if _, err := b.Append(t.Context(), 0, 1, note("known")); err != nil {
		t.Fatal(err)
	}
	line, _ := link([]byte(`{"seq":2,"time":"2026-01-02T15:04:05.000Z","run":"r-1","type":"step.paused"}`), b.tape.sum, 2)
	content, _ = os.ReadFile(b.path)
	write(t, b.path, append(content, line...))
	events, err := b.Events(t.Context(), 1)
	if !errors.As(err, new(*store.ErrNewer)) || len(events) != 1 {
		t.Errorf("got %d events and %v", len(events), err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestFailedSync: nothing is acknowledged, the file is as before, another reader that saw the batch finds its way, and
// when there is room again the same handle goes on.
func TestFailedSync(t *testing.T) {
	for _, no := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO} {
		t.Run(no.Error(), func(t *testing.T) { failedSync(t, no) })
	}
}

func failedSync(t *testing.T, no syscall.Errno) {
	b := newBook(t)
	if _, err := b.Append(t.Context(), 0, 1, note("kept")); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(b.path)
	reader, err := Follow(b.path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	b.sync = func(*os.File) error {
		if events, err := reader.Events(context.Background(), 1); err != nil || len(events) != 2 {
			t.Errorf("while the batch is being synced a reader gets %d events and %v", len(events), err)
		}
		return no
	}
	_, err = b.Append(t.Context(), 1, 1, note("lost"))
	if full := new(*store.ErrFull); errors.As(err, full) != (no != syscall.EIO) || !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	if after, _ := os.ReadFile(b.path); !bytes.Equal(before, after) {
		t.Errorf("the file is now\n%s", after)
	}
	b.sync = fdatasync
	if _, err := b.Append(t.Context(), 1, 1, note("made")); err != nil { // as long as the one that was taken back
		t.Fatal(err)
	}
	events, err := reader.Events(t.Context(), 1)
	if err != nil || len(events) != 2 || events[1].Fact.(*runbook.NoteAdded).Text != "made" {
		t.Errorf("the reader gets %+v, %v", events, err)
	}
}

// TestOneSyncABatch counts in the process; TestSystemCalls counts in the kernel.
func TestOneSyncABatch(t *testing.T) {
	b := newBook(t)
	n := 0
	b.sync = func(f *os.File) error { n++; return fdatasync(f) }
	for i := range 5 {
		if _, err := b.Append(t.Context(), uint64(i*3), 1, note("a"), note("b"), note("c")); err != nil {
			t.Fatal(err)
		}
	}
	if n != 5 {
		t.Errorf("5 batches took %d syncs", n)
	}
}

// TestWaitWithoutNotification: where the kernel does not tell of changes, looking does.
func TestWaitWithoutNotification(t *testing.T) {
	b := newBook(t)
	reader, err := Follow(b.path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	reader.watch.noFS = true
	ended := make(chan error, 1)
	go func() { ended <- reader.Wait(t.Context(), 0) }()
	if _, err := b.Append(t.Context(), 0, 1, note("a")); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestStuckLock: a process that keeps the file's lock makes an append fail at its deadline, and nothing else.
func TestStuckLock(t *testing.T) {
	b := newBook(t)
	other, err := os.Open(b.path)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := store.TryFlock(other); !ok || err != nil {
		t.Fatal(ok, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = b.Append(ctx, 0, 1, note("a"))
	if !errors.As(err, new(*store.ErrBusy)) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := b.Events(t.Context(), 1); err != nil {
		t.Errorf("reading needs no lock, and says %v", err)
	}
	other.Close()
	if _, err := b.Append(t.Context(), 0, 1, note("a")); err != nil {
		t.Errorf("after the lock was given back: %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	b := newBook(t)
	if _, err := b.Append(t.Context(), 0, 1, note("a")); err != nil {
		t.Fatal(err)
	}
	reader, err := Follow(b.path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := reader.Append(t.Context(), 1, 1, note("b")); !errors.As(err, new(*store.ErrReadOnly)) {
		t.Errorf("a follower's append: %v", err)
	}
	if _, err := Create(b.path, "r-2", clock); !errors.Is(err, os.ErrExist) {
		t.Errorf("create over another: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), clock); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("open what is not there: %v", err)
	}
}

func TestSalvage(t *testing.T) {
	content, events, ends := sample(t)
	bad := bytes.Clone(content)
	bad[ends[3]+40] ^= 1
	path := filepath.Join(t.TempDir(), "events.jsonl")
	write(t, path, bad)
	for n := 1; n <= 2; n++ {
		aside, err := Salvage(path)
		if err != nil || aside != fmt.Sprintf("%s.damaged-%d", path, n) {
			t.Fatalf("got %q, %v", aside, err)
		}
		if kept, _ := os.ReadFile(aside); !bytes.Equal(kept, bad) {
			t.Error("the damaged file was not kept as it was")
		}
		got, err := Read(path)
		if err != nil || len(got) != 6 {
			t.Fatalf("%d events are left, %v", len(got), err)
		}
		prefixOf(t, got, events)
		write(t, path, bad)
	}
	write(t, path, content)
	if aside, err := Salvage(path); aside != "" || err != nil {
		t.Errorf("of a good logbook: %q, %v", aside, err)
	}
	appendBehind(t, path, uint64(len(events)))
}
