package actions

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"lifeboat/providers"
	"lifeboat/providers/providertest/labhost"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

func (s *stage) serving() {
	s.Helper()
	for _, unit := range []string{"bbj", "httpd"} {
		s.runs(s.on(server), "systemctl", "start", unit)
	}
}

func (s *stage) stop() *stop {
	return &stop{Host: s.on(server), Services: []string{"bbj", "httpd"}, w: s.w}
}

func TestStop(t *testing.T) {
	transcript(t, "service_stop", func(s *stage) {
		s.serving()
		s.round(s.stop())
		s.commands()
	})
	transcript(t, "service_stop_one_runs", func(s *stage) {
		s.runs(s.on(server), "systemctl", "start", "httpd")
		a := s.stop()
		a.Sudo = true
		s.round(a)
		s.commands()
	})
	transcript(t, "service_stop_answer_lost", func(s *stage) {
		s.serving()
		a := s.stop()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.say("-- attempt 2")
		s.apply(a)
		s.observe(a)
		s.undo(a)
	}, sim.Fault{Op: "ssh:systemctl", About: "stop", Kind: sim.FaultTimeoutDone, Times: 1})
	transcript(t, "service_commands", func(s *stage) {
		own := units{
			Host: s.on(server), Services: []string{"bbj", "httpd"}, Start: []string{"/etc/init.d/{service}", "start"},
			Stop: []string{"service", "{service}", "stop"}, Status: []string{"/etc/init.d/{service}", "status"}, w: s.w,
		}
		starting, stopping := start(own), stop(own)
		s.hand(&starting)
		s.prepare(&starting)
		s.apply(&starting)
		s.round(&stopping)
		s.observe(&status{Host: own.Host, Services: own.Services, State: "active", Status: own.Status, w: s.w})
		s.commands()
		stopping.Stop, starting.Status = nil, nil
		s.prepare(&stopping)
		s.prepare(&starting)
	})
	transcript(t, "service_status", func(s *stage) {
		a := &status{Host: s.on(server), Services: []string{"bbj", "httpd"}, State: "active", w: s.w}
		s.hand(a)
		s.observe(a)
		s.runs(s.on(server), "systemctl", "start", "bbj")
		s.observe(a)
		s.runs(s.on(server), "systemctl", "start", "httpd")
		s.observe(a)
		a.State = "inactive"
		s.observe(a)
		a.State = "up"
		s.observe(a)
	})
}

// nothingLoaded is a systemd that knows no unit and calls all of them inactive, as the real one does.
type nothingLoaded struct{}

func (nothingLoaded) Run(_ context.Context, _ providers.Host, cmd providers.Command) (providers.Result, error) {
	if cmd.Argv[1] == "show" {
		return providers.Result{Stdout: "not-found\n"}, nil
	}
	return providers.Result{Status: 3, Stdout: "inactive\n"}, nil
}

// TestAMistypedServiceIsNotStopped: systemd calls inactive what it does not know.
func TestAMistypedServiceIsNotStopped(t *testing.T) {
	w := worldOf(providers.Set{Shell: nothingLoaded{}})
	a := &stop{Host: providers.Host{Address: "h"}, Services: []string{"htpd"}, w: w}
	if _, err := a.Prepare(t.Context(), runbook.Call{}); err == nil || !strings.Contains(err.Error(), "does not know htpd") {
		t.Errorf("prepare: %v", err)
	}
	s := &status{Host: a.Host, Services: a.Services, State: "inactive", w: w}
	if o, err := s.Observe(t.Context(), runbook.Call{}); err != nil || o.State != runbook.Unsure {
		t.Errorf("status: %+v, %v", o, err)
	}
}

// stubborn is a systemd whose units do not stay stopped.
type stubborn struct{}

func (stubborn) Run(_ context.Context, _ providers.Host, cmd providers.Command) (providers.Result, error) {
	switch cmd.Argv[0] + cmd.Argv[1] {
	case "systemctlis-active":
		return providers.Result{Stdout: "active\n"}, nil
	case "journalctl-u":
		return providers.Result{Stdout: "started by the socket\n"}, nil
	}
	return providers.Result{}, nil
}

func TestAServiceThatRunsAgainIsNotStopped(t *testing.T) {
	a := &stop{Host: providers.Host{Address: "h"}, Services: []string{"httpd"}, w: worldOf(providers.Set{Shell: stubborn{}})}
	_, err := a.Apply(t.Context(), runbook.Call{Progress: func(runbook.Progress) {}})
	if f := runbook.AsFailure(err); err == nil || !strings.Contains(f.What, "started by the socket") || f.Verdict != runbook.Definitive {
		t.Errorf("%+v", err)
	}
}

// TestRealStop stops real processes, last first, and starts them again.
func TestRealStop(t *testing.T) {
	y := newYard(t)
	for _, name := range []string{"bbj", "httpd"} {
		listen := "127.0.73.1:" + strconv.Itoa(labhost.FreePort(t, "127.0.73.1"))
		if err := y.machine.AddService(name, labhost.Service{Listen: listen, Folder: t.TempDir()}); err != nil {
			t.Fatal(err)
		}
	}
	base := units{Host: y.host, Services: []string{"bbj", "httpd"}, Sudo: true, w: y.w}
	starting, stopping := start(base), stop(base)
	y.does("start", &starting)
	y.says(&status{Host: y.host, Services: base.Services, State: "active", w: y.w}, runbook.Holds, "bbj active, httpd active")
	call := y.does("stop", &stopping)
	y.says(&status{Host: y.host, Services: base.Services, State: "inactive", w: y.w}, runbook.Holds, "inactive")
	y.undoes(&stopping, call)
}
