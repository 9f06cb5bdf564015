package providers

import (
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
)

// Error is what every provider returns.
type Error struct {
	Kind   ErrorKind
	Op     string // the call, such as "ec2:RunInstances" or "ssh"
	Where  string // region or host
	Code   string // the far side's own code, kept visible
	Detail string // the far side's own words, cleaned
	Do     string // what to do, when it is known
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

// Failure is the error as it is journaled.
func (e *Error) Failure() runbook.Failure {
	return runbook.Failure{What: e.what(), Means: e.means(), Do: e.Do, Code: e.Code, Verdict: e.Verdict()}
}

func (e *Error) means() string {
	switch e.Kind {
	case NoCapacity:
		return "nothing was launched; AWS has no machine of this type here now"
	case Expired:
		return "the credentials are missing or have run out; nothing was changed by this call"
	case Denied:
		return "the credentials do not allow it; nothing was changed"
	case Unreachable:
		return "nothing was sent"
	case Lost:
		return "it may have happened"
	case HostKey:
		return "the machine that answered is not proved to be the right one; nothing was run on it"
	default:
		return ""
	}
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
