package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/runbook"
)

// lookTimeout bounds everything that is asked before a run starts.
const lookTimeout = 20 * time.Second

// asking bounds what is asked of AWS before a run starts, and says so when the answer takes longer than a moment.
func (a *app) asking() (context.Context, context.CancelFunc) {
	ctx, cancel := background(lookTimeout)
	slow := time.AfterFunc(time.Second, func() {
		fmt.Fprintf(a.errs, "waiting for an answer of AWS, at most %s\n", lookTimeout)
	})
	return ctx, func() { slow.Stop(); cancel() }
}

// resolve finds the resources that the estate chooses by tags. A rehearsal invents them: its cloud is simulated.
func (a *app) resolve(f *files, mode runbook.Mode) (map[string]string, error) {
	refs := f.parsedEstate.Unresolved()
	if len(refs) == 0 {
		return nil, nil
	}
	out := map[string]string{}
	if mode == runbook.Rehearse {
		for i, ref := range refs {
			out[ref.Path] = inventID(ref.Kind, i)
		}
		return out, nil
	}
	ctx, cancel := a.asking()
	defer cancel()
	cloud, err := aws.New(ctx, aws.Options{Account: f.parsedEstate.Account})
	if err != nil {
		return nil, notReady(err)
	}
	for _, ref := range refs {
		id, err := findByTags(ctx, cloud.Set(), ref)
		if err != nil {
			return nil, notReady(fmt.Errorf("estate.%s: %w", ref.Path, err))
		}
		out[ref.Path] = id
	}
	return out, nil
}

func inventID(kind string, n int) string {
	switch kind {
	case "instance":
		return fmt.Sprintf("i-%017x", n+1)
	case "volume":
		return fmt.Sprintf("vol-%017x", n+1)
	case "image":
		return fmt.Sprintf("ami-%017x", n+1)
	default:
		return fmt.Sprintf("203.0.113.%d", 100+n)
	}
}

// found is one resource that bears the tags.
type found struct {
	id   string
	when time.Time
}

func findByTags(ctx context.Context, set providers.Set, ref runbook.UnresolvedRef) (string, error) {
	all, err := listByTags(ctx, set, ref)
	if err != nil {
		return "", err
	}
	sort.Slice(all, func(i, j int) bool { return all[i].when.After(all[j].when) })
	var words []string
	for _, k := range sortedKeys(ref.Ref.Tags) {
		words = append(words, k+"="+ref.Ref.Tags[k])
	}
	tags := strings.Join(words, ", ")
	switch {
	case len(all) == 0:
		return "", usage("check the tags and the region", "no %s in %s bears %s", ref.Kind, ref.Region, tags)
	case len(all) == 1 || ref.Ref.Newest:
		return all[0].id, nil
	}
	var ids []string
	for _, f := range all {
		ids = append(ids, f.id)
	}
	return "", usage("write the id, more tags, or newest: true", "%d %ss in %s bear %s: %s", len(all), ref.Kind, ref.Region, tags,
		strings.Join(ids, ", "))
}

func listByTags(ctx context.Context, set providers.Set, ref runbook.UnresolvedRef) ([]found, error) {
	var out []found
	switch ref.Kind {
	case "instance":
		all, err := set.Instances.FindInstances(ctx, ref.Region, ref.Ref.Tags)
		for _, i := range all {
			if i.State != providers.InstanceTerminated && i.State != providers.InstanceShuttingDown {
				out = append(out, found{i.ID, i.Launched})
			}
		}
		return out, err
	case "volume":
		all, err := set.Volumes.FindVolumes(ctx, ref.Region, ref.Ref.Tags)
		for _, v := range all {
			out = append(out, found{id: v.ID})
		}
		return out, err
	case "image":
		all, err := set.Images.FindImages(ctx, ref.Region, ref.Ref.Tags)
		for _, i := range all {
			if i.State == "available" {
				out = append(out, found{i.ID, i.Created})
			}
		}
		return out, err
	default:
		all, err := set.Addresses.FindAddresses(ctx, ref.Region, ref.Ref.Tags)
		for _, x := range all {
			out = append(out, found{id: x.Address})
		}
		return out, err
	}
}

// preflight finds out, before there is a run, what would stop every run on the real world: no ssh, no credentials, another
// account, a region that does not exist.
func (a *app) preflight(f *files, mode runbook.Mode) error {
	if mode == runbook.Rehearse {
		return nil
	}
	if _, err := exec.LookPath("ssh"); err != nil {
		return notReady(&exitError{
			code: exitRefused, err: errors.New("there is no ssh on the PATH"),
			means: "no host could be reached; nothing was started", do: "install the OpenSSH client, or put it on the PATH",
		})
	}
	if borrowsAgent(os.Getenv, f.parsedEstate.SSH) {
		fmt.Fprintln(a.errs, "ssh would use the agent of the machine you came from; when this connection is lost, so is the agent,")
		fmt.Fprintln(a.errs, "and no step that needs a host can go on. A key on this machine (ssh.identity in the estate) outlives it.")
		if err := a.typed(agentQuestion, agentWord, "depend on it all the same"); err != nil {
			return err
		}
	}
	ctx, cancel := a.asking()
	defer cancel()
	cloud, err := aws.New(ctx, aws.Options{Account: f.parsedEstate.Account})
	if err != nil {
		return notReady(err)
	}
	account, err := cloud.Account(ctx, f.parsedEstate.Standby.Region)
	if err != nil {
		return notReady(err)
	}
	if want := f.parsedEstate.Account; want != "" && account.ID != want {
		return notReady(&exitError{
			code: exitRefused, err: fmt.Errorf("these credentials are of account %s (%s), and the estate is in account %s", account.ID, account.ARN, want),
			means: "the run would act on somebody else's machines; nothing was started",
			do:    "choose the profile of " + want + " with AWS_PROFILE, or correct `account` in the estate",
		})
	}
	return nil
}

// notReady is an error that was found before there was a run: a refusal, unless the files or the command line are wrong.
func notReady(err error) error {
	t := classify(err)
	if t.code == exitFailed {
		t.code = exitRefused
	}
	if t.means == "" || providers.Is(err, providers.Lost) { // it was only asked
		t.means = "nothing was started"
	}
	if t.do == "" {
		t.do = "look at this machine's network, HTTPS_PROXY and AWS_ENDPOINT_URL, then try again"
	}
	return &exitError{code: t.code, err: err, means: t.means, do: t.do}
}

// agentWord is what is typed to let a run depend on a forwarded ssh agent: `--confirm agent=AGENT`.
const (
	agentQuestion = "agent"
	agentWord     = "AGENT"
)

// borrowsAgent reports whether ssh would rely on an agent that lives only as long as the login from another machine. sshd
// sets SSH_CONNECTION for a login, and SSH_AUTH_SOCK to a socket of its own when the agent is forwarded (sshd(8)).
func borrowsAgent(env func(string) string, settings runbook.SSH) bool {
	return settings.Identity == "" && env("SSH_CONNECTION") != "" && env("SSH_AUTH_SOCK") != ""
}
