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

func dnsTTL(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "dns.ttl",
		Summary: "lower the TTL of a record, or raise it again",
		New:     func() runbook.Probe { return &timeToLive{w: w} },
		Outputs: []runbook.Output{
			{Name: "ttl", Doc: "seconds that the record has now", Type: "number"},
			{Name: "was_ttl", Doc: "seconds that it had before: what a later step with `restore: true` sets", Type: "number"},
			{Name: "counts_from", Doc: "from when on it counts for everybody, as RFC 3339 has it", Type: "string"},
			{Name: "change", Doc: "Route 53's id of the change; empty when nothing had to be changed", Type: "string"},
		},
		Settle:  10 * time.Second,
		Budget:  5 * time.Second,
		Timeout: 2 * time.Minute,
	}
}

// timeToLive keeps what the record says and changes for how long caches may say it. A lower TTL counts for everybody only
// once the old one has run out in every cache, so it is lowered before a planned switch and not at it.
type timeToLive struct {
	Name    string `with:"name,required" doc:"DNS name, such as www.example.com"`
	Type    string `with:"type" default:"'A'" doc:"type of the record set"`
	TTL     TTL    `with:"ttl,required" doc:"seconds, or a duration such as 1m"`
	Restore bool   `with:"restore" doc:"raise it as well: without this a TTL that is lower already stays"`
	Zone    string `with:"zone" default:"estate.service.zone" doc:"id of the hosted zone; found by name when it is empty"`

	w world
}

// record is the step that reads and swaps the record set.
func (a *timeToLive) record() *record {
	return &record{Name: a.Name, Type: a.Type, Zone: a.Zone, w: a.w}
}

func (a *timeToLive) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	kept, err := a.record().Prepare(ctx, call)
	if err != nil {
		return nil, err
	}
	var before recordBefore
	if err := runbook.Recall(kept, &before); err != nil {
		return nil, err
	}
	if before.Record == nil {
		return nil, runbook.Fail(fmt.Sprintf("there is no record %s %s", a.Name, a.Type), "nothing was changed", "check the name, the type and the zone")
	}
	return kept, nil
}

// wanted is the record with the other TTL; the same record where nothing has to be changed.
func (a *timeToLive) wanted(was *providers.Record) *providers.Record {
	out := *was
	if ttl := time.Duration(a.TTL); a.Restore || out.TTL > ttl {
		out.TTL = ttl
	}
	return &out
}

func (a *timeToLive) recall(ctx context.Context, call runbook.Call) (before recordBefore, now *providers.Record, err error) {
	if err = runbook.Recall(call.Before, &before); err != nil {
		return before, nil, err
	}
	if before.Record == nil { // nothing was journaled: the question is asked of a record that nobody has read
		var kept runbook.Before
		if kept, err = a.Prepare(ctx, call); err != nil {
			return before, nil, err
		}
		if err = runbook.Recall(kept, &before); err != nil {
			return before, nil, err
		}
	}
	now, err = a.record().read(ctx, before.Zone)
	return before, now, err
}

func (a *timeToLive) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	before, now, err := a.recall(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	want := a.wanted(before.Record)
	switch {
	case same(now, want):
		return a.done(call, before, now, ""), nil
	case same(now, before.Record):
		return seen(runbook.Absent, "%s %s has its TTL of before: %s", a.Name, a.Type, describe(now)), nil
	case now != nil && now.Other == "" && now.TTL == want.TTL:
		return a.done(call, before, now, ""), nil // its values are another's business
	}
	return seen(runbook.Unsure, "%s %s is %s: neither what it was (%s) nor what is wanted (%s); somebody else has changed it", a.Name, a.Type, describe(now), describe(before.Record), describe(want)), nil
}

func (a *timeToLive) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before recordBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if before.Record == nil {
		return runbook.Observation{}, runbook.Fail("nobody has read the record", "nothing was changed", "")
	}
	want := a.wanted(before.Record)
	if same(before.Record, want) {
		return a.done(call, before, want, ""), nil
	}
	change, err := a.w.Records.Change(ctx, before.Zone, before.Record, want)
	if err != nil {
		return runbook.Observation{}, advise(err, providers.Conflict, "somebody changed %s since it was read (it was %s); look, and retry: the retry reads it anew", a.Name, describe(before.Record))
	}
	return a.done(call, before, want, change), nil
}

