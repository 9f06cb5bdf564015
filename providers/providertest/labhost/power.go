package labhost

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Boot is what a machine does by itself when it comes up: it mounts volumes that are plugged in, each at its path, and
// starts services. What is there already stays.
func (m *Machine) Boot(mounts map[string]string, services ...string) error {
	for volume, path := range mounts {
		if m.Mounted(path) != "" || m.device(volume) == "" {
			continue
		}
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		if status := mountTool(m, []string{byID + serial(volume), path}); status != 0 {
			return fmt.Errorf("mount %s at %s: status %d", volume, path, status)
		}
	}
	for _, service := range services {
		if status := m.startService(service, false); status != 0 {
			return fmt.Errorf("start %s: status %d", service, status)
		}
	}
	return nil
}

// PowerOff ends the services and forgets what was mounted. The next Boot has another boot id.
func (m *Machine) PowerOff() error {
	m.StopServices()
	mounts, err := filepath.Glob(filepath.Join(m.Dir, "mounts", "*"))
	if err != nil {
		return err
	}
	for _, mount := range mounts {
		path := "/" + strings.ReplaceAll(filepath.Base(mount), "!", "/")
		if status := umountTool(m, []string{path}); status != 0 {
			return fmt.Errorf("unmount %s: status %d", path, status)
		}
	}
	return m.newBoot()
}

// newBoot makes what the kernel says of its boot.
func (m *Machine) newBoot() error {
	if err := os.WriteFile(filepath.Join(m.Dir, "uptime"), []byte("12.00 10.00\n"), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.Dir, "boot_id"), []byte(rand.Text()+"\n"), 0o644)
}
