package providertest

import (
	"context"
	"slices"
	"strings"

	"lifeboat/providers"
)

var imageChecks = []check{
	{"images are read", canImages, imagesRead},
	{"a copy of an image replays its token", canCopyImages, copyReplays},
	{"a copy's token with other words is a mismatch", canCopyImages, copyMismatch},
	{"a copy of an image comes to be, and says of what", canCopyImages, copyComes},
	{"an unknown image cannot be copied", canCopyImages, copyUnknown},
	{"an image is made of a machine, once under its name", canMakeImages, imageOfMachine},
	{"an image is made of snapshots as it was asked for", canCopyImages, imageOfSnapshots},
	{"an image is launched by those it is shared with", canCopyImages, imageShared},
}

func canImages(l Lab) map[string]bool {
	return map[string]bool{"images": l.Set.Images != nil && l.Image != ""}
}

func canCopyImages(l Lab) map[string]bool {
	needs := canImages(l)
	needs["image maker"] = l.Set.Copies != nil
	return needs
}

func canMakeImages(l Lab) map[string]bool {
	needs := canLaunch(l)
	needs["image maker"] = l.Set.Copies != nil
	return needs
}

func imagesRead(l lab) {
	i, err := l.Set.Images.Image(l.ctx(), l.Region, l.Image)
	l.ok("image", err)
	if i.ID != l.Image || i.State != "available" || i.Created.IsZero() {
		l.t.Errorf("image %+v", i)
	}
	_, err = l.Set.Images.Image(l.ctx(), l.Region, "ami-0123456789abcdef0")
	l.want(providers.NotFound, "an unknown image", err)
	copies, err := l.Set.Images.CopiesOf(l.ctx(), l.Region, "ami-0123456789abcdef0")
	l.ok("copies of an unknown image", err)
	if len(copies) != 0 {
		l.t.Errorf("copies of what never was: %+v", copies)
	}
	if len(i.Tags) == 0 {
		return
	}
	found, err := l.Set.Images.FindImages(l.ctx(), l.Region, i.Tags)
	l.ok("find images", err)
	if !slices.ContainsFunc(found, func(f providers.Image) bool { return f.ID == i.ID }) {
		l.t.Errorf("the image is not found by its tags")
	}
}

// other is the region that copies go to.
func (l lab) other() string {
	if l.Elsewhere != "" {
		return l.Elsewhere
	}
	return l.Region
}

func (l lab) imageCopy(token string) providers.ImageCopy {
	return providers.ImageCopy{
		Token: token, FromRegion: l.Region, Image: l.Image, Name: "conformance-" + token,
		Tags: map[string]string{"lifeboat:run": "conformance", "lifeboat:key": token},
	}
}

// copied asks for a copy that is gone when the check ends.
func (l lab) copied(c providers.ImageCopy) providers.Image {
	l.t.Helper()
	i, err := l.Set.Copies.CopyImage(l.ctx(), l.other(), c)
	l.ok("copy image", err)
	l.t.Cleanup(func() { l.deregistered(l.other(), i.ID) })
	return i
}

// deregistered ends an image: until it is listed, it may be said not to be there although it is.
func (l lab) deregistered(region, id string) {
	l.t.Helper()
	l.ok("deregister "+id, l.Set.Copies.Deregister(l.ctx(), region, id))
	_, err := l.Set.Images.Image(l.ctx(), region, id)
	l.want(providers.NotFound, "an image that was deregistered", err)
	l.ok("deregister "+id+" again", l.Set.Copies.Deregister(l.ctx(), region, id))
}

// launchable waits until the image can be launched.
func (l lab) launchable(region, id string) providers.Image {
	l.t.Helper()
	var i providers.Image
	l.eventually(id+" is available", func(ctx context.Context) (_ bool, err error) {
		i, err = l.Set.Images.Image(ctx, region, id)
		return i.State == "available", err
	})
	return i
}

