package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
)

// Everything that this program writes goes through one of these two. Text is cleaned where it enters, but a value of a
// runbook has to reach the far side byte for byte, and so does its echo: here it is kept from the terminal.

// cleanSink writes text for people.
type cleanSink struct {
	w     io.Writer
	plain *strings.Replacer // for a terminal that draws nothing beyond ASCII: our signs, not the text of others
}

func (s cleanSink) Write(p []byte) (int, error) {
	text := runbook.CleanLines(string(p))
	if s.plain != nil {
		text = s.plain.Replace(text)
	}
	_, err := io.WriteString(s.w, text)
	return len(p), err
}

// plainSigns decides which signs the output gets. On a terminal the screen's own rule counts. What goes elsewhere keeps its
// signs unless somebody named another locale: where none is set at all, as in a service, nothing is known of the reader.
func plainSigns(out io.Writer, flag bool, env func(string) string) *strings.Replacer {
	ascii := flag
	switch {
	case flag:
	case terminalOut(out) != nil:
		ascii = onlyASCII(env)
	case env("LC_ALL")+env("LC_CTYPE")+env("LANG") != "":
		ascii = onlyASCII(func(name string) string {
			if name == "TERM" {
				return ""
			}
			return env(name)
		})
	}
	if !ascii {
		return nil
	}
	return strings.NewReplacer(theme.ASCIIPairs()...)
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
