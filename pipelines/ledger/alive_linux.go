package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// looks is how many looks in a row must find nothing: between a fork and the exec
// behind it, or while a parent ends and its child goes on, one look can miss a
// process. A look during which processes ended does not count.
const looks = 3

// look goes through the processes of this machine.
func look(ctx context.Context, o Owner) (Liveness, string) {
	if why := hidden(); why != "" {
		return Unknown, why
	}
	for tries, clean := 0, 0; tries < 20*looks; tries++ {
		found := glance(o)
		switch {
		case found.verdict != Dead:
			return found.verdict, found.why
		case found.moving:
			clean = 0
		default:
			clean++
		}
		if clean == looks {
			return Dead, found.why
		}
		select {
		case <-ctx.Done():
			return Unknown, "looking through the processes was cut off: " + ctx.Err().Error()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return Unknown, "processes come and go too fast on this machine to look at them all; try again"
}

// sight is what one look at the processes tells.
type sight struct {
	verdict Liveness
	why     string
	// moving says that a process that could have been of the run ended meanwhile,
	// and may have left a child that was not looked at.
	moving bool
}

// glance looks at every process once. One that is known to be of the run
// outweighs one that cannot be looked at.
func glance(o Owner) sight {
	names, err := pids()
	if err != nil {
		return sight{verdict: Unknown, why: fmt.Sprintf("the processes of this machine cannot be listed: %v", err)}
	}
	result := sight{verdict: Dead, why: fmt.Sprintf(
		"on this machine, not restarted since, its process %d is gone and no process has its id in its environment", o.PID)}
	for _, pid := range names {
		s, err := readStat(pid)
		if gone(err) {
			result.moving = true
			continue
		}
		if err != nil {
			result.verdict, result.why = Unknown, fmt.Sprintf("process %d of this machine cannot be looked at: %v", pid, err)
			continue
		}
		// A process that began before the run's own cannot come from it, and the
		// kernel's and those that have ended do nothing for it.
		if s.kernel || s.ended() || s.start < o.PIDStart {
			continue
		}
		if pid == o.PID && s.start == o.PIDStart {
			return sight{verdict: Living, why: fmt.Sprintf("its process %d runs on this machine", pid)}
		}
		mine, err := marked(pid, o)
		switch {
		case gone(err):
			result.moving = true
		case err != nil:
			result.verdict = Unknown
			result.why = fmt.Sprintf("process %d (%s) of this machine began after the run, and its environment cannot be read: %v", pid, command(pid), err)
		case mine:
			return sight{verdict: Living, why: fmt.Sprintf("process %d (%s) on this machine belongs to it: it has %s in its environment", pid, command(pid), EnvRun)}
		}
	}
	return result
}

// pids lists the processes that can be seen.
func pids() ([]int, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var found []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			found = append(found, pid)
		}
	}
	return found, nil
}

// marked says whether the run is in the environment of a process. A process that
// shows neither an environment nor arguments is in the midst of an exec or of its
// end, and counts as gone: its like is looked at again.
func marked(pid int, o Owner) (bool, error) {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return false, err
	}
	if len(environ) == 0 {
		arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && len(arguments) == 0 {
			err = syscall.ESRCH
		}
		return false, err
	}
	return bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+o.Env()+"\x00")), nil
}

// gone says whether the error of a look is that the process has ended.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

func command(pid int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return "?"
	}
	return printable.Text(strings.TrimSpace(string(name)), 40)
}

// hidden says why /proc may not show every process; empty where it does.
func hidden() string {
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		return "/proc is not that of this process namespace"
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Sprintf("how /proc is mounted cannot be read: %v", err)
	}
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[4] != "/proc" {
			continue
		}
		_, options, _ := strings.Cut(line, " - proc ")
		if strings.Contains(options, "hidepid=") && !strings.Contains(options, "hidepid=0") && !strings.Contains(options, "hidepid=off") && os.Geteuid() != 0 {
			return "/proc hides the processes of other users here (hidepid)"
		}
	}
	return ""
}
