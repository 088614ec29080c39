package sweep

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// startOf is when a process began, in ticks; 0 where the system does not tell.
func startOf(t *testing.T, pid int) uint64 {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Skip("SKIPPED: this system does not tell when a process began")
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return start
}
