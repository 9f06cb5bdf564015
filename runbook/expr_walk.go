package runbook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
)

// walker checks every name of an expression and replaces what is known by its value: estate, inputs and mode become
// constants, outputs, secrets and parameters become names of the environment.
type walker struct {
	scope *scope
	x     *expression
	wrong *misfit // the first mistake, its offset in characters
}

func (w *walker) fail(n ast.Node, hint, format string, args ...any) ast.Node {
	if w.wrong == nil {
		w.wrong = &misfit{offset: n.Location().From, text: fmt.Sprintf(format, args...), hint: hint}
	}
	return n
}

// plainPath takes a text apart that is nothing but names and dots, as most expressions are: it saves the parser. nil
// for any other text.
func plainPath(text string) (path []any, nodes []ast.Node) {
	from := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] != '.' {
			c := text[i]
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
			if !letter && (i == from || c < '0' || c > '9') {
				return nil, nil
			}
			continue
		}
		if i == from {
			return nil, nil
		}
		n := &ast.StringNode{Value: text[from:i]}
		n.SetLocation(file.Location{From: from, To: i})
		path, nodes = append(path, text[from:i]), append(nodes, n)
		from = i + 1
	}
	if len(path) < 2 { // true, nil and the like
		return nil, nil
	}
	return path, nodes
}

var roots = []string{"estate", "inputs", "steps", "each", "secret", "run"}

func (w *walker) walk(n ast.Node) ast.Node {
	if w.wrong != nil {
		return n
	}
	switch n := n.(type) {
	case *ast.NilNode:
		return constant(n, nil)
	case *ast.IntegerNode:
		return constant(n, n.Value)
	case *ast.FloatNode:
		return constant(n, n.Value)
	case *ast.BoolNode:
		return constant(n, n.Value)
	case *ast.StringNode:
		return constant(n, n.Value)
	case *ast.ConstantNode:
		return n
	case *ast.IdentifierNode:
		return w.name(n, []any{n.Value}, []ast.Node{n})
	case *ast.MemberNode:
		return w.member(n)
	case *ast.ChainNode:
		n.Node = w.walk(n.Node)
		if c, ok := n.Node.(*ast.ConstantNode); ok {
			return c
		}
		if id, ok := n.Node.(*ast.IdentifierNode); ok {
			return id
		}
	case *ast.UnaryNode:
		n.Node = w.walk(n.Node)
	case *ast.BinaryNode:
		if n.Operator == ".." {
			return w.fail(n, "", "ranges are not supported")
		}
		n.Left, n.Right = w.walk(n.Left), w.walk(n.Right)
		if s, ok := n.Right.(*ast.ConstantNode); ok && n.Operator == "matches" {
			if text, ok := s.Value.(string); ok { // the language wants its patterns as text nodes, to compile them once
				p := &ast.StringNode{Value: text}
				ast.Patch(&n.Right, p)
			}
		}
	case *ast.SliceNode:
		n.Node = w.walk(n.Node)
		if n.From != nil {
			n.From = w.walk(n.From)
		}
		if n.To != nil {
			n.To = w.walk(n.To)
		}
	case *ast.ConditionalNode:
		n.Cond, n.Exp1, n.Exp2 = w.walk(n.Cond), w.walk(n.Exp1), w.walk(n.Exp2)
	case *ast.ArrayNode:
		for i := range n.Nodes {
			n.Nodes[i] = w.walk(n.Nodes[i])
		}
	case *ast.MapNode:
		for i := range n.Pairs {
			p := n.Pairs[i].(*ast.PairNode)
			p.Key, p.Value = w.walk(p.Key), w.walk(p.Value)
		}
	case *ast.CallNode:
		return w.call(n)
	case *ast.BuiltinNode:
		if !functions[n.Name] {
			return w.noFunction(n, n.Name)
		}
		for i := range n.Arguments {
			n.Arguments[i] = w.walk(n.Arguments[i])
		}
	default:
		return w.fail(n, "", "this is not supported in a runbook's expressions")
	}
	return n
}

func constant(n ast.Node, v any) ast.Node {
	c := &ast.ConstantNode{Value: v}
	c.SetLocation(n.Location())
	return c
}

func (w *walker) call(n *ast.CallNode) ast.Node {
	id, ok := n.Callee.(*ast.IdentifierNode)
	switch {
	case !ok:
		return w.fail(n, "", "only functions can be called")
	case id.Value != "region_of" && id.Value != "join":
		return w.noFunction(n.Callee, id.Value)
	case id.Value == "region_of" && len(n.Arguments) != 1:
		return w.fail(n, "", "region_of takes one argument")
	case id.Value == "join" && len(n.Arguments) != 2:
		return w.fail(n, "write join(list, \" \")", "join takes a list and what goes between")
	}
	for i := range n.Arguments {
		n.Arguments[i] = w.walk(n.Arguments[i])
	}
	if c, ok := n.Arguments[0].(*ast.ConstantNode); ok && w.wrong == nil && id.Value == "region_of" {
		return constant(n, w.scope.estate.regionOf(c.Value))
	}
	return n
}

