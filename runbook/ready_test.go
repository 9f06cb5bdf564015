package runbook

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// The kinds of these tests name what they lean on, as the real ones do.
type (
	placed struct {
		still
		Image    string `with:"image"`
		Instance string `with:"instance"`
		Region   string `with:"region,required"`
	}
	global struct {
		still
		Name string `with:"name"`
	}
	hosted struct {
		still
		Host testHost `with:"host,required"`
	}
)

func (k *placed) Depends() []Dependency {
	return []Dependency{{Region: k.Region, Without: "nothing is made there"}}
}

func (k *global) Depends() []Dependency {
	return []Dependency{{Plane: "Route 53's control plane", Region: "us-east-1", Without: "no record is changed"}}
}

func (k *hosted) Depends() []Dependency {
	return []Dependency{{Host: k.Host.Address, Region: k.Host.Region, Without: "ssh fails"}}
}

func leaningCatalog() *Catalog {
	of := func(name string, fresh func() Probe, outputs ...Output) Kind {
		return Kind{Name: name, Summary: "for tests", New: fresh, Outputs: outputs, Budget: time.Second, Timeout: time.Minute}
	}
	place := func() Probe { return &placed{} }
	return NewCatalog(
		of("instance.launch", place, Output{Name: "instance", Type: "string"}, Output{Name: "region", Type: "string"}),
		of("instance.ready", place, Output{Name: "host", Type: "host"}),
		of("instance.fenced", place),
		of("dns.record", func() Probe { return &global{} }),
		of("service.start", func() Probe { return &hosted{} }),
		of("manual", func() Probe { return &manualKind{} }),
	)
}

func leaning(t *testing.T, production, standby, body string) []string {
	t.Helper()
	estate, err := ParseEstate("estate.yaml", []byte(fmt.Sprintf(`lifeboat: 1
kind: estate
name: shop
service: {name: www.example.com, url: "https://www.example.com/"}
production: {region: %s, address: 203.0.113.10, replica: {host: 192.0.2.9, path: /srv}}
standby: {region: %s, address: 198.51.100.7, replica: {host: 192.0.2.10, path: /srv}}
`, production, standby)))
	if err != nil {
		t.Fatal(err)
	}
	rb, err := Parse("one.yaml", []byte("lifeboat: 1\nkind: runbook\nname: one\n"+body))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(CompileInput{Runbook: rb, Estate: estate, Catalog: leaningCatalog(), Mode: Live})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range Reliances(p) {
		if r.Warning != "" {
			if r.Do == "" {
				t.Errorf("a warning without what to do: %+v", r)
			}
			out = append(out, r.Step+" on "+r.On+": WARNING "+r.Warning)
			continue
		}
		out = append(out, r.Step+" on "+r.On+": "+r.Without)
	}
	return out
}

