package runbook

import "errors"

// params is a step's `with`, compiled.
type params struct{}

// expression is a compiled condition.
type expression struct{}

// Bind makes the step's action: its parameters resolved from the estate, the inputs and the outputs in s. Secrets stay
// opaque unless secrets is given. An error is definitive: it is in the files or in an output.
func (p *Plan) Bind(step string, s *State, secrets Secrets) (Probe, error) {
	return nil, errors.New("not built yet")
}

// BindGuard makes the guard's probe.
func (p *Plan) BindGuard(guard string, secrets Secrets) (Probe, error) {
	return nil, errors.New("not built yet")
}

// Needed evaluates the step's condition. A step without one is needed.
func (p *Plan) Needed(step string, s *State) (bool, error) { return false, errors.New("not built yet") }
