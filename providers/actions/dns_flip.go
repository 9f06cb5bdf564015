package actions

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func dnsFlip(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "dns.flip",
		Summary: "switch failover records by the object that their health check reads",
		New:     func() runbook.Probe { return &flip{w: w} },
		Outputs: []runbook.Output{
			{Name: "name", Doc: "the name that was switched", Type: "string"},
			{Name: "value", Doc: "what its name servers answer now, separated by commas", Type: "string"},
			{Name: "object", Doc: "the object, as BUCKET/KEY", Type: "string"},
		},
		Settle:  10 * time.Second,
		Budget:  45 * time.Second,
		Timeout: 5 * time.Minute,
	}
}

// flip edits no record. Failover records and a health check on an object were made beforehand; the object comes (or goes),
// the health checkers see it, and the name servers answer with the other record. S3 in the standby's region, the health
// checkers and the name servers do all of it: Route 53's control plane has no part.
type flip struct {
	Bucket  string   `with:"bucket" default:"estate.service.flip.bucket" doc:"bucket that the health check reads"`
	Key     string   `with:"key" default:"estate.service.flip.key" doc:"key of the object"`
	Region  string   `with:"region" default:"estate.service.flip.region == '' ? estate.standby.region : estate.service.flip.region" doc:"region of the bucket; the standby's when left out"`
	Absent  bool     `with:"absent" default:"estate.service.flip.absent" doc:"the records switch when the object goes"`
	Back    bool     `with:"back" doc:"switch back: the opposite of what switches over"`
	Body    string   `with:"body" doc:"what to put into the object, where the health check looks for a text"`
	Name    string   `with:"name,required" doc:"DNS name of the failover records"`
	Type    string   `with:"type" default:"'A'" doc:"type of the record sets"`
	Value   Values   `with:"value,required" doc:"what every authoritative server shall answer afterwards: one value or a list"`
	Zone    string   `with:"zone" default:"estate.service.zone" doc:"id of the hosted zone; for readiness and the drill fence"`
	Servers []string `with:"servers" default:"estate.service.servers" doc:"name servers as host:port; found in the DNS when left out"`

	w world
}

// flipBefore is the object as it was.
type flipBefore struct {
	There bool   `json:"there"`
	Body  []byte `json:"body,omitempty"`
}

const mostObject = 64 << 10

func (a *flip) object() string { return "s3://" + a.Bucket + "/" + a.Key }

// wantsIt says whether the object shall be there.
func (a *flip) wantsIt() bool { return a.Absent == a.Back }

func (a *flip) read(ctx context.Context) (flipBefore, error) {
	body, err := a.w.Objects.Get(ctx, a.Region, a.Bucket, a.Key)
	switch {
	case providers.Is(err, providers.NotFound) && !noBucket(err):
		return flipBefore{}, nil
	case err != nil:
		return flipBefore{}, advise(err, providers.Denied, "allow s3:GetObject on %s, and s3:ListBucket on %s: without that S3 says AccessDenied of an object that is not there", a.object(), a.Bucket)
	}
	return flipBefore{There: true, Body: body}, nil
}

// noBucket tells a bucket that is missing, which is a mistake in the files, from an object that is.
func noBucket(err error) bool { return strings.Contains(err.Error(), "NoSuchBucket") }

func (a *flip) Prepare(ctx context.Context, _ runbook.Call) (runbook.Before, error) {
	if a.Bucket == "" || a.Key == "" {
		return nil, runbook.Fail("no object is named", "nothing was changed",
			"write service.flip in the estate (bucket, region, key), or bucket and key at the step")
	}
	before, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	if len(before.Body) >= mostObject {
		return nil, runbook.Fail(
			fmt.Sprintf("%s is %d bytes or more", a.object(), mostObject), "it could not be put back; nothing was changed", "name the object that the health check reads")
	}
	return runbook.Keep(before)
}

