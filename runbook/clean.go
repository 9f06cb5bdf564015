package runbook

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text of files, hosts and far sides safe to show on one line of a terminal: no control characters of C0 or
// C1, no escape sequences (the whole sequence goes, not just its first byte), nothing that turns the direction of
// writing, nothing without width. Tabs, newlines and carriage returns become spaces, so that what was meant to be
// overwritten stays visible; bytes that are not UTF-8 become U+FFFD. It is to be called once, where text enters.
//
//	Clean("FAILED\rOK    ") == "FAILED OK    "
//	Clean("\x1b]8;;http://evil.example\x07click\x1b]8;;\x07") == "click"
//
// Cleaning twice changes nothing more.
func Clean(s string) string { return clean(s, false) }

// CleanLines is Clean for text of several lines: newlines stay, and "\r\n" is one.
func CleanLines(s string) string { return clean(s, true) }

// maxMarks is how many combining marks may pile up on one character; real writing needs three or four.
const maxMarks = 4

func clean(s string, lines bool) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	marks := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if n := escape(s[i:], r, size); n > 0 {
			i += n
			continue
		}
		i += size
		switch {
		case r == '\n' && lines:
			b.WriteByte('\n')
		case r == '\r' && lines && strings.HasPrefix(s[i:], "\n"):
		case r == '\t', r == '\n', r == '\r', r == '\v', r == '\f', r == '\u0085', r == '\u2028', r == '\u2029':
			b.WriteByte(' ')
		case invisible(r):
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
			if marks++; marks <= maxMarks {
				b.WriteRune(r)
			}
			continue
		case nonCharacter(r):
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r) // also U+FFFD for a byte that is not UTF-8
		}
		marks = 0
	}
	return b.String()
}

// plain is the common case: printable ASCII throughout.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// escape returns the length of the escape sequence that starts with r, or 0. Both spellings of an introducer count: ESC
// and a letter (ECMA-48, 7-bit), and the single character of C1.
func escape(s string, r rune, size int) int {
	intro, n := r, size
	if r == 0x1b {
		if len(s) < 2 {
			return 1
		}
		intro, n = rune(s[1])+0x40, 2 // ESC [ is U+009B, ESC ] is U+009D, and so on
	}
	switch intro {
	case 0x9b:
		return n + control(s[n:])
	case 0x90, 0x98, 0x9d, 0x9e, 0x9f:
		return n + controlString(s[n:])
	}
	if r != 0x1b {
		return 0
	}
	// Other sequences: intermediates, then one final byte.
	for n = 1; n < len(s) && s[n] >= 0x20 && s[n] <= 0x2f; n++ {
	}
	if n < len(s) && s[n] >= 0x30 && s[n] <= 0x7e {
		n++
	}
	return n
}

// control is the length of what follows a control sequence introducer: parameters, intermediates, one final byte. A
// sequence that is not well formed ends where it stops being one.
func control(s string) int {
	n := 0
	for n < len(s) && s[n] >= 0x30 && s[n] <= 0x3f {
		n++
	}
	for n < len(s) && s[n] >= 0x20 && s[n] <= 0x2f {
		n++
	}
	if n < len(s) && s[n] >= 0x40 && s[n] <= 0x7e {
		n++
	}
	return n
}

// controlString is the length of an OSC, DCS, SOS, PM or APC string with its terminator. One that is not terminated on
// its line hides nothing: its text stays.
func controlString(s string) int {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\n' || s[i] == '\r':
			return 0
		case s[i] == 0x07:
			return i + 1
		case s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\':
			return i + 2
		case s[i] == 0x1b:
			return 0
		case s[i] == 0xc2 && i+1 < len(s) && s[i+1] == 0x9c: // U+009C in UTF-8
			return i + 2
		case s[i] == 0xc2 && i+1 < len(s) && s[i+1] >= 0x90 && s[i+1] <= 0x9f:
			return 0 // another one starts; so that no text is gone through more than twice
		}
	}
	return 0
}

// invisible reports characters that a terminal obeys or does not show.
func invisible(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f:
		return true
	case unicode.Is(unicode.Cf, r): // bidi controls, zero-width characters, soft hyphen, tags, U+FEFF
		return true
	case unicode.Is(unicode.Variation_Selector, r):
		return true
	}
	switch r {
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x3164, 0xffa0: // joiners and fillers that draw nothing
		return true
	}
	return false
}

func nonCharacter(r rune) bool { return r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef }
