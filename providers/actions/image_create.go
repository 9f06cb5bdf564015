package actions

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func imageOfServer(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "image.create",
		Summary: "make a machine image of a server",
		New:     func() runbook.Probe { return &imageCreate{w: w} },
		Outputs: []runbook.Output{
			{Name: "image", Doc: "id of the image", Type: "string"},
			{Name: "made", Doc: "when it was asked for, as 2026-01-02T03:04:05Z", Type: "string"},
		},
		Settle:        imageSettle + 10*time.Second, // the answer itself may take ten
		Budget:        5 * time.Minute,
		Timeout:       2 * time.Hour,
		Interruptible: true,
	}
}

// imageCreate waits in Apply until the image is there. CreateImage has no token: the image bears the key, and its name is
// of the key too, so that EC2 itself refuses a second one.
type imageCreate struct {
	Instance string            `with:"instance,required" doc:"id of the server"`
	Region   string            `with:"region" default:"region_of(with.instance)" doc:"region of the server"`
	Name     string            `with:"name,required" doc:"what all images of this server are called; a date is added"`
	Reboot   bool              `with:"reboot" default:"false" doc:"let EC2 stop the server's work and start it anew, so that its file systems are whole in the image; otherwise it goes on and the image is as after a power cut"`
	Tags     map[string]string `with:"tags" doc:"further tags of the image"`
	Current  string            `with:"current" default:"estate.production.image" doc:"image that is in use: it is never removed"`
	Keep     int               `with:"keep" doc:"how many images to keep; older ones that runs of this estate made under this name are removed with their snapshots; 0 keeps all"`
	InUse    []string          `with:"in_use" default:"estate.images" doc:"further images that are never removed: by themselves all that the estate names"`
	Estate   string            `with:"estate" default:"estate.name" doc:"name of the estate, for the tag by which its runs know their own"`

	w world
}

// createBefore is the name of the new image.
type createBefore struct {
	Name string `json:"name"`
}

func (a *imageCreate) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	i, err := a.w.Instances.Instance(ctx, a.Region, a.Instance)
	if err != nil {
		return nil, advise(err, providers.NotFound, "check the machine's id and region: %s in %s", a.Instance, a.Region)
	}
	switch i.State {
	case providers.InstanceRunning, providers.InstanceStopped:
		return runbook.Keep(createBefore{Name: imageName(a.Name, a.w.clock.Now(), call.Key)})
	case providers.InstancePending, providers.InstanceStopping:
		return nil, providers.Errorf(providers.NotReady, "image of "+a.Instance, a.Region, "it is %s", i.State)
	}
	return nil, runbook.Fail(fmt.Sprintf("%s is %s", a.Instance, i.State), "no image can be made of what is gone; nothing was made", "put the id of the server that runs into the estate")
}

func (a *imageCreate) tags(call runbook.Call) map[string]string {
	out := map[string]string{}
	maps.Copy(out, a.Tags)
	maps.Copy(out, map[string]string{
		tagRun: string(call.Run), tagStep: call.Step, tagKey: string(call.Key), tagSource: a.Instance, tagName: a.Name, tagEstate: a.Estate,
	})
	return out
}

func (a *imageCreate) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	i, err := madeBy(ctx, a.w, a.Region, call)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case i.ID == "":
		return seen(runbook.Absent, "no image in %s bears the key %s", a.Region, call.Key), nil
	case i.State == "pending":
		return seen(runbook.Pending, "%s", copying(call, a.w, i)), nil
	case i.State != "available":
		return failedImage(i, "retry makes another"), nil
	}
	return a.holds(call, i, ""), nil
}

func (a *imageCreate) holds(call runbook.Call, i providers.Image, more string) runbook.Observation {
	o := seen(runbook.Holds, "%s in %s is the image of %s%s%s", i.ID, a.Region, a.Instance, a.w.took(call), more)
	o.Outputs = map[string]any{"image": i.ID, "made": i.Created.UTC().Format(time.RFC3339)}
	o.Made = belongings(i)
	if a.Reboot {
		o.Changed = a.Targets(call)
	}
	return o
}

