package actions

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/providertest/labhost"
	"lifeboat/providers/ssh"
	"lifeboat/runbook"
)

func TestMain(m *testing.M) {
	labhost.MaybeRunTool()
	os.Exit(m.Run())
}

// yard is a standby host and a replica behind real sshds, reached through the real ssh client.
type yard struct {
	*testing.T
	machine         *labhost.Machine
	target, replica *labhost.SSHD
	identity        string
	w               world
	host            providers.Host
}

func newYard(t *testing.T) *yard {
	t.Helper()
	for _, program := range []string{"ssh", "rsync", "pgrep"} {
		labhost.Need(t, program)
	}
	identity, public := labhost.Keypair(t, t.TempDir())
	y := &yard{T: t, machine: labhost.NewMachine(t, t.TempDir()), identity: identity}
	y.target = labhost.StartSSHD(t, labhost.Options{AuthorizedKey: public, Listen: []string{"127.0.73.1"}, Bin: y.machine.Bin})
	y.replica = labhost.StartSSHD(t, labhost.Options{AuthorizedKey: public, Listen: []string{"127.0.73.2"}})
	shell := ssh.New(ssh.Options{Dir: t.TempDir(), Estate: runbook.SSH{
		User: y.target.User, Port: y.target.Port, Identity: identity, Config: "none",
		HostKeys: map[string][]string{server: {y.target.HostKey}, "127.0.73.2": {y.replica.HostKey}},
	}})
	t.Cleanup(func() { _ = shell.Close() })
	y.w = worldOf(providers.Set{Shell: shell})
	y.host = providers.Host{Address: "127.0.73.1", ID: server}
	return y
}

// realRun makes keys that no other process on this machine has: a step looks for its command in the table of processes.
var realRun = runbook.RunID(fmt.Sprintf("r-%d", os.Getpid()))

func (y *yard) call(step string) runbook.Call {
	return runbook.Call{
		Run: "r", Step: step, Key: runbook.NewKey(realRun, step, 1), Since: time.Now(), Log: io.Discard, Progress: func(runbook.Progress) {},
	}
}

// does takes a step through prepare, absent, apply and holds, and returns its call, to undo it.
func (y *yard) does(step string, a runbook.Action) runbook.Call {
	y.Helper()
	call := y.call(step)
	before, err := a.Prepare(y.Context(), call)
	if err != nil {
		y.Fatalf("%s: prepare: %v", step, err)
	}
	call.Before = before
	if o, err := a.Observe(y.Context(), call); err != nil || o.State != runbook.Absent {
		y.Fatalf("%s: before: %+v, %v", step, o, err)
	}
	o, err := a.Apply(y.Context(), call)
	if err != nil || o.State != runbook.Holds {
		y.Fatalf("%s: apply: %+v, %v", step, o, err)
	}
	call.Did = o.Outputs
	if o, err := a.Observe(y.Context(), call); err != nil || o.State != runbook.Holds {
		y.Fatalf("%s: after: %+v, %v", step, o, err)
	}
	return call
}

func (y *yard) undoes(a runbook.Action, call runbook.Call) {
	y.Helper()
	for range 2 { // the second as after a crash
		if o, err := a.(runbook.Undoer).Undo(y.Context(), call); err != nil || o.State != runbook.Holds {
			y.Fatalf("%s: undo: %+v, %v", call.Step, o, err)
		}
	}
	if o, err := a.Observe(y.Context(), call); err != nil || o.State != runbook.Absent {
		y.Fatalf("%s: after the undo: %+v, %v", call.Step, o, err)
	}
}

// TestRealHosts is the middle of a failover on real hosts: mount, copy from the replica with its key pinned, start, and
// all of it back.
func TestRealHosts(t *testing.T) {
	y := newYard(t)
	at, disk, source := filepath.Join(t.TempDir(), "srv data"), filepath.Join(t.TempDir(), "disk"), filepath.Join(t.TempDir(), "live data")
	if err := y.machine.Plug(volume, disk); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(source, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(source, "it's an order.dat"), []byte(strings.Repeat("x", 200_000)), 0o644); err != nil {
		t.Fatal(err)
	}
	listen := "127.0.73.1:" + strconv.Itoa(labhost.FreePort(t, "127.0.73.1"))
	if err := y.machine.AddService("httpd", labhost.Service{Listen: listen, Folder: at}); err != nil {
		t.Fatal(err)
	}

	mounting := &mount{Host: y.host, Volume: volume, Path: at, Sudo: true, w: y.w}
	mounted := y.does("mount", mounting)
	copying := &copyTree{
		From: Place{Host: providers.Host{Address: "127.0.73.2", Port: y.replica.Port}, Path: source, Identity: y.identity},
		To:   Place{Host: y.host, Path: at}, On: "target", User: y.target.User, Delete: true,
		HostKeys: HostKeys{"127.0.73.2": {y.replica.HostKey}}, w: y.w,
	}
	// The console reaches the replica at its own port, too.
	y.does("sync", copying)
	if b, err := os.ReadFile(filepath.Join(disk, "it's an order.dat")); err != nil || len(b) != 200_000 {
		t.Errorf("the volume has %d bytes, %v", len(b), err)
	}
	starting := &start{Host: y.host, Services: []string{"httpd"}, Sudo: true, w: y.w}
	started := y.does("start", starting)
	y.undoes(starting, started)
	y.undoes(mounting, mounted)
}

// TestRealRsyncTrustsThePinnedKeyAlone: another machine at the replica's address gets nothing and gives nothing.
func TestRealRsyncTrustsThePinnedKeyAlone(t *testing.T) {
	y := newYard(t)
	source, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(filepath.Join(source, "order"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string]HostKeys{"another key": {"127.0.73.2": {y.target.HostKey}}, "no key": nil} {
		a := &copyTree{
			From: Place{Host: providers.Host{Address: "127.0.73.2", Port: y.replica.Port}, Path: source, Identity: y.identity},
			To:   Place{Host: y.host, Path: to}, On: "target", User: y.target.User, HostKeys: keys, w: y.w,
		}
		_, err := a.Apply(t.Context(), y.call("sync"))
		if err == nil {
			t.Fatalf("%s: it was copied", name)
		}
		if f := runbook.AsFailure(err); f.Verdict != runbook.Definitive || !strings.Contains(f.Do, "ssh.host_keys") {
			t.Errorf("%s: %+v", name, f)
		}
		if _, err := os.Stat(filepath.Join(to, "order")); err == nil {
			t.Errorf("%s: something was copied", name)
		}
	}
}

// TestRealServiceFailure brings the service's own words along.
func TestRealServiceFailure(t *testing.T) {
	y := newYard(t)
	if err := y.machine.AddService("httpd", labhost.Service{Listen: "127.0.73.1:1", Fails: "the licence has run out"}); err != nil {
		t.Fatal(err)
	}
	a := &start{Host: y.host, Services: []string{"httpd"}, w: y.w}
	_, err := a.Apply(t.Context(), y.call("start"))
	if err == nil {
		t.Fatal("it started")
	}
	if f := runbook.AsFailure(err); f.Verdict != runbook.Definitive || !strings.Contains(f.What, "the licence has run out") {
		t.Errorf("%+v", f)
	}
}
