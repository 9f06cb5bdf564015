//go:build !linux

package emulator

import "syscall"

func childAttr() *syscall.SysProcAttr { return nil }
