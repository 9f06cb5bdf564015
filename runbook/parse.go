package runbook

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// The limits of a file. They hold before and while it is read, so that a hostile one costs little.
const (
	maxFile  = 1 << 20
	maxDepth = 50
	// maxMarksInFile bounds what can become a value: every value needs one of these marks beside it. A runbook of 200
	// steps has about 5,000.
	maxMarksInFile = 60_000
	maxScalar      = 64 << 10
)

// FileVersion is what `lifeboat:` says at the top of a file.
const FileVersion = 1

// Parse reads a runbook. The path is only for messages. The error is Problems: all mistakes that can be seen without
// an estate and a catalog; CompileFiles finds those together with the rest.
func Parse(path string, text []byte) (*Runbook, error) {
	rep := &report{}
	rb := parseRunbook(path, text, rep)
	if err := rep.err(); err != nil {
		return nil, err
	}
	return rb, nil
}

// ParseEstate reads an estate. The path is only for messages. The error is Problems.
func ParseEstate(path string, text []byte) (*Estate, error) {
	rep := &report{}
	e := parseEstate(path, text, rep)
	if err := rep.err(); err != nil {
		return nil, err
	}
	return e, nil
}

// parseRunbook returns what could be read of a runbook: nil when that is nothing.
func parseRunbook(path string, text []byte, rep *report) *Runbook {
	doc := load(path, text, rep)
	if doc.root == nil {
		return nil
	}
	rb := &Runbook{Source: NewSource(path, text), doc: doc}
	d := &decoder{doc: doc, rep: rep}
	if !d.header("runbook") {
		return nil
	}
	d.into(doc.root, valueOf(rb), "")
	rb.vet(rep)
	return rb
}

func parseEstate(path string, text []byte, rep *report) *Estate {
	doc := load(path, text, rep)
	if doc.root == nil {
		return nil
	}
	e := &Estate{doc: doc, source: NewSource(path, text)}
	d := &decoder{doc: doc, rep: rep}
	if !d.header("estate") {
		return nil
	}
	d.into(doc.root, valueOf(e), "")
	e.vet(rep)
	return e
}

// document is a file that has been read: its tree and its lines, for messages.
type document struct {
	path  string
	text  []byte
	root  *yaml.Node // nil when it could not be read
	start []int      // where each line starts
}

// load reads one YAML document within the limits and refuses what lifeboat does not use: anchors, aliases, merge keys,
// tags, keys that are not text, keys that stand twice.
func load(path string, text []byte, rep *report) *document {
	d := &document{path: path, text: bytes.TrimPrefix(text, []byte("\ufeff"))}
	if len(text) > maxFile {
		d.text = nil
		rep.add(d, 0, 0, "", "the file is larger than 1 MiB (%d bytes)", len(text))
		return d
	}
	d.index()
	if !d.vetText(rep) {
		return d
	}
	var root yaml.Node
	loader, err := yaml.NewLoader(bytes.NewReader(d.text), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err == nil {
		err = loader.Load(&root)
	}
	switch {
	case errors.Is(err, io.EOF) || err == nil && len(root.Content) == 0:
		rep.add(d, 0, 0, "", "the file is empty")
		return d
	case err != nil:
		d.syntax(err, rep)
		return d
	}
	var second yaml.Node
	if err := loader.Load(&second); err == nil {
		rep.add(d, max(1, second.Line), max(1, second.Column), "put each in a file of its own", "the file holds more than one document")
		return d
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err, rep)
		return d
	}
	before := len(rep.list)
	d.vetNode(root.Content[0], rep)
	if len(rep.list) == before {
		d.root = root.Content[0]
	}
	return d
}

func (d *document) index() {
	d.start = []int{0}
	for i, c := range d.text {
		if c == '\n' {
			d.start = append(d.start, i+1)
		}
	}
}

// line returns a line's text without its end; "" when there is none.
func (d *document) line(n int) string {
	if n < 1 || n > len(d.start) {
		return ""
	}
	end := len(d.text)
	if n < len(d.start) {
		end = d.start[n]
	}
	return strings.TrimRight(string(d.text[d.start[n-1]:min(end, d.start[n-1]+maxScalar)]), "\r\n")
}

