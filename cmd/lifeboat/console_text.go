package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"lifeboat/providers/wrap"
	"lifeboat/runbook"
	"lifeboat/ui/page"
)

const (
	textMax  = 64 << 10 // bytes of a log that are read at once, when the screen does not say
	lineMax  = 4 << 10  // bytes of a line that are shown
	textMost = 4 << 20  // bytes that are read at once, whatever the screen says
)

// Text is page.Session's. A log that is not there yet is empty.
func (s *runSession) Text(ctx context.Context, q page.TextQuery) (page.Text, error) {
	folder := s.dir.Run(s.run)
	path, tell := folder.StepLog(q.Step), runbook.Clean
	if q.Step == "" {
		path, tell = folder.Calls(), callText
	} else if s.opened.Plan != nil {
		if _, known := s.opened.Plan.Step(q.Step); !known {
			return page.Text{}, &page.Trouble{What: fmt.Sprintf("the run has no step %q", runbook.Clean(q.Step))}
		}
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return page.Text{}, nil
	}
	if err != nil {
		return page.Text{}, screenError(err)
	}
	defer f.Close()
	text, err := readPart(ctx, f, q, tell)
	return text, screenError(err)
}

// readPart reads the lines of a part of a log, as tell puts them.
func readPart(ctx context.Context, f *os.File, q page.TextQuery, tell func(string) string) (page.Text, error) {
	info, err := f.Stat()
	if err != nil {
		return page.Text{}, err
	}
	size := info.Size()
	most := int64(min(cmp.Or(max(0, q.Max), textMax), textMost))
	until := size
	if q.Until > 0 && q.Until < size {
		until = q.Until
	}
	from := min(q.From, until)
	out := page.Text{Size: size}
	if from < 0 {
		if from = max(0, until-most); from > 0 { // behind the next end of a line
			if from, err = lineEnd(ctx, f, from-1, until); err != nil {
				return out, err
			}
		}
	}
	part := make([]byte, min(most, until-from))
	if _, err := f.ReadAt(part, from); err != nil && !errors.Is(err, io.EOF) {
		return out, err
	}
	out.From, out.To = from, from+int64(len(part))
	cut := bytes.LastIndexByte(part, '\n') + 1
	switch {
	case cut > 0 && cut < len(part) && (out.To < size || !settled(info)):
		part, out.To = part[:cut], from+int64(cut)
	case cut == 0 && len(part) > 0 && out.To < until: // one line, longer than what was asked for: its beginning is shown
		if out.To, err = lineEnd(ctx, f, out.To, until); err != nil {
			return out, err
		}
	case cut == 0 && !settled(info): // it is being written
		part, out.To = nil, from
	}
	if len(part) > 0 {
		for line := range bytes.SplitSeq(bytes.TrimSuffix(part, []byte("\n")), []byte("\n")) {
			out.Lines = append(out.Lines, shortLine(tell(string(line))))
		}
	}
	return out, ctx.Err()
}

// settled reports whether nobody has written for a moment: then a last line without an end is whole.
func settled(info os.FileInfo) bool { return time.Since(info.ModTime()) > newsAtLatest }

// lineEnd is the offset behind the first end of a line at or after from; until when there is none before it.
func lineEnd(ctx context.Context, f *os.File, from, until int64) (int64, error) {
	b := make([]byte, textMax)
	for from < until && ctx.Err() == nil {
		n, err := f.ReadAt(b[:min(int64(len(b)), until-from)], from)
		if i := bytes.IndexByte(b[:n], '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		from += int64(n)
		if err != nil || n == 0 {
			return from, nil // the log was cut off meanwhile
		}
	}
	return from, ctx.Err()
}

// shortLine is a line as far as it is shown.
func shortLine(line string) string {
	if len(line) <= lineMax {
		return line
	}
	cut := lineMax
	for !utf8.RuneStart(line[cut]) {
		cut--
	}
	return line[:cut] + "…"
}

// callText is a call as one readable line; what is no call is shown as it stands.
func callText(line string) string {
	var c wrap.CallRecord
	if json.Unmarshal([]byte(line), &c) != nil || c.Op == "" {
		return runbook.Clean(line)
	}
	words := []string{c.Time.Local().Format("15:04:05.000"), c.Op}
	if c.Where != "" {
		words = append(words, "in "+c.Where)
		if strings.ContainsAny(c.Where, ".:") { // a host
			words[len(words)-1] = "at " + c.Where
		}
	}
	if c.Args != "" {
		words = append(words, c.Args)
	}
	words = append(words, "took "+time.Duration(c.Took).Round(time.Millisecond).String())
	text := strings.Join(words, "  ")
	if c.Error != "" {
		text += "  failed: " + c.Error
	}
	return runbook.Clean(text)
}
