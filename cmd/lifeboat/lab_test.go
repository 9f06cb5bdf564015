package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/providertest/lab"
	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
)

// programs are the builds under test, made once for all tests.
type programs struct {
	mu   sync.Mutex
	dir  string
	path map[string]string // by build tags
}

var built programs

// program builds this package with the tags.
func (p *programs) program(t testing.TB, tags string) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if path := p.path[tags]; path != "" {
		return path
	}
	if p.dir == "" {
		dir, err := os.MkdirTemp("", "lifeboat-test-")
		if err != nil {
			t.Fatal(err)
		}
		p.dir, p.path = dir, map[string]string{}
	}
	path := filepath.Join(p.dir, "lifeboat"+tags)
	if out, err := exec.Command("go", "build", "-tags", tags, "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	p.path[tags] = path
	return path
}

func (p *programs) clean() error {
	if p.dir == "" {
		return nil
	}
	return os.RemoveAll(p.dir)
}

// stage is a lab with the program in it.
type stage struct {
	*lab.Lab
	t       testing.TB
	program string
	env     []string // beside the lab's own
}

// open makes a lab for the program of the build.
func open(t testing.TB, tags string, o lab.Options) *stage {
	t.Helper()
	s := &stage{Lab: lab.Start(t, o), t: t, program: built.program(t, tags)}
	t.Cleanup(s.end)
	return s
}

// end ends the drivers that still run: they are cut loose from this process by design.
func (s *stage) end() {
	for _, id := range s.runs() {
		driver, _, held, err := logbook.Holder(store.Dir(s.Store).Run(id).Lock())
		if err == nil && held && driver.PID > 1 {
			_ = syscall.Kill(driver.PID, syscall.SIGKILL) // gone meanwhile is as good
		}
	}
}

func (s *stage) runs() []runbook.RunID {
	ids, _ := store.Dir(s.Store).RunIDs() // none when there is no store yet
	return ids
}

// run is the newest run.
func (s *stage) run() runbook.RunID {
	s.t.Helper()
	ids := s.runs()
	if len(ids) == 0 {
		s.t.Fatal("there is no run")
	}
	return ids[len(ids)-1]
}

// said is what a command of the program came to.
type said struct {
	code      int
	out, errs string
	took      time.Duration
}

func (s said) String() string { return fmt.Sprintf("exit %d\n%s%s", s.code, s.out, s.errs) }

// last is the end of what it said.
func (s said) last(n int) string {
	lines := strings.Split(strings.TrimSpace(s.out+s.errs), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// labPatience is how long a command of the program may take before the test calls it a hang. The deadlines that the
// program shows are shorter: five minutes for a machine to come up are the longest.
const labPatience = 7 * time.Minute

func (s *stage) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.program, args...)
	cmd.Env = append(append([]string{}, s.Env...), s.env...)
	cmd.Dir = s.Dir
	return cmd
}

// lifeboat runs the program to its end, with nobody at its standard input.
func (s *stage) lifeboat(args ...string) said {
	s.t.Helper()
	return s.typing("", args...)
}

// typing runs the program to its end, with somebody who types the text and leaves.
func (s *stage) typing(text string, args ...string) said {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), labPatience)
	defer cancel()
	cmd := s.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if text != "" {
		cmd.Stdin = strings.NewReader(text)
	}
	began := time.Now()
	err := cmd.Run()
	if ctx.Err() != nil {
		s.t.Fatalf("lifeboat %s: no end after %s\n%s%s", strings.Join(args, " "), labPatience, out.String(), errs.String())
	}
	if cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return said{cmd.ProcessState.ExitCode(), out.String(), errs.String(), time.Since(began)}
}

// failover is the command line of a live failover that nobody has to answer for.
func (s *stage) failover(more ...string) []string {
	return append([]string{"run", "failover", "--mode", "live", "--estate", s.Estate, "--yes", "--confirm", "start=" + lab.StandbyRegion}, more...)
}

// want fails when the command did not end with the code.
func (s *stage) want(code int, got said) {
	s.t.Helper()
	if got.code != code {
		s.t.Fatalf("exit %d, want %d\n%s\n%s", got.code, code, got, s.logs())
	}
}

