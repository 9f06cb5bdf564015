package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func copyOfImage(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "image.copy",
		Summary: "copy a machine image to another region, when it is not there yet",
		New:     func() runbook.Probe { return &imageCopy{w: w} },
		Outputs: []runbook.Output{
			{Name: "image", Doc: "id of the copy", Type: "string"},
			{Name: "made", Doc: "when the copy was asked for, as 2026-01-02T03:04:05Z", Type: "string"},
			{Name: "copied", Doc: "false when the copy was there already", Type: "bool"},
		},
		Settle:        imageSettle,
		Budget:        10 * time.Minute,
		Timeout:       4 * time.Hour,
		Interruptible: true,
	}
}

// imageSettle is how long a new image or snapshot may be missing from what EC2 reads.
const imageSettle = 20 * time.Second

// What a copy bears beside the tags of everything that a run makes.
const (
	tagSource       = "lifeboat:source"      // the image, or the machine, that it is a copy of
	tagSourceMade   = "lifeboat:source_made" // when that was made
	tagSourceRegion = "lifeboat:source_region"
	tagName         = "lifeboat:name"   // what it is a copy of through the years: `name`
	tagDevice       = "lifeboat:device" // of a snapshot: the device
	tagPart         = "lifeboat:part"   // of a snapshot: which of the two on the way
)

// imageCopy waits in Apply until the copy is there: only then can it be shared and can older ones go. A crash in between
// leaves a copy that is found by its key, or by its source, and the next attempt goes on from there.
type imageCopy struct {
	Image      string           `with:"image" doc:"id of the image to copy; with method snapshot it may be left out"`
	FromRegion string           `with:"from_region" default:"with.image != '' ? region_of(with.image) : region_of(with.instance)" doc:"region of the image"`
	Region     string           `with:"region" default:"estate.standby.region" doc:"region that gets the copy"`
	Name       string           `with:"name" doc:"what all copies of this image through the years are called, such as the server's name; a date is added; the image's own name when left out"`
	Method     string           `with:"method" default:"'copy'" doc:"copy: the image as it is; snapshot: what the root volume of the running server holds now, registered anew"`
	Instance   string           `with:"instance" doc:"for method snapshot: id of the running server"`
	MaxAge     runbook.Duration `with:"max_age" doc:"for method snapshot: a copy that is older than this is made anew"`
	KMSKey     string           `with:"kms_key" doc:"key of the target region that encrypts the copy; an encrypted image gets the region's own when it is left out"`
	Current    string           `with:"current" default:"estate.standby.image" doc:"image that is used in the target region now: it is never removed"`
	Keep       int              `with:"keep" doc:"how many copies to keep; older ones that runs of this estate made under this name are removed with their snapshots; 0 keeps all"`
	InUse      []string         `with:"in_use" default:"estate.images" doc:"further images that are never removed: by themselves all that the estate names"`
	Estate     string           `with:"estate" default:"estate.name" doc:"name of the estate, for the tag by which its runs know their own"`

	w world
}

// copyBefore is the source as it was found. A copy's request is made of this and nothing else, so that it is the same
// whenever it is repeated.
type copyBefore struct {
	Source    string            `json:"source"`
	Made      time.Time         `json:"made"`
	Name      string            `json:"name"`  // of the new image
	Group     string            `json:"group"` // what all copies are called
	Tags      map[string]string `json:"tags,omitempty"`
	Shared    []string          `json:"shared,omitempty"`
	Encrypted bool              `json:"encrypted,omitempty"`
	There     string            `json:"there,omitempty"` // the newest copy that was there
}

func (a *imageCopy) snapshots() bool { return a.Method == "snapshot" }

// wrong says what of the parameters does not fit together.
func (a *imageCopy) wrong() error {
	const nothing = "nothing was copied"
	switch key := strings.Split(a.KMSKey, ":"); {
	case a.Method != "copy" && a.Method != "snapshot":
		return runbook.Fail(fmt.Sprintf("%q is no method of copying", a.Method), nothing, "write copy or snapshot")
	case a.Image == "" && !a.snapshots():
		return runbook.Fail("no image is named", nothing, "write production.image in the estate, or use method: snapshot with an instance")
	case a.Instance == "" && a.snapshots():
		return runbook.Fail("no machine is named whose root volume could be copied", nothing, "write instance: the id of the running server")
	case a.Region == "":
		return runbook.Fail("no region is named that is to have the copy", nothing, "write region")
	case len(key) > 3 && key[0] == "arn" && key[3] != a.Region:
		return runbook.Fail(fmt.Sprintf("the key %s is one of %s", a.KMSKey, key[3]), "the copy in "+a.Region+" can be encrypted with a key of that region only; "+nothing,
			"write a key of "+a.Region+" (standby.kms_key); `aws kms list-aliases --region "+a.Region+"` lists them")
	}
	return nil
}

