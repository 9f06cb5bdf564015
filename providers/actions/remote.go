package actions

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// remote runs an action's commands on one host.
type remote struct {
	w    world
	host providers.Host
	sudo bool
	log  io.Writer
}

// silence is how long a command that should answer at once may say nothing.
const silence = 30 * time.Second

// look runs a command that changes nothing.
func (r remote) look(ctx context.Context, argv ...string) (providers.Result, error) {
	return r.w.Shell.Run(ctx, r.host, providers.Command{Argv: argv, ReadOnly: true, Hang: silence, Log: r.log})
}

// change runs a command that changes the host; with sudo, as root.
func (r remote) change(ctx context.Context, argv ...string) (providers.Result, error) {
	return r.w.Shell.Run(ctx, r.host, providers.Command{Argv: r.asRoot(argv), Log: r.log})
}

func (r remote) asRoot(argv []string) []string {
	if !r.sudo || r.host.Local { // on this machine lifeboat is who it is
		return argv
	}
	return append([]string{"sudo", "-n", "--"}, argv...)
}

// must is change for commands whose only good status is 0.
func (r remote) must(ctx context.Context, argv ...string) (providers.Result, error) {
	res, err := r.change(ctx, argv...)
	if err != nil {
		return res, err
	}
	return res, r.ended(argv, res)
}

// ended turns a bad status into a definitive failure: the command ran, and said no.
func (r remote) ended(argv []string, res providers.Result) error {
	if res.Status == 0 {
		return nil
	}
	said := lastLines(res.Stderr, 3)
	if said == "" {
		said = lastLines(res.Stdout, 3)
	}
	what := fmt.Sprintf("%s on %s ended with status %d", line(argv), r.host, res.Status)
	if said != "" {
		what += ": " + said
	}
	f := runbook.Fail(what, "", "")
	switch {
	case res.Status == 127:
		f.Means, f.Do = "the program is not on the host", "install "+argv[0]+" there, or correct the step"
	case res.Status == 1 && r.sudo && len(res.Stderr) > 5 && res.Stderr[:5] == "sudo:":
		f.Means, f.Do = "the ssh user may not become root without a password", "allow it in sudoers on the host, or log in as root (estate.ssh.user)"
	}
	return f
}

// byHand is the ssh command line with which a person runs argv on the host.
func (r remote) byHand(argv ...string) string {
	if r.host.Local {
		return line(argv)
	}
	port, alias := "", ""
	if r.host.Port != 0 {
		port = strconv.Itoa(r.host.Port)
	}
	if r.host.ID != "" {
		alias = "HostKeyAlias=" + r.host.ID
	}
	return line(words("ssh"), flag("-p", port), flag("-l", r.host.User), flag("-o", alias), words(orQuestion(r.host.Address), line(r.asRoot(argv))))
}
