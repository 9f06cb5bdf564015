package emulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	region = "us-east-1"
	zone   = "us-east-1a"
)

// ask sends one call as a client would, and returns the answer and its error code.
func ask(t *testing.T, e *Emulator, action string, kv ...string) (*node, string) {
	t.Helper()
	root, code, err := send(t.Context(), e, region, action, kv...)
	if err != nil {
		t.Fatal(err)
	}
	return root, code
}

func send(ctx context.Context, e *Emulator, region, action string, kv ...string) (*node, string, error) {
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for i := 0; i+1 < len(kv); i += 2 {
		form.Set(kv[i], kv[i+1])
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=A/20200101/"+region+"/ec2/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	b, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, "", err
	}
	root, err := parseXML(b)
	if err != nil {
		return nil, "", fmt.Errorf("%w in %s", err, b)
	}
	return root, root.get("Errors", "Error", "Code"), nil
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("gave up waiting until %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// diary is what the hooks were told.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) address(address, instance string, up bool) {
	d.write("%s up=%v", address, up)
}

func (d *diary) volume(volume, instance, device string, attached bool) {
	d.write("%s at %s=%v", volume, device, attached)
}

func (d *diary) write(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

// life is a machine on its way through its states, with what it meets.
type life struct {
	e               *Emulator
	diary           diary
	words           []string // of the launch
	id              string
	volume, address string
	temporary       string
}

func (l *life) state(t *testing.T) string {
	root, _ := ask(t, l.e, "DescribeInstances", "InstanceId.1", l.id)
	return root.get("reservationSet", "item", "instancesSet", "item", "instanceState", "name")
}

func (l *life) attachment(t *testing.T) string {
	root, _ := ask(t, l.e, "DescribeVolumes", "VolumeId.1", l.volume)
	return root.get("volumeSet", "item", "attachmentSet", "item", "status")
}

// refused fails unless the call is answered with that error code; "" is none.
func (l *life) refused(t *testing.T, code, action string, kv ...string) {
	t.Helper()
	if _, got := ask(t, l.e, action, kv...); got != code {
		t.Errorf("%s: got %q, want %q", action, got, code)
	}
}

func TestMachine(t *testing.T) {
	const short = 600 * time.Millisecond // long enough for a busy machine to look in between
	l := &life{}
	l.e = ForTest(t, Options{
		Delays:    Delays{Visible: short, Pending: 3 * short, Checks: short, Attach: short, Detach: short, Stop: short, Terminate: short},
		OnAddress: l.diary.address, OnVolume: l.diary.volume,
	})
	image := l.e.SeedImage(region, "i", "Name", "standby")
	l.volume, l.address = l.e.SeedVolume(region, zone, 1), l.e.SeedAddress(region)
	l.words = []string{
		"ImageId", image, "MinCount", "1", "MaxCount", "1", "ClientToken", "t", "UserData", "c2VjcmV0",
		"Placement.AvailabilityZone", zone, "TagSpecification.1.ResourceType", "instance",
		"TagSpecification.1.Tag.1.Key", "Name", "TagSpecification.1.Tag.1.Value", "a*c",
	}
	root, code := ask(t, l.e, "RunInstances", l.words...)
	if code != "" {
		t.Fatal(code)
	}
	l.id = root.get("instancesSet", "item", "instanceId")
	l.pending(t)
	l.tokens(t)
	l.running(t)
	l.attached(t)
	l.protected(t)
	l.gone(t)

	want := []string{
		l.temporary + " up=true", l.temporary + " up=false", l.address + " up=true",
		l.volume + " at /dev/sdf=true", l.volume + " at /dev/sdf=false", l.address + " up=false",
	}
	if got := l.diary.read(); !slices.Equal(got, want) {
		t.Errorf("the hooks were told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if strings.Contains(fmt.Sprint(l.e.Requests()), "c2VjcmV0") {
		t.Error("the user data is in the log")
	}
	if got := l.e.Mutations()[0]; got.Effect != "launched "+l.id || got.Region != region || got.Params["ClientToken"] != "t" {
		t.Errorf("the log begins with %+v", got)
	}
}

func (l *life) pending(t *testing.T) {
	l.refused(t, "InvalidInstanceID.NotFound", "DescribeInstances", "InstanceId.1", l.id)
	until(t, "it is seen", func() bool { return l.state(t) == "pending" })
	l.refused(t, "IncorrectState", "AttachVolume", "VolumeId", l.volume, "InstanceId", l.id, "Device", "/dev/sdf")
	l.refused(t, "InvalidInstanceID", "AssociateAddress", "PublicIp", l.address, "InstanceId", l.id)
}

func (l *life) tokens(t *testing.T) {
	again, _ := ask(t, l.e, "RunInstances", l.words...)
	if got := again.get("instancesSet", "item", "instanceId"); got != l.id {
		t.Errorf("the token gave %q, want %s", got, l.id)
	}
	l.refused(t, "IdempotentParameterMismatch", "RunInstances", append(l.words, "InstanceType", "m7i.large")...)
	other, _ := ask(t, l.e, "RunInstances", append(l.words, "Placement.AvailabilityZone", "us-east-1b")...)
	id := other.get("instancesSet", "item", "instanceId")
	if id == l.id || id == "" {
		t.Errorf("the token in another zone gave %q, want another machine", id)
	}
	until(t, "the other is ended", func() bool {
		_, code := ask(t, l.e, "TerminateInstances", "InstanceId.1", id)
		return code == ""
	})
}

func (l *life) running(t *testing.T) {
	until(t, "it runs", func() bool { return l.state(t) == "running" })
	until(t, "the temporary address is up", func() bool {
		if lines := l.diary.read(); len(lines) > 0 {
			l.temporary, _, _ = strings.Cut(lines[0], " ")
		}
		return l.temporary != ""
	})
	found, _ := ask(t, l.e, "DescribeInstances", "Filter.1.Name", "instance-state-name", "Filter.1.Value.1", "running",
		"Filter.2.Name", "tag:Name", "Filter.2.Value.1", `a\*c`, "Filter.3.Name", "client-token", "Filter.3.Value.1", "t")
	if got := found.all("reservationSet", "item"); len(got) != 1 {
		t.Errorf("the filters found %s", found)
	}
}

func (l *life) attached(t *testing.T) {
	first, _ := ask(t, l.e, "AssociateAddress", "PublicIp", l.address, "InstanceId", l.id)
	second, _ := ask(t, l.e, "AssociateAddress", "PublicIp", l.address, "InstanceId", l.id)
	association := first.get("associationId")
	if association == "" || second.get("associationId") != association {
		t.Errorf("associations %q and %q, want one", association, second.get("associationId"))
	}
	l.refused(t, "", "AttachVolume", "VolumeId", l.volume, "InstanceId", l.id, "Device", "/dev/sdf")
	if got := l.attachment(t); got != "attaching" {
		t.Errorf("attachment %q", got)
	}
	until(t, "it is attached", func() bool { return l.attachment(t) == "attached" })
	l.refused(t, "VolumeInUse", "AttachVolume", "VolumeId", l.volume, "InstanceId", l.id, "Device", "/dev/sdf")
	l.refused(t, "", "DetachVolume", "VolumeId", l.volume)
	l.refused(t, "IncorrectState", "DetachVolume", "VolumeId", l.volume)
	until(t, "it is free", func() bool { return l.attachment(t) == "" })
	l.refused(t, "", "DisassociateAddress", "AssociationId", association)
	l.refused(t, "", "DisassociateAddress", "AssociationId", association)
}

func (l *life) protected(t *testing.T) {
	l.refused(t, "", "ModifyInstanceAttribute", "InstanceId", l.id, "DisableApiTermination.Value", "true")
	l.refused(t, "OperationNotPermitted", "TerminateInstances", "InstanceId.1", l.id)
	l.refused(t, "", "ModifyInstanceAttribute", "InstanceId", l.id, "DisableApiTermination.Value", "false")
}

func (l *life) gone(t *testing.T) {
	l.refused(t, "", "StopInstances", "InstanceId.1", l.id)
	until(t, "it is stopped", func() bool { return l.state(t) == "stopped" })
	l.refused(t, "", "TerminateInstances", "InstanceId.1", l.id)
	until(t, "it is gone", func() bool { return l.state(t) == "terminated" })
	l.refused(t, "IdempotentInstanceTerminated", "RunInstances", l.words...)
}

func TestAddresses(t *testing.T) {
	e := ForTest(t, Options{AddressQuota: 2})
	one, two := e.SeedInstance(region, zone, e.SeedImage(region, "a")), e.SeedInstance(region, zone, e.SeedImage(region, "b"))
	a := e.SeedAddress(region)
	ask(t, e, "AllocateAddress")
	if _, code := ask(t, e, "AllocateAddress"); code != "AddressLimitExceeded" {
		t.Errorf("above the quota: %q", code)
	}
	e.SeedAssociation(region, a, one)
	if _, code := ask(t, e, "AssociateAddress", "PublicIp", a, "InstanceId", two, "AllowReassociation", "false"); code != "Resource.AlreadyAssociated" {
		t.Errorf("a forbidden reassociation: %q", code)
	}
	if _, code := ask(t, e, "AssociateAddress", "PublicIp", a, "InstanceId", two); code != "" {
		t.Errorf("an automatic reassociation: %q", code)
	}
	if _, code := ask(t, e, "DisassociateAddress", "AssociationId", "eipassoc-0123456789abcdef0"); code != "InvalidAssociationID.NotFound" {
		t.Errorf("an association that never was: %q", code)
	}
	if _, code, err := send(t.Context(), e, "us-west-2", "DescribeInstances", "InstanceId.1", one); err != nil || code != "InvalidInstanceID.NotFound" {
		t.Errorf("in another region: %q, %v", code, err)
	}
}

// change sends a batch of changes, as Route 53's clients do.
func change(t *testing.T, e *Emulator, zone, changes string) (status int, answer string) {
	t.Helper()
	body := `<ChangeResourceRecordSetsRequest xmlns="` + dnsSpace + `"><ChangeBatch><Changes>` + changes + `</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.URL()+"/2013-04-01/hostedzone/"+zone+"/rrset/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/xml")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=A/20200101/us-east-1/route53/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func one(action, name, kind, ttl, value string) string {
	return "<Change><Action>" + action + "</Action><ResourceRecordSet><Name>" + name + "</Name><Type>" + kind + "</Type><TTL>" + ttl +
		"</TTL><ResourceRecords><ResourceRecord><Value>" + value + "</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change>"
}

func TestBatches(t *testing.T) {
	e := ForTest(t, Options{Delays: Delays{Served: time.Second}})
	zone := e.SeedZone("example.com", false)
	e.SeedRecord(zone, "www.example.com", "A", 300*time.Second, "192.0.2.1")
	served := func(name string) string {
		vals, _, _ := e.Resolve(zone, name, "A")
		return strings.Join(vals, " ")
	}
	for name, x := range map[string]struct{ changes, words string }{
		"half of it is wrong": {one("CREATE", "new.example.com.", "A", "60", "192.0.2.9") + one("CREATE", "www.example.com.", "A", "60", "192.0.2.9"), "already exists"},
		"another value":       {one("DELETE", "www.example.com.", "A", "300", "192.0.2.2") + one("CREATE", "www.example.com.", "A", "60", "192.0.2.9"), "do not match the current values"},
		"another TTL":         {one("DELETE", "www.example.com.", "A", "60", "192.0.2.1"), "do not match the current values"},
		"not there":           {one("DELETE", "old.example.com.", "A", "60", "192.0.2.1"), "was not found"},
		"beside a CNAME":      {one("CREATE", "www.example.com.", "CNAME", "60", "example.net."), "conflicting RRSet"},
		"another zone's name": {one("CREATE", "www.example.org.", "A", "60", "192.0.2.1"), "is not permitted in zone"},
		"no address":          {one("UPSERT", "www.example.com.", "A", "60", "localhost"), "ARRDATAIllegalIPv4Address"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := change(t, e, zone, x.changes)
			if status != 400 || !strings.Contains(answer, "InvalidChangeBatch") || !strings.Contains(answer, x.words) {
				t.Errorf("HTTP %d %s, want InvalidChangeBatch with %q", status, answer, x.words)
			}
		})
	}
	if n := len(e.Mutations()); n != 0 {
		t.Errorf("%d of the batches took effect", n)
	}
	if status, answer := change(t, e, zone, one("CREATE", "new.example.com.", "A", "60", "192.0.2.9")); status != 200 {
		t.Fatalf("the half that was right was applied before: HTTP %d %s", status, answer)
	}
	swap := one("DELETE", "www.example.com.", "A", "300", "192.0.2.1") + one("CREATE", "www.example.com.", "A", "60", "192.0.2.9")
	if status, answer := change(t, e, zone, swap); status != 200 {
		t.Fatalf("HTTP %d %s", status, answer)
	}
	if got := served("www.example.com"); got != "192.0.2.1" {
		t.Errorf("right after the change the servers say %q", got)
	}
	until(t, "the servers have it", func() bool { return served("www.example.com") == "192.0.2.9" })
	if status, answer := change(t, e, "ZNOTHERE", swap); status != 404 || !strings.Contains(answer, "NoSuchHostedZone") {
		t.Errorf("a zone that is not there: HTTP %d %s", status, answer)
	}
}

func TestFaultRules(t *testing.T) {
	e := ForTest(t, Options{})
	f := e.Inject(Fault{Action: "Describe*", Region: region, Skip: 1, Times: 2, Kind: Throttle})
	var codes []string
	for range 4 {
		_, code := ask(t, e, "DescribeVpcs")
		codes = append(codes, code)
	}
	if want := []string{"", "RequestLimitExceeded", "RequestLimitExceeded", ""}; !slices.Equal(codes, want) {
		t.Errorf("got %q, want %q", codes, want)
	}
	if f.Hits() != 2 {
		t.Errorf("%d hits, want 2", f.Hits())
	}
	f.Remove()
	f.Remove()
	third := e.Inject(Fault{Every: 3, Kind: Error, Code: "Unavailable", Status: 503})
	codes = nil
	for range 5 {
		_, code := ask(t, e, "DescribeVpcs")
		codes = append(codes, code)
	}
	if want := []string{"Unavailable", "", "", "Unavailable", ""}; !slices.Equal(codes, want) {
		t.Errorf("got %q, want %q", codes, want)
	}
	third.Remove()

	lost := e.Inject(Fault{Action: "AllocateAddress", Kind: LostAnswer})
	if _, _, err := send(t.Context(), e, region, "AllocateAddress"); err == nil {
		t.Error("an answer came")
	}
	lost.Remove()
	if got := e.Mutations(); len(got) != 1 || got[0].Fault != LostAnswer {
		t.Errorf("the log says %+v, want one allocation whose answer was lost", got)
	}

	dark := e.Dark(region)
	ended := make(chan error, 1)
	go func() {
		_, _, err := send(context.Background(), e, region, "DescribeVpcs")
		ended <- err
	}()
	until(t, "it hangs", func() bool { return dark.Hits() == 1 })
	select {
	case err := <-ended:
		t.Errorf("the dark region answered: %v", err)
	default:
	}
	if _, _, err := send(t.Context(), e, "us-west-2", "DescribeVpcs"); err != nil {
		t.Errorf("another region: %v", err)
	}
	dark.Remove()
	if err := <-ended; err == nil {
		t.Error("the request that hung had an answer")
	}
}

func TestNoMoto(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Start(t.Context(), Options{}); !errors.Is(err, ErrNoMoto) {
		t.Errorf("got %v, want %v", err, ErrNoMoto)
	}
}

func TestFilters(t *testing.T) {
	form := url.Values{
		"Action": {"DescribeInstances"}, "Filter.1.Name": {"instance-state-name"}, "Filter.1.Value.1": {"pending"},
		"Filter.1.Value.2": {"running"}, "Filter.2.Name": {"tag:Name"}, "Filter.2.Value.1": {`a\*b[c`},
	}
	rest, taken := filters(form, "instance-state-name")
	if got, want := patterns(rest).Encode(), "Action=DescribeInstances&Filter.1.Name=tag%3AName&Filter.1.Value.1=a%5B%2A%5Db%5B%5B%5Dc"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := taken["instance-state-name"]; !slices.Equal(got, []string{"pending", "running"}) {
		t.Errorf("taken %q", got)
	}
}
