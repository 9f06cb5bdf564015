package runbook

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

const head = "lifeboat: 1\nkind: runbook\nname: x\nsteps:\n"

// hostile are files that have broken YAML readers, or would break this one without its limits.
func hostile() map[string][]byte {
	rep := func(s string, n int) string { return strings.Repeat(s, n) }
	seeds := map[string]string{
		"empty":                "",
		"comment only":         "# nothing\n",
		"two documents":        "a: 1\n---\nb: 2\n",
		"document end":         "a: 1\n...\nb\n",
		"null":                 "~\n",
		"scalar":               "hello\n",
		"list":                 "- a\n- b\n",
		"over 1 MiB":           rep("# x\n", 1<<18) + "a",
		"1 MiB of newlines":    rep("\n", 1<<20),
		"1 MiB of one line":    rep("a", 1<<20),
		"1 MiB of spaces":      rep(" ", 1<<20),
		"1 MiB comment":        "#" + rep("a", 1<<20-1),
		"open brackets":        rep("[", 200_000),
		"open braces":          rep("{", 200_000),
		"open brackets 1 MiB":  rep("[", 1<<20),
		"brackets and keys":    rep("{a: [", 40),
		"nested dashes":        rep("- ", 100_000) + "a",
		"nested dashes 60":     rep("- ", 60) + "a",
		"nested questions":     rep("? ", 100_000) + "a",
		"nested maps":          nestedMaps(3000),
		"nested maps 60":       nestedMaps(60),
		"many flow values":     "a: [" + rep("a,", 500_000) + "]",
		"many flow pairs":      "{" + rep("a: b,", 200_000) + "}",
		"many keys":            manyKeys(120_000),
		"many keys in limits":  manyKeys(25_000),
		"same key":             rep("a: 1\n", 29_000),
		"huge key":             rep("k", 1<<19) + ": 1\n",
		"huge plain scalar":    "a: " + rep("x ", 1<<19),
		"huge quoted scalar":   "a: \"" + rep("x", 1<<20-10) + "\"",
		"huge block scalar":    "a: |\n" + rep("  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", 29_000),
		"huge folded scalar":   "a: >\n" + rep("  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n\n", 29_000),
		"quoted folds":         "a: \"" + rep("x\n  ", 58_000) + "\"",
		"escapes":              "a: \"" + rep(`\U0001F600`, 100_000) + "\"",
		"open quote":           "a: \"" + rep("x\n", 50_000),
		"anchors":              rep("- &a x\n", 20_000),
		"alias":                "a: &x 1\nb: *x\n",
		"alias to itself":      "a: &x [*x]\n",
		"alias bomb":           aliasBomb(),
		"alias unknown":        "a: *nope\n",
		"merge":                "a: &x {b: 1}\nc:\n  <<: *x\n",
		"merge key plain":      head + "  - <<: {id: a}\n",
		"tag":                  "a: !!python/object:os.system x\n",
		"tag binary":           "a: !!binary aGVsbG8=\n",
		"tag directive":        "%TAG ! tag:evil.example,2000:\n---\na: !b c\n",
		"yaml directive":       "%YAML 9.9\n---\na: 1\n",
		"key is a list":        "[a, b]: c\n",
		"key is a map":         "{a: b}: c\n",
		"key is null":          "~: c\n",
		"complex key":          "? - a\n  - b\n: c\n",
		"NUL":                  "a: b\x00c\n",
		"NUL first":            "\x00",
		"escape character":     "a: \x1b[31mred\n",
		"DEL":                  "a: \x7f\n",
		"invalid UTF-8":        "a: \xff\xfe\n",
		"overlong UTF-8":       "a: \xc0\xaf\n",
		"surrogate":            "a: \xed\xa0\x80\n",
		"UTF-16 LE":            "\xff\xfea\x00:\x00 \x001\x00",
		"UTF-16 BE":            "\xfe\xff\x00a\x00:",
		"BOM":                  "\ufefflifeboat: 2\n",
		"BOM inside":           "a: \ufeff\n",
		"tabs":                 "a:\n\tb: 1\n",
		"CR only":              "a: 1\rb: 2\r",
		"CRLF":                 "a: 1\r\nb: 2\r\nc\r\n",
		"NEL and LS":           "a: 1\u0085b: 2\u2028c: 3\n",
		"bidi":                 "a: \u202eevil\n",
		"hex int":              "lifeboat: 0x1\nkind: runbook\n",
		"huge int":             head + "  - {id: a, uses: wait, retry: {attempts: 99999999999999999999999999}}\n",
		"inf":                  head + "  - {id: a, uses: wait, retry: {attempts: .inf}}\n",
		"huge duration":        head + "  - {id: a, uses: wait, budget: 9999999999999999h}\n",
		"negative duration":    head + "  - {id: a, uses: wait, budget: -5s}\n",
		"days of overflow":     head + "  - {id: a, uses: wait, budget: 9999d}\n",
		"many steps":           head + rep("  - {id: a, uses: b}\n", 10_000),
		"many problems":        head + rep("  - {xid: a}\n", 5_000),
		"long unknown key":     head + "  - {" + rep("k", 100_000) + ": a}\n",
		"expression only open": head + "  - {id: a, uses: b, title: '" + rep("${{ ", 15_000) + "'}\n",
		"deep expression":      head + "  - {id: a, uses: b, if: '" + rep("(", 60_000) + "'}\n",
		"steps is a scalar":    "lifeboat: 1\nkind: runbook\nname: x\nsteps: 7\n",
		"steps is a map":       "lifeboat: 1\nkind: runbook\nname: x\nsteps: {a: b}\n",
		"steps of scalars":     head + "  - a\n  - 1\n  - null\n  - [x]\n",
		"needs of maps":        head + "  - {id: a, uses: b, needs: [{x: y}, [z], ~]}\n",
		"inputs of lists":      "lifeboat: 1\nkind: runbook\nname: x\ninputs: {a: [b], c: ~, D: {}}\nsteps: [{id: a, uses: b}]\n",
		"block header":         "a: |9999\n x\n",
		"block chomp":          "a: |+-\n x\n",
		"question marks":       rep("?", 50_000),
		"colons":               rep(":", 50_000),
		"colon newlines":       rep(":\n", 25_000),
		"percent":              rep("%", 1000),
		"stars":                rep("*a ", 1000),
		"ampersands":           rep("&a ", 1000),
		"exclamations":         rep("!", 1<<20),
		"at":                   "a: @b\n",
		"backtick":             "a: `b\n",
		"unclosed flow":        "a: [b, c\nd: e\n",
		"wrong close":          "a: [b}\n",
		"quotes":               rep("'", 1<<20-1),
		"flow over lines":      "{" + rep("a,\n", 28_000) + "}",
		"indent stairs":        stairs(45) + "x\n",
		"indent chaos":         chaos(3000),
	}
	out := map[string][]byte{}
	for k, v := range seeds {
		out[k] = []byte(v)
	}
	for i := range 100 { // and what nobody thought of
		out[fmt.Sprintf("random %d", i)] = randomYAML(uint32(i))
	}
	return out
}