func (w *walker) noFunction(n ast.Node, name string) ast.Node {
	return w.fail(n, meant(name, append(sortedKeys(functions), "join", "region_of")), "there is no function %q", name)
}

// ownFunctions adds what the language does not have, or has without a bound.
func ownFunctions(e *Estate, c *conf.Config) {
	regionOf := func(args ...any) (any, error) { return e.regionOf(args[0]), nil }
	expr.Function("region_of", regionOf, new(func(any) string))(c)
	expr.Function("join", joined, new(func(any, any) string))(c)
}

func joined(args ...any) (any, error) {
	list, isList := args[0].([]any)
	if texts, ok := args[0].([]string); ok { // what split makes
		for _, s := range texts {
			list = append(list, s)
		}
		isList = true
	}
	between, isText := args[1].(string)
	if !isList || !isText {
		return nil, fmt.Errorf("join takes a list and what goes between, not %s and %s", nounOf(args[0]), nounOf(args[1]))
	}
	var b strings.Builder
	for i, e := range list {
		if i > 0 {
			b.WriteString(between)
		}
		s, err := asText(e)
		if err != nil {
			return nil, err
		}
		if b.WriteString(s); b.Len() > maxResult {
			return nil, fmt.Errorf("the text is longer than %d KiB", maxResult>>10)
		}
	}
	return b.String(), nil
}

// member collects a path such as estate.standby.image. What does not start at a name is left to the language.
func (w *walker) member(n *ast.MemberNode) ast.Node {
	var path []any
	var nodes []ast.Node
	for at := ast.Node(n); ; {
		if chain, ok := at.(*ast.ChainNode); ok {
			at = chain.Node
			continue
		}
		if id, ok := at.(*ast.IdentifierNode); ok {
			path, nodes = append(path, id.Value), append(nodes, id)
			break
		}
		m, ok := at.(*ast.MemberNode)
		if !ok {
			n.Node, n.Property = w.walk(n.Node), w.walk(n.Property)
			return n
		}
		switch p := m.Property.(type) {
		case *ast.StringNode:
			path = append(path, p.Value)
		case *ast.IntegerNode:
			path = append(path, p.Value)
		default:
			return w.fail(m.Property, "", "write the key out: a key that is computed cannot be checked")
		}
		nodes = append(nodes, m.Property)
		at = m.Node
	}
	slices.Reverse(path)
	slices.Reverse(nodes)
	return w.name(n, path, nodes)
}

// name resolves a path. nodes are where its parts stand.
func (w *walker) name(n ast.Node, path []any, nodes []ast.Node) ast.Node {
	root, _ := path[0].(string)
	switch root {
	case "estate":
		return w.estate(n, path, nodes)
	case "inputs":
		return w.input(n, path, nodes)
	case "steps":
		return w.output(n, path, nodes)
	case "secret":
		if len(path) != 2 {
			return w.fail(n, "", "write secret.NAME")
		}
		return w.secret(n, fmt.Sprint(path[1]))
	case "each":
		return w.each(n, path, nodes)
	case "run":
		if len(path) != 2 || path[1] != "mode" {
			return w.fail(nodes[len(nodes)-1], "did you mean run.mode?", "run has only the key %q", "mode")
		}
		return constant(n, string(w.scope.mode))
	case "with":
		if w.scope.with == nil {
			break
		}
		if name, ok := path[min(1, len(path)-1)].(string); ok && len(path) == 2 && slices.Contains(w.scope.with, name) {
			return w.ref(n, "with."+name)
		}
		return w.fail(n, meant(dotted(path[1:]), w.scope.with), "there is no parameter %q", dotted(path[1:]))
	}
	return w.fail(nodes[0], meant(root, roots), "unknown name %q", root)
}

func (w *walker) secret(n ast.Node, name string) ast.Node {
	if !w.scope.secrets {
		return w.fail(n, "", "a secret can only be given to a parameter that is one")
	}
	return w.ref(n, "secret."+name)
}

// ref is a value that is known only later.
func (w *walker) ref(n ast.Node, name string) ast.Node {
	w.x.refs = append(w.x.refs, name)
	id := &ast.IdentifierNode{Value: name}
	id.SetLocation(n.Location())
	return id
}

func (w *walker) estate(n ast.Node, path []any, nodes []ast.Node) ast.Node {
	if len(path) == 1 {
		return w.fail(n, "name a key, such as estate.standby.region", "the estate as a whole is not a value")
	}
	v, wrong := w.scope.estate.lookup(path[1:])
	if wrong != nil {
		return w.fail(nodes[wrong.at+1], wrong.hint, "%s", wrong.text)
	}
	if name, ok := v.(SecretName); ok && name != "" {
		return w.secret(n, string(name))
	}
	if isEmpty(v) {
		w.x.keys = append(w.x.keys, dotted(path[1:]))
	}
	return constant(n, v)
}

