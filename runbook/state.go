package runbook

// State is the fold of a run's events.
type State struct {
	Steps map[string]*StepState
}

// StepState is what has become of one step.
type StepState struct {
	Outputs map[string]any
}
