package runbook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Runbook is a runbook as it was written: read and checked for form, not yet compiled against an estate. The `key` tags
// are its words in the file. It is immutable.
type Runbook struct {
	Name       string   `key:"name,required" doc:"short name, as in lifeboat run NAME"`
	Title      string   `key:"title" doc:"what it does, in one line; expressions allowed"`
	Summary    string   `key:"summary" doc:"when to use it; expressions allowed"`
	Estate     string   `key:"estate" doc:"the estate file, relative to this one"`
	Target     Duration `key:"target" doc:"the time it should take: the countdown"`
	DrillEvery Duration `key:"drill_every" doc:"how often it should be drilled, such as 90d"`
	Confirm    Confirm  `key:"confirm" doc:"what a person does before a live run starts: none, key (the default), or type the word"`
	Word       string   `key:"word" doc:"the word to type; the standby region when left out; expressions allowed"`
	Inputs     []Input  `key:"inputs" doc:"what the operator chooses when it starts"`

	Guards []guardFile `key:"guards" doc:"what must hold, or be waived, before the first step"`
	Steps  []stepFile  `key:"steps,required" doc:"what is done; a step without needs follows the step above it"`

	Source Source // the file's bytes and digest
	doc    *document
}

// Input is something the operator chooses when a run starts. Without Options any text goes. Without a default it must
// be given.
type Input struct {
	ID       string
	Title    string
	Default  string
	Required bool          // it has no default
	Options  []InputOption // in the file's order; nil: free text
	node     *yaml.Node
}

// InputOption is one of the values that an input can have.
type InputOption struct{ Value, Title string }

// inputFile is an input as written, below its id.
type inputFile struct {
	Title   string        `key:"title" doc:"the question"`
	Default string        `key:"default" doc:"the answer when none is given; without it one must be given"`
	Options []InputOption `key:"options" doc:"the answers that are allowed, each with its meaning; any text when left out"`
}

type guardFile struct {
	ID      string     `key:"id,required" doc:"short name: lower-case letters, digits, - and _"`
	Title   string     `key:"title" doc:"what must hold; expressions allowed"`
	Uses    string     `key:"uses,required" doc:"the kind of the probe"`
	With    *yaml.Node `key:"with" doc:"its parameters"`
	In      []string   `key:"in" words:"live drill rehearse" doc:"the modes in which it applies; all when left out"`
	Waive   Confirm    `key:"waive" doc:"how the operator may sign it away: none (the default), key, or type the word"`
	Word    string     `key:"word" doc:"the word to type; the id in capitals when left out"`
	Timeout Duration   `key:"timeout" doc:"how long it may take to find out"`
	node    *yaml.Node
}

type stepFile struct {
	ID       string     `key:"id,required" doc:"short name: lower-case letters, digits, - and _"`
	Title    string     `key:"title" doc:"what it does; expressions allowed"`
	Why      string     `key:"why" doc:"why it is done, and why here; expressions allowed"`
	Uses     string     `key:"uses,required" doc:"its kind"`
	With     *yaml.Node `key:"with" doc:"its parameters"`
	If       string     `key:"if" doc:"expression: the step is not needed when it is false"`
	Needs    []string   `key:"needs" doc:"ids of the steps that come before; the step above when left out, none when []"`
	Confirm  Confirm    `key:"confirm" doc:"what a person does before it starts: none (the default), key, or type the word"`
	Word     string     `key:"word" doc:"the word to type; the id when left out"`
	Budget   Duration   `key:"budget" doc:"how long it should take; used for the forecast, and marked when it is over"`
	Timeout  Duration   `key:"timeout" doc:"how long one attempt may take"`
	Each     *yaml.Node `key:"each" doc:"makes the step once for each entry of a list or mapping of the estate, such as estate.machines; the entry is ${{ each }}"`
	AtOnce   int        `key:"at_once" doc:"how many of a step made by each may run at the same time; all when left out"`
	Fallback string     `key:"fallback" words:"ask auto" doc:"when it fails for good and its kind knows another way: ask (the default), or auto to take them in order"`
	Retry    retryFile  `key:"retry" doc:"how it is tried again after a failure that may pass"`
	node     *yaml.Node
	// Of a step that each has made: its entry, and the id in the file.
	item  *item
	group string
}

