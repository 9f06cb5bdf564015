package actions

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func instanceFence(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "instance.fence",
		Summary: "see to it that a machine cannot write: stop it, isolate it, or take its address",
		New:     func() runbook.Probe { return &fence{w: w} },
		Outputs: []runbook.Output{
			{Name: "instance", Doc: "id of the machine", Type: "string"},
			{Name: "how", Doc: "what holds it: stopped, isolated, or address", Type: "string"},
			{Name: "address", Doc: "the address that was taken from it, when one was", Type: "string"},
		},
		Settle:  10 * time.Second,
		Budget:  time.Minute,
		Timeout: 5 * time.Minute,
	}
}

// fence tries three ways, each weaker than the one before, and looks after each whether it holds. A machine that is
// stopped does nothing. One that is isolated runs, and what it had open may go on until it is idle. One without its
// address runs and can write; only its clients do not find it.
type fence struct {
	Instance string           `with:"instance,required" doc:"id of the machine"`
	Region   string           `with:"region" default:"region_of(with.instance)" doc:"region of the machine"`
	Isolate  string           `with:"isolate" doc:"security group without any rule, by id or name: the machine is put into it when it does not stop"`
	Address  string           `with:"address" doc:"elastic address that may be taken from it; the one that it holds when left out"`
	Within   runbook.Duration `with:"within" doc:"how long it may take to stop before the next way is tried; one minute when left out"`
	Soft     bool             `with:"soft" doc:"let it write its caches to its disks before it goes down; one that hangs does not hear that"`

	w world
}

// fenceBefore is what the fence may take.
type fenceBefore struct {
	State   providers.InstanceState `json:"state"`
	Groups  []string                `json:"groups,omitempty"`
	Isolate string                  `json:"isolate,omitempty"` // the group, by id
	NoGroup string                  `json:"no_group,omitempty"`
	Address string                  `json:"address,omitempty"` // the elastic address that it holds
}

// The ways to hold a machine.
const (
	byStop    = "stopped"
	byGroup   = "isolated"
	byAddress = "address"
)

// stopWithin is how long a stop may take when the file does not say.
const stopWithin = time.Minute

func (a *fence) within() time.Duration {
	if a.Within > 0 {
		return time.Duration(a.Within)
	}
	return stopWithin
}

// Prepare finds out what each way would need. That one of them is not open is no reason to refuse the others.
func (a *fence) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	if err != nil {
		return nil, a.unseen(err)
	}
	before := fenceBefore{State: i.State, Groups: i.SecurityGroups}
	before.Isolate, before.NoGroup = a.group(ctx, i)
	held, err := a.holds(ctx, i)
	if err != nil {
		return nil, err
	}
	before.Address = held
	if held != "" && call.MayTouch != nil {
		if err := call.MayTouch(runbook.Target{Kind: "address", ID: held, Region: a.Region}); err != nil {
			before.Address = "" // a drill takes no address that it may not touch
		}
	}
	return runbook.Keep(before)
}

// unseen says of a region that does not answer what no way of fencing can change.
func (a *fence) unseen(err error) error {
	if !isAny(err, providers.Unreachable, providers.Lost, providers.Server) {
		return err
	}
	f := runbook.AsFailure(err)
	f.Means = fmt.Sprintf("every way to fence %s goes through %s, which does not answer: it may be running and may come back to write", a.Instance, a.Region)
	f.Do = "retry when the region answers; until then make sure by other means that nobody writes there, or sign it away"
	return &f
}

// group is the isolating group by its id, or why there is none.
func (a *fence) group(ctx context.Context, i providers.Instance) (id, why string) {
	if a.Isolate == "" {
		return "", "no group is named (isolate)"
	}
	groups, err := a.w.Places.Groups(ctx, a.Region, i.VPC, []string{a.Isolate})
	switch {
	case err != nil:
		return "", reason(err)
	case len(groups) == 0:
		return "", fmt.Sprintf("there is no group %s in %s", a.Isolate, orQuestion(i.VPC))
	case len(groups) > 1:
		return "", fmt.Sprintf("%d groups are called %s: %s", len(groups), a.Isolate, groupWords(groups))
	case groups[0].In+groups[0].Out > 0:
		return "", fmt.Sprintf("%s does not isolate: it lets something in by %s, and out by %s", a.Isolate, plural(groups[0].In, "rule", "rules"), plural(groups[0].Out, "rule", "rules"))
	}
	return groups[0].ID, ""
}