// done says from when on the TTL counts: caches that asked a moment before the change keep the answer, and its old TTL, for
// all of that.
func (a *timeToLive) done(call runbook.Call, before recordBefore, now *providers.Record, change string) runbook.Observation {
	at := call.Since
	if at.IsZero() {
		at = a.w.clock.Now()
	}
	was, ttl := before.Record.TTL, now.TTL
	o := seen(runbook.Holds, "%s, as it was", describe(now))
	if was != ttl {
		at = at.Add(was)
		o = seen(runbook.Holds, "%s, was %d: counts for everybody from %s on, when the old TTL has run out in the last cache", describe(now), int(was.Seconds()), at.UTC().Format("15:04:05 MST"))
	}
	o.Outputs = map[string]any{
		"ttl": int(ttl.Seconds()), "was_ttl": int(was.Seconds()), "counts_from": at.UTC().Format(time.RFC3339), "change": change,
	}
	return o
}

// Settles that the record's TTL is longer.
func (a *timeToLive) Settles(about any) bool {
	l, ok := about.(tooLong)
	return ok && sameName(l.Name, a.Name) && strings.EqualFold(l.Type, a.Type) && time.Duration(a.TTL) <= l.Most
}

func sameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

// Undo gives the record its old TTL back, as long as it has the one of this step. What it says by now it goes on saying.
func (a *timeToLive) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	before, now, err := a.recall(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	switch {
	case now != nil && now.TTL == before.Record.TTL:
		return seen(runbook.Holds, "%s %s is %s, the TTL of before", a.Name, a.Type, describe(now)), nil
	case now == nil || now.Other != "" || now.TTL != a.wanted(before.Record).TTL:
		return runbook.Observation{}, runbook.Fail(
			fmt.Sprintf("%s %s is %s, not as this step left it", a.Name, a.Type, describe(now)),
			"somebody else has changed it; it was left alone",
			fmt.Sprintf("decide by hand; before this step its TTL was %d", int(before.Record.TTL.Seconds())))
	}
	back := *now
	back.TTL = before.Record.TTL
	if _, err := a.w.Records.Change(ctx, before.Zone, now, &back); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Holds, "%s %s is %s again", a.Name, a.Type, describe(&back)), nil
}

func (a *timeToLive) Targets(call runbook.Call) []runbook.Target { return a.record().Targets(call) }

func (a *timeToLive) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("the TTL of %s %s can be changed", a.Name, a.Type)
	if c, open := notYet(what, a.Name, a.Zone); open {
		return []runbook.Check{c}
	}
	kept, err := a.Prepare(ctx, call)
	var before recordBefore
	if err == nil {
		err = runbook.Recall(kept, &before)
	}
	if err != nil {
		return []runbook.Check{lookFailed(what, err)}
	}
	return []runbook.Check{
		well(what, "route53:ListResourceRecordSets", "now %s", describe(before.Record)),
		unknowable("Route 53's control plane takes changes", "only a change proves it"),
	}
}

// Depends is the control plane.
func (a *timeToLive) Depends() []runbook.Dependency { return a.record().Depends() }

func (a *timeToLive) Permissions() []string { return a.record().Permissions() }

func (a *timeToLive) ByHand(call runbook.Call) []string {
	var before recordBefore
	if runbook.Recall(call.Before, &before) != nil || before.Record == nil {
		return []string{
			line(words("aws", "route53", "list-resource-record-sets", "--hosted-zone-id", orQuestion(a.Zone), "--start-record-name", strings.TrimSuffix(a.Name, "."), "--start-record-type", a.Type, "--max-items", "1")),
			fmt.Sprintf("# then the same record with TTL %d, by change-resource-record-sets", int(time.Duration(a.TTL).Seconds())),
		}
	}
	want := a.wanted(before.Record)
	by := record{Name: a.Name, Type: a.Type, Zone: a.Zone, Value: slices.Clone(want.Values), TTL: TTL(want.TTL), w: a.w}
	return by.ByHand(call)
}
