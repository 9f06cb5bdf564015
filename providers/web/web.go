// Package web asks web servers whether they serve a page.
//
// It can ask a given address instead of looking the name up, and then keeps the name for the Host header and the
// certificate: so a standby is proved before DNS points at it. Each question is one new connection; proxies of the
// environment are ignored, because the proof is about the server and not about a cache in between.
//
// It refuses to follow redirects (a redirect is an answer, and its status is reported), to keep connections, to read
// more than 64 KiB of a page, and to overlook a bad certificate.
//
//	page, err := web.New(web.Options{}).Get(ctx, "https://www.example.com/health", "198.51.100.7")
package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

const (
	op             = "http:Get"
	defaultTimeout = 5 * time.Second // when the context has no deadline of its own
	maxBody        = 64 << 10
	maxHeader      = 64 << 10
)

// Options are what a Web needs.
type Options struct {
	Clock runbook.Clock  // the wall clock when nil
	Roots *x509.CertPool // authorities to believe; the machine's when nil
}

// Web is a providers.Web over net/http. It is safe for concurrent use and holds no connection.
type Web struct {
	opts Options
}

var _ providers.Web = (*Web)(nil)

// New makes a Web.
func New(opts Options) *Web {
	if opts.Clock == nil {
		opts.Clock = runbook.WallClock{}
	}
	return &Web{opts: opts}
}

// Get implements providers.Web. The address may name a port, which otherwise is the URL's. Every status is an answer:
// errors are Unreachable (no connection), Lost (a connection and no answer), Invalid (the URL, the address, or the
// certificate) and Server (an answer that is not HTTP).
func (w *Web) Get(ctx context.Context, rawURL, address string) (providers.Page, error) {
	u, err := parse(rawURL)
	if err != nil {
		return providers.Page{}, err
	}
	dial, err := target(u, address)
	if err != nil {
		return providers.Page{}, err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = w.opts.Clock.WithTimeout(ctx, defaultTimeout)
		defer cancel()
	}
	q := &question{where: dial}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		q.answers.Store(host(c.Conn.RemoteAddr().String()))
	}})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return providers.Page{}, q.fail(err)
	}
	req.Header.Set("User-Agent", "lifeboat")
	req.Header.Set("Cache-Control", "no-cache")
	client := w.client(dial)
	defer client.CloseIdleConnections()
	began := w.opts.Clock.Now()
	resp, err := client.Do(req)
	if err != nil {
		return providers.Page{}, q.fail(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return providers.Page{}, q.fail(err)
	}
	return providers.Page{
		Status: resp.StatusCode, Body: runbook.CleanLines(string(body)),
		Took: w.opts.Clock.Now().Sub(began), Address: q.who(),
	}, nil
}

// client makes a client that goes to dial whatever the URL says.
func (w *Web) client(dial string) *http.Client {
	var d net.Dialer
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil,
			DisableKeepAlives:      true,
			DisableCompression:     true, // a small answer must not unfold into a large one
			MaxResponseHeaderBytes: maxHeader,
			TLSClientConfig:        &tls.Config{RootCAs: w.opts.Roots, MinVersion: tls.VersionTLS12},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return d.DialContext(ctx, network, dial)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func parse(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil:
		return nil, &providers.Error{Kind: providers.Invalid, Op: op, Detail: runbook.Clean(fmt.Sprintf("%q is not a URL", rawURL)), Cause: err}
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, providers.Errorf(providers.Invalid, op, "", "%q is not a URL that begins with http:// or https://", rawURL)
	case u.Hostname() == "":
		return nil, providers.Errorf(providers.Invalid, op, "", "%q names no host", rawURL)
	}
	return u, nil
}

// target is where to connect, as host:port.
func target(u *url.URL, address string) (string, error) {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	if address == "" {
		return net.JoinHostPort(u.Hostname(), port), nil
	}
	if strings.ContainsAny(address, " /@?#\x00") {
		return "", providers.Errorf(providers.Invalid, op, "", "%q is not an address", address)
	}
	if _, err := netip.ParseAddr(strings.Trim(address, "[]")); err == nil {
		return net.JoinHostPort(strings.Trim(address, "[]"), port), nil
	}
	if h, p, err := net.SplitHostPort(address); err == nil {
		return net.JoinHostPort(h, p), nil
	}
	return net.JoinHostPort(address, port), nil
}

// question is what is known about one Get while it goes on.
type question struct {
	where   string
	answers atomic.Value // string: the address that was connected to, TLS included
}

func (q *question) who() string {
	s, _ := q.answers.Load().(string)
	return s
}

// fail sorts an error by what it means: no connection, a connection that is not trusted, or no answer.
func (q *question) fail(err error) error {
	e := &providers.Error{Kind: providers.Unreachable, Op: op, Where: q.where, Cause: err}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	if reason, do := certificate(err); reason != "" {
		e.Kind, e.Detail, e.Do = providers.Invalid, reason, do
		return e
	}
	connected := q.who() != ""
	var no *net.DNSError
	switch {
	case errors.As(err, &no):
		e.Detail = fmt.Sprintf("the name %q does not resolve", runbook.Clean(no.Name))
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Detail = "connection refused"
	case timeout(err) && connected:
		e.Kind, e.Detail = providers.Lost, "connected, and no answer in time"
	case timeout(err):
		e.Detail = "no connection in time"
	case errors.Is(err, context.Canceled):
		e.Detail = "stopped"
	case connected && broken(err):
		e.Kind, e.Detail = providers.Lost, "the connection ended before the answer"
	case connected:
		e.Kind, e.Detail = providers.Server, "no HTTP answer: "+runbook.Clean(err.Error())
	default:
		e.Detail = runbook.Clean(err.Error())
	}
	return e
}

func timeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

func broken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || strings.Contains(err.Error(), "server closed idle connection")
}

// certificate names what is wrong with a certificate; "" is nothing.
func certificate(err error) (reason, do string) {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &name):
		return "the certificate is for another name: " + runbook.Clean(name.Error()), "give the server the certificate of the service's name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate has run out, or is not valid yet: " + runbook.Clean(invalid.Error()), "renew the certificate, and look at this machine's clock"
	case errors.As(err, &invalid):
		return "the certificate is not valid: " + runbook.Clean(invalid.Error()), ""
	case errors.As(err, &unknown):
		return "the certificate is signed by nobody this machine knows", "give the server its whole certificate chain, or make the authority known to this machine (SSL_CERT_FILE)"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "the server does not speak TLS on this port", "correct the scheme or the port of the URL"
	}
	return "", ""
}

func host(hostport string) string {
	h, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return hostport
	}
	return h
}
