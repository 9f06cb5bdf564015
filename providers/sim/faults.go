package sim

import (
	"path"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// FaultKind is what a fault does to a call.
type FaultKind string

// The kinds of fault. Those that name an error answer with it at once and change nothing.
const (
	FaultThrottle    FaultKind = "throttle"
	FaultError       FaultKind = "error"       // a 5xx, nothing changed
	FaultErrorAfter  FaultKind = "error-after" // a 5xx although it happened
	FaultNoCapacity  FaultKind = "no-capacity"
	FaultQuota       FaultKind = "quota"
	FaultDenied      FaultKind = "denied"
	FaultExpired     FaultKind = "expired"
	FaultNotReady    FaultKind = "not-ready"
	FaultRefused     FaultKind = "refused"      // no connection; nothing was sent
	FaultReset       FaultKind = "reset"        // the connection breaks; nothing changed, which the caller cannot know
	FaultResetAfter  FaultKind = "reset-after"  // it breaks although it happened
	FaultTimeout     FaultKind = "timeout"      // no answer, nothing changed
	FaultTimeoutDone FaultKind = "timeout-done" // no answer although it happened
	FaultHang        FaultKind = "hang"         // no answer until the caller gives up; nothing changed
	FaultSlow        FaultKind = "slow"         // it takes Wait longer, and is right
	FaultStranded    FaultKind = "stranded"     // a change of records is accepted, stays PENDING and never comes true
	FaultForgotten   FaultKind = "forgotten"    // a change of records is accepted, and nobody knows of it afterwards
)

// Fault is one line of a fault plan. It strikes calls that match Op, Region and About, once Skip of them have passed,
// Times of them (0: all), each with the probability Chance (0: always), from From to Until of the world's time.
type Fault struct {
	Op     string    `json:"op"`               // "ec2:RunInstances", "ec2:*", "ssh:rsync", "*"
	Region string    `json:"region,omitempty"` // a region's name, "production" or "standby"
	About  string    `json:"about,omitempty"`  // a part of what the call is about: an id, a type, a zone, a program
	Kind   FaultKind `json:"kind"`
	Skip   int       `json:"skip,omitempty"`
	Times  int       `json:"times,omitempty"`
	Chance float64   `json:"chance,omitempty"`
	Window
	Wait runbook.Duration `json:"wait,omitempty"` // how long a timeout takes (10s), or how much a slow call is late
}

// Dark is a region, or Route 53's control plane ("route53"), that gives no answer for a while.
type Dark struct {
	Region string `json:"region"` // as in Fault
	Window
}

// Window is when a fault can strike. From counts from the start of the world, or from the first call of the operation
// After; Until (0: for good) does too, or counts from the first call of Ends. So a fault can wait for the run that is
// to meet it, however long the operator reads first.
type Window struct {
	From  runbook.Duration `json:"from,omitempty"`
	Until runbook.Duration `json:"until,omitempty"`
	After string           `json:"after,omitempty"`
	Ends  string           `json:"ends,omitempty"`
}

// Faults is a fault plan: what will go wrong in a world, and how the world is already wrong when it starts.
type Faults struct {
	Night string  `json:"night,omitempty"`
	Calls []Fault `json:"calls,omitempty"`
	Dark  []Dark  `json:"dark,omitempty"`
	// Stretch is how long the last resolver keeps an answer at least, whatever its TTL says. Of 8,524 resolvers measured
	// in 2023, 8.7 % did so.
	Stretch runbook.Duration `json:"stretch,omitempty"`
	// Slow multiplies pending and boot times; 0 is 1.
	Slow float64 `json:"slow,omitempty"`
	// StaleImage makes the image of the standby region so much older.
	StaleImage runbook.Duration `json:"stale_image,omitempty"`
	// Elsewhere puts the standby volume into another zone ("zone") or on another machine ("held").
	Elsewhere string `json:"elsewhere,omitempty"`
	// Chain is what is wrong with the archives: ChainBroken, ChainTorn, ChainSealed or ChainEmpty.
	Chain string `json:"chain,omitempty"`
	// Production is what is wrong with it whatever the scene is: DeadService, DeadServer or DeadZone.
	Production string `json:"production,omitempty"`
	// Hangs lets the production server hang when it is told to stop: HangsSoft, or HangsForced.
	Hangs string `json:"hangs,omitempty"`
	// ReplicaStopped makes the replica have taken nothing for so long before the start.
	ReplicaStopped runbook.Duration `json:"replica_stopped,omitempty"`
	// IncompleteNightly makes last night's copies ones that did not come to their end.
	IncompleteNightly bool `json:"incomplete_nightly,omitempty"`
	// ProductionAhead and ReplicaAhead are how far those clocks are ahead of the world's; negative is behind.
	ProductionAhead runbook.Duration `json:"production_ahead,omitempty"`
	ReplicaAhead    runbook.Duration `json:"replica_ahead,omitempty"`
	// Returns brings the production server back, serving, so long after the first accepted launch.
	Returns runbook.Duration `json:"returns,omitempty"`
}

const awaitAnswer = 10 * time.Second

// request is a call on its way.
type request struct {
	op, region, about string
	read              bool
}

func (f *Fault) matches(roles Roles, r request) bool {
	if ok, err := path.Match(f.Op, r.op); !ok || err != nil {
		return false
	}
	return (f.Region == "" || roles.region(f.Region) == r.region) && strings.Contains(r.about, f.About)
}

// region resolves "production" and "standby".
func (r Roles) region(name string) string {
	switch name {
	case "production":
		return r.Production
	case "standby":
		return r.Standby
	}
	return name
}

// open says whether the window is open now.
func (s *state) open(w Window, now time.Time) bool {
	begin, seen := s.spec.Start, true
	if w.After != "" {
		begin, seen = s.first[w.After], !s.first[w.After].IsZero()
	}
	if !seen || now.Before(begin.Add(time.Duration(w.From))) {
		return false
	}
	if w.Ends != "" {
		begin, seen = s.first[w.Ends], !s.first[w.Ends].IsZero()
	}
	return !seen || w.Until == 0 || now.Before(begin.Add(time.Duration(w.Until)))
}

// dark says whether calls to the region get no answer now. Route 53's control plane lives in us-east-1.
func (s *state) dark(region string, now time.Time) bool {
	for _, d := range s.darkness {
		where := s.spec.Roles.region(d.Region)
		if where == region && s.open(d.Window, now) {
			return true
		}
	}
	if until, ok := s.darkened[region]; ok && (until.IsZero() || now.Before(until)) {
		return true
	}
	return region == "route53" && s.dark("us-east-1", now)
}

// strike finds the fault that hits the call: its number from 1, or 0. local counts the reads of this process that each
// fault has seen, since reads are not in the log.
func (s *state) strike(r request, now time.Time, local map[int]int) (int, *Fault) {
	for i := range s.faults {
		f := &s.faults[i]
		if !f.matches(s.spec.Roles, r) || !s.open(f.Window, now) {
			continue
		}
		n := s.seen[i] + local[i]
		if r.read {
			local[i]++
		}
		if n < f.Skip || f.Times > 0 && s.fired[i] >= f.Times {
			continue
		}
		if f.Chance > 0 && roll(s.spec.Seed, "fault "+f.Op+string(f.Kind), n) >= f.Chance {
			continue
		}
		return i + 1, f
	}
	return 0, nil
}

// effect says whether the call's effect takes place although the fault strikes.
func (f *Fault) effect() bool {
	switch f.Kind {
	case FaultErrorAfter, FaultResetAfter, FaultTimeoutDone, FaultSlow, FaultStranded, FaultForgotten:
		return true
	}
	return false
}

// strands says whether the call is accepted and comes to nothing.
func (f *Fault) strands() bool { return f.Kind == FaultStranded || f.Kind == FaultForgotten }

// silence is how long the caller waits for nothing; forever is as long as its own deadline allows.
func (f *Fault) silence() (d time.Duration, forever bool) {
	switch f.Kind {
	case FaultHang:
		return 0, true
	case FaultTimeout, FaultTimeoutDone:
		if f.Wait == 0 {
			return awaitAnswer, false
		}
		return time.Duration(f.Wait), false
	case FaultSlow:
		return time.Duration(f.Wait), false
	}
	return 0, false
}

// answer is the error that the caller gets.
func (f *Fault) answer(r request) *providers.Error {
	e := func(kind providers.ErrorKind, code, detail string) *providers.Error {
		return &providers.Error{Kind: kind, Op: r.op, Where: r.region, Code: code, Detail: detail}
	}
	switch f.Kind {
	case FaultThrottle:
		if strings.HasPrefix(r.op, "route53:") {
			return e(providers.Throttled, "Throttling", "Rate exceeded")
		}
		return e(providers.Throttled, "RequestLimitExceeded", "Request limit exceeded.")
	case FaultError, FaultErrorAfter:
		return e(providers.Server, "InternalError", "An internal error has occurred")
	case FaultNoCapacity:
		return e(providers.NoCapacity, "InsufficientInstanceCapacity", "asked for "+r.about)
	case FaultQuota:
		return e(providers.Quota, "VcpuLimitExceeded", "more vCPU capacity was asked for than the limit allows")
	case FaultDenied:
		return e(providers.Denied, "UnauthorizedOperation", "You are not authorized to perform this operation.")
	case FaultExpired:
		return e(providers.Expired, "ExpiredToken", "The security token included in the request is expired")
	case FaultNotReady:
		return e(providers.NotReady, "IncorrectState", "it is not in a state that allows this yet")
	case FaultRefused:
		return e(providers.Unreachable, "", "connection refused")
	case FaultReset, FaultResetAfter:
		return e(providers.Lost, "", "connection reset by peer")
	}
	return e(providers.Lost, "", "no answer")
}
