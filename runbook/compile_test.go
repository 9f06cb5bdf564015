package runbook

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func compileIn(t testing.TB, mode Mode, change func(*CompileInput)) (*Plan, error) {
	t.Helper()
	in := CompileInput{
		Runbook: mustRunbook(t, "testdata/failover.yaml"), Estate: mustEstate(t, "testdata/estate.yaml"), Catalog: testCatalog(), Mode: mode,
	}
	if change != nil {
		change(&in)
	}
	return Compile(in)
}

func mustCompile(t testing.TB, mode Mode, change func(*CompileInput)) *Plan {
	t.Helper()
	p, err := compileIn(t, mode, change)
	if err != nil {
		t.Fatalf("\n%s", err)
	}
	return p
}

// inline compiles a runbook given as text, with the test estate.
func inline(t testing.TB, body string) (*Plan, error) {
	t.Helper()
	rb, err := Parse("inline.yaml", []byte("lifeboat: 1\nkind: runbook\nname: inline\n"+body))
	if err != nil {
		return nil, err
	}
	return Compile(CompileInput{Runbook: rb, Estate: mustEstate(t, "testdata/estate.yaml"), Catalog: testCatalog(), Mode: Live})
}

func TestPlanOfTheFailover(t *testing.T) {
	p := mustCompile(t, Live, nil)
	var lines []string
	for i := range p.Guards {
		g := &p.Guards[i]
		lines = append(lines, fmt.Sprintf("guard %s: %s; applies %v, waive %s %s, timeout %s", g.ID, g.Title, g.Applicable, g.Waive, g.Word, g.Timeout))
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		lines = append(lines, fmt.Sprintf("%s: %s; after %s, budget %s, timeout %s, attempts %d, constant %v", s.ID, s.Title,
			strings.Join(s.Needs, "+"), s.Budget, s.Timeout, s.Retry.Attempts, s.Constant))
	}
	want := `guard down: Production does not answer; applies true, waive none DOWN, timeout 1m0s
guard fenced: The old server cannot come back and write; applies true, waive type FENCED, timeout 1m0s
launch: Launch the copied image; after , budget 3s, timeout 1m0s, attempts 4, constant true
dns: Point www.example.com at 198.51.100.7; after launch, budget 5s, timeout 1m0s, attempts 3, constant true
ready: The server runs and answers ssh; after launch, budget 45s, timeout 5m0s, attempts 3, constant false
address: Give the server the address that DNS names; after ready, budget 10s, timeout 1m0s, attempts 3, constant false
attach: Attach the backup volume; after ready, budget 10s, timeout 1m0s, attempts 3, constant false
mount: Mount it; after address+attach, budget 10s, timeout 1m0s, attempts 3, constant false
quiesce: Stop the replica from taking writes, so that the copy is whole; after launch, budget 10s, timeout 1m0s, attempts 3, constant true
sync: Bring the volume up to date from the replica; after mount+quiesce, budget 10s, timeout 1m0s, attempts 3, constant false
services: Start the services; after sync, budget 10s, timeout 1m0s, attempts 3, constant false
serving: www.example.com answers from us-east-1; after dns+services, budget 10s, timeout 1m0s, attempts 3, constant true`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if p.Word != "us-east-1" || p.Confirm != ConfirmType || p.Target != 5*time.Minute || p.Title != "Fail production over to us-east-1" {
		t.Errorf("the plan's own words are wrong: %q %q %s %q", p.Word, p.Confirm, p.Target, p.Title)
	}
}