// logs are what a failure needs: the executor's own words, and what was asked of AWS.
func (s *stage) logs() string {
	var b strings.Builder
	for _, id := range s.runs() {
		text, _ := os.ReadFile(store.Dir(s.Store).Run(id).ExecutorLog())
		fmt.Fprintf(&b, "executor of %s: %s\n", id, text)
	}
	for _, r := range s.AWS.Requests() {
		if r.Changes || r.Fault != "" {
			fmt.Fprintf(&b, "%s %s %s: %d %s %s [%s]\n", r.At.Format("05.000"), r.Region, r.Action, r.Status, r.Code, r.Effect, r.Fault)
		}
	}
	return b.String()
}

// events are the events of a run.
func (s *stage) events(id runbook.RunID) []runbook.Event {
	s.t.Helper()
	events, err := logbook.Read(store.Dir(s.Store).Run(id).Logbook())
	if err != nil {
		s.t.Fatal(err)
	}
	return events
}

// failedOver asks AWS, the name servers, the files and the page what is true, and fails unless the standby serves, with
// exactly one of everything.
func (s *stage) failedOver() {
	s.t.Helper()
	s.moved(lab.Name, s.Address, s.Volume)
	s.copied(s.Address, s.Volume)
	if !s.Paused() {
		s.t.Error("the replica takes writes")
	}
}

// moved is what is true after a failover whatever the data, in AWS and in the DNS.
func (s *stage) moved(name, address, volume string) {
	s.t.Helper()
	t := s.t
	machines := s.AWS.Machines(lab.StandbyRegion)
	if len(machines) != 1 {
		t.Fatalf("%d machines in the standby region, want 1: %+v\n%s", len(machines), machines, s.logs())
	}
	m := machines[0]
	if m.State != "running" || m.Zone != lab.StandbyZone || m.Address != address {
		t.Errorf("the machine is %+v, want it running in %s at %s", m, lab.StandbyZone, address)
	}
	if n := s.AWS.Addresses(lab.StandbyRegion); n != 2 {
		t.Errorf("%d addresses in the standby region, want the 2 that there were", n)
	}
	if on, state := s.AWS.Attached(lab.StandbyRegion, volume); on != m.ID || state != "attached" {
		t.Errorf("the volume is %s on %q, want it attached to %s", state, on, m.ID)
	}
	if values, ttl, _ := s.AWS.Record(s.Zone, name, "A"); strings.Join(values, " ") != address || ttl != lab.TTL {
		t.Errorf("the record is %v for %s, want %s for %s", values, ttl, address, lab.TTL)
	}
	if values, _, _ := s.AWS.Resolve(s.Zone, name, "A"); strings.Join(values, " ") != address {
		t.Errorf("the name servers say %v, want %s", values, address)
	}
	for _, service := range []string{"bbj", "httpd"} {
		if !s.Machine.Running(service) {
			t.Errorf("%s does not run", service)
		}
	}
	s.atMostOnce()
	if n := s.effects("launched "); n != 1 {
		t.Errorf("%d launches took effect, want 1", n)
	}
}

// copied fails unless the volume is as the replica, and the page is served from it.
func (s *stage) copied(address, volume string) {
	s.t.Helper()
	differ, err := lab.Compare(s.Data, s.Content(volume))
	if err != nil || len(differ) > 0 {
		s.t.Errorf("the volume is not as the replica: %v %s", err, strings.Join(differ, "; "))
	}
	if page, err := s.Page(address); err != nil || page != lab.Fresh {
		s.t.Errorf("the page is %q, %v; want %q", page, err, lab.Fresh)
	}
}

// atMostOnce fails when anything was done twice.
func (s *stage) atMostOnce() {
	s.t.Helper()
	for _, effect := range []string{"launched ", "associated ", "attaching ", "allocated ", "UPSERT ", "CREATE ", "DELETE "} {
		if n := s.effects(effect); n > 1 {
			s.t.Errorf("%q took effect %d times, want once\n%s", effect, n, s.logs())
		}
	}
}

// effects is how many requests had an effect of the kind.
func (s *stage) effects(kind string) int {
	n := 0
	for _, r := range s.AWS.Mutations() {
		n += strings.Count("; "+r.Effect, "; "+kind)
	}
	return n
}

