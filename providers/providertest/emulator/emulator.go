package emulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Account is the account that moto answers for.
const Account = "123456789012"

// Options say how the emulated AWS behaves. The zero value changes state at once.
type Options struct {
	Delays Delays
	// AddressQuota is how many addresses a region gives; 0 is 5, as AWS does.
	AddressQuota int
	// HostKeys gives the ssh host keys, "TYPE BASE64", that a machine prints on its console once it has booted.
	HostKeys func(instance string) []string
	// OnAddress is told when a public address begins or ceases to lead to a machine, in order, from one goroutine. A lab
	// opens and closes its listeners there.
	OnAddress func(address, instance string, up bool)
	// OnVolume is told when a volume is attached to a machine and when it has left, from the same goroutine.
	OnVolume func(volume, instance, device string, attached bool)
	// OnReboot is told that a machine is to boot anew, from the same goroutine.
	OnReboot func(instance string)
}

// Delays are how long things take.
type Delays struct {
	Visible   time.Duration // until reads know a new machine
	Pending   time.Duration // pending to running
	Checks    time.Duration // running to both status checks passed
	Console   time.Duration // running to host keys on the console
	Attach    time.Duration // attaching to attached
	Detach    time.Duration // detaching to available
	Create    time.Duration // of a volume: creating to available
	Hydrate   time.Duration // of a volume with a rate: available to filled
	Snapshot  time.Duration // pending to completed
	Carry     time.Duration // of a snapshot's copy: pending to completed
	Stop      time.Duration // stopping to stopped
	Terminate time.Duration // shutting-down to terminated
	Image     time.Duration // an image: pending to available
	InSync    time.Duration // PENDING to INSYNC
	Served    time.Duration // until Resolve knows a change
}

// Emulator is a running AWS.
type Emulator struct {
	opts   Options
	moto   *moto
	server *http.Server
	url    string
	quit   chan struct{}
	faults faults
	events chan func()
	idle   sync.WaitGroup

	logMu sync.Mutex
	log   []Request

	mu        sync.Mutex // all that follows, and every request to moto that changes something
	closed    bool
	timers    []*time.Timer
	trouble   error
	machines  map[string]*machine
	disks     map[string]*disk
	volumes   map[string]*volume
	snapshots map[string]*snapshot
	pictures  map[string]*picture
	tokens    map[string]*token
	known     map[string]bool // association ids there have been
	lent      int             // temporary addresses given out
	dns       records

	buckets map[string]string // name -> region
}

// Start starts moto and the proxy. Without moto on the PATH it returns ErrNoMoto.
func Start(ctx context.Context, opts Options) (*Emulator, error) {
	if opts.AddressQuota == 0 {
		opts.AddressQuota = 5
	}
	m, err := startMoto(ctx)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		m.close()
		return nil, fmt.Errorf("listen: %w", err)
	}
	e := &Emulator{
		opts: opts, moto: m, url: "http://" + l.Addr().String(), quit: make(chan struct{}), events: make(chan func(), 4096),
		machines: map[string]*machine{}, disks: map[string]*disk{}, volumes: map[string]*volume{}, snapshots: map[string]*snapshot{}, pictures: map[string]*picture{}, tokens: map[string]*token{}, known: map[string]bool{},
		dns: newRecords(), buckets: map[string]string{},
	}
	e.server = &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}
	e.idle.Go(func() { _ = e.server.Serve(l) }) // it ends with Close and nothing else
	e.idle.Go(func() {
		for f := range e.events {
			f()
		}
	})
	return e, nil
}

// Close ends everything that was started and returns what went wrong behind the requests' backs, if anything.
func (e *Emulator) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	for _, t := range e.timers {
		t.Stop()
	}
	trouble := e.trouble
	close(e.events)
	e.mu.Unlock()
	close(e.quit)
	err := e.server.Close()
	e.moto.close()
	e.idle.Wait()
	return errors.Join(trouble, err)
}

// URL is the endpoint, for AWS_ENDPOINT_URL.
func (e *Emulator) URL() string { return e.url }

// Env is the environment in which any AWS tool talks to this emulator and to nothing else.
func (e *Emulator) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + e.url,
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE",
		"AWS_SECRET_ACCESS_KEY=example",
		"AWS_SESSION_TOKEN=",
		"AWS_PROFILE=",
		"AWS_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"NO_PROXY=127.0.0.1",
	}
}

// later settles what is due after d.
func (e *Emulator) later(d time.Duration) {
	e.timers = append(e.timers, time.AfterFunc(d, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if !e.closed {
			e.settle(time.Now())
		}
	}))
}

// settle makes true in moto what has become due. It runs before every request is answered too, so that nobody ever sees
// a state past its time.
func (e *Emulator) settle(now time.Time) {
	for _, m := range e.machines {
		if !m.until.IsZero() && !m.until.After(now) {
			e.note(e.passed(m))
		}
	}
	for _, d := range e.disks {
		if !d.until.IsZero() && !d.until.After(now) {
			e.note(e.settled(d))
		}
	}
}

// note keeps the first error that no request can be told of.
func (e *Emulator) note(err error) {
	if err != nil && e.trouble == nil {
		e.trouble = err
	}
}

func (e *Emulator) address(address, instance string, up bool) {
	if f := e.opts.OnAddress; f != nil && address != "" && !e.closed {
		e.events <- func() { f(address, instance, up) }
	}
}

func (e *Emulator) volume(volume, instance, device string, attached bool) {
	if f := e.opts.OnVolume; f != nil && !e.closed {
		e.events <- func() { f(volume, instance, device, attached) }
	}
}
