package sim

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// disk is the map of files that holds a path of the machine, and the path in it: those of a volume move with it.
func (s *state) disk(m *machine, at string) (map[string]string, string) {
	at = path.Clean(at)
	v, mount := m.on(at)
	if v == "" {
		return m.files, at
	}
	return s.volumes[v].files, "/" + strings.TrimPrefix(strings.TrimPrefix(at, mount), "/")
}

// kind says what is at a path: "file", "dir", "dev" or "".
func (c *shell) kind(at string) string {
	at = path.Clean(at)
	files, key := c.s.disk(c.m, at)
	if _, ok := files[key]; ok {
		return "file"
	}
	if c.device(at) != nil {
		return "dev"
	}
	if _, mounted := c.m.mounts[at]; mounted {
		return "dir"
	}
	if _, ok := c.m.local[at]; ok {
		return "dir"
	}
	for name := range files {
		if strings.HasPrefix(name, strings.TrimSuffix(key, "/")+"/") {
			return "dir"
		}
	}
	if slices.Contains([]string{"/", "/dev", "/etc", "/home", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp", "/usr", "/var"}, at) {
		return "dir"
	}
	return ""
}

func (c *shell) cat() outcome {
	names := c.args()
	if len(names) == 0 {
		return outcome{out: c.cmd.Stdin}
	}
	var o outcome
	for _, n := range names {
		files, key := c.s.disk(c.m, n)
		text, ok := files[key]
		switch {
		case n == "-":
			o.out += c.cmd.Stdin
		case n == "/proc/mounts" || n == "/proc/self/mounts" || n == "/etc/mtab":
			o.out += c.mountTable()
		case c.m.host != nil && n == c.m.host.Heartbeat:
			o.out += c.s.heartbeat(c.m, c.now)
		case n == "/proc/sys/kernel/random/boot_id" && c.m.instance != nil:
			_, boot := c.m.booted(c.now)
			o.out += uuid(fmt.Sprintf("%s boot %d", c.m.id, boot)) + "\n"
		case n == "/proc/uptime" && c.m.instance != nil:
			at, _ := c.m.booted(c.now)
			o.out += fmt.Sprintf("%.2f %.2f\n", c.now.Sub(at).Seconds(), c.now.Sub(at).Seconds())
		case !ok:
			o.status = 1
			o.err += "cat: " + n + ": No such file or directory\n"
		default:
			o.out += text
		}
	}
	return o
}

func (c *shell) ls() outcome {
	if slices.Contains(c.argv, "-A") && len(c.args()) == 1 && c.kind(c.args()[0]) == "dir" {
		return outcome{out: c.names(c.args()[0])}
	}
	for _, n := range c.args() {
		if c.kind(n) == "" {
			return outcome{status: 2, err: "ls: cannot access '" + n + "': No such file or directory\n"}
		}
	}
	return outcome{out: strings.Join(c.args(), "\n") + "\n"}
}

// names lists what lies directly in a folder.
func (c *shell) names(dir string) string {
	files, key := c.s.disk(c.m, dir)
	found := map[string]bool{}
	if d := c.s.peek(c.m, path.Clean(dir)); d != nil && d.Version != "" {
		found["shop"] = true
	}
	for f := range files {
		if rest, ok := strings.CutPrefix(f, strings.TrimSuffix(key, "/")+"/"); ok {
			name, _, _ := strings.Cut(rest, "/")
			found[name] = name != "."
		}
	}
	var out string
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if found[name] {
			out += name + "\n"
		}
	}
	return out
}

// test knows the questions about files and strings with one or two operands, and `!`.
func (c *shell) test() outcome {
	a := c.argv[1:]
	if program(c.argv) == "[" && len(a) > 0 && a[len(a)-1] == "]" {
		a = a[:len(a)-1]
	}
	yes := true
	if len(a) > 0 && a[0] == "!" {
		yes, a = false, a[1:]
	}
	if c.holds(a) == yes {
		return outcome{}
	}
	return outcome{status: 1}
}

