package main

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/actions"
	"lifeboat/providers/aws"
	"lifeboat/providers/ssh"
	"lifeboat/runbook"
	"lifeboat/ui/page"
)

// backups are the copies of the data. How old one is, the same kinds tell that a runbook would ask; what the estate does not
// say enough of for them is said to be not measured.
func (w *asked) backups(e *runbook.Estate) []probe {
	var out []probe
	for _, b := range e.Backups {
		p := probe{group: "backup", about: runbook.AboutCopy, subject: b.Kind, name: b.Name, source: "no probe for it yet", ask: func(context.Context) finding {
			return finding{value: "not measured", verdict: page.Unknown, do: unmeasured(b.Kind)}
		}}
		if b.MaxAge > 0 {
			p.limit = strings.TrimSuffix(strings.TrimSuffix(b.MaxAge.String(), "0s"), "0m")
		}
		step, source := measure(e, b.Kind)
		switch {
		case step != "" && w.set.Shell != nil && (b.Kind != "archive" || w.deep):
			p.source, p.ask = source, w.measured(e, step, time.Duration(b.MaxAge))
			if b.Kind == "archive" {
				p.within = archiveLimit
				p.ask = w.opened(e.Standby.Archive, p.ask)
			}
		case b.Kind == "replica" && e.Standby.Replica != nil:
			p.source, p.ask = "ssh", w.replica(*e.Standby.Replica, e.SSH)
		}
		out = append(out, p)
	}
	return out
}

// archiveLimit is how long an archive may take to list its backups.
const archiveLimit = 15 * time.Second

// shell reaches the hosts that keep the copies; nil where none of them is measured over ssh. It is kept as long as the console:
// a connection that is there already costs nothing.
func (c *console) shell(e *runbook.Estate, cloud *aws.Cloud) (providers.Shell, error) {
	if step, _ := measure(e, "replica"); step == "" {
		if step, _ = measure(e, "nightly"); step == "" && (!c.deep || e.Standby.Archive == nil) {
			return nil, nil
		}
	}
	c.memo.mu.Lock()
	defer c.memo.mu.Unlock()
	if c.memo.shell != nil {
		return c.memo.shell, nil
	}
	dir, err := os.MkdirTemp("", "lifeboat-look-")
	if err != nil {
		return nil, err
	}
	c.memo.folder = dir
	c.memo.shell = ssh.New(ssh.Options{Estate: e.SSH, Dir: dir, Keys: func(ctx context.Context, h providers.Host) ([]string, error) {
		if cloud == nil {
			return nil, nil
		}
		return cloud.HostKeys(ctx, h.Region, h.ID)
	}})
	return c.memo.shell, nil
}

// Close ends the connections that the readings have opened.
func (c *console) Close() error {
	c.memo.mu.Lock()
	defer c.memo.mu.Unlock()
	if c.memo.shell == nil {
		return nil
	}
	err := errors.Join(c.memo.shell.Close(), os.RemoveAll(c.memo.folder))
	c.memo.shell = nil
	return err
}

// unmeasured is what to do so that a copy is measured.
func unmeasured(kind string) string {
	switch kind {
	case "nightly":
		return "name its host and folder in the estate (standby.nightly), or see its own log how old it is"
	case "archive":
		return "see its own log how old it is; lifeboat triage asks where the estate names it (standby.archive)"
	}
	return "see its own log how old it is"
}

// ever is a limit that nothing is beyond: what is too old is judged here, against the estate's own limit.
const ever = "max_age: 87600h"

// measure is the step that tells the age of a copy, and where it looks; "" when the estate does not name it.
func measure(e *runbook.Estate, kind string) (step, source string) {
	s := e.Standby
	switch {
	case kind == "replica" && s.Replica != nil && s.Heartbeat != "":
		return `uses: replica.lag, with: {replica: "${{ estate.standby.replica }}", heartbeat: "${{ estate.standby.heartbeat }}", max: 87600h}`, "heartbeat on the replica"
	case kind == "nightly" && s.Nightly != nil && s.Nightly.Host != "":
		return `uses: copy.complete, with: {at: "${{ estate.standby.nightly }}", marker: "${{ estate.standby.nightly.marker != '' ? estate.standby.nightly.marker : '.lifeboat-copy' }}", ` + ever + `}`, "marker of the copy"
	case kind == "archive" && s.Archive != nil:
		return `uses: duplicity.status, with: {archive: "${{ estate.standby.archive }}", ` + ever + `}`, "duplicity collection-status"
	}
	return "", ""
}

