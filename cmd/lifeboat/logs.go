package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/providers/wrap"
	"lifeboat/runbook"
	"lifeboat/store"
)

// What lies beside a run's journal, for people: the logs of its steps and the log of the calls. Secrets were taken out when
// they were written; here they are made harmless for a terminal.

// tailSize is how much of a log's end is read to show its last lines, tailLines how many of them are shown in passing.
const (
	tailSize  = 64 << 10
	tailLines = 20
)

// stepLogs are the steps of a run that have written something, in the order of their names.
func stepLogs(folder store.RunDir) []string {
	entries, _ := os.ReadDir(filepath.Dir(folder.StepLog("x"))) // no folder: no logs
	var out []string
	for _, e := range entries {
		step, is := strings.CutSuffix(e.Name(), ".log")
		if info, err := e.Info(); is && err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			out = append(out, runbook.Clean(step))
		}
	}
	return out
}

// tail is the last lines of a file, cleaned; more says that there are others before them.
func tail(path string, most int) (lines []string, more bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	from := max(0, info.Size()-tailSize)
	text, err := io.ReadAll(io.NewSectionReader(f, from, tailSize))
	if err != nil {
		return nil, false, err
	}
	raw := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	if more = from > 0; more && len(raw) > 1 {
		raw = raw[1:] // begins somewhere in a line
	}
	if len(raw) > most {
		raw, more = raw[len(raw)-most:], true
	}
	for _, l := range raw {
		lines = append(lines, runbook.Clean(string(bytes.TrimSuffix(l, []byte("\r")))))
	}
	return lines, more, nil
}

// sayLog shows the end of a step's log to who follows the run.
func (f *follower) sayLog(step string) {
	logs := stepLogs(f.dir.Run(f.run))
	switch {
	case step == "" && len(logs) == 0:
		f.print.say("  no step has written a log yet")
		return
	case step == "":
		f.print.say("  write log STEP, of %s", strings.Join(logs, ", "))
		return
	case !slices.Contains(logs, step) && slices.Contains(f.stepNames(), step):
		f.print.say("  step %s has written nothing yet", step)
		return
	case !slices.Contains(logs, step):
		f.print.say("  there is no step %q; the steps are %s", step, strings.Join(f.stepNames(), ", "))
		return
	}
	lines, more, err := tail(f.dir.Run(f.run).StepLog(step), tailLines)
	if err != nil {
		f.print.say("  the log of %s cannot be read: %v", step, unwrapPath(err))
		return
	}
	f.print.say("  the log of %s%s:", step, lastOf(len(lines), more, "lines"))
	for _, l := range lines {
		f.print.command("  | " + l)
	}
	if more {
		f.print.say("  all of it: lifeboat show %s --log %s", f.run, step)
	}
}

func lastOf(n int, more bool, what string) string {
	if !more {
		return ""
	}
	return fmt.Sprintf(", its last %d %s", n, what)
}

// sayCalls shows the last calls to who follows the run.
func (f *follower) sayCalls() {
	lines, more, err := tail(f.dir.Run(f.run).Calls(), tailLines)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(lines) == 1 && lines[0] == "" {
		f.print.say("  no call has been made yet")
		return
	}
	if err != nil {
		f.print.say("  the log of the calls cannot be read: %v", unwrapPath(err))
		return
	}
	f.print.say("  the calls%s:", lastOf(len(lines), more, "ones"))
	for _, l := range lines {
		f.print.command("  " + callText(l))
	}
	if more {
		f.print.say("  all of them: lifeboat show %s --calls", f.run)
	}
}

// decodeCall reads a line of the log of calls. One that cannot be read, such as the last one of a process that was killed,
// stands as it is.
func decodeCall(line []byte) wrap.CallRecord {
	var c wrap.CallRecord
	if err := json.Unmarshal(line, &c); err != nil {
		return wrap.CallRecord{Op: runbook.Clean(string(line))}
	}
	c.Op, c.Where, c.Args, c.Error = runbook.Clean(c.Op), runbook.Clean(c.Where), runbook.Clean(c.Args), runbook.Clean(c.Error)
	return c
}

// showLog writes the whole log of a step.
func (a *app) showLog(folder store.RunDir, id runbook.RunID, step string) error {
	logs := stepLogs(folder)
	if !slices.Contains(logs, step) {
		do := "no step of it has written one"
		if len(logs) > 0 {
			do = "these have written one: " + strings.Join(logs, ", ")
		}
		return usage(do, "run %s has no log of a step %q", id, step)
	}
	f, err := os.Open(folder.StepLog(step))
	if err != nil {
		return fmt.Errorf("the log of %s cannot be read: %w", step, unwrapPath(err))
	}
	defer f.Close()
	doc := struct {
		Run   runbook.RunID `json:"run"`
		Step  string        `json:"step"`
		Lines []string      `json:"lines"`
	}{id, step, []string{}}
	out := bufio.NewWriterSize(a.out, tailSize)
	err = eachLine(f, func(line []byte) error {
		if a.JSON {
			doc.Lines = append(doc.Lines, runbook.Clean(string(line)))
			return nil
		}
		return whole(out, runbook.Clean(string(line))+"\n")
	})
	if err == nil && a.JSON {
		printJSON(a.out, doc)
	}
	if err == nil {
		err = out.Flush()
	}
	return err
}

// showCalls writes the whole log of the calls.
func (a *app) showCalls(folder store.RunDir, id runbook.RunID) error {
	f, err := os.Open(folder.Calls())
	if errors.Is(err, fs.ErrNotExist) {
		return usage("its events are there: lifeboat show "+string(id), "run %s has no log of its calls", id)
	}
	if err != nil {
		return fmt.Errorf("the log of the calls cannot be read: %w", unwrapPath(err))
	}
	defer f.Close()
	calls := []wrap.CallRecord{}
	out := bufio.NewWriterSize(a.out, tailSize)
	err = eachLine(f, func(line []byte) error {
		if a.JSON {
			calls = append(calls, decodeCall(line))
			return nil
		}
		return whole(out, callText(string(line))+"\n")
	})
	if err == nil && a.JSON {
		printJSON(a.out, calls)
	}
	if err == nil {
		err = out.Flush()
	}
	return err
}

// whole writes a line that is not cut in two on its way out: half a character is none.
func whole(out *bufio.Writer, line string) error {
	if out.Available() < len(line) {
		if err := out.Flush(); err != nil {
			return err
		}
	}
	_, err := out.WriteString(line)
	return err
}

// eachLine calls f for every line. One that is longer than anybody reads comes in parts.
func eachLine(r io.Reader, f func(line []byte) error) error {
	in := bufio.NewReaderSize(r, tailSize)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			if err := f(bytes.TrimRight(line, "\r\n")); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// sayLogs mentions, at the end of a run's events, what else there is to see.
func (a *app) sayLogs(folder store.RunDir, id runbook.RunID) {
	if logs := stepLogs(folder); len(logs) > 0 {
		fmt.Fprintf(a.out, "\nlogs: %s\n  lifeboat show %s --log STEP\n", strings.Join(logs, ", "), id)
	}
	if info, err := os.Stat(folder.Calls()); err == nil && info.Size() > 0 {
		fmt.Fprintf(a.out, "\nevery call that was made:\n  lifeboat show %s --calls\n", id)
	}
}
