package ledger

import (
	"errors"
	"fmt"
	"syscall"
)

// End kills what is left of a run on this machine: orphaned terraform and providers.
// It refuses where the run's own process lives, and where the processes of this machine are not
// known to be those of the run, and returns how many it killed.
func End(o Owner) (int, error) {
	if why := elsewhere(o); why != "" {
		return 0, fmt.Errorf("ending what is left of the run %s: %s", o.Run, why)
	}
	var left []int
	names, err := pids()
	if err != nil {
		return 0, fmt.Errorf("listing the processes of this machine: %w", err)
	}
	for _, pid := range names {
		s, err := readStat(pid)
		if err != nil || s.kernel || s.ended() || s.start < o.PIDStart {
			continue
		}
		if pid == o.PID && s.start == o.PIDStart {
			return 0, fmt.Errorf("ending what is left of the run %s: its own process %d lives", o.Run, pid)
		}
		if mine, err := marked(pid, o); err != nil || !mine {
			continue
		}
		left = append(left, pid)
	}
	killed := 0
	for _, pid := range left {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return killed, fmt.Errorf("ending process %d of the run %s: %w", pid, o.Run, err)
		}
		killed++
	}
	return killed, nil
}

// Orphaned says whether the own process of a run on this machine is gone: what may still
// run of it, nobody waits for.
func Orphaned(o Owner) bool {
	if elsewhere(o) != "" {
		return false
	}
	s, err := readStat(o.PID)
	if err != nil {
		return gone(err)
	}
	return s.start != o.PIDStart || s.ended()
}
