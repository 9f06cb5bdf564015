package actions

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func instanceLaunch(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "instance.launch",
		Summary: "launch a machine from an image",
		New:     func() runbook.Probe { return &launch{w: w} },
		Outputs: []runbook.Output{
			{Name: "instance", Doc: "id of the machine", Type: "string"},
			{Name: "zone", Doc: "availability zone where it runs", Type: "string"},
			{Name: "region", Doc: "region where it runs", Type: "string"},
			{Name: "address", Doc: "its public address at that moment, when it had one", Type: "string"},
		},
		Settle:  launchSettle,
		Budget:  5 * time.Second,
		Timeout: time.Minute,
	}
}

// launchSettle is how long a new machine may be missing from what EC2 reads.
const launchSettle = 15 * time.Second

// launch is done when EC2 has accepted it: an accepted launch proves that there is capacity. That the machine runs is
// the question of instance.ready.
type launch struct {
	Image          string   `with:"image,required" doc:"id of the machine image"`
	Type           string   `with:"type,required" doc:"instance type, such as m7i.large"`
	Zone           string   `with:"zone" doc:"availability zone; may be left out when there is a volume"`
	Volume         string   `with:"volume" doc:"id of the volume that will be attached: it must be free, and its zone is taken whatever zone says"`
	Subnet         string   `with:"subnet" doc:"subnet id; the zone's default subnet when left out"`
	SecurityGroups []string `with:"security_groups" doc:"security group ids"`
	KeyName        string   `with:"key_name" doc:"EC2 key pair"`
	Profile        string   `with:"profile" doc:"IAM instance profile, by name"`
	UserData       string   `with:"user_data" doc:"text handed to the machine when it first boots"`
	Region         string   `with:"region" default:"region_of(with.zone)" doc:"region; the zone's when left out"`
	Name           string   `with:"name" doc:"the machine's Name tag"`

	w world
}

func (a *launch) tags(call runbook.Call) map[string]string {
	name := a.Name
	if name == "" {
		name = fmt.Sprintf("lifeboat %s %s", call.Run, call.Step)
	}
	return map[string]string{"Name": name, tagRun: string(call.Run), tagStep: call.Step, tagKey: string(call.Key)}
}

// launchBefore is the zone that was found.
type launchBefore struct {
	Zone string `json:"zone"`
}

// Prepare lets the volume choose the zone, and refuses here, before anything is launched or DNS is moved, when it could
// not be attached anyway.
func (a *launch) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	before := launchBefore{Zone: a.Zone}
	if a.Volume != "" {
		v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
		if err != nil {
			return nil, advise(err, providers.NotFound, "check the volume's id and region: %s in %s", a.Volume, a.Region)
		}
		if err := (&attach{Volume: a.Volume, Region: a.Region, w: a.w}).elsewhere(v); err != nil {
			return nil, err
		}
		before.Zone = v.Zone
	}
	if before.Zone == "" {
		return nil, runbook.Fail("no zone is named", "nothing was launched", "write standby.zone or standby.volume in the estate")
	}
	return runbook.Keep(before)
}

// zone is where it is launched: what Prepare found, before that what the file says.
func (a *launch) zone(call runbook.Call) string {
	before := launchBefore{Zone: a.Zone}
	if err := runbook.Recall(call.Before, &before); err != nil || before.Zone == "" {
		return a.Zone
	}
	return before.Zone
}

func (a *launch) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	// By tag and in the whole region: a token is zonal when a zone is given, a tag is not.
	found, err := a.w.Instances.FindInstances(ctx, a.Region, map[string]string{tagKey: string(call.Key)})
	if err != nil {
		return runbook.Observation{}, err
	}
	var alive []providers.Instance
	for _, i := range found {
		if i.State != providers.InstanceTerminated && i.State != providers.InstanceShuttingDown {
			alive = append(alive, i)
		}
	}
	switch {
	case len(found) == 0:
		return seen(runbook.Absent, "no machine in %s bears the key %s", a.Region, call.Key), nil
	case len(alive) == 0:
		o := seen(runbook.Absent, "%s was launched and is %s%s", found[0].ID, found[0].State, because(found[0]))
		o.KeySpent = true
		return o, nil
	}
	o := a.launched(call, alive[0])
	if len(alive) > 1 {
		o.Evidence += fmt.Sprintf("; %d machines bear its key: terminate %s", len(alive), ids(alive[1:]))
	}
	return o, nil
}

func (a *launch) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	zone := a.zone(call)
	i, err := a.w.Instances.Launch(ctx, a.Region, providers.Launch{
		Token: string(call.Key), Image: a.Image, Type: a.Type, Zone: zone, Subnet: a.Subnet,
		SecurityGroups: a.SecurityGroups, KeyName: a.KeyName, Profile: a.Profile, UserData: a.UserData,
		Tags: a.tags(call),
	})
	if err != nil {
		err = advise(err, providers.NoCapacity, "a retry asks for the same again. To go on in this run, launch another type that %s offers by hand (aws ec2 describe-instance-type-offerings --region %s --location-type availability-zone --filters Name=location,Values=%s) and answer by-hand with its id; or stop, write another type, or another zone with a volume from the newest snapshot, into the files, and start anew", zone, a.Region, zone)
		err = advise(err, providers.KeySpent, "retry: the next attempt has a key of its own")
		err = advise(err, providers.NotFound, "check that image, subnet, groups and key pair exist in %s: %s", a.Region, a.Image)
		return runbook.Observation{}, advise(err, providers.Quota, "ask for a higher quota in %s, or stop what is not needed there", a.Region)
	}
	return a.launched(call, i), nil
}

