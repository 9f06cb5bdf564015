package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lifeboat/providers/providertest/emulator"
	"lifeboat/providers/providertest/lab"
	"lifeboat/runbook"
)

// labFault is something that goes wrong in AWS during a failover.
type labFault struct {
	name  string
	fault emulator.Fault
	lift  time.Duration // how long after its first hit it ends; 0: by itself, or never
	// says is what the last lines hold when the run cannot go on by itself; empty: it reaches the end.
	says string
	any  bool // either is right
}

const (
	forRun       = "RunInstances"
	forRecord    = "ChangeResourceRecordSets"
	forAddress   = "AssociateAddress"
	forVolume    = "AttachVolume"
	forInstances = "DescribeInstances"
)

// fewFaults has each kind of fault, and each call that changes something.
var fewFaults = []labFault{
	{name: "throttled launch", fault: emulator.Fault{Action: forRun, Kind: emulator.Throttle, Times: 1}},
	{name: "throttled record", fault: emulator.Fault{Action: forRecord, Kind: emulator.Throttle, Times: 2}},
	{name: "internal error of the attachment", fault: emulator.Fault{Action: forVolume, Kind: emulator.Error, Code: "InternalError", Status: 500, Times: 1}},
	{name: "bad gateway before the state", fault: emulator.Fault{Action: forInstances, Kind: emulator.Page, Status: 502, Times: 2}},
	{name: "launch reset", fault: emulator.Fault{Action: forRun, Kind: emulator.Reset, Times: 1}},
	{name: "association reset", fault: emulator.Fault{Action: forAddress, Kind: emulator.Reset, Times: 1}},
	{name: "answer to the launch lost", fault: emulator.Fault{Action: forRun, Kind: emulator.LostAnswer, Times: 1}},
	{name: "answer to the record lost", fault: emulator.Fault{Action: forRecord, Kind: emulator.LostAnswer, Times: 1}},
	{name: "answer to the association lost", fault: emulator.Fault{Action: forAddress, Kind: emulator.LostAnswer, Times: 1}},
	{name: "answer to the attachment lost", fault: emulator.Fault{Action: forVolume, Kind: emulator.LostAnswer, Times: 1}},
	{name: "silence after the launch", fault: emulator.Fault{Action: forRun, Kind: emulator.LateSilence, Times: 1}},
	{name: "hang before the attachment", fault: emulator.Fault{Action: forVolume, Kind: emulator.Hang, Times: 1}},
	{
		name: "region dark for a while", lift: 6 * time.Second,
		fault: emulator.Fault{Region: lab.StandbyRegion, Service: "ec2", Action: forInstances, Kind: emulator.Hang},
	},
	{
		name: "no capacity", says: "capacity",
		fault: emulator.Fault{Action: forRun, Kind: emulator.Error, Code: "InsufficientInstanceCapacity", Status: 500, Message: "We currently do not have sufficient m7i.large capacity"},
	},
	{
		name: "association throttled without end", says: "RequestLimitExceeded",
		fault: emulator.Fault{Action: forAddress, Kind: emulator.Throttle},
	},
	{
		name: "credentials expired", says: "RequestExpired",
		fault: emulator.Fault{Action: forVolume, Kind: emulator.Error, Code: "RequestExpired", Message: "Request has expired."},
	},
}

// allFaults is every kind of fault on every call that matters, once and for good.
func allFaults() []labFault {
	var all []labFault
	for _, action := range []string{forRun, forRecord, forAddress, forVolume, forInstances, "DescribeVolumes", "DescribeAddresses", "ListResourceRecordSets", "GetConsoleOutput"} {
		for _, f := range []emulator.Fault{
			{Kind: emulator.Throttle},
			{Kind: emulator.Error, Code: "InternalError", Status: 500},
			{Kind: emulator.Error, Code: "UnauthorizedOperation", Status: 403},
			{Kind: emulator.Page, Status: 503},
			{Kind: emulator.Reset},
			{Kind: emulator.Hang},
			{Kind: emulator.LostAnswer},
			{Kind: emulator.LateSilence},
			{Kind: emulator.Slow, Delay: 3 * time.Second},
		} {
			for _, times := range []int{1, 0} {
				f.Action, f.Times, f.Region = action, times, lab.StandbyRegion
				all = append(all, labFault{name: fmt.Sprintf("%s/%s %s/%d", action, f.Kind, f.Code, times), fault: f, any: true})
			}
		}
	}
	for _, lift := range []time.Duration{5 * time.Second, 30 * time.Second} {
		for skip := range 10 {
			all = append(all, labFault{
				name: fmt.Sprintf("dark/%s/%d", lift, skip), lift: lift, any: true,
				fault: emulator.Fault{Skip: 6 * skip, Kind: emulator.Hang},
			})
		}
	}
	return all
}

// TestLabFaults lets AWS fail: the run reaches the same end with exactly one of everything, or holds and says why, and
// goes on when the operator says so after the trouble is over.
func TestLabFaults(t *testing.T) {
	cases := fewFaults
	if soaking() {
		cases = append(allFaults(), cases...)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, "", lab.Options{Delays: lab.Quick})
			x := s.AWS.Inject(c.fault)
			if c.lift > 0 {
				s.lift(x, c.lift)
			}
			got := s.lifeboat(s.failover("--plain")...)
			if testing.Verbose() {
				t.Logf("%s\n%s", got.took, got)
			}
			if x.Hits() == 0 && !c.any {
				t.Fatal("nothing was hit")
			}
			s.atMostOnce()
			if c.any && len(s.runs()) == 0 { // it was found out before there was a run
				if len(s.AWS.Mutations()) > 0 || !strings.Contains(got.errs, "lifeboat: ") {
					t.Errorf("it did something, or does not say why it does not: %s", got)
				}
				x.Remove()
				got = s.lifeboat(s.failover("--plain")...)
			}
			if got.code == exitGoesOn && (c.says != "" || c.any) {
				if tail := got.last(14); !strings.Contains(tail, c.says) || !strings.Contains(tail, "lifeboat attach") {
					t.Errorf("the last lines do not say why, and how to go on:\n%s", tail)
				}
				x.Remove()
				for range 5 { // more than one thing may have failed
					if got = s.typing(goOn(got), "attach", "--plain"); got.code != exitGoesOn {
						break
					}
				}
				if testing.Verbose() {
					t.Logf("%s\n%s", got.took, got)
				}
			} else if c.says != "" {
				t.Errorf("it did not hold: %s", got)
			}
			s.want(exitDone, got)
			s.failedOver()
			s.recorded(s.run(), runbook.Done)
		})
	}
}

// goOn is what an operator types when the trouble is over.
func goOn(holding said) string {
	tail := holding.last(8)
	if strings.Contains(tail, "? guard") || strings.Contains(tail, "not known whether") {
		return "look\n"
	}
	return "retry\n"
}

// lift ends a fault some time after it first hit.
func (s *stage) lift(x *emulator.Injected, after time.Duration) {
	lifted := make(chan struct{})
	s.t.Cleanup(func() { <-lifted })
	ctx := s.t.Context() // it ends before the cleanup
	go func() {
		defer close(lifted)
		for x.Hits() == 0 && runbook.Sleep(ctx, runbook.WallClock{}, 20*time.Millisecond) == nil {
		}
		_ = runbook.Sleep(ctx, runbook.WallClock{}, after) // the end of the test ends it sooner
		x.Remove()
	}()
}
