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
		{group: "service", about: runbook.AboutPage, name: e.Service.Name, source: "HTTP GET", limit: "a good answer in " + slowPage.String(), ask: w.page(e)},
		{group: "dns", about: runbook.AboutRecord, name: "DNS " + e.Service.Name, source: "its name servers", limit: "TTL " + ttlText(ttlOf(e)), ask: w.record(e)},
		{group: "region", about: runbook.AboutRegion, name: e.Production.Region, source: "DescribeInstances", cloud: true, ask: w.region(e.Production.Region)},
		{group: "region", about: runbook.AboutRegion, name: e.Standby.Region, source: "DescribeInstances", cloud: true, ask: w.region(e.Standby.Region)},
	}
	out = append(out, w.nearServer(e)...)
	add := func(group, what, source string, ref runbook.Ref, ask func(context.Context, string) finding) {
		if ref.ID == "" && len(ref.Tags) == 0 {
			return
		}
		region, kind, about := e.Standby.Region, what, runbook.AboutStandby
		if group == "server" {
			region, kind, about = e.Production.Region, "instance", runbook.AboutServer
		}
		name := strings.TrimSpace(what + " " + ref.ID)
		if group == "server" && ref.ID != "" {
			name = ref.ID
		}
		out = append(out, probe{group: group, about: about, name: name, source: source, cloud: true, ask: func(ctx context.Context) finding {
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
		p, err := w.set.Web.Get(ctx, e.Service.URL, w.pointsAt(ctx, e))
		if err != nil {
			return finding{value: whyNot(ctx, err), verdict: page.Bad, do: "look at the server and its region", mute: true, clues: saw(noPage(err))}
		}
		value := fmt.Sprintf("%d in %s", p.Status, tookText(p.Took))
		if p.Address != "" {
			value += " from " + p.Address + w.whose(e, p.Address)
		}
		switch {
		case p.Status >= 400:
			return finding{value: value, verdict: page.Bad, do: "look at the server's services", clues: saw(runbook.Faulty)}
		case p.Took > slowPage:
			return finding{value: value, verdict: page.Warn, do: "see what makes it slow", clues: servedFrom(w.regionOf(e, p.Address))}
		}
		return finding{value: value, verdict: page.Well, clues: servedFrom(w.regionOf(e, p.Address))}
	}
}

// pointsAt is where the service's name points as the estate's own name servers say; "" leaves it to this machine's resolver, which
// an estate that names none shares with its clients.
func (w *asked) pointsAt(ctx context.Context, e *runbook.Estate) string {
	for _, server := range e.Service.Servers {
		if a, err := w.set.Names.Ask(ctx, server, e.Service.Name, "A"); err == nil && len(a.Values) > 0 {
			return a.Values[0]
		}
	}
	return ""
}

// whose says in which of the two regions an address of the estate is.
func (w *asked) whose(e *runbook.Estate, address string) string {
	return prefixed(", ", w.regionOf(e, address))
}

// regionOf is the one of the two regions that an address of the estate is in; "" when it is not the estate's.
func (w *asked) regionOf(e *runbook.Estate, address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	switch address {
	case "":
	case e.Production.Address.ID:
		return e.Production.Region
	case e.Standby.Address.ID:
		return e.Standby.Region
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
				return judgeRecord(e, a).with(runbook.Fine)
			}
		}
		if providers.Is(err, providers.NotFound) { // the DNS answers, and says that there is no such name
			return finding{value: "the name does not resolve: " + whyNot(ctx, err), verdict: page.Bad, do: "put the record back, or renew its domain", clues: saw(runbook.Faulty)}
		}
		return finding{value: whyNot(ctx, err), verdict: page.Unknown, do: "look whether this machine reaches name servers", clues: saw(silence(err))}
	}
}

