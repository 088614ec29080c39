//go:build linux

package live_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/proctest"
)

// ofRun are the processes that have a run in their environment.
func ofRun(t *testing.T, run string) []proctest.Proc {
	t.Helper()
	var found []proctest.Proc
	for pid, p := range proctest.Processes(t) {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err == nil && slices.ContainsFunc(bytes.Split(environ, []byte{0}), func(pair []byte) bool { return string(pair) == "PENSTOCK_RUN="+run }) {
			found = append(found, p)
		}
	}
	return found
}

// until waits for something that is bound to come.
func until(t *testing.T, what string, limit time.Duration, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waiting for %s: it did not come in %v", what, limit)
		}
	}
}
