package sim

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

const byID = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_"

// format is the file system on a volume. A copy bears what its original does: origin is the volume that was formatted.
type format struct {
	fs, label, origin string
	id                string // the UUID that mkfs was told; "" is one made of the origin
	damaged           bool
}

func (f format) inherit(volume string) format {
	f.origin = either(f.origin, volume)
	return f
}

// uuid is the file system's on a volume.
func (v *volume) uuid() string {
	if v.id != "" {
		return v.id
	}
	return uuid(either(v.origin, v.ID))
}

// empty says that nobody has made a file system on it.
func (v *volume) empty() bool { return v.made != nil && v.made.Snapshot == "" && v.fs == "" }

func uuid(of string) string {
	a, b := mix(7, of, 0), mix(7, of, 1)
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

// node is the device name of a volume on the machine: EC2's /dev/sdf is the kernel's nvme1n1.
func (c *shell) node(v *volume) string {
	letter := strings.TrimSuffix(v.device, "1")
	if n := len(letter); n > 0 && letter[n-1] >= 'b' && letter[n-1] <= 'z' {
		return fmt.Sprintf("/dev/nvme%dn1", int(letter[n-1]-'b')%25+1)
	}
	return "/dev/nvme9n1"
}

// device finds the volume behind a name: the node, its links by id and by UUID, or UUID=.
func (c *shell) device(name string) *volume {
	for _, id := range slices.Sorted(maps.Keys(c.s.volumes)) {
		v := c.s.volumes[id]
		if !v.there(c.m.id, c.now) {
			continue
		}
		switch name {
		case c.node(v), byID + strings.Replace(id, "-", "", 1), "/dev/disk/by-uuid/" + v.uuid(), "UUID=" + v.uuid(), v.device:
			return v
		}
	}
	return nil
}

func (c *shell) readlink() outcome {
	strict := slices.Contains(c.argv, "-e") || program(c.argv) == "realpath" && !slices.Contains(c.argv, "-m")
	follow := strict || slices.ContainsFunc(c.argv, func(a string) bool { return a == "-f" || a == "-m" })
	var o outcome
	for _, n := range c.args() {
		switch v := c.device(n); {
		case v != nil:
			o.out += c.node(v) + "\n"
		case c.kind(n) != "" && follow, follow && !strict: // of -f, only the last part may be missing
			o.out += path.Clean(n) + "\n"
		default:
			o.status = 1
		}
	}
	return o
}

// mountTable is /proc/mounts.
func (c *shell) mountTable() string {
	var b strings.Builder
	b.WriteString("/dev/nvme0n1p1 / ext4 rw,relatime 0 0\n")
	for _, at := range slices.Sorted(maps.Keys(c.m.mounts)) {
		fmt.Fprintf(&b, "%s %s %s rw,relatime 0 0\n", c.node(c.s.volumes[c.m.mounts[at]]), at, either(c.s.volumes[c.m.mounts[at]].fs, "ext4"))
	}
	return b.String()
}

func (c *shell) findmnt() outcome {
	valued := []string{"-o", "--output", "-T", "--target", "-M", "--mountpoint", "-S", "--source", "-t", "--types"}
	columns, chosen := c.option("-o", "--output")
	if !chosen {
		columns = "TARGET,SOURCE,FSTYPE,OPTIONS"
	}
	target, byTarget := c.option("-T", "--target")
	exact, byMount := c.option("-M", "--mountpoint")
	source, bySource := c.option("-S", "--source")
	rest := c.args(valued...)
	matches := func(node, at string) bool {
		switch {
		case byTarget:
			_, mount := c.m.on(path.Clean(target))
			return mount == at
		case byMount && at != path.Clean(exact):
			return false
		case bySource:
			v := c.device(source)
			return source == node || v != nil && c.node(v) == node
		case byMount:
			return true
		}
		for _, want := range rest {
			if v := c.device(want); path.Clean(want) != at && want != node && (v == nil || c.node(v) != node) {
				return false
			}
		}
		return true
	}
	var b strings.Builder
	plain := slices.ContainsFunc(c.argv, func(a string) bool {
		return a == "--noheadings" || strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.Contains(a, "n")
	})
	for line := range strings.Lines(c.mountTable()) {
		f := strings.Fields(line)
		if !matches(f[0], f[1]) {
			continue
		}
		cells := map[string]string{"SOURCE": f[0], "TARGET": f[1], "FSTYPE": f[2], "OPTIONS": f[3], "UUID": c.uuidOf(f[0])}
		var row []string
		for col := range strings.SplitSeq(columns, ",") {
			row = append(row, cells[strings.ToUpper(col)])
		}
		b.WriteString(strings.Join(row, " ") + "\n")
	}
	if b.Len() == 0 {
		return outcome{status: 1}
	}
	if !plain {
		return outcome{out: strings.ReplaceAll(columns, ",", " ") + "\n" + b.String()}
	}
	return outcome{out: b.String()}
}

func (c *shell) uuidOf(node string) string {
	if v := c.device(node); v != nil {
		return v.uuid()
	}
	return ""
}

func (c *shell) mountpoint() outcome {
	for _, at := range c.args() {
		if _, ok := c.m.mounts[path.Clean(at)]; !ok && at != "/" {
			return outcome{status: 32, out: at + " is not a mountpoint\n"}
		}
	}
	return outcome{}
}

func (c *shell) blkid() outcome {
	names := c.args("-o", "--output", "-s", "--match-tag", "-c", "--cache-file", "-t", "--match-token")
	if token, ok := c.option("-t", "--match-token"); ok {
		return c.bearing(token)
	}
	tag, one := c.option("-s", "--match-tag")
	if len(names) == 0 {
		return outcome{}
	}
	v := c.device(names[0])
	if v == nil || v.empty() {
		return outcome{status: 2}
	}
	values := map[string]string{"TYPE": either(v.fs, "ext4"), "UUID": v.uuid(), "LABEL": v.label}
	if format, _ := c.option("-o", "--output"); format == "value" {
		if one {
			return outcome{out: values[tag] + "\n"}
		}
		return outcome{out: values["UUID"] + "\n" + values["TYPE"] + "\n"}
	} else if format == "export" {
		return outcome{out: fmt.Sprintf("DEVNAME=%s\nUUID=%s\nTYPE=%s\n", names[0], values["UUID"], values["TYPE"])}
	}
	return outcome{out: fmt.Sprintf("%s: UUID=%q TYPE=%q\n", names[0], values["UUID"], values["TYPE"])}
}

// bearing lists the devices that bear a tag of blkid's, such as UUID=... or LABEL=...
func (c *shell) bearing(token string) outcome {
	var nodes []string
	for _, v := range c.s.volumes {
		if v.there(c.m.id, c.now) && (token == "UUID="+v.uuid() || v.label != "" && token == "LABEL="+v.label) {
			nodes = append(nodes, c.node(v))
		}
	}
	if len(nodes) == 0 {
		return outcome{status: 2}
	}
	slices.Sort(nodes)
	return outcome{out: strings.Join(nodes, "\n") + "\n"}
}

// fsck is e2fsck -n and xfs_repair -n: it reads all that describes the files.
func (c *shell) fsck() outcome {
	args := c.args()
	if len(args) == 0 || c.device(args[0]) == nil {
		return c.fail(8, "No such file or directory while trying to open %s", strings.Join(args, " "))
	}
	o := outcome{takes: c.takes(c.s.spec.Delays.Mount, "fsck")}
	v, xfs := c.device(args[0]), program(c.argv) == "xfs_repair"
	switch {
	case xfs && v.damaged:
		o.status, o.err = 1, "bad magic number\nwould have reset inode 131 nlinks from 2 to 1\n"
	case xfs:
	case v.damaged:
		o.status, o.out = 4, "Inode 12 has an invalid size. Fix? no\n"+args[0]+": ********** WARNING: Filesystem still has errors **********\n"
	default:
		o.out = args[0] + ": 1234/6553600 files (0.1% non-contiguous), 10240000/26214400 blocks\n"
	}
	return o
}

// users are the processes that a machine's services are, by number.
func (c *shell) users() []string {
	if s := c.s.serving(c.m, c.now); s != "up" && s != "starting" {
		return nil
	}
	var list []string
	for n, name := range slices.Sorted(maps.Keys(c.m.units)) {
		if !c.m.units[name].stopped {
			list = append(list, fmt.Sprintf("%d %s", 812+n, name))
		}
	}
	return list
}

// fuser lists who uses a mount: to standard output the numbers and no more.
func (c *shell) fuser() outcome {
	args := c.args()
	if len(args) == 0 {
		return c.fail(1, "No process specification given")
	}
	if _, ok := c.m.mounts[path.Clean(args[0])]; !ok || len(c.users()) == 0 {
		return outcome{status: 1}
	}
	o := outcome{err: args[0] + ": \n"}
	for _, u := range c.users() {
		pid, _, _ := strings.Cut(u, " ")
		o.out += " " + pid
	}
	return o
}

// ps knows user=, pid= and args= of the processes that are asked for.
func (c *shell) ps() outcome {
	wanted, _ := c.option("-p")
	var o outcome
	for _, u := range c.users() {
		pid, name, _ := strings.Cut(u, " ")
		if slices.Contains(strings.Split(wanted, ","), pid) {
			o.out += "root " + pid + " /usr/sbin/" + name + "\n"
		}
	}
	if o.out == "" {
		o.status = 1
	}
	return o
}

func (c *shell) mount() outcome {
	args := c.args("-o", "--options", "-t", "--types", "-L", "-U")
	if len(c.argv) == 1 {
		return outcome{out: c.mountTable()}
	}
	if id, ok := c.option("-U"); ok {
		args = append([]string{"UUID=" + id}, args...)
	}
	if len(args) != 2 {
		return c.fail(32, "%s: can't find in /etc/fstab.", strings.Join(args, " "))
	}
	v, at := c.device(args[0]), path.Clean(args[1])
	switch {
	case v == nil:
		return c.fail(32, "%s: special device %s does not exist.", at, args[0])
	case c.m.mounts[at] == v.ID:
		return c.fail(32, "%s: %s already mounted on %s.", at, args[0], at)
	case c.kind(at) != "dir":
		return c.fail(32, "%s: mount point does not exist.", at)
	case v.empty():
		return c.fail(32, "%s: wrong fs type, bad option, bad superblock on %s, missing codepage or helper program, or other error.", at, args[0])
	}
	return outcome{takes: c.takes(c.s.spec.Delays.Mount, "mount"), effect: &Entry{Effect: "mount", Path: at, Text: v.ID}}
}

// mkfs is mkfs.ext4 and mkfs.xfs: it makes a file system of the UUID that it is told.
func (c *shell) mkfs() outcome {
	args := c.args("-U", "-m", "-L")
	if len(args) == 0 || c.device(args[0]) == nil {
		return c.fail(1, "The file %s does not exist and no size was specified.", strings.Join(args, " "))
	}
	id, _ := c.option("-U")
	if m, ok := c.option("-m"); ok {
		id = strings.TrimPrefix(m, "uuid=")
	}
	label, _ := c.option("-L")
	v := c.device(args[0])
	return outcome{takes: c.takes(c.s.spec.Delays.Mount, "mkfs"), effect: &Entry{
		Effect: "mkfs", Path: v.ID, Text: strings.TrimPrefix(program(c.argv), "mkfs.") + " " + id + " " + label,
	}}
}

func (s *state) formatted(e Entry) {
	s.draw("command " + e.ID + " mkfs")
	v := s.volumes[e.Path]
	words := strings.SplitN(e.Text, " ", 3)
	v.format = format{fs: words[0], id: words[1], label: words[2]}
	v.data, v.files = Data{}, map[string]string{}
}

func (s *state) mount(e Entry) {
	m := s.machines[e.ID]
	s.draw("command " + m.id + " mount")
	m.mounts[e.Path] = e.Text
}

func (c *shell) umount() outcome {
	args := c.args()
	if len(args) == 0 {
		return c.fail(1, "bad usage")
	}
	at := path.Clean(args[0])
	if v := c.device(args[0]); v != nil {
		for where, id := range c.m.mounts {
			if id == v.ID {
				at = where
			}
		}
	}
	if _, ok := c.m.mounts[at]; !ok {
		return c.fail(32, "%s: not mounted.", args[0])
	}
	if s := c.s.serving(c.m, c.now); s == "up" || s == "starting" {
		return c.fail(32, "%s: target is busy.", at)
	}
	return outcome{takes: c.takes(c.s.spec.Delays.Command, "umount"), effect: &Entry{Effect: "umount", Path: at}}
}

func (s *state) umount(e Entry) {
	m := s.machines[e.ID]
	v := s.volumes[m.mounts[e.Path]]
	delete(m.mounts, e.Path)
	if v != nil && v.free.Equal(busy) {
		v.free = e.At.Add(time.Duration(s.spec.Delays.Detach.Min))
	}
}
