package runbook

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// item is one entry of what a step with `each` is made for.
type item struct {
	name  string
	each  string        // the source of the list that it is of
	of    string        // the server whose DNS name it is; "" for all other entries
	value reflect.Value // what `each` is in the step's expressions
}

// group is a step as it stands in the file, and the steps that are made of it: itself, or one for each entry.
type group struct {
	file   *stepFile
	each   string // the source of `each`, trimmed; "" without one
	copies []*stepFile
}

// copyFor is the copy that is made for the entry, or for the server whose name the entry is; nil when there is none.
func (g *group) copyFor(it *item) *stepFile {
	if it == nil {
		return nil
	}
	name := it.name
	if it.of != "" && (g.each == "estate.servers" || g.each == "estate.machines") {
		name = it.of
	} else if g.each != it.each {
		return nil
	}
	i := slices.IndexFunc(g.copies, func(s *stepFile) bool { return s.item.name == name })
	if i < 0 {
		return nil
	}
	return g.copies[i]
}

// expand makes the steps of the plan: those with `each` once for each entry.
func (c *compilation) expand() {
	c.groups = make(map[string]*group, len(c.rb.Steps))
	lists := map[string][]item{}
	for i := range c.rb.Steps {
		s := &c.rb.Steps[i]
		g := &group{file: s}
		c.inFile = append(c.inFile, g)
		if _, twice := c.groups[s.ID]; !twice {
			c.groups[s.ID] = g
		}
		if s.Each == nil {
			if s.AtOnce != 0 {
				c.bad(at(s.node, "at_once"), "add each: estate.machines, or leave it out", "at_once counts the steps that each makes, and there is no each")
			}
			g.copies = []*stepFile{s}
			continue
		}
		if _, n := entry(s.node, "at_once"); n != nil && s.AtOnce < 1 {
			c.bad(n, "leave it out for all", "at_once must be 1 or more")
		}
		g.each = eachText(s.Each)
		items, known := lists[g.each]
		if !known {
			items = c.items(s.Each, g.each)
			lists[g.each] = items
		}
		for _, it := range items {
			it.each = g.each
			made := *s
			made.ID, made.item, made.group = s.ID+"-"+it.name, &it, s.ID
			g.copies = append(g.copies, &made)
		}
	}
	c.vetCopies()
}

// vetCopies refuses ids that cannot be, or that two steps would have.
func (c *compilation) vetCopies() {
	seen := map[string]*stepFile{}
	for _, g := range c.inFile {
		for _, s := range g.copies {
			switch first := seen[s.ID]; {
			case first != nil && (s.item != nil || first.item != nil):
				c.bad(cmp.Or(s.Each, first.Each), "give the step or the entry another name", "each makes a step %q, and there is one already", s.ID)
			case s.item != nil && !idPattern.MatchString(s.ID):
				c.bad(s.Each, idHint, "each makes a step %q, which cannot be the id of a step", s.ID)
			}
			if seen[s.ID] != nil {
				continue
			}
			seen[s.ID] = s
			c.files = append(c.files, s)
		}
	}
	if len(c.files) > maxSteps {
		c.bad(c.rb.doc.root, "", "with what each makes of it the runbook has more than %d steps", maxSteps)
		c.files = c.files[:maxSteps]
	}
}

// eachText is the source of `each` without the braces: two steps with the same one go along entry by entry.
func eachText(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		return fmt.Sprintf("list %#v", plainValue(n)) // never empty, and another for every content
	}
	text := strings.TrimSpace(n.Value)
	if strings.HasPrefix(text, "${{") && strings.HasSuffix(text, "}}") {
		text = strings.TrimSpace(text[3 : len(text)-2])
	}
	return text
}

const eachHint = "write each: estate.machines (every server), each: estate.servers (all but the main one), each: estate.names (their DNS names), each: estate.notify, or a list"

