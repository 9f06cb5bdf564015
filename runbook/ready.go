package runbook

import (
	"fmt"
	"slices"
	"strings"
)

// NotKnown reports whether a bound value is one that a plan does not know yet, and why: an output of an earlier step,
// bound to Placeholders, or what the estate chooses by tags and nobody has found.
func NotKnown(value string) (why string, open bool) {
	if value == unknownID {
		return "before it is found by its tags", true
	}
	if step, ok := placeholderOf(value); ok {
		return "before " + step + " has run", true
	}
	return "", false
}

// placeholderOf names the step whose output a word such as <launch.instance> stands for, also inside a longer text.
func placeholderOf(value string) (step string, ok bool) {
	_, rest, found := strings.Cut(value, "<")
	inside, _, closed := strings.Cut(rest, ">")
	step, output, dotted := strings.Cut(inside, ".")
	return step, found && closed && dotted && step != "" && output != "" && !strings.ContainsAny(inside, " <")
}

// Reads lists the steps whose outputs a step's parameters are made of, in the plan's order.
func Reads(p *Plan, step string) []string {
	planned := p.step(step)
	if planned == nil || planned.with == nil {
		return nil
	}
	var out []string
	for i := range p.Steps {
		if id := p.Steps[i].ID; planned.with.reads[id] {
			out = append(out, id)
		}
	}
	return out
}

// Dependency is what a kind says that it cannot be done without. One of Region, Plane and Host is given, or Plane and the
// Region in which it stands.
type Dependency struct {
	Region  string
	Plane   string // a control plane that serves all regions, such as Route 53's
	Host    string // an address
	Without string // what happens without it
}

// Reliance is what one step or guard of a plan leans on, and what that means for the night on which production is gone.
type Reliance struct {
	Step    string `json:"step"`
	Guard   bool   `json:"guard,omitempty"`
	On      string `json:"on"`               // in words
	Region  string `json:"region,omitempty"` // where it stands, when that is known
	Role    string `json:"role,omitempty"`   // production or standby
	Plane   string `json:"control_plane,omitempty"`
	Without string `json:"without"`
	Warning string `json:"warning,omitempty"`
	Do      string `json:"do,omitempty"`
}

// Reliances lists what every guard and step of the plan leans on, in the plan's order: regions, global control planes and
// hosts. In a plan that leaves production, a step that needs production is a warning, and so is a control plane that
// stands where production does. Steps that the inputs leave out are left out here.
func Reliances(p *Plan) []Reliance {
	l := &lint{plan: p, leaves: leavesProduction(p), regions: map[string]string{}, list: []Reliance{}}
	for i := range p.Guards {
		g := &p.Guards[i]
		if !g.Applicable {
			continue
		}
		if probe, err := p.BindGuard(g.ID, nil); err == nil {
			l.guard(g, probe)
		}
	}
	stand := Placeholders(p)
	for i := range p.Steps {
		s := &p.Steps[i]
		if needed, err := p.Needed(s.ID, &State{}); err == nil && !needed {
			continue
		}
		if probe, err := p.Bind(s.ID, &stand, nil); err == nil {
			l.step(s, probe)
		}
	}
	return l.list
}

type lint struct {
	plan    *Plan
	leaves  bool
	regions map[string]string // by step: where what it leaves stands
	list    []Reliance
}

func (l *lint) guard(g *PlannedGuard, probe Probe) {
	for _, r := range l.of(g.ID, probe) {
		r.Guard = true
		if l.leaves && r.Role == "production" && r.Plane == "" {
			switch g.Waive {
			case ConfirmType:
				r.Without += "; the guard is then waived by typing " + g.Word
			case ConfirmKey:
				r.Without += "; the guard is then waived"
			default:
				r.Warning = fmt.Sprintf("guard %s asks %s, the region that fails, and cannot be waived: the run would not start", g.ID, r.Region)
				r.Do = "write `waive: type` at the guard"
			}
		}
		l.list = append(l.list, r)
	}
}

func (l *lint) step(s *PlannedStep, probe Probe) {
	for _, r := range l.of(s.ID, probe) {
		switch {
		case !l.leaves || r.Role != "production":
		case r.Plane != "":
			r.Warning = fmt.Sprintf("%s stands in %s, the region that fails: %s may not be possible on that night", r.Plane, r.Region, s.ID)
			r.Do = l.withoutPlane()
		default:
			r.Warning = fmt.Sprintf("%s needs %s, the region that fails: it cannot be done while that is dark", s.ID, r.On)
			r.Do = "keep what it needs in " + l.plan.Estate.Standby.Region + ", or give the step a condition so that it can be left out"
		}
		l.list = append(l.list, r)
	}
}

