package sim

import (
	"context"
	"io"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// outcome is what a command does on a machine: its effect, which takes place when it starts, how long it takes, what it
// writes and how it ends.
type outcome struct {
	status   int
	out, err string
	takes    time.Duration
	effect   *Entry
	// progress gives the line for a moment of a long command; nil when it is silent.
	progress func(elapsed time.Duration) string
	// tell is the same for standard error, with its line ends.
	tell func(elapsed time.Duration) string
	// finish gives the entry for its end, or for being cut short after elapsed.
	finish func(elapsed time.Duration) *Entry
}

// keep is how much of each stream a Result holds.
const keep = 64 << 10

func (c *cloud) Run(ctx context.Context, host providers.Host, cmd providers.Command) (providers.Result, error) {
	if len(cmd.Argv) == 0 {
		return providers.Result{}, providers.Errorf(providers.Invalid, "ssh", host.Address, "there is no command to run")
	}
	argv := unwrap(cmd.Argv)
	r := request{op: "ssh:" + program(argv), about: about(host, cmd.Argv), read: reads(argv, cmd.ReadOnly)}
	began := c.clock.Now()
	for {
		o, id, silent, err := c.start(ctx, r, host, cmd)
		if err != nil {
			return providers.Result{}, sshError(err, host)
		}
		if !silent {
			return c.play(ctx, r, host, cmd, o, id)
		}
		if c.clock.Now().Sub(began) >= sshConnect {
			return providers.Result{}, providers.Errorf(providers.Unreachable, "ssh", host.Address, "connection timed out")
		}
		if runbook.Sleep(ctx, c.clock, knock) != nil {
			return providers.Result{}, sshError(unsent(r, ctx), host)
		}
	}
}

// about is what faults can match: who is meant, and the start of the command.
func about(host providers.Host, argv []string) string {
	s := strings.TrimSpace(host.ID + " " + host.Address + " " + strings.Join(argv, " "))
	return s[:min(len(s), 200)]
}

// sshError names the host and the program as package ssh does.
func sshError(err error, host providers.Host) error {
	if e, ok := err.(*providers.Error); ok {
		e.Op, e.Where = "ssh", host.Address
	}
	return err
}

// start connects and starts the command; silent says that nothing answers at the address.
func (c *cloud) start(ctx context.Context, r request, host providers.Host, cmd providers.Command) (o outcome, id string, silent bool, err error) {
	err = c.call(ctx, r, c.spec.Delays.SSH, func(s *state, now time.Time) (*Entry, error) {
		where := host.Address
		m := s.machineAt(where, now)
		if m == nil {
			m = s.machineAt(s.lookUp(where, now), now)
		}
		if m == nil || m.now(now).state != providers.InstanceRunning && !m.now(now).up || s.dark(m.region(), now) || m.frozen(m.now(now)) {
			silent = true
			return nil, nil
		}
		if !m.now(now).up {
			return nil, refuse(providers.Unreachable, r, "ECONNREFUSED", "connection refused")
		}
		if !m.known(host.ID) {
			return nil, refuse(providers.HostKey, r, "", "the key of %s is not the one that is pinned for %q", where, host.ID)
		}
		id = m.id
		o = (&shell{s: s, m: m, now: now, cmd: cmd, argv: unwrap(cmd.Argv)}).run()
		if r.read {
			return nil, nil
		}
		e := o.effect
		if e == nil {
			e = &Entry{}
		}
		if e.ID == "" {
			e.ID = m.id
		}
		e.On, e.Argv = m.id, cmd.Argv
		return e, nil
	})
	return o, id, silent, err
}

// known says whether the machine's key is the one that is pinned under the name.
func (m *machine) known(name string) bool {
	switch {
	case name == "" || name == m.id:
		return true
	case m.host != nil:
		return name == m.host.Address
	}
	return name == m.instance.Image
}

// play lets the command take its time: it tells its progress, notices when the machine goes away, and ends.
func (c *cloud) play(ctx context.Context, r request, host providers.Host, cmd providers.Command, o outcome, id string) (providers.Result, error) {
	step := o.takes
	if o.progress != nil || o.tell != nil {
		step = max(time.Second, o.takes/80)
	}
	var out, errs strings.Builder
	for elapsed := time.Duration(0); elapsed < o.takes; {
		if o.progress != nil {
			emit(cmd, &out, "stdout", o.progress(elapsed)+"\r")
		}
		if o.tell != nil {
			emit(cmd, &errs, "stderr", o.tell(elapsed))
		}
		nap := min(step, o.takes-elapsed)
		silent := cmd.Hang > 0 && nap > cmd.Hang
		if silent {
			nap = cmd.Hang
		}
		err := runbook.Sleep(ctx, c.clock, nap)
		elapsed += nap
		if err != nil || silent || !c.still(host.Address, id) {
			c.end(r, o, id, elapsed)
			return providers.Result{}, providers.Errorf(providers.Lost, "ssh", host.Address, "the connection broke while %s ran", program(cmd.Argv))
		}
	}
	if err := c.end(r, o, id, o.takes); err != nil {
		return providers.Result{}, providers.Errorf(providers.Server, "ssh", host.Address, "%v", err)
	}
	emit(cmd, &out, "stdout", o.out)
	emit(cmd, &errs, "stderr", o.err)
	return providers.Result{Status: o.status, Stdout: tail(out.String()), Stderr: tail(errs.String())}, nil
}

// still says whether the address leads to the machine yet.
func (c *cloud) still(where, id string) bool {
	ok := false
	err := c.look(func(s *state, now time.Time) {
		m := s.machineAt(where, now)
		if m == nil {
			m = s.machineAt(s.lookUp(where, now), now)
		}
		ok = m != nil && m.id == id && m.now(now).up && !s.dark(m.region(), now)
	})
	return ok && err == nil
}

// end writes what the command has done by its end.
func (c *cloud) end(r request, o outcome, id string, elapsed time.Duration) error {
	if o.finish == nil {
		return nil
	}
	return c.transact(func(s *state, now time.Time) []Entry {
		e := o.finish(elapsed)
		e.Op, e.On = "host:"+e.Effect, id
		return []Entry{*e}
	})
}

// emit hands output over line by line, cleaned as package ssh does it: to Line without line ends, to the result with.
// The log gets it as it is.
func emit(cmd providers.Command, kept *strings.Builder, stream, text string) {
	if text == "" {
		return
	}
	if cmd.Log != nil {
		io.WriteString(cmd.Log, text)
	}
	for text != "" {
		line, end := text, ""
		if i := strings.IndexAny(text, "\r\n"); i >= 0 {
			line, end, text = text[:i], "\n", text[i+1:]
		} else {
			text = ""
		}
		line = runbook.Clean(line)
		kept.WriteString(line + end)
		if cmd.Line != nil {
			cmd.Line(stream, line)
		}
	}
}

func tail(s string) string { return s[max(0, len(s)-keep):] }
