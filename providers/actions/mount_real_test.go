package actions

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/providers"
	"lifeboat/providers/providertest/labhost"
	"lifeboat/runbook"
)

// loop makes a file system in a file and a block device of it. It is skipped where there is no right to.
func loop(t *testing.T, file string) string {
	t.Helper()
	out, err := exec.Command(labhost.Need(t, "losetup"), "-f", "--show", file).CombinedOutput()
	if err != nil {
		t.Skipf("no loop device: %v: %s", err, out)
	}
	device := strings.TrimSpace(string(out))
	t.Cleanup(func() { must(t, "losetup", "-d", device) })
	return device
}

func must(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(labhost.Need(t, argv[0]), argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v: %s", argv, err, out)
	}
	return strings.TrimSpace(string(out))
}

// needRoot comes first: where there is no root, nothing else of this can be had either.
func needRoot(t *testing.T, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("loop devices and mounts need root")
	}
	for _, program := range programs {
		labhost.Need(t, program)
	}
}

// emptyDisk makes an empty file of so many MiB.
func emptyDisk(t *testing.T, mib int64) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, mib<<20); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestRealFileSystem checks, mounts and unmounts a real ext4 on a real Linux, over real ssh.
func TestRealFileSystem(t *testing.T) {
	needRoot(t, "mkfs.ext4", "e2fsck", "blkid", "findmnt", "fuser", "ps", "losetup")
	y := newYard(t)
	host := providers.Host{Address: "127.0.73.2", Port: y.replica.Port} // without the lab's own mount
	file := emptyDisk(t, 16)
	must(t, "mkfs.ext4", "-q", file)
	device := loop(t, file)
	uuid, at := must(t, "blkid", "-p", "-o", "value", "-s", "UUID", device), filepath.Join(t.TempDir(), "srv")
	t.Cleanup(func() { _ = exec.Command("umount", at).Run() }) // it is mounted only when a check has failed

	m := &mount{Host: host, UUID: uuid, Path: at, Verify: true, Options: "noatime", w: y.w}
	y.undoes(m, y.does("by-uuid", m))
	byDevice := &mount{Host: host, Volume: "vol-0b2c3d4e5f6071829", Device: device, Path: at, w: y.w}
	call := y.does("by-device", byDevice)
	t.Run("checked while it is mounted", func(t *testing.T) {
		other := &mount{Host: host, UUID: uuid, Path: t.TempDir(), Verify: true, w: y.w}
		if _, err := other.Apply(t.Context(), y.call("other")); err == nil || !strings.Contains(err.Error(), "is mounted at "+at) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("in use", func(t *testing.T) { y.inUse(t, host, at) })

	u := &unmount{Host: host, Path: at, w: y.w}
	undo := y.does("unmount", u)
	y.undoes(u, undo)
	if options := must(t, "findmnt", "-n", "-o", "SOURCE,FSTYPE", "-M", at); strings.Join(strings.Fields(options), " ") != device+" ext4" {
		t.Errorf("mounted again as %q", options)
	}
	y.undoes(byDevice, call)
	t.Run("two of one UUID", func(t *testing.T) { y.twins(t, m, file) })
	t.Run("damaged", func(t *testing.T) { y.damaged(t, m, device) })
}

// inUse unmounts what a process works in.
func (y *yard) inUse(t *testing.T, host providers.Host, at string) {
	sleeper := exec.Command("sleep", "60")
	sleeper.Dir = at
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	u := &unmount{Host: host, Path: at, w: y.w}
	_, err := u.Apply(t.Context(), y.call("busy"))
	f := runbook.AsFailure(err)
	if err == nil || f.Verdict != runbook.Definitive || !strings.Contains(f.Means, "sleep 60 (pid ") {
		t.Errorf("%v: %+v", err, f)
	}
	if err := sleeper.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = sleeper.Wait() // it was killed
}

// twins mounts by a UUID that the copy of a volume bears too.
func (y *yard) twins(t *testing.T, m *mount, file string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	twin := filepath.Join(t.TempDir(), "twin")
	if err := os.WriteFile(twin, b, 0o600); err != nil {
		t.Fatal(err)
	}
	second := loop(t, twin)
	_, err = m.Apply(t.Context(), y.call("twins"))
	if err == nil || !strings.Contains(err.Error(), "2 devices") || !strings.Contains(err.Error(), second) {
		t.Errorf("error %v", err)
	}
}

// damaged mounts what a check finds broken.
func (y *yard) damaged(t *testing.T, m *mount, device string) {
	disk, err := os.OpenFile(device, os.O_RDWR|os.O_SYNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Behind the superblock, which still says ext4: descriptors, bitmaps and the first inodes.
	_, err = disk.WriteAt(bytes.Repeat([]byte{0xa5}, 256<<10), 64<<10)
	if err != nil || disk.Close() != nil {
		t.Fatal(err)
	}
	_, err = m.Apply(t.Context(), y.call("damaged"))
	f := runbook.AsFailure(err)
	if err == nil || f.Verdict != runbook.Definitive || !strings.Contains(f.Means, "damaged") || !strings.Contains(f.What, "e2fsck -n -f") {
		t.Errorf("%v: %+v", err, f)
	}
	if at := exec.Command("findmnt", "-M", m.Path).Run(); at == nil {
		t.Error("it is mounted all the same")
	}
}

// TestRealXFS mounts a copy beside its original, which xfs takes only when it is told.
func TestRealXFS(t *testing.T) {
	needRoot(t, "mkfs.xfs", "xfs_repair", "losetup")
	y := newYard(t)
	host := providers.Host{Address: "127.0.73.2", Port: y.replica.Port}
	file := emptyDisk(t, 320)
	must(t, "mkfs.xfs", "-q", file)
	device := loop(t, file)
	at := filepath.Join(t.TempDir(), "srv")
	t.Cleanup(func() { _ = exec.Command("umount", at).Run() })
	original := &mount{Host: host, Volume: "vol-0b2c3d4e5f6071829", Device: device, Path: at, Verify: true, w: y.w}
	call := y.does("original", original)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	twin := filepath.Join(t.TempDir(), "twin")
	if err := os.WriteFile(twin, b, 0o600); err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(t.TempDir(), "copy")
	t.Cleanup(func() { _ = exec.Command("umount", beside).Run() })
	c := &mount{Host: host, Volume: "vol-0c3d4e5f607182930", Device: loop(t, twin), Path: beside, w: y.w}
	_, err = c.Apply(t.Context(), y.call("refused"))
	if f := runbook.AsFailure(err); err == nil || !strings.Contains(f.Do, "nouuid") {
		t.Errorf("%v: %+v", err, f)
	}
	c.Options, c.Verify = "nouuid", true
	y.undoes(c, y.does("copy", c))
	y.undoes(original, call)
}
