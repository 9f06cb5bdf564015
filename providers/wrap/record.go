package wrap

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// CallRecord is one call as it was made: what, where, with what, how long it took and how it ended.
type CallRecord struct {
	Time  time.Time       `json:"time"`
	Op    string          `json:"op"`
	Where string          `json:"where,omitempty"` // region, host or server
	Args  string          `json:"args,omitempty"`  // short, and without secrets
	Took  runbook.Seconds `json:"took"`
	Error string          `json:"error,omitempty"`
}

// Record tells sink about every call, after it has ended. sink is called from many goroutines at once. What may be a
// secret is not in the record: environment and standard input of commands, user data, passwords in URLs.
func Record(set providers.Set, clock runbook.Clock, sink func(CallRecord)) providers.Set {
	r := recorder{clock, sink}
	if set.Archives != nil {
		set.Archives = recordedArchives{set.Archives, r}
	}
	if set.Instances != nil {
		set.Instances = recordedInstances{set.Instances, r}
	}
	if set.Volumes != nil {
		set.Volumes = recordedVolumes{set.Volumes, r}
	}
	if set.Snapshots != nil {
		set.Snapshots = recordedSnapshots{set.Snapshots, r}
	}
	if set.Disks != nil {
		set.Disks = recordedDisks{set.Disks, r}
	}
	if set.Images != nil {
		set.Images = recordedImages{set.Images, r}
	}
	if set.Addresses != nil {
		set.Addresses = recordedAddresses{set.Addresses, r}
	}
	if set.Records != nil {
		set.Records = recordedRecords{set.Records, r}
	}
	if set.Identity != nil {
		set.Identity = recordedIdentity{set.Identity, r}
	}
	if set.Shell != nil {
		set.Shell = recordedShell{set.Shell, r}
	}
	if set.Web != nil {
		set.Web = recordedWeb{set.Web, r}
	}
	if set.Names != nil {
		set.Names = recordedNames{set.Names, r}
	}
	if set.Power != nil {
		set.Power = recordedPower{set.Power, r}
	}
	if set.Places != nil {
		set.Places = recordedPlaces{set.Places, r}
	}
	if set.Objects != nil {
		set.Objects = recordedObjects{set.Objects, r}
	}
	if set.Holdings != nil {
		set.Holdings = recordedHoldings{set.Holdings, r}
	}
	if set.Copies != nil {
		set.Copies = recordedCopies{set.Copies, r}
	}
	if set.Topics != nil {
		set.Topics = recordedTopics{set.Topics, r}
	}
	if set.Messenger != nil {
		set.Messenger = recordedMessenger{set.Messenger, r}
	}
	return set
}

type recorder struct {
	clock runbook.Clock
	sink  func(CallRecord)
}

// done returns what is deferred: it looks at the error when the call has ended.
func (r recorder) done(op, where string, args ...string) func(*error) {
	began := r.clock.Now()
	return func(err *error) {
		c := CallRecord{Time: began, Op: op, Where: where, Args: short(args), Took: runbook.Seconds(r.clock.Now().Sub(began))}
		if *err != nil {
			c.Error = (*err).Error()
		}
		r.sink(c)
	}
}

// longest is how much of the arguments is kept: a record is read by people.
const longest = 400

func short(args []string) string {
	s := strings.Join(slices.DeleteFunc(args, func(a string) bool { return a == "" }), " ")
	if len(s) <= longest {
		return s
	}
	cut := longest
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func tagWords(tags map[string]string) string {
	var w []string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		w = append(w, k+"="+tags[k])
	}
	return strings.Join(w, ",")
}

// plainURL is a URL without what may be a password: its user part and its query's values.
func plainURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(not a URL)"
	}
	if u.User != nil {
		u.User = url.User("redacted")
	}
	if u.RawQuery != "" {
		q := u.Query()
		for k := range q {
			q[k] = []string{"redacted"}
		}
		u.RawQuery = q.Encode()
	}
	return u.String()
}

type recordedInstances struct {
	providers.Instances
	r recorder
}

func (p recordedInstances) Launch(ctx context.Context, region string, l providers.Launch) (_ providers.Instance, err error) {
	data := ""
	if l.UserData != "" {
		data = fmt.Sprintf("user-data=%d bytes", len(l.UserData))
	}
	defer p.r.done("launch", region, l.Image, l.Type, l.Zone, l.Subnet, l.KeyName, l.Profile, data, "token="+l.Token)(&err)
	return p.Instances.Launch(ctx, region, l)
}

func (p recordedInstances) Instance(ctx context.Context, region, id string) (_ providers.Instance, err error) {
	defer p.r.done("read instance", region, id)(&err)
	return p.Instances.Instance(ctx, region, id)
}

func (p recordedInstances) FindInstances(ctx context.Context, region string, tags map[string]string) (_ []providers.Instance, err error) {
	defer p.r.done("find instances", region, tagWords(tags))(&err)
	return p.Instances.FindInstances(ctx, region, tags)
}

func (p recordedInstances) Terminate(ctx context.Context, region, id string) (err error) {
	defer p.r.done("terminate", region, id)(&err)
	return p.Instances.Terminate(ctx, region, id)
}

func (p recordedInstances) HostKeys(ctx context.Context, region, id string) (_ []string, err error) {
	defer p.r.done("read host keys", region, id)(&err)
	return p.Instances.HostKeys(ctx, region, id)
}

