package runbook

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v4"
)

// decoder turns a tree into the types of estate and runbook, by their `key` tags, and notes every mistake with its
// place. The schema is made from the same tags.
type decoder struct {
	doc *document
	rep *report
	// overlay: what is decoded is laid over what is there: maps and structs are merged, nothing is required.
	overlay bool
}

// keyed is a field of a struct that is written in a file.
type keyed struct {
	index    int
	key, doc string
	required bool
	words    []string // when only these are allowed: `words:"none key type"`
}

var keyedFields sync.Map // reflect.Type -> []keyed

func keysOf(t reflect.Type) []keyed {
	if f, ok := keyedFields.Load(t); ok {
		return f.([]keyed)
	}
	var out []keyed
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("key")
		if !ok {
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		k := keyed{index: i, key: name, doc: f.Tag.Get("doc"), required: option == "required", words: strings.Fields(f.Tag.Get("words"))}
		if f.Type == reflect.TypeFor[Confirm]() {
			k.words = []string{string(ConfirmNone), string(ConfirmKey), string(ConfirmType)}
		}
		out = append(out, k)
	}
	keyedFields.Store(t, out)
	return out
}

func valueOf(p any) reflect.Value { return reflect.ValueOf(p).Elem() }

// header checks the two lines that open every file.
func (d *decoder) header(kind string) bool {
	root := d.doc.root
	if root.Kind != yaml.MappingNode {
		d.bad(root, "a "+kind+" starts with\nlifeboat: 1\nkind: "+kind, "the file must be a mapping of keys")
		return false
	}
	_, k := entry(root, "kind")
	switch {
	case k == nil:
		d.bad(root, "write kind: "+kind, "key %q is missing", "kind")
	case k.Value != kind:
		d.bad(k, "", "this is a %s, not a %s", strconv.Quote(k.Value), kind)
		return false
	}
	_, v := entry(root, "lifeboat")
	switch {
	case v == nil:
		d.bad(root, "write lifeboat: 1", "key %q is missing", "lifeboat")
	case v.Value != strconv.Itoa(FileVersion):
		d.bad(v, "this program reads version 1", "version %q of the file format is not known", v.Value)
		return false
	}
	return true
}

func (d *decoder) bad(n *yaml.Node, hint, format string, args ...any) {
	d.rep.add(d.doc, n.Line, n.Column, hint, format, args...)
}

// into decodes n into v. what names the key, for messages.
func (d *decoder) into(n *yaml.Node, v reflect.Value, what string) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" && v.Type() != reflect.TypeFor[*yaml.Node]() {
		d.bad(n, "write a value, or leave the key out", "%s has no value", named(what))
		return
	}
	switch p := v.Addr().Interface().(type) {
	case **yaml.Node:
		*p = n
		return
	case *Duration:
		d.duration(n, p, what)
		return
	case *Ref:
		d.ref(n, p, what)
		return
	case *[]Input:
		*p = d.inputs(n)
		return
	case *[]InputOption:
		*p = d.options(n)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		if d.overlay && !v.IsNil() {
			fresh.Elem().Set(v.Elem())
		}
		d.into(n, fresh.Elem(), what)
		v.Set(fresh)
	case reflect.Struct:
		d.object(n, v, what)
	case reflect.Slice:
		d.list(n, v, what)
	case reflect.Map:
		d.mapping(n, v, what)
	default:
		d.scalar(n, v, what)
	}
}

func named(what string) string {
	if what == "" {
		return "the file"
	}
	return what
}

func (d *decoder) object(n *yaml.Node, v reflect.Value, what string) {
	if n.Kind != yaml.MappingNode {
		d.bad(n, "", "%s must be a mapping of keys", named(what))
		return
	}
	fields := keysOf(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, val := n.Content[i], n.Content[i+1]
		f := findKey(fields, k.Value)
		switch {
		case f == nil && d.rep.full():
		case f == nil && what == "" && !d.overlay && (k.Value == "lifeboat" || k.Value == "kind"):
		case f == nil || d.overlay && what == "" && k.Value == "drill":
			d.bad(k, d.meantKey(k.Value, fields), "unknown key %q", k.Value)
		default:
			d.into(val, v.Field(f.index), f.key)
			d.word(val, v.Field(f.index), f)
		}
	}
	for _, f := range fields {
		if _, val := entry(n, f.key); val == nil && f.required && !d.overlay {
			d.bad(n, f.doc, "key %q is missing", f.key)
		}
	}
	if at, ok := v.Addr().Interface().(interface{ place(n *yaml.Node) }); ok {
		at.place(n)
	}
}

