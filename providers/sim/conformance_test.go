package sim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/providertest"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

func TestConformance(t *testing.T) {
	spec := sim.FromEstate(estate(), sim.Serving, 1)
	far := spec.Volumes[0]
	far.ID, far.Zone = "vol-0bbb0000000000002", "us-east-1c"
	spec.Volumes = append(spec.Volumes, far)
	spec.Buckets = []sim.Bucket{{Name: "shop-flags", Region: east}, {Name: "shop-flags-far", Region: "eu-west-1"}}
	kept := sim.Instance{Instance: spec.Instances[0].Instance, Protected: true}
	kept.ID, kept.Region, kept.Zone, kept.PrivateAddress = "i-0ccc0000000000001", east, "us-east-1b", "192.0.2.55"
	kept.Subnet, kept.SecurityGroups = "", nil
	spec.Instances = append(spec.Instances, kept)
	spec.Groups = append(spec.Groups,
		providers.Group{ID: "sg-0bbb0000000000001", Name: "web", VPC: sim.VPC(1, east), In: 2, Out: 1},
		providers.Group{ID: "sg-0bbb0000000000002", Name: "isolated", VPC: sim.VPC(1, east)})
	spec.Subnets = append(spec.Subnets, providers.Subnet{ID: "subnet-0bbb0000000000001", Zone: "us-east-1b"})
	spec.Images = append(spec.Images, providers.Image{
		ID: "ami-0bbb0000000000009", Region: east, Name: "base", State: "available", Architecture: "x86_64", RootDevice: "/dev/xvda",
		Disks: []providers.Disk{{Device: "/dev/xvda", Snapshot: "snap-0bbb0000000000009", SizeGiB: 8, Type: "gp3"}},
		Tags:  map[string]string{"Role": "base"},
	})
	providertest.RunIn(t, synctest.Test, func(t *testing.T) providertest.Lab {
		return providertest.Lab{
			Set:    sim.NewMemory(spec, runbook.WallClock{}).Set(),
			Region: east, Image: "ami-0bbb0000000000009", Type: "m7i.large", Zone: "us-east-1b",
			Subnet: "subnet-0bbb0000000000001", SecurityGroups: []string{"sg-0bbb0000000000001"},
			Group: "sg-0bbb0000000000002", Protected: kept.ID,
			Bucket: "shop-flags", FarBucket: "shop-flags-far",
			Volume: vol, FarVolume: far.ID, Elsewhere: west, Address: eip, HostedZone: "Z0123456789ABC", Name: "suite.example.com",
			Host: providers.Host{Address: "203.0.113.5", ID: "replica-1"}, Nobody: providers.Host{Address: "203.0.113.200"},
			Topic: "arn:aws:sns:" + east + ":123456789012:oncall", Phone: "+15555550100",
			Patience: 10 * time.Minute,
			Hex:      []string{"hex"}, URL: "https://www.example.com/", Page: "198.51.100.4", Silent: "203.0.113.5",
		}
	})
}
