package page

// logWindow is the part of a log around what is looked at, read in parts: a log of any length takes the same memory and the
// same time. The zero value holds nothing.
type logWindow struct {
	lines  []string
	chunks []chunk
	size   int64 // of the whole log, when it was read last
}

// chunk is a part of the log that is held: bytes, and how many lines they are.
type chunk struct {
	from, to int64
	lines    int
}

// direction says where a part belongs.
type direction int

const (
	wayEnd  direction = iota // the last part, and nothing else
	wayTop                   // the first
	wayOn                    // behind what is held
	wayBack                  // before it
	wayFind                  // the part with the word, and nothing else
)

const (
	partBytes = 64 << 10
	mostParts = 6
)

// take puts a part where it belongs and lets go of what is far from it. What was line n before is line n+moved now.
func (w *logWindow) take(way direction, t Text) (moved int) {
	w.size = t.Size
	c := chunk{from: t.From, to: t.To, lines: len(t.Lines)}
	switch n := len(w.chunks); {
	case n == 0 || way != wayOn && way != wayBack:
		w.lines, w.chunks = t.Lines, []chunk{c}
	case way == wayOn:
		if c.lines == 0 || c.from != w.chunks[n-1].to { // as far as one can see, it ends here
			w.size = w.chunks[n-1].to
			return 0
		}
		w.lines, w.chunks = append(w.lines, t.Lines...), append(w.chunks, c)
		if n == mostParts {
			moved = -w.chunks[0].lines
			w.lines, w.chunks = w.lines[-moved:], w.chunks[1:]
		}
	case c.lines == 0: // a line longer than a part: there is no going on before it
		w.chunks[0].from = 0
	default:
		moved = c.lines
		w.lines, w.chunks = append(t.Lines[:moved:moved], w.lines...), append([]chunk{c}, w.chunks...)
		if n == mostParts {
			w.lines, w.chunks = w.lines[:len(w.lines)-w.chunks[n].lines], w.chunks[:n]
		}
	}
	return moved
}

// above reports whether there is more before what is held, and from where back it is to be read.
func (w *logWindow) above() (until int64, more bool) {
	if len(w.chunks) == 0 || w.chunks[0].from == 0 {
		return 0, false
	}
	return w.chunks[0].from, true
}

// below reports whether there was more behind what is held, and from where on it is to be read.
func (w *logWindow) below() (from int64, more bool) {
	if len(w.chunks) == 0 {
		return 0, false
	}
	last := w.chunks[len(w.chunks)-1]
	return last.to, last.to < w.size
}
