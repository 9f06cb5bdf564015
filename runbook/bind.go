package runbook

import (
	"fmt"
	"strings"
)

// Bind makes the step's action: its parameters resolved from the estate, the inputs and the outputs in s. Secrets stay
// opaque unless secrets is given. An error is definitive: it is in the files or in an output.
func (p *Plan) Bind(step string, s *State, secrets Secrets) (Probe, error) {
	planned := p.step(step)
	if planned == nil {
		return nil, Fail(fmt.Sprintf("the plan has no step %q", step), "", "")
	}
	return bindParams(planned.Kind, planned.with, s, secrets)
}

// Parameters are the values of the step's parameters by name, as far as the state knows them; a secret is its name alone.
func (p *Plan) Parameters(step string, s *State) map[string]any {
	planned := p.step(step)
	if planned == nil || planned.with == nil || planned.Kind.New == nil {
		return nil
	}
	b := &binder{params: planned.with, rep: &report{}, env: func(ref string) any { return output(s, ref) }}
	b.bind(planned.Kind.New())
	return b.with
}

// BindGuard makes the guard's probe.
func (p *Plan) BindGuard(guard string, secrets Secrets) (Probe, error) {
	for i := range p.Guards {
		if p.Guards[i].ID == guard {
			return bindParams(p.Guards[i].Kind, p.Guards[i].with, nil, secrets)
		}
	}
	return nil, Fail(fmt.Sprintf("the plan has no guard %q", guard), "", "")
}

// Needed evaluates the step's condition. A step without one is needed.
func (p *Plan) Needed(step string, s *State) (bool, error) {
	planned := p.step(step)
	if planned == nil {
		return false, Fail(fmt.Sprintf("the plan has no step %q", step), "", "")
	}
	if planned.cond == nil {
		return true, nil
	}
	env := map[string]any{}
	for _, r := range planned.cond.refs {
		if env[r] = output(s, r); env[r] == nil && s.leftOut(r) {
			return false, Fail(fmt.Sprintf("the condition of step %q reads %s, which nobody gave", step, r), "", "")
		}
	}
	v, err := planned.cond.eval(env)
	if err != nil {
		return false, Fail(fmt.Sprintf("the condition of step %q: %s", step, err), "", "")
	}
	needed, ok := v.(bool)
	if !ok {
		return false, Fail(fmt.Sprintf("the condition of step %q is %s, not true or false", step, nounOf(v)), "", "")
	}
	return needed, nil
}

// leftOut reports whether the step behind a reference was settled by a person: what they did not say is not known, while a
// step that is not needed is known to leave nothing.
func (s *State) leftOut(ref string) bool {
	id, _, ok := stepRef(ref)
	if !ok || s == nil {
		return false
	}
	st := s.Step(id).Status
	return st == StatusSkipped || st == StatusByHand
}

// step finds a step also in a plan that was put together by hand.
func (p *Plan) step(id string) *PlannedStep {
	if s, ok := p.Step(id); ok {
		return s
	}
	for i := range p.Steps {
		if p.Steps[i].ID == id {
			return &p.Steps[i]
		}
	}
	return nil
}

func bindParams(kind Kind, with *params, s *State, secrets Secrets) (Probe, error) {
	probe := kind.New()
	if with == nil { // a plan put together by hand: the kind's own defaults
		return probe, nil
	}
	rep := &report{}
	b := &binder{params: with, secrets: secrets, rep: rep, env: func(ref string) any { return output(s, ref) }}
	b.bind(probe)
	if len(rep.list) == 0 {
		return probe, nil
	}
	what := make([]string, len(rep.list))
	for i, p := range rep.list {
		what[i] = p.Error()
	}
	return nil, Fail(strings.Join(what, "; "), "the step cannot be told what to do; nothing was changed", rep.list[0].Hint)
}

// output reads "steps.ID.OUTPUT" or, of a host, "steps.ID.OUTPUT.KEY".
func output(s *State, ref string) any {
	id, name, ok := stepRef(ref)
	if !ok || s == nil {
		return nil
	}
	name, key, deeper := strings.Cut(name, ".")
	v := s.Step(id).Outputs[name]
	if !deeper {
		return v
	}
	if host, ok := v.(map[string]any); ok {
		return host[key]
	}
	if key == "address" {
		return v // a person who did the step by hand gave only the address
	}
	return nil
}
