package sim

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
)

// shell is one command on one machine.
type shell struct {
	s    *state
	m    *machine
	now  time.Time
	cmd  providers.Command
	argv []string // without sudo and its like
}

// programs is what a machine understands. Those in readers change nothing, and leave no trace in the log.
var programs, readers map[string]func(*shell) outcome

func init() {
	readers = map[string]func(*shell) outcome{
		"true":  func(*shell) outcome { return outcome{} },
		"false": func(*shell) outcome { return outcome{status: 1} },
		"echo":  func(c *shell) outcome { return outcome{out: strings.Join(c.argv[1:], " ") + "\n"} },
		"cat":   (*shell).cat, "printf": (*shell).printf, "printenv": (*shell).printenv,
		"test": (*shell).test, "[": (*shell).test, "readlink": (*shell).readlink, "realpath": (*shell).readlink,
		"findmnt": (*shell).findmnt, "mountpoint": (*shell).mountpoint, "blkid": (*shell).blkid, "fuser": (*shell).fuser, "ps": (*shell).ps,
		"e2fsck": (*shell).fsck, "xfs_repair": (*shell).fsck, "ls": (*shell).ls,
		"hostname": func(c *shell) outcome { return outcome{out: c.m.id + "\n"} },
		"id":       func(*shell) outcome { return outcome{out: "uid=0(root) gid=0(root) groups=0(root)\n"} },
		"uname":    func(*shell) outcome { return outcome{out: "Linux\n"} },
		"date":     (*shell).date,
		"sleep":    (*shell).sleep,
		"find":     (*shell).find,
		"pgrep":    func(*shell) outcome { return outcome{status: 1} }, // what a lost connection ran, ended with it
		"hex":      (*shell).hex,
		"sync":     func(*shell) outcome { return outcome{} },
	}
	programs = map[string]func(*shell) outcome{
		"mount": (*shell).mount, "umount": (*shell).umount, "rsync": (*shell).rsync, "duplicity": (*shell).duplicity,
		"mkfs.ext4": (*shell).mkfs, "mkfs.xfs": (*shell).mkfs,
		"mkdir": (*shell).mkdir, "touch": (*shell).write, "tee": (*shell).write, "rm": (*shell).rm,
		"sh": (*shell).sh, "mv": (*shell).mv,
	}
}

// unwrap takes away what only says as whom, how gently or how long a command runs.
func unwrap(argv []string) []string {
	for len(argv) > 1 {
		rest := argv[1:]
		switch path.Base(argv[0]) {
		case "sudo", "nice", "ionice", "nohup", "setsid", "stdbuf", "command", "exec":
			rest = options(rest, "-u", "-g", "-n", "-c")
			if path.Base(argv[0]) == "sudo" {
				rest = options(argv[1:], "-u", "-g")
			}
		case "timeout":
			if rest = options(rest, "-k", "-s"); len(rest) > 0 {
				rest = rest[1:]
			}
		case "env":
			rest = options(rest, "-u", "-C")
			for len(rest) > 0 && strings.Contains(rest[0], "=") {
				rest = rest[1:]
			}
		default:
			return argv
		}
		if len(rest) == 0 {
			return argv
		}
		argv = rest
	}
	return argv
}

// options drops leading options; those named take a value.
func options(argv []string, valued ...string) []string {
	for len(argv) > 0 && strings.HasPrefix(argv[0], "-") {
		if argv[0] == "--" {
			return argv[1:]
		}
		if slices.Contains(valued, argv[0]) && len(argv) > 1 {
			argv = argv[1:]
		}
		argv = argv[1:]
	}
	return argv
}

func program(argv []string) string { return path.Base(argv[0]) }

// reads says whether the command can only look; of one that is not known, the caller's word counts.
func reads(argv []string, said bool) bool {
	p := program(argv)
	if _, verb, ok := initScript(argv); ok {
		return verb == "status"
	}
	switch p {
	case "systemctl":
		v := verb(argv)
		return v != "start" && v != "stop" && v != "restart"
	case "mount":
		return len(argv) == 1
	case "sh":
		return said
	case "duplicity":
		action, _ := (&shell{argv: argv}).duplicityWords()
		return action == "collection-status" || action == "verify"
	case "rsync":
		return parseRsync(argv).dry
	}
	return readers[p] != nil || said && programs[p] == nil
}

// run finds out what the command does.
func (c *shell) run() outcome {
	if o, ok := c.replica(); ok {
		return o
	}
	p := program(c.argv)
	if p == "systemctl" {
		return c.systemctl()
	}
	if unit, verb, ok := initScript(c.argv); ok {
		return c.initScript(unit, verb)
	}
	if f := readers[p]; f != nil {
		return f(c)
	}
	if f := programs[p]; f != nil {
		return f(c)
	}
	return outcome{takes: c.takes(c.s.spec.Delays.Command, p)}
}

