package aws

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// op is a call: what, where, and whether it may change something.
type op struct {
	name    string
	region  string
	changes bool
}

// pauses are the waits before a read is tried again.
var pauses = []time.Duration{100 * time.Millisecond, 300 * time.Millisecond}

// do makes one call within its deadline. A call that changes something is sent once, and only in the right account.
func do[I, O any](ctx context.Context, c *Cloud, s *session, o op, f method[I, O], in *I) (*O, error) {
	ctx, cancel := c.clock.WithTimeout(ctx, c.timeout)
	defer cancel()
	if o.changes {
		if err := c.rightAccount(ctx, o); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		out, failure := attempt(ctx, c, o, try, f, in)
		if failure == nil {
			return out, nil
		}
		if failure.Kind == providers.Expired {
			c.forget(s)
		}
		if o.changes || try > len(pauses) || !passing(failure.Kind) || ctx.Err() != nil {
			return nil, failure
		}
		if runbook.Sleep(ctx, c.clock, pauses[try-1]) != nil {
			return nil, failure
		}
	}
}

// passing says that the same question may be answered in a moment.
func passing(k providers.ErrorKind) bool {
	switch k {
	case providers.Throttled, providers.Unreachable, providers.Lost, providers.Server:
		return true
	default:
		return false
	}
}

func attempt[I, O any](ctx context.Context, c *Cloud, o op, try int, f method[I, O], in *I) (*O, *providers.Error) {
	w := &wire{}
	began := c.clock.Now()
	out, err := f(context.WithValue(ctx, wireKey{}, w), in)
	var failure *providers.Error
	if err != nil {
		failure = classify(o, w.sent.Load(), err)
		out = nil
	}
	if c.opts.Observe != nil {
		a := Attempt{
			Op: o.name, Region: o.region, At: began, Took: c.clock.Now().Sub(began),
			Try: try, Sent: w.sent.Load(), Changes: o.changes,
		}
		if failure != nil {
			a.Error = failure.Error()
		}
		c.opts.Observe(a)
	}
	return out, failure
}

// wire remembers of one attempt whether the request left.
type wire struct{ sent atomic.Bool }

type wireKey struct{}

// tracked watches requests leave. It wraps the services' HTTP client only: what a credential provider sends on the way
// is not the call.
type tracked struct{ next sdk.HTTPClient }

func (t tracked) Do(req *http.Request) (*http.Response, error) {
	w, ok := req.Context().Value(wireKey{}).(*wire)
	if !ok {
		return t.next.Do(req)
	}
	if err := rewindable(req); err != nil {
		return nil, err
	}
	// The headers count, not the end of the body: from there on the far side may have understood enough to act.
	trace := &httptrace.ClientTrace{
		WroteHeaders: func() { w.sent.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { w.sent.Store(true) },
	}
	return t.next.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
}

// rewindable lets the transport take a fresh connection when the kept one turns out to be closed before anything was
// written. The SDK's body cannot be read twice, so that would be an error otherwise.
func rewindable(req *http.Request) error {
	if req.Body == nil || req.GetBody != nil {
		return nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return err
	}
	if err := req.Body.Close(); err != nil {
		return err
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
	return nil
}

// markedCredentials makes an error of the credentials recognisable.
type markedCredentials struct{ next sdk.CredentialsProvider }

func (m markedCredentials) Retrieve(ctx context.Context) (sdk.Credentials, error) {
	got, err := m.next.Retrieve(ctx)
	if err != nil {
		return got, &credentialsError{err}
	}
	return got, nil
}

// IsCredentialsProvider lets the SDK look through the mark, for anonymous credentials.
func (m markedCredentials) IsCredentialsProvider(p sdk.CredentialsProvider) bool {
	return sdk.IsCredentialsProvider(m.next, p)
}

type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// isKind reports whether err is of the kind and, when codes are given, bears one of them.
func isKind(err error, kind providers.ErrorKind, codes ...string) bool {
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != kind {
		return false
	}
	for _, c := range codes {
		if e.Code == c {
			return true
		}
	}
	return len(codes) == 0
}
