package runbook

import (
	"reflect"
	"testing"
)

// What is typed for an output is text; what steps read is what the kind declares.
func TestGivenOutputsAreWhatTheKindDeclares(t *testing.T) {
	kind := Kind{Name: "k", Outputs: []Output{
		{Name: "id", Type: "string"}, {Name: "ttl", Type: "number"}, {Name: "up", Type: "bool"}, {Name: "host", Type: "host"},
	}}
	p := &Plan{Steps: []PlannedStep{{ID: "a", Kind: kind}}}
	got, err := Given(p, "a", map[string]any{"id": "300", "ttl": " 300 ", "up": "yes", "host": "198.51.100.7", "other": "1"})
	want := map[string]any{"id": "300", "ttl": 300.0, "up": true, "host": "198.51.100.7", "other": "1"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if again, err := Given(p, "a", got); err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("read twice: %v, %v", again, err)
	}
	for name, typed := range map[string]string{"ttl": "five minutes", "up": "perhaps", "host": "the new one"} {
		if got, err := Given(p, "a", map[string]any{name: typed}); err == nil {
			t.Errorf("%s took %q: %v", name, typed, got)
		}
	}
	if _, err := Given(p, "a", map[string]any{"ttl": "NaN"}); err == nil {
		t.Error("ttl took NaN")
	}
}

// Later steps go after a machine by its id: what is no id is refused before anything follows it.
func TestGivenMachineIsAnID(t *testing.T) {
	p := &Plan{Steps: []PlannedStep{{ID: "launch", Kind: Kind{Name: "k", Outputs: []Output{{Name: "instance", Type: "string"}}}}}}
	for text, good := range map[string]bool{
		"i-0a1b2c3d4e5f60718": true, "i-0a1b2c3d": true, "not an id !": false, "i-1": false, "": false, "vol-0a1b2c3d": false,
	} {
		if _, err := Given(p, "launch", map[string]any{"instance": text}); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
