package ssh

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Times that bound a connection.
const (
	connectTimeout = 10 * time.Second // the TCP connection and the banner
	startTimeout   = 25 * time.Second // until the far side is ready, all in all
	sharedTimeout  = 5 * time.Second  // the same over a connection that exists already, before another is made
	aliveInterval  = 5 * time.Second
	aliveCount     = 3
	persist        = 60 * time.Second // how long a shared connection outlives its last command
	endGrace       = 500 * time.Millisecond
	masterTimeout  = 2 * time.Second
)

// Options are what a Shell needs.
type Options struct {
	Estate runbook.SSH
	// Dir is the folder of the run: `known_hosts` in it holds the keys that Keys told, so that they are asked for once.
	// Sockets go below it too when its path is short and plain enough, else into a private temporary folder.
	Dir string
	// Keys tells the host keys of a machine from a source that an attacker on the way cannot forge, such as the console
	// of the instance host.ID, as "TYPE BASE64"; none yet is an empty slice. It is called for hosts with an ID only, when
	// nothing is pinned. It may be nil.
	Keys   func(ctx context.Context, host providers.Host) ([]string, error)
	Clock  runbook.Clock // the wall clock when nil
	Path   string        // the ssh program; looked up in PATH when empty
	Random io.Reader     // for markers; crypto/rand when nil
}

// Shell is a providers.Shell over OpenSSH. It is safe for concurrent use.
type Shell struct {
	opts Options

	mu      sync.Mutex
	sockets string // private folder of sockets and of the known_hosts files made for ssh; made at first use
	temp    bool   // sockets is a temporary folder
	closed  bool

	once   sync.Once
	modern bool // the client is OpenSSH 8.5 or newer
}

var _ providers.Shell = (*Shell)(nil)

// New makes a Shell. It touches nothing until the first Run.
func New(opts Options) *Shell {
	if opts.Clock == nil {
		opts.Clock = runbook.WallClock{}
	}
	if opts.Random == nil {
		opts.Random = rand.Reader
	}
	return &Shell{opts: opts}
}

// Run implements providers.Shell.
func (s *Shell) Run(ctx context.Context, host providers.Host, cmd providers.Command) (providers.Result, error) {
	host = s.fill(host)
	if err := validate(host, cmd); err != nil {
		return providers.Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return providers.Result{}, &providers.Error{Kind: providers.Unreachable, Op: op, Where: host.Address, Detail: "stopped before connecting", Cause: err}
	}
	if host.Local {
		return s.attempt(ctx, "sh", target{host: host}, cmd, startTimeout)
	}
	program, err := s.program()
	if err != nil {
		return providers.Result{}, err
	}
	to, err := s.resolve(ctx, host, cmd.ForwardAgent)
	if err != nil {
		return providers.Result{}, err
	}
	limit, shared := startTimeout, exists(to.socket)
	if shared {
		limit = sharedTimeout
	}
	res, err := s.attempt(ctx, program, to, cmd, limit)
	if shared && providers.Is(err, providers.Unreachable) && ctx.Err() == nil {
		// Nothing ran. The shared connection may lead to a machine that is gone: try once without it.
		s.drop(program, to)
		res, err = s.attempt(ctx, program, to, cmd, startTimeout)
	}
	if providers.Is(err, providers.Lost) {
		s.drop(program, to)
	}
	return res, err
}

// Close ends the shared connections, those in use when their last command ends: another process may work in the same
// folder. The Shell cannot be used any more.
func (s *Shell) Close() error {
	s.mu.Lock()
	dir, temp := s.sockets, s.temp
	s.closed, s.sockets = true, ""
	s.mu.Unlock()
	if dir == "" {
		return nil
	}
	if program, err := s.program(); err == nil {
		names, _ := filepath.Glob(filepath.Join(dir, "c-*"))
		for _, name := range names {
			stop(program, name)
		}
	}
	if temp {
		return os.RemoveAll(dir)
	}
	return nil
}

func (s *Shell) fill(host providers.Host) providers.Host {
	if host.Local {
		return host
	}
	if host.User == "" {
		host.User = s.opts.Estate.User
	}
	if host.Port == 0 {
		host.Port = s.opts.Estate.Port
	}
	return host
}

func (s *Shell) program() (string, error) {
	name := s.opts.Path
	if name == "" {
		name = "ssh"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &providers.Error{
			Kind: providers.Missing, Op: op, Detail: fmt.Sprintf("the program %q is not on this machine's PATH", name),
			Do: "install the OpenSSH client (package openssh-client, or openssh-clients), then resume", Cause: err,
		}
	}
	return path, nil
}

// folder returns the private folder of the sockets.
func (s *Shell) folder() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", errors.New("the shell is closed")
	}
	if s.sockets != "" {
		return s.sockets, nil
	}
	if dir := filepath.Join(s.opts.Dir, "ssh"); s.opts.Dir != "" && fitsSocket(dir) {
		if err := private(dir); err == nil {
			s.sockets = dir
			return dir, nil
		}
	}
	// XDG_RUNTIME_DIR is private, short and cleared at log-out, but logging out must not take a run's connections along.
	for _, base := range []string{os.TempDir(), "/tmp"} {
		dir, err := os.MkdirTemp(base, "lifeboat-ssh-")
		if err != nil {
			continue
		}
		if !fitsSocket(dir) {
			os.Remove(dir)
			continue
		}
		s.sockets, s.temp = dir, true
		return dir, nil
	}
	return "", fmt.Errorf("no folder for sockets below %q or in the temporary folder: paths must be short and plain", s.opts.Dir)
}

// private makes dir, and refuses one that others may enter.
func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || !mine(info) {
		return fmt.Errorf("%q is not a folder of this user", dir)
	}
	return os.Chmod(dir, 0o700)
}

// fitsSocket says whether sockets in dir can be bound and named in ssh's options. The kernel allows 104 bytes on some
// systems, and ssh appends 17 while it binds; spaces, quotes and % have a meaning in options.
func fitsSocket(dir string) bool {
	return filepath.IsAbs(dir) && len(dir)+1+len("c-")+16+17 < 104 && strings.Trim(dir, plain) == ""
}

func (s *Shell) marker() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(s.opts.Random, b[:]); err != nil {
		return "", fmt.Errorf("no randomness: %w", err)
	}
	return "lifeboat-" + hex.EncodeToString(b[:]), nil
}

// drop makes the shared connection take no more commands, so that the next one makes its own.
func (s *Shell) drop(program string, to target) {
	if exists(to.socket) {
		stop(program, to.socket)
	}
}

// stop tells a master to take no more commands; it ends with its last one. A master that does not answer loses its
// socket all the same, and ends when its time is over.
func stop(program, socket string) {
	ctx, cancel := context.WithTimeout(context.Background(), masterTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-F", "none", "-o", "LogLevel=QUIET", "-O", "stop", "-S", socket, "--", "lifeboat")
	cmd.SysProcAttr = ownGroup()
	cmd.WaitDelay = masterTimeout
	_ = cmd.Run()
	_ = os.Remove(socket)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
