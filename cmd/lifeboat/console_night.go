package main

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/runbook"
	"lifeboat/ui/page"
)

// What is asked beside the rest so that a bad night can be judged: whether the server can be reached, how its zone is, and
// whether this machine hears at all.

// nearServer asks about the production server's surroundings.
func (w *asked) nearServer(e *runbook.Estate) []probe {
	var out []probe
	p := e.Production
	if p.Address.ID != "" {
		host := providers.Host{Address: p.Address.ID, ID: p.Instance.ID, User: e.SSH.User, Port: e.SSH.Port}
		out = append(out, probe{group: "ssh", about: runbook.AboutSSH, name: host.Address, source: "port " + strconv.Itoa(sshPort(e.SSH)), ask: w.sshOf(host, e.SSH)})
	}
	if w.set.Places != nil && w.cloud == nil {
		out = append(out, probe{group: "zone", about: runbook.AboutZone, name: "zones of " + p.Region, source: "DescribeAvailabilityZones", cloud: true, ask: w.zones(p.Region)})
	}
	return out
}

func sshPort(s runbook.SSH) int { return cmp.Or(s.Port, 22) }

// sshOf knocks at the server's ssh port. One that does not answer is no fault by itself: it may be open to others only.
func (w *asked) sshOf(host providers.Host, ssh runbook.SSH) func(context.Context) finding {
	return func(ctx context.Context) finding {
		began := w.clock.Now()
		err := w.reach(ctx, host, ssh)
		took := "answers in " + tookText(w.clock.Now().Sub(began))
		switch {
		case err == nil:
			return finding{value: took, verdict: page.Well, clues: saw(runbook.Fine)}
		case providers.Is(err, providers.HostKey), providers.Is(err, providers.Denied):
			return finding{value: took + ", and lets nobody in: " + whyNot(ctx, err), verdict: page.Unknown, do: "see the keys of ssh", clues: saw(runbook.Fine)}
		case refused(err):
			return finding{value: "refuses the connection", verdict: page.Unknown, do: "the machine is there, its ssh is not", clues: saw(runbook.Refused)}
		}
		return finding{value: whyNot(ctx, err), verdict: page.Unknown, clues: saw(runbook.Silent)}
	}
}

// reach opens a connection to a host and nothing more; of a simulated one that is a command that does nothing.
func (w *asked) reach(ctx context.Context, host providers.Host, ssh runbook.SSH) error {
	if !w.sim {
		return knock(ctx, runbook.Replica{Host: host.Address, Port: host.Port}, ssh)
	}
	_, err := w.set.Shell.Run(ctx, host, providers.Command{Argv: []string{"true"}, ReadOnly: true})
	return err
}

// zones asks how the zones of a region are.
func (w *asked) zones(region string) func(context.Context) finding {
	return func(ctx context.Context) finding {
		zones, err := w.set.Places.Zones(ctx, region)
		if err != nil {
			return unanswerable(err, region)
		}
		f := finding{verdict: page.Well, clues: []runbook.Clue{}}
		var states []string
		for _, z := range zones {
			found := runbook.Fine
			if z.State == "impaired" || z.State == "unavailable" {
				found, f.verdict, f.do = runbook.Faulty, page.Warn, "what is in it may fail"
			}
			f.clues = append(f.clues, runbook.Clue{Name: z.Name, Found: found, Value: z.State})
			states = append(states, strings.TrimPrefix(z.Name, region)+" "+z.State)
		}
		f.value = strings.Join(states, ", ")
		return f
	}
}

// rootServer is a.root-servers.net (RFC 7720 and the IANA list of root servers): it has nothing to do with AWS.
const (
	rootServer   = "198.41.0.4:53"
	controlLimit = 2 * time.Second
)

// aside lists what is asked only when something is wrong, and what is known without asking. A quiet day troubles nobody else.
func (w *asked) aside(rs []page.Reading) []probe {
	var out []probe
	for i := range rs {
		if rs[i].Group == "service" && rs[i].Verdict != page.Well && w.public {
			out = append(out, probe{group: "control", about: runbook.AboutControl, name: "a root name server", source: "DNS", ask: w.control})
		}
	}
	if id, back := returned(rs); back {
		out = append(out, probe{group: "fence", about: runbook.AboutFence, name: "old primary", subject: id, source: "DescribeInstances", ask: func(context.Context) finding {
			return finding{
				value: id + " runs, and the service has moved away from it", verdict: page.Bad, do: "fence it: lifeboat run fence", clues: saw(runbook.Faulty),
			}
		}})
	}
	if w.here != "" {
		out = append(out, probe{group: "here", about: runbook.AboutHere, name: "this machine", subject: w.here, source: "instance metadata", ask: func(context.Context) finding {
			return finding{value: "stands in " + w.here, verdict: page.Well, clues: saw(runbook.Fine)}
		}})
	}
	return out
}

