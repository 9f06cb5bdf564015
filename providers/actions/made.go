package actions

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// The tags that a snapshot's copy bears beside tagSource (REGION/ID), because EC2 tells of it neither where it came from nor
// how old its content is.
const (
	tagVolume = "lifeboat:volume" // the volume that the first snapshot was of
	tagTaken  = "lifeboat:taken"  // when that was (RFC 3339)
)

// labels are the tags of what a step makes.
func labels(call runbook.Call, name, estate string) map[string]string {
	return map[string]string{
		"Name": cmp.Or(name, fmt.Sprintf("lifeboat %s %s", call.Run, call.Step)), tagEstate: estate,
		tagRun: string(call.Run), tagStep: call.Step, tagKey: string(call.Key),
	}
}

// ofEstate says whether a run of the estate made what bears the tags. Two estates of one account may call their servers
// alike; what bears no estate's name may be anybody's.
func ofEstate(tags map[string]string, estate string) bool {
	return estate != "" && tags[tagRun] != "" && tags[tagEstate] == estate
}

// another says whether a run of another estate made what bears the tags.
func another(tags map[string]string, estate string) bool {
	return tags[tagEstate] != "" && tags[tagEstate] != estate
}

// stranger says why what bears the tags is not what a run of the estate made.
func stranger(id string, tags map[string]string, estate string) string {
	switch by, of := tags[tagRun], tags[tagEstate]; {
	case by == "":
		return fmt.Sprintf("%s does not bear the tag %s: no run of lifeboat made it", id, tagRun)
	case of == "":
		return fmt.Sprintf("%s was made by run %s and does not bear the tag %s: it may be another estate's", id, by, tagEstate)
	default:
		return fmt.Sprintf("%s was made by run %s of estate %q, and this is %q", id, by, of, estate)
	}
}

// bears says whether the tags are those of this step under this key.
func bears(tags map[string]string, call runbook.Call) bool {
	return tags[tagRun] == string(call.Run) && tags[tagStep] == call.Step && tags[tagKey] == string(call.Key)
}

// tagWords are tags as the aws command wants them.
func tagWords(kind string, tags map[string]string) string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, fmt.Sprintf("{Key=%s,Value=%s}", k, orQuestion(tags[k])))
	}
	return "ResourceType=" + kind + ",Tags=[" + strings.Join(list, ",") + "]"
}

// taken is when the content of a snapshot was what the volume held.
func taken(s providers.Snapshot) time.Time {
	if t, err := time.Parse(time.RFC3339, s.Tags[tagTaken]); err == nil {
		return t
	}
	return s.Started
}

// sourceVolume is the volume that a snapshot, or the first of its copies, was made of.
func sourceVolume(s providers.Snapshot) string { return cmp.Or(s.Tags[tagVolume], s.Volume) }

// keyPermissions are what EC2 needs of a key that is named, on behalf of who asks.
func keyPermissions(key string) []string {
	if key == "" {
		return nil
	}
	return []string{"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
}

// foreignKey says why a key cannot be used in a region; nil when nothing speaks against it. Whether it can be used EC2
// tells only in the end.
func foreignKey(key, region string) error {
	parts := strings.Split(key, ":")
	if len(parts) < 4 || parts[0] != "arn" || parts[3] == region {
		return nil
	}
	return runbook.Fail(fmt.Sprintf("the key %s is of %s, not of %s", key, parts[3], region),
		"a copy is encrypted with a key of its own region; EC2 would take the request and break the copy at its end. Nothing was made",
		"name a key of "+region+" (standby.kms_key in the estate), or leave it out for the region's own")
}

// percent shows how far something is that EC2 tells in percent.
func percent(call runbook.Call, clock runbook.Clock, done float64, format string, args ...any) {
	if call.Progress == nil {
		return
	}
	p := runbook.Progress{Text: fmt.Sprintf(format, args...), Done: done * 100, Total: 100, Unit: "%"}
	if went := clock.Now().Sub(call.Since); done >= 0.05 && !call.Since.IsZero() {
		p.Left = runbook.Seconds(time.Duration(float64(went) * (1 - done) / done).Round(time.Second))
	}
	call.Progress(p)
}

// snapshotSettle is how long a new snapshot may be missing from what EC2 lists.
const snapshotSettle = 15 * time.Second

// snapshotSeen judges a snapshot that this step, or another, has made.
func (w world) snapshotSeen(call runbook.Call, s providers.Snapshot, what string) runbook.Observation {
	switch s.State {
	case "completed":
		o := seen(runbook.Holds, "%s %s: completed, %d GiB, as of %s ago", s.ID, what, s.SizeGiB, age(w.clock.Now().Sub(taken(s))))
		if s.Encrypted {
			o.Evidence += ", encrypted with " + cmp.Or(s.KMSKey, "a key that EC2 does not name")
		}
		o.Outputs = map[string]any{"snapshot": s.ID, "region": s.Region, "size": s.SizeGiB}
		return o
	case "pending":
		percent(call, w.clock, s.Progress, "%s %s", s.ID, what)
		return seen(runbook.Pending, "%s %s: pending, %.0f %%", s.ID, what, s.Progress*100)
	}
	o := seen(runbook.Broken, "%s %s: broken, its state is %s. When it is encrypted, its key is disabled, gone, or not allowed to these credentials; look at the key, delete %s, and retry", s.ID, what, s.State, s.ID)
	o.KeySpent = true
	return o
}

// dropSnapshot is the undo of what makes a snapshot: it deletes what bears the step's tags and its key, and nothing else.
func (w world) dropSnapshot(ctx context.Context, call runbook.Call, region string) (runbook.Observation, error) {
	id, _ := call.Did["snapshot"].(string)
	if id == "" { // its answer was lost, or it broke: the key tells what became of it
		found, err := w.Snapshots.FindSnapshots(ctx, region, "", map[string]string{tagKey: string(call.Key)})
		switch {
		case err != nil:
			return runbook.Observation{}, err
		case len(found) == 0 && w.clock.Now().Sub(call.Since) < snapshotSettle:
			return seen(runbook.Pending, "no snapshot in %s bears the key %s, which may still change", region, call.Key), nil
		case len(found) == 0:
			return seen(runbook.Holds, "nothing to put back: no snapshot in %s bears the key %s", region, call.Key), nil
		}
		id = found[0].ID
	}
	s, err := w.Snapshots.Snapshot(ctx, region, id)
	switch {
	case providers.Is(err, providers.NotFound) && w.clock.Now().Sub(call.Since) < snapshotSettle:
		return seen(runbook.Pending, "EC2 does not show %s yet", id), nil
	case providers.Is(err, providers.NotFound):
		return seen(runbook.Holds, "%s is gone", id), nil
	case err != nil:
		return runbook.Observation{}, err
	case !bears(s.Tags, call):
		return runbook.Observation{}, notOurs(id, call)
	}
	if err := w.Snapshots.DeleteSnapshot(ctx, region, id); err != nil {
		return runbook.Observation{}, advise(err, providers.Conflict, "deregister the image that needs it first, when it is not needed either")
	}
	return seen(runbook.Holds, "%s is deleted", id), nil
}

func notOurs(id string, call runbook.Call) error {
	return runbook.Fail(fmt.Sprintf("%s does not bear the tags and the key of run %s, step %s", id, call.Run, call.Step),
		"it may not be what this run made; it was left alone", "look at it, and delete it by hand if it is")
}
