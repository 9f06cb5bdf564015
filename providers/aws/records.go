package aws

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"lifeboat/providers"
)

// Zone finds a zone by its id (route53:GetHostedZone), or the one with the longest name that holds name
// (route53:ListHostedZonesByName). A public zone goes before a private one: clients on the Internet see no other. Two
// that are equally right are Conflict.
func (c *Cloud) Zone(ctx context.Context, zone, name string) (providers.Zone, error) {
	if zone != "" {
		return c.zoneByID(ctx, zone, name)
	}
	o := op{name: "route53:ListHostedZonesByName"}
	labels := strings.Split(bare(name), ".")
	private := ""
	for i := range labels {
		suffix := strings.Join(labels[i:], ".")
		public, hidden, err := c.zonesNamed(ctx, suffix)
		if err != nil {
			return providers.Zone{}, err
		}
		if len(public) > 1 || len(public) == 0 && private == "" && len(hidden) > 1 {
			e := providers.Errorf(providers.Conflict, o.name, "", "several hosted zones are named %q: %s", suffix, strings.Join(append(public, hidden...), ", "))
			e.Do = "name the right one by its id in the estate: service.zone"
			return providers.Zone{}, e
		}
		if len(public) == 1 {
			return c.zoneByID(ctx, public[0], name)
		}
		if private == "" && len(hidden) == 1 {
			private = hidden[0]
		}
	}
	if private != "" {
		return c.zoneByID(ctx, private, name)
	}
	return providers.Zone{}, providers.Errorf(providers.NotFound, o.name, "", "no hosted zone of this account holds %q", name)
}

func (c *Cloud) zoneByID(ctx context.Context, id, name string) (providers.Zone, error) {
	o := op{name: "route53:GetHostedZone"}
	api, err := c.route53(ctx)
	if err != nil {
		return providers.Zone{}, err
	}
	o.region = api.region
	out, err := do(ctx, c, api.session, o, api.getHostedZone, &route53.GetHostedZoneInput{Id: sdk.String(id)})
	if err != nil {
		return providers.Zone{}, err
	}
	z := providers.Zone{ID: zoneID(sdk.ToString(out.HostedZone.Id)), Name: bare(sdk.ToString(out.HostedZone.Name))}
	if out.HostedZone.Config != nil {
		z.Private = out.HostedZone.Config.PrivateZone
	}
	if out.DelegationSet != nil && !z.Private {
		z.Servers = out.DelegationSet.NameServers
	}
	if name != "" && bare(name) != z.Name && !strings.HasSuffix(bare(name), "."+z.Name) {
		return providers.Zone{}, providers.Errorf(providers.Mismatch, o.name, "", "hosted zone %s is %q and cannot hold %q", z.ID, z.Name, name)
	}
	return z, nil
}

// zonesNamed returns the ids of the zones that bear exactly that name.
func (c *Cloud) zonesNamed(ctx context.Context, name string) (public, private []string, err error) {
	o := op{name: "route53:ListHostedZonesByName"}
	api, err := c.route53(ctx)
	if err != nil {
		return nil, nil, err
	}
	o.region = api.region
	in := &route53.ListHostedZonesByNameInput{DNSName: sdk.String(name + ".")}
	for {
		out, err := do(ctx, c, api.session, o, api.listHostedZonesByName, in)
		if err != nil {
			return nil, nil, err
		}
		for _, z := range out.HostedZones {
			switch {
			case bare(sdk.ToString(z.Name)) != name:
				return public, private, nil // the list goes on with other names
			case z.Config != nil && z.Config.PrivateZone:
				private = append(private, zoneID(sdk.ToString(z.Id)))
			default:
				public = append(public, zoneID(sdk.ToString(z.Id)))
			}
		}
		if !out.IsTruncated || len(out.HostedZones) == 0 {
			return public, private, nil
		}
		in.DNSName, in.HostedZoneId = out.NextDNSName, out.NextHostedZoneId
	}
}

// Record is route53:ListResourceRecordSets, from the record on.
func (c *Cloud) Record(ctx context.Context, zone, name, kind string) (providers.Record, error) {
	o := op{name: "route53:ListResourceRecordSets"}
	api, err := c.route53(ctx)
	if err != nil {
		return providers.Record{}, err
	}
	o.region = api.region
	out, err := do(ctx, c, api.session, o, api.listRecords, &route53.ListResourceRecordSetsInput{
		HostedZoneId: sdk.String(zone), StartRecordName: sdk.String(bare(name) + "."), StartRecordType: types.RRType(kind),
		MaxItems: sdk.Int32(2),
	})
	if err != nil {
		return providers.Record{}, err
	}
	for _, set := range out.ResourceRecordSets {
		if bare(sdk.ToString(set.Name)) == bare(name) && string(set.Type) == kind {
			return record(set), nil
		}
	}
	return providers.Record{}, providers.Errorf(providers.NotFound, o.name, "", "zone %s has no record %s %s", zone, name, kind)
}

