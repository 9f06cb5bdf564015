package actions

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func httpUp(w world) runbook.Kind {
	return runbook.Kind{
		Name:          "http.up",
		Summary:       "wait until a page is served",
		New:           func() runbook.Probe { return &up{w: w} },
		Budget:        5 * time.Second,
		Timeout:       3 * time.Minute,
		Interruptible: true,
	}
}

// up asks for a page, at the given address when there is one: DNS may lag, the server need not.
type up struct {
	URL      string `with:"url,required" doc:"page to ask for"`
	Address  string `with:"address" doc:"connect here instead of looking the name up"`
	Status   int    `with:"status" default:"200" doc:"status that counts"`
	Contains string `with:"contains" doc:"text that the page must hold"`

	w world
}

func (a *up) Observe(ctx context.Context, _ runbook.Call) (runbook.Observation, error) {
	ctx, cancel := a.w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	page, err := a.w.Web.Get(ctx, a.URL, a.Address)
	switch {
	case isAny(err, providers.Missing, providers.Invalid):
		return runbook.Observation{}, err
	case err != nil:
		return seen(runbook.Absent, "%s: %s", a.URL, reason(err)), nil
	case page.Status != a.Status:
		return seen(runbook.Absent, "%s, not %d", answer(page), a.Status), nil
	case !strings.Contains(page.Body, a.Contains):
		return seen(runbook.Absent, "%s, without %q", answer(page), a.Contains), nil
	}
	return seen(runbook.Holds, "%s", answer(page)), nil
}

func answer(p providers.Page) string {
	s := fmt.Sprintf("%d in %d ms", p.Status, p.Took.Milliseconds())
	if p.Address != "" {
		s += " from " + p.Address
	}
	return s
}

func (a *up) Permissions() []string { return nil }

// Check asks whether the name of the page is known to the DNS. That the page is served is what the run is for.
func (a *up) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	u, err := url.Parse(a.URL)
	if c, open := notYet(a.URL+" is served", a.URL, a.Address); open {
		return []runbook.Check{c}
	}
	if err != nil || u.Hostname() == "" {
		return []runbook.Check{notWell("the page's address is a URL", "", "write it whole, such as https://www.example.com/", "%q is none", a.URL)}
	}
	served := unknowable(a.URL+" is served from "+cmp.Or(a.Address, "where its name points"), "that is what the run brings about")
	if net.ParseIP(u.Hostname()) != nil {
		return []runbook.Check{served}
	}
	return []runbook.Check{resolves(ctx, a.w.Names, u.Hostname()), served}
}

// resolves asks the name's own servers, one after the other, until one answers.
func resolves(ctx context.Context, names providers.Names, host string) runbook.Check {
	what := "the name " + host + " resolves"
	servers, err := names.Servers(ctx, host)
	if err == nil && len(servers) == 0 {
		return notWell(what, "the DNS", "check the zone's delegation", "it has no name servers")
	}
	for _, server := range servers {
		var a providers.Answer
		if a, err = names.Ask(ctx, server, host, "A"); err != nil {
			continue
		}
		if len(a.Values) == 0 {
			return notWell(what, server, "make the record", "it has no A record")
		}
		return well(what, server, "A = %s, TTL %d", strings.Join(a.Values, ", "), int(a.TTL.Seconds()))
	}
	return lookFailed(what, err)
}

// Depends is the host of the page.
func (a *up) Depends() []runbook.Dependency {
	if a.Address == "" {
		return nil
	}
	return []runbook.Dependency{{Host: a.Address, Without: "the page is not served"}}
}

func (a *up) ByHand(runbook.Call) []string { return []string{curl(a.URL, a.Address)} }

func httpDown(w world) runbook.Kind {
	return runbook.Kind{
		Name:          "http.down",
		Summary:       "prove that a page is not served",
		New:           func() runbook.Probe { return &down{w: w} },
		Budget:        15 * time.Second,
		Timeout:       time.Minute,
		Interruptible: true,
	}
}

// down asks more than once: one lost packet is no outage, and one good answer is proof enough that there is none. It
// speaks for this machine's view of the network only.
type down struct {
	URL     string `with:"url,required" doc:"page to ask for"`
	Address string `with:"address" doc:"connect here instead of looking the name up"`
	Tries   int    `with:"tries" default:"3" doc:"how often it is asked, one second apart"`

	w world
}

// downWithin is the deadline of one try.
const downWithin = 4 * time.Second

// Observe starts a try each second and waits for all of them: a server that swallows packets costs one deadline, not one
// for each try. The first good answer ends it.
func (a *down) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tries, began := max(a.Tries, 1), a.w.clock.Now()
	tried := make(chan attempt, tries)
	for n := range tries {
		go func() { tried <- a.try(ctx, time.Duration(n)*time.Second) }()
	}
	last := ""
	for n := range tries {
		t := <-tried
		switch {
		case ctx.Err() != nil:
			return runbook.Observation{}, ctx.Err()
		case isAny(t.err, providers.Missing, providers.Invalid):
			return runbook.Observation{}, t.err
		case t.err != nil:
			last = reason(t.err)
		case t.page.Status < 500:
			return seen(runbook.Absent, "it answers: %s", answer(t.page)), nil
		default:
			last = answer(t.page)
		}
		if call.Progress != nil {
			call.Progress(runbook.Progress{Text: fmt.Sprintf("try %d of %d: %s", n+1, tries, last), Done: float64(n + 1), Total: float64(tries), Unit: "tries"})
		}
	}
	took := a.w.clock.Now().Sub(began).Round(100 * time.Millisecond)
	return seen(runbook.Holds, "no good answer in %s over %g s: %s", plural(tries, "try", "tries"), took.Seconds(), last), nil
}

// attempt is what one try came to.
type attempt struct {
	page providers.Page
	err  error
}

func (a *down) try(ctx context.Context, after time.Duration) (t attempt) {
	if t.err = runbook.Sleep(ctx, a.w.clock, after); t.err != nil {
		return t
	}
	ctx, cancel := a.w.clock.WithTimeout(ctx, downWithin)
	defer cancel()
	t.page, t.err = a.w.Web.Get(ctx, a.URL, a.Address)
	return t
}

func (a *down) Permissions() []string { return nil }

func (a *down) ByHand(runbook.Call) []string { return []string{curl(a.URL, a.Address)} }

func curl(url, address string) string {
	connect := ""
	if address != "" {
		// Any name and port of the URL, at this address.
		connect = "::" + address + ":"
	}
	return line(words("curl", "-sS", "-o", "/dev/null", "-w", `%{http_code} in %{time_total} s\n`, "--max-time", "5"), flag("--connect-to", connect), words(orQuestion(url)))
}
