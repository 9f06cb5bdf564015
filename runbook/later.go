package runbook

import (
	"fmt"
	"slices"
	"strings"
)

// Wanted lists the outputs of a step that steps to come read and that it has not left: who leaves the step out has to give
// them. Which ones they are shows when each is taken away.
func Wanted(p *Plan, s *State, step string) []string {
	planned, ok := p.Step(step)
	if !ok {
		return nil
	}
	st := s.Step(step)
	var out []string
	for _, o := range planned.Kind.Outputs {
		if _, has := st.Outputs[o.Name]; !has && readLater(p, s, step, o.Name) {
			out = append(out, o.Name)
		}
	}
	return out
}

// readLater reports whether a step that is not settled yet cannot do without the output.
func readLater(p *Plan, s *State, id, output string) bool {
	whole, stand := Placeholders(p), Placeholders(p)
	delete(stand.Steps[id].Outputs, output)
	stand.Steps[id].Status = StatusSkipped
	for i := range p.Steps {
		later := &p.Steps[i]
		if st := s.Step(later.ID); later.ID == id || st.Settled() {
			continue
		}
		if _, err := p.Bind(later.ID, &stand, nil); err != nil {
			return true
		}
		_, before := p.Needed(later.ID, &whole) // a stand-in may fit no condition
		if _, err := p.Needed(later.ID, &stand); err != nil && (before == nil || before.Error() != err.Error()) {
			return true
		}
	}
	return false
}

// LeavesOut reports whether the choice ends the question's step without what it would have left.
func (q Question) LeavesOut(c Choice) bool {
	return c == ChooseSkip || c == ChooseByHand || c == ChooseApprove && q.Kind == AskManual
}

// Complete refuses a reply that leaves a step out without what later steps need from it.
func Complete(p *Plan, s *State, q Question, r Reply) error {
	if p == nil || q.Kind == AskWaive || !q.LeavesOut(r.Choice) {
		return nil
	}
	missing := slices.DeleteFunc(Wanted(p, s, q.Step), func(name string) bool {
		_, given := r.Outputs[name]
		return given
	})
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("later steps read what %s would have left: add %s=VALUE", q.Step, strings.Join(missing, "=VALUE "))
}
