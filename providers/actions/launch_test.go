package actions

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

// noRoom is a scene with two snapshots of the standby volume, no capacity in its zone, and another network.
func noRoom(faults ...sim.Fault) func(*sim.Spec) {
	return func(spec *sim.Spec) {
		spec.Snapshots = []sim.Snapshot{
			{Snapshot: providers.Snapshot{ID: "snap-0b2c3d4e5f6071829", Region: region, Volume: volume, SizeGiB: 100, State: "completed", Started: time.Now().Add(-29 * time.Hour)}, Data: sim.Data{Version: "older"}},
			{Snapshot: providers.Snapshot{ID: "snap-0c3d4e5f607182930", Region: region, Volume: volume, SizeGiB: 100, State: "completed", Started: time.Now().Add(-5 * time.Hour)}, Data: sim.Data{Version: "nightly"}},
			{Snapshot: providers.Snapshot{ID: "snap-0d4e5f60718293041", Region: region, Volume: volume, SizeGiB: 100, State: "error", Started: time.Now().Add(-time.Hour)}},
		}
		spec.Subnets = []providers.Subnet{
			{ID: "subnet-a", Zone: zone, Tags: map[string]string{"Name": "web-" + zone}},
			{ID: "subnet-b0", Zone: "us-east-1b", Tags: map[string]string{"Name": "db-us-east-1b"}},
			{ID: "subnet-b1", Zone: "us-east-1b", Tags: map[string]string{"Name": "web-us-east-1b"}},
			{ID: "subnet-d", Zone: "us-east-1d"},
			{ID: "subnet-x", Zone: "us-east-1a", VPC: "vpc-0fffffffffffffff0"},
		}
		spec.Groups = append(spec.Groups, providers.Group{ID: "sg-9", Name: "web", VPC: "vpc-0fffffffffffffff0", In: 1})
		spec.ZoneStates = map[string]string{"us-east-1c": "impaired"}
		spec.Offers = map[string][]string{"us-east-1d": {"m7a.large", "m7i.large"}}
		spec.Faults.Calls = append([]sim.Fault{{Op: "ec2:RunInstances", About: "m7i.large " + zone, Kind: sim.FaultNoCapacity}}, faults...)
	}
}

func (s *stage) launchVolume() *launch {
	a := s.launch()
	a.Volume, a.Subnet, a.SecurityGroups = volume, "subnet-a", []string{"web", "sg-2"}
	return a
}

// takes goes on with the fallback of that name, as the engine does, from the failure of the attempt before.
func (s *stage) takes(a *launch, name string, generation int) {
	s.Helper()
	ways, closed := a.fallbacks(s.ctx, s.call)
	i := slices.IndexFunc(ways, func(b runbook.Fallback) bool { return b.Name == name })
	if i < 0 {
		s.Fatalf("%s is not offered: %v (%v)", name, ways, closed)
	}
	s.again(generation)
	s.call.Fallback, s.call.Before = ways[i].With, nil
	s.say("-- %s", ways[i].Words())
}

