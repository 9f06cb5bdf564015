package ssh_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/providers"
	"lifeboat/providers/providertest/labhost"
	"lifeboat/providers/ssh"
	"lifeboat/runbook"
)

// pair is two machines behind one address that can be moved between them.
type pair struct {
	one, two  *labhost.SSHD
	addresses *labhost.Addresses
	address   string
	identity  string
	ran       string // a file that every command of these tests makes
}

func newPair(t *testing.T, address string) *pair {
	t.Helper()
	private, public := labhost.Keypair(t, t.TempDir())
	one := labhost.StartSSHD(t, labhost.Options{AuthorizedKey: public, Listen: []string{"127.0.72.1"}})
	two := labhost.StartSSHD(t, labhost.Options{AuthorizedKey: public, Listen: []string{"127.0.72.2"}, Port: one.Port})
	p := &pair{one: one, two: two, addresses: labhost.NewAddresses(t, one.Port), address: address, identity: private, ran: filepath.Join(t.TempDir(), "ran")}
	p.point(t, one)
	return p
}

func (p *pair) point(t *testing.T, to *labhost.SSHD) {
	t.Helper()
	if err := p.addresses.Point(p.address, to.Listen[0]); err != nil {
		t.Fatal(err)
	}
}

func (p *pair) shell(t *testing.T, change func(*ssh.Options)) *ssh.Shell {
	t.Helper()
	o := ssh.Options{Dir: t.TempDir(), Estate: runbook.SSH{User: p.one.User, Port: p.one.Port, Identity: p.identity, Config: "none"}}
	change(&o)
	s := ssh.New(o)
	t.Cleanup(func() { s.Close() })
	return s
}

// try runs a command and tells whether it ran, which must fit the error.
func (p *pair) try(t *testing.T, s *ssh.Shell, id string) error {
	t.Helper()
	os.Remove(p.ran)
	_, err := s.Run(t.Context(), providers.Host{Address: p.address, ID: id}, providers.Command{Argv: []string{"touch", p.ran}})
	if _, e := os.Stat(p.ran); (e == nil) != (err == nil) {
		t.Errorf("the command ran: %v, but the error is %v", e == nil, err)
	}
	return err
}

func (p *pair) refused(t *testing.T, s *ssh.Shell, id string) {
	t.Helper()
	e := kind(t, p.try(t, s, id), providers.HostKey)
	if e.Do == "" || e.Verdict() != runbook.Definitive {
		t.Errorf("it does not say what to do, or may be tried again: %+v", e)
	}
}

func (p *pair) accepted(t *testing.T, s *ssh.Shell, id string) {
	t.Helper()
	if err := p.try(t, s, id); err != nil {
		t.Errorf("refused: %v", err)
	}
}

