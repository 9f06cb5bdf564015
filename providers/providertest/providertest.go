// Package providertest is the conformance suite of package providers: what every cloud, real or simulated, must answer.
// An implementation adopts it in a few lines:
//
//	func TestConformance(t *testing.T) {
//		providertest.Run(t, func(t *testing.T) providertest.Lab { return providertest.Lab{Set: set, ...} })
//	}
//
// A check that needs something the lab does not have is skipped by name. It refuses to know who it talks to: nothing in
// here asks for more than the contracts say.
package providertest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Lab is what the suite may use. Everything it changes it puts back, so one lab may serve all checks, one at a time.
type Lab struct {
	Set   providers.Set
	Clock runbook.Clock // the wall clock when nil

	Region, Image, Type, Zone string // enough to launch
	Subnet                    string
	SecurityGroups            []string
	Group                     string // another group of the same network
	Protected                 string // a machine that is protected against termination

	Volume    string // free, in Zone
	FarVolume string // free, in another zone
	Address   string // free, in Region
	Elsewhere string // a second region, for copies

	Bucket    string // in Region
	FarBucket string // in another region

	HostedZone string // an id
	Name       string // a name in that zone without records, for the suite to use

	Host   providers.Host // answers ssh
	Nobody providers.Host // nobody answers there
	// Hex is the beginning of a command that writes each further word in hexadecimal, a line each. When it is empty, a sh
	// script with od does it.
	Hex []string

	Topic string // an SNS topic in Region, by its ARN
	Phone string // a telephone that may be sent to

	URL, Page string // a page, and an address that serves it
	Silent    string // an address where nobody serves pages

	// Patience is how long a state may take to come; two minutes when it is 0.
	Patience time.Duration
}

// lab is a Lab in one check.
type lab struct {
	Lab
	t *testing.T
}

// check is one rule. needs names what it cannot do without.
type check struct {
	name  string
	needs func(l Lab) map[string]bool
	run   func(l lab)
}

// Run runs every check. Each gets its lab from open, which may return the same one every time.
func Run(t *testing.T, open func(t *testing.T) Lab) {
	RunIn(t, func(t *testing.T, f func(t *testing.T)) { f(t) }, open)
}

// RunIn is Run with each check inside of a frame, such as synctest.Test.
func RunIn(t *testing.T, frame func(t *testing.T, f func(t *testing.T)), open func(t *testing.T) Lab) {
	for _, group := range [][]check{
		instanceChecks, powerChecks, placeChecks, volumeChecks, diskChecks, imageChecks, addressChecks, holdingChecks, objectChecks,
		recordChecks, hostChecks, peopleChecks, deadlineChecks,
	} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				frame(t, func(t *testing.T) {
					l := lab{Lab: open(t), t: t}
					if l.Clock == nil {
						l.Clock = runbook.WallClock{}
					}
					if l.Patience == 0 {
						l.Patience = 2 * time.Minute
					}
					for what, there := range c.needs(l.Lab) {
						if !there {
							t.Skipf("the lab has no %s", what)
						}
					}
					c.run(l)
				})
			})
		}
	}
}

// ctx is a context with the deadline that every call of the program has.
func (l lab) ctx() context.Context {
	ctx, cancel := l.Clock.WithTimeout(context.WithoutCancel(l.t.Context()), l.Patience)
	l.t.Cleanup(cancel)
	return ctx
}

// token makes a client token that no other run of the suite has.
func (l lab) token(what string) string {
	sum := sha256.Sum256(fmt.Append(nil, l.t.Name(), what, l.Clock.Now().UnixNano()))
	return hex.EncodeToString(sum[:16])
}

// eventually asks until the answer is true: errors that pass by themselves, and NotFound, are asked again.
func (l lab) eventually(what string, f func(ctx context.Context) (bool, error)) {
	l.t.Helper()
	ctx := l.ctx()
	for {
		ok, err := f(ctx)
		if ok && err == nil {
			return
		}
		if err != nil && !passing(err) {
			l.t.Fatalf("%s: %v", what, err)
		}
		if runbook.Sleep(ctx, l.Clock, 300*time.Millisecond) != nil {
			l.t.Fatalf("%s: not after %s (last error: %v)", what, l.Patience, err)
		}
	}
}

func passing(err error) bool {
	var e *providers.Error
	return errors.As(err, &e) && (e.Verdict() == runbook.Transient || e.Kind == providers.NotFound)
}

// want fails the check unless err is an error of the kind.
func (l lab) want(kind providers.ErrorKind, what string, err error) {
	l.t.Helper()
	var e *providers.Error
	switch {
	case err == nil:
		l.t.Errorf("%s: no error, want %q", what, kind)
	case !errors.As(err, &e):
		l.t.Errorf("%s: %v is no *providers.Error", what, err)
	case e.Kind != kind:
		l.t.Errorf("%s: kind %q (%v), want %q", what, e.Kind, err, kind)
	case e.Op == "":
		l.t.Errorf("%s: the error does not name the call: %v", what, err)
	}
}

func (l lab) ok(what string, err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatalf("%s: %v", what, err)
	}
}
