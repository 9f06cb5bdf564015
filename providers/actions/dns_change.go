package actions

import (
	"context"
	"fmt"
	"sync"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

const (
	// changePoll is how often GetChange is asked: Route 53 takes five requests a second of a whole account.
	changePoll = 2 * time.Second
	// strandedAfter is when a change counts as stranded: Route 53 means to need 60 seconds.
	strandedAfter = 3 * time.Minute
)

// sent is a change of records that this process submitted. It is not journaled: after a crash the record itself and its
// name servers tell what became of it.
type sent struct {
	mu     sync.Mutex
	change string
	at     time.Time
	asked  time.Time // when GetChange was asked last
	seen   whereabouts
}

// whereabouts is what Route 53 says of a change.
type whereabouts string

const (
	changeUnknown whereabouts = ""          // this process submitted none
	changePending whereabouts = "PENDING"   // it is on its way
	changeInSync  whereabouts = "INSYNC"    // all authoritative servers have it
	changeLost    whereabouts = "not known" // Route 53 knows of no such change
)

// submitted remembers a change.
func (s *sent) submitted(change string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change, s.at, s.asked, s.seen = change, at, time.Time{}, changePending
}

// follow asks Route 53 for the change, unless it was asked a moment ago, and says how old the change is.
func (s *sent) follow(ctx context.Context, w world) (whereabouts, time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := w.clock.Now()
	if s.change == "" {
		return changeUnknown, 0, nil
	}
	if s.seen == changePending && now.Sub(s.asked) >= changePoll {
		done, err := w.Records.Changed(ctx, s.change)
		switch {
		case providers.Is(err, providers.NotFound):
			s.seen = changeLost
		case err != nil:
			return changePending, now.Sub(s.at), err
		case done:
			s.seen = changeInSync
		}
		s.asked = now
	}
	return s.seen, now.Sub(s.at), nil
}

// spreading is what is seen of a record that reads back as it is wanted: it holds when Route 53, or every one of its name
// servers, says that it is everywhere.
func (a *record) spreading(ctx context.Context, call runbook.Call, before recordBefore) (runbook.Observation, error) {
	where, age, err := a.sent.follow(ctx, a.w)
	if err != nil {
		return runbook.Observation{}, err
	}
	if where == changeInSync {
		return a.done(before, "on all name servers, "+a.sent.change+" is INSYNC", a.sent.change), nil
	}
	if call.Progress != nil {
		call.Progress(runbook.Progress{
			Text: fmt.Sprintf("change %s is %s", orQuestion(a.sent.change), where), Done: age.Seconds(), Total: time.Minute.Seconds(), Unit: "s",
			Left: runbook.Seconds(max(0, time.Minute-age)),
		})
	}
	if where == changePending && age < a.limit() {
		return seen(runbook.Pending, "%s, accepted %s ago: change %s is PENDING", describe(a.wanted()), age.Round(time.Second), a.sent.change), nil
	}
	// Nobody follows the change any more: the servers themselves tell.
	servers, err := a.w.Names.Servers(ctx, a.Name)
	if err != nil {
		return runbook.Observation{}, err
	}
	p := ask(ctx, a.w.Names, servers, a.Name, a.Type, a.wanted().Values)
	if len(servers) > 0 && p.agree == len(servers) {
		return a.done(before, "on "+p.count(), a.sent.change), nil
	}
	return seen(runbook.Pending, "%s is set in Route 53, on %s: %s", describe(a.wanted()), p.count(), p.first), nil
}

// stranded is what is seen of a record that reads as before. It counts as absent, and so may be submitted again, only once
// nothing of the change is to be hoped for.
func (a *record) stranded(ctx context.Context, now *providers.Record) (runbook.Observation, error) {
	where, age, err := a.sent.follow(ctx, a.w)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case where == changePending && age < a.limit():
		return seen(runbook.Pending, "change %s was accepted %s ago and is PENDING; the record still reads %s", a.sent.change, age.Round(time.Second), describe(now)), nil
	case where == changePending:
		return seen(runbook.Absent, "%s %s is as before (%s) although change %s was accepted %s ago: it is stranded", a.Name, a.Type, describe(now), a.sent.change, age.Round(time.Second)), nil
	case where == changeLost:
		return seen(runbook.Absent, "%s %s is as before (%s), and Route 53 does not know change %s any more (NoSuchChange): it is stranded", a.Name, a.Type, describe(now), a.sent.change), nil
	}
	return seen(runbook.Absent, "%s %s is as before: %s", a.Name, a.Type, describe(now)), nil
}

func (a *record) limit() time.Duration {
	if a.Stranded > 0 {
		return time.Duration(a.Stranded)
	}
	return strandedAfter
}
