package actions

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func dnsRecord(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "dns.record",
		Summary: "point a name somewhere else",
		New:     func() runbook.Probe { return &record{w: w} },
		Outputs: []runbook.Output{
			{Name: "name", Doc: "the name that was changed", Type: "string"},
			{Name: "value", Doc: "what it says now, separated by commas", Type: "string"},
			{Name: "was", Doc: "what it said before, separated by commas; empty when it said nothing", Type: "string"},
			{Name: "change", Doc: "Route 53's id of the change; empty when nothing had to be changed", Type: "string"},
			{Name: "ttl", Doc: "seconds for which caches keep what it says now", Type: "number"},
			{Name: "was_ttl", Doc: "seconds for which caches may keep what it said before; 0 when it said nothing else", Type: "number"},
		},
		Settle:  10 * time.Second,
		Budget:  5 * time.Second,
		Timeout: 5 * time.Minute,
	}
}

// record is done when Route 53 has accepted the change and reads it back: from there on it spreads by itself, and the
// run need not stand and wait. That every authoritative server has it is what dns.answers proves, beside the other
// steps. The change is a compare-and-swap: somebody else's change in between is never overwritten.
//
// With `spread` it stands and waits until Route 53 says that all its servers have the change. While Route 53's control
// plane is moved, changes may be stranded: one that stays PENDING, or that nobody knows any more, is submitted again once
// the record was read and is not the new one.
type record struct {
	Name  string `with:"name,required" doc:"DNS name, such as www.example.com"`
	Type  string `with:"type" default:"'A'" doc:"type of the record set"`
	Value Values `with:"value,required" doc:"what it shall say: one value or a list"`
	TTL   TTL    `with:"ttl" default:"estate.service.ttl" doc:"seconds, or a duration such as 5m"`
	Zone  string `with:"zone" default:"estate.service.zone" doc:"id of the hosted zone; found by name when it is empty"`
	// A change that is stranded is found only by who waits for it.
	Spread   bool             `with:"spread" doc:"wait until all of Route 53's servers have it, and submit it again when it was stranded"`
	Stranded runbook.Duration `with:"stranded" doc:"how long a change may be PENDING before it counts as stranded; 3m when left out"`

	w    world
	sent sent
}

// recordBefore is the record set that was there; Record is nil when there was none.
type recordBefore struct {
	Zone   string            `json:"zone"`
	Record *providers.Record `json:"record,omitempty"`
}

func (a *record) wanted() *providers.Record {
	ttl := time.Duration(a.TTL)
	if ttl == 0 {
		ttl = runbook.DefaultTTL
	}
	values := slices.Clone([]string(a.Value))
	slices.Sort(values)
	return &providers.Record{Name: strings.TrimSuffix(a.Name, "."), Type: strings.ToUpper(a.Type), TTL: ttl, Values: values}
}

func (a *record) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	zone, err := a.w.Records.Zone(ctx, a.Zone, a.Name)
	if err != nil {
		return nil, advise(err, providers.NotFound, "no hosted zone of this account holds %s: aws route53 list-hosted-zones", a.Name)
	}
	before := recordBefore{Zone: zone.ID}
	if before.Record, err = a.read(ctx, zone.ID); err != nil {
		return nil, err
	}
	if before.Record != nil && before.Record.Other != "" {
		return nil, runbook.Fail(
			fmt.Sprintf("%s %s is more than a plain record: %s", a.Name, a.Type, before.Record.Other),
			"replacing it would lose what lifeboat does not model; nothing was changed",
			"change it by hand where it is managed, or point the step at a plain record")
	}
	return runbook.Keep(before)
}

// read returns nil when there is no such record set.
func (a *record) read(ctx context.Context, zone string) (*providers.Record, error) {
	r, err := a.w.Records.Record(ctx, zone, strings.TrimSuffix(a.Name, "."), strings.ToUpper(a.Type))
	if providers.Is(err, providers.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &r, nil
}

func (a *record) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before recordBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if same(before.Record, a.wanted()) {
		return a.done(before, "it said so before", ""), nil
	}
	change, err := a.w.Records.Change(ctx, before.Zone, before.Record, a.wanted())
	if err != nil {
		return runbook.Observation{}, advise(err, providers.Conflict, "somebody changed %s since it was read (it was %s); look, and retry: the retry reads it anew", a.Name, describe(before.Record))
	}
	if a.Spread {
		a.sent.submitted(change, a.w.clock.Now())
	}
	now, err := a.read(ctx, before.Zone)
	if a.Spread || err != nil || !same(now, a.wanted()) {
		return seen(runbook.Pending, "Route 53 has accepted %s (change %s), which is on its way", describe(a.wanted()), change), nil
	}
	return a.done(before, "set in Route 53, was "+describe(before.Record), change), nil
}

