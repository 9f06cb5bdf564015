package providers

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestHostFromValue(t *testing.T) {
	cases := []struct {
		name string
		in   any
		want Host
		err  string
	}{
		{name: "an address", in: "198.51.100.7", want: Host{Address: "198.51.100.7"}},
		{name: "an output", in: map[string]any{"address": "198.51.100.7", "id": "i-1", "region": "us-east-1"}, want: Host{Address: "198.51.100.7", ID: "i-1", Region: "us-east-1"}},
		{name: "a port from JSON", in: map[string]any{"address": "a", "port": float64(2222)}, want: Host{Address: "a", Port: 2222}},
		{name: "a replica", in: map[string]any{"host": "replica-1", "path": "/srv/data", "pause": []any{"x"}, "user": "root"}, want: Host{Address: "replica-1", User: "root"}},
		{name: "a host inside", in: map[string]any{"host": map[string]any{"address": "a", "id": "i-1"}}, want: Host{Address: "a", ID: "i-1"}},
		{name: "an unknown word", in: map[string]any{"address": "a", "prot": 22}, err: `a host has no "prot"`},
		{name: "half a port", in: map[string]any{"address": "a", "port": 22.5}, err: "not a whole number"},
		{name: "no address", in: map[string]any{"id": "i-1"}, err: "no address"},
		{name: "nothing", in: nil, err: "a host is an address"},
		{name: "empty", in: "", err: "empty"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var h Host
			err := h.FromValue(c.in)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || h != c.want {
				t.Fatalf("got %+v, %v, want %+v", h, err, c.want)
			}
		})
	}
}

func TestHostSurvivesTheJournal(t *testing.T) {
	want := Host{Address: "198.51.100.7", ID: "i-1", Region: "us-east-1", User: "root", Port: 2222}
	b, err := json.Marshal(want.Value())
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	var got Host
	if err := got.FromValue(v); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestOneRecordHasOneTarget(t *testing.T) {
	a, b := RecordTarget("Z1", "WWW.example.com", "a"), RecordTarget("Z1", "www.example.com.", "A")
	if a != b || a.ID != "Z1/www.example.com./A" {
		t.Fatalf("%v and %v", a, b)
	}
}