func (c *shell) holds(a []string) bool {
	switch {
	case len(a) == 0:
		return false
	case len(a) == 1:
		return a[0] != ""
	case len(a) == 3 && (a[1] == "=" || a[1] == "=="):
		return a[0] == a[2]
	case len(a) == 3 && a[1] == "!=":
		return a[0] != a[2]
	case len(a) != 2:
		return false
	}
	kind := c.kind(a[1])
	switch a[0] {
	case "-e", "-r", "-w", "-x":
		return kind != ""
	case "-f":
		return kind == "file"
	case "-d":
		return kind == "dir"
	case "-b":
		return kind == "dev"
	case "-L", "-h":
		return kind == "dev" && strings.HasPrefix(a[1], "/dev/disk/")
	case "-s":
		files, key := c.s.disk(c.m, a[1])
		return files[key] != ""
	case "-z":
		return a[1] == ""
	case "-n":
		return a[1] != ""
	}
	return false
}

// find lists what lies directly in a folder: of a copy of the data, that there is something.
func (c *shell) find() outcome {
	if len(c.argv) < 2 {
		return outcome{}
	}
	at := path.Clean(c.argv[1])
	data := c.s.peek(c.m, at)
	switch {
	case slices.Contains(c.argv, "-cnewer"): // nobody writes into a restored folder here
	case data != nil && data.Version != "":
		return outcome{out: at + "/shop\n"}
	case c.kind(at) == "":
		return outcome{status: 1, err: "find: '" + at + "': No such file or directory\n"}
	}
	return outcome{}
}

func (c *shell) mkdir() outcome {
	_, parents := c.option("-p")
	var o outcome
	e := &Entry{Effect: "mkdir"}
	for _, n := range c.args("-m", "--mode") {
		parents = parents || slices.Contains(c.argv, "-p") || slices.Contains(c.argv, "--parents")
		if c.kind(n) != "" && !parents {
			return outcome{status: 1, err: "mkdir: cannot create directory '" + n + "': File exists\n"}
		}
		e.Path = path.Clean(n) + "/."
		o.effect = e
	}
	return o
}

func (c *shell) write() outcome {
	names := c.args("-m", "-d", "-t", "-r")
	if len(names) == 0 {
		return outcome{out: c.cmd.Stdin}
	}
	o := outcome{effect: &Entry{Effect: "write", Path: names[0], Text: c.cmd.Stdin}}
	files, key := c.s.disk(c.m, names[0])
	switch {
	case program(c.argv) == "tee":
		o.out = c.cmd.Stdin
		if slices.Contains(c.argv, "-a") {
			o.effect.Text = files[key] + c.cmd.Stdin
		}
	default:
		o.effect.Text = files[key]
	}
	return o
}

func (s *state) write(e Entry) {
	files, key := s.disk(s.machines[e.ID], strings.TrimSuffix(e.Path, "/."))
	if strings.HasSuffix(e.Path, "/.") {
		key = strings.TrimSuffix(key, "/") + "/."
	}
	files[key] = e.Text
}

func (c *shell) rm() outcome {
	names := c.args()
	if len(names) == 0 {
		return outcome{}
	}
	if c.kind(names[0]) == "" {
		if slices.ContainsFunc(c.argv, func(a string) bool { return strings.HasPrefix(a, "-") && strings.Contains(a, "f") }) {
			return outcome{}
		}
		return outcome{status: 1, err: "rm: cannot remove '" + names[0] + "': No such file or directory\n"}
	}
	return outcome{effect: &Entry{Effect: "rm", Path: names[0]}}
}

func (s *state) remove(e Entry) {
	files, key := s.disk(s.machines[e.ID], e.Path)
	delete(files, key)
	for n := range files {
		if strings.HasPrefix(n, key+"/") {
			delete(files, n)
		}
	}
	if m := s.machines[e.ID]; m.mounts[path.Clean(e.Path)] == "" {
		maps.DeleteFunc(m.local, func(at string, _ *Data) bool {
			return at == path.Clean(e.Path) || strings.HasPrefix(at, path.Clean(e.Path)+"/")
		})
	}
}