func (a *record) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before recordBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if before.Zone == "" {
		zone, err := a.w.Records.Zone(ctx, a.Zone, a.Name)
		if err != nil {
			return runbook.Observation{}, err
		}
		before.Zone = zone.ID
	}
	now, err := a.read(ctx, before.Zone)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case same(now, a.wanted()) && a.Spread && !same(before.Record, a.wanted()):
		return a.spreading(ctx, call, before)
	case same(now, a.wanted()):
		return a.done(before, a.spread(ctx), ""), nil
	case same(now, before.Record):
		return a.stranded(ctx, now)
	}
	return seen(runbook.Unsure, "%s %s is %s: neither what it was (%s) nor what is wanted (%s); somebody else has changed it", a.Name, a.Type, describe(now), describe(before.Record), describe(a.wanted())), nil
}

// spread says how many authoritative servers have the record, where they can be asked; it is evidence, not a condition.
func (a *record) spread(ctx context.Context) string {
	ctx, cancel := a.w.clock.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	servers, err := a.w.Names.Servers(ctx, a.Name)
	if err != nil || len(servers) == 0 {
		return "set in Route 53"
	}
	return "set in Route 53, on " + ask(ctx, a.w.Names, servers, a.Name, a.Type, a.wanted().Values).count()
}

func (a *record) done(before recordBefore, how, change string) runbook.Observation {
	want := a.wanted()
	o := seen(runbook.Holds, "%s: %s", describe(want), how)
	was := ""
	if before.Record != nil {
		was = strings.Join(before.Record.Values, ",")
	}
	o.Outputs = map[string]any{
		"name": want.Name, "was": was, "value": strings.Join(want.Values, ","), "change": change,
		"ttl": int(want.TTL.Seconds()), "was_ttl": staleFor(before.Record, want),
	}
	return o
}

// staleFor is for how many seconds caches may still give another answer than the one that is wanted.
func staleFor(was, want *providers.Record) int {
	if was == nil || slices.Equal(was.Values, want.Values) {
		return 0
	}
	return int(was.TTL.Seconds())
}

// Undo swaps the record back as long as it is as this step left it.
func (a *record) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before recordBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	now, err := a.read(ctx, before.Zone)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case same(now, before.Record):
		return seen(runbook.Holds, "%s %s is %s, as before", a.Name, a.Type, describe(now)), nil
	case !same(now, a.wanted()):
		return runbook.Observation{}, runbook.Fail(
			fmt.Sprintf("%s %s is %s, not as this step left it", a.Name, a.Type, describe(now)),
			"somebody else has changed it; it was left alone",
			"decide by hand; before this step it was "+describe(before.Record))
	}
	if _, err := a.w.Records.Change(ctx, before.Zone, now, before.Record); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Holds, "%s %s is %s again", a.Name, a.Type, describe(before.Record)), nil
}

func same(a, b *providers.Record) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.TTL == b.TTL && a.Other == b.Other && slices.Equal(a.Values, b.Values)
}

func describe(r *providers.Record) string {
	if r == nil {
		return "no record"
	}
	return fmt.Sprintf("%s = %s, TTL %d", r.Type, strings.Join(r.Values, ", "), int(r.TTL.Seconds()))
}

// Targets names the zone as the step does, and not as it was found: what a drill may change is written down, never
// looked up.
func (a *record) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{providers.RecordTarget(a.Zone, a.Name, a.Type)}
}

// tooLong is a finding: caches keep the record for longer than that.
type tooLong struct {
	Name, Type string
	Most       time.Duration
}

// Check reads the zone and the record, and compares the TTL: what caches keep today decides how long a failover takes.
func (a *record) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("record %s %s can be changed", a.Name, a.Type)
	if c, open := notYet(what, a.Name, a.Zone); open {
		return []runbook.Check{c}
	}
	before, err := a.Prepare(ctx, call)
	var b recordBefore
	if err == nil {
		err = runbook.Recall(before, &b)
	}
	if err != nil {
		return []runbook.Check{lookFailed(what, err)}
	}
	const source = "route53:ListResourceRecordSets"
	checks := []runbook.Check{well(what, source, "now %s, in zone %s", describe(b.Record), b.Zone)}
	if want := a.wanted().TTL; b.Record != nil {
		ttl := fmt.Sprintf("caches keep %s for at most %d s", a.Name, int(want.Seconds()))
		if b.Record.TTL > want {
			c := notWell(ttl, source, "lower the record's TTL now, or correct service.ttl in the estate",
				"TTL %d: clients keep the old answer so long", int(b.Record.TTL.Seconds()))
			c.About = tooLong{Name: a.Name, Type: a.Type, Most: want}
			checks = append(checks, c)
		} else {
			checks = append(checks, well(ttl, source, "TTL %d", int(b.Record.TTL.Seconds())))
		}
	}
	return append(checks, unknowable("Route 53's control plane takes changes", "only a change proves it"))
}

