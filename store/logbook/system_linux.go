package logbook

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"lifeboat/store"
)

func datasync(fd int) error { return syscall.Fdatasync(fd) }

// networks are the file systems (statfs(2), f_type) whose locks do not hold between machines, or not always.
var networks = map[uint32]string{
	0x6969:     "NFS",
	0x517b:     "SMB",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB2",
	0x5346414f: "AFS",
	0x73757245: "Coda",
	0x564c:     "NCP",
}

func refuseNetwork(path string) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return store.DiskError(path, &fs.PathError{Op: "statfs", Path: path, Err: err})
	}
	return unfit(path, uint32(st.Type))
}

func unfit(path string, magic uint32) error {
	if name := networks[magic]; name != "" {
		return &store.ErrUnfit{Path: path, FileSystem: name}
	}
	return nil
}

// began names a process for ever: this boot, the pid namespace, and the kernel's start time of the process (proc(5),
// field 22 of stat, in ticks since boot). Alive is false for one that has ended and was not waited for.
func began(pid int) (stamp string, alive bool, err error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", false, fmt.Errorf("which boot this is: %w", err)
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", false, fmt.Errorf("which pid namespace this is: %w", err)
	}
	scope := string(bytes.TrimSpace(boot)) + "/" + strings.Trim(strings.TrimPrefix(space, "pid:"), "[]") + "/"
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return scope, false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("process %d: %w", pid, err)
	}
	// The second field is the program's name in brackets, which may itself hold brackets and spaces.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return "", false, fmt.Errorf("process %d: its stat reads %.80q", pid, stat)
	}
	state, start := fields[0], fields[19]
	return scope + start, state != "Z" && state != "X", nil
}