type retryFile struct {
	Attempts int      `key:"attempts" doc:"all together, the first one included; 3 when left out"`
	Base     Duration `key:"base" doc:"wait before the second attempt; it doubles from there; 500ms when left out"`
	Max      Duration `key:"max" doc:"the longest wait; 10s when left out"`
	node     *yaml.Node
}

// vetWord refuses a word that nobody could type as it is shown.
func vetWord(bad complain, n *yaml.Node, word string) {
	if strings.TrimSpace(word) != word || Clean(word) != word {
		bad(at(n, "word"), "use letters and digits", "the word cannot be typed as it is shown")
	}
}

func (g *guardFile) place(n *yaml.Node) { g.node = n }
func (s *stepFile) place(n *yaml.Node)  { s.node = n }
func (r *retryFile) place(n *yaml.Node) { r.node = n }

// Input finds an input by its id.
func (rb *Runbook) Input(id string) (Input, bool) {
	i := slices.IndexFunc(rb.Inputs, func(in Input) bool { return in.ID == id })
	if i < 0 {
		return Input{}, false
	}
	return rb.Inputs[i], true
}

func (d *decoder) inputs(n *yaml.Node) []Input {
	if n.Kind != yaml.MappingNode {
		d.bad(n, "", "inputs must be a mapping from names to questions")
		return nil
	}
	var out []Input
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		var f inputFile
		d.into(v, valueOf(&f), "input "+k.Value)
		in := Input{ID: k.Value, Title: Clean(f.Title), Default: f.Default, Options: f.Options, node: k}
		_, def := entry(v, "default")
		in.Required = def == nil
		if !idPattern.MatchString(k.Value) {
			d.bad(k, idHint, "%q cannot be the name of an input", k.Value)
		}
		if def != nil && len(in.Options) > 0 && !in.allows(in.Default) {
			d.bad(def, meant(in.Default, in.values()), "the default %q is not among the options", in.Default)
		}
		out = append(out, in)
	}
	return out
}

func (d *decoder) options(n *yaml.Node) []InputOption {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		d.bad(n, "write VALUE: what it means, one a line", "options must be a mapping from values to their meaning")
		return nil
	}
	var out []InputOption
	for i := 0; i+1 < len(n.Content); i += 2 {
		o := InputOption{Value: n.Content[i].Value}
		d.into(n.Content[i+1], valueOf(&o.Title), "option "+o.Value)
		if o.Title = Clean(o.Title); unsafe(o.Value) {
			d.bad(n.Content[i], "", "an option holds characters that cannot be shown")
		}
		out = append(out, o)
	}
	return out
}

func (in Input) allows(v string) bool {
	return len(in.Options) == 0 || slices.Contains(in.values(), v)
}

func (in Input) values() []string {
	out := make([]string, len(in.Options))
	for i, o := range in.Options {
		out[i] = o.Value
	}
	return out
}

var idPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

const idHint = "use lower-case letters, digits, - and _, a letter first"

// maxSteps keeps the work on a file in proportion.
const maxSteps = 2000

const maxSpan = 24 * time.Hour

