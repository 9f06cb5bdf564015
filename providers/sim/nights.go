package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/runbook"
)

// NightName is a fault plan by name.
type NightName struct {
	Name, Summary string
	plan          func(seed uint64) Faults
}

func d(v time.Duration) runbook.Duration { return runbook.Duration(v) }

// within draws a duration by seed.
func within(seed uint64, key string, low, high time.Duration) runbook.Duration {
	return d(span(low, high).at(roll(seed, "night "+key, 0)).Round(time.Second))
}

// Nights lists the fault plans.
func Nights() []NightName {
	return []NightName{
		{"quiet", "nothing goes wrong", func(uint64) Faults { return Faults{} }},
		{"no-capacity", "the standby region has no machine of the type for a while", noCapacity},
		{"no-capacity-at-all", "the standby region has no machine of any type, and gets none", noCapacityAtAll},
		{"stale-image", "the image in the standby region is weeks old", staleImage},
		{"dns-control-plane-down", "records cannot be changed for a while; answers go on", dnsDown},
		{"volume-elsewhere", "the standby volume is in another zone, or on another machine", volumeElsewhere},
		{"slow-launch", "the new server takes three times as long to start", slowLaunch},
		{"broken-chain", "the archive cannot be restored: a volume is missing, damaged, or the passphrase is not its own", brokenChain},
		{"flaky-ssh", "ssh is refused, breaks and stalls now and then", flakySSH},
		{"primary-returns", "the production server comes back in the middle of it", primaryReturns},
		{"region-dark", "the production region gives no answer at all", regionDark},
		{"throttle", "AWS throttles a third of all calls for a while", throttled},
		{"lost-answers", "the first answer to every kind of change is lost after it has happened", lostAnswers},
		{"random", "two or three of those above, drawn by the seed", randomNight},
		{"stopped-replica", "the replica has taken nothing for hours", stoppedReplica},
		{"incomplete-nightly", "last night's copy did not come to its end", func(uint64) Faults { return Faults{IncompleteNightly: true} }},
		// What is wrong with production itself, whatever the scene is: for triage, repair and relaunch.
		{"service-dead", "the production server runs and answers, and its services are down", func(uint64) Faults { return Faults{Production: DeadService} }},
		{"server-dead", "the production server answers nobody, and its region is well", func(uint64) Faults { return Faults{Production: DeadServer, Hangs: HangsSoft} }},
		{"zone-dark", "the zone of the production server does not work, and its region is well", func(uint64) Faults { return Faults{Production: DeadZone, Hangs: HangsForced} }},
	}
}

// Night makes the fault plan of that name. The same seed makes the same plan.
func Night(name string, seed uint64) (Faults, error) {
	var names []string
	for _, n := range Nights() {
		if n.Name == name {
			f := n.plan(seed)
			f.Night = name
			return f, nil
		}
		names = append(names, n.Name)
	}
	return Faults{}, fmt.Errorf("there is no night %q; there are %s", name, strings.Join(names, ", "))
}

func noCapacity(seed uint64) Faults {
	return Faults{Calls: []Fault{{
		Op: "ec2:RunInstances", Region: "standby", Kind: FaultNoCapacity,
		Times: 1 + int(mix(seed, "no-capacity", 0)%3),
	}}}
}

func noCapacityAtAll(uint64) Faults {
	return Faults{Calls: []Fault{{Op: "ec2:RunInstances", Region: "standby", Kind: FaultNoCapacity}}}
}

func staleImage(seed uint64) Faults {
	return Faults{StaleImage: within(seed, "stale", 20*24*time.Hour, 60*24*time.Hour)}
}

func dnsDown(seed uint64) Faults {
	return Faults{Dark: []Dark{{Region: "route53", Window: Window{
		Until: within(seed, "dns", 60*time.Second, 150*time.Second), Ends: "ec2:RunInstances",
	}}}}
}

func volumeElsewhere(seed uint64) Faults {
	return Faults{Elsewhere: []string{"zone", "held"}[mix(seed, "elsewhere", 0)%2]}
}

func brokenChain(seed uint64) Faults {
	return Faults{Chain: []string{ChainBroken, ChainTorn, ChainSealed}[mix(seed, "chain", 0)%3]}
}

func slowLaunch(uint64) Faults { return Faults{Slow: 3} }

func flakySSH(uint64) Faults {
	return Faults{Calls: []Fault{
		{Op: "ssh:*", Kind: FaultRefused, Chance: 0.15},
		{Op: "ssh:*", Kind: FaultResetAfter, Chance: 0.08},
		{Op: "ssh:rsync", Kind: FaultReset, Times: 1},
		{Op: "ssh:*", Kind: FaultSlow, Chance: 0.1, Wait: d(4 * time.Second)},
	}}
}

func primaryReturns(seed uint64) Faults {
	return Faults{Returns: within(seed, "returns", 40*time.Second, 100*time.Second)}
}

func stoppedReplica(seed uint64) Faults {
	return Faults{ReplicaStopped: within(seed, "stopped replica", 3*time.Hour, 9*time.Hour)}
}

func regionDark(uint64) Faults { return Faults{Dark: []Dark{{Region: "production"}}} }

func throttled(uint64) Faults {
	spell := Window{Until: d(2 * time.Minute), Ends: "ec2:RunInstances"}
	return Faults{Calls: []Fault{
		{Op: "ec2:*", Kind: FaultThrottle, Chance: 0.33, Window: spell},
		{Op: "route53:*", Kind: FaultThrottle, Chance: 0.33, Window: spell},
	}}
}

func lostAnswers(uint64) Faults {
	var f Faults
	for _, op := range []string{
		"ec2:RunInstances", "ec2:AttachVolume", "ec2:AssociateAddress", "route53:ChangeResourceRecordSets", "ssh:mount",
		"ssh:systemctl",
	} {
		f.Calls = append(f.Calls, Fault{Op: op, Kind: FaultTimeoutDone, Times: 1})
	}
	return f
}

// randomNight joins two or three other nights; of each it takes what the ones before left open.
func randomNight(seed uint64) Faults {
	pool := Nights()[1:]
	pool = pool[:slices.IndexFunc(pool, func(n NightName) bool { return n.Name == "random" })]
	var f Faults
	for i := range 2 + int(mix(seed, "random", 0)%2) {
		one := pool[mix(seed, "random night", i)%uint64(len(pool))]
		if one.Name == "no-capacity-at-all" {
			continue
		}
		g := one.plan(seed)
		f.Calls = append(f.Calls, g.Calls...)
		f.Dark = append(f.Dark, g.Dark...)
		f.Slow = max(f.Slow, g.Slow)
		f.StaleImage = max(f.StaleImage, g.StaleImage)
		f.Returns = max(f.Returns, g.Returns)
		f.Chain = either(f.Chain, g.Chain)
		if f.Elsewhere == "" {
			f.Elsewhere = g.Elsewhere
		}
	}
	return f
}
