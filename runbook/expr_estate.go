package runbook

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// astray is a path of the estate that leads nowhere, from its part number at on.
type astray struct {
	at         int
	text, hint string
}

// lookup finds a value of the estate by its words. Keys that are left out are "", nil or 0; a key that does not exist
// is a mistake.
func (e *Estate) lookup(path []any) (any, *astray) {
	if len(path) > 0 && path[0] == "machines" { // every server, the main one first
		return walk(reflect.ValueOf(e.machines(true)), "estate.machines", path[1:], 1)
	}
	if len(path) > 0 && path[0] == "images" {
		return walk(reflect.ValueOf(e.images()), "estate.images", path[1:], 1)
	}
	if len(path) > 0 && path[0] == "names" {
		return walk(reflect.ValueOf(e.names()), "estate.names", path[1:], 1)
	}
	v, wrong := walk(reflect.ValueOf(e).Elem(), "estate", path, 0)
	if wrong == nil && dotted(path) == "service.ttl" {
		return wordOf(reflect.ValueOf(Duration(e.Service.ttl()))), nil
	}
	return v, wrong
}

// walk goes from a value along the rest of a path; from is how many parts of the path lie before it.
func walk(v reflect.Value, walked string, path []any, from int) (any, *astray) {
	v, _, wrong := tread(v, walked, path, from)
	if wrong != nil {
		return nil, wrong
	}
	return wordOf(v), nil
}

// tread is walk up to the place itself, with the words for it.
func tread(v reflect.Value, walked string, path []any, from int) (reflect.Value, string, *astray) {
	none := reflect.Value{}
	for n, step := range path {
		n += from
		if v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		if v.Kind() == reflect.Pointer { // left out: its keys are empty
			if v.IsNil() {
				v = reflect.New(v.Type().Elem())
			}
			v = v.Elem()
		}
		if i, ok := step.(int); ok {
			if v.Kind() != reflect.Slice {
				return none, "", &astray{at: n, text: walked + " is not a list"}
			}
			if i < 0 || i >= v.Len() {
				return none, "", &astray{at: n, text: fmt.Sprintf("%s has %d entries, counted from 0", walked, v.Len())}
			}
			v, walked = v.Index(i), fmt.Sprintf("%s[%d]", walked, i)
			continue
		}
		key := step.(string)
		var known []string
		v, known = child(v, key)
		if !v.IsValid() {
			if known == nil {
				return none, "", &astray{at: n, text: fmt.Sprintf("%s is a single value and has no key %q", walked, key)}
			}
			return none, "", &astray{at: n, text: fmt.Sprintf("%s has no key %q", walked, key), hint: meant(key, known)}
		}
		walked += "." + key
	}
	return v, walked, nil
}

// child is one key of a value; known lists the keys there are, nil when there cannot be any.
func child(v reflect.Value, key string) (found reflect.Value, known []string) {
	switch {
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[Ref]():
		known = []string{}
		for _, f := range keysOf(v.Type()) {
			if f.key == "drill" {
				continue
			}
			if f.key == key {
				return v.Field(f.index), nil
			}
			known = append(known, f.key)
		}
	case v.Kind() == reflect.Map:
		known = []string{}
		if found = v.MapIndex(reflect.ValueOf(key)); found.IsValid() {
			return found, nil
		}
		for _, k := range v.MapKeys() {
			known = append(known, k.String())
		}
	}
	return reflect.Value{}, known
}

// wordOf is a value as expressions see it: a Ref is its id, a duration is seconds, the rest is text, numbers, lists and
// maps by the words of the file.
func wordOf(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case Ref:
		return x.ID
	case SecretName:
		return x
	case Duration:
		if d := time.Duration(x); d%time.Second != 0 {
			return d.Seconds()
		}
		return int(time.Duration(x) / time.Second)
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return wordOf(v.Elem())
	case reflect.Struct:
		out := map[string]any{}
		for _, f := range keysOf(v.Type()) {
			out[f.key] = wordOf(v.Field(f.index))
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for it := v.MapRange(); it.Next(); {
			out[it.Key().String()] = wordOf(it.Value())
		}
		return out
	case reflect.Slice:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = wordOf(v.Index(i))
		}
		return out
	default:
		return v.Interface()
	}
}

func dotted(path []any) string {
	var b strings.Builder
	for i, p := range path {
		switch x := p.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", x)
		case string:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(x)
		}
	}
	return b.String()
}