type recordedVolumes struct {
	providers.Volumes
	r recorder
}

func (p recordedVolumes) Volume(ctx context.Context, region, id string) (_ providers.Volume, err error) {
	defer p.r.done("read volume", region, id)(&err)
	return p.Volumes.Volume(ctx, region, id)
}

func (p recordedVolumes) FindVolumes(ctx context.Context, region string, tags map[string]string) (_ []providers.Volume, err error) {
	defer p.r.done("find volumes", region, tagWords(tags))(&err)
	return p.Volumes.FindVolumes(ctx, region, tags)
}

func (p recordedVolumes) Attach(ctx context.Context, region, volume, machine, device string) (err error) {
	defer p.r.done("attach", region, volume, machine, device)(&err)
	return p.Volumes.Attach(ctx, region, volume, machine, device)
}

func (p recordedVolumes) Detach(ctx context.Context, region, volume, machine string) (err error) {
	defer p.r.done("detach", region, volume, machine)(&err)
	return p.Volumes.Detach(ctx, region, volume, machine)
}

type recordedAddresses struct {
	providers.Addresses
	r recorder
}

func (p recordedAddresses) Address(ctx context.Context, region, address string) (_ providers.Address, err error) {
	defer p.r.done("read address", region, address)(&err)
	return p.Addresses.Address(ctx, region, address)
}

func (p recordedAddresses) FindAddresses(ctx context.Context, region string, tags map[string]string) (_ []providers.Address, err error) {
	defer p.r.done("find addresses", region, tagWords(tags))(&err)
	return p.Addresses.FindAddresses(ctx, region, tags)
}

func (p recordedAddresses) Associate(ctx context.Context, region, address, machine, from string) (err error) {
	defer p.r.done("associate", region, address, machine, "from="+from)(&err)
	return p.Addresses.Associate(ctx, region, address, machine, from)
}

func (p recordedAddresses) Disassociate(ctx context.Context, region, address, machine string) (err error) {
	defer p.r.done("disassociate", region, address, machine)(&err)
	return p.Addresses.Disassociate(ctx, region, address, machine)
}

type recordedRecords struct {
	providers.Records
	r recorder
}

func (p recordedRecords) Zone(ctx context.Context, zone, name string) (_ providers.Zone, err error) {
	defer p.r.done("find hosted zone", "", zone, name)(&err)
	return p.Records.Zone(ctx, zone, name)
}

func (p recordedRecords) Record(ctx context.Context, zone, name, kind string) (_ providers.Record, err error) {
	defer p.r.done("read record", "", zone, name, kind)(&err)
	return p.Records.Record(ctx, zone, name, kind)
}

func (p recordedRecords) Change(ctx context.Context, zone string, old, new *providers.Record) (_ string, err error) {
	defer p.r.done("change record", "", zone, "from", recordWords(old), "to", recordWords(new))(&err)
	return p.Records.Change(ctx, zone, old, new)
}

func (p recordedRecords) Changed(ctx context.Context, change string) (_ bool, err error) {
	defer p.r.done("follow change", "", change)(&err)
	return p.Records.Changed(ctx, change)
}

func recordWords(r *providers.Record) string {
	if r == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s %s %s TTL %d", r.Name, r.Type, strings.Join(r.Values, ","), int(r.TTL.Seconds()))
}

type recordedIdentity struct {
	providers.Identity
	r recorder
}

func (p recordedIdentity) Account(ctx context.Context, region string) (_ providers.Account, err error) {
	defer p.r.done("read account", region)(&err)
	return p.Identity.Account(ctx, region)
}

type recordedShell struct {
	providers.Shell
	r recorder
}

func (p recordedShell) Run(ctx context.Context, host providers.Host, cmd providers.Command) (res providers.Result, err error) {
	words := make([]string, len(cmd.Argv))
	for i, w := range cmd.Argv {
		words[i] = fmt.Sprintf("%q", w)
	}
	if n := len(cmd.Stdin); n > 0 {
		words = append(words, fmt.Sprintf("< %d bytes", n))
	}
	finish := p.r.done("ssh", host.String(), words...)
	defer func() {
		said := err
		if said == nil && res.Status != 0 {
			said = fmt.Errorf("status %d", res.Status)
		}
		finish(&said)
	}()
	return p.Shell.Run(ctx, host, cmd)
}

type recordedWeb struct {
	providers.Web
	r recorder
}

func (p recordedWeb) Get(ctx context.Context, address, connect string) (_ providers.Page, err error) {
	defer p.r.done("GET", connect, plainURL(address))(&err)
	return p.Web.Get(ctx, address, connect)
}

type recordedNames struct {
	providers.Names
	r recorder
}

func (p recordedNames) Servers(ctx context.Context, name string) (_ []string, err error) {
	defer p.r.done("find name servers", "", name)(&err)
	return p.Names.Servers(ctx, name)
}

func (p recordedNames) Ask(ctx context.Context, server, name, kind string) (_ providers.Answer, err error) {
	defer p.r.done("ask", server, name, kind)(&err)
	return p.Names.Ask(ctx, server, name, kind)
}

func (p recordedNames) Resolve(ctx context.Context, resolver, name, kind string) (_ providers.Answer, err error) {
	defer p.r.done("resolve", resolver, name, kind)(&err)
	return p.Names.Resolve(ctx, resolver, name, kind)
}