func copyReplays(l lab) {
	c := l.imageCopy(l.token("a"))
	first := l.copied(c)
	for range 3 {
		again, err := l.Set.Copies.CopyImage(l.ctx(), l.other(), c)
		l.ok("copy again", err)
		if again.ID != first.ID {
			l.t.Errorf("the same token made %s and %s", first.ID, again.ID)
		}
	}
	l.launchable(l.other(), first.ID)
	l.eventually("the tags are found", func(ctx context.Context) (bool, error) {
		found, err := l.Set.Images.FindImages(ctx, l.other(), map[string]string{"lifeboat:key": c.Token})
		if len(found) > 1 {
			l.t.Fatalf("%d images bear the token, not one", len(found))
		}
		return len(found) == 1, err
	})
}

func copyMismatch(l lab) {
	c := l.imageCopy(l.token("a"))
	l.copied(c)
	c.Description = "another"
	_, err := l.Set.Copies.CopyImage(l.ctx(), l.other(), c)
	l.want(providers.Mismatch, "the token with another description", err)
}

func copyComes(l lab) {
	source, err := l.Set.Images.Image(l.ctx(), l.Region, l.Image)
	l.ok("source", err)
	c := l.imageCopy(l.token("a"))
	made := l.copied(c)
	if made.ID == "" || made.ID == l.Image || made.Region != l.other() {
		l.t.Errorf("copied as %+v", made)
	}
	i := l.launchable(l.other(), made.ID)
	if i.Source != l.Image || i.SourceRegion != l.Region || i.Name != c.Name {
		l.t.Errorf("the copy says that it is %+v", i)
	}
	for k, v := range c.Tags {
		if i.Tags[k] != v {
			l.t.Errorf("tag %q is %q, want %q", k, i.Tags[k], v)
		}
	}
	if i.RootDevice != source.RootDevice || i.Architecture != source.Architecture || len(i.Disks) != len(source.Disks) {
		l.t.Errorf("the copy is %+v, its source %+v", i, source)
	}
	for n, d := range i.Disks {
		if n < len(source.Disks) && (d.Snapshot == "" || d.Snapshot == source.Disks[n].Snapshot || d.Device != source.Disks[n].Device) {
			l.t.Errorf("disk %d of the copy is %+v, of the source %+v", n, d, source.Disks[n])
		}
	}
	copies, err := l.Set.Images.CopiesOf(l.ctx(), l.other(), l.Image)
	l.ok("copies", err)
	if !slices.ContainsFunc(copies, func(f providers.Image) bool { return f.ID == i.ID }) {
		l.t.Errorf("the copy is not among the copies of its source: %+v", copies)
	}
}

func copyUnknown(l lab) {
	c := l.imageCopy(l.token("a"))
	c.Image = "ami-0123456789abcdef0"
	_, err := l.Set.Copies.CopyImage(l.ctx(), l.other(), c)
	l.want(providers.NotFound, "copy an unknown image", err)
}

func imageOfMachine(l lab) {
	m := l.launch(l.spec(l.token("a")))
	l.running(m.ID)
	l.eventually("the machine is found by its image", func(ctx context.Context) (bool, error) {
		from, err := l.Set.Images.LaunchedFrom(ctx, l.Region, l.Image)
		return slices.Contains(from, m.ID), err
	})
	name := "conformance-" + l.token("name")
	tags := map[string]string{"lifeboat:key": l.token("key")}
	made, err := l.Set.Copies.CreateImage(l.ctx(), l.Region, m.ID, name, true, tags)
	l.ok("create image", err)
	l.t.Cleanup(func() { l.deregistered(l.Region, made.ID) })
	i := l.launchable(l.Region, made.ID)
	if i.Name != name || i.Tags["lifeboat:key"] != tags["lifeboat:key"] || i.Source != "" {
		l.t.Errorf("made %+v", i)
	}
	if now := l.running(m.ID); now.State != providers.InstanceRunning {
		l.t.Errorf("the machine is %s", now.State)
	}
	_, err = l.Set.Copies.CreateImage(l.ctx(), l.Region, m.ID, name, true, tags)
	l.want(providers.Conflict, "a name that is taken", err)
	_, err = l.Set.Copies.CreateImage(l.ctx(), l.Region, "i-0123456789abcdef0", name+"-2", true, tags)
	l.want(providers.NotFound, "an image of an unknown machine", err)
	l.gone(m.ID)
	from, err := l.Set.Images.LaunchedFrom(l.ctx(), l.Region, l.Image)
	l.ok("launched from", err)
	if slices.Contains(from, m.ID) {
		l.t.Errorf("a machine that is gone is still named: %v", from)
	}
}

