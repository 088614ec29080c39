package ledger

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// whereabouts says which start of which machine this process runs on, and when
// the process began.
func whereabouts() (Machine, uint64, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Machine{}, 0, err
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return Machine{}, 0, err
	}
	self, err := readStat(os.Getpid())
	if err != nil {
		return Machine{}, 0, err
	}
	return Machine{Boot: strings.TrimSpace(string(boot)), PIDNamespace: namespace}, self.start, nil
}

// ticks is the time since the machine started, in the clock ticks of stat.start, which
// are hundredths of a second for whoever looks from outside of the kernel.
func ticks() (uint64, error) {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, err
	}
	seconds, hundredths, _ := strings.Cut(strings.Fields(string(text) + " ?")[0], ".")
	if len(hundredths) != 2 {
		return 0, fmt.Errorf("/proc/uptime is %q", text)
	}
	return strconv.ParseUint(seconds+hundredths, 10, 64)
}

// stat is what /proc/<pid>/stat tells of a process.
type stat struct {
	state string
	// parent is who started it or, of an orphan, who took it in.
	parent int
	// start is in clock ticks since the machine started.
	start   uint64
	threads int
	// forked says that it was forked and has not come to its exec.
	kernel, forked bool
}

// ended says whether the process does nothing any more. A process whose first
// thread has ended looks like it while others go on.
func (s stat) ended() bool { return strings.Contains("ZXx", s.state) && s.threads <= 1 }

func readStat(pid int) (stat, error) {
	file := fmt.Sprintf("/proc/%d/stat", pid)
	text, err := os.ReadFile(file)
	if err != nil {
		return stat{}, err
	}
	// The second field is the name in parentheses, which may hold anything.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 {
		return stat{}, fmt.Errorf("%s has %d fields", file, len(fields)+2)
	}
	flags, err := strconv.ParseUint(fields[6], 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("%s: %w", file, err)
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return stat{}, fmt.Errorf("%s: %w", file, err)
	}
	threads, err := strconv.Atoi(fields[17])
	if err != nil {
		return stat{}, fmt.Errorf("%s: %w", file, err)
	}
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("%s: %w", file, err)
	}
	const kernelThread, forkNoExec = 0x00200000, 0x40 // PF_KTHREAD, PF_FORKNOEXEC
	return stat{state: fields[0], parent: parent, start: start, threads: threads, kernel: flags&kernelThread != 0, forked: flags&forkNoExec != 0}, nil
}
