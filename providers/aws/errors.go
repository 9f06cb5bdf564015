package aws

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// classify says what an error means. The order matters: an answer beats everything, then the credentials, then whether
// the request had left.
func classify(o op, sent bool, err error) *providers.Error {
	e := &providers.Error{Op: o.name, Where: o.region, Cause: err}
	status := statusOf(err)
	var api smithy.APIError
	var cred *credentialsError
	switch {
	case errors.As(err, &cred):
		e.Kind, e.Detail, e.Do = credentials(cred)
	case errors.As(err, &api) && status != 0 && !decoding(err):
		words := message(api)
		e.Code, e.Detail = api.ErrorCode(), detail(errors.New(words))
		judge(o, e, words, status)
	case status >= 300:
		foreign(e, status)
	case sent || status != 0:
		e.Kind, e.Detail = providers.Lost, lostDetail(err)
		e.Do = "look at " + o.region + " before doing it by hand: it may have happened"
		if !o.changes {
			e.Do = ""
		}
	default:
		unsent(e, o, err)
	}
	return e
}

// decoding reports that the answer could not be read: the code that the SDK then makes up is not the far side's.
func decoding(err error) bool {
	var d *smithy.DeserializationError
	return errors.As(err, &d)
}

func statusOf(err error) int {
	var r *smithyhttp.ResponseError
	if errors.As(err, &r) {
		return r.HTTPStatusCode()
	}
	return 0
}

// foreign is an answer that AWS's API does not give: a proxy's page, a server's own error page, a truncated error.
func foreign(e *providers.Error, status int) {
	e.Code = fmt.Sprintf("HTTP %d", status)
	e.Detail = "the answer is not one of the AWS API"
	switch {
	case status >= 500:
		e.Kind = providers.Server
	case status == 429:
		e.Kind = providers.Throttled
	case status == 401 || status == 403 || status == 407:
		e.Kind = providers.Denied
		e.Do = "something between this machine and AWS refuses: look at HTTPS_PROXY and AWS_ENDPOINT_URL"
	default:
		e.Kind = providers.Invalid
		e.Do = "look at AWS_ENDPOINT_URL and HTTPS_PROXY: something else than AWS answers"
	}
}

// unsent is an error from before the request left.
func unsent(e *providers.Error, o op, err error) {
	e.Kind = providers.Unreachable
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		e.Detail = "given up before anything was sent"
	case timeout(err):
		e.Detail = "no connection before the deadline"
		e.Do = "is the region up, and does this machine reach it? `curl -sS https://ec2." + regionOr(o.region) + ".amazonaws.com/ping`"
	case errors.As(err, &dns):
		e.Detail = detail(dns)
		e.Do = "look at this machine's name servers, and at AWS_ENDPOINT_URL"
	case certificate(err):
		e.Detail = detail(innermost(err))
		e.Do = "look at this machine's clock, AWS_CA_BUNDLE and HTTPS_PROXY"
	case network(err):
		e.Detail = detail(innermost(err))
		e.Do = "look at this machine's network, HTTPS_PROXY and AWS_ENDPOINT_URL"
	default:
		// The SDK refused the request itself: trying again would be refused again.
		e.Kind, e.Detail = providers.Invalid, detail(innermost(err))
	}
}

func regionOr(region string) string {
	if region == "" {
		return "us-east-1"
	}
	return region
}

func lostDetail(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "given up while waiting for the answer"
	case timeout(err):
		return "no answer before the deadline"
	default:
		return "the answer did not come whole: " + detail(innermost(err))
	}
}

func timeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

// network does not ask for a net.Error: every error number of the operating system is one, a missing file too.
func network(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var web *url.Error
	var send *smithyhttp.RequestSendError
	return errors.As(err, &op) || errors.As(err, &dns) || errors.As(err, &web) || errors.As(err, &send)
}

func certificate(err error) bool {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var authority x509.UnknownAuthorityError
	return errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &authority)
}

// innermost skips the SDK's wrappings, which repeat what Op and Where say.
func innermost(err error) error {
	for {
		var next error
		switch x := err.(type) {
		case *smithy.OperationError:
			next = x.Err
		case *smithyhttp.RequestSendError:
			next = x.Err
		case *smithy.CanceledError:
			next = x.Err
		case *awshttp.ResponseError:
			next = x.ResponseError
		case *smithyhttp.ResponseError:
			next = x.Err
		case *smithy.DeserializationError:
			next = x.Err
		case *url.Error:
			next = x.Err
		}
		if next == nil {
			return err
		}
		err = next
	}
}

// detail makes words from outside safe and short enough for a line on the screen.
func detail(err error) string {
	const most = 400
	s := runbook.Clean(strings.Join(strings.Fields(err.Error()), " "))
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}

// message leaves out what AWS adds for machines: the encoded authorization message alone is a page long. Route 53 has a
// form of its own for a list of messages.
func message(api smithy.APIError) string {
	var batch *types.InvalidChangeBatch
	if errors.As(api, &batch) && len(batch.Messages) > 0 {
		return strings.Join(batch.Messages, "; ")
	}
	s, _, _ := strings.Cut(api.ErrorMessage(), "Encoded authorization failure message")
	return strings.TrimSpace(s)
}

// noCredentials is what the SDK's chain of sources says, in its own words, when it has come to the end.
const noCredentials = "no ec2 imds role found"

// credentials says why there are none and how to get some. Credentials whose source could not be reached may come in a
// moment; all else needs a person.
func credentials(e *credentialsError) (kind providers.ErrorKind, words, do string) {
	var api smithy.APIError
	s := strings.ToLower(e.Error())
	switch {
	case strings.Contains(s, noCredentials):
		return providers.Expired, "there are no credentials in the environment, the profile or this machine's role",
			"set AWS_PROFILE, run `aws sso login` or `aws configure`"
	case timeout(e.err):
		return providers.Unreachable, "credentials did not come before the deadline: " + detail(e.err),
			"set AWS_PROFILE, run `aws sso login` or `aws configure`"
	case !errors.As(e.err, &api) && network(e.err):
		return providers.Unreachable, "the source of the credentials does not answer: " + detail(e.err),
			"look at this machine's network and HTTPS_PROXY"
	case strings.Contains(s, "sso") || strings.Contains(s, "token"):
		return providers.Expired, detail(e.err),
			"run `aws sso login` in another terminal (with --profile when AWS_PROFILE is set); the next call reads the new session"
	default:
		return providers.Expired, detail(e.err), "`aws sts get-caller-identity` shows what is wrong with the credentials"
	}
}

// isOp reports whether err is of the call.
func isOp(err error, op string) bool {
	var e *providers.Error
	return errors.As(err, &e) && e.Op == op
}

// asConflict is the error for what will not pass by itself, with the state that says so.
func asConflict(err error, state string) error {
	var e *providers.Error
	if !errors.As(err, &e) {
		return err
	}
	out := *e
	out.Kind, out.Detail = providers.Conflict, "it is "+state+": "+e.Detail
	return &out
}