func imageOfSnapshots(l lab) {
	source, err := l.Set.Images.Image(l.ctx(), l.Region, l.Image)
	l.ok("source", err)
	if len(source.Disks) == 0 {
		l.t.Skip("the lab's image names no snapshot")
	}
	want := providers.Image{
		Name: "conformance-" + l.token("name"), Architecture: "arm64", BootMode: "uefi-preferred", Virtualization: "hvm", RootDevice: "/dev/xvda",
		ENA: true, IMDS: "v2.0", Disks: []providers.Disk{
			{Device: "/dev/xvda", Snapshot: source.Disks[0].Snapshot, SizeGiB: 40, Type: "gp3", IOPS: 4000, Throughput: 200},
			{Device: "/dev/sdb", SizeGiB: 10, Type: "gp3", Kept: true},
		},
		Tags: map[string]string{"lifeboat:key": l.token("key")},
	}
	made, err := l.Set.Copies.RegisterImage(l.ctx(), l.Region, want)
	l.ok("register image", err)
	l.t.Cleanup(func() { l.deregistered(l.Region, made.ID) })
	i := l.launchable(l.Region, made.ID)
	for _, d := range i.Disks {
		d.Encrypted, d.KMSKey = false, ""
	}
	if i.Name != want.Name || i.Architecture != want.Architecture || i.BootMode != want.BootMode || i.RootDevice != want.RootDevice ||
		i.ENA != want.ENA || i.IMDS != want.IMDS || !slices.Equal(i.Disks, want.Disks) {
		l.t.Errorf("registered\n%+v, want\n%+v", i, want)
	}
	if i.Tags["lifeboat:key"] != want.Tags["lifeboat:key"] {
		l.t.Errorf("its tags are %v", i.Tags)
	}
	_, err = l.Set.Copies.RegisterImage(l.ctx(), l.Region, want)
	l.want(providers.Conflict, "a name that is taken", err)
	want.Name += "-2"
	want.Disks = []providers.Disk{{Device: "/dev/xvda", Snapshot: "snap-0123456789abcdef0"}}
	_, err = l.Set.Copies.RegisterImage(l.ctx(), l.Region, want)
	l.want(providers.NotFound, "an unknown snapshot", err)
}

func imageShared(l lab) {
	made := l.copied(l.imageCopy(l.token("a")))
	i := l.launchable(l.other(), made.ID)
	for _, accounts := range [][]string{{}, {"111122223333", "444455556666"}, {"444455556666"}, {}} {
		l.ok("share", l.Set.Copies.Share(l.ctx(), l.other(), i.ID, accounts))
		got, err := l.Set.Copies.Shared(l.ctx(), l.other(), i.ID)
		l.ok("shared", err)
		if got == nil || strings.Join(got, " ") != strings.Join(accounts, " ") {
			l.t.Errorf("shared with %q, want %q", got, accounts)
		}
	}
	_, err := l.Set.Copies.Shared(l.ctx(), l.other(), "ami-0123456789abcdef0")
	l.want(providers.NotFound, "who may launch an unknown image", err)
}
