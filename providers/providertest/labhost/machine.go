package labhost

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Machine is what an operating system would be to a runbook: block devices that appear, mounts, services. Its tools
// (mount, umount, findmnt, readlink, systemctl, journalctl, sudo) lie in Bin and work on the machine's folder: a volume
// is a folder, a mount a symbolic link to it, a service a small web server that serves a folder.
type Machine struct {
	Dir string // state; tools are told it by their scripts
	Bin string // put it first in the PATH of commands
}

// NewMachine makes a machine in dir. TestMain must call MaybeRunTool: the tools are the test's own binary.
func NewMachine(t testing.TB, dir string) *Machine {
	t.Helper()
	if !toolsHooked {
		t.Fatal("TestMain does not call labhost.MaybeRunTool")
	}
	m := &Machine{Dir: dir, Bin: filepath.Join(dir, "bin")}
	for _, sub := range []string{"bin", "devices", "mounts", "services", "run"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name := range tools {
		script := fmt.Sprintf("%s=%s %s=%s exec %s \"$@\"\n", toolEnv, name, machineEnv, shellQuote(dir), shellQuote(self))
		if err := WriteTool(m.Bin, name, script); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteTool(m.Bin, "sudo", "while [ \"$1\" = -n ] || [ \"$1\" = -- ]; do shift; done\nexec \"$@\"\n"); err != nil {
		t.Fatal(err)
	}
	// Its kernel is this machine's; what it says of its boot is its own.
	cat := fmt.Sprintf("case \"$1\" in /proc/sys/kernel/random/boot_id) cd %s && exec /bin/cat boot_id uptime ;; esac\nexec /bin/cat \"$@\"\n", shellQuote(dir))
	if err := WriteTool(m.Bin, "cat", cat); err != nil {
		t.Fatal(err)
	}
	if err := m.newBoot(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.StopServices)
	return m
}

// WriteTool writes a script for sh as an executable. Whoever has it open for running sees the old one or the new one.
func WriteTool(dir, name, script string) error {
	temp := filepath.Join(dir, "."+name+".new")
	if err := os.WriteFile(temp, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		return err
	}
	return os.Rename(temp, filepath.Join(dir, name))
}

// Plug makes the volume appear as a block device with the folder as its content, as attaching does.
func (m *Machine) Plug(volume, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return m.locked(func() error {
		if m.device(volume) != "" {
			return fmt.Errorf("%s is plugged in already", volume)
		}
		for n := 1; ; n++ { // 0 is the root disk
			if used, _ := filepath.Glob(filepath.Join(m.Dir, "devices", strconv.Itoa(n)+"-*")); len(used) == 0 {
				return os.Symlink(folder, filepath.Join(m.Dir, "devices", fmt.Sprintf("%d-%s", n, serial(volume))))
			}
		}
	})
}

// Unplug makes it go away. What is mounted stays so, as when a disk is pulled.
func (m *Machine) Unplug(volume string) error {
	return m.locked(func() error {
		if device := m.device(volume); device != "" {
			return os.Remove(device)
		}
		return nil
	})
}

// Mounted returns the volume that is mounted at the path, or "".
func (m *Machine) Mounted(path string) string {
	b, err := os.ReadFile(m.mount(path))
	if err != nil {
		return ""
	}
	return string(b)
}

// Service describes a unit that systemctl knows: a web server.
type Service struct {
	Listen string `json:"listen"` // host:port of the loopback
	Folder string `json:"folder"` // what it serves, looked at when it is asked
	Fails  string `json:"fails"`  // when not empty it does not start, and says this
}

// AddService writes a unit.
func (m *Machine) AddService(name string, s Service) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.Dir, "services", name), b, 0o644)
}

// Running says whether the service runs.
func (m *Machine) Running(name string) bool { return m.pid(name) != 0 }

// StopServices ends the services that run, as a power cut would.
func (m *Machine) StopServices() {
	names, _ := filepath.Glob(filepath.Join(m.Dir, "run", "*.pid"))
	for _, name := range names {
		_ = m.stop(strings.TrimSuffix(filepath.Base(name), ".pid"))
	}
}

func (m *Machine) stop(name string) error {
	file := filepath.Join(m.Dir, "run", name+".pid")
	if pid := m.pid(name); pid != 0 {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return os.RemoveAll(file)
}

// pid is the process of a service, or 0. A number alone proves nothing: its command line must name the machine too.
func (m *Machine) pid(name string) int {
	b, err := os.ReadFile(filepath.Join(m.Dir, "run", name+".pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 1 {
		return 0
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !strings.Contains(string(line), m.Dir) {
		return 0
	}
	return pid
}

// locked keeps tools of two connections apart.
func (m *Machine) locked(f func() error) error {
	lock, err := os.OpenFile(filepath.Join(m.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	return f()
}

// device is the file of a volume that is plugged in, NUMBER-SERIAL, or "".
func (m *Machine) device(volume string) string {
	if files, _ := filepath.Glob(filepath.Join(m.Dir, "devices", "*-"+serial(volume))); len(files) > 0 {
		return files[0]
	}
	return ""
}

// serial is the volume's id as its disk spells it.
func serial(volume string) string { return strings.ReplaceAll(volume, "-", "") }

// mount is the file that says what is mounted at a path.
func (m *Machine) mount(path string) string {
	return filepath.Join(m.Dir, "mounts", strings.ReplaceAll(strings.Trim(filepath.Clean(path), "/"), "/", "!"))
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
