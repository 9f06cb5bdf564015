package actions

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func dnsAnswers(w world) runbook.Kind {
	return runbook.Kind{
		Name:          "dns.answers",
		Summary:       "wait until every authoritative name server gives the answer",
		New:           func() runbook.Probe { return &answers{w: w} },
		Budget:        time.Minute,
		Timeout:       10 * time.Minute,
		Interruptible: true,
	}
}

// answers asks the authoritative servers themselves. Resolvers in between may keep the old answer for the TTL; this says
// when their clocks have started, not when they end.
type answers struct {
	Name    string   `with:"name,required" doc:"DNS name"`
	Type    string   `with:"type" default:"'A'" doc:"type of the record set"`
	Value   Values   `with:"value,required" doc:"what every server shall answer: one value or a list"`
	Servers []string `with:"servers" default:"estate.service.servers" doc:"name servers as host:port; found in the DNS when left out"`

	w world
}

func (a *answers) Observe(ctx context.Context, _ runbook.Call) (runbook.Observation, error) {
	servers := a.Servers
	if len(servers) == 0 {
		var err error
		if servers, err = a.w.Names.Servers(ctx, a.Name); err != nil {
			return runbook.Observation{}, err
		}
	}
	if len(servers) == 0 {
		return seen(runbook.Unsure, "no authoritative name server of %s was found", a.Name), nil
	}
	want := slices.Clone([]string(a.Value))
	slices.Sort(want)
	ctx, cancel := a.w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	p := ask(ctx, a.w.Names, servers, a.Name, a.Type, want)
	evidence := fmt.Sprintf("%s = %s on %s", strings.ToUpper(a.Type), strings.Join(want, ", "), p.count())
	if p.agree == len(servers) {
		return seen(runbook.Holds, "%s", evidence), nil
	}
	return seen(runbook.Pending, "%s; %s", evidence, p.first), nil
}

// poll is what the servers said. first is one that disagrees, so that the reader has a place to look.
type poll struct {
	agree, of int
	first     string
}

func (p poll) count() string { return fmt.Sprintf("%d/%d name servers", p.agree, p.of) }

// ask asks all servers side by side. Only an authoritative answer counts.
func ask(ctx context.Context, names providers.Names, servers []string, name, kind string, want []string) poll {
	said := make([]string, len(servers))
	var wait sync.WaitGroup
	for i, server := range servers {
		wait.Go(func() {
			a, err := names.Ask(ctx, server, strings.TrimSuffix(name, "."), strings.ToUpper(kind))
			values := slices.Clone(a.Values)
			slices.Sort(values)
			switch {
			case err != nil:
				said[i] = fmt.Sprintf("%s does not answer: %s", server, reason(err))
			case !a.Authoritative:
				said[i] = server + " does not answer with authority"
			case len(values) == 0:
				said[i] = server + " has no answer"
			case !slices.Equal(values, want):
				said[i] = fmt.Sprintf("%s says %s", server, strings.Join(values, ", "))
			}
		})
	}
	wait.Wait()
	p := poll{of: len(servers)}
	for _, s := range said {
		if s == "" {
			p.agree++
		} else if p.first == "" {
			p.first = s
		}
	}
	return p
}

func (a *answers) Permissions() []string { return nil }

// Check asks every server whether it answers for the name at all; what it answers is changed in the run.
func (a *answers) Check(ctx context.Context, _ runbook.Call) []runbook.Check {
	what := "every name server answers for " + a.Name
	if c, open := notYet(what, a.Name); open {
		return []runbook.Check{c}
	}
	servers := a.Servers
	if len(servers) == 0 {
		var err error
		if servers, err = a.w.Names.Servers(ctx, a.Name); err != nil {
			return []runbook.Check{lookFailed(what, err)}
		}
	}
	const source = "its name servers"
	if len(servers) == 0 {
		return []runbook.Check{notWell(what, source, "check the zone's delegation", "no authoritative name server was found")}
	}
	answered, first := heard(ctx, a.w.Names, servers, a.Name, a.Type)
	if answered < len(servers) {
		return []runbook.Check{notWell(what, source, "the run would wait for every one of them: look at it, or take it out of the zone",
			"%d/%d answer; %s", answered, len(servers), first)}
	}
	return []runbook.Check{well(what, source, "%d/%d answer", answered, len(servers))}
}

// heard counts the servers that answer with authority, whatever they say; first is one that does not.
func heard(ctx context.Context, names providers.Names, servers []string, name, kind string) (answered int, first string) {
	said := make([]string, len(servers))
	var wait sync.WaitGroup
	for i, server := range servers {
		wait.Go(func() {
			a, err := names.Ask(ctx, server, strings.TrimSuffix(name, "."), strings.ToUpper(kind))
			switch {
			case err != nil:
				said[i] = fmt.Sprintf("%s does not: %s", server, reason(err))
			case !a.Authoritative:
				said[i] = server + " does not answer with authority"
			}
		})
	}
	wait.Wait()
	for _, s := range said {
		if s == "" {
			answered++
		} else if first == "" {
			first = s
		}
	}
	return answered, first
}

// Depends is the zone's name servers, which stand in many places; it is not the control plane.
func (a *answers) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Plane: "the zone's name servers", Without: "clients cannot find the service at all"}}
}

func (a *answers) ByHand(runbook.Call) []string {
	servers := a.Servers
	if len(servers) == 0 {
		return []string{fmt.Sprintf(`for s in $(dig +short NS %s); do dig +norecurse +short @"$s" %s %s; done`, quote(parent(a.Name)), quote(a.Name), quote(a.Type))}
	}
	var lines []string
	for _, s := range servers {
		host, port := s, ""
		if i := strings.LastIndex(s, ":"); i >= 0 {
			host, port = s[:i], s[i+1:]
		}
		lines = append(lines, line(words("dig", "+norecurse", "+short", "@"+host), flag("-p", port), words(a.Name, a.Type)))
	}
	return lines
}

// parent is the name above: the zone of a service's name, nearly always.
func parent(name string) string {
	_, rest, ok := strings.Cut(strings.TrimSuffix(name, "."), ".")
	if !ok || !strings.Contains(rest, ".") {
		return name
	}
	return rest
}
