package runbook

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// What a far side can send and what is left of it.
var hostileText = []struct{ name, in, want string }{
	{"plain", "plain text, 100 % ~", "plain text, 100 % ~"},
	{"umlauts and writing", "Zürich 東京 Ελλάδα", "Zürich 東京 Ελλάδα"},
	{"accent as a mark", "e\u0301", "e\u0301"},
	{"emoji", "ok 👍", "ok 👍"},
	{"tab", "a\tb", "a b"},
	{"newline", "a\nb", "a b"},
	{"carriage return overwrites", "FAILED\rOK    ", "FAILED OK    "},
	{"CRLF", "a\r\nb", "a  b"},
	{"backspace overwrites", "FAILED\b\b\b\b\b\bOK", "FAILEDOK"},
	{"NUL", "a\x00b", "ab"},
	{"bell", "a\x07b", "ab"},
	{"vertical tab", "a\vb", "a b"},
	{"form feed", "a\fb", "a b"},
	{"shift out", "a\x0eb\x0f", "ab"},
	{"delete", "a\x7fb", "ab"},
	{"colour", "\x1b[31mred\x1b[0m", "red"},
	{"true colour", "\x1b[38;2;1;2;3mx\x1b[m", "x"},
	{"conceal", "\x1b[8mhidden\x1b[28m", "hidden"},
	{"clear screen", "\x1b[2J\x1b[Hx", "x"},
	{"cursor up and erase", "FAILED\n\x1b[1A\x1b[2KOK", "FAILED OK"},
	{"alternate screen", "\x1b[?1049hx\x1b[?1049l", "x"},
	{"mouse reports on", "\x1b[?1003hx", "x"},
	{"report of the cursor", "a\x1b[6nb", "ab"},
	{"window title report", "a\x1b[21tb", "ab"},
	{"soft reset", "a\x1b[!pb", "ab"},
	{"CSI with intermediate", "a\x1b[1 qb", "ab"},
	{"CSI without an end", "a\x1b[31", "a"},
	{"CSI broken by a control", "a\x1b[31\x07b", "ab"},
	{"CSI broken by a newline", "a\x1b[3\nb", "a b"},
	{"CSI broken by writing", "a\x1b[3éb", "aéb"},
	{"C1 CSI", "a\u009b31mb", "ab"},
	{"C1 CSI as a raw byte", "a\x9b31mb", "a\uFFFD31mb"},
	{"two CSI in one", "a\x1b\x1b[31mb", "ab"},
	{"ESC in a CSI", "a\x1b[\x1b[31mb", "ab"},
	{"title by OSC and BEL", "a\x1b]0;owned\x07b", "ab"},
	{"title by OSC and ST", "a\x1b]0;owned\x1b\\b", "ab"},
	{"title by OSC and C1 ST", "a\x1b]0;owned\u009cb", "ab"},
	{"C1 OSC", "a\u009d0;owned\x07b", "ab"},
	{"hyperlink", "\x1b]8;;http://evil.example/\x07click\x1b]8;;\x07", "click"},
	{"clipboard", "a\x1b]52;c;ZXZpbA==\x07b", "ab"},
	{"notification", "a\x1b]777;notify;x;y\x07b", "ab"},
	{"OSC without an end hides nothing", "a\x1b]0;FAILED", "a0;FAILED"},
	{"OSC does not reach over a line", "a\x1b]0;x\nFAILED\x07", "a0;x FAILED"},
	{"OSC in an OSC", "a\x1b]0;\x1b]0;x\x07b", "a0;b"},
	{"C1 OSC in a C1 OSC", "a\u009d0;\u009d0;x\x07b", "a0;b"},
	{"DCS", "a\x1bPq#0;2;0;0;0\x1b\\b", "ab"},
	{"DCS of tmux", "a\x1bPtmux;\x1b\x1b]0;x\x07\x1b\\b", "atmux;b"},
	{"C1 DCS", "a\u0090x\u009cb", "ab"},
	{"APC", "a\x1b_Gf=100;AAAA\x1b\\b", "ab"},
	{"PM", "a\x1b^x\x1b\\b", "ab"},
	{"SOS", "a\x1bXx\x1b\\b", "ab"},
	{"full reset", "a\x1bcb", "ab"},
	{"charset", "a\x1b(0b", "ab"},
	{"double height", "a\x1b#3b", "ab"},
	{"keypad", "a\x1b=b", "ab"},
	{"ESC at the end", "a\x1b", "a"},
	{"ESC before writing", "a\x1béb", "aéb"},
	{"C1 newline", "a\u0085b", "a b"},
	{"C1 index", "a\u0084b", "ab"},
	{"line separator", "a\u2028b", "a b"},
	{"paragraph separator", "a\u2029b", "a b"},
	{"bidi override", "a\u202egnp.exe", "agnp.exe"},
	{"bidi isolate", "a\u2066b\u2069", "ab"},
	{"bidi marks", "a\u200e\u200f\u061cb", "ab"},
	{"zero width space", "a\u200bb", "ab"},
	{"zero width joiners", "a\u200c\u200db", "ab"},
	{"word joiner", "a\u2060b", "ab"},
	{"byte order mark", "a\ufeffb", "ab"},
	{"soft hyphen", "a\u00adb", "ab"},
	{"grapheme joiner", "a\u034fb", "ab"},
	{"hangul filler", "a\u3164b", "ab"},
	{"variation selector", "a\ufe0fb", "ab"},
	{"variation selector of the second plane", "a\U000e0100b", "ab"},
	{"tag characters", "a\U000e0041\U000e007fb", "ab"},
	{"interlinear", "a\ufff9b\ufffbc", "abc"},
	{"noncharacter", "a\ufffeb\U0010ffff", "a\uFFFDb\uFFFD"},
	{"invalid UTF-8", "a\xff\xc3(b", "a\uFFFD\uFFFD(b"},
	{"overlong ESC", "a\xc0\x9b[31mb", "a\uFFFD\uFFFD[31mb"},
	{"surrogate", "a\xed\xa0\x80b", "a\uFFFD\uFFFD\uFFFDb"},
	{"cut rune", "a\xe2\x80", "a\uFFFD\uFFFD"},
	{"piled marks", "a" + strings.Repeat("\u0301", 50) + "b", "a\u0301\u0301\u0301\u0301b"},
}

