package runbook

import (
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// However a text is written, every letter of it is found where it stands in the file.
func TestPlaceOfEveryCharacter(t *testing.T) {
	files := map[string]string{
		"plain":            "k: some text here\n",
		"plain, wide":      "k: zürich ${{ naïve }} 東京 text\n",
		"plain folded":     "k: one two\n  three four\n\n  five\n",
		"single":           "k: 'it''s ''quoted'' text'\n",
		"single folded":    "k: 'one\n  two ''x''\n\n  three'\n",
		"double":           "k: \"a\\tb \\u00e9 \\x41 \\U0001F600 \\\"q\\\" end\"\n",
		"double folded":    "k: \"one  \n   two\n\n\n  three\"\n",
		"double continued": "k: \"one\\\n   two \\\n  three\"\n",
		"literal":          "k: |\n  one\n    two\n\n  three\n",
		"literal, header":  "k: |2-  # comment\n  one\n   two\n",
		"literal, empty":   "k: |\n\n\n    one\n    two\n",
		"folded":           "k: >-\n  one\n  two\n\n  three\n",
		"folded, indented": "k: >\n  one\n    code\n  two\n",
		"flow":             "{k: \"in a map\"}\n",
		"deep":             "k: [\"x\", {a: 'it''s here'}]\n",
		"CRLF":             "k: |\r\n  one\r\n  two\r\n",
	}
	for name, text := range files {
		d := &document{path: "x", text: []byte(text)}
		d.index()
		var root yaml.Node
		if err := yaml.Load([]byte(text), &root); err != nil {
			t.Fatal(name, err)
		}
		var scalars []*yaml.Node
		collect(&root, &scalars)
		for _, n := range scalars {
			for i, r := range n.Value {
				if r == ' ' || r == '\n' || r == '\t' {
					continue
				}
				line, column := d.place(n, i)
				at := d.offset(line, column)
				got, _ := utf8.DecodeRune(d.text[at:])
				escaped := got == '\\' || got == '\'' && r == '\''
				if got != r && !escaped {
					t.Errorf("%s: %q (offset %d of %q) was placed at %d:%d, %q", name, r, i, n.Value, line, column, got)
				}
			}
		}
	}
}

func collect(n *yaml.Node, out *[]*yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		*out = append(*out, n)
	}
	for _, c := range n.Content {
		collect(c, out)
	}
}

func TestProblemShowsItsPlace(t *testing.T) {
	p := Problem{File: "a.yaml", Line: 3, Column: 5, Message: "wrong\x1b[31m", Hint: "write\nthis", SourceLine: "\tab\u200bcd"}
	want := "a.yaml:3:5: wrong\n     abcd\n       ^\n    write\n    this"
	if got := p.String(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	long := Problem{File: "a.yaml", Line: 1, Column: 500, Message: "wrong", SourceLine: strings.Repeat("a", 499) + "B" + strings.Repeat("c", 500)}
	lines := strings.Split(long.String(), "\n")
	caret := utf8.RuneCountInString(lines[2]) - 1
	if got := []rune(lines[1])[caret]; got != 'B' {
		t.Errorf("the caret of a long line stands under %q:\n%s", got, long)
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{"lanch": "launch", "neesd": "needs", "image": "", "Launch": "launch", "xyz": "", "": ""} {
		if got := nearest(word, []string{"launch", "needs", "title"}); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]string{"300": "5m0s", "90d": "2160h0m0s", "1d12h": "36h0m0s", "1m30s": "1m30s", "-3s": "-3s"} {
		if got, err := parseDuration(text); err != nil || got.String() != want {
			t.Errorf("parseDuration(%q) = %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "soon", "d", "5", "1d1d", "99999999999999", "5 minutes", "1e9"} {
		if got, err := parseDuration(text); err == nil && text != "5" {
			t.Errorf("parseDuration(%q) = %v", text, got)
		}
	}
}