func (d *decoder) meantKey(key string, fields []keyed) string {
	if d.overlay && key == "drill" {
		return "a drill overlay cannot hold another"
	}
	return meant(key, keyNames(fields))
}

func findKey(fields []keyed, key string) *keyed {
	for i := range fields {
		if fields[i].key == key {
			return &fields[i]
		}
	}
	return nil
}

func keyNames(fields []keyed) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.key
	}
	return out
}

// word checks a field that takes only certain words.
func (d *decoder) word(n *yaml.Node, v reflect.Value, f *keyed) {
	if len(f.words) == 0 {
		return
	}
	check := func(n *yaml.Node) {
		for _, w := range f.words {
			if n.Value == w {
				return
			}
		}
		hint := "one of: " + strings.Join(f.words, ", ")
		if best := nearest(n.Value, f.words); best != "" {
			hint = fmt.Sprintf("did you mean %q?", best)
		}
		d.bad(n, hint, "%q is not a value of %s", n.Value, f.key)
	}
	switch {
	case n.Kind == yaml.ScalarNode && v.Kind() == reflect.String && n.ShortTag() != "!!null":
		check(n)
	case n.Kind == yaml.SequenceNode:
		for _, c := range n.Content {
			if c.Kind == yaml.ScalarNode {
				check(c)
			}
		}
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, what string) {
	if n.Kind != yaml.SequenceNode {
		d.bad(n, "write "+what+": [...], or one a line with a dash", "%s must be a list", named(what))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		d.into(c, out.Index(i), "an entry of "+what)
	}
	v.Set(out)
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, what string) {
	if n.Kind != yaml.MappingNode {
		d.bad(n, "", "%s must be a mapping of keys", named(what))
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.Content)/2)
	if d.overlay {
		for _, k := range v.MapKeys() {
			out.SetMapIndex(k, v.MapIndex(k))
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := reflect.New(v.Type().Elem()).Elem()
		if was := v.MapIndex(reflect.ValueOf(n.Content[i].Value)); d.overlay && was.IsValid() {
			e.Set(was)
		}
		d.into(n.Content[i+1], e, n.Content[i].Value)
		out.SetMapIndex(reflect.ValueOf(n.Content[i].Value), e)
	}
	v.Set(out)
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, what string) {
	if v.Kind() == reflect.Interface {
		v.Set(reflect.ValueOf(plainValue(n)))
		return
	}
	if n.Kind != yaml.ScalarNode {
		d.bad(n, "", "%s must be %s", named(what), kindWord(v.Kind()))
		return
	}
	tag := n.ShortTag()
	switch v.Kind() {
	case reflect.String:
		if tag == "!!bool" {
			d.bad(n, "put it in quotes", "%s must be text, and this is a yes or no", named(what))
			return
		}
		if d.inEstate() && !d.vetEstateText(n, what) {
			return
		}
		v.SetString(n.Value)
	case reflect.Bool:
		b, err := strconv.ParseBool(n.Value)
		if tag != "!!bool" || err != nil {
			d.bad(n, "", "%s must be true or false", named(what))
			return
		}
		v.SetBool(b)
	case reflect.Int:
		i, err := strconv.Atoi(n.Value)
		if tag != "!!int" || err != nil {
			d.bad(n, "", "%s must be a whole number", named(what))
			return
		}
		v.SetInt(int64(i))
	}
}

func (d *decoder) inEstate() bool {
	_, k := entry(d.doc.root, "kind")
	return k != nil && k.Value == "estate"
}

// vetEstateText refuses what an estate's names and ids cannot hold: they are shown everywhere and compared byte for
// byte, so they are not cleaned in silence.
func (d *decoder) vetEstateText(n *yaml.Node, what string) bool {
	switch {
	case strings.Contains(n.Value, "${{"):
		d.bad(n, "write the value itself", "expressions are not evaluated in an estate")
	case unsafe(n.Value):
		d.bad(n, "", "%s holds characters that cannot be shown", named(what))
	default:
		return true
	}
	return false
}

func unsafe(s string) bool {
	s = strings.ReplaceAll(s, "\t", " ")
	return CleanLines(s) != s
}

func kindWord(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	default:
		return "a mapping of keys"
	}
}

