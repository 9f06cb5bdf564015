package sim

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
)

// The changes, as IAM names them.
const (
	opRun          = "ec2:RunInstances"
	opTerminate    = "ec2:TerminateInstances"
	opAttach       = "ec2:AttachVolume"
	opDetach       = "ec2:DetachVolume"
	opAssociate    = "ec2:AssociateAddress"
	opDisassociate = "ec2:DisassociateAddress"
	opAllocate     = "ec2:AllocateAddress"
	opRelease      = "ec2:ReleaseAddress"
	opPut          = "s3:PutObject"
	opDelete       = "s3:DeleteObject"
	opChange       = "route53:ChangeResourceRecordSets"
)

// refuse makes the error with which AWS answers.
func refuse(kind providers.ErrorKind, r request, code, format string, args ...any) error {
	return &providers.Error{Kind: kind, Op: r.op, Where: r.region, Code: code, Detail: fmt.Sprintf(format, args...)}
}

var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)

// known says whether a region of that name could exist: the real one is found by its host name.
func known(r request) error {
	if regionName.MatchString(r.region) {
		return nil
	}
	return &providers.Error{
		Kind: providers.Unreachable, Op: r.op, Where: r.region, Detail: "no such host",
		Do: "check the name of the region",
	}
}

// regional is call for the services that each region has for itself.
func (c *cloud) regional(ctx context.Context, r request, in Span, f func(s *state, now time.Time) (*Entry, error)) error {
	if err := known(r); err != nil {
		return err
	}
	return c.call(ctx, r, in, f)
}

// read is a regional call that changes nothing.
func (c *cloud) read(ctx context.Context, op, region, about string, f func(s *state, now time.Time, r request) error) error {
	r := request{op: op, region: region, about: about, read: true}
	return c.regional(ctx, r, c.spec.Delays.Call, func(s *state, now time.Time) (*Entry, error) {
		return nil, f(s, now, r)
	})
}

