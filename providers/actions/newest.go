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

// Newest chooses the newest completed snapshot of a volume, or of those that bear tags.
type Newest struct {
	Volume string
	Tags   map[string]string
}

// FromValue reads the id of a volume, or an object with volume, tags, or both. Nothing at all chooses nothing.
func (n *Newest) FromValue(v any) error {
	out := Newest{}
	switch v := v.(type) {
	case nil:
	case string:
		out.Volume = v
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			var err error
			switch name {
			case "volume":
				out.Volume, err = word(v, name)
			case "tags":
				out.Tags, err = texts(v[name])
			default:
				err = fmt.Errorf("the newest snapshot has no %q; it is chosen by volume, tags, or both", name)
			}
			if err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("the newest snapshot is chosen by the id of a volume, or by an object with volume and tags; not by %v", v)
	}
	*n = out
	return nil
}

// texts reads an object of texts.
func texts(v any) (map[string]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case map[string]string:
		return maps.Clone(v), nil
	case map[string]any:
		out := map[string]string{}
		for k := range v {
			s, err := word(v, k)
			if err != nil {
				return nil, err
			}
			out[k] = s
		}
		return out, nil
	}
	return nil, fmt.Errorf("%v is not an object of texts", v)
}

func (n Newest) empty() bool { return n.Volume == "" && len(n.Tags) == 0 }

func (n Newest) String() string {
	var of []string
	if n.Volume != "" {
		of = append(of, "of "+n.Volume)
	}
	for _, k := range slices.Sorted(maps.Keys(n.Tags)) {
		of = append(of, k+"="+n.Tags[k])
	}
	return strings.Join(of, ", ")
}

// filters are the questions of the aws command that all asks: what is of the volume, and what is a copy of that.
func (n Newest) filters() [][]string {
	var tags []string
	for _, k := range slices.Sorted(maps.Keys(n.Tags)) {
		tags = append(tags, "Name=tag:"+k+",Values="+n.Tags[k])
	}
	if n.Volume == "" {
		return [][]string{tags}
	}
	return [][]string{
		append([]string{"Name=volume-id,Values=" + n.Volume}, tags...),
		append([]string{"Name=tag:" + tagVolume + ",Values=" + n.Volume}, tags...),
	}
}

// all lists what is chosen from, newest content first. A copy of a volume's snapshot names another volume; the copies that
// lifeboat makes say of which one they are.
func (n Newest) all(ctx context.Context, w world, region string) ([]providers.Snapshot, error) {
	found, err := w.Snapshots.FindSnapshots(ctx, region, n.Volume, n.Tags)
	if err != nil {
		return nil, err
	}
	if n.Volume != "" {
		tags := map[string]string{tagVolume: n.Volume}
		maps.Copy(tags, n.Tags)
		copies, err := w.Snapshots.FindSnapshots(ctx, region, "", tags)
		if err != nil {
			return nil, err
		}
		for _, s := range copies {
			if !slices.ContainsFunc(found, func(x providers.Snapshot) bool { return x.ID == s.ID }) {
				found = append(found, s)
			}
		}
	}
	slices.SortFunc(found, func(a, b providers.Snapshot) int {
		return cmp.Or(taken(b).Compare(taken(a)), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}

// find chooses. Snapshots of two volumes are a question and no answer; passed says which newer ones were not completed.
func (n Newest) find(ctx context.Context, w world, region string) (best providers.Snapshot, passed string, err error) {
	found, err := n.all(ctx, w, region)
	if err != nil {
		return best, "", err
	}
	volumes := map[string]bool{}
	var list, newer []string
	for _, s := range found {
		list = append(list, fmt.Sprintf("%s of %s (%s, %s)", s.ID, sourceVolume(s), taken(s).UTC().Format(time.RFC3339), s.State))
		volumes[sourceVolume(s)] = true
		switch {
		case best.ID != "":
		case s.State == "completed":
			best = s
		default:
			newer = append(newer, s.ID+" is "+s.State)
		}
	}
	switch {
	case len(volumes) > 1:
		return best, "", runbook.Fail(fmt.Sprintf("the snapshots in %s (%s) are of %d volumes: %s", region, n, len(volumes), strings.Join(list, "; ")),
			"which of them is meant is a question, and was not guessed; nothing was made", "name the volume, or the snapshot")
	case best.ID == "":
		what := "there is no snapshot in " + region + " (" + n.String() + ")"
		if len(list) > 0 {
			what = "no snapshot in " + region + " (" + n.String() + ") is completed: " + strings.Join(list, "; ")
		}
		return best, "", runbook.Fail(what, "nothing was made", "make one with volume.snapshot, or copy one here with snapshot.copy")
	}
	return best, strings.Join(newer, ", "), nil
}