// body is what the object says: who put it there, for whoever finds it.
func (a *flip) body(call runbook.Call) []byte {
	if a.Body != "" {
		return []byte(a.Body)
	}
	return fmt.Appendf(nil, "lifeboat: run %s, step %s, key %s\n", call.Run, call.Step, call.Key)
}

// asWanted says whether the object is as the step leaves it: what is in it counts where the step says what that shall be.
func (a *flip) asWanted(now flipBefore) bool {
	return now.There == a.wantsIt() && (!now.There || a.Body == "" || string(now.Body) == a.Body)
}

func (b flipBefore) same(o flipBefore) bool { return b.There == o.There && bytes.Equal(b.Body, o.Body) }

func (b flipBefore) String() string {
	if !b.There {
		return "not there"
	}
	return fmt.Sprintf("there (%d bytes)", len(b.Body))
}

func (a *flip) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before flipBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	now, err := a.read(ctx)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case a.asWanted(now):
		return a.spreading(ctx, call, now)
	case now.same(before) || len(call.Before) == 0:
		return seen(runbook.Absent, "%s is %s, as before", a.object(), now), nil
	}
	return seen(runbook.Unsure, "%s is %s: neither as it was (%s) nor as it is wanted; somebody else has changed it", a.object(), now, before), nil
}

// spreading is what is seen once the object is as wanted: it holds when every name server answers so.
func (a *flip) spreading(ctx context.Context, call runbook.Call, now flipBefore) (runbook.Observation, error) {
	o, err := (&answers{Name: a.Name, Type: a.Type, Value: a.Value, Servers: a.Servers, w: a.w}).Observe(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	o.Evidence = fmt.Sprintf("%s is %s; %s", a.object(), now, o.Evidence)
	if o.State == runbook.Pending && call.Progress != nil {
		call.Progress(runbook.Progress{Text: o.Evidence + "; the health checkers look every 10 or 30 s"})
	}
	if o.State == runbook.Holds {
		values := slices.Sorted(slices.Values([]string(a.Value)))
		o.Outputs = map[string]any{"name": strings.TrimSuffix(a.Name, "."), "value": strings.Join(values, ","), "object": a.Bucket + "/" + a.Key}
		o.Changed = []runbook.Target{providers.ObjectTarget(a.Region, a.Bucket, a.Key)}
	}
	return o, nil
}

// Apply reads once more: S3 has no compare-and-swap that every bucket knows, so what somebody else did since Prepare is at
// least seen.
func (a *flip) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before flipBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	now, err := a.read(ctx)
	switch {
	case err != nil:
		return runbook.Observation{}, unsent(err)
	case a.asWanted(now):
		return a.accepted(now), nil
	case !now.same(before):
		return runbook.Observation{}, runbook.Fail(
			fmt.Sprintf("%s is %s, and was %s when it was read", a.object(), now, before), "somebody else has changed it; it was left alone", "look, and retry: the retry reads it anew")
	}
	if a.wantsIt() {
		err = a.w.Objects.Put(ctx, a.Region, a.Bucket, a.Key, a.body(call))
	} else {
		err = a.w.Objects.Delete(ctx, a.Region, a.Bucket, a.Key)
	}
	if err != nil {
		return runbook.Observation{}, err
	}
	return a.accepted(flipBefore{There: a.wantsIt(), Body: a.body(call)}), nil
}

func (a *flip) accepted(now flipBefore) runbook.Observation {
	return seen(runbook.Pending, "%s is %s; the health checkers and the name servers follow", a.object(), now)
}

// Undo puts the object back as it was, as long as it is as this step left it. The name servers follow by themselves.
func (a *flip) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before flipBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	now, err := a.read(ctx)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case now.same(before):
		return seen(runbook.Holds, "%s is %s, as before", a.object(), now), nil
	case now.There != a.wantsIt() || now.There && !bytes.Equal(now.Body, a.body(call)):
		return runbook.Observation{}, runbook.Fail(
			fmt.Sprintf("%s is %s, not as this step left it", a.object(), now), "somebody else has changed it; it was left alone",
			"decide by hand; before this step it was "+before.String())
	}
	if before.There {
		err = a.w.Objects.Put(ctx, a.Region, a.Bucket, a.Key, before.Body)
	} else {
		err = a.w.Objects.Delete(ctx, a.Region, a.Bucket, a.Key)
	}
	if err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Holds, "%s is as it was, %s; the name servers follow", a.object(), before), nil
}

