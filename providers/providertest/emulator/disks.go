package emulator

import (
	"maps"
	"strings"
	"time"
)

// disk is what moto does not keep of an attachment: that it takes time.
type disk struct {
	id, region, instance, device string
	state                        string // attaching, attached, detaching
	until                        time.Time
}

// settled is the end of attaching or detaching.
func (e *Emulator) settled(d *disk) error {
	d.until = time.Time{}
	if d.state == "attaching" {
		d.state = "attached"
		e.volume(d.id, d.instance, d.device, true)
		return nil
	}
	delete(e.disks, d.id)
	if _, err := e.ask(d.region, "DetachVolume", "VolumeId", d.id, "InstanceId", d.instance); err != nil {
		return err
	}
	e.volume(d.id, d.instance, d.device, false)
	return nil
}

// attachment reads where a volume is and on what it hangs.
func (e *Emulator) attachment(region, id string) (zone, instance, device string, err error) {
	root, err := e.ask(region, "DescribeVolumes", "VolumeId.1", id)
	if err != nil {
		return "", "", "", err
	}
	v := root.at("volumeSet", "item")
	a := v.at("attachmentSet", "item")
	return v.get("availabilityZone"), a.get("instanceId"), a.get("device"), nil
}

func (e *Emulator) attach(c *call) *answer {
	id, instance := c.form.Get("VolumeId"), c.form.Get("InstanceId")
	m := e.machines[instance]
	if m == nil || m.region != c.region || e.unborn(instance) {
		return c.noInstance(instance)
	}
	zone, holder, _, err := e.attachment(c.region, id)
	switch {
	case err != nil:
		return c.passOn(err)
	case e.volumeState(id, time.Now()) != "":
		return c.fail(400, "IncorrectState", "The volume '"+id+"' is not 'available'.")
	case holder != "":
		return c.fail(400, "VolumeInUse", id+" is already attached to an instance")
	case m.state != "running" && m.state != "stopped":
		return c.fail(400, "IncorrectState", "Instance '"+instance+"' is not 'running'.")
	case zone != m.zone:
		return c.fail(400, "InvalidVolume.ZoneMismatch", "The volume '"+id+"' is not in the same availability zone as instance '"+instance+"'")
	}
	if bad := e.deviceTaken(c, instance); bad != nil {
		return bad
	}
	a := e.forward(c)
	if a.status >= 300 {
		return a
	}
	e.disks[id] = &disk{
		id: id, region: c.region, instance: instance, device: c.form.Get("Device"), state: "attaching",
		until: e.due(e.opts.Delays.Attach),
	}
	c.effect = "attaching " + id + " to " + instance
	return rewritten(a, func(root *node) { root.set(txt("status", "attaching")) })
}

func (e *Emulator) deviceTaken(c *call, instance string) *answer {
	device := c.form.Get("Device")
	if !strings.HasPrefix(device, "/dev/") {
		return c.fail(400, "InvalidParameterValue", "Value ("+device+") for parameter device is invalid. "+device+" is not a valid EBS device name.")
	}
	root, err := e.ask(c.region, "DescribeVolumes")
	if err != nil {
		return c.passOn(err)
	}
	for _, v := range root.all("volumeSet", "item") {
		for _, a := range v.all("attachmentSet", "item") {
			if a.get("instanceId") == instance && a.get("device") == device {
				return c.fail(400, "InvalidParameterValue", "Invalid value '"+device+"' for unixDevice. Attachment point "+device+" is already in use")
			}
		}
	}
	return nil
}

func (e *Emulator) detach(c *call) *answer {
	id := c.form.Get("VolumeId")
	_, holder, device, err := e.attachment(c.region, id)
	if err != nil {
		return c.passOn(err)
	}
	if holder == "" {
		return c.fail(400, "IncorrectState", "Volume '"+id+"' is in the 'available' state.")
	}
	if named := c.form.Get("InstanceId"); named != "" && named != holder {
		return c.fail(400, "InvalidAttachment.NotFound", "Volume '"+id+"' is not attached to instance '"+named+"'.")
	}
	d := e.disks[id]
	if d == nil {
		d = &disk{id: id, region: c.region, instance: holder, device: device}
		e.disks[id] = d
	}
	switch d.state {
	case "detaching":
		return c.fail(400, "IncorrectState", "Volume '"+id+"' is in the 'detaching' state.")
	case "attaching":
		return c.fail(400, "IncorrectState", "Volume '"+id+"' is in the 'attaching' state.")
	}
	d.state, d.until = "detaching", e.due(e.opts.Delays.Detach)
	c.effect = "detaching " + id + " from " + holder
	return c.done(txt("volumeId", id), txt("instanceId", holder), txt("device", device), txt("status", "detaching"))
}

func (e *Emulator) describeVolumes(c *call) *answer {
	now := time.Now()
	for _, id := range c.asked("VolumeId") {
		if e.hidden(id, now) {
			return c.fail(400, "InvalidVolume.NotFound", "The volume '"+id+"' does not exist.")
		}
	}
	return rewritten(e.forwardForm(c, maps.Clone(c.form)), func(root *node) {
		root.at("volumeSet").dropItems(func(i *node) bool { return !e.hidden(i.get("volumeId"), now) })
		for _, v := range root.all("volumeSet", "item") {
			if state := e.volumeState(v.get("volumeId"), now); state != "" {
				v.set(txt("status", state))
			}
		}
		for _, v := range root.all("volumeSet", "item") {
			d := e.disks[v.get("volumeId")]
			if d == nil {
				continue
			}
			for _, a := range v.all("attachmentSet", "item") {
				a.set(txt("status", d.state))
			}
		}
	})
}
