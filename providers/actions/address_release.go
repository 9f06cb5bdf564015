package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func addressRelease(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "address.release",
		Summary: "give a public address back for good, if a run of this estate allocated it",
		New:     func() runbook.Probe { return &release{w: w} },
		Outputs: []runbook.Output{{Name: "address", Doc: "the address that was released", Type: "string"}},
		Settle:  10 * time.Second,
		Budget:  5 * time.Second,
		Timeout: time.Minute,
	}
}

// release cannot be undone: the number is another's from then on. So it takes only what bears the tags of a run of this
// estate and what nobody holds.
type release struct {
	Address string `with:"address,required" doc:"the elastic address, such as 198.51.100.7"`
	Region  string `with:"region" default:"region_of(with.address)" doc:"region of the address"`
	Estate  string `with:"estate" default:"estate.name" doc:"name of the estate whose runs allocated it"`

	w world
}

// releaseBefore says whether there was anything to release.
type releaseBefore struct {
	Allocation string `json:"allocation,omitempty"` // empty: the account did not hold it
	Run        string `json:"run,omitempty"`        // that allocated it
}

func (a *release) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	held, err := a.w.Addresses.Address(ctx, a.Region, a.Address)
	if providers.Is(err, providers.NotFound) {
		return runbook.Keep(releaseBefore{})
	}
	if err != nil {
		return nil, err
	}
	if err := a.refuse(held); err != nil {
		return nil, err
	}
	return runbook.Keep(releaseBefore{Allocation: held.Allocation, Run: held.Tags[tagRun]})
}

func (a *release) refuse(held providers.Address) error {
	by, estate := held.Tags[tagRun], held.Tags[tagEstate]
	switch {
	case by == "":
		return runbook.Fail(
			fmt.Sprintf("%s bears no tag %s: no run allocated it", a.Address, tagRun), "it was left alone; a released address cannot be had back",
			fmt.Sprintf("if it shall go all the same: aws ec2 release-address --region %s --allocation-id %s", a.Region, held.Allocation))
	case estate != a.Estate:
		return runbook.Fail(
			fmt.Sprintf("%s was allocated by run %s of estate %q, and this is %q", a.Address, by, estate, a.Estate), "it was left alone",
			"release it from the runbook of its own estate")
	case held.Instance != "":
		e := providers.Errorf(providers.Conflict, "release "+a.Address, a.Region, "%s holds it", held.Instance)
		e.Do = "take it away first, with address.disassociate"
		return e
	}
	return nil
}

func (a *release) Observe(ctx context.Context, _ runbook.Call) (runbook.Observation, error) {
	held, err := a.w.Addresses.Address(ctx, a.Region, a.Address)
	switch {
	case providers.Is(err, providers.NotFound):
		return a.done(ctx), nil
	case err != nil:
		return runbook.Observation{}, err
	}
	return seen(runbook.Absent, "%s is held by this account, with %s", a.Address, somebody(held.Instance)), nil
}

// done names nothing as changed: nobody can put a released address back.
func (a *release) done(ctx context.Context) runbook.Observation {
	o := seen(runbook.Holds, "this account holds no %s in %s%s", a.Address, a.Region, a.w.addressQuota(ctx, a.Region))
	o.Outputs = map[string]any{"address": a.Address}
	return o
}

// Apply reads once more: between the look and the call a machine may have been given the address.
func (a *release) Apply(ctx context.Context, _ runbook.Call) (runbook.Observation, error) {
	held, err := a.w.Addresses.Address(ctx, a.Region, a.Address)
	switch {
	case providers.Is(err, providers.NotFound):
		return a.done(ctx), nil
	case err != nil:
		return runbook.Observation{}, unsent(err)
	}
	if err := a.refuse(held); err != nil {
		return runbook.Observation{}, err
	}
	if err := a.w.Holdings.Release(ctx, a.Region, a.Address); err != nil {
		return runbook.Observation{}, advise(err, providers.Conflict, "see who holds it: aws ec2 describe-addresses --region %s --public-ips %s", a.Region, a.Address)
	}
	return a.done(ctx), nil
}

func (a *release) target() runbook.Target {
	return runbook.Target{Kind: "address", ID: a.Address, Region: a.Region}
}

func (a *release) Targets(runbook.Call) []runbook.Target { return []runbook.Target{a.target()} }

func (a *release) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := fmt.Sprintf("address %s was allocated by a run of this estate, and nobody holds it", a.Address)
	if c, open := notYet(what, a.Address, a.Region); open {
		return []runbook.Check{c}
	}
	const source = "ec2:DescribeAddresses"
	held, err := a.w.Addresses.Address(ctx, a.Region, a.Address)
	if providers.Is(err, providers.NotFound) {
		return []runbook.Check{well(what, source, "this account does not hold it: there is nothing to release")}
	}
	if err != nil {
		return []runbook.Check{lookFailed(what, err)}
	}
	if err := a.refuse(held); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell(what, source, f.Do, "%s", f.What)}
	}
	return []runbook.Check{well(what, source, "allocated by run %s", held.Tags[tagRun])}
}

// Depends is the region of the address.
func (a *release) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "the address stays held, and is paid for"}}
}

func (a *release) Permissions() []string {
	return []string{"ec2:DescribeAddresses", "ec2:DescribeAccountAttributes", "ec2:ReleaseAddress"}
}

func (a *release) ByHand(call runbook.Call) []string {
	region := orQuestion(a.Region)
	var before releaseBefore
	if runbook.Recall(call.Before, &before) == nil && before.Allocation != "" {
		return []string{line(words("aws", "ec2", "release-address", "--region", region, "--allocation-id", before.Allocation))}
	}
	return []string{line(words("aws", "ec2", "release-address", "--region", region, "--allocation-id")) + " " + allocationOf(region, a.Address)}
}

// allocationOf is a shell's question for the allocation of an address.
func allocationOf(region, address string) string {
	return fmt.Sprintf(`"$(aws ec2 describe-addresses --region %s --public-ips %s --query 'Addresses[0].AllocationId' --output text)"`, quote(region), quote(orQuestion(address)))
}