func TestReliances(t *testing.T) {
	const launch = "  - {id: launch, uses: instance.launch, with: {region: '${{ estate.standby.region }}'}}\n"
	for _, c := range []struct{ name, production, standby, body, want string }{
		{
			"what is made stands where its step stands", "us-west-1", "eu-west-1",
			"steps:\n" + launch +
				"  - {id: ready, uses: instance.ready, with: {instance: '${{ steps.launch.instance }}', region: '${{ steps.launch.region }}'}}\n" +
				"  - {id: services, uses: service.start, with: {host: '${{ steps.ready.host }}'}}\n" +
				"  - {id: replica, uses: service.start, with: {host: 192.0.2.10}}\n" +
				"  - {id: else, uses: service.start, with: {host: 192.0.2.77}}\n",
			"launch on eu-west-1 (standby): nothing is made there\nready on eu-west-1 (standby): nothing is made there\n" +
				"services on the host of ready in eu-west-1: ssh fails\nreplica on the host 192.0.2.10 in eu-west-1: ssh fails\nelse on the host 192.0.2.77: ssh fails",
		},
		{
			"a step that needs the region that failed", "us-west-1", "eu-west-1",
			"steps:\n" + launch +
				"  - {id: stop, uses: instance.ready, with: {instance: i-1, region: us-west-1}}\n" +
				"  - {id: copy, uses: service.start, with: {host: 192.0.2.9}}\n",
			"launch on eu-west-1 (standby): nothing is made there\n" +
				"stop on us-west-1 (production): WARNING stop needs us-west-1 (production), the region that fails: it cannot be done while that is dark\n" +
				"copy on the host 192.0.2.9 in us-west-1: WARNING copy needs the host 192.0.2.9 in us-west-1, the region that fails: it cannot be done while that is dark",
		},
		{
			"the control plane stands where production does", "us-east-1", "us-west-2",
			"steps:\n" + launch + "  - {id: dns, uses: dns.record, with: {name: www.example.com}}\n",
			"launch on us-west-2 (standby): nothing is made there\n" +
				"dns on Route 53's control plane (us-east-1): WARNING Route 53's control plane stands in us-east-1, the region that fails: dns may not be possible on that night",
		},
		{
			"the control plane stands where it goes", "us-west-1", "us-east-1",
			"steps:\n" + launch + "  - {id: dns, uses: dns.record, with: {name: www.example.com}}\n",
			"launch on us-east-1 (standby): nothing is made there\ndns on Route 53's control plane (us-east-1): no record is changed",
		},
		{
			"what mends production in its own region may need it", "us-west-1", "us-east-1",
			"steps:\n  - {id: launch, uses: instance.launch, with: {region: us-west-1}}\n",
			"launch on us-west-1 (production): nothing is made there",
		},
		{
			"what makes sure that production is down and brings it back where it was needs its region", "us-west-1", "us-east-1",
			"guards:\n  - {id: old, title: It is down, uses: instance.fenced, with: {region: us-west-1}}\n" +
				"steps:\n  - {id: launch, uses: instance.launch, with: {region: us-west-1}}\n",
			"old on us-west-1 (production): nothing is made there\nlaunch on us-west-1 (production): nothing is made there",
		},
		{
			"a guard that asks the region that failed must be waivable", "us-west-1", "us-east-1",
			"guards:\n  - {id: old, title: It is down, uses: instance.fenced, with: {region: us-west-1}}\n" +
				"  - {id: soft, title: It is down, uses: instance.fenced, with: {region: us-west-1}, waive: type, word: GONE}\n" +
				"  - {id: drill, title: It is down, uses: instance.fenced, in: [drill], with: {region: us-west-1}}\n" +
				"steps:\n  - {id: call, uses: manual, with: {text: call}}\n",
			"old on us-west-1 (production): WARNING guard old asks us-west-1, the region that fails, and cannot be waived: the run would not start\n" +
				"soft on us-west-1 (production): nothing is made there; the guard is then waived by typing GONE",
		},
		{
			"what is not needed is not leant on", "us-west-1", "us-east-1",
			"inputs: {data: {title: Which?, default: a, options: {a: A, b: B}}}\nsteps:\n" + launch +
				"  - {id: stop, uses: instance.ready, if: 'inputs.data == \"b\"', with: {instance: i-1, region: us-west-1}}\n",
			"launch on us-east-1 (standby): nothing is made there",
		},
		{
			"one region cannot fail and stay", "us-east-1", "us-east-1",
			"steps:\n" + launch, "launch on us-east-1 (production): nothing is made there",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(leaning(t, c.production, c.standby, c.body), "\n"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestWithoutTheControlPlane: who has wired failover records is told to use them, who has not is told how.
func TestWithoutTheControlPlane(t *testing.T) {
	for flip, want := range map[string]string{
		"": "make failover records",
		", flip: {bucket: shop-flags, key: failover/on, region: us-west-2}": "use dns.flip for this step: the estate's service.flip (s3://shop-flags/failover/on)",
	} {
		estate, err := ParseEstate("estate.yaml", []byte(`lifeboat: 1
kind: estate
name: shop
service: {name: www.example.com, url: "https://www.example.com/"`+flip+`}
production: {region: us-east-1}
standby: {region: us-west-2}
`))
		if err != nil {
			t.Fatal(err)
		}
		rb, err := Parse("one.yaml", []byte("lifeboat: 1\nkind: runbook\nname: one\nsteps:\n"+
			"  - {id: launch, uses: instance.launch, with: {region: us-west-2}}\n  - {id: dns, uses: dns.record, with: {name: www.example.com}}\n"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile(CompileInput{Runbook: rb, Estate: estate, Catalog: leaningCatalog(), Mode: Live})
		if err != nil {
			t.Fatal(err)
		}
		all := Reliances(p)
		last := all[len(all)-1]
		if last.Step != "dns" || last.Warning == "" || !strings.HasPrefix(last.Do, want) {
			t.Errorf("%+v\nwant to do: %s", last, want)
		}
	}
}

func TestNotKnown(t *testing.T) {
	for value, want := range map[string]string{
		"":                              "",
		"i-0aaaaaaaaaaaaaaa1":           "",
		"?":                             "before it is found by its tags",
		"what?":                         "",
		"<launch.instance>":             "before launch has run",
		"http://<launch.address>:8080/": "before launch has run",
		"a < b.c":                       "",
		"<b>":                           "",
		"<.x>":                          "",
		"<see the notes. really>":       "",
	} {
		why, open := NotKnown(value)
		if why != want || open != (want != "") {
			t.Errorf("%q: %q, %v; want %q", value, why, open, want)
		}
	}
}

func TestReads(t *testing.T) {
	p := mustCompile(t, Live, nil)
	for step, want := range map[string][]string{"launch": nil, "dns": nil, "attach": {"launch"}, "nosuch": nil} {
		if got := Reads(p, step); !slices.Equal(got, want) {
			t.Errorf("%s reads %v, want %v", step, got, want)
		}
	}
}
