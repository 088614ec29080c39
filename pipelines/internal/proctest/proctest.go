// Package proctest finds and kills processes for tests of what a kill leaves behind.
package proctest

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

// Proc is a process as /proc tells it.
type Proc struct {
	PID, Parent int
	Name        string
	// start tells it from a later one with the same id.
	start string
}

// Processes are all that run now.
func Processes(t *testing.T) map[int]Proc {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Skip("SKIPPED: there is no /proc to find processes in")
	}
	found := map[int]Proc{}
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
			found[pid] = Proc{PID: pid, Parent: parent, Name: string(text[open+1 : end]), start: fields[19]}
		}
	}
	return found
}

// Below are the processes that came from one, itself among them, parents first.
func Below(t *testing.T, root int) []Proc {
	t.Helper()
	all := Processes(t)
	var found []Proc
	for next := []int{root}; len(next) > 0; next = next[1:] {
		if p, there := all[next[0]]; there {
			found = append(found, p)
		}
		for _, p := range all {
			if p.Parent == next[0] {
				next = append(next, p.PID)
			}
		}
	}
	return found
}

// Living are those of some processes that are still there.
func Living(t *testing.T, some []Proc) []Proc {
	t.Helper()
	all := Processes(t)
	return slices.DeleteFunc(slices.Clone(some), func(p Proc) bool { return all[p.PID].start != p.start })
}

// Kill kills them; one that is gone already is no matter.
func Kill(some []Proc) {
	for _, p := range some {
		_ = syscall.Kill(p.PID, syscall.SIGKILL)
	}
}