// each is a value of the entry for which the step was made.
func (w *walker) each(n ast.Node, path []any, nodes []ast.Node) ast.Node {
	if w.scope.item == nil {
		return w.fail(nodes[0], "add each: estate.machines to the step", "each is known only in a step that has each")
	}
	w.x.own = true
	v, wrong := walk(w.scope.item.value, "each", path[1:], 0)
	if wrong != nil {
		return w.fail(nodes[wrong.at+1], wrong.hint, "%s", wrong.text)
	}
	if name, ok := v.(SecretName); ok && name != "" {
		return w.secret(n, string(name))
	}
	if isEmpty(v) {
		w.x.keys = append(w.x.keys, dotted(path))
	}
	return constant(n, v)
}

func (w *walker) input(n ast.Node, path []any, nodes []ast.Node) ast.Node {
	var known []string
	for _, in := range w.scope.runbook.Inputs {
		known = append(known, in.ID)
	}
	if len(path) != 2 {
		return w.fail(n, meant("", known), "write inputs.NAME")
	}
	name, _ := path[1].(string)
	if !slices.Contains(known, name) {
		return w.fail(nodes[1], dashHint("inputs", name, known), "there is no input %q", name)
	}
	return constant(n, w.scope.inputs[name])
}

func (w *walker) output(n ast.Node, path []any, nodes []ast.Node) ast.Node {
	s := w.scope
	if s.titles {
		return w.fail(nodes[0], "", "outputs of steps are not known where this is shown")
	}
	if len(path) < 2 {
		return w.fail(n, "write steps.ID.OUTPUT", "the steps as a whole are not a value")
	}
	id, _ := path[1].(string)
	if g := s.groups[id]; g != nil && g.each != "" {
		own := g.copyFor(s.item)
		if own == nil {
			return w.fail(nodes[1], copyHint(g), "step %q is made once for each entry: it must be said which one's output is read", id)
		}
		id = own.ID
	}
	kind, ok := s.kinds[id]
	if !ok {
		return w.fail(nodes[1], dashHint("steps", id, s.order), "there is no step %q", id)
	}
	var known []string
	for _, o := range kind.Outputs {
		known = append(known, o.Name)
	}
	if len(path) < 3 {
		return w.fail(n, outputHint(id, known), "a step as a whole is not a value")
	}
	name, _ := path[2].(string)
	out, ok := kind.Output(name)
	switch {
	case kind.Name == "": // its kind is unknown: that was said where it stands
	case !ok:
		return w.fail(nodes[2], meant(name, known), "a step of kind %q has no output %q", kind.Name, name)
	case len(path) > 3 && out.Type != "host":
		return w.fail(nodes[3], "", "steps.%s.%s is a single value and has no keys", id, name)
	case len(path) > 4 || len(path) == 4 && !slices.Contains(hostKeys, path[3]):
		return w.fail(nodes[3], "a host has "+strings.Join(words(hostKeys), ", "), "a host has no key %q", dotted(path[3:]))
	}
	if id == s.step {
		return w.fail(nodes[1], "", "a step cannot read its own output")
	}
	if !s.reach.has(s.index[id]) {
		hint := fmt.Sprintf("add %q to its needs", id)
		if s.step == "" {
			return w.fail(nodes[1], "", "guards come before every step and cannot read outputs")
		}
		return w.fail(nodes[1], hint, "step %q reads an output of %q but does not wait for it", s.step, id)
	}
	ref := "steps." + id + "." + name
	if len(path) == 4 {
		ref += "." + path[3].(string)
	}
	return w.ref(n, ref)
}

func copyHint(g *group) string {
	if len(g.copies) == 0 {
		return "there is no entry, and so no step"
	}
	return fmt.Sprintf("write steps[%q], or give this step the same each", g.copies[0].ID)
}

// dashHint is meant for ids, in which a dash reads as a minus where it is not quoted.
func dashHint(root, id string, known []string) string {
	for _, k := range known {
		if strings.HasPrefix(k, id+"-") {
			return fmt.Sprintf("a dash reads as a minus here; write %s[%q]", root, k)
		}
	}
	return meant(id, known)
}

// hostKeys are the keys of an output of type host.
var hostKeys = []any{"address", "id", "region", "user", "port"}

func words(list []any) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprint(v)
	}
	return out
}

func outputHint(id string, known []string) string {
	if len(known) == 0 {
		return "its kind has no outputs"
	}
	return fmt.Sprintf("name an output: steps.%s.%s", id, strings.Join(known, ", steps."+id+"."))
}
