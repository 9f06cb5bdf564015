package ssh

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// maxKnownHosts is the largest known_hosts file that is read, and maxKeys how many keys a machine may have.
const (
	maxKnownHosts = 4 << 20
	maxKeys       = 32
)

// target is a host with everything that is needed to reach it.
type target struct {
	host   providers.Host
	alias  string // the name under which the host key is checked
	known  string // the known_hosts file made for ssh
	source string // where its keys come from, for people
	socket string
}

// pins are the keys of one host and where they are from.
type pins struct {
	alias, source string
	lines         []string // of a known_hosts file
}

// resolve finds the keys of the host, writes the known_hosts file that ssh may believe, and names the socket. The
// socket's name covers all that a connection depends on: address, identity of the machine, port, user, keys and
// configuration. An address that has moved to another machine thus never meets the old connection.
func (s *Shell) resolve(ctx context.Context, host providers.Host, forward bool) (target, error) {
	p, err := s.pinned(ctx, host)
	if err != nil {
		return target{}, err
	}
	dir, err := s.folder()
	if err != nil {
		return target{}, &providers.Error{Kind: providers.Invalid, Op: op, Where: host.Address, Detail: err.Error(), Cause: err}
	}
	text := strings.Join(p.lines, "\n") + "\n"
	known := filepath.Join(dir, "k-"+digest(p.alias, text))
	if !exists(known) {
		if err := replace(known, text); err != nil {
			return target{}, &providers.Error{Kind: providers.Invalid, Op: op, Where: host.Address, Detail: "cannot write the known_hosts file for ssh: " + err.Error(), Cause: err}
		}
	}
	e := s.opts.Estate
	name := digest(host.ID, host.Address, strconv.Itoa(host.Port), host.User, known, e.Config, e.Identity, yesNo(forward))
	return target{host: host, alias: p.alias, known: known, source: p.source, socket: filepath.Join(dir, "c-"+name)}, nil
}

// pinned finds the keys of the host: the estate's own, the estate's known_hosts file, what was pinned during the run,
// and last the machine's console. The first place that knows the host decides alone.
func (s *Shell) pinned(ctx context.Context, host providers.Host) (pins, error) {
	file, err := s.knownHosts(host)
	if err != nil {
		return pins{}, err
	}
	names := aliases(host)
	at := names
	if host.ID != "" {
		at = append(at, host.Address)
	}
	for _, name := range at {
		if keys := s.opts.Estate.HostKeys[name]; len(keys) > 0 {
			lines, err := keyLines(names[0], keys)
			if err != nil {
				return pins{}, &providers.Error{Kind: providers.Invalid, Op: op, Where: host.Address, Detail: fmt.Sprintf("estate: ssh.host_keys %q: %v", name, err), Do: `write "TYPE BASE64", such as "ssh-ed25519 AAAA..."`, Cause: err}
			}
			// Keys that are revoked stay so, whoever pins them.
			return pins{names[0], fmt.Sprintf("ssh.host_keys %q of the estate", name), append(lines, file.revoked()...)}, nil
		}
	}
	for _, name := range names {
		if file.knows(name) {
			return pins{name, fmt.Sprintf("%q", s.opts.Estate.KnownHosts), file.lines}, nil
		}
	}
	return s.learned(ctx, host, names[0], file)
}

