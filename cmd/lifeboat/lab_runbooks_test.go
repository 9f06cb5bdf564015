package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeboat/providers/providertest/emulator"
	"lifeboat/providers/providertest/lab"
	"lifeboat/runbook"
)

// live runs a runbook live; the answers are STEP=WORD.
func (s *stage) live(book string, answers ...string) said {
	s.t.Helper()
	args := []string{"run", book, "--mode", "live", "--estate", s.Estate, "--yes", "--plain"}
	for _, a := range answers {
		if strings.HasPrefix(a, "--") {
			args = append(args, strings.Fields(a)...)
		} else {
			args = append(args, "--confirm", a)
		}
	}
	got := s.lifeboat(args...)
	if testing.Verbose() {
		s.t.Logf("%s: %s\n%s", book, got.took, got)
	}
	return got
}

// measured says what a run took: the figure of the report.
func (s *stage) measured(what string) {
	s.t.Helper()
	state := runbook.Fold(s.events(s.run()))
	s.t.Logf("%s: %.1f s of work, %d calls that changed something", what, state.FinishedAt.Sub(state.ClockFrom).Seconds(), len(s.AWS.Mutations()))
}

// asked asks whether a runbook is ready; what it says is the matter of other tests.
func (s *stage) asked(book string, set ...string) {
	s.t.Helper()
	if got := s.lifeboat(append([]string{"check", book, "--estate", s.Estate}, set...)...); got.code != exitDone && got.code != exitRefused {
		s.t.Errorf("check %s: %s", book, got)
	}
}

// launching are what the policy of a runbook that launches has beyond what the lab sees, with reasons; further ones follow
// in pairs.
func launching(more ...string) map[string]string {
	out := map[string]string{
		"ec2:CreateTags":                "AWS asks for it when tags go with ec2:RunInstances; it is no call of its own",
		"ec2:CreateVolume":              "a launch that goes to another zone makes the volume anew there",
		"ec2:DeleteVolume":              "its undo deletes that volume",
		"ec2:DescribeAvailabilityZones": "other zones are asked for when the volume has a snapshot; the lab's has none",
	}
	for i := 0; i+1 < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

// await waits until the address serves the page: what was started boots.
func (s *stage) await(address, want string) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(20 * time.Millisecond) {
		page, err := s.Page(address)
		if err == nil && page == want {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the page is %q, %v; want %q", page, err, want)
		}
	}
}

// alike fails unless two volumes hold the same.
func (s *stage) alike(a, b string) {
	s.t.Helper()
	differ, err := lab.Compare(s.Content(a), s.Content(b))
	if err != nil || len(differ) > 0 {
		s.t.Errorf("the volumes differ: %v %s", err, strings.Join(differ, "; "))
	}
}

// page fails unless the address serves the page, and nobody does at the other one.
func (s *stage) page(address, want, silent string) {
	s.t.Helper()
	if page, err := s.Page(address); err != nil || page != want {
		s.t.Errorf("the page is %q, %v; want %q", page, err, want)
	}
	if page, err := s.Page(silent); err == nil {
		s.t.Errorf("%s serves %q", silent, page)
	}
}

// machine is the only machine of a region.
func (s *stage) machine(region string) emulator.Machine {
	s.t.Helper()
	all := s.AWS.Machines(region)
	if len(all) != 1 {
		s.t.Fatalf("%d machines in %s, want 1: %+v\n%s", len(all), region, all, s.logs())
	}
	return all[0]
}

// named fails unless the zone and the name servers give the address, with the TTL.
func (s *stage) named(address string, ttl time.Duration) {
	s.t.Helper()
	if values, got, _ := s.AWS.Record(s.Zone, lab.Name, "A"); strings.Join(values, " ") != address || got != ttl {
		s.t.Errorf("the record is %v for %s, want %s for %s", values, got, address, ttl)
	}
	if values, _, _ := s.AWS.Resolve(s.Zone, lab.Name, "A"); strings.Join(values, " ") != address {
		s.t.Errorf("the name servers say %v, want %s", values, address)
	}
}

