package ledger

import (
	"errors"
	"fmt"
	"syscall"
)

// End kills what is left of a run on this machine: orphaned terraform and providers,
// and the run's own process. It refuses where the processes of this machine are not
// known to be those of the run, and returns how many it killed.
func End(o Owner) (int, error) {
	if why := elsewhere(o); why != "" {
		return 0, fmt.Errorf("ending what is left of the run %s: %s", o.Run, why)
	}
	killed := 0
	names, err := pids()
	if err != nil {
		return 0, fmt.Errorf("listing the processes of this machine: %w", err)
	}
	for _, pid := range names {
		s, err := readStat(pid)
		if err != nil || s.kernel || s.ended() || s.start < o.PIDStart {
			continue
		}
		mine, err := marked(pid, o)
		if pid == o.PID && s.start == o.PIDStart {
			mine, err = true, nil
		}
		if err != nil || !mine {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return killed, fmt.Errorf("ending process %d of the run %s: %w", pid, o.Run, err)
		}
		killed++
	}
	return killed, nil
}
