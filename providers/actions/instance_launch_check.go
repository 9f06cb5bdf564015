package actions

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Check asks for all that the launch names, and says of what EC2 tells only in earnest that it is not known.
func (a *launch) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	zone := a.checkedZone(ctx, call)
	out := []runbook.Check{
		a.checkImage(ctx), a.checkZone(ctx), a.checkType(ctx, zone), a.checkSubnet(ctx, zone),
		unknowable(fmt.Sprintf("there is capacity for %s in %s", orQuestion(a.Type), orQuestion(zone)), "only an accepted launch proves it"),
	}
	if len(a.SecurityGroups) > 0 {
		out = append(out, a.checkGroups(ctx, call))
	}
	if !a.HostKey.IsZero() {
		out = append(out, a.checkHostKey())
	}
	if parts := a.parts(); parts != "" {
		out = append(out, unknowable("there is "+parts+" in "+orQuestion(a.Region), "nothing here reads them; only an accepted launch proves it"))
	}
	return append(out, a.checkWays(ctx, call, zone))
}

// checkedZone is where the launch would go now: the volume chooses.
func (a *launch) checkedZone(ctx context.Context, call runbook.Call) string {
	zone := a.way(call).Zone
	if _, open := notYet("", a.Volume, a.Region); open || a.Volume == "" {
		return zone
	}
	if v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume); err == nil {
		return v.Zone
	}
	return zone
}

func (a *launch) checkImage(ctx context.Context) runbook.Check {
	what := fmt.Sprintf("image %s in %s", a.Image, a.Region)
	if c, open := notYet(what, a.Image, a.Region); open {
		return c
	}
	i, err := a.w.Images.Image(ctx, a.Region, a.Image)
	if err != nil {
		return lookFailed(what, advise(err, providers.NotFound, "copy the image to %s anew, and put its id into the estate", a.Region))
	}
	state := i.State
	if !i.Created.IsZero() {
		state += ", made " + age(a.w.clock.Now().Sub(i.Created)) + " ago"
	}
	if i.State != "available" {
		return notWell(what, "ec2:DescribeImages", "copy the image anew", "%s", state)
	}
	return well(what, "ec2:DescribeImages", "%s%s", state, a.w.besideSource(ctx, i, a.Source))
}

// checkZone holds the volume against the zone that the files name. The step itself would follow the volume, but the subnet
// does not, and whoever reads the estate at night believes it.
func (a *launch) checkZone(ctx context.Context) runbook.Check {
	what := "the launch goes to " + orQuestion(a.Zone)
	if a.Volume == "" {
		if c, open := notYet(what, a.Zone); open {
			return c
		}
		if a.Zone == "" {
			return notWell("the launch has a zone", "", "write standby.zone or standby.volume in the estate", "no zone is named")
		}
		return a.checkOpen(ctx, what)
	}
	what = fmt.Sprintf("volume %s is free and in %s", a.Volume, orQuestion(a.Zone))
	if a.Zone == "" {
		what = fmt.Sprintf("volume %s is free and chooses the zone", a.Volume)
	}
	if c, open := notYet(what, a.Volume, a.Zone, a.Region); open {
		return c
	}
	v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
	if err != nil {
		return lookFailed(what, advise(err, providers.NotFound, "check the volume's id and region: %s in %s", a.Volume, a.Region))
	}
	c := (&attach{Volume: a.Volume, Region: a.Region, w: a.w}).free(what, v)
	if c.OK && a.Zone != "" && v.Zone != a.Zone {
		return notWell(what, "ec2:DescribeVolumes", fmt.Sprintf("correct zone and subnet in the estate, or make a volume in %s from the newest snapshot", a.Zone),
			"it is in %s, and a volume can be attached in its own zone only", v.Zone)
	}
	return c
}

// checkOpen asks for the zone itself.
func (a *launch) checkOpen(ctx context.Context, what string) runbook.Check {
	zones, err := a.w.Places.Zones(ctx, a.Region)
	if err != nil {
		return lookFailed(what, err)
	}
	const source = "ec2:DescribeAvailabilityZones"
	i := slices.IndexFunc(zones, func(z providers.AvailabilityZone) bool { return z.Name == a.Zone })
	switch {
	case i < 0:
		return notWell(what, source, "correct the zone", "%s has no zone %s", a.Region, a.Zone)
	case zones[i].State != "available":
		return notWell(what, source, "choose another zone", "it is %s", zones[i].State)
	}
	return well(what, source, "it is %s", zones[i].State)
}