// learned looks for keys that this run has pinned, and asks for them when there are none. Its second half is under the
// lock: two commands that meet a new machine at once ask once.
func (s *Shell) learned(ctx context.Context, host providers.Host, alias string, file knownFile) (pins, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := filepath.Join(s.opts.Dir, "known_hosts")
	var mine knownFile
	if s.opts.Dir != "" {
		var err error
		if mine, err = readKnown(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return pins{}, &providers.Error{Kind: providers.HostKey, Op: op, Where: host.Address, Detail: "cannot read the keys pinned by this run: " + err.Error(), Cause: err}
		}
	}
	if mine.knows(alias) {
		return pins{alias, fmt.Sprintf("%q, pinned by this run", path), append(mine.lines, file.revoked()...)}, nil
	}
	if host.ID == "" || s.opts.Keys == nil {
		return pins{}, unknownKey(host, alias, "no host key is pinned for it")
	}
	keys, err := s.opts.Keys(ctx, host)
	if err != nil {
		return pins{}, keysFailed(host, alias, err)
	}
	if len(keys) == 0 {
		return pins{}, unknownKey(host, alias, "no host key is pinned for it, and the machine has told none on its console yet")
	}
	lines, err := keyLines(alias, keys)
	if err != nil {
		return pins{}, unknownKey(host, alias, "the keys told by the machine's console are no keys: "+runbook.Clean(err.Error()))
	}
	if s.opts.Dir != "" {
		if err := replace(path, strings.Join(append(mine.lines, lines...), "\n")+"\n"); err != nil {
			return pins{}, &providers.Error{Kind: providers.HostKey, Op: op, Where: host.Address, Detail: "cannot pin its keys: " + err.Error(), Cause: err}
		}
	}
	return pins{alias, "the machine's console", append(lines, file.revoked()...)}, nil
}

// knownHosts reads the estate's known_hosts file. One that is named and cannot be read is an error: it may revoke keys.
func (s *Shell) knownHosts(host providers.Host) (knownFile, error) {
	path := s.opts.Estate.KnownHosts
	if path == "" {
		return knownFile{}, nil
	}
	file, err := readKnown(home(path))
	if err != nil {
		return knownFile{}, &providers.Error{
			Kind: providers.Invalid, Op: op, Where: host.Address, Detail: "ssh.known_hosts of the estate: " + err.Error(),
			Do: "correct ssh.known_hosts in the estate, or leave it out", Cause: err,
		}
	}
	return file, nil
}

// aliases are the names under which the keys of the host may be written, the best first. With an ID only that: an
// address in a known_hosts file may mean the machine that had it before.
func aliases(host providers.Host) []string {
	switch {
	case host.ID != "":
		return []string{host.ID}
	case host.Port != 0 && host.Port != 22:
		return []string{fmt.Sprintf("[%s]:%d", host.Address, host.Port), host.Address}
	default:
		return []string{host.Address}
	}
}

func readKnown(path string) (knownFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return knownFile{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKnownHosts+1))
	if err != nil {
		return knownFile{}, err
	}
	if len(b) > maxKnownHosts {
		return knownFile{}, fmt.Errorf("%q is larger than %d bytes", path, maxKnownHosts)
	}
	return parseKnown(string(b)), nil
}

// replace writes a file so that it is whole or not there.
func replace(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".known-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if e := f.Sync(); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// home expands a leading ~/ as ssh does.
func home(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if dir, err := os.UserHomeDir(); err == nil {
			return filepath.Join(dir, rest)
		}
	}
	return path
}

func unknownKey(host providers.Host, alias, detail string) error {
	port := ""
	if host.Port != 0 && host.Port != 22 {
		port = fmt.Sprintf("-p %d ", host.Port)
	}
	return &providers.Error{
		Kind: providers.HostKey, Op: op, Where: host.Address, Detail: detail,
		Do: fmt.Sprintf("compare the key that `ssh-keyscan %s%s` shows with the one on the machine itself (/etc/ssh/ssh_host_ed25519_key.pub, "+
			"or the instance's console output); when they are the same, write it into the estate: ssh.host_keys: {%q: [\"TYPE BASE64\"]}", port, host.Address, alias),
	}
}

// keysFailed keeps the difference between "ask again" and "cannot be known". Asking changes nothing, so a lost answer
// is no doubt.
func keysFailed(host providers.Host, alias string, err error) error {
	out := &providers.Error{Kind: providers.Unreachable, Op: op, Where: host.Address, Detail: "its host key could not be read from its console: " + err.Error(), Cause: err}
	if runbook.AsFailure(err).Verdict == runbook.Definitive {
		out.Kind = providers.HostKey
		var unknown *providers.Error
		if errors.As(unknownKey(host, alias, ""), &unknown) {
			out.Do = unknown.Do
		}
	}
	return out
}
