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
			{Name: "type", Doc: "its type: the one that was asked for, or a fallback's", Type: "string"},
			{Name: "volume", Doc: "the volume that goes with it: the one that was named, or what a fallback to another zone has made instead", Type: "string"},
		},
		Settle:  launchSettle,
		Budget:  5 * time.Second,
		Timeout: 3 * time.Minute,
	}
}

// launchSettle is how long a new machine may be missing from what EC2 reads.
const launchSettle = 15 * time.Second

// launch is done when EC2 has accepted it: an accepted launch proves that there is capacity. That the machine runs is
// the question of instance.ready.
type launch struct {
	Image          string         `with:"image,required" doc:"id of the machine image"`
	Type           string         `with:"type,required" doc:"instance type, such as m7i.large"`
	Zone           string         `with:"zone" doc:"availability zone; may be left out when there is a volume"`
	Volume         string         `with:"volume" doc:"id of the volume that will be attached: it must be free, and its zone is taken whatever zone says"`
	Stay           bool           `with:"stay" doc:"whether no other zone is offered when there is no capacity in this one: what the machine needs, such as a volume that an old server still has, cannot follow"`
	Subnet         string         `with:"subnet" doc:"subnet id; the zone's default subnet when left out"`
	SecurityGroups []string       `with:"security_groups" doc:"security groups, by id or name"`
	KeyName        string         `with:"key_name" doc:"EC2 key pair"`
	Profile        string         `with:"profile" doc:"IAM instance profile, by name"`
	Template       string         `with:"template" doc:"EC2 launch template, as ID, NAME, or either with :VERSION; what stands here goes over it"`
	UserData       string         `with:"user_data" doc:"text handed to the machine when it first boots"`
	HostKey        runbook.Secret `with:"host_key" doc:"private ssh host key for the machine, in OpenSSH's form, given to it by cloud-init; who may read the machine's user data may read it"`
	HostKeys       HostKeys       `with:"host_keys" default:"estate.ssh.host_keys" doc:"pinned host keys; the public part of host_key must be among them"`
	Region         string         `with:"region" default:"region_of(with.zone)" doc:"region; the zone's when left out"`
	Name           string         `with:"name" doc:"the machine's Name tag"`
	Estate         string         `with:"estate" default:"estate.name" doc:"name of the estate, for the tag by which its runs know their own"`
	Source         string         `with:"source" default:"with.image == estate.standby.image ? estate.production.image : ''" doc:"image that the launched one is to equal; readiness says whether it does"`

	w world
}

func (a *launch) tags(call runbook.Call) map[string]string {
	name := a.Name
	if name == "" {
		name = fmt.Sprintf("lifeboat %s %s", call.Run, call.Step)
	}
	return map[string]string{"Name": name, tagEstate: a.Estate, tagRun: string(call.Run), tagStep: call.Step, tagKey: string(call.Key)}
}

// launchBefore is what was found: where it goes, as what, into which groups, and the snapshot of which a volume is made.
type launchBefore struct {
	Zone     string   `json:"zone"`
	Type     string   `json:"type,omitempty"`
	Subnet   string   `json:"subnet,omitempty"`
	Snapshot string   `json:"snapshot,omitempty"`
	Groups   []string `json:"groups,omitempty"`
}

// planned is the way that this attempt takes: what the file says, and over it what the fallback has another.
func (a *launch) planned(call runbook.Call) launchBefore {
	p := launchBefore{Zone: a.Zone, Type: a.Type, Subnet: a.Subnet, Groups: a.SecurityGroups}
	for word, to := range map[string]*string{"zone": &p.Zone, "type": &p.Type, "subnet": &p.Subnet, "snapshot": &p.Snapshot} {
		if v, ok := call.Fallback[word].(string); ok && v != "" {
			*to = v
		}
	}
	return p
}

// way is what Prepare has found; before that, what is planned.
func (a *launch) way(call runbook.Call) launchBefore {
	p := a.planned(call)
	before := p
	if err := runbook.Recall(call.Before, &before); err != nil || before.Zone == "" {
		return p
	}
	return before
}

// moved says that the attempt leaves the volume behind, in a zone without capacity.
func (p launchBefore) moved() bool { return p.Snapshot != "" }

// Prepare lets the volume choose the zone, and refuses here, before anything is launched or DNS is moved, when it could
// not be attached anyway, or when a group's name is not clear.
func (a *launch) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	before := a.planned(call)
	if a.Volume != "" && !before.moved() {
		v, err := a.w.Volumes.Volume(ctx, a.Region, a.Volume)
		if err != nil {
			return nil, advise(err, providers.NotFound, "check the volume's id and region: %s in %s", a.Volume, a.Region)
		}
		if err := (&attach{Volume: a.Volume, Region: a.Region, w: a.w}).elsewhere(v); err != nil {
			return nil, err
		}
		before.Zone = v.Zone
		if a.Subnet != "" && v.Zone != a.Zone {
			if before.Subnet, err = a.subnetIn(ctx, v.Zone); err != nil {
				return nil, err
			}
		}
	}
	if before.Zone == "" {
		return nil, runbook.Fail("no zone is named", "nothing was launched", "write standby.zone or standby.volume in the estate")
	}
	groups, err := a.groups(ctx, before)
	if err != nil {
		return nil, err
	}
	before.Groups = groups
	return runbook.Keep(before)
}

