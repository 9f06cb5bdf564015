package actions

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/duplicity"
	"lifeboat/providers/providertest/labhost"
	"lifeboat/runbook"
)

// archiveYard is a yard whose target keeps an archive with the real duplicity.
type archiveYard struct {
	*yard
	archive archive
	data    string
}

func newArchiveYard(t *testing.T) *archiveYard {
	t.Helper()
	for _, program := range []string{"duplicity", "gpg"} {
		labhost.Need(t, program)
	}
	home := t.TempDir()
	t.Cleanup(func() { // the agent that gpg leaves in the background
		end := exec.Command("gpgconf", "--kill", "all")
		end.Env = append(os.Environ(), "HOME="+home)
		_ = end.Run()
	})
	y := &archiveYard{yard: newYard(t), data: filepath.Join(t.TempDir(), "srv data")}
	y.w.Archives = duplicity.New(y.w.Shell)
	y.archive = archive{
		Host: y.host.Address, ID: y.host.ID, User: y.target.User, Port: y.target.Port,
		URL: "file://" + filepath.Join(t.TempDir(), "chains"), Name: "shop", Folder: y.data,
		Passphrase: runbook.NewSecret("PHRASE", "correct horse ' $(staple)"),
		Env:        map[string]runbook.Secret{"HOME": runbook.NewSecret("", home)},
		Options:    []string{"--gpg-options", "--s2k-count=1024", "--volsize", "1"},
	}
	return y
}

// day changes the data and backs it up as of that day of the month.
func (y *archiveYard) day(n int) map[string]string {
	y.Helper()
	big := make([]byte, 6<<20)
	if _, err := rand.NewChaCha8([32]byte{1}).Read(big); err != nil {
		y.Fatal(err)
	}
	for name, text := range map[string]string{"big.bin": fmt.Sprint(n) + string(big), "orders/" + strconv.Itoa(n): "x", "orders/all": strings.Repeat("o", n)} {
		file := filepath.Join(y.data, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			y.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			y.Fatal(err)
		}
	}
	a := &backup{Archive: y.archive, w: y.w}
	a.Archive.Options = append(a.Archive.Options[:len(a.Archive.Options):len(a.Archive.Options)], "--current-time",
		strconv.FormatInt(time.Date(2026, 1, n, 2, 0, 0, 0, time.UTC).Unix(), 10))
	y.does(fmt.Sprintf("backup-%d", n), a)
	return files(y.T, y.data)
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, e os.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, file)
		if e != nil && e.IsDir() && e.Name() == providers.RestoreFolder {
			return filepath.SkipDir
		}
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(file)
		out[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRealArchive backs up, restores a day between, is cut off in the middle of a restore, compares and proves: on a real
// host, over real ssh, with the real program.
func TestRealArchive(t *testing.T) {
	y := newArchiveYard(t)
	var days []map[string]string
	for n := 1; n <= 3; n++ {
		days = append(days, y.day(n))
	}
	t.Run("restore", func(t *testing.T) {
		a := &restore{Archive: y.archive, Host: y.host, At: "2026-01-02", To: filepath.Join(t.TempDir(), "new", "data"), w: y.w}
		call := y.does("restore", a)
		if got := files(t, a.To); !maps.Equal(got, days[1]) {
			t.Errorf("%d files, not those of the day", len(got))
		}
		y.compares("verify", &verify{Archive: y.archive, Host: y.host, At: "2026-01-02", Folder: a.To, w: y.w})
		y.undoes(a, call)
		if _, err := os.Stat(a.To); err == nil {
			t.Error("what the step made is still there")
		}
	})
	t.Run("cut off", func(t *testing.T) { y.cutOff(t, days[2]) })
	t.Run("proof", func(t *testing.T) {
		a := &prove{Archive: y.archive, At: "newest", Path: "orders", Scratch: filepath.Join(t.TempDir(), "proof"), w: y.w}
		call := y.does("prove", a)
		if call.Did["compared"] != 5 {
			t.Errorf("%v", call.Did)
		}
		if _, err := os.Stat(a.Scratch); err == nil {
			t.Error("the sample is still there")
		}
		o, err := (&chainStatus{Archive: y.archive, MaxAge: runbook.Duration(time.Since(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))), w: y.w}).Observe(t.Context(), y.call("status"))
		if err != nil || o.State != runbook.Holds || o.Outputs["sets"] != 3 || !strings.Contains(o.Evidence, "a restore was proved") {
			t.Errorf("%+v, %v", o, err)
		}
	})
	t.Run("wrong passphrase", func(t *testing.T) {
		a := &restore{Archive: y.archive, Host: y.host, At: "newest", To: filepath.Join(t.TempDir(), "x"), w: y.w}
		a.Archive.Passphrase = runbook.NewSecret("PHRASE", "wrong")
		call := y.call("sealed")
		before, err := a.Prepare(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		call.Before = before
		if _, err = a.Apply(t.Context(), call); !providers.Is(err, providers.Denied) {
			t.Errorf("%v", err)
		}
		if o, err := a.Observe(t.Context(), call); err != nil || o.State != runbook.Absent {
			t.Errorf("%+v, %v", o, err)
		}
	})
}

// compares is does for what leaves nothing to look at.
func (y *archiveYard) compares(step string, a runbook.Action) {
	y.Helper()
	call := y.call(step)
	if _, err := a.Prepare(y.Context(), call); err != nil {
		y.Fatal(err)
	}
	if o, err := a.Apply(y.Context(), call); err != nil || o.State != runbook.Holds {
		y.Fatalf("%s: %+v, %v", step, o, err)
	}
}

// cutOff loses the connection as soon as the first volume has come: the program goes on over there, and is not started
// beside itself; when it is gone, the same step does it again.
func (y *archiveYard) cutOff(t *testing.T, want map[string]string) {
	a := &restore{Archive: y.archive, Host: y.host, At: "newest", To: filepath.Join(t.TempDir(), "data"), w: y.w}
	call := y.call("cut")
	before, err := a.Prepare(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	call.Before = before
	ctx, cut := context.WithCancel(t.Context())
	defer cut()
	call.Progress = func(p runbook.Progress) {
		if p.Unit == "volumes" {
			cut()
		}
	}
	if _, err := a.Apply(ctx, call); !providers.Is(err, providers.Lost) {
		t.Fatalf("cut off: %v", err)
	}
	call.Progress = func(runbook.Progress) {}
	deadline, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	for {
		o, err := a.Observe(deadline, call)
		if err != nil {
			t.Fatal(err)
		}
		if o.State == runbook.Pending {
			continue
		}
		if o.State != runbook.Absent || !strings.Contains(o.Evidence, "a part of it") {
			t.Fatalf("after the cut: %+v", o)
		}
		break
	}
	stranger := y.call("another")
	if _, err := a.Prepare(t.Context(), stranger); err == nil || !strings.Contains(err.Error(), "another restore") {
		t.Errorf("another step may write over it: %v", err)
	}
	if _, err := a.Prepare(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if o, err := a.Apply(t.Context(), call); err != nil || o.State != runbook.Holds {
		t.Fatalf("again: %+v, %v", o, err)
	}
	if !maps.Equal(files(t, a.To), want) {
		t.Error("it is not that day's")
	}
}
