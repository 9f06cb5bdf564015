package widget

import (
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Width is how many cells the text takes; styles take none. A screen asks it some hundred times a frame, nearly always about
// plain letters, our own signs and colours: these are counted here, and all else (wide, joined, unknown) where clusters are
// understood.
func Width(s string) int {
	n := 0
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c >= ' ' && c < 0x7f:
			n++
			i++
		case c == 0x1b:
			size := colour(s[i:])
			if size == 0 {
				return ansi.StringWidth(s)
			}
			i += size
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if !narrow(r) {
				return ansi.StringWidth(s)
			}
			n++
			i += size
		default:
			return ansi.StringWidth(s)
		}
	}
	return n
}

// colour is the length of the sequence ESC [ digits ; digits m at the beginning of s; 0 when another one stands there.
func colour(s string) int {
	if len(s) < 3 || s[1] != '[' {
		return 0
	}
	for i := 2; i < len(s); i++ {
		switch c := s[i]; {
		case c == 'm':
			return i + 1
		case c != ';' && c != ':' && (c < '0' || c > '9'):
			return 0
		}
	}
	return 0
}

// narrow says of some characters that they take one cell and join with nothing.
func narrow(r rune) bool {
	switch {
	case r >= 0xa1 && r <= 0x17f:
		return r != 0xad && r != 0xa9 && r != 0xae // the soft hyphen, and what may be drawn as a picture
	case r >= 0x2500 && r <= 0x259f: // lines and blocks
		return true
	}
	switch r {
	case '‖', '…', '–', '—', '→', '↶', '≈', '▶', '▸', '✓', '✗':
		return true
	}
	return false
}
