package planjson_test

import (
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines/planjson"
	"github.com/penstock-dev/penstock/pipelines/planjson/plangen"
)

// peak runs work and returns by how many bytes the heap was larger at most.
func peak(work func()) uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	before, most := stats.HeapSys-stats.HeapReleased, uint64(0)
	var done atomic.Bool
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for !done.Load() {
			runtime.ReadMemStats(&stats)
			most = max(most, stats.HeapSys-stats.HeapReleased)
			time.Sleep(5 * time.Millisecond)
		}
	}()
	work()
	done.Store(true)
	<-stopped
	return most - min(most, before)
}

func piped(size int64) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := plangen.Write(w, size)
		w.CloseWithError(err)
	}()
	return r
}

// A plan of 20 MB takes the memory of its largest resource, not of the plan.
func TestAPlanIsStreamed(t *testing.T) {
	changes := 0
	used := peak(func() {
		h, err := planjson.Walk(piped(20<<20), planjson.Visitor{Change: func(*tfjson.ResourceChange) error { changes++; return nil },
			Data: func(*tfjson.StateResource) error { return nil }})
		if err != nil || h.FormatVersion == "" {
			t.Error(err)
		}
	})
	if changes < 1000 || used > 16<<20 {
		t.Errorf("%d changes took %d bytes", changes, used)
	}
	t.Logf("%d changes, %d KiB", changes, used>>10)
}

// BenchmarkWalk reads 200 MB: go test -bench Walk -benchtime 1x.
func BenchmarkWalk(b *testing.B) {
	const size = 200 << 20
	b.SetBytes(size)
	for range b.N {
		b.ReportMetric(float64(peak(func() {
			if _, err := planjson.Walk(piped(size), planjson.Visitor{Change: func(*tfjson.ResourceChange) error { return nil }}); err != nil {
				b.Fatal(err)
			}
		}))/(1<<20), "MiB-peak")
	}
}
