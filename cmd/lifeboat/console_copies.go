package main

import (
	"context"
	"net"
	"strconv"
	"strings"

	"lifeboat/providers"
	"lifeboat/runbook"
	"lifeboat/ui/page"
)

// backups are the copies of the data. Only the live one can be reached from here; how old the others are, nothing tells yet.
func (w *asked) backups(e *runbook.Estate) []probe {
	var out []probe
	for _, b := range e.Backups {
		p := probe{group: "backup", about: runbook.AboutCopy, subject: b.Kind, name: b.Name, source: "no probe for it yet", ask: func(context.Context) finding {
			return finding{value: "not measured", verdict: page.Unknown, do: "see its own log how old it is"}
		}}
		if b.MaxAge > 0 {
			p.limit = strings.TrimSuffix(strings.TrimSuffix(b.MaxAge.String(), "0s"), "0m")
		}
		if b.Kind == "replica" && e.Standby.Replica != nil {
			p.source, p.ask = "ssh", w.replica(*e.Standby.Replica, e.SSH)
		}
		out = append(out, p)
	}
	return out
}

// replica knocks at the host of the live copy.
func (w *asked) replica(r runbook.Replica, ssh runbook.SSH) func(context.Context) finding {
	return func(ctx context.Context) finding {
		began := w.clock.Now()
		var err error
		if w.sim {
			_, err = w.set.Shell.Run(ctx, providers.Host{Address: r.Host, ID: r.ID, User: r.User, Port: r.Port}, providers.Command{
				Argv: []string{"true"}, ReadOnly: true,
			})
		} else {
			err = knock(ctx, r, ssh)
		}
		if err != nil {
			return finding{value: r.Host + ": " + whyNot(ctx, err), verdict: page.Warn, do: "see whether the replica runs", clues: saw(silence(err))}
		}
		return finding{value: r.Host + " answers in " + tookText(w.clock.Now().Sub(began)) + "; how far it is behind is not measured", verdict: page.Well, clues: saw(runbook.Fine)}
	}
}

// knock opens a connection to the host's ssh port, and nothing more.
func knock(ctx context.Context, r runbook.Replica, ssh runbook.SSH) error {
	port := 22
	for _, p := range []int{ssh.Port, r.Port} {
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
