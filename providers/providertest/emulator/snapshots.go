package emulator

import (
	"maps"
	"strconv"
	"strings"
	"time"
)

// snapshot is what moto does not keep of a snapshot: that it takes time, that a copy names no volume, and that a key may
// turn out to be of no use.
type snapshot struct {
	region      string
	born, until time.Time
	copied      bool
	fails       bool
}

// noVolume is what EC2 names as the volume of a copy.
const noVolume = "vol-ffffffff"

func (s *snapshot) state(now time.Time) (state, progress string) {
	switch {
	case s == nil:
		return "completed", "100%"
	case now.Before(s.until):
		return "pending", strconv.Itoa(int(100*now.Sub(s.born)/s.until.Sub(s.born))) + "%"
	case s.fails:
		return "error", "0%"
	}
	return "completed", "100%"
}

func (e *Emulator) createSnapshot(c *call) *answer {
	id := c.form.Get("VolumeId")
	if v := e.volumes[id]; v != nil && v.creating(time.Now()) {
		return c.fail(400, "IncorrectState", "The volume '"+id+"' is not 'available' or 'in-use'.")
	}
	a := e.forward(c)
	return rewritten(a, func(root *node) {
		e.newSnapshot(root.get("snapshotId"), c, e.opts.Delays.Snapshot, &snapshot{})
		root.set(txt("status", "pending"))
		root.set(txt("progress", ""))
		c.effect = "snapshot " + root.get("snapshotId") + " of " + id
	})
}

func (e *Emulator) newSnapshot(id string, c *call, takes time.Duration, s *snapshot) {
	now := time.Now()
	s.region, s.born, s.until = c.region, now, now.Add(takes)
	e.snapshots[id] = s
}

// copySnapshot asks moto, and finds out what AWS would find out later: whether the key is one of this region, and whether
// the source's URL was signed, without which an encrypted snapshot cannot be fetched.
func (e *Emulator) copySnapshot(c *call) *answer {
	from, id := c.form.Get("SourceRegion"), c.form.Get("SourceSnapshotId")
	if s := e.snapshots[id]; s != nil {
		if state, _ := s.state(time.Now()); state != "completed" {
			return c.fail(400, "IncorrectState", "Snapshot '"+id+"' is in '"+state+"' state.")
		}
	}
	root, err := e.ask(from, "DescribeSnapshots", "SnapshotId.1", id)
	if err != nil {
		return c.fail(400, "InvalidSnapshot.NotFound", "The snapshot '"+id+"' does not exist.")
	}
	key := c.form.Get("KmsKeyId")
	sealed := root.at("snapshotSet", "item").get("encrypted") == "true"
	if key != "" && !sealed && c.form.Get("Encrypted") != "true" {
		return c.fail(400, "InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.")
	}
	arn := strings.Split(key, ":")
	fails := len(arn) > 3 && arn[3] != c.region || !strings.Contains(c.form.Get("PresignedUrl"), "Action=CopySnapshot")
	return rewritten(e.forward(c), func(root *node) {
		copied := root.get("snapshotId")
		e.newSnapshot(copied, c, e.opts.Delays.Carry, &snapshot{copied: true, fails: fails})
		c.effect = "copied " + id + " from " + from + " as " + copied
	})
}

// describeSnapshots leaves out what reads do not know yet and what belongs to others, and puts moto's states right.
func (e *Emulator) describeSnapshots(c *call) *answer {
	now := time.Now()
	for _, id := range c.asked("SnapshotId") {
		if s := e.snapshots[id]; s != nil && now.Sub(s.born) < e.opts.Delays.Visible {
			return c.fail(400, "InvalidSnapshot.NotFound", "The snapshot '"+id+"' does not exist.")
		}
	}
	rest, taken := filters(maps.Clone(c.form), "volume-id")
	own := c.form.Get("Owner.1") == "self"
	return rewritten(e.forwardForm(c, rest), func(root *node) {
		root.at("snapshotSet").dropItems(func(i *node) bool {
			s := e.snapshots[i.get("snapshotId")]
			if s != nil && now.Sub(s.born) < e.opts.Delays.Visible || own && i.get("ownerId") != Account {
				return false
			}
			if s != nil && s.copied {
				i.set(txt("volumeId", noVolume))
			}
			state, progress := s.state(now)
			i.set(txt("status", state))
			i.set(txt("progress", progress))
			return among(taken["volume-id"], i.get("volumeId"))
		})
	})
}

// among says whether a value is among those of a filter; no filter takes all.
func among(values []string, v string) bool {
	for _, w := range values {
		if w == v {
			return true
		}
	}
	return len(values) == 0
}

// SeedSnapshot makes a completed snapshot of a volume.
func (e *Emulator) SeedSnapshot(region, volume string, tags ...string) string {
	return e.must(region, "CreateSnapshot", append([]string{"VolumeId", volume}, tagging("snapshot", tags)...)...).get("snapshotId")
}
