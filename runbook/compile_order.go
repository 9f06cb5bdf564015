package runbook

import (
	"fmt"
	"slices"
	"strings"
)

// order finds what every step needs, refuses circles, and sorts the steps: what is needed first, ties as in the file.
func (c *compilation) order() {
	c.expand()
	ids := make([]string, 0, len(c.files))
	for _, s := range c.files {
		ids = append(ids, s.ID)
		c.steps[s.ID] = s
		k, _ := c.kind(s.node, s.Uses)
		c.kinds[s.ID] = k // also an unknown one: its name is not the mistake of those who read its outputs
	}
	for _, id := range ids {
		if idPattern.MatchString(id) { // a wrong id cannot have been meant
			c.scope.order = append(c.scope.order, id)
		}
	}
	c.needs = make(map[string][]string, len(ids))
	index := make(map[string]int, len(ids))
	for i, id := range ids {
		index[id] = i
	}
	for _, g := range c.inFile {
		c.vetNeeds(g)
		for _, s := range g.copies {
			c.needs[s.ID] = c.needsOf(g, s, index)
		}
	}
	sorted, rest := sortSteps(ids, c.needs, index)
	if len(rest) > 0 {
		circle := findCircle(rest, c.needs)
		c.bad(at(c.steps[circle[0]].node, "needs"), "one of them must not need the next",
			"steps need each other in a circle: %s", strings.Join(circle, " → "))
		sorted = append(sorted, rest...) // so that the other mistakes are found too
	}
	c.before = make(map[string]bitset, len(ids))
	for _, id := range sorted {
		all := make(bitset, len(ids)/64+1)
		if slices.Contains(rest, id) { // in a circle everything comes before everything
			for i := range all {
				all[i] = ^uint64(0)
			}
		}
		for _, n := range c.needs[id] {
			all.add(index[n])
			all.join(c.before[n])
		}
		c.before[id] = all
		c.sorted = append(c.sorted, c.steps[id])
	}
	c.scope.index = index
}

// vetNeeds complains about what a step of the file names and should not.
func (c *compilation) vetNeeds(g *group) {
	s := g.file
	if !s.given() {
		return
	}
	_, list := entry(s.node, "needs")
	for j, n := range s.Needs {
		place := list.Content[j]
		switch {
		case n == s.ID:
			c.bad(place, "", "step %q needs itself", n)
		case c.groups[n] == nil:
			c.bad(place, meant(n, c.scope.order), "there is no step %q", n)
		case slices.Index(s.Needs, n) < j:
			c.bad(place, "", "%q stands here twice", n)
		}
	}
}

// needsOf resolves what one step needs, in the file's order of the steps.
func (c *compilation) needsOf(g *group, s *stepFile, index map[string]int) []string {
	out := []string{}
	for _, need := range c.namedBy(g) {
		for _, id := range c.wants(need, s) {
			if id != s.ID && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	slices.SortFunc(out, func(a, b string) int { return index[a] - index[b] })
	return out
}

// sortSteps is Kahn's algorithm with the file's order for ties. rest is what stands in or behind a circle.
func sortSteps(ids []string, needs map[string][]string, index map[string]int) (sorted, rest []string) {
	waiting := make(map[string]int, len(ids))
	next := make(map[string][]string, len(ids))
	var ready []int // indexes, kept sorted
	for i, id := range ids {
		waiting[id] = len(needs[id])
		for _, n := range needs[id] {
			next[n] = append(next[n], id)
		}
		if waiting[id] == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		id := ids[ready[0]]
		ready = ready[1:]
		sorted = append(sorted, id)
		for _, n := range next[id] {
			if waiting[n]--; waiting[n] == 0 {
				at, _ := slices.BinarySearch(ready, index[n])
				ready = slices.Insert(ready, at, index[n])
			}
		}
	}
	for _, id := range ids {
		if waiting[id] > 0 {
			rest = append(rest, id)
		}
	}
	return sorted, rest
}

// findCircle follows needs among the steps that could not be sorted until one comes round again.
func findCircle(rest []string, needs map[string][]string) []string {
	in := map[string]bool{}
	for _, id := range rest {
		in[id] = true
	}
	var path []string
	for id := rest[0]; ; {
		if i := slices.Index(path, id); i >= 0 {
			return append(path[i:], id)
		}
		path = append(path, id)
		i := slices.IndexFunc(needs[id], func(n string) bool { return in[n] })
		if i < 0 {
			panic(fmt.Sprintf("runbook: step %q is in no circle", id)) // every step of rest waits for another of rest
		}
		id = needs[id][i]
	}
}

// bitset is a set of steps by their place in the file: a chain of a thousand steps has half a million pairs.
type bitset []uint64

func (b bitset) add(i int) { b[i/64] |= 1 << (i % 64) }

func (b bitset) has(i int) bool { return i/64 < len(b) && b[i/64]&(1<<(i%64)) != 0 }

func (b bitset) join(other bitset) {
	for i, w := range other {
		b[i] |= w
	}
}
