//go:build !linux

package shim

import "syscall"

func orphaned() *syscall.SysProcAttr { return nil }
