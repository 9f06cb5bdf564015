package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func instanceStaysDown(w world) runbook.Kind {
	return runbook.Kind{
		Name:          "instance.stays_down",
		Summary:       "watch that a machine which was left behind does not come back",
		New:           func() runbook.Probe { return &staysDown{w: w} },
		Budget:        15 * time.Second,
		Timeout:       time.Hour,
		Interruptible: true,
	}
}

// staysDown ends at once when the machine is seen to be back: that is news for a person. A region that does not answer
// says nothing, and is not taken for a machine that is down, unless the file allows it.
type staysDown struct {
	Instance string           `with:"instance,required" doc:"id of the machine that must not come back"`
	Region   string           `with:"region" default:"region_of(with.instance)" doc:"region of the machine"`
	URL      string           `with:"url" doc:"page that it served"`
	Address  string           `with:"address" doc:"where it served it: its own address, not the name that has moved"`
	For      runbook.Duration `with:"for" doc:"how long it is watched; left out, it is looked at once"`
	Dark     bool             `with:"dark" doc:"let it pass when nobody answers, neither the region nor the page"`

	w world
}

func (a *staysDown) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	s := Primary{Instance: a.Instance, Region: a.Region, URL: a.URL, Address: a.Address}.look(ctx, a.w)
	switch {
	case s.Err != nil:
		return runbook.Observation{}, s.Err
	case s.State == PrimaryBack:
		return seen(runbook.Broken, "the old primary is back: %s. Fence it: %s", s.Says, s.Do), nil
	}
	passed := time.Duration(0)
	if !call.Since.IsZero() {
		passed = a.w.clock.Now().Sub(call.Since)
	}
	if s.State == PrimaryUnseen && !a.Dark {
		if passed < max(silence, time.Duration(a.For)) {
			return seen(runbook.Unsure, "%s", s.Says), nil
		}
		return seen(runbook.Broken, "%s; nothing else was seen to the end", s.Says), nil
	}
	if left := time.Duration(a.For) - passed; left > 0 {
		if call.Progress != nil {
			call.Progress(runbook.Progress{Text: s.Says, Done: passed.Seconds(), Total: time.Duration(a.For).Seconds(), Unit: "s", Left: runbook.Seconds(left)})
		}
		return seen(runbook.Pending, "%s; watched for %s of %s", s.Says, passed.Round(time.Second), time.Duration(a.For)), nil
	}
	if a.For > 0 {
		s.Says += fmt.Sprintf("; watched for %s", passed.Round(time.Second))
	}
	return seen(runbook.Holds, "%s", s.Says), nil
}

func (a *staysDown) Permissions() []string {
	return append(readInstance(), "ec2:DescribeSecurityGroups")
}

// Depends is the region of the machine.
func (a *staysDown) Depends() []runbook.Dependency {
	return []runbook.Dependency{{Region: a.Region, Without: "whether the old primary has come back is seen by its page only"}}
}

func (a *staysDown) ByHand(runbook.Call) []string {
	lines := []string{line(words("aws", "ec2", "describe-instances", "--region", orQuestion(a.Region), "--instance-ids", orQuestion(a.Instance),
		"--query", "Reservations[].Instances[].[State.Name,LaunchTime,PublicIpAddress]", "--output", "text"))}
	if a.URL != "" {
		lines = append(lines, curl(a.URL, a.Address))
	}
	return lines
}

// Primary is a machine that a failover has left behind. Look says what became of it; whoever watches an estate asks it,
// and shows one decision when it is back: to fence it.
type Primary struct {
	Instance, Region string
	URL, Address     string // its page, and where it served it; may be left out
}

// PrimaryState is what was seen of a machine that was left behind.
type PrimaryState string

// What can be seen of it.
const (
	PrimaryDown   PrimaryState = "down"   // stopped, terminated or isolated, says EC2
	PrimaryBack   PrimaryState = "back"   // it runs, or serves
	PrimaryUnseen PrimaryState = "unseen" // nobody answers: it may be running behind the silence
)

// Sighting is one look at it. Says is the evidence, Do the command that fences it, Since when it was started as far as EC2
// tells. Err is a look that could not be made at all, such as without credentials.
type Sighting struct {
	State    PrimaryState
	Says, Do string
	Since    time.Time
	Err      error
}

// Look asks EC2 and the page, and changes nothing. It returns within about ten seconds.
func (p Primary) Look(ctx context.Context, set providers.Set, clock runbook.Clock) Sighting {
	return p.look(ctx, world{Set: whole(set), clock: clock})
}

func (p Primary) look(ctx context.Context, w world) Sighting {
	ctx, cancel := w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	served := make(chan string, 1)
	go func() { served <- p.served(ctx, w) }()
	i, err := w.Instances.Instance(ctx, p.Region, p.Instance)
	page := <-served
	s := Sighting{State: PrimaryBack, Do: stopByHand(p.Region, p.Instance, true)[0]}
	switch {
	case providers.Is(err, providers.NotFound):
		return Sighting{State: PrimaryUnseen, Says: fmt.Sprintf("%s does not know %s: terminated more than an hour ago, or the id is wrong", p.Region, p.Instance)}
	case err != nil && ctx.Err() == nil && !isAny(err, providers.Unreachable, providers.Lost, providers.Server, providers.Throttled):
		return Sighting{State: PrimaryUnseen, Err: err}
	case err != nil && page != "":
		s.Says = fmt.Sprintf("%s does not answer (%s), but the page of %s does: %s", p.Region, reason(err), p.Instance, page)
		return s
	case err != nil:
		return Sighting{State: PrimaryUnseen, Says: fmt.Sprintf("%s does not answer (%s), nor does the page of %s: it may be running behind the silence", p.Region, reason(err), p.Instance)}
	}
	s.Since = i.Launched
	if i.State == providers.InstanceStopping {
		return Sighting{State: PrimaryDown, Says: fmt.Sprintf("%s is stopping in %s", i.ID, p.Region), Since: i.Launched}
	}
	how, says, err := w.held(ctx, p.Region, i)
	switch {
	case err != nil:
		return Sighting{State: PrimaryUnseen, Says: fmt.Sprintf("%s is %s, and whether it is isolated cannot be seen: %s", i.ID, i.State, reason(err)), Since: i.Launched}
	case how != "":
		return Sighting{State: PrimaryDown, Says: says, Since: i.Launched}
	}
	s.Says = fmt.Sprintf("%s is %s in %s, launched or started %s ago", i.ID, i.State, p.Region, age(w.clock.Now().Sub(i.Launched)))
	if page != "" {
		s.Says += ", and serves: " + page
	}
	return s
}

// served is what its page answers, or "" when there is none. A page without an address of its own may be the new server's.
func (p Primary) served(ctx context.Context, w world) string {
	if p.URL == "" || p.Address == "" {
		return ""
	}
	page, err := w.Web.Get(ctx, p.URL, p.Address)
	if err != nil || page.Status >= 500 {
		return ""
	}
	return answer(page)
}
