package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func addressDisassociate(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "address.disassociate",
		Summary: "take a public address away from the machine that holds it",
		New:     func() runbook.Probe { return &disassociate{w: w} },
		Outputs: []runbook.Output{
			{Name: "address", Doc: "the address", Type: "string"},
			{Name: "was", Doc: "id of the machine that held it; empty when nobody did", Type: "string"},
		},
		Settle:  10 * time.Second,
		Budget:  5 * time.Second,
		Timeout: time.Minute,
	}
}

// disassociate takes the address from nobody but the machine that is named: whoever else holds it keeps it.
type disassociate struct {
	Address  string `with:"address,required" doc:"the elastic address, such as 198.51.100.7"`
	Instance string `with:"instance,required" doc:"id of the machine that loses it"`
	Region   string `with:"region" default:"region_of(with.address)" doc:"region of the address"`

	w world
}

func (a *disassociate) read(ctx context.Context) (providers.Address, error) {
	return (&associate{Address: a.Address, Region: a.Region, w: a.w}).read(ctx)
}

func (a *disassociate) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	held, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.refuse(held); err != nil {
		return nil, err
	}
	return runbook.Keep(associateBefore{Instance: held.Instance, Allocation: held.Allocation})
}

func (a *disassociate) refuse(held providers.Address) error {
	if held.Instance == "" || held.Instance == a.Instance {
		return nil
	}
	e := providers.Errorf(providers.Conflict, "disassociate "+a.Address, a.Region, "%s holds it, not %s", held.Instance, a.Instance)
	e.Do = fmt.Sprintf("if %s may lose it, write it as `instance`", held.Instance)
	return e
}

// Observe counts any other holder as done: the machine that is named has the address no more, and somebody else's is not
// this step's to take.
func (a *disassociate) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	held, err := a.read(ctx)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case held.Instance == a.Instance:
		return seen(runbook.Absent, "%s holds %s", a.Instance, a.Address), nil
	}
	return a.done(call, held.Instance), nil
}

func (a *disassociate) done(call runbook.Call, holder string) runbook.Observation {
	var before associateBefore
	_ = runbook.Recall(call.Before, &before) // without it nobody is known to have held it
	o := seen(runbook.Holds, "%s → %s, was with %s", a.Address, somebody(holder), somebody(before.Instance))
	o.Outputs = map[string]any{"address": a.Address, "was": before.Instance}
	o.Changed = []runbook.Target{a.target()}
	return o
}

func (a *disassociate) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	held, err := a.read(ctx)
	if err != nil {
		return runbook.Observation{}, unsent(err)
	}
	if held.Instance == "" {
		return a.done(call, ""), nil
	}
	if err := a.refuse(held); err != nil {
		return runbook.Observation{}, err
	}
	if err := a.w.Addresses.Disassociate(ctx, a.Region, a.Address, a.Instance); err != nil {
		return runbook.Observation{}, err
	}
	return a.done(call, ""), nil
}

// Undo gives the address back to who held it, as long as nobody has it.
func (a *disassociate) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before associateBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	held, err := a.read(ctx)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case before.Instance == "":
		return seen(runbook.Holds, "nobody held %s before this step", a.Address), nil
	case held.Instance == before.Instance:
		return seen(runbook.Holds, "%s is back with %s", a.Address, before.Instance), nil
	case held.Instance != "":
		return seen(runbook.Holds, "%s is with %s, not as this step left it; it was left alone", a.Address, held.Instance), nil
	}
	if err := a.w.Addresses.Associate(ctx, a.Region, a.Address, before.Instance, ""); err != nil {
		return runbook.Observation{}, advise(err, providers.Conflict, "look at %s: only a running or stopped machine takes an address", before.Instance)
	}
	return seen(runbook.Holds, "%s → %s, as before", a.Address, before.Instance), nil
}

func (a *disassociate) target() runbook.Target {
	return runbook.Target{Kind: "address", ID: a.Address, Region: a.Region}
}

func (a *disassociate) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{a.target(), {Kind: "instance", ID: a.Instance, Region: a.Region}}
}

func (a *disassociate) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := fmt.Sprintf("address %s is held in %s, by %s or nobody", a.Address, a.Region, orQuestion(a.Instance))
	if c, open := notYet(what, a.Address, a.Instance, a.Region); open {
		return []runbook.Check{c}
	}
	held, err := a.read(ctx)
	if err != nil {
		return []runbook.Check{lookFailed(what, err)}
	}
	if err := a.refuse(held); err != nil {
		return []runbook.Check{notWell(what, "ec2:DescribeAddresses", runbook.AsFailure(err).Do, "with %s", held.Instance)}
	}
	return []runbook.Check{well(what, "ec2:DescribeAddresses", "with %s", somebody(held.Instance))}
}

// Depends is the region of the address.
func (a *disassociate) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "the address stays with its holder"}}
}

func (a *disassociate) Permissions() []string {
	return []string{"ec2:DescribeAddresses", "ec2:DisassociateAddress", "ec2:AssociateAddress"}
}

func (a *disassociate) ByHand(runbook.Call) []string {
	region := orQuestion(a.Region)
	return []string{line(words("aws", "ec2", "disassociate-address", "--region", region, "--association-id")) + fmt.Sprintf(
		` "$(aws ec2 describe-addresses --region %s --public-ips %s --filters Name=instance-id,Values=%s --query 'Addresses[0].AssociationId' --output text)"`,
		quote(region), quote(orQuestion(a.Address)), quote(orQuestion(a.Instance)))}
}
