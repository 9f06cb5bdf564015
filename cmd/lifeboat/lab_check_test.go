package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lifeboat/providers/providertest/emulator"
	"lifeboat/providers/providertest/lab"
	"lifeboat/runbook"
)

// ready opens a lab whose record has the TTL that the estate says: the lab's own is longer, for the runs that lower it.
func ready(t *testing.T, o lab.Options) *stage {
	s := open(t, "", o)
	_, ttl, _ := s.AWS.Record(s.Zone, lab.Name, "A")
	s.Estate = s.otherwise(fmt.Sprintf("ttl: %d", int(lab.TTL.Seconds())), fmt.Sprintf("ttl: %d", int(ttl.Seconds())))
	return s
}

func (s *stage) check(more ...string) (readiness, said) {
	s.t.Helper()
	got := s.lifeboat(append([]string{"check", "failover", "--estate", s.Estate, "--json"}, more...)...)
	var r readiness
	if got.code != exitUsage {
		if err := json.Unmarshal([]byte(got.out), &r); err != nil {
			s.t.Fatalf("%v in %s", err, got)
		}
	}
	return r, got
}

// otherwise writes the estate with one word changed.
func (s *stage) otherwise(old, with string) string {
	s.t.Helper()
	text, err := os.ReadFile(s.Estate)
	if err != nil {
		s.t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		s.t.Fatalf("the estate has no %q", old)
	}
	file := filepath.Join(s.t.TempDir(), "estate.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), old, with, 1)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

// notOK are the steps whose checks are not well, and what was seen.
func (r readiness) notOK() []string {
	var out []string
	for _, c := range r.Checks {
		if !c.OK {
			out = append(out, c.sign()+" "+c.Step+": "+c.What+": "+c.Seen)
		}
	}
	return out
}

// TestLabCheck asks a real estate whether it is ready, with production up as on every day, and then spoils one thing after
// the other. Nothing of it changes anything.
func TestLabCheck(t *testing.T) {
	t.Parallel()
	s := ready(t, lab.Options{Delays: lab.Quick, Production: true})
	tmp := t.TempDir()
	s.env = []string{"TMPDIR=" + tmp}
	r, got := s.check()
	s.want(exitDone, got)
	if !r.Ready || len(r.notOK()) > 0 {
		t.Errorf("not ready: %s", strings.Join(r.notOK(), "; "))
	}
	live := map[string]bool{}
	for _, c := range r.Checks {
		live[c.Step] = live[c.Step] || c.Grade == runbook.CheckedLive
	}
	for _, step := range []string{"ssh", "account", "down", "fenced", "launch", "dns", "address", "quiesce", "sync", "converged", "serving"} {
		if !live[step] {
			t.Errorf("%s was not checked live: %+v", step, r.Checks)
		}
	}
	if len(r.Depends) == 0 {
		t.Error("it does not say what it leans on")
	}

	drill, got := s.check("--mode", "drill")
	s.want(exitDone, got)
	if !slices.ContainsFunc(drill.Checks, func(c checked) bool { return strings.Contains(c.What, lab.DrillName) }) {
		t.Errorf("a drill asks for what the overlay names: %s", got)
	}

	for _, c := range []struct{ name, old, with, want string }{
		{"another account", `account: "` + emulator.Account, `account: "111122223333`, "✗ account"},
		{"no image", s.Image, "ami-0fffffffffffffff0", "✗ launch: image"},
		{"no volume", "{id: " + s.Volume, "{id: vol-0fffffffffffffff0", "✗ launch: volume"},
		{"another zone", "{id: " + s.Volume + ", zone: " + lab.StandbyZone, "{id: " + s.Volume + ", zone: " + lab.StandbyRegion + "f", "✗ launch: volume"},
		{"no address", "address: " + s.Address, "address: 203.0.113.99", "✗ address"},
		{"another zone of the DNS", "zone: " + s.Zone, "zone: Z000NOSUCHZONE", "✗ dns"},
		{"a lower TTL than the record's", "ttl: ", "ttl: 1 #", "✗ dns: caches"},
		{"no replica there", "path: \"" + s.Data, "path: \"/nowhere", "✗ sync"},
		{"no key", "\n  identity: \"/", "\n  identity: \"/nowhere/", "✗ ssh"},
	} {
		r, got := s.check("--estate", s.otherwise(c.old, c.with))
		if got.code != exitRefused || r.Ready || !slices.ContainsFunc(r.notOK(), func(l string) bool { return strings.HasPrefix(l, c.want) }) {
			t.Errorf("%s: exit %d, ready %v, not well: %s", c.name, got.code, r.Ready, strings.Join(r.notOK(), "\n  "))
		}
	}
	if changed := s.AWS.Mutations(); len(changed) > 0 || s.Paused() {
		t.Errorf("a check changed something: %+v", changed)
	}
	if len(s.runs()) > 0 {
		t.Error("a check made a run")
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("a check left something behind: %v %v", left, err)
	}
}

// TestLabCheckInTheDark: without its standby region nothing is ready, without production everything is: that is the night
// the runbook is for.
func TestLabCheckInTheDark(t *testing.T) {
	t.Parallel()
	s := ready(t, lab.Options{Delays: lab.Quick})
	dark := s.AWS.Dark(lab.ProductionRegion)
	r, got := s.check()
	s.want(exitDone, got)
	if i := slices.IndexFunc(r.Checks, func(c checked) bool { return c.Step == "fenced" }); i < 0 || !strings.HasPrefix(r.Checks[i].Seen, "now: not sure: ") {
		t.Errorf("the guard on the dark region: %+v", r.Checks)
	}
	dark.Remove()
	s.AWS.Dark(lab.StandbyRegion)
	r, got = s.check()
	s.want(exitRefused, got)
	for _, step := range []string{"account", "launch", "address"} {
		if !slices.ContainsFunc(r.notOK(), func(l string) bool { return strings.HasPrefix(l, "? "+step+": ") }) {
			t.Errorf("%s is not unsure: %s", step, strings.Join(r.notOK(), "\n  "))
		}
	}
	if got.took > 3*checkLimit {
		t.Errorf("it took %s: one silence delays the others", got.took)
	}
}

// TestLabPolicy holds the printed policy against what AWS was asked for: readiness, the failover, and its undo. What the
// policy has beyond that must be named here with its reason.
func TestLabPolicy(t *testing.T) {
	t.Parallel()
	s := ready(t, lab.Options{Delays: lab.Quick})
	more := map[string]string{
		"ec2:CreateTags": "AWS asks for it when tags go with ec2:RunInstances; it is no call of its own",
		// At night nobody can change a policy, so what a launch without capacity would need is in it.
		"ec2:CreateVolume":              "a launch that goes to another zone makes the volume anew there",
		"ec2:DeleteVolume":              "its undo deletes that volume",
		"ec2:DescribeAvailabilityZones": "other zones are asked for when the volume has a snapshot; the lab's has none",
	}
	s.AWS.Forget()
	_, got := s.check()
	s.want(exitDone, got)
	s.want(exitDone, s.lifeboat(s.failover("--plain")...))
	s.want(exitDone, s.lifeboat("undo", string(s.run()), "--plain", "--confirm", "undo=live"))

	s.exactly("failover", more)
}

// exactly holds the policy that is printed for a runbook against what AWS was asked for. What the policy has beyond that is
// in more, with the reason; a reason that is not needed fails too.
func (s *stage) exactly(book string, more map[string]string, set ...string) {
	s.t.Helper()
	t := s.t
	called := map[string]bool{}
	for _, r := range s.AWS.Requests() {
		called[r.Service+":"+r.Action] = true
	}
	out := s.lifeboat(append([]string{"policy", book, "--estate", s.Estate}, set...)...)
	s.want(exitDone, out)
	var p policy
	if err := json.Unmarshal([]byte(out.out), &p); err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{}
	for _, st := range p.Statement {
		for _, a := range st.Action {
			allowed[a] = true
		}
	}
	for _, a := range slices.Sorted(maps.Keys(called)) {
		if !allowed[a] {
			t.Errorf("%s: %s was called and is not in the policy", book, a)
		}
	}
	for _, a := range slices.Sorted(maps.Keys(allowed)) {
		if !called[a] && more[a] == "" {
			t.Errorf("%s: %s is in the policy and was never called", book, a)
		}
	}
	for _, a := range slices.Sorted(maps.Keys(more)) {
		if called[a] || !allowed[a] {
			t.Errorf("%s: %s needs no excuse: called %v, allowed %v", book, a, called[a], allowed[a])
		}
	}
}