// returned reports whether production's machine runs although the page is served from the standby region: after a failover
// that is the old primary, come back.
func returned(rs []page.Reading) (id string, back bool) {
	for i := range rs {
		for _, c := range rs[i].Clues {
			if c.About == runbook.AboutServer && (c.Found == runbook.Fine || c.Found == runbook.Starting) {
				id, back = rs[i].Name, true
			}
		}
	}
	return id, back && moved(rs)
}

// moved reports whether the page is served from the standby region.
func moved(rs []page.Reading) bool {
	for i := range rs {
		for _, c := range rs[i].Clues {
			if c.About == runbook.AboutPage && c.Found == runbook.Fine && c.Name != "" && c.Name == standbyOf(rs) {
				return true
			}
		}
	}
	return false
}

// leftBehind takes what a failover has left for what it is: an old server that stands still, and a standby that is in use, are
// no faults while the service is there.
func leftBehind(rs []page.Reading) {
	if !moved(rs) {
		return
	}
	for i := range rs {
		r := &rs[i]
		for _, c := range r.Clues {
			switch {
			case c.About == runbook.AboutServer && c.Found == runbook.Dead:
				r.Verdict, r.Do = page.Well, ""
				r.Value += "; the service has moved away from it"
			case c.About == runbook.AboutStandby && c.Found == runbook.Faulty && r.Verdict == page.Warn:
				r.Verdict, r.Do = page.Well, ""
				r.Value += ": it serves"
			}
		}
	}
}

// standbyOf is the second of the two regions that are asked.
func standbyOf(rs []page.Reading) string {
	regions := []string{}
	for i := range rs {
		if rs[i].Group == "region" {
			regions = append(regions, rs[i].Name)
		}
	}
	if len(regions) != 2 || regions[0] == regions[1] {
		return ""
	}
	return regions[1]
}

// control asks a root name server for the root: who gets an answer hears.
func (w *asked) control(ctx context.Context) finding {
	ctx, cancel := w.clock.WithTimeout(ctx, controlLimit)
	defer cancel()
	began := w.clock.Now()
	_, err := w.set.Names.Ask(ctx, rootServer, ".", "NS")
	var known *providers.Error
	if err == nil || errors.As(err, &known) && silence(err) == runbook.NotSeen {
		return finding{value: "answers in " + tookText(w.clock.Now().Sub(began)), verdict: page.Well, clues: saw(runbook.Fine)}
	}
	return finding{value: "no answer in " + tookText(controlLimit), verdict: page.Unknown, do: "look at this machine's own network", clues: saw(runbook.Silent)}
}

// here is the region in which this machine stands: LIFEBOAT_HERE, or what the instance metadata says. It is asked once.
func (c *console) here(ctx context.Context, simulated bool) string {
	if said, ok := os.LookupEnv("LIFEBOAT_HERE"); ok || simulated {
		return runbook.Clean(said)
	}
	c.memo.mu.Lock()
	defer c.memo.mu.Unlock()
	if c.memo.here == nil {
		region := aws.Here(ctx)
		c.memo.here = &region
	}
	return *c.memo.here
}

// noPage is what a page without an answer says about the machine behind it.
func noPage(err error) runbook.Found {
	switch {
	case refused(err):
		return runbook.Refused
	case providers.Is(err, providers.Invalid), providers.Is(err, providers.Server): // a bad certificate, or no HTTP: somebody is there
		return runbook.Faulty
	}
	return runbook.Silent
}

// silence tells no answer from one that is a no.
func silence(err error) runbook.Found {
	var known *providers.Error
	if errors.As(err, &known) {
		switch known.Kind {
		case providers.Lost, providers.Unreachable:
			return runbook.Silent
		}
		return runbook.NotSeen
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(net.Error)) {
		return runbook.Silent
	}
	return runbook.NotSeen
}

// refused reports whether something at the address said no to the connection.
func refused(err error) bool {
	var known *providers.Error
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &known) && known.Code == "ECONNREFUSED"
}

// servedFrom is the clue of a page that is well; region is "" when nobody knows.
func servedFrom(region string) []runbook.Clue {
	return []runbook.Clue{{Found: runbook.Fine, Name: region}}
}
