package aws

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHere(t *testing.T) {
	says := "us-west-1"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" && r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") != "":
			io.WriteString(w, "a-token")
		case r.URL.Path == "/latest/meta-data/placement/region" && r.Header.Get("X-aws-ec2-metadata-token") == "a-token":
			io.WriteString(w, says)
		default:
			http.Error(w, "no", http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL)
	if got := Here(t.Context()); got != "us-west-1" {
		t.Errorf("here is %q", got)
	}
	says = "<html>log in</html>" // a captive portal answers for every address
	if got := Here(t.Context()); got != "" {
		t.Errorf("here is %q", got)
	}
	says = "us-west-1"
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	if got := Here(t.Context()); got != "" {
		t.Errorf("switched off, here is %q", got)
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	server.Close()
	if got := Here(t.Context()); got != "" {
		t.Errorf("outside of EC2, here is %q", got)
	}
}
