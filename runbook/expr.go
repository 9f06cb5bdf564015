package runbook

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// The limits of one expression. There are no loops and no functions with side effects, clock or environment, so an
// expression's cost is bounded by its length and by the values it reads.
const (
	maxExpression = 2 << 10
	maxNodes      = 200
	maxResult     = 64 << 10 // characters of text that one value may come to
)

// functions are the builtins of the expression language that a runbook may use. The rest is left out on purpose: what
// loops, what reads a clock, what can make much out of little.
var functions = map[string]bool{
	"len": true, "string": true, "int": true, "float": true, "trim": true, "trimPrefix": true, "trimSuffix": true,
	"upper": true, "lower": true, "split": true, "hasPrefix": true, "hasSuffix": true, "indexOf": true,
	"lastIndexOf": true, "first": true, "last": true, "max": true, "min": true, "abs": true, "ceil": true, "floor": true,
	"round": true, "type": true, "keys": true, "values": true, "get": true,
}

// expression is compiled. Either it is a constant, or it reads outputs, secrets or other parameters: refs names them
// as they stand in the environment, such as "steps.launch.instance".
type expression struct {
	source   string
	constant bool
	value    any              // of a constant
	bare     string           // the one ref, when the expression is nothing else
	through  func(any) string // region_of, when it is that of the one ref
	refs     []string         // what it needs from its environment, sorted
	own      bool             // it reads each: the same text is another value in another step
	keys     []string         // estate keys that it read and found empty
	program  *vm.Program
}

// scope is what the expressions of one place may read.
type scope struct {
	estate  *Estate
	runbook *Runbook
	inputs  map[string]string
	mode    Mode
	config  *conf.Config
	item    *item                             // the entry of a step that each has made
	groups  map[string]*group                 // the steps as they stand in the file
	step    string                            // the step that reads; "" for a guard or a title
	reach   bitset                            // steps that come before it, transitively
	index   map[string]int                    // place of every step in the file
	kinds   map[string]Kind                   // of every step
	order   []string                          // ids of the steps, in the file's order
	secrets bool                              // secrets may be read here
	with    []string                          // names of the parameters, in a default
	titles  bool                              // for a title: no outputs
	idle    bool                              // the step's condition is constantly false
	folded  int                               // characters of text that constants came to
	known   map[string]*expression            // constants that were compiled already
	presets map[string]map[string]*expression // defaults of a kind's parameters, by kind
}

// misfit is a mistake in an expression, at an offset in bytes.
type misfit struct {
	offset     int
	text, hint string
}

// newConfig makes the language's configuration for one compilation.
func newConfig(e *Estate) *conf.Config {
	c := conf.New(map[string]any{})
	c.Strict, c.Optimize, c.MaxNodes = false, false, maxNodes
	for name := range c.Builtins {
		if !functions[name] {
			delete(c.Builtins, name)
			c.Disabled[name] = true
		}
	}
	ownFunctions(e, c)
	return c
}

// compile parses, checks and folds an expression.
func (s *scope) compile(source string) (*expression, *misfit) {
	lead := len(source) - len(strings.TrimLeft(source, " \t\n"))
	text := strings.TrimSpace(source)
	switch {
	case text == "":
		return nil, &misfit{offset: 0, text: "the expression is empty"}
	case len(text) > maxExpression:
		return nil, &misfit{offset: lead, text: fmt.Sprintf("the expression is longer than %d characters", maxExpression)}
	}
	if x, ok := s.known[text]; ok {
		return x, nil
	}
	x := &expression{source: text}
	w := &walker{scope: s, x: x}
	tree := &parser.Tree{}
	var err error
	if path, nodes := plainPath(text); path != nil {
		tree.Node = w.name(nodes[0], path, nodes)
	} else if tree, err = parser.ParseWithConfig(text, s.config); err != nil {
		return nil, located(err, text, lead)
	} else {
		tree.Node = w.walk(tree.Node)
	}
	if w.wrong != nil {
		w.wrong.offset = lead + byteOffset(text, w.wrong.offset)
		return nil, w.wrong
	}
	slices.Sort(x.refs)
	x.refs = slices.Compact(x.refs)
	if wrong := s.finish(x, tree); wrong != nil {
		wrong.offset += lead
		return nil, wrong
	}
	if x.constant && !x.own {
		s.known[text] = x // the same in every place
	}
	return x, nil
}

