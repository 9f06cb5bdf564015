package runbook

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// valueIn compiles an expression as the parameter `any` of a step that follows one of kind instance.launch, and binds it.
func valueIn(t *testing.T, estate *Estate, text string, inputs map[string]string, outputs map[string]any) (any, error) {
	t.Helper()
	quoted := strings.ReplaceAll(text, "'", "''")
	source := head + "  - {id: launch, uses: instance.launch, with: {image: ami-1, type: t3.small}}\n" +
		"  - id: x\n    uses: shell\n    with:\n      argv: [echo]\n      any: '" + quoted + "'\n" +
		"inputs:\n  free: {title: Free, default: none}\n  with-dash: {title: Dash, default: dashed}\n"
	rb, err := Parse("x.yaml", []byte(source))
	if err != nil {
		return nil, err
	}
	p, err := Compile(CompileInput{Runbook: rb, Estate: estate, Catalog: testCatalog(), Mode: Live, Inputs: inputs})
	if err != nil {
		return nil, err
	}
	s := &State{Steps: map[string]*StepState{"launch": {Outputs: outputs}}}
	probe, err := p.Bind("x", s, nil)
	if err != nil {
		return nil, err
	}
	return probe.(*shellKind).Any, nil
}

func TestExpressions(t *testing.T) {
	estate := mustEstate(t, "testdata/estate.yaml")
	host := map[string]any{"address": "198.51.100.7", "id": "i-1", "region": "us-east-1"}
	outputs := map[string]any{"instance": "i-0f3a", "zone": "us-east-1b", "host": host}
	for text, want := range map[string]any{
		"${{ estate.name }}":                                  "shop",
		"a ${{ estate.name }} b ${{estate.account}}":          "a shop b 012345678901",
		"${{ estate.service.ttl }}":                           300,
		"ttl ${{ estate.service.ttl + 1 }}":                   "ttl 301",
		"${{ estate.standby.image }}":                         "ami-0bbbbbbbbbbbbbbb1",
		"${{ estate.standby.volume.path }}":                   "/srv/data",
		"${{ estate.standby.subnet }}|":                       "|",
		"${{ estate.production.replica.host }}|":              "|",
		"${{ estate.production.replica == nil }}":             true,
		"${{ estate.backups[1].max_age }}":                    26 * 3600,
		"${{ estate['name'] }}":                               "shop",
		"${{ estate?.name }}":                                 "shop",
		"${{ estate.standby.replica.pause }}":                 []any{"systemctl", "stop", "replica"},
		"${{ join(estate.standby.replica.pause, ' ') }}":      "systemctl stop replica",
		"${{ inputs.free }}":                                  "none",
		"${{ inputs['with-dash'] }}":                          "dashed",
		"${{ run.mode }}":                                     "live",
		"${{ run.mode == 'live' ? 1 : 2 }}":                   1,
		"${{ steps.launch.instance }}":                        "i-0f3a",
		"on ${{ steps.launch.instance }}.":                    "on i-0f3a.",
		"${{ steps.launch.host }}":                            host,
		"ssh ${{ steps.launch.host }}":                        "ssh 198.51.100.7",
		"${{ steps.launch.host.region }}":                     "us-east-1",
		"${{ steps.launch.host.port }}":                       nil,
		"${{ upper(steps.launch.instance) + 'x' }}":           "I-0F3Ax",
		"${{ steps.launch.zone == 'us-east-1b' }}":            true,
		"${{ steps.launch.zone ?? 'none' }}":                  "us-east-1b",
		"${{ region_of(steps.launch.instance) }}":             "us-east-1",
		"${{ region_of(estate.production.instance) }}":        "us-west-1",
		"${{ region_of(estate.standby.volume.id) }}":          "us-east-1",
		"${{ region_of('us-west-2-lax-1a') }}":                "us-west-2",
		"${{ region_of('eu-central-1c') }}":                   "eu-central-1",
		"${{ region_of('us-gov-west-1a') }}":                  "us-gov-west-1",
		"${{ region_of('ap-southeast-2') }}":                  "ap-southeast-2",
		"${{ region_of('') }}":                                "us-east-1",
		"${{ region_of('vol-unknown') }}":                     "us-east-1",
		"${{ 'a' in ['a', 'b'] }}":                            true,
		"${{ \"}}\" }}":                                       "}}",
		"${{ {'a': {'b': 1}}.a.b }}":                          1,
		"${{ estate.name matches '^sh' }}":                    true,
		"${{ estate.name[0:2] }}":                             "sh",
		"${{ len(estate.backups) }}":                          2,
		"$${{ estate.name }}":                                 "$shop",
		"$ {{ estate.name }}":                                 "$ {{ estate.name }}",
		"{{ estate.name }} }} ${":                             "{{ estate.name }} }} ${",
		"${{ join(split('a,b', ','), '+') }}":                 "a+b",
		"${{ join([1, true, 'x'], '') }}":                     "1truex",
		"${{ int('5') * 2 }}":                                 10,
		"${{ 7 / 2 }}":                                        3.5,
		"${{ estate.vars.note ?? 'x' }}":                      "plain text",
		"${{ not (estate.name == 'shop') || 1 < 2 && true }}": true,
	} {
		got, err := valueIn(t, estate, text, nil, outputs)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, want %#v", text, got, want)
		}
	}
}

