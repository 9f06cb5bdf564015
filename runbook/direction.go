package runbook

import "slices"

// Direction is that of a plan: from which region to which. A plan that stays where production is has no from. What
// brings servers up in production's region and leans on the standby's goes back.
func Direction(p *Plan) (from, to string) {
	if p == nil || p.Estate == nil {
		return "", ""
	}
	production, standby := p.Estate.Production.Region, p.Estate.Standby.Region
	if production == standby {
		return production, standby
	}
	near, far := false, false // brings up what is near, leans on what is far
	stand := Placeholders(p)
	for i := range p.Steps {
		step := &p.Steps[i]
		probe, err := p.Bind(step.ID, &stand, nil)
		d, ok := probe.(Depender)
		if err != nil || !ok || step.Kind.Name == "notify" { // who is told is no matter of where it goes
			continue
		}
		brings := slices.Contains([]string{"instance.launch", "instance.start", "instance.reboot", "address.associate", "instance.fence"}, step.Kind.Name)
		for _, x := range d.Depends() {
			if brings && x.Region == standby {
				return production, standby
			}
			near = near || brings && x.Region == production
			far = far || x.Region == standby || x.Host != "" && p.Estate.hostRegion(x.Host) == standby
		}
	}
	switch {
	case near && far:
		return standby, production
	case near:
		return "", production
	}
	return production, standby
}
