package ssh

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMarksAnyCut: wherever the stream is cut, the text is the same and the marks are found.
func TestMarksAnyCut(t *testing.T) {
	const marker = "lifeboat-00ff"
	stream := "noise lifeboat-" + marker + ":ready;one\n" + marker[:9] + "two" + marker + " ps" + marker + ":toolongaword123456;" + marker + ":7;rest"
	want := "noise lifeboat-[ready]one\n" + marker[:9] + "two" + marker + " ps" + marker + ":toolongaword123456;[7]rest"
	for size := 1; size <= len(stream); size++ {
		m := marks{marker: []byte(marker)}
		var got strings.Builder
		text := func(b []byte) { got.Write(b) }
		for at := 0; at < len(stream); at += size {
			m.feed([]byte(stream[at:min(at+size, len(stream))]), text, func(word string) { fmt.Fprintf(&got, "[%s]", word) })
		}
		m.flush(text)
		if got.String() != want {
			t.Fatalf("in pieces of %d:\n got %q\nwant %q", size, got.String(), want)
		}
	}
}

func TestLinesAnyCut(t *testing.T) {
	stream := "one\r\ntwo\n\n\r\nthree\r\r four\rfive\n\rsix"
	want := "one|two|||three| four|five|six"
	for size := 1; size <= len(stream); size++ {
		var got []string
		l := lines{emit: func(s string) { got = append(got, s) }}
		for at := 0; at < len(stream); at += size {
			l.write([]byte(stream[at:min(at+size, len(stream))]))
		}
		l.flush()
		if strings.Join(got, "|") != want {
			t.Fatalf("in pieces of %d: got %q, want %q", size, got, want)
		}
		if text := strings.ReplaceAll(l.text(), "\n", "|"); text != want {
			t.Fatalf("kept %q, want %q", text, want)
		}
	}
}

func TestLongLineKeepsCharacters(t *testing.T) {
	for shift := range 4 {
		want := strings.Repeat("x", shift) + strings.Repeat("日本", 10000)
		var got strings.Builder
		l := lines{emit: func(s string) {
			if len(s) > maxLine {
				t.Errorf("a piece of %d bytes", len(s))
			}
			got.WriteString(s)
		}}
		l.write([]byte(want))
		l.flush()
		if got.String() != want {
			t.Errorf("shifted by %d: a character was cut", shift)
		}
		if len(l.text()) > maxTail || !strings.HasSuffix(want, l.text()) {
			t.Errorf("kept %d bytes", len(l.text()))
		}
	}
}

func TestSocketFolder(t *testing.T) {
	deep := filepath.Join(t.TempDir(), strings.Repeat("deep/", 20))
	for _, dir := range []string{deep, filepath.Join(t.TempDir(), "with space"), filepath.Join(t.TempDir(), "100%h")} {
		s := New(Options{Dir: dir})
		got, err := s.folder()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(got, dir) || !fitsSocket(got) {
			t.Errorf("for %q: %q", dir, got)
		}
		if info, err := os.Stat(got); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if err := s.Close(); err != nil || exists(got) {
			t.Errorf("after Close: %v, there: %v", err, exists(got))
		}
	}
	// Somebody else's link where the folder should be.
	dir := t.TempDir()
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "ssh")); err != nil {
		t.Fatal(err)
	}
	if err := private(filepath.Join(dir, "ssh")); err == nil {
		t.Error("a symbolic link was taken for a private folder")
	}
}

func TestMatchPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"*", "", true},
		{"*", "x", true},
		{"i-*", "i-0a", true},
		{"i-*", "j-0a", false},
		{"?", "", false},
		{"?", "x", true},
		{"*.example.com", "www.example.com", true},
		{"*.example.com", "example.com", false},
		{"a*b*c", "aXbXbXc", true},
		{"a*b*c", "aXbXbX", false},
		{"192.0.2.?", "192.0.2.77", false},
	} {
		if got := matchPattern(c.pattern, c.name); got != c.want {
			t.Errorf("%q against %q: got %v", c.pattern, c.name, got)
		}
	}
}
