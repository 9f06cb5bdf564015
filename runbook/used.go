package runbook

import "slices"

// Used tells of an id whether another step of the run was given it to act on, and began or was done by hand: a volume that
// was mounted may hold what was written since, whatever has become of the mount.
func Used(p *Plan, s *State, step string) func(id string) bool {
	var given []any
	for i := range p.Steps {
		other := &p.Steps[i]
		st := s.Step(other.ID)
		if other.ID == step || other.Kind.New == nil || st.First.IsZero() && st.Status != StatusByHand {
			continue
		}
		if _, acts := other.Kind.New().(Action); acts {
			given = append(given, p.Parameters(other.ID, s))
		}
	}
	return func(id string) bool { return id != "" && mentions(given, id) }
}

func mentions(v any, id string) bool {
	switch v := v.(type) {
	case string:
		return v == id
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return mentions(x, id) })
	case map[string]any:
		for _, x := range v {
			if mentions(x, id) {
				return true
			}
		}
	}
	return false
}
