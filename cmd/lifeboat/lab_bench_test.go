package main

import (
	"testing"
	"time"

	"lifeboat/providers/providertest/emulator"
	"lifeboat/providers/providertest/lab"
	"lifeboat/runbook"
)

// awsPace is delays as EC2 and Route 53 have them.
var awsPace = lab.Delays{
	Delays: emulator.Delays{
		Visible: 500 * time.Millisecond, Pending: 12 * time.Second, Checks: 60 * time.Second, Console: 10 * time.Second,
		Attach: 3 * time.Second, InSync: 35 * time.Second, Served: 20 * time.Second,
	},
	Boot: 15 * time.Second,
}

// BenchmarkLabFailover runs the shipped failover live in the lab. Its measure is the work clock (from the moment at which
// the first step could start) over the delays that nobody can shorten on the critical path: the machine's way to running
// and its boot. Everything else runs beside that.
func BenchmarkLabFailover(b *testing.B) {
	var work time.Duration
	for b.Loop() {
		b.StopTimer()
		s := open(b, "", lab.Options{Delays: awsPace})
		b.StartTimer()
		s.want(exitDone, s.lifeboat(s.failover("--plain")...))
		state := runbook.Fold(s.events(s.run()))
		work += state.FinishedAt.Sub(state.ClockFrom)
	}
	mean := work / time.Duration(b.N)
	b.ReportMetric(mean.Seconds(), "s/failover")
	b.ReportMetric(mean.Seconds()/(awsPace.Pending+awsPace.Boot).Seconds(), "x-of-delays")
}
