package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func addressAssociate(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "address.associate",
		Summary: "give a public address to a machine",
		New:     func() runbook.Probe { return &associate{w: w} },
		Outputs: []runbook.Output{
			{Name: "host", Doc: "the machine at this address, for the kinds that take a host", Type: "host"},
			{Name: "address", Doc: "the address", Type: "string"},
		},
		Settle:  10 * time.Second,
		Budget:  5 * time.Second,
		Timeout: time.Minute,
	}
}

// associate takes an address from nobody but the machine that `from` names. The machine's temporary address is gone as
// soon as it has this one, so every later host is read from the outputs.
type associate struct {
	Address  string `with:"address,required" doc:"the elastic address, such as 198.51.100.7"`
	Instance string `with:"instance,required" doc:"id of the machine"`
	Region   string `with:"region" default:"region_of(with.address)" doc:"region of the address"`
	From     string `with:"from" doc:"id of the machine that may lose it; nobody when left out"`

	w world
}

// associateBefore is who held the address.
type associateBefore struct {
	Instance   string `json:"instance,omitempty"`
	Allocation string `json:"allocation"`
}

func (a *associate) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	held, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.refuse(held); err != nil {
		return nil, err
	}
	if loses := held.Instance; loses != "" && loses != a.Instance && call.MayTouch != nil {
		// Who loses its address is changed as well.
		if err := call.MayTouch(runbook.Target{Kind: "instance", ID: loses, Region: a.Region}); err != nil {
			return nil, err
		}
	}
	return runbook.Keep(associateBefore{Instance: held.Instance, Allocation: held.Allocation})
}

func (a *associate) read(ctx context.Context) (providers.Address, error) {
	held, err := a.w.Addresses.Address(ctx, a.Region, a.Address)
	return held, advise(err, providers.NotFound, "this account holds no %s in %s; addresses cannot change region: aws ec2 describe-addresses --region %s", a.Address, a.Region, a.Region)
}

func (a *associate) refuse(held providers.Address) error {
	if held.Instance == "" || held.Instance == a.Instance || held.Instance == a.From {
		return nil
	}
	e := providers.Errorf(providers.Conflict, "associate "+a.Address, a.Region, "%s holds it", held.Instance)
	e.Do = fmt.Sprintf("if %[1]s may lose it, write `from: %[1]s`, or take it away: aws ec2 disassociate-address --region %[2]s --association-id \"$(aws ec2 describe-addresses --region %[2]s --public-ips %[3]s --query 'Addresses[0].AssociationId' --output text)\"", held.Instance, a.Region, a.Address)
	return e
}

func (a *associate) Observe(ctx context.Context, _ runbook.Call) (runbook.Observation, error) {
	held, err := a.read(ctx)
	if err != nil {
		return runbook.Observation{}, err
	}
	switch held.Instance {
	case a.Instance:
		return a.done(), nil
	case "":
		return seen(runbook.Absent, "nobody holds %s", a.Address), nil
	}
	return seen(runbook.Absent, "%s holds %s", held.Instance, a.Address), nil
}

func (a *associate) done() runbook.Observation {
	host := providers.Host{Address: a.Address, ID: a.Instance, Region: a.Region}
	o := seen(runbook.Holds, "%s → %s", a.Address, a.Instance)
	o.Outputs = map[string]any{"host": host.Value(), "address": a.Address}
	o.Changed = []runbook.Target{a.target()}
	return o
}

func (a *associate) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	held, err := a.read(ctx)
	if err != nil {
		return runbook.Observation{}, err
	}
	if held.Instance == a.Instance {
		return a.done(), nil
	}
	if err := a.refuse(held); err != nil {
		return runbook.Observation{}, err
	}
	var before associateBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if err := a.w.Addresses.Associate(ctx, a.Region, a.Address, a.Instance, before.Instance); err != nil {
		return runbook.Observation{}, advise(err, providers.Conflict, "see who holds it, and name it in `from` if it may lose it: aws ec2 describe-addresses --region %s --public-ips %s", a.Region, a.Address)
	}
	return a.done(), nil
}

// Undo gives the address back to its holder, or to nobody, as long as it is where this step left it.
func (a *associate) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before associateBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	held, err := a.read(ctx)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case before.Instance == a.Instance:
		return seen(runbook.Holds, "%s had %s before this step", a.Instance, a.Address), nil
	case held.Instance == before.Instance:
		return seen(runbook.Holds, "%s is back with %s", a.Address, somebody(before.Instance)), nil
	case held.Instance != a.Instance:
		return seen(runbook.Holds, "%s is with %s, not as this step left it; it was left alone", a.Address, somebody(held.Instance)), nil
	case before.Instance == "":
		if err := a.w.Addresses.Disassociate(ctx, a.Region, a.Address, a.Instance); err != nil {
			return runbook.Observation{}, err
		}
		return seen(runbook.Holds, "nobody holds %s", a.Address), nil
	}
	if err := a.w.Addresses.Associate(ctx, a.Region, a.Address, before.Instance, a.Instance); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Holds, "%s → %s, as before", a.Address, before.Instance), nil
}

func somebody(instance string) string {
	if instance == "" {
		return "nobody"
	}
	return instance
}

// target names the address by its number: that is what estates write, and it is as unique as its allocation.
func (a *associate) target() runbook.Target {
	return runbook.Target{Kind: "address", ID: a.Address, Region: a.Region}
}

func (a *associate) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{a.target(), {Kind: "instance", ID: a.Instance, Region: a.Region}}
}

// Check asks whether the address is this account's and free, and shows the quota: where the address is lost, another one
// has to be had.
func (a *associate) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := fmt.Sprintf("address %s is held in %s and free", a.Address, a.Region)
	if c, open := notYet(what, a.Address, a.Region); open {
		return []runbook.Check{c}
	}
	held, err := a.read(ctx)
	if err != nil {
		return []runbook.Check{lookFailed(what, err)}
	}
	if err := a.refuse(held); err != nil {
		return []runbook.Check{notWell(what, "ec2:DescribeAddresses", runbook.AsFailure(err).Do, "with %s", held.Instance)}
	}
	return []runbook.Check{well(what, "ec2:DescribeAddresses", "with %s%s", somebody(held.Instance), a.w.addressQuota(ctx, a.Region))}
}

// Depends is the region of the address.
func (a *associate) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "the address stays where it is; addresses cannot change region"}}
}

func (a *associate) Permissions() []string {
	return []string{"ec2:DescribeAddresses", "ec2:DescribeAccountAttributes", "ec2:AssociateAddress", "ec2:DisassociateAddress"}
}

func (a *associate) ByHand(call runbook.Call) []string {
	region := orQuestion(a.Region)
	var before associateBefore
	reassociation := "--no-allow-reassociation"
	if a.From != "" {
		reassociation = "--allow-reassociation"
	}
	if runbook.Recall(call.Before, &before) == nil && before.Allocation != "" {
		return []string{line(words("aws", "ec2", "associate-address", "--region", region, "--instance-id", orQuestion(a.Instance), reassociation, "--allocation-id", before.Allocation))}
	}
	return []string{line(words("aws", "ec2", "associate-address", "--region", region, "--instance-id", orQuestion(a.Instance), reassociation, "--allocation-id")) + " " + allocationOf(region, a.Address)}
}
