package actions

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func duplicityStatus(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "duplicity.status",
		Summary: "the archive has a recent backup, and a chain that can be restored",
		New:     func() runbook.Probe { return &chainStatus{w: w} },
		Outputs: []runbook.Output{
			{Name: "last", Doc: "when the newest backup was made, or the one that is to be restored", Type: "string"},
			{Name: "age", Doc: "how old it is, in seconds", Type: "number"},
			{Name: "full", Doc: "when the chain began, with a full backup", Type: "string"},
			{Name: "sets", Doc: "how many backups the chain has: a restore of the newest reads them all", Type: "number"},
			{Name: "warning", Doc: "what is not well although it could be restored", Type: "string"},
		},
		Budget: 10 * time.Second, Timeout: 5 * time.Minute,
	}
}

// chainStatus asks what the archive lists. That a backup is listed does not prove that it can be read: duplicity.prove does.
type chainStatus struct {
	Archive  archive          `with:"archive,required" doc:"the chain, such as estate.standby.archive"`
	At       backupDay        `with:"at" default:"'newest'" doc:"the day or moment that is to be restored, as in duplicity.restore; the age of the newest backup does not matter then"`
	MaxAge   runbook.Duration `with:"max_age" default:"'26h'" doc:"how old the newest backup may be; 26h when left out"`
	MaxChain int              `with:"max_chain" default:"60" doc:"a longer chain is warned of: it restores slowly, and one bad set breaks all after it; 60 when left out"`
	Sudo     bool             `with:"sudo" default:"estate.ssh.user != '' && estate.ssh.user != 'root'" doc:"become root with sudo; when left out, if the ssh user is not root"`

	w world
}

func (a *chainStatus) on() providers.Host { return a.Archive.host(providers.Host{}) }

func (a *chainStatus) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if a.Archive.URL == "" {
		return runbook.Observation{}, a.Archive.valid()
	}
	c, err := a.w.Archives.Status(ctx, a.Archive.open(a.on(), a.Sudo))
	if isAny(err, providers.NotFound, providers.Damaged) {
		return seen(runbook.Broken, "%s", reason(err)), nil
	}
	if err != nil {
		return runbook.Observation{}, err
	}
	at, err := momentOf(string(a.At), a.w.clock.Now())
	if err != nil {
		return runbook.Observation{}, err
	}
	chain, err := c.Reading(at)
	if err != nil {
		return seen(runbook.Broken, "%s", reason(err)), nil
	}
	if !at.IsZero() {
		o := seen(runbook.Holds, "%s reaches it; %s", about(chain), a.Archive.estimate(chain.Volumes(), 0))
		o.Outputs = a.outputs(chain, "")
		return o, nil
	}
	newest, _ := c.Newest()
	old := a.w.clock.Now().Sub(newest.At)
	o := seen(runbook.Holds, "the newest backup is %s old (%s), in a chain of %s since %s", age(old), stamp(newest.At), plural(len(chain.Sets), "set", "sets"), stamp(chain.Sets[0].At))
	if limit := time.Duration(a.MaxAge); limit > 0 && old > limit {
		o.State = runbook.Absent
		o.Evidence += "; it may be " + age(limit) + " old"
	}
	o.Evidence += a.proof(ctx, call)
	warning := a.warning(c, chain)
	if warning != "" {
		o.Evidence += "; " + warning
	}
	o.Outputs = a.outputs(chain, warning)
	return o, nil
}

func (a *chainStatus) outputs(c providers.Chain, warning string) map[string]any {
	first, last := c.Sets[0].At.UTC(), c.Sets[len(c.Sets)-1].At.UTC()
	return map[string]any{
		"last": last.Format(time.RFC3339), "age": int(a.w.clock.Now().Sub(last).Seconds()), "full": first.Format(time.RFC3339),
		"sets": len(c.Sets), "warning": warning,
	}
}

// proof says when a restore was last proved, as far as the host remembers one.
func (a *chainStatus) proof(ctx context.Context, call runbook.Call) string {
	p, err := a.Archive.lastProof(ctx, remote{w: a.w, host: a.on(), log: call.Log})
	switch {
	case err != nil:
		return ""
	case p == nil:
		return "; no restore of it was ever proved"
	}
	return fmt.Sprintf("; a restore was proved %s ago", age(a.w.clock.Now().Sub(p.Proved)))
}

// warning names what will hurt one day.
func (a *chainStatus) warning(c providers.Collection, chain providers.Chain) string {
	var words []string
	if a.MaxChain > 0 && len(chain.Sets) > a.MaxChain {
		words = append(words, fmt.Sprintf("a long chain: a restore reads all %d sets, and one that is damaged breaks those after it; make a full backup", len(chain.Sets)))
	}
	if c.Incomplete > 0 {
		words = append(words, plural(c.Incomplete, "set was", "sets were")+" not written to the end; `duplicity cleanup` removes such")
	}
	return strings.Join(words, "; ")
}

// Check is the probe itself.
func (a *chainStatus) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	const what = "the archive has a recent backup and a whole chain"
	if c, open := notYet(what, a.Archive.URL, a.Archive.Host); open {
		return []runbook.Check{c}
	}
	o, err := a.Observe(ctx, call)
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, err)}
	case o.State != runbook.Holds:
		return []runbook.Check{notWell(what, "duplicity collection-status", "see why the backups do not run", "%s", o.Evidence)}
	}
	return []runbook.Check{well(what, "duplicity collection-status", "%s", o.Evidence)}
}

// Depends is the host that runs duplicity.
func (a *chainStatus) Depends() []runbook.Dependency { return onHost(archiveHost(a.on())...) }

func (a *chainStatus) Permissions() []string { return nil }

// ByHand needs no secret: what is there is not opened.
func (a *chainStatus) ByHand(runbook.Call) []string {
	plain := a.Archive
	plain.Passphrase = runbook.Secret{}
	return []string{plain.byHand(a.w, a.on(), a.Sudo, "collection-status", orQuestion(a.Archive.URL))}
}

// archiveHost leaves this machine out: the console does not depend on itself.
func archiveHost(h providers.Host) []providers.Host {
	if h.Local {
		return nil
	}
	return []providers.Host{h}
}