// TestLabSwitchover moves a production that works: not one write is lost, the old server stands still, and the name has its
// usual TTL at the end.
func TestLabSwitchover(t *testing.T) {
	t.Parallel()
	s := open(t, "", lab.Options{Delays: lab.Quick, Production: true, Server: true})
	s.asked("switchover")
	s.want(exitDone, s.live("switchover", "start="+lab.StandbyRegion, "freeze=FREEZE"))
	s.measured("switchover")
	m := s.machine(lab.StandbyRegion)
	if m.State != "running" || m.Address != s.Address {
		t.Errorf("the new machine is %+v", m)
	}
	if old := s.machine(lab.ProductionRegion); old.ID != s.Instance || old.State != "stopped" {
		t.Errorf("the old machine is %+v, want it stopped", old)
	}
	s.named(s.Address, lab.TTL)
	s.alike(s.ProductionVolume, s.Volume)
	s.page(s.Address, lab.Live, s.ProductionAddress)
	if n := s.effects("launched "); n != 1 {
		t.Errorf("%d launches took effect, want 1", n)
	}
	s.recorded(s.run(), runbook.Done)

	s.want(exitDone, s.lifeboat("undo", string(s.run()), "--plain", "--confirm", "undo=live"))
	s.gone(lab.StandbyRegion)
	s.await(s.ProductionAddress, lab.Live)
	s.exactly("switchover", launching())
}

// TestLabFailback goes over, takes orders there, and comes back with them by the runbook that the record of the run gives.
func TestLabFailback(t *testing.T) {
	t.Parallel()
	s := open(t, "", lab.Options{Delays: lab.Quick, Server: true})
	s.want(exitDone, s.lifeboat(s.failover("--plain")...))
	s.failedOver()
	launched := s.machine(lab.StandbyRegion).ID
	const since = "orders since the failover\n"
	for _, name := range []string{"index.html", "orders/since"} {
		if err := os.WriteFile(filepath.Join(s.Content(s.Volume), name), []byte(since), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(s.Dir, "failback.yaml")
	s.want(exitDone, s.lifeboat("failback", string(s.run()), "-o", file))
	s.AWS.Forget()
	s.asked(file)
	s.asked(file, "--set", "server=launch")
	s.want(exitDone, s.live(file, "start="+lab.ProductionRegion, "freeze=FREEZE", "terminate="+launched))
	s.measured("failback")

	if m := s.machine(lab.ProductionRegion); m.ID != s.Instance || m.State != "running" || m.Address != s.ProductionAddress {
		t.Errorf("production is %+v", m)
	}
	s.gone(lab.StandbyRegion)
	s.named(s.ProductionAddress, lab.TTL)
	s.alike(s.Volume, s.ProductionVolume)
	s.page(s.ProductionAddress, since, s.Address)
	if on, state := s.AWS.Attached(lab.StandbyRegion, s.Volume); on != "" {
		t.Errorf("the standby volume is %s to %s", state, on)
	}
	if n := s.AWS.Addresses(lab.StandbyRegion); n != 2 {
		t.Errorf("%d addresses in the standby region, want the 2 that there were", n)
	}
	if n := s.effects("snapshot "); n != 1 {
		t.Errorf("%d snapshots were made of what the copy goes over, want 1\n%s", n, s.logs())
	}
	if s.Paused() {
		t.Error("the replica takes no writes")
	}
	if s.Machine.Mounted(s.MountPath()) != "" {
		t.Error("the standby volume is still mounted")
	}
	s.exactly(file, launching(
		"ec2:RunInstances", "a production that is gone is launched anew, by an input", "ec2:AssociateAddress", "its address", "ec2:AttachVolume", "its volume", "ec2:StopInstances", "an undo stops what the run has started",
		"ec2:DeleteSnapshot", "an undo takes back the snapshot of what the copy goes over",
	))
	s.recorded(s.run(), runbook.Done)
}

// gone waits until a region has no machine: a termination is accepted, and takes its time.
func (s *stage) gone(region string) {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(s.AWS.Machines(region)) > 0; <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("machines are left: %+v", s.AWS.Machines(region))
		}
	}
}

