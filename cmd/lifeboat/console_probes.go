package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
	"lifeboat/ui/page"
)

// slowPage is how long a good page may take before it is a warning.
const slowPage = 3 * time.Second

// probesOf lists what is asked of an estate, in the order in which it is shown.
func probesOf(w *asked, e *runbook.Estate) []probe {
	out := []probe{
		{group: "service", name: e.Service.Name, source: "HTTP GET", limit: "a good answer in " + slowPage.String(), ask: w.page(e)},
		{group: "dns", name: "DNS " + e.Service.Name, source: "its name servers", limit: "TTL " + ttlText(ttlOf(e)), ask: w.record(e)},
		{group: "region", name: e.Production.Region, source: "DescribeInstances", cloud: true, ask: w.region(e.Production.Region)},
		{group: "region", name: e.Standby.Region, source: "DescribeInstances", cloud: true, ask: w.region(e.Standby.Region)},
	}
	add := func(group, what, source string, ref runbook.Ref, ask func(context.Context, string) finding) {
		if ref.ID == "" && len(ref.Tags) == 0 {
			return
		}
		region, kind := e.Standby.Region, what
		if group == "server" {
			region, kind = e.Production.Region, "instance"
		}
		name := strings.TrimSpace(what + " " + ref.ID)
		if group == "server" && ref.ID != "" {
			name = ref.ID
		}
		out = append(out, probe{group: group, name: name, source: source, cloud: true, ask: func(ctx context.Context) finding {
			id := ref.ID
			if id == "" {
				var err error
				if id, err = findByTags(ctx, w.set, runbook.UnresolvedRef{Region: region, Kind: kind, Ref: ref}); err != nil {
					return unanswerable(err, region)
				}
			}
			return ask(ctx, id)
		}})
	}
	add("server", "server", "DescribeInstances", e.Production.Instance, w.server(e))
	out = append(out, w.backups(e)...)
	add("standby", "image", "DescribeImages", e.Standby.Image, w.image(e))
	add("standby", "volume", "DescribeVolumes", e.Standby.Volume.ID, w.volume(e))
	add("standby", "address", "DescribeAddresses", e.Standby.Address, w.address(e))
	return out
}

func ttlOf(e *runbook.Estate) time.Duration {
	if e.Service.TTL > 0 {
		return time.Duration(e.Service.TTL)
	}
	return runbook.DefaultTTL
}

func ttlText(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) + " s" }

// tookText is how long an answer took.
func tookText(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatInt(max(1, d.Milliseconds()), 10) + " ms"
	}
	return strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".0") + " s"
}

// page asks for the page that proves the service.
func (w *asked) page(e *runbook.Estate) func(context.Context) finding {
	return func(ctx context.Context) finding {
		p, err := w.set.Web.Get(ctx, e.Service.URL, "")
		if err != nil {
			return finding{value: whyNot(ctx, err), verdict: page.Bad, do: "look at the server and its region", mute: true}
		}
		value := fmt.Sprintf("%d in %s", p.Status, tookText(p.Took))
		if p.Address != "" {
			value += " from " + p.Address + w.whose(e, p.Address)
		}
		switch {
		case p.Status >= 400:
			return finding{value: value, verdict: page.Bad, do: "look at the server's services"}
		case p.Took > slowPage:
			return finding{value: value, verdict: page.Warn, do: "see what makes it slow"}
		}
		return finding{value: value, verdict: page.Well}
	}
}

// whose says in which of the two regions an address of the estate is.
func (w *asked) whose(e *runbook.Estate, address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	switch address {
	case e.Production.Address.ID:
		return ", " + e.Production.Region
	case e.Standby.Address.ID:
		return ", " + e.Standby.Region
	}
	return ""
}

