package logbook_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/store/logbook"
)

const lockChild = "LOGBOOK_TEST_LOCK" // set in a child that takes this lock and keeps it until its input ends

func keepLock(path string) {
	who, err := logbook.ThisProcess(runbook.Actor{UID: 1000, Name: "operator"}, 7)
	if err == nil {
		var held *logbook.Held
		if held, err = logbook.Lock(path, who, time.Now()); err == nil {
			defer held.Release()
		}
	}
	if err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
		return
	}
	os.Stdout.WriteString("held\n")
	os.Stdin.Read(make([]byte, 1))
}

func startKeeper(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), lockChild+"="+path)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 200)
	n, _ := out.Read(line)
	if got := string(line[:n]); got != "held\n" {
		t.Fatalf("the child says %q", got)
	}
	return cmd
}

// TestLockOfAnotherProcess: the loser learns who, where and since when; a killed holder holds nothing.
func TestLockOfAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	begun := time.Now()
	cmd := startKeeper(t, path)
	me, err := logbook.ThisProcess(runbook.Actor{Name: "second"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = logbook.Lock(path, me, time.Now())
	var held *logbook.ErrHeld
	if !errors.As(err, &held) {
		t.Fatalf("got %v", err)
	}
	d := held.Driver
	if d.PID != cmd.Process.Pid || d.Epoch != 7 || d.By.Name != "operator" || d.Host != me.Host || held.Since.Before(begun) {
		t.Errorf("got %+v since %s", d, held.Since)
	}
	if alive, err := logbook.ProcessAlive(d); !alive || err != nil {
		t.Errorf("the holder is alive: %v, %v", alive, err)
	}
	if _, _, isHeld, err := logbook.Holder(path); !isHeld || err != nil {
		t.Errorf("holder: %v, %v", isHeld, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if alive, err := logbook.ProcessAlive(d); alive || err != nil {
		t.Errorf("the holder is dead: %v, %v", alive, err)
	}
	if _, _, isHeld, err := logbook.Holder(path); isHeld || err != nil {
		t.Errorf("holder: %v, %v", isHeld, err)
	}
	mine, err := logbook.Lock(path, me, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	mine.Release()
}

// TestLockRace: of two who try at once exactly one gets it, and the other learns who.
func TestLockRace(t *testing.T) {
	me, err := logbook.ThisProcess(runbook.Actor{Name: "operator"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range soak(t, 20, 200) {
		path := filepath.Join(t.TempDir(), "lock")
		var won atomic.Int32
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range 2 {
			all.Go(func() {
				<-begin
				_, err := logbook.Lock(path, me, time.Now())
				var held *logbook.ErrHeld
				switch {
				case err == nil:
					won.Add(1) // and keeps it
				case !errors.As(err, &held) || held.Driver.PID != os.Getpid():
					t.Errorf("the loser gets %v", err)
				}
			})
		}
		close(begin)
		all.Wait()
		if n := won.Load(); n != 1 {
			t.Fatalf("%d got the lock", n)
		}
	}
}

func TestProcessAlive(t *testing.T) {
	me, err := logbook.ThisProcess(runbook.Actor{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(me.Began, "/")
	tests := []struct {
		name  string
		alter func(d *runbook.Driver)
		alive bool
		fails bool
	}{
		{"this process", func(*runbook.Driver) {}, true, false},
		{"its pid, given to another", func(d *runbook.Driver) { d.Began = parts[0] + "/" + parts[1] + "/1" }, false, false},
		{"before the machine was started anew", func(d *runbook.Driver) { d.Began = "0-0/" + parts[1] + "/" + parts[2] }, false, false},
		{"no such pid", func(d *runbook.Driver) { d.PID = 1 << 30 }, false, false},
		{"another machine", func(d *runbook.Driver) { d.Host = "other.example.com" }, false, true},
		{"another pid namespace", func(d *runbook.Driver) { d.Began = parts[0] + "/1/" + parts[2] }, false, true},
		{"nonsense", func(d *runbook.Driver) { d.Began = "x" }, false, true},
	}
	for _, tt := range tests {
		d := me
		tt.alter(&d)
		alive, err := logbook.ProcessAlive(d)
		if alive != tt.alive || (err != nil) != tt.fails {
			t.Errorf("%s: got %v, %v", tt.name, alive, err)
		}
	}
}

// TestZombie: a child that has ended and was not waited for holds nothing and is not alive.
func TestZombie(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	cmd := startKeeper(t, path)
	who, _, _, err := logbook.Holder(path)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Process.Kill()
	defer cmd.Wait()
	me, err := logbook.ThisProcess(runbook.Actor{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	held, err := logbook.Lock(path, me, time.Now())
	for errors.As(err, new(*logbook.ErrHeld)) { // while the kernel takes the killed one down
		held, err = logbook.Lock(path, me, time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	alive, err := logbook.ProcessAlive(who)
	for alive && err == nil {
		alive, err = logbook.ProcessAlive(who)
	}
	if err != nil {
		t.Error(err)
	}
}
