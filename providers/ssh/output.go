package ssh

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"lifeboat/runbook"
)

const (
	maxLine = 16 << 10 // a longer line is delivered in pieces
	maxTail = 64 << 10 // what a Result keeps of a stream
	maxWord = 16       // what may stand between a marker and its semicolon
)

// marks finds the marker in a stream and takes it out, wherever the pieces are cut.
type marks struct {
	marker []byte
	carry  []byte
}

// feed hands out the text of p, and the word after each marker, in their order. What could be the beginning of a marker
// is kept for the next piece.
func (m *marks) feed(p []byte, text func([]byte), mark func(string)) {
	buf := p
	if len(m.carry) > 0 {
		buf = append(m.carry, p...)
		m.carry = nil
	}
	for {
		i := bytes.Index(buf, m.marker)
		if i < 0 {
			keep := m.overlap(buf)
			text(buf[:len(buf)-keep])
			m.carry = bytes.Clone(buf[len(buf)-keep:])
			return
		}
		rest := buf[i+len(m.marker):]
		j := bytes.IndexByte(rest, ';')
		switch {
		case j < 0 && len(rest) <= maxWord:
			text(buf[:i])
			m.carry = bytes.Clone(buf[i:])
			return
		case j < 0 || j > maxWord || rest[0] != ':':
			// Not ours: something that shows the command line, such as ps.
			text(buf[:i+len(m.marker)])
			buf = rest
		default:
			text(buf[:i])
			mark(string(rest[1:j]))
			buf = rest[j+1:]
		}
	}
}

// flush hands out what was kept: the stream has ended.
func (m *marks) flush(text func([]byte)) {
	text(m.carry)
	m.carry = nil
}

// overlap is the length of the longest end of buf with which a marker may begin.
func (m *marks) overlap(buf []byte) int {
	for n := min(len(buf), len(m.marker)-1); n > 0; n-- {
		if bytes.HasPrefix(m.marker, buf[len(buf)-n:]) {
			return n
		}
	}
	return 0
}

// lines cuts text at \n, \r and \r\n, cleans each line and keeps the end of it all. A \r after nothing, with which rsync
// begins a line of progress, makes no empty line.
type lines struct {
	emit func(string)
	buf  []byte
	cr   bool // the last byte was \r: a \n that follows belongs to it
	void bool // and there was nothing before it: it is a line only if \n follows
	tail []byte
}

func (l *lines) write(p []byte) {
	for len(p) > 0 {
		if l.cr {
			l.cr = false
			if p[0] == '\n' {
				if l.void {
					l.end("\n")
				}
				p = p[1:]
				continue
			}
		}
		i := bytes.IndexAny(p, "\r\n")
		if i < 0 {
			l.add(p)
			return
		}
		l.add(p[:i])
		l.cr = p[i] == '\r'
		l.void = l.cr && len(l.buf) == 0
		if !l.void {
			l.end("\n")
		}
		p = p[i+1:]
	}
}

// flush ends a last line that has no end of its own.
func (l *lines) flush() {
	if len(l.buf) > 0 {
		l.end("")
	}
}

func (l *lines) add(p []byte) {
	for len(l.buf)+len(p) > maxLine {
		n := maxLine - len(l.buf)
		l.buf = append(l.buf, p[:n]...)
		p = p[n:]
		// Do not cut through a character.
		cut := len(l.buf)
		for cut > maxLine-utf8.UTFMax && !utf8.RuneStart(l.buf[cut-1]) {
			cut--
		}
		if cut > maxLine-utf8.UTFMax && !utf8.FullRune(l.buf[cut-1:]) {
			cut--
		} else {
			cut = len(l.buf)
		}
		rest := bytes.Clone(l.buf[cut:])
		l.buf = l.buf[:cut]
		l.end("")
		l.buf = append(l.buf, rest...)
	}
	l.buf = append(l.buf, p...)
}

func (l *lines) end(sep string) {
	line := runbook.Clean(string(l.buf))
	l.buf = l.buf[:0]
	l.tail = append(append(l.tail, line...), sep...)
	if len(l.tail) > 2*maxTail {
		l.tail = append(l.tail[:0], l.tail[len(l.tail)-maxTail:]...)
	}
	if l.emit != nil {
		l.emit(line)
	}
}

// text is the end of what was written, at most 64 KiB, beginning with a whole character.
func (l *lines) text() string {
	t := l.tail
	if len(t) > maxTail {
		t = t[len(t)-maxTail:]
	}
	return strings.ToValidUTF8(string(t), "")
}
