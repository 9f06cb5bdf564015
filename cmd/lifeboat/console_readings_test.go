package main

import (
	"os"
	"strings"
	"testing"

	"lifeboat/runbook"
	"lifeboat/ui/page"
)

func readingsBy(rs []page.Reading) map[string]page.Reading {
	out := map[string]page.Reading{}
	for _, r := range rs {
		key := r.Group
		if r.Group == "region" || r.Group == "standby" {
			key = r.Name
		}
		if _, twice := out[key]; !twice {
			out[key] = r
		}
	}
	return out
}

// Home tells the truth about the simulated estate, before a failover and after it.
func TestReadingsOfTheDemo(t *testing.T) {
	c := testConsole(t)
	before := readingsBy(c.Readings(t.Context()))
	for key, want := range map[string]page.Verdict{
		"service": page.Bad, "dns": page.Well, "us-west-1": page.Well, "us-east-1": page.Well, "server": page.Bad, "backup": page.Well,
		"image ami-0b2c3d4e5f6071829": page.Well, "volume vol-0b2c3d4e5f6071829": page.Well, "address 198.51.100.7": page.Well,
	} {
		if r := before[key]; r.Verdict != want || r.Value == "" || r.At.IsZero() || (r.Verdict == page.Bad && r.Do == "") {
			t.Errorf("%s: %+v", key, r)
		}
	}
	if _, err := os.Stat(c.flags.Store); !os.IsNotExist(err) {
		t.Error("looking has made a store")
	}
	w := watch(t, c, startDemo(t, c))
	w.answer(w.asked(runbook.AskStart), runbook.Reply{Choice: runbook.ChooseApprove, Word: "us-east-1"})
	w.until("it is over", func() bool { return w.state.Finished != nil })
	after := readingsBy(c.Readings(t.Context()))
	if r := after["service"]; r.Verdict != page.Well || !strings.Contains(r.Value, "from 198.51.100.7, us-east-1") {
		t.Errorf("%+v", r)
	}
	if r := after["dns"]; r.Verdict != page.Well || !strings.Contains(r.Value, "A = 198.51.100.7, TTL 300 s") {
		t.Errorf("%+v", r)
	}
	for _, key := range []string{"volume vol-0b2c3d4e5f6071829", "address 198.51.100.7"} {
		if r := after[key]; r.Verdict != page.Well || !strings.Contains(r.Value, "by i-") || !strings.Contains(r.Value, ": it serves") {
			t.Errorf("%+v", r)
		}
	}
	next := c.app().console() // another evening
	next.demo = true
	if r := readingsBy(next.Readings(t.Context()))["service"]; r.Verdict != page.Bad {
		t.Errorf("%+v", r)
	}
}

func TestReadingsOfADarkRegion(t *testing.T) {
	c := testConsole(t)
	c.sim.Scene = "dark"
	rs := readingsBy(c.Readings(t.Context()))
	if r := rs["us-west-1"]; r.Verdict != page.Bad || r.Value != "no answer in 5 s" {
		t.Errorf("%+v", r)
	}
	if r := rs["server"]; r.Verdict != page.Unknown || r.Value != "not known: us-west-1 gives no answer" {
		t.Errorf("%+v", r)
	}
	if r := rs["us-east-1"]; r.Verdict != page.Well {
		t.Errorf("%+v", r)
	}
}

// Where this machine sees nothing, nothing is known: also not that the service is down. What to do is said once.
func TestReadingsWithoutNetworkOrCredentials(t *testing.T) {
	c := testConsole(t)
	c.demo = false
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	estate := strings.Replace(driverlessEstate, `{name: www.example.com, url: "https://www.example.com/"}`,
		`{name: www.example.com, url: "http://127.0.0.1:1/", servers: ["127.0.0.1:1"]}`, 1)
	if err := os.WriteFile("estate.yaml", []byte(estate), 0o600); err != nil {
		t.Fatal(err)
	}
	said := 0
	for _, r := range c.Readings(t.Context()) {
		if r.Verdict != page.Unknown || r.Value == "" {
			t.Errorf("%+v", r)
		}
		if r.Group == "region" && r.Do != "" {
			said++
		}
	}
	if said != 1 {
		t.Errorf("what to do about the credentials is said %d times", said)
	}
	if err := os.WriteFile("estate.yaml", []byte("name: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	if rs := c.Readings(t.Context()); len(rs) != 1 || rs[0].Verdict != page.Unknown || rs[0].Do == "" {
		t.Errorf("%+v", rs)
	}
}

// After a failover the old primary comes back: home says so at once, and that it is to be fenced.
func TestReadingsSeeTheOldPrimaryReturn(t *testing.T) {
	c := testConsole(t)
	c.sim.Night = "primary-returns"
	w := watch(t, c, startDemo(t, c))
	w.answer(w.asked(runbook.AskStart), runbook.Reply{Choice: runbook.ChooseApprove, Word: "us-east-1"})
	w.until("it is over", func() bool { return w.state.Finished != nil })
	var rs []page.Reading
	w.until("it is seen", func() bool {
		rs = c.Readings(t.Context())
		r, ok := readingsBy(rs)["fence"]
		return ok && r.Verdict == page.Bad && strings.Contains(r.Do, "lifeboat run fence")
	})
	o := c.Overview(t.Context())
	a := runbook.Triage(page.CaseOf(&o, rs))
	if a.State != runbook.HasTwo || a.Ways[0].Remedy != runbook.Fence || a.Ways[0].Book != "fence" {
		t.Errorf("%+v", a)
	}
}

// A DNS that knows no such name says what is broken; one that does not answer says nothing.
func TestReadingsOfANameThatDoesNotResolve(t *testing.T) {
	c := testConsole(t)
	e, _, err := c.estate()
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.simulated(e)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	gone := *e
	gone.Service.Name = "www.example.net"
	for name, want := range map[*runbook.Estate]runbook.Found{e: runbook.Fine, &gone: runbook.Faulty} {
		f := w.record(name)(t.Context())
		if len(f.clues) != 1 || f.clues[0].Found != want {
			t.Errorf("%s: %+v", name.Service.Name, f)
		}
	}
}
