package duplicity_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/duplicity"
	"lifeboat/providers/providertest/labhost"
	"lifeboat/providers/ssh"
)

// began is when the month of the tests begins.
var began = time.Date(2026, 1, 1, 2, 30, 0, 0, time.UTC)

const days = 30

// month is a real chain: a full backup and one increment for each day after it, and what the folder held each day.
type month struct {
	archive providers.Archive
	chains  string // folder of the archive
	data    string // folder that was backed up
	days    []map[string]string
	d       *duplicity.Archives
}

// tree reads a folder: the content of each file by its path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// newMonth makes the backups with the package itself.
func newMonth(t *testing.T) *month {
	t.Helper()
	labhost.Need(t, "duplicity")
	labhost.Need(t, "gpg")
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Cleanup(func() { // the agent that gpg leaves in the background
		_ = exec.Command("gpgconf", "--kill", "all").Run()
	})
	m := &month{chains: filepath.Join(t.TempDir(), "chains of the shop"), data: filepath.Join(t.TempDir(), "srv"), d: duplicity.New(ssh.New(ssh.Options{}))}
	m.archive = providers.Archive{
		URL: "file://" + m.chains, Name: "shop", Passphrase: "correct horse ' battery $(staple)",
		// The backups of a test need no slow key.
		Options: []string{"--gpg-options", "--s2k-count=1024", "--volsize", "1"},
	}
	write := func(name, text string) {
		path := filepath.Join(m.data, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	big := make([]byte, 3<<20)
	noise := rand.NewChaCha8([32]byte{1}) // it does not compress, so it fills several volumes
	if _, err := noise.Read(big); err != nil {
		t.Fatal(err)
	}
	for day := range days + 1 {
		write("orders/all.dat", strings.Repeat("order\n", 100+day))
		write(fmt.Sprintf("orders/day %d.dat", day), strings.Repeat(strconv.Itoa(day), 500))
		big[day*1000]++
		write("big.bin", string(big))
		if day == 7 {
			if err := os.Remove(filepath.Join(m.data, "orders/day 3.dat")); err != nil {
				t.Fatal(err)
			}
		}
		m.days = append(m.days, tree(t, m.data))
		a := m.archive
		a.Options = append(slices.Clone(a.Options), "--current-time", strconv.FormatInt(m.at(day).Unix(), 10))
		if err := m.d.Backup(t.Context(), a, m.data, day == 0, 0, providers.ArchiveWatch{}); err != nil {
			t.Fatalf("day %d: %v", day, err)
		}
	}
	return m
}

func (m *month) at(day int) time.Time { return began.AddDate(0, 0, day) }

// copied is the archive once more, for a test that damages it.
func (m *month) copied(t *testing.T) (a providers.Archive, folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(folder, os.DirFS(m.chains)); err != nil {
		t.Fatal(err)
	}
	a = m.archive
	a.URL, a.Name = "file://"+folder, ""
	return a, folder
}

func one(t *testing.T, folder, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("nothing is called %s: %v", pattern, err)
	}
	return found[0]
}

func (m *month) restore(ctx context.Context, a providers.Archive, day int, folder string) error {
	return m.d.Restore(ctx, a, providers.Retrieval{At: m.at(day), Folder: folder}, providers.ArchiveWatch{})
}

// TestRealMonth makes a month of increments with the real program and asks all questions of it: the backups are slow, so
// one chain serves them all.
func TestRealMonth(t *testing.T) {
	m := newMonth(t)
	t.Run("status", m.status)
	t.Run("any day", m.anyDay)
	t.Run("verify", m.verify)
	t.Run("one path", m.onePath)
	t.Run("folder in use", m.inUse)
	t.Run("wrong passphrase", m.wrongPassphrase)
	t.Run("broken chain", m.brokenChain)
	t.Run("damaged volume", m.damagedVolume)
	t.Run("empty", m.empty)
	t.Run("busy", m.busy)
}

func (m *month) status(t *testing.T) {
	blind := m.archive
	blind.Passphrase = "" // looking needs none
	c, err := m.d.Status(t.Context(), blind)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Chains) != 1 || len(c.Chains[0].Sets) != days+1 || c.Orphans != 0 {
		t.Fatalf("%+v", c)
	}
	for day, s := range c.Chains[0].Sets {
		if s.Full != (day == 0) || !s.At.Equal(m.at(day)) || s.Volumes < 1 || !s.Encrypted {
			t.Errorf("day %d: %+v", day, s)
		}
	}
}

