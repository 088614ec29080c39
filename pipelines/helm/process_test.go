package helm

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// proc is a process as /proc tells it.
type proc struct {
	pid, parent int
	name        string
	// start tells it from a later one with the same id.
	start string
}

// processes are all that run now.
func processes(t *testing.T) map[int]proc {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Skip("SKIPPED: there is no /proc to find processes in")
	}
	found := map[int]proc{}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
		fields := strings.Fields(string(text[end+1:]))
		parent, _ := strconv.Atoi(fields[1])
		if fields[0] != "Z" {
			found[pid] = proc{pid: pid, parent: parent, name: string(text[open+1 : end]), start: fields[19]}
		}
	}
	return found
}

// below are the processes that came from one, its own first.
func below(t *testing.T, root int) []proc {
	t.Helper()
	all := processes(t)
	var found []proc
	for next := []int{root}; len(next) > 0; next = next[1:] {
		if p, there := all[next[0]]; there {
			found = append(found, p)
		}
		for _, p := range all {
			if p.parent == next[0] {
				next = append(next, p.pid)
			}
		}
	}
	return found
}

// living are those of some processes that are still there.
func living(t *testing.T, some []proc) []proc {
	t.Helper()
	all := processes(t)
	return slices.DeleteFunc(slices.Clone(some), func(p proc) bool { return all[p.pid].start != p.start })
}

func kill(some []proc) {
	for _, p := range some {
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
	}
}