func (a *launch) checkType(ctx context.Context, zone string) runbook.Check {
	what := fmt.Sprintf("%s is offered in %s", orQuestion(a.Type), orQuestion(zone))
	if c, open := notYet(what, a.Type, zone, a.Region); open {
		return c
	}
	const source = "ec2:DescribeInstanceTypeOfferings"
	if zone == "" {
		return unknowable(what, "no zone is known")
	}
	offered, err := a.w.Places.Offered(ctx, a.Region, zone)
	switch {
	case err != nil:
		return lookFailed(what, err)
	case !slices.Contains(offered, a.Type):
		return notWell(what, source, "choose another type, or another zone", "it is not among the %d types of %s", len(offered), zone)
	}
	return well(what, source, "one of %d types", len(offered))
}

func (a *launch) checkSubnet(ctx context.Context, zone string) runbook.Check {
	what := fmt.Sprintf("%s has a default subnet", orQuestion(zone))
	if a.Subnet != "" {
		what = fmt.Sprintf("subnet %s is in %s", a.Subnet, orQuestion(zone))
	}
	if c, open := notYet(what, a.Subnet, zone, a.Region); open {
		return c
	}
	const source = "ec2:DescribeSubnets"
	subnets, err := a.w.Places.Subnets(ctx, a.Region, "")
	if err != nil {
		return lookFailed(what, err)
	}
	for _, s := range subnets {
		switch {
		case a.Subnet == "" && s.Default && s.Zone == zone:
			return well(what, source, "%s in %s", s.ID, s.VPC)
		case s.ID == a.Subnet && s.Zone == zone:
			return well(what, source, "in %s", s.VPC)
		case s.ID == a.Subnet:
			return notWell(what, source, "name a subnet of "+zone, "it is in %s", s.Zone)
		}
	}
	if a.Subnet == "" && a.Template != "" {
		return unknowable(what, "it has none; whether the template names one is not read")
	}
	return notWell(what, source, "name a subnet of "+zone, "there is none in %s", a.Region)
}

func (a *launch) checkGroups(ctx context.Context, call runbook.Call) runbook.Check {
	what := "security groups " + strings.Join(a.SecurityGroups, ", ")
	if c, open := notYet(what, append([]string{a.Subnet, a.Region}, a.SecurityGroups...)...); open {
		return c
	}
	const source = "ec2:DescribeSecurityGroups"
	way := a.way(call)
	way.Zone = a.checkedZone(ctx, call)
	found, vpc, err := a.findGroups(ctx, way)
	if err != nil {
		return lookFailed(what, err)
	}
	var bad, good []string
	for _, name := range a.SecurityGroups {
		matches := slices.DeleteFunc(slices.Clone(found), func(g providers.Group) bool { return g.ID != name && g.Name != name })
		switch len(matches) {
		case 1:
			good = append(good, groupWords(matches))
		case 0:
			bad = append(bad, fmt.Sprintf("there is no %s in %s", name, orQuestion(vpc)))
		default:
			bad = append(bad, fmt.Sprintf("%d are called %s: %s", len(matches), name, groupWords(matches)))
		}
	}
	if len(bad) > 0 {
		return notWell(what, source, "correct security_groups in the estate: ids, or names that one group of the network has", "%s", strings.Join(bad, "; "))
	}
	return well(what, source, "%s", strings.Join(good, ", "))
}

// checkHostKey holds the public part against what is pinned. Without it every ssh to the new machine would be refused.
func (a *launch) checkHostKey() runbook.Check {
	what := a.HostKey.String() + " is pinned in ssh.host_keys"
	key, err := a.publicKey()
	switch {
	case err != nil:
		f := runbook.AsFailure(err)
		return notWell(what, "", f.Do, "%s", f.What)
	case key == "":
		return unknowable(what, "secrets are not read for this")
	}
	for name, keys := range a.HostKeys {
		if slices.ContainsFunc(keys, func(k string) bool { return k == key || strings.HasPrefix(k, key+" ") }) {
			return well(what, "the estate", "as %s", name)
		}
	}
	return notWell(what, "the estate", "pin it by the address or the image: ssh: {host_keys: {ADDRESS: [\""+key+"\"]}}", "no host has it")
}

