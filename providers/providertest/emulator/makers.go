package emulator

import (
	"strconv"
	"strings"
	"time"
)

// volume is what moto does not keep of a volume that was made: that it takes time, and how fast it is filled.
type volume struct {
	region            string
	born, ready, full time.Time
	rate              int
	fails             bool
}

func (v *volume) creating(now time.Time) bool { return v != nil && now.Before(v.ready) }

// createVolume is once, with AWS's conditions before it and its states behind it.
func (e *Emulator) createVolume(c *call) *answer {
	if t, seen := e.tokens[c.tokenKey("")]; seen && c.form.Get("ClientToken") != "" && t != nil {
		return e.once(c)
	}
	if bad := e.mayMake(c); bad != nil {
		return bad
	}
	a := e.once(c)
	out := rewritten(a, func(root *node) {
		now := time.Now()
		v := &volume{region: c.region, born: now, ready: now.Add(e.opts.Delays.Create)}
		v.rate, _ = strconv.Atoi(c.form.Get("VolumeInitializationRate")) // not given: none
		v.full = v.ready.Add(e.opts.Delays.Hydrate)
		arn := strings.Split(c.form.Get("KmsKeyId"), ":")
		v.fails = len(arn) > 3 && arn[3] != c.region
		e.volumes[root.get("volumeId")] = v
		root.set(txt("status", "creating"))
	})
	if t := e.tokens[c.tokenKey("")]; t != nil && out.status < 300 {
		t.body = out.body
	}
	return out
}

func (e *Emulator) mayMake(c *call) *answer {
	zone := c.form.Get("AvailabilityZone")
	if !strings.HasPrefix(zone, c.region) || len(zone) != len(c.region)+1 || zone[len(zone)-1] > 'f' {
		return c.fail(400, "InvalidZone.NotFound", "The zone '"+zone+"' does not exist.")
	}
	if rate := c.form.Get("VolumeInitializationRate"); rate != "" {
		if n, err := strconv.Atoi(rate); err != nil || n < 100 || n > 300 {
			return c.fail(400, "InvalidParameterValue", "The volume initialization rate must be between 100 and 300 MiB/s")
		}
	}
	id := c.form.Get("SnapshotId")
	if id == "" {
		return nil
	}
	root, err := e.ask(c.region, "DescribeSnapshots", "SnapshotId.1", id)
	if err != nil {
		return c.fail(400, "InvalidSnapshot.NotFound", "The snapshot '"+id+"' does not exist.")
	}
	if state, _ := e.snapshots[id].state(time.Now()); state != "completed" {
		return c.fail(400, "IncorrectState", "Snapshot is in invalid state - "+state)
	}
	has, _ := strconv.Atoi(root.at("snapshotSet", "item").get("volumeSize"))
	if n, err := strconv.Atoi(c.form.Get("Size")); err == nil && n < has {
		return c.fail(400, "InvalidParameterValue", "Volume of "+strconv.Itoa(n)+"GiB is too small for snapshot of "+strconv.Itoa(has)+"GiB")
	}
	return nil
}

// volumeState is what AWS says of the volume's state; "" is what moto says.
func (e *Emulator) volumeState(id string, now time.Time) string {
	switch v := e.volumes[id]; {
	case v.creating(now):
		return "creating"
	case v != nil && v.fails:
		return "error"
	}
	return ""
}

// hidden says that reads do not know the volume yet.
func (e *Emulator) hidden(id string, now time.Time) bool {
	v := e.volumes[id]
	return v != nil && now.Sub(v.born) < e.opts.Delays.Visible
}

// volumeStatus answers what moto does not know at all.
func (e *Emulator) volumeStatus(c *call) *answer {
	now := time.Now()
	set := el("volumeStatusSet")
	for _, id := range c.asked("VolumeId") {
		root, err := e.ask(c.region, "DescribeVolumes", "VolumeId.1", id)
		if err != nil || e.hidden(id, now) {
			return c.fail(400, "InvalidVolume.NotFound", "The volume '"+id+"' does not exist.")
		}
		item := el("item", txt("volumeId", id), txt("availabilityZone", root.at("volumeSet", "item").get("availabilityZone")),
			el("volumeStatus", txt("status", "ok"), el("details", el("item", txt("name", "io-enabled"), txt("status", "passed")))))
		if v := e.volumes[id]; v != nil && v.rate > 0 && root.at("volumeSet", "item").get("snapshotId") != "" {
			item.set(v.filled(now))
		}
		set.kids = append(set.kids, item)
	}
	return c.done(set)
}

func (v *volume) filled(now time.Time) *node {
	progress, left := 100, time.Duration(0)
	if now.Before(v.full) {
		left = v.full.Sub(now)
		progress = max(0, int(100*now.Sub(v.ready)/max(1, v.full.Sub(v.ready))))
	}
	return el("initializationStatusDetails", txt("initializationType", "provisioned-rate"), txt("progress", strconv.Itoa(progress)),
		txt("estimatedTimeToCompleteInSeconds", strconv.Itoa(int((left+time.Second-1)/time.Second))))
}