// finish makes a program of a checked tree, and a value of what is known now.
func (s *scope) finish(x *expression, tree *parser.Tree) *misfit {
	switch n := tree.Node.(type) {
	case *ast.ConstantNode:
		x.constant, x.value = true, n.Value
		return nil
	case *ast.IdentifierNode:
		x.bare = n.Value
		return nil
	case *ast.CallNode: // the commonest default of all, without a machine
		if id, ok := n.Arguments[0].(*ast.IdentifierNode); ok && len(n.Arguments) == 1 {
			x.bare, x.through = id.Value, s.estate.regionOf
			return nil
		}
	}
	if _, err := checker.Check(tree, s.config); err != nil {
		return located(err, x.source, 0)
	}
	var err error
	if x.program, err = compiler.Compile(tree, s.config); err != nil {
		return located(err, x.source, 0)
	}
	if len(x.refs) > 0 {
		return nil
	}
	if s.folded > maxFolded {
		return &misfit{text: fmt.Sprintf("the expressions of this runbook come to more than %d MiB of text", maxFolded>>20)}
	}
	x.constant = true
	if x.value, err = x.run(nil); err != nil {
		s.folded += maxFolded / 100 // what fails has a cost too
		return located(err, x.source, 0)
	}
	if text, ok := x.value.(string); ok {
		s.folded += len(text)
	}
	return nil
}

// located turns an error of the expression language into a misfit.
func located(err error, text string, lead int) *misfit {
	var e *file.Error
	if !errors.As(err, &e) {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return &misfit{offset: lead, text: first}
	}
	return &misfit{offset: lead + byteOffset(text, e.From), text: plainer(e.Message)}
}

// plainer rewords the language's messages that speak of its own insides.
func plainer(msg string) string {
	msg, _, _ = strings.Cut(msg, "\n")
	if rest, ok := strings.CutPrefix(msg, "unexpected token "); ok {
		if strings.HasPrefix(rest, "EOF") {
			return "the expression ends too early"
		}
		return "unexpected " + tokenText(rest)
	}
	return msg
}

// tokenText turns `Operator("+")` into `"+"`.
func tokenText(s string) string {
	if i := strings.IndexByte(s, '('); i >= 0 && strings.HasSuffix(s, ")") {
		return s[i+1 : len(s)-1]
	}
	return s
}

// byteOffset turns an offset in characters into one in bytes.
func byteOffset(s string, runes int) int {
	i := 0
	for ; runes > 0 && i < len(s); runes-- {
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return i
}

// eval gives the value. The environment maps refs to values.
func (x *expression) eval(env map[string]any) (any, error) {
	switch {
	case x.constant:
		return x.value, nil
	case x.through != nil:
		return x.through(env[x.bare]), nil
	case x.bare != "":
		return env[x.bare], nil
	}
	return x.run(env)
}

func (x *expression) run(env map[string]any) (v any, err error) {
	defer func() {
		if r := recover(); r != nil {
			v, err = nil, fmt.Errorf("%v", r)
		}
	}()
	if env == nil {
		env = map[string]any{}
	}
	machine := vm.VM{MemoryBudget: 1e5}
	v, err = machine.Run(x.program, env)
	if err != nil {
		var e *file.Error
		if errors.As(err, &e) {
			return nil, errors.New(plainer(e.Message))
		}
		return nil, err
	}
	if s, ok := v.(string); ok && len(s) > maxResult {
		return nil, fmt.Errorf("the text is longer than %d KiB", maxResult>>10)
	}
	return v, nil
}

// stepsRead lists the ids of the steps whose outputs it reads.
func (x *expression) stepsRead() []string {
	var out []string
	for _, r := range x.refs {
		if id, _, ok := stepRef(r); ok {
			out = append(out, id)
		}
	}
	return out
}

// stepRef takes "steps.ID.OUTPUT" apart.
func stepRef(ref string) (id, output string, ok bool) {
	rest, ok := strings.CutPrefix(ref, "steps.")
	if !ok {
		return "", "", false
	}
	id, output, ok = strings.Cut(rest, ".")
	return id, output, ok
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