func (a *imageCopy) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	if err := a.wrong(); err != nil {
		return nil, err
	}
	before, err := a.origin(ctx, call)
	if err != nil {
		return nil, err
	}
	there, err := a.there(ctx, before)
	if err != nil {
		return nil, err
	}
	before.There = there.ID
	return runbook.Keep(before)
}

// origin reads what is to be copied.
func (a *imageCopy) origin(ctx context.Context, call runbook.Call) (copyBefore, error) {
	id := a.Image
	before := copyBefore{Source: a.Image}
	if a.snapshots() {
		m, err := a.w.Instances.Instance(ctx, a.FromRegion, a.Instance)
		if err != nil {
			return before, advise(err, providers.NotFound, "check the machine's id and region: %s in %s", a.Instance, a.FromRegion)
		}
		id = cmp.Or(id, m.Image)
		before.Source, before.Made = cmp.Or(a.Image, m.ID), a.w.clock.Now().UTC().Truncate(time.Second)
	}
	i, err := a.w.Images.Image(ctx, a.FromRegion, id)
	if err != nil {
		return before, advise(err, providers.NotFound, "check the image's id and region: %s in %s", id, a.FromRegion)
	}
	if i.State == "pending" {
		return before, providers.Errorf(providers.NotReady, "copy "+id, a.FromRegion, "it is still being made")
	}
	if i.State != "available" {
		return before, runbook.Fail(fmt.Sprintf("%s in %s is %s", id, a.FromRegion, i.State), "there is nothing whole to copy; nothing was copied", "make the image anew (image.create), and put its id into the estate")
	}
	if !a.snapshots() {
		before.Made = i.Created.UTC()
	}
	before.Group = cmp.Or(a.Name, i.Tags[tagName], i.Name)
	before.Name = imageName(before.Group, before.Made, call.Key)
	before.Encrypted = slices.ContainsFunc(i.Disks, func(d providers.Disk) bool { return d.Encrypted })
	before.Tags = map[string]string{}
	for k, v := range i.Tags {
		if !strings.HasPrefix(k, "lifeboat:") && !strings.HasPrefix(k, "aws:") {
			before.Tags[k] = v
		}
	}
	before.Shared, err = a.shared(ctx, id)
	return before, err
}

// shared lists who may launch the source. Of an image that belongs to somebody else nobody is told, and nobody is carried.
func (a *imageCopy) shared(ctx context.Context, id string) ([]string, error) {
	accounts, err := a.w.Copies.Shared(ctx, a.FromRegion, id)
	var e *providers.Error
	if errors.As(err, &e) && e.Code == "AuthFailure" {
		return nil, nil
	}
	return accounts, err
}

// imageName is a name that no other image has: EC2 wants each once, of a few letters only.
func imageName(group string, made time.Time, key runbook.Key) string {
	plain := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789()[] ./-'@_", r) {
			return r
		}
		return '-'
	}, group)
	return fmt.Sprintf("%.90s-%s-%.8s", plain, made.UTC().Format("20060102-1504"), key)
}

// tags are what the copy and its snapshots bear: the source's own, and whence they come.
func (a *imageCopy) tags(call runbook.Call, before copyBefore) map[string]string {
	out := maps.Clone(before.Tags)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, map[string]string{
		tagRun: string(call.Run), tagStep: call.Step, tagKey: string(call.Key),
		tagSource: before.Source, tagSourceMade: before.Made.UTC().Format(time.RFC3339), tagSourceRegion: a.FromRegion, tagName: before.Group, tagEstate: a.Estate,
	})
	return out
}

