package actions

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// restful is the pause before the next look at something that takes long: less than a second as long as it may be a matter
// of seconds, so that a look included it adds no more than one, and later a part of what has passed, so that hours of
// waiting for fifty images use up no request quota.
func restful(passed time.Duration) time.Duration {
	if passed < time.Minute {
		return 600 * time.Millisecond
	}
	return min(max(time.Second, passed/50), 10*time.Second)
}

// passes says that a look may be answered in a moment: what it met changes nothing.
func passes(err error) bool { return runbook.AsFailure(err).Verdict != runbook.Definitive }

// await looks until the image is no longer pending, and shows how much of its snapshots is there.
func await(ctx context.Context, w world, call runbook.Call, i providers.Image) (providers.Image, error) {
	began := w.clock.Now()
	shown := -showEvery
	for i.State == "pending" {
		passed := w.clock.Now().Sub(began)
		if passed-shown >= showEvery {
			show(ctx, w, call, i, passed)
			shown = passed
		}
		if err := runbook.Sleep(ctx, w.clock, restful(passed)); err != nil {
			return i, err
		}
		switch now, err := w.Images.Image(ctx, i.Region, i.ID); {
		case err == nil:
			i = now
		case providers.Is(err, providers.NotFound) && passed < imageSettle, passes(err):
		default:
			return i, advise(err, providers.NotFound, "somebody has deregistered it: retry makes another")
		}
	}
	return i, nil
}

// showEvery is how often it is told how far an image is: that costs a question of its own.
const showEvery = 3 * time.Second

// show tells how far the snapshots of an image are. What cannot be read is not shown: the image says in the end.
func show(ctx context.Context, w world, call runbook.Call, i providers.Image, passed time.Duration) {
	p := runbook.Progress{Text: copying(call, w, i)}
	key := i.Tags[tagKey]
	if key == "" {
		call.Progress(p)
		return
	}
	parts, err := w.Snapshots.FindSnapshots(ctx, i.Region, "", map[string]string{tagKey: key})
	if err == nil {
		p.Done, p.Total = progressOf(parts)
	}
	if p.Total > 0 {
		p.Unit, p.Text = "GiB", fmt.Sprintf("%s: %.0f %% of %.0f GiB", i.ID, 100*p.Done/p.Total, p.Total)
	}
	if p.Done > 0 {
		p.Left = runbook.Seconds(time.Duration(float64(passed) * (p.Total - p.Done) / p.Done))
	}
	call.Progress(p)
}

// progressOf is how many GiB of snapshots are there, and of how many.
func progressOf(parts []providers.Snapshot) (done, total float64) {
	for _, s := range parts {
		total += float64(s.SizeGiB)
		done += float64(s.SizeGiB) * s.Progress
	}
	return done, total
}

func copying(call runbook.Call, w world, i providers.Image) string {
	by := ""
	if key := i.Tags[tagKey]; key != string(call.Key) {
		by = ", by somebody else"
		if run := i.Tags[tagRun]; run != "" {
			by = ", by run " + run
		}
	}
	since := ""
	if !i.Created.IsZero() {
		since = " for " + age(w.clock.Now().Sub(i.Created))
	}
	return fmt.Sprintf("%s in %s is being made%s%s", i.ID, i.Region, since, by)
}

// pruning says which images may go: of those that runs of one estate made under a name, all but the newest ones that can be
// launched. The name alone does not do: www.example.com and www.staging.example.com are both called www.
type pruning struct {
	region, estate, group, newest string
	keep                          int
	never                         []string // images that stay whatever their age
}

// tags are what all bear that may go.
func (p pruning) tags() map[string]string {
	return map[string]string{tagName: p.group, tagEstate: p.estate}
}

