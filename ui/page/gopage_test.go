package page_test

import (
	"reflect"

	tea "charm.land/bubbletea/v2"
)

// flatten are the messages behind a batch or a sequence, in order. The type of a sequence is not exported.
func flatten(msg tea.Msg) []tea.Msg {
	v := reflect.ValueOf(msg)
	if v.Kind() != reflect.Slice || v.Type().Elem() != reflect.TypeFor[tea.Cmd]() {
		return []tea.Msg{msg}
	}
	var out []tea.Msg
	for i := range v.Len() {
		out = append(out, goSays(v.Index(i).Interface().(tea.Cmd))...)
	}
	return out
}

func sameMsg(a, b tea.Msg) bool { return reflect.DeepEqual(a, b) }
