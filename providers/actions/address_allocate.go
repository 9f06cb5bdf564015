package actions

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func addressAllocate(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "address.allocate",
		Summary: "allocate a public address",
		New:     func() runbook.Probe { return &allocate{w: w} },
		Outputs: []runbook.Output{
			{Name: "address", Doc: "the address, such as 198.51.100.7", Type: "string"},
			{Name: "allocation", Doc: "EC2's id of it", Type: "string"},
			{Name: "region", Doc: "where it is held; addresses cannot change region", Type: "string"},
		},
		Settle:  allocateSettle,
		Budget:  5 * time.Second,
		Timeout: time.Minute,
	}
}

// allocateSettle is how long a new address may be missing from what EC2 reads.
const allocateSettle = 10 * time.Second

// tagEstate tells what one estate's runs made from what another's did.
const tagEstate = "lifeboat:estate"

// allocate bears its key as a tag: AllocateAddress has no token, so an address whose answer was lost is looked for before
// another is asked for. Two would cost money, and one of five in the region.
type allocate struct {
	Region string `with:"region" default:"estate.standby.region" doc:"region; the standby's when left out"`
	Name   string `with:"name" doc:"the address's Name tag"`
	Estate string `with:"estate" default:"estate.name" doc:"name of the estate, for the tag by which address.release knows its own"`

	w world
}

func (a *allocate) tags(call runbook.Call) map[string]string {
	name := a.Name
	if name == "" {
		name = fmt.Sprintf("lifeboat %s %s", call.Run, call.Step)
	}
	return map[string]string{
		"Name": name, tagEstate: a.Estate, tagRun: string(call.Run), tagStep: call.Step, tagKey: string(call.Key),
	}
}

func (a *allocate) own(ctx context.Context, call runbook.Call) ([]providers.Address, error) {
	return a.w.Addresses.FindAddresses(ctx, a.Region, map[string]string{tagKey: string(call.Key)})
}

// Prepare refuses where the quota is used up: EC2 would, and here it can be said what to do before anything is changed.
func (a *allocate) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	found, err := a.own(ctx, call)
	if err != nil {
		return nil, err
	}
	used, limit, err := a.w.Holdings.AddressQuota(ctx, a.Region)
	if err != nil {
		return nil, err
	}
	if used >= limit && len(found) == 0 {
		e := providers.Errorf(providers.Quota, "ec2:AllocateAddress", a.Region, "%d of %d addresses of the region are held", used, limit)
		e.Do = moreAddresses(a.Region, limit)
		return nil, e
	}
	return runbook.Keep(map[string]int{"used": used, "limit": limit})
}

// moreAddresses is what to do where the quota is used up. The code is that of "EC2-VPC Elastic IPs".
func moreAddresses(region string, limit int) string {
	return fmt.Sprintf("release one that is not needed (aws ec2 describe-addresses --region %s), or ask for more: aws service-quotas request-service-quota-increase --region %s --service-code ec2 --quota-code L-0263D0A3 --desired-value %d", region, region, limit+5)
}

func (a *allocate) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	found, err := a.own(ctx, call)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case len(found) == 0:
		return seen(runbook.Absent, "no address in %s bears the key %s", a.Region, call.Key), nil
	}
	o := a.done(ctx, found[0])
	if len(found) > 1 {
		o.Evidence += fmt.Sprintf("; %d addresses bear its key: release %s", len(found), numbers(found[1:]))
	}
	return o, nil
}

func numbers(list []providers.Address) string {
	var out []string
	for _, a := range list {
		out = append(out, a.Address)
	}
	return strings.Join(out, ", ")
}

func (a *allocate) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	found, err := a.own(ctx, call)
	if err != nil {
		return runbook.Observation{}, unsent(err)
	}
	if len(found) > 0 {
		return a.done(ctx, found[0]), nil
	}
	made, err := a.w.Holdings.Allocate(ctx, a.Region, a.tags(call))
	if err != nil {
		return runbook.Observation{}, advise(err, providers.Quota, "%s", moreAddresses(a.Region, 5))
	}
	return a.done(ctx, made), nil
}