func (a *launch) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	// By tag and in the whole region: a token is zonal when a zone is given, a tag is not.
	found, err := a.w.Instances.FindInstances(ctx, a.Region, map[string]string{tagKey: string(call.Key)})
	if err != nil {
		return runbook.Observation{}, err
	}
	var alive []providers.Instance
	for _, i := range found {
		if !over(i) {
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
	volume := a.Volume
	if a.way(call).moved() {
		v, err := a.made(ctx, call)
		switch {
		case err != nil:
			return runbook.Observation{}, err
		case v == nil:
			// The machine is named as made: while it lives, the key stays, or the next one would launch another.
			o := seen(runbook.Absent, "%s is %s in %s, and no volume in %s bears the key %s yet", alive[0].ID, alive[0].State, alive[0].Zone, a.Region, call.Key)
			o.Made = []runbook.Target{machineTarget(cmp.Or(alive[0].Region, a.Region), alive[0].ID)}
			return o, nil
		}
		volume = v.ID
	}
	o := a.launched(call, alive[0], volume)
	if len(alive) > 1 {
		o.Evidence += fmt.Sprintf("; %d machines bear its key: terminate %s", len(alive), ids(alive[1:]))
	}
	return o, nil
}

func (a *launch) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	way := a.way(call)
	data, err := a.userData()
	if err != nil {
		return runbook.Observation{}, err
	}
	i, err := a.w.Instances.Launch(ctx, a.Region, providers.Launch{
		Token: string(call.Key), Image: a.Image, Type: way.Type, Zone: way.Zone, Subnet: way.Subnet,
		SecurityGroups: way.Groups, KeyName: a.KeyName, Profile: a.Profile, UserData: data, Template: a.Template,
		Tags: a.tags(call),
	})
	if err != nil {
		return runbook.Observation{}, a.explain(ctx, call, err)
	}
	if !way.moved() {
		return a.launched(call, i, a.Volume), nil
	}
	// The machine first: an accepted launch proves capacity, and a volume that nobody needs is not made.
	v, err := a.makeVolume(ctx, call, way)
	if err != nil {
		return runbook.Observation{}, a.givenUp(ctx, i, err)
	}
	return a.launched(call, i, v.ID), nil
}

// explain says what to do about a launch that was refused, and offers other ways where there is no capacity.
func (a *launch) explain(ctx context.Context, call runbook.Call, err error) error {
	way := a.way(call)
	if providers.Is(err, providers.KeySpent) { // an attempt before this one launched it: looking tells what became of it
		f := runbook.AsFailure(advise(err, providers.KeySpent, "retry: the next attempt has a key of its own"))
		f.Verdict = runbook.InDoubt
		return &f
	}
	err = advise(err, providers.NotFound, "check that image, subnet, groups and key pair exist in %s: %s", a.Region, a.Image)
	err = advise(err, providers.Mismatch, "the step's words have changed since the key %s was first used: stop, and start a run anew", call.Key)
	err = advise(err, providers.Quota, "ask for a higher quota in %s, or stop what is not needed there", a.Region)
	if !providers.Is(err, providers.NoCapacity) {
		return err
	}
	f := runbook.AsFailure(err)
	ways, closed := a.fallbacks(ctx, call)
	f.Fallbacks = ways
	f.Do = fmt.Sprintf("a retry asks for %s in %s again; launch one by hand and answer by-hand with its id; or stop", way.Type, way.Zone)
	if len(ways) > 0 {
		f.Do = "take one of the other ways; " + f.Do
	}
	if len(closed) > 0 {
		f.Do += " (" + strings.Join(closed, "; ") + ")"
	}
	return &f
}

func (a *launch) launched(call runbook.Call, i providers.Instance, volume string) runbook.Observation {
	way := a.way(call)
	zone, region := cmp.Or(i.Zone, way.Zone), cmp.Or(i.Region, a.Region)
	o := seen(runbook.Holds, "%s is %s in %s%s", i.ID, i.State, zone, because(i))
	o.Made = []runbook.Target{machineTarget(region, i.ID)}
	if way.Type != a.Type {
		o.Evidence += ", as " + way.Type
	}
	if way.moved() {
		o.Evidence += fmt.Sprintf(", with %s made from %s, which fills in the background", volume, way.Snapshot)
		o.Made = append(o.Made, runbook.Target{Kind: "volume", ID: volume, Region: region})
	}
	// Every declared output is there, so that an expression that reads one never meets a gap.
	o.Outputs = map[string]any{
		"instance": i.ID, "zone": zone, "region": region, "address": i.PublicAddress, "type": cmp.Or(i.Type, way.Type),
		"volume": volume,
	}
	return o
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