// takes draws a duration without using the draw up: the effect does that when it is applied.
func (c *shell) takes(in Span, key string) time.Duration {
	key = "command " + c.m.id + " " + key
	return in.at(roll(c.s.spec.Seed, key, c.s.draws[key]))
}

// args returns the words that are no options; those named take a value.
func (c *shell) args(valued ...string) []string {
	var out []string
	for i := 1; i < len(c.argv); i++ {
		a := c.argv[i]
		switch {
		case slices.Contains(valued, a):
			i++
		case a != "-" && strings.HasPrefix(a, "-"):
		default:
			out = append(out, a)
		}
	}
	return out
}

// option returns the value of an option, written as two words or with an equals sign, and whether it is there.
func (c *shell) option(names ...string) (string, bool) {
	for i, a := range c.argv {
		for _, n := range names {
			if a == n && i+1 < len(c.argv) {
				return c.argv[i+1], true
			}
			if v, ok := strings.CutPrefix(a, n+"="); ok {
				return v, true
			}
		}
	}
	return "", false
}

func (c *shell) fail(status int, format string, args ...any) outcome {
	return outcome{status: status, err: program(c.argv) + ": " + fmt.Sprintf(format, args...) + "\n"}
}

// replica answers the host's own commands, which are whatever the estate says they are.
func (c *shell) replica() (outcome, bool) {
	h := c.m.host
	if h == nil {
		return outcome{}, false
	}
	switch {
	case len(h.Pause) > 0 && slices.Equal(c.cmd.Argv, h.Pause):
		return outcome{takes: c.takes(c.s.spec.Delays.Pause, "pause"), effect: &Entry{Effect: "pause"}}, true
	case len(h.Resume) > 0 && slices.Equal(c.cmd.Argv, h.Resume):
		return outcome{takes: c.takes(c.s.spec.Delays.Pause, "resume"), effect: &Entry{Effect: "resume"}}, true
	case len(h.Paused) > 0 && slices.Equal(c.cmd.Argv, h.Paused):
		if c.m.paused.IsZero() {
			return outcome{status: 1, out: "running\n"}, true
		}
		return outcome{out: "paused\n"}, true
	case len(h.Promote) > 0 && slices.Equal(c.cmd.Argv, h.Promote):
		return outcome{takes: c.takes(c.s.spec.Delays.Pause, "promote"), effect: &Entry{Effect: "promote"}}, true
	case len(h.Promoted) > 0 && slices.Equal(c.cmd.Argv, h.Promoted):
		if c.m.promoted.IsZero() {
			return outcome{status: 1, out: "replica\n"}, true
		}
		return outcome{out: "promoted\n"}, true
	}
	return outcome{}, false
}

func (s *state) pause(e Entry) { s.machines[e.ID].paused = e.At }
func (s *state) resume(e Entry) {
	s.machines[e.ID].paused, s.machines[e.ID].promoted = time.Time{}, time.Time{}
}
func (s *state) promote(e Entry) { s.machines[e.ID].promoted = e.At }

// hex is a program of the simulated machines alone: it writes each word in hexadecimal, a line each, so that a test can
// see that words arrive byte for byte.
func (c *shell) hex() outcome {
	var b strings.Builder
	for _, w := range c.argv[1:] {
		fmt.Fprintf(&b, "%x\n", w)
	}
	return outcome{out: b.String()}
}

func (c *shell) sleep() outcome {
	if len(c.argv) < 2 {
		return c.fail(1, "missing operand")
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(c.argv[1], "s"), 64)
	if err != nil {
		return c.fail(1, "invalid time interval %q", c.argv[1])
	}
	return outcome{takes: time.Duration(n * float64(time.Second))}
}

func (c *shell) printenv() outcome {
	if len(c.argv) > 1 {
		v, ok := c.cmd.Env[c.argv[1]]
		if !ok {
			return outcome{status: 1}
		}
		return outcome{out: v + "\n"}
	}
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(c.cmd.Env)) {
		fmt.Fprintf(&b, "%s=%s\n", k, c.cmd.Env[k])
	}
	return outcome{out: b.String()}
}

// printf knows %s and %% and the usual escapes, and repeats its format while words are left.
func (c *shell) printf() outcome {
	if len(c.argv) < 2 {
		return c.fail(2, "usage: printf format [arguments]")
	}
	format := strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\0`, "\x00", `\\`, `\`).Replace(c.argv[1])
	words := c.argv[2:]
	var b strings.Builder
	for {
		before := len(words)
		parts := strings.Split(format, "%%")
		for i, p := range parts {
			for j, lit := range strings.Split(p, "%s") {
				if j > 0 && len(words) > 0 {
					b.WriteString(words[0])
					words = words[1:]
				}
				b.WriteString(lit)
			}
			if i < len(parts)-1 {
				b.WriteByte('%')
			}
		}
		if len(words) == 0 || len(words) == before {
			return outcome{out: b.String()}
		}
	}
}
