package aws_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/providertest/emulator"
)

// wire keeps what would have been sent, and answers with what it was told.
type wire struct {
	sent   []*http.Request
	status int
	body   string
}

func (w *wire) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil { // whose it is may close it after the answer
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	w.sent = append(w.sent, req)
	return &http.Response{
		StatusCode: w.status, Request: req, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(w.body)),
	}, nil
}

// alone is an environment that names no endpoint.
func alone(t *testing.T) {
	for _, kv := range []string{
		"AWS_ENDPOINT_URL=", "AWS_ENDPOINT_URL_S3=", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example",
		"AWS_SESSION_TOKEN=", "AWS_PROFILE=", "AWS_REGION=us-east-1", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	} {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
	}
}

func TestWhereObjectsLie(t *testing.T) {
	for _, c := range []struct{ region, bucket, key, env, want string }{
		{"us-west-2", "shop-flags", "failover/on", "", "https://shop-flags.s3.us-west-2.amazonaws.com/failover/on"},
		{"us-west-2", "shop.example.com", "on", "", "https://s3.us-west-2.amazonaws.com/shop.example.com/on"},
		{"cn-north-1", "shop-flags", "on", "", "https://shop-flags.s3.cn-north-1.amazonaws.com.cn/on"},
		{"us-west-2", "shop-flags", "a//b c", "", "https://shop-flags.s3.us-west-2.amazonaws.com/a//b%20c"},
		{"us-west-2", "shop-flags", "on", "AWS_ENDPOINT_URL=http://192.0.2.1:9000/", "http://192.0.2.1:9000/shop-flags/on"},
		{"us-west-2", "shop-flags", "on", "AWS_ENDPOINT_URL_S3=http://192.0.2.2:9000/x", "http://192.0.2.2:9000/x/shop-flags/on"},
	} {
		t.Run(c.want, func(t *testing.T) {
			alone(t)
			if k, v, ok := strings.Cut(c.env, "="); ok {
				t.Setenv(k, v)
			}
			w := &wire{status: 200, body: "on\n"}
			body, err := cloud(t, aws.Options{HTTPClient: w}).Set().Objects.Get(t.Context(), c.region, c.bucket, c.key)
			ok(t, err)
			if string(body) != "on\n" || len(w.sent) != 1 || w.sent[0].URL.String() != c.want {
				t.Errorf("body %q, sent %v", body, w.sent[0].URL)
			}
			if auth := w.sent[0].Header.Get("Authorization"); !strings.Contains(auth, "/"+c.region+"/s3/aws4_request") {
				t.Errorf("signed as %q", auth)
			}
		})
	}
}

func TestWhatS3Says(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   providers.ErrorKind
		words  string
	}{
		{404, "<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>", providers.NotFound, "NoSuchKey"},
		{404, "<Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>", providers.NotFound, "NoSuchBucket"},
		{403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>", providers.Denied, "AccessDenied"},
		{400, "<Error><Code>ExpiredToken</Code><Message>old</Message></Error>", providers.Expired, "ExpiredToken"},
		{503, "<Error><Code>SlowDown</Code><Message>slow</Message></Error>", providers.Throttled, "SlowDown"},
		{301, "<Error><Code>PermanentRedirect</Code><Message>There.</Message><Region>eu-west-1</Region></Error>", providers.Mismatch, "The bucket is in eu-west-1."},
		{400, "<Error><Code>AuthorizationHeaderMalformed</Code><Message>There.</Message><Region>eu-west-1</Region></Error>", providers.Mismatch, "The bucket is in eu-west-1."},
		{500, "<html>no</html>", providers.Server, "HTTP 500"},
		{302, "", providers.Invalid, "HTTP 302"},
	} {
		t.Run(c.words, func(t *testing.T) {
			alone(t)
			o := cloud(t, aws.Options{HTTPClient: &wire{status: c.status, body: c.body}}).Set().Objects
			err := o.Put(t.Context(), "us-west-2", "shop-flags", "on", []byte("x"))
			e := want(t, err, c.want)
			if !strings.Contains(e.Error(), c.words) || e.Op != "s3:PutObject" || e.Where != "us-west-2" {
				t.Errorf("%v (op %s in %s)", e, e.Op, e.Where)
			}
			if e.Kind == providers.Mismatch && !strings.Contains(e.Do, "get-bucket-location") {
				t.Errorf("it does not say what to do: %q", e.Do)
			}
		})
	}
}

func TestObjectsOfTheRightAccount(t *testing.T) {
	e := start(t, emulator.Options{})
	bucket := e.SeedBucket(region, "shop-flags")
	err := cloud(t, aws.Options{Account: "210987654321"}).Set().Objects.Put(t.Context(), region, bucket, "on", []byte("x"))
	want(t, err, providers.Denied)
	if e.Object(bucket, "on") != nil {
		t.Error("it was written in another account")
	}
	o := cloud(t, aws.Options{Account: emulator.Account}).Set().Objects
	lost := e.Inject(emulator.Fault{Service: "s3", Action: "PutObject", Kind: emulator.LostAnswer, Times: 1})
	want(t, o.Put(t.Context(), region, bucket, "on", []byte("x")), providers.Lost)
	if string(e.Object(bucket, "on")) != "x" || lost.Hits() != 1 {
		t.Error("the answer was lost, and the effect too")
	}
	if m := e.Mutations(); len(m) != 1 || m[0].Service != "s3" || m[0].Action != "PutObject" {
		t.Errorf("mutations: %+v", m)
	}
}

func TestObjectsNeedCredentials(t *testing.T) {
	alone(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	w := &wire{status: 200}
	_, err := cloud(t, aws.Options{HTTPClient: w}).Set().Objects.Get(t.Context(), "us-west-2", "shop-flags", "on")
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != providers.Expired || len(w.sent) != 0 {
		t.Errorf("%v, %d sent", err, len(w.sent))
	}
}