func known(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "known hosts") // a space, as homes on some systems have
	if err := os.WriteFile(path, []byte("# pinned\n\n"+strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	first  = "i-0aaa"
	second = "i-0bbb"
)

func TestHostKeys(t *testing.T) {
	p := newPair(t, "127.0.72.10")
	keys := func(m map[string][]string) func(*ssh.Options) {
		return func(o *ssh.Options) { o.Estate.HostKeys = m }
	}
	file := func(lines ...string) func(*ssh.Options) {
		path := known(t, lines...)
		return func(o *ssh.Options) { o.Estate.KnownHosts = path }
	}
	for _, c := range []struct {
		name string
		id   string
		with func(*ssh.Options)
		ok   bool
	}{
		{"unknown", first, func(*ssh.Options) {}, false},
		{"unknown, without an id", "", func(*ssh.Options) {}, false},
		{"pinned by id", first, keys(map[string][]string{first: {p.one.HostKey}}), true},
		{"pinned by address", first, keys(map[string][]string{p.address: {p.one.HostKey}}), true},
		{"changed", first, keys(map[string][]string{first: {p.two.HostKey}}), false},
		{"one of two", first, keys(map[string][]string{first: {p.two.HostKey, p.one.HostKey + " root@example.com"}}), true},
		{"in the file by id", first, file(first + " " + p.one.HostKey), true},
		{"in the file by address and port", "", file(fmt.Sprintf("[%s]:%d %s", p.address, p.one.Port, p.one.HostKey)), true},
		{"in the file by address alone", "", file(p.address + " " + p.one.HostKey), true},
		{"in the file by another address", first, file(p.address + " " + p.one.HostKey), false},
		{"changed in the file", first, file(first + " " + p.two.HostKey), false},
		{"negated in the file", first, file("i-*,!" + first + " " + p.one.HostKey), false},
		{"wrong alias", second, file(first + " " + p.one.HostKey), false},
		{"revoked in the file", first, file(first+" "+p.one.HostKey, "@revoked * "+p.one.HostKey), false},
		{"revoked in the file, pinned in the estate", first, func(o *ssh.Options) {
			keys(map[string][]string{first: {p.one.HostKey}})(o)
			file("@revoked * " + p.one.HostKey)(o)
		}, false},
		{"the estate wins over the file", first, func(o *ssh.Options) {
			keys(map[string][]string{first: {p.one.HostKey}})(o)
			file(first + " " + p.two.HostKey)(o)
		}, true},
		{"the file cannot vouch against the estate", first, func(o *ssh.Options) {
			keys(map[string][]string{first: {p.two.HostKey}})(o)
			file(first + " " + p.one.HostKey)(o)
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := p.shell(t, c.with)
			if c.ok {
				p.accepted(t, s, c.id)
			} else {
				p.refused(t, s, c.id)
			}
		})
	}
}

func TestHashedKnownHosts(t *testing.T) {
	p := newPair(t, "127.0.72.11")
	path := known(t, first+" "+p.one.HostKey)
	if out, err := exec.Command(labhost.Need(t, "ssh-keygen"), "-q", "-H", "-f", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := p.shell(t, func(o *ssh.Options) { o.Estate.KnownHosts = path })
	p.accepted(t, s, first)
	p.refused(t, s, second)
}

func TestKnownHostsMissing(t *testing.T) {
	s := ssh.New(ssh.Options{Dir: t.TempDir(), Estate: runbook.SSH{KnownHosts: filepath.Join(t.TempDir(), "none")}})
	labhost.Need(t, "ssh")
	_, err := s.Run(t.Context(), here, providers.Command{Argv: []string{"true"}})
	kind(t, err, providers.Invalid)
}

// TestMovedAddress is what a failover does: the address that meant one machine means another now, while a connection to
// the old one may still be open.
func TestMovedAddress(t *testing.T) {
	p := newPair(t, "127.0.72.12")
	s := p.shell(t, func(o *ssh.Options) {
		o.Estate.HostKeys = map[string][]string{first: {p.one.HostKey}, second: {p.two.HostKey}}
	})
	p.accepted(t, s, first)
	p.point(t, p.two)
	p.refused(t, s, first) // who asks for the old machine must not get the new one
	p.accepted(t, s, second)
	p.refused(t, s, first)
	p.point(t, p.one)
	p.refused(t, s, second)
	p.accepted(t, s, first)
}

// TestMovedWhileConnected: the old machine's connection lives on behind the address's back, and is not used for the new.
func TestMovedWhileConnected(t *testing.T) {
	p := newPair(t, "127.0.72.13")
	s := p.shell(t, func(o *ssh.Options) {
		o.Estate.HostKeys = map[string][]string{first: {p.one.HostKey}, second: {p.two.HostKey}}
	})
	p.accepted(t, s, first)
	// Nothing is cut: a shared connection to the first machine is open, and the second is asked for.
	p.refused(t, s, second)
}

// TestKeysFromConsole: asked once, pinned, and held against everything that comes later.
func TestKeysFromConsole(t *testing.T) {
	p := newPair(t, "127.0.72.14")
	asked, told := 0, []string{}
	var fail error
	dir := t.TempDir()
	with := func(o *ssh.Options) {
		o.Dir = dir
		o.Keys = func(_ context.Context, host providers.Host) ([]string, error) {
			asked++
			return told, fail
		}
	}
	s := p.shell(t, with)
	p.refused(t, s, first) // the console is empty
	told = []string{"ssh-ed25519 AAAAnonsense"}
	p.refused(t, s, first)
	fail = providers.Errorf(providers.Throttled, "ec2:GetConsoleOutput", "us-east-1", "slow down")
	if e := kind(t, p.try(t, s, first), providers.Unreachable); e.Verdict() != runbook.Transient || !errors.Is(e, fail) {
		t.Errorf("a throttled question is to be asked again: %+v", e)
	}
	told, fail = []string{p.one.HostKey}, nil
	p.accepted(t, s, first)
	p.accepted(t, s, first)
	if asked != 4 {
		t.Errorf("asked %d times, want 4", asked)
	}
	// Another process of the same run believes what was pinned, not what the console says later.
	told = []string{p.two.HostKey}
	again := p.shell(t, with)
	p.accepted(t, again, first)
	p.point(t, p.two)
	p.refused(t, again, first)
	if asked != 4 {
		t.Errorf("asked %d times, want 4", asked)
	}
	p.accepted(t, again, second)
	b, err := os.ReadFile(filepath.Join(dir, "known_hosts"))
	if want := first + " " + p.one.HostKey + "\n" + second + " " + p.two.HostKey + "\n"; err != nil || string(b) != want {
		t.Errorf("pinned %q (%v), want %q", b, err, want)
	}
	p.refused(t, again, "") // a host without an id has no console
}

// TestAuthority: a host certificate proves the host by its principal, and nothing else.
func TestAuthority(t *testing.T) {
	keygen := labhost.Need(t, "ssh-keygen")
	ca, public := labhost.Keypair(t, t.TempDir())
	private, login := labhost.Keypair(t, t.TempDir())
	dir := t.TempDir()
	hostKey, _ := labhost.Keypair(t, dir)
	if out, err := exec.Command(keygen, "-q", "-s", ca, "-h", "-I", "lab", "-n", first, hostKey+".pub").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	host := labhost.StartSSHD(t, labhost.Options{AuthorizedKey: login, HostKey: hostKey, Config: []string{"HostCertificate " + hostKey + "-cert.pub"}})
	p := &pair{one: host, address: "127.0.0.1", identity: private, ran: filepath.Join(t.TempDir(), "ran")}
	s := p.shell(t, func(o *ssh.Options) { o.Estate.KnownHosts = known(t, "@cert-authority i-* "+public) })
	p.accepted(t, s, first)
	p.refused(t, s, second)
}
