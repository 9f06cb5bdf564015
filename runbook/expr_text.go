package runbook

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// piece is a part of a text: literal, or an expression between ${{ and }}.
type piece struct {
	literal string
	x       *expression
	offset  int // of the expression, in the text
}

// pieces splits a text at its expressions and compiles them. whole says that the text is one expression and nothing
// else, so that its value keeps its type.
func (s *scope) pieces(text string) (list []piece, whole bool, wrong *misfit) {
	for at := 0; at < len(text); {
		open := strings.Index(text[at:], "${{")
		if open < 0 {
			list = append(list, piece{literal: text[at:]})
			break
		}
		open += at
		if open > at {
			list = append(list, piece{literal: text[at:open]})
		}
		end := closing(text, open+3)
		if end < 0 {
			return nil, false, &misfit{offset: open, text: `"${{" has no "}}"`}
		}
		x, wrong := s.compile(text[open+3 : end])
		if wrong != nil {
			wrong.offset += open + 3
			return nil, false, wrong
		}
		list = append(list, piece{x: x, offset: open})
		at = end + 2
	}
	return list, len(list) == 1 && list[0].x != nil, nil
}

// closing finds the }} that ends an expression: not the one inside quotes or of a map.
func closing(text string, from int) int {
	depth := 0
	for i := from; i < len(text); i++ {
		switch c := text[i]; c {
		case '"', '\'', '`':
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' && c != '`' {
					i++
				}
			}
		case '{':
			depth++
		case '}':
			if depth > 0 {
				depth--
			} else if strings.HasPrefix(text[i:], "}}") {
				return i
			}
		}
	}
	return -1
}

// asText is a value inside a text: numbers as they are written, a host as its address, nothing as nothing.
func asText(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	case bool:
		return strconv.FormatBool(x), nil
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return strconv.FormatInt(int64(x), 10), nil
		}
		return strconv.FormatFloat(x, 'g', -1, 64), nil
	case map[string]any:
		if address, ok := hostAddress(x); ok {
			return address, nil
		}
		return "", fmt.Errorf("a mapping cannot stand inside a text")
	case []any:
		return "", fmt.Errorf("a list cannot stand inside a text; join(list, \" \") makes one")
	case json.Number:
		return x.String(), nil
	}
	return fmt.Sprint(v), nil
}

// hostAddress is the address of a value of type host: a mapping with an address and nothing that a host has not.
func hostAddress(m map[string]any) (string, bool) {
	for k := range m {
		if !slices.Contains(hostKeys, any(k)) {
			return "", false
		}
	}
	address, ok := m["address"].(string)
	return address, ok
}

// isEmpty reports a value that says nothing.
func isEmpty(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string:
		return x == ""
	case SecretName:
		return x == ""
	case scalar:
		return x.value == nil || x.text == ""
	case []any:
		return len(x) == 0
	case map[string]any:
		return len(x) == 0
	}
	return false
}