// position turns an offset in the text into line and column.
func (d *document) position(offset int) (line, column int) {
	i, found := slices.BinarySearch(d.start, offset)
	if !found {
		i--
	}
	return i + 1, utf8.RuneCount(d.text[d.start[i]:offset]) + 1
}

// vetText refuses what no YAML reader should be given.
func (d *document) vetText(rep *report) bool {
	marks := 0
	for i := 0; i < len(d.text); {
		c := d.text[i]
		if c < utf8.RuneSelf {
			switch {
			case c < 0x20 && c != '\t' && c != '\n' && c != '\r', c == 0x7f:
				line, column := d.position(i)
				rep.add(d, line, column, "", "the file holds a control character (U+%04X)", c)
				return false
			case c == '\n', c == ',', c == '[', c == '{', c == ':', c == '-', c == '?':
				marks++
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(d.text[i:])
		if r == utf8.RuneError && size == 1 {
			line, column := d.position(i)
			rep.add(d, line, column, "save it as UTF-8", "the file is not UTF-8")
			return false
		}
		i += size
	}
	if marks > maxMarksInFile {
		rep.add(d, 0, 0, "", "the file holds too many values (over %d)", maxMarksInFile/2)
		return false
	}
	return true
}

// syntax reports the YAML reader's own error.
func (d *document) syntax(err error, rep *report) {
	var all *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case errors.As(err, &all):
		for _, e := range all.Errors {
			d.syntaxAt(e, rep)
		}
	case errors.As(err, &one):
		d.syntaxAt(one, rep)
	default:
		rep.add(d, 0, 0, "", "the file is not valid YAML: %s", err)
	}
}

func (d *document) syntaxAt(e *yaml.LoadError, rep *report) {
	hint := ""
	switch {
	case strings.Contains(e.Message, "exceeded max depth"):
		rep.add(d, e.Mark.Line, e.Mark.Column, "", "the file is nested deeper than %d levels", maxDepth)
		return
	case strings.Contains(e.Message, "cannot start any token"):
		hint = "a tab cannot indent, and text that starts with @, ` or % needs quotes"
	case strings.Contains(e.Message, "mapping values are not allowed"):
		hint = "text that holds \": \" needs quotes"
	}
	if hint == "" && strings.Contains(d.line(e.Mark.Line), "{{") {
		hint = "inside [ ] and { } an expression needs quotes: \"${{ ... }}\""
	}
	rep.add(d, max(1, e.Mark.Line), max(1, e.Mark.Column), hint, "not valid YAML: %s", e.Message)
}

// vetNode walks the tree once and refuses what lifeboat does not use.
func (d *document) vetNode(n *yaml.Node, rep *report) {
	switch {
	case n.Kind == yaml.AliasNode:
		rep.add(d, n.Line, n.Column, "write the value out", "aliases are not supported")
		return
	case n.Anchor != "":
		rep.add(d, n.Line, n.Column, "", "anchors are not supported")
	case n.Style&yaml.TaggedStyle != 0:
		rep.add(d, n.Line, n.Column, "", "tags such as %q are not supported", n.Tag)
	case len(n.Value) > maxScalar:
		rep.add(d, n.Line, n.Column, "", "a value is longer than 64 KiB")
	}
	if n.Kind != yaml.MappingNode {
		for _, c := range n.Content {
			d.vetNode(c, rep)
		}
		return
	}
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch first, twice := seen[k.Value]; {
		case k.Kind != yaml.ScalarNode:
			rep.add(d, k.Line, k.Column, "", "a key must be text")
		case k.ShortTag() == "!!merge":
			rep.add(d, k.Line, k.Column, "write the keys out", "merge keys are not supported")
		case twice:
			rep.add(d, k.Line, k.Column, "", "key %q stands here twice, first on line %d", k.Value, first)
		default:
			seen[k.Value] = k.Line
		}
		d.vetNode(k, rep)
		d.vetNode(n.Content[i+1], rep)
	}
}

// entry finds the key and the value of a mapping; nil, nil when it is not there.
func entry(n *yaml.Node, key string) (k, v *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// at is the value of a key, or else the mapping itself: where to point when something is wrong with it.
func at(n *yaml.Node, key string) *yaml.Node {
	if _, v := entry(n, key); v != nil {
		return v
	}
	return n
}
