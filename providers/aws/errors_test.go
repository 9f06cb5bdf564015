package aws_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/runbook"
)

// environment gives credentials, and nothing of the machine's own configuration.
func environment(t *testing.T, endpoint string) {
	t.Helper()
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_SESSION_TOKEN": "",
		"AWS_PROFILE": "", "AWS_REGION": region, "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_CA_BUNDLE": "", "NO_PROXY": "127.0.0.1",
	} {
		t.Setenv(k, v)
	}
}

// canned answers every request in the same way, without a network.
type canned struct {
	status int
	body   string
	err    error
	mu     sync.Mutex
	n      int
}

func (c *canned) Do(*http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	if c.err != nil {
		return nil, c.err
	}
	return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(c.body))}, nil
}

func ec2Error(code, message string) string {
	return `<Response><Errors><Error><Code>` + code + `</Code><Message>` + message + `</Message></Error></Errors><RequestID>r-1</RequestID></Response>`
}

func TestCodes(t *testing.T) {
	environment(t, "http://127.0.0.1:9")
	for _, x := range []struct {
		status int
		code   string
		kind   providers.ErrorKind
	}{
		{503, "RequestLimitExceeded", providers.Throttled},
		{400, "Throttling", providers.Throttled},
		{500, "InsufficientInstanceCapacity", providers.NoCapacity},
		{400, "Unsupported", providers.NoCapacity},
		{400, "InvalidInstanceID.NotFound", providers.NotFound},
		{400, "InvalidSubnetID.NotFound", providers.NotFound},
		{400, "InvalidInstanceID.Malformed", providers.Invalid},
		{400, "IdempotentParameterMismatch", providers.Mismatch},
		{400, "IdempotentInstanceTerminated", providers.KeySpent},
		{400, "InvalidVolume.ZoneMismatch", providers.Mismatch},
		{400, "VolumeInUse", providers.Conflict},
		{400, "Resource.AlreadyAssociated", providers.Conflict},
		{400, "OperationNotPermitted", providers.Conflict},
		{400, "IncorrectState", providers.NotReady},
		{400, "IncorrectInstanceState", providers.NotReady},
		{403, "UnauthorizedOperation", providers.Denied},
		{401, "AuthFailure", providers.Denied},
		{403, "AccessDenied", providers.Denied},
		{400, "RequestExpired", providers.Expired},
		{403, "ExpiredToken", providers.Expired},
		{400, "VcpuLimitExceeded", providers.Quota},
		{400, "AddressLimitExceeded", providers.Quota},
		{400, "MaxIOPSLimitExceeded", providers.Quota},
		{500, "InternalError", providers.Server},
		{503, "Unavailable", providers.Server},
		{500, "SomethingNew", providers.Server},
		{400, "SomethingNew", providers.Invalid},
	} {
		t.Run(x.code, func(t *testing.T) {
			far := &canned{status: x.status, body: ec2Error(x.code, "\u009b31mtheir  own words")}
			c := cloud(t, aws.Options{HTTPClient: far})
			_, err := c.Launch(t.Context(), region, providers.Launch{Token: "t", Image: "ami-1", Type: "m7i.large"})
			got := want(t, err, x.kind)
			if got.Code != x.code || got.Op != "ec2:RunInstances" || got.Where != region {
				t.Errorf("got %+v", got)
			}
			if strings.ContainsRune(got.Detail, 0x9b) || !strings.Contains(got.Detail, "their own words") {
				t.Errorf("the detail is %q", got.Detail)
			}
			if f := got.Failure(); f.Means == "" || f.Do == "" {
				t.Errorf("it does not say what it means and what to do: %+v", f)
			}
			if far.n != 1 {
				t.Errorf("%d requests, want 1: what changes something is never repeated here", far.n)
			}
		})
	}
}

