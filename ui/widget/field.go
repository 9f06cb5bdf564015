package widget

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lifeboat/runbook"
)

const (
	fieldMax = 500      // characters in a field
	pasteMax = 16 << 10 // bytes of a paste that are looked at: cleaning more would take longer than a frame
)

// Field is one line of text that is being typed. It is kept by character as a person sees it: a wide one, or a letter with
// its marks, is one step of the cursor. The zero value is an empty field.
type Field struct {
	chars []string
	at    int // the cursor stands before this character
}

// Text is what stands in the field.
func (f *Field) Text() string { return strings.Join(f.chars, "") }

// Set replaces the text and puts the cursor behind it.
func (f *Field) Set(text string) {
	f.chars, f.at = nil, 0
	f.Insert(text)
}

// Insert puts text at the cursor, as far as there is room. It is cleaned first; cut reports that not all of it is there.
func (f *Field) Insert(text string) (cut bool) {
	if len(text) > pasteMax {
		n := pasteMax
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		text, cut = text[:n], true
	}
	before, after := strings.Join(f.chars[:f.at], ""), strings.Join(f.chars[f.at:], "")
	// Cleaned as a whole: what is harmless in pieces, such as a mark more, may not be when it is joined.
	head := characters(runbook.Clean(before + runbook.Clean(text)))
	room := fieldMax - (len(f.chars) - f.at)
	if len(head) > room {
		head, cut = head[:max(0, room)], true
	}
	f.chars = characters(runbook.Clean(strings.Join(head, "") + after))
	f.at = min(len(head), len(f.chars))
	return cut
}

func characters(s string) []string {
	var out []string
	for s != "" {
		c, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		if c == "" {
			break
		}
		out, s = append(out, c), s[len(c):]
	}
	return out
}

// Key edits the field with a key. Used is false when the key means nothing here.
func (f *Field) Key(msg tea.KeyPressMsg) (used, cut bool) {
	switch msg.String() {
	case "left", "ctrl+b":
		f.at = max(0, f.at-1)
	case "right", "ctrl+f":
		f.at = min(len(f.chars), f.at+1)
	case "home", "ctrl+a":
		f.at = 0
	case "end", "ctrl+e":
		f.at = len(f.chars)
	case "ctrl+left":
		f.at = f.word()
	case "ctrl+right":
		for f.at < len(f.chars) && f.chars[f.at] == " " {
			f.at++
		}
		for f.at < len(f.chars) && f.chars[f.at] != " " {
			f.at++
		}
	case "backspace", "ctrl+h":
		f.drop(f.at-1, f.at)
	case "delete", "ctrl+d":
		f.drop(f.at, f.at+1)
	case "ctrl+w", "ctrl+backspace":
		f.drop(f.word(), f.at)
	case "ctrl+u":
		f.drop(0, f.at)
	case "ctrl+k":
		f.drop(f.at, len(f.chars))
	default:
		if msg.Text == "" {
			return false, false
		}
		cut = f.Insert(msg.Text)
	}
	return true, cut
}

// word is where the word before the cursor begins.
func (f *Field) word() int {
	at := f.at
	for at > 0 && f.chars[at-1] == " " {
		at--
	}
	for at > 0 && f.chars[at-1] != " " {
		at--
	}
	return at
}

func (f *Field) drop(from, to int) {
	from, to = max(0, from), min(to, len(f.chars))
	if from >= to {
		return
	}
	f.chars = append(f.chars[:from:from], f.chars[to:]...)
	f.at = from
}

// View is the part of the text around the cursor that has room in width cells, and the cursor's cell in it. Text that does
// not fit moves by half a width, so that it does not slide with every letter.
func (f *Field) View(width int) (text string, cursor int) {
	if width < 1 {
		return "", 0
	}
	before, total := 0, 0
	for i, c := range f.chars {
		if i == f.at {
			before = total
		}
		total += ansi.StringWidth(c)
	}
	if f.at >= len(f.chars) {
		before = total
	}
	skip := 0
	if total >= width && before >= width {
		step := max(1, width/2)
		skip = (before - width + step) / step * step
	}
	var b strings.Builder
	col, used := 0, 0
	for i, c := range f.chars {
		n := ansi.StringWidth(c)
		if col >= skip && used+n <= width {
			if i < f.at {
				cursor = used + n
			}
			used += n
			b.WriteString(c)
		} else if col >= skip {
			break
		}
		col += n
	}
	return b.String(), min(cursor, width-1)
}
