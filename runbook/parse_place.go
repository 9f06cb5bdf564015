package runbook

import (
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// place finds where the character at an offset of a scalar's value stands in the file. Quotes, escapes, folded lines and
// indentation make the value shorter than the text; value and text are walked side by side. Where they cannot be
// matched, the start of the scalar is the answer.
func (d *document) place(n *yaml.Node, offset int) (line, column int) {
	if n == nil || n.Line < 1 || n.Line > len(d.start) {
		return 0, 0
	}
	from := d.offset(n.Line, n.Column)
	w := scalarWalk{text: d.text, at: from, style: n.Style}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		w.at++
	}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		if n.Line >= len(d.start) {
			return n.Line, n.Column
		}
		w.at, w.indent = d.start[n.Line], -1
		w.skipIndent()
	}
	for i := 0; i < offset; {
		r, size := utf8.DecodeRuneInString(n.Value[i:])
		if !w.next(r) {
			return n.Line, n.Column
		}
		i += size
	}
	w.settle(n.Value, offset)
	return d.position(min(w.at, len(d.text)))
}

// offset is where a line and column (in characters) lie in the text.
func (d *document) offset(line, column int) int {
	at := d.start[line-1]
	for ; column > 1 && at < len(d.text); column-- {
		_, size := utf8.DecodeRune(d.text[at:])
		at += size
	}
	return at
}

type scalarWalk struct {
	text   []byte
	at     int
	style  yaml.Style
	indent int // of a block scalar; -1 until its first line is seen
}

// next steps over what one character of the value is written as.
func (w *scalarWalk) next(r rune) bool {
	if w.at >= len(w.text) {
		return false
	}
	block := w.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch c := w.text[w.at]; {
	case c == '\n' || c == '\r':
		if r != '\n' && r != ' ' {
			return false
		}
		w.newline(block, r)
		return true
	case !block && (c == ' ' || c == '\t') && w.blankToEnd():
		w.newline(false, r)
		return true
	case c == '\\' && w.style&yaml.DoubleQuotedStyle != 0:
		return w.escaped(r)
	case c == '\'' && w.style&yaml.SingleQuotedStyle != 0:
		w.at += 2
		return r == '\''
	}
	got, size := utf8.DecodeRune(w.text[w.at:])
	w.at += size
	return got == r
}

// newline steps over a line's end and the next line's indentation. Of the
// empty lines between folded ones the first goes with it.
func (w *scalarWalk) newline(block bool, r rune) {
	for w.at < len(w.text) && w.text[w.at] != '\n' {
		w.at++
	}
	w.at++
	if block {
		w.skipIndent()
	} else {
		for w.at < len(w.text) && (w.text[w.at] == ' ' || w.text[w.at] == '\t') {
			w.at++
		}
	}
	if w.style&yaml.LiteralStyle == 0 && r == '\n' && w.at < len(w.text) && w.text[w.at] == '\n' && !w.moreBlank() {
		w.newline(block, ' ') // n+1 line ends are n newlines
	}
}

func (w *scalarWalk) moreBlank() bool {
	i := w.at + 1
	for i < len(w.text) && (w.text[i] == ' ' || w.text[i] == '\t') {
		i++
	}
	return i < len(w.text) && w.text[i] == '\n'
}

// skipIndent steps over the indentation of a block scalar's line; its first line that is not empty sets it.
func (w *scalarWalk) skipIndent() {
	if w.indent < 0 {
		i := w.at
		for i < len(w.text) && (w.text[i] == ' ' || w.text[i] == '\n') {
			i++
		}
		line := i
		for line > 0 && w.text[line-1] == ' ' {
			line--
		}
		w.indent = i - line
	}
	for n := 0; n < w.indent && w.at < len(w.text) && w.text[w.at] == ' '; n++ {
		w.at++
	}
}

// settle moves off a fold, so that the place is the character itself and not the line's end before it.
func (w *scalarWalk) settle(value string, offset int) {
	if w.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || offset >= len(value) || w.at >= len(w.text) {
		return
	}
	if w.text[w.at] == '\\' && w.style&yaml.DoubleQuotedStyle != 0 && w.at+1 < len(w.text) && w.text[w.at+1] == '\n' {
		w.at++
		w.newline(false, ' ')
	}
}

func (w *scalarWalk) blankToEnd() bool {
	i := w.at
	for i < len(w.text) && (w.text[i] == ' ' || w.text[i] == '\t') {
		i++
	}
	return i < len(w.text) && (w.text[i] == '\n' || w.text[i] == '\r')
}

// escaped steps over a backslash escape of a double-quoted scalar.
func (w *scalarWalk) escaped(r rune) bool {
	if w.at+1 >= len(w.text) {
		return false
	}
	switch w.text[w.at+1] {
	case 'x':
		w.at += 4
	case 'u':
		w.at += 6
	case 'U':
		w.at += 10
	case '\n', '\r': // an escaped line end is nothing: the character comes after it
		w.at++
		w.newline(false, ' ')
		return w.next(r)
	default:
		w.at += 2
	}
	return true
}
