package runbook

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

var allBooks = []string{"failover", "relaunch", "repair", "restore-archive"}

// seenAs is a case in which all is well, with some of it changed: "page", "region us-west-1", ... A subject that is to be
// NotSeen is left out.
func seenAs(changed map[string]Found) Case {
	c := Case{Service: "www.example.com", From: "us-west-1", To: "us-east-1", Books: allBooks}
	for _, clue := range []Clue{
		{About: AboutPage, Value: "the page"},
		{About: AboutRecord, Value: "the record"},
		{About: AboutSSH, Value: "the port"},
		{About: AboutServer, Zone: "us-west-1a", Value: "EC2's word"},
		{About: AboutZone, Name: "us-west-1a", Value: "the zone"},
		{About: AboutZone, Name: "us-west-1c", Value: "the other zone"},
		{About: AboutRegion, Name: "us-west-1", Value: "the API"},
		{About: AboutRegion, Name: "us-east-1", Value: "the other API"},
		{About: AboutControl, Name: "a root name server", Value: "the root"},
		{About: AboutCopy, Name: "replica", Age: 12 * time.Second, Measured: true, Value: "12 s behind"},
		{About: AboutCopy, Name: "nightly", Age: 5 * time.Hour, Measured: true, Value: "5 h old"},
		{About: AboutCopy, Name: "archive", Value: "not measured"},
	} {
		clue.Found = Fine
		for _, key := range []string{string(clue.About), string(clue.About) + " " + clue.Name} {
			if f, ok := changed[key]; ok {
				clue.Found = f
			}
		}
		c.Clues = append(c.Clues, clue)
	}
	if f, ok := changed["fence"]; ok {
		c.Clues = append(c.Clues, Clue{About: AboutFence, Name: "i-0a1b2c3d4e5f60718", Found: f, Value: "it runs"})
	}
	return c
}

func with(one map[string]Found, more ...map[string]Found) map[string]Found {
	out := maps.Clone(one)
	for _, m := range more {
		maps.Copy(out, m)
	}
	return out
}

