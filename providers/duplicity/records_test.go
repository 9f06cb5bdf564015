package duplicity_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/duplicity"
	"lifeboat/runbook"
)

// script is a shell that answers as it is told, and keeps what it was asked.
type script struct {
	stderr string
	status int
	err    error
	got    []providers.Command
	hosts  []providers.Host
}

func (s *script) Run(_ context.Context, h providers.Host, c providers.Command) (providers.Result, error) {
	s.got, s.hosts = append(s.got, c), append(s.hosts, h)
	if s.err != nil {
		return providers.Result{}, s.err
	}
	for l := range strings.SplitSeq(strings.TrimSuffix(s.stderr, "\n"), "\n") {
		c.Line("stderr", l)
	}
	return providers.Result{Status: s.status, Stderr: s.stderr}, nil
}

const listed = `INFO 3 
backend BackendWrapper
archive-dir (. dir)
chain-no-sig 0
 full 20260201T020000Z 3 enc
 inc 20260202T020000Z 1 enc
chain-complete
 full 20260101T020000Z 12 noenc
orphaned-sets-num 0
incomplete-sets-num 1
. Collection Status
. chain-complete
.  full 20200101T020000Z 12 noenc

`

// Chains come in the order of their time, and what is said for people is not read.
func TestCollection(t *testing.T) {
	s := &script{stderr: listed}
	c, err := duplicity.New(s).Status(t.Context(), providers.Archive{Host: providers.Host{Address: "h"}, URL: "file:///x"})
	if err != nil || len(c.Chains) != 2 || c.Incomplete != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	first, second := c.Chains[0].Sets, c.Chains[1].Sets
	if len(first) != 1 || first[0].Volumes != 12 || first[0].Encrypted || len(second) != 2 || second[1].Full || !second[1].Encrypted {
		t.Errorf("%+v", c)
	}
	newest, _ := c.Newest()
	if want := time.Date(2026, 2, 2, 2, 0, 0, 0, time.UTC); !newest.At.Equal(want) {
		t.Errorf("newest %s", newest.At)
	}
	between, err := c.Reading(time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC))
	if err != nil || between.Volumes() != 12 {
		t.Errorf("%+v, %v", between, err)
	}
}

