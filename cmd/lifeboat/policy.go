package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"lifeboat/providers"
	"lifeboat/runbook"
)

type policyCmd struct {
	Runbook string `arg:"" help:"A file, or the name of a shipped runbook."`
	Mode    string `enum:"live,drill,rehearse" default:"live" help:"As what it would run: live, drill or rehearse."`
	runFlags
}

// policy is an IAM policy document.
type policy struct {
	Version   string
	Statement []statement
}

// statement is one of its statements. Conditions are operator, key, value.
type statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string]any `json:",omitempty"`
}

// Run prints the least that a run of the runbook has to be allowed. It calls nothing.
func (c *policyCmd) Run(a *app) error {
	inputs, err := parseInputs(c.Set)
	if err != nil {
		return err
	}
	mode := runbook.Mode(c.Mode)
	f, err := a.load(c.Runbook, mode, inputs)
	if err != nil {
		return err
	}
	plan, err := f.compile(mode, inputs, nil, providers.Set{}, nil, true)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(policyOf(plan, f.parsedEstate.Unresolved()), "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, string(text))
	return err
}

// readsOnly reports whether an IAM action changes nothing.
func readsOnly(action string) bool {
	_, verb, _ := strings.Cut(action, ":")
	return strings.HasPrefix(verb, "Describe") || strings.HasPrefix(verb, "Get") || strings.HasPrefix(verb, "List")
}

// needed are the actions of a plan, with the records that it would change.
type neededActions struct {
	actions []string
	records []runbook.Target
}

func (n *neededActions) add(probe runbook.Probe) {
	if p, ok := probe.(runbook.Permitter); ok {
		n.actions = append(n.actions, p.Permissions()...)
	}
	if t, ok := probe.(runbook.Targeter); ok {
		for _, target := range t.Targets(runbook.Call{}) {
			if target.Kind == "record" {
				n.records = append(n.records, target)
			}
		}
	}
}

// permissionsOf collects from every guard and step what it may call, whatever the inputs: at night another copy of the data
// may be the good one. What the estate chooses by tags is looked for, and who asks is asked first of all.
func permissionsOf(plan *runbook.Plan, refs []runbook.UnresolvedRef) neededActions {
	n := neededActions{actions: []string{"sts:GetCallerIdentity"}}
	for _, ref := range refs {
		n.actions = append(n.actions, map[string]string{
			"instance": "ec2:DescribeInstances", "volume": "ec2:DescribeVolumes", "image": "ec2:DescribeImages", "address": "ec2:DescribeAddresses",
		}[ref.Kind])
	}
	for i := range plan.Guards {
		g := &plan.Guards[i]
		if !g.Applicable {
			continue
		}
		probe, err := plan.BindGuard(g.ID, nil)
		if err != nil {
			probe = g.Kind.New()
		}
		n.add(probe)
	}
	stand := runbook.Placeholders(plan)
	for i := range plan.Steps {
		probe, err := plan.Bind(plan.Steps[i].ID, &stand, nil)
		if err != nil {
			probe = plan.Steps[i].Kind.New()
		}
		n.add(probe)
	}
	slices.Sort(n.actions)
	n.actions = slices.Compact(n.actions)
	return n
}

// policyOf writes one statement for what reads and one for what changes. What can be narrowed with certainty has a
// statement of its own; for the rest EC2 wants to know resources that are made only in the run.
func policyOf(plan *runbook.Plan, refs []runbook.UnresolvedRef) policy {
	n := permissionsOf(plan, refs)
	var reads, writes, narrow []statement
	rest := map[bool][]string{}
	for _, action := range n.actions {
		if s, ok := narrowed(action, plan, n.records); ok {
			narrow = append(narrow, s)
			continue
		}
		rest[readsOnly(action)] = append(rest[readsOnly(action)], action)
	}
	if list := rest[true]; len(list) > 0 {
		reads = []statement{allow("LifeboatReads", list, "*")}
	}
	if list := rest[false]; len(list) > 0 {
		writes = []statement{allow("LifeboatWrites", list, "*")}
	}
	slices.SortFunc(narrow, func(a, b statement) int { return strings.Compare(a.Sid, b.Sid) })
	return policy{Version: "2012-10-17", Statement: slices.Concat(reads, writes, narrow)}
}

func allow(sid string, actions []string, resources ...string) statement {
	return statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources}
}

// narrowed is the statement of an action whose resources or circumstances are certain.
func narrowed(action string, plan *runbook.Plan, records []runbook.Target) (statement, bool) {
	switch action {
	case "ec2:CreateTags": // tags are given with the launch and never later
		s := allow("LifeboatTagsAtLaunch", []string{action}, "*")
		s.Condition = map[string]map[string]any{"StringEquals": {"ec2:CreateAction": "RunInstances"}}
		return s, true
	case "ec2:TerminateInstances": // an undo ends only what a run has made
		s := allow("LifeboatEndsItsOwn", []string{action}, "*")
		s.Condition = map[string]map[string]any{"Null": {"aws:ResourceTag/lifeboat:run": "false"}}
		return s, true
	case "iam:PassRole": // the role of the estate's profile, to the machine that is launched
		s := allow("LifeboatPassesRole", []string{action}, "*")
		s.Condition = map[string]map[string]any{"StringEquals": {"iam:PassedToService": ec2Service(plan.Estate.Standby.Region)}}
		return s, true
	case "route53:ChangeResourceRecordSets":
		return recordStatement(action, plan, records)
	}
	return statement{}, false
}

// recordStatement names zones and records where the plan knows them all.
func recordStatement(action string, plan *runbook.Plan, records []runbook.Target) (statement, bool) {
	var zones, names []string
	for _, r := range records {
		zone, name, _ := strings.Cut(r.ID, "/")
		name, _, _ = strings.Cut(name, "./")
		if !certain(zone) || !certain(name) {
			return statement{}, false
		}
		zones = append(zones, "arn:"+partition(plan.Estate.Standby.Region)+":route53:::hostedzone/"+zone)
		names = append(names, name)
	}
	slices.Sort(zones)
	slices.Sort(names)
	s := allow("LifeboatRecords", []string{action}, slices.Compact(zones)...)
	s.Condition = map[string]map[string]any{
		"ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": slices.Compact(names)},
	}
	return s, len(records) > 0
}

func certain(value string) bool {
	_, open := runbook.NotKnown(value)
	return value != "" && !open && !strings.ContainsAny(value, "*?\\")
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

func ec2Service(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "ec2.amazonaws.com.cn"
	}
	return "ec2.amazonaws.com"
}