func TestLaunchFallbacks(t *testing.T) {
	staged(t, "launch_sibling", noRoom(), func(s *stage) {
		a := s.launchVolume()
		s.check(a)
		s.prepare(a)
		s.apply(a)
		s.takes(a, "m7a.large", 2)
		s.hand(a)
		s.prepare(a)
		s.apply(a)
	})
	staged(t, "launch_other_zone", noRoom(), func(s *stage) {
		a := s.launchVolume()
		s.prepare(a)
		s.apply(a)
		s.takes(a, "us-east-1b", 2)
		s.hand(a)
		s.prepare(a)
		s.apply(a)
		s.say("-- after a crash")
		time.Sleep(5 * time.Second)
		o := s.observe(a)
		if id, _ := o.Outputs["volume"].(string); id != "" {
			s.say("on %s: %s", id, s.world.VolumeData(id).Version)
		}
		s.undo(a)
		s.say("-- again")
		s.undo(a)
		s.say("machines left: %d", len(s.world.Audit().Running))
	})
	staged(t, "launch_other_zone_volume_answer_lost", noRoom(sim.Fault{Op: "ec2:CreateVolume", Kind: sim.FaultTimeoutDone, Times: 1}), func(s *stage) {
		a := s.launchVolume()
		s.prepare(a)
		s.takes(a, "us-east-1b", 2)
		s.prepare(a)
		s.apply(a)
		time.Sleep(5 * time.Second)
		s.observe(a)
		s.say("machines made: %d", len(s.world.Audit().Instances))
	})
	staged(t, "launch_other_zone_volume_never_made", noRoom(sim.Fault{Op: "ec2:CreateVolume", Kind: sim.FaultTimeout, Times: 1}), func(s *stage) {
		a := s.launchVolume()
		s.prepare(a)
		s.takes(a, "us-east-1b", 2)
		s.prepare(a)
		s.apply(a)
		time.Sleep(5 * time.Second)
		s.observe(a)
		s.say("-- the same key once more")
		s.prepare(a)
		s.apply(a)
		s.say("machines made: %d", len(s.world.Audit().Instances))
	})
	staged(t, "launch_other_zone_volume_refused", noRoom(sim.Fault{Op: "ec2:CreateVolume", Kind: sim.FaultQuota}), func(s *stage) {
		a := s.launchVolume()
		s.prepare(a)
		s.takes(a, "us-east-1b", 2)
		s.prepare(a)
		s.apply(a)
		s.say("machines made: %d, left: %d", len(s.world.Audit().Instances), len(s.world.Audit().Running))
	})
	staged(t, "launch_no_way", func(spec *sim.Spec) {
		noRoom()(spec)
		spec.Snapshots = nil
		spec.Offers[zone] = []string{"m7i.large", "t3.medium", "m7g.large"}
	}, func(s *stage) {
		a := s.launchVolume()
		s.check(a)
		s.prepare(a)
		s.apply(a)
	})
	staged(t, "launch_ways_not_known", noRoom(sim.Fault{Op: "ec2:DescribeInstanceTypeOfferings", Kind: sim.FaultDenied}), func(s *stage) {
		a := s.launchVolume()
		s.prepare(a)
		s.apply(a)
	})
	staged(t, "launch_without_a_volume", noRoom(), func(s *stage) {
		a := s.launch()
		s.prepare(a)
		s.apply(a)
		s.takes(a, "us-east-1d", 2)
		s.prepare(a)
		s.apply(a)
	})
	staged(t, "launch_fallback_fails_too", noRoom(sim.Fault{Op: "ec2:RunInstances", Kind: sim.FaultNoCapacity}), func(s *stage) {
		a := s.launchVolume()
		s.prepare(a)
		s.takes(a, "us-east-1b", 2)
		s.prepare(a)
		s.apply(a)
	})
}

// TestLaunchFollowsItsVolume: the subnet that the file names is in another zone than the volume.
func TestLaunchFollowsItsVolume(t *testing.T) {
	staged(t, "launch_follows_its_volume", noRoom(), func(s *stage) {
		a := s.launchVolume()
		a.Volume = farDisk
		s.prepare(a)
		s.apply(a)
	})
	staged(t, "launch_cannot_follow_its_volume", func(spec *sim.Spec) {
		noRoom()(spec)
		for i, v := range spec.Volumes {
			if v.ID == farDisk {
				spec.Volumes[i].Zone = "us-east-1f"
			}
		}
	}, func(s *stage) {
		a := s.launchVolume()
		a.Volume = farDisk
		s.prepare(a)
	})
}

func TestLaunchGroups(t *testing.T) {
	staged(t, "launch_groups", noRoom(), func(s *stage) {
		a := s.launch()
		a.Type, a.SecurityGroups = "m7a.large", []string{"web", "ssh"}
		s.check(a)
		s.prepare(a)
		s.apply(a)
		s.say("-- in the network of its subnet the same name is another group")
		a.Subnet, a.SecurityGroups = "subnet-x", []string{"web"}
		s.again(2)
		s.prepare(a)
		s.call.Before = nil
		s.say("-- two of that name")
		a.Region, a.Zone, a.Subnet = region, "us-east-1z", "" // no network is known
		s.prepare(a)
		s.check(a)
		s.say("-- none")
		a.Zone, a.SecurityGroups = zone, []string{"wbe"}
		s.check(a)
		s.prepare(a)
		s.say("-- not in that zone")
		a.Subnet, a.Zone, a.SecurityGroups = "subnet-a", "us-east-1b", nil
		s.check(a)
	})
	transcript(t, "launch_other_words", func(s *stage) {
		a := s.launch()
		s.prepare(a)
		s.apply(a)
		a.UserData = "#!/bin/sh\n"
		s.apply(a)
	})
	transcript(t, "launch_from_a_template", func(s *stage) {
		a := s.launch()
		a.Template, a.SecurityGroups = "web:7", nil
		s.hand(a)
		a.Template = "lt-0b2c3d4e5f6071829"
		s.hand(a)
	})
}

