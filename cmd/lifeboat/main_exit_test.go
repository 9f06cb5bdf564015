package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// What went wrong is broken between words at a terminal, and stays in whole lines where something else reads it.
func TestExitBreaksBetweenWords(t *testing.T) {
	err := &exitError{
		code: exitFailed, err: errors.New("the first mistake is here\nthe second mistake is a good deal longer than the first one"),
		means: "something that takes quite a few words to be said", do: "read all of them: lifeboat plan failover",
	}
	far, near, openErr := pty.Open()
	if openErr != nil {
		t.Skip(openErr)
	}
	defer far.Close()
	defer near.Close()
	if err := pty.Setsize(near, &pty.Winsize{Rows: 24, Cols: 40}); err != nil {
		t.Fatal(err)
	}
	if code := (&app{errs: cleanSink{w: near}}).exit(err); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	const want = "lifeboat: the first mistake is here\n" +
		"the second mistake is a good deal longer\n    than the first one\n" +
		"  means: something that takes quite a\n    few words to be said\n" +
		"  do: read all of them: lifeboat plan\n    failover\n"
	var got strings.Builder
	for b := make([]byte, 4096); got.Len() < len(want)+strings.Count(want, "\n"); {
		n, readErr := far.Read(b)
		if readErr != nil {
			t.Fatal(readErr)
		}
		got.Write(b[:n])
	}
	if text := strings.ReplaceAll(got.String(), "\r\n", "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	var plain bytes.Buffer
	(&app{errs: cleanSink{w: &plain}}).exit(err)
	if strings.Count(plain.String(), "\n") != 4 {
		t.Errorf("%q", plain.String())
	}
}
