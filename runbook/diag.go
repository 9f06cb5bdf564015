package runbook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Problem is one mistake in a file: where it is, what is wrong, and what would be right. Line and Column count from 1,
// the column in characters; Line 0 is the file as a whole. All text in it is safe for a terminal.
type Problem struct {
	File         string
	Line, Column int
	Message      string
	Hint         string // what would be right; may be empty
	SourceLine   string // as in the file, without its newline; may be empty
}

// Error is the first line of the problem: `file:line:column: message`.
func (p Problem) Error() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", Clean(p.File), Clean(p.Message))
	}
	return fmt.Sprintf("%s:%d:%d: %s", Clean(p.File), p.Line, p.Column, Clean(p.Message))
}

// excerptWidth is how much of a long source line is shown.
const excerptWidth = 100

// String is the whole problem: the first line, the source line with a caret under the place, and the hint.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Error())
	if p.Line > 0 && p.SourceLine != "" {
		line, caret := p.excerpt()
		fmt.Fprintf(&b, "\n    %s\n    %s^", line, strings.Repeat(" ", caret))
	}
	if p.Hint != "" {
		// A hint may show several lines of what to write.
		fmt.Fprintf(&b, "\n    %s", strings.ReplaceAll(CleanLines(p.Hint), "\n", "\n    "))
	}
	return b.String()
}

// excerpt is the cleaned source line, cut to a window around the column, and where in it the caret belongs.
func (p Problem) excerpt() (line string, caret int) {
	runes := []rune(strings.ToValidUTF8(p.SourceLine, "\uFFFD"))
	at := max(0, min(p.Column-1, len(runes)))
	from, to := 0, len(runes)
	if to > excerptWidth {
		from = max(0, at-excerptWidth/2)
		to = min(len(runes), from+excerptWidth)
	}
	before := Clean(string(runes[from:at]))
	line = before + Clean(string(runes[at:to]))
	caret = utf8.RuneCountInString(before)
	if from > 0 {
		line, caret = "…"+line, caret+1
	}
	if to < len(runes) {
		line += "…"
	}
	return strings.TrimRight(line, " "), caret
}

// Problems is every mistake that was found, in the order of the files. It is an error; As finds it behind one.
type Problems []Problem

// maxProblems keeps a hopeless file from flooding the screen.
const maxProblems = 50

// Error shows every problem with its source line, separated by empty lines.
func (ps Problems) Error() string {
	parts := make([]string, 0, len(ps))
	for i, p := range ps {
		if i == maxProblems {
			parts = append(parts, fmt.Sprintf("and %d more", len(ps)-maxProblems))
			break
		}
		parts = append(parts, p.String())
	}
	return strings.Join(parts, "\n\n")
}

// report collects problems. Compile makes one of its own: what was parsed is never written to again.
type report struct{ list Problems }

// maxNoted is where collecting ends: whoever made that many mistakes made one.
const maxNoted = 500

func (r *report) full() bool { return len(r.list) >= maxNoted }

// maxMessage is how much of a name or value from a file a message repeats.
const maxMessage = 300

func (r *report) add(d *document, line, column int, hint, format string, args ...any) {
	if r.full() {
		return
	}
	p := Problem{Line: line, Column: column, Message: clip(fmt.Sprintf(format, args...), maxMessage), Hint: hint}
	if d != nil {
		p.File, p.SourceLine = d.path, d.line(line)
	}
	r.list = append(r.list, p)
}

// clip cuts a text to n characters.
func clip(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}

// err returns the problems, sorted and without repetitions, or nil.
func (r *report) err() error {
	if len(r.list) == 0 {
		return nil
	}
	order := map[string]int{} // files in the order in which they were first named
	for _, p := range r.list {
		if _, ok := order[p.File]; !ok {
			order[p.File] = len(order)
		}
	}
	list := slices.Clone(r.list)
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(list, func(a, b Problem) bool {
		return a.File == b.File && a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
	})
}

// meant is a hint that names the known word nearest to what was written, or all of them when they are few.
func meant(word string, known []string) string {
	if best := nearest(word, known); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) == 0 || len(known) > 24 {
		return ""
	}
	known = slices.Clone(known)
	slices.Sort(known)
	return "known here: " + strings.Join(known, ", ")
}

// nearest finds the known word within a third of the word's length in edits; "" when none is that near.
func nearest(word string, known []string) string {
	if len(word) > 64 {
		return ""
	}
	best, bestAt := "", max(1, (utf8.RuneCountInString(word)+1)/3)+1
	for _, k := range known {
		if at := edits(word, k); at < bestAt || at == bestAt && best != "" && k < best {
			best, bestAt = k, at
		}
	}
	return best
}

// edits is the optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours.
func edits(a, b string) int {
	s, t := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	if len(t) > 64 {
		return len(t)
	}
	older, last := make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row := make([]int, len(t)+1)
		row[0] = i
		for j := 1; j <= len(t); j++ {
			change := 1
			if s[i-1] == t[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, last = last, row
	}
	return last[len(t)]
}