// opensshKey makes a private key in OpenSSH's form as far as anybody here reads it: all but the private part.
func opensshKey(cipher string) (private, public string) {
	pub := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	word := func(parts ...string) []byte {
		var b []byte
		for _, p := range parts {
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
		}
		return b
	}
	blob := word("ssh-ed25519", string(pub))
	b := append([]byte("openssh-key-v1\x00"), word(cipher, "none", "")...)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = append(b, word(string(blob), "the private part")...)
	return string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: b})), "ssh-ed25519 " + base64.StdEncoding.EncodeToString(blob)
}

func TestHostKey(t *testing.T) {
	private, public := opensshKey("none")
	transcript(t, "launch_host_key", func(s *stage) {
		a := s.launch()
		a.HostKey = runbook.NewSecret("HOST_KEY", private)
		s.hand(a)
		s.check(a)
		a.HostKeys = HostKeys{address: {public}}
		s.check(a)
		s.prepare(a)
		s.apply(a)
		a.HostKey = runbook.NewSecret("HOST_KEY", "")
		s.say("-- not revealed")
		s.check(a)
		a.HostKey = runbook.NewSecret("HOST_KEY", strings.ToLower(private))
		s.say("-- no key")
		s.again(2)
		s.apply(a)
		if strings.Contains(s.text.String(), "PRIVATE KEY-----") || strings.Contains(fmt.Sprintf("%+v", s.world.Log()), "PRIVATE KEY-----") {
			s.Error("the private key stands somewhere")
		}
	})
	a := &launch{Estate: estateName, HostKey: runbook.NewSecret("HOST_KEY", private)}
	data, err := a.userData()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(data, "#cloud-config\nssh_deletekeys: true\nssh_keys:\n  ed25519_private: |\n    -----BEGIN OPENSSH PRIVATE KEY-----\n") ||
		!strings.HasSuffix(data, "\n    -----END OPENSSH PRIVATE KEY-----\n  ed25519_public: "+public+"\n") {
		t.Errorf("user data:\n%s", data)
	}
	a.UserData = "#!/bin/sh\ntouch /x\n"
	both, err := a.userData()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(both, "Content-Type: multipart/mixed; boundary=") || !strings.Contains(both, strings.TrimSpace(data)) ||
		!strings.Contains(both, "Content-Type: text/x-shellscript; charset=\"utf-8\"\nMIME-Version: 1.0\n\n#!/bin/sh\ntouch /x\n--") || !strings.HasSuffix(both, "--\n") {
		t.Errorf("user data:\n%s", both)
	}
	if again, _ := a.userData(); again != both {
		t.Error("the same words give another request")
	}
}

func TestPublicPart(t *testing.T) {
	whole, public := opensshKey("none")
	if got, err := publicPart("\n" + whole + "\n\n"); err != nil || got != public {
		t.Errorf("%q, %v, want %q", got, err, public)
	}
	locked, _ := opensshKey("aes256-ctr")
	block, _ := pem.Decode([]byte(whole))
	bad := map[string]string{
		"encrypted": locked, "nothing": "", "words": "hello",
		"another form": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: block.Bytes})),
	}
	for n := range len(block.Bytes) - len("the private part") - 4 {
		bad[fmt.Sprintf("cut after %d bytes", n)] = string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: block.Bytes[:n]}))
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		if got, err := publicPart(bad[name]); err == nil {
			t.Errorf("%s: no error, but %q", name, got)
		} else if strings.Contains(err.Error(), "private part") {
			t.Errorf("%s: the error tells the key: %v", name, err)
		}
	}
}