// TestLabRepair: services that have died are started, and nothing is rebooted for it; a machine that is rebooted has booted.
func TestLabRepair(t *testing.T) {
	t.Parallel()
	s := open(t, "", lab.Options{Delays: lab.Quick, Production: true, Server: true})
	s.Origin.StopServices()
	s.want(exitDone, s.live("repair"))
	s.measured("repair")
	if changed := s.AWS.Mutations(); len(changed) > 0 {
		t.Errorf("AWS was asked for %+v", changed)
	}
	s.page(s.ProductionAddress, lab.Live, s.Address)
	s.recorded(s.run(), runbook.Done)

	s.Origin.StopServices()
	s.want(exitDone, s.live("repair", "--set first=reboot"))
	s.measured("repair by a reboot")
	if n := s.effects("rebooted "); n != 1 {
		t.Errorf("%d reboots, want 1\n%s", n, s.logs())
	}
	if s.Origin.Mounted(s.OriginPath()) == "" {
		t.Error("the volume is not mounted")
	}
	s.page(s.ProductionAddress, lab.Live, s.Address)
	s.exactly("repair", map[string]string{"ec2:GetConsoleOutput": "the estate pins production's key; without that its console is read"})
	s.named(s.ProductionAddress, 5*time.Minute)
}

// TestLabRelaunch: the server is dead, and its region lives. A new one takes the volume, with all that is on it, and the
// address; the name stays as it is.
func TestLabRelaunch(t *testing.T) {
	t.Parallel()
	s := open(t, "", lab.Options{Delays: lab.Quick, Production: true, Server: true})
	// The new machine's services serve the folder that they serve on every machine of the image.
	s.Estate = s.otherwise(s.OriginPath(), s.MountPath())
	s.Origin.StopServices()
	s.asked("relaunch")
	s.want(exitDone, s.live("relaunch", "start="+lab.ProductionRegion))
	s.measured("relaunch")
	var lives []emulator.Machine
	for _, m := range s.AWS.Machines(lab.ProductionRegion) {
		switch {
		case m.ID != s.Instance:
			lives = append(lives, m)
		case m.State != "stopped":
			t.Errorf("the old machine is %+v", m)
		}
	}
	if len(lives) != 1 || lives[0].State != "running" || lives[0].Zone != lab.ProductionZone || lives[0].Address != s.ProductionAddress {
		t.Fatalf("the new machines are %+v", lives)
	}
	if on, state := s.AWS.Attached(lab.ProductionRegion, s.ProductionVolume); on != lives[0].ID || state != "attached" {
		t.Errorf("the volume is %s to %q", state, on)
	}
	s.page(s.ProductionAddress, lab.Live, s.Address)
	s.named(s.ProductionAddress, 5*time.Minute)
	if n := s.effects("UPSERT ") + s.effects("CREATE "); n != 0 {
		t.Errorf("the DNS was changed %d times", n)
	}
	s.recorded(s.run(), runbook.Done)

	s.want(exitDone, s.lifeboat("undo", string(s.run()), "--plain", "--confirm", "undo=live"))
	more := launching(
		"ec2:DescribeSnapshots", "the newest one is looked for where the data is to be a snapshot's, by an input", "ec2:DescribeVolumeStatus", "and the volume that is made of it is watched",
		"ec2:DisassociateAddress", "a fence takes the address away where a stop does not help; and an undo, where nobody held it before",
	)
	delete(more, "ec2:DescribeAvailabilityZones") // readiness asks: the launch names no volume
	s.exactly("relaunch", more)
}

