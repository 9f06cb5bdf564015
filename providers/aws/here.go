package aws

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// Where the instance metadata service answers (EC2 User Guide, "Access instance metadata"), and how long it may take: on a
// machine outside of EC2 nobody answers there.
const (
	metadata      = "http://169.254.169.254"
	metadataLimit = time.Second
)

// Here is the region in which this machine stands, as its instance metadata says it; "" outside of EC2, and where the metadata
// is switched off (AWS_EC2_METADATA_DISABLED).
func Here(ctx context.Context) string {
	if strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true") {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, metadataLimit)
	defer cancel()
	at := strings.TrimSuffix(cmp.Or(os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"), metadata), "/")
	token, ok := metadatum(ctx, http.MethodPut, at+"/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60")
	if !ok {
		return ""
	}
	region, _ := metadatum(ctx, http.MethodGet, at+"/latest/meta-data/placement/region", "X-aws-ec2-metadata-token", token)
	if !regionShape.MatchString(region) {
		return ""
	}
	return region
}

func metadatum(ctx context.Context, method, url, header, value string) (string, bool) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return "", false
	}
	req.Header.Set(header, value)
	resp, err := (&http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return "", false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	return strings.TrimSpace(string(text)), err == nil && resp.StatusCode == http.StatusOK
}