func TestStepsAreSortedByNeedThenAsWritten(t *testing.T) {
	p, err := inline(t, `steps:
  - {id: last, uses: manual, needs: [b, a]}
  - {id: b, uses: manual, needs: []}
  - {id: follows, uses: manual}
  - {id: a, uses: manual, needs: []}
`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range p.Steps {
		got = append(got, p.Steps[i].ID+"<"+strings.Join(p.Steps[i].Needs, ","))
		if s, ok := p.Step(p.Steps[i].ID); !ok || s != &p.Steps[i] {
			t.Errorf("step %q is not found by its id", p.Steps[i].ID)
		}
	}
	if want := "b< follows<b a< last<b,a"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if p.Confirm != ConfirmKey {
		t.Errorf("a runbook that says nothing asks for %q", p.Confirm)
	}
}

func TestDigestNamesEverythingThePlanDependsOn(t *testing.T) {
	base := mustCompile(t, Live, nil).Digest
	if again := mustCompile(t, Live, nil).Digest; again != base {
		t.Errorf("the same input gives %s and %s", base, again)
	}
	for what, other := range map[string]*Plan{
		"mode":  mustCompile(t, Rehearse, nil),
		"input": mustCompile(t, Live, func(in *CompileInput) { in.Inputs = map[string]string{"data": "nightly"} }),
		"runbook": mustCompile(t, Live, func(in *CompileInput) {
			in.Runbook, _ = Parse("failover.yaml", []byte(in.Runbook.Source.Text+"# more\n"))
		}),
		"estate": mustCompile(t, Live, func(in *CompileInput) {
			in.Estate, _ = ParseEstate("estate.yaml", []byte(in.Estate.Source().Text+"# more\n"))
		}),
	} {
		if other.Digest == base {
			t.Errorf("another %s has the same digest", what)
		}
	}
	if given := mustCompile(t, Live, func(in *CompileInput) { in.Inputs = map[string]string{"data": "replica"} }); given.Digest != base {
		t.Error("a default that is given has another digest than one that is not")
	}
}

func TestDrill(t *testing.T) {
	p := mustCompile(t, Drill, nil)
	want := []string{
		"address 198.51.100.9", "host 198.51.100.9", "volume vol-0ddddddddddddddd1", "record Z0EXAMPLE/drill.example.com./A",
		"record Z0EXAMPLE/drill.example.com./AAAA", "record Z0EXAMPLE/drill.example.com./CNAME",
	}
	var got []string
	for _, f := range p.Fence {
		got = append(got, f.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("the fence is %q, want %q", got, want)
	}
	if e := p.Estate; e.Standby.Volume.Zone != "us-east-1a" || e.Standby.Volume.ID.ID != "vol-0ddddddddddddddd1" || e.Service.Zone != "Z0EXAMPLE" {
		t.Errorf("the overlay is not merged key by key: %+v", e.Standby)
	}
	if p.Guards[0].Applicable || !p.Guards[1].Applicable {
		t.Error("`in:` is not heeded")
	}
	estate := mustEstate(t, "testdata/estate.yaml")
	if _, err := estate.In(Drill); err != nil {
		t.Fatal(err)
	}
	if estate.Standby.Address.ID != "198.51.100.7" || estate.Standby.Replica.Host != "192.0.2.10" {
		t.Error("laying the overlay over the estate has changed the estate")
	}
	if live := mustCompile(t, Live, nil); len(live.Fence) != 0 {
		t.Error("a live run has a fence")
	}
}

func TestDrillNeedsAnOverlay(t *testing.T) {
	_, err := compileIn(t, Drill, func(in *CompileInput) {
		text, _, _ := strings.Cut(in.Estate.Source().Text, "drill:")
		in.Estate, _ = ParseEstate("estate.yaml", []byte(text))
	})
	if err == nil || !strings.Contains(err.Error(), "\n    drill:\n") {
		t.Errorf("the error does not show what to write: %v", err)
	}
	byHand := &Estate{Name: "x", Standby: Site{Region: "us-east-1"}, Drill: map[string]any{"standby": map[string]any{"address": "192.0.2.9"}}}
	if e, err := byHand.In(Drill); err != nil || e.Standby.Address.ID != "192.0.2.9" || e.Standby.Region != "us-east-1" {
		t.Errorf("an overlay that was not read from a file: %+v, %v", e, err)
	}
}

func TestSelectors(t *testing.T) {
	byTags := func(in *CompileInput) {
		text := strings.Replace(in.Estate.Source().Text, "image: ami-0bbbbbbbbbbbbbbb1", "image: {tags: {role: web}, newest: true}", 1)
		text = strings.Replace(text, "volume: {id: vol-0ddddddddddddddd1}", "volume: {id: {tags: {role: drill}}}", 1)
		in.Estate, _ = ParseEstate("estate.yaml", []byte(text))
	}
	if _, err := compileIn(t, Live, byTags); err == nil || !strings.Contains(err.Error(), "standby.image is chosen by tags") {
		t.Errorf("an image that nobody resolved: %v", err)
	}
	p := mustCompile(t, Live, func(in *CompileInput) { byTags(in); in.Offline = true })
	if probe, err := p.Bind("launch", nil, nil); err != nil || probe.(*launchKind).Image != "?" || probe.(*launchKind).Region != "?" {
		t.Errorf("offline: %+v, %v", probe, err)
	}
	var paths []string
	for _, mode := range []Mode{Live, Drill} {
		var in CompileInput
		in.Estate = mustEstate(t, "testdata/estate.yaml")
		byTags(&in)
		e, err := in.Estate.In(mode)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range e.Unresolved() {
			paths = append(paths, fmt.Sprintf("%s %s %s %s", mode, u.Path, u.Kind, u.Region))
		}
	}
	want := []string{"live standby.image image us-east-1", "drill standby.image image us-east-1", "drill standby.volume.id volume us-east-1"}
	if !slices.Equal(paths, want) {
		t.Errorf("got %q, want %q", paths, want)
	}
	resolved := map[string]string{"standby.image": "ami-9", "standby.volume.id": "vol-9"}
	p = mustCompile(t, Drill, func(in *CompileInput) { byTags(in); in.Resolved = resolved })
	if probe, err := p.Bind("launch", nil, nil); err != nil || probe.(*launchKind).Image != "ami-9" {
		t.Errorf("resolved: %+v, %v", probe, err)
	}
	if !slices.Contains(p.Fence, Target{Kind: "volume", ID: "vol-9", Region: "us-east-1"}) {
		t.Errorf("the fence does not hold the resolved volume: %v", p.Fence)
	}
	if _, err := compileIn(t, Live, func(in *CompileInput) { byTags(in); in.Resolved = resolved }); err == nil {
		t.Error("an id for what is not chosen by tags was accepted")
	}
}

func TestBind(t *testing.T) {
	p := mustCompile(t, Live, nil)
	host := map[string]any{"address": "198.51.100.7", "id": "i-1"}
	s := &State{Steps: map[string]*StepState{"launch": {Outputs: map[string]any{"instance": "i-1"}}, "address": {Outputs: map[string]any{"host": host}}}}
	probe, err := p.Bind("sync", s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := probe.(*rsyncKind); r.From.Host.Address != "192.0.2.10" || r.To.Host.ID != "i-1" || r.To.Path != "/srv/data" || r.Wait != Duration(30*time.Second) {
		t.Errorf("%+v", r)
	}
	_, err = p.Bind("ready", &State{}, nil)
	var f *Failure
	if !errors.As(err, &f) || f.Verdict != Definitive || !strings.Contains(f.What, "failover.yaml:48:22") || !strings.Contains(f.What, "steps.launch.instance") {
		t.Errorf("a missing output: %v", err)
	}
	if _, err := p.Bind("nope", s, nil); err == nil {
		t.Error("a step that does not exist was bound")
	}
	if g, err := p.BindGuard("down", nil); err != nil || g.(*httpKind).URL != "http://www.example.com/" || g.(*httpKind).Status != 200 {
		t.Errorf("%+v, %v", g, err)
	}
}

func TestNeeded(t *testing.T) {
	p := mustCompile(t, Live, func(in *CompileInput) { in.Inputs = map[string]string{"data": "nightly"} })
	for step, want := range map[string]bool{"launch": true, "sync": false, "quiesce": false, "services": true} {
		if got, err := p.Needed(step, &State{}); err != nil || got != want {
			t.Errorf("%s: needed %v, %v", step, got, err)
		}
	}
	p, err := inline(t, `steps:
  - {id: page, uses: http.up, with: {url: "http://192.0.2.1/"}}
  - {id: a, uses: manual, if: steps.page.status == 200 && steps.page.up}
  - {id: b, uses: manual, needs: [page], if: "${{ steps.page.status }}"}
`)
	if err != nil {
		t.Fatal(err)
	}
	s := &State{Steps: map[string]*StepState{"page": {Outputs: map[string]any{"status": 200.0, "up": true}}}}
	if got, err := p.Needed("a", s); err != nil || !got || p.Steps[1].Constant {
		t.Errorf("needed %v, %v", got, err)
	}
	if _, err := p.Needed("b", s); err == nil {
		t.Error("a condition that is a number was taken for true or false")
	}
}

type vault map[string]string

func (v vault) Secret(name string) (string, error) {
	if s, ok := v[name]; ok {
		return s, nil
	}
	return "", fmt.Errorf("it is not set")
}

func TestSecrets(t *testing.T) {
	p, err := inline(t, `steps:
  - id: page
    uses: http.up
    with:
      url: "http://192.0.2.1/"
      token: ${{ secret.TOKEN }}
      headers: {Authorization: "Bearer ${{ secret.TOKEN }}", Accept: text/plain}
`)
	if err != nil {
		t.Fatal(err)
	}
	const canary = "canary-4711"
	for name, secrets := range map[string]Secrets{"opaque": nil, "resolved": vault{"TOKEN": canary}} {
		probe, err := p.Bind("page", nil, secrets)
		if err != nil {
			t.Fatal(err)
		}
		h := probe.(*httpKind)
		asJSON, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		shown := fmt.Sprintf("%v %+v %#v %s %q %x %d", h, h, h, h.Token, h.Token, h.Token, h.Token) + string(asJSON) +
			fmt.Sprint(h.Headers, struct{ s Secret }{h.Token})
		if strings.Contains(shown, canary) || strings.Contains(shown, fmt.Sprintf("%x", canary)) {
			t.Errorf("%s: the secret shows itself: %s", name, shown)
		}
		if !strings.Contains(shown, "[secret TOKEN]") {
			t.Errorf("%s: the secret is not named: %s", name, shown)
		}
		want := map[string]string{"opaque": "", "resolved": canary}[name]
		if got := h.Token.Reveal(); got != want {
			t.Errorf("%s: revealed %q, want %q", name, got, want)
		}
		if got := h.Headers["Accept"].Reveal(); got != "text/plain" {
			t.Errorf("%s: what is no secret is revealed as %q", name, got)
		}
	}
	if got := p.Digest + fmt.Sprintf("%+v", p); strings.Contains(got, canary) {
		t.Error("the plan holds the secret")
	}
	if _, err := p.Bind("page", nil, vault{}); err == nil || !strings.Contains(err.Error(), "TOKEN") {
		t.Errorf("a secret that is not set: %v", err)
	}
}

// A kind whose default is wrong is a mistake of its programmer; it must not pass unseen.
func TestWrongDefaultIsReported(t *testing.T) {
	type wrong struct {
		still
		A string `with:"a" default:"with.b"`
	}
	rb, err := Parse("x.yaml", []byte(head+"  - {id: a, uses: wrong}\n"))
	if err != nil {
		t.Fatal(err)
	}
	catalog := NewCatalog(Kind{Name: "wrong", New: func() Probe { return &wrong{} }})
	_, err = Compile(CompileInput{Runbook: rb, Estate: &Estate{}, Catalog: catalog, Mode: Live})
	if err == nil || !strings.Contains(err.Error(), `the default of "a"`) {
		t.Errorf("got %v", err)
	}
}

func TestPlanIsSafeForConcurrentUse(t *testing.T) {
	p := mustCompile(t, Live, nil)
	host := map[string]any{"address": "198.51.100.7"}
	s := &State{Steps: map[string]*StepState{"launch": {Outputs: map[string]any{"instance": "i-1"}}, "address": {Outputs: map[string]any{"host": host}}}}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range p.Steps {
				if _, err := p.Bind(p.Steps[i].ID, s, nil); err != nil {
					t.Error(err)
				}
				if _, err := p.Needed(p.Steps[i].ID, s); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// What cannot be shown safely does not get into a plan.
func TestTextOfFilesIsSafe(t *testing.T) {
	p, err := inline(t, "title: \"over\\u202eride \\e[31mred\"\nsteps: [{id: a, uses: manual, why: \"\\rOK\", if: \"true\\t\"}]\n"+
		"inputs: {x: {title: \"\\e]0;x\\aWhich\", default: a, options: {a: \"\\u200bA\"}}}\n")
	if err != nil {
		t.Fatal(err)
	}
	if p.Title != "override red" || p.Steps[0].Why != " OK" {
		t.Errorf("%q %q", p.Title, p.Steps[0].Why)
	}
	rb, err := Parse("x.yaml", []byte(p.RunbookSource.Text))
	if err != nil {
		t.Fatal(err)
	}
	if in, _ := rb.Input("x"); in.Title != "Which" || in.Options[0].Title != "A" || rb.Title != "override red" {
		t.Errorf("%+v %q", in, rb.Title)
	}
	for _, bad := range []string{"steps: [{id: a, uses: manual, word: \"\\u200bx\"}]\n", "steps: [{id: a, uses: manual, word: ' x'}]\n"} {
		if _, err := inline(t, bad); err == nil {
			t.Errorf("accepted: %s", bad)
		}
	}
	text := strings.Replace(mustEstate(t, "testdata/estate.yaml").Source().Text, "name: shop", "name: \"sh\\u202eop\"", 1)
	if _, err := ParseEstate("x.yaml", []byte(text)); err == nil {
		t.Error("an estate whose name turns the writing round was accepted")
	}
}