// unsent says of a failed look before a change that the change was not asked for: without it a lost answer to a question
// would put the change in doubt.
func unsent(err error) error {
	if runbook.AsFailure(err).Verdict != runbook.InDoubt {
		return err
	}
	return &providers.Error{
		Kind: providers.Unreachable, Op: "look before the change", Detail: reason(err) + "; nothing was asked for", Cause: err,
	}
}

func (a *allocate) done(ctx context.Context, made providers.Address) runbook.Observation {
	o := seen(runbook.Holds, "%s in %s%s", made.Address, a.Region, a.w.addressQuota(ctx, a.Region))
	o.Outputs = map[string]any{"address": made.Address, "allocation": made.Allocation, "region": a.Region}
	o.Made = []runbook.Target{{Kind: "address", ID: made.Address, Region: a.Region}}
	return o
}

// addressQuota is evidence and never a condition: a quota that cannot be read is left out.
func (w world) addressQuota(ctx context.Context, region string) string {
	ctx, cancel := w.clock.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	used, limit, err := w.Holdings.AddressQuota(ctx, region)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("; %d of %d addresses of the region are held", used, limit)
}

// Undo releases only what bears the key of this step.
func (a *allocate) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	found, err := a.own(ctx, call)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case len(found) == 0 && a.w.clock.Now().Sub(call.Since) < allocateSettle:
		return seen(runbook.Pending, "no address in %s bears the key %s, which may still change", a.Region, call.Key), nil
	case len(found) == 0:
		return seen(runbook.Holds, "nothing to put back: no address in %s bears the key %s", a.Region, call.Key), nil
	}
	for _, own := range found {
		if own.Instance != "" {
			return runbook.Observation{}, runbook.Fail(
				fmt.Sprintf("%s is held by %s", own.Address, own.Instance), "it was left alone",
				"take it away first (undo the step that gave it), or keep it")
		}
		if err := a.w.Holdings.Release(ctx, a.Region, own.Address); err != nil {
			return runbook.Observation{}, err
		}
	}
	return seen(runbook.Holds, "%s released", numbers(found)), nil
}

func (a *allocate) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := "the quota leaves an address in " + orQuestion(a.Region)
	if c, open := notYet(what, a.Region); open {
		return []runbook.Check{c}
	}
	const source = "ec2:DescribeAccountAttributes"
	used, limit, err := a.w.Holdings.AddressQuota(ctx, a.Region)
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, err)}
	case used >= limit:
		return []runbook.Check{notWell(what, source, moreAddresses(a.Region, limit), "%d of %d held", used, limit)}
	}
	return []runbook.Check{well(what, source, "%d of %d held", used, limit)}
}

// Depends is the region of the address.
func (a *allocate) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "no address can be allocated there"}}
}

// Permissions name ec2:CreateTags because tags go with the allocation.
func (a *allocate) Permissions() []string {
	return []string{
		"ec2:AllocateAddress", "ec2:CreateTags", "ec2:DescribeAddresses", "ec2:DescribeAccountAttributes", "ec2:ReleaseAddress",
	}
}

func (a *allocate) Targets(runbook.Call) []runbook.Target { return []runbook.Target{} }

func (a *allocate) ByHand(call runbook.Call) []string {
	tags := "ResourceType=elastic-ip,Tags=["
	for i, name := range []string{"Name", tagEstate, tagRun, tagStep, tagKey} {
		if i > 0 {
			tags += ","
		}
		tags += fmt.Sprintf("{Key=%s,Value=%s}", name, orQuestion(a.tags(call)[name]))
	}
	region := orQuestion(a.Region)
	return []string{
		line(words("aws", "ec2", "describe-addresses", "--region", region, "--filters", "Name=tag:"+tagKey+",Values="+orQuestion(string(call.Key)))),
		line(words("aws", "ec2", "allocate-address", "--region", region, "--domain", "vpc", "--tag-specifications", tags+"]")),
	}
}
