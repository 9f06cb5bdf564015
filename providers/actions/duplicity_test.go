package actions

import (
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/duplicity"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

const (
	archiveAt  = "198.51.100.22"
	archiveURL = "sftp://backup@203.0.113.40/shop"
)

// archived is a transcript in a world with an archive: a full backup and 41 increments of the month before.
func archived(t *testing.T, name, chain string, f func(s *stage), faults ...sim.Fault) {
	staged(t, name, func(spec *sim.Spec) {
		spec.Faults.Calls, spec.Faults.Chain = faults, chain
		spec.Chains = []sim.Chain{{URL: archiveURL, Bytes: 41e9}}
		spec.Hosts = append(spec.Hosts, sim.Host{Name: archiveAt, Address: archiveAt, Region: region, Path: "/srv/shop", Data: sim.Data{Version: "live", Bytes: 41e9, Delta: 4e9}})
	}, func(s *stage) {
		s.w.Archives = duplicity.New(s.w.Shell)
		f(s)
	})
}

func chainOf() archive {
	return archive{
		Host: archiveAt, URL: archiveURL, Name: "shop", Folder: "/srv/shop", Passphrase: runbook.NewSecret("PHRASE", "correct horse"),
		Env: map[string]runbook.Secret{"FTP_PASSWORD": runbook.NewSecret("FTP", "hunter2")},
	}
}

// progress writes down the last progress that a step tells.
func (s *stage) progress() func() {
	last := runbook.Progress{}
	s.call.Progress = func(p runbook.Progress) { last = p }
	return func() { s.say("last progress: %s (%.0f of %.0f %s)", last.Text, last.Done, last.Total, last.Unit) }
}

func (s *stage) chainStatus() *chainStatus {
	return &chainStatus{Archive: chainOf(), MaxAge: runbook.Duration(26 * time.Hour), MaxChain: 60, w: s.w}
}

func TestChainStatus(t *testing.T) {
	archived(t, "chain_status", "", func(s *stage) {
		a := s.chainStatus()
		s.hand(a)
		s.observe(a)
		s.check(a)
		s.say("-- a chain of 42 is long for who allows 30")
		a.MaxChain = 30
		s.observe(a)
		s.say("-- too old for who allows 5 hours")
		a.MaxAge = runbook.Duration(5 * time.Hour)
		s.observe(a)
		s.check(a)
	})
	archived(t, "chain_status_broken", sim.ChainBroken, func(s *stage) { s.observe(s.chainStatus()); s.check(s.chainStatus()) })
	archived(t, "chain_status_empty", sim.ChainEmpty, func(s *stage) { s.observe(s.chainStatus()); s.check(s.chainStatus()) })
}

func (s *stage) backs() *backup { return &backup{Archive: chainOf(), w: s.w} }

func TestBackup(t *testing.T) {
	archived(t, "backup", "", func(s *stage) {
		done := s.progress()
		a := s.backs()
		s.round(a)
		done()
		s.commands()
	})
	archived(t, "backup_full", "", func(s *stage) {
		a := s.backs()
		a.Full = true
		s.prepare(a)
		s.apply(a)
		s.observe(s.chainStatus())
	})
	archived(t, "backup_cut", "", func(s *stage) {
		a := s.backs()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.say("-- attempt 2, the same key")
		s.apply(a)
		s.observe(a)
	}, sim.Fault{Op: "ssh:duplicity", Kind: sim.FaultReset, About: "--progress", Times: 1})
	archived(t, "backup_refused", "", func(s *stage) {
		a := s.backs()
		a.Archive.Folder = ""
		s.prepare(a)
		a.Folder = "/nowhere"
		s.check(a)
		s.prepare(a)
		s.apply(a)
		a.Archive.Passphrase = runbook.Secret{}
		s.prepare(a)
		a.Archive = archive{}
		s.prepare(a)
	})
}

func (s *stage) restores() *restore {
	return &restore{Archive: chainOf(), Host: s.on(server), At: "12d", To: "/srv/restored", w: s.w}
}

func TestRestore(t *testing.T) {
	archived(t, "restore", "", func(s *stage) {
		done := s.progress()
		s.round(s.restores())
		done()
		s.commands()
	})
	archived(t, "restore_volume", "", func(s *stage) {
		s.say("-- the root of a volume is not removed")
		blank(s)
		a := s.restores()
		a.To, a.Sudo = "/mnt/new", true
		s.round(a)
	})
	archived(t, "restore_cut", "", func(s *stage) {
		s.say("-- the machine goes dark in the middle, for a minute")
		a := s.restores()
		s.prepare(a)
		go func() {
			time.Sleep(70 * time.Second)
			_ = s.world.Darken(region, time.Minute)
		}()
		s.apply(a)
		time.Sleep(2 * time.Minute)
		s.observe(a)
		s.say("-- attempt 2, the same step")
		s.again(2)
		s.prepare(a)
		s.apply(a)
		s.observe(a)
	})
	archived(t, "restore_answer_lost", "", func(s *stage) {
		a := s.restores()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.apply(a)
		s.observe(a)
	}, sim.Fault{Op: "ssh:duplicity", Kind: sim.FaultResetAfter, About: "restore", Times: 1})
	archived(t, "restore_sample", "", func(s *stage) {
		a := s.restores()
		a.Path, a.At = "shop/orders", "newest"
		s.prepare(a)
		s.apply(a)
		s.say("-- what it restored is what the archive has")
		v := &verify{Archive: chainOf(), Host: a.Host, At: "newest", Path: a.Path, Folder: a.To, w: s.w}
		s.round(v)
		a.Path = "no/such path"
		s.again(2)
		s.apply(a)
	})
	archived(t, "restore_refused", "", func(s *stage) {
		try := func(change func(a *restore)) {
			a := s.restores()
			change(a)
			s.prepare(a)
		}
		try(func(a *restore) { a.Archive = archive{} })
		try(func(a *restore) { a.At = "yesterday" })
		try(func(a *restore) { a.At = "90d" })
		try(func(a *restore) { a.To = "srv/restored" })
		try(func(a *restore) { a.To = "/" })
		try(func(a *restore) { a.Archive.Passphrase = runbook.Secret{} })
		try(func(a *restore) { a.Archive.Plain = true })
		try(func(a *restore) { a.Archive.URL = "file:///var/archive" })
		s.say("-- a folder in use")
		s.mounted()
		try(func(a *restore) { a.To = "/srv/data" })
		a := s.restores()
		a.To = "/srv/data"
		s.check(a)
	})
}

func TestRestoreOfWhatAnotherRestored(t *testing.T) {
	archived(t, "restore_of_another", "", func(s *stage) {
		a := s.restores()
		s.prepare(a)
		s.apply(a)
		s.say("-- another run")
		s.call.Run, s.call.Before = "20260103-030405-demo", nil
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.undo(a)
	})
}

func TestRestoreOfABadArchive(t *testing.T) {
	for name, chain := range map[string]string{
		"restore_broken": sim.ChainBroken, "restore_torn": sim.ChainTorn, "restore_sealed": sim.ChainSealed, "restore_empty": sim.ChainEmpty,
	} {
		archived(t, name, chain, func(s *stage) {
			a := s.restores()
			a.At = "newest"
			s.check(a)
			if s.prepare(a) {
				s.apply(a)
				s.observe(a)
			}
			if chain == sim.ChainBroken {
				s.say("-- a day before the gap")
				a.At = "25d"
				s.prepare(a)
				s.apply(a)
			}
		})
	}
}

func TestVerify(t *testing.T) {
	archived(t, "verify", "", func(s *stage) {
		a := &verify{Archive: chainOf(), At: "newest", w: s.w}
		s.say("-- the live folder has gone on")
		s.round(a)
		s.say("-- which may be")
		a.Allow = 5
		s.apply(a)
		a.Folder = "/nowhere"
		s.apply(a)
	})
}

func (s *stage) proves() *prove {
	return &prove{Archive: chainOf(), At: "newest", Path: "shop/orders", Scratch: "/var/tmp/lifeboat-proof", w: s.w}
}

func TestProve(t *testing.T) {
	archived(t, "prove", "", func(s *stage) {
		s.round(s.proves())
		s.commands()
		s.say("-- a day later the status tells of it")
		time.Sleep(20 * time.Hour)
		s.observe(s.chainStatus())
	})
	archived(t, "prove_cut", "", func(s *stage) {
		a := s.proves()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.say("-- what is left of it goes with the next proof, of another run")
		s.call.Run, s.call.Key = "20260103-030405-demo", runbook.NewKey("20260103-030405-demo", "step", 1)
		s.prepare(a)
		s.apply(a)
	}, sim.Fault{Op: "ssh:duplicity", Kind: sim.FaultResetAfter, About: "verify", Times: 1})
	archived(t, "prove_sealed", sim.ChainSealed, func(s *stage) {
		a := s.proves()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
	})
	archived(t, "prove_in_use", "", func(s *stage) {
		a := s.proves()
		a.Scratch = "/srv/shop"
		s.prepare(a)
		s.apply(a)
	})
}

// blank mounts an empty volume on the server.
func blank(s *stage) {
	s.Helper()
	unformatted(s)
	for _, argv := range [][]string{{"mkfs.ext4", "/dev/sdg"}, {"mkdir", "-p", "/mnt/new"}, {"mount", "/dev/sdg", "/mnt/new"}} {
		if res, err := s.w.Shell.Run(s.ctx, s.on(server), providers.Command{Argv: argv}); err != nil || res.Status != 0 {
			s.Fatal(res, err)
		}
	}
}

// unformatted attaches one that has no file system.
func unformatted(s *stage) string {
	s.Helper()
	v, err := s.w.Disks.CreateVolume(s.ctx, region, providers.NewVolume{Token: "blank", Zone: zone, SizeGiB: 100})
	if err != nil {
		s.Fatal(err)
	}
	time.Sleep(10 * time.Second)
	if err := s.w.Volumes.Attach(s.ctx, region, v.ID, server, "/dev/sdg"); err != nil {
		s.Fatal(err)
	}
	time.Sleep(10 * time.Second)
	return v.ID
}
