package actions

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Undo puts back what the fence took, each only where it is as the fence left it: the address when nobody has it now, the
// groups when the isolating one is all there is, and last the power, so that the machine comes up as it was.
func (a *fence) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before fenceBefore
	if len(call.Before) == 0 {
		return seen(runbook.Holds, "nothing was taken from %s", a.Instance), nil
	}
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case over(i):
		return seen(runbook.Holds, "%s is %s: there is nothing to put back", i.ID, i.State), nil
	}
	address, err := a.addressBack(ctx, before)
	if err != nil {
		return runbook.Observation{}, err
	}
	groups, err := a.groupsBack(ctx, before, i)
	if err != nil {
		return runbook.Observation{}, err
	}
	if before.State != providers.InstanceRunning && before.State != providers.InstancePending {
		return seen(runbook.Holds, "%s was %s before this step%s%s", i.ID, before.State, address, groups), nil
	}
	o, err := a.w.startAgain(ctx, a.Region, a.Instance)
	o.Evidence += address + groups
	return o, err
}

// addressBack gives the address back when nobody has taken it meanwhile.
func (a *fence) addressBack(ctx context.Context, before fenceBefore) (string, error) {
	if before.Address == "" {
		return "", nil
	}
	held, err := a.w.Addresses.Address(ctx, a.Region, before.Address)
	switch {
	case err != nil:
		return "", err
	case held.Instance == a.Instance:
		return ", with " + before.Address, nil
	case held.Instance != "":
		return fmt.Sprintf("; %s is with %s and was left there", before.Address, held.Instance), nil
	}
	return ", with " + before.Address, a.w.Addresses.Associate(ctx, a.Region, before.Address, a.Instance, "")
}

// groupsBack puts the machine back into its groups when it is in the isolating one and no other.
func (a *fence) groupsBack(ctx context.Context, before fenceBefore, i providers.Instance) (string, error) {
	switch {
	case before.Isolate == "", len(before.Groups) == 0, slices.Equal(before.Groups, i.SecurityGroups):
		return "", nil
	case !slices.Equal(i.SecurityGroups, []string{before.Isolate}):
		return fmt.Sprintf("; its groups are %s, not as this step left them; they were left alone", strings.Join(i.SecurityGroups, ", ")), nil
	}
	return ", in " + strings.Join(before.Groups, ", "), a.w.Power.Regroup(ctx, a.Region, a.Instance, before.Groups)
}

func (a *fence) Targets(runbook.Call) []runbook.Target {
	out := []runbook.Target{machineTarget(a.Region, a.Instance)}
	if a.Address != "" {
		out = append(out, runbook.Target{Kind: "address", ID: a.Address, Region: a.Region})
	}
	return out
}

// Check asks for the machine, and for what is left when it does not stop.
func (a *fence) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	there := a.w.checkMachine(ctx, a.Region, a.Instance)
	if there.Grade != runbook.CheckedLive || !there.OK {
		return []runbook.Check{there}
	}
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	if err != nil {
		return []runbook.Check{there, lookFailed("what is left when it does not stop", err)}
	}
	out := []runbook.Check{there}
	if a.Isolate != "" {
		what := fmt.Sprintf("%s isolates %s", a.Isolate, i.ID)
		switch id, why := a.group(ctx, i); {
		case why != "":
			out = append(out, notWell(what, "ec2:DescribeSecurityGroups", "make a group without rules in "+orQuestion(i.VPC), "%s", why))
		default:
			out = append(out, well(what, "ec2:DescribeSecurityGroups", "%s lets nothing in or out", id))
		}
	}
	what := "what is left when it does not stop"
	held, err := a.holds(ctx, i)
	switch {
	case err != nil:
		out = append(out, lookFailed(what, err))
	case held != "":
		out = append(out, well(what, "ec2:DescribeAddresses", "its address %s can be taken", held))
	case a.Isolate == "":
		out = append(out, well(what, "ec2:DescribeInstances", "nothing: no group is named to isolate it, and it holds no elastic address"))
	}
	return out
}

// Depends is the region of the machine: all three ways go through it.
func (a *fence) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "the machine cannot be fenced, and nobody knows whether it writes"}}
}

func (a *fence) Permissions() []string {
	p := append(readInstance(), "ec2:StopInstances", "ec2:StartInstances", "ec2:DescribeSecurityGroups",
		"ec2:DescribeAddresses", "ec2:DisassociateAddress", "ec2:AssociateAddress")
	if a.Isolate != "" {
		p = append(p, "ec2:ModifyInstanceAttribute")
	}
	return p
}

func (a *fence) ByHand(call runbook.Call) []string {
	var before fenceBefore
	_ = runbook.Recall(call.Before, &before) // what cannot be read is a question mark
	region, id := orQuestion(a.Region), orQuestion(a.Instance)
	lines := stopByHand(a.Region, a.Instance, !a.Soft)
	group := before.Isolate
	if group == "" {
		group = a.Isolate
	}
	if group != "" {
		lines = append(lines, line(words("aws", "ec2", "modify-instance-attribute", "--region", region, "--instance-id", id, "--groups", group)))
	}
	address := before.Address
	if address == "" {
		address = a.Address
	}
	if address != "" {
		lines = append(lines, line(words("aws", "ec2", "disassociate-address", "--region", region, "--association-id"))+
			fmt.Sprintf(` "$(aws ec2 describe-addresses --region %s --public-ips %s --query 'Addresses[0].AssociationId' --output text)"`, quote(region), quote(address)))
	}
	return lines
}
