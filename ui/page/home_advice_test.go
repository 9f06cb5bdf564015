package page

import (
	"reflect"
	"testing"
	"time"

	"lifeboat/runbook"
)

func TestAdvice(t *testing.T) {
	books := []RunbookLine{{Ref: "failover", Name: "failover"}}
	both := append([]RunbookLine{{Ref: "fix", Name: "relaunch"}}, books...)
	reading := func(group, name string, v Verdict) Reading {
		return Reading{Group: group, Name: name, Value: string(v), Verdict: v}
	}
	// What the probes make of it: a bad page is one that does not answer, a bad region is a silent one.
	found := map[Verdict]runbook.Found{Well: runbook.Fine, Bad: runbook.Silent}
	read := func(service, west, east Verdict) []Reading {
		rs := []Reading{
			reading("service", "www", service), reading("region", "us-west-1", west), reading("region", "us-east-1", east),
			reading("control", "a root name server", Well),
		}
		for i, about := range []runbook.Subject{runbook.AboutPage, runbook.AboutRegion, runbook.AboutRegion, runbook.AboutControl} {
			rs[i].Clues = []runbook.Clue{{About: about, Name: rs[i].Name, Found: found[rs[i].Verdict]}}
		}
		if service == Unknown {
			rs = rs[:3] // nothing is known at all
		}
		return rs
	}
	open := func(mode runbook.Mode, asks string, driven bool) []RunLine {
		return []RunLine{{Run: "R", Name: "failover", Mode: mode, Asks: asks, Driven: driven}}
	}
	tests := []struct {
		name string
		o    Overview
		rs   []Reading
		not  bool // nothing was looked at yet
		do   string
		book string
		run  runbook.RunID
	}{
		{"well", Overview{Runbooks: books}, read(Well, Well, Well), false, "Nothing needs you", "", ""},
		{"asking", Overview{Runbooks: books}, nil, true, "Wait some seconds", "", ""},
		{"no probes", Overview{}, nil, false, "Look at the service yourself", "", ""},
		{"simulated, without probes", Overview{Demo: true, Runbooks: books}, nil, false, "Rehearse failover", "failover", ""},
		{"no network", Overview{Runbooks: books}, read(Unknown, Unknown, Unknown), false, "Check this machine's network and credentials", "", ""},
		{"region dark", Overview{Runbooks: both}, read(Bad, Bad, Well), false, "Fail over to us-east-1", "failover", ""},
		{"region not known", Overview{Runbooks: both}, read(Bad, Unknown, Well), false, "Fail over to us-east-1", "failover", ""},
		{"service not known", Overview{Runbooks: both}, read(Unknown, Well, Well), false, "Look at the service yourself", "", ""},
		{"server, with a runbook for it", Overview{Runbooks: both}, read(Bad, Well, Well), false, "Relaunch in us-west-1", "fix", ""},
		{"server, without", Overview{Runbooks: books}, read(Bad, Well, Well), false, "Fail over to us-east-1", "failover", ""},
		{"both regions dark", Overview{Runbooks: books}, read(Bad, Bad, Bad), false, "Check this machine's own network", "", ""},
		{"no credentials", Overview{Runbooks: books}, read(Bad, Unknown, Unknown), false, "Log in to AWS, then look again", "", ""},
		{"no runbook", Overview{}, read(Bad, Bad, Well), false, "Fail over to us-east-1", "", ""},
		{"live run asks", Overview{Runbooks: books, Open: open(runbook.Live, "dns", true)}, read(Bad, Bad, Well), false, "Answer the run failover", "", "R"},
		{"live run alone", Overview{Runbooks: books, Open: open(runbook.Live, "", false)}, read(Bad, Bad, Well), false, "Take up the run failover", "", "R"},
		{"live run goes on", Overview{Runbooks: books, Open: open(runbook.Live, "", true)}, nil, true, "Go to the run failover", "", "R"},
		{"drill during an outage", Overview{Runbooks: books, Open: open(runbook.Drill, "dns", true)}, read(Bad, Bad, Well), false, "Fail over to us-east-1", "failover", ""},
		{"drill on a quiet day", Overview{Runbooks: books, Open: open(runbook.Drill, "dns", true)}, read(Well, Well, Well), false, "Answer the run failover", "", "R"},
		{
			"a rehearsal is the real thing on a simulated estate",
			Overview{Demo: true, Runbooks: books, Open: open(runbook.Rehearse, "", true)},
			read(Bad, Bad, Well), false, "Go to the run failover", "", "R",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.o.From, test.o.To = "us-west-1", "us-east-1"
			a := advise(&test.o, test.rs, !test.not)[0]
			if a.Do != test.do || a.Book != test.book || a.Run != test.run {
				t.Errorf("got %q, book %q, run %q; want %q, %q, %q", a.Do, a.Book, a.Run, test.do, test.book, test.run)
			}
		})
	}
}