// measured asks the kind how old the copy is.
func (w *asked) measured(e *runbook.Estate, step string, limit time.Duration) func(context.Context) finding {
	return func(ctx context.Context) finding {
		probe, err := w.bound(e, step)
		var o runbook.Observation
		if err == nil {
			o, err = probe.Observe(ctx, quietCall("copy"))
		}
		if err != nil {
			f := finding{value: whyNot(ctx, err), verdict: page.Warn, do: runbook.AsFailure(err).Do}
			if f.do == "" {
				f.do = "see whether its host answers"
			}
			return f.with(silence(err))
		}
		age, known := ageIn(o.Outputs)
		if !known {
			return finding{value: o.Evidence, verdict: page.Warn, do: "see what is the matter with it", clues: saw(runbook.Faulty)}
		}
		f := finding{value: runbook.SpanText(age) + " behind", verdict: page.Well, clues: []runbook.Clue{{Found: runbook.Fine, Age: age, Measured: true}}}
		if strings.Contains(step, "age") {
			f.value = runbook.SpanText(age) + " old"
		}
		if limit > 0 && age > limit {
			f.verdict, f.do = page.Warn, "see why it is behind: what was written since is nowhere else"
		}
		return f
	}
}

// ageIn is the age that a kind has left, in whichever number it counts.
func ageIn(outputs map[string]any) (time.Duration, bool) {
	for _, name := range []string{"lag", "age"} {
		switch n := outputs[name].(type) {
		case float64:
			return time.Duration(n * float64(time.Second)), true
		case int:
			return time.Duration(n) * time.Second, true
		case int64:
			return time.Duration(n) * time.Second, true
		}
	}
	return 0, false
}

// bound is a step of the estate, alone.
func (w *asked) bound(e *runbook.Estate, step string) (runbook.Probe, error) {
	rb, err := runbook.Parse("copies", []byte("lifeboat: 1\nkind: runbook\nname: copies\nsteps:\n  - {id: copy, "+step+"}\n"))
	if err != nil {
		return nil, err
	}
	plan, err := runbook.Compile(runbook.CompileInput{
		Runbook: rb, Estate: e, Mode: runbook.Live, Catalog: actions.Catalog(w.set, actions.Options{Clock: w.clock}), Offline: true,
	})
	if err != nil {
		return nil, err
	}
	return plan.Bind("copy", &runbook.State{}, w.secrets())
}

func (w *asked) secrets() *secrets { return &secrets{demo: w.demo} }

// opened asks only where the archive's secrets are here: without one of them there is nothing that it could say.
func (w *asked) opened(a *runbook.Archive, ask func(context.Context) finding) func(context.Context) finding {
	return func(ctx context.Context) finding {
		names := slices.Collect(maps.Values(a.Env))
		for _, name := range slices.Sorted(slices.Values(append(names, a.Passphrase))) {
			if name == "" {
				continue
			}
			if _, err := w.secrets().Secret(string(name)); err != nil {
				return finding{
					value: "not measured: secret " + string(name) + ": " + err.Error(), verdict: page.Unknown,
					do: giveSecret(string(name)),
				}
			}
		}
		return ask(ctx)
	}
}

// replica knocks at the host of the live copy.
func (w *asked) replica(r runbook.Replica, settings runbook.SSH) func(context.Context) finding {
	return func(ctx context.Context) finding {
		began := w.clock.Now()
		var err error
		if w.sim {
			_, err = w.set.Shell.Run(ctx, providers.Host{Address: r.Host, ID: r.ID, User: r.User, Port: r.Port}, providers.Command{
				Argv: []string{"true"}, ReadOnly: true,
			})
		} else {
			err = knock(ctx, r, settings)
		}
		if err != nil {
			return finding{value: r.Host + ": " + whyNot(ctx, err), verdict: page.Warn, do: "see whether the replica runs", clues: saw(silence(err))}
		}
		return finding{value: r.Host + " answers in " + tookText(w.clock.Now().Sub(began)) + "; how far it is behind is not measured", verdict: page.Well, clues: saw(runbook.Fine)}
	}
}

// knock opens a connection to the host's ssh port, and nothing more.
func knock(ctx context.Context, r runbook.Replica, settings runbook.SSH) error {
	port := 22
	for _, p := range []int{settings.Port, r.Port} {
		if p != 0 {
			port = p
		}
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(r.Host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return conn.Close()
}
