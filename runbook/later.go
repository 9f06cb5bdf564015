package runbook

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Wanted lists the outputs of a step that steps to come read and that it has not left: who leaves the step out has to give
// them. Which ones they are shows when each is taken away.
//
// What looking finds by itself (see Voucher) need not be given, unless that is all there is: then nothing else says where to
// look.
func Wanted(p *Plan, s *State, step string) []string {
	all := wanted(p, s, step)
	if rest := unfound(p, step, all); len(rest) > 0 {
		return rest
	}
	return all
}

// unfound are the outputs that no look finds.
func unfound(p *Plan, step string, names []string) []string {
	found := finds(p, step)
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(found, name) })
}

// finds are the outputs that the step's kind finds when it looks at what a person did.
func finds(p *Plan, id string) []string {
	step := p.step(id)
	if step == nil || step.Kind.New == nil {
		return nil
	}
	if v, looks := step.Kind.New().(Voucher); looks {
		return v.Finds()
	}
	return nil
}

func wanted(p *Plan, s *State, step string) []string {
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

// Complete reads what a reply gives for outputs as the values that they are, and refuses a reply that leaves a step out
// without what later steps need from it.
func Complete(p *Plan, s *State, q Question, r Reply) (Reply, error) {
	if p == nil || q.Kind == AskWaive || !q.LeavesOut(r.Choice) {
		return r, nil
	}
	outputs, err := Given(p, q.Step, r.Outputs)
	if err != nil {
		return r, err
	}
	r.Outputs = outputs
	r.Claim = r.Choice == ChooseByHand && claims(p, s, q.Step, r.Outputs)
	needed := Wanted(p, s, q.Step)
	switch {
	case r.Claim:
		needed = unfound(p, q.Step, needed)
	case r.Choice == ChooseSkip || len(r.Outputs) > 0: // nobody will look: all of it has to be said
		needed = wanted(p, s, q.Step)
	}
	missing := slices.DeleteFunc(needed, func(name string) bool {
		_, given := r.Outputs[name]
		return given
	})
	if len(missing) == 0 {
		return r, nil
	}
	return r, fmt.Errorf("later steps read what %s would have left: add %s=VALUE", q.Step, strings.Join(missing, "=VALUE "))
}

// claims reports whether the driver has to look at what a person gave. The same said twice is taken as it is: the person
// insists, and may see what lifeboat cannot.
func claims(p *Plan, s *State, id string, outputs map[string]any) bool {
	step := p.step(id)
	if step == nil || step.Kind.New == nil || len(outputs) == 0 {
		return false
	}
	if _, looks := step.Kind.New().(Voucher); !looks {
		return false
	}
	said := s.Step(id).Claim
	if said == nil {
		return true
	}
	for name, value := range said.Outputs {
		if !reflect.DeepEqual(outputs[name], value) {
			return true
		}
	}
	return false
}

// Given are the outputs that a person gave for a step, each as its kind declares it: what is typed is text. A host may stay
// text: it is an address, or the name of a host of the estate.
func Given(p *Plan, step string, typed map[string]any) (map[string]any, error) {
	planned := p.step(step)
	if planned == nil || len(typed) == 0 {
		return typed, nil
	}
	out := make(map[string]any, len(typed))
	for _, name := range sortedKeys(typed) {
		o, declared := planned.Kind.Output(name)
		x, err := typed[name], error(nil)
		if text, is := x.(string); is && declared {
			x, err = o.read(text)
		}
		if text, is := x.(string); err == nil && is && name == "instance" && !instanceID.MatchString(text) {
			err = fmt.Errorf("%s must be the id of a machine, such as i-0a1b2c3d4e5f60718, not %q", name, text)
		}
		if err != nil {
			return nil, err
		}
		out[name] = x
	}
	return out, nil
}

// instanceID is EC2's form. A slip here would send later steps, the DNS change among them, after a machine that is not there.
var instanceID = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)

// read makes a value of what was typed for the output.
func (o Output) read(text string) (any, error) {
	text = strings.TrimSpace(text)
	switch o.Type {
	case "number":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return nil, fmt.Errorf("%s must be a number, such as 300, not %q", o.Name, text)
		}
		return n, nil
	case "bool":
		switch strings.ToLower(text) {
		case "true", "yes":
			return true, nil
		case "false", "no":
			return false, nil
		}
		return nil, fmt.Errorf("%s must be true or false, not %q", o.Name, text)
	case "host":
		if text == "" || strings.ContainsAny(text, " \t") {
			return nil, fmt.Errorf("%s must be one address, such as 198.51.100.7, not %q", o.Name, text)
		}
	}
	return text, nil
}