func record(set types.ResourceRecordSet) providers.Record {
	r := providers.Record{
		Name: bare(sdk.ToString(set.Name)), Type: string(set.Type), TTL: time.Duration(sdk.ToInt64(set.TTL)) * time.Second,
		Other: otherThanSimple(set),
	}
	for _, v := range set.ResourceRecords {
		r.Values = append(r.Values, sdk.ToString(v.Value))
	}
	slices.Sort(r.Values)
	return r
}

// otherThanSimple says what the set has that a DELETE and a CREATE of its values would lose.
func otherThanSimple(set types.ResourceRecordSet) string {
	switch {
	case set.AliasTarget != nil:
		return "an alias of " + bare(sdk.ToString(set.AliasTarget.DNSName))
	case set.Weight != nil:
		return "one of several weighted records"
	case set.Failover != "":
		return "a failover record (" + strings.ToLower(string(set.Failover)) + ")"
	case set.Region != "":
		return "one of several latency records"
	case set.GeoLocation != nil, set.GeoProximityLocation != nil:
		return "one of several records by location"
	case set.CidrRoutingConfig != nil:
		return "one of several records by network"
	case sdk.ToBool(set.MultiValueAnswer):
		return "one of several multivalue records"
	case sdk.ToString(set.SetIdentifier) != "":
		return "one of several records under a routing policy"
	case sdk.ToString(set.HealthCheckId) != "":
		return "a record with a health check"
	case sdk.ToString(set.TrafficPolicyInstanceId) != "":
		return "made by a traffic policy"
	default:
		return ""
	}
}

// Change is route53:ChangeResourceRecordSets: DELETE of exactly old and CREATE of new in one batch, which Route 53 does
// both or not at all, and refuses when the record is not exactly old.
func (c *Cloud) Change(ctx context.Context, zone string, old, new *providers.Record) (string, error) {
	o := op{name: "route53:ChangeResourceRecordSets", changes: true}
	if old == nil && new == nil {
		return "", providers.Errorf(providers.Invalid, o.name, "", "neither an old nor a new record")
	}
	var changes []types.Change
	for _, x := range []struct {
		action types.ChangeAction
		record *providers.Record
	}{{types.ChangeActionDelete, old}, {types.ChangeActionCreate, new}} {
		if x.record == nil {
			continue
		}
		if x.record.Other != "" {
			return "", providers.Errorf(providers.Invalid, o.name, "", "%s %s is %s, which is not replaced", x.record.Name, x.record.Type, x.record.Other)
		}
		changes = append(changes, types.Change{Action: x.action, ResourceRecordSet: toSet(*x.record)})
	}
	api, err := c.route53(ctx)
	if err != nil {
		return "", err
	}
	o.region = api.region
	out, err := do(ctx, c, api.session, o, api.changeRecords, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: sdk.String(zone), ChangeBatch: &types.ChangeBatch{Changes: changes},
	})
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(sdk.ToString(out.ChangeInfo.Id), "/change/"), nil
}

func toSet(r providers.Record) *types.ResourceRecordSet {
	set := &types.ResourceRecordSet{
		Name: sdk.String(bare(r.Name) + "."), Type: types.RRType(r.Type), TTL: sdk.Int64(int64(r.TTL / time.Second)),
	}
	for _, v := range slices.Sorted(slices.Values(r.Values)) {
		set.ResourceRecords = append(set.ResourceRecords, types.ResourceRecord{Value: sdk.String(v)})
	}
	return set
}

// Changed is route53:GetChange.
func (c *Cloud) Changed(ctx context.Context, change string) (bool, error) {
	o := op{name: "route53:GetChange"}
	api, err := c.route53(ctx)
	if err != nil {
		return false, err
	}
	o.region = api.region
	out, err := do(ctx, c, api.session, o, api.getChange, &route53.GetChangeInput{Id: sdk.String(change)})
	if err != nil {
		return false, err
	}
	return out.ChangeInfo.Status == types.ChangeStatusInsync, nil
}

func zoneID(id string) string { return strings.TrimPrefix(id, "/hostedzone/") }

// bare is a name as people write it: lower case, no final dot, and what Route 53 escapes as \ooo (RFC 4343) as itself.
func bare(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for i := 0; i+4 <= len(name); i++ {
		if name[i] != '\\' {
			continue
		}
		if n, err := strconv.ParseUint(name[i+1:i+4], 8, 8); err == nil {
			name = name[:i] + string([]byte{byte(n)}) + name[i+4:]
		}
	}
	return name
}