// groupWords names groups with their networks.
func groupWords(groups []providers.Group) string {
	var names []string
	for _, g := range groups {
		names = append(names, fmt.Sprintf("%s (%s in %s)", g.ID, g.Name, g.VPC))
	}
	return strings.Join(names, ", ")
}

// holds is the elastic address that the machine holds, or "".
func (a *fence) holds(ctx context.Context, i providers.Instance) (string, error) {
	number := a.Address
	if number == "" {
		number = i.PublicAddress
	}
	if number == "" {
		return "", nil
	}
	held, err := a.w.Addresses.Address(ctx, a.Region, number)
	switch {
	case providers.Is(err, providers.NotFound): // lent, and gone with a stop
		return "", nil
	case err != nil:
		return "", err
	case held.Instance != i.ID:
		return "", nil
	}
	return number, nil
}

func (a *fence) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	return a.look(ctx, call, nil)
}

// look finds which of the three ways holds, the strongest first.
func (a *fence) look(ctx context.Context, call runbook.Call, tried []string) (runbook.Observation, error) {
	ctx, cancel := a.w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	var before fenceBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	i, err := a.w.readMachine(ctx, a.Region, a.Instance)
	if err != nil {
		return runbook.Observation{}, a.unseen(err)
	}
	how, says, err := a.w.held(ctx, a.Region, i)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case how != "":
		return a.done(how, "", says, tried), nil
	}
	if before.Address != "" {
		at, err := a.w.Addresses.Address(ctx, a.Region, before.Address)
		if err != nil {
			return runbook.Observation{}, err
		}
		if at.Instance != i.ID {
			says = fmt.Sprintf("%s is with %s: clients do not find %s there any more; it is %s still, and can write", before.Address, somebody(at.Instance), i.ID, i.State)
			return a.done(byAddress, before.Address, says, tried), nil
		}
	}
	if i.State == providers.InstanceStopping && !call.Since.IsZero() && a.w.clock.Now().Sub(call.Since) < a.within() {
		return seen(runbook.Pending, "%s is stopping%s", i.ID, a.w.took(call)), nil
	}
	return seen(runbook.Absent, "%s is %s and can write", i.ID, i.State), nil
}

// held says whether EC2 itself keeps the machine from writing: it is down, or none of its groups lets anything in or out.
// One that nobody reaches but that reaches out may serve all the same, through a tunnel or a queue.
func (w world) held(ctx context.Context, region string, i providers.Instance) (how, says string, err error) {
	switch i.State {
	case providers.InstanceStopped, providers.InstanceTerminated, providers.InstanceShuttingDown:
		return byStop, fmt.Sprintf("%s is %s in %s", i.ID, i.State, region), nil
	}
	if len(i.SecurityGroups) == 0 {
		return "", "", nil
	}
	groups, err := w.Places.Groups(ctx, region, i.VPC, i.SecurityGroups)
	if err != nil {
		return "", "", err
	}
	open := slices.ContainsFunc(groups, func(g providers.Group) bool { return g.In+g.Out > 0 })
	if len(groups) != len(i.SecurityGroups) || open {
		return "", "", nil
	}
	return byGroup, fmt.Sprintf("%s is isolated: of its groups (%s) none lets anything in or out; it is %s still, and what it had open may go on until it is idle", i.ID, groupWords(groups), i.State), nil
}

func (a *fence) done(how, address, says string, tried []string) runbook.Observation {
	if len(tried) > 0 {
		says += "; tried before: " + strings.Join(tried, "; ")
	}
	o := seen(runbook.Holds, "%s", says)
	o.Outputs = map[string]any{"instance": a.Instance, "how": how, "address": address}
	o.Changed = []runbook.Target{machineTarget(a.Region, a.Instance)}
	if address != "" {
		o.Changed = append(o.Changed, runbook.Target{Kind: "address", ID: address, Region: a.Region})
	}
	return o
}