func (m *month) anyDay(t *testing.T) {
	for _, day := range []int{0, 5, 17, days} {
		to := filepath.Join(t.TempDir(), "srv data")
		volumes, of := 0.0, 0.0
		watch := providers.ArchiveWatch{Progress: func(done, total float64, unit string) {
			if volumes, of = done, total; unit != "volumes" {
				t.Errorf("progress in %s", unit)
			}
		}}
		// At noon that day's backup is the newest.
		if err := m.d.Restore(t.Context(), m.archive, providers.Retrieval{At: m.at(day).Add(9 * time.Hour), Folder: to}, watch); err != nil {
			t.Fatalf("day %d: %v", day, err)
		}
		if got := tree(t, to); !maps.Equal(got, m.days[day]) {
			t.Errorf("day %d: %d files, not the %d of that day, or not the same", day, len(got), len(m.days[day]))
		}
		if volumes == 0 || volumes > of {
			t.Errorf("day %d: progress ended at %v of %v", day, volumes, of)
		}
	}
	err := m.restore(t.Context(), m.archive, -1, filepath.Join(t.TempDir(), "x"))
	if !providers.Is(err, providers.NotFound) || !strings.Contains(err.Error(), "begins at 2026-01-01") {
		t.Errorf("a day before the first backup: %v", err)
	}
}

