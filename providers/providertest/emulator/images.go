package emulator

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// picture is what moto does not keep of an image: what it was made of, and that making it takes time.
type picture struct {
	region, source, sourceRegion string
	until                        time.Time
	dress                        []*node // what an answer says of it instead of moto's words
}

func (e *Emulator) pending(id string) bool {
	p := e.pictures[id]
	return p != nil && time.Now().Before(p.until)
}

// describe one image, as clients see it.
func (e *Emulator) lookImage(region, id string) (*node, error) {
	root, err := e.ask(region, "DescribeImages", "ImageId.1", id)
	if err != nil {
		return nil, err
	}
	item := root.at("imagesSet", "item")
	if item == nil { // moto leaves out one that was deregistered, and says nothing
		return nil, &motoError{"DescribeImages", 400, "InvalidAMIID.NotFound", "The image id '[" + id + "]' does not exist"}
	}
	e.dressImage(item)
	return item, nil
}

func (e *Emulator) dressImage(item *node) {
	p := e.pictures[item.get("imageId")]
	if p == nil {
		return
	}
	for _, n := range p.dress {
		item.set(n)
	}
	if p.source != "" {
		item.set(txt("sourceImageId", p.source))
		item.set(txt("sourceImageRegion", p.sourceRegion))
	}
	if e.pending(item.get("imageId")) {
		item.set(txt("imageState", "pending"))
	}
}

func (e *Emulator) describeImages(c *call) *answer {
	form, taken := filters(c.form, "source-image-id", "state")
	return rewritten(e.forwardForm(c, form), func(root *node) {
		set := root.at("imagesSet")
		if set == nil {
			return
		}
		for _, item := range set.all("item") {
			e.dressImage(item)
		}
		set.dropItems(func(item *node) bool {
			sources, bySource := taken["source-image-id"]
			states, byState := taken["state"]
			return (!bySource || slices.Contains(sources, item.get("sourceImageId"))) && (!byState || slices.Contains(states, item.get("imageState")))
		})
	})
}

// bare is a request without its tags, at which moto stumbles.
func bare(form url.Values) url.Values {
	out := maps.Clone(form)
	for k := range out {
		if strings.HasPrefix(k, "TagSpecification.") {
			delete(out, k)
		}
	}
	return out
}

// tagNew gives what a request has made the tags that it has for that kind of thing.
func (e *Emulator) tagNew(c *call, kind string, ids ...string) error {
	var kv []string
	for i := 1; c.form.Has(fmt.Sprintf("TagSpecification.%d.ResourceType", i)); i++ {
		prefix := fmt.Sprintf("TagSpecification.%d.", i)
		if c.form.Get(prefix+"ResourceType") != kind {
			continue
		}
		for j := 1; c.form.Has(fmt.Sprintf("%sTag.%d.Key", prefix, j)); j++ {
			tag := fmt.Sprintf("Tag.%d.", j)
			kv = append(kv, tag+"Key", c.form.Get(prefix+tag+"Key"), tag+"Value", c.form.Get(prefix+tag+"Value"))
		}
	}
	if len(kv) == 0 || len(ids) == 0 {
		return nil
	}
	for i, id := range ids {
		kv = append(kv, "ResourceId."+strconv.Itoa(i+1), id)
	}
	_, err := e.ask(c.region, "CreateTags", kv...)
	return err
}

// pictured is the end of making an image: tags, and what moto does not keep.
func (e *Emulator) pictured(c *call, a *answer, p *picture) *answer {
	return rewritten(a, func(root *node) {
		id := root.get("imageId")
		p.region, p.until = c.region, e.due(e.opts.Delays.Image)
		e.pictures[id] = p
		e.note(e.tagNew(c, "image", id))
		item, err := e.lookImage(c.region, id)
		e.note(err)
		if err == nil {
			var snapshots []string
			for _, b := range item.all("blockDeviceMapping", "item") {
				snapshots = append(snapshots, b.get("ebs", "snapshotId"))
			}
			e.note(e.tagNew(c, "snapshot", snapshots...))
		}
		c.effect = "made " + id
	})
}

func (e *Emulator) copyImage(c *call) *answer {
	key := c.tokenKey("")
	if t, seen := e.tokens[key]; seen && c.form.Get("ClientToken") != "" {
		if t.params != c.words() {
			return c.mismatch()
		}
		c.effect = "replayed"
		return &answer{status: 200, kind: "text/xml;charset=UTF-8", body: t.body}
	}
	source, from := c.form.Get("SourceImageId"), c.form.Get("SourceRegion")
	item, err := e.lookImage(from, source)
	if err != nil {
		return c.passOn(err)
	}
	if e.pending(source) {
		return c.fail(400, "InvalidAMIID.Unavailable", "The image id '["+source+"]' is pending")
	}
	a := e.forwardForm(c, bare(c.form))
	if a.status >= 300 {
		return a
	}
	p := &picture{source: source, sourceRegion: from}
	a = rewritten(a, func(root *node) { p.dress = e.copied(c, root.get("imageId"), item) })
	a = e.pictured(c, a, p)
	if c.form.Get("ClientToken") != "" {
		e.tokens[key] = &token{params: c.words(), body: a.body}
	}
	return a
}

// described are the words of an image that go over to its copy.
var described = []string{"architecture", "bootMode", "virtualizationType", "rootDeviceName", "enaSupport", "imdsSupport", "tpmSupport", "rootDeviceType"}

