package runbook

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func mustSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema(testCatalog())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	if err := c.AddResource(schemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(schemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asEditor reads a file as an editor's YAML server does.
func asEditor(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Load([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	v, err = jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestGoodFilesFollowTheSchema(t *testing.T) {
	s := mustSchema(t)
	for _, name := range []string{"failover.yaml", "estate.yaml"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(asEditor(t, string(text))); err != nil {
			t.Errorf("%s: %#v", name, err)
		}
	}
	if err := s.Validate(asEditor(t, string(longRunbook(20)))); err != nil {
		t.Error(err)
	}
}

// The parser and the schema draw the line at the same place.
func TestSchemaAndParserAgree(t *testing.T) {
	s := mustSchema(t)
	const estate = "lifeboat: 1\nkind: estate\nname: x\nservice: {name: www.example.com, url: http://www.example.com/%s}\n" +
		"production: {region: us-west-1}\nstandby: {region: us-east-1%s}\n"
	step := func(rest string) string { return head + "  - {id: a, " + rest + "}\n" }
	with := func(kind, with string) string { return step("uses: " + kind + ", with: {" + with + "}") }
	estateWith := func(service, standby string) string {
		return strings.Replace(strings.Replace(estate, "%s", service, 1), "%s", standby, 1)
	}
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"plain step":             {step("uses: manual"), true},
		"number as text":         {step("uses: manual, title: 5"), true},
		"bool as text":           {step("uses: manual, title: true"), false},
		"no value":               {step("uses: manual, title: ~"), false},
		"unknown key":            {step("uses: manual, tite: x"), false},
		"unknown kind":           {step("uses: manul"), false},
		"no kind":                {step("title: x"), false},
		"bad id":                 {head + "  - {id: Up, uses: manual}\n", false},
		"reserved id":            {head + "  - {id: start, uses: manual}\n", false},
		"no steps":               {"lifeboat: 1\nkind: runbook\nname: x\n", false},
		"empty steps":            {"lifeboat: 1\nkind: runbook\nname: x\nsteps: []\n", false},
		"version 2":              {"lifeboat: 2\nkind: runbook\nname: x\nsteps: [{id: a, uses: manual}]\n", false},
		"unknown file":           {"lifeboat: 1\nkind: playbook\nname: x\n", false},
		"budget":                 {step("uses: manual, budget: 45s"), true},
		"budget in seconds":      {step("uses: manual, budget: 20, timeout: 1m"), true},
		"budget in words":        {step("uses: manual, budget: soon"), false},
		"budget below zero":      {step("uses: manual, budget: -5s"), false},
		"budget of zero":         {step("uses: manual, budget: 0"), false},
		"confirm":                {step("uses: manual, confirm: type, word: GO"), true},
		"confirm otherwise":      {step("uses: manual, confirm: yes"), false},
		"retry":                  {step("uses: manual, retry: {attempts: 2, base: 1s, max: 3s}"), true},
		"no attempts":            {step("uses: manual, retry: {attempts: 0}"), false},
		"needs nothing":          {step("uses: manual, needs: []"), true},
		"needs a word":           {step("uses: manual, needs: b"), false},
		"parameters":             {with("instance.launch", "image: ami-1, type: t3.small, spot: true, weight: 1.5, tags: {a: b}"), true},
		"parameter missing":      {with("dns.record", "name: x"), false},
		"no parameters at all":   {step("uses: dns.record"), false},
		"with a default":         {with("instance.launch", "image: ami-1"), true},
		"unknown parameter":      {with("instance.launch", "image: ami-1, imag: x"), false},
		"text for a bool":        {with("instance.launch", "image: ami-1, spot: 'yes'"), false},
		"expression for a bool":  {with("instance.launch", "image: ami-1, spot: '${{ 1 < 2 }}'"), true},
		"text for a number":      {with("instance.launch", "image: ami-1, weight: heavy"), false},
		"list for a map":         {with("instance.launch", "image: ami-1, tags: [a]"), false},
		"expression for a map":   {with("instance.launch", "image: ami-1, tags: '${{ estate.vars }}'"), true},
		"text for a list":        {with("shell", "argv: ls"), false},
		"number in a list":       {with("shell", "argv: [sleep, 5]"), true},
		"bool in a list":         {with("shell", "argv: [echo, true]"), false},
		"expression for a list":  {with("shell", "argv: '${{ estate.standby.replica.pause }}'"), true},
		"duration":               {with("rsync", "from: {host: h, path: /}, to: {host: h, path: /}, wait: 5s"), true},
		"fraction for a whole":   {with("rsync", "from: {host: h, path: /}, to: {host: h, path: /}, tries: 1.5"), false},
		"inner key missing":      {with("rsync", "from: {host: h}, to: {host: h, path: /}"), false},
		"inner key unknown":      {with("rsync", "from: {host: h, path: /, pth: /}, to: {host: h, path: /}"), false},
		"secret":                 {with("http.up", "url: 'http://192.0.2.1/', token: '${{ secret.T }}'"), true},
		"secret in the file":     {with("http.up", "url: 'http://192.0.2.1/', token: hunter2"), false},
		"plain value in headers": {with("http.up", "url: 'http://192.0.2.1/', headers: {Accept: text/plain}"), true},
		"inputs":                 {head + "  - {id: a, uses: manual}\ninputs: {a: {title: x, default: b, options: {b: B}}}\n", true},
		"input name":             {head + "  - {id: a, uses: manual}\ninputs: {A: {title: x, default: b}}\n", false},
		"no options":             {head + "  - {id: a, uses: manual}\ninputs: {a: {title: x, default: b, options: {}}}\n", false},
		"guard":                  {head + "  - {id: a, uses: manual}\nguards: [{id: g, uses: http.down, in: [live], with: {url: x}}]\n", true},
		"guard in nothing":       {head + "  - {id: a, uses: manual}\nguards: [{id: g, uses: http.down, in: [], with: {url: x}}]\n", false},
		"guard in what":          {head + "  - {id: a, uses: manual}\nguards: [{id: g, uses: http.down, in: [dead], with: {url: x}}]\n", false},
		"estate":                 {estateWith(", ttl: 5m", ", image: ami-1, volume: {id: {tags: {a: b}, newest: true}}"), true},
		"estate key":             {estateWith(", tll: 5m", ""), false},
		"no tags":                {estateWith("", ", image: {tags: {}}"), false},
		"tag":                    {estateWith("", ", image: {tag: {a: b}}"), false},
		"replica":                {estateWith("", ", replica: {host: h}"), false},
		"no service":             {"lifeboat: 1\nkind: estate\nname: x\nproduction: {region: us-west-1}\nstandby: {region: us-east-1}\n", false},
		"drill":                  {estateWith("", "") + "drill: {service: {name: d.example.com}, standby: {address: 192.0.2.1}}\n", true},
		"drill key":              {estateWith("", "") + "drill: {service: {nam: d.example.com}}\n", false},
		"drill in a drill":       {estateWith("", "") + "drill: {drill: {}}\n", false},
		"vars":                   {estateWith("", "") + "vars: {a: [1, true, {b: c}]}\n", true},
		"backups":                {estateWith("", "") + "backups: [{name: a, kind: nightly, max_age: 26h}]\n", true},
		"backup kind":            {estateWith("", "") + "backups: [{name: a, kind: weekly}]\n", false},
		"account":                {estateWith("", "") + "account: 012345678901\n", true},
		"account of 4":           {estateWith("", "") + "account: \"1234\"\n", false},
		"region":                 {strings.Replace(estateWith("", ""), "us-west-1", "oregon", 1), false},
	} {
		var err error
		if strings.Contains(c.text, "kind: estate") {
			_, err = ParseEstate("x.yaml", []byte(c.text))
		} else {
			_, err = CompileFiles(NewSource("x.yaml", []byte(c.text)), mustEstate(t, "testdata/estate.yaml").Source(),
				CompileInput{Catalog: testCatalog(), Mode: Live})
		}
		schemaErr := s.Validate(asEditor(t, c.text))
		if (err == nil) != c.good {
			t.Errorf("%s: the parser says %v", name, err)
		}
		if (schemaErr == nil) != c.good {
			t.Errorf("%s: the schema says %v", name, schemaErr)
		}
	}
}
