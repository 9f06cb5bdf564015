package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"lifeboat/store"
	"lifeboat/store/logbook"
)

// buildProgram builds the program as it is shipped and returns its path.
func buildProgram(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "lifeboat")
	cmd := exec.Command("make", "--silent", "-C", "../..", "build", "BIN="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// sizeLimit keeps the program small enough to copy to a strange machine at 3 A.M. Failover alone fits 20 MB. The whole estate
// does not: the senders of chat, mail and pagers (with their text/template) cost 1 MB, the calls of EC2, S3 and SNS that
// keep images, snapshots and volumes about one more, and the kinds and runbooks themselves another. HTTP/2 and inlining are
// left out already, and so are the SDK's modules for S3 and for the copy of a snapshot, whose way of signing a URL alone would
// keep all of EC2, 19 MB. The next to be put together by hand would be SNS, 0.2 MB for one call; after that there are only
// the ways in which AWS hands out credentials, which people need.
const sizeLimit = 25_000_000

func TestProgramIsSmall(t *testing.T) {
	info, err := os.Stat(buildProgram(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes of %d", info.Size(), sizeLimit)
	if info.Size() > sizeLimit {
		t.Errorf("the stripped program has %d bytes, more than %d: has something put a client of the "+
			"AWS SDK into an interface?", info.Size(), sizeLimit)
	}
}

// twelve is a graph of twelve steps whose critical path takes three seconds.
const twelve = `lifeboat: 1
kind: runbook
name: graph
title: Twelve steps, three seconds
estate: estate.yaml
confirm: none
steps:
  - {id: a1, uses: wait, with: {for: 1s}, needs: []}
  - {id: a2, uses: wait, with: {for: 500ms}, needs: []}
  - {id: a3, uses: wait, with: {for: 700ms}, needs: []}
  - {id: b1, uses: wait, with: {for: 500ms}, needs: [a1]}
  - {id: b2, uses: wait, with: {for: 200ms}, needs: [a1, a2]}
  - {id: b3, uses: wait, with: {for: 300ms}, needs: [a3]}
  - {id: c1, uses: wait, with: {for: 500ms}, needs: [b1, b2]}
  - {id: c2, uses: wait, with: {for: 400ms}, needs: [b3]}
  - {id: d1, uses: wait, with: {for: 500ms}, needs: [c1]}
  - {id: d2, uses: wait, with: {for: 100ms}, needs: [c1, c2]}
  - {id: e1, uses: wait, with: {for: 500ms}, needs: [d1, d2]}
  - {id: e2, uses: wait, with: {for: 300ms}, needs: [d2]}
`

const smallEstate = `lifeboat: 1
kind: estate
name: shop
service: {name: www.example.com, url: "https://www.example.com/"}
production: {region: us-west-1}
standby: {region: us-east-1}
`

// BenchmarkRun is the wall time of the whole program, executor's start and journal included, over the critical path of what
// it runs: the metric "x-critical-path" (1 is perfect).
func BenchmarkRun(b *testing.B) {
	program := buildProgram(b)
	dir := b.TempDir()
	for name, text := range map[string]string{"graph.yaml": twelve, "estate.yaml": smallEstate} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	const critical = 3 * time.Second
	var sum time.Duration
	best := time.Hour
	for b.Loop() {
		cmd := exec.Command(program, "run", "graph.yaml", "--mode", "rehearse", "--plain", "--store", filepath.Join(dir, "store"))
		cmd.Dir = dir
		began := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		took := time.Since(began)
		sum += took
		best = min(best, took)
	}
	letGo(b, store.Dir(filepath.Join(dir, "store")))
	b.ReportMetric(float64(sum)/float64(b.N)/float64(critical), "x-critical-path")
	b.ReportMetric(float64(best)/float64(critical), "best-x-critical-path")
}

// letGo waits until every executor of the store has ended: it files the run after the follower has seen its end.
func letGo(tb testing.TB, dir store.Dir) {
	tb.Helper()
	ids, err := dir.RunIDs()
	if err != nil {
		tb.Fatal(err)
	}
	for _, id := range ids {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			if _, _, held, err := logbook.Holder(dir.Run(id).Lock()); err == nil && !held {
				break
			}
			if time.Now().After(deadline) {
				tb.Fatalf("the executor of %s does not end", id)
			}
		}
	}
}

// BenchmarkHelp is the time of `lifeboat --help` over that of `aws --version`, where there is an aws: the metric "x-aws".
func BenchmarkHelp(b *testing.B) {
	program := buildProgram(b)
	spent := func(name string, args ...string) time.Duration {
		began := time.Now()
		if err := exec.Command(name, args...).Run(); err != nil {
			b.Fatalf("%s: %v", name, err)
		}
		return time.Since(began)
	}
	var ours, theirs time.Duration
	_, err := exec.LookPath("aws")
	for b.Loop() {
		ours += spent(program, "--help")
		if err == nil {
			theirs += spent("aws", "--version")
		}
	}
	b.ReportMetric(float64(ours.Microseconds())/1000/float64(b.N), "ms/help")
	if err == nil {
		b.ReportMetric(float64(ours)/float64(theirs), "x-aws")
	} else {
		b.Log("no aws on the PATH: only our own time was taken")
	}
}
