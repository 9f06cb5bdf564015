package runbook

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// set puts a value into a parameter. Constants must have the parameter's type; what expressions give is converted where
// nothing is lost, because inputs are text and a journal knows only one kind of number.
func (b *binder) set(dst reflect.Value, x any, v *value, what string) {
	if open(x) && (dst.Addr().Type().Implements(valuerType) || dst.Kind() == reflect.Interface) {
		return // it is looked at when it is known
	}
	if valuer, ok := dst.Addr().Interface().(Valuer); ok {
		if err := valuer.FromValue(bare(x)); err != nil {
			b.bad(v, "", "%s: %s", what, err)
		}
		return
	}
	switch dst.Type() {
	case secretType:
		b.setSecret(dst, x, v, what)
		return
	case durationType, timeType:
		b.setDuration(dst, x, v, what)
		return
	}
	switch dst.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(dst.Type().Elem())
		b.set(fresh.Elem(), x, v, what)
		dst.Set(fresh)
	case reflect.Interface:
		if plain := bare(x); plain != nil {
			dst.Set(reflect.ValueOf(plain))
		}
	case reflect.Slice:
		b.setList(dst, x, v, what)
	case reflect.Map:
		b.setMap(dst, x, v, what)
	case reflect.Struct:
		b.setStruct(dst, x, v, what)
	default:
		if l, ok := x.(later); ok {
			b.fits(dst.Kind(), l, v, what)
		} else if err := setScalar(dst, x); err != nil {
			b.bad(v, quoteHint(dst, x), "%s must be %s, not %s", what, kindWord(dst.Kind()), err)
		}
	}
}

func quoteHint(dst reflect.Value, x any) string {
	if s, ok := x.(scalar); ok && dst.Kind() == reflect.String && s.value != nil {
		return "put it in quotes"
	}
	return ""
}

// fits checks the declared type of an output against a parameter.
func (b *binder) fits(k reflect.Kind, l later, v *value, what string) {
	ok := true
	switch l.kind {
	case "bool":
		ok = k == reflect.Bool
	case "number":
		ok = k != reflect.Bool
	case "host":
		ok = k == reflect.String
	}
	if !ok {
		b.bad(v, "", "%s must be %s, not a %s", what, kindWord(k), l.kind)
	}
}

type mismatch string

func (m mismatch) Error() string { return string(m) }

// setScalar sets a string, bool or number. The error says what was there instead.
func setScalar(dst reflect.Value, x any) error {
	constant, isConstant := x.(scalar)
	if isConstant {
		x = constant.value
	}
	switch dst.Kind() {
	case reflect.String:
		if isConstant {
			if _, isBool := x.(bool); isBool || x == nil {
				return mismatch(nounOf(x))
			}
			dst.SetString(constant.text)
			return nil
		}
		s, err := asText(x)
		if _, isBool := x.(bool); err != nil || isBool {
			return mismatch(nounOf(x))
		}
		dst.SetString(s)
		return nil
	case reflect.Bool:
		v, ok := x.(bool)
		if s, isText := x.(string); isText && !isConstant && (s == "true" || s == "false") {
			v, ok = s == "true", true
		}
		if !ok {
			return mismatch(nounOf(x))
		}
		dst.SetBool(v)
		return nil
	}
	f, ok := number(x, !isConstant)
	if !ok {
		return mismatch(nounOf(x))
	}
	switch dst.Kind() {
	case reflect.Float64, reflect.Float32:
		dst.SetFloat(f)
	case reflect.Int, reflect.Int64, reflect.Int32:
		if f != math.Trunc(f) || math.Abs(f) >= 1<<53 || dst.OverflowInt(int64(f)) {
			return mismatch(strconv.FormatFloat(f, 'g', -1, 64))
		}
		dst.SetInt(int64(f))
	default:
		return mismatch("something for a field of type " + dst.Type().String())
	}
	return nil
}

// number reads any number; text counts where it came from an expression.
func number(x any, text bool) (float64, bool) {
	switch v := x.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case string:
		if text {
			f, err := strconv.ParseFloat(v, 64)
			return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
		}
	}
	return 0, false
}

// nounOf says what a value is.
func nounOf(x any) string {
	switch v := x.(type) {
	case nil:
		return "nothing"
	case scalar:
		return nounOf(v.value)
	case later:
		return "a " + v.kind
	case bool:
		return strconv.FormatBool(v)
	case string:
		if len(v) > 40 {
			v = v[:40] + "…"
		}
		return fmt.Sprintf("the text %q", v)
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	case Secret:
		return "a secret"
	}
	return fmt.Sprint(x)
}

