package aws

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// DefaultTimeout is the deadline of a call, its repeated attempts included.
const DefaultTimeout = 10 * time.Second

// Options say on whose behalf and how to call. The zero value is what the aws command would do.
type Options struct {
	// Account, when it is given, is the only account in which anything is changed.
	Account string
	// Profile is the profile of the shared configuration; empty is AWS_PROFILE or the default one.
	Profile string
	// Clock gives deadlines and times; nil is the wall clock.
	Clock runbook.Clock
	// Timeout is the deadline of one call; 0 is DefaultTimeout.
	Timeout time.Duration
	// HTTPClient, when it is given, sends the requests. It must not follow redirects.
	HTTPClient interface {
		Do(*http.Request) (*http.Response, error)
	}
	// Observe is told of every attempt after it ended. It is called from many goroutines and must not block.
	Observe func(Attempt)
	// LookupHost looks a host name up, to learn whether a region exists that this program has not heard of; nil asks the
	// DNS.
	LookupHost func(ctx context.Context, host string) error
}

// Attempt is one request as it went over the wire, or did not.
type Attempt struct {
	Op      string // such as "ec2:RunInstances"
	Region  string
	At      time.Time
	Took    time.Duration
	Try     int    // 1 is the first
	Sent    bool   // the request left this machine
	Changes bool   // it may change something
	Error   string // empty when it worked
}

// Cloud is AWS. All its methods are safe for concurrent use; every error they return is a *providers.Error.
type Cloud struct {
	opts    Options
	clock   runbook.Clock
	timeout time.Duration

	mu      sync.Mutex
	session *session // nil: to be loaded
	proved  *session // the reading whose credentials were proved to be of Options.Account
	exists  map[string]bool
}

var (
	_ providers.Instances = (*Cloud)(nil)
	_ providers.Volumes   = (*Cloud)(nil)
	_ providers.Images    = (*Cloud)(nil)
	_ providers.Addresses = (*Cloud)(nil)
	_ providers.Records   = (*Cloud)(nil)
	_ providers.Identity  = (*Cloud)(nil)
	_ providers.Power     = (*Cloud)(nil)
	_ providers.Places    = (*Cloud)(nil)

	_ providers.AddressMaker = (*Cloud)(nil)

	_ providers.Snapshots   = (*Cloud)(nil)
	_ providers.VolumeMaker = (*Cloud)(nil)
	_ providers.ImageMaker  = (*Cloud)(nil)
	_ providers.Topics      = (*Cloud)(nil)
)

// New reads the configuration. It sends nothing.
func New(ctx context.Context, opts Options) (*Cloud, error) {
	c := &Cloud{opts: opts, clock: opts.Clock, timeout: opts.Timeout, exists: map[string]bool{}}
	if c.clock == nil {
		c.clock = runbook.WallClock{}
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.opts.LookupHost == nil {
		c.opts.LookupHost = lookupHost
	}
	if _, err := c.current(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Set is the contracts that AWS keeps. The others are nil.
func (c *Cloud) Set() providers.Set {
	return providers.Set{
		Instances: c, Volumes: c, Images: c, Addresses: c, Records: c, Identity: c,
		Holdings: c, Objects: objects{c},
		Power: c, Places: c,
		Snapshots: c, Disks: c, Copies: c,
		Topics: c,
	}
}

// session is one reading of the configuration and the clients made from it.
type session struct {
	cfg  sdk.Config
	http sdk.HTTPClient

	mu  sync.Mutex
	ec2 map[string]*ec2API
	sts map[string]*stsAPI
	sns map[string]*snsAPI
	dns *dnsAPI
}

func (c *Cloud) current(ctx context.Context) (*session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil {
		s, err := c.load(ctx)
		if err != nil {
			return nil, err
		}
		c.session = s
	}
	return c.session, nil
}

// forget drops the configuration, so that the next call reads it again. Only the reading that failed is dropped: another
// goroutine may have replaced it already.
func (c *Cloud) forget(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == s {
		c.session = nil
	}
}

func (c *Cloud) load(ctx context.Context) (*session, error) {
	load := []func(*config.LoadOptions) error{
		config.WithRetryer(func() sdk.Retryer { return sdk.NopRetryer{} }),
		config.WithLogger(logging.Nop{}), // a library must not write on the operator's screen
	}
	if c.opts.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(c.opts.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, configError(err)
	}
	if cfg.Credentials != nil {
		cfg.Credentials = markedCredentials{cfg.Credentials}
	}
	return &session{cfg: cfg, http: tracked{c.httpClient(cfg)}, ec2: map[string]*ec2API{}, sts: map[string]*stsAPI{}, sns: map[string]*snsAPI{}}, nil
}

func configError(err error) *providers.Error {
	e := &providers.Error{
		Kind: providers.Invalid, Op: "read the AWS configuration", Detail: runbook.Clean(err.Error()), Cause: err,
		Do: "look at ~/.aws/config and the AWS_ variables of the environment; `aws configure list` shows what is in force",
	}
	var profile config.SharedConfigProfileNotExistError
	if errors.As(err, &profile) {
		e.Do = "`aws configure list-profiles` names the profiles there are; AWS_PROFILE chooses one"
	}
	return e
}

// httpClient sends the services' requests. The configuration's own client bears the roots of AWS_CA_BUNDLE, so it is the
// start; it is frozen because the SDK copies a buildable client and with it loses the pool of connections. Connections
// are dropped after a short idle time: a server that closes one while a request is on its way costs an answer.
func (c *Cloud) httpClient(cfg sdk.Config) sdk.HTTPClient {
	if c.opts.HTTPClient != nil {
		return c.opts.HTTPClient
	}
	b, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		b = awshttp.NewBuildableClient()
	}
	return b.WithTransportOptions(func(t *http.Transport) { t.IdleConnTimeout = 15 * time.Second }).Freeze()
}

// globalRegion is where the control plane of Route 53 signs, in each partition.
func globalRegion(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "cn-northwest-1"
	case strings.HasPrefix(region, "us-gov-"):
		return "us-gov-west-1"
	default:
		return "us-east-1"
	}
}
