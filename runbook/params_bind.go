package runbook

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// binder fills a kind's struct from compiled parameters. Checking does it with what is known at compile time; what is
// known only later is then represented by its declared type.
type binder struct {
	params   *params
	checking bool
	env      func(ref string) any // value of "steps.ID.OUTPUT"
	secrets  Secrets
	rep      *report
	with     map[string]any // parameters so far, for defaults
}

// bind sets every parameter: what was given, then defaults in the order of the fields, then nothing required may be
// left.
func (b *binder) bind(probe Probe) {
	dst := reflect.ValueOf(probe)
	if dst.Kind() != reflect.Pointer {
		return // a probe without parameters
	}
	dst = dst.Elem()
	b.with = map[string]any{}
	set := map[string]bool{}
	for _, f := range b.params.fields {
		if b.params.broken[f.name] {
			set[f.name], b.with[f.name] = true, later{}
		}
		v := b.params.given[f.name]
		if v == nil {
			continue
		}
		x, ok := b.eval(v)
		if !ok {
			set[f.name], b.with[f.name] = true, later{}
			continue
		}
		if v.kind != constantValue && v.kind != mapValue && v.kind != listValue && isEmpty(x) {
			continue // an expression that comes to nothing is as if it were left out
		}
		set[f.name] = true
		b.with[f.name] = bare(x)
		if s, constant := x.(scalar); constant && f.typ == secretType && s.value != nil {
			b.bad(v, "write ${{ secret.NAME }} and give it by environment or file", "a secret must not stand in a file")
			continue
		}
		b.set(dst.Field(f.index), x, v, fmt.Sprintf("%q", f.name))
	}
	for _, f := range b.params.fields {
		if set[f.name] || b.preset(dst, f) {
			continue
		}
		if v := b.params.given[f.name]; f.required || v != nil && v.kind == constantValue && v.scalar.value == nil {
			b.missing(f, v)
		}
	}
}

// preset sets a parameter to its default; false when there is none, or when it comes to nothing.
func (b *binder) preset(dst reflect.Value, f param) bool {
	x := b.params.presets[f.name]
	if x == nil {
		return false
	}
	env := map[string]any{}
	for _, ref := range x.refs {
		name, isWith := strings.CutPrefix(ref, "with.")
		switch {
		case isWith:
			env[ref] = b.with[name]
		case b.checking:
			env[ref] = later{}
		default:
			env[ref] = b.env(ref)
		}
		if _, unknown := env[ref].(later); unknown {
			return true
		}
	}
	v, err := x.eval(env)
	if err != nil {
		b.bad(nil, "", "the default of %q: %s", f.name, err)
		return true
	}
	if isEmpty(v) {
		return false
	}
	b.with[f.name] = v
	b.set(dst.Field(f.index), v, nil, fmt.Sprintf("%q", f.name))
	return true
}

func (b *binder) missing(f param, v *value) {
	switch {
	case v == nil:
		hint := f.doc
		if hint != "" {
			hint = f.name + ": " + hint
		}
		b.bad(nil, hint, "parameter %q is missing", f.name)
	case v.kind == constantValue:
		b.bad(v, f.doc, "%q has no value", f.name)
	case len(v.readsKeys()) > 0:
		keys := slices.Compact(v.readsKeys())
		b.bad(v, fmt.Sprintf("fill in %s in the estate", strings.Join(keys, " and ")), "%q is empty: the estate has no %s", f.name,
			strings.Join(keys, " and no "))
	case len(v.refs()) > 0:
		b.bad(v, "", "%q is empty: %s has no value", f.name, strings.Join(v.refs(), " and "))
	default:
		b.bad(v, "", "%q is empty", f.name)
	}
}

// bad notes a mistake at a value, or at the step when v is nil.
func (b *binder) bad(v *value, hint, format string, args ...any) {
	n := b.params.node
	if n == nil {
		n = b.params.doc.root
	}
	if v != nil && v.node != nil {
		n = v.node
	}
	b.rep.add(b.params.doc, n.Line, n.Column, hint, format, args...)
}

