package aws_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"lifeboat/providers"
	"lifeboat/providers/aws"
)

const copiedAnswer = `<CopySnapshotResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId>` +
	`<snapshotId>snap-0123456789abcdef1</snapshotId><tagSet><item><key>Name</key><value>a &amp; b</value></item></tagSet></CopySnapshotResponse>`

// TestCopySnapshotAsTheSDKDoes holds the request that is put together by hand against the one of the SDK's own operation, at
// the same moment: the address, the form, the URL that is signed for the source, and the signature.
func TestCopySnapshotAsTheSDKDoes(t *testing.T) {
	tags := map[string]string{"lifeboat:key": "k 1+/=&", "Name": "www ünd * ~", "empty": ""}
	plain := providers.SnapshotCopy{FromRegion: "us-east-1", Snapshot: "snap-0123456789abcdef0"}
	full := plain
	full.Description, full.Tags = "a copy of www; 50% + more", tags
	full.KMSKey = "arn:aws:kms:us-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	china := full
	china.FromRegion = "cn-north-1"
	for name, x := range map[string]struct {
		region string
		copied providers.SnapshotCopy
		env    string
		host   string
	}{
		"plain":                  {"us-west-1", plain, "", "ec2.us-west-1.amazonaws.com"},
		"whole":                  {"us-west-1", full, "", "ec2.us-west-1.amazonaws.com"},
		"into the same region":   {"us-east-1", full, "", "ec2.us-east-1.amazonaws.com"},
		"another partition":      {"cn-northwest-1", china, "", "ec2.cn-northwest-1.amazonaws.com.cn"},
		"a session's token":      {"us-west-1", full, "AWS_SESSION_TOKEN=a+b/c==", "ec2.us-west-1.amazonaws.com"},
		"an endpoint":            {"us-west-1", full, "AWS_ENDPOINT_URL=http://192.0.2.1:5000", "192.0.2.1:5000"},
		"an endpoint with a way": {"us-west-1", full, "AWS_ENDPOINT_URL=http://192.0.2.1:5000/x", "192.0.2.1:5000"},
		"an endpoint of EC2":     {"us-west-1", full, "AWS_ENDPOINT_URL_EC2=http://192.0.2.2:5000/", "192.0.2.2:5000"},
		"FIPS":                   {"us-west-1", full, "AWS_USE_FIPS_ENDPOINT=true", "ec2-fips.us-west-1.amazonaws.com"},
		"IPv6":                   {"us-west-1", full, "AWS_USE_DUALSTACK_ENDPOINT=true", "ec2.us-west-1.api.aws"},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t)
			t.Setenv("AWS_ENDPOINT_URL_EC2", "")
			if k, v, ok := strings.Cut(x.env, "="); ok {
				t.Setenv(k, v)
			}
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := &wire{status: 200, body: copiedAnswer}, &wire{status: 200, body: copiedAnswer}
				got, err := cloud(t, aws.Options{HTTPClient: ours}).CopySnapshot(t.Context(), x.region, x.copied)
				ok(t, err)
				if got.ID != "snap-0123456789abcdef1" || got.Tags["Name"] != "a & b" || got.State != "pending" {
					t.Errorf("got %+v", got)
				}
				copyBySDK(t, theirs, x.region, x.copied)
				sameRequest(t, ours.sent, theirs.sent, x.host)
			})
		})
	}
}

// copyBySDK asks for the same with the SDK's own operation.
func copyBySDK(t *testing.T, w *wire, region string, s providers.SnapshotCopy) {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(region))
	ok(t, err)
	in := &ec2.CopySnapshotInput{SourceRegion: &s.FromRegion, SourceSnapshotId: &s.Snapshot}
	if s.Description != "" {
		in.Description = &s.Description
	}
	if s.KMSKey != "" {
		in.Encrypted, in.KmsKeyId = sdk.Bool(true), &s.KMSKey
	}
	var tags []types.Tag
	for _, k := range []string{"Name", "empty", "lifeboat:key"} {
		if v, has := s.Tags[k]; has {
			tags = append(tags, types.Tag{Key: sdk.String(k), Value: sdk.String(v)})
		}
	}
	if tags != nil {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: tags}}
	}
	_, err = ec2.NewFromConfig(cfg, func(o *ec2.Options) { o.HTTPClient = w }).CopySnapshot(t.Context(), in)
	ok(t, err)
}

