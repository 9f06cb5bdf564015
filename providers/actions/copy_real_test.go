package actions

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// fill writes files into a folder: a name and how many bytes.
func (y *yard) fill(dir string, files map[string]int) {
	y.Helper()
	for name, n := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			y.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Repeat("x", n)), 0o644); err != nil {
			y.Fatal(err)
		}
	}
}

// pulls is a nightly copy from the replica's sshd to the host's.
func (y *yard) pulls(from, to string) *copyTree {
	return &copyTree{
		From: Place{Host: providers.Host{Address: "127.0.73.2", Port: y.replica.Port}, Path: from, Identity: y.identity},
		To:   Place{Host: y.host, Path: to}, On: "target", User: y.target.User, Delete: true, Floor: 50, Marker: providers.MarkerFile,
		HostKeys: HostKeys{"127.0.73.2": {y.replica.HostKey}}, w: y.w,
	}
}

func (y *yard) says(a runbook.Probe, state runbook.Holding, words ...string) {
	y.Helper()
	o, err := a.Observe(y.Context(), y.call("look"))
	if err != nil || o.State != state {
		y.Errorf("%+v, %v; want %s", o, err, state)
	}
	for _, w := range words {
		if !strings.Contains(o.Evidence, w) {
			y.Errorf("%q does not say %q", o.Evidence, w)
		}
	}
}

// TestRealNightlyCopy makes a copy as a night does, then loses most of the source, and then all of it.
func TestRealNightlyCopy(t *testing.T) {
	y := newYard(t)
	source, to := filepath.Join(t.TempDir(), "live data"), filepath.Join(t.TempDir(), "the copy")
	files := map[string]int{"keep/1": 500, "keep/2": 500}
	for _, n := range strings.Fields("a b c d e f g h") {
		files["orders/"+n] = 1000
	}
	y.fill(source, files)
	a := y.pulls(source, to)
	proof := &wholeCopy{At: a.To, Marker: a.Marker, MaxAge: runbook.Duration(time.Hour), w: y.w}
	y.says(proof, runbook.Unsure, "nothing says")
	y.says((*foreseen)(a), runbook.Holds, "would send 10 files, 9.0 kB of 10 files, 9.0 kB, and delete 0")
	if _, err := os.Stat(to); err == nil {
		t.Error("a dry run made the target")
	}
	y.does("copy", a)
	y.says(proof, runbook.Holds, "10 files, 9.0 kB", "127.0.73.2:"+source)

	y.fill(source, map[string]int{"keep/1": 501, "new": 7})
	if err := os.Remove(filepath.Join(source, "orders/a")); err != nil {
		t.Fatal(err)
	}
	y.says((*foreseen)(a), runbook.Holds, "would send 2 files, 508 B of 10 files, 8.0 kB, and delete 1 file or folder of 10 files, 9.0 kB")
	call := y.call("again")
	if _, err := a.Apply(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(to, "orders/a")); err == nil {
		t.Error("what the source lost was not deleted")
	}

	if err := os.RemoveAll(filepath.Join(source, "orders")); err != nil {
		t.Fatal(err)
	}
	y.refuses(a, "has 3 files, 1.0 kB, the copy 10 files", func() error { return nil })
	y.refuses(a, "holds no file", func() error {
		for _, n := range []string{"keep/1", "keep/2", "new"} {
			if err := os.Remove(filepath.Join(source, n)); err != nil {
				return err
			}
		}
		return nil
	})
	if b, err := os.ReadFile(filepath.Join(to, "orders/b")); err != nil || len(b) != 1000 {
		t.Errorf("the copy was touched: %d bytes, %v", len(b), err)
	}
	y.says(proof, runbook.Holds, "10 files")
}

func (y *yard) refuses(a *copyTree, words string, spoil func() error) {
	y.Helper()
	if err := spoil(); err != nil {
		y.Fatal(err)
	}
	y.says((*foreseen)(a), runbook.Absent, words)
	if _, err := a.Apply(y.Context(), y.call("refused")); err == nil || !strings.Contains(err.Error(), words) {
		y.Errorf("%v, want %q", err, words)
	}
}

// TestRealPartialCopy: a file that cannot be written ends rsync with 23, and the marker says that the copy is not whole.
func TestRealPartialCopy(t *testing.T) {
	y := newYard(t)
	source, to := filepath.Join(t.TempDir(), "live"), filepath.Join(t.TempDir(), "copy")
	y.fill(source, map[string]int{"a": 100, "b": 100})
	y.fill(to, map[string]int{"b/in the way": 1}) // a folder where a file must go
	a := y.pulls(source, to)
	a.Delete = false
	_, err := a.Apply(t.Context(), y.call("copy"))
	if f := runbook.AsFailure(err); err == nil || f.Code != "rsync 23" || f.Verdict != runbook.Definitive || f.Do == "" {
		t.Errorf("%+v", err)
	}
	y.says(&wholeCopy{At: a.To, w: y.w}, runbook.Absent, "is not whole")
}

// TestRealConsoleCopy pulls to this machine and pushes from it, with the pinned keys and the estate's identity.
func TestRealConsoleCopy(t *testing.T) {
	y := newYard(t)
	t.Setenv("HOME", t.TempDir())
	source, here, to := filepath.Join(t.TempDir(), "live"), filepath.Join(t.TempDir(), "here"), filepath.Join(t.TempDir(), "there")
	y.fill(source, map[string]int{"order": 100_000})
	a := y.pulls(source, here)
	a.On, a.From.Identity, a.Identity, a.To.Host = "console", "", y.identity, providers.Host{}
	for _, c := range a.Check(t.Context(), y.call("check")) {
		if !c.OK {
			t.Errorf("%+v", c)
		}
	}
	y.does("pull", a)
	b := y.pulls(here, to)
	b.On, b.From, b.Identity = "console", Place{Path: here}, y.identity
	b.To = Place{Host: providers.Host{Address: "127.0.73.2", Port: y.replica.Port}, Path: to}
	y.does("push", b)
	if got, err := os.ReadFile(filepath.Join(to, "order")); err != nil || len(got) != 100_000 {
		t.Errorf("%d bytes came, %v", len(got), err)
	}
	y.says(&wholeCopy{At: b.To, w: y.w}, runbook.Holds, "1 file")
	b.HostKeys = HostKeys{"127.0.73.2": {y.target.HostKey}}
	_, err := (*foreseen)(b).Observe(t.Context(), y.call("look"))
	if f := runbook.AsFailure(err); err == nil || !strings.Contains(f.Do, "ssh.host_keys") {
		t.Errorf("another machine at the address: %v", err)
	}
}
