package actions

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/runbook"
)

func dnsConverged(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "dns.converged",
		Summary: "measure how much of the world has the new answer, until all of it has",
		New:     func() runbook.Probe { return &converged{w: w} },
		Outputs: []runbook.Output{
			{Name: "share", Doc: "percent of the resolvers asked that give the new answer; -1 when none answered", Type: "number"},
			{Name: "all_by", Doc: "when the last cache that honours TTLs has moved, as RFC 3339 has it", Type: "string"},
		},
		Budget:        6 * time.Minute,
		Timeout:       2 * time.Hour,
		Interruptible: true,
	}
}

// converged knows two clocks. The authoritative servers have to move, all of them; from the moment that they had, a cache
// may keep the old answer for its TTL and no longer. Resolvers are a sample of the caches: they say how far it is. One that
// lags, or stretches TTLs, is shown and never waited for beyond that.
type converged struct {
	Name      string   `with:"name,required" doc:"DNS name"`
	Type      string   `with:"type" default:"'A'" doc:"type of the record set"`
	Value     Values   `with:"value,required" doc:"the new answer: one value or a list"`
	WasTTL    TTL      `with:"was_ttl" default:"estate.service.ttl" doc:"TTL of the old answer, such as steps.dns.was_ttl; 0 when there was none"`
	Servers   []string `with:"servers" default:"estate.service.servers" doc:"name servers as host:port; found in the DNS when left out"`
	Resolvers []string `with:"resolvers" doc:"resolvers to ask beside those of this machine, as host or host:port"`

	w     world
	mu    sync.Mutex
	moved time.Time // when all authoritative servers were first seen to have it
}

func (a *converged) answers() *answers {
	return &answers{Name: a.Name, Type: a.Type, Value: a.Value, Servers: a.Servers, w: a.w}
}

func (a *converged) wanted() []string {
	want := slices.Clone([]string(a.Value))
	slices.Sort(want)
	return want
}

// Observe remembers when the servers had all moved. Whoever takes the run over after a crash sees that later, and so waits
// rather too long than too short.
func (a *converged) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	servers, err := a.answers().Observe(ctx, call)
	if err != nil || servers.State == runbook.Unsure {
		return servers, err
	}
	v := a.vote(ctx)
	now := a.w.clock.Now()
	by := a.worst(servers.State == runbook.Holds, now)
	ttl := time.Duration(a.WasTTL)
	switch {
	case by.IsZero():
		return a.told(v, runbook.Pending, now.Add(ttl), "%s; %s", servers.Evidence, v), nil
	case v.asked() && v.moved == v.of:
		return a.told(v, runbook.Holds, by, "%s; %s", servers.Evidence, v), nil
	case !now.Before(by):
		return a.told(v, runbook.Holds, by, "%s; %s; every cache that honours TTLs has moved since %s", servers.Evidence, v, clockTime(by)), nil
	}
	if call.Progress != nil {
		call.Progress(runbook.Progress{
			Text: fmt.Sprintf("%s · all by %s (TTL %d)", v, clockTime(by), int(ttl.Seconds())), Done: (ttl - by.Sub(now)).Seconds(), Total: ttl.Seconds(), Unit: "s",
			Left: runbook.Seconds(by.Sub(now)),
		})
	}
	return a.told(v, runbook.Pending, by, "%s; %s; all by %s (TTL %d)", servers.Evidence, v, clockTime(by), int(ttl.Seconds())), nil
}

// worst is when the last honest cache has moved; zero while a server gives the old answer.
func (a *converged) worst(all bool, now time.Time) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !all:
		a.moved = time.Time{}
		return time.Time{}
	case a.moved.IsZero():
		a.moved = now
	}
	return a.moved.Add(time.Duration(a.WasTTL))
}

func (a *converged) told(v vote, state runbook.Holding, by time.Time, format string, args ...any) runbook.Observation {
	o := seen(state, format, args...)
	share := -1
	if v.asked() {
		share = 100 * v.moved / v.of
	}
	o.Outputs = map[string]any{"share": share, "all_by": by.UTC().Format(time.RFC3339)}
	return o
}

