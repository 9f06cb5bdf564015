package runbook

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// servers is an estate with two servers beside the main one.
const serversText = `lifeboat: 1
kind: estate
name: shop
service: {name: www.example.com, url: "https://www.example.com/"}
production: {region: us-west-1, zone: us-west-1a, image: ami-0main, type: m7i.large, key_name: shop}
standby: {region: us-east-1, zone: us-east-1a, image: ami-0copy, type: m7i.large, profile: shop-server}
servers:
  web: {production: {image: ami-0web}, standby: {image: ami-0webcopy, type: t3.small, zone: us-east-1b}, services: [nginx], names: [www2.example.com, img.example.com]}
  build: {production: {image: ami-0build}, standby: {image: {tags: {Name: build}}, region: eu-west-1, address: 198.51.100.8}}
notify:
  - {name: oncall, topic: "arn:aws:sns:us-east-1:123456789012:oncall"}
  - {name: chat, url: CHAT_URL}
drill:
  servers: {build: {standby: {address: 198.51.100.88}}}
`

func compiled(t testing.TB, mode Mode, body string) (*Plan, error) {
	t.Helper()
	e, err := ParseEstate("estate.yaml", []byte(serversText))
	if err != nil {
		t.Fatalf("\n%s", err)
	}
	rb, err := Parse("each.yaml", []byte("lifeboat: 1\nkind: runbook\nname: each\nconfirm: none\n"+body))
	if err != nil {
		return nil, err
	}
	return Compile(CompileInput{
		Runbook: rb, Estate: e, Catalog: testCatalog(), Mode: mode, Resolved: map[string]string{"servers.build.standby.image": "ami-0found"},
	})
}

func needsText(p *Plan) string {
	var out []string
	for i := range p.Steps {
		out = append(out, p.Steps[i].ID+"("+strings.Join(p.Steps[i].Needs, " ")+")")
	}
	return strings.Join(out, " ")
}

func TestEachMakesAStepForEveryEntry(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"every server, the main one first, and what follows goes along", `steps:
  - {id: launch, each: estate.machines, uses: manual}
  - {id: check, each: "${{ estate.machines }}", uses: manual}
  - {id: end, uses: manual}
`, "launch-www() launch-build() launch-web() check-www(launch-www) check-build(launch-build) check-web(launch-web) end(check-www check-build check-web)"},
		{"another list waits for all", `steps:
  - {id: launch, each: estate.servers, uses: manual}
  - {id: tell, each: estate.notify, uses: manual}
  - {id: lone, uses: manual, needs: [launch]}
`, "launch-build() launch-web() lone(launch-build launch-web) tell-oncall(launch-build launch-web) tell-chat(launch-build launch-web)"},
		{"an empty one hands on what it needs", `steps:
  - {id: first, uses: manual}
  - {id: none, each: estate.backups, uses: manual}
  - {id: last, uses: manual}
`, "first() last(first)"},
		{"a DNS name goes along with its server", `steps:
  - {id: launch, each: estate.servers, uses: instance.launch, with: {image: a, type: b, zone: c}}
  - {id: name, each: estate.names, title: "${{ each.name }} to ${{ each.server.name }}", uses: instance.ready, with: {instance: "${{ steps.launch.instance }}"}}
  - {id: after, each: estate.servers, uses: manual, needs: [launch]}
`, "launch-build() launch-web() name-www2-example-com(launch-web) name-img-example-com(launch-web) after-build(launch-build) after-web(launch-web)"},
		{"a list in the file", `steps:
  - {id: do, each: [One, "Two three", 4], uses: manual}
`, "do-one() do-two-three() do-4()"},
	} {
		p, err := compiled(t, Live, c.body)
		if err != nil {
			t.Errorf("%s:\n%s", c.name, err)
			continue
		}
		for _, w := range strings.Fields(strings.NewReplacer("(", " ", ")", " ").Replace(c.want)) {
			if _, ok := p.Step(w); !ok {
				t.Errorf("%s: no step %s in %s", c.name, w, needsText(p))
			}
		}
		if got := needsText(p); len(strings.Fields(got)) != len(strings.Fields(c.want)) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		for _, piece := range strings.SplitAfter(c.want, ") ") {
			if piece = strings.TrimSpace(piece); !strings.Contains(" "+needsText(p)+" ", " "+piece+" ") {
				t.Errorf("%s: %s is not in %s", c.name, piece, needsText(p))
			}
		}
	}
}