func TestBatchErrors(t *testing.T) {
	environment(t, "http://127.0.0.1:9")
	old := &providers.Record{Name: "www.example.com", Type: "A", TTL: time.Minute, Values: []string{"192.0.2.1"}}
	for name, x := range map[string]struct {
		body string
		kind providers.ErrorKind
	}{
		"lost a race":                 {`<ErrorResponse><Error><Type>Sender</Type><Code>InvalidChangeBatch</Code><Message>[Tried to delete resource record set [name='www.example.com.', type='A'] but the values provided do not match the current values]</Message></Error></ErrorResponse>`, providers.Conflict},
		"lost a race, the other form": {`<InvalidChangeBatch xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Messages><Message>Tried to create resource record set [name='www.example.com.', type='A'] but it already exists</Message></Messages><RequestId>r</RequestId></InvalidChangeBatch>`, providers.Conflict},
		"never right":                 {`<ErrorResponse><Error><Code>InvalidChangeBatch</Code><Message>[Invalid Resource Record: FATAL problem]</Message></Error></ErrorResponse>`, providers.Invalid},
		"the one before":              {`<ErrorResponse><Error><Code>PriorRequestNotComplete</Code><Message>wait</Message></Error></ErrorResponse>`, providers.Throttled},
		"a zone that is not":          {`<ErrorResponse><Error><Code>NoSuchHostedZone</Code><Message>no</Message></Error></ErrorResponse>`, providers.NotFound},
		"an expired token":            {`<ErrorResponse><Error><Code>ExpiredToken</Code><Message>no</Message></Error></ErrorResponse>`, providers.Expired},
	} {
		t.Run(name, func(t *testing.T) {
			c := cloud(t, aws.Options{HTTPClient: &canned{status: 400, body: x.body}})
			_, err := c.Change(t.Context(), "Z1", old, nil)
			if got := want(t, err, x.kind); x.kind == providers.Conflict && !strings.Contains(got.Detail, "Tried to") {
				t.Errorf("the detail %q lacks their words", got.Detail)
			}
		})
	}
}

func TestForeignAnswers(t *testing.T) {
	environment(t, "http://127.0.0.1:9")
	page := "<!doctype html>\n<html lang=en>\n<title>oops</title>\n<h1>oops</h1>\n"
	for name, x := range map[string]struct {
		status int
		body   string
		kind   providers.ErrorKind
	}{
		"a server's error page":    {500, page, providers.Server},
		"a gateway's error page":   {502, page, providers.Server},
		"a proxy wants a password": {407, page, providers.Denied},
		"somebody else's 404":      {404, page, providers.Invalid},
		"a login page":             {200, page, providers.Lost},
		"an empty answer":          {200, "", providers.Server},
		"an empty error":           {500, "", providers.Server},
		"half an answer":           {200, "<RunInstancesResponse><instancesSet><item><instanceId>i-1", providers.Lost},
		"a redirect":               {302, "", providers.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			c := cloud(t, aws.Options{HTTPClient: &canned{status: x.status, body: x.body}})
			_, err := c.Launch(t.Context(), region, providers.Launch{Token: "t", Image: "ami-1", Type: "m7i.large"})
			got := want(t, err, x.kind)
			if strings.Contains(got.Error(), "<") {
				t.Errorf("markup in %q", got)
			}
			if x.status == 200 && got.Verdict() != runbook.InDoubt {
				t.Errorf("the verdict is %q: it may have happened", got.Verdict())
			}
		})
	}
}

func TestReadsAreRepeatedQuickly(t *testing.T) {
	environment(t, "http://127.0.0.1:9")
	for _, x := range []struct {
		code  string
		tries int
	}{
		{"RequestLimitExceeded", 3}, {"InternalError", 3}, {"InsufficientInstanceCapacity", 1}, {"UnauthorizedOperation", 1}, {"ExpiredToken", 1},
	} {
		t.Run(x.code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				far := &canned{status: 500, body: ec2Error(x.code, "no")}
				var seen []aws.Attempt
				c := cloud(t, aws.Options{HTTPClient: far, Observe: func(a aws.Attempt) { seen = append(seen, a) }})
				began := time.Now()
				if _, err := c.Volume(t.Context(), region, "vol-1"); err == nil {
					t.Fatal("no error")
				}
				if far.n != x.tries || len(seen) != x.tries {
					t.Errorf("%d requests, %d observed, want %d", far.n, len(seen), x.tries)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	closed := "http://" + l.Addr().String()
	ok(t, l.Close())
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for name, endpoint := range map[string]string{
		"nobody listens":           closed,
		"no such host":             "http://nowhere.invalid",
		"no TLS on the other side": strings.Replace(plain.URL, "http:", "https:", 1),
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, endpoint)
			var seen []aws.Attempt
			c := cloud(t, aws.Options{Observe: func(a aws.Attempt) { seen = append(seen, a) }})
			_, err := c.Launch(t.Context(), region, providers.Launch{Token: "t", Image: "ami-1", Type: "m7i.large"})
			got := want(t, err, providers.Unreachable)
			t.Log(got)
			if got.Do == "" || got.Verdict() != runbook.Transient || len(seen) != 1 || seen[0].Sent {
				t.Errorf("got %+v, observed %+v", got, seen)
			}
		})
	}
	t.Run("a server that does not greet", func(t *testing.T) {
		silent, err := net.Listen("tcp", "127.0.0.1:0")
		ok(t, err)
		defer func() { ok(t, silent.Close()) }()
		environment(t, "https://"+silent.Addr().String())
		_, err = cloud(t, aws.Options{Timeout: 200 * time.Millisecond}).Launch(t.Context(), region, providers.Launch{Token: "t", Image: "ami-1"})
		if got := want(t, err, providers.Unreachable); got.Detail != "no connection before the deadline" {
			t.Errorf("the detail is %q", got.Detail)
		}
	})
	t.Run("given up before the start", func(t *testing.T) {
		environment(t, plain.URL)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := cloud(t, aws.Options{}).Launch(ctx, region, providers.Launch{Token: "t", Image: "ami-1"})
		want(t, err, providers.Unreachable)
	})
}