// there finds the copy of the source that is there, whoever made it: the newest that can be launched, else the newest that
// is coming. One that failed is none, nor is one that another estate may remove.
func (a *imageCopy) there(ctx context.Context, before copyBefore) (providers.Image, error) {
	all, err := a.w.Images.FindImages(ctx, a.Region, map[string]string{tagSource: before.Source})
	if err != nil {
		return providers.Image{}, err
	}
	if !a.snapshots() {
		foreign, err := a.w.Images.CopiesOf(ctx, a.Region, before.Source)
		if err != nil {
			return providers.Image{}, err
		}
		all = append(all, foreign...)
	}
	var best providers.Image
	for _, i := range all {
		switch {
		case i.State != "available" && i.State != "pending" || !a.asGood(i) || another(i.Tags, a.Estate):
		case best.ID == "", best.State == "pending" && i.State == "available", best.State == i.State && i.Created.After(best.Created):
			best = i
		}
	}
	return best, nil
}

// asGood says whether a copy of the source is as good as a new one. An image never changes, a root volume does: a copy of
// the image, however young, does not hold what the server has now.
func (a *imageCopy) asGood(i providers.Image) bool {
	if a.snapshots() && a.MaxAge > 0 {
		return i.Source == "" && a.w.clock.Now().Sub(i.Created) <= time.Duration(a.MaxAge)
	}
	return !a.snapshots() || a.Image != ""
}

// mine finds the image that this step has made.
func (a *imageCopy) mine(ctx context.Context, call runbook.Call) (providers.Image, error) {
	return madeBy(ctx, a.w, a.Region, call)
}

// madeBy finds the image that bears the key of the call; the best, should there be two.
func madeBy(ctx context.Context, w world, region string, call runbook.Call) (providers.Image, error) {
	found, err := w.Images.FindImages(ctx, region, map[string]string{tagKey: string(call.Key)})
	if err != nil || len(found) == 0 {
		return providers.Image{}, err
	}
	for _, i := range found {
		if i.State == "available" {
			return i, nil
		}
	}
	return found[0], nil
}

func (a *imageCopy) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if err := a.wrong(); err != nil {
		return runbook.Observation{}, err
	}
	var before copyBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if before.Source == "" {
		var err error
		if before, err = a.origin(ctx, call); err != nil {
			return runbook.Observation{}, err
		}
	}
	i, err := a.mine(ctx, call)
	if err == nil && i.ID == "" {
		i, err = a.there(ctx, before)
	}
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case i.ID == "" && a.snapshots():
		return a.onTheWay(ctx, call)
	case i.ID == "":
		return seen(runbook.Absent, "no image in %s is a copy of %s", a.Region, before.Source), nil
	case i.State == "pending":
		return a.naming(ctx, call, i, seen(runbook.Pending, "%s", copying(call, a.w, i))), nil
	case i.State != "available":
		return a.naming(ctx, call, i, failedImage(i, "its snapshots may be left: they bear "+tagKey+"="+string(call.Key))), nil
	}
	missing, err := a.unshared(ctx, call, i, before)
	if err != nil {
		return runbook.Observation{}, err
	}
	if missing > 0 {
		return seen(runbook.Absent, "%s is there, and not yet shared with %s that may launch %s", i.ID, plural(missing, "account", "accounts"), before.Source), nil
	}
	return a.holds(ctx, call, i, before, ""), nil
}

// failedImage is the end of an image that will never be. Its key is spent: EC2 would answer it with the same image.
func failedImage(i providers.Image, more string) runbook.Observation {
	o := seen(runbook.Broken, "%s in %s is %s: %s. Deregister it and look at the key that encrypts it; %s", i.ID, i.Region, i.State, cmp.Or(i.StateReason, "EC2 gives no reason"), more)
	o.KeySpent = true
	return o
}

// unshared counts the accounts that do not have of the copy what they have of its source. Only a copy of lifeboat's own is
// asked, and none in a drill: it may change no image but what it has made, and is not to be launched by others.
func (a *imageCopy) unshared(ctx context.Context, call runbook.Call, i providers.Image, before copyBefore) (int, error) {
	if len(before.Shared) == 0 || i.Tags[tagSource] == "" || call.MayTouch != nil {
		return 0, nil
	}
	has, err := a.w.Copies.Shared(ctx, a.Region, i.ID)
	if err != nil {
		return 0, err
	}
	missing := 0
	for _, who := range before.Shared {
		if !slices.Contains(has, who) {
			missing++
		}
	}
	return missing, nil
}

