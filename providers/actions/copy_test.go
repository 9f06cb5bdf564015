package actions

import (
	"context"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

// runs runs a command on a host, as somebody else would.
func (s *stage) runs(host providers.Host, argv ...string) {
	s.Helper()
	if res, err := s.w.Shell.Run(s.ctx, host, providers.Command{Argv: argv}); err != nil || res.Status != 0 {
		s.Fatalf("%q: %+v, %v", argv, res, err)
	}
}

// nightly is a copy with a marker, which deletes what the source has lost.
func (s *stage) nightly() *copyTree {
	a := s.copies()
	a.Delete, a.Floor, a.Marker, a.HostKeys = true, 50, ".lifeboat-copy", nil
	return a
}

func (s *stage) whole() *wholeCopy {
	return &wholeCopy{At: s.copies().To, Marker: ".lifeboat-copy", MaxAge: runbook.Duration(26 * time.Hour), w: s.w}
}

func (s *stage) marker() {
	res, err := s.w.Shell.Run(s.ctx, s.on(server), providers.Command{Argv: []string{"cat", "/srv/data/.lifeboat-copy"}, ReadOnly: true})
	s.say("marker   %s%s%v", strings.TrimSpace(res.Stdout), res.Stderr, err)
}

func TestCopyMarker(t *testing.T) {
	transcript(t, "copy_marked", func(s *stage) {
		s.mounted()
		s.observe(s.whole())
		s.round(s.nightly())
		s.marker()
		s.observe(s.whole())
		s.hand(s.whole())
		s.commands()
		time.Sleep(27 * time.Hour)
		s.observe(s.whole())
	})
	transcript(t, "copy_cut", func(s *stage) {
		s.mounted()
		a := s.nightly()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.marker()
		time.Sleep(time.Hour)
		s.observe(s.whole())
		s.say("-- attempt 2, the same key")
		s.prepare(a)
		s.apply(a)
		s.observe(s.whole())
		time.Sleep(24 * time.Hour)
		s.say("-- the next night, which dies before it is done")
		s.again(2)
		if err := s.world.Plan(sim.Fault{Op: "ssh:rsync", About: "progress2", Kind: sim.FaultReset}); err != nil {
			s.Fatal(err)
		}
		s.prepare(a)
		s.apply(a)
		s.observe(s.whole())
	}, sim.Fault{Op: "ssh:rsync", About: "progress2", Kind: sim.FaultReset, Times: 1})
	transcript(t, "copy_replaced", func(s *stage) {
		s.mounted()
		a := s.nightly()
		s.prepare(a)
		s.apply(a)
		s.observe(s.whole())
		s.say("-- a failover copies the replica over it")
		s.again(2)
		b := s.copies()
		s.prepare(b)
		s.apply(b)
		s.observe(s.whole())
	})
	transcript(t, "copy_marker_answer_lost", func(s *stage) {
		s.mounted()
		a := s.nightly()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.observe(s.whole())
		s.say("-- attempt 2, the same key")
		s.apply(a)
		s.observe(s.whole())
	}, sim.Fault{Op: "ssh:sh", Kind: sim.FaultTimeoutDone, Skip: 1, Times: 1})
	transcript(t, "copy_marker_odd", func(s *stage) {
		a := s.whole()
		s.runs(s.on(server), "mkdir", "-p", "/srv/data")
		s.observe(a)
		for _, text := range []string{"", "not a marker", `{"started":"2000-01-01T00:00:00Z"}`, `{"started":"2000-01-01T00:00:00Z","completed":"2000-01-01T01:00:00Z","source":"a:/b"}`} {
			s.say("-- %q", text)
			if _, err := s.w.Shell.Run(s.ctx, s.on(server), providers.Command{Argv: []string{"tee", "--", "/srv/data/.lifeboat-copy"}, Stdin: text}); err != nil {
				s.Fatal(err)
			}
			s.observe(a)
		}
		a.At.Host = providers.Host{}
		s.observe(a)
	})
}

func TestFloor(t *testing.T) {
	transcript(t, "rsync_empty_source", func(s *stage) {
		s.mounted()
		s.runs(s.on(other), "mkdir", "-p", "/srv/lost/lost+found")
		s.runs(s.on(other), "mkdir", "-p", "/srv/folders/orders")
		for _, path := range []string{"/srv/lost", "/srv/folders"} {
			a := s.nightly()
			a.From = Place{Host: s.on(other), Path: path}
			s.say("-- %s", path)
			s.check(a)
			if s.prepare(a) {
				s.apply(a)
			}
			a.Floor = 0
			s.apply(a)
			s.observe((*foreseen)(a))
		}
		s.say("the volume has the copy %q", s.world.VolumeData(volume).Version)
		s.marker()
	})
	transcript(t, "rsync_floor", func(s *stage) {
		s.mounted()
		a := s.nightly()
		a.From.Host = providers.Host{Address: shrunkAt}
		s.hand((*foreseen)(a))
		s.observe((*foreseen)(a))
		s.check(a)
		s.prepare(a)
		s.apply(a)
		s.say("the volume has the copy %q", s.world.VolumeData(volume).Version)
		s.marker()
		s.say("-- on purpose")
		a.Floor = 0
		s.observe((*foreseen)(a))
		s.apply(a)
		s.say("the volume has the copy %q", s.world.VolumeData(volume).Version)
	})
}

func TestRsyncOnTheConsole(t *testing.T) {
	transcript(t, "rsync_console", func(s *stage) {
		a := s.copies()
		a.On, a.To, a.From.Identity, a.Identity = "console", Place{Path: "/var/copies/shop"}, "", "~/.ssh/shop"
		a.Sudo = true
		s.round(a)
		s.commands()
		s.say("-- and pushed from there")
		s.again(2)
		a.From, a.To = a.To, Place{Host: s.on(server), Path: "/srv/data"}
		s.hand(a)
		s.prepare(a)
		s.apply(a)
		for _, wrong := range [][2]Place{{a.From, a.From}, {a.To, a.To}} {
			a.From, a.To = wrong[0], wrong[1]
			s.prepare(a)
		}
	})
}

func TestStats(t *testing.T) {
	const new = "Number of files: 9,121 (reg: 9,000, dir: 121)\nNumber of created files: 30 (reg: 20, dir: 10)\nNumber of deleted files: 7 (reg: 6, dir: 1)\n" +
		"Number of regular files transferred: 25\nTotal file size: 41,000,000,000 bytes\nTotal transferred file size: 3,900,000,000 bytes\n"
	got, ok := stats(new)
	want := tally{files: 9000, bytes: 41e9, send: 25, sendBytes: 3.9e9, deletes: 7, target: 9121 - 30 + 7, targetFiles: 9000 - 20 + 6}
	if !ok || got != want {
		t.Errorf("%+v %v, want %+v", got, ok, want)
	}
	if got, ok = stats("Number of files: 1 (dir: 1)\nTotal file size: 0 bytes\n"); !ok || !got.empty {
		t.Errorf("a folder alone: %+v, %v", got, ok)
	}
	if _, ok = stats("sent 1 byte"); ok {
		t.Error("nothing was said, and read")
	}
}

// orderShell notes what runs and lets rsync fail.
type orderShell struct {
	ran    *[]string
	status int
}

func (s orderShell) Run(_ context.Context, _ providers.Host, cmd providers.Command) (providers.Result, error) {
	switch {
	case cmd.Argv[0] == "sh":
		word := "incomplete"
		if strings.Contains(cmd.Stdin, "completed") {
			word = "complete"
		}
		*s.ran = append(*s.ran, word)
	case cmd.Argv[0] == "rsync":
		*s.ran = append(*s.ran, "rsync")
		return providers.Result{Status: s.status, Stderr: "rsync error"}, nil
	case cmd.Argv[0] == "cat":
		return providers.Result{Status: 1, Stderr: "cat: x: No such file or directory"}, nil
	}
	return providers.Result{}, nil
}

// TestNoPartialCopyIsCalledWhole: whatever rsync ends with, the marker says what is true.
func TestNoPartialCopyIsCalledWhole(t *testing.T) {
	for status, want := range map[int]string{0: "incomplete rsync complete", 23: "incomplete rsync", 24: "incomplete rsync complete", 25: "incomplete rsync", 30: "incomplete rsync", 255: "incomplete rsync", -1: "incomplete rsync"} {
		var ran []string
		a := &copyTree{
			From: Place{Host: providers.Host{Address: "a"}, Path: "/x"}, To: Place{Host: providers.Host{Address: "b"}, Path: "/y"},
			On: "target", Marker: "done", w: worldOf(providers.Set{Shell: orderShell{&ran, status}}),
		}
		_, err := a.Apply(t.Context(), runbook.Call{Key: "k", Progress: func(runbook.Progress) {}})
		if got := strings.Join(ran, " "); got != want || (err == nil) != strings.HasSuffix(want, " complete") {
			t.Errorf("status %d: %s, %v; want %s", status, got, err, want)
		}
	}
}