// recorded fails unless the run's own records are whole and say the same.
func (s *stage) recorded(id runbook.RunID, outcome runbook.Outcome) {
	s.t.Helper()
	t := s.t
	got := s.lifeboat("history", "--json")
	s.want(exitDone, got)
	var runs []store.Summary
	if err := json.Unmarshal([]byte(got.out), &runs); err != nil {
		t.Fatalf("history: %v in %s", err, got.out)
	}
	found := false
	for _, r := range runs {
		if r.Run == id {
			found = true
			if r.Outcome != outcome {
				t.Errorf("the history says %q, want %q", r.Outcome, outcome)
			}
			if last := len(s.events(id)); r.LastSeq != uint64(last) {
				t.Errorf("the history has %d events of %d", r.LastSeq, last)
			}
		}
	}
	if !found {
		t.Errorf("the run is not in the history: %s", got.out)
	}
	if got := s.lifeboat("verify"); got.code != exitDone {
		t.Errorf("verify: %s", got)
	}
	s.secretFree(id)
	if log, err := os.ReadFile(store.Dir(s.Store).Run(id).ExecutorLog()); err != nil || bytes.Contains(log, []byte("goroutine ")) ||
		bytes.Contains(log, []byte("DATA RACE")) {
		t.Errorf("the executor's log: %v %s", err, log)
	}
}

// secretFree fails when what is in the run's folder could be used by somebody else.
func (s *stage) secretFree(id runbook.RunID) {
	s.t.Helper()
	secrets := []string{"AWS4-HMAC", "Signature=", "BEGIN OPENSSH PRIVATE KEY", canary}
	err := filepath.WalkDir(string(store.Dir(s.Store).Run(id)), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, secret := range secrets {
			if bytes.Contains(text, []byte(secret)) {
				s.t.Errorf("%s holds %q", path, secret)
			}
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
}

// canary is the secret key under which the program calls AWS in the tests.
const canary = "canaryWhichNobodyMayEverWriteDown0000000"

func TestLabFailover(t *testing.T) {
	for _, how := range []string{"--plain", "--json"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := open(t, "", lab.Options{Delays: lab.Quick})
			s.env = []string{"AWS_SECRET_ACCESS_KEY=" + canary}
			args := s.failover(how)
			if how == "--json" { // once from the file, as a user has it who changed it
				file, err := filepath.Abs("../../runbooks/failover.yaml")
				if err != nil {
					t.Fatal(err)
				}
				args[1] = file
			}
			got := s.lifeboat(args...)
			if testing.Verbose() {
				t.Logf("%s\n%s", got.took, got)
			}
			s.want(exitDone, got)
			s.failedOver()
			s.recorded(s.run(), runbook.Done)
			if calls, err := os.ReadFile(store.Dir(s.Store).Run(s.run()).Calls()); err != nil || !bytes.Contains(calls, []byte(`"op":"launch"`)) {
				t.Errorf("calls.jsonl does not name the launch (%v): %s", err, calls)
			}
			if how == "--json" {
				wantEvents(t, got.out, s.events(s.run()))
			}
		})
	}
}

// TestLabNightly takes last night's copy, which is on the volume: the replica is left alone.
func TestLabNightly(t *testing.T) {
	t.Parallel()
	s := open(t, "", lab.Options{Delays: lab.Quick})
	then := time.Now().Add(-20 * time.Hour).UTC()
	mark, err := json.Marshal(providers.CopyMarker{Started: then.Add(-time.Minute), Completed: then, Source: "production:/srv/data"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Content(s.Volume), providers.MarkerFile), mark, 0o644); err != nil {
		t.Fatal(err)
	}
	got := s.lifeboat(s.failover("--plain", "--set", "data=nightly")...)
	s.want(exitDone, got)
	s.moved(lab.Name, s.Address, s.Volume)
	if page, err := s.Page(s.Address); err != nil || page != lab.Stale {
		t.Errorf("the page is %q, %v; want %q", page, err, lab.Stale)
	}
	if s.Paused() {
		t.Error("the replica was paused")
	}
	s.recorded(s.run(), runbook.Done)
}

// wantEvents fails unless the lines of --json are the events of the journal, in order, each once.
func wantEvents(t *testing.T, out string, events []runbook.Event) {
	t.Helper()
	n := 0
	for line := range strings.Lines(out) {
		var e struct {
			Seq  uint64 `json:"seq"`
			Type string `json:"type"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if e.Seq == 0 && e.Type == "step.progress" {
			continue
		}
		if n == len(events) || e.Seq != events[n].Seq || e.Type != events[n].Fact.Type() {
			t.Fatalf("event %d is not the journal's: %s", n+1, line)
		}
		n++
	}
	if n != len(events) {
		t.Errorf("%d events were shown of %d", n, len(events))
	}
}
