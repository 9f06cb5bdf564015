package runbook

import (
	"encoding/json"
	"reflect"
)

// schemaID names the schema to the editors that read it.
const schemaID = "https://lifeboat.example/lifeboat.schema.json"

// Schema is the JSON Schema (draft-07) of runbooks and estates, made from the types that read them and from the
// catalog, so that it cannot say anything else than the parser. What only a look at the whole file shows (order,
// references, repeated ids) is not in it.
func Schema(c *Catalog) ([]byte, error) {
	s := &schemer{definitions: object{}}
	runbook := s.file("runbook", reflect.TypeFor[Runbook]())
	estate := s.file("estate", reflect.TypeFor[Estate]())
	s.overlay(estate)
	s.kinds(c)
	out := object{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"$id":         schemaID,
		"title":       "lifeboat: runbooks and estates",
		"type":        "object",
		"required":    []string{"lifeboat", "kind"},
		"properties":  object{"lifeboat": object{"const": FileVersion}, "kind": object{"enum": []string{"runbook", "estate"}}},
		"if":          object{"properties": object{"kind": object{"const": "estate"}}},
		"then":        reference("estate"),
		"else":        reference("runbook"),
		"definitions": s.definitions,
	}
	s.definitions["runbook"], s.definitions["estate"] = runbook, estate
	return json.MarshalIndent(out, "", "  ")
}

type object = map[string]any

type schemer struct{ definitions object }

func reference(name string) object { return object{"$ref": "#/definitions/" + name} }

// The patterns say what parseDuration and the id check read.
const (
	durationText   = `^([0-9]+|[0-9]{1,4}d|([0-9]{1,4}d)?([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`
	expressionText = `^\s*\$\{\{[\s\S]*\}\}\s*$`
)

// file is the schema of one kind of file.
func (s *schemer) file(kind string, t reflect.Type) object {
	o := s.keyed(t)
	props := o["properties"].(object)
	props["lifeboat"] = object{"const": FileVersion, "description": "version of the file format"}
	props["kind"] = object{"const": kind}
	o["required"] = append([]string{"lifeboat", "kind"}, o["required"].([]string)...)
	return o
}

// keyed is the schema of a struct with `key` tags.
func (s *schemer) keyed(t reflect.Type) object {
	props, required := object{}, []string{}
	for _, f := range keysOf(t) {
		p := s.key(t.Field(f.index).Type, f)
		if f.doc != "" {
			p["description"] = f.doc
		}
		props[f.key] = p
		if f.required {
			required = append(required, f.key)
		}
	}
	return object{"type": "object", "properties": props, "required": required, "additionalProperties": false}
}

func (s *schemer) key(t reflect.Type, f keyed) object {
	switch t {
	case durationType:
		return durationSchema()
	case reflect.TypeFor[Ref]():
		o := s.keyed(reflect.TypeFor[tagged]())
		o["properties"].(object)["tags"].(object)["minProperties"] = 1
		return object{"oneOf": []any{textSchema(), o}}
	case reflect.TypeFor[[]Input]():
		return object{
			"type": "object", "propertyNames": object{"pattern": idPattern.String()},
			"additionalProperties": s.keyed(reflect.TypeFor[inputFile]()),
		}
	case reflect.TypeFor[[]InputOption]():
		return object{"type": "object", "minProperties": 1, "additionalProperties": textSchema()}
	}
	switch {
	case f.key == "id" && t.Kind() == reflect.String && f.required:
		return object{"type": "string", "pattern": idPattern.String(), "not": object{"const": StartStep}}
	case f.key == "uses":
		return reference("uses")
	case f.key == "with":
		return object{"type": "object"}
	case f.key == "each":
		return object{"oneOf": []any{object{"type": "string"}, object{"type": "array", "minItems": 1}}}
	case f.key == "at_once":
		return object{"type": "integer", "minimum": 1}
	case len(f.words) > 0 && t.Kind() == reflect.String:
		return object{"enum": f.words}
	case len(f.words) > 0:
		return object{"type": "array", "items": object{"enum": f.words}, "minItems": 1}
	case f.key == "steps":
		return object{"type": "array", "minItems": 1, "items": s.using(t.Elem())}
	case f.key == "guards":
		return object{"type": "array", "items": s.using(t.Elem())}
	case f.key == "region":
		return object{"type": "string", "pattern": regionPattern.String() + "$"}
	case f.key == "account":
		return object{"type": []string{"string", "number"}, "pattern": accountPattern.String()}
	case f.key == "attempts":
		return object{"type": "integer", "minimum": 1, "maximum": 100}
	}
	return s.plainKey(t)
}

