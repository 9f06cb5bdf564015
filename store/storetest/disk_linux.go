package storetest

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

// Disk mounts a file system of its own with so many bytes and returns its folder. It needs root: without it the test is
// skipped, except on a machine that says CI=true and has root, where it must run.
func Disk(t *testing.T, bytes int) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("SKIPPED: %s needs root to mount a small disk", t.Name())
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", bytes)); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mount a small disk: %v", err)
		}
		t.Skipf("SKIPPED: %s cannot mount a small disk: %v", t.Name(), err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// Freeze makes a Disk read-only.
func Freeze(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatalf("make the disk read-only: %v", err)
	}
}

// Fill writes until a Disk has no room left, and returns what makes room again.
func Fill(t *testing.T, dir string) (empty func()) {
	t.Helper()
	f, err := os.CreateTemp(dir, "ballast-")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 16, 1} {
		for block := make([]byte, size); ; {
			if _, err := f.Write(block); err != nil {
				break
			}
		}
	}
	return func() { os.Remove(f.Name()) }
}