// Apply goes through the ways until one holds. All of them look first, so it may be begun again after a crash.
func (a *fence) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before fenceBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	var tried []string
	verdict := runbook.Definitive
	for _, way := range []struct {
		name string
		try  func(context.Context, runbook.Call, fenceBefore) (time.Duration, error)
	}{{"stop", a.stop}, {"isolate", a.isolate}, {"address", a.takeAddress}} {
		if ctx.Err() != nil {
			break
		}
		o, err := a.look(ctx, call, tried)
		if err == nil && o.State == runbook.Holds {
			return o, nil
		}
		wait, err := way.try(ctx, call, before)
		if err == nil || a.happened(ctx, call, err) {
			if o, err = a.await(ctx, call, way.name, wait, tried); err == nil {
				return o, nil
			}
		}
		f := runbook.AsFailure(err)
		if f.Verdict == runbook.InDoubt {
			verdict = runbook.InDoubt
		}
		tried = append(tried, way.name+": "+reason(err))
		logf(call.Log, "%s: %v", way.name, err)
	}
	return runbook.Observation{}, &runbook.Failure{
		What:    fmt.Sprintf("%s is not fenced: %s", a.Instance, strings.Join(tried, "; ")),
		Means:   "it may be running, and writing",
		Do:      "retry; or fence it by hand, and answer by-hand; or go on without, in the knowledge that what it writes may be lost",
		Verdict: verdict,
	}
}

// happened says of a way whose answer was lost whether it took effect.
func (a *fence) happened(ctx context.Context, call runbook.Call, err error) bool {
	if runbook.AsFailure(err).Verdict != runbook.InDoubt {
		return false
	}
	o, err := a.look(ctx, call, nil)
	return err == nil && (o.State == runbook.Holds || o.State == runbook.Pending)
}

// await looks until the way that was taken holds, for so long at most.
func (a *fence) await(ctx context.Context, call runbook.Call, way string, limit time.Duration, tried []string) (runbook.Observation, error) {
	began, last := a.w.clock.Now(), ""
	for pause := 300 * time.Millisecond; ; pause = min(pause*3/2, 600*time.Millisecond) {
		o, err := a.look(ctx, call, tried)
		if err == nil && o.State == runbook.Holds {
			o.Evidence += fmt.Sprintf(" (%s, after %s)", way, a.w.clock.Now().Sub(began).Round(100*time.Millisecond))
			return o, nil
		}
		if last = o.Evidence; err != nil {
			last = reason(err)
		}
		passed := a.w.clock.Now().Sub(began)
		if passed >= limit {
			return o, runbook.Fail(fmt.Sprintf("%s, %s after it was accepted", last, passed.Round(time.Second)), "", "")
		}
		if call.Progress != nil {
			call.Progress(runbook.Progress{Text: way + ": " + last, Done: passed.Seconds(), Total: limit.Seconds(), Unit: "s"})
		}
		if err := runbook.Sleep(ctx, a.w.clock, pause); err != nil {
			return o, err
		}
	}
}

// stop asks EC2 to stop it, and says how long that may take.
// stop waits for a machine that starts: EC2 stops only what runs, and a machine that comes back is met just then.
func (a *fence) stop(ctx context.Context, _ runbook.Call, _ fenceBefore) (time.Duration, error) {
	for until := a.w.clock.Now().Add(a.within()); ; {
		err := a.stopNow(ctx)
		if !providers.Is(err, providers.NotReady) || !a.w.clock.Now().Before(until) {
			return a.within(), err
		}
		if runbook.Sleep(ctx, a.w.clock, time.Second) != nil {
			return a.within(), err
		}
	}
}

func (a *fence) stopNow(ctx context.Context) error {
	ctx, cancel := a.w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	return a.w.Power.Stop(ctx, a.Region, a.Instance, !a.Soft)
}

// shortly is how long what EC2 does at once may take to be read.
const shortly = 10 * time.Second

func (a *fence) isolate(ctx context.Context, _ runbook.Call, before fenceBefore) (time.Duration, error) {
	if before.Isolate == "" {
		return 0, runbook.Fail(before.NoGroup, "", "")
	}
	ctx, cancel := a.w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	return shortly, a.w.Power.Regroup(ctx, a.Region, a.Instance, []string{before.Isolate})
}

func (a *fence) takeAddress(ctx context.Context, _ runbook.Call, before fenceBefore) (time.Duration, error) {
	if before.Address == "" {
		return 0, runbook.Fail("it holds no elastic address that could be taken", "", "")
	}
	ctx, cancel := a.w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	return shortly, a.w.Addresses.Disassociate(ctx, a.Region, before.Address, a.Instance)
}