func TestClean(t *testing.T) {
	for _, c := range hostileText {
		got := Clean(c.in)
		if got != c.want {
			t.Errorf("%s: Clean(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
		if again := Clean(got); again != got {
			t.Errorf("%s: cleaning twice gives %q", c.name, again)
		}
	}
}

func TestCleanLines(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb\n": "a\nb\n", "a\r\nb": "a\nb", "a\rb\n": "a b\n", "\x1b[1Aa\n\tb": "a\n b", "a\u0085b": "a b", "a\r\r\nb": "a \nb",
	} {
		if got := CleanLines(in); got != want {
			t.Errorf("CleanLines(%q) = %q, want %q", in, got, want)
		}
	}
}

// Whatever comes in, nothing that a terminal obeys comes out, in any order of the pieces.
func FuzzClean(f *testing.F) {
	for _, c := range hostileText {
		f.Add(c.in, c.in)
	}
	for i := range hostileText {
		f.Add(hostileText[i].in, hostileText[len(hostileText)-1-i].in)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		got := Clean(a + b)
		if !utf8.ValidString(got) || Clean(got) != got {
			t.Fatalf("Clean(%q) = %q is not clean", a+b, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("Clean(%q) = %q holds %U", a+b, got, r)
			}
		}
	})
}

// BenchmarkClean shows that the cost grows with the length and not with its square, whatever the text.
func BenchmarkClean(b *testing.B) {
	for name, piece := range map[string]string{"plain": "plain text ", "writing": "東京 ", "OSC": "\u009d", "ESC": "\x1b]", "CSI": "\x1b[3", "marks": "\u0301"} {
		for _, size := range []int{1 << 14, 1 << 20} {
			text := strings.Repeat(piece, size/len(piece))
			b.Run(fmt.Sprintf("%s/%dKiB", name, size>>10), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					Clean(text)
				}
			})
		}
	}
}
