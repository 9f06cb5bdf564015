package ssh

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// verdict says how the session ended: with the command's status, with an error before it started, or with one after.
func (x *session) verdict(ctx context.Context, c *child, why reason) (providers.Result, error) {
	res := providers.Result{Status: x.status, Stdout: x.stream[stdout].lines.text(), Stderr: x.stream[stderr].lines.text()}
	if x.status >= 0 {
		return res, nil
	}
	res.Status = -1
	e := &providers.Error{Op: op, Where: x.to.host.Address}
	if why == stopped {
		e.Cause = context.Cause(ctx)
	}
	if x.sent {
		e.Kind = providers.Lost
		e.Detail = x.lost(c, why)
		return res, e
	}
	x.unstarted(e, c, why)
	return providers.Result{}, e
}

// lost says how a command was lost that may have started.
func (x *session) lost(c *child, why reason) string {
	switch why {
	case silent:
		return fmt.Sprintf("the command was silent for %s", x.cmd.Hang)
	case stopped:
		return "stopped while the command ran; it may go on over there"
	}
	if exit := c.exit(); exit >= 0 && exit != 255 {
		return fmt.Sprintf("the shell over there ended with status %d and did not say how the command ended", exit)
	}
	if words := lastLine(x.stream[stderr].lines.text()); words != "" {
		return "the connection ended while the command ran: " + words
	}
	return "the connection ended while the command ran"
}

// unstarted sorts the errors after which nothing has run. ssh has one exit status for all of them, so its words decide;
// they are in English whatever the locale. Words that are not known count as "not reached".
func (x *session) unstarted(e *providers.Error, c *child, why reason) {
	said := runbook.CleanLines(string(x.stream[stderr].early))
	words := lastLine(said)
	e.Kind, e.Detail = providers.Unreachable, words
	switch {
	case why == stopped:
		e.Detail = "stopped before the command started"
	case why == slow:
		e.Detail = strings.TrimSuffix("not ready in time: "+words, ": ")
	case hostKeyWords.MatchString(said):
		x.hostKey(e, said)
	case deniedWords.MatchString(said):
		e.Kind = providers.Denied
		e.Do = "check ssh.user and ssh.identity in the estate, and that the public key is in authorized_keys over there"
	case badConfig.MatchString(said):
		e.Kind = providers.Invalid
		e.Do = "correct the ssh configuration file"
	case c.exit() >= 0 && c.exit() != 255:
		// Somebody was let in and no command was run: a shell such as nologin, a forced command, no sh.
		e.Kind = providers.Denied
		e.Code = fmt.Sprintf("status %d", c.exit())
		e.Detail = "the account runs no commands"
		if said := lastLine(runbook.CleanLines(string(x.stream[stdout].early) + "\n" + said)); said != "" {
			e.Detail += ": " + said
		}
		e.Do = "give the user a login shell, and no forced command"
	}
	if e.Detail == "" {
		e.Detail = "the connection ended before the command started"
	}
}

var (
	hostKeyWords = regexp.MustCompile(`(?m)^Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY|host key is known for|no matching host key type found|HOST IDENTIFICATION|CA host key|Certificate invalid`)
	deniedWords  = regexp.MustCompile(`(?m)Permission denied|Too many authentication failures|No supported authentication methods|no mutual signature algorithm`)
	badConfig    = regexp.MustCompile(`(?m)Bad configuration option|terminating, \d+ bad configuration options|Can't open user config file|Bad owner or permissions on|^unknown option|line \d+: `)
	fingerprint  = regexp.MustCompile(`\b(SHA256:[A-Za-z0-9+/=]+|MD5:[0-9a-f:]+)`)
)

// hostKey tells what was offered and who says otherwise.
func (x *session) hostKey(e *providers.Error, said string) {
	e.Kind = providers.HostKey
	offered := "the host key that was offered"
	if m := fingerprint.FindString(said); m != "" {
		offered += " (" + m + ")"
	}
	switch {
	case strings.Contains(said, "REVOKED") || strings.Contains(said, "revoked"):
		e.Detail = fmt.Sprintf("%s is marked as revoked", offered)
		e.Do = "do not go on with this machine: whoever revoked the key knows why"
		return
	default:
		e.Detail = fmt.Sprintf("%s is not the one pinned for %q in %s", offered, x.to.alias, x.to.source)
	}
	e.Do = "find out whether the address leads to another machine than you think; if the machine was rebuilt on purpose, compare its " +
		"new key with the one on its console and replace the pinned one"
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