func clockTime(t time.Time) string { return t.UTC().Format("15:04:05 MST") }

// vote is what the resolvers say.
type vote struct {
	moved, of int    // of those that answered
	silent    int    // that did not
	first     string // one that lags
}

func (v vote) asked() bool { return v.of > 0 }

func (v vote) String() string {
	if !v.asked() && v.silent == 0 {
		return "no resolver to ask"
	}
	if !v.asked() {
		return fmt.Sprintf("none of %s answers", plural(v.silent, "resolver", "resolvers"))
	}
	s := fmt.Sprintf("%d %% moved (%d/%d resolvers)", 100*v.moved/v.of, v.moved, v.of)
	if v.first != "" {
		s += ", " + v.first
	}
	if v.silent > 0 {
		s += fmt.Sprintf(", %d do not answer", v.silent)
	}
	return s
}

// resolvers are those of this machine and those that are named.
func (a *converged) resolvers(ctx context.Context) []string {
	list, err := a.w.Names.Resolvers(ctx)
	if err != nil {
		list = nil // a machine may have none; the ones that are named are asked all the same
	}
	for _, r := range a.Resolvers {
		if !slices.Contains(list, r) && !slices.Contains(list, r+":53") {
			list = append(list, r)
		}
	}
	return list
}

// vote asks all resolvers side by side.
func (a *converged) vote(ctx context.Context) vote {
	ctx, cancel := a.w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	resolvers, want := a.resolvers(ctx), a.wanted()
	said := make([]string, len(resolvers)) // "" is the new answer
	silent := make([]bool, len(resolvers))
	var wait sync.WaitGroup
	for i, r := range resolvers {
		wait.Go(func() {
			got, err := a.w.Names.Resolve(ctx, r, strings.TrimSuffix(a.Name, "."), strings.ToUpper(a.Type))
			values := slices.Sorted(slices.Values(got.Values))
			switch {
			case err != nil:
				silent[i] = true
			case !slices.Equal(values, want):
				said[i] = fmt.Sprintf("%s keeps %s for %d s", r, oldAnswer(values), int(got.TTL.Seconds()))
			}
		})
	}
	wait.Wait()
	v := vote{}
	for i := range resolvers {
		switch {
		case silent[i]:
			v.silent++
			continue
		case said[i] == "":
			v.moved++
		case v.first == "":
			v.first = said[i]
		}
		v.of++
	}
	return v
}

func oldAnswer(values []string) string {
	if len(values) == 0 {
		return "no answer"
	}
	return strings.Join(values, ", ")
}

func (a *converged) Permissions() []string { return nil }

// Check asks the authoritative servers; a resolver that does not answer now is no obstacle to anything.
func (a *converged) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	checks := a.answers().Check(ctx, call)
	what := "resolvers to ask for " + a.Name
	if c, open := notYet(what, a.Name); open {
		return append(checks, c)
	}
	v := a.vote(ctx)
	if !v.asked() {
		return append(checks, unknowable(what, v.String()+": the share that has moved will not be known, only the worst case"))
	}
	return append(checks, well(what, "resolvers", "%d answer, %d do not", v.of, v.silent))
}

// Depends is the zone's name servers.
func (a *converged) Depends() []runbook.Dependency { return a.answers().Depends() }

func (a *converged) ByHand(call runbook.Call) []string {
	lines := a.answers().ByHand(call)
	lines = append(lines, line(words("dig", "+noall", "+answer", strings.TrimSuffix(a.Name, "."), a.Type)))
	for _, r := range a.Resolvers {
		host, port, _ := strings.Cut(r, ":")
		lines = append(lines, line(words("dig", "+noall", "+answer", "@"+host), flag("-p", port), words(strings.TrimSuffix(a.Name, "."), a.Type)))
	}
	return lines
}
