package actions

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Undo deregisters the copy that this step made, and deletes its snapshots. A copy that was there before stays.
func (a *imageCopy) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	regions := []string{a.Region}
	if a.snapshots() && a.FromRegion != a.Region {
		regions = append(regions, a.FromRegion)
	}
	return unmake(ctx, a.w, call, regions...)
}

// unmake removes the image in the first region, and the snapshots in all of them, that bear the key of the call. What a
// machine runs from stays.
func unmake(ctx context.Context, w world, call runbook.Call, regions ...string) (runbook.Observation, error) {
	i, err := madeBy(ctx, w, regions[0], call)
	if err != nil {
		return runbook.Observation{}, err
	}
	if i.ID != "" {
		users, err := w.Images.LaunchedFrom(ctx, regions[0], i.ID)
		if err != nil {
			return runbook.Observation{}, err
		}
		if len(users) > 0 {
			return runbook.Observation{}, runbook.Fail(fmt.Sprintf("%s was launched from %s", strings.Join(users, ", "), i.ID),
				"the image was left alone", "terminate the machine first, or keep both")
		}
		if err := w.Copies.Deregister(ctx, regions[0], i.ID); err != nil {
			return runbook.Observation{}, err
		}
	}
	deleted, err := unmakeSnapshots(ctx, w, call, regions)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case i.ID == "" && deleted == 0 && w.clock.Now().Sub(call.Since) < imageSettle:
		// It may have been made a moment ago: reads lag, and an orphan costs money.
		return seen(runbook.Pending, "EC2 shows nothing yet that bears the key %s", call.Key), nil
	case i.ID == "" && deleted == 0:
		return seen(runbook.Holds, "nothing bears the key %s: nothing to put back", call.Key), nil
	case i.ID == "":
		return seen(runbook.Holds, "%s deleted", plural(deleted, "snapshot is", "snapshots are")), nil
	}
	return seen(runbook.Holds, "%s in %s is deregistered, %s deleted", i.ID, regions[0], plural(deleted, "snapshot is", "snapshots are")), nil
}

func unmakeSnapshots(ctx context.Context, w world, call runbook.Call, regions []string) (n int, err error) {
	for _, region := range regions {
		parts, err := w.Snapshots.FindSnapshots(ctx, region, "", map[string]string{tagKey: string(call.Key)})
		if err != nil {
			return n, err
		}
		for _, s := range parts {
			if err := w.Snapshots.DeleteSnapshot(ctx, region, s.ID); err != nil {
				return n, advise(err, providers.Conflict, "an image needs it: look which (aws ec2 describe-images --region %s --filters Name=block-device-mapping.snapshot-id,Values=%s)", region, s.ID)
			}
			n++
		}
	}
	return n, nil
}

func (a *imageCopy) Targets(runbook.Call) []runbook.Target { return []runbook.Target{} }

// Depends are both regions.
func (a *imageCopy) Depends() []runbook.Dependency {
	return []runbook.Dependency{
		{Region: a.FromRegion, Without: "there is nothing to copy from"},
		{Region: a.Region, Without: "the copy has nowhere to go"},
	}
}

// Permissions name ec2:CreateTags because tags go with what is made, and the key's because EC2 uses it in the caller's name:
// AWS asks for them although none is a call.
func (a *imageCopy) Permissions() []string {
	p := []string{
		"ec2:DescribeImages", "ec2:DescribeImageAttribute", "ec2:DescribeSnapshots", "ec2:DescribeInstances", "ec2:ModifyImageAttribute",
		"ec2:DeregisterImage", "ec2:DeleteSnapshot", "ec2:CreateTags",
	}
	if a.snapshots() {
		p = append(p, "ec2:DescribeInstanceStatus", "ec2:DescribeVolumes", "ec2:CreateSnapshot", "ec2:CopySnapshot", "ec2:RegisterImage")
	} else {
		p = append(p, "ec2:CopyImage")
	}
	if a.KMSKey != "" {
		p = append(p, "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo")
	}
	return p
}

// handTags are tags as the aws command takes them.
func handTags(tags map[string]string, on ...string) []string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, fmt.Sprintf("{Key=%s,Value=%s}", k, orQuestion(tags[k])))
	}
	out := []string{"--tag-specifications"}
	for _, what := range on {
		out = append(out, fmt.Sprintf("ResourceType=%s,Tags=[%s]", what, strings.Join(list, ",")))
	}
	return out
}

