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

const (
	// patience is how long a process that was forked may take to its exec: until
	// then it has the environment of its parent, and may be the run's tool.
	patience = time.Second
	// limit ends a search on a machine where processes come and go all the time.
	limit = 15 * time.Second
)

// look goes through the processes of this machine, twice.
func look(ctx context.Context, o Owner) (Liveness, string) {
	if why := hidden(); why != "" {
		return Unknown, why
	}
	began := time.Now()
	gone := goneBy(o)
	for range 2 {
		s := search{owner: o, began: began, gone: gone}
		for {
			verdict, why, settled := s.pass()
			if verdict != Dead {
				return verdict, why
			}
			if settled {
				break
			}
			if time.Since(began) > limit {
				return Unknown, "processes come and go too fast on this machine to look at them all; try again"
			}
			select {
			case <-ctx.Done():
				return Unknown, "looking through the processes was cut off: " + ctx.Err().Error()
			case <-time.After(2 * time.Millisecond):
			}
		}
	}
	return Dead, fmt.Sprintf("on this machine, not restarted since, its process %d is gone and no process has its id in its environment", o.PID)
}

// goneBy is a time, in clock ticks, by which the run's own process was gone; 0 where it
// is there, or nobody knows.
func goneBy(o Owner) uint64 {
	p, err := readStat(o.PID)
	if err == nil && p.start == o.PIDStart && !p.ended() || err != nil && !gone(err) {
		return 0
	}
	now, err := ticks()
	if err != nil {
		return 0
	}
	return now
}

// search looks for processes of a run, in passes.
//
// A pass that is settled is a proof. Only a process of the run can bring forth
// another; it hands its environment on. /proc is listed in the order of process
// ids, and these grow, so a process that was born too late to be listed has a
// parent that was: either it was looked at, or it ended before and the pass is
// not settled. Where ids began anew, everything is looked at anew.
type search struct {
	owner Owner
	began time.Time
	// gone is a time by which the run's own process was gone, 0 where that is not known.
	gone uint64
	// cleared are processes that are not of the run, and cannot become it.
	cleared map[int]bool
	// last is the youngest process id at the end of the last pass.
	last int
}

func (s *search) pass() (verdict Liveness, why string, settled bool) {
	before, err := lastPID()
	if err == nil && before < s.last {
		s.cleared = nil
	}
	var found []int
	if err == nil {
		found, err = pids()
	}
	if err != nil {
		return Unknown, fmt.Sprintf("the processes of this machine cannot be listed: %v", err), false
	}
	verdict, settled = Dead, true
	listed := map[int]bool{}
	for _, pid := range found {
		if s.cleared[pid] {
			listed[pid] = true
			continue
		}
		is, reason, moving := s.examine(pid)
		switch {
		case is == Living: // outweighs those that cannot be looked at
			return Living, reason, true
		case is == Unknown:
			verdict, why = Unknown, reason
		case moving:
			settled = false
		default:
			listed[pid] = true
		}
	}
	s.cleared = listed // without those that have ended: their ids may be given out again
	s.last, err = lastPID()
	return verdict, why, settled && err == nil && s.last >= before
}

// examine looks at one process. Moving says that it ended or changes just now.
func (s *search) examine(pid int) (is Liveness, why string, moving bool) {
	p, err := readStat(pid)
	switch {
	case gone(err):
		return Dead, "", true
	case err != nil:
		return Unknown, fmt.Sprintf("process %d of this machine cannot be looked at: %v", pid, err), false
	case p.kernel || p.ended() || p.start < s.owner.PIDStart: // what began before the run's own process cannot come from it
		return Dead, "", false
	case pid == s.owner.PID && p.start == s.owner.PIDStart:
		return Living, fmt.Sprintf("its process %d runs on this machine", pid), false
	}
	mine, err := marked(pid, s.owner)
	switch {
	case gone(err):
		return Dead, "", true
	case err != nil && s.foreign(pid, p):
		return Dead, "", false
	case err != nil:
		return Unknown, fmt.Sprintf("process %d (%s) of this machine began after the run, and its environment cannot be read: %v", pid, command(pid), err), false
	case mine:
		return Living, fmt.Sprintf("process %d (%s) on this machine belongs to it: it has %s in its environment", pid, command(pid), EnvRun), false
	case p.forked && time.Since(s.began) < patience:
		return Dead, "", true
	case p.forked && strings.Contains("DTt", p.state) && !s.forkedLater(p) && !s.foreign(pid, p):
		return Unknown, fmt.Sprintf("process %d (%s) of this machine was forked after the run began, and stands still", pid, command(pid)), false
	}
	return Dead, "", false
}

// forkedLater says that a process that has not come to its exec was forked when the run's
// own process was gone. No other process of the run has forks without its id in their
// environment: those of a container that is being started stand still in the kernel too.
func (s *search) forkedLater(p stat) bool { return s.gone != 0 && p.start > s.gone }

// foreign says that a process is the child of one that is not of the run. Orphans of the
// run are taken in by its ancestors, which began before it, and by nobody else: so a
// parent that began after it, and has not its id, is who started the process.
func (s *search) foreign(pid int, p stat) bool {
	parent, err := readStat(p.parent)
	if err != nil || p.parent <= 1 || parent.start <= s.owner.PIDStart || parent.forked || parent.ended() {
		return false
	}
	if mine, err := marked(p.parent, s.owner); err != nil || mine {
		return false
	}
	again, err := readStat(pid) // it has the same parent still, so that this one lived all the time
	return err == nil && again.parent == p.parent && again.start == p.start
}

// lastPID is the process id that was given out last.
func lastPID() (int, error) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) != 5 {
		return 0, fmt.Errorf("/proc/loadavg has %d fields", len(fields))
	}
	return strconv.Atoi(fields[4])
}

// pids lists the processes that can be seen, in the order of their ids.
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
