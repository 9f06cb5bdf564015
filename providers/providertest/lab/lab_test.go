package lab_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/dns"
	"lifeboat/providers/providertest"
	"lifeboat/providers/providertest/emulator"
	"lifeboat/providers/providertest/lab"
	"lifeboat/providers/providertest/labhost"
	"lifeboat/providers/ssh"
	"lifeboat/providers/web"
	"lifeboat/runbook"
)

func TestMain(m *testing.M) {
	labhost.MaybeRunTool()
	os.Exit(m.Run())
}

// TestConformance runs the suite of all clouds on the lab: AWS over the wire, ssh, pages and names through real servers.
func TestConformance(t *testing.T) {
	l := lab.Start(t, lab.Options{Delays: lab.Quick, Production: true})
	for _, kv := range l.Env {
		if k, v, _ := strings.Cut(kv, "="); strings.HasPrefix(k, "AWS_") {
			t.Setenv(k, v)
		}
	}
	text, err := os.ReadFile(l.Estate)
	if err != nil {
		t.Fatal(err)
	}
	estate, err := runbook.ParseEstate(l.Estate, text)
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := aws.New(t.Context(), aws.Options{Account: emulator.Account})
	if err != nil {
		t.Fatal(err)
	}
	shell := ssh.New(ssh.Options{Estate: estate.SSH, Dir: t.TempDir()})
	t.Cleanup(func() { _ = shell.Close() }) // a master that does not end is found by the tests of ssh
	set := cloud.Set()
	set.Shell, set.Web = shell, web.New(web.Options{})
	set.Names = dns.New(dns.Options{Servers: map[string][]string{".": estate.Service.Servers}})
	replica := estate.Standby.Replica
	suite := providertest.Lab{
		Set: set, Region: lab.StandbyRegion, Image: l.Image, Type: "m7i.large", Zone: lab.StandbyZone,
		Subnet: estate.Standby.Subnet, SecurityGroups: estate.Standby.SecurityGroups,
		Volume: l.Volume, FarVolume: l.AWS.SeedVolume(lab.StandbyRegion, "us-east-1b", 1), Address: l.Address,
		HostedZone: l.Zone, Name: "suite.example.com",
		Host:   providers.Host{Address: replica.Host, ID: replica.ID, Port: replica.Port},
		Nobody: providers.Host{Address: replica.Host, ID: replica.ID, Port: labhost.FreePort(t, replica.Host)},
		URL:    l.URL, Page: l.ProductionAddress, Silent: l.Address,
	}
	providertest.Run(t, func(*testing.T) providertest.Lab { return suite })
}

func TestCompareSeesEveryDifference(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	if err := lab.Fill(from); err != nil {
		t.Fatal(err)
	}
	if err := lab.Fill(to); err != nil {
		t.Fatal(err)
	}
	if differ, err := lab.Compare(from, to); err != nil || len(differ) > 0 {
		t.Fatalf("two of the same: %v, %q", err, differ)
	}
	for what, change := range map[string]func() error{
		"content":    func() error { return os.WriteFile(filepath.Join(to, "index.html"), []byte(lab.Stale), 0o644) },
		"permission": func() error { return os.Chmod(filepath.Join(to, "-rf"), 0o600) },
		"missing":    func() error { return os.Remove(filepath.Join(to, "line\nbreak")) },
		"too much":   func() error { return os.WriteFile(filepath.Join(to, "orders", "new"), nil, 0o644) },
		"link":       func() error { return os.Remove(filepath.Join(to, "newest")) },
	} {
		before, _ := lab.Compare(from, to)
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if after, err := lab.Compare(from, to); err != nil || len(after) != len(before)+1 {
			t.Errorf("%s: %d differences became %d (%v): %q", what, len(before), len(after), err, after)
		}
	}
}

// TestNightlyIsBehind: a test that copies nothing must not find the trees alike.
func TestNightlyIsBehind(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	if err := lab.Fill(from); err != nil {
		t.Fatal(err)
	}
	if err := lab.Nightly(from, to); err != nil {
		t.Fatal(err)
	}
	if differ, err := lab.Compare(from, to); err != nil || len(differ) < 15 {
		t.Errorf("last night's copy differs in %q (%v)", differ, err)
	}
}
