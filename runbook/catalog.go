package runbook

import (
	"fmt"
	"slices"
	"time"
)

// Kind is a type of step. New returns a pointer to a struct whose exported fields are the parameters:
//
//	type attach struct {
//		Volume string `with:"volume,required" doc:"id of the volume"`
//		Region string `with:"region" default:"region_of(with.volume)" doc:"region of the volume"`
//		cloud  providers.Volumes // unexported: set by New, not a parameter
//	}
//
// A field may be a string, bool, int, float64, Duration, Secret, a slice or string-keyed map of these, a struct of such
// fields, or a type with `FromValue(any) error`. `default` is an expression without the braces; it sees what a `with`
// value sees, and the step's other parameters as `with`. A Secret with the option soft may be missing when the step runs.
type Kind struct {
	Name    string
	Summary string // one line, imperative: "attach a volume to an instance"
	New     func() Probe
	Outputs []Output
	// Settle is how long after an intent an Absent still proves nothing, because reads lag.
	Settle time.Duration
	// Budget and Timeout are what a step has when it names none. The timeout is the shown deadline of one attempt.
	Budget, Timeout time.Duration
	// Interruptible says that a stop may cut the step short: what it has done so far is harmless and can be repeated.
	Interruptible bool
	// Person says that a human does the step and answers for it.
	Person bool
}

// Output is a value that a step of a kind leaves for later ones, as `steps.ID.NAME`.
type Output struct {
	Name string
	Doc  string
	Type string // "string", "number", "bool" or "host"
}

// Output finds a declared output.
func (k Kind) Output(name string) (Output, bool) {
	i := slices.IndexFunc(k.Outputs, func(o Output) bool { return o.Name == name })
	if i < 0 {
		return Output{}, false
	}
	return k.Outputs[i], true
}

// Catalog holds the kinds that exist.
type Catalog struct{ kinds []Kind }

// NewCatalog makes a catalog; the kinds keep their order. A name that stands twice is a mistake of the programmer.
func NewCatalog(kinds ...Kind) *Catalog {
	seen := map[string]bool{}
	for _, k := range kinds {
		if seen[k.Name] {
			panic(fmt.Sprintf("runbook: kind %q is in the catalog twice", k.Name))
		}
		seen[k.Name] = true
	}
	return &Catalog{kinds: kinds}
}

// Kinds returns every kind, in the catalog's order.
func (c *Catalog) Kinds() []Kind { return slices.Clone(c.kinds) }

// Kind finds a kind by name.
func (c *Catalog) Kind(name string) (Kind, bool) {
	i := slices.IndexFunc(c.kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return c.kinds[i], true
}