func (s *schemer) plainKey(t reflect.Type) object {
	switch t.Kind() {
	case reflect.Pointer:
		return s.plainKey(t.Elem())
	case reflect.String:
		return textSchema()
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int:
		return object{"type": "integer"}
	case reflect.Slice:
		return object{"type": "array", "items": s.plainKey(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.plainKey(t.Elem())}
	case reflect.Struct:
		return s.keyed(t)
	default:
		return object{"not": object{"type": "null"}}
	}
}

// A number may be written where text is wanted: it arrives as it was written.
func textSchema() object { return object{"type": []string{"string", "number"}} }

func durationSchema() object {
	return object{"anyOf": []any{
		object{"type": "integer", "exclusiveMinimum": 0},
		object{"type": "string", "pattern": durationText},
	}}
}

// using is the schema of a guard or step: its keys, and for every kind its parameters.
func (s *schemer) using(t reflect.Type) object {
	o := s.keyed(t)
	o["allOf"] = []any{reference("parameters")}
	return o
}

// overlay is the estate once more with nothing required: what a drill lays over it.
func (s *schemer) overlay(estate object) {
	props := estate["properties"].(object)
	o := loosened(estate).(object)
	inner := o["properties"].(object)
	delete(inner, "drill")
	delete(inner, "lifeboat")
	delete(inner, "kind")
	doc := props["drill"].(object)["description"]
	o["description"] = doc
	props["drill"] = o
}

// loosened copies a schema without `required`, except inside of what replaces a value as a whole: lists and tags.
func loosened(v any) any {
	o, ok := v.(object)
	if !ok {
		return v
	}
	out := object{}
	for k, e := range o {
		switch k {
		case "required":
		case "properties":
			props := object{}
			for name, p := range e.(object) {
				props[name] = loosened(p)
			}
			out[k] = props
		default:
			out[k] = e
		}
	}
	return out
}

// kinds adds what each kind takes, chosen by `uses`.
func (s *schemer) kinds(c *Catalog) {
	names := []string{}
	var rules []any
	for _, k := range c.kinds {
		names = append(names, k.Name)
		with := s.params(reflect.TypeOf(k.New()))
		with["description"] = k.Summary
		then := object{"properties": object{"with": with}}
		if len(with["required"].([]string)) > 0 {
			then["required"] = []string{"with"}
		}
		rules = append(rules, object{"if": object{"properties": object{"uses": object{"const": k.Name}}}, "then": then})
	}
	s.definitions["uses"] = object{"enum": names, "description": "the kind"}
	s.definitions["parameters"] = object{"allOf": rules}
	if len(rules) == 0 {
		s.definitions["parameters"] = object{}
	}
	s.definitions["expression"] = object{"type": "string", "pattern": expressionText}
}

// params is the schema of a struct with `with` tags.
func (s *schemer) params(t reflect.Type) object {
	props, required := object{}, []string{}
	for _, f := range paramsOf(t) {
		p := s.param(f.typ)
		if f.doc != "" {
			p["description"] = f.doc
		}
		props[f.name] = p
		if f.required && f.preset == "" {
			required = append(required, f.name)
		}
	}
	return object{"type": "object", "properties": props, "required": required, "additionalProperties": false}
}

// param is the schema of a parameter. An expression may stand for any value.
func (s *schemer) param(t reflect.Type) object {
	if reflect.PointerTo(t).Implements(valuerType) {
		return object{}
	}
	switch t {
	case secretType:
		return object{"type": "string", "pattern": `\$\{\{[\s\S]*\}\}`}
	case durationType, timeType:
		return orExpression(durationSchema())
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.param(t.Elem())
	case reflect.String:
		return textSchema()
	case reflect.Bool:
		return orExpression(object{"type": "boolean"})
	case reflect.Int, reflect.Int64, reflect.Int32:
		return orExpression(object{"type": "integer"})
	case reflect.Float64, reflect.Float32:
		return orExpression(object{"type": "number"})
	case reflect.Slice:
		return orExpression(object{"type": "array", "items": s.inner(t.Elem())})
	case reflect.Map:
		return orExpression(object{"type": "object", "additionalProperties": s.inner(t.Elem())})
	case reflect.Struct:
		return orExpression(s.params(t))
	default:
		return object{}
	}
}

// inner is the schema of what a list or mapping holds. A mapping to secrets, such as an environment, may hold plain
// values beside them.
func (s *schemer) inner(t reflect.Type) object {
	if t == secretType {
		return textSchema()
	}
	return s.param(t)
}

func orExpression(o object) object {
	return object{"anyOf": []any{o, reference("expression")}}
}