func nestedMaps(n int) string {
	var b strings.Builder
	for i := 0; i < n && b.Len() < 1<<20-1000; i++ {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func stairs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "- k:\n")
	}
	return b.String() + strings.Repeat(" ", n+2)
}

func chaos(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i*7%13) + "a" + fmt.Sprint(i) + ":\n")
	}
	return b.String()
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: 1\n", i)
	}
	return b.String()
}

func aliasBomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String()
}

// randomYAML strings the marks of YAML together.
func randomYAML(seed uint32) []byte {
	parts := []string{
		"\n", "  ", "- ", ": ", "a", "{", "}", "[", "]", ",", "\"", "'", "|", ">", "&x ", "*x", "!t ", "#", "? ", "${{", "}}",
		"steps:\n", "id: a\n", "lifeboat: 1\nkind: runbook\n", "\t", "é", "\u2028", "~", "<<: ", "---\n", "...\n", "%",
	}
	var b bytes.Buffer
	x := seed*2654435761 + 1
	for range 3000 {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b.WriteString(parts[x%uint32(len(parts))])
	}
	return b.Bytes()
}

// Every hostile file is refused with a place in it, and costs at most 64 MiB however it is counted: what is measured is
// everything ever allocated, freed or not.
func TestHostileFiles(t *testing.T) {
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			rb, err := Parse("hostile.yaml", text)
			if err == nil { // the mistake is in an expression
				_, err = Compile(CompileInput{Runbook: rb, Estate: &Estate{}, Catalog: testCatalog(), Mode: Live})
			}
			_, estateErr := ParseEstate("hostile.yaml", text)
			runtime.ReadMemStats(&after)
			if used := (after.TotalAlloc - before.TotalAlloc) / 2; used > 64<<20 {
				t.Errorf("%d MiB were allocated", used>>20)
			}
			for _, err := range []error{err, estateErr} {
				var ps Problems
				if !errors.As(err, &ps) || len(ps) == 0 {
					t.Fatalf("not refused with problems: %v", err)
				}
				shown := err.Error()
				if shown != CleanLines(shown) {
					t.Errorf("the message is not safe for a terminal: %q", shown)
				}
				if len(shown) > 64<<10 {
					t.Errorf("the message is %d bytes long", len(shown))
				}
			}
		})
	}
}

