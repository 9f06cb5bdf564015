package providertest

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"

	"lifeboat/providers"
)

var hostChecks = []check{
	{"a command ends with its status", canShell, shellStatus},
	{"output arrives line by line and in the result", canShell, shellOutput},
	{"standard input and environment arrive", canShell, shellInput},
	{"words arrive byte for byte", canShell, shellWords},
	{"a host that is not there is unreachable", canKnock, shellNobody},
	{"a page is served", canWeb, pageServed},
	{"a page that is not served is an error", canWebSilent, pageSilent},
}

func canShell(l Lab) map[string]bool {
	return map[string]bool{"host": l.Set.Shell != nil && l.Host.Address != ""}
}

func canKnock(l Lab) map[string]bool {
	return map[string]bool{"address where nobody answers": l.Set.Shell != nil && l.Nobody.Address != ""}
}

func canWeb(l Lab) map[string]bool {
	return map[string]bool{"page": l.Set.Web != nil && l.URL != "" && l.Page != ""}
}

func canWebSilent(l Lab) map[string]bool {
	return map[string]bool{"address without a page": l.Set.Web != nil && l.URL != "" && l.Silent != ""}
}

func (l lab) run(cmd providers.Command) providers.Result {
	l.t.Helper()
	r, err := l.Set.Shell.Run(l.ctx(), l.Host, cmd)
	l.ok(strings.Join(cmd.Argv, " "), err)
	return r
}

func shellStatus(l lab) {
	for want, argv := range map[int][]string{0: {"true"}, 1: {"test", "-d", "/no/such/folder"}} {
		if r := l.run(providers.Command{Argv: argv, ReadOnly: true}); r.Status != want {
			l.t.Errorf("%q ended with %d, want %d", argv, r.Status, want)
		}
	}
	_, err := l.Set.Shell.Run(l.ctx(), l.Host, providers.Command{})
	l.want(providers.Invalid, "no command", err)
}

func shellOutput(l lab) {
	type line struct{ stream, text string }
	var lines []line
	var log bytes.Buffer
	r := l.run(providers.Command{Argv: []string{"printf", `%s\n%s\n`, "one two", "three"}, Log: &log, ReadOnly: true, Line: func(stream, text string) {
		lines = append(lines, line{stream, text})
	}})
	if r.Stdout != "one two\nthree\n" || r.Stderr != "" {
		l.t.Errorf("stdout %q, stderr %q", r.Stdout, r.Stderr)
	}
	if want := []line{{"stdout", "one two"}, {"stdout", "three"}}; !slices.Equal(lines, want) {
		l.t.Errorf("lines %q, want %q", lines, want)
	}
	if !strings.Contains(log.String(), "three") {
		l.t.Errorf("the log holds %q", log.String())
	}
	lines = nil
	r = l.run(providers.Command{Argv: []string{"cat", "/no/such/file"}, ReadOnly: true, Line: func(stream, text string) {
		lines = append(lines, line{stream, text})
	}})
	if r.Status == 0 || r.Stderr == "" || r.Stdout != "" {
		l.t.Errorf("a missing file: %+v", r)
	}
	if len(lines) != 1 || lines[0].stream != "stderr" {
		l.t.Errorf("lines %q, want one of stderr", lines)
	}
	r = l.run(providers.Command{Argv: []string{"printf", "%s", "a\x1b[31mb"}, ReadOnly: true, Line: func(_, text string) {
		if strings.ContainsRune(text, '\x1b') {
			l.t.Errorf("an escape sequence came through: %q", text)
		}
	}})
	if !strings.Contains(r.Stdout, "a") {
		l.t.Errorf("stdout %q", r.Stdout)
	}
}