// checkWays says what is left when there is no capacity.
func (a *launch) checkWays(ctx context.Context, call runbook.Call, zone string) runbook.Check {
	what := "what is left when there is no capacity"
	if c, open := notYet(what, a.Type, a.Volume, a.Subnet, zone, a.Region); open {
		return c
	}
	ways, closed := a.fallbacks(ctx, call)
	var names []string
	for _, b := range ways {
		names = append(names, b.Name)
	}
	if len(names) == 0 {
		return unknowable(what, "nothing that is known: "+strings.Join(closed, "; "))
	}
	return well(what, "ec2:DescribeInstanceTypes", "%s", strings.Join(append([]string{strings.Join(names, ", ")}, closed...), "; "))
}

// parts are what the launch names and nothing here reads.
func (a *launch) parts() string {
	var parts []string
	for _, p := range []struct{ what, name string }{{"key pair", a.KeyName}, {"profile", a.Profile}, {"template", a.Template}} {
		if p.name != "" {
			parts = append(parts, p.what+" "+p.name)
		}
	}
	return strings.Join(parts, ", ")
}

// Depends is the region of the launch.
func (a *launch) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "no machine can be launched there"}}
}

// Permissions name ec2:CreateTags because tags go with the launch, and iam:PassRole for the profile's role: AWS asks for
// both although neither is a call. What a fallback needs is among them: at night nobody can change a policy.
func (a *launch) Permissions() []string {
	p := append(readInstance(), "ec2:RunInstances", "ec2:CreateTags", "ec2:DescribeImages", "ec2:TerminateInstances",
		"ec2:DescribeAvailabilityZones", "ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes", "ec2:DescribeSubnets")
	if len(a.SecurityGroups) > 0 {
		p = append(p, "ec2:DescribeSecurityGroups")
	}
	if a.Volume != "" {
		p = append(p, "ec2:DescribeVolumes", "ec2:DescribeSnapshots", "ec2:CreateVolume", "ec2:DeleteVolume")
	}
	if a.Profile != "" {
		p = append(p, "iam:PassRole")
	}
	return p
}

func (a *launch) Targets(runbook.Call) []runbook.Target { return []runbook.Target{} }

func (a *launch) ByHand(call runbook.Call) []string {
	way := a.way(call)
	profile := ""
	if a.Profile != "" {
		profile = "Name=" + a.Profile
	}
	data, before := a.UserData, []string(nil)
	if !a.HostKey.IsZero() {
		data = "file://user-data"
		before = []string{fmt.Sprintf("cat user-data # make it first: a cloud-config whose ssh_keys are %s and its public part", a.HostKey)}
	}
	template := ""
	if name, version, _ := strings.Cut(a.Template, ":"); name != "" {
		template = "LaunchTemplateName=" + name
		if strings.HasPrefix(name, "lt-") {
			template = "LaunchTemplateId=" + name
		}
		if version != "" {
			template += ",Version=" + version
		}
	}
	lines := append(before, line(
		words("aws", "ec2", "run-instances", "--region", orQuestion(a.Region), "--image-id", orQuestion(a.Image), "--instance-type", orQuestion(way.Type), "--count", "1",
			"--placement", "AvailabilityZone="+orQuestion(way.Zone)),
		flag("--launch-template", template), flag("--subnet-id", way.Subnet), flag("--security-group-ids", way.Groups...), flag("--key-name", a.KeyName),
		flag("--iam-instance-profile", profile), flag("--user-data", data), flag("--client-token", string(call.Key)),
		flag("--tag-specifications", specification("instance", a.tags(call), "Name", tagRun, tagStep, tagKey)),
	))
	if !way.moved() {
		return lines
	}
	return append(lines, line(
		words("aws", "ec2", "create-volume", "--region", orQuestion(a.Region), "--availability-zone", way.Zone, "--snapshot-id", way.Snapshot,
			"--volume-type", "gp3", "--volume-initialization-rate", fmt.Sprint(fillRate)),
		flag("--tag-specifications", specification("volume", a.volumeTags(call), "Name", tagRun, tagStep, tagKey, tagPart)),
	))
}

// specification is how the aws command takes tags.
func specification(kind string, tags map[string]string, order ...string) string {
	var list []string
	for _, name := range order {
		list = append(list, fmt.Sprintf("{Key=%s,Value=%s}", name, orQuestion(tags[name])))
	}
	return "ResourceType=" + kind + ",Tags=[" + strings.Join(list, ",") + "]"
}