// record asks a name server where the service's name points.
func (w *asked) record(e *runbook.Estate) func(context.Context) finding {
	return func(ctx context.Context) finding {
		servers, err := w.set.Names.Servers(ctx, e.Service.Name)
		if err == nil && len(servers) == 0 {
			err = errors.New("its zone has no name servers")
		}
		for _, server := range servers {
			var a providers.Answer
			if a, err = w.set.Names.Ask(ctx, server, e.Service.Name, "A"); err == nil {
				return judgeRecord(e, a)
			}
		}
		return finding{value: whyNot(ctx, err), verdict: page.Unknown, do: "look whether this machine reaches name servers"}
	}
}

func judgeRecord(e *runbook.Estate, a providers.Answer) finding {
	value := "A = " + strings.Join(a.Values, ", ") + ", TTL " + ttlText(a.TTL)
	known := []string{e.Production.Address.ID, e.Standby.Address.ID}
	strange := slices.ContainsFunc(a.Values, func(v string) bool { return !slices.Contains(known, v) })
	switch {
	case len(a.Values) == 0:
		return finding{value: "the name has no A record", verdict: page.Bad, do: "put the record back"}
	case strange && known[0] != "" && known[1] != "":
		return finding{value: value + ": an address that the estate does not know", verdict: page.Warn, do: "correct the record or the estate"}
	case a.TTL > ttlOf(e):
		return finding{value: value, verdict: page.Warn, do: "lower it to " + ttlText(ttlOf(e)) + ": clients keep the old answer so long"}
	}
	return finding{value: value, verdict: page.Well}
}

// region asks for nothing, to see whether anybody answers.
func (w *asked) region(region string) func(context.Context) finding {
	return func(ctx context.Context) finding {
		began := w.clock.Now()
		_, err := w.set.Instances.FindInstances(ctx, region, map[string]string{"lifeboat:run": "none"})
		took := w.clock.Now().Sub(began)
		switch {
		case err == nil:
			return finding{value: "answers in " + tookText(took), verdict: page.Well}
		case providers.Is(err, providers.Denied):
			return finding{value: "answers, and denies it", verdict: page.Warn, do: "allow ec2:DescribeInstances to these credentials"}
		case providers.Is(err, providers.Lost), providers.Is(err, providers.Server):
			return finding{value: whyNot(ctx, err), verdict: page.Bad, do: "its API is dark: this is the region, not the server"}
		}
		return unanswerable(err, region)
	}
}

// server asks how production's machine is.
func (w *asked) server(e *runbook.Estate) func(context.Context, string) finding {
	return func(ctx context.Context, id string) finding {
		i, err := w.set.Instances.Instance(ctx, e.Production.Region, id)
		if err != nil {
			return unanswerable(err, e.Production.Region)
		}
		value := string(i.State)
		if i.StateReason != "" {
			value += ": " + i.StateReason
		}
		switch {
		case i.State == providers.InstanceRunning && i.Checks == providers.ChecksImpaired:
			return finding{value: "running, and its status checks fail", verdict: page.Bad, do: "look at its console, or fail over"}
		case i.State == providers.InstanceRunning && i.Checks == providers.ChecksOK:
			return finding{value: "running, its status checks are well", verdict: page.Well}
		case i.State == providers.InstanceRunning, i.State == providers.InstancePending:
			return finding{value: value, verdict: page.Warn, do: "wait for its status checks"}
		}
		return finding{value: value, verdict: page.Bad, do: "see why it is " + string(i.State)}
	}
}

// image asks for the copied image.
func (w *asked) image(e *runbook.Estate) func(context.Context, string) finding {
	return func(ctx context.Context, id string) finding {
		i, err := w.set.Images.Image(ctx, e.Standby.Region, id)
		if err != nil {
			return unanswerable(err, e.Standby.Region)
		}
		value := i.State
		if !i.Created.IsZero() {
			value += ", made " + ageText(w.clock.Now().Sub(i.Created)) + " ago"
		}
		if i.State != "available" {
			return finding{value: value, verdict: page.Bad, do: "copy the image anew"}
		}
		return finding{value: value, verdict: page.Well}
	}
}