// Depends is the control plane: name servers go on answering without it.
func (a *record) Depends() []runbook.Dependency {
	return []runbook.Dependency{{
		Plane: "Route 53's control plane", Region: "us-east-1",
		Without: "no record can be changed; name servers go on giving the answer that they have",
	}}
}

func (a *record) Permissions() []string {
	p := []string{"route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets"}
	if a.Spread {
		p = append(p, "route53:GetChange")
	}
	if a.Zone == "" {
		p = append(p, "route53:ListHostedZonesByName")
	}
	return p
}

// ByHand swaps as the step does: the DELETE fails when the record is not what it was.
func (a *record) ByHand(call runbook.Call) []string {
	var before recordBefore
	zone := a.Zone
	changes := []map[string]any{{"Action": "UPSERT", "ResourceRecordSet": wire(a.wanted())}}
	if runbook.Recall(call.Before, &before) == nil && before.Zone != "" {
		zone = before.Zone
		changes[0]["Action"] = "CREATE"
		if before.Record != nil {
			changes = slices.Insert(changes, 0, map[string]any{"Action": "DELETE", "ResourceRecordSet": wire(before.Record)})
		}
	}
	batch, err := json.Marshal(map[string]any{"Changes": changes})
	if err != nil {
		return nil
	}
	lines := []string{line(words("aws", "route53", "change-resource-record-sets", "--hosted-zone-id", orQuestion(zone), "--change-batch", string(batch)))}
	if a.Spread {
		lines = append(lines, line(words("aws", "route53", "get-change", "--id", orQuestion(a.sent.change))))
	}
	return lines
}

// wire is a record set as the AWS CLI takes it.
func wire(r *providers.Record) map[string]any {
	values := []map[string]string{}
	for _, v := range r.Values {
		values = append(values, map[string]string{"Value": v})
	}
	return map[string]any{"Name": r.Name, "Type": r.Type, "TTL": int(r.TTL.Seconds()), "ResourceRecords": values}
}

// Values is one value or a list of them.
type Values []string

// FromValue reads text, or a list of text.
func (v *Values) FromValue(x any) error {
	switch x := x.(type) {
	case string:
		if x == "" {
			return fmt.Errorf("the value is empty")
		}
		*v = Values{x}
		return nil
	case []string:
		*v = slices.Clone(x)
	case []any:
		out := Values{}
		for _, e := range x {
			s, ok := e.(string)
			if !ok || s == "" {
				return fmt.Errorf("%v is not text", e)
			}
			out = append(out, s)
		}
		*v = out
	default:
		return fmt.Errorf("%v is neither text nor a list of text", x)
	}
	if len(*v) == 0 {
		return fmt.Errorf("the list is empty")
	}
	return nil
}

// TTL is a time to live: whole seconds, as DNS people write it, or a duration as the rest of the file has it.
type TTL time.Duration

// FromValue reads seconds or a duration. Nothing at all is 0, which stands for the default.
func (d *TTL) FromValue(x any) error {
	var out time.Duration
	switch x := x.(type) {
	case nil:
	case time.Duration:
		out = x
	case runbook.Duration:
		out = time.Duration(x)
	case string:
		if x == "" {
			break
		}
		if n, err := strconv.Atoi(x); err == nil {
			out = time.Duration(n) * time.Second
			break
		}
		var err error
		if out, err = time.ParseDuration(x); err != nil {
			return fmt.Errorf("%q is neither seconds nor a duration such as 5m", x)
		}
	default:
		n, err := providers.Whole(x)
		if err != nil {
			return fmt.Errorf("%v is neither seconds nor a duration such as 5m", x)
		}
		out = time.Duration(n) * time.Second
	}
	if out < 0 || out > 7*24*time.Hour || out%time.Second != 0 {
		return fmt.Errorf("%v is no TTL: whole seconds, at most a week", out)
	}
	*d = TTL(out)
	return nil
}