func (m *month) verify(t *testing.T) {
	v, err := m.d.Verify(t.Context(), m.archive, providers.Retrieval{Folder: m.data}, providers.ArchiveWatch{})
	if err != nil || v.Different != 0 || v.Compared < days {
		t.Errorf("the folder itself: %+v, %v", v, err)
	}
	to := filepath.Join(t.TempDir(), "restored")
	if err := m.restore(t.Context(), m.archive, 12, to); err != nil {
		t.Fatal(err)
	}
	day12 := providers.Retrieval{At: m.at(12), Folder: to}
	for _, own := range []string{"lost+found", providers.RestoreFolder + "/tmp"} {
		if err := os.MkdirAll(filepath.Join(to, own), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := m.d.Verify(t.Context(), m.archive, day12, providers.ArchiveWatch{}); err != nil || v.Different != 0 {
		t.Errorf("what was restored: %+v, %v", v, err)
	}
	// The same length and the same time: only the content differs.
	victim := filepath.Join(to, "big.bin")
	info, err := os.Stat(victim)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(victim)
	text[100]++
	if err := os.WriteFile(victim, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(victim, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(to, "orders/day 1.dat")); err != nil {
		t.Fatal(err)
	}
	v, err = m.d.Verify(t.Context(), m.archive, day12, providers.ArchiveWatch{})
	said := strings.Join(v.Differences, "\n")
	if err != nil || v.Different < 2 || !strings.Contains(said, "big.bin") || !strings.Contains(said, "day 1.dat is missing") {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err = m.d.Verify(t.Context(), m.archive, providers.Retrieval{Folder: to + "x"}, providers.ArchiveWatch{}); !providers.Is(err, providers.NotFound) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func (m *month) onePath(t *testing.T) {
	to := filepath.Join(t.TempDir(), "sample")
	r := providers.Retrieval{At: m.at(5), Path: "orders", Folder: to}
	if err := m.d.Restore(t.Context(), m.archive, r, providers.ArchiveWatch{}); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, to); len(got) != 7 || got["day 3.dat"] != m.days[5]["orders/day 3.dat"] {
		t.Errorf("%d files", len(got))
	}
	if v, err := m.d.Verify(t.Context(), m.archive, r, providers.ArchiveWatch{}); err != nil || v.Different != 0 || v.Compared != 8 {
		t.Errorf("%+v, %v", v, err)
	}
	r.Path, r.Folder = "no/such path", to+"2"
	if err := m.d.Restore(t.Context(), m.archive, r, providers.ArchiveWatch{}); !providers.Is(err, providers.NotFound) || !strings.Contains(err.Error(), "duplicity 19") {
		t.Errorf("a path that is not in the archive: %v", err)
	}
}

func (m *month) inUse(t *testing.T) {
	to := t.TempDir()
	mine := filepath.Join(to, "mine")
	if err := os.WriteFile(mine, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := m.restore(t.Context(), m.archive, 3, to)
	if !providers.Is(err, providers.Conflict) || !strings.Contains(err.Error(), "duplicity 11") {
		t.Errorf("a folder in use: %v", err)
	}
	// What a restore left that was cut short is written over; what else is there stays.
	if err := os.WriteFile(filepath.Join(to, "big.bin"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := providers.Retrieval{At: m.at(3), Folder: to, Over: true, Temp: t.TempDir()}
	if err := m.d.Restore(t.Context(), m.archive, r, providers.ArchiveWatch{}); err != nil {
		t.Fatal(err)
	}
	got := tree(t, to)
	delete(got, "mine")
	if !maps.Equal(got, m.days[3]) {
		t.Error("it is not that day's")
	}
}

func (m *month) wrongPassphrase(t *testing.T) {
	a := m.archive
	a.Passphrase = "wrong"
	a.Name = "" // a cache that has nothing yet
	to := filepath.Join(t.TempDir(), "x")
	err := m.restore(t.Context(), a, 3, to)
	if !providers.Is(err, providers.Denied) || !strings.Contains(err.Error(), "the passphrase does not open") || !strings.Contains(err.Error(), "duplicity 31") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("something was restored")
	}
}

func (m *month) brokenChain(t *testing.T) {
	damaged := func(name string, err error, words ...string) {
		t.Helper()
		if !providers.Is(err, providers.Damaged) {
			t.Errorf("%s: %v", name, err)
			return
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v does not say %q", name, err, w)
			}
		}
	}
	// A volume of an increment is gone: the set has none, and the program would fail at it.
	a, folder := m.copied(t)
	volume := one(t, folder, "duplicity-inc.*.to.20260111T*.vol1.*")
	if err := os.Remove(volume); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	damaged("behind the gap", m.restore(t.Context(), a, 20, filepath.Join(to, "a")), "2026-01-11", "broken")
	if err := m.restore(t.Context(), a, 9, filepath.Join(to, "b")); err != nil {
		t.Errorf("before the gap: %v", err)
	}
	// The whole set is gone: the program restores an older day and says nothing.
	for _, f := range []string{"duplicity-inc.*.to.20260111T*", "duplicity-new-signatures.*.to.20260111T*"} {
		found, _ := filepath.Glob(filepath.Join(folder, f))
		for _, name := range found {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	damaged("a set is gone", m.restore(t.Context(), a, 20, filepath.Join(to, "c")), "belong to no chain")
	damaged("and the newest", m.d.Restore(t.Context(), a, providers.Retrieval{Folder: filepath.Join(to, "d")}, providers.ArchiveWatch{}), "broken")
	// One of several volumes of the full backup is gone: only reading shows it.
	a, folder = m.copied(t)
	if err := os.Remove(one(t, folder, "duplicity-full.*.vol2.*")); err != nil {
		t.Fatal(err)
	}
	damaged("a volume of the full backup", m.restore(t.Context(), a, 20, filepath.Join(to, "e")), "a volume is missing", "duplicity 30")
	// No full backup at all.
	for _, f := range []string{"duplicity-full.*"} {
		found, _ := filepath.Glob(filepath.Join(folder, f))
		for _, name := range found {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := m.d.Status(t.Context(), a)
	damaged("no full backup", err, "no full backup")
}

func (m *month) damagedVolume(t *testing.T) {
	a, folder := m.copied(t)
	volume := one(t, folder, "duplicity-full.*.vol1.*")
	text, err := os.ReadFile(volume)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 0x40
	if err := os.WriteFile(volume, text, 0o644); err != nil {
		t.Fatal(err)
	}
	err = m.restore(t.Context(), a, 20, filepath.Join(t.TempDir(), "x"))
	if !providers.Is(err, providers.Damaged) || !strings.Contains(err.Error(), "duplicity 21") {
		t.Errorf("%v", err)
	}
}

func (m *month) empty(t *testing.T) {
	a := m.archive
	a.URL, a.Name = "file://"+t.TempDir(), ""
	for name, call := range map[string]func() error{
		"status":  func() error { _, err := m.d.Status(t.Context(), a); return err },
		"restore": func() error { return m.restore(t.Context(), a, 3, filepath.Join(t.TempDir(), "x")) },
	} {
		if err := call(); !providers.Is(err, providers.NotFound) || !strings.Contains(err.Error(), "empty") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two at once with one cache keep each other out.
func (m *month) busy(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(home, ".cache/lifeboat/read/shop")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	held := exec.CommandContext(ctx, "python3", "-c", `import fcntl,sys
f=open(sys.argv[1],"w"); fcntl.lockf(f,fcntl.LOCK_EX); print("held",flush=True); sys.stdin.read()`, filepath.Join(cache, "lockfile"))
	in, err := held.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := held.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); stop(); _ = held.Wait() }()
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if err := m.restore(t.Context(), m.archive, 3, filepath.Join(t.TempDir(), "x")); !providers.Is(err, providers.NotReady) {
		t.Errorf("another is busy: %v", err)
	}
	if _, err := m.d.Status(t.Context(), m.archive); err != nil {
		t.Errorf("looking meanwhile: %v", err)
	}
}
