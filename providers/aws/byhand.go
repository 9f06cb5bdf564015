package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// byHand is a request that is put together here and not by the SDK, whose own way to it would add megabytes to the program.
type byHand struct {
	service, region string // it is signed for these
	req             *http.Request
	body            []byte
	plain           func(*v4.SignerOptions)            // how the service signs otherwise than most; nil is as most
	read            func(body []byte) error            // takes the answer
	fault           func(*http.Response, []byte) error // the service's own error, in the SDK's type
}

// mostAnswer is how much of an answer is read.
const mostAnswer = 64 << 10

// exchange signs and sends one request with the SDK's own signer, and puts its errors into the SDK's own types, so that they
// are sorted like all others. It belongs inside of do.
func (c *Cloud) exchange(ctx context.Context, s *session, r byHand) error {
	who, err := s.credentials(ctx)
	if err != nil {
		return err
	}
	options := []func(*v4.SignerOptions){}
	if r.plain != nil {
		options = append(options, r.plain)
	}
	if err := v4.NewSigner().SignHTTP(ctx, who, r.req, hash(r.body), r.service, r.region, c.clock.Now(), options...); err != nil {
		return err
	}
	resp, err := s.http.Do(r.req)
	if err != nil {
		return &smithyhttp.RequestSendError{Err: err}
	}
	defer func() { _ = resp.Body.Close() }() // the answer is read: nothing of it can be lost
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	switch {
	case err != nil:
	case resp.StatusCode < 300:
		err = r.read(body)
	default:
		err = r.fault(resp, body)
	}
	if err == nil {
		return nil
	}
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: resp}, Err: err}
}

// credentials are those that the SDK's clients of the session sign with.
func (s *session) credentials(ctx context.Context) (sdk.Credentials, error) {
	if s.cfg.Credentials == nil {
		return sdk.Credentials{}, &credentialsError{errors.New(noCredentials)}
	}
	return s.cfg.Credentials.Retrieve(ctx)
}

// hash is that of a body, as a signature holds it.
func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
