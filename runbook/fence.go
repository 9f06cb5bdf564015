package runbook

import (
	"slices"
	"strings"
)

// MayTouch is the drill fence: in a drill it refuses a target that neither the estate's drill overlay names nor the run
// itself has made. In other modes it is nil. It copies what it needs, so it can be asked from any goroutine.
//
// Targets are compared by kind and id. A host is also allowed when its id is that of an instance the run made.
func MayTouch(p *Plan, s *State) func(Target) error {
	if p.Mode != Drill {
		return nil
	}
	allowed := slices.Clone(p.Fence)
	for _, st := range s.Steps {
		allowed = append(allowed, st.Made...)
	}
	return func(t Target) error {
		for _, a := range allowed {
			if a.names(t) {
				return nil
			}
		}
		return Fail("the drill fence refuses to change "+t.String(),
			"neither did this run make it nor does the estate's drill overlay name it; nothing was done",
			"name it under drill: in the estate, if a drill may change it")
	}
}

// names reports whether what a names is t. A record that the overlay names without its zone (the estate leaves it to be
// found by name) is compared by name and type.
func (t Target) names(other Target) bool {
	switch {
	case t.Kind == other.Kind && t.ID == other.ID:
		return true
	case t.Kind == "instance" && other.Kind == "host":
		return t.ID == other.ID
	case t.Kind == "record" && other.Kind == "record" && strings.HasPrefix(t.ID, "/"):
		_, name, ok := strings.Cut(other.ID, "/")
		return ok && t.ID == "/"+name
	}
	return false
}
