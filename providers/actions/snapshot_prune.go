package actions

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func snapshotPrune(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "snapshot.prune",
		Summary: "delete old snapshots that runs of this estate have made",
		New:     func() runbook.Probe { return &prune{w: w} },
		Outputs: []runbook.Output{
			{Name: "kept", Doc: "how many are kept", Type: "number"},
			{Name: "deleted", Doc: "how many were deleted", Type: "number"},
		},
		Settle:  10 * time.Second,
		Budget:  20 * time.Second,
		Timeout: 10 * time.Minute,
	}
}

// prune has no undo. It counts completed snapshots only, so that a night on which none was completed deletes none, and it
// deletes only what a run of its estate made and no image needs. Another estate's do not count: that may delete them.
type prune struct {
	Volume string            `with:"volume" doc:"id of the volume that they are of, or of which they are copies"`
	Tags   map[string]string `with:"tags" doc:"tags that they bear"`
	Keep   int               `with:"keep,required" doc:"how many completed ones are kept, at least 1"`
	Region string            `with:"region,required" doc:"region where they are"`
	Estate string            `with:"estate" default:"estate.name" doc:"name of the estate whose runs made them"`

	w world
}

// old lists what would be deleted, the newest first, and how many completed ones there are beside.
func (a *prune) old(ctx context.Context) (old []providers.Snapshot, kept int, err error) {
	found, err := Newest{Volume: a.Volume, Tags: a.Tags}.all(ctx, a.w, a.Region)
	for _, s := range found {
		switch {
		case s.State != "completed", another(s.Tags, a.Estate):
		case kept >= a.Keep && ofEstate(s.Tags, a.Estate):
			old = append(old, s)
		default:
			kept++
		}
	}
	return old, kept, err
}

func (a *prune) words() error {
	if a.Keep < 1 {
		return runbook.Fail(fmt.Sprintf("keep is %d", a.Keep), "that would delete every snapshot; nothing was changed", "write how many shall be kept, 1 or more")
	}
	if a.Volume == "" && len(a.Tags) == 0 {
		return runbook.Fail("neither a volume nor tags say which snapshots are meant", "nothing was changed", "write volume or tags in the step")
	}
	return nil
}

func (a *prune) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	if err := a.words(); err != nil {
		return nil, err
	}
	old, kept, err := a.old(ctx)
	if err != nil {
		return nil, err
	}
	return runbook.Keep(map[string]any{"old": names(old), "kept": kept})
}

func names(list []providers.Snapshot) []string {
	out := []string{}
	for _, s := range list {
		out = append(out, s.ID)
	}
	return out
}

func (a *prune) Observe(ctx context.Context, _ runbook.Call) (runbook.Observation, error) {
	old, kept, err := a.old(ctx)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case len(old) > 0:
		return seen(runbook.Absent, "%s too many in %s: %s", plural(len(old), "snapshot", "snapshots"), a.Region, strings.Join(names(old), ", ")), nil
	}
	return a.done(kept, 0, nil), nil
}

func (a *prune) done(kept, deleted int, needed []string) runbook.Observation {
	o := seen(runbook.Holds, "%s in %s", plural(kept, "completed snapshot", "completed snapshots"), a.Region)
	if deleted > 0 {
		o.Evidence += fmt.Sprintf(", %d older deleted", deleted)
	}
	if len(needed) > 0 {
		o.Evidence += "; images need " + strings.Join(needed, ", ")
	}
	o.Outputs = map[string]any{"kept": kept + len(needed), "deleted": deleted}
	return o
}

func (a *prune) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if err := a.words(); err != nil {
		return runbook.Observation{}, err
	}
	old, kept, err := a.old(ctx)
	if err != nil {
		return runbook.Observation{}, err
	}
	var needed []string
	for _, s := range old {
		err := a.w.Snapshots.DeleteSnapshot(ctx, a.Region, s.ID)
		switch {
		case providers.Is(err, providers.Conflict):
			needed = append(needed, s.ID)
		case err != nil:
			return runbook.Observation{}, err
		}
		logf(call.Log, "deleted %s, as of %s", s.ID, taken(s).UTC().Format(time.RFC3339))
	}
	return a.done(kept, len(old)-len(needed), needed), nil
}

// Targets is nothing that is known before: the fence asks for each snapshot when it is deleted.
func (a *prune) Targets(runbook.Call) []runbook.Target { return []runbook.Target{} }

// Check counts.
func (a *prune) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := fmt.Sprintf("old snapshots in %s may be deleted", orQuestion(a.Region))
	if c, open := notYet(what, a.Volume, a.Region); open {
		return []runbook.Check{c}
	}
	if err := a.words(); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell(what, "", f.Do, "%s", f.What)}
	}
	old, kept, err := a.old(ctx)
	if err != nil {
		return []runbook.Check{lookFailed(what, err)}
	}
	return []runbook.Check{well(what, "ec2:DescribeSnapshots", "%d to be kept, %d to be deleted", kept, len(old))}
}

// Depends is the region.
func (a *prune) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "old snapshots stay, and cost money"}}
}

func (a *prune) Permissions() []string {
	return []string{"ec2:DeleteSnapshot", "ec2:DescribeSnapshots"}
}

func (a *prune) ByHand(runbook.Call) []string {
	var list []string
	for _, filters := range (Newest{Volume: a.Volume, Tags: a.Tags}).filters() {
		list = append(list, line(words("aws", "ec2", "describe-snapshots", "--region", orQuestion(a.Region), "--owner-ids", "self"),
			flag("--filters", append(filters, "Name=tag-key,Values="+tagRun, "Name=tag:"+tagEstate+",Values="+orQuestion(a.Estate))...),
			words("--query", fmt.Sprintf("sort_by(Snapshots[?State=='completed'],&StartTime)[:-%d].SnapshotId", max(1, a.Keep)), "--output", "text")))
	}
	return append(list, line(words("aws", "ec2", "delete-snapshot", "--region", orQuestion(a.Region), "--snapshot-id", "?")))
}