func bears(have, want map[string]string) bool {
	for k, v := range want {
		if got, ok := have[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// describe is a machine as a read shows it now.
func (s *state) describe(m *machine, now time.Time) providers.Instance {
	i := *m.instance
	cur := m.now(now)
	i.State, i.Checks = cur.state, providers.ChecksUnknown
	i.Tags, i.SecurityGroups, i.Disks = maps.Clone(i.Tags), slices.Clone(i.SecurityGroups), s.disksOf(m.id, now)
	i.PrivateAddress, i.PublicAddress = m.private, s.temporary(m, now)
	if a := s.elastic(m.id); a != nil && !m.over(now) {
		i.PublicAddress = a.Address.Address
	}
	if cur.state == providers.InstanceRunning {
		i.StateReason = ""
	}
	switch {
	case cur.state == providers.InstanceTerminated:
		i.PrivateAddress, i.PublicAddress = "", ""
		i.StateReason = "Client.UserInitiatedShutdown: User initiated shutdown"
	case cur.state != providers.InstanceRunning:
	case m.instance.Checks == providers.ChecksImpaired && !cur.up:
		i.Checks = providers.ChecksImpaired
	case now.Before(m.checksOK):
		i.Checks = providers.ChecksInitializing
	default:
		i.Checks = providers.ChecksOK
	}
	return i
}

// find returns the instance of that id in the region; one that was only just made is not there yet.
func (s *state) find(r request, id string, now time.Time) (*machine, error) {
	m := s.machines[id]
	if m == nil || m.instance == nil || m.instance.Region != r.region || now.Before(m.visible) {
		return nil, refuse(providers.NotFound, r, "InvalidInstanceID.NotFound", "The instance ID %q does not exist", id)
	}
	return m, nil
}

func (c *cloud) Instance(ctx context.Context, region, id string) (out providers.Instance, err error) {
	err = c.read(ctx, "ec2:DescribeInstances", region, id, func(s *state, now time.Time, r request) error {
		m, err := s.find(r, id, now)
		if err == nil {
			out = s.describe(m, now)
		}
		return err
	})
	return out, err
}

func (c *cloud) FindInstances(ctx context.Context, region string, tags map[string]string) (out []providers.Instance, err error) {
	err = c.read(ctx, "ec2:DescribeInstances", region, words(tags), func(s *state, now time.Time, _ request) error {
		for _, id := range s.launched {
			m := s.machines[id]
			if m.instance.Region == region && bears(m.instance.Tags, tags) && !now.Before(m.listed) {
				out = append(out, s.describe(m, now))
			}
		}
		slices.SortStableFunc(out, func(a, b providers.Instance) int { return a.Launched.Compare(b.Launched) })
		return nil
	})
	return out, err
}

// words writes tags in a fixed order, for faults and logs.
func words(tags map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		fmt.Fprintf(&b, "%s=%s ", k, tags[k])
	}
	return strings.TrimSpace(b.String())
}

func (c *cloud) HostKeys(ctx context.Context, region, id string) (out []string, err error) {
	err = c.read(ctx, "ec2:GetConsoleOutput", region, id, func(s *state, now time.Time, r request) error {
		m, err := s.find(r, id, now)
		if err == nil && m.now(now).up {
			out = []string{m.hostKey(s.spec.Seed)}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return append([]string{}, out...), nil
}

func (c *cloud) Launch(ctx context.Context, region string, spec providers.Launch) (out providers.Instance, err error) {
	spec.UserData = digested(spec.UserData)
	r := request{op: opRun, region: region, about: strings.TrimSpace(spec.Type + " " + spec.Zone + " " + spec.Image)}
	err = c.regional(ctx, r, c.spec.Delays.Accept, func(s *state, now time.Time) (*Entry, error) {
		if err := s.mayLaunch(r, spec, now); err != nil {
			return nil, err
		}
		if id, ok := s.tokens[tokenScope(region, spec)]; ok {
			m := s.machines[id]
			if err := replay(r, m, spec, now); err != nil {
				return nil, err
			}
			out = s.describe(m, now)
			return &Entry{ID: id, Token: spec.Token, Replay: true}, nil
		}
		e := &Entry{ID: name("i", s.spec.Seed, "instance", len(s.launched)), Token: spec.Token, Launch: &spec}
		out = providers.Instance{
			ID: e.ID, Region: region, Zone: zoneOf(region, spec), Image: spec.Image, Type: spec.Type,
			State: providers.InstancePending, Launched: now, Tags: maps.Clone(spec.Tags),
		}
		return e, nil
	})
	if err != nil {
		return providers.Instance{}, err
	}
	return out, nil
}

// digested keeps what tells user data apart and not the data, which may hold a key: a world's log is a file.
func digested(data string) string {
	if data == "" {
		return ""
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(data)))
}

// tokenScope: a token counts for the region, or for the zone when the request names one.
func tokenScope(region string, spec providers.Launch) string {
	if spec.Token == "" {
		return "" // never recorded
	}
	return region + "/" + spec.Zone + "/" + spec.Subnet + "/" + spec.Token
}

func zoneOf(region string, spec providers.Launch) string {
	if spec.Zone != "" {
		return spec.Zone
	}
	return region + "a"
}

func (s *state) mayLaunch(r request, spec providers.Launch, now time.Time) error {
	if spec.Image == "" {
		return refuse(providers.Invalid, r, "MissingParameter", "The request must contain the parameter ImageId")
	}
	switch image, err := s.image(r, spec.Image, now); {
	case err != nil:
		return err
	case image.State == "pending":
		return refuse(providers.NotReady, r, "InvalidAMIID.Unavailable", "The image %q is pending", spec.Image)
	case image.State != "available":
		return refuse(providers.Invalid, r, "InvalidAMIID.Unavailable", "The image %q is %s", spec.Image, image.State)
	}
	if spec.Type == "" || !strings.Contains(spec.Type, ".") {
		return refuse(providers.Invalid, r, "InvalidParameterValue", "Invalid value %q for InstanceType", spec.Type)
	}
	letter := strings.TrimPrefix(spec.Zone, r.region)
	if spec.Zone != "" && (letter == spec.Zone || len(letter) != 1 || letter < "a" || letter > "f") {
		return refuse(providers.Invalid, r, "InvalidParameterValue", "Invalid availability zone: %q", spec.Zone)
	}
	vpc := s.vpc(r.region)
	if spec.Subnet != "" {
		n, ok := s.subnets[spec.Subnet]
		switch {
		case !ok || regionOf(n.Zone) != r.region:
			return refuse(providers.NotFound, r, "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", spec.Subnet)
		case spec.Zone != "" && n.Zone != spec.Zone:
			return refuse(providers.Invalid, r, "InvalidParameterValue", "The availability zone %s is not that of the subnet %s", spec.Zone, spec.Subnet)
		}
		vpc = n.VPC
	}
	zone := zoneOf(r.region, spec)
	if s.zoneState(zone) == "unavailable" {
		return refuse(providers.NoCapacity, r, "InsufficientInstanceCapacity", "There is no capacity in %s.", zone)
	}
	// A type that nobody knows is refused only where the spec says what there is: a rehearsal is not held up by a new one.
	if only, said := s.spec.Offers[zone]; said && !slices.Contains(only, spec.Type) {
		return refuse(providers.NoCapacity, r, "Unsupported", "Your requested instance type (%s) is not supported in your requested Availability Zone (%s).", spec.Type, zone)
	}
	return s.mayGroup(r, spec.SecurityGroups, vpc)
}

// disksOf is what hangs on a machine, by device.
func (s *state) disksOf(id string, now time.Time) []providers.Disk {
	var out []providers.Disk
	for _, v := range s.volumes {
		if v.holder(now) == id {
			out = append(out, providers.Disk{Device: v.device, Volume: v.ID, SizeGiB: v.SizeGiB, Type: v.Type, Encrypted: v.Encrypted, KMSKey: v.KMSKey, Kept: true})
		}
	}
	slices.SortFunc(out, func(a, b providers.Disk) int { return strings.Compare(a.Device, b.Device) })
	return out
}

// replay answers a token that was used before.
func replay(r request, m *machine, spec providers.Launch, now time.Time) error {
	if m.over(now) {
		return refuse(providers.KeySpent, r, "IdempotentInstanceTerminated", "the instance of this token, %s, is terminated", m.id)
	}
	if !reflect.DeepEqual(normal(*m.launch), normal(spec)) {
		return refuse(providers.Mismatch, r, "IdempotentParameterMismatch",
			"the token %q was used for another request", spec.Token)
	}
	return nil
}

// normal makes requests comparable: an empty list or map is the same as none.
func normal(l providers.Launch) providers.Launch {
	if len(l.SecurityGroups) == 0 {
		l.SecurityGroups = nil
	}
	if len(l.Tags) == 0 {
		l.Tags = nil
	}
	return l
}

// launch is the effect of RunInstances.
func (s *state) launch(e Entry) {
	l, n := *e.Launch, len(s.launched)
	m := blank(e.ID)
	m.launch = &l
	m.instance = &providers.Instance{
		ID: e.ID, Region: e.Region, Zone: zoneOf(e.Region, l), Image: l.Image, Type: l.Type, Launched: e.At, Tags: l.Tags,
	}
	s.network(m.instance, l)
	d := s.spec.Delays
	slow := max(1, s.spec.Faults.Slow)
	times := func(v time.Duration) time.Duration { return time.Duration(float64(v) * slow) }
	key := "launch " + e.Region
	m.visible = e.At.Add(s.take(d.Visible, key+" visible"))
	m.listed = m.visible.Add(s.take(d.Visible, key+" listed"))
	running := e.At.Add(times(s.take(d.Pending, key+" pending")))
	up := running.Add(times(s.take(d.Boot, key+" boot")))
	m.turns = []turn{{e.At, providers.InstancePending, false}, {running, providers.InstanceRunning, false}, {up, providers.InstanceRunning, true}}
	m.checksOK = running.Add(s.take(d.Checks, key+" checks"))
	m.address, m.private = s.freeAddress(n), fmt.Sprintf("192.0.2.%d", 100+n%150)
	m.needs = s.spec.Service.Path
	s.machines[e.ID] = m
	s.launched = append(s.launched, e.ID)
	if l.Token != "" {
		s.tokens[tokenScope(e.Region, l)] = e.ID
	}
	if old := s.machines[s.spec.Roles.Instance]; old != nil && s.spec.Faults.Returns > 0 && !s.returned {
		s.returned = true
		old.bringBack(e.At.Add(time.Duration(s.spec.Faults.Returns)))
	}
}

// freeAddress makes a temporary public address that nothing else in this world has.
func (s *state) freeAddress(n int) string {
	for try := n; ; try++ {
		a := fmt.Sprintf("203.0.113.%d", 20+try%230)
		taken := s.addresses[a] != nil || slices.ContainsFunc(s.spec.Hosts, func(h Host) bool { return h.Address == a })
		if !taken {
			return a
		}
	}
}

func (c *cloud) Terminate(ctx context.Context, region, id string) error {
	r := request{op: opTerminate, region: region, about: id}
	return c.regional(ctx, r, c.spec.Delays.Write, func(s *state, now time.Time) (*Entry, error) {
		m, err := s.find(r, id, now)
		if err != nil {
			return nil, err
		}
		if m.protected && !m.over(now) {
			return nil, refuse(providers.Conflict, r, "OperationNotPermitted",
				"The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.", id)
		}
		return &Entry{ID: id, Replay: m.over(now)}, nil
	})
}

// terminate is the effect of TerminateInstances: volumes come free and the address loses its holder when it is gone.
func (s *state) terminate(e Entry) {
	m := s.machines[e.ID]
	gone := e.At.Add(s.take(s.spec.Delays.Shutdown, "terminate"))
	m.turn(e.At, providers.InstanceShuttingDown, false)
	m.turn(gone, providers.InstanceTerminated, false)
	for _, v := range s.volumes {
		if v.holder(e.At) == e.ID {
			v.free = gone
		}
	}
	if a := s.elastic(e.ID); a != nil {
		a.Instance = ""
	}
}

func (c *cloud) Account(ctx context.Context, region string) (providers.Account, error) {
	r := request{op: "sts:GetCallerIdentity", region: region, read: true}
	err := c.regional(ctx, r, c.spec.Delays.Call, func(*state, time.Time) (*Entry, error) { return nil, nil })
	if err != nil {
		return providers.Account{}, err
	}
	id := c.spec.Account
	return providers.Account{ID: id, Alias: "simulated", ARN: "arn:aws:sts::" + id + ":assumed-role/operator/simulated"}, nil
}
