package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func httpLook(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "http.look",
		Summary: "look whether a page is served, and go on either way",
		New:     func() runbook.Probe { return &look{w: w} },
		Outputs: []runbook.Output{
			{Name: "up", Doc: "whether it was", Type: "bool"},
			{Name: "said", Doc: "the last answer, or why there was none", Type: "string"},
		},
		Budget:        15 * time.Second,
		Timeout:       10 * time.Minute,
		Interruptible: true,
	}
}

// look answers a question that a later step asks in its `if`: was this enough? A good page answers at once; a bad one, or
// none, only when it has been asked for as long as `for` says.
type look struct {
	URL     string           `with:"url,required" doc:"page to ask for"`
	Address string           `with:"address" doc:"connect here instead of looking the name up"`
	For     runbook.Duration `with:"for" default:"'15s'" doc:"how long it is asked before the answer is no"`

	w world
}

func (a *look) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	short, cancel := a.w.clock.WithTimeout(ctx, downWithin)
	defer cancel()
	page, err := a.w.Web.Get(short, a.URL, a.Address)
	said := ""
	switch {
	case isAny(err, providers.Missing):
		return runbook.Observation{}, err
	case err != nil && ctx.Err() != nil:
		return runbook.Observation{}, ctx.Err()
	case err != nil:
		said = reason(err)
	case page.Status >= 200 && page.Status < 400:
		return a.answers(true, answer(page)), nil
	default:
		said = answer(page)
	}
	if !call.Since.IsZero() && a.w.clock.Now().Sub(call.Since) >= time.Duration(a.For) {
		return a.answers(false, fmt.Sprintf("no good answer in %s: %s", time.Duration(a.For), said)), nil
	}
	return seen(runbook.Pending, "%s", said), nil
}

func (a *look) answers(up bool, said string) runbook.Observation {
	o := seen(runbook.Holds, "%s", said)
	o.Outputs = map[string]any{"up": up, "said": said}
	return o
}

func (a *look) Permissions() []string { return nil }

// Depends is the host of the page.
func (a *look) Depends() []runbook.Dependency { return (&up{Address: a.Address}).Depends() }

func (a *look) ByHand(runbook.Call) []string { return []string{curl(a.URL, a.Address)} }
