package runbook

// Placeholders is a state in which every step has left its declared outputs as words that name them, such as
// <launch.instance>. A plan bound to it shows what each step would do before anything has happened.
func Placeholders(p *Plan) State {
	s := State{Steps: map[string]*StepState{}}
	for i := range p.Steps {
		step := &p.Steps[i]
		outputs := map[string]any{}
		for _, o := range step.Kind.Outputs {
			word := "<" + step.ID + "." + o.Name + ">"
			switch o.Type {
			case "host":
				outputs[o.Name] = map[string]any{"address": word}
			case "number":
				outputs[o.Name] = 0
			case "bool":
				outputs[o.Name] = true
			default:
				outputs[o.Name] = word
			}
		}
		s.Steps[step.ID] = &StepState{Status: StatusWaiting, Outputs: outputs}
	}
	return s
}
