package runbooks_test

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"lifeboat/providers"
	"lifeboat/providers/actions"
	"lifeboat/runbook"
	"lifeboat/runbooks"
)

// schema is what `lifeboat schema` prints, compiled.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := runbook.Schema(actions.Catalog(providers.Set{}, actions.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("lifeboat.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("lifeboat.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func value(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// The schema and the parser agree on every shipped file, and on what is wrong with each after one change.
func TestShippedFilesAgreeWithTheSchema(t *testing.T) {
	s := schema(t)
	files, err := fs.Glob(runbooks.FS, "*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, name := range files {
		if err := s.Validate(value(t, string(read(t, name)))); err != nil {
			t.Errorf("%s is not valid in the schema: %v", name, err)
		}
	}
	text := string(read(t, "failover.yaml"))
	for _, wrong := range [][2]string{
		{"uses: instance.launch", "uses: instance.lauch"},
		{"target: 5m", "targe: 5m"},
		{"confirm: type", "confirm: perhaps"},
		{"lifeboat: 1", "lifeboat: 2"},
		{"retry: {attempts: 4}", "retry: {attempt: 4}"},
		{"waive: type", "waive: shout"},
		{"      key_name:", "      key_nam:"},
	} {
		changed := strings.Replace(text, wrong[0], wrong[1], 1)
		if changed == text {
			t.Fatalf("%q is not in failover.yaml", wrong[0])
		}
		if err := s.Validate(value(t, changed)); err == nil {
			t.Errorf("the schema accepts %q", wrong[1])
		}
		estate, err := runbook.ParseEstate("estate.yaml", read(t, "estate.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = runbook.CompileFiles(runbook.NewSource("failover.yaml", []byte(changed)), estate.Source(), runbook.CompileInput{
			Catalog: actions.Catalog(providers.Set{}, actions.Options{}), Mode: runbook.Live,
		})
		if err == nil {
			t.Errorf("the parser accepts %q", wrong[1])
		}
	}
}
