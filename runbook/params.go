package runbook

import (
	"reflect"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v4"
)

// Valuer is implemented by parameter types that read their own value: a string, int, float64, bool, []any or
// map[string]any. It is asked at compile time for what is known then, so a mistake in a file is found there.
type Valuer interface{ FromValue(v any) error }

var (
	valuerType   = reflect.TypeFor[Valuer]()
	secretType   = reflect.TypeFor[Secret]()
	durationType = reflect.TypeFor[Duration]()
	timeType     = reflect.TypeFor[time.Duration]()
)

// param is a field of a kind's struct that is a parameter.
type param struct {
	index             int
	name, doc, preset string // preset: the expression of its default
	required          bool
	soft              bool // a secret that is missing does not stop the step: it says so itself
	typ               reflect.Type
}

var paramFields sync.Map // reflect.Type -> []param

// paramsOf lists the parameters of a struct by its `with` tags.
func paramsOf(t reflect.Type) []param {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	if f, ok := paramFields.Load(t); ok {
		return f.([]param)
	}
	var out []param
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("with")
		if !ok {
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		out = append(out, param{
			index: i, name: name, doc: f.Tag.Get("doc"), preset: f.Tag.Get("default"), required: option == "required", soft: option == "soft", typ: f.Type,
		})
	}
	paramFields.Store(t, out)
	return out
}

func findParam(list []param, name string) *param {
	for i := range list {
		if list[i].name == name {
			return &list[i]
		}
	}
	return nil
}

func paramNames(list []param) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.name
	}
	return out
}

// params is a step's `with`, compiled.
type params struct {
	doc     *document
	node    *yaml.Node // of the mapping, or of the step when it has none
	kind    Kind
	kinds   map[string]Kind // of every step
	fields  []param
	given   map[string]*value
	broken  map[string]bool // parameters in which a mistake was found
	presets map[string]*expression
	reads   map[string]bool // ids of the steps whose outputs it reads
}

// value is one value of a `with`: a constant, an expression, a text that holds some, a list or a mapping.
type value struct {
	node   *yaml.Node
	scalar scalar      // a constant
	x      *expression // a whole expression
	text   []piece     // a text with expressions in it
	list   []*value
	keys   []string
	vals   []*value
	kind   valueKind
	secret bool // it goes to a Secret
	soft   bool // and may be missing
}

type valueKind byte

const (
	constantValue valueKind = iota
	expressionValue
	textValue
	listValue
	mapValue
)

// scalar is a constant as it stands in a file: a text parameter takes it as it was written.
type scalar struct {
	text  string
	value any
}

// later stands for a value that is not known yet; kind is the output's declared type, or "".
type later struct{ kind string }

// with compiles a step's parameters for a kind. Mistakes go to rep.
func (s *scope) withOf(doc *document, node, owner *yaml.Node, kind Kind, rep *report) *params {
	probe := kind.New()
	p := &params{
		doc: doc, node: node, kind: kind, kinds: s.kinds, fields: paramsOf(reflect.TypeOf(probe)),
		given: map[string]*value{}, broken: map[string]bool{}, presets: map[string]*expression{}, reads: map[string]bool{},
	}
	c := &withCompiler{scope: s, doc: doc, rep: rep, reads: p.reads}
	switch {
	case node == nil:
		p.node = owner
	case node.Kind != yaml.MappingNode:
		c.bad(node, 0, "", "with must be a mapping from parameters to values")
		return p
	default:
		for i := 0; i+1 < len(node.Content); i += 2 {
			k := node.Content[i]
			f := findParam(p.fields, k.Value)
			if f == nil {
				c.bad(k, 0, meant(k.Value, paramNames(p.fields)), "kind %q has no parameter %q", kind.Name, k.Value)
				continue
			}
			c.failed = false
			v := c.value(node.Content[i+1], f.typ)
			v.soft = f.soft
			if p.broken[f.name] = c.failed; !c.failed {
				p.given[f.name] = v
			}
		}
	}
	c.defaults(p)
	if s.idle { // its values need not be there: with these inputs and this estate the step is never bound
		rep = &report{}
	}
	b := &binder{params: p, checking: true, rep: rep}
	b.bind(probe)
	return p
}

