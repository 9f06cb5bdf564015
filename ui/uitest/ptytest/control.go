package ptytest

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// csi obeys a control sequence of ECMA-48 as xterm does.
func (s *Screen) csi(cmd ansi.Cmd, params ansi.Params) {
	if cmd.Prefix() != 0 || cmd.Intermediate() != 0 {
		s.private(cmd, params)
		return
	}
	n, _, _ := params.Param(0, 1)
	n = max(n, 1)
	second, _, _ := params.Param(1, 1)
	switch cmd.Final() {
	case 'A':
		s.move(s.x, max(s.y-n, s.margin(s.top)))
	case 'B', 'e':
		s.move(s.x, s.y+n)
	case 'C', 'a':
		s.move(s.x+n, s.y)
	case 'D':
		s.move(s.x-n, s.y)
	case 'E':
		s.move(0, s.y+n)
	case 'F':
		s.move(0, s.y-n)
	case 'G', '`':
		s.move(n-1, s.y)
	case 'd':
		s.move(s.x, n-1)
	case 'H', 'f':
		s.move(max(second, 1)-1, n-1)
	case 'I':
		s.move((s.x/8+n)*8, s.y)
	case 'Z':
		s.move(max(0, (s.x+7)/8-n)*8, s.y)
	case 'r':
		s.margins(params)
	case 's':
		s.saved = [2]int{s.x, s.y}
	case 'u':
		s.move(s.saved[0], s.saved[1])
	default:
		s.edit(cmd.Final(), n, params)
	}
}

// margin is the upper margin for a cursor that is below it, else the top.
func (s *Screen) margin(top int) int {
	if s.y >= top {
		return top
	}
	return 0
}

func (s *Screen) margins(params ansi.Params) {
	top, _, _ := params.Param(0, 1)
	bottom, _, _ := params.Param(1, len(s.rows))
	if bottom == 0 {
		bottom = len(s.rows)
	}
	top, bottom = max(top, 1)-1, min(bottom, len(s.rows))-1
	if top < bottom {
		s.top, s.bottom = top, bottom
		s.move(0, 0)
	}
}

// edit is what erases, inserts, deletes, repeats and asks.
func (s *Screen) edit(final byte, n int, params ansi.Params) {
	right, below := s.cols()-1, len(s.rows)-1
	how, _, _ := params.Param(0, 0)
	switch final {
	case 'J':
		switch how {
		case 0:
			s.clear(s.x, s.y, right, s.y)
			s.clear(0, s.y+1, right, below)
		case 1:
			s.clear(0, 0, right, s.y-1)
			s.clear(0, s.y, s.x, s.y)
		default:
			s.clear(0, 0, right, below)
		}
	case 'K':
		from, to := [3]int{s.x, 0, 0}[how%3], [3]int{right, s.x, right}[how%3]
		s.clear(from, s.y, to, s.y)
	case 'X':
		s.clear(s.x, s.y, min(s.x+n-1, right), s.y)
	case 'P', '@':
		s.shift(n, final == '@')
	case 'L':
		s.scroll(s.y, -n)
	case 'M':
		s.scroll(s.y, n)
	case 'S':
		s.scroll(s.top, n)
	case 'T':
		s.scroll(s.top, -n)
	case 'b':
		for range n {
			s.print([]rune(s.last + " ")[0])
		}
	default:
		s.asked(final, how)
	}
}

func (s *Screen) clear(x0, y0, x1, y1 int) {
	s.wrap = false
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			s.rows[y][x] = " "
		}
	}
}

// shift deletes n cells at the cursor, or inserts them.
func (s *Screen) shift(n int, insert bool) {
	row := s.rows[s.y]
	n = min(n, len(row)-s.x)
	fresh := blank(n)
	if insert {
		copy(row[s.x+n:], append([]string(nil), row[s.x:]...))
		copy(row[s.x:], fresh)
		return
	}
	copy(row[s.x:], row[s.x+n:])
	copy(row[len(row)-n:], fresh)
}

// asked answers DA1, the size and the cursor's place.
func (s *Screen) asked(final byte, how int) {
	switch {
	case final == 'c':
		s.reply("\x1b[?62;22c")
	case final == 'n' && how == 6:
		s.reply("\x1b[%d;%dR", s.y+1, s.x+1)
	case final == 'n' && how == 5:
		s.reply("\x1b[0n")
	case final == 't' && how == 18:
		s.reply("\x1b[8;%d;%dt", len(s.rows), s.cols())
	case final == 't' && how == 14:
		s.reply("\x1b[4;%d;%dt", len(s.rows)*16, s.cols()*8)
	}
}

// private is what DEC, xterm and kitty have added.
func (s *Screen) private(cmd ansi.Cmd, params ansi.Params) {
	set := cmd.Final() == 'h'
	switch {
	case cmd.Prefix() == '?' && cmd.Intermediate() == '$' && cmd.Final() == 'p': // DECRQM
		mode, _, _ := params.Param(0, 0)
		s.reply("\x1b[?%d;2$y", mode) // known, and off
	case cmd.Prefix() == '?' && cmd.Final() == 'u':
		s.reply("\x1b[?0u")
	case cmd.Prefix() == '>' && cmd.Final() == 'q':
		s.reply("\x1bP>|ptytest 1\x1b\\")
	case cmd.Prefix() == '>' && cmd.Final() == 'c':
		s.reply("\x1b[>1;10;0c")
	case cmd.Prefix() == '?' && (set || cmd.Final() == 'l'):
		for i := range params {
			mode, _, _ := params.Param(i, 0)
			s.mode(mode, set)
		}
	}
}

func (s *Screen) mode(mode int, set bool) {
	switch mode {
	case 25:
		s.hidden = !set
	case 2026:
		s.holding = set
		s.held = true
	case 47, 1047, 1049:
		s.full = set
		s.clear(0, 0, s.cols()-1, len(s.rows)-1)
	}
}

// osc answers the questions for colours: a dark terminal.
func (s *Screen) osc(cmd int, data []byte) {
	_, value, _ := strings.Cut(string(data), ";")
	if value != "?" {
		return
	}
	switch cmd {
	case 10, 12:
		s.reply("\x1b]%d;rgb:d8d8/dede/e9e9\x1b\\", cmd)
	case 11:
		s.reply("\x1b]11;rgb:1010/1414/1818\x1b\\")
	}
}

// dcs answers XTGETTCAP: not known.
func (s *Screen) dcs(cmd ansi.Cmd, _ ansi.Params, _ []byte) {
	if cmd.Intermediate() == '+' && cmd.Final() == 'q' {
		s.reply("\x1bP0+r\x1b\\")
	}
}

func (s *Screen) reply(format string, args ...any) {
	s.replies = fmt.Appendf(s.replies, format, args...)
}
