package actions

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

// attached hangs the volume on the server, as the steps before do.
func (s *stage) attached() {
	s.Helper()
	if err := s.w.Volumes.Attach(s.ctx, region, volume, server, "/dev/sdf"); err != nil {
		s.Fatal(err)
	}
	time.Sleep(10 * time.Second)
}

// mounted mounts it too.
func (s *stage) mounted() {
	s.Helper()
	s.attached()
	a := s.mount()
	before, err := a.Prepare(s.ctx, s.call)
	if err != nil {
		s.Fatal(err)
	}
	call := s.call
	call.Before = before
	if _, err := a.Apply(s.ctx, call); err != nil {
		s.Fatal(err)
	}
}

// commands writes what ran on the hosts and could change something.
func (s *stage) commands() {
	for _, argv := range s.world.Audit().Commands {
		s.say("ran      %s", line(argv))
	}
}

func (s *stage) mount() *mount {
	return &mount{Host: s.on(server), Volume: volume, Device: "/dev/sdf", Path: "/srv/data", w: s.w}
}

func TestMount(t *testing.T) {
	transcript(t, "mount", func(s *stage) {
		s.attached()
		s.round(s.mount())
		s.commands()
	})
	transcript(t, "mount_sudo_options", func(s *stage) {
		s.attached()
		a := s.mount()
		a.Sudo, a.FSType, a.Options, a.Path = true, "ext4", "noatime,nodev", "/srv/data/"
		s.hand(a)
		s.prepare(a)
		s.apply(a)
		s.commands()
	})
	transcript(t, "mount_over_something", func(s *stage) {
		s.mounted()
		a := s.mount()
		a.Volume = farDisk
		s.prepare(a)
		s.observe(a)
	})
	transcript(t, "mount_already", func(s *stage) {
		s.mounted()
		s.round(s.mount())
	})
	transcript(t, "mount_not_attached", func(s *stage) {
		a := s.mount()
		s.prepare(a)
		s.apply(a)
		a.Path = "srv/data"
		s.prepare(a)
	})
	transcript(t, "mount_answer_lost", func(s *stage) {
		s.attached()
		a := s.mount()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.say("mounts: %d", s.world.Audit().Mounts)
	}, sim.Fault{Op: "ssh:mount", Kind: sim.FaultTimeoutDone, Times: 1})
	transcript(t, "mount_undo_in_use", func(s *stage) {
		s.attached()
		a := s.mount()
		s.prepare(a)
		s.apply(a)
		if _, err := s.w.Shell.Run(s.ctx, s.on(server), providers.Command{Argv: []string{"systemctl", "start", "httpd"}}); err != nil {
			s.Fatal(err)
		}
		s.undo(a)
	})
}

func (s *stage) turn(d doing) *turn {
	return &turn{doing: d, Replica: Replica{
		Place: Place{Host: providers.Host{Address: replicaAt}, Path: "/srv/data"},
		Pause: []string{"dbctl", "pause"}, Paused: []string{"dbctl", "is-paused"}, Resume: []string{"dbctl", "resume"},
		Promote: []string{"dbctl", "promote"}, Promoted: []string{"dbctl", "is-promoted"},
	}, w: s.w}
}

func TestPause(t *testing.T) {
	transcript(t, "pause", func(s *stage) { s.round(s.turn(pausing)) })
	transcript(t, "pause_was_paused", func(s *stage) {
		if _, err := s.w.Shell.Run(s.ctx, providers.Host{Address: replicaAt}, providers.Command{Argv: []string{"dbctl", "pause"}}); err != nil {
			s.Fatal(err)
		}
		s.round(s.turn(pausing))
	})
	transcript(t, "pause_not_configured", func(s *stage) {
		a := s.turn(pausing)
		a.Replica.Paused = nil
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		a.Replica.Resume = nil
		s.undo(a)
		a.Replica.Pause = nil
		s.prepare(a)
		s.check(a)
		a.Replica = Replica{}
		s.prepare(a)
	})
	transcript(t, "pause_answer_lost", func(s *stage) {
		a := s.turn(pausing)
		s.prepare(a)
		s.apply(a)
		s.settle(a)
	}, sim.Fault{Op: "ssh:dbctl", Kind: sim.FaultTimeoutDone, About: "pause", Skip: 1, Times: 1})
}

