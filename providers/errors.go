package providers

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"lifeboat/runbook"
)

// ErrorKind is what a caller branches on.
type ErrorKind string

// The kinds of error.
const (
	NotFound    ErrorKind = "not found"
	Conflict    ErrorKind = "conflict"    // something else holds it, or it is not what it was
	Mismatch    ErrorKind = "mismatch"    // the words do not fit together: another zone, another request under the token
	NotReady    ErrorKind = "not ready"   // it will be, by itself
	NoCapacity  ErrorKind = "no capacity" // the region or zone has none left
	Quota       ErrorKind = "quota"
	Denied      ErrorKind = "denied"
	Expired     ErrorKind = "expired" // credentials
	Invalid     ErrorKind = "invalid"
	Throttled   ErrorKind = "throttled"
	Unreachable ErrorKind = "unreachable" // nothing was sent
	Lost        ErrorKind = "lost"        // something was sent and no answer came
	Server      ErrorKind = "server"      // it answered that it failed
	HostKey     ErrorKind = "host key"
	KeySpent    ErrorKind = "key spent" // the token belongs to something that is gone
	Missing     ErrorKind = "missing"   // a program that lifeboat needs is not on this machine
	Damaged     ErrorKind = "damaged"   // what is kept there is not whole
)

// Error is what every provider returns.
type Error struct {
	Kind   ErrorKind
	Op     string // the call, such as "ec2:RunInstances" or "ssh"
	Where  string // region or host
	Code   string // the far side's own code, kept visible
	Detail string // the far side's own words, cleaned
	Means  string // what it means, when the code says more than the kind
	Do     string // what to do, when more is known than the kind says
	Cause  error
}

func (e *Error) Error() string {
	s := e.call() + ": " + string(e.Kind)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Code != "" {
		s += " (" + e.Code + ")"
	}
	return s
}

// call is what was called, and where.
func (e *Error) call() string {
	switch {
	case e.Where == "", strings.HasPrefix(e.Op, e.Where+":"): // "route53:ChangeResourceRecordSets" says where
		return e.Op
	case strings.ContainsAny(e.Where, ".:"): // a host
		return e.Op + " at " + e.Where
	default:
		return e.Op + " in " + e.Where
	}
}

// what says what happened first, for somebody who has just woken up, and which call it was behind it.
func (e *Error) what() string {
	if e.Detail == "" {
		return e.Error()
	}
	call := e.call()
	if e.Code != "" {
		call += ", " + e.Code
	}
	return string(e.Kind) + ": " + e.Detail + " (" + call + ")"
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Verdict says what the error means for the world.
func (e *Error) Verdict() runbook.Verdict {
	switch e.Kind {
	case Throttled, Unreachable, NotReady:
		return runbook.Transient
	case Lost, Server:
		return runbook.InDoubt
	default:
		return runbook.Definitive
	}
}

// Failure is the error as it is journaled. It always says what it means and what to do.
func (e *Error) Failure() runbook.Failure {
	words := kindWords[e.Kind]
	f := runbook.Failure{What: e.what(), Means: cmp.Or(e.Means, words.means), Do: cmp.Or(e.Do, words.do), Code: e.Code, Verdict: e.Verdict()}
	if e.Kind == Denied && e.Do == "" && strings.Contains(e.Op, ":") {
		f.Do = "allow " + e.Op + " to these credentials"
	}
	return f
}

// kindWords are what an error of a kind means for the world, and what to do, as far as nobody knows better.
var kindWords = map[ErrorKind]struct{ means, do string }{
	NotFound:    {"it is not there, or cannot be seen from here; nothing was changed", "compare its id or name, and its region, with the estate"},
	Conflict:    {"something else holds it, or it is not as it was; nothing was changed", "see who holds it, and free it or correct the estate"},
	Mismatch:    {"what was asked for does not fit together; nothing was changed", "correct the estate or the runbook"},
	NotReady:    {"it will be ready by itself; nothing was changed", "wait a moment, then retry"},
	NoCapacity:  {"nothing was launched; AWS has no machine of this type here now", "try another type in the same zone, then another zone with a copy of the volume"},
	Quota:       {"a quota of the account is used up; nothing was changed", "free something, or ask for more: `aws service-quotas list-service-quotas --service-code ec2` names the quotas"},
	Denied:      {"the credentials do not allow it; nothing was changed", "look at the credentials"},
	Expired:     {"the credentials are missing or have run out; nothing was changed by this call", "renew the credentials; the next call reads them"},
	Invalid:     {"the far side does not take these words; nothing was changed", "correct the estate or the runbook"},
	Throttled:   {"too much was asked in a short time; nothing was changed", "wait a moment, then retry"},
	Unreachable: {"nothing was sent", "look at the network of this machine, then retry"},
	Lost:        {"it may have happened", "look before it is done by hand"},
	Server:      {"the far side failed; it may have happened", "look whether it happened, then retry"},
	HostKey:     {"the machine that answered is not proved to be the right one; nothing was run on it", "compare its key with the machine's console output before it is trusted"},
	KeySpent:    {"what this key made is gone; nothing new was made", "retry: the next attempt has a key of its own"},
	Damaged:     {"what is kept there cannot be used as it is; nothing was changed", "use another copy"},
	Missing:     {"nothing was tried", "put what is missing on this machine"},
}

// Is reports whether err is an Error of the kind.
func Is(err error, kind ErrorKind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// Errorf makes an Error with a detail.
func Errorf(kind ErrorKind, op, where, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Where: where, Detail: fmt.Sprintf(format, args...)}
}