// copied is what is said of a copy: the source's words, with snapshots of its own. moto has made one.
func (e *Emulator) copied(c *call, id string, source *node) (dress []*node) {
	for _, name := range described {
		if n := source.at(name); n != nil {
			dress = append(dress, n)
		}
	}
	own, err := e.ask(c.region, "DescribeImages", "ImageId.1", id)
	e.note(err)
	devices := el("blockDeviceMapping")
	for i, b := range source.all("blockDeviceMapping", "item") {
		snapshot := own.get("imagesSet", "item", "blockDeviceMapping", "item", "ebs", "snapshotId")
		if i > 0 {
			made, err := e.ask(c.region, "CopySnapshot", "SourceRegion", c.form.Get("SourceRegion"), "SourceSnapshotId", b.get("ebs", "snapshotId"))
			e.note(err)
			snapshot = made.get("snapshotId")
		}
		ebs := el("ebs", slices.Clone(b.at("ebs").kids)...)
		ebs.set(txt("snapshotId", snapshot))
		if k := c.form.Get("KmsKeyId"); k != "" {
			ebs.set(txt("kmsKeyId", k))
		}
		if c.form.Get("Encrypted") == "true" {
			ebs.set(txt("encrypted", "true"))
		}
		devices.kids = append(devices.kids, el("item", txt("deviceName", b.get("deviceName")), ebs))
	}
	return append(dress, devices)
}

// nameTaken refuses a second image of one name.
func (e *Emulator) nameTaken(c *call) *answer {
	root, err := e.ask(c.region, "DescribeImages", "Owner.1", "self", "Filter.1.Name", "name", "Filter.1.Value.1", c.form.Get("Name"))
	if err != nil {
		return c.passOn(err)
	}
	if has := root.at("imagesSet", "item"); has != nil {
		return c.fail(400, "InvalidAMIName.Duplicate", "AMI name "+c.form.Get("Name")+" is already in use by AMI "+has.get("imageId"))
	}
	return nil
}

func (e *Emulator) createImage(c *call) *answer {
	id := c.form.Get("InstanceId")
	m := e.machines[id]
	if m == nil || m.region != c.region || e.unborn(id) {
		return c.noInstance(id)
	}
	if m.state != "running" && m.state != "stopped" {
		return c.fail(400, "IncorrectState", "The instance '"+id+"' is "+m.state)
	}
	if bad := e.nameTaken(c); bad != nil {
		return bad
	}
	a := e.forwardForm(c, bare(c.form))
	if a.status >= 300 {
		return a
	}
	return e.pictured(c, a, &picture{})
}

func (e *Emulator) registerImage(c *call) *answer {
	if bad := e.nameTaken(c); bad != nil {
		return bad
	}
	p := &picture{}
	for _, name := range described {
		key := strings.ToUpper(name[:1]) + name[1:]
		if v := c.form.Get(key); v != "" {
			p.dress = append(p.dress, txt(name, v))
		}
	}
	devices := el("blockDeviceMapping")
	for i := 1; c.form.Has(fmt.Sprintf("BlockDeviceMapping.%d.DeviceName", i)); i++ {
		prefix := fmt.Sprintf("BlockDeviceMapping.%d.", i)
		ebs := el("ebs")
		for _, name := range []string{"snapshotId", "volumeSize", "volumeType", "deleteOnTermination", "iops", "throughput", "encrypted", "kmsKeyId"} {
			if v := c.form.Get(prefix + "Ebs." + strings.ToUpper(name[:1]) + name[1:]); v != "" {
				ebs.set(txt(name, v))
			}
		}
		if s := ebs.get("snapshotId"); s != "" {
			if _, err := e.ask(c.region, "DescribeSnapshots", "SnapshotId.1", s); err != nil {
				return c.passOn(err)
			}
			if is, _ := e.snapshots[s].state(time.Now()); is != "completed" {
				return c.fail(400, "IncorrectState", "Snapshot is in invalid state - "+is)
			}
		}
		devices.kids = append(devices.kids, el("item", txt("deviceName", c.form.Get(prefix+"DeviceName")), ebs))
	}
	p.dress = append(p.dress, devices)
	a := e.forwardForm(c, bare(c.form))
	if a.status >= 300 {
		return a
	}
	return e.pictured(c, a, p)
}

// shareImage refuses what is not there yet.
func (e *Emulator) shareImage(c *call) *answer {
	if id := c.form.Get("ImageId"); e.pending(id) {
		return c.fail(400, "InvalidAMIID.Unavailable", "The image id '["+id+"]' is pending")
	}
	a := e.forward(c)
	c.effect = "shared " + c.form.Get("ImageId")
	return a
}

// imageAttribute knows that an image may not be there, at which moto stumbles.
func (e *Emulator) imageAttribute(c *call) *answer {
	if _, err := e.lookImage(c.region, c.form.Get("ImageId")); err != nil {
		return c.passOn(err)
	}
	return e.forward(c)
}

// deregister may be repeated no more than at AWS. Copies of the image stay what they are.
func (e *Emulator) deregister(c *call) *answer {
	a := e.forward(c)
	if a.status < 300 {
		c.effect = "deregistered " + c.form.Get("ImageId")
	}
	return a
}

// launchable refuses a launch from an image that is not there yet.
func (e *Emulator) launchable(c *call) *answer {
	if id := c.form.Get("ImageId"); e.pending(id) {
		return c.fail(400, "InvalidAMIID.Unavailable", "The image id '["+id+"]' is pending")
	}
	return e.runInstances(c)
}
