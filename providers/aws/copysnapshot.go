package aws

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// CopySnapshot is ec2:CopySnapshot, asked of the target region. The answer holds the id and nothing else. A key that cannot
// be used is found out later: the copy ends in the state error.
//
// It is put together here: the SDK's own operation holds a whole client of EC2 in an interface, and all its operations would
// be in the program, 19 MB of them. What is sent is what the SDK sends, to the signature of the URL: a test holds them together.
func (c *Cloud) CopySnapshot(ctx context.Context, region string, s providers.SnapshotCopy) (providers.Snapshot, error) {
	o := op{"ec2:CopySnapshot", region, true}
	if err := c.checkRegion(ctx, o.name, s.FromRegion); err != nil {
		return providers.Snapshot{}, err
	}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return providers.Snapshot{}, err
	}
	out, err := do(ctx, c, api.session, o, func(ctx context.Context, in *providers.SnapshotCopy) (*copied, error) {
		return c.copySnapshot(ctx, api, region, in)
	}, &s)
	if err != nil {
		return providers.Snapshot{}, err
	}
	tags := make(map[string]string, len(out.Tags))
	for _, t := range out.Tags {
		tags[runbook.Clean(t.Key)] = runbook.Clean(t.Value)
	}
	return providers.Snapshot{
		ID: out.Snapshot, Region: region, State: string(types.SnapshotStatePending), Started: c.clock.Now(),
		Encrypted: s.KMSKey != "", KMSKey: s.KMSKey, Description: s.Description, Tags: tags,
	}, nil
}

// copied is the answer.
type copied struct {
	XMLName  xml.Name `xml:"CopySnapshotResponse"`
	Snapshot string   `xml:"snapshotId"`
	Tags     []struct {
		Key   string `xml:"key"`
		Value string `xml:"value"`
	} `xml:"tagSet>item"`
}

func (c *Cloud) copySnapshot(ctx context.Context, api *ec2API, region string, s *providers.SnapshotCopy) (*copied, error) {
	form := copyForm(s)
	leave, err := c.leave(ctx, api, region, s.FromRegion, form)
	if err != nil {
		return nil, err
	}
	form.Set("PresignedUrl", leave)
	at, err := api.endpoint(ctx, region)
	if err != nil {
		return nil, err
	}
	body := form.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	out := &copied{}
	err = c.exchange(ctx, api.session, byHand{
		service: "ec2", region: region, req: req, body: []byte(body), fault: ec2Error,
		read: func(body []byte) error {
			if err := xml.Unmarshal(body, out); err != nil {
				return err
			}
			if out.Snapshot == "" {
				return errors.New("it names no snapshot")
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// copyForm is the request in the words of EC2's Query API.
func copyForm(s *providers.SnapshotCopy) url.Values {
	form := url.Values{
		"Action": {"CopySnapshot"}, "Version": {"2016-11-15"}, "SourceRegion": {s.FromRegion}, "SourceSnapshotId": {s.Snapshot},
	}
	if s.Description != "" {
		form.Set("Description", s.Description)
	}
	if s.KMSKey != "" {
		form.Set("Encrypted", "true")
		form.Set("KmsKeyId", s.KMSKey)
	}
	for i, t := range toTags(s.Tags) {
		form.Set("TagSpecification.1.ResourceType", string(types.ResourceTypeSnapshot))
		tag := "TagSpecification.1.Tag." + strconv.Itoa(i+1)
		form.Set(tag+".Key", sdk.ToString(t.Key))
		form.Set(tag+".Value", sdk.ToString(t.Value))
	}
	return form
}

// leave is the URL with which the target region fetches from the source: the same request, as a question to the source that
// is signed for the source. EC2 needs it of encrypted snapshots, and takes it of all. One that is wrong is found out later: the
// copy ends in the state error.
func (c *Cloud) leave(ctx context.Context, api *ec2API, to, from string, form url.Values) (string, error) {
	at, err := api.endpoint(ctx, from)
	if err != nil {
		return "", err
	}
	at.RawQuery = form.Encode() + "&DestinationRegion=" + url.QueryEscape(to)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return "", err
	}
	who, err := api.session.credentials(ctx)
	if err != nil {
		return "", err
	}
	signed, _, err := v4.NewSigner().PresignHTTP(ctx, who, req, hash(nil), "ec2", from, c.clock.Now())
	return signed, err
}

// endpoint is where the SDK itself would send a call to a region: AWS_ENDPOINT_URL and the like are in the options already.
func (a *ec2API) endpoint(ctx context.Context, region string) (*url.URL, error) {
	o := a.options
	at, err := o.EndpointResolverV2.ResolveEndpoint(ctx, ec2.EndpointParameters{
		Region: sdk.String(region), Endpoint: o.BaseEndpoint,
		UseDualStack: sdk.Bool(o.EndpointOptions.UseDualStackEndpoint == sdk.DualStackEndpointStateEnabled),
		UseFIPS:      sdk.Bool(o.EndpointOptions.UseFIPSEndpoint == sdk.FIPSEndpointStateEnabled),
	})
	if err != nil {
		return nil, err
	}
	at.URI.Path = smithyhttp.JoinPath(at.URI.Path, "/")
	return &at.URI, nil
}

// ec2Error is EC2's own error, or, where the answer has none, nothing that a program could know: classify then goes by the
// status.
func ec2Error(resp *http.Response, body []byte) error {
	var said struct {
		Code    string `xml:"Errors>Error>Code"`
		Message string `xml:"Errors>Error>Message"`
	}
	if xml.Unmarshal(body, &said) != nil || said.Code == "" {
		return fmt.Errorf("HTTP %d without an error of EC2", resp.StatusCode)
	}
	return &smithy.GenericAPIError{Code: said.Code, Message: said.Message}
}