// A server has what its site has, where that can be shared; the values of one entry reach its own steps only.
func TestEachReadsItsOwnEntry(t *testing.T) {
	p, err := compiled(t, Live, `steps:
  - {id: launch, each: estate.machines, title: "Launch ${{ each.name }}", uses: instance.launch, with: {image: "${{ each.standby.image }}", type: "${{ each.standby.type }}", zone: "${{ each.standby.zone }}"}}
  - {id: ready, each: estate.machines, uses: instance.ready, with: {instance: "${{ steps.launch.instance }}"}}
`)
	if err != nil {
		t.Fatalf("\n%s", err)
	}
	state := State{Steps: map[string]*StepState{}}
	for _, name := range []string{"www", "build", "web"} {
		state.Steps["launch-"+name] = &StepState{Status: StatusDone, Outputs: map[string]any{"instance": "i-" + name}}
	}
	for name, want := range map[string]string{
		"www": "Launch www ami-0copy m7i.large us-east-1a", "build": "Launch build ami-0found m7i.large ", "web": "Launch web ami-0webcopy t3.small us-east-1b",
	} {
		step, _ := p.Step("launch-" + name)
		if step.Group != "launch" {
			t.Errorf("the group of %s is %q", step.ID, step.Group)
		}
		probe, err := p.Bind(step.ID, &state, nil)
		if err != nil {
			t.Fatal(err)
		}
		l := probe.(*launchKind)
		if got := fmt.Sprintf("%s %s %s %s", step.Title, l.Image, l.Type, l.Zone); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		ready, err := p.Bind("ready-"+name, &state, nil)
		if err != nil || ready.(*instanceKind).Instance != "i-"+name {
			t.Errorf("ready-%s reads %+v, %v", name, ready, err)
		}
	}
}

func TestEachFence(t *testing.T) {
	p, err := compiled(t, Drill, "steps:\n  - {id: a, uses: manual}\n")
	if err != nil {
		t.Fatalf("\n%s", err)
	}
	state := State{}
	may := MayTouch(p, &state)
	if err := may(Target{Kind: "address", ID: "198.51.100.88", Region: "eu-west-1"}); err != nil {
		t.Errorf("what the overlay names of a server: %v", err)
	}
	if may(Target{Kind: "address", ID: "198.51.100.8", Region: "eu-west-1"}) == nil {
		t.Error("the fence lets a drill at the server's own address")
	}
	if got := p.Estate.Servers["build"].Standby.Region; got != "eu-west-1" {
		t.Errorf("the overlay has replaced what it does not name: %q", got)
	}
}

func TestEachMistakes(t *testing.T) {
	for body, want := range map[string]string{
		"steps:\n  - {id: a, each: estate.nope, uses: manual}\n":                                                     `estate has no key "nope"`,
		"steps:\n  - {id: a, each: inputs, uses: manual}\n":                                                          "each must name a list or a mapping of the estate",
		"steps:\n  - {id: a, each: estate.name, uses: manual}\n":                                                     "each must name a list or a mapping, and this is",
		"steps:\n  - {id: a, each: [], uses: manual}\n":                                                              "each names no entry",
		"steps:\n  - {id: a, each: [x, X], uses: manual}\n":                                                          `two entries called "x"`,
		"steps:\n  - {id: a, each: [b], uses: manual}\n  - {id: a-b, uses: manual}\n":                                `there is one already`,
		"steps:\n  - {id: a, at_once: 2, uses: manual}\n":                                                            "there is no each",
		"steps:\n  - {id: a, each: [x, y], at_once: 0, uses: manual}\n":                                              "at_once must be 1 or more",
		"steps:\n  - {id: a, uses: instance.ready, with: {instance: \"${{ each.name }}\"}}\n":                        "each is known only in a step that has each",
		"steps:\n  - {id: a, each: estate.machines, uses: instance.ready, with: {instance: \"${{ each.nope }}\"}}\n": `each has no key "nope"`,
		"steps:\n  - {id: a, each: estate.machines, uses: instance.launch, with: {image: x, type: y}}\n  - {id: b, uses: instance.ready, with: {instance: \"${{ steps.a.instance }}\"}}\n": `write steps["a-www"]`,
		"steps:\n  - {id: a, each: estate.machines, needs: [zz], uses: manual}\n":                                                                                                          `there is no step "zz"`,
	} {
		_, err := compiled(t, Live, body)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s%v\nwant %s", body, err, want)
		}
	}
}