// eval gives a value. ok is false when it could not be had, which was noted.
func (b *binder) eval(v *value) (x any, ok bool) {
	switch v.kind {
	case listValue:
		out := make([]any, len(v.list))
		for i, e := range v.list {
			if out[i], ok = b.eval(e); !ok {
				return nil, false
			}
		}
		return out, true
	case mapValue:
		out := make(map[string]any, len(v.keys))
		for i, e := range v.vals {
			if out[v.keys[i]], ok = b.eval(e); !ok {
				return nil, false
			}
		}
		return out, true
	case constantValue:
		return v.scalar, true
	}
	refs := v.refs()
	if v.secret {
		return b.secret(v, refs)
	}
	if b.checking && len(refs) > 0 {
		if v.kind == expressionValue && v.x.bare != "" && v.x.through == nil {
			return later{kind: b.params.outputKind(v.x.bare)}, true
		}
		return later{}, true
	}
	if v.kind == expressionValue {
		x, err := v.x.eval(b.environment(refs, nil))
		if err != nil {
			b.bad(v, "", "%s", err)
			return nil, false
		}
		return x, true
	}
	return b.text(v, b.environment(refs, nil))
}

// text puts a text together. An output that has no value is a mistake there: half a text does harm.
func (b *binder) text(v *value, env map[string]any) (any, bool) {
	var out strings.Builder
	for _, p := range v.text {
		if p.x == nil {
			out.WriteString(p.literal)
			continue
		}
		x, err := p.x.eval(env)
		if err == nil && x == nil && len(p.x.refs) > 0 {
			err = fmt.Errorf("%s has no value", strings.Join(p.x.refs, ", "))
		}
		var s string
		if err == nil {
			s, err = asText(x)
		}
		if err != nil {
			b.bad(v, "", "%s", err)
			return nil, false
		}
		out.WriteString(s)
	}
	if out.Len() > 4*maxResult {
		b.bad(v, "", "the text is longer than %d KiB", 4*maxResult>>10)
		return nil, false
	}
	return out.String(), true
}

// secret gives a Secret: opaque while checking and without Secrets.
func (b *binder) secret(v *value, refs []string) (any, bool) {
	values := map[string]string{}
	var names []string
	for _, r := range refs {
		name, isSecret := strings.CutPrefix(r, "secret.")
		if !isSecret {
			continue
		}
		names = append(names, name)
		if b.checking || b.secrets == nil {
			continue
		}
		s, err := b.secrets.Secret(name)
		if err != nil && v.soft {
			return Secret{name: name, missing: err.Error()}, true
		}
		if err != nil {
			b.bad(v, "", "secret %q: %s", name, err)
			return nil, false
		}
		values[r] = s
	}
	shown := strings.Join(names, ", ")
	if b.checking || b.secrets == nil && len(names) > 0 {
		return Secret{name: shown}, true
	}
	x, ok := b.text(v, b.environment(refs, values))
	if !ok {
		return nil, false
	}
	if x == "" && len(names) == 0 {
		return x, true // the estate names none: it is left out
	}
	return NewSecret(shown, x.(string)), true
}

func (b *binder) environment(refs []string, secrets map[string]string) map[string]any {
	env := make(map[string]any, len(refs))
	for _, r := range refs {
		if s, ok := secrets[r]; ok {
			env[r] = s
		} else if b.env != nil {
			env[r] = b.env(r)
		}
	}
	return env
}

// bare is a value without the marks of where it came from, as expressions and FromValue see it.
func bare(x any) any {
	switch v := x.(type) {
	case scalar:
		return v.value
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = bare(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = bare(e)
		}
		return out
	}
	return x
}

// open reports whether something in the value is known only later.
func open(x any) bool {
	switch v := x.(type) {
	case later:
		return true
	case []any:
		return slices.ContainsFunc(v, open)
	case map[string]any:
		for _, e := range v {
			if open(e) {
				return true
			}
		}
	}
	return false
}