func TestTriage(t *testing.T) {
	type f = map[string]Found
	down := f{"page": Silent, "ssh": Silent}
	dark := with(down, f{"region us-west-1": Silent, "server": NotSeen, "zone": NotSeen})
	tests := []struct {
		name   string
		seen   f
		state  Condition
		sure   bool
		ways   string // remedies in their order; what is not possible in brackets
		broken string // a part of it
	}{
		{"all is well", nil, IsWell, true, "wait", "nothing"},
		{"well, without ssh from here", f{"ssh": Silent}, IsWell, true, "wait", "nothing"},
		{"well, though EC2 says that it is stopped", f{"server": Dead}, IsWell, false, "wait", "nothing"},
		{"well, while the region's API is dark", f{"region us-west-1": Silent}, IsWell, true, "wait failover", "nothing"},
		{"well, while the zone is in trouble", f{"zone us-west-1a": Faulty}, IsWell, true, "wait failover", "nothing"},
		{"well, and nothing else was asked", f{
			"record": NotSeen, "ssh": NotSeen, "server": NotSeen, "zone": NotSeen, "region": NotSeen, "control": NotSeen, "copy": NotSeen,
		}, IsWell, true, "wait", "nothing"},
		{"moved, and the old primary is back", f{"fence": Faulty}, HasTwo, true, "fence look wait", "fence"},
		{"down, whatever else is back", with(down, f{"fence": Faulty}), IsDown, false, "repair relaunch failover wait", ""},

		{"a bad page", f{"page": Faulty}, IsDown, true, "repair relaunch failover wait", "services"},
		{"refused, and ssh answers", f{"page": Refused}, IsDown, true, "repair relaunch failover wait", "services"},
		{"no page, and ssh answers", f{"page": Silent}, IsDown, true, "repair relaunch failover wait", "services"},
		{"no page, and ssh is refused", f{"page": Silent, "ssh": Refused}, IsDown, true, "repair relaunch failover wait", "services"},
		{"a bad page, and ssh does not answer", f{"page": Faulty, "ssh": Silent}, IsDown, false, "repair relaunch failover wait", "services"},
		{"a bad page, and nobody asked more", f{"page": Faulty, "ssh": NotSeen, "server": NotSeen}, IsDown, false, "repair relaunch failover wait", "services"},
		{"ssh answers, and its checks fail", f{"page": Silent, "server": Faulty}, IsDown, true, "repair relaunch failover wait", "services"},
		{"ssh answers, and EC2 says that it is stopped", f{"page": Silent, "server": Dead}, IsDown, false, "look relaunch failover wait", "in its place"},
		{"a bad page, and EC2 says that it is stopped", f{"page": Faulty, "ssh": Silent, "server": Dead}, IsDown, false, "look relaunch failover wait", "in its place"},
		{"ssh answers, and the region is dark", f{"page": Silent, "region us-west-1": Silent, "server": NotSeen}, IsDown, false, "repair relaunch failover wait", "services"},
		{"ssh answers, and the zone is in trouble", f{"page": Silent, "zone us-west-1a": Faulty}, IsDown, false, "repair relaunch failover wait", "services"},

		{"stopped", with(down, f{"server": Dead}), IsDown, true, "relaunch (repair) failover wait", "the server"},
		{"it hangs", with(down, f{"server": Faulty}), IsDown, true, "relaunch repair failover wait", "the server"},
		{"stopped, and no zone was asked", with(down, f{"server": Dead, "zone": NotSeen}), IsDown, true, "relaunch (repair) failover wait", "the server"},
		{"stopped, and something refuses", f{"page": Refused, "ssh": Refused, "server": Dead}, IsDown, true, "relaunch (repair) failover wait", "the server"},
		{"it hangs, and refuses ssh", with(down, f{"server": Faulty, "ssh": Refused}), IsDown, true, "relaunch repair failover wait", "the server"},
		{"it starts", with(down, f{"server": Starting}), IsDown, true, "wait relaunch failover", "starting"},
		{"EC2 says that all is well", down, IsDown, false, "repair relaunch failover wait", "the way to it"},
		{"EC2 says so, and ssh was not asked", f{"page": Silent, "ssh": NotSeen}, IsDown, false, "repair relaunch failover wait", "the way to it"},
		{"EC2 does not say", with(down, f{"server": NotSeen}), IsDown, false, "relaunch failover wait", "the way to it"},

		{"the zone is dark", with(down, f{"server": Dead, "zone us-west-1a": Faulty}), IsDown, true, "failover relaunch (repair) wait", "us-west-1a"},
		{"the zone is dark, the server is said to run", with(down, f{"zone us-west-1a": Faulty}), IsDown, true, "failover relaunch (repair) wait", "us-west-1a"},
		{"all zones are dark", with(down, f{"server": Dead, "zone": Faulty}), IsDown, true, "failover (relaunch) (repair) wait", "us-west-1a"},
		{"the region is dark", dark, IsDown, true, "failover (relaunch) (repair) wait", "us-west-1"},
		{"the region is dark, the other was not asked", with(dark, f{"region us-east-1": NotSeen}), IsDown, true, "failover (relaunch) (repair) wait", "us-west-1"},
		{"the region is dark, nothing proves that we hear", with(dark, f{"region us-east-1": NotSeen, "control": NotSeen}), IsDown, false, "failover (relaunch) (repair) wait", "us-west-1"},
		{"both regions are dark", with(dark, f{"region us-east-1": Silent}), IsDown, false, "look (failover) (relaunch) (repair) wait", "seen from here"},
		{"no credentials", with(down, f{"region": NotSeen, "server": NotSeen, "zone": NotSeen}), IsDown, false, "look failover relaunch wait", "or its region"},
		{"not allowed to ask one region", with(down, f{"region us-west-1": NotSeen, "server": NotSeen, "zone": NotSeen}), IsDown, false, "failover relaunch wait", "or its region"},
		{"no page, ssh answers, and the record is gone", f{"page": Silent, "record": Faulty}, IsDown, true, "look failover wait", "record"},
		{"no page, ssh answers, and nobody knows of the record", f{"page": Silent, "record": NotSeen}, IsDown, false, "repair relaunch failover wait", "services"},
		{"a bad page, and nobody knows of the record", f{"page": Faulty, "record": NotSeen}, IsDown, true, "repair relaunch failover wait", "services"},
		{"the record is gone", with(down, f{"record": Faulty, "ssh": Fine}), IsDown, true, "look failover wait", "record"},

		{"the replica is silent with its region", with(dark, f{"copy replica": Silent}), IsDown, true, "failover (relaunch) (repair) wait", "us-west-1"},
		{"nothing answers", f{
			"page": Silent, "record": NotSeen, "ssh": Silent, "server": NotSeen, "zone": NotSeen, "region": Silent, "control": Silent, "copy": Silent,
		}, IsUnclear, false, "look wait", "nothing at all"},
		{"nobody asked for the page", f{"page": NotSeen}, IsUnclear, false, "look wait", "not known"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := Triage(seenAs(test.seen))
			if a.State != test.state || a.Sure != test.sure || remedies(a) != test.ways || !strings.Contains(a.Broken, test.broken) {
				t.Errorf("%s, sure %v (%s): %s; broken: %s\nwant %s, sure %v: %s; broken: %s",
					a.State, a.Sure, a.Doubt, remedies(a), a.Broken, test.state, test.sure, test.ways, test.broken)
			}
			sound(t, a)
		})
	}
}

