package ssh

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"lifeboat/providers"
)

// Streams of a command, as Command.Line names them.
const (
	stdout = "stdout"
	stderr = "stderr"
)

// stream is one of the two outputs of the local ssh.
type stream struct {
	name  string
	marks marks
	lines lines
	ready bool // the far side has said that it is ready: what follows is the command's
	ended bool // the far side has said the status: nothing follows
	eof   bool
	early []byte // what was said before ready: ssh's own words, or noise of a login shell
}

// session is one run of the local ssh. All of it but the two readers, the writer and the waiter happens in the
// goroutine that called Run, so lines are delivered in order and none after Run has returned.
type session struct {
	cmd    providers.Command
	to     target
	stream map[string]*stream
	sent   bool // the script is on its way: the command may have started
	status int  // the status that the far side has said; -1 before that
}

// piece is what a reader has read.
type piece struct {
	stream *stream
	data   []byte
	eof    bool
}

// child is the running ssh with the ends of its pipes that are ours.
type child struct {
	cmd     *exec.Cmd
	stdin   *os.File
	stdout  *os.File
	stderr  *os.File
	exited  chan struct{} // closed when the process has been waited for
	done    chan struct{} // closed when nobody reads pieces any more
	pieces  chan piece
	helpers sync.WaitGroup
}

// attempt runs the command over one local ssh. It leaves no process, no goroutine and no open file behind.
func (s *Shell) attempt(ctx context.Context, program string, to target, cmd providers.Command, limit time.Duration) (providers.Result, error) {
	marker, err := s.marker()
	if err != nil {
		return providers.Result{}, &providers.Error{Kind: providers.Invalid, Op: op, Where: to.host.Address, Detail: err.Error(), Cause: err}
	}
	args := []string{"-c", prologue(marker)}
	if !to.host.Local {
		args = s.args(program, to, cmd.ForwardAgent, marker)
	}
	c, err := start(program, args)
	if err != nil {
		return providers.Result{}, &providers.Error{Kind: providers.Missing, Op: op, Where: to.host.Address, Detail: program + " does not start: " + err.Error(), Cause: err}
	}
	defer c.end()
	x := newSession(cmd, to, marker)
	for _, o := range []struct {
		name string
		file *os.File
	}{{stdout, c.stdout}, {stderr, c.stderr}} {
		c.helpers.Go(func() { c.read(x.stream[o.name], o.file) })
	}
	why := x.follow(ctx, s, c, limit)
	x.finish()
	return x.verdict(ctx, c, why)
}

func newSession(cmd providers.Command, to target, marker string) *session {
	x := &session{cmd: cmd, to: to, status: -1, stream: map[string]*stream{}}
	for _, name := range []string{stdout, stderr} {
		x.stream[name] = &stream{name: name, marks: marks{marker: []byte(marker)}, lines: lines{emit: func(line string) { x.line(name, line) }}}
	}
	return x
}

// reason is why the following ended.
type reason int

const (
	ssh0    reason = iota // ssh has ended by itself
	said                  // the far side has said the status
	silent                // nothing for as long as Command.Hang
	slow                  // not ready in time
	stopped               // the context has ended
)

// follow is the loop of a session. It returns when it is known how the command ended, or when waiting is over.
func (x *session) follow(ctx context.Context, s *Shell, c *child, limit time.Duration) reason {
	timer, stop := s.opts.Clock.After(limit)
	defer func() { stop() }()
	exited := c.exited
	for {
		select {
		case p := <-c.pieces:
			was := x.sent
			x.take(p)
			if x.stream[stdout].ready && !x.sent {
				x.sent = true
				c.helpers.Go(func() { c.write(script(x.cmd), x.cmd.Stdin) })
			}
			if x.sent && (x.cmd.Hang > 0 || !was) {
				stop()
				timer, stop = x.patience(s)
			}
		case <-exited:
			// What is in the pipes still counts; whoever else holds their other ends does not.
			exited = nil
			stop()
			timer, stop = s.opts.Clock.After(endGrace)
		case <-timer:
			switch {
			case exited == nil:
				return ssh0
			case x.sent:
				return silent
			default:
				return slow
			}
		case <-ctx.Done():
			return stopped
		}
		out, err := x.stream[stdout], x.stream[stderr]
		switch {
		case (out.ended || out.eof) && (err.ended || err.eof) && x.status >= 0:
			return said
		case out.eof && err.eof && exited == nil:
			return ssh0
		}
	}
}