// Secrets are in the environment, and nowhere else.
func TestSecretsAreNotOnTheCommandLine(t *testing.T) {
	s := &script{stderr: listed}
	d := duplicity.New(s)
	a := providers.Archive{
		Host: providers.Host{Address: "h"}, URL: "s3:///bucket", Name: "shop", Passphrase: "hunter2", Sudo: true,
		Env: map[string]string{"AWS_SECRET_ACCESS_KEY": "hunter3"}, Options: []string{"--s3-use-glacier"},
	}
	at := time.Date(2026, 2, 2, 12, 0, 0, 0, time.UTC)
	if err := d.Restore(t.Context(), a, providers.Retrieval{At: at, Folder: "/srv/data", Over: true, Temp: "/srv/data/t"}, providers.ArchiveWatch{}); err != nil {
		t.Fatal(err)
	}
	c := s.got[1]
	want := "sudo -n --preserve-env=AWS_SECRET_ACCESS_KEY,LANGUAGE,LC_ALL,PASSPHRASE -- duplicity restore -v5 --log-fd 2 " +
		"--archive-dir ~/.cache/lifeboat/read --name shop --time 2026-02-02T12:00:00Z --tempdir /srv/data/t --force --s3-use-glacier s3:///bucket /srv/data"
	if got := strings.Join(c.Argv, " "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if c.Env["PASSPHRASE"] != "hunter2" || c.Env["AWS_SECRET_ACCESS_KEY"] != "hunter3" || c.ReadOnly || !s.got[0].ReadOnly {
		t.Errorf("%+v", c)
	}
	if strings.Contains(strings.Join(slices.Concat(s.got[0].Argv, c.Argv), " "), "hunter") || c.Stdin != "" {
		t.Error("a secret is on a command line")
	}
	a.Plain, a.Passphrase = true, ""
	if err := d.Backup(t.Context(), a, "/srv/data", false, 720*time.Hour, providers.ArchiveWatch{}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.got[2].Argv, " "); !strings.Contains(got, "duplicity -v4 --log-fd 2 --name shop --no-encryption") || !strings.Contains(got, "--full-if-older-than 2592000s") {
		t.Error(got)
	}
}

// A host that is left out is this machine.
func TestThisMachine(t *testing.T) {
	s := &script{stderr: listed}
	if _, err := duplicity.New(s).Status(t.Context(), providers.Archive{URL: "file:///x"}); err != nil || !s.hosts[0].Local {
		t.Errorf("%+v, %v", s.hosts, err)
	}
}

// TestVerdicts: what the ends of duplicity 0.8.22 become.
func TestVerdicts(t *testing.T) {
	gpg := func(words string) string {
		return "ERROR 31 GPGError\n. GPGError: GPG Failed, see log below:\n. ===== Begin GnuPG log =====\n. " + words + "\n. ===== End GnuPG log =====\n. \n\n"
	}
	trace := func(class, words string) string {
		return "ERROR 30 " + class + "\n. Traceback (innermost last):\n.   File \"/usr/bin/duplicity\", line 92, in <module>\n.     with_tempdir(main)\n.       ^^^^\n.  " + class + ": " + words + "\n. \n\n"
	}
	for _, c := range []struct {
		status  int
		stderr  string
		kind    providers.ErrorKind
		verdict runbook.Verdict
		says    string
	}{
		{11, "ERROR 11\n. Restore destination directory /x already exists.\n\n", providers.Conflict, runbook.Definitive, "not empty"},
		{19, "ERROR 19\n. nope not found in archive - no files restored.\n\n", providers.NotFound, runbook.Definitive, "nope"},
		{21, "ERROR 21\n. Invalid data - SHA1 hash mismatch for file:\n.  v3\n\n", providers.Damaged, runbook.Definitive, "SHA1"},
		{23, "ERROR 23\n. Another duplicity instance is already running with this archive directory\n\nERROR 23\n. Could not release lockfile\n\n", providers.NotReady, runbook.Transient, "busy"},
		{30, trace("KeyError", "2"), providers.Damaged, runbook.Definitive, "a volume is missing"},
		{30, trace("CollectionsError", "No backup chains found"), providers.NotFound, runbook.Definitive, "empty"},
		{30, trace("BackendException", "ssh connection to h failed"), providers.Unreachable, runbook.Transient, "does not answer"},
		{30, trace("OSError", "[Errno 28] No space left on device"), providers.Conflict, runbook.Definitive, "disk is full"},
		{30, trace("ZeroDivisionError", "?"), providers.Server, runbook.InDoubt, "ZeroDivisionError"},
		{31, gpg("gpg: decryption failed: Bad session key"), providers.Denied, runbook.Definitive, "passphrase does not open"},
		{31, gpg("gpg: decryption failed: No secret key"), providers.Denied, runbook.Definitive, "private key"},
		{31, gpg("gpg: [don't know]: invalid packet (ctb=0a)"), providers.Damaged, runbook.Definitive, "invalid packet"},
		{51, "ERROR 51 put\n. AccessDenied\n\n", providers.Denied, runbook.Definitive, "refuses"},
		{127, "sh: duplicity: not found\n", providers.Missing, runbook.Definitive, "no duplicity"},
		{1, "sudo: a password is required\n", providers.Denied, runbook.Definitive, "password"},
		{137, "", providers.Server, runbook.InDoubt, "duplicity 137"},
	} {
		// The first call lists the chain, the second is the one that ends badly.
		shell := &second{first: &script{stderr: listed}, then: &script{stderr: c.stderr, status: c.status}}
		err := duplicity.New(shell).Restore(t.Context(), providers.Archive{Host: providers.Host{Address: "h"}, URL: "u", Passphrase: "p"},
			providers.Retrieval{Folder: "/x"}, providers.ArchiveWatch{})
		if !providers.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%d: %v, want %s with %q", c.status, err, c.kind, c.says)
			continue
		}
		if f := runbook.AsFailure(err); f.Verdict != c.verdict || f.Means == "" || f.Do == "" || !strings.HasPrefix(f.Code, "duplicity ") {
			t.Errorf("%d: %+v", c.status, f)
		}
	}
}

type second struct {
	first, then *script
	n           int
}

func (s *second) Run(ctx context.Context, h providers.Host, c providers.Command) (providers.Result, error) {
	if s.n++; s.n == 1 {
		return s.first.Run(ctx, h, c)
	}
	return s.then.Run(ctx, h, c)
}

// An error of the way there is passed on as it is.
func TestTheWayThere(t *testing.T) {
	lost := providers.Errorf(providers.Lost, "ssh", "h", "the connection ended")
	_, err := duplicity.New(&script{err: lost}).Status(t.Context(), providers.Archive{Host: providers.Host{Address: "h"}, URL: "u"})
	if err != error(lost) {
		t.Errorf("%v", err)
	}
	if _, err := duplicity.New(&script{}).Status(t.Context(), providers.Archive{}); !providers.Is(err, providers.Invalid) {
		t.Errorf("no url: %v", err)
	}
	if err := duplicity.New(&script{stderr: listed}).Backup(t.Context(), providers.Archive{URL: "u"}, "-rf", false, 0, providers.ArchiveWatch{}); !providers.Is(err, providers.Invalid) {
		t.Errorf("a folder that reads as an option: %v", err)
	}
}