// items are the entries behind an `each`.
func (c *compilation) items(n *yaml.Node, text string) []item {
	var v reflect.Value
	switch path, _ := plainPath(text); {
	case n.Kind == yaml.SequenceNode:
		list, ok := plainValue(n).([]any)
		if !ok || len(list) == 0 {
			c.bad(n, "leave the step out instead", "each names no entry")
			return nil
		}
		v = reflect.ValueOf(list)
	case n.Kind != yaml.ScalarNode || path == nil || path[0] != "estate":
		c.bad(n, eachHint, "each must name a list or a mapping of the estate")
		return nil
	case slices.Equal(path[1:], []any{"servers"}): // with what they have from their site
		v = reflect.ValueOf(c.estate.machines(false))
	case slices.Equal(path[1:], []any{"machines"}):
		v = reflect.ValueOf(c.estate.machines(true))
	case slices.Equal(path[1:], []any{"names"}):
		v = reflect.ValueOf(c.estate.names())
	default:
		var wrong *astray
		if v, _, wrong = tread(reflect.ValueOf(c.estate).Elem(), "estate", path[1:], 0); wrong != nil {
			c.bad(n, wrong.hint, "%s", wrong.text)
			return nil
		}
	}
	items, err := entriesOf(v)
	if err != nil {
		c.bad(n, eachHint, "%s", err)
	}
	return items
}

// entriesOf takes a list or a mapping apart. An entry's name is its key, what it says itself, or its text.
func entriesOf(v reflect.Value) ([]item, error) {
	for v.IsValid() && (v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer) {
		v = v.Elem()
	}
	var out []item
	add := func(name string, e reflect.Value) error {
		if name = slug(name); name == "" {
			return fmt.Errorf("an entry of each has no name that could be part of a step's id")
		}
		if slices.ContainsFunc(out, func(it item) bool { return it.name == name }) {
			return fmt.Errorf("each has two entries called %q", name)
		}
		it := item{name: name, value: e}
		if dns, ok := e.Interface().(nameItem); ok {
			it.of = slug(dns.Server.Name)
		}
		out = append(out, it)
		return nil
	}
	switch {
	case !v.IsValid():
		return nil, nil
	case v.Kind() == reflect.Map:
		for _, key := range sortedKeysOf(v) {
			if err := add(key, v.MapIndex(reflect.ValueOf(key))); err != nil {
				return out, err
			}
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			if err := add(nameOf(v.Index(i)), v.Index(i)); err != nil {
				return out, err
			}
		}
	default:
		return nil, fmt.Errorf("each must name a list or a mapping, and this is %s", nounOf(wordOf(v)))
	}
	return out, nil
}

func sortedKeysOf(v reflect.Value) []string {
	var keys []string
	for _, k := range v.MapKeys() {
		keys = append(keys, k.String())
	}
	slices.Sort(keys)
	return keys
}

// nameOf is what an entry of a list is called.
func nameOf(v reflect.Value) string {
	switch w := wordOf(v).(type) {
	case map[string]any:
		name, _ := w["name"].(string)
		return name
	case nil, []any:
		return ""
	default:
		return fmt.Sprint(w)
	}
}

// wants are the ids of the copies that a step needs when it needs the group: that of its own entry, or all. A group of
// which nothing was made hands on what it needs itself.
func (c *compilation) wants(g *group, of *stepFile) []string {
	if own := g.copyFor(of.item); own != nil {
		return []string{own.ID}
	}
	if len(g.copies) == 0 {
		return c.handedOn(g, of, map[*group]bool{})
	}
	ids := make([]string, len(g.copies))
	for i, s := range g.copies {
		ids[i] = s.ID
	}
	return ids
}

func (c *compilation) handedOn(g *group, of *stepFile, seen map[*group]bool) []string {
	if seen[g] {
		return nil
	}
	seen[g] = true
	var out []string
	for _, need := range c.namedBy(g) {
		if len(need.copies) == 0 {
			out = append(out, c.handedOn(need, of, seen)...)
		} else {
			out = append(out, c.wants(need, of)...)
		}
	}
	return out
}

// namedBy are the groups that a step of the file needs, by name or because they stand above it.
func (c *compilation) namedBy(g *group) []*group {
	if g.file.given() {
		var out []*group
		for _, n := range g.file.Needs {
			if need := c.groups[n]; need != nil && need != g {
				out = append(out, need)
			}
		}
		return out
	}
	if i := slices.Index(c.inFile, g); i > 0 {
		return []*group{c.inFile[i-1]}
	}
	return nil
}