func (a *imageCreate) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before createBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	i, err := madeBy(ctx, a.w, a.Region, call)
	if err == nil && i.ID == "" {
		i, err = a.make(ctx, call, before.Name)
	}
	if err == nil {
		i, err = await(ctx, a.w, call, i)
	}
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case i.State != "available":
		return failedImage(i, "retry makes another"), nil
	}
	return a.holds(call, i, removed(ctx, a.w, call, pruning{
		region: a.Region, estate: a.Estate, group: a.Name, keep: a.Keep, newest: i.ID, never: append([]string{a.Current}, a.InUse...),
	})), nil
}

func (a *imageCreate) make(ctx context.Context, call runbook.Call, name string) (providers.Image, error) {
	i, err := a.w.Copies.CreateImage(ctx, a.Region, a.Instance, name, !a.Reboot, a.tags(call))
	if err == nil {
		logf(call.Log, "EC2 accepted %s of %s", i.ID, a.Instance)
		return i, nil
	}
	if !providers.Is(err, providers.Conflict) {
		return i, advise(err, providers.NotFound, "check the machine's id and region: %s in %s", a.Instance, a.Region)
	}
	// The name is taken: by an attempt whose answer was lost, and whose image is not yet listed.
	if slept := runbook.Sleep(ctx, a.w.clock, imageSettle); slept != nil {
		return i, slept
	}
	mine, looked := madeBy(ctx, a.w, a.Region, call)
	if looked != nil || mine.ID == "" {
		return i, err
	}
	return mine, nil
}

// Undo deregisters the image that this step made, and deletes its snapshots.
func (a *imageCreate) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	return unmake(ctx, a.w, call, a.Region)
}

// Targets is the machine when it is to be started anew, and nothing otherwise: a snapshot of a volume changes nothing.
func (a *imageCreate) Targets(runbook.Call) []runbook.Target {
	if !a.Reboot {
		return []runbook.Target{}
	}
	return []runbook.Target{{Kind: "instance", ID: a.Instance, Region: a.Region}}
}

// Check asks for the machine.
func (a *imageCreate) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := fmt.Sprintf("an image can be made of %s in %s", a.Instance, a.Region)
	if c, open := notYet(what, a.Instance, a.Region); open {
		return []runbook.Check{c}
	}
	i, err := a.w.Instances.Instance(ctx, a.Region, a.Instance)
	if err != nil {
		return []runbook.Check{lookFailed(what, advise(err, providers.NotFound, "check the machine's id and region: %s in %s", a.Instance, a.Region))}
	}
	if !slices.Contains([]providers.InstanceState{providers.InstanceRunning, providers.InstanceStopped}, i.State) {
		return []runbook.Check{notWell(what, "ec2:DescribeInstances", "wait until it runs", "it is %s", i.State)}
	}
	return []runbook.Check{
		well(what, "ec2:DescribeInstances", "%s", i.State),
		unknowable("there is room for one more image and its snapshots in "+a.Region, "nothing here reads these quotas; only an accepted image proves it"),
	}
}

// Depends is the region of the machine.
func (a *imageCreate) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "no image can be made of its machines"}}
}

func (a *imageCreate) Permissions() []string {
	return append(readInstance(), "ec2:CreateImage", "ec2:CreateTags", "ec2:DescribeImages", "ec2:DescribeSnapshots", "ec2:DeregisterImage", "ec2:DeleteSnapshot")
}

func (a *imageCreate) ByHand(call runbook.Call) []string {
	var before createBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		before = createBefore{}
	}
	reboot := "--no-reboot"
	if a.Reboot {
		reboot = "--reboot"
	}
	region := orQuestion(a.Region)
	return []string{
		line(words("aws", "ec2", "create-image", "--region", region, "--instance-id", orQuestion(a.Instance), "--name", orQuestion(cmp.Or(before.Name, a.Name)), reboot),
			handTags(map[string]string{tagKey: string(call.Key), tagName: a.Name, tagEstate: a.Estate}, "image", "snapshot")),
		line(words("aws", "ec2", "wait", "image-available", "--region", region, "--image-ids", "NEW_IMAGE")),
	}
}