// TestLabCopies makes the copies of a night: the image, once and not again; and the data, with a marker that says it is whole.
func TestLabCopies(t *testing.T) {
	t.Parallel()
	d := lab.Quick
	d.Image, d.Snapshot, d.Carry = 300*time.Millisecond, 200*time.Millisecond, 300*time.Millisecond
	s := open(t, "", lab.Options{Delays: d, Production: true, Server: true})
	before := s.AWS.Images(lab.StandbyRegion)
	s.want(exitDone, s.live("copy-images"))
	s.measured("copy-images")
	made := slices.DeleteFunc(s.AWS.Images(lab.StandbyRegion), func(i string) bool { return slices.Contains(before, i) })
	if len(made) != 1 || s.effects("made ") != 1 {
		t.Fatalf("it made %q\n%s", made, s.logs())
	}
	s.want(exitDone, s.live("copy-images"))
	if now := s.AWS.Images(lab.StandbyRegion); len(now) != len(before)+1 {
		t.Errorf("a second run copied again: %q", now)
	}
	tags := "AWS asks for it when tags go with what is made; it is no call of its own"
	kept := "copies beyond the third are removed; the lab has fewer"
	shared := "the lab's image is shared with nobody"
	s.exactly("copy-images", map[string]string{"ec2:CreateTags": tags, "ec2:DeregisterImage": kept, "ec2:DeleteSnapshot": kept, "ec2:DescribeInstances": kept, "ec2:ModifyImageAttribute": shared})
	s.AWS.Forget()
	s.want(exitDone, s.live("copy-images", "--set method=snapshot"))
	s.measured("copy-images by snapshots")
	if now := s.AWS.Images(lab.StandbyRegion); len(now) != len(before)+2 {
		t.Errorf("there are %q", now)
	}
	s.exactly("copy-images", map[string]string{"ec2:CreateTags": tags, "ec2:DeregisterImage": kept, "ec2:ModifyImageAttribute": shared}, "--set", "method=snapshot")
	s.AWS.Forget()

	s.want(exitDone, s.live("nightly-copy"))
	s.measured("nightly-copy")
	s.exactly("nightly-copy", nil)
	marker := filepath.Join(s.NightlyPath(), ".lifeboat-copy")
	if text, err := os.ReadFile(marker); err != nil || len(text) == 0 {
		t.Errorf("the marker is %q, %v", text, err)
	}
	if err := os.Remove(marker); err != nil {
		t.Error(err)
	}
	if differ, err := lab.Compare(s.Content(s.ProductionVolume), s.NightlyPath()); err != nil || len(differ) > 0 {
		t.Errorf("the copy differs: %v %q", err, differ)
	}
	s.page(s.ProductionAddress, lab.Live, s.Address)
}

// TestLabFallback: the zone has no machine of the type. The operator, at a plain terminal, takes another one.
func TestLabFallback(t *testing.T) {
	t.Parallel()
	s := open(t, "", lab.Options{Delays: lab.Quick})
	s.AWS.Inject(emulator.Fault{
		Action: forRun, Params: map[string]string{"InstanceType": "m7i.large"}, Kind: emulator.Error,
		Code: "InsufficientInstanceCapacity", Status: 500, Message: "We currently do not have sufficient m7i.large capacity",
	})
	got := s.lifeboat(s.failover("--plain")...)
	s.want(exitGoesOn, got)
	if !strings.Contains(got.last(14), "use-m7a.large") {
		t.Fatalf("no other type is offered: %s", got.last(14))
	}
	if n := len(s.AWS.Machines(lab.StandbyRegion)); n != 0 {
		t.Errorf("%d machines before the operator has chosen", n)
	}
	got = s.typing("use-m7a.large\n", "attach", "--plain")
	if testing.Verbose() {
		t.Log(got)
	}
	s.want(exitDone, got)
	s.measured("failover on another type")
	s.failedOver()
	if types := s.launchedTypes(); !slices.Equal(types, []string{"m7a.large"}) {
		t.Errorf("launched were %q", types)
	}
	s.recorded(s.run(), runbook.Done)
}

// launchedTypes are the types of the launches that took effect.
func (s *stage) launchedTypes() []string {
	var out []string
	for _, r := range s.AWS.Mutations() {
		if strings.Contains(r.Effect, "launched ") {
			out = append(out, r.Params["InstanceType"])
		}
	}
	return out
}
