package ssh

import (
	"io/fs"
	"os"
	"syscall"
)

// ownGroup puts a child into a process group of its own: a key pressed at the terminal does not reach it, and it can be
// ended with all that it started.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends the group of a child that has not been waited for, so its number cannot be another's.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// mine says whether the file belongs to this user.
func mine(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
