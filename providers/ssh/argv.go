package ssh

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
)

const op = "ssh"

// plain is what has no meaning of its own in the value of an option.
const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/.-+_=@,"

var (
	hostName = regexp.MustCompile(`^[A-Za-z0-9_:\[][A-Za-z0-9._:\[\]-]*$`)
	userName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._@+\\-]*\$?$`)
	envName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// validate refuses what cannot arrive as it is. It says which word, not what is in it: values may be secrets.
func validate(host providers.Host, cmd providers.Command) error {
	bad := func(format string, args ...any) error {
		return providers.Errorf(providers.Invalid, op, host.Address, format, args...)
	}
	switch {
	case !hostName.MatchString(host.Address):
		return bad("%q is not an address or a host name", host.Address)
	case host.ID != "" && !hostName.MatchString(host.ID):
		return bad("%q cannot name a host key: letters, digits, dots, dashes and colons only", host.ID)
	case host.User != "" && !userName.MatchString(host.User):
		return bad("%q is not a user name", host.User)
	case host.Port < 0 || host.Port > 65535:
		return bad("%d is not a port", host.Port)
	case len(cmd.Argv) == 0 || cmd.Argv[0] == "":
		return bad("there is no program to run")
	case strings.HasPrefix(cmd.Argv[0], "-"):
		return bad("the program %q begins with a dash", cmd.Argv[0])
	}
	for i, arg := range cmd.Argv {
		if strings.IndexByte(arg, 0) >= 0 {
			return bad("word %d of the command holds a NUL byte, which no argument can carry", i)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cmd.Env)) {
		if !envName.MatchString(name) {
			return bad("%q is not the name of an environment variable", name)
		}
		if strings.IndexByte(cmd.Env[name], 0) >= 0 {
			return bad("the environment variable %q holds a NUL byte, which none can carry", name)
		}
	}
	return nil
}

// quote makes s one word for a POSIX sh.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// prologue is what the login shell of the far side gets to parse. It holds nothing that sh, csh and fish read
// differently. It says the marker on both streams, reads a length and that many bytes of script, and runs them. dd with
// blocks of one byte is the one way that reads no byte too many everywhere: the rest of the input is the command's.
func prologue(marker string) string {
	return `exec sh -c 'printf "%s:ready;" "$1" >&2; printf "%s:ready;" "$1"; IFS= read -r lifeboat_n || exit 126; ` +
		`eval "$(dd bs=1 count="$lifeboat_n" 2>/dev/null)"' lifeboat ` + marker
}

// script is what the prologue runs. The command is started by the last line alone: a script that is cut short on its
// way runs nothing. exec in a subshell finds programs, never builtins, so that no word of an argv can end the script.
func script(cmd providers.Command) string {
	var b strings.Builder
	b.WriteString("(\n")
	for _, name := range slices.Sorted(maps.Keys(cmd.Env)) {
		b.WriteString("export " + name + "=" + quote(cmd.Env[name]) + "\n")
	}
	b.WriteString("set --")
	for _, arg := range cmd.Argv {
		b.WriteString(" " + quote(arg))
	}
	b.WriteString("\nexec \"$@\"\n)\nlifeboat_n=$?; " +
		`printf "%s:%s;" "$1" "$lifeboat_n" >&2; printf "%s:%s;" "$1" "$lifeboat_n"; exit "$lifeboat_n"`)
	text := b.String()
	return strconv.Itoa(len(text)) + "\n" + text
}

// args is the command line of the local ssh. Options on it win over every configuration file.
func (s *Shell) args(program string, to target, forward bool, marker string) []string {
	var args []string
	if s.opts.Estate.Config != "" {
		args = append(args, "-F", home(s.opts.Estate.Config))
	}
	for _, o := range [][2]string{
		{"BatchMode", "yes"},
		{"ConnectTimeout", seconds(connectTimeout)},
		{"ConnectionAttempts", "1"},
		{"ServerAliveInterval", seconds(aliveInterval)},
		{"ServerAliveCountMax", strconv.Itoa(aliveCount)},
		{"StrictHostKeyChecking", "yes"},
		{"UserKnownHostsFile", to.known},
		{"GlobalKnownHostsFile", "none"},
		{"VerifyHostKeyDNS", "no"},
		{"NoHostAuthenticationForLocalhost", "no"},
		{"HostKeyAlias", to.alias},
		{"CheckHostIP", "no"},
		{"HashKnownHosts", "no"},
		{"UpdateHostKeys", "no"},
		{"ControlMaster", "auto"},
		{"ControlPath", to.socket},
		{"ControlPersist", seconds(persist)},
		{"ForwardAgent", yesNo(forward)},
		{"ForwardX11", "no"},
		{"ClearAllForwardings", "yes"},
		{"PermitLocalCommand", "no"},
		{"RemoteCommand", "none"},
		{"EscapeChar", "none"},
		{"LogLevel", "ERROR"},
	} {
		args = append(args, "-o", o[0]+"="+o[1])
	}
	if s.knowsOption(program) {
		args = append(args, "-o", "KnownHostsCommand=none")
	}
	if id := s.opts.Estate.Identity; id != "" {
		args = append(args, "-o", "IdentitiesOnly=yes", "-i", strings.ReplaceAll(home(id), "%", "%%"))
	}
	if to.host.User != "" {
		args = append(args, "-l", to.host.User)
	}
	if to.host.Port != 0 {
		args = append(args, "-p", strconv.Itoa(to.host.Port))
	}
	return append(args, "-T", "--", to.host.Address, prologue(marker))
}

func seconds(d time.Duration) string { return fmt.Sprint(int(d.Seconds())) }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

var versionWords = regexp.MustCompile(`OpenSSH_(\d+)\.(\d+)`)

// knowsOption says whether the client has KnownHostsCommand, of OpenSSH 8.5: older ones refuse to start with it, and
// newer ones would believe a command of the user's configuration. It is asked once.
func (s *Shell) knowsOption(program string) bool {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), masterTimeout)
		defer cancel()
		out, _ := exec.CommandContext(ctx, program, "-V").CombinedOutput()
		if m := versionWords.FindSubmatch(out); m != nil {
			major, _ := strconv.Atoi(string(m[1]))
			minor, _ := strconv.Atoi(string(m[2]))
			s.modern = major > 8 || major == 8 && minor >= 5
		}
	})
	return s.modern
}
