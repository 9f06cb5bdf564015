package ptytest

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Screen is a small terminal: it keeps the text of every cell and the cursor, and forgets colours. It knows what the
// renderer of Bubble Tea sends to TERM=xterm-256color, and collects in Replies what a terminal would answer.
type Screen struct {
	rows        [][]string // a cell is a cluster, " " when empty, "" behind a wide one
	x, y        int
	wrap        bool // the next character goes to the next line
	top, bottom int  // of what scrolls
	hidden      bool // the cursor
	holding     bool // synchronised output is on: what is there is not yet shown
	held        bool // the program uses synchronised output
	drawn       bool // something was printed
	full        bool // the program has taken the alternate screen
	saved       [2]int
	last        string // what REP repeats
	inside      bool   // a sequence has begun and not ended
	replies     []byte
	parser      *ansi.Parser
}

// NewScreen is an empty terminal of that size.
func NewScreen(cols, rows int) *Screen {
	s := &Screen{parser: ansi.NewParser()}
	s.parser.SetParamsSize(32)
	s.parser.SetDataSize(64 << 10)
	s.Resize(cols, rows)
	s.parser.SetHandler(ansi.Handler{
		Print: s.print, Execute: s.control, HandleCsi: s.csi, HandleEsc: s.esc, HandleOsc: s.osc, HandleDcs: s.dcs,
	})
	return s
}

// Resize cuts or fills the cells; the cursor stays inside.
func (s *Screen) Resize(cols, rows int) {
	old := s.rows
	s.rows = make([][]string, rows)
	for y := range s.rows {
		s.rows[y] = blank(cols)
		if y < len(old) {
			copy(s.rows[y], old[y])
		}
	}
	s.top, s.bottom = 0, rows-1
	s.x, s.y, s.wrap = min(s.x, cols-1), min(s.y, rows-1), false
}

func blank(cols int) []string {
	row := make([]string, cols)
	for x := range row {
		row[x] = " "
	}
	return row
}

// Write takes what the program sent.
func (s *Screen) Write(p []byte) (int, error) {
	for _, b := range p {
		s.parser.Advance(b)
	}
	s.inside = s.parser.StateName() != "GroundState"
	return len(p), nil
}

// Text is the screen as lines without spaces at their ends.
func (s *Screen) Text() string {
	lines := make([]string, len(s.rows))
	for y := range s.rows {
		lines[y] = s.Line(y)
	}
	return strings.Join(lines, "\n")
}

// Line is one line; a negative number counts from the bottom.
func (s *Screen) Line(y int) string {
	if y < 0 {
		y += len(s.rows)
	}
	return strings.TrimRight(strings.Join(s.rows[y], ""), " ")
}

// Has says whether the text stands somewhere on one line.
func (s *Screen) Has(text string) bool { return strings.Contains(s.Text(), text) }

// Cursor is where it is and whether it shows.
func (s *Screen) Cursor() (x, y int, shown bool) { return s.x, s.y, !s.hidden }

// Whole says that no frame is half drawn, as far as the bytes tell: no sequence is open, synchronised output is off, and
// the cursor, which a program without synchronised output hides while it draws, is back.
func (s *Screen) Whole() bool {
	return s.drawn && !s.inside && !s.holding && (s.held || !s.hidden)
}

// Full says that the program has taken the whole screen (the alternate one).
func (s *Screen) Full() bool { return s.full }

// Replies hands out, once, what a terminal would have answered.
func (s *Screen) Replies() []byte {
	out := s.replies
	s.replies = nil
	return out
}

func (s *Screen) cols() int { return len(s.rows[0]) }

func (s *Screen) print(r rune) {
	text := string(r)
	width := ansi.StringWidth(text)
	if width == 0 {
		s.combine(text)
		return
	}
	if s.wrap || s.x+width > s.cols() {
		s.x = 0
		s.feed()
	}
	row := s.rows[s.y]
	row[s.x] = text
	for i := 1; i < width && s.x+i < len(row); i++ {
		row[s.x+i] = ""
	}
	if n := s.x + width; n < len(row) && row[n] == "" {
		row[n] = " " // the second half of what was overwritten
	}
	s.x, s.wrap = s.x+width, false
	if s.x >= s.cols() {
		s.x, s.wrap = s.cols()-1, true
	}
	s.last, s.drawn = text, true
}

// combine adds a character without width to the cell before the cursor.
func (s *Screen) combine(text string) {
	x := s.x - 1
	if s.wrap {
		x = s.x
	}
	for x > 0 && s.rows[s.y][x] == "" {
		x--
	}
	if x >= 0 {
		s.rows[s.y][x] += text
	}
}

func (s *Screen) control(b byte) {
	switch b {
	case '\n', '\v', '\f':
		s.feed()
	case '\r':
		s.x, s.wrap = 0, false
	case '\b':
		s.x, s.wrap = max(0, s.x-1), false
	case '\t':
		s.move(min(s.cols()-1, (s.x/8+1)*8), s.y)
	}
}

func (s *Screen) move(x, y int) {
	s.x, s.y, s.wrap = max(0, min(x, s.cols()-1)), max(0, min(y, len(s.rows)-1)), false
}

// feed goes down a line, scrolling at the lower margin.
func (s *Screen) feed() {
	s.wrap = false
	if s.y == s.bottom {
		s.scroll(s.top, 1)
	} else if s.y < len(s.rows)-1 {
		s.y++
	}
}

// scroll moves the lines from one to the lower margin up by n (down for a negative n).
func (s *Screen) scroll(from, n int) {
	if from < s.top || from > s.bottom {
		return
	}
	part := s.rows[from : s.bottom+1]
	n = max(-len(part), min(n, len(part)))
	cols := s.cols()
	if n >= 0 {
		copy(part, part[n:])
		for y := len(part) - n; y < len(part); y++ {
			part[y] = blank(cols)
		}
		return
	}
	copy(part[-n:], part[:len(part)+n])
	for y := range -n {
		part[y] = blank(cols)
	}
}

func (s *Screen) esc(cmd ansi.Cmd) {
	switch cmd.Final() {
	case '7':
		s.saved = [2]int{s.x, s.y}
	case '8':
		s.move(s.saved[0], s.saved[1])
	case 'D':
		s.feed()
	case 'E':
		s.x = 0
		s.feed()
	case 'M':
		if s.y == s.top {
			s.scroll(s.top, -1)
		} else {
			s.move(s.x, s.y-1)
		}
	case 'c':
		s.clear(0, 0, s.cols()-1, len(s.rows)-1)
		s.move(0, 0)
	}
}
