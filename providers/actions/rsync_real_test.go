package actions

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// localShell runs commands on this machine, in a folder that stands for the home of the ssh user.
type localShell struct{ home string }

func (s localShell) Run(ctx context.Context, _ providers.Host, cmd providers.Command) (providers.Result, error) {
	c := exec.CommandContext(ctx, cmd.Argv[0], cmd.Argv[1:]...)
	c.Dir, c.Stdin, c.Env = s.home, strings.NewReader(cmd.Stdin), append(os.Environ(), "HOME="+s.home)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return providers.Result{}, providers.Errorf(providers.Lost, "exec", "", "%v", err)
	}
	if cmd.Line != nil {
		lines := bufio.NewScanner(strings.NewReader(strings.ReplaceAll(out.String(), "\r", "\n")))
		for lines.Scan() {
			cmd.Line("stdout", lines.Text())
		}
	}
	return providers.Result{Status: c.ProcessState.ExitCode(), Stdout: out.String(), Stderr: errs.String()}, nil
}

// TestRealRsync puts the command line before the real program: what the simulated one accepts proves nothing.
func TestRealRsync(t *testing.T) {
	if _, err := exec.LookPath("rsync"); err != nil {
		t.Skip("there is no rsync on this machine")
	}
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a $(touch x) b"), filepath.Join(dir, "copy")
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(from, "orders", "1 2.dat"), strings.Repeat("x", 100_000))
	write(filepath.Join(from, "cache", "left out"), "x")
	write(filepath.Join(to, "stale"), "x")
	a := &copyTree{
		From: Place{Path: from}, To: Place{Host: providers.Host{Address: "here"}, Path: to}, On: "target", Delete: true,
		Exclude: []string{"/cache"}, Options: []string{"--checksum"}, w: worldOf(providers.Set{Shell: localShell{dir}}),
	}
	texts := 0
	call := runbook.Call{
		Run: "r", Step: "sync", Key: runbook.NewKey(realRun, "sync", 1), Since: time.Now(), Log: io.Discard,
		Progress: func(runbook.Progress) { texts++ },
	}
	if _, err := a.Prepare(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if o, err := a.Observe(t.Context(), call); err != nil || o.State != runbook.Absent {
		t.Fatalf("before: %+v, %v", o, err)
	}
	o, err := a.Apply(t.Context(), call)
	if err != nil || o.State != runbook.Holds || !strings.Contains(o.Evidence, "100.0 kB copied of 100.0 kB in 3 files") {
		t.Fatalf("apply: %+v, %v", o, err)
	}
	if texts == 0 {
		t.Error("no progress was read")
	}
	for path, want := range map[string]bool{
		filepath.Join(to, "orders", "1 2.dat"): true, filepath.Join(to, "cache"): false, filepath.Join(to, "stale"): false,
		filepath.Join(dir, "x"): false,
	} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: there=%v, want %v", path, err == nil, want)
		}
	}
	if o, err := a.Observe(t.Context(), call); err != nil || o.State != runbook.Holds {
		t.Errorf("after: %+v, %v", o, err)
	}
	if err := os.RemoveAll(filepath.Join(from)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Prepare(t.Context(), call); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("a source that is not there: %v", err)
	}
}