// With at_once no more of a group run than it says, and the forecast knows.
func TestAtOnce(t *testing.T) {
	p, err := compiled(t, Live, "steps:\n  - {id: copy, each: [a, b, c, d, e], at_once: 2, uses: instance.ready, budget: 10s, with: {instance: i}}\n")
	if err != nil {
		t.Fatalf("\n%s", err)
	}
	s := State{Steps: map[string]*StepState{}, Guards: map[string]*GuardState{}, StartedAt: time.Unix(1, 0)}
	started := func() (ids []string) {
		for _, f := range Decide(p, s) {
			if f, ok := f.(*StepStarted); ok {
				ids = append(ids, f.Step)
			}
		}
		return ids
	}
	if got := fmt.Sprint(started()); got != "[copy-a copy-b]" {
		t.Errorf("at first %s start", got)
	}
	s.Steps["copy-a"], s.Steps["copy-b"] = &StepState{Status: StatusRunning}, &StepState{Status: StatusDone}
	if got := fmt.Sprint(started()); got != "[copy-c]" {
		t.Errorf("with one done and one running %s start", got)
	}
	s.Steps["copy-a"].Status, s.Steps["copy-a"].Question = StatusFailed, 7
	if got := fmt.Sprint(started()); got != "[copy-c copy-d]" {
		t.Errorf("what waits for a person must not keep the others: %s", got)
	}
	fresh := State{Steps: map[string]*StepState{}, StartedAt: time.Unix(1, 0), ClockFrom: time.Unix(1, 0)}
	if f := Foresee(p, &fresh, time.Unix(1, 0), nil, nil); f.P50 != 30*time.Second {
		t.Errorf("five of ten seconds, two at once, are forecast to take %s", f.P50)
	}
	if _, total := CriticalPath(p, func(string) time.Duration { return 10 * time.Second }); total != 30*time.Second {
		t.Errorf("and the critical path %s", total)
	}
}

// The word that starts a run is the standby region unless the runbook says another: a relaunch stays where it is.
func TestWordOfARunbook(t *testing.T) {
	for line, want := range map[string]string{
		"": "us-east-1", "word: RELAUNCH\n": "RELAUNCH", "word: ${{ estate.production.region }}\n": "us-west-1",
	} {
		p, err := compiled(t, Live, line+"steps:\n  - {id: a, uses: manual}\n")
		if err != nil || p.Word != want {
			t.Errorf("%q: %+v, %v", line, p, err)
		}
	}
	if _, err := compiled(t, Live, "word: \"x \"\nsteps:\n  - {id: a, uses: manual}\n"); err == nil {
		t.Error("a word that nobody can type as it is shown is taken")
	}
}

// Two lists of mappings are two lists, however alike they look.
func TestEachListsOfMappings(t *testing.T) {
	p, err := compiled(t, Live, `steps:
  - {id: one, each: [{name: a, zone: us-east-1a}], title: "${{ each.zone }}", uses: manual, needs: []}
  - {id: two, each: [{name: b, zone: us-east-1b}], title: "${{ each.zone }}", uses: manual, needs: []}
`)
	if err != nil {
		t.Fatalf("\n%s", err)
	}
	for id, want := range map[string]string{"one-a": "us-east-1a", "two-b": "us-east-1b"} {
		if s, ok := p.Step(id); !ok || s.Title != want {
			t.Errorf("%s: %+v", id, s)
		}
	}
}
