package harness

import (
	"os"
	"strconv"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/deployed/record"
)

// whereabouts is what pipelines/ledger says of a process. What is left out there can only
// keep a run from being proven dead.
func whereabouts() (m record.Machine, start uint64) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return m, 0
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return m, 0
	}
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return m, 0
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return m, 0
	}
	if start, err = strconv.ParseUint(fields[19], 10, 64); err != nil {
		return m, 0
	}
	return record.Machine{Boot: strings.TrimSpace(string(boot)), PIDNamespace: namespace}, start
}