// Targets are the object, and the records that it switches: a drill must not move production's name by its health check.
func (a *flip) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{providers.ObjectTarget(a.Region, a.Bucket, a.Key), providers.RecordTarget(a.Zone, a.Name, a.Type)}
}

// Check reads the object and, while there is a control plane to ask, whether the records are wired: a flip that no health
// check reads would do nothing, and nobody would know before the night.
func (a *flip) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("%s can be read", a.object())
	if c, open := notYet(what, a.Bucket, a.Key, a.Region); open {
		return []runbook.Check{c}
	}
	kept, err := a.Prepare(ctx, call)
	var before flipBefore
	if err == nil {
		err = runbook.Recall(kept, &before)
	}
	if err != nil {
		return []runbook.Check{lookFailed(what, err)}
	}
	object := well(what, "s3:GetObject", "%s", before)
	if a.asWanted(before) {
		object = notWell(what, "s3:GetObject", "put it back, or see whether the service has been switched already", "%s: it is switched already", before)
	}
	return []runbook.Check{
		object, a.checkWired(ctx), unknowable(a.object()+" can be written", "only a write proves it"),
		unknowable("the health check reads it", "nothing here asks the health check; a drill proves it"),
	}
}

func (a *flip) checkWired(ctx context.Context) runbook.Check {
	what := fmt.Sprintf("%s %s has failover records", a.Name, a.Type)
	if c, open := notYet(what, a.Name, a.Zone); open {
		return c
	}
	const source = "route53:ListResourceRecordSets"
	zone, err := a.w.Records.Zone(ctx, a.Zone, a.Name)
	if err != nil {
		return lookFailed(what, err)
	}
	r, err := a.w.Records.Record(ctx, zone.ID, strings.TrimSuffix(a.Name, "."), strings.ToUpper(a.Type))
	switch {
	case err != nil:
		return lookFailed(what, err)
	case !strings.Contains(r.Other, "failover"):
		return notWell(what, source, "make a primary and a secondary failover record, with a health check on the object", "it is %s: the object switches nothing", orPlain(r.Other))
	}
	return well(what, source, "%s = %s, %s", r.Type, strings.Join(r.Values, ", "), r.Other)
}

func orPlain(other string) string {
	if other == "" {
		return "a plain record"
	}
	return other
}

// Depends is the bucket's region, and the part of Route 53 that goes on without its control plane.
func (a *flip) Depends() []runbook.Dependency {
	return []runbook.Dependency{
		{Region: a.Region, Without: "the object cannot be put, and the records stay as they are"},
		{Plane: "Route 53's health checkers and name servers", Without: "the name does not switch; they stand in many regions"},
	}
}

// Permissions name s3:ListBucket, which is no call: without it S3 says AccessDenied of an object that is not there. Those
// of Route 53 are for readiness alone.
func (a *flip) Permissions() []string {
	p := []string{"s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject", "route53:GetHostedZone", "route53:ListResourceRecordSets"}
	if a.Zone == "" {
		p = append(p, "route53:ListHostedZonesByName")
	}
	return p
}

func (a *flip) ByHand(call runbook.Call) []string {
	object := "s3://" + orQuestion(a.Bucket) + "/" + orQuestion(a.Key)
	lines := []string{line(words("aws", "s3", "rm", "--region", orQuestion(a.Region), object))}
	if a.wantsIt() {
		lines = []string{line(words("printf", "%s", string(bytes.TrimSpace(a.body(call))))) + " | " + line(words("aws", "s3", "cp", "--region", orQuestion(a.Region), "-", object))}
	}
	return append(lines, (&answers{Name: a.Name, Type: a.Type, Servers: a.Servers, w: a.w}).ByHand(call)...)
}