// vet checks what needs neither estate nor catalog: ids, their order, and durations.
func (rb *Runbook) vet(rep *report) {
	bad := func(n *yaml.Node, hint, format string, args ...any) {
		rep.add(rb.doc, n.Line, n.Column, hint, format, args...)
	}
	if _, n := entry(rb.doc.root, "name"); n != nil && rb.Name != "" && !idPattern.MatchString(rb.Name) {
		bad(n, idHint, "%q cannot be the name of a runbook", rb.Name)
	}
	if !strings.Contains(rb.Word, "${{") {
		vetWord(bad, rb.doc.root, rb.Word)
	}
	rb.Title, rb.Summary = Clean(rb.Title), Clean(rb.Summary) // a plan folds them anew, from the file
	if rb.Target > Duration(maxSpan) {
		bad(at(rb.doc.root, "target"), "", "target is longer than a day")
	}
	if _, n := entry(rb.doc.root, "steps"); n != nil && n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		bad(n, "", "the runbook has no step")
	}
	if len(rb.Steps)+len(rb.Guards) > maxSteps {
		bad(rb.doc.root, "", "the runbook has more than %d steps", maxSteps)
		rb.Steps, rb.Guards = nil, nil
	}
	// What is not even a mapping was reported; the rest is looked at without it.
	rb.Guards = slices.DeleteFunc(rb.Guards, func(g guardFile) bool { return g.node == nil })
	rb.Steps = slices.DeleteFunc(rb.Steps, func(s stepFile) bool { return s.node == nil })
	seen := map[string]int{}
	for i := range rb.Guards {
		g := &rb.Guards[i]
		g.ID = vetID(bad, seen, g.node, "guard", g.ID)
		span(bad, g.node, "timeout", g.Timeout)
		vetWord(bad, g.node, g.Word)
		if _, n := entry(g.node, "in"); n != nil && len(g.In) == 0 && n.Kind == yaml.SequenceNode {
			bad(n, "leave it out when the guard applies in every mode", "in names no mode")
		}
	}
	for i := range rb.Steps {
		s := &rb.Steps[i]
		s.ID = vetID(bad, seen, s.node, "step", s.ID)
		s.vet(bad)
	}
}

type complain = func(n *yaml.Node, hint, format string, args ...any)

// vetID checks an id. A wrong one is replaced by one that nothing can refer to, so that the search for other mistakes
// can go on.
func vetID(bad complain, seen map[string]int, n *yaml.Node, what, id string) string {
	place := at(n, "id")
	switch line, twice := seen[id]; {
	case id == "": // it is missing, which was said
	case id == StartStep:
		bad(place, "", "%q means the start of the run and cannot be the id of a %s", id, what)
	case !idPattern.MatchString(id):
		bad(place, idHint, "%q cannot be the id of a %s", id, what)
	case twice:
		bad(place, "", "id %q stands twice, first on line %d", id, line)
	default:
		seen[id] = place.Line
		return id
	}
	return fmt.Sprintf("line %d column %d", place.Line, place.Column)
}

func (s *stepFile) vet(bad complain) {
	span(bad, s.node, "budget", s.Budget)
	span(bad, s.node, "timeout", s.Timeout)
	vetWord(bad, s.node, s.Word)
	if s.Budget > 0 && s.Timeout > 0 && s.Budget > s.Timeout {
		bad(at(s.node, "budget"), "", "the budget of %s is longer than the timeout of %s", s.Budget, s.Timeout)
	}
	r := s.Retry
	if r.node == nil {
		return
	}
	if _, n := entry(r.node, "attempts"); n != nil && (r.Attempts < 1 || r.Attempts > 100) && n.ShortTag() == "!!int" {
		bad(n, "", "attempts must be from 1 to 100")
	}
	span(bad, r.node, "base", r.Base)
	span(bad, r.node, "max", r.Max)
	if r.Base > 0 && r.Max > 0 && r.Base > r.Max {
		bad(at(r.node, "base"), "", "base %s is longer than max %s", r.Base, r.Max)
	}
}

// span refuses what is longer than a day; zero and less were refused when it was read.
func span(bad complain, n *yaml.Node, key string, d Duration) {
	if d > Duration(maxSpan) {
		bad(at(n, key), "", "%s is longer than a day", key)
	}
}

// given reports whether the step names what it needs.
func (s *stepFile) given() bool {
	_, n := entry(s.node, "needs")
	return n != nil
}