func remedies(a Advice) string {
	var out []string
	for _, w := range a.Ways {
		word := string(w.Remedy)
		if !w.Possible {
			word = "(" + word + ")"
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

// sound holds what is true of every advice.
func sound(t *testing.T, a Advice) {
	t.Helper()
	if a.Sure == (a.Doubt != "") {
		t.Errorf("sure %v with the doubt %q", a.Sure, a.Doubt)
	}
	if len(a.Ways) == 0 || !a.Ways[0].Possible {
		t.Errorf("the first way is not possible: %+v", a.Ways)
	}
	for _, w := range a.Ways {
		switch {
		case !w.Possible && w.Why == "":
			t.Errorf("%s is not possible, and nobody says why", w.Remedy)
		case !w.Possible && w.Book != "":
			t.Errorf("%s is not possible, and has a runbook", w.Remedy)
		case w.Do == "":
			t.Errorf("%s says nothing", w.Remedy)
		}
	}
	if a.State != IsUnclear && len(a.Evidence) == 0 {
		t.Error("it rests on nothing")
	}
}

// TestTriageOfEverySight goes through all that page, ssh, server, zone and both regions can show: whatever comes, there is a
// first way that is possible; only what answers for production can call it dead; and a region that answers is never called dark.
func TestTriageOfEverySight(t *testing.T) {
	all := []Found{NotSeen, Fine, Faulty, Refused, Silent, Dead, Starting}
	api := []Found{NotSeen, Fine, Silent}
	n := 0
	for _, page := range []Found{NotSeen, Fine, Faulty, Refused, Silent} {
		for _, ssh := range []Found{NotSeen, Fine, Refused, Silent} {
			for _, server := range all {
				for _, zone := range []Found{NotSeen, Fine, Faulty} {
					for _, from := range api {
						for _, to := range api {
							a := Triage(seenAs(map[string]Found{
								"page": page, "ssh": ssh, "server": server, "zone us-west-1a": zone, "region us-west-1": from, "region us-east-1": to,
							}))
							n++
							sound(t, a)
							first := a.Ways[0].Remedy
							switch {
							case page == Fine && a.State != IsWell, page != Fine && a.State == IsWell:
								t.Errorf("page %q is called %s", page, a.State)
							case first == Failover && a.Sure && (from == Fine && zone != Faulty || ssh == Fine || to == Silent):
								t.Errorf("surely away, with region %q, zone %q, ssh %q, standby %q", from, zone, ssh, to)
							case first == Relaunch && a.Sure && (from != Fine || server != Dead && server != Faulty && zone != Faulty):
								t.Errorf("surely relaunched, with region %q, server %q", from, server)
							case first == Repair && a.Sure && (server == Dead || from == Silent):
								t.Errorf("surely repaired, with region %q, server %q", from, server)
							}
						}
					}
				}
			}
		}
	}
	if n != 5*4*7*3*3*3 {
		t.Errorf("only %d", n)
	}
}

func TestTriageOfBadData(t *testing.T) {
	tests := []struct {
		name  string
		age   time.Duration // since when it is bad; 0: nobody knows
		seen  map[string]Found
		sure  bool
		ways  string
		loses string
		data  string
	}{
		{"for an hour", time.Hour, nil, true, "failover restore-archive (failover) wait", "up to 5 h 00 min lost", "nightly"},
		{"for a day", 24 * time.Hour, nil, true, "restore-archive (failover) (failover) wait", "how much is lost is not measured", ""},
		{"nobody knows since when", 0, nil, false, "failover restore-archive (failover) wait", "up to 5 h 00 min lost", "nightly"},
		{"the replica was paused before", 5 * time.Second, nil, true, "failover failover restore-archive wait", "up to 12 s lost", "replica"},
		{"the archive is broken", 24 * time.Hour, map[string]Found{"copy archive": Faulty}, false, "look restore-archive (failover) (failover) wait", "", ""},
		{"the nightly copy is broken", time.Hour, map[string]Found{"copy nightly": Faulty}, true, "restore-archive failover (failover) wait", "how much is lost is not measured", ""},
		{"nothing is within reach", time.Hour, map[string]Found{"region us-east-1": Silent, "copy archive": Silent}, false, "look (failover) (restore-archive) (failover) wait", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := seenAs(test.seen)
			c.Clues = append(c.Clues, Clue{About: AboutData, Found: Faulty, Age: test.age, Measured: test.age > 0, Value: "the operator says so", At: time.Date(2026, 10, 21, 3, 0, 0, 0, time.UTC)})
			a := Triage(c)
			if a.State != HasBad || a.Sure != test.sure || remedies(a) != test.ways {
				t.Errorf("%s, sure %v (%s): %s; want sure %v: %s", a.State, a.Sure, a.Doubt, remedies(a), test.sure, test.ways)
			}
			if w := a.Ways[0]; w.Loses.String() != test.loses || w.Inputs["data"] != test.data {
				t.Errorf("the best loses %q with %v, not %q with %q", w.Loses, w.Inputs, test.loses, test.data)
			}
			day := map[string]string(nil)
			if test.age > 0 {
				day = map[string]string{"day": c.Clues[len(c.Clues)-1].At.Add(-test.age - time.Second).Format(time.RFC3339)}
			}
			for _, w := range a.Ways {
				if w.Remedy == RestoreArchive && !maps.Equal(w.Inputs, day) {
					t.Errorf("the archive is restored with %v, not %v", w.Inputs, day)
				}
			}
			sound(t, a)
		})
	}
}

func TestTriageGivesWhatItsAdviceNeeds(t *testing.T) {
	a := Triage(seenAs(map[string]Found{"page": Silent, "ssh": Silent, "zone us-west-1a": Faulty}))
	if in := a.Ways[1].Inputs; a.Ways[1].Remedy != Relaunch || in["data"] != "snapshot" || in["zone"] != "us-west-1c" {
		t.Errorf("in another zone, with a snapshot: %v", in)
	}
	dark := map[string]Found{"page": Silent, "ssh": Silent, "server": NotSeen, "zone": NotSeen, "region us-west-1": Silent, "copy replica": Silent}
	c := seenAs(dark)
	for i := range c.Clues {
		if name := c.Clues[i].Name; name == "replica" || name == "nightly" { // on one host
			c.Clues[i].Found, c.Clues[i].Measured, c.Clues[i].Age = Silent, false, 0
		}
	}
	a = Triage(c)
	if w := a.Ways[0]; a.Sure || w.Remedy != Failover || w.Inputs["data"] != "" || w.Loses.Known || !strings.Contains(a.Doubt, "which copy") {
		t.Errorf("sure %v (%s): %v, %s", a.Sure, a.Doubt, w.Inputs, w.Loses)
	}
}

func TestTriageSaysWhatElse(t *testing.T) {
	dark := map[string]Found{"page": Silent, "ssh": Silent, "server": NotSeen, "zone": NotSeen, "region us-west-1": Silent}
	t.Run("the console stands in the region that failed", func(t *testing.T) {
		c := seenAs(dark)
		for _, here := range []string{"us-west-1", "us-east-1"} {
			c.Clues = append(slices.Clone(c.Clues), Clue{About: AboutHere, Name: here, Found: Fine})
			a := Triage(c)
			if said := len(a.Notes) > 0 && strings.Contains(a.Notes[0], "this machine stands in us-west-1 itself"); said != (here == "us-west-1") {
				t.Errorf("from %s: %q", here, a.Notes)
			}
			c.Clues = c.Clues[:len(c.Clues)-1]
		}
	})
	t.Run("what it holds against our own network", func(t *testing.T) {
		if a := Triage(seenAs(dark)); !strings.Contains(a.Why, "us-east-1 does: this is the region, not the server, and not our own network") {
			t.Error(a.Why)
		}
		if a := Triage(seenAs(with(dark, map[string]Found{"region us-east-1": NotSeen}))); !strings.Contains(a.Why, "a root name server does") {
			t.Error(a.Why)
		}
	})
	t.Run("what each way loses", func(t *testing.T) {
		a := Triage(seenAs(dark))
		if got := a.Ways[0].Loses.String(); got != "up to 12 s lost" {
			t.Error(got)
		}
		a = Triage(seenAs(with(dark, map[string]Found{"copy replica": Silent})))
		if w := a.Ways[0]; w.Loses.String() != "up to 5 h 00 min lost" || w.Inputs["data"] != "nightly" {
			t.Errorf("%q with %v", w.Loses, w.Inputs)
		}
		c := seenAs(dark)
		for i := range c.Clues {
			if c.Clues[i].Name == "replica" {
				c.Clues[i].Age = 8 * time.Hour // it has stopped, and nobody has seen it
			}
		}
		if w := Triage(c).Ways[0]; w.Loses.String() != "up to 5 h 00 min lost" || w.Inputs["data"] != "nightly" || !strings.Contains(w.Why, "the replica is 8 h 00 min behind") {
			t.Errorf("%q with %v: %s", w.Loses, w.Inputs, w.Why)
		}
		a = Triage(seenAs(with(dark, map[string]Found{"copy replica": Silent, "copy nightly": Silent})))
		if !strings.Contains(a.Ways[0].Why, "last night's copy") {
			t.Error(a.Ways[0].Why)
		}
	})
	t.Run("what is not ready in the standby region", func(t *testing.T) {
		c := seenAs(dark)
		c.Clues = append(c.Clues, Clue{About: AboutStandby, Name: "volume vol-1", Found: Faulty, Value: "in use by i-9"})
		if a := Triage(c); !strings.Contains(a.Ways[0].Why, "first: volume vol-1 is not ready: in use by i-9") || !a.Ways[0].Possible {
			t.Errorf("%+v", a.Ways[0])
		}
	})
	t.Run("a runbook that is not there", func(t *testing.T) {
		c := seenAs(map[string]Found{"page": Silent})
		c.Books = []string{"failover"}
		a := Triage(c)
		if remedies(a) != "failover repair relaunch wait" || a.Ways[0].Book != "failover" || !strings.Contains(a.Ways[1].Why, "no runbook repair") ||
			!strings.Contains(a.Ways[0].Why, "repair would change less") {
			t.Errorf("%s: %+v", remedies(a), a.Ways)
		}
		c.Books = nil
		if a = Triage(c); remedies(a) != "repair relaunch failover wait" || a.Ways[0].Book != "" {
			t.Errorf("%s: %+v", remedies(a), a.Ways)
		}
	})
	t.Run("after a failover", func(t *testing.T) {
		c := seenAs(map[string]Found{"server": Dead})
		c.Clues[0].Name = "us-east-1"
		if a := Triage(c); !a.Sure || !strings.Contains(a.Why, "failed over already") {
			t.Errorf("%+v", a)
		}
	})
}
