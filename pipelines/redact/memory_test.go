package redact_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/redact"
)

// Of a resource with many attributes, one of which changes, one is kept.
func TestWhatDoesNotChangeIsNotKept(t *testing.T) {
	var same strings.Builder
	for i := range 400 {
		fmt.Fprintf(&same, `"attribute_%d":"%s",`, i, strings.Repeat("x", 200))
	}
	r, w := io.Pipe()
	go func() {
		fmt.Fprint(w, `{"format_version":"1.2","resource_changes":[`)
		for i := range 400 {
			if i > 0 {
				fmt.Fprint(w, ",")
			}
			fmt.Fprintf(w, `{"address":"a.x[%d]","mode":"managed","type":"a","name":"x","change":{"actions":["update"],"before":{%[2]s"n":1},"after":{%[2]s"n":2}}}`, i, same.String())
		}
		fmt.Fprint(w, `]}`)
		w.Close()
	}()
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before, most := heap(), uint64(0)
	s, err := redact.Summarise(&counting{r, func() { most = max(most, heap()) }, 0}, redact.Options{})
	if err != nil || len(s.Root.Changes) != 400 || len(s.Root.Changes[0].Attributes) != 1 {
		t.Fatal(len(s.Root.Changes), err)
	}
	if used := most - min(most, before); used > 24<<20 {
		t.Errorf("64 MB of changes take %d bytes", used)
	} else {
		t.Logf("64 MB of changes take %d KiB", used>>10)
	}
}

// counting calls now and then while it is read.
type counting struct {
	io.Reader
	now  func()
	read int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.read += n; c.read > 4<<20 {
		c.read = 0
		c.now()
	}
	return n, err
}
