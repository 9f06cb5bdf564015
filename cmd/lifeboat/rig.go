package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/dns"
	"lifeboat/providers/duplicity"
	"lifeboat/providers/notify"
	"lifeboat/providers/sim"
	"lifeboat/providers/ssh"
	"lifeboat/providers/web"
	"lifeboat/providers/wrap"
	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
)

// rig is everything that a driver acts with: the plan from the pinned bytes, bound to the providers of its mode.
type rig struct {
	plan    *runbook.Plan
	secrets *secrets
	closers []io.Closer
}

func (r *rig) close() {
	for i := len(r.closers) - 1; i >= 0; i-- {
		r.closers[i].Close()
	}
}

// openRig compiles what run.started has pinned; files on disk do not matter any more.
func openRig(ctx context.Context, dir store.Dir, id runbook.RunID, started *runbook.RunStarted, clock runbook.Clock) (*rig, error) {
	f, err := pinned(started)
	if err != nil {
		return nil, err
	}
	r := &rig{secrets: newSecrets()}
	r.secrets.driver = true
	r.secrets.demo = started.Mode == runbook.Rehearse && started.Estate.Text == demoEstate()
	r.secrets.learn(started.Runbook.Text, nil)
	r.secrets.learn(started.Estate.Text, f.parsedEstate)
	folder := dir.Run(id)
	set, err := r.providers(ctx, folder, f.parsedEstate, started, clock)
	if err != nil {
		r.close()
		return nil, err
	}
	calls := openCallLog(folder.Calls(), r.secrets)
	r.closers = append(r.closers, calls)
	set = wrap.Record(set, clock, calls.record)
	if started.Mode == runbook.Drill {
		set = wrap.Fence(set, r.fence(folder))
	}
	r.plan, err = f.compile(started.Mode, started.Inputs, started.Resolved, set, clock, false)
	if err != nil {
		r.close()
		return nil, fmt.Errorf("the pinned files do not compile with this version of lifeboat: %w", err)
	}
	if r.plan.Digest != started.Digest {
		r.close()
		return nil, fmt.Errorf("the plan is not the one that was started (%s, now %s): use the version that started it",
			started.Digest, r.plan.Digest)
	}
	return r, nil
}

// fence holds every mutating call of a drill against what the journal says the run has made. It stands behind the engine's
// own fence, for a kind that does not know all that it touches.
func (r *rig) fence(folder store.RunDir) func(runbook.Target) error {
	return func(t runbook.Target) error {
		events, err := logbook.Read(folder.Logbook())
		if err != nil {
			return err
		}
		state := runbook.Fold(events)
		return runbook.MayTouch(r.plan, &state)(t)
	}
}

// pinned parses the files that run.started holds.
func pinned(started *runbook.RunStarted) (*files, error) {
	f := &files{runbook: started.Runbook, estate: started.Estate}
	var err error
	if f.parsed, err = runbook.Parse(started.Runbook.Path, []byte(started.Runbook.Text)); err != nil {
		return nil, err
	}
	f.parsedEstate, err = runbook.ParseEstate(started.Estate.Path, []byte(started.Estate.Text))
	return f, err
}

// providers chooses the world: the simulated one of a rehearsal, or AWS, ssh, HTTP and the DNS.
func (r *rig) providers(ctx context.Context, folder store.RunDir, estate *runbook.Estate, started *runbook.RunStarted, clock runbook.Clock) (providers.Set, error) {
	if started.Mode == runbook.Rehearse {
		world, err := sim.Open(filepath.Join(string(folder), started.World))
		if err != nil {
			return providers.Set{}, err
		}
		r.closers = append(r.closers, world)
		return withArchives(world.Set()), nil
	}
	return r.realWorld(ctx, string(folder), estate, clock)
}

// realWorld builds the providers of live runs and drills. Nothing is called yet.
func (r *rig) realWorld(ctx context.Context, folder string, estate *runbook.Estate, clock runbook.Clock) (providers.Set, error) {
	cloud, err := aws.New(ctx, aws.Options{Account: estate.Account, Clock: clock})
	if err != nil {
		return providers.Set{}, err
	}
	set := cloud.Set()
	shell := ssh.New(ssh.Options{
		Estate: estate.SSH, Dir: folder, Clock: clock,
		Keys: func(ctx context.Context, h providers.Host) ([]string, error) {
			return cloud.HostKeys(ctx, h.Region, h.ID)
		},
	})
	r.closers = append(r.closers, shell)
	set.Shell = shell
	set.Web = web.New(web.Options{Clock: clock})
	set.Messenger = notify.New(notify.Options{Clock: clock})
	names := dns.Options{Clock: clock}
	if len(estate.Service.Servers) > 0 {
		names.Servers = map[string][]string{".": estate.Service.Servers}
	}
	set.Names = dns.New(names)
	return withArchives(set), nil
}

// withArchives adds duplicity, which runs over the set's own shell: the simulated machines know the program as well.
func withArchives(set providers.Set) providers.Set {
	set.Archives = duplicity.New(set.Shell)
	return set
}

// callLog writes every call made, one JSON object a line. It never stops a run.
type callLog struct {
	mu      sync.Mutex
	f       *os.File
	secrets *secrets
}

func openCallLog(path string, s *secrets) *callLog {
	f, _ := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) // nil: nothing is logged
	return &callLog{f: f, secrets: s}
}

func (l *callLog) record(c wrap.CallRecord) {
	text, err := json.Marshal(c)
	if err != nil || l.f == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.f.WriteString(l.secrets.redact(string(text)) + "\n") // a failing log never stops a run
}

// Close closes the log.
func (l *callLog) Close() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
}
