package emulator

import (
	"path"
	"slices"
	"sync"
	"time"
)

// FaultKind is how a request goes wrong.
type FaultKind string

// The kinds of fault. All but LostAnswer, LateSilence and Slow keep the request from having an effect.
const (
	Throttle    FaultKind = "throttle"     // the service's own words for too many requests
	Error       FaultKind = "error"        // Fault.Code with Fault.Status
	Page        FaultKind = "page"         // an HTML page with Fault.Status, as a proxy or a broken server gives
	Reset       FaultKind = "reset"        // the connection is reset before anything happens
	Hang        FaultKind = "hang"         // silence, until the client leaves or the fault is removed
	LostAnswer  FaultKind = "lost answer"  // it happens, and the connection is reset instead of an answer
	LateSilence FaultKind = "late silence" // it happens, and then silence
	Slow        FaultKind = "slow"         // it happens after Fault.Delay
)

// Fault is a rule. Empty fields match everything; Action and Region may be patterns of package path.
type Fault struct {
	Service string            // ec2, route53, sts, s3
	Action  string            // RunInstances, Describe*
	Region  string            // from the signature, so that Route 53 is us-east-1
	Params  map[string]string // of the query protocol: those named must be so
	Skip    int               // how many matching requests pass first
	Every   int               // of those that follow it hits the first of each so many; 0: each one
	Times   int               // how many it hits; 0: all
	Kind    FaultKind
	Code    string
	Message string
	Status  int // 0: 400 for Error, 500 for Page
	Delay   time.Duration
}

// Injected is a fault that is in force.
type Injected struct {
	f       Fault
	faults  *faults
	seen    int
	hits    int
	removed chan struct{}
}

// Dark makes a region silent, Route 53's control plane included when it is us-east-1.
func (e *Emulator) Dark(region string) *Injected { return e.Inject(Fault{Region: region, Kind: Hang}) }

// Inject puts a fault in force. The first one that matches a request hits it.
func (e *Emulator) Inject(f Fault) *Injected {
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	x := &Injected{f: f, faults: &e.faults, removed: make(chan struct{})}
	e.faults.all = append(e.faults.all, x)
	return x
}

// Remove ends the fault and lets go of those it holds: they get a reset. Removing twice is no error.
func (x *Injected) Remove() {
	x.faults.mu.Lock()
	defer x.faults.mu.Unlock()
	if i := slices.Index(x.faults.all, x); i >= 0 {
		x.faults.all = slices.Delete(x.faults.all, i, i+1)
		close(x.removed)
	}
}

// Hits is how many requests it has hit.
func (x *Injected) Hits() int {
	x.faults.mu.Lock()
	defer x.faults.mu.Unlock()
	return x.hits
}

type faults struct {
	mu  sync.Mutex
	all []*Injected
}

// hit returns the fault that befalls the request, if any, and counts it.
func (fs *faults) hit(c *call) *Injected {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, x := range fs.all {
		if !matches(x.f.Service, c.service) || !matches(x.f.Action, c.action) || !matches(x.f.Region, c.region) || !x.f.asks(c) {
			continue
		}
		x.seen++
		after := x.seen - x.f.Skip
		if after <= 0 || x.f.Every > 1 && after%x.f.Every != 1 || x.f.Times > 0 && x.hits >= x.f.Times {
			continue
		}
		x.hits++
		return x
	}
	return nil
}

func (f *Fault) asks(c *call) bool {
	for name, value := range f.Params {
		if c.form.Get(name) != value {
			return false
		}
	}
	return true
}

func matches(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, s)
	return ok && err == nil
}

// answer is the fault's answer for the kinds that have one.
func (x *Injected) answer(c *call) *answer {
	switch x.f.Kind {
	case Throttle:
		switch c.service {
		case "ec2":
			return c.fail(503, "RequestLimitExceeded", "Request limit exceeded.")
		case "s3":
			return c.fail(503, "SlowDown", "Please reduce your request rate.")
		default:
			return c.fail(400, "Throttling", "Rate exceeded")
		}
	case Error:
		status := x.f.Status
		if status == 0 {
			status = 400
		}
		message := x.f.Message
		if message == "" {
			message = "injected by the test"
		}
		return c.fail(status, x.f.Code, message)
	case Page:
		status := x.f.Status
		if status == 0 {
			status = 500
		}
		return &answer{status: status, kind: "text/html", body: []byte("<!doctype html>\n<title>Bad Gateway</title>\n<h1>Bad Gateway</h1>\n")}
	default:
		return nil
	}
}