func (s *stage) start() *start {
	return &start{Host: s.on(server), Services: []string{"bbj", "httpd"}, w: s.w}
}

func TestStart(t *testing.T) {
	transcript(t, "start", func(s *stage) {
		s.round(s.start())
		s.commands()
	})
	transcript(t, "start_one_runs", func(s *stage) {
		if _, err := s.w.Shell.Run(s.ctx, s.on(server), providers.Command{Argv: []string{"systemctl", "start", "bbj"}}); err != nil {
			s.Fatal(err)
		}
		a := s.start()
		a.Sudo = true
		s.round(a)
		s.commands()
	})
	transcript(t, "start_nothing", func(s *stage) {
		a := s.start()
		a.Services = nil
		s.prepare(a)
	})
}

func (s *stage) copies() *copyTree {
	return &copyTree{
		From: Place{Host: providers.Host{Address: replicaAt, Port: 2222}, Path: "/srv/data", Identity: "/root/.ssh/replica"},
		To:   Place{Host: s.on(server), Path: "/srv/data"}, On: "target", User: "root", Port: 22,
		HostKeys: HostKeys{replicaAt: {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIexample"}},
		w:        s.w,
	}
}

func TestRsync(t *testing.T) {
	transcript(t, "rsync", func(s *stage) {
		s.mounted()
		a := s.copies()
		last := ""
		s.call.Progress = func(p runbook.Progress) { last = p.Text }
		s.round(a)
		s.say("last progress: %s", last)
		s.commands()
		s.say("the volume has the copy %q", s.world.VolumeData(volume).Version)
	})
	transcript(t, "rsync_pushed", func(s *stage) {
		s.mounted()
		a := s.copies()
		a.On, a.Delete, a.Exclude, a.Options, a.HostKeys = "source", true, []string{"*.tmp", "/a b"}, []string{"--checksum", "--bwlimit=20m"}, nil
		s.prepare(a)
		s.apply(a)
		s.hand(a)
	})
	transcript(t, "rsync_cut", func(s *stage) {
		s.mounted()
		a := s.copies()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.say("-- attempt 2, the same key")
		s.prepare(a)
		s.apply(a)
		s.observe(a)
	}, sim.Fault{Op: "ssh:rsync", Kind: sim.FaultReset, Times: 1})
	transcript(t, "rsync_refused", func(s *stage) {
		try := func(change func(a *copyTree)) {
			a := s.copies()
			change(a)
			s.prepare(a)
		}
		try(func(a *copyTree) { a.From = Place{} })
		try(func(a *copyTree) { a.To = Place{} })
		try(func(a *copyTree) { a.On = "here" })
		try(func(a *copyTree) { a.From.Path = "srv/data" })
		try(func(a *copyTree) { a.From.Path = "/nowhere" })
		try(func(a *copyTree) { a.To = Place{Path: "/srv/data"} })
		try(func(a *copyTree) { a.Options = []string{"--remove-source-files"} })
		try(func(a *copyTree) { a.Options = []string{"--bwlimit=1;reboot"} })
		try(func(a *copyTree) { a.From.Identity = "/root/my key" })
	})
}

func TestRsyncRefusesAnEmptySource(t *testing.T) {
	for name, c := range map[string]struct {
		delete bool
		result providers.Result
		err    error
		want   string
	}{
		"empty":                   {result: providers.Result{}, want: "is empty"},
		"empty, with delete":      {delete: true, want: "is empty"},
		"unreadable":              {result: providers.Result{Status: 2, Stderr: "ls: Permission denied"}},
		"unreadable, delete":      {delete: true, result: providers.Result{Status: 2, Stderr: "ls: Permission denied"}, want: "Permission denied"},
		"out of reach":            {err: providers.Errorf(providers.Unreachable, "ssh", "h", "timed out")},
		"out of reach, delete":    {delete: true, err: providers.Errorf(providers.Unreachable, "ssh", "h", "timed out"), want: "timed out"},
		"something, with delete":  {delete: true, result: providers.Result{Stdout: "orders\n"}},
		"a name made of newlines": {delete: true, result: providers.Result{Stdout: "\n\n"}, want: "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &copyTree{
				From: Place{Host: providers.Host{Address: "a"}, Path: "/x"}, To: Place{Host: providers.Host{Address: "b"}, Path: "/y"},
				On: "target", Delete: c.delete, w: worldOf(providers.Set{Shell: answerShell{c.result, c.err}}),
			}
			_, err := a.Prepare(t.Context(), runbook.Call{})
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Fatalf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestRsyncStatuses(t *testing.T) {
	a := &copyTree{
		From: Place{Host: providers.Host{Address: "replica-1"}, Path: "/srv/data"},
		To:   Place{Host: providers.Host{Address: "198.51.100.7", ID: server}, Path: "/srv/data"}, On: "target",
	}
	for _, c := range []struct {
		status  int
		stderr  string
		verdict runbook.Verdict // "" is success
		do      string
	}{
		{status: 0},
		{status: 24},
		{status: 11, stderr: "write failed: No space left on device", verdict: runbook.Definitive, do: "full"},
		{status: 12, verdict: runbook.Transient, do: "no rsync on replica-1"},
		{status: 23, verdict: runbook.Definitive, do: "log"},
		{status: 25, stderr: "Deletions stopped due to --max-delete limit", verdict: runbook.Definitive, do: "still mounted"},
		{status: 30, verdict: runbook.Transient, do: "60 s"},
		{status: 127, verdict: runbook.Definitive, do: "install rsync"},
		{status: 255, stderr: "ssh: connect to host: Connection refused", verdict: runbook.Transient},
		{status: 12, stderr: "Host key verification failed.\nrsync: connection unexpectedly closed", verdict: runbook.Definitive, do: "ssh.host_keys"},
		{status: 23, stderr: "rsync: open \"x\" failed: Permission denied (13)", verdict: runbook.Definitive, do: "log"},
		{status: 255, stderr: "Host key verification failed.", verdict: runbook.Definitive, do: "ssh.host_keys"},
		{status: 255, stderr: "root@replica-1: Permission denied (publickey).", verdict: runbook.Definitive, do: "identity"},
		{status: 3, verdict: runbook.Definitive, do: "EXIT VALUES"},
	} {
		t.Run(fmt.Sprint(c.status, " ", c.stderr), func(t *testing.T) {
			_, err := verdict(providers.Result{Status: c.status, Stderr: c.stderr}, a, 0)
			if c.verdict == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			f := runbook.AsFailure(err)
			if f.Verdict != c.verdict || !strings.Contains(f.Do, c.do) {
				t.Fatalf("%+v, want %s and %q", f, c.verdict, c.do)
			}
		})
	}
}

func TestMeter(t *testing.T) {
	for _, c := range []struct {
		line, want  string
		total, left float64
	}{
		{"  1,234,567,890  31%   61.02MB/s    0:00:44", "1.2 GB of 4.0 GB · 61.02 MB/s · 0:44 left", 1234567890 * 100 / 31.0, 44},
		{"          32,768   1%  512.00kB/s    1:02:03 (xfr#1, ir-chk=1000/1002)", "32.8 kB · 512.00 kB/s", 0, 0},
		{"          32,768   1%  512.00kB/s    1:02:03 (xfr#1, to-chk=1000/1002)", "32.8 kB of 3.3 MB · 512.00 kB/s", 3276800, 0},
		{"          32,768   1%  512.00kB/s    1:02:03", "32.8 kB of 3.3 MB · 512.00 kB/s · 1:02:03 left", 3276800, 3723},
		{"  3,900,000,000 100%   58.10MB/s    0:01:04 (xfr#412, to-chk=0/9120)", "3.9 GB of 3.9 GB · 58.10 MB/s", 3.9e9, 0},
		{"  10  50% 1.00kB/s 0:00:01\r  20 100% 2.00kB/s 0:00:00\r", "20 B of 20 B · 2.00 kB/s", 20, 0},
		{"              0   0%    0.00kB/s    0:00:00", "0 B · 0.00 kB/s", 0, 0},
	} {
		p, ok := new(meter).read(c.line)
		if !ok || p.Text != c.want || p.Total != c.total || time.Duration(p.Left).Seconds() != c.left {
			t.Errorf("%q: %+v %v, want %q", c.line, p, ok, c.want)
		}
	}
	m := &meter{}
	m.read("          32,768   1%  512.00kB/s    0:00:03 (xfr#1, ir-chk=1000/1002)")
	if p, _ := m.read("          65,536   2%  512.00kB/s    0:00:03"); p.Total != 0 {
		t.Errorf("a total while files are still being found: %+v", p)
	}
	for _, l := range []string{"", "sending incremental file list", "Number of files: 9,120", "31% of nothing"} {
		if p, ok := new(meter).read(l); ok {
			t.Errorf("%q: %+v", l, p)
		}
	}
}

func TestSummary(t *testing.T) {
	got := summarise("sent 201,344 bytes  received 3,900,000,000 bytes  61,000,000 bytes/sec\ntotal size is 41,000,000,000  speedup is 10.69\n", 3.9e9)
	if want := "3.9 GB copied of 41.0 GB"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	got = summarise("Number of files: 9,120 (reg: 9,000, dir: 120)\nTotal file size: 41,000,000,000 bytes\nTotal transferred file size: 3,900,000,000 bytes\n", 1)
	if want := "3.9 GB copied of 41.0 GB in 9,120 files"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestShell(t *testing.T) {
	transcript(t, "shell", func(s *stage) {
		a := &command{Host: s.on(server), Argv: []string{"touch", "/srv/a b"}, w: s.w}
		s.round(a)
		s.say("-- with a check and an undo")
		a.Done, a.Revert = []string{"test", "-e", "/srv/a b"}, []string{"rm", "-f", "/srv/a b"}
		s.round(a)
		s.say("-- a status that is not 0")
		a.Argv = []string{"false"}
		s.apply(a)
		a.Argv = nil
		s.prepare(a)
	})
}

// What an undo command did cannot be seen, so one whose answer was lost is not run again unasked.
func TestShellUndoIsNotRepeatedInDoubt(t *testing.T) {
	for verdict, want := range map[runbook.Verdict]runbook.Verdict{
		runbook.InDoubt: runbook.Definitive, runbook.Transient: runbook.Transient, runbook.Definitive: runbook.Definitive,
	} {
		shell := answerShell{err: &runbook.Failure{What: "no answer", Verdict: verdict}}
		a := &command{Host: providers.Host{Address: "h"}, Revert: []string{"refund"}, w: worldOf(providers.Set{Shell: shell})}
		if _, err := a.Undo(t.Context(), runbook.Call{}); runbook.AsFailure(err).Verdict != want {
			t.Errorf("%s became %v", verdict, err)
		}
	}
}

func TestShellSendsSecretsInTheEnvironmentOnly(t *testing.T) {
	var got []providers.Command
	a := &command{
		Host: providers.Host{Address: "h"}, Argv: []string{"pay"}, Done: []string{"paid"},
		Env: map[string]runbook.Secret{"TOKEN": runbook.NewSecret("token", "hunter2"), "OPAQUE": {}},
		w:   worldOf(providers.Set{Shell: spyShell{&got}}),
	}
	if _, err := a.Apply(t.Context(), runbook.Call{}); err != nil {
		t.Fatal(err)
	}
	if got[0].Env["TOKEN"] != "hunter2" || got[0].ReadOnly {
		t.Errorf("%+v", got[0])
	}
	if _, ok := got[0].Env["OPAQUE"]; ok {
		t.Error("a secret that was not resolved was sent")
	}
	if text := fmt.Sprint(a.ByHand(runbook.Call{}), got[0].Argv, a.Env); strings.Contains(text, "hunter2") {
		t.Errorf("the secret shows in %s", text)
	}
	if _, err := a.Observe(t.Context(), runbook.Call{}); err != nil || !got[1].ReadOnly {
		t.Errorf("the check is not marked as a read: %v", err)
	}
}

// answerShell answers every command alike.
type answerShell struct {
	providers.Result
	err error
}

func (s answerShell) Run(_ context.Context, _ providers.Host, _ providers.Command) (providers.Result, error) {
	return s.Result, s.err
}

// spyShell keeps the commands.
type spyShell struct{ got *[]providers.Command }

func (s spyShell) Run(_ context.Context, _ providers.Host, cmd providers.Command) (providers.Result, error) {
	*s.got = append(*s.got, cmd)
	return providers.Result{}, nil
}