// removed prunes and says what became of it, as the end of a sentence. The copy is there whatever happens here: what could
// not be removed is said, and is tried again by the next run.
func removed(ctx context.Context, w world, call runbook.Call, p pruning) string {
	if p.keep <= 0 || p.estate == "" || call.MayTouch != nil { // a drill removes nothing that it has not made
		return ""
	}
	all, err := w.Images.FindImages(ctx, p.region, p.tags())
	if err != nil {
		return "; older copies were not looked for: " + reason(err)
	}
	gone, notes := 0, []string{}
	for _, i := range p.old(all) {
		users, err := w.Images.LaunchedFrom(ctx, p.region, i.ID)
		switch {
		case err == nil && len(users) > 0:
			notes = append(notes, fmt.Sprintf("%s stays: %s runs from it", i.ID, strings.Join(users, ", ")))
			continue
		case err == nil:
			err = discard(ctx, w, i)
		}
		if err != nil {
			notes = append(notes, fmt.Sprintf("%s was not removed whole: %s", i.ID, reason(err)))
			continue
		}
		logf(call.Log, "removed %s of %s and its snapshots", i.ID, date(i.Created))
		gone++
	}
	if n, err := orphans(ctx, w, p, all); err != nil {
		notes = append(notes, "snapshots without an image were not removed: "+reason(err))
	} else if n > 0 {
		notes = append(notes, "removed "+plural(n, "snapshot", "snapshots")+" without an image")
	}
	if gone > 0 {
		notes = append([]string{"removed " + plural(gone, "older copy", "older copies")}, notes...)
	}
	if len(notes) == 0 {
		return ""
	}
	return "; " + strings.Join(notes, "; ")
}

// old lists what may go, oldest first. What is still coming stays, and so does the newest that can be launched.
func (p pruning) old(all []providers.Image) []providers.Image {
	slices.SortFunc(all, func(a, b providers.Image) int { return b.Created.Compare(a.Created) })
	var out []providers.Image
	good := 0
	for _, i := range all {
		switch {
		case i.State == "pending":
		case i.State == "available" && good < p.keep:
			good++
		case i.ID == p.newest || slices.Contains(p.never, i.ID) || good == 0:
		default:
			out = append(out, i)
		}
	}
	slices.Reverse(out)
	return out
}

// inFlight is how old a snapshot is that no run at work can need any more.
const inFlight = 24 * time.Hour

// orphans deletes the snapshots whose image is gone, as when a run died between the two. What is younger than a day may be
// on its way to become an image.
func orphans(ctx context.Context, w world, p pruning, images []providers.Image) (n int, err error) {
	parts, err := w.Snapshots.FindSnapshots(ctx, p.region, "", p.tags())
	if err != nil {
		return 0, err
	}
	for _, s := range parts {
		key := s.Tags[tagKey]
		kept := slices.ContainsFunc(images, func(i providers.Image) bool { return i.Tags[tagKey] == key })
		if key == "" || kept || w.clock.Now().Sub(s.Started) < inFlight {
			continue
		}
		if err := w.Snapshots.DeleteSnapshot(ctx, p.region, s.ID); err != nil && !providers.Is(err, providers.Conflict) {
			return n, err
		}
		n++
	}
	return n, nil
}

// discard deregisters an image that lifeboat made, and deletes its snapshots. One that another image needs stays.
func discard(ctx context.Context, w world, i providers.Image) error {
	if i.Tags[tagKey] == "" {
		return runbook.Fail(i.ID+" was not made by lifeboat", "it was left alone", "")
	}
	// After the image is gone nothing names its snapshots but this list and the key that they bear.
	bearers, err := w.Snapshots.FindSnapshots(ctx, i.Region, "", map[string]string{tagKey: i.Tags[tagKey]})
	if err != nil {
		return err
	}
	if err := w.Copies.Deregister(ctx, i.Region, i.ID); err != nil {
		return err
	}
	for _, s := range bearers {
		if err := w.Snapshots.DeleteSnapshot(ctx, i.Region, s.ID); err != nil && !providers.Is(err, providers.Conflict) {
			return err
		}
	}
	return nil
}