func TestAdviceSaysWhyAndWhatElse(t *testing.T) {
	o := Overview{From: "us-west-1", To: "us-east-1", Runbooks: []RunbookLine{{Ref: "f", Name: "failover"}, {Ref: "r", Name: "repair"}, {Ref: "l", Name: "relaunch", Trouble: &Trouble{}}}}
	rs := []Reading{
		{Group: "service", Verdict: Bad, Clues: []runbook.Clue{{About: runbook.AboutPage, Found: runbook.Silent}}},
		{Group: "region", Name: "us-west-1", Value: "no answer", Verdict: Bad, Clues: []runbook.Clue{{About: runbook.AboutRegion, Name: "us-west-1", Found: runbook.Silent}}},
		{Group: "region", Name: "us-east-1", Verdict: Well, Clues: []runbook.Clue{{About: runbook.AboutRegion, Name: "us-east-1", Found: runbook.Fine}}},
		{Group: "backup", Verdict: Warn, Clues: []runbook.Clue{{About: runbook.AboutCopy, Name: "replica", Found: runbook.Silent}}},
		{Group: "backup", Verdict: Well, Clues: []runbook.Clue{{About: runbook.AboutCopy, Name: "nightly", Found: runbook.Fine, Age: 5 * time.Hour, Measured: true}}},
	}
	got := advise(&o, rs, true)
	want := []advice{
		{Do: "Fail over to us-east-1", Book: "f", Inputs: map[string]string{"data": "nightly"}, Why: "the replica does not answer: with last night's copy", Loses: "up to 5 h 00 min lost"},
		{Do: "Relaunch in us-west-1", Closed: true, Why: "not possible: region dark"},
		{Do: "Repair the server in us-west-1", Closed: true, Why: "not possible: the server does not answer"},
		{Do: "Wait and watch", Why: "nothing changes"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	rs[3].Clues[0] = runbook.Clue{About: runbook.AboutCopy, Name: "replica", Found: runbook.Fine, Age: 12e9, Measured: true}
	if a := advise(&o, rs, true)[0]; a.Loses != "up to 12 s lost" || a.Inputs != nil {
		t.Errorf("%+v", a)
	}
}

func TestJudge(t *testing.T) {
	service := func(v Verdict) Reading { return Reading{Group: "service", Verdict: v} }
	tests := map[string]struct {
		rs   []Reading
		want estateWord
	}{
		"nothing":                       {nil, isUnknown},
		"no reading of the service":     {[]Reading{{Group: "region", Verdict: Well}}, isUnknown},
		"well":                          {[]Reading{service(Well), {Group: "region", Verdict: Well}}, isWell},
		"an archive nobody can measure": {[]Reading{service(Well), {Group: "backup", Verdict: Unknown}}, isWell},
		"a region nobody can ask":       {[]Reading{service(Well), {Group: "region", Verdict: Unknown}}, isWarn},
		"ssh that is closed from here":  {[]Reading{service(Well), {Group: "ssh", Verdict: Unknown}}, isWell},
		"a zone in trouble":             {[]Reading{service(Well), {Group: "zone", Verdict: Warn}}, isWarn},
		"a broken copy":                 {[]Reading{service(Well), {Group: "backup", Verdict: Bad}}, isWarn},
		"one of two services":           {[]Reading{service(Well), service(Bad)}, isDown},
		"a verdict from the future":     {[]Reading{service("splendid")}, isUnknown},
	}
	for name, test := range tests {
		if got := judge(test.rs); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}
