package sim_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

const childDir = "LIFEBOAT_SIM_TEST_WORLD"

// TestMain runs the failover on a world and prints the machine, when it is asked to be another process.
func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	w, err := sim.Open(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("open")
	id, err := failover(context.Background(), w)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(id)
}

func child(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	return cmd
}

func world(t *testing.T, speed float64) (*sim.World, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "world")
	spec := sim.FromEstate(estate(), sim.Stopped, 1)
	spec.Clock.Speed = speed
	w, err := sim.Create(dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w, dir
}

// Three processes do the same failover with the same token at the same time: there is one machine, and this process,
// which only looks, sees it too.
func TestProcessesShareAWorld(t *testing.T) {
	w, dir := world(t, 500)
	answers := make(chan string, 3)
	for range 3 {
		go func() {
			out, err := child(t, dir).CombinedOutput()
			if err != nil {
				answers <- fmt.Sprintf("failed: %v: %s", err, out)
				return
			}
			answers <- strings.TrimPrefix(strings.TrimSpace(string(out)), "open\n")
		}()
	}
	ids := map[string]int{}
	for range 3 {
		ids[<-answers]++
	}
	a := w.Audit()
	if len(ids) != 1 || len(a.Instances) != 1 || ids[a.Instances[0]] != 3 {
		t.Fatalf("three processes saw %v; the world holds %v", ids, a.Instances)
	}
	if a.Attachments != 1 || a.Associations != 1 || a.RecordChanges != 1 {
		t.Errorf("%+v", a)
	}
	if err := served(context.Background(), w.Set().Web); err != nil {
		t.Error(err)
	}
}

// A process that is killed at any moment leaves a world that another one can open and finish.
func TestKilledProcessLeavesAWorld(t *testing.T) {
	w, dir := world(t, 500)
	for n := range 8 {
		cmd := child(t, dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if !bufio.NewScanner(out).Scan() {
			t.Fatal("the child did not open the world")
		}
		// Wait on the world itself for a change of the child's, so that each one dies at another point.
		deadline := time.After(10 * time.Second)
		for len(w.Log()) < 2*n+1 {
			select {
			case <-deadline:
				t.Fatalf("no %d entries", 2*n+1)
			case <-time.After(time.Millisecond):
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
	}
	id, err := failover(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	if a := w.Audit(); len(a.Instances) != 1 || a.Instances[0] != id || a.Attachments != 1 {
		t.Errorf("%+v", a)
	}
}

// The fold of a log of 1,000 entries.
func BenchmarkFold1000(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "world")
	spec := sim.FromEstate(estate(), sim.Stopped, 1)
	spec.Clock = runbook.ClockSpec{Speed: 1}
	w, err := sim.Create(dir, spec)
	if err != nil {
		b.Fatal(err)
	}
	w.Close()
	log, err := os.Create(filepath.Join(dir, "log.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	enc := json.NewEncoder(log)
	l := launch("")
	for n := range 1000 {
		l.Token = fmt.Sprint("k", n)
		e := sim.Entry{At: w.Spec().Start.Add(time.Duration(n) * time.Second), Op: "ec2:RunInstances", Region: east, ID: fmt.Sprintf("i-%017x", n), Token: l.Token, Launch: &l}
		if err := enc.Encode(e); err != nil {
			b.Fatal(err)
		}
	}
	log.Close()
	for b.Loop() {
		again, err := sim.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		again.Close()
	}
}
