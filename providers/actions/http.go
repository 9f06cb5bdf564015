package actions

import (
	"context"
	"fmt"
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
		return seen(runbook.Absent, "%s: %v", a.URL, err), nil
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

func (a *down) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	tries, began, last := max(a.Tries, 1), a.w.clock.Now(), ""
	for n := range tries {
		if n > 0 {
			if err := runbook.Sleep(ctx, a.w.clock, time.Second); err != nil {
				return runbook.Observation{}, err
			}
		}
		page, err := a.try(ctx)
		switch {
		case ctx.Err() != nil:
			return runbook.Observation{}, ctx.Err()
		case isAny(err, providers.Missing, providers.Invalid):
			return runbook.Observation{}, err
		case err != nil:
			last = err.Error()
		case page.Status < 500:
			return seen(runbook.Absent, "it answers: %s", answer(page)), nil
		default:
			last = answer(page)
		}
		if call.Progress != nil {
			call.Progress(runbook.Progress{Text: fmt.Sprintf("try %d of %d: %s", n+1, tries, last), Done: float64(n + 1), Total: float64(tries), Unit: "tries"})
		}
	}
	return seen(runbook.Holds, "no good answer in %s over %s: %s", plural(tries, "try", "tries"), a.w.clock.Now().Sub(began).Round(100*time.Millisecond), last), nil
}

func (a *down) try(ctx context.Context) (providers.Page, error) {
	ctx, cancel := a.w.clock.WithTimeout(ctx, downWithin)
	defer cancel()
	return a.w.Web.Get(ctx, a.URL, a.Address)
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