// volume asks for the backup volume.
func (w *asked) volume(e *runbook.Estate) func(context.Context, string) finding {
	return func(ctx context.Context, id string) finding {
		v, err := w.set.Volumes.Volume(ctx, e.Standby.Region, id)
		if err != nil {
			return unanswerable(err, e.Standby.Region)
		}
		value := v.State + ", in " + v.Zone
		switch zone := e.Standby.Volume.Zone; {
		case v.Instance != "":
			return finding{value: "in use by " + v.Instance + ", in " + v.Zone, verdict: page.Warn, do: "free it: a failover needs it"}
		case v.State != "available":
			return finding{value: value, verdict: page.Bad, do: "see what is the matter with the volume"}
		case zone != "" && v.Zone != zone:
			return finding{value: value, verdict: page.Warn, do: "correct the zone in the estate: it says " + zone}
		}
		return finding{value: "free, in " + v.Zone, verdict: page.Well}
	}
}

// address asks for the address that is held ahead.
func (w *asked) address(e *runbook.Estate) func(context.Context, string) finding {
	return func(ctx context.Context, id string) finding {
		a, err := w.set.Addresses.Address(ctx, e.Standby.Region, id)
		switch {
		case err != nil:
			return unanswerable(err, e.Standby.Region)
		case a.Instance != "":
			return finding{value: "held by " + a.Instance, verdict: page.Warn, do: "free it, or name another: a failover takes it"}
		}
		return finding{value: "held, unused", verdict: page.Well}
	}
}

// backups are the copies of the data. Only the live one can be reached from here; how old the others are, nothing tells yet.
func (w *asked) backups(e *runbook.Estate) []probe {
	var out []probe
	for _, b := range e.Backups {
		p := probe{group: "backup", name: b.Name, source: "no probe for it yet", ask: func(context.Context) finding {
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
			return finding{value: r.Host + ": " + whyNot(ctx, err), verdict: page.Warn, do: "see whether the replica runs"}
		}
		return finding{value: r.Host + " answers in " + tookText(w.clock.Now().Sub(began)) + "; how far it is behind is not measured", verdict: page.Well}
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

// whyNot is an error as the value of a reading.
func whyNot(ctx context.Context, err error) string {
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		return "no answer in " + tookText(probeLimit)
	}
	var known *providers.Error
	if errors.As(err, &known) && known.Detail != "" {
		return string(known.Kind) + ": " + known.Detail
	}
	return runbook.AsFailure(err).What
}

// unanswerable is a reading that could not be taken.
func unanswerable(err error, region string) finding {
	var known *providers.Error
	if !errors.As(err, &known) {
		return finding{value: "not known: " + err.Error(), verdict: page.Unknown, do: classify(err).do}
	}
	switch known.Kind {
	case providers.NotFound:
		return finding{value: "it is not there", verdict: page.Bad, do: "correct the estate, or make it anew"}
	case providers.Lost, providers.Server:
		return finding{value: "not known: " + region + " gives no answer", verdict: page.Unknown}
	case providers.Expired:
		return finding{value: "not asked: no credentials", verdict: page.Unknown, do: credentialsDo(known.Do)}
	case providers.Denied:
		return finding{value: "not known: these credentials may not look", verdict: page.Unknown, do: credentialsDo(known.Do)}
	}
	return finding{value: "not known: " + err.Error(), verdict: page.Unknown, do: known.Do}
}

// ageText is an age in the largest unit that says something.
func ageText(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return plural(int(max(0, d).Seconds()), "second", "seconds")
	case d < 2*time.Hour:
		return plural(int(d.Minutes()), "minute", "minutes")
	case d < 48*time.Hour:
		return plural(int(d.Hours()), "hour", "hours")
	}
	return plural(int(d.Hours()/24), "day", "days")
}