func judgeRecord(e *runbook.Estate, a providers.Answer) finding {
	value := "A = " + strings.Join(a.Values, ", ") + ", TTL " + ttlText(a.TTL)
	known := []string{e.Production.Address.ID, e.Standby.Address.ID}
	strange := slices.ContainsFunc(a.Values, func(v string) bool { return !slices.Contains(known, v) })
	switch {
	case len(a.Values) == 0:
		return finding{value: "the name has no A record", verdict: page.Bad, do: "put the record back", clues: saw(runbook.Faulty)}
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
			return finding{value: "answers in " + tookText(took), verdict: page.Well, clues: saw(runbook.Fine)}
		case providers.Is(err, providers.Denied):
			return finding{value: "answers, and denies it", verdict: page.Warn, do: "allow ec2:DescribeInstances to these credentials", clues: saw(runbook.Fine)}
		case providers.Is(err, providers.Lost), providers.Is(err, providers.Server):
			return finding{value: whyNot(ctx, err), verdict: page.Bad, do: "its API is dark: this is the region, not the server", clues: saw(runbook.Silent)}
		}
		return unanswerable(err, region).with(silence(err))
	}
}

// server asks how production's machine is.
func (w *asked) server(e *runbook.Estate) func(context.Context, string) finding {
	return func(ctx context.Context, id string) finding {
		i, err := w.set.Instances.Instance(ctx, e.Production.Region, id)
		switch {
		case providers.Is(err, providers.NotFound):
			return unanswerable(err, e.Production.Region).with(runbook.Dead)
		case err != nil:
			return unanswerable(err, e.Production.Region)
		}
		value := string(i.State)
		if i.StateReason != "" {
			value += ": " + i.StateReason
		}
		return judgeServer(i, value)
	}
}

// judgeServer is EC2's word on the machine.
func judgeServer(i providers.Instance, value string) finding {
	in := func(f runbook.Found) []runbook.Clue { return []runbook.Clue{{Found: f, Zone: i.Zone}} }
	switch {
	case i.State == providers.InstanceRunning && i.Checks == providers.ChecksImpaired:
		return finding{value: "running, and its status checks fail", verdict: page.Bad, do: "look at its console, or fail over", clues: in(runbook.Faulty)}
	case i.State == providers.InstanceRunning && i.Checks == providers.ChecksOK:
		return finding{value: "running, its status checks are well", verdict: page.Well, clues: in(runbook.Fine)}
	case i.State == providers.InstanceRunning, i.State == providers.InstancePending:
		return finding{value: value, verdict: page.Warn, do: "wait for its status checks", clues: in(runbook.Starting)}
	}
	return finding{value: value, verdict: page.Bad, do: "see why it is " + string(i.State), clues: in(runbook.Dead)}
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
			return finding{value: value, verdict: page.Bad, do: "copy the image anew", clues: saw(runbook.Faulty)}
		}
		return finding{value: value, verdict: page.Well, clues: saw(runbook.Fine)}
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
			return finding{value: "in use by " + v.Instance + ", in " + v.Zone, verdict: page.Warn, do: "free it: a failover needs it", clues: saw(runbook.Faulty)}
		case v.State != "available":
			return finding{value: value, verdict: page.Bad, do: "see what is the matter with the volume", clues: saw(runbook.Faulty)}
		case zone != "" && v.Zone != zone:
			return finding{value: value, verdict: page.Warn, do: "correct the zone in the estate: it says " + zone, clues: saw(runbook.Faulty)}
		}
		return finding{value: "free, in " + v.Zone, verdict: page.Well, clues: saw(runbook.Fine)}
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
			return finding{value: "held by " + a.Instance, verdict: page.Warn, do: "free it, or name another: a failover takes it", clues: saw(runbook.Faulty)}
		}
		return finding{value: "held, unused", verdict: page.Well, clues: saw(runbook.Fine)}
	}
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
		return finding{value: "it is not there", verdict: page.Bad, do: "correct the estate, or make it anew", clues: saw(runbook.Dead)}
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