type withCompiler struct {
	scope  *scope
	doc    *document
	rep    *report
	reads  map[string]bool
	failed bool
}

func (c *withCompiler) bad(n *yaml.Node, offset int, hint, format string, args ...any) {
	c.failed = true
	line, column := n.Line, n.Column
	if n.Kind == yaml.ScalarNode {
		line, column = c.doc.place(n, offset)
	}
	c.rep.add(c.doc, line, column, hint, format, args...)
}

// defaults compiles the expressions of a kind's defaults. They read no outputs, so they are the same for all its steps.
func (c *withCompiler) defaults(p *params) {
	if done, ok := c.scope.presets[p.kind.Name]; ok {
		p.presets = done
		return
	}
	c.scope.with = paramNames(p.fields)
	defer func() { c.scope.with = nil }()
	for _, f := range p.fields {
		if f.preset == "" {
			continue
		}
		x, wrong := c.scope.compile(f.preset)
		if wrong != nil {
			// Only the programmer of the kind can mend this; a test of the catalog finds it.
			c.bad(p.node, 0, "", "the default of %q of kind %q is wrong: %s", f.name, p.kind.Name, wrong.text)
			continue
		}
		p.presets[f.name] = x
	}
	c.scope.presets[p.kind.Name] = p.presets
}

// value compiles one value for a parameter of type t.
func (c *withCompiler) value(n *yaml.Node, t reflect.Type) *value {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch n.Kind {
	case yaml.SequenceNode:
		v := &value{node: n, kind: listValue}
		for _, e := range n.Content {
			v.list = append(v.list, c.value(e, elemOf(t, reflect.Slice, "")))
		}
		return v
	case yaml.MappingNode:
		v := &value{node: n, kind: mapValue}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			v.keys = append(v.keys, key)
			v.vals = append(v.vals, c.value(n.Content[i+1], elemOf(t, reflect.Map, key)))
		}
		return v
	}
	if !strings.Contains(n.Value, "${{") {
		return &value{node: n, scalar: scalar{text: n.Value, value: scalarValue(n)}, secret: t == secretType}
	}
	c.scope.secrets = t == secretType
	list, whole, wrong := c.scope.pieces(n.Value)
	c.scope.secrets = false
	if wrong != nil {
		c.bad(n, wrong.offset, wrong.hint, "%s", wrong.text)
		return &value{node: n}
	}
	for _, p := range list {
		if p.x != nil {
			for _, id := range p.x.stepsRead() {
				c.reads[id] = true
			}
		}
	}
	if whole {
		return &value{node: n, kind: expressionValue, x: list[0].x, text: list, secret: t == secretType}
	}
	return &value{node: n, kind: textValue, text: list, secret: t == secretType}
}

// outputKind is the declared type of what a ref reads.
func (p *params) outputKind(ref string) string {
	id, name, _ := stepRef(ref)
	out, _ := p.kinds[id].Output(name) // a key of a host has a name that no output bears
	return out.Type
}

var anyType = reflect.TypeFor[any]()

// elemOf is the type of what a list, or a mapping's key, holds; any when t cannot tell.
func elemOf(t reflect.Type, kind reflect.Kind, key string) reflect.Type {
	if reflect.PointerTo(t).Implements(valuerType) {
		return anyType
	}
	switch {
	case t.Kind() == kind:
		return t.Elem()
	case kind == reflect.Map && t.Kind() == reflect.Struct:
		if f := findParam(paramsOf(t), key); f != nil {
			return f.typ
		}
	}
	return anyType
}

// readsKeys names the estate keys behind a value that were found empty.
func (v *value) readsKeys() []string {
	var out []string
	for _, p := range v.text {
		if p.x != nil {
			out = append(out, p.x.keys...)
		}
	}
	return out
}

// refs names what the value reads that is known only later.
func (v *value) refs() []string {
	var out []string
	for _, p := range v.text {
		if p.x != nil {
			out = append(out, p.x.refs...)
		}
	}
	for _, e := range v.list {
		out = append(out, e.refs()...)
	}
	for _, e := range v.vals {
		out = append(out, e.refs()...)
	}
	return out
}