// patience is the timer of a running command: silence counts only when the command says how much is too much.
func (x *session) patience(s *Shell) (<-chan time.Time, func()) {
	if x.cmd.Hang <= 0 {
		return nil, func() {}
	}
	return s.opts.Clock.After(x.cmd.Hang)
}

// take sorts what was read into early words, output and marks.
func (x *session) take(p piece) {
	st := p.stream
	st.marks.feed(p.data, st.text, func(word string) { x.mark(st, word) })
	if p.eof {
		st.eof = true
		st.marks.flush(st.text)
	}
}

func (st *stream) text(b []byte) {
	switch {
	case st.ended:
	case st.ready:
		st.lines.write(b)
	default:
		st.early = append(st.early, b...)
		if len(st.early) > maxTail {
			st.early = st.early[len(st.early)-maxTail/2:]
		}
	}
}

func (x *session) mark(st *stream, word string) {
	if word == "ready" {
		st.ready = true
		return
	}
	if n, err := strconv.Atoi(word); err == nil && n >= 0 && st.ready && x.sent {
		x.status = n
		st.ended = true
	}
}

func (x *session) line(stream, line string) {
	if x.cmd.Log != nil {
		// A log that fails never stops a run.
		_, _ = io.WriteString(x.cmd.Log, line+"\n")
	}
	if x.cmd.Line != nil {
		x.cmd.Line(stream, line)
	}
}

// finish delivers what has no end of line.
func (x *session) finish() {
	x.stream[stdout].lines.flush()
	x.stream[stderr].lines.flush()
}

// start starts ssh in a process group of its own, with pipes that are ours: a master that ssh leaves in the background
// may hold their other ends for as long as it likes.
func start(program string, args []string) (*child, error) {
	var files [6]*os.File
	closeAll := func() {
		for _, f := range files {
			if f != nil {
				f.Close()
			}
		}
	}
	for i := 0; i < len(files); i += 2 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll()
			return nil, err
		}
		files[i], files[i+1] = r, w
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = files[0], files[3], files[5]
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		closeAll()
		return nil, err
	}
	for _, f := range []*os.File{files[0], files[3], files[5]} {
		f.Close()
	}
	c := &child{
		cmd: cmd, stdin: files[1], stdout: files[2], stderr: files[4],
		exited: make(chan struct{}), done: make(chan struct{}), pieces: make(chan piece),
	}
	go func() {
		_ = cmd.Wait() // the status is in cmd.ProcessState
		close(c.exited)
	}()
	return c, nil
}

// read hands pieces over until the stream ends or nobody listens.
func (c *child) read(st *stream, f *os.File) {
	for {
		buf := make([]byte, 32<<10)
		n, err := f.Read(buf)
		select {
		case c.pieces <- piece{stream: st, data: buf[:n], eof: err != nil}:
		case <-c.done:
			return
		}
		if err != nil {
			return
		}
	}
}

// write sends the script and the command's input. A command that does not read it to its end is none of our business.
func (c *child) write(parts ...string) {
	for _, part := range parts {
		if _, err := io.WriteString(c.stdin, part); err != nil {
			break
		}
	}
	c.stdin.Close()
}

// end ends what is left: the local ssh with its group, the helpers, the pipes. When the far side has said its status
// ssh gets a moment to end by itself.
func (c *child) end() {
	close(c.done)
	c.stdin.Close()
	timer := time.NewTimer(endGrace / 5)
	defer timer.Stop()
	select {
	case <-c.exited:
	case <-timer.C:
		killGroup(c.cmd.Process.Pid)
		<-c.exited
	}
	c.stdout.Close()
	c.stderr.Close()
	c.helpers.Wait()
}

// exit is the status of the local ssh, or -1 while it runs or when a signal ended it.
func (c *child) exit() int {
	select {
	case <-c.exited:
		return c.cmd.ProcessState.ExitCode()
	default:
		return -1
	}
}
