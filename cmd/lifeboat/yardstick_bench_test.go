package main

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lifeboat/providers/providertest/lab"
	"lifeboat/providers/providertest/labhost"
	"lifeboat/runbook"
)

// BenchmarkYardstick puts the shipped failover beside the shell script that somebody has today, on two labs that take as
// long as AWS does: the script's seconds over lifeboat's work clock. The script is measured twice: as the steps are written
// down, where it waits for Route 53 first, and as somebody writes it who lets that wait be the last one.
//
//	go test -run '^$' -bench Yardstick -benchtime 1x ./cmd/lifeboat
func BenchmarkYardstick(b *testing.B) {
	for _, program := range []string{"aws", "bash", "curl", "ssh", "rsync"} {
		labhost.Need(b, program)
	}
	shipped := buildProgram(b)
	var first, last, work time.Duration
	waits := map[string]time.Duration{}
	for b.Loop() {
		first += script(b, "first")
		last += script(b, "last")
		s := open(b, "", lab.Options{Delays: awsPace})
		s.program = shipped
		s.want(exitDone, s.lifeboat(s.failover("--plain")...))
		s.failedOver()
		events := s.events(s.run())
		state := runbook.Fold(events)
		work += state.FinishedAt.Sub(state.ClockFrom)
		for step, added := range s.added(events) {
			waits[step] += added
		}
	}
	n := float64(b.N)
	b.ReportMetric(0, "ns/op") // the sum of all of it says nothing
	b.ReportMetric(first.Seconds()/n, "s/script")
	b.ReportMetric(last.Seconds()/n, "s/script-insync-last")
	b.ReportMetric(work.Seconds()/n, "s/lifeboat")
	b.ReportMetric(work.Seconds()/first.Seconds(), "x-script")
	b.ReportMetric(work.Seconds()/last.Seconds(), "x-script-insync-last")
	for step, added := range waits {
		b.ReportMetric(added.Seconds()/n, "s-added-"+step)
	}
}

// script runs the script on a lab of its own to its end, and returns how long it took.
func script(b *testing.B, insync string) time.Duration {
	b.Helper()
	s := open(b, "", lab.Options{Delays: awsPace})
	file, err := filepath.Abs("testdata/yardstick.sh")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), labPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", file)
	cmd.Dir, cmd.WaitDelay = s.Dir, time.Second
	cmd.Env = append(s.script(), "INSYNC="+insync)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	if err != nil {
		b.Fatalf("the script: %v\n%s\n%s", err, out, s.logs())
	}
	if !strings.Contains(string(out), lab.Fresh) {
		b.Fatalf("the script was not served the page:\n%s", out)
	}
	s.moved(lab.Name, s.Address, s.Volume)
	s.copied(s.Address, s.Volume)
	b.Logf("the script, INSYNC %s: %s\n%s", insync, took, out)
	return took
}

// script is the estate in the environment, as the script reads it.
func (s *stage) script() []string {
	text, err := os.ReadFile(s.Estate)
	if err != nil {
		s.t.Fatal(err)
	}
	estate, err := runbook.ParseEstate(s.Estate, text)
	if err != nil {
		s.t.Fatal(err)
	}
	page, err := url.Parse(s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	standby, replica := estate.Standby, estate.Standby.Replica
	env := slices.DeleteFunc(slices.Clone(s.Env), func(kv string) bool {
		return kv == "AWS_PROFILE=" || kv == "AWS_SESSION_TOKEN=" // to the command line an empty one is one that cannot be found
	})
	for k, v := range map[string]string{
		"REGION": standby.Region, "IMAGE": s.Image, "TYPE": standby.Type, "SUBNET": standby.Subnet, "GROUP": standby.SecurityGroups[0],
		"KEY_NAME": standby.KeyName, "VOLUME": s.Volume, "ADDRESS": s.Address, "MOUNT": standby.Volume.Path,
		"ZONE": s.Zone, "NAME": estate.Service.Name, "PORT": page.Port(), "TTL": strconv.Itoa(int(lab.TTL.Seconds())),
		"SSH_USER": estate.SSH.User, "SSH_PORT": strconv.Itoa(estate.SSH.Port), "IDENTITY": estate.SSH.Identity,
		"REPLICA": replica.Host, "REPLICA_PORT": strconv.Itoa(replica.Port), "DATA": replica.Path, "SERVICES": "bbj httpd",
	} {
		env = append(env, k+"="+v)
	}
	return env
}

// added is how long after a state of AWS had changed the step was done that waited for it.
func (s *stage) added(events []runbook.Event) map[string]time.Duration {
	s.t.Helper()
	began := map[string]time.Time{}
	for _, r := range s.AWS.Mutations() {
		began[r.Action] = r.At
	}
	launched := began["RunInstances"].Add(awsPace.Pending)
	changed := map[string]time.Time{
		"running": launched, "ready": launched.Add(awsPace.Boot), "attach": began["AttachVolume"].Add(awsPace.Attach),
		"converged": began["ChangeResourceRecordSets"].Add(awsPace.Served),
	}
	out := map[string]time.Duration{}
	for _, e := range events {
		done, ok := e.Fact.(*runbook.StepSucceeded)
		if !ok || changed[done.Step].IsZero() {
			continue
		}
		out[done.Step] = e.Time.Sub(changed[done.Step])
	}
	if len(out) != len(changed) {
		s.t.Fatalf("of the waiting steps %v only %v were done", changed, out)
	}
	return out
}
