// Package actions holds every kind of step: each Action and Probe, written once against the contracts of providers, and
// the Catalog that lists them.
//
// A kind is one struct in one file: its exported fields are the step's parameters, its methods the questions and the one
// change. What a kind refuses to do: guess (it looks, and says Unsure when looking cannot settle it), take what somebody
// else holds, wait without saying for what, or repeat a call whose first answer is not known. Where a way is closed it does not
// choose another: it ranks them (Fallbacks), and the operator or the runbook chooses. What a person says was done by hand it
// looks at, where it can (Vouch).
//
//	catalog := actions.Catalog(set, actions.Options{Clock: clock})
//	kind, _ := catalog.Kind("volume.attach")
//
// A Catalog of an empty Set is complete as well: kinds can be compiled, planned and printed with it, and every call
// answers that this provider is not there.
package actions

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Options are what kinds need beside the providers.
type Options struct {
	Clock runbook.Clock // nil is the wall clock
	Mode  runbook.Mode  // of the run, for what leaves the house: a drill says so; "" is live
}

// world is what an action acts on.
type world struct {
	providers.Set
	clock runbook.Clock
	mode  runbook.Mode
}

// Catalog lists every kind there is.
func Catalog(set providers.Set, opt Options) *runbook.Catalog {
	if opt.Clock == nil {
		opt.Clock = runbook.WallClock{}
	}
	w := world{Set: whole(set), clock: opt.Clock, mode: opt.Mode}
	return runbook.NewCatalog(
		instanceLaunch(w),
		instanceReady(w),
		instanceFenced(w),
		instanceStop(w),
		instanceStart(w),
		instanceReboot(w),
		instanceTerminate(w),
		instanceFence(w),
		instanceStaysDown(w),
		volumeAttach(w),
		volumeDetach(w),
		volumeSnapshot(w),
		snapshotCopy(w),
		snapshotPrune(w),
		volumeCreate(w),
		volumeHydrated(w),
		volumeDelete(w),
		copyOfImage(w),
		imageOfServer(w),
		imageIsFresh(w),
		addressAssociate(w),
		addressAllocate(w),
		addressDisassociate(w),
		addressRelease(w),
		dnsRecord(w),
		dnsAnswers(w),
		dnsTTL(w),
		dnsConverged(w),
		dnsFlip(w),
		hostMount(w),
		hostFormat(w),
		hostUnmount(w),
		rsync(w),
		rsyncDryRun(w),
		copyComplete(w),
		replicaLag(w),
		replicaPause(w),
		replicaResume(w),
		replicaPromote(w),
		serviceStart(w),
		serviceStop(w),
		serviceStatus(w),
		shell(w),
		duplicityBackup(w),
		duplicityStatus(w),
		duplicityVerify(w),
		duplicityRestore(w),
		duplicityProve(w),
		httpUp(w),
		httpDown(w),
		httpLook(w),
		notify(w),
		manual(w),
		wait(w),
	)
}

// The tags that everything a run makes bears, so that it can be found again from any machine.
const (
	tagRun  = "lifeboat:run"
	tagStep = "lifeboat:step"
	tagKey  = "lifeboat:key"
)

func seen(state runbook.Holding, format string, args ...any) runbook.Observation {
	return runbook.Observation{State: state, Evidence: fmt.Sprintf(format, args...)}
}

// advise puts what to do beside an error of the kind; other errors pass.
func advise(err error, kind providers.ErrorKind, format string, args ...any) error {
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Do != "" {
		return err
	}
	out := *e
	out.Do = fmt.Sprintf(format, args...)
	return &out
}

// reason is an error as evidence: the far side's own words, without the name of the call and the kind of the error, which a
// person in a hurry reads past.
func reason(err error) string {
	var e *providers.Error
	if !errors.As(err, &e) || e.Detail == "" {
		return err.Error()
	}
	if e.Code != "" {
		return e.Detail + " (" + e.Code + ")"
	}
	return e.Detail
}

// isAny reports whether err is an Error of one of the kinds.
func isAny(err error, kinds ...providers.ErrorKind) bool {
	for _, k := range kinds {
		if providers.Is(err, k) {
			return true
		}
	}
	return false
}

// took is how long ago the intent was, for evidence; "" when there was none.
func (w world) took(call runbook.Call) string {
	if call.Since.IsZero() {
		return ""
	}
	return " after " + w.clock.Now().Sub(call.Since).Round(100*time.Millisecond).String()
}

// quote makes one word of a POSIX shell's command line.
func quote(s string) string {
	safe := s != ""
	for _, r := range s {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-", r) {
			safe = false
			break
		}
	}
	if safe {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// line makes a command line of words, leaving out flags whose value is empty: a pair is written as flag("--zone", z).
func line(words ...[]string) string {
	var out []string
	for _, group := range words {
		for _, w := range group {
			out = append(out, quote(w))
		}
	}
	return strings.Join(out, " ")
}

func words(w ...string) []string { return w }

func flag(name string, values ...string) []string {
	if len(values) == 0 || values[0] == "" {
		return nil
	}
	return append([]string{name}, values...)
}

// orQuestion is a value of a plan that may not be known yet.
func orQuestion(s string) string {
	if s == "" {
		return "?"
	}
	return s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// lastLines keeps the end of what a command wrote, on one line.
func lastLines(s string, n int) string {
	var kept []string
	for l := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if l = strings.TrimSpace(l); l != "" {
			kept = append(kept, l)
		}
	}
	if len(kept) > n {
		kept = kept[len(kept)-n:]
	}
	return strings.Join(kept, " | ")
}

func logf(w io.Writer, format string, args ...any) {
	if w != nil {
		// The log is beside the journal: a log that cannot be written never stops a run.
		_, _ = fmt.Fprintf(w, format+"\n", args...)
	}
}