func (a *imageCopy) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before copyBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	i, err := a.mine(ctx, call)
	if err == nil && i.ID == "" {
		i, err = a.there(ctx, before)
	}
	if err == nil && i.ID == "" {
		i, err = a.make(ctx, call, before)
	}
	if err == nil {
		i, err = await(ctx, a.w, call, i)
	}
	var dead *deadSnapshot
	if errors.As(err, &dead) {
		return a.naming(ctx, call, i, dead.broken()), nil
	}
	if err != nil {
		return runbook.Observation{}, err
	}
	if i.State != "available" {
		return a.naming(ctx, call, i, failedImage(i, "its snapshots may be left: they bear "+tagKey+"="+string(call.Key))), nil
	}
	missing, err := a.unshared(ctx, call, i, before)
	if err != nil {
		return runbook.Observation{}, err
	}
	more := ""
	if missing > 0 {
		if err := a.w.Copies.Share(ctx, a.Region, i.ID, before.Shared); err != nil {
			return runbook.Observation{}, err
		}
		more = ", shared with " + plural(len(before.Shared), "account", "accounts")
	}
	more += a.leftOver(ctx, call, before)
	more += removed(ctx, a.w, call, pruning{
		region: a.Region, estate: a.Estate, group: before.Group, keep: a.Keep, newest: i.ID, never: append([]string{a.Current, before.There}, a.InUse...),
	})
	return a.holds(ctx, call, i, before, more), nil
}

func (a *imageCopy) make(ctx context.Context, call runbook.Call, before copyBefore) (providers.Image, error) {
	if a.snapshots() {
		return a.fromSnapshots(ctx, call, before)
	}
	i, err := a.w.Copies.CopyImage(ctx, a.Region, providers.ImageCopy{
		Token: string(call.Key), FromRegion: a.FromRegion, Image: a.Image, Name: before.Name, KMSKey: a.KMSKey,
		Description: fmt.Sprintf("lifeboat: copy of %s in %s", before.Source, a.FromRegion), Tags: a.tags(call, before),
	})
	if err != nil {
		err = advise(err, providers.NotFound, "check that %s is still in %s", a.Image, a.FromRegion)
		err = advise(err, providers.Mismatch, "retry under a new key: what was asked under this one was another copy")
		return i, advise(err, providers.Quota, "deregister images that nobody needs, or ask for a higher quota in %s", a.Region)
	}
	logf(call.Log, "EC2 accepted %s in %s as a copy of %s", i.ID, a.Region, a.Image)
	return i, nil
}

// holds is a copy that can be launched.
func (a *imageCopy) holds(ctx context.Context, call runbook.Call, i providers.Image, before copyBefore, more string) runbook.Observation {
	mine := i.Tags[tagKey] == string(call.Key)
	o := seen(runbook.Holds, "copy %s of %s equals its source%s", i.ID, date(i.Created), more)
	if mine {
		o = seen(runbook.Holds, "%s in %s is the copy of %s of %s%s%s", i.ID, a.Region, before.Source, date(before.Made), a.w.took(call), more)
		o = a.naming(ctx, call, i, o)
	}
	o.Outputs = map[string]any{"image": i.ID, "made": i.Created.UTC().Format(time.RFC3339), "copied": mine}
	return o
}

// naming names as made all that bears the key of this step: the image, its snapshots, and what is left on the way, in both
// regions. What is not named a drill may not delete.
func (a *imageCopy) naming(ctx context.Context, call runbook.Call, i providers.Image, o runbook.Observation) runbook.Observation {
	if i.Tags[tagKey] == string(call.Key) {
		o.Made = belongings(i)
	}
	all, err := a.bearers(ctx, call)
	if err != nil {
		logf(call.Log, "which snapshots bear the key %s was not to be read: %v", call.Key, err)
	}
	for _, s := range all {
		if t := (runbook.Target{Kind: "snapshot", ID: s.ID, Region: s.Region}); !slices.Contains(o.Made, t) {
			o.Made = append(o.Made, t)
		}
	}
	return o
}

// belongings are an image and its snapshots.
func belongings(i providers.Image) []runbook.Target {
	out := []runbook.Target{{Kind: "image", ID: i.ID, Region: i.Region}}
	for _, d := range i.Disks {
		if d.Snapshot != "" {
			out = append(out, runbook.Target{Kind: "snapshot", ID: d.Snapshot, Region: i.Region})
		}
	}
	return out
}

func date(t time.Time) string {
	if t.IsZero() {
		return "an unknown date"
	}
	return t.UTC().Format("2006-01-02 15:04")
}
