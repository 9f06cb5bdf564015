package web_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/web"
)

func kind(t *testing.T, err error, want providers.ErrorKind) *providers.Error {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of kind %q", err, want)
	}
	if e.Kind != want {
		t.Fatalf("got kind %q (%v), want %q", e.Kind, e, want)
	}
	return e
}

// split takes an address of a test server apart.
func split(t *testing.T, s *httptest.Server) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

func TestAddressAndName(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.Host, r.URL.Path)
	}))
	defer s.Close()
	host, port := split(t, s)
	// A proxy of the environment would make these fail.
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
	for _, address := range []string{host, host + ":" + port} {
		page, err := web.New(web.Options{}).Get(t.Context(), "http://www.example.com:"+port+"/health", address)
		if err != nil {
			t.Fatal(err)
		}
		if page.Status != 200 || page.Body != "www.example.com:"+port+" /health" || page.Address != host || page.Took <= 0 {
			t.Errorf("%s: got %+v", address, page)
		}
	}
	if page, err := web.New(web.Options{}).Get(t.Context(), s.URL+"/x", ""); err != nil || page.Body != host+":"+port+" /x" {
		t.Errorf("without an address: %+v, %v", page, err)
	}
}

func TestPages(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	mux.HandleFunc("/sick", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "sick", http.StatusServiceUnavailable) })
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("x", 1<<20)) })
	mux.HandleFunc("/hostile", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a\x1b[2Jb\r\nc\u202ed") })
	s := httptest.NewServer(mux)
	defer s.Close()
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/moved": {302, "<a href=\"/elsewhere\">Found</a>.\n\n"}, "/sick": {503, "sick\n"}, "/large": {200, strings.Repeat("x", 64<<10)}, "/hostile": {200, "ab\ncd"},
	} {
		page, err := web.New(web.Options{}).Get(t.Context(), s.URL+path, "")
		if err != nil || page.Status != want.status || page.Body != want.body {
			t.Errorf("%s: got %d %.80q, %v", path, page.Status, page.Body, err)
		}
	}
}

// speak is a server that says the words and hangs up; with none it waits for ever.
func speak(t *testing.T, words string, hangUp bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			t.Cleanup(func() { c.Close() })
			buf := make([]byte, 4096)
			c.Read(buf)
			io.WriteString(c, words)
			if hangUp {
				c.Close()
			}
		}
	}()
	return l.Addr().String()
}

func TestErrors(t *testing.T) {
	w := web.New(web.Options{})
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, c := range map[string]struct {
		url, address string
		want         providers.ErrorKind
	}{
		"refused":         {"http://www.example.com/", closed.Addr().String(), providers.Unreachable},
		"no such name":    {"http://no-such-host.invalid/", "", providers.Unreachable},
		"silent":          {"http://www.example.com/", speak(t, "", false), providers.Lost},
		"silent TLS":      {"https://www.example.com/", speak(t, "", false), providers.Unreachable},
		"hangs up":        {"http://www.example.com/", speak(t, "", true), providers.Lost},
		"half a page":     {"http://www.example.com/", speak(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", true), providers.Lost},
		"not HTTP":        {"http://www.example.com/", speak(t, "SSH-2.0-OpenSSH\r\n\r\n", true), providers.Server},
		"not TLS":         {"https://www.example.com/", speak(t, "HTTP/1.1 400 Bad Request\r\n\r\n", true), providers.Invalid},
		"no URL":          {"http://%zz/", "", providers.Invalid},
		"scheme":          {"file:///etc/passwd", "", providers.Invalid},
		"no host":         {"http:///x", "", providers.Invalid},
		"address":         {"http://www.example.com/", "a b", providers.Invalid},
		"endless headers": {"http://www.example.com/", speak(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20), true), providers.Server},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
			defer cancel()
			_, err := w.Get(ctx, c.url, c.address)
			if e := kind(t, err, c.want); e.Detail == "" {
				t.Errorf("it says nothing: %+v", e)
			}
		})
	}
}

func TestCertificates(t *testing.T) {
	const name = "www.example.com"
	now := time.Now()
	good := certificate(t, name, now.Add(time.Hour))
	roots := x509.NewCertPool()
	for _, c := range []struct {
		what, want string
		cert       tls.Certificate
		trust      bool
	}{
		{"good", "", good, true},
		{"unknown authority", "signed by nobody", good, false},
		{"another name", "another name", certificate(t, "other.example.com", now.Add(time.Hour)), true},
		{"run out", "run out", certificate(t, name, now.Add(-time.Hour)), true},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.TLS.ServerName) }))
			s.TLS = &tls.Config{Certificates: []tls.Certificate{c.cert}}
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			defer s.Close()
			pool := roots.Clone()
			if c.trust {
				pool.AddCert(c.cert.Leaf)
			}
			page, err := web.New(web.Options{Roots: pool}).Get(t.Context(), "https://"+name+"/", s.Listener.Addr().String())
			if c.want == "" {
				if err != nil || page.Body != name {
					t.Fatalf("got %+v, %v", page, err)
				}
				return
			}
			if e := kind(t, err, providers.Invalid); !strings.Contains(e.Detail, c.want) {
				t.Errorf("got %q", e.Detail)
			}
		})
	}
}

func certificate(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