func (a *launch) launched(call runbook.Call, i providers.Instance) runbook.Observation {
	zone, region := cmp.Or(i.Zone, a.zone(call)), cmp.Or(i.Region, a.Region)
	o := seen(runbook.Holds, "%s is %s in %s%s", i.ID, i.State, zone, because(i))
	// Every declared output is there, so that an expression that reads one never meets a gap.
	o.Outputs = map[string]any{"instance": i.ID, "zone": zone, "region": region, "address": i.PublicAddress}
	o.Made = []runbook.Target{{Kind: "instance", ID: i.ID, Region: region}}
	return o
}

// Undo terminates only what bears the tag and the key of this step.
func (a *launch) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	id, _ := call.Did["instance"].(string)
	if id == "" { // its answer was lost: the key tells what became of it
		o, err := a.Observe(ctx, call)
		switch {
		case err != nil:
			return runbook.Observation{}, err
		case o.State == runbook.Holds:
			id, _ = o.Outputs["instance"].(string)
		case a.w.clock.Now().Sub(call.Since) < launchSettle:
			return seen(runbook.Pending, "%s, which may still change", o.Evidence), nil
		default:
			return seen(runbook.Holds, "nothing to put back: %s", o.Evidence), nil
		}
	}
	i, err := a.w.Instances.Instance(ctx, a.Region, id)
	switch {
	case providers.Is(err, providers.NotFound) && a.w.clock.Now().Sub(call.Since) < launchSettle:
		// It was made a moment ago: reads lag, and an orphan costs money.
		return seen(runbook.Pending, "EC2 does not show %s yet", id), nil
	case providers.Is(err, providers.NotFound):
		return seen(runbook.Holds, "%s is gone", id), nil
	case err != nil:
		return runbook.Observation{}, err
	case i.State == providers.InstanceTerminated || i.State == providers.InstanceShuttingDown:
		return seen(runbook.Holds, "%s is %s", id, i.State), nil
	case i.Tags[tagRun] != string(call.Run) || i.Tags[tagStep] != call.Step || i.Tags[tagKey] != string(call.Key):
		return runbook.Observation{}, runbook.Fail(
			fmt.Sprintf("%s does not bear the tags and the key of run %s, step %s", id, call.Run, call.Step),
			"it may not be the machine that this run made; it was left alone",
			"look at it, and terminate it by hand if it is")
	}
	if err := a.w.Instances.Terminate(ctx, a.Region, id); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Holds, "%s is being terminated", id), nil
}

// Check asks for the image and the volume, and says of what EC2 tells only in earnest that it is not known.
func (a *launch) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	return []runbook.Check{
		a.checkImage(ctx), a.checkZone(ctx),
		unknowable(fmt.Sprintf("%s is offered in %s, and there is capacity", a.Type, orQuestion(a.zone(call))), "only an accepted launch proves it"),
		unknowable("there is "+a.parts()+" in "+orQuestion(a.Region), "nothing here reads them; only an accepted launch proves it"),
	}
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
	return well(what, "ec2:DescribeImages", "%s", state)
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
		return unknowable(what, "no volume chooses it; only an accepted launch proves that it is open")
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

// parts are what the launch names beside image, type, zone and volume.
func (a *launch) parts() string {
	parts := []string{cmp.Or(a.Subnet, "a default subnet")}
	parts = append(parts, a.SecurityGroups...)
	if a.KeyName != "" {
		parts = append(parts, "key pair "+a.KeyName)
	}
	if a.Profile != "" {
		parts = append(parts, "profile "+a.Profile)
	}
	return strings.Join(parts, ", ")
}

// Depends is the region of the launch.
func (a *launch) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "no machine can be launched there"}}
}

// Permissions name ec2:CreateTags because tags go with the launch, and iam:PassRole for the profile's role: AWS asks for
// both although neither is a call.
func (a *launch) Permissions() []string {
	p := append(readInstance(), "ec2:RunInstances", "ec2:CreateTags", "ec2:DescribeImages", "ec2:TerminateInstances")
	if a.Volume != "" {
		p = append(p, "ec2:DescribeVolumes")
	}
	if a.Profile != "" {
		p = append(p, "iam:PassRole")
	}
	return p
}

func (a *launch) Targets(runbook.Call) []runbook.Target { return []runbook.Target{} }

func (a *launch) ByHand(call runbook.Call) []string {
	tags := "ResourceType=instance,Tags=["
	for i, name := range []string{"Name", tagRun, tagStep, tagKey} {
		if i > 0 {
			tags += ","
		}
		tags += fmt.Sprintf("{Key=%s,Value=%s}", name, orQuestion(a.tags(call)[name]))
	}
	profile := ""
	if a.Profile != "" {
		profile = "Name=" + a.Profile
	}
	return []string{line(
		words("aws", "ec2", "run-instances", "--region", orQuestion(a.Region), "--image-id", orQuestion(a.Image), "--instance-type", orQuestion(a.Type), "--count", "1",
			"--placement", "AvailabilityZone="+orQuestion(a.zone(call))),
		flag("--subnet-id", a.Subnet), flag("--security-group-ids", a.SecurityGroups...), flag("--key-name", a.KeyName),
		flag("--iam-instance-profile", profile), flag("--user-data", a.UserData), flag("--client-token", string(call.Key)),
		flag("--tag-specifications", tags+"]"),
	)}
}

// because is EC2's reason for a machine's state, such as a volume that could not be decrypted.
func because(i providers.Instance) string {
	if i.StateReason == "" {
		return ""
	}
	return " (" + i.StateReason + ")"
}

func ids(list []providers.Instance) string {
	s := ""
	for n, i := range list {
		if n > 0 {
			s += ", "
		}
		s += i.ID
	}
	return s
}
