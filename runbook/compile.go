package runbook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// CompileInput is everything a plan depends on.
type CompileInput struct {
	Runbook  *Runbook
	Estate   *Estate // as parsed: the drill overlay is laid over it here
	Catalog  *Catalog
	Mode     Mode
	Inputs   map[string]string
	Resolved map[string]string // ids of what the estate chooses by tags, by UnresolvedRef.Path
	Offline  bool              // what was not resolved reads "?" instead of being an error
}

// Defaults of a step that says nothing, and whose kind says nothing.
const (
	DefaultTimeout = 5 * time.Minute
	maxInput       = 64 << 10
	maxFolded      = 8 << 20 // characters of text in one plan
)

// DefaultRetry is how a step's transient failures are tried again when it does not say.
var DefaultRetry = Retry{Attempts: 3, Base: 500 * time.Millisecond, Max: 10 * time.Second}

// Compile turns a runbook into a plan. The error is Problems: every mistake at once. The same input gives the same
// plan.
func Compile(in CompileInput) (*Plan, error) {
	rep := &report{}
	p := compile(in, rep)
	if err := rep.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// CompileFiles reads both files and compiles them. Its error is Problems: every mistake of both files at once, as far
// as one does not hide another. in.Runbook and in.Estate are what it has read, and need not be set; the paths of the
// sources are for messages.
func CompileFiles(runbookFile, estateFile Source, in CompileInput) (*Plan, error) {
	rep := &report{}
	in.Runbook = parseRunbook(runbookFile.Path, []byte(runbookFile.Text), rep)
	before := len(rep.list)
	in.Estate = parseEstate(estateFile.Path, []byte(estateFile.Text), rep)
	var p *Plan
	// A broken estate would make every expression that reads it look wrong.
	if in.Runbook != nil && in.Estate != nil && len(rep.list) == before {
		p = compile(in, rep)
	}
	if err := rep.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// compile notes every mistake in rep; the plan counts only when there is none.
func compile(in CompileInput, rep *report) *Plan {
	if !slices.Contains([]Mode{Live, Drill, Rehearse}, in.Mode) {
		rep.add(nil, 0, 0, "one of: live, drill, rehearse", "there is no mode %q", in.Mode)
		return nil
	}
	merged := in.Estate.in(in.Mode, rep)
	c := &compilation{in: in, rb: in.Runbook, rep: rep, kinds: map[string]Kind{}, steps: map[string]*stepFile{}}
	c.estate = merged.resolve(in.Resolved, in.Offline, rep)
	c.inputs = c.takeInputs()
	c.scope = &scope{
		estate: c.estate, runbook: c.rb, inputs: c.inputs, mode: in.Mode, config: newConfig(c.estate), kinds: c.kinds,
		groups: map[string]*group{}, known: map[string]*expression{}, presets: map[string]map[string]*expression{},
	}
	c.plan = &Plan{
		Name: c.rb.Name, Mode: in.Mode, Target: time.Duration(c.rb.Target), Confirm: orElse(c.rb.Confirm, ConfirmKey),
		Inputs: c.inputs, Estate: c.estate, RunbookSource: c.rb.Source,
		EstateSource: c.estate.source, index: map[string]int{},
	}
	if c.plan.Word = strings.TrimSpace(c.text(c.rb.doc.root, "word", c.estate.Standby.Region)); c.plan.Word == "" {
		c.plan.Word = c.estate.Standby.Region
	}
	c.plan.Title, c.plan.Summary = c.text(c.rb.doc.root, "title", c.rb.Name), c.text(c.rb.doc.root, "summary", "")
	c.order()
	c.scope.groups = c.groups
	c.guards()
	for _, s := range c.sorted {
		c.step(s)
	}
	if in.Mode == Drill {
		c.plan.Fence = c.estate.fence()
	}
	c.plan.Digest = c.digest()
	return c.plan
}

// compilation is the state of one Compile.
type compilation struct {
	in     CompileInput
	rb     *Runbook
	estate *Estate // merged and resolved
	inputs map[string]string
	rep    *report
	scope  *scope
	kinds  map[string]Kind
	steps  map[string]*stepFile
	needs  map[string][]string
	before map[string]bitset // every step that comes before, transitively
	inFile []*group          // the steps as they stand in the file
	groups map[string]*group // by their ids
	files  []*stepFile       // what is made of them, in the file's order
	sorted []*stepFile
	plan   *Plan
	folded int
}

func (c *compilation) bad(n *yaml.Node, hint, format string, args ...any) {
	c.rep.add(c.rb.doc, n.Line, n.Column, hint, format, args...)
}

// takeInputs checks what was given against what the runbook asks for.
func (c *compilation) takeInputs() map[string]string {
	out := make(map[string]string, len(c.rb.Inputs))
	var known []string
	for _, in := range c.rb.Inputs {
		known = append(known, in.ID)
		v, given := c.in.Inputs[in.ID]
		switch {
		case !given && in.Required:
			c.bad(in.node, fmt.Sprintf("give it with --set %s=VALUE", in.ID), "input %q has no default and was not given", in.ID)
		case !given:
			v = in.Default
		case !in.allows(v):
			c.bad(in.node, meant(v, in.values()), "%q is not among the options of input %q", clip(v, 60), in.ID)
		case len(v) > maxInput:
			c.bad(in.node, "", "the value of input %q is longer than %d KiB", in.ID, maxInput>>10)
		case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
			c.bad(in.node, "", "the value of input %q is not text: it holds bytes that are not UTF-8, or a NUL", in.ID)
		}
		out[in.ID] = v
	}
	for _, id := range sortedKeys(c.in.Inputs) {
		if !slices.Contains(known, id) {
			c.rep.add(c.rb.doc, 0, 0, meant(id, known), "the runbook has no input %q", clip(id, 60))
		}
	}
	return out
}

// text folds a text that is shown before the run starts.
func (c *compilation) text(owner *yaml.Node, key, otherwise string) string {
	_, n := entry(owner, key)
	if n == nil || n.Value == "" {
		return otherwise
	}
	if !strings.Contains(n.Value, "${{") {
		return Clean(n.Value)
	}
	c.scope.titles = true
	defer func() { c.scope.titles = false }()
	list, _, wrong := c.scope.pieces(n.Value)
	if wrong != nil {
		line, column := c.rb.doc.place(n, wrong.offset)
		c.rep.add(c.rb.doc, line, column, wrong.hint, "%s", wrong.text)
		return otherwise
	}
	var b strings.Builder
	for _, p := range list {
		if p.x == nil {
			b.WriteString(p.literal)
			continue
		}
		s, err := asText(p.x.value)
		if err != nil {
			line, column := c.rb.doc.place(n, p.offset)
			c.rep.add(c.rb.doc, line, column, "", "%s", err)
		}
		b.WriteString(s)
	}
	if c.folded += b.Len(); c.folded > maxFolded {
		c.bad(n, "", "the texts of this runbook come to more than %d MiB", maxFolded>>20)
		return otherwise
	}
	return Clean(b.String())
}

// kind finds the kind of a step or guard.
func (c *compilation) kind(owner *yaml.Node, name string) (Kind, bool) {
	k, ok := c.in.Catalog.Kind(name)
	if !ok && name != "" {
		var known []string
		for _, k := range c.in.Catalog.kinds {
			known = append(known, k.Name)
		}
		c.bad(at(owner, "uses"), meant(name, known), "there is no kind %q", name)
	}
	return k, ok
}

func (c *compilation) guards() {
	for i := range c.rb.Guards {
		g := &c.rb.Guards[i]
		planned := PlannedGuard{
			ID: g.ID, Title: c.text(g.node, "title", g.ID), Waive: g.Waive, Word: g.Word, Timeout: time.Duration(g.Timeout),
			Applicable: len(g.In) == 0 || slices.Contains(g.In, string(c.in.Mode)),
		}
		if planned.Waive == "" {
			planned.Waive = ConfirmNone
		}
		if planned.Word == "" {
			planned.Word = strings.ToUpper(g.ID)
		}
		kind, ok := c.kind(g.node, g.Uses)
		if !ok {
			continue
		}
		if kind.Person {
			c.bad(at(g.node, "uses"), "make it the first step instead", "kind %q is done by a person and cannot be a guard", kind.Name)
		}
		if planned.Timeout == 0 {
			planned.Timeout = orElse(kind.Timeout, DefaultTimeout)
		}
		c.scope.step, c.scope.reach = "", nil
		planned.Kind, planned.with = kind, c.scope.withOf(c.rb.doc, g.With, g.node, kind, c.rep)
		c.plan.Guards = append(c.plan.Guards, planned)
	}
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func (c *compilation) step(s *stepFile) {
	c.scope.item = s.item
	defer func() { c.scope.item = nil }()
	planned := PlannedStep{
		Group: s.group, AtOnce: s.AtOnce,
		ID: s.ID, Title: c.text(s.node, "title", s.ID), Why: c.text(s.node, "why", ""), Needs: c.needs[s.ID],
		Confirm: orElse(s.Confirm, ConfirmNone), Word: orElse(s.Word, s.ID), Fallback: orElse(s.Fallback, FallbackAsk), If: Clean(s.If), Constant: true,
		Retry: Retry{
			Attempts: orElse(s.Retry.Attempts, DefaultRetry.Attempts),
			Base:     orElse(time.Duration(s.Retry.Base), DefaultRetry.Base), Max: orElse(time.Duration(s.Retry.Max), DefaultRetry.Max),
		},
	}
	planned.Retry.Max = max(planned.Retry.Max, planned.Retry.Base)
	c.scope.step, c.scope.reach = s.ID, c.before[s.ID]
	planned.cond = c.condition(s)
	kind, ok := c.kinds[s.ID]
	if !ok || kind.Name == "" {
		return
	}
	planned.Kind = kind
	planned.Timeout = orElse(time.Duration(s.Timeout), orElse(kind.Timeout, DefaultTimeout))
	planned.Budget = time.Duration(s.Budget)
	switch {
	case planned.Budget == 0:
		planned.Budget = min(kind.Budget, planned.Timeout)
	case planned.Budget > planned.Timeout && s.Timeout == 0:
		c.bad(at(s.node, "budget"), "give the step a timeout", "the budget of %s is longer than the timeout of %s that kind %q has",
			s.Budget, planned.Timeout, kind.Name)
	}
	c.scope.idle = planned.cond != nil && planned.cond.constant && planned.cond.value == false
	planned.with = c.scope.withOf(c.rb.doc, s.With, s.node, kind, c.rep)
	c.scope.idle = false
	if len(planned.with.reads) > 0 || planned.cond != nil && len(planned.cond.stepsRead()) > 0 {
		planned.Constant = false
	}
	c.plan.index[s.ID] = len(c.plan.Steps)
	c.plan.Steps = append(c.plan.Steps, planned)
}

// condition compiles `if`: an expression, with or without the braces.
func (c *compilation) condition(s *stepFile) *expression {
	_, n := entry(s.node, "if")
	if n == nil {
		return nil
	}
	source, lead := n.Value, 0
	if t := strings.TrimSpace(source); strings.HasPrefix(t, "${{") && strings.HasSuffix(t, "}}") && closing(t, 3) == len(t)-2 {
		lead = strings.Index(source, "${{") + 3
		source = source[lead:strings.LastIndex(source, "}}")]
	}
	x, wrong := c.scope.compile(source)
	if wrong != nil {
		line, column := c.rb.doc.place(n, lead+wrong.offset)
		c.rep.add(c.rb.doc, line, column, wrong.hint, "%s", wrong.text)
		return nil
	}
	if _, isBool := x.value.(bool); x.constant && !isBool {
		c.bad(n, "compare it with something: inputs.data == \"replica\"", "a condition must be true or false, not %s", nounOf(x.value))
	}
	return x
}

// digest names the plan: the same files, mode, inputs and ids give the same digest in every process.
func (c *compilation) digest() string {
	b, err := json.Marshal(struct {
		Runbook, Estate  string
		Mode             Mode
		Inputs, Resolved map[string]string
	}{c.rb.Source.Digest, c.estate.source.Digest, c.in.Mode, c.inputs, c.in.Resolved})
	if err != nil { // strings and maps of strings always marshal
		panic(err)
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