func (b *binder) setSecret(dst reflect.Value, x any, v *value, what string) {
	switch s := x.(type) {
	case Secret:
		dst.Set(reflect.ValueOf(s))
	case SecretName: // inside of an object of the estate that was given whole
		b.setNamed(dst, s, v)
	case scalar:
		if s.value == nil {
			b.bad(v, "", "%s has no value", what)
			return
		}
		dst.Set(reflect.ValueOf(NewSecret("", s.text)))
	case later:
	default:
		text, err := asText(bare(x))
		if err != nil {
			b.bad(v, "", "%s must be text, not %s", what, nounOf(x))
			return
		}
		dst.Set(reflect.ValueOf(NewSecret("", text)))
	}
}

// setNamed finds the secret that the estate names; "" is none.
func (b *binder) setNamed(dst reflect.Value, name SecretName, v *value) {
	switch {
	case name == "":
	case b.checking || b.secrets == nil:
		dst.Set(reflect.ValueOf(Secret{name: string(name)}))
	default:
		s, err := b.secrets.Secret(string(name))
		if err != nil {
			b.bad(v, "", "secret %q: %s", name, err)
			return
		}
		dst.Set(reflect.ValueOf(NewSecret(string(name), s)))
	}
}

func (b *binder) setDuration(dst reflect.Value, x any, v *value, what string) {
	switch s := x.(type) {
	case later:
		if s.kind == "bool" || s.kind == "host" {
			b.bad(v, "", "%s must be a duration, not a %s", what, s.kind)
		}
		return
	case scalar:
		x = s.value
	}
	var d time.Duration
	ok := false
	if s, isText := x.(string); isText {
		var err error
		d, err = parseDuration(s)
		ok = err == nil
	} else if f, isNumber := number(x, false); isNumber && math.Abs(f) < 1<<32 {
		d, ok = time.Duration(f*float64(time.Second)), true
	}
	switch {
	case !ok:
		b.bad(v, "write it as 30s, 5m or 1h30m", "%s must be a duration, not %s", what, nounOf(x))
	case d <= 0:
		b.bad(v, "", "%s must be longer than nothing", what)
	default:
		dst.SetInt(int64(d))
	}
}

func (b *binder) setList(dst reflect.Value, x any, v *value, what string) {
	list, ok := x.([]any)
	if !ok {
		if l, isLater := x.(later); isLater && l.kind == "" {
			return
		}
		b.bad(v, "write it as [...], or one a line with a dash", "%s must be a list, not %s", what, nounOf(x))
		return
	}
	out := reflect.MakeSlice(dst.Type(), len(list), len(list))
	for i, e := range list {
		var at *value
		if at = v; v != nil && i < len(v.list) {
			at = v.list[i]
		}
		b.set(out.Index(i), e, at, "an entry of "+what)
	}
	dst.Set(out)
}

func (b *binder) asMap(x any, v *value, what string) (map[string]any, bool) {
	m, ok := x.(map[string]any)
	if l, isLater := x.(later); !ok && (!isLater || l.kind != "" && l.kind != "host") {
		b.bad(v, "", "%s must be a mapping of keys, not %s", what, nounOf(x))
	}
	return m, ok
}

// part is where one key of a mapping stands.
func (v *value) part(key string) *value {
	if v != nil {
		if i := slices.Index(v.keys, key); i >= 0 {
			return v.vals[i]
		}
	}
	return v
}

func (b *binder) setMap(dst reflect.Value, x any, v *value, what string) {
	m, ok := b.asMap(x, v, what)
	if !ok {
		return
	}
	out := reflect.MakeMapWithSize(dst.Type(), len(m))
	for _, k := range sortedKeys(m) {
		e := reflect.New(dst.Type().Elem()).Elem()
		b.set(e, m[k], v.part(k), fmt.Sprintf("%q of %s", k, what))
		out.SetMapIndex(reflect.ValueOf(k), e)
	}
	dst.Set(out)
}

func (b *binder) setStruct(dst reflect.Value, x any, v *value, what string) {
	m, ok := b.asMap(x, v, what)
	if !ok {
		return
	}
	fields := paramsOf(dst.Type())
	for _, k := range sortedKeys(m) {
		f := findParam(fields, k)
		if f == nil {
			// A whole resource of the estate may be given: the kind takes the keys that it knows.
			if v != nil && slices.Contains(v.keys, k) {
				b.bad(v.keyOr(k), meant(k, paramNames(fields)), "%s has no key %q", what, k)
			}
			continue
		}
		b.set(dst.Field(f.index), m[k], v.part(k), fmt.Sprintf("%q of %s", k, what))
	}
	for _, f := range fields {
		if f.required && isEmpty(m[f.name]) {
			b.bad(v, f.doc, "%s needs %q", what, f.name)
		}
	}
}

// keyOr points at a key of a written mapping.
func (v *value) keyOr(key string) *value {
	if v == nil || v.node == nil {
		return v
	}
	if k, _ := entry(v.node, key); k != nil {
		return &value{node: k}
	}
	return v
}