func sameRequest(t *testing.T, ours, theirs []*http.Request, host string) {
	t.Helper()
	if len(ours) != 1 || len(theirs) != 1 {
		t.Fatalf("%d were sent, by the SDK %d", len(ours), len(theirs))
	}
	o, s := ours[0], theirs[0]
	if o.Method != s.Method || o.URL.String() != s.URL.String() || o.URL.Host != host {
		t.Errorf("%s %s, the SDK %s %s", o.Method, o.URL, s.Method, s.URL)
	}
	if x, y := o.Header.Get("Content-Type"), s.Header.Get("Content-Type"); x != y {
		t.Errorf("the content is %q, the SDK's %q", x, y)
	}
	a, b := form(t, o), form(t, s)
	same(t, "form", a, b)
	x, err := url.Parse(a.Get("PresignedUrl"))
	ok(t, err)
	y, err := url.Parse(b.Get("PresignedUrl"))
	ok(t, err)
	if x.Scheme != y.Scheme || x.Host != y.Host || x.Path != y.Path {
		t.Errorf("signed for the source is %s, the SDK's is %s", x, y)
	}
	same(t, "signed URL", x.Query(), y.Query())
}

func form(t *testing.T, r *http.Request) url.Values {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	ok(t, err)
	v, err := url.ParseQuery(string(body))
	ok(t, err)
	return v
}

func same(t *testing.T, what string, a, b url.Values) {
	t.Helper()
	for k := range a {
		if !b.Has(k) {
			t.Errorf("%s: %s is not in the SDK's", what, k)
		}
	}
	for k := range b {
		if strings.Join(a[k], "|") != strings.Join(b[k], "|") {
			t.Errorf("%s: %s is %q, the SDK's %q", what, k, a[k], b[k])
		}
	}
}

func TestWhatEC2SaysOfACopy(t *testing.T) {
	said := func(code string) string {
		return "<Response><Errors><Error><Code>" + code + "</Code><Message>Words.</Message></Error></Errors><RequestID>r-1</RequestID></Response>"
	}
	for name, x := range map[string]struct {
		status int
		body   string
		want   providers.ErrorKind
		words  string
	}{
		"unknown":            {400, said("InvalidSnapshot.NotFound"), providers.NotFound, "InvalidSnapshot.NotFound"},
		"too many":           {400, said("ResourceLimitExceeded"), providers.NotReady, "ResourceLimitExceeded"},
		"too fast":           {503, said("RequestLimitExceeded"), providers.Throttled, "Words."},
		"not allowed":        {403, said("UnauthorizedOperation"), providers.Denied, "UnauthorizedOperation"},
		"run out":            {400, said("RequestExpired"), providers.Expired, "RequestExpired"},
		"EC2 itself":         {500, said("InternalError"), providers.Server, "InternalError"},
		"a page":             {502, "<html>no</html>", providers.Server, "HTTP 502"},
		"a refusing page":    {407, "", providers.Denied, "HTTP 407"},
		"cut off":            {200, copiedAnswer[:90], providers.Lost, "did not come whole"},
		"nothing":            {200, "", providers.Lost, "did not come whole"},
		"a page that is 200": {200, "<html>hello</html>", providers.Lost, "did not come whole"},
		"no id":              {200, "<CopySnapshotResponse/>", providers.Lost, "names no snapshot"},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t)
			w := &wire{status: x.status, body: x.body}
			var seen []aws.Attempt
			c := cloud(t, aws.Options{HTTPClient: w, Observe: func(a aws.Attempt) { seen = append(seen, a) }})
			_, err := c.CopySnapshot(t.Context(), "us-west-1", providers.SnapshotCopy{FromRegion: "us-east-1", Snapshot: "snap-0123456789abcdef0"})
			e := want(t, err, x.want)
			if !strings.Contains(e.Error(), x.words) || e.Op != "ec2:CopySnapshot" || e.Where != "us-west-1" {
				t.Errorf("%v (op %s in %s)", e, e.Op, e.Where)
			}
			if len(w.sent) != 1 || len(seen) != 1 || !seen[0].Changes || seen[0].Error == "" {
				t.Errorf("%d sent, seen %+v", len(w.sent), seen)
			}
		})
	}
}

func TestCopySnapshotNeedsCredentials(t *testing.T) {
	alone(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	w := &wire{status: 200, body: copiedAnswer}
	_, err := cloud(t, aws.Options{HTTPClient: w}).CopySnapshot(t.Context(), "us-west-1", providers.SnapshotCopy{FromRegion: "us-east-1", Snapshot: "snap-0123456789abcdef0"})
	want(t, err, providers.Expired)
	if len(w.sent) != 0 {
		t.Errorf("%d sent", len(w.sent))
	}
}
