package main

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
)

// printer shows events as they come, one a line.
type printer interface {
	event(e runbook.Event, s *runbook.State)
	progress(at time.Time, run runbook.RunID, step string, p runbook.Progress)
	// say is for words that are no events: they go where they do not disturb a reader of the events.
	say(format string, args ...any)
	// command is a line to be copied: it is never broken.
	command(text string)
}

// jsonPrinter writes one object a line.
type jsonPrinter struct{ out, errs io.Writer }

func (p jsonPrinter) event(e runbook.Event, _ *runbook.State) {
	text, err := store.Encode(e)
	if err != nil {
		fmt.Fprintln(p.errs, "lifeboat:", err)
		return
	}
	fmt.Fprintf(p.out, "%s\n", text)
}

func (p jsonPrinter) progress(at time.Time, run runbook.RunID, step string, pr runbook.Progress) {
	printJSON(p.out, struct {
		Time time.Time     `json:"time"`
		Run  runbook.RunID `json:"run"`
		Type string        `json:"type"`
		Step string        `json:"step"`
		runbook.Progress
	}{at.UTC(), run, "step.progress", step, pr})
}

func (p jsonPrinter) say(format string, args ...any) { fmt.Fprintf(p.errs, format+"\n", args...) }

func (p jsonPrinter) command(text string) { fmt.Fprintln(p.errs, text) }

// plainPrinter writes for a person: the run's clock, a sign, words.
type plainPrinter struct {
	out   io.Writer
	plan  *runbook.Plan // for titles; nil when it cannot be made
	width func() int    // of the terminal; 0: not one, and lines stay whole
}

func (p plainPrinter) say(format string, args ...any) {
	p.line(fmt.Sprintf(format, args...), sayColumn)
}

func (p plainPrinter) command(text string) { fmt.Fprintln(p.out, text) }

func (p plainPrinter) progress(_ time.Time, _ runbook.RunID, step string, pr runbook.Progress) {
	p.line(fmt.Sprintf("       … %-10s %s", step, pr.Text), wordColumn)
}

func (p plainPrinter) event(e runbook.Event, s *runbook.State) {
	sign, subject, words := runbook.Describe(e, s, p.plan)
	clock := "" // it does not run yet
	if !s.ClockFrom.IsZero() {
		clock = runbook.ClockText(e.Time.Sub(s.ClockFrom))
	}
	p.line(strings.TrimRight(fmt.Sprintf("%6s %s %-10s %s", clock, sign, subject, words), " "), wordColumn)
}

// wordColumn is where the words of an event begin, sayColumn where what was said goes on.
const (
	wordColumn = 20
	sayColumn  = 4
)

// line breaks what is wider than the terminal between two words.
func (p plainPrinter) line(text string, indent int) {
	width := 0
	if p.width != nil {
		width = p.width()
	}
	for _, l := range broken(text, width, indent) {
		fmt.Fprintln(p.out, l)
	}
}

// broken breaks text into lines of at most width characters; all but the first are indented. A word that is longer stays whole.
func broken(text string, width, indent int) []string {
	if width <= 0 || width < 2*indent {
		return []string{text}
	}
	var out []string
	rest := []rune(text)
	for start := indent; len(rest) > width; {
		cut := width
		for cut > start && rest[cut] != ' ' {
			cut--
		}
		if cut <= start { // one long word: its end is the next place to break
			for cut = width; cut < len(rest) && rest[cut] != ' '; {
				cut++
			}
		}
		out = append(out, strings.TrimRight(string(rest[:cut]), " "))
		tail := strings.TrimLeft(string(rest[cut:]), " ")
		if tail == "" {
			return out
		}
		rest = []rune(strings.Repeat(" ", indent) + tail)
	}
	return append(out, string(rest))
}

// exitOf is the exit code of a finished run.
func exitOf(f *runbook.RunFinished) int {
	switch {
	case f.Refused:
		return exitRefused
	case f.Outcome == runbook.Done:
		return exitDone
	case f.Outcome == runbook.DoneWithSkips:
		return exitSkips
	case f.Outcome == runbook.Stopped:
		return exitStopped
	default:
		return exitFailed
	}
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