func (a *imageCopy) ByHand(call runbook.Call) []string {
	var before copyBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		before = copyBefore{}
	}
	name := before.Name
	if name == "" {
		name = a.Name
	}
	source := a.Image
	if before.Source != "" {
		source = before.Source
	}
	region, from := orQuestion(a.Region), orQuestion(a.FromRegion)
	tags := map[string]string{tagKey: string(call.Key), tagSource: source, tagName: a.Name, tagEstate: a.Estate}
	var out []string
	if a.snapshots() {
		out = []string{
			line(words("aws", "ec2", "describe-instances", "--region", from, "--instance-ids", orQuestion(a.Instance), "--query", "Reservations[].Instances[].BlockDeviceMappings")),
			line(words("aws", "ec2", "create-snapshot", "--region", from, "--volume-id", "ROOT_VOLUME"), handTags(tags, "snapshot")),
			line(words("aws", "ec2", "wait", "snapshot-completed", "--region", from, "--snapshot-ids", "SNAPSHOT")),
			line(words("aws", "ec2", "copy-snapshot", "--region", region, "--source-region", from, "--source-snapshot-id", "SNAPSHOT"), encrypted(a.KMSKey), handTags(tags, "snapshot")),
			line(words("aws", "ec2", "wait", "snapshot-completed", "--region", region, "--snapshot-ids", "COPY")),
			line(words("aws", "ec2", "register-image", "--region", region, "--name", orQuestion(name), "--architecture", "ARCHITECTURE", "--boot-mode", "BOOT_MODE", "--ena-support",
				"--root-device-name", "ROOT_DEVICE", "--block-device-mappings", "DeviceName=ROOT_DEVICE,Ebs={SnapshotId=COPY}"), handTags(tags, "image")),
		}
	} else {
		out = []string{line(words("aws", "ec2", "copy-image", "--region", region, "--source-region", from, "--source-image-id", orQuestion(a.Image), "--name", orQuestion(name)),
			encrypted(a.KMSKey), flag("--client-token", string(call.Key)), handTags(tags, "image", "snapshot"))}
	}
	out = append(out, line(words("aws", "ec2", "wait", "image-available", "--region", region, "--image-ids", "NEW_IMAGE")))
	if len(before.Shared) > 0 {
		out = append(out, line(words("aws", "ec2", "modify-image-attribute", "--region", region, "--image-id", "NEW_IMAGE", "--attribute", "launchPermission",
			"--operation-type", "add", "--user-ids"), before.Shared))
	}
	return out
}

func encrypted(key string) []string {
	if key == "" {
		return nil
	}
	return []string{"--encrypted", "--kms-key-id", key}
}

// Check asks for the source, the key and the copy that is there.
func (a *imageCopy) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("image %s in %s can be copied", orQuestion(a.Image), orQuestion(a.FromRegion))
	if a.snapshots() {
		what = fmt.Sprintf("the root volume of %s in %s can be copied", orQuestion(a.Instance), orQuestion(a.FromRegion))
	}
	if c, open := notYet(what, a.Image, a.Instance, a.FromRegion, a.Region); open {
		return []runbook.Check{c}
	}
	if err := a.wrong(); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell(what, "", f.Do, "%s", f.What)}
	}
	before, err := a.origin(ctx, call)
	if err != nil {
		return []runbook.Check{lookFailed(what, err)}
	}
	out := []runbook.Check{well(what, "ec2:DescribeImages", "made %s%s", date(before.Made), sharedWords(before))}
	if before.Encrypted || a.KMSKey != "" {
		out = append(out, a.checkKey(before))
	}
	return append(out, a.checkThere(ctx, before),
		unknowable("there is room for one more image and its snapshots in "+a.Region, "nothing here reads these quotas; only an accepted copy proves it"))
}

// sharedWords says with whom the source is shared.
func sharedWords(before copyBefore) string {
	if len(before.Shared) == 0 {
		return ""
	}
	return "; " + before.Source + " is shared with " + plural(len(before.Shared), "account", "accounts")
}

func (a *imageCopy) checkKey(before copyBefore) runbook.Check {
	what := "a key of " + a.Region + " encrypts the copy"
	switch {
	case a.KMSKey != "":
		return unknowable(what, a.KMSKey+" is stated; whether it is enabled and may be used shows when the copy is made")
	case len(before.Shared) > 0:
		return notWell(what, "ec2:DescribeImageAttribute", "write standby.kms_key in the estate",
			"none is stated, and with the region's own key nobody else can launch the copy%s", sharedWords(before))
	}
	return unknowable(what, "none is stated: the region's own encrypts it")
}

func (a *imageCopy) checkThere(ctx context.Context, before copyBefore) runbook.Check {
	what := "the copy in " + a.Region
	i, err := a.there(ctx, before)
	switch {
	case err != nil:
		return lookFailed(what, err)
	case i.ID == "":
		return well(what, "ec2:DescribeImages", "none equals its source: one will be made")
	case i.State == "pending":
		return well(what, "ec2:DescribeImages", "%s of %s is being made", i.ID, date(i.Created))
	}
	return well(what, "ec2:DescribeImages", "%s of %s equals its source: nothing to copy", i.ID, date(i.Created))
}