func shellInput(l lab) {
	const odd = "two words\n$HOME `id` 'quoted' \"too\"\n"
	if r := l.run(providers.Command{Argv: []string{"cat"}, Stdin: odd, ReadOnly: true}); r.Stdout != odd {
		l.t.Errorf("standard input came back as %q", r.Stdout)
	}
	env := map[string]string{"LIFEBOAT_SUITE": "$(id) 'x' \\ y"}
	r := l.run(providers.Command{Argv: []string{"printenv", "LIFEBOAT_SUITE"}, Env: env, ReadOnly: true})
	if r.Stdout != env["LIFEBOAT_SUITE"]+"\n" {
		l.t.Errorf("the variable came back as %q", r.Stdout)
	}
}

// hexScript writes its words in hexadecimal: od alone would not tell where one ends.
const hexScript = `for w; do printf %s "$w" | od -An -v -tx1 | tr -d ' \n'; echo; done`

// shellWords sends 2,000 words that shells, ssh and terminals have been known to change.
func shellWords(l lab) {
	show := l.Hex
	if len(show) == 0 {
		show = []string{"sh", "-c", hexScript, "sh"}
	}
	words := oddWords(2000)
	for batch := range slices.Chunk(words, 50) {
		r := l.run(providers.Command{Argv: slices.Concat(show, batch), ReadOnly: true})
		got := strings.Split(strings.TrimSuffix(r.Stdout, "\n"), "\n")
		if len(got) != len(batch) {
			l.t.Fatalf("%d words went out, %d arrived; status %d: %s", len(batch), len(got), r.Status, r.Stderr)
		}
		for i, w := range batch {
			if want := hex.EncodeToString([]byte(w)); got[i] != want {
				l.t.Errorf("%q arrived as %s, want %s", w, got[i], want)
			}
		}
	}
}

// oddWords makes the same words every time: known mischief first, then bytes at random, all but NUL.
func oddWords(n int) []string {
	words := []string{
		"", " ", "  two  blanks ", "-n", "--", "-e", "a b", "'", `"`, `'"'"'`, `\`, `\\`, `\n`, "\n", "a\nb", "\r", "a\r\nb", "\t", "$", "$HOME",
		"${IFS}", "$(id)", "`id`", "; id", "| id", "& id", "&& id", "> /tmp/x", "< /etc/passwd", "*", "?", "[a-z]", "{a,b}", "~", "~root", "!", "!!",
		"#", "# no comment", "%s", "%", "%n", "=", "a=b", "(", ")", "\x1b[31m", "\x7f", "\x01", "\xff", "\xc3\x28", "é", "日本", "\u202e", "\u200b", "\x04",
		"EOF", "exit 3", "\\x41", "$'\\x41'", "((", "]]", "--help", strings.Repeat("x", 4000),
	}
	r := rand.New(rand.NewPCG(1, 2))
	const mischief = "'\"\\$`;|&<>()[]{}*?~!#%= \t\n\r-"
	for len(words) < n {
		b := make([]byte, r.IntN(24))
		for i := range b {
			if r.IntN(2) == 0 {
				b[i] = mischief[r.IntN(len(mischief))]
			} else {
				b[i] = byte(1 + r.IntN(255))
			}
		}
		words = append(words, string(b))
	}
	return words
}

func shellNobody(l lab) {
	_, err := l.Set.Shell.Run(l.ctx(), l.Nobody, providers.Command{Argv: []string{"true"}, ReadOnly: true})
	l.want(providers.Unreachable, "a host that is not there", err)
}

func pageServed(l lab) {
	p, err := l.Set.Web.Get(l.ctx(), l.URL, l.Page)
	l.ok("page", err)
	if p.Status != 200 || p.Body == "" || p.Took <= 0 {
		l.t.Errorf("page %+v", p)
	}
	_, err = l.Set.Web.Get(l.ctx(), "ftp://www.example.com/", l.Page)
	l.want(providers.Invalid, "an address that is no page's", err)
}

func pageSilent(l lab) {
	_, err := l.Set.Web.Get(l.ctx(), l.URL, l.Silent)
	l.want(providers.Unreachable, "an address that serves nothing", err)
}