// BenchmarkHostile shows what the worst files cost: at most 200 ms each.
func BenchmarkHostile(b *testing.B) {
	for name, text := range hostile() {
		if strings.HasPrefix(name, "random") {
			continue
		}
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			for b.Loop() {
				_, _ = Parse("hostile.yaml", text)
			}
		})
	}
}

// Small files that would come to much: the work of compiling is bounded too.
func TestExpressionsComeToLittle(t *testing.T) {
	estate, err := ParseEstate("e.yaml", []byte("lifeboat: 1\nkind: estate\nname: x\nservice: {name: www.example.com, url: x}\n"+
		"production: {region: us-west-1}\nstandby: {region: us-east-1}\nvars: {v: \""+strings.Repeat("x", 60<<10)+"\", w: \""+strings.Repeat("y", 30<<10)+"\"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, expression := range map[string]string{
		"too long each": "estate.vars.v" + strings.Repeat(" + estate.vars.v", 40),
		"long together": "estate.vars.w + estate.vars.w",
		"joined":        "join(split(estate.vars.w, ''), estate.vars.w)",
	} {
		var b strings.Builder
		b.WriteString(head)
		for i := range 1000 {
			fmt.Fprintf(&b, "  - {id: a%d, uses: shell, with: {argv: [echo], any: \"${{ %s + '%d' }}\"}}\n", i, expression, i)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		rb, err := Parse("x.yaml", []byte(b.String()))
		if err == nil {
			_, err = Compile(CompileInput{Runbook: rb, Estate: estate, Catalog: testCatalog(), Mode: Live})
		}
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 512<<20 {
			t.Errorf("%s: %d MiB were allocated", name, used>>20)
		} else {
			t.Logf("%s: %d MiB were allocated in all, %d MiB are kept", name, used>>20, (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>20)
		}
	}
}

// FuzzParse looks for a file that panics, or whose messages are not safe to show.
func FuzzParse(f *testing.F) {
	for name, text := range hostile() {
		if len(text) < 4096 || strings.HasPrefix(name, "random") {
			f.Add(text)
		}
	}
	f.Add(longRunbook(5))
	f.Add([]byte(head + "  - id: a\n    uses: shell\n    if: \"${{ true }}\"\n    with: {argv: [echo, \"${{ run.mode }} and '${{ inputs.x }}'\"], any: >-\n        folded ${{ estate.name }}\n        text\n      }\n"))
	catalog := testCatalog()
	estate := &Estate{Name: "fuzz", Standby: Site{Region: "us-east-1"}}
	f.Fuzz(func(t *testing.T, text []byte) {
		rb, err := Parse("fuzz.yaml", text)
		if err == nil {
			_, err = Compile(CompileInput{Runbook: rb, Estate: estate, Catalog: catalog, Mode: Live, Offline: true})
		}
		if err == nil {
			return
		}
		var ps Problems
		if !errors.As(err, &ps) || len(ps) == 0 {
			t.Fatalf("not problems: %v", err)
		}
		if shown := err.Error(); shown != CleanLines(shown) {
			t.Fatalf("not safe for a terminal: %q", shown)
		}
		for _, p := range ps {
			if p.Line < 0 || p.Line > 0 && p.Column < 1 {
				t.Fatalf("no place: %+v", p)
			}
		}
	})
}
