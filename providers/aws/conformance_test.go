package aws_test

import (
	"testing"
	"time"

	"lifeboat/providers/aws"
	"lifeboat/providers/providertest"
	"lifeboat/providers/providertest/emulator"
)

func TestConformance(t *testing.T) {
	const short = 100 * time.Millisecond
	e := start(t, emulator.Options{Delays: emulator.Delays{
		Pending: 2 * short, Stop: short, Attach: short, Detach: short, Terminate: short, InSync: short, Image: 2 * short,
		Visible: short, Create: 2 * short, Hydrate: 5 * short, Snapshot: 5 * short, Carry: 5 * short,
	}})
	image := e.SeedImage(region, "standby", "Role", "standby")
	kept := e.SeedInstance(region, zone, image)
	e.Protect(kept)
	lab := providertest.Lab{
		Set: cloud(t, aws.Options{Account: emulator.Account}).Set(), Region: region, Type: "m7i.large", Zone: zone,
		Image: image, Subnet: e.Subnet(region, zone), SecurityGroups: []string{e.SecurityGroup(region)},
		Group: e.SeedGroup(region, "isolated"), Protected: kept,
		Volume: e.SeedVolume(region, zone, 1), FarVolume: e.SeedVolume(region, "us-east-1b", 1),
		Bucket: e.SeedBucket(region, "shop-flags"), FarBucket: e.SeedBucket("eu-west-1", "shop-flags-far"),
		Elsewhere: "us-west-1", Address: e.SeedAddress(region), HostedZone: e.SeedZone("example.com", false), Name: "conformance.example.com",
		Topic: e.SeedTopic(region, "oncall"), Phone: "+15555550100", Patience: 20 * time.Second,
	}
	providertest.Run(t, func(*testing.T) providertest.Lab { return lab })
}
