package statelock

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// holderOf asks the kernel, as terraform does, whether the file is locked.
func holderOf(file string) (int, error) {
	state, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) { // what is not there nobody can hold
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer state.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	if err := syscall.FcntlFlock(state.Fd(), syscall.F_GETLK, &lock); err != nil {
		return 0, err
	}
	if lock.Type == syscall.F_UNLCK {
		return 0, nil
	}
	if lock.Pid <= 0 { // of another process namespace
		return -1, nil
	}
	return int(lock.Pid), nil
}
