package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"lifeboat/runbook"
)

// Everything that this program writes goes through one of these two. Text is cleaned where it enters, but a value of a
// runbook has to reach the far side byte for byte, and so does its echo: here it is kept from the terminal.

// cleanSink writes text for people.
type cleanSink struct{ w io.Writer }

func (s cleanSink) Write(p []byte) (int, error) {
	_, err := io.WriteString(s.w, runbook.CleanLines(string(p)))
	return len(p), err
}

// jsonSink writes JSON, in which everything that a terminal obeys is escaped, so that nothing is lost. JSON has no such
// characters outside of its strings.
type jsonSink struct{ w io.Writer }

func (s jsonSink) Write(p []byte) (int, error) {
	text := string(p)
	if strings.ContainsFunc(text, obeyed) {
		var b strings.Builder
		for _, r := range text {
			switch {
			case !obeyed(r):
				b.WriteRune(r)
			case r > 0xffff:
				r -= 0x10000
				fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
			default:
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		}
		text = b.String()
	}
	_, err := io.WriteString(s.w, text)
	return len(p), err
}

func obeyed(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029')
}
