package shim

import "syscall"

// orphaned asks a terraform to stop whose shim was killed.
func orphaned() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT} }
