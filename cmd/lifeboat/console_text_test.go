package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/uitest"
)

// logOf makes a log that nobody writes any more.
func logOf(t *testing.T, text string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "step.log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func part(t *testing.T, f *os.File, q page.TextQuery) page.Text {
	t.Helper()
	text, err := readPart(t.Context(), f, q, runbook.Clean)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Any part of a log is what the pages were made against.
func TestTextReadsParts(t *testing.T) {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "line %d %s\n", i, strings.Repeat("x", i%37))
	}
	f := logOf(t, b.String())
	for _, most := range []int{60, 100, 1000, 100_000} {
		for from := int64(-1); from < int64(b.Len()); from += 131 {
			for _, until := range []int64{0, 3001} {
				q := page.TextQuery{From: from, Until: until, Max: most}
				got, want := part(t, f, q), uitest.ReadLog(b.String(), q)
				if !slices.Equal(got.Lines, want.Lines) || got.From != want.From || got.To != want.To || got.Size != want.Size {
					t.Fatalf("%+v: %d-%d of %d, not %d-%d of %d", q, got.From, got.To, got.Size, want.From, want.To, want.Size)
				}
			}
		}
	}
	var all []string
	for at := int64(0); at < int64(b.Len()); {
		p := part(t, f, page.TextQuery{From: at, Max: 500})
		if p.To <= at {
			t.Fatalf("it does not go on from %d", at)
		}
		all, at = append(all, p.Lines...), p.To
	}
	if strings.Join(all, "\n")+"\n" != b.String() {
		t.Error("forwards, part by part, it is not the whole")
	}
}

// A long line is cut, a hostile one cleaned, and one that is being written waits for its end.
func TestTextLines(t *testing.T) {
	f := logOf(t, "a\x1b[2Jb\n"+strings.Repeat("ä", 100_000)+"\nlast")
	p := part(t, f, page.TextQuery{})
	if len(p.Lines) != 1 || strings.Contains(p.Lines[0], "\x1b") {
		t.Errorf("%q", p.Lines)
	}
	p = part(t, f, page.TextQuery{From: p.To})
	if len(p.Lines) != 1 || len(p.Lines[0]) > lineMax+len("…") || !strings.HasSuffix(p.Lines[0], "ä…") || p.To != p.Size-4 {
		t.Errorf("%d lines up to %d of %d", len(p.Lines), p.To, p.Size)
	}
	if p = part(t, f, page.TextQuery{From: p.To}); len(p.Lines) != 1 || p.Lines[0] != "last" || p.To != p.Size {
		t.Errorf("%+v", p)
	}
	now := time.Now()
	if err := os.Chtimes(f.Name(), now, now); err != nil {
		t.Fatal(err)
	}
	if p = part(t, f, page.TextQuery{From: p.Size - 4}); len(p.Lines) != 0 || p.To != p.Size-4 {
		t.Errorf("%+v", p)
	}
	if p = part(t, f, page.TextQuery{From: p.Size + 100}); len(p.Lines) != 0 {
		t.Errorf("behind the end: %+v", p)
	}
}

// The end of a log of gigabytes costs what its end costs: it lies in a file that has no blocks for the rest.
func TestTextReadsNoMoreThanItShows(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "step.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 1 << 40
	if err := f.Truncate(size); err != nil {
		t.Skip("no file here can be that long:", err)
	}
	if _, err := f.WriteAt([]byte("\none\ntwo\n"), size); err != nil {
		t.Skip("no file here can be that long:", err)
	}
	p := part(t, f, page.TextQuery{From: -1, Max: 5})
	if !slices.Equal(p.Lines, []string{"two"}) || p.To != size+9 {
		t.Errorf("%+v", p)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readPart(ctx, f, page.TextQuery{From: 0, Max: 10}, runbook.Clean); !errors.Is(err, context.Canceled) {
		t.Errorf("a line without end, and nobody waits for it any more: %v", err)
	}
}

// A log that is not there yet is empty.
func TestTextOfNothing(t *testing.T) {
	c := testConsole(t)
	dir := c.testStore(t)
	record(t, dir, "one", recordedStart(t, runbook.Rehearse))
	w := watch(t, c, "one")
	for _, step := range []string{"", "launch"} {
		if p, err := w.Text(t.Context(), page.TextQuery{Step: step}); err != nil || len(p.Lines) != 0 || p.Size != 0 {
			t.Errorf("%+v %v", p, err)
		}
	}
	_, err := w.Text(t.Context(), page.TextQuery{Step: "../../format"})
	isTrouble(t, err)
}

func TestCallText(t *testing.T) {
	for line, want := range map[string]string{
		`{"time":"2026-01-02T15:04:05.678Z","op":"attach","where":"us-east-1","args":"vol-1 i-1","took":0.25}`:  "attach  in us-east-1  vol-1 i-1  took 250ms",
		`{"time":"2026-01-02T15:04:05.678Z","op":"run","where":"192.0.2.1","took":1,"error":"lost: no answer"}`: "run  at 192.0.2.1  took 1s  failed: lost: no answer",
		`{"half":`: `{"half":`,
	} {
		if got := callText(line); !strings.HasSuffix(got, want) {
			t.Errorf("%s\nis told as %q", line, got)
		}
	}
}