func TestCredentials(t *testing.T) {
	environment(t, "http://127.0.0.1:9")
	t.Run("none", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		_, err := cloud(t, aws.Options{}).Account(t.Context(), region)
		if got := want(t, err, providers.Expired); !strings.Contains(got.Do, "aws sso login") {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("a session that is over", func(t *testing.T) {
		home := t.TempDir()
		ok(t, os.WriteFile(home+"/config", []byte("[profile ops]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = ops\n"+
			"[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://example.com/start\n"), 0o600))
		for k, v := range map[string]string{"AWS_CONFIG_FILE": home + "/config", "HOME": home, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""} {
			t.Setenv(k, v)
		}
		_, err := cloud(t, aws.Options{Profile: "ops"}).Account(t.Context(), region)
		got := want(t, err, providers.Expired)
		if !strings.Contains(got.Do, "aws sso login") || got.Verdict() != runbook.Definitive {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("a profile that is not there", func(t *testing.T) {
		_, err := aws.New(t.Context(), aws.Options{Profile: "nowhere"})
		if got := want(t, err, providers.Invalid); !strings.Contains(got.Do, "list-profiles") {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("renewed ones are read without a restart", func(t *testing.T) {
		far := &canned{status: 400, body: ec2Error("RequestExpired", "no")}
		keys := &keyed{next: far}
		c := cloud(t, aws.Options{HTTPClient: keys})
		_, err := c.Volume(t.Context(), region, "vol-1")
		want(t, err, providers.Expired)
		t.Setenv("AWS_ACCESS_KEY_ID", "AKIDRENEWED")
		_, err = c.Volume(t.Context(), region, "vol-1")
		want(t, err, providers.Expired)
		if len(keys.seen) != 2 || !strings.Contains(keys.seen[1], "AKIDRENEWED") {
			t.Errorf("the requests bore %q", keys.seen)
		}
	})
	t.Run("another account is refused before anything changes", func(t *testing.T) {
		far := &canned{status: 200, body: `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>210987654321</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`}
		c := cloud(t, aws.Options{HTTPClient: far, Account: "123456789012"})
		got := want(t, c.Terminate(t.Context(), region, "i-1"), providers.Denied)
		if !strings.Contains(got.Detail, "210987654321") || far.n != 1 {
			t.Errorf("got %+v after %d requests", got, far.n)
		}
	})
}

// keyed remembers who signed.
type keyed struct {
	next *canned
	seen []string
}

func (k *keyed) Do(r *http.Request) (*http.Response, error) {
	k.seen = append(k.seen, r.Header.Get("Authorization"))
	return k.next.Do(r)
}

func TestRegions(t *testing.T) {
	environment(t, "http://127.0.0.1:9")
	far := &canned{status: 400, body: ec2Error("InvalidVolume.NotFound", "no")}
	c := cloud(t, aws.Options{HTTPClient: far, LookupHost: func(_ context.Context, host string) error {
		if host == "ec2.us-moon-1.amazonaws.com" {
			return nil
		}
		return errors.New("no such host")
	}})
	for name, do := range map[string]string{
		"us-esat-1": `did you mean "us-east-1"?`, "us-east-1a": `did you mean "us-east-1"?`, "eu-wst-2": `did you mean "eu-west-2"?`,
		"US-WEST-2": `did you mean "us-west-2"?`, "": "`aws ec2 describe-regions` names the regions of the account",
		"evil.example.com/": "`aws ec2 describe-regions` names the regions of the account",
	} {
		_, err := c.Volume(t.Context(), name, "vol-1")
		if got := want(t, err, providers.Invalid); got.Do != do {
			t.Errorf("%q: %q, want %q", name, got.Do, do)
		}
	}
	if far.n != 0 {
		t.Errorf("%d requests left for regions that do not exist", far.n)
	}
	_, err := c.Volume(t.Context(), "us-moon-1", "vol-1")
	want(t, err, providers.NotFound)
}
