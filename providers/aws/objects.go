package aws

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/encoding/httpbinding"

	"lifeboat/providers"
)

// objects are S3, by three requests of its REST API that are signed with the SDK's own signer. The SDK's module for S3
// would do the same, and add several megabytes to the program and a second endpoint resolver to its start.
type objects struct{ c *Cloud }

var _ providers.Objects = objects{}

// Get is s3:GetObject. S3 says AccessDenied of an object that is not there to who may not list the bucket.
func (s objects) Get(ctx context.Context, region, bucket, key string) ([]byte, error) {
	return s.do(ctx, op{"s3:GetObject", region, false}, object{http.MethodGet, bucket, key, nil})
}

// Put is s3:PutObject.
func (s objects) Put(ctx context.Context, region, bucket, key string, body []byte) error {
	_, err := s.do(ctx, op{"s3:PutObject", region, true}, object{http.MethodPut, bucket, key, body})
	return err
}

// Delete is s3:DeleteObject. S3 itself says nothing of one that is gone.
func (s objects) Delete(ctx context.Context, region, bucket, key string) error {
	_, err := s.do(ctx, op{"s3:DeleteObject", region, true}, object{http.MethodDelete, bucket, key, nil})
	if isKind(err, providers.NotFound, "NoSuchKey") {
		return nil
	}
	return err
}

// object is one request.
type object struct {
	method, bucket, key string
	body                []byte
}

func (s objects) do(ctx context.Context, o op, what object) ([]byte, error) {
	session, err := s.c.sessionFor(ctx, o.name, o.region)
	if err != nil {
		return nil, err
	}
	if what.bucket == "" || what.key == "" || strings.ContainsAny(what.bucket, "/?#@: ") {
		return nil, providers.Errorf(providers.Invalid, o.name, o.region, "%q and %q are no bucket and key", what.bucket, what.key)
	}
	out, err := do(ctx, s.c, session, o, func(ctx context.Context, in *object) (*[]byte, error) { return s.send(ctx, session, o, in) }, &what)
	if err != nil {
		return nil, err
	}
	return *out, nil
}

// send asks S3 with the hash of the body in a header of its own, as S3 wants it, and with the path signed as it is sent: the
// other services escape it twice.
func (s objects) send(ctx context.Context, session *session, o op, in *object) (*[]byte, error) {
	u, err := objectURL(ctx, session, o.region, in.bucket, in.key)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, in.method, u.String(), bytes.NewReader(in.body))
	if err != nil {
		return nil, err
	}
	req.URL = u // parsing again would not keep a key such as a//b
	req.Header.Set("X-Amz-Content-Sha256", hash(in.body))
	var out []byte
	err = s.c.exchange(ctx, session, byHand{
		service: "s3", region: o.region, req: req, body: in.body, fault: objectError,
		plain: func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true },
		read:  func(body []byte) error { out = body; return nil },
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// objectError is S3's own error, or, where the answer has none, nothing that a program could know: classify then goes by
// the status.
func objectError(resp *http.Response, body []byte) error {
	var said struct{ Code, Message, Region, Endpoint string }
	if xml.Unmarshal(body, &said) != nil || said.Code == "" {
		return fmt.Errorf("HTTP %d without an error of S3", resp.StatusCode)
	}
	where := said.Region
	if where == "" {
		where = resp.Header.Get("X-Amz-Bucket-Region")
	}
	if where != "" && codes[said.Code].kind == providers.Mismatch {
		said.Message += " The bucket is in " + where + "."
	}
	return &smithy.GenericAPIError{Code: said.Code, Message: said.Message}
}

// objectURL is where an object lies: under the bucket's own host at AWS, and behind the bucket's name at an endpoint that
// the configuration names, which has no such hosts. A bucket with a dot in its name fits no certificate as a host.
func objectURL(ctx context.Context, s *session, region, bucket, key string) (*url.URL, error) {
	u := &url.URL{Scheme: "https", Host: bucket + ".s3." + region + "." + suffix(region)}
	path := "/" + key
	switch base, err := s.baseEndpoint(ctx, "S3"); {
	case err != nil:
		return nil, err
	case base != "":
		given, err := url.Parse(base)
		if err != nil || given.Host == "" {
			return nil, fmt.Errorf("AWS_ENDPOINT_URL: %q is no URL", base)
		}
		u.Scheme, u.Host, path = given.Scheme, given.Host, strings.TrimSuffix(given.Path, "/")+"/"+bucket+path
	case strings.Contains(bucket, "."):
		u.Host, path = "s3."+region+"."+suffix(region), "/"+bucket+path
	}
	u.Path, u.RawPath = path, httpbinding.EscapePath(path, false)
	return u, nil
}

// suffix is the domain of a region's partition.
func suffix(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// baseEndpoint is what the configuration names instead of AWS for a service: AWS_ENDPOINT_URL_S3 goes before
// AWS_ENDPOINT_URL, the environment before the profile, and AWS_IGNORE_CONFIGURED_ENDPOINT_URLS before both.
func (s *session) baseEndpoint(ctx context.Context, service string) (string, error) {
	for _, source := range s.cfg.ConfigSources {
		if p, ok := source.(interface {
			GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
		}); ok {
			if ignored, found, err := p.GetIgnoreConfiguredEndpoints(ctx); err != nil || found && ignored {
				return "", err
			}
		}
	}
	for _, source := range s.cfg.ConfigSources {
		if p, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); ok {
			if v, found, err := p.GetServiceBaseEndpoint(ctx, service); err != nil || found {
				return v, err
			}
		}
	}
	if s.cfg.BaseEndpoint == nil {
		return "", nil
	}
	return *s.cfg.BaseEndpoint, nil
}