// withoutPlane is what to do about a control plane that fails with production.
func (l *lint) withoutPlane() string {
	if f := l.plan.Estate.Service.Flip; f != nil {
		return fmt.Sprintf("use dns.flip for this step: the estate's service.flip (s3://%s/%s) switches the failover records without the control plane", f.Bucket, f.Key)
	}
	return "make failover records with health checks beforehand, name their object in the estate as service.flip, and use dns.flip: name servers go on answering and switch without the control plane"
}

// of puts what a kind says into the plan's words, one for each place.
func (l *lint) of(id string, probe Probe) []Reliance {
	d, ok := probe.(Depender)
	if !ok {
		return nil
	}
	var out []Reliance
	for _, x := range d.Depends() {
		r := Reliance{Step: id, Plane: x.Plane, Without: x.Without, Region: l.where(x)}
		r.Role = l.role(r.Region)
		switch {
		case x.Plane != "" && r.Region != "":
			r.On = x.Plane + " (" + r.Region + ")"
		case x.Plane != "":
			r.On = x.Plane
		case x.Host != "" && r.Region != "":
			r.On = "the host " + hostWords(x.Host) + " in " + r.Region
		case x.Host != "":
			r.On = "the host " + hostWords(x.Host)
		case r.Region == "":
			continue
		default:
			r.On = r.Region
			if r.Role != "" {
				r.On += " (" + r.Role + ")"
			}
		}
		if x.Plane == "" && r.Region != "" && l.regions[id] == "" {
			l.regions[id] = r.Region
		}
		if !slices.ContainsFunc(out, func(o Reliance) bool { return o.On == r.On }) {
			out = append(out, r)
		}
	}
	return out
}

// hostWords says who is at an address that is not known yet.
func hostWords(address string) string {
	if step, ok := placeholderOf(address); ok {
		return "of " + step
	}
	return address
}

// where is the region of a dependency; what an earlier step leaves stands where that step worked.
func (l *lint) where(d Dependency) string {
	for _, v := range []string{d.Region, d.Host} {
		if step, ok := placeholderOf(v); ok {
			return l.regions[step]
		}
	}
	if d.Host == "" || d.Region != "" {
		return d.Region
	}
	return l.plan.Estate.hostRegion(d.Host)
}

// hostRegion is the region of an address that the estate names, and "" of others: a replica may stand anywhere, but the
// estate says for which site it is.
func (e *Estate) hostRegion(address string) string {
	for _, s := range []*Site{&e.Production, &e.Standby} {
		if s.Address.ID == address || s.Replica != nil && (s.Replica.Host == address || s.Replica.ID == address) ||
			s.Nightly != nil && s.Nightly.Host == address || s.Archive != nil && s.Archive.Host == address {
			return s.Region
		}
	}
	for _, m := range e.machines(false) {
		for _, side := range []Machine{m.Production, m.Standby} {
			if side.Address.ID == address {
				return side.Region
			}
		}
	}
	return ""
}

func (l *lint) role(region string) string {
	switch region {
	case "":
		return ""
	case l.plan.Estate.Production.Region:
		return "production"
	case l.plan.Estate.Standby.Region:
		return "standby"
	}
	return ""
}

// leavesProduction reports whether the plan is for a night without production's region: it makes a server or moves an address in
// the other one, or makes sure that production is down and does not bring it back where it was. One that asks that production
// serves is for a day on which it is there.
func leavesProduction(p *Plan) bool {
	if p.Estate == nil || p.Estate.Production.Region == p.Estate.Standby.Region {
		return false // what is in the region that failed cannot be told from what is not
	}
	down := false
	for i := range p.Guards {
		switch p.Guards[i].Kind.Name {
		case "http.up":
			return false
		case "http.down", "instance.fenced":
			down = true
		}
	}
	stand := Placeholders(p)
	acts := func(region string, kinds ...string) bool {
		return slices.ContainsFunc(p.Steps, func(s PlannedStep) bool {
			if !slices.Contains(kinds, s.Kind.Name) {
				return false
			}
			probe, err := p.Bind(s.ID, &stand, nil)
			d, ok := probe.(Depender)
			return err == nil && ok && slices.ContainsFunc(d.Depends(), func(x Dependency) bool {
				return x.Plane == "" && (x.Region == region || x.Region == "" && p.Estate.hostRegion(x.Host) == region)
			})
		})
	}
	if acts(p.Estate.Standby.Region, "instance.launch", "address.associate") {
		return true
	}
	return down && !acts(p.Estate.Production.Region, "instance.launch", "instance.start", "instance.reboot", "address.associate", "service.start")
}