// What an expression may not do. Each would make a plan depend on when and where it is made, or cost without bound.
func TestExpressionsRefused(t *testing.T) {
	estate := mustEstate(t, "testdata/estate.yaml")
	for text, want := range map[string]string{
		"${{ now() }}":                                   `no function "now"`,
		"${{ date('2024-01-01') }}":                      `no function "date"`,
		"${{ env('HOME') }}":                             `no function "env"`,
		"${{ repeat('x', 1000000) }}":                    `no function "repeat"`,
		"${{ fromJSON('{}') }}":                          `no function "fromJSON"`,
		"${{ all(1..9, true) }}":                         "no function \"all\"",
		"${{ [1, 2] | map(#) }}":                         "no function \"map\"",
		"${{ 1..1000000 }}":                              "ranges",
		"${{ let x = 'a'; x + x }}":                      "not supported",
		"${{ 1; 2 }}":                                    "not supported",
		"${{ $env }}":                                    `unknown name "$env"`,
		"${{ estate.drill }}":                            `no key "drill"`,
		"${{ estate[inputs.free] }}":                     "computed",
		"${{ estate.name.foo }}":                         "single value",
		"${{ estate.backups[7].name }}":                  "2 entries",
		"${{ estate.backups.name }}":                     "single value",
		"${{ steps }}":                                   "as a whole",
		"${{ steps.x.y }}":                               "no output",
		"${{ steps.nope.instance }}":                     "no step",
		"${{ steps.launch.instance.x }}":                 "single value",
		"${{ steps.launch.host.nope }}":                  "a host has no key",
		"${{ inputs }}":                                  "inputs.NAME",
		"${{ inputs.with-dash }}":                        `inputs["with-dash"]`,
		"${{ with.argv }}":                               "unknown name",
		"${{ secret.TOKEN }}":                            "secret",
		"${{ region_of() }}":                             "one argument",
		"${{ join(estate.backups) }}":                    "join takes",
		"${{ join(estate.name, 'x') }}":                  "join takes",
		"${{ join(estate.backups, 'x') }}":               "a mapping cannot",
		"${{ estate.name() }}":                           "only functions",
		"${{ }}":                                         "empty",
		"${{ 'a }}":                                      "no \"}}\"",
		"${{ 1 + }}":                                     "too early",
		"${{ 1 1 }}":                                     "unexpected",
		"${{ 'a' - 1 }}":                                 "mismatched",
		"${{ 1 % 0 }}":                                   "divide by zero",
		"${{ (" + strings.Repeat("(", 3000) + " }}":      "longer than",
		"${{ " + strings.Repeat("1+", 400) + "1 }}":      "maximum allowed nodes",
		"x ${{ estate.standby }} y":                      "a mapping cannot stand inside a text",
		"x ${{ estate.backups }} y":                      "a list cannot stand",
		"x ${{ steps.launch.zone }} y":                   "has no value",
		"x ${{ steps.launch.host.port ?? nil }} y":       "has no value",
		"${{ 'a' matches '(' }}":                         "missing closing",
		"${{ get(estate.vars, 'note')() }}":              "unexpected",
		"${{ " + strings.Repeat("-", 1500) + "1 }}":      "maximum allowed nodes",
		"${{ [" + strings.Repeat("[", 500) + " }}":       "",
		"${{ " + strings.Repeat("not ", 450) + "true }}": "",
	} {
		_, err := valueIn(t, estate, text, nil, map[string]any{})
		if err == nil {
			t.Errorf("%.60s: accepted", text)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v\nwant %q", text, err, want)
		}
	}
}

// A value from outside arrives byte for byte wherever it is put, or is refused: nothing in it is evaluated again.
func TestInjectedValues(t *testing.T) {
	estate := mustEstate(t, "testdata/estate.yaml")
	for _, v := range injections() {
		for site, want := range map[string]string{"${{ inputs.free }}": v, "a ${{ inputs.free }} b": "a " + v + " b"} {
			got, err := valueIn(t, estate, site, map[string]string{"free": v}, nil)
			if err != nil {
				if !strings.Contains(err.Error(), `"free"`) {
					t.Errorf("%q at %s is refused without its name: %v", v, site, err)
				}
				continue
			}
			if v == "" && got == nil { // an expression that comes to nothing is as if it were left out
				continue
			}
			if got != want {
				t.Errorf("%q at %s arrives as %q", v, site, got)
			}
		}
		for site, want := range map[string]string{"${{ steps.launch.zone }}": v, "${{ steps.launch.zone }}!": v + "!"} {
			got, err := valueIn(t, estate, site, nil, map[string]any{"zone": v})
			if v == "" && got == nil && err == nil {
				continue
			}
			if err != nil || got != want {
				t.Errorf("output %q at %s arrives as %q, %v", v, site, got, err)
			}
		}
	}
}

func injections() []string {
	parts := []string{
		"${{ estate.name }}", "$(id)", "`id`", "; rm -rf /", "'", "\"", "\\", "\n", "\r", "\t", "\x00", "\xff", "${HOME}", "%s", "{{", "}}", "|",
		"&", "<", ">", "*", "~", "#", "é", "\u202e", "\x1b[31m", "- a", ": ", "!!str", "true", "5", " ", "--flag", "../..", "${{ secret.X }}", "\u2028",
	}
	out := []string{"", strings.Repeat("x", 60_000), strings.Repeat("x", 70_000)}
	for i, a := range parts {
		out = append(out, a, a+a, fmt.Sprintf("%s%s", a, parts[(i*7+3)%len(parts)]))
	}
	return out
}