func (d *decoder) duration(n *yaml.Node, p *Duration, what string) {
	if n.Kind == yaml.ScalarNode {
		v, err := parseDuration(n.Value)
		switch {
		case err == nil && v <= 0:
			d.bad(n, "", "%s must be longer than nothing", named(what))
			return
		case err == nil:
			*p = Duration(v)
			return
		}
	}
	d.bad(n, "write it as 30s, 5m, 1h30m or 90d", "%s is not a duration", named(what))
}

var days = regexp.MustCompile(`^(\d{1,4})d(.*)$`)

// parseDuration reads seconds as a number, Go's durations, and days before them: "90d", "1d12h".
func parseDuration(s string) (time.Duration, error) {
	if n, err := strconv.Atoi(s); err == nil && n < 1<<31 && n > -1<<31 {
		return time.Duration(n) * time.Second, nil
	}
	m := days.FindStringSubmatch(s)
	if m == nil {
		return time.ParseDuration(s)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, err
	}
	rest := time.Duration(0)
	if m[2] != "" {
		if rest, err = time.ParseDuration(m[2]); err != nil {
			return 0, err
		}
	}
	return time.Duration(n)*24*time.Hour + rest, nil
}

// tagged is how a Ref is written when it is not an id.
type tagged struct {
	Tags   map[string]string `key:"tags,required" doc:"tags that exactly one resource of the region bears"`
	Newest bool              `key:"newest" doc:"the newest one, when several bear the tags"`
}

func (d *decoder) ref(n *yaml.Node, p *Ref, what string) {
	if n.Kind != yaml.MappingNode {
		var id string
		d.into(n, valueOf(&id), what)
		*p = Ref{ID: id}
		return
	}
	var t tagged
	inner := &decoder{doc: d.doc, rep: d.rep}
	inner.object(n, valueOf(&t), what)
	if _, v := entry(n, "tags"); v != nil && v.Kind == yaml.MappingNode && len(v.Content) == 0 {
		d.bad(v, "", "%s names no tag", named(what))
	}
	*p = Ref{Tags: t.Tags, Newest: t.Newest}
}

// plainValue is a tree as Go values: strings, ints, floats, bools, nil, []any and map[string]any.
func plainValue(n *yaml.Node) any {
	switch n.Kind {
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, c := range n.Content {
			out[i] = plainValue(c)
		}
		return out
	case yaml.MappingNode:
		out := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = plainValue(n.Content[i+1])
		}
		return out
	}
	return scalarValue(n)
}

// scalarValue is one scalar. What YAML takes for a date, or for an octal number because it starts with 0, is the text
// that stands there: an account id must arrive as it was written.
func scalarValue(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		if b, err := strconv.ParseBool(n.Value); err == nil {
			return b
		}
	case "!!int":
		if i, err := strconv.Atoi(n.Value); err == nil && strconv.Itoa(i) == n.Value {
			return i
		}
	case "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return f
		}
	}
	return n.Value
}

// treeOf is the tree of a value that came from no file.
func treeOf(v any) *yaml.Node {
	switch x := v.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for k, e := range x {
			n.Content = append(n.Content, treeOf(k), treeOf(e))
		}
		return n
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, e := range x {
			n.Content = append(n.Content, treeOf(e))
		}
		return n
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(x)}
	case int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(x)}
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: fmt.Sprint(x)}
	}
}
